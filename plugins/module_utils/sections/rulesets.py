# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(rulesets): which backend of the kernel filters by the rules of iptables.

The rules are carried from the other backend: tried there first, restored there, and only when both hold the same and the
iptables command speaks to the wanted backend, taken out of the other. At no moment is the host without them, and a run
that is cut anywhere leaves them in one backend or in both.
"""

from __future__ import annotations

import json
import tempfile
import typing as t

from ..core.engine import ACTIVATE, CONFIGURE, PREPARE, PREPARED, Action
from ..core.errors import Failed, Problem
from ..core.host_io import NOT_THERE, STATE_DIR, FileState, Target, leads_somewhere
from ..core.planning import Context, Planned
from ..facts import legacy
from ..facts.kernel_modules import available
from ..shared.unit import UnitAction, UnitState, gather as gather_units
from ..text.rulesets import NOTHING, Saved, cut, differences, emptied, native, parse, unprintable

FIREWALL_CHOICES = ["refuse", "keep", "stop"]

OPTIONS: dict[str, t.Any] = {
    "backend": {"type": "str", "choices": ["legacy", "nft"], "required": True},
    "carry": {"type": "bool", "default": True},
    "firewalld": {"type": "str", "choices": FIREWALL_CHOICES, "default": "refuse"},
    "nftables": {"type": "str", "choices": FIREWALL_CHOICES, "default": "refuse"},
}

SECTION = "rulesets"
OTHER = {"legacy": "nft", "nft": "legacy"}
# What iptables -V calls the backends.
SPOKEN = {"legacy": "legacy", "nf_tables": "nft"}
# By family: the programs' first word, the kernel's list of legacy tables, and where iptables-services keeps its rules.
FAMILIES = {
    "ip": ("iptables", "/proc/net/ip_tables_names", "/etc/sysconfig/iptables"),
    "ip6": ("ip6tables", "/proc/net/ip6_tables_names", "/etc/sysconfig/ip6tables"),
}
LOCK_SECONDS = 30

# Services that filter through nftables whatever the backend of iptables is, by the option that says what to do with them.
FIREWALLS = {
    "firewalld": "it filters through nftables, and with the legacy backend both would filter, neither seeing the other's rules",
    "nftables": "it loads rules of nftables, and flushes all of nftables when it starts and stops",
}
# Services that write rules through the iptables command while they run.
WRITERS = ("docker.service", "libvirtd.service", "virtnetworkd.service", "fail2ban.service")

Rules = dict[str, Saved]


class State(t.NamedTuple):
    """What the section decides on: the backend that iptables speaks to (None: no iptables), the backends whose programs are
    installed, the rules of each backend by family, units, tables of nftables itself (None: they could not be listed), and why
    the wanted backend does not take what it would be given."""

    current: str | None
    installed: set[str]
    rules: dict[str, Rules]
    units: dict[str, UnitState]
    native: list[str] | None
    rejected: list[Problem]


class CarryAction(Action):
    """Puts the rules of one backend into the other, too. What the other had in the same tables is the same, or nothing."""

    section = SECTION
    kind = "ruleset-carry"
    phase = CONFIGURE

    def apply(self, target: Target) -> None:
        carry(target, self.args["source"], self.args["to"])

    def undo(self, target: Target) -> None:
        clear(target, self.args["to"], self.args["source"])

    def verify(self, target: Target) -> None:
        source, there = read(target, self.args["source"]), read(target, self.args["to"])
        raise_for(unlike(source, there), self.args["source"], self.args["to"])


class ClearAction(Action):
    """Takes the rules out of a backend, now that the other has the same and is the one that iptables speaks to."""

    section = SECTION
    kind = "ruleset-clear"
    phase = ACTIVATE

    def apply(self, target: Target) -> None:
        self._speaks(target)
        if self.args["carried"]:
            clear(target, self.args["source"], self.args["to"])

    def undo(self, target: Target) -> None:
        if self.args["carried"]:
            carry(target, self.args["to"], self.args["source"])

    def verify(self, target: Target) -> None:
        self._speaks(target)
        left = used(read(target, self.args["source"])) if self.args["carried"] else []
        if left:
            raise Failed(Problem(
                f"the {self.args['source']} backend still has rules", f"in {', '.join(left)}",
                "Find out what writes them, and have it speak to the other backend"))

    def _speaks(self, target: Target) -> None:
        spoken = current(target)
        if spoken != self.args["to"]:
            raise Failed(Problem(
                f"iptables -V says that it speaks to backend {spoken or 'none'}", f"wanted is {self.args['to']}",
                "Select it with the alternatives family iptables. The old rules were left in force"))


class ServiceAction(UnitAction):
    """Stops a service that would filter beside iptables, and keeps it from starting at boot."""

    section = SECTION
    kind = "ruleset-service"


ACTIONS = {action.kind: action for action in (CarryAction, ClearAction, ServiceAction)}


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    if len(wants) > 1:
        return [Problem("rulesets", "more than one wish is given", "A host has one backend: leave the others out")]
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
        "iptables with the legacy backend is wanted", f"the running kernel {modules.running} has no module ip_tables{stock}",
        f"Boot {' or '.join(able)}, which has it, and run again" if able
        else "Stay with the nft backend, or install and boot a kernel that has ip_tables")]


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read the rules of both backends, and try whether the wanted one takes those of the other."""
    want = wants[0]
    rules = {backend: read(target, backend) for backend in OTHER}
    services = [f"{name}.service" for name in (*FIREWALLS, *(row[0] for row in FAMILIES.values()))]
    units = gather_units(target, [{"name": name} for name in (*services, *WRITERS)])
    have = {backend for backend in OTHER if _is_installed(target, backend)}
    rejected = []
    if want["carry"] and want["backend"] in have and not _would_load(target, want["backend"]):
        rejected = _rejected(target, want["backend"], _offered(rules[OTHER[want["backend"]]], rules[want["backend"]]))
        rejected += _rejected(target, want["backend"], _kept_for_boot(target, units), "at boot ")
    listing = _listing(target)
    return State(current(target), have, rules, units, None if listing is None else native(listing), rejected)


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what brings the rules into the wanted backend, and takes them out of the other."""
    want = wants[0]
    to, source = want["backend"], OTHER[want["backend"]]
    problems = list(state.rejected)
    if to not in state.installed and not context.items:
        problems.append(Problem(
            f"backend {to} of iptables is wanted", f"iptables-{to}-restore is not installed", f"Install iptables-{to}"))
    firewalls = _firewalls(want, state.units)
    actions: list[Action] = []
    if want["carry"]:
        problems += _uncarried(state.rules[source], state.rules[to], source, to)
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
    texts = _offered(state.rules[source], state.rules[to])
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


def _uncarried(source: Rules, there: Rules, name: str, to: str) -> list[Problem]:
    """Return what cannot be carried: tables that only nft(8) can print, and tables that both backends have, differently."""
    problems = [
        Problem(f"table {table} of {FAMILIES[family][0]} in the {name} backend",
                "it holds what only nft can write, so the other backend cannot take it over",
                f"Move these rules to a table of nftables of their own ('nft list table {family} {table}' shows them)")
        for family, saved in source.items() for table in saved.incompatible]
    wrong = conflicts(source, there)
    if wrong:
        problems.append(Problem(
            f"the {name} and the {to} backend both have rules, and not the same", "; ".join(wrong),
            f"Decide which are right, and flush the others with iptables-{name} or iptables-{to}"))
    return problems


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
                f"{unit} is {'active' if state.active else 'enabled'}", why,
                f"Say '{name}: stop' to stop and disable it, or '{name}: keep' to have both"))
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


def used(rules: Rules) -> list[str]:
    """Return the tables that do anything, in words."""
    return [f"{FAMILIES[family][0]} {table}" for family, saved in rules.items() for table in sorted(saved.used())]


def conflicts(source: Rules, there: Rules) -> list[str]:
    """Return how tables differ that both backends use."""
    return [
        f"{FAMILIES[family][0]}: {text}" for family, saved in source.items()
        for text in differences(saved, there[family], saved.used() & there[family].used())]


def unlike(source: Rules, there: Rules) -> list[str]:
    """Return how the tables that one backend uses differ from those of the other."""
    return [
        f"{FAMILIES[family][0]}: {text}" for family, saved in source.items()
        for text in differences(saved, there[family], saved.used())]


def _offered(source: Rules, there: Rules) -> dict[str, str]:
    """Return by family the text of the tables that the other backend does not have yet."""
    texts = {family: cut(saved, saved.used() - there[family].used()) for family, saved in source.items()}
    return {family: text for family, text in texts.items() if text}


def current(target: Target) -> str | None:
    """Return the backend that the iptables command speaks to."""
    out = target.run(["iptables", "-V"], okay=(0, NOT_THERE))
    return SPOKEN.get(legacy.parse_iptables(out)[1] or "")


def read(target: Target, backend: str) -> Rules:
    """Return the rules of a backend by family. A backend that the kernel has not loaded has none, and stays unloaded."""
    if not _is_installed(target, backend) or _would_load(target, backend):
        return {family: NOTHING for family in FAMILIES}
    rules = {}
    for family, (program, tables, _file) in FAMILIES.items():
        idle = backend == "legacy" and not _words(target, tables)
        rules[family] = NOTHING if idle else parse(target.run([f"{program}-{backend}-save", "--counters"]))
    if backend == "nft":
        listing = _listing(target) or {"nftables": []}
        for family, saved in rules.items():
            rules[family] = saved._replace(incompatible=tuple({*saved.incompatible, *unprintable(listing, family)}))
    return rules


def carry(target: Target, source: str, to: str) -> None:
    """Put what one backend has into the other, all of it or nothing, and see that the other has it."""
    rules, there = read(target, source), read(target, to)
    stands = _uncarried(rules, there, source, to)
    if stands:
        raise Failed(stands[0])
    texts = _offered(rules, there)
    files = {family: _keep(target, f"{family}.{source}", text) for family, text in texts.items()}
    for family, file in files.items():
        _restore(target, family, to, file, "--test")
    kept = _rejected(target, to, _kept_for_boot(target, gather_units(target, _boot_units())), "at boot ")
    if kept:
        raise Failed(kept[0])
    done: list[str] = []
    try:
        for family, file in files.items():
            done.append(family)
            _restore(target, family, to, file)
        raise_for(unlike(rules, read(target, to)), source, to)
    except Failed:
        now = read(target, to)
        for family in done:
            given = parse(texts[family]).used() & now[family].used()
            _empty(target, family, to, now[family], given)
        raise


def clear(target: Target, backend: str, other: str) -> None:
    """Take all rules out of a backend that the other has as well; where it has not, nothing is taken out."""
    rules = read(target, backend)
    raise_for(unlike(rules, read(target, other)), backend, other)
    for family, saved in rules.items():
        _empty(target, family, backend, saved, saved.used())


def raise_for(wrong: t.Sequence[str], source: str, to: str) -> None:
    """Raise Failed when two backends do not hold the same."""
    if wrong:
        raise Failed(Problem(
            f"the {to} backend does not hold the rules of the {source} backend", "; ".join(wrong),
            "Nothing was taken out. Find out what else writes rules, or carry these rules over by hand, and run again"))


def _empty(target: Target, family: str, backend: str, saved: Saved, tables: t.Collection[str]) -> None:
    if tables:
        file = _keep(target, f"{family}.{backend}.empty", emptied(saved, tables))
        _restore(target, family, backend, file)


def _restore(target: Target, family: str, backend: str, file: str, *more: str) -> None:
    program = f"{FAMILIES[family][0]}-{backend}-restore"
    target.run([program, "--counters", f"--wait={LOCK_SECONDS}", *more, target.path(file)])


def _keep(target: Target, name: str, text: str) -> str:
    """Save rules for good, readable for root alone, and return the path."""
    target.private_folder(SECTION)
    path = f"{STATE_DIR}/{SECTION}/{target.job}.{name}"
    target.write(path, FileState(text, "0600", "root", "root"))
    return path


def _rejected(target: Target, backend: str, texts: t.Mapping[str, str], when: str = "") -> list[Problem]:
    """Return why a backend does not take some rules. It only tries, and only its own temporary folder sees the rules."""
    problems = []
    for family, text in texts.items():
        with tempfile.NamedTemporaryFile("w", dir=target.tmpdir, encoding="utf-8", errors="surrogateescape") as handle:
            handle.write(text)
            handle.flush()
            program = f"{FAMILIES[family][0]}-{backend}-restore"
            try:
                target.run([program, f"--wait={LOCK_SECONDS}", "--test", handle.name])
            except Failed as failure:
                problems.append(Problem(
                    f"{program} would {when}not take the rules of this host", failure.problems[0].reason.replace("\n", " "),
                    "Change the rule that it names, or stay with the other backend"
                    + (f"; the file is {FAMILIES[family][2]}" if when else "")))
    return problems


def _boot_units() -> list[dict[str, str]]:
    return [{"name": f"{program}.service"} for program, _tables, _file in FAMILIES.values()]


def _kept_for_boot(target: Target, units: dict[str, UnitState]) -> dict[str, str]:
    """Return by family the rules that iptables-services will restore at boot, with whatever backend is selected then."""
    files = {
        family: target.read(file) for family, (program, _tables, file) in FAMILIES.items() if units[f"{program}.service"].enabled}
    return {family: file.content for family, file in files.items() if file is not None}


def _is_installed(target: Target, backend: str) -> bool:
    # Each prints its version.
    return bool(target.run([f"iptables-{backend}-restore", "-V"], okay=(0, NOT_THERE)))


def _would_load(target: Target, backend: str) -> bool:
    """Say whether a look at a backend would load it into the kernel."""
    if backend == "legacy":
        return not any(leads_somewhere(target.path(tables)) for _program, tables, _file in FAMILIES.values())
    modules = available(target.root, target.run(["uname", "-r"]).strip(), ["nf_tables"])
    return "nf_tables" in modules.offered.get(modules.running, ()) and "nf_tables" not in modules.loaded


def _words(target: Target, path: str) -> list[str]:
    file = target.read(path)
    return file.content.split() if file else []


def _listing(target: Target) -> dict[str, t.Any] | None:
    """Return all that nftables has; None when nft is not there to tell."""
    if _would_load(target, "nft"):
        return {"nftables": []}
    out = target.run(["nft", "-j", "list", "ruleset"], okay=(0, NOT_THERE))
    return json.loads(out) if out else None
