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


def show(properties: t.Sequence[str], pattern: str) -> list[str]:
    """Return the command that shows properties of units."""
    return ["systemctl", "show", "--all", f"--property={','.join(properties)}", "--", pattern]


def states(view: View) -> dict[str, dict[str, str]]:
    """Return what systemd says of every unit it has loaded. Raises OSError where it says nothing."""
    return _told(view, STATES, "*")


def domains(view: View) -> dict[str, str]:
    """Return the SELinux domain of each service's main process; none where SELinux is off. Raises OSError."""
    if view.text(ENFORCE) is None:
        return {}
    found = {}
    for unit, said in _told(view, MAIN_PROCESS, "*.service").items():
        pid = said.get("MainPID") or "0"
        context = _context(view, pid).split(":") if pid != "0" else []
        if len(context) > CONTEXT_TYPE:
            found[unit] = context[CONTEXT_TYPE]
    return found


def _context(view: View, pid: str) -> str:
    """Return the SELinux context of a process, empty where it has ended since."""
    path = f"/proc/{pid}/attr/current"
    try:
        with open(view.real(path), "rb") as handle:
            return handle.read().decode("ascii", "replace").strip("\0\n")
    except ProcessLookupError:
        return ""
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
        for unit in sorted(_loaded(view, pattern) - found.keys()):
            status, out = view.run(show(properties, unit))
            if status == 0 and _blocks(out):
                found.update(_blocks(out))
            else:
                view.note(f"unit {unit}", " ".join(out.split()) or f"systemctl ended with status {status}")
    return found


def _blocks(out: str) -> dict[str, dict[str, str]]:
    blocks = (read.assignments(block) for block in out.split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def _loaded(view: View, pattern: str) -> set[str]:
    status, out = view.run([*LIST, "--", pattern])
    if status != 0:
        raise OSError(f"systemctl cannot list its units: {' '.join(out.split())}")
    return set(parse_failed(out))
