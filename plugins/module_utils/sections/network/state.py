# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(network) decides on: who sets the network up, what the kernel has of it, and what files there are."""

from __future__ import annotations

import os
import typing as t

from ...core.host_io import Target, is_file, is_there, names_in
from ...core.ledger import standing
from . import job, networkd, nm, switch
from .actions import HandoverAction, before_all
from .bring import MANAGER, NETWORKD

NETWORKS = ("/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network", "/usr/lib/systemd/network")
# networkd is not to take away what others set up: NetworkManager does not either.
MANNERS_PATH = "/etc/systemd/networkd.conf.d/50-centos-hyperscale.conf"
MANNERS = f"{networkd.MARK}\n[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"
DISPATCHER = "/etc/NetworkManager/dispatcher.d"
RESOLVED = "systemd-resolved.service"
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
        running = [name for name, unit in MANAGER.items() if self.active(unit)]
        return running[0] if len(running) == 1 else ""


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read who sets the network up, what the kernel has of it, and what files there are."""
    names = sorted({*NM_UNITS, *ON_NM, *MANAGER.values(), RESOLVED, *job.companions(target)})
    units = job.units(target, names)
    ours, foreign = _files(target)
    steps = [step.action for step in standing(target) if step.action["kind"] == HandoverAction.kind]
    running = any(want["renderer"] == NETWORKD for want in wants) and units[NM_UNITS[0]]["active"]
    profiles, idle = _profiles(target) if units[NM_UNITS[0]]["active"] else ([], [])
    return State(
        units, job.look(target), profiles, idle, _scripts(target) if running else [], ours, foreign,
        {path for step in steps for path, content in step["args"]["after"]["files"].items() if content},
        before_all(steps), job.resolv_conf(target), switch.armed(target),
        switch.reverted(target), job.connection())


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
