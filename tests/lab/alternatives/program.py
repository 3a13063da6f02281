# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for chkconfig's alternatives(8): its files, links and commands, without --config, --test and the --keep options,
and without those for a single follower.

Recorded cases of the real program hold it (tests/unit/lab/alternatives.yml), with what is odd in them: a family whose link below
/etc/alternatives is missing is refused by all commands but --install, a file NAME.new that a cut write left by all that write,
and a file without targets kills the program. Not recorded is where it looks for families on a system of ostree.
"""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t

from .arguments import COMMANDS, Arguments
from .families import FAILED, Ended, Family, Follower, Target, parsed, single

LINKS = "/etc/alternatives"
STATE, OSTREE_STATE = "/var/lib/alternatives", "/etc/alternatives-admindir"
UNITS = ("/lib/systemd/system", "/etc/systemd/system")
Run = t.Callable[[t.Sequence[str]], int]


class NoLink(Exception):
    """The family can be read, and its link below /etc/alternatives cannot."""

    def __init__(self, family: Family) -> None:
        super().__init__(family.name)
        self.family = family


def _call(argv: t.Sequence[str]) -> int:
    try:
        return subprocess.run(list(argv), check=False).returncode
    except FileNotFoundError:
        return 127


class Program:
    """The program on a host that lies below some folder; C(run) calls other programs."""

    def __init__(self, root: str = "", run: Run = _call) -> None:
        self._root = root
        self._run = run
        self._links, self._state = LINKS, STATE
        if not os.path.isdir(self._at(STATE)) and os.path.isdir(self._at(OSTREE_STATE)):
            self._state = OSTREE_STATE

    def _at(self, path: str) -> str:
        return os.path.join(f"{self._root}/", path.lstrip("/"))

    def main(self, argv: t.Sequence[str]) -> int:
        """Carry out a command line, and return the status."""
        try:
            given = Arguments.of(argv)
            if given.command == "--version":
                print("alternatives version 1.24")
                return 0
            self._links, self._state = given.folders.get("--altdir", self._links), given.folders.get("--admindir", self._state)
            for folder in (self._links, self._state):
                if not os.path.isdir(self._at(folder)):
                    raise Ended(FAILED, f"{folder} is no folder")
            if given.new:
                self.install(*given.new)
            else:
                getattr(self, COMMANDS[given.command][0])(*given.words)
            return 0
        except Ended as ended:
            print(ended, file=sys.stderr)
            return ended.status
        except NoLink as error:
            print(f"the link {self._links}/{error.family.name} cannot be read", file=sys.stderr)
            return FAILED

    def _read(self, name: str) -> Family:
        try:
            with open(self._at(f"{self._state}/{name}"), encoding="utf-8", errors="surrogateescape", newline="") as handle:
                family = parsed(name, handle.read())
        except FileNotFoundError:
            raise Ended(FAILED, f"cannot access {self._state}/{name}: No such file or directory") from None
        try:
            leads = os.readlink(self._at(f"{self._links}/{name}"))
        except OSError as error:
            raise NoLink(family) from error
        family.current, family.leads = family.number(leads), single(leads)
        family.auto = family.auto and family.current == family.best
        return family

    def _write(self, family: Family, force: bool = False) -> None:
        """Write a family's file, lead its links where they belong, and switch the services of its targets."""
        beside = f"{self._state}/{family.name}.new"
        try:
            with open(self._at(beside), "x", encoding="utf-8", errors="surrogateescape", newline="") as handle:
                handle.write(family.text())
        except FileExistsError:
            raise Ended(FAILED, f"{beside} already exists") from None
        os.rename(self._at(beside), self._at(f"{self._state}/{family.name}"))
        number = (family.best if family.auto else family.current) or 0
        chosen = family.targets[number]
        failed = False
        if force or family.auto:
            failed = not self._lead(Follower(family.name, family.link, chosen.path))
            for follower in chosen.followers:
                failed = not (self._lead(follower) if follower.path else self._unlead(follower)) or failed
        self._switch(chosen.service, True)
        for service in (target.service for other, target in enumerate(family.targets) if other != number):
            self._switch(service, False)
        if failed:
            raise Ended(FAILED, f"not all links of {family.name} could be written")

    def _switch(self, service: str | None, on: bool) -> None:
        if service is None:
            return
        unit = f"{service}.service"
        if not any(os.path.exists(self._at(f"{folder}/{unit}")) for folder in UNITS):
            self._run(["/sbin/chkconfig", "--add" if on else "--del", *service.split()])
        elif not on:
            self._run(["/bin/systemctl", "-q", "disable", unit])
        elif self._run(["/bin/systemctl", "-q", "is-enabled", unit]):
            self._run(["/bin/systemctl", "-q", "preset", unit])

    def _lead(self, follower: Follower) -> bool:
        """Have a link lead to its path by way of /etc/alternatives, and say whether that could be done."""
        inner, outer = f"{self._links}/{follower.name}", self._at(follower.link)
        if os.path.exists(outer) and not os.path.islink(outer):
            print(f"{follower.link} exists and is not a symlink", file=sys.stderr)
        elif not _point(outer, inner):
            return False
        return _point(self._at(inner), follower.path or "")

    def _unlead(self, follower: Follower) -> bool:
        for real in (self._at(f"{self._links}/{follower.name}"), self._at(follower.link)):
            if os.path.islink(real):
                os.unlink(real)
        return True

    def install(self, name: str, link: str, target: Target) -> None:
        """Register a target with its followers. This alone reads a family whose link is missing."""
        there = os.path.exists(self._at(f"{self._state}/{name}"))
        try:
            family = self._read(name) if there else Family(name, link, True)
        except NoLink as error:
            family = error.family
        if family.link != link:
            raise Ended(FAILED, f"the primary link for {name} must be {family.link}")
        wanted = list(family.targets[0].followers) if there else []
        for follower in target.followers if there else ():
            wanted += [] if follower.link in [other.link for other in wanted] else [follower]
        known = family.number(target.path)
        if known is None:
            family.targets.append(target)
            best = family.targets[family.best]
            family.best = len(family.targets) - 1 if best.priority < target.priority else family.best
        else:
            family.targets[known] = target
            used = {follower.name for other in family.targets for follower in other.followers if follower.path}
            for follower in (follower for follower in wanted if follower.name not in used):
                self._unlead(follower)
            wanted = [follower for follower in wanted if follower.name in used]
        if there:
            wanted.sort(key=lambda follower: follower.link)
            family.targets = [other._replace(followers=_matched(other, wanted)) for other in family.targets]
        self._write(family, known is not None)

    def remove(self, name: str, path: str) -> None:
        """Take a target out; a family without targets goes whole."""
        family = self._read(name)
        gone = family.number(path)
        if gone is None:
            raise Ended(FAILED, f"{path} has not been configured as an alternative for {name}")
        if len(family.targets) == 1:
            for follower in (Follower(name, family.link, None), *family.targets[0].followers):
                self._unlead(follower)
            os.unlink(self._at(f"{self._state}/{name}"))
            return
        group = None if family.current is None else family.targets[family.current].group
        last = len(family.targets) - 1
        # The last target comes in the place of the one that goes.
        family.current = None if family.current == gone else gone if family.current == last else family.current
        family.targets[gone] = family.targets[last]
        del family.targets[last]
        family.best = max(range(last), key=lambda number: (
            group is not None and family.targets[number].group == group, family.targets[number].priority))
        stays = family.current is None and group is not None and family.targets[family.best].group == group
        if family.current is None:
            family.auto = family.auto or not stays
            family.current = family.best
        self._write(family, stays)

    def remove_all(self, name: str) -> None:
        """Take all targets out."""
        for target in self._read(name).targets:
            self.remove(name, target.path)

    def choose(self, name: str, wanted: str) -> None:
        """Select a target by hand, by its path or as the best of a group."""
        family = self._read(name)
        number = family.number(wanted)
        if number is None:
            of_group = [number for number, target in enumerate(family.targets) if target.group == wanted]
            number = max(of_group, key=lambda one: family.targets[one].priority, default=None)
        if number is None:
            raise Ended(FAILED, f"{wanted} has not been configured as an alternative for {name}")
        family.current, family.auto = number, False
        self._write(family, True)

    def automatic(self, name: str) -> None:
        """Let the priorities select."""
        family = self._read(name)
        family.auto = True
        self._write(family)

    def display(self, name: str) -> None:
        """Print a family."""
        family = self._read(name)
        print(f"{name} - status is {'auto' if family.auto else 'manual'}.\n link currently points to {family.leads}")
        for target in family.targets:
            print(f"{target.path} - {f'family {target.group} ' if target.group else ''}priority {target.priority}")
            for follower in target.followers:
                print(f" follower {follower.name}: {follower.path or '(null)'}")
        print(f"Current `best' version is {family.targets[family.best].path}.")

    def everything(self) -> None:
        """Print all families; the first that cannot be read ends it."""
        names = os.listdir(self._at(self._state))
        for name in names:
            family = self._read(name)
            print(f"{name:{max(map(len, names))}}\t{'auto  ' if family.auto else 'manual'}\t{family.leads}")


def _point(real: str, to: str) -> bool:
    if os.path.islink(real) and os.readlink(real) == to:
        return True
    try:
        if os.path.lexists(real):
            os.unlink(real)
        os.symlink(to, real)
    except OSError as error:
        print(f"failed to link {real} -> {to}: {error.strerror}", file=sys.stderr)
        return False
    return True


def _matched(target: Target, wanted: t.Sequence[Follower]) -> list[Follower]:
    """Return the followers of a target in the order of some, with none where it has none of that name."""
    own = {follower.name: follower for follower in reversed(target.followers)}
    for follower in wanted:
        if follower.name in own and own[follower.name].link != follower.link:
            raise Ended(FAILED, f"link {own[follower.name].link} incorrect for follower {follower.name} ({follower.link})")
    return [own.get(follower.name) or follower._replace(path=None) for follower in wanted]
