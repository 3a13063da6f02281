# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is registered with alternatives(8): the files of chkconfig below /var/lib/alternatives."""

from __future__ import annotations

import typing as t

STATE_FOLDER = "/var/lib/alternatives"
LINK_FOLDER = "/etc/alternatives"


class Registered(t.NamedTuple):
    """A target of a family. C(followers) maps the name of a follower to the path it leads to with this target."""

    path: str
    priority: int
    followers: dict[str, str]


class Family(t.NamedTuple):
    """A family: whether its priorities select, the link that users call, the links of its followers by name, its targets."""

    name: str
    auto: bool
    link: str
    followers: dict[str, str]
    targets: list[Registered]

    def target(self, path: str | None) -> Registered | None:
        """Return a registered target by its path."""
        return next((target for target in self.targets if target.path == path), None)

    def best(self) -> Registered:
        """Return what the priorities select: the first of the highest."""
        return max(self.targets, key=lambda target: target.priority)


def parse(name: str, text: str) -> Family:
    """Return a family out of its file; raises ValueError for text that alternatives would not read.

    Lines: C(auto) or C(manual), the link, then name and link of each follower, an empty line, and for each target its path,
    its priority (with C(@group@) before it and a service after it where it has them) and a path for each follower.
    """
    lines = [line.strip() for line in text.split("\n")]
    if lines[0] not in ("auto", "manual") or not lines[1:2] or not lines[1].startswith("/") or "" not in lines[2:]:
        raise ValueError(f"the file of {name} has no mode, no link or no targets")
    end = lines.index("", 2)
    followers = dict(zip(lines[2:end:2], lines[3:end:2]))
    targets = []
    at, length = end + 1, 2 + len(followers)
    while lines[at:] and lines[at]:
        block = lines[at : at + length]
        if len(block) < length or not block[0].startswith("/"):
            raise ValueError(f"the file of {name} breaks off within a target")
        paths = {follower: path for follower, path in zip(followers, block[2:]) if path}
        targets.append(Registered(block[0], _priority(block[1]), paths))
        at += length
    if not targets:
        raise ValueError(f"the file of {name} registers no target")
    return Family(name, lines[0] == "auto", lines[1], followers, targets)


def _priority(line: str) -> int:
    """Return the number in a target's second line."""
    number = line.rpartition("@")[2].split()
    return int(number[0] if number else "")
