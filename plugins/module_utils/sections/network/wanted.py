# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the network that is wanted: of networkd by what runs now or by definitions, or of NetworkManager as it was."""

from __future__ import annotations

import re
import typing as t

from ...core.errors import Problem
from ...core.planning import Context
from ...facts import network as live
from . import files as netfiles, job, networkd, nm
from .bring import MANAGER, NETWORKD, NETWORKMANAGER
from .state import MANNERS, MANNERS_PATH, NM_UNITS, ON_NM, RESOLVED, State

RUNNING, DEFINITIONS = "running", "definitions"
STUB_LINK = "../run/systemd/resolve/stub-resolv.conf"


def to_networkd(
    want: dict[str, t.Any], state: State, context: Context,
) -> tuple[dict[str, t.Any] | None, list[Problem], list[str]]:
    build = _build(context)
    if build is None and not state.units[MANAGER[NETWORKD]]["known"]:
        return None, [Problem(
            "network.no_networkd", "systemd-networkd is not installed", "it is what is to set the network up",
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
    return {**{path: [content, netfiles.mode_of(content)] for path, content in wanted.items()}, **dict.fromkeys(gone)}


def _units(want: dict[str, t.Any], state: State, renderer: str) -> dict[str, dict[str, bool]]:
    on = {"enabled": True, "masked": False, "active": True}
    off = {"enabled": False, "masked": False, "active": False}
    if renderer == NETWORKD:
        found = {MANAGER[NETWORKD]: on}
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
            "network.no_resolved", "systemd-resolved is not installed", "it is to resolve names",
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
            "network.networkmanager_not_running",
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
        Problem(
            "network.dispatcher_script", f"dispatcher script {path}",
            "NetworkManager runs it when links change, and networkd does not",
            "Carry over what it does, or name its path in 'without'", subject=path)
        for path in state.scripts if path not in want["without"]]
    for name, does in ON_NM.items():
        if (state.active(name) or state.units[name]["enabled"]) and name not in want["without"]:
            problems.append(Problem(
                "network.needs_networkmanager",
                f"unit {name} works through NetworkManager", does, "Disable it, or name it in 'without'", subject=name))
    known = {entry for profile in state.profiles for entry in nm.servers_of(profile)}
    # A file stays as it is, and a resolved that runs already keeps its own configuration.
    servers = state.live["dns"]["servers"] if want["resolved"] and not state.active(RESOLVED) else []
    return problems + [
        Problem(
            "network.name_server_of_no_link", f"DNS server {server} in {live.RESOLV_CONF}",
            "no link of NetworkManager has it, so resolved would not know it",
            "Give it to a profile and bring that up again ('nmcli connection up NAME'), or take it out of NetworkManager's own "
            "configuration and run 'nmcli general reload'", subject=server)
        for server in servers if server not in known]


def _cannot_say(link: nm.Link, state: State) -> list[Problem]:
    problems = [
        Problem(
            "network.bond_option", f"bond option {name} of {link.name}", "networkd has no option for it",
            "Take it out of the profile",
            subject=f"{link.name} {name}")
        for name in networkd.unknown_bond_options(link)]
    if link.ipv6.method == "auto" and not networkd.token(link, state.live):
        problems.append(Problem(
            "network.address_generation",
            f"IPv6 addresses of {link.name}", "they end differently for each announced prefix, which networkd would not do alike",
            "Set ipv6.addr-gen-mode to eui64 in the profile, or give definitions of your own", subject=link.name))
    return problems


def _nobodys_addresses(link: nm.Link, state: State) -> list[Problem]:
    """Return the addresses on a link that no profile and no server gave it: networkd would take them away."""
    given = {nm.normal_address(text) for text in (*link.ipv4.addresses, *link.ipv6.addresses)}
    problems = []
    for entry in state.live["addresses"]:
        if entry["dev"] != link.name or entry["dynamic"] or entry["scope"] == "link" or entry["address"] in given:
            continue
        problems.append(Problem(
            "network.address_of_no_profile",
            f"address {entry['address']} on {link.name}", f"it is in no setting of profile '{link.profile}'",
            f"Add it to the profile, take it away, or leave {link.name} alone with 'unmanaged'",
            subject=f"{link.name} {entry['address']}"))
    return problems


def _worth_knowing(state: State, links: t.Sequence[nm.Link], want: dict[str, t.Any]) -> list[str]:
    warnings = [
        f"Profile '{name}' of NetworkManager is on no interface now and is not carried over" for name in state.idle]
    if not want["resolved"] and not state.active(RESOLVED) and any(
            "auto" in (link.ipv4.method, link.ipv6.method) and link.ipv4.use_dns for link in links):
        warnings.append(
            f"The present DNS servers stay in {live.RESOLV_CONF}. Others that a DHCP server names later are used only by "
            "systemd-resolved ('resolved': true)")
    return warnings


def _overlapping(files: dict[str, str], state: State, devices: t.Sequence[str]) -> list[Problem]:
    """Return files of others that would be taken in place of ours, which go by the order of names."""
    problems = []
    for path, content in sorted(state.foreign.items()):
        name = path.rsplit("/", 1)[1]
        if path in files:
            problems.append(Problem(
                "network.file_in_the_way",
                f"file {path}", "it is in the place of one of ours and does not have our mark", "Move it away", subject=path))
        if not name.endswith(".network"):
            continue
        for dev in devices:
            mine = [own.rsplit("/", 1)[1] for own, text in files.items()
                    if own.endswith(".network") and netfiles.matches(text, dev, state.live["links"][dev])]
            if mine and name < min(mine) and netfiles.matches(content, dev, state.live["links"][dev]):
                problems.append(Problem(
                    "network.file_comes_before",
                    f"file {path}", f"it applies to {dev} and comes before ours", "Move it away, or leave the interface alone",
                    subject=f"{path} {dev}"))
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
                    "network.no_such_link",
                    f"network definition {name}, line {number}", f"it builds on {other}, which is neither here nor defined",
                    "Add a .netdev file that makes it", subject=f"{name} {other}"))
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
                "network.interface_undefined", f"interface {dev}", "NetworkManager sets it up now and no definition matches it",
                "Define it, or leave it alone with 'unmanaged'", subject=dev))
    devices = [dev for dev, names in about.items() if not netfiles.leaves_alone(networks[names[0]])]
    files = {networkd.path_of(name): f"{networkd.MARK}\n{content.rstrip()}\n" for name, content in given.items()}
    if want["unmanaged"]:
        files[networkd.path_of("00-unmanaged.network")] = networkd.text_of([
            ("Match", [("Name", " ".join(sorted(want["unmanaged"])))]), ("Link", [("Unmanaged", "yes")])])
    files[MANNERS_PATH] = MANNERS
    problems += _overlapping(files, state, devices)
    promised = [dict(netfiles.promised(networks[about[dev][0]]), dev=dev) for dev in devices] if not problems else []
    return files, devices, promised, problems


def to_networkmanager(
    want: dict[str, t.Any], state: State, _context: Context,
) -> tuple[dict[str, t.Any] | None, list[Problem], list[str]]:
    """Return the state in which NetworkManager sets the network up again: the one of before, where the ledger knows it."""
    if not state.units[NM_UNITS[0]]["known"] and not state.units[NM_UNITS[0]]["masked"]:
        return None, [Problem(
            "network.no_networkmanager",
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
