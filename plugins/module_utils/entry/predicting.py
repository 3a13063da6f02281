# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue of the modules that verify: arguments in, one report, and an end that follows C(fail_on)."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import run
from ..core.bindings import need_bindings
from ..core.errors import Problem, Refused
from ..facts import kind
from ..facts.view import View
from ..sections.registry import REGISTRY
from ..verify import bugs, report, snapshot
from ..verify.checks import PREDICT
from . import admission, engine, wording
from .target import target_of
from .telling import ending

WAIVER_OPTIONS = {
    "key": {"type": "str", "required": True, "no_log": False},
    "by": {"type": "str", "required": True},
    "reason": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
}


def judging(*more: str) -> dict[str, t.Any]:
    """Return the options of a module that reports findings; C(more) are thresholds that only it has."""
    return {
        "waivers": {"type": "list", "elements": "dict", "default": [], "options": WAIVER_OPTIONS},
        "fail_on": {"type": "str", "choices": [*report.FAIL_ON, *more], "default": report.NEVER},
    }


@ending
def on_host(module: AnsibleModule) -> None:
    """Predict on this host what the wanted sections would break, and end the module."""
    admission.need_root(module)
    need_bindings(module, "rpm", "dnf", "hawkey")
    target = target_of(module)
    stream = admission.supported_stream(module, target, changes=False)
    report.validate_waivers(module.params["waivers"])
    ways = engine.ways_of(module, stream)._replace(check=True)
    wishes = REGISTRY.wishes_of(module.params)
    # Check mode writes nothing, not even what was asked to be kept.
    kept = None if module.check_mode else module.params["cache"]
    seen = _Seen(kept or os.path.join(target.tmpdir, "headers"))
    plan, problems = run.foresee(target, REGISTRY, wishes, ways, seen.look)
    # Such a finding has the code of its check, so the words are chosen while there is that of the problem.
    refusals = [wording.worded(problem, wording.roles_of(module)) for problem in problems]
    found = seen.report(View("/", target.probe, kind=kind.of_this_host()), refusals, module.params["waivers"])
    told = engine.told(module, target, plan, run.pinned(REGISTRY, wishes, ways))
    finish(module, found, unproven=snapshot.unproven(target), **told)


class _Seen:
    """What was seen of a transaction. A host that has none is spared the loading of all that judges one."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._witness: t.Any = None

    def look(self, *what: t.Any) -> None:
        """Look at a transaction while dnf has it open."""
        from ..verify import predict
        self._witness = predict.Witness(self._folder)
        self._witness.look(*what)

    def report(
        self, view: View, problems: t.Sequence[Problem], waivers: t.Sequence[dict[str, t.Any]],
    ) -> dict[str, t.Any]:
        """Return what there is to say."""
        if self._witness is None and not problems:
            return report.idle(view)
        from ..verify import predict
        return predict.predict(view, self._witness or predict.Witness(self._folder), problems, waivers)


@ending
def on_files(module: AnsibleModule) -> None:
    """Compare two lists of package files and end the module."""
    need_bindings(module, "rpm")
    named = [name for name in engine.SECTION_OPTIONS if module.params[name]]
    if named:
        raise Refused(Problem(
            "option.files_and_host",
            f"old and new are given with {', '.join(named)}", "package files are compared without a host",
            "Give package files, or what a host is to be"))
    from ..verify import compare
    finish(module, compare.compare(module.params["old"], module.params["new"], module.params["waivers"]))


def finish(module: AnsibleModule, found: dict[str, t.Any], **more: t.Any) -> None:
    """End the module with a report; it fails only where C(fail_on) asks for it."""
    roles = wording.roles_of(module)
    found = {**found, "findings": [wording.finding(finding, roles) for finding in found["findings"]]}
    threshold = module.params["fail_on"]
    thresholds = report.FAIL_ON if found["phase"] == PREDICT else (*report.FAIL_ON, report.UNFORESEEN)
    # Verdict and findings are laid beside the report on the controller (plugin_utils/reporting.py).
    result = {
        "report": found, "text": report.text(found),
        "bug_reports": bugs.reports(found), "reached": {name: report.reached(found, name) for name in thresholds}, **more}
    if report.reached(found, threshold):
        module.fail_json(msg=report.text(found, threshold), refused=True, problems=[], **result)
    module.exit_json(changed=False, **result)
