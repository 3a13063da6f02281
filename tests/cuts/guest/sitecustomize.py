# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a job of the collection at a line of its ledger: Python imports a module of this name when it starts.

C(ask.json) beside it says which line, whether right before it is written or once it is on the disk, and what then: C(hold)
stands still until C(go) is there, C(kill) lets the job go on and kills it after a delay, C(fail) has the verification that
follows fail as on a disk that cannot be read, C(tell) only tells. C(marker) tells that the line was reached. A line without a
kind of step is one of the run itself.

Or it says C(shift): by how many seconds the clock is wrong.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LEDGER = "/var/lib/centos-hyperscale/ledger/"
BEGAN = "intent"

# What the job starts is not asked for.
os.environ.pop("PYTHONPATH", None)
sync, write = os.fsync, os.write


class Watch:
    """Looks at each line of the ledger, before it is written or once it is on the disk, until the wanted one came."""

    def __init__(self, ask):
        self.ask = ask
        self.wanted = None
        self.over = False

    def write(self, handle, data):
        """Write, and look before that at what is written to the ledger."""
        path = self.ledger(handle)
        if path and self.ask["before"]:
            self.look(path, json.loads(data))
        return write(handle, data)

    def fsync(self, handle):
        """Sync, and look at what was synced."""
        sync(handle)
        path = self.ledger(handle)
        if path and not self.ask["before"]:
            with open(path, encoding="utf-8") as ledger:
                self.look(path, json.loads(ledger.readlines()[-1]))

    def ledger(self, handle):
        """Return the path of a handle where it is the ledger and the wanted line is still to come; else nothing."""
        path = os.readlink(f"/proc/self/fd/{handle}") if isinstance(handle, int) and not self.over else ""
        return path if path.startswith(LEDGER) else ""

    def look(self, path, line):
        """Act when this is the line: a step is known by what it is, since a run that goes on counts anew."""
        number = line.get("number")
        if line["event"] == BEGAN and self.is_wanted(line.get("action", line)):
            self.wanted = number
        if line["event"] == self.ask["event"] and number == self.wanted and (number is None) == (not self.ask["kind"]):
            self.over = True
            self.act(f"{os.path.basename(path)[:-len('.jsonl')]}.{number}")

    def is_wanted(self, action):
        """Say whether a step is the one asked for."""
        return action["kind"] == self.ask["kind"] and self.ask["subject"] in (None, action["subject"])

    def act(self, job):
        """Tell, and do what was asked for."""
        if self.ask["do"] == "kill":
            threading.Timer(self.ask["delay"], os.kill, (os.getpid(), signal.SIGKILL)).start()
        elif self.ask["do"] == "fail":
            sys.setprofile(fail_verification)
        with open(f"{HERE}/.marker", "w", encoding="utf-8") as marker:
            json.dump({"pid": os.getpid(), "job": job}, marker)
        os.rename(f"{HERE}/.marker", f"{HERE}/marker")
        while self.ask["do"] == "hold" and not os.path.exists(f"{HERE}/go"):
            time.sleep(0.02)


def fail_verification(frame, event, _arg):
    """Raise the error of a disk that cannot be read when the next verification begins."""
    if event == "call" and frame.f_code.co_name == "verify":
        sys.setprofile(None)
        raise OSError(errno.EIO, os.strerror(errno.EIO))


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
    watch = Watch(wanted)
    os.fsync, os.write = watch.fsync, watch.write
