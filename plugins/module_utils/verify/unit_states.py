# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PID 1 says of its units, and which SELinux domain their main processes run in. Read-only.

C(systemctl show) ends at the first unit of which PID 1 does not tell, for example because SELinux denies C(status) of it. Then
each unit that is missing is asked for alone. One of which nothing is told is noted as unread: it is not gone.
"""

from __future__ import annotations

import typing as t

from ..facts import read
from ..facts.security import ENFORCE
from ..facts.systemd import parse_failed
from ..facts.view import NOT_FOUND, View

STATES = (
    "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "Type", "Transient", "ConditionResult", "WantedBy",
    "RequiredBy", "TriggeredBy")
MAIN_PROCESS = ("Id", "MainPID")
# Where the type stands in a context: user:role:type:level.
CONTEXT_TYPE = 2
LIST = ["systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager"]
# What a view remembers the states as that known() gives.
KNOWN = "states of units"


class NotAll(OSError):
    """systemd ended before it told of all units, and does not list them. C(told) is what it told."""

    def __init__(self, message: str, told: dict[str, dict[str, str]]) -> None:
        super().__init__(message)
        self.told = told


def show(properties: t.Sequence[str], pattern: str) -> list[str]:
    """Return the command that shows properties of units."""
    return ["systemctl", "show", "--all", f"--property={','.join(properties)}", "--", pattern]


def states(view: View) -> dict[str, dict[str, str]]:
    """Return what systemd says of every unit it has loaded. Raises OSError where it says nothing."""
    return _told(view, STATES, "*")


def known(view: View) -> dict[str, dict[str, str]]:
    """Return the same, asked once for all checks of a view. Where systemd runs and says nothing, or not all, that is noted."""
    return view.once(KNOWN, lambda: _noted(view))


def _noted(view: View) -> dict[str, dict[str, str]]:
    try:
        return states(view)
    except OSError as error:
        if view.kind is not None and view.kind.runs:
            view.note("systemctl show", str(error))
        return error.told if isinstance(error, NotAll) else {}


def domains(view: View) -> dict[str, str]:
    """Return the SELinux domain of each service's main process; none where SELinux is off. Raises OSError."""
    if view.text(ENFORCE) is None:
        return {}
    pids = {unit: said.get("MainPID") or "0" for unit, said in _told(view, MAIN_PROCESS, "*.service").items()}
    found = {unit: _domain(view, unit, pid) for unit, pid in pids.items() if pid != "0"}
    return {unit: domain for unit, domain in found.items() if domain}


def _domain(view: View, unit: str, pid: str) -> str:
    """Return the domain of a service's main process, empty where it has none any more or, which is noted, that cannot be told."""
    context = _context(view, pid)
    if context is None:
        # It has ended since, and the service may have another one by now.
        pid = _blocks(view.run(show(MAIN_PROCESS, unit))[1]).get(unit, {}).get("MainPID", "")
        if pid == "0":
            return ""
        context = _context(view, pid) if pid else None
    if context is None:
        view.note(f"unit {unit}", "its main process ended while it was looked at")
        return ""
    parts = context.split(":")
    return parts[CONTEXT_TYPE] if len(parts) > CONTEXT_TYPE else ""


def _context(view: View, pid: str) -> str | None:
    """Return the SELinux context of a process: empty where it cannot be read, which is noted, None where it has ended."""
    path = f"/proc/{pid}/attr/current"
    try:
        with open(view.real(path), "rb") as handle:
            return handle.read().decode("ascii", "replace").strip("\0\n")
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as error:
        view.note(path, error)
        return ""


def _told(view: View, properties: t.Sequence[str], pattern: str) -> dict[str, dict[str, str]]:
    # Not remembered: it is asked before and after.
    status, out = view.run(show(properties, pattern))
    found = _blocks(out)
    if status == NOT_FOUND or not found:
        raise OSError("systemctl does not answer")
    if status != 0:
        for unit in sorted(_loaded(view, pattern, found) - found.keys()):
            status, out = view.run(show(properties, unit))
            if status == 0 and _blocks(out):
                found.update(_blocks(out))
            else:
                view.note(f"unit {unit}", " ".join(out.split()) or f"systemctl ended with status {status}")
    return found


def _blocks(out: str) -> dict[str, dict[str, str]]:
    blocks = (read.assignments(block) for block in out.split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def _loaded(view: View, pattern: str, told: dict[str, dict[str, str]]) -> set[str]:
    status, out = view.run([*LIST, "--", pattern])
    if status != 0:
        raise NotAll(f"systemctl cannot list its units: {' '.join(out.split())}", told)
    return set(parse_failed(out))
