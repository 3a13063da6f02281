# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of packages that left, which ran before a swap: after going back they run again.

Nothing starts them but a boot. A newer systemd has no systemd-initctl.socket, and a daemon and its sockets are of two
builds for a moment, in which one may take the other down.
"""

from __future__ import annotations

import re
import typing as t

from ..core.host_io import Target

UNIT_FILE = re.compile(r"^/usr/lib/systemd/system/(?P<unit>[^/]+)$")
TEMPLATE = re.compile(r"@[^.]*\.")
INACTIVE = ("inactive", "failed")
# Stopping these takes nothing away that others rest on. A mount that a build brought stays: it may hold files by now.
STOPPABLE = (".path", ".service", ".socket", ".timer")


def active(target: Target, files: t.Iterable[str]) -> list[str]:
    """Return which of the units that some files define are active."""
    defined = {match.group("unit") for match in map(UNIT_FILE.match, files) if match}
    out = target.run(["systemctl", "list-units", "--state=active", "--plain", "--no-legend", "--no-pager"])
    units = {line.split()[0] for line in out.splitlines() if line}
    return sorted(unit for unit in units if unit in defined or TEMPLATE.sub("@.", unit) in defined)


def stopped(target: Target, units: t.Sequence[str]) -> list[str]:
    """Return which of some units are known to systemd and do not run."""
    states = _shown(target, units, "LoadState", "ActiveState")
    return [unit for unit in units if states.get(unit, ["", ""])[0] == "loaded" and states[unit][1] in INACTIVE]


def start(target: Target, units: t.Sequence[str]) -> None:
    """Start units that do not run, as far as systemd lets them be started; the proof tells of the others."""
    target.run(["systemctl", "daemon-reload"])
    lost = stopped(target, units)
    sockets = [unit for unit in lost if unit.endswith(".socket")]
    # A socket cannot be started beside its service.
    served = {name for words in _shown(target, sockets, "Triggers").values() for name in words[0].split()} if sockets else set()
    running = sorted(served - set(stopped(target, sorted(served))))
    rest = [unit for unit in lost if unit not in sockets]
    for verb, some in (("stop", running), ("start", sockets), ("start", running), ("start", rest)):
        for unit in some:
            target.probe(["systemctl", verb, "--", unit])


def stop_gone(target: Target, files: t.Iterable[str]) -> None:
    """Stop units that still run and whose files, which some builds had brought, are gone; the proof tells of the others."""
    defined = [match.group("unit") for match in map(UNIT_FILE.match, files) if match]
    units = sorted(unit for unit in defined if unit.endswith(STOPPABLE) and not TEMPLATE.search(unit))
    states = _shown(target, units, "LoadState", "ActiveState")
    gone = [unit for unit in units if states.get(unit) == ["not-found", "active"]]
    # A socket first: it would start its service again.
    for unit in sorted(gone, key=lambda name: not name.endswith(".socket")):
        target.probe(["systemctl", "stop", "--", unit])


def _shown(target: Target, units: t.Sequence[str], *properties: str) -> dict[str, list[str]]:
    """Return properties of units, by the unit."""
    if not units:
        return {}
    out = target.run(["systemctl", "show", "-p", ",".join(["Id", *properties]), "--", *units])
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in out.split("\n\n")]
    return {block["Id"]: [block.get(name, "") for name in properties] for block in blocks if "Id" in block}
