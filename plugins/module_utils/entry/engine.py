# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The glue that modules of the engine share: arguments in, one run, result out."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import modes, retention, run as engine_run
from ..core.bindings import need_bindings
from ..core.errors import Problem, Refused
from ..core.host_io import Target
from ..core.registry import Registry, Wishes
from ..facts import baseline, gather, kind
from ..packages.keys import normal_fingerprint
from ..sections.registry import REGISTRY
from ..tables.keys import HYPERSCALE_KEY
from ..verify import snapshot
from . import admission, finishing, stock, wording
from .target import target_of
from .telling import ending

WAYS: dict[str, t.Any] = {
    "lock_timeout": {"type": "int", "default": 300},
    "key_fingerprints": {"type": "list", "elements": "str", "default": [HYPERSCALE_KEY.fingerprint], "no_log": False},
    "controller": {"type": "str"},
    "way_back": {"type": "str", "choices": ["exact", "available"], "default": "exact"},
    "saved_days": {"type": "int", "default": 0},
    **wording.CALLERS,
}

# The groups of host_info that say whether a run left the host whole.
FACTS = ("packages", "kernel", "systemd", "boot", "reboot")

SECTION_OPTIONS = REGISTRY.options
# A run that neither brings a host to wishes nor takes steps back.
Instead = t.Callable[[Target, Registry, engine_run.Ways], engine_run.Report]


def sections_spec() -> dict[str, t.Any]:
    """Return the argument spec of all sections, each a list of wishes."""
    return {
        name: {"type": "list", "elements": "dict", "default": [], "options": options}
        for name, options in SECTION_OPTIONS.items()
    }


@ending
def run(module: AnsibleModule, wishes: Wishes | None, undo: t.Sequence[str] = (), instead: Instead | None = None) -> None:
    """Carry out one run and end the module. C(undo) names the sections to take back, C(instead) is a run of another kind."""
    admission.need_root(module)
    need_bindings(module, "rpm", "dnf", "hawkey")
    # dnf and rpm work within this process.
    os.umask(modes.UMASK)
    target = target_of(module, not module.check_mode)
    stream = admission.supported_stream(module, target)
    ways = ways_of(module, stream)
    if instead is not None:
        report = instead(target, REGISTRY, ways)
    elif wishes is None:
        report = engine_run.undo(target, REGISTRY, undo, ways)
    else:
        report = engine_run.converge(target, REGISTRY, wishes, ways)
    if not module.check_mode:
        snapshot.prune(target, retention.oldest_needed(target))
    fingerprints = engine_run.pinned(REGISTRY, wishes, ways)
    changed = bool(report.plan.actions) or (instead is not None and bool(report.left))
    module.exit_json(changed=changed, **told(module, target, report, fingerprints))


def told(module: AnsibleModule, target: Target, report: engine_run.Report, fingerprints: t.Sequence[str]) -> dict[str, t.Any]:
    """Return what every run of the engine returns, and pass its warnings on."""
    for warning in report.plan.warnings:
        module.warn(warning)
    if report.interrupted:
        module.warn("An earlier run was cut short: {outcome} (run {run}, step {step})".format(**report.interrupted))
        for left in report.left:
            module.warn(left)
    host = _facts(target, fingerprints)
    return {
        "run_id": report.run, "actions": [action.describe() for action in report.plan.actions],
        "pending": [pending._asdict() for pending in report.plan.pending],
        "diff": [action.diff() for action in report.plan.actions], "interrupted": report.interrupted, "host": host,
        "reboot": host["reboot"], "left": report.left,
        "snapshot": snapshot.newest_after(target, *report.before) if report.before else None}


def to_stock(module: AnsibleModule) -> Instead:
    """Return the run that brings all Hyperscale builds of a host to stock without the ledger."""
    def go(target: Target, registry: Registry, ways: engine_run.Ways) -> engine_run.Report:
        builds = _facts(target, ways.key_fingerprints)["packages"]["hyperscale"]
        return stock.go(target, registry, ways, builds, module.params["erase"])

    return go


def ways_of(module: AnsibleModule, stream: int) -> engine_run.Ways:
    """Return how to go about it."""
    fingerprints = [normal_fingerprint(text) for text in module.params["key_fingerprints"]]
    if not all(fingerprints):
        raise Refused(Problem(
            "option.key_fingerprints",
            "key_fingerprints", "one of them is not 40 hex digits", "Give the full fingerprint of each key"))
    return engine_run.Ways(
        module.check_mode, stream, module.params["lock_timeout"], fingerprints,
        module.params["controller"] or "a controller that did not say its name", module.params.get("proven", False),
        module.params["way_back"], module.params["saved_days"], finisher=finishing.ENTRY,
        broken=lambda: _broken(module, fingerprints))


def _broken(module: AnsibleModule, fingerprints: t.Sequence[str]) -> dict[str, t.Any]:
    """Return what is broken on the host; what of it cannot be read is told."""
    here = kind.of_this_host()
    if not here.runs:
        return {}
    probe = _asking(target_of(module))
    packages = gather.gather(probe, fingerprints, ("packages",), kind=here)["packages"]
    return baseline.take(
        probe, lambda what, reason: module.warn(f"{what} of this host cannot be read before the run: {reason}"), packages)


def _facts(target: Target, fingerprints: t.Sequence[str]) -> dict[str, t.Any]:
    """Return the facts that a run is judged by, as host_info reports them."""
    return gather.gather(_asking(target), fingerprints, FACTS, kind=kind.of_this_host())


def _asking(target: Target) -> t.Callable[[t.Sequence[str]], tuple[int, str, str]]:
    """Return the door to a host's commands as the facts take it."""
    def probe(argv: t.Sequence[str]) -> tuple[int, str, str]:
        status, out = target.probe(argv)
        return status, out, ""

    return probe
