# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of host_snapshot and proof_info: the live host as the checks see it, arguments in, result out."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .. import _catalog, _host_os, _host_read, _journal, _rpmdb
from .._errors import Refused
from .._module import ENVIRONMENT
from .._python import need_bindings
from .._target import Target
from . import gather, prove, report, smoke
from .snapshot import checked_id, complete, load, place, save
from .view import NOT_FOUND, View


def view_of(module: AnsibleModule) -> View:
    """Return the live host. What a command says on its error output comes after the rest."""
    def run(argv: t.Sequence[str]) -> tuple[int, str]:
        try:
            status, out, err = module.run_command(list(argv), environ_update=ENVIRONMENT, handle_exceptions=False)
        except OSError:
            return NOT_FOUND, ""
        return status, out + err
    return View("/", run)


def target_of(module: AnsibleModule) -> Target:
    """Return the door to the state directory."""
    def run(argv: t.Sequence[str]) -> tuple[int, str, str]:
        return module.run_command(list(argv), environ_update=ENVIRONMENT, handle_exceptions=False)
    return Target(run, module.tmpdir)


def take_snapshot(module: AnsibleModule) -> None:
    """Carry out host_snapshot and end the module."""
    need_bindings(module, "rpm")
    target, view = target_of(module), view_of(module)
    try:
        _need_supported(module, view)
        snapshot = checked_id(module.params["id"] or _journal.new_run_id())
        if complete(target, snapshot):
            # What the host was before must not become what it is now, when a play is run again.
            kept = load(target, snapshot)
            module.exit_json(changed=False, id=snapshot, path=place(snapshot), summary=summary(kept.content, kept.headers))
        ts = _rpmdb.transaction_set()
        prediction = module.params["prediction"]
        names = {*module.params["names"], *(package["name"] for package in (prediction or {}).get("packages", ()))}
        names = sorted(names) or known_names(ts)
        content, headers = gather.take(view, ts, names), gather.blobs(ts, names)
        if content["packages"] is None:
            module.fail_json(msg=f"The installed packages cannot be read: {content['unreadable']}", problems=[], refused=True)
        if not module.check_mode:
            save(target, snapshot, content, headers, prediction)
    except Refused as error:
        _refuse(module, error)
        return
    for entry in content["unreadable"]:
        module.warn("The snapshot lacks {what}, so what rests on it cannot be proven: {reason}".format(**entry))
    module.exit_json(changed=True, id=snapshot, path=place(snapshot), summary=summary(content, headers))


def known_names(ts: t.Any) -> list[str]:
    """Return the installed packages of the known families and those that have a command to try."""
    sources = {source for family in _catalog.FAMILIES.values() for source in family.sources}
    installed = _rpmdb.installed(ts)
    return sorted({package.name for package in installed if package.source in sources or package.name in smoke.COMMANDS})


def summary(content: dict[str, t.Any], headers: t.Mapping[str, bytes]) -> dict[str, t.Any]:
    """Return what a person wants to know of a snapshot."""
    return {
        "time": content["time"],
        "packages": sorted(headers),
        "installed": len(content["packages"]),
        "files": None if content["files"] is None else len(content["files"]),
        "units": None if content["units"] is None else len(content["units"]),
        "failed_units": None if content["units"] is None else sorted(
            unit for unit, said in content["units"].items() if said.get("ActiveState") == "failed"),
        "unreadable": content["unreadable"],
    }


def compare_with_snapshot(module: AnsibleModule) -> None:
    """Carry out proof_info and end the module."""
    need_bindings(module, "rpm")
    target, view = target_of(module), view_of(module)
    options = module.params
    try:
        _need_supported(module, view)
        report.validate_waivers(options["waivers"])
        snapshot = load(target, options["snapshot"])
        time.sleep(options["settle"])
        whole, findings = prove.prove(snapshot, view, _rpmdb.transaction_set(), options["phase"], options["waivers"])
    except Refused as error:
        _refuse(module, error)
        return
    reached = report.at_or_above(findings, options["fail_on"])
    if reached:
        module.fail_json(msg=report.words(whole, reached), report=whole, refused=False, problems=[])
    module.exit_json(changed=False, report=whole)


def _need_supported(module: AnsibleModule, view: View) -> None:
    """End the module where the host is none of ours."""
    try:
        system = _host_os.gather(view.root)
    except _host_read.Unreadable:
        system = _host_os.UNKNOWN
    refusal = _host_os.system_refusal(system) or _host_os.arch_refusal(system, view.run(["uname", "-m"])[1].strip())
    if refusal:
        module.fail_json(msg=refusal, problems=[], refused=True)


def _refuse(module: AnsibleModule, error: Refused) -> None:
    module.fail_json(msg=str(error), problems=[problem._asdict() for problem in error.problems], refused=True)
