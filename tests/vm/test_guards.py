# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of SELinux under fire on a machine that enforces: its clock jumps, its tool fails, the host starts anew.

No container can have its clock set or enforce. The judges are the kernel's own switch and its two clocks. Each test goes on where
the one before it ended.
"""

from __future__ import annotations

import json
import time

import pytest
from lab import calls, disks, keys

from .conftest import TREE

pytestmark = pytest.mark.parametrize(
    "machine", [pytest.param((9, disks.Kind("ext4", True)), id="stream9-ext4")], indirect=True, scope="module")

# The shortest time that may be asked for, and what the guard may take besides on a machine that is emulated.
MINUTES, LATE = 5, 90
GUARDS, GUARD_UNITS = "/var/lib/centos-hyperscale/guards", "centos-hyperscale-guard-"
ENFORCE = "/sys/fs/selinux/enforce"
# setenforce, which fails as often as a file has lines.
FAILS = """\
#!/bin/sh
if test "$1" = 1 && test -s /run/lab-fails; then
  sed -i 1d /run/lab-fails
  echo 'setenforce: setenforce() failed' >&2
  exit 1
fi
exec /root/setenforce "$@"
"""


def converge(machine, **sections):
    """Run the engine, and return its result and what was printed."""
    given = {"key_fingerprints": [keys.fingerprint("hyperscale")], **sections}
    done = calls.run(
        ["ansible", machine.name, "-i", str(machine.inventory), "-m", "centos.hyperscale.converge", "-a", json.dumps(given)],
        TREE)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout[done.stdout.index("=> {") + 3:]), " ".join((done.stdout + done.stderr).split())


def relaxed(machine):
    """Swap a small set with SELinux permissive, as a run does whose controller is lost after it; return when its guard began."""
    result, _said = converge(
        machine, repositories=[{"flavours": ["main"], "key_fingerprint": keys.fingerprint("hyperscale")}],
        packages=[{"set": "ethtool"}], selinux=[{"during": "permissive", "permissive_minutes": MINUTES}])
    assert result["changed"] and [one["section"] for one in result["pending"]] == ["selinux"], result
    assert enforces(machine) == "0"
    return guard_of(machine)["armed"]


def enforces(machine):
    return machine.attempt("cat", ENFORCE).stdout.strip()


def monotonic(machine):
    return float(machine.read("/proc/uptime").split()[0])


def guard_of(machine):
    """Return the record of the newest guard."""
    return json.loads(machine.command("sh", "-c", f"cat $(ls -d {GUARDS}/selinux-* | tail -n 1)/record.json"))


def ended(machine):
    """Wait until the guard has ended by itself, and return its record."""
    deadline = time.monotonic() + LATE
    while guard_of(machine)["state"] == "armed" or GUARD_UNITS in machine.command("systemctl", "list-units", "--all", "--plain"):
        assert time.monotonic() < deadline, guard_of(machine)
        time.sleep(2)
    return guard_of(machine)


def waited_for(machine, began):
    """Wait until the kernel enforces, and return after how many seconds that was."""
    while enforces(machine) != "1":
        passed = monotonic(machine) - began
        assert passed < MINUTES * 60 + LATE, guard_of(machine)
        time.sleep(2)
    return monotonic(machine) - began


def is_told_once(machine, words):
    """Hold that the next run tells of it and the one after it does not; then go back to stock."""
    said = converge(machine, packages=[{"set": "ethtool"}])[1]
    assert "The host had to" in said and words in said, said
    assert "The host had to" not in converge(machine, packages=[{"set": "ethtool"}])[1]
    assert converge(machine, state="undone", undo=["packages"])[0]["changed"]


def test_the_clock_jumps_forward_and_back(machine):
    assert machine.command("getenforce") == "Enforcing"
    began, real = relaxed(machine), int(machine.command("date", "+%s"))
    machine.command("date", "--set", f"@{real + 3 * 365 * 86400}")
    time.sleep(20)
    assert enforces(machine) == "0" and guard_of(machine)["state"] == "armed"
    machine.command("date", "--set", f"@{real - 20 * 365 * 86400}")
    took = waited_for(machine, began)
    assert took >= MINUTES * 60
    assert ended(machine)["state"] == "back" and machine.command("getenforce") == "Enforcing"
    machine.command("date", "--set", f"@{int(real + took)}")
    is_told_once(machine, "enforcing")


def test_its_tool_fails_three_times(machine):
    tool = machine.command("readlink", "-f", machine.command("sh", "-c", "command -v setenforce"))
    machine.command("cp", "-a", tool, "/root/setenforce")
    machine.write("/root/fails", FAILS, "0755")
    machine.command("chcon", "--reference", tool, "/root/fails")
    began = relaxed(machine)
    machine.command("mount", "--bind", "/root/fails", tool)
    machine.command("sh", "-c", "printf '1\\n2\\n3\\n' > /run/lab-fails")
    took = waited_for(machine, began)
    record = ended(machine)
    assert record["state"] == "back" and record["tries"] == 4 and len(record["attempts"]) == 3, record
    assert all("setenforce" in one["failed"] for one in record["attempts"])
    # The pauses between the attempts are 5, 10 and 20 seconds.
    assert took >= MINUTES * 60 + 35
    machine.command("umount", tool)
    is_told_once(machine, "enforcing")


def test_the_host_starts_anew_meanwhile(machine):
    relaxed(machine)
    before = machine.boot_id()
    machine.cut_power()
    machine.wait_for_boot(before)
    assert machine.command("getenforce") == "Enforcing"
    record = ended(machine)
    assert record["state"] == "back" and record["tries"] <= 1, record
    is_told_once(machine, "enforcing")
