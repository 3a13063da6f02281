#!/usr/bin/python3
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for chkconfig's alternatives(8): its commands, its files below /var/lib/alternatives, its links.

As there, a link that somebody pointed elsewhere turns a family manual, the first of several best targets wins, and a
follower that the chosen target does not have loses its link.
"""

from __future__ import annotations

import argparse
import os
import sys
import typing as t

LINKS = "/etc/alternatives"
STATE = "/var/lib/alternatives"


class Target(t.NamedTuple):
    """A program that is registered: C(followers) maps the name of a follower to where it leads."""

    path: str
    priority: int
    family: str
    service: str
    followers: dict[str, str]


class Family:
    """What is registered under a name."""

    def __init__(self, name: str, link: str) -> None:
        self.name = name
        self.link = link
        self.auto = True
        self.followers: dict[str, str] = {}
        self.targets: list[Target] = []
        self.current: str | None = None

    @classmethod
    def read(cls, name: str) -> Family:
        """Read a family from its file, and what it points to from its link."""
        try:
            with open(os.path.join(STATE, name), encoding="utf-8") as handle:
                lines = [line.strip() for line in handle]
        except FileNotFoundError:
            sys.exit(f"cannot access {STATE}/{name}: No such file or directory")
        family = cls(name, lines[1])
        at = 2
        while lines[at]:
            family.followers[lines[at]] = lines[at + 1]
            at += 2
        at += 1
        while at < len(lines) and lines[at]:
            group, _at, rest = lines[at + 1][1:].partition("@") if lines[at + 1].startswith("@") else ("", "", lines[at + 1])
            priority, _space, service = rest.partition(" ")
            paths = lines[at + 2 : at + 2 + len(family.followers)]
            followers = {follower: path for follower, path in zip(family.followers, paths) if path}
            family.targets.append(Target(lines[at], int(priority), group, service, followers))
            at += 2 + len(family.followers)
        link = os.path.join(LINKS, name)
        family.current = os.readlink(link) if os.path.islink(link) else None
        family.auto = lines[0] == "auto" and family.current == family.best().path
        return family

    def best(self) -> Target:
        """Return the first target of the highest priority."""
        return max(self.targets, key=lambda target: target.priority)

    def find(self, path: str) -> Target:
        """Return a registered target, by its path or the name of its group."""
        for target in self.targets:
            if path in (target.path, target.family):
                return target
        sys.exit(f"{path} has not been configured as an alternative for {self.name}")

    def write(self) -> None:
        """Write the family's file."""
        lines = ["auto" if self.auto else "manual", self.link]
        for name, link in self.followers.items():
            lines += [name, link]
        lines.append("")
        for target in self.targets:
            group = f"@{target.family}@" if target.family else ""
            lines += [target.path, f"{group}{target.priority} {target.service}".rstrip()]
            lines += [target.followers.get(name, "") for name in self.followers]
        beside = os.path.join(STATE, f"{self.name}.new")
        with open(beside, "x", encoding="utf-8") as handle:
            handle.write("\n".join(lines) + "\n")
        os.rename(beside, os.path.join(STATE, self.name))

    def point(self, to: Target) -> None:
        """Lead the links of the family and of its followers to a target."""
        _link(self.name, self.link, to.path)
        for name, link in self.followers.items():
            if name in to.followers:
                _link(name, link, to.followers[name])
            else:
                _unlink(name, link)


def _link(name: str, link: str, path: str) -> None:
    within = os.path.join(LINKS, name)
    if os.path.lexists(link) and not os.path.islink(link):
        print(f"failed to link {link} -> {within}: {link} exists and it is not a symlink", file=sys.stderr)
    else:
        _point(link, within)
    _point(within, path)


def _point(link: str, to: str) -> None:
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(to, link)


def _unlink(name: str, link: str) -> None:
    for path in (os.path.join(LINKS, name), link):
        if os.path.islink(path):
            os.unlink(path)


def install(args: argparse.Namespace) -> None:
    """Register a target with its followers."""
    link, name, path, priority = args.install
    family = Family.read(name) if os.path.exists(os.path.join(STATE, name)) else Family(name, link)
    if family.link != link:
        sys.exit(f"the primary link for {name} must be {family.link}")
    known = {target.path for target in family.targets}
    new = Target(path, int(priority), args.family or "", args.initscript or "", {f[1]: f[2] for f in args.follower})
    family.followers.update({follower: at for at, follower, _path in args.follower})
    family.followers = dict(sorted(family.followers.items(), key=lambda item: item[1]))
    family.targets = [new if target.path == path else target for target in family.targets]
    if path not in known:
        family.targets.append(new)
    family.write()
    if family.auto:
        family.point(family.best())
    elif family.current in {target.path for target in family.targets}:
        family.point(family.find(family.current))


def remove(args: argparse.Namespace) -> None:
    """Take a target out; a family without targets goes whole."""
    name, path = args.remove
    family = Family.read(name)
    gone = family.find(path)
    family.targets.remove(gone)
    if not family.targets:
        _unlink(name, family.link)
        for follower, link in family.followers.items():
            _unlink(follower, link)
        os.unlink(os.path.join(STATE, name))
        return
    if family.current == gone.path:
        family.auto = True
    family.write()
    if family.auto:
        family.point(family.best())


def choose(args: argparse.Namespace) -> None:
    """Select a target by hand."""
    name, path = args.set
    family = Family.read(name)
    target = family.find(path)
    family.auto = False
    family.write()
    family.point(target)


def automatic(args: argparse.Namespace) -> None:
    """Let the priorities select."""
    family = Family.read(args.auto)
    family.auto = True
    family.write()
    family.point(family.best())


def display(args: argparse.Namespace) -> None:
    """Print a family."""
    family = Family.read(args.display)
    print(f"{family.name} - status is {'auto' if family.auto else 'manual'}.")
    print(f" link currently points to {family.current}")
    for target in family.targets:
        print(f"{target.path} - {f'family {target.family} ' if target.family else ''}priority {target.priority}")
        for follower in family.followers:
            print(f" follower {follower}: {target.followers.get(follower, '(null)')}")
    print(f"Current `best' version is {family.best().path}.")


def everything(_args: argparse.Namespace) -> None:
    """Print all families."""
    for name in sorted(os.listdir(STATE)):
        family = Family.read(name)
        print(f"{name}\t{'auto' if family.auto else 'manual'}\t{family.current}")


COMMANDS = {
    "install": install, "remove": remove, "set": choose, "auto": automatic, "display": display, "list": everything}


def main() -> None:
    parser = argparse.ArgumentParser(prog="alternatives")
    parser.add_argument("--version", action="version", version="alternatives version 1.24")
    command = parser.add_mutually_exclusive_group(required=True)
    command.add_argument("--install", nargs=4, metavar=("LINK", "NAME", "PATH", "PRIORITY"))
    command.add_argument("--remove", nargs=2, metavar=("NAME", "PATH"))
    command.add_argument("--set", nargs=2, metavar=("NAME", "PATH"))
    command.add_argument("--auto", metavar="NAME")
    command.add_argument("--display", metavar="NAME")
    command.add_argument("--list", action="store_true")
    parser.add_argument("--follower", "--slave", nargs=3, action="append", default=[], metavar=("LINK", "NAME", "PATH"))
    parser.add_argument("--family")
    parser.add_argument("--initscript")
    args = parser.parse_args()
    next(run for name, run in COMMANDS.items() if getattr(args, name))(args)


if __name__ == "__main__":
    main()
