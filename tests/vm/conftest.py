# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine for a file of tests, which follow each other on it, and the collection run on it as a user would.

A file that wants other machines than Stream 9 on ext4 gives C(machine) a parameter: a stream and a kind of disk.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import disks, hosts, machines, menus, workers  # noqa: E402

# Machines run side by side: each worker has its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
GROUP = f"vm-{WORKER}"
LOGS = TREE / ".cache" / "logs"
BOOT_SECONDS = 300
FINGERPRINT = (TREE / "tests" / "tools" / "fingerprint.py").read_text()
# A run that is refused has read repositories into dnf's cache.
NOT_A_CHANGE = ("/var/cache/dnf",)


class Machine:
    """One virtual machine, and what a test does with it."""

    def __init__(self, name, stream, kind, images):
        self.name, self.stream = name, stream
        # Also one that never came up: the playbooks of the next file would go over it.
        for left in (left for left in hosts.known() if left.group == GROUP):
            hosts.remove(left)
        self.inventory = hosts.up(GROUP, {name: stream}, images, machine=kind)
        self.host = hosts.find(name)

    def attempt(self, *argv):
        """Run a command and return its result, whatever its status."""
        return hosts.command(self.host, argv)

    def command(self, *argv):
        """Run a command and return what it printed."""
        result = self.attempt(*argv)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def read(self, path):
        """Return a file's text."""
        return self.command("cat", path)

    def write(self, path, text, mode="0644"):
        """Write a file."""
        subprocess.run(
            [*hosts.ssh(self.host), "--", "tee", path], input=text.encode(), stdout=subprocess.DEVNULL, check=True)
        self.command("chmod", mode, path)

    def fingerprint(self):
        """Return the lines of the machine's fingerprint, without what a run that is refused may write."""
        result = subprocess.run(
            [*hosts.ssh(self.host), "--", "/usr/bin/python3", "-"], input=FINGERPRINT, text=True, capture_output=True, check=True)
        return [line for line in result.stdout.splitlines() if not line.startswith(NOT_A_CHANGE)]

    def has(self, path):
        """Say whether there is such a path."""
        return hosts.command(self.host, ["test", "-e", path]).returncode == 0

    def boots(self):
        """Return what the launcher started so far."""
        return machines.boots(self.host.folder)

    def boot_id(self):
        """Return the id of the boot that runs, empty while nothing answers."""
        return hosts.command(self.host, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def reboot(self):
        """Reboot as an admin does, and wait until the machine is ready."""
        before = self.boot_id()
        hosts.command(self.host, ["systemctl", "reboot"])
        self.wait_for_boot(before)

    def cut_power(self):
        """Take the power away; the machine starts again."""
        hosts.power_cut(self.host)

    def wait_for_boot(self, before):
        """Wait for a boot other than C(before) to be ready."""
        deadline = time.monotonic() + BOOT_SECONDS
        while self.boot_id() in ("", before):
            assert time.monotonic() < deadline, self.console()[-4000:]
            time.sleep(1)
        hosts.wait_ready(self.host)

    def console(self):
        """Return what the machine wrote on its console, in all its boots."""
        return (self.host.folder / "console.log").read_text(errors="replace")

    def starts(self):
        """Return what GRUB started in each boot, on a machine that GRUB itself starts."""
        console = (self.host.folder / "console.log").read_bytes()
        begins = [boot["console"] for boot in self.boots()]
        parts = zip(begins, [*begins[1:], len(console)])
        return [menus.start_of(console[begin:end].decode(errors="replace")) for begin, end in parts]

    def adopt(self, roles, **variables):
        """Run the playbook that adopts, which may reboot, and return its status and what it printed."""
        return self.play("adopt", {"hyperscale_adopt": roles, "hyperscale_reboot_ok": True, **variables})

    def play(self, name, variables, settings=None):
        """Run a playbook of the collection and return its status and what it printed.

        C(settings) are environment variables of Ansible on the controller.
        """
        began = time.monotonic()
        result = subprocess.run(
            ["ansible-playbook", "-i", str(self.inventory), "-e", json.dumps(variables), f"playbooks/{name}.yml"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=TREE,
            env={**os.environ, **(settings or {})})
        print(result.stdout)
        print(f"{name}.yml ended with status {result.returncode} after {time.monotonic() - began:.0f} s")
        return result.returncode, " ".join(result.stdout.split())


def pytest_xdist_make_scheduler(config, log):
    """Return what gives tests to workers."""
    return workers.ByMachine(config, log)


@pytest.fixture(name="machine", scope="module")
def fixture_machine(request):
    stream, kind = getattr(request, "param", (9, disks.Kind()))
    live = Machine(f"{GROUP}-{stream}-{kind.words}", stream, kind, lab_commands.build())
    yield live
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"{live.name}-journal.log").write_text(hosts.command(live.host, ["journalctl", "--boot", "--no-pager"]).stdout)
    for name in ("machine.log", "console.log", "boots.json"):
        shutil.copy(live.host.folder / name, LOGS / f"{live.name}-{name}")
    hosts.remove(live.host)
