# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a state of the host's network configuration is, and how it is brought about. Detached."""

from __future__ import annotations

import contextlib
import grp
import os
import typing as t

from ...core.host_io import end_of_links, sync_folder
from ...facts import network as live
from .host import command, drop, must, put_file

NETWORKMANAGER, NETWORKD = "networkmanager", "networkd"
MANAGER = {NETWORKMANAGER: "NetworkManager.service", NETWORKD: "systemd-networkd.service"}
GROUP = "systemd-network"
# Protocols by which the kernel tells the routes of NetworkManager from those of others (ip-route(8)).
LEFT_BEHIND = ("static", "dhcp", "ra")

if t.TYPE_CHECKING:
    State = dict[str, t.Any]


def resolv_conf() -> dict[str, t.Any] | None:
    """Return what /etc/resolv.conf is: a link, or a file with its content."""
    path = live.RESOLV_CONF
    try:
        if os.path.islink(path):
            return {"link": os.readlink(path)}
        info = os.stat(path)
        with open(path, encoding="utf-8", errors="surrogateescape") as handle:
            return {"content": handle.read(), "mode": info.st_mode & 0o7777, "owner": [info.st_uid, info.st_gid]}
    except FileNotFoundError:
        return None


def _put_resolv_conf(wanted: dict[str, t.Any] | None) -> None:
    if resolv_conf() == wanted:
        return
    path = live.RESOLV_CONF
    if wanted is None:
        drop(path)
    elif "link" in wanted:
        beside = f"{path}.centos-hyperscale"
        drop(beside)
        os.symlink(wanted["link"], beside)
        os.rename(beside, path)
        sync_folder(os.path.dirname(path))
    else:
        put_file(path, wanted["content"], wanted["mode"], tuple(wanted["owner"]))


def units(names: t.Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return what systemd says of some units."""
    return parse_units(names, must("systemctl", "show", "-p", "Id,LoadState,UnitFileState,ActiveState", "--", *names))


def parse_units(names: t.Sequence[str], out: str) -> dict[str, dict[str, bool]]:
    """Return units out of C(systemctl show); an alias answers under its own name, so each block is matched by position."""
    found = {}
    for name, block in zip(names, [block for block in out.strip().split("\n\n") if block]):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[name] = {
            "known": fields.get("LoadState") != "not-found",
            "enabled": fields.get("UnitFileState") in ("enabled", "enabled-runtime"),
            "masked": fields.get("LoadState") == "masked" or fields.get("UnitFileState", "").startswith("masked"),
            "active": fields.get("ActiveState") in ("active", "activating", "reloading")}
    return found


def bring_about(state: State, booting: bool = False) -> None:
    """Make the host's network configuration what a state says. At boot nothing is waited for: jobs are only queued."""
    wait = ["--no-block"] if booting else []
    wanted = state["units"]
    now = units(sorted(wanted))
    unmask = [name for name in wanted if now[name]["masked"] and not wanted[name]["masked"]]
    if unmask:
        must("systemctl", "unmask", *unmask)
    # At boot a unit that is not active yet may be about to become so; stopping it takes its job out of the queue.
    stop = [name for name in wanted if not wanted[name]["active"] and now[name]["known"] and (now[name]["active"] or booting)]
    if stop:
        must("systemctl", *wait, "stop", *stop)
    idle = [name for name in wanted if not wanted[name]["active"] and now[name]["known"]]
    if idle:
        # One that failed when it was tried is not to be found among the failed units afterwards.
        command(["systemctl", "reset-failed", *idle])
    changed = _put_files(state["files"])
    _put_resolv_conf(state["resolv"])
    # Enabling a unit enables its companions, so what is not to be enabled comes last.
    enable = [name for name in wanted if wanted[name]["enabled"]]
    if enable:
        must("systemctl", "enable", *enable)
    now = units(sorted(wanted))
    disable = [name for name in wanted if not wanted[name]["enabled"] and now[name]["enabled"]]
    if disable:
        must("systemctl", "disable", *disable)
    mask = [name for name in wanted if wanted[name]["masked"] and not now[name]["masked"]]
    if mask:
        must("systemctl", "mask", *mask)
    must("systemctl", "daemon-reload")
    start = [name for name in wanted if wanted[name]["active"]]
    if changed and state["renderer"] == NETWORKD and now[MANAGER[NETWORKD]]["active"] and not booting:
        # What a running networkd set up itself it can also take away, which a new one could not.
        must("networkctl", "reload")
        command(["networkctl", "reconfigure", *state["devices"]])
    elif not booting and not now[MANAGER[state["renderer"]]]["active"]:
        _clear(state["devices"])
    if start:
        must("systemctl", *wait, "start", *start)


def _clear(devices: t.Sequence[str]) -> None:
    """Take away what one daemon left in the kernel, so that what is there afterwards is the other's own doing.

    NetworkManager's addresses are marked to have no route of their own, and networkd 252 would keep that mark;
    NetworkManager gives its routes other metrics than it would at boot where it finds those of networkd. Connections
    outlive the moment without an address.
    """
    for device in devices:
        command(["ip", "address", "flush", "dev", device, "scope", "global"])
        for family in ("-4", "-6"):
            for protocol in LEFT_BEHIND:
                command(["ip", family, "route", "flush", "table", "all", "dev", device, "protocol", protocol])
    for family in ("-4", "-6"):
        command(["ip", family, "rule", "flush", "protocol", "static"])


def _put_files(files: dict[str, t.Any]) -> bool:
    changed = False
    for path, wanted in sorted(files.items()):
        if wanted is None:
            changed = changed or os.path.exists(path)
            drop(path)
            continue
        content, mode = wanted
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as handle:
            if handle.read() == content:
                continue
        changed = True
        # A link stays, and what it leads to is written.
        put_file(end_of_links("/", path) or path, content, mode, (0, _group(mode)))
    return changed


def _group(mode: int) -> int:
    """Return the group of a file of networkd: its daemon's, where not everybody may read it."""
    with contextlib.suppress(KeyError):
        return 0 if mode & 0o004 else grp.getgrnam(GROUP).gr_gid
    return 0


def up(state: State) -> None:
    """Ask NetworkManager for the profiles that were on the links: a link that has addresses already it would leave as it is.

    What it brings up by itself comes first: asked for a second time in the middle of that, routes get other metrics.
    """
    if state.get("profiles"):
        command(["nm-online", "--quiet", "--wait-for-startup", "--timeout=30"])
    for device, uuid in sorted(state.get("profiles", {}).items()):
        _status, out = command(["nmcli", "--terse", "--get-values", "GENERAL.CON-UUID,GENERAL.STATE", "device", "show", device])
        if uuid not in out or "externally" in out:
            command(["nmcli", "--wait", "30", "connection", "up", "uuid", uuid, "ifname", device])
