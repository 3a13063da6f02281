# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of alternatives for the lab's stand-in for alternatives(8): their files as chkconfig reads and writes them."""

from __future__ import annotations

import re
import typing as t

SPACES = " \t\n\v\f\r"
NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
LONG_MAX = 2**63 - 1
FAILED, KILLED = 2, 139


class Ended(Exception):
    """The program ends without success: a status, and what it says."""

    def __init__(self, status: int, says: str = "") -> None:
        super().__init__(says)
        self.status = status


class Follower(t.NamedTuple):
    """A further link of a target: it leads nowhere where the target has none of that name."""

    name: str
    link: str
    path: str | None


class Target(t.NamedTuple):
    """A program that is registered. C(service) is switched with it, C(group) is what C(--family) gave."""

    path: str
    priority: int
    group: str | None
    service: str | None
    followers: list[Follower]


class Family:
    """What is registered under a name, by numbers of targets: the best one, and the one that is chosen (None: another path)."""

    def __init__(self, name: str, link: str, auto: bool) -> None:
        self.name = name
        self.link = link
        self.auto = auto
        self.targets: list[Target] = []
        self.best = 0
        self.current: int | None = None
        self.leads = ""

    def number(self, path: str) -> int | None:
        """Return the number of the first target with some path."""
        return next((number for number, target in enumerate(self.targets) if target.path == path), None)

    def rank(self) -> None:
        """Find the first target of the highest priority."""
        self.best = max(range(len(self.targets)), key=lambda number: self.targets[number].priority)

    def text(self) -> str:
        """Return the family's file."""
        lines = ["auto" if self.auto else "manual", self.link]
        lines += [word for follower in self.targets[0].followers for word in (follower.name, follower.link)]
        lines.append("")
        for target in self.targets:
            group = "" if target.group is None else f"@{target.group}@"
            service = "" if target.service is None else f" {target.service}"
            lines += [target.path, f"{group}{target.priority}{service}", *(follower.path or "" for follower in target.followers)]
        return "\n".join(lines) + "\n"


def single(path: str) -> str:
    """Return a path with one slash where it has several."""
    return re.sub("/+", "/", path)


def number_in(text: str) -> tuple[int, str]:
    """Return the number that a text begins with, as strtol(3) reads it into an int, and the text after it."""
    match = NUMBER.match(text)
    if match is None:
        raise Ended(FAILED, f"there is no priority in {text!r}")
    sign, digits = match.groups()
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    number = max(-LONG_MAX - 1, min(LONG_MAX, int(f"{sign}{digits}", base)))
    return (number + 2**31) % 2**32 - 2**31, text[match.end():]


def parsed(name: str, content: str) -> Family:
    """Return a family out of its file."""
    lines = [line.lstrip(SPACES) for line in content.partition("\0")[0].split("\n")]
    lines = lines if lines[-1] else lines[:-1]
    rest = iter(lines)
    mode, link = next(rest, ""), next(rest, "")
    if mode not in ("auto", "manual") or not link.startswith("/"):
        raise Ended(FAILED, f"the file of {name} has no mode or no link")
    family = Family(name, single(link), mode == "auto")
    followers = []
    while True:
        word = next(rest, None)
        if word is None or word.startswith("/"):
            raise Ended(FAILED, f"the list of followers of {name} does not end")
        if not word:
            break
        followers.append((word, single(next(rest, ""))))
        if not followers[-1][1]:
            raise Ended(FAILED, f"follower {word} of {name} has no link")
    for path in iter(lambda: next(rest, ""), ""):
        family.targets.append(_target(path, rest, followers))
    if any(rest):
        raise Ended(FAILED, f"the file of {name} goes on after its targets")
    if not family.targets:
        raise Ended(KILLED, f"the file of {name} has no targets")
    family.rank()
    return family


def _target(path: str, rest: t.Iterator[str], followers: t.Sequence[tuple[str, str]]) -> Target:
    if not path.startswith("/"):
        raise Ended(FAILED, f"{path} is no path of a target")
    line, group = next(rest, None), None
    if line is None:
        raise Ended(KILLED, f"{path} has no priority")
    if line.startswith("@"):
        group, closed, line = line[1:].partition("@")
        if not closed or not group:
            raise Ended(FAILED, f"{path} has a family without a name or an end")
    priority, service = number_in(line)
    paths = [next(rest, "") for _follower in followers]
    if any(word and not word.startswith("/") for word in paths):
        raise Ended(FAILED, f"{path} has a follower that is no path")
    return Target(path, priority, group, service.lstrip(SPACES) or None, [
        Follower(name, link, word or None) for (name, link), word in zip(followers, paths)])
