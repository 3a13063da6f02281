# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(network): the network handed over from NetworkManager to networkd, or back, under a dead man's switch.

The state of before is kept whole and by value. The host goes back to it by itself unless the hand-over is confirmed over
a connection that was opened after the switch.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

from ...core.engine import ACTIVATE, Action
from ...core.errors import Failed, Problem
from ...core.host_io import Target, is_file, is_there, names_in
from ...core.ledger import Step, standing
from ...core.planning import PROOF, Context, Pending, Planned
from ...core.writable import Touch
from ...facts import network as live
from . import files as netfiles, job, networkd, nm, switch
from .switch import NETWORKD, NETWORKMANAGER

RUNNING, DEFINITIONS = "running", "definitions"

OPTIONS: dict[str, t.Any] = {
    "renderer": {"type": "str", "choices": [NETWORKD, NETWORKMANAGER]},
    "source": {"type": "str", "choices": [RUNNING, DEFINITIONS], "default": RUNNING},
    "definitions": {
        "type": "list", "elements": "dict", "default": [],
        "options": {"name": {"type": "str", "required": True}, "content": {"type": "str", "required": True}}},
    "resolved": {"type": "bool"},
    "confirm_seconds": {"type": "int", "default": 120},
    "unmanaged": {"type": "list", "elements": "str", "default": []},
    "without": {"type": "list", "elements": "str", "default": []},
}

SECTION = "network"
SECONDS = (20, 3600)

NETWORKS = ("/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network", "/usr/lib/systemd/network")
# networkd is not to take away what others set up: NetworkManager does not either.
MANNERS_PATH = "/etc/systemd/networkd.conf.d/50-centos-hyperscale.conf"
MANNERS = f"{networkd.MARK}\n[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"
DISPATCHER = "/etc/NetworkManager/dispatcher.d"
RESOLVED = "systemd-resolved.service"
STUB_LINK = "../run/systemd/resolve/stub-resolv.conf"
# Units of NetworkManager; its helpers come by D-Bus.
NM_UNITS = ("NetworkManager.service", "NetworkManager-wait-online.service", "NetworkManager-dispatcher.service")
# Units that talk to NetworkManager alone, and what each does.
ON_NM = {"nm-cloud-setup.timer": "it gives interfaces the addresses that the cloud has for them"}


class State(t.NamedTuple):
    """What the section decides on.

    C(units) by name; C(ours) the files of ours on disk and C(foreign) those of others, path to text; C(ledger) the paths that
    earlier runs wrote; C(before) what NetworkManager had set up before the last hand-over from it; C(connection) the ssh
    connection of this run, empty without ssh, None where that cannot be told.
    """

    units: dict[str, dict[str, bool]]
    live: dict[str, t.Any]
    profiles: list[nm.Profile]
    idle: list[str]
    scripts: list[str]
    ours: dict[str, str]
    foreign: dict[str, str]
    ledger: set[str]
    before: dict[str, t.Any] | None
    resolv: dict[str, t.Any] | None
    armed: dict[str, t.Any] | None
    reverted: dict[str, t.Any] | None
    connection: str | None

    def active(self, unit: str) -> bool:
        """Say whether a unit runs."""
        return self.units.get(unit, {}).get("active", False)

    @property
    def renderer(self) -> str:
        """Which of the two sets the network up now, empty for neither or both."""
        running = [name for name, unit in switch.MANAGER.items() if self.active(unit)]
        return running[0] if len(running) == 1 else ""


