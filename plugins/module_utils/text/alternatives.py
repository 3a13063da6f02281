# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is registered with alternatives(8): the files of chkconfig below /var/lib/alternatives."""

from __future__ import annotations

import re
import typing as t

STATE_FOLDER = "/var/lib/alternatives"
# Where families are on a system of ostree that has no such folder.
OSTREE_STATE_FOLDER = "/etc/alternatives-admindir"
STATE_FOLDERS = (STATE_FOLDER, OSTREE_STATE_FOLDER)
LINK_FOLDER = "/etc/alternatives"

# What isspace(3) takes for a space. It is taken away before a line, and not after it.
SPACES = " \t\n\v\f\r"
# A number as strtol(3) reads it without a base.
NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1


class Registered(t.NamedTuple):
    """A target of a family. C(followers) maps the name of a follower to the path it leads to with this target; C(service) is
    what alternatives switches on with it, and off with each other target; C(group) is what its --family gave."""

    path: str
    priority: int
    followers: dict[str, str]
    group: str = ""
    service: str = ""


class Family(t.NamedTuple):
    """A family: whether its priorities select, the link that users call, the links of its followers by name, its targets."""

    name: str
    auto: bool
    link: str
    followers: dict[str, str]
    targets: list[Registered]

    def target(self, path: str | None) -> Registered | None:
        """Return a registered target by its path, as its link holds it. The first counts."""
        return next((target for target in self.targets if target.path == path), None)

    def best(self) -> Registered:
        """Return what the priorities select: the first of the highest."""
        return max(self.targets, key=lambda target: target.priority)

    def is_automatic(self, held: str | None) -> bool:
        """Say whether the priorities select, when the family's link holds a path: another than the best is somebody's choice."""
        return self.auto and self.target(held) is self.best()


def normal(path: str) -> str:
    """Return a path as alternatives understands one that it is given: with one slash where it has several."""
    return re.sub("/+", "/", path)


def parse(name: str, text: str) -> Family:
    """Return a family out of its file; raises ValueError for text that alternatives would not read.

    Lines: C(auto) or C(manual), the link, then name and link of each follower, an empty line, and for each target its path,
    its priority (with C(@group@) before it and a service after it where it has them) and a path for each follower. After the
    targets there are empty lines alone; lines of followers that are missing at the end count as empty.
    """
    lines = _lines(text)
    mode, link = next(lines, ""), next(lines, "")
    if mode not in ("auto", "manual") or not link.startswith("/"):
        raise ValueError(f"the file of {name} has no mode or no link")
    followers = list(_followers(name, lines))
    targets = []
    for path in iter(lambda: next(lines, ""), ""):
        priority = next(lines, None)
        paths = [next(lines, "") for _follower in followers]
        if not path.startswith("/") or any(held and not held.startswith("/") for held in paths):
            raise ValueError(f"the file of {name} has something else where the path of a target or follower should be")
        if priority is None:
            raise ValueError(f"the file of {name} breaks off within a target")
        targets.append(_target(name, path, priority, {follower: held for (follower, _link), held in zip(followers, paths)}))
    if any(lines):
        raise ValueError(f"the file of {name} goes on after its targets")
    if not targets:
        raise ValueError(f"the file of {name} registers no target")
    return Family(name, mode == "auto", normal(link), dict(followers), targets)


def _lines(text: str) -> t.Iterator[str]:
    """Yield the lines of a file; a zero byte ends it, and there is no line after the last line end."""
    text = text.partition("\0")[0]
    lines = text.split("\n")
    return (line.lstrip(SPACES) for line in (lines if lines[-1] else lines[:-1]))


def _followers(name: str, lines: t.Iterator[str]) -> t.Iterator[tuple[str, str]]:
    """Yield name and link of each follower, up to the empty line after them."""
    for follower in lines:
        if not follower:
            return
        link = next(lines, "")
        if follower.startswith("/") or not link:
            raise ValueError(f"the file of {name} has a follower without a name or without a link")
        yield follower, normal(link)
    raise ValueError(f"the file of {name} breaks off before its targets")


def _target(name: str, path: str, line: str, followers: dict[str, str]) -> Registered:
    """Return a target with the line that has its group, priority and service."""
    group = ""
    if line.startswith("@"):
        group, closed, line = line[1:].partition("@")
        if not group or not closed:
            raise ValueError(f"the file of {name} has a group without a name or an end: {path}")
    number = NUMBER.match(line)
    if number is None:
        raise ValueError(f"the file of {name} has a priority that is no number: {path}")
    sign, hexadecimal, octal, decimal = number.groups()
    value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    priority = _as_int(-value if sign == "-" else value)
    return Registered(
        path, priority, {follower: held for follower, held in followers.items() if held}, group,
        line[number.end():].lstrip(SPACES))


def _as_int(number: int) -> int:
    """Return what C makes of a number that is read as long and kept as int."""
    return (max(LONG_MIN, min(LONG_MAX, number)) + (1 << 31)) % (1 << 32) - (1 << 31)
