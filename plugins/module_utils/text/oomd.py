# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd-oomd takes and says: its limits and durations, its configuration and drop-ins, and the words of oomctl.

After oomd.conf(5), systemd.resource-control(5) and systemd.time(7) of systemd 252 to 262.
"""

from __future__ import annotations

import re
import typing as t

# Above our files, so that they are known as ours and nobody else's is ever taken away.
MARK = "# Written by centos.hyperscale, section oomd: changes are lost with its next run.\n"
CONFIG = "/etc/systemd/oomd.conf.d/50-centos-hyperscale.conf"
DROP_IN = "50-centos-hyperscale-oomd.conf"
UNIT_FOLDER = "/etc/systemd/system"

# Our option, the key of oomd.conf, and the first version of systemd that has it.
SETTINGS = {
    "swap_used_limit": ("SwapUsedLimit", 248),
    "memory_pressure_limit": ("DefaultMemoryPressureLimit", 248),
    "memory_pressure_duration": ("DefaultMemoryPressureDurationSec", 248),
    "prekill_hook_timeout": ("PrekillHookTimeoutSec", 260),
}
# The same of a unit's own settings.
UNIT_SETTINGS = {
    "swap": ("ManagedOOMSwap", 248),
    "memory_pressure": ("ManagedOOMMemoryPressure", 248),
    "memory_pressure_limit": ("ManagedOOMMemoryPressureLimit", 248),
    "memory_pressure_duration": ("ManagedOOMMemoryPressureDurationSec", 257),
    "preference": ("ManagedOOMPreference", 248),
}
# The types of units that have a control group of their own and are worth a policy, and the section of their files.
SECTIONS = {"slice": "Slice", "service": "Service", "scope": "Scope"}

# What a limit is worth in hundredths of a percent, by its sign; systemd takes that many digits after the point.
_SIGNS = {"%": (100, 2), "‰": (10, 1), "‱": (1, 0)}
_LIMIT = re.compile(r"^([0-9]{1,5})(?:\.([0-9]+))?([%‰‱])$")
WHOLE = 10_000
# PID 1 shows a limit as a share of this.
UINT32_MAX = 0xFFFFFFFF

_SECONDS = {
    1e-6: ("us", "usec", "µs", "μs"),
    1e-3: ("ms", "msec"),
    1.0: ("s", "sec", "second", "seconds", ""),
    60.0: ("m", "min", "minute", "minutes"),
    3600.0: ("h", "hr", "hour", "hours"),
    86_400.0: ("d", "day", "days"),
    604_800.0: ("w", "week", "weeks"),
    2_629_800.0: ("M", "month", "months"),
    31_557_600.0: ("y", "year", "years"),
}
_UNITS = {name: seconds for seconds, names in _SECONDS.items() for name in names}
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµμ]*)")


class Watched(t.NamedTuple):
    """A control group that oomd watches for pressure: limit in hundredths of a percent, duration in seconds where it is told."""

    limit: int
    duration: float | None


class Dump(t.NamedTuple):
    """What C(oomctl dump) says: limits in hundredths of a percent, seconds, and control groups by path."""

    swap_used_limit: int | None
    pressure_limit: int | None
    duration: float | None
    swap: frozenset[str]
    pressure: dict[str, Watched]


def permyriad(text: str) -> int | None:
    """Return a limit in hundredths of a percent, given in percent, permille or permyriad; None when systemd would not take it."""
    found = _LIMIT.match(text.strip())
    if not found:
        return None
    worth, digits = _SIGNS[found.group(3)]
    fraction = found.group(2) or ""
    if len(fraction) > digits:
        return None
    value = int(found.group(1)) * worth + int(fraction.ljust(digits, "0") or 0)
    return value if value <= WHOLE else None


def seconds(text: str) -> float | None:
    """Return a time span in seconds; None when it is not one, or has no end."""
    total, rest = 0.0, text.strip()
    if not rest:
        return None
    while rest:
        found = _PART.match(rest)
        if not found or found.group(2) not in _UNITS:
            return None
        total += float(found.group(1)) * _UNITS[found.group(2)]
        rest = rest[found.end():].strip()
    return total


def major(evr: str) -> int | None:
    """Return the first number of a version of systemd, with or without epoch and release."""
    found = re.match(r"(?:[0-9]+:)?([0-9]+)", evr)
    return int(found.group(1)) if found else None


def config(settings: t.Mapping[str, str | None]) -> str | None:
    """Return the text of our drop-in to oomd.conf; None when nothing is set."""
    return _file("OOM", SETTINGS, settings)


def drop_in(want: t.Mapping[str, str | None]) -> str | None:
    """Return the text of our drop-in to a unit."""
    return _file(SECTIONS[kind(str(want["name"]))], UNIT_SETTINGS, want)


def _file(section: str, keys: dict[str, tuple[str, int]], wanted: t.Mapping[str, str | None]) -> str | None:
    lines = [f"{key}={wanted[option]}\n" for option, (key, _since) in keys.items() if wanted.get(option) is not None]
    return f"{MARK}[{section}]\n{''.join(lines)}" if lines else None


def kind(unit: str) -> str:
    """Return the type of a unit, the end of its name."""
    return unit.rpartition(".")[2]


def drop_in_path(unit: str) -> str:
    """Return where our drop-in to a unit lies."""
    return f"{UNIT_FOLDER}/{unit}.d/{DROP_IN}"


def pattern(unit: str) -> str:
    """Return the pattern of the units that a drop-in counts for: all instances of a template, all that share a prefix."""
    stem, dot, type_ = unit.rpartition(".")
    return f"{stem}*{dot}{type_}" if stem.endswith("@") or is_prefix(unit) else unit


def is_prefix(unit: str) -> bool:
    """Say whether drop-ins to a name count for all units with its prefix, as with C(user-.slice); C(-.slice) is the root."""
    stem = unit.rpartition(".")[0]
    return stem.endswith("-") and stem != "-"


def parse_dump(text: str) -> Dump:
    """Return what C(oomctl dump) of systemd 252 to 262 says. Values it does not give are None."""
    general: dict[str, str] = {}
    groups: dict[str, dict[str, dict[str, str]]] = {"Swap": {}, "Memory Pressure": {}}
    part, fields = None, general
    for line in text.splitlines():
        key, colon, value = line.strip().partition(":")
        if not line.startswith("\t"):
            part = groups.get(key[: -len(" Monitored CGroups")]) if key.endswith(" Monitored CGroups") else None
            fields = general
        if part is not None and key == "Path":
            fields = part.setdefault(value.strip(), {})
        elif colon:
            fields[key] = value.strip()
    return Dump(
        permyriad(general.get("Swap Used Limit", "")),
        permyriad(general.get("Default Memory Pressure Limit", "")),
        seconds(general.get("Default Memory Pressure Duration", "")),
        frozenset(groups["Swap"]),
        {path: _watched(said) for path, said in groups["Memory Pressure"].items()},
    )


def _watched(said: dict[str, str]) -> Watched:
    limit = permyriad(said.get("Memory Pressure Limit", ""))
    return Watched(-1 if limit is None else limit, seconds(said.get("Memory Pressure Duration", "")))