class HandoverAction(Action):
    """Switches from one state of the network configuration to another. Undo is the same switch the other way."""

    section = SECTION
    kind = "network-handover"
    phase = ACTIVATE

    @classmethod
    def between(cls, before: dict[str, t.Any], after: dict[str, t.Any], seconds: int) -> HandoverAction:
        """Make the action that brings the host from one state to the other."""
        subject = f"{before['renderer'] or 'nothing'} to {after['renderer']}"
        if before["renderer"] == after["renderer"]:
            subject = f"configuration of {after['renderer']}"
        args = {"before": before, "after": after, "seconds": seconds}
        return cls(subject, "the network is set up in another way", args, _shown(before, after), _shown(after, before))

    def turns_on(self) -> list[str]:
        return [name for name, unit in self.args["after"]["units"].items() if unit["active"]]

    def turns_off(self) -> list[str]:
        return [name for name, unit in self.args["after"]["units"].items() if not unit["active"]]

    def touches(self, _target: Target, _undoing: bool = False) -> list[Touch]:
        before, after = self.args["before"], self.args["after"]
        was, will = before["files"], after["files"]
        changed = {path for path in {**was, **will} if was.get(path) != will.get(path)}
        resolv = [live.RESOLV_CONF] if before["resolv"] != after["resolv"] else []
        return [Touch(path) for path in [*sorted(changed), *resolv]]

    def apply(self, target: Target) -> None:
        job.carry_out(target, self.args["before"], self.args["after"], self.args["seconds"])

    def undo(self, target: Target) -> None:
        if not job.differs(target, self.args["before"]):
            return
        job.carry_out(target, self.args["after"], self.args["before"], self.args["seconds"])

    def verify(self, target: Target) -> None:
        wrong = job.differs(target, self.args["after"])
        if wrong:
            raise Failed(Problem(
                "the network is not set up as it was switched", "; ".join(wrong),
                "Look at 'journalctl -b' for units of the name centos-hyperscale-* on the host"))


class ConfirmAction(Action):
    """Takes the dead man's switch of a hand-over away. There is nothing to take back: the hand-over itself is undone."""

    section = SECTION
    kind = "network-confirm"
    phase = ACTIVATE
    stands = False

    def apply(self, target: Target) -> None:
        if not switch.confirm(job.base(target), self.args["id"]):
            raise Failed(Problem(
                "the hand-over of the network cannot be confirmed any more", "the host has gone back by itself",
                "Run again, with a longer 'confirm_seconds'"))

    def undo(self, target: Target) -> None:
        """Nothing stands of it."""

    def verify(self, target: Target) -> None:
        if switch.armed(job.base(target)) is not None:
            raise Failed(Problem("the hand-over still waits for its confirmation", "it was confirmed", "Run again"))


ACTIONS = {action.kind: action for action in (HandoverAction, ConfirmAction)}


