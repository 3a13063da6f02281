# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the lab's stand-in for alternatives(8)."""

from __future__ import annotations

import typing as t

from .families import FAILED, Ended, Follower, Target, number_in, single

# The commands and their methods, by what they are given: nothing, a name, or a name and a target.
COMMANDS = {
    "--list": ("everything", 0), "--auto": ("automatic", 1), "--display": ("display", 1), "--remove-all": ("remove_all", 1),
    "--remove": ("remove", 2), "--set": ("choose", 2)}


class Arguments:
    """A command line: a command with its words, or a target to install by name and link, and folders in place of the usual."""

    def __init__(self, argv: t.Sequence[str]) -> None:
        self.command = ""
        self.words: list[str] = []
        self.folders: dict[str, str] = {}
        self.new: tuple[str, str, Target] | None = None
        self._left = list(argv)

    @classmethod
    def of(cls, argv: t.Sequence[str]) -> Arguments:
        """Read a command line as the program does: nothing is put together, and what is not known ends it."""
        given = cls(argv)
        group = service = None
        followers: list[Follower] = []
        while given._left:
            word = given._left.pop(0)
            if word in ("--altdir", "--admindir"):
                given.folders[word] = single(given._word())
            elif word in ("--follower", "--slave", "--initscript", "--family") and given.command not in ("", "--install"):
                raise Ended(FAILED, f"{word} belongs to --install")
            elif word in ("--follower", "--slave"):
                link, name, path = given._link_set()
                followers.append(Follower(name, link, path))
            elif word == "--initscript":
                service = given._word()
            elif word == "--family":
                group = given._word(without="@")
            else:
                given._command(word)
        if given.new:
            name, link, target = given.new
            given.new = name, link, target._replace(group=group, service=service, followers=followers)
        elif given.command not in (*COMMANDS, "--version"):
            raise Ended(FAILED, "no command is given")
        return given

    def _command(self, word: str) -> None:
        if self.command or word not in (*COMMANDS, "--install", "--version"):
            raise Ended(FAILED, f"{word} is not known here")
        self.command = word
        if word == "--install":
            link, name, path = self._link_set()
            text = self._word()
            priority, rest = number_in(text) if text else (0, "")
            if rest:
                raise Ended(FAILED, f"{text} is no priority")
            self.new = name, link, Target(path, priority, None, None, [])
        else:
            count = COMMANDS[word][1] if word in COMMANDS else 0
            self.words = [self._word(path=False) for _word in range(min(count, 1))] + [
                single(self._word()) for _word in range(count - 1)]

    def _word(self, path: bool | None = None, without: str = "/") -> str:
        """Return the next word. C(path): whether it has to begin with a slash, or must not."""
        if not self._left or (path is not None and self._left[0].startswith("/") != path):
            raise Ended(FAILED, "see alternatives(8)")
        if without != "/" and without in self._left[0]:
            raise Ended(FAILED, f"a family can't contain {without}")
        return self._left.pop(0)

    def _link_set(self) -> tuple[str, str, str]:
        link, name, path = self._word(path=True), self._word(path=False), self._word(path=True)
        return single(link), name, single(path)
