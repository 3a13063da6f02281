# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a job of the collection at a line of its journal: Python imports a module of this name when it starts.

C(ask.json) beside it says which line, and what then: C(hold) stands still until C(go) is there, C(kill) lets the job go on
and kills it after a delay, C(tell) only tells. C(marker) tells that the line was reached.

Or it says C(shift): by how many seconds the clock is wrong.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
JOURNAL = "/var/lib/centos-hyperscale/journal/"
BEGAN = "began"

# What the job starts is not asked for.
os.environ.pop("PYTHONPATH", None)
sync = os.fsync


class Watch:
    """Looks at each line of the journal once it is on disk, until the wanted one came."""

    def __init__(self, ask):
        self.ask = ask
        self.wanted = None
        self.over = False

    def fsync(self, handle):
        """Sync, and look at what was synced."""
        sync(handle)
        path = os.readlink(f"/proc/self/fd/{handle}") if isinstance(handle, int) else ""
        if path.startswith(JOURNAL) and not self.over:
            with open(path, encoding="utf-8") as journal:
                self.look(path, json.loads(journal.readlines()[-1]))

    def look(self, path, line):
        """Act when this is the line: a step is known by what it is, since a run that goes on counts anew."""
        if line["event"] == BEGAN and self.is_wanted(line["action"]):
            self.wanted = line["number"]
        if line["event"] == self.ask["event"] and line["number"] is not None and line["number"] == self.wanted:
            self.over = True
            self.act(f"{os.path.basename(path)[:-len('.jsonl')]}.{line['number']}")

    def is_wanted(self, action):
        """Say whether a step is the one asked for."""
        return action["kind"] == self.ask["kind"] and self.ask["subject"] in (None, action["subject"])

    def act(self, job):
        """Tell, and do what was asked for."""
        if self.ask["do"] == "kill":
            threading.Timer(self.ask["delay"], os.kill, (os.getpid(), signal.SIGKILL)).start()
        with open(f"{HERE}/.marker", "w", encoding="utf-8") as marker:
            json.dump({"pid": os.getpid(), "job": job}, marker)
        os.rename(f"{HERE}/.marker", f"{HERE}/marker")
        while self.ask["do"] == "hold" and not os.path.exists(f"{HERE}/go"):
            time.sleep(0.02)


def shift(seconds):
    """Have this process take the clock for another."""
    now, gmtime = time.time, time.gmtime
    time.time = lambda: now() + seconds
    time.gmtime = lambda *when: gmtime(*(when or (time.time(),)))


with open(f"{HERE}/ask.json", encoding="utf-8") as file:
    wanted = json.load(file)
if "shift" in wanted:
    shift(wanted["shift"])
else:
    os.fsync = Watch(wanted).fsync