def straight(steps: t.Sequence[Step]) -> list[Step]:
    """Return steps that are to be taken back with hand-overs that lead right to where they began, none by way of another.

    NetworkManager's profiles are the host's own and may have changed since: the last time that it set the network up counts.
    """
    actions = [step.action for step in steps if step.action["kind"] == HandoverAction.kind]
    befores = [action["args"]["before"] for action in actions]
    if not befores:
        return list(steps)
    origin = befores[0] if befores[0]["renderer"] != NETWORKMANAGER else t.cast("dict[str, t.Any]", _before_all(actions))
    files = {path: None for before in befores for path in before["files"]}
    units = {name: unit for before in reversed(befores) for name, unit in before["units"].items()}
    origin = dict(origin, files={**files, **origin["files"]}, units={**units, **origin["units"]})
    return [
        step._replace(action=dict(step.action, args=dict(step.action["args"], before=origin)))
        if step.action["kind"] == HandoverAction.kind else step for step in steps]


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    problems = []
    if len([want for want in wants if want["renderer"]]) > 1:
        problems.append(Problem("section network", "it is wanted twice", "Say once how the network is to be set up"))
    for want in wants:
        if not SECONDS[0] <= want["confirm_seconds"] <= SECONDS[1]:
            problems.append(Problem(
                f"confirm_seconds {want['confirm_seconds']}", f"it is not from {SECONDS[0]} to {SECONDS[1]}",
                "Give the host time to settle and the controller time to prove it and to connect again"))
        if (want["source"] == DEFINITIONS) != bool(want["definitions"]):
            problems.append(Problem(
                "section network", "definitions and source: definitions go together", "Give both, or neither"))
        names = [entry["name"] for entry in want["definitions"]]
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(Problem(f"network definition {name}", "it is given twice", "Leave one of the two out"))
        for entry in want["definitions"]:
            problems += netfiles.check(entry["name"], entry["content"], None)
        problems += [
            Problem(f"interface {name!r}", "it is not the name of an interface", "Write it as 'ip link' shows it")
            for name in want["unmanaged"] if not netfiles.INTERFACE.match(name)]
    return problems


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read who sets the network up, what the kernel has of it, and what files there are."""
    base = job.base(target)
    names = sorted({*NM_UNITS, *ON_NM, *switch.MANAGER.values(), RESOLVED, *job.companions(target)})
    units = job.units(target, names)
    ours, foreign = _files(target)
    steps = [step.action for step in standing(target) if step.action["kind"] == HandoverAction.kind]
    running = any(want["renderer"] == NETWORKD for want in wants) and units[NM_UNITS[0]]["active"]
    profiles, idle = _profiles(target) if units[NM_UNITS[0]]["active"] else ([], [])
    return State(
        units, job.look(target), profiles, idle, _scripts(target) if running else [], ours, foreign,
        {path for step in steps for path, content in step["args"]["after"]["files"].items() if content},
        _before_all(steps), job.resolv_conf(target), switch.armed(base),
        switch.read_json(os.path.join(base, switch.REVERTED)), job.connection())


def _before_all(steps: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any] | None:
    """Return the state that the last hand-over from NetworkManager started from; later ones may have changed definitions."""
    states = [step["args"]["before"] for step in reversed(steps)]
    return next((state for state in states if state["renderer"] == NETWORKMANAGER), None)


def _files(target: Target) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files of networkd: ours, by name and mark, and those of others; the first folder wins for a name."""
    ours, foreign = {}, {}
    seen: set[str] = set()
    for folder in NETWORKS:
        real = target.path(folder)
        for name in names_in(real):
            if name in seen or not name.endswith((".network", ".netdev", ".link")):
                continue
            seen.add(name)
            file = target.read(f"{folder}/{name}")
            if file is not None:
                mine = name.startswith(networkd.PREFIX) and file.content.startswith(networkd.MARK)
                (ours if mine else foreign)[f"{folder}/{name}"] = file.content
    manners = target.read(MANNERS_PATH)
    if manners is not None:
        (ours if manners.content.startswith(networkd.MARK) else foreign)[MANNERS_PATH] = manners.content
    return ours, foreign


def _scripts(target: Target) -> list[str]:
    """Return the scripts of the operator's own that NetworkManager runs when links change."""
    found = []
    top = target.path(DISPATCHER)
    for folder, _folders, names in os.walk(top, onerror=_unless_gone) if is_there(top) else ():
        files = (os.path.join(folder, name) for name in names)
        found += [path for path in files if is_file(path) and os.stat(path).st_mode & 0o111]
    return sorted(found)


def _unless_gone(error: OSError) -> None:
    """Raise what kept a folder from being read, unless it is gone by now."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _profiles(target: Target) -> tuple[list[nm.Profile], list[str]]:
    """Return the profiles that are on devices, and the names of those that are on none and would come by themselves."""
    devices = target.run(["nmcli", "--terse", "--fields", "DEVICE,TYPE,STATE,CON-UUID", "device"])
    found = []
    for line in devices.splitlines():
        device, _type, state, uuid = nm.fields(line)
        if uuid and state not in nm.IDLE:
            text = target.run(["nmcli", "--terse", "connection", "show", "uuid", uuid])
            lease = target.run(["nmcli", "--terse", "--fields", "DHCP4,DHCP6", "device", "show", device])
            found.append(nm.Profile(device, state, {**nm.settings(text), **nm.settings(lease)}))
    known = target.run(["nmcli", "--terse", "--fields", "NAME,AUTOCONNECT,ACTIVE", "connection", "show"])
    rows = [nm.fields(line) for line in known.splitlines() if line]
    return found, [name for name, auto, active in rows if (auto, active) == ("yes", "no")]


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return no action, the hand-over, or its confirmation. A hand-over that is not confirmed waits for the proof."""
    open_end = _open_end(state, context)
    want = next((want for want in wants if want["renderer"]), None)
    if want is None:
        late = context.proven and state.armed is None and state.reverted is not None
        return Planned([], [_gone_back(state.reverted)]) if late else open_end
    after, problems, warnings = (_to_networkd if want["renderer"] == NETWORKD else _to_networkmanager)(want, state, context)
    if problems:
        return Planned([], problems)
    before = _before(state, after)
    if after is None or not job.unlike(before, after):
        return open_end._replace(warnings=open_end.warnings + warnings)
    if state.armed is not None:
        return Planned([], [Problem(
            f"a hand-over of the network to {state.armed['renderer']} waits for its confirmation",
            "another cannot begin before that", "Confirm it, or wait until the host has gone back")])
    if state.reverted is not None:
        if context.proven:
            return Planned([], [_gone_back(state.reverted)])
        warnings.append(f"The last hand-over went back by itself: {state.reverted['why']}")
    if state.connection is None:
        return Planned([], [job.unknown_connection("the hand-over of the network cannot begin")])
    return Planned([HandoverAction.between(before, after, want["confirm_seconds"])], [], [], warnings)


