# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on which guards act: its systemd starts their units, its clock moves on where somebody sleeps, and it can be cut."""

from __future__ import annotations

import time

from ansible_collections.centos.hyperscale.plugins.module_utils.core import guard, guard_fire, guard_units, host_io, identity

MODULES = guard_fire.MODULES


class Cut(BaseException):
    """The host is started anew, or a process is killed."""


class Clock:
    """The monotonic clock; there is no other. What is to happen during a sleep is given by the number of the sleep."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []
        self.during = {}

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        self.during.pop(len(self.slept), lambda: None)()


class GuardHost:
    """A host below a folder. C(commands) are those that were run; C(answers) says what one answers, by its first words."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.commands = []
        self.answers = {}
        self.warned = []
        self.clock = Clock()
        self.boots = 0
        self.target = host_io.Target(self.run, str(folder), root=str(folder / "host"), warn=self.warned.append)
        monkeypatch.setattr(guard, "time", self.clock)
        monkeypatch.setattr(guard_fire, "time", self.clock)
        monkeypatch.setattr(time, "time", lambda: -1e9 * self.boots)
        self.boot()

    def run(self, argv):
        self.commands.append(list(argv))
        for words, answer in self.answers.items():
            if " ".join(argv).startswith(words):
                return answer() if callable(answer) else answer
        return 0, "", ""

    def path(self, path):
        return self.folder / "host" / path.lstrip("/")

    def write(self, path, content):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(content)

    def read(self, path):
        return self.path(path).read_text()

    def boot(self):
        """Start the host anew: another boot, and the monotonic clock begins anew."""
        self.boots += 1
        self.clock.now = 10.0 * self.boots
        self.clock.slept.clear()
        self.write(identity.BOOT_ID, f"boot-{self.boots}\n")

    def units(self):
        """Return the unit files of guards that are on the disk."""
        folder = self.path(guard_units.UNITS)
        return sorted(one.name for one in folder.glob("centos-hyperscale-guard-*")) if folder.is_dir() else []

    def fire(self, record, kind):
        """Have the service of a guard act, as the timer or a boot starts it. Returns false where the host was cut meanwhile."""
        try:
            guard_fire.fire(self.target, record.id, kind, self.clock)
        except Cut:
            self.boot()
            return False
        return True

    def cut(self):
        raise Cut
