# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something that runs is older than the files it was started from, also on a host whose clock was set meanwhile."""

from __future__ import annotations

import datetime
import os
import time
import typing as t

from ..core.host_io import Target, is_folder, leads_somewhere
from ..core.writable import OVERWRITTEN, Touch

# How systemd prints a point in time with C(--timestamp=us+utc); it leaves a fraction of zero out.
STAMPS = ("%a %Y-%m-%d %H:%M:%S.%f UTC", "%a %Y-%m-%d %H:%M:%S UTC")


class Clock(t.NamedTuple):
    """One look at the host's two clocks, in seconds: the wall clock, and the one that nobody can set."""

    real: float
    monotonic: float


class Moment(t.NamedTuple):
    """When something began, as both clocks stood then; C(real) is None where that was not noted."""

    real: float | None
    monotonic: float


def now() -> Clock:
    """Return what the clocks say."""
    return Clock(time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))


def moment(fields: t.Mapping[str, str], name: str) -> Moment | None:
    """Return a timestamp property of C(systemctl show --timestamp=us+utc); None when it never happened."""
    microseconds = fields.get(f"{name}Monotonic", "0")
    if not microseconds.isdigit() or int(microseconds) == 0:
        return None
    return Moment(_parsed(fields.get(name, "")), int(microseconds) / 1e6)


def _parsed(text: str) -> float | None:
    for form in STAMPS:
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc).timestamp()
        except ValueError:
            continue
    return None


def by_the_clock(began: Moment, clock: Clock) -> float:
    """Return when something began, by the wall clock as it goes now.

    What was noted counts, as files were dated by the same clock. Noted in the future, the clock was set back since; noted
    earlier than the other clock counts, it was set forward. Either way the count from the other clock holds.
    """
    counted = clock.real - (clock.monotonic - began.monotonic)
    if began.real is None or began.real > clock.real:
        return counted
    return max(began.real, counted)


def is_older(target: Target, began: Moment, paths: t.Iterable[str], clock: Clock) -> bool:
    """Say whether one of some files was written after something began."""
    return any(dated > by_the_clock(began, clock) for dated in _dates(target, paths))


def date_now(target: Target, paths: t.Iterable[str]) -> None:
    """Give files that are dated in the future the date of now: by theirs, whatever starts would be older for ever."""
    present = time.time()
    for path in paths:
        real = _dated_path(target, path)
        if real is not None and os.stat(real).st_mtime > present:
            os.utime(real, (present, present))


def touches(target: Target, paths: t.Iterable[str]) -> list[Touch]:
    """Return what date_now() writes of some files."""
    present = time.time()
    dated = {path: _dated_path(target, path) for path in paths}
    return [Touch(path, OVERWRITTEN) for path, real in dated.items() if real is not None and os.stat(real).st_mtime > present]


def _dates(target: Target, paths: t.Iterable[str]) -> list[float]:
    found = (_dated_path(target, path) for path in paths)
    return [os.stat(path).st_mtime for path in found if path is not None]


def _dated_path(target: Target, path: str) -> str | None:
    """Return what tells when a file changed: itself, or when it is gone, the folder of drop-ins that it was in."""
    real = target.path(path)
    if leads_somewhere(real):
        return real
    folder = os.path.dirname(real)
    return folder if folder.endswith(".d") and is_folder(folder) else None