def _gone_back(note: dict[str, t.Any]) -> Problem:
    """Return why there is nothing to confirm: a proof that comes late must not begin the hand-over anew, nor pass for one."""
    return Problem(
        "there is no hand-over of the network to confirm", f"the host went back by itself: {note['why']}",
        "Find out why it was not reached in time, and run again, with a longer 'confirm_seconds' if it only took long")


def waiting(target: Target) -> list[Pending]:
    """Return what a hand-over on this host still waits for."""
    armed = switch.armed(job.base(target))
    return [_pending(armed)] if armed else []


def _pending(armed: dict[str, t.Any]) -> Pending:
    return Pending(
        SECTION, f"hand-over to {armed['renderer']}", PROOF,
        f"the host goes back by itself unless this is confirmed over a new connection within {armed['seconds']} seconds")


def _open_end(state: State, context: Context) -> Planned:
    if state.armed is None:
        return Planned([])
    if not context.proven:
        return Planned([], [], [_pending(state.armed)])
    if state.connection is None and state.armed["connection"]:
        return Planned([], [job.unknown_connection("the hand-over of the network cannot be confirmed")])
    if state.connection and state.connection == state.armed["connection"]:
        return Planned([], [Problem(
            "the confirmation came over the connection of before the switch",
            "that it still works does not show that the host can be reached", "Confirm over a new connection")])
    return Planned([ConfirmAction(
        f"hand-over to {state.armed['renderer']}", "the host was reached over a new connection", {"id": state.armed["id"]},
        "goes back by itself\n", "confirmed\n")])


def _before(state: State, after: dict[str, t.Any] | None) -> dict[str, t.Any]:
    """Return the state of now, in the terms of the state that is wanted."""
    after = after or {"files": {}, "units": {}, "devices": []}
    files = {path: [state.ours[path], 0o644] if path in state.ours else None for path in {*state.ours, *after["files"]}}
    names = {*after["units"], *(name for name, unit in state.units.items() if unit["known"] and name not in ON_NM)}
    units = {name: {key: state.units.get(name, {}).get(key, False) for key in ("enabled", "masked", "active")} for name in names}
    return {
        "renderer": state.renderer, "files": files, "units": units, "resolv": state.resolv, "devices": after["devices"],
        "profiles": {profile.device: profile.get("connection.uuid") for profile in state.profiles},
        "expect": state.live, "promised": []}


def _to_networkd(
    want: dict[str, t.Any], state: State, context: Context,
) -> tuple[dict[str, t.Any] | None, list[Problem], list[str]]:
    build = _build(context)
    if build is None and not state.units[switch.MANAGER[NETWORKD]]["known"]:
        return None, [Problem(
            "systemd-networkd is not installed", "it is what is to set the network up",
            "Want the package systemd-networkd; role networkd does")], []
    problems, warnings = _resolved_problems(want, state, context), []
    if want["source"] == DEFINITIONS:
        wanted, devices, promised, more = _defined(want, state, build)
        expect = None
    elif state.renderer == NETWORKD:
        # What it was made of does not run any more: what was written then is what is wanted.
        wanted, devices, promised, more = dict(state.ours), [], [], []
        expect = state.live
    else:
        wanted, devices, more, warnings = _carried(want, state, build)
        promised, expect = [], state.live
    problems += more
    after = {
        "renderer": NETWORKD, "files": _with_removals(wanted, state), "units": _units(want, state, NETWORKD),
        "resolv": _resolv(want, state), "devices": devices, "profiles": {}, "expect": expect, "promised": promised}
    return after, problems, warnings


