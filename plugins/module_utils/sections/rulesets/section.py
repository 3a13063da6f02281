# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(rulesets): which backend of the kernel filters by the rules of iptables.

The rules are carried from the other backend: tried there first, restored there, and only when both hold the same and the
iptables command speaks to the wanted backend, taken out of the other. At no moment is the host without them, and a run
that is cut anywhere leaves them in one backend or in both.
"""

from __future__ import annotations

import typing as t

from ...core.engine import ACTIVATE, CONFIGURE, PREPARE, PREPARED, Action
from ...core.errors import Problem
from ...core.host_io import Target, leads_somewhere
from ...core.planning import Context, Planned
from ...facts.kernel_modules import available
from ...shared.unit import UnitState
from .actions import ACTIONS, CarryAction, ClearAction, ServiceAction
from .backends import FAMILIES, OTHER, offered, uncarried, used
from .state import FIREWALLS, WRITERS, State, gather

__all__ = ["ACTIONS", "OPTIONS", "gather", "impossible", "plan", "validate"]

FIREWALL_CHOICES = ["refuse", "keep", "stop"]

OPTIONS: dict[str, t.Any] = {
    "backend": {"type": "str", "choices": ["legacy", "nft"], "required": True},
    "carry": {"type": "bool", "default": True},
    "firewalld": {"type": "str", "choices": FIREWALL_CHOICES, "default": "refuse"},
    "nftables": {"type": "str", "choices": FIREWALL_CHOICES, "default": "refuse"},
}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    if len(wants) > 1:
        return [Problem(
            "rulesets.twice", "rulesets", "more than one wish is given", "A host has one backend: leave the others out")]
    return []


def impossible(target: Target, wants: t.Sequence[dict[str, t.Any]], stream: int) -> list[Problem]:
    """Return why no package can fulfil a wish here: the running kernel has no such backend."""
    if not any(want["backend"] == "legacy" for want in wants):
        return []
    modules = available(target.root, target.run(["uname", "-r"]).strip(), ["ip_tables"])
    if "ip_tables" in modules.loaded or "ip_tables" in modules.offered.get(modules.running, ()):
        return []
    # A container sees the kernel of its machine, and not that kernel's modules.
    if modules.running not in modules.offered and leads_somewhere(target.path(FAMILIES["ip"][1])):
        return []
    able = [kernel for kernel, names in modules.offered.items() if names]
    stock = "; the stock kernel of Stream 10 is built without it" if stream == 10 else ""
    return [Problem(
        "rulesets.no_legacy_module",
        "iptables with the legacy backend is wanted", f"the running kernel {modules.running} has no module ip_tables{stock}",
        f"Boot {' or '.join(able)}, which has it, and run again" if able
        else "Stay with the nft backend, or install and boot a kernel that has ip_tables")]


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what brings the rules into the wanted backend, and takes them out of the other."""
    want = wants[0]
    to, source = want["backend"], OTHER[want["backend"]]
    problems = list(state.rejected)
    if to not in state.installed and not context.items:
        problems.append(Problem(
            "rulesets.no_restore_tool",
            f"backend {to} of iptables is wanted", f"iptables-{to}-restore is not installed", f"Install iptables-{to}"))
    firewalls = _firewalls(want, state.units)
    actions: list[Action] = []
    if want["carry"]:
        problems += uncarried(state.rules[source], state.rules[to], source, to)
        actions += _carrying(state, source, to)
    elif state.current != to:
        actions.append(_clearing(state, source, to, carried=False))
    stops = firewalls.actions
    # Stopping nftables.service flushes what iptables-nft made, too.
    actions = stops + actions if to == "nft" else actions + stops
    for stop in stops:
        stop.phase = PREPARE if to == "nft" else ACTIVATE
    warnings = firewalls.warnings + _told(want, state, bool(actions))
    return Planned(actions, problems + firewalls.problems, [], warnings)


def _carrying(state: State, source: str, to: str) -> list[Action]:
    """Return the two steps. They come before the packages where these are not needed: packages may go, too."""
    actions: list[Action] = []
    before = to in state.installed
    texts = offered(state.rules[source], state.rules[to])
    if texts:
        carried = "".join(f"# {FAMILIES[family][0]}\n{text}" for family, text in texts.items())
        action = CarryAction(
            f"rules of {', '.join(FAMILIES[family][0] for family in texts)} to {to}", f"the {source} backend has rules",
            {"source": source, "to": to}, "", carried)
        action.phase = PREPARE if before else CONFIGURE
        actions.append(action)
    if used(state.rules[source]) or state.current != to:
        actions.append(_clearing(state, source, to, carried=True))
        actions[-1].phase = PREPARED if before else ACTIVATE
    return actions


def _clearing(state: State, source: str, to: str, carried: bool) -> ClearAction:
    left = used(state.rules[source]) if carried else []
    return ClearAction(
        f"backend {source}", f"iptables is to filter through {to} alone", {"source": source, "to": to, "carried": carried},
        "".join(f"{source}: {table}\n" for table in left), "")


def _firewalls(want: dict[str, t.Any], units: dict[str, UnitState]) -> Planned:
    """Return what becomes of the services that filter through nftables themselves."""
    planned = Planned([], [], [], [])
    for name, why in FIREWALLS.items():
        unit, state = f"{name}.service", units[f"{name}.service"]
        if not (state.active or state.enabled):
            continue
        if want[name] == "stop":
            planned.actions.extend(
                ServiceAction.of(unit, aspect, False) for aspect in ("enabled", "active") if getattr(state, aspect))
        elif want["backend"] == "legacy" and want[name] == "refuse":
            planned.problems.append(Problem(
                "rulesets.firewall_service", f"{unit} is {'active' if state.active else 'enabled'}", why,
                f"Say '{name}: stop' to stop and disable it, or '{name}: keep' to have both", subject=unit))
        elif want["backend"] == "legacy":
            planned.warnings.append(f"{unit} is kept: {why}")
    return planned


def _told(want: dict[str, t.Any], state: State, busy: bool) -> list[str]:
    """Return what a person should know of rules that this section leaves where they are."""
    to, source = want["backend"], OTHER[want["backend"]]
    told = []
    if to == "legacy" and state.native:
        told.append(
            f"Tables of nftables itself stay, and packets pass them as well as the rules of iptables: {', '.join(state.native)}")
    if to == "legacy" and state.native is None and busy:
        told.append("Whether nftables itself has rules could not be told: nft is not installed")
    left = used(state.rules[source])
    if left and not want["carry"]:
        told.append(f"Rules of the {source} backend stay in force, and iptables does not show them: {', '.join(left)}")
    writers = [unit for unit in WRITERS if state.units[unit].active]
    if writers and busy:
        told.append(
            f"{', '.join(writers)} writes rules through iptables itself: what it wrote is carried with the rest, and from now on "
            f"it writes to the {to} backend")
    return told
