# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PID 1, the state of its units, and which service has the network in charge."""

from __future__ import annotations

import os
import re
import typing as t

from . import read

SHOW_MANAGER = ["systemctl", "show", "--property=Version,SystemState"]
LIST_FAILED = ["systemctl", "list-units", "--state=failed", "--all", "--full", "--plain", "--no-legend", "--no-pager"]
NETWORK_SERVICES = {
    "NetworkManager": "NetworkManager.service",
    "systemd-networkd": "systemd-networkd.service",
    "network": "network.service",
    "systemd-resolved": "systemd-resolved.service",
}
SHOW_NETWORK = ["systemctl", "show", "--property=Id,LoadState,ActiveState,UnitFileState"]
SHOW_NETWORK += list(NETWORK_SERVICES.values())
IN_CHARGE = ("NetworkManager", "systemd-networkd")


def parse_failed(listing: str) -> list[str]:
    """Return the units that C(systemctl list-units --plain --no-legend) lists."""
    return sorted(line.split()[0] for line in listing.splitlines() if line.strip())


def parse_network(shown: str) -> dict[str, t.Any]:
    """Return the C(network) group from one C(systemctl show) of all services."""
    blocks = [read.assignments(block) for block in shown.split("\n\n")]
    by_unit = {said["Id"]: said for said in blocks if "Id" in said}
    services = {
        name: {
            "load_state": by_unit.get(unit, {}).get("LoadState"),
            "active_state": by_unit.get(unit, {}).get("ActiveState"),
            "unit_file_state": by_unit.get(unit, {}).get("UnitFileState") or None,
        }
        for name, unit in NETWORK_SERVICES.items()
    }
    active = [name for name in IN_CHARGE if services[name]["active_state"] == "active"]
    return {"in_charge": "both" if len(active) > 1 else (active + ["none"])[0], "services": services}


def gather_network(run: read.Run, note: read.Note) -> dict[str, t.Any]:
    """Return the C(network) group; without systemd's word nobody is known to be in charge."""
    try:
        return parse_network(read.output(run, SHOW_NETWORK))
    except read.Unreadable as error:
        note("network", str(error))
        return {"in_charge": "unknown", "services": None}


def gather(root: str, run: read.Run, note: read.Note, package_version: str | None) -> dict[str, t.Any]:
    """Return the C(systemd) group; every part that cannot be read is None and noted."""
    found: dict[str, t.Any] = {
        "pid1": None,
        "running_version": None,
        "package_version": package_version,
        "state": None,
        "failed_units": None,
        "pid1_binary_replaced": None,
    }
    try:
        found["pid1"] = read.text(root, "/proc/1/comm").strip()
        # The kernel marks a program whose file was replaced since it was started.
        found["pid1_binary_replaced"] = os.readlink(read.below(root, "/proc/1/exe")).endswith(" (deleted)")
    except OSError as error:
        note("systemd.pid1", str(error))
    try:
        manager = read.assignments(read.output(run, SHOW_MANAGER))
        # Builds from upstream's own tag begin with a v.
        found["running_version"] = manager.get("Version", "").lstrip("v") or None
        found["state"] = manager.get("SystemState") or _is_system_running(run)
        found["failed_units"] = parse_failed(read.output(run, LIST_FAILED))
    except read.Unreadable as error:
        note("systemd", str(error))
    return found


def _is_system_running(run: read.Run) -> str | None:
    # It prints the state and ends with 1 for every state but "running".
    return run(["systemctl", "is-system-running"])[1].strip() or None


def runs_version(running: str, package: str) -> bool:
    """Say whether a manager's version string is that of a package version (without release).

    Builds put C(VERSION-RELEASE) or C(VERSION) there, some with a dash for the tilde of a pre-release; a stock build
    names its package C(252) and runs C(252.39). A rebuild of the same version shows in the replaced binary only.
    """
    said = running[1:] if running.startswith("v") else running
    for version in (package, package.replace("~", "-")):
        if version and (said == version or re.match(re.escape(version) + r"[-.~^]", said)):
            return True
    return False