def _build(context: Context) -> int | None:
    """Return the release of networkd that will read the files, None when there is none or a package does not tell."""
    coming = context.coming("systemd-networkd")
    here = [package.version for package in context.installed if package.name == "systemd-networkd"]
    version = coming.evr.split(":")[-1] if coming else (here[0] if here else "")
    found = re.match(r"^(\d+)", version)
    return int(found.group(1)) if found else None


def _with_removals(wanted: dict[str, str], state: State) -> dict[str, t.Any]:
    """Return the files to write, and of ours those to take away: by their mark, and in the ledger."""
    gone = {path for path in state.ours if path in state.ledger and path not in wanted}
    return {**{path: [content, 0o644] for path, content in wanted.items()}, **dict.fromkeys(gone)}


def _units(want: dict[str, t.Any], state: State, renderer: str) -> dict[str, dict[str, bool]]:
    on = {"enabled": True, "masked": False, "active": True}
    off = {"enabled": False, "masked": False, "active": False}
    if renderer == NETWORKD:
        found = {switch.MANAGER[NETWORKD]: on}
        found.update({name: dict(off, masked=True) for name in NM_UNITS[:2] if state.units[name]["known"]})
    else:
        known = [name for name, unit in state.units.items() if unit["known"] and job.COMPANION.match(name)]
        found = {name: off for name in known if "networkd" in name}
        found[NM_UNITS[0]] = on
        found[NM_UNITS[1]] = {"enabled": True, "masked": False, "active": state.units[NM_UNITS[1]]["active"]}
    if want["resolved"] is not None:
        found[RESOLVED] = on if want["resolved"] else off
    return found


def _resolved_problems(want: dict[str, t.Any], state: State, context: Context) -> list[Problem]:
    if want["resolved"] and not state.units[RESOLVED]["known"] and not context.present("systemd-resolved"):
        return [Problem(
            "systemd-resolved is not installed", "it is to resolve names",
            "Want the package systemd-resolved; role networkd does")]
    return []


def _resolv(want: dict[str, t.Any], state: State) -> dict[str, t.Any] | None:
    """Return what /etc/resolv.conf is to be. Without resolved it is a file with the servers of now."""
    uses = want["resolved"] if want["resolved"] is not None else state.active(RESOLVED)
    if uses:
        stub = state.resolv or {}
        return state.resolv if stub.get("link", "").startswith(("../run/systemd/resolve/", "/run/systemd/resolve/")) else {
            "link": STUB_LINK}
    if state.resolv and "content" in state.resolv and live.STUB not in state.resolv["content"]:
        return state.resolv
    dns = state.live["dns"]
    lines = [networkd.MARK] + ([f"search {' '.join(dns['search'])}"] if dns["search"] else [])
    lines += [f"nameserver {server}" for server in dns["servers"]]
    return {"content": "\n".join(lines) + "\n", "mode": 0o644, "owner": [0, 0]}


def _carried(
    want: dict[str, t.Any], state: State, build: int | None,
) -> tuple[dict[str, str], list[str], list[Problem], list[str]]:
    """Return the files that say what NetworkManager runs, the links they are about, and what stands in the way."""
    if state.renderer != NETWORKMANAGER:
        return {}, [], [Problem(
            "NetworkManager does not run", "its running configuration is to be carried over",
            "Start it, or give definitions of your own")], []
    links, problems = nm.links(state.profiles, state.live, want["unmanaged"], want["without"])
    devices = [link.name for link in links]
    problems += _in_the_way(want, state)
    for link in links:
        problems += _cannot_say(link, state)
        problems += _nobodys_addresses(link, state)
    alone = sorted(({*state.live["links"]} - {*devices, live.LOOPBACK}) | {*want["unmanaged"]})
    files = networkd.files(links, state.live, alone, build) if not problems else {}
    for path, content in files.items():
        problems += netfiles.check(path.rsplit("/", 1)[1], content, build)
    files[MANNERS_PATH] = MANNERS
    problems += _overlapping(files, state, devices)
    return files, devices, problems, _worth_knowing(state, links, want)


