# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of host_snapshot and proof_info: the live host as the checks see it, arguments in, result out."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import guard, ledger, run as engine_run, undo
from ..core.bindings import need_bindings
from ..core.errors import Problem, Refused
from ..core.host_io import status_of
from ..facts import kind
from ..facts.view import NOT_FOUND, View
from ..packages import rpmdb
from ..sections.registry import REGISTRY
from ..tables import families as table_of_families
from ..verify import gather, prove, report
from ..verify.proven import smoke
from ..verify.scenes import Course
from ..verify.snapshot import checked_id, complete, load, place, save, settle
from . import admission, predicting
from .target import ENVIRONMENT, target_of
from .telling import ending


def view_of(module: AnsibleModule) -> View:
    """Return the live host. What a command that failed, or said nothing else, has on its error output counts as well."""
    def run(argv: t.Sequence[str]) -> tuple[int, str]:
        try:
            status, out, err = module.run_command(list(argv), environ_update=ENVIRONMENT, handle_exceptions=False)
        except OSError as error:
            return status_of(error), str(error) if status_of(error) != NOT_FOUND else ""
        return status, out if status == 0 and out else out + err
    return View("/", run, may_try=not module.check_mode, kind=kind.of_this_host())


@ending
def take_snapshot(module: AnsibleModule) -> None:
    """Carry out host_snapshot and end the module."""
    admission.need_root(module)
    need_bindings(module, "rpm")
    target = target_of(module)
    admission.supported_stream(module, target, changes=False)
    snapshot = checked_id(module.params["id"] or ledger.new_id())
    if complete(target, snapshot):
        # What the host was before must not become what it is now, when a play is run again.
        kept = load(target, snapshot)
        news = module.params["state"] == "proven" and settle(target, snapshot, module.check_mode)
        module.exit_json(changed=news, id=snapshot, path=place(snapshot), summary=summary(kept.content, kept.headers))
    if module.params["state"] == "proven":
        load(target, snapshot)  # says why there is none that can be used
    ts = rpmdb.transaction_set()
    prediction = module.params["prediction"]
    named = {*module.params["names"], *(package["name"] for package in (prediction or {}).get("packages", ()))}
    names = sorted(named) or known_names(ts)
    content, headers = gather.take(view_of(module), ts, names), gather.blobs(ts, names)
    if content["packages"] is None:
        raise Refused(Problem(
            "snapshot.packages_unreadable",
            "the installed packages cannot be read", "; ".join(entry["reason"] for entry in content["unreadable"]),
            f"Mend the package database. {rpmdb.REPAIR}"))
    if not module.check_mode:
        save(target, snapshot, content, headers, prediction)
    for entry in content["unreadable"]:
        module.warn("The snapshot lacks {what}, so what rests on it cannot be proven: {reason}".format(**entry))
    module.exit_json(changed=True, id=snapshot, path=place(snapshot), summary=summary(content, headers))


def known_names(ts: t.Any) -> list[str]:
    """Return the installed packages of the known families and those that have a command to try."""
    sources = {source for family in table_of_families.FAMILIES.values() for source in family.sources}
    installed = rpmdb.installed(ts)
    return sorted({package.name for package in installed if package.source in sources or package.name in smoke.COMMANDS})


def summary(content: dict[str, t.Any], headers: t.Mapping[str, bytes]) -> dict[str, t.Any]:
    """Return what a person wants to know of a snapshot."""
    units = content["units"]
    return {
        "time": content["time"],
        "packages": sorted(headers),
        "installed": len(content["packages"]),
        "files": None if content["files"] is None else len(content["files"]),
        "units": None if units is None else len(units),
        "failed_units": None if units is None else sorted(
            unit for unit, said in units.items() if said.get("ActiveState") == "failed"),
        "unreadable": content["unreadable"],
    }


@ending
def compare_with_snapshot(module: AnsibleModule) -> None:
    """Carry out proof_info and end the module."""
    admission.need_root(module)
    need_bindings(module, "rpm")
    target = target_of(module)
    admission.supported_stream(module, target, changes=False)
    options = module.params
    snapshot = load(target, options["snapshot"])
    for record in guard.untold(target):
        module.warn(record.words)
    time.sleep(options["settle"])
    since = undo.began(target, snapshot.time) if options["phase"] == report.ROLLBACK else snapshot.time
    found = prove.prove(
        snapshot, view_of(module), rpmdb.transaction_set(), options["phase"], options["waivers"],
        Course(since, *engine_run.turned(target, REGISTRY), ledger.baseline(target)))
    predicting.finish(module, found)