def _in_the_way(want: dict[str, t.Any], state: State) -> list[Problem]:
    problems = [
        Problem(f"dispatcher script {path}", "NetworkManager runs it when links change, and networkd does not",
                "Carry over what it does, or name its path in 'without'")
        for path in state.scripts if path not in want["without"]]
    for name, does in ON_NM.items():
        if (state.active(name) or state.units[name]["enabled"]) and name not in want["without"]:
            problems.append(Problem(
                f"unit {name} works through NetworkManager", does, "Disable it, or name it in 'without'"))
    known = {entry for profile in state.profiles for entry in nm.servers_of(profile)}
    # A file stays as it is, and a resolved that runs already keeps its own configuration.
    servers = state.live["dns"]["servers"] if want["resolved"] and not state.active(RESOLVED) else []
    return problems + [
        Problem(f"DNS server {server} in {live.RESOLV_CONF}", "no link of NetworkManager has it, so resolved would not know it",
                "Give it to a profile, or take it out of NetworkManager's own configuration")
        for server in servers if server not in known]


def _cannot_say(link: nm.Link, state: State) -> list[Problem]:
    problems = [
        Problem(f"bond option {name} of {link.name}", "networkd has no word for it", "Take it out of the profile")
        for name in networkd.unknown_bond_options(link)]
    if link.ipv6.method == "auto" and not networkd.token(link, state.live):
        problems.append(Problem(
            f"IPv6 addresses of {link.name}", "they end differently for each announced prefix, which networkd would not do alike",
            "Set ipv6.addr-gen-mode to eui64 in the profile, or give definitions of your own"))
    return problems


def _nobodys_addresses(link: nm.Link, state: State) -> list[Problem]:
    """Return the addresses on a link that no profile and no server gave it: networkd would take them away."""
    given = {nm.normal_address(text) for text in (*link.ipv4.addresses, *link.ipv6.addresses)}
    problems = []
    for entry in state.live["addresses"]:
        if entry["dev"] != link.name or entry["dynamic"] or entry["scope"] == "link" or entry["address"] in given:
            continue
        problems.append(Problem(
            f"address {entry['address']} on {link.name}", f"it is in no setting of profile '{link.profile}'",
            f"Add it to the profile, take it away, or leave {link.name} alone with 'unmanaged'"))
    return problems


def _worth_knowing(state: State, links: t.Sequence[nm.Link], want: dict[str, t.Any]) -> list[str]:
    warnings = [
        f"Profile '{name}' of NetworkManager is on no interface now and is not carried over" for name in state.idle]
    if not want["resolved"] and not state.active(RESOLVED) and any(
            "auto" in (link.ipv4.method, link.ipv6.method) and link.ipv4.use_dns for link in links):
        warnings.append(
            f"The DNS servers of now stay in {live.RESOLV_CONF}; what a DHCP server names later is only followed with resolved")
    return warnings


def _overlapping(files: dict[str, str], state: State, devices: t.Sequence[str]) -> list[Problem]:
    """Return files of others that would be taken in place of ours, which go by the order of names."""
    problems = []
    for path, content in sorted(state.foreign.items()):
        name = path.rsplit("/", 1)[1]
        if path in files:
            problems.append(Problem(
                f"file {path}", "it is in the place of one of ours and does not have our mark", "Move it away"))
        if not name.endswith(".network"):
            continue
        for dev in devices:
            mine = [own.rsplit("/", 1)[1] for own, text in files.items()
                    if own.endswith(".network") and netfiles.matches(text, dev, state.live["links"][dev])]
            if mine and name < min(mine) and netfiles.matches(content, dev, state.live["links"][dev]):
                problems.append(Problem(
                    f"file {path}", f"it applies to {dev} and comes before ours", "Move it away, or leave the interface alone"))
    return problems


def _defined(
    want: dict[str, t.Any], state: State, build: int | None,
) -> tuple[dict[str, str], list[str], list[dict[str, t.Any]], list[Problem]]:
    """Return the operator's own files, the links they are about and what they promise, and what is wrong with them here."""
    problems = []
    given = {entry["name"]: entry["content"] for entry in want["definitions"]}
    made = {netfiles.makes(name, content) for name, content in given.items()} - {""}
    for name, content in sorted(given.items()):
        problems += netfiles.check(name, content, build)
        for number, other in netfiles.references(name, content):
            if other not in made and other not in state.live["links"]:
                problems.append(Problem(
                    f"network definition {name}, line {number}", f"it builds on {other}, which is neither here nor defined",
                    "Add a .netdev file that makes it"))
    networks = {name: content for name, content in given.items() if name.endswith(".network")}
    about: dict[str, list[str]] = {}
    for dev, link in state.live["links"].items():
        first = next((name for name in sorted(networks) if netfiles.matches(networks[name], dev, link)), None)
        if first is not None and dev != live.LOOPBACK:
            about[dev] = [first]
    carried = [profile.device for profile in state.profiles]
    for dev in carried:
        if dev not in about and dev not in want["unmanaged"]:
            problems.append(Problem(
                f"interface {dev}", "NetworkManager sets it up now and no definition matches it",
                "Define it, or leave it alone with 'unmanaged'"))
    devices = [dev for dev, names in about.items() if not netfiles.leaves_alone(networks[names[0]])]
    files = {networkd.path_of(name): f"{networkd.MARK}\n{content.rstrip()}\n" for name, content in given.items()}
    if want["unmanaged"]:
        files[networkd.path_of("00-unmanaged.network")] = networkd.text_of([
            ("Match", [("Name", " ".join(sorted(want["unmanaged"])))]), ("Link", [("Unmanaged", "yes")])])
    files[MANNERS_PATH] = MANNERS
    problems += _overlapping(files, state, devices)
    promised = [dict(netfiles.promised(networks[about[dev][0]]), dev=dev) for dev in devices] if not problems else []
    return files, devices, promised, problems


def _to_networkmanager(
    want: dict[str, t.Any], state: State, _context: Context,
) -> tuple[dict[str, t.Any] | None, list[Problem], list[str]]:
    """Return the state in which NetworkManager sets the network up again: the one of before, where the ledger knows it."""
    if not state.units[NM_UNITS[0]]["known"] and not state.units[NM_UNITS[0]]["masked"]:
        return None, [Problem(
            "NetworkManager is not installed", "it is to set the network up again", "Install it first")], []
    if state.renderer == NETWORKMANAGER and not state.ours and want["resolved"] is None:
        return None, [], []
    old = state.before
    gone = {path: None for path in state.ours if path in state.ledger}
    if old is not None and state.renderer != NETWORKMANAGER:
        units = dict(old["units"])
        if want["resolved"] is not None:
            units.update(_units(dict(want), state, NETWORKMANAGER))
        resolv = old["resolv"] if want["resolved"] is None else _resolv(want, state)
        return dict(old, files=gone, units=units, resolv=resolv), [], []
    devices = sorted(dev for dev, link in state.live["links"].items() if dev != live.LOOPBACK and link["up"])
    return {
        "renderer": NETWORKMANAGER, "files": gone, "units": _units(want, state, NETWORKMANAGER), "resolv": _resolv(want, state),
        "devices": devices, "profiles": {}, "expect": state.live, "promised": []}, [], []


def _shown(state: dict[str, t.Any], other: dict[str, t.Any]) -> str:
    """Return a state as the diff shows it: who, the units that differ, resolv.conf, and every file of ours."""
    lines = [f"network: {state['renderer'] or 'neither'}"]
    for name, unit in sorted(state["units"].items()):
        if name in other["units"] and unit != other["units"][name]:
            lines.append(f"{name}: {', '.join(sorted(key for key, value in unit.items() if value)) or 'off'}")
    if state["resolv"] != other["resolv"]:
        lines.append(f"{live.RESOLV_CONF}: {json.dumps(state['resolv'])}")
    for path, content in sorted(state["files"].items()):
        if content and content != other["files"].get(path):
            lines += [f"--- {path}", content[0].rstrip()]
    return "\n".join(lines) + "\n"
