# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another kernel, its arguments, and systemd-oomd, on a machine that really boots.

Each test goes on where the one before it ended: a boot costs most of a minute.
"""

from __future__ import annotations

import time

from .kernels import BREAKER, BREAKS_INITRDS, ROLES, VARIABLES, arguments, environment, release

# Takes memory in small steps, and touches all of it over and over.
HOG = "held = []\nwhile True:\n    held.append(bytearray(1 << 20))\n    [part.__setitem__(0, 1) for part in held]\n"
OOMD_UNITS = [{"name": "batch.slice", "memory_pressure": "kill", "memory_pressure_limit": "10%"}]
KILL_SECONDS = 180


def test_stock_machine_runs_its_stock_kernel(machine):
    assert machine.command("uname", "-r") == release(machine, "stock")
    assert [boot["reason"] for boot in machine.boots()] == ["saved_entry"]
    assert "/sys/fs/cgroup cgroup2 " in machine.read("/proc/mounts")
    assert "memory" in machine.read("/sys/fs/cgroup/cgroup.controllers").split()
    assert "psi=0" in arguments(machine) and not machine.has("/proc/pressure")


def test_a_kernel_that_panics_is_left_by_itself(machine):
    """The initrd of the new kernel is spoilt as it is made: the boot that tries it dies, and the old kernel follows."""
    machine.write(BREAKER, BREAKS_INITRDS, "0755")
    status, said = machine.adopt(ROLES, **VARIABLES)
    stock, hyperscale = release(machine, "stock"), release(machine, "hyperscale")
    assert status != 0
    assert f"Kernel {hyperscale} was to be started, and {stock} runs" in said
    assert "the host has come back by itself, and boots the old kernel again." in said
    tried, back = machine.boots()[1:]
    assert tried["entry"].endswith(hyperscale) and (tried["reason"], tried["ended"]) == ("next_entry", "guest-reset")
    assert "Kernel panic" in machine.console()
    assert back["entry"].endswith(stock) and back["reason"] == "saved_entry"
    assert machine.command("uname", "-r") == stock
    assert environment(machine)["next_entry"] == ""


def test_arguments_are_in_force_after_the_boot(machine):
    assert "psi=1" in arguments(machine) and "psi=0" not in arguments(machine)
    assert "some avg10=" in machine.read("/proc/pressure/memory")


def test_the_next_run_says_that_the_try_failed(machine):
    boots = len(machine.boots())
    status, said = machine.adopt(ROLES, **VARIABLES)
    assert status != 0
    assert f"kernel {release(machine, 'hyperscale')} was set to be tried on" in said
    assert f"the host came back with {release(machine, 'stock')}" in said
    assert len(machine.boots()) == boots


def test_another_try_ends_with_the_new_kernel_as_default(machine):
    hyperscale = release(machine, "hyperscale")
    machine.command("rm", BREAKER)
    machine.command("kernel-install", "add", hyperscale, f"/lib/modules/{hyperscale}/vmlinuz")
    boots = len(machine.boots())
    status, _said = machine.adopt(ROLES, **VARIABLES, hyperscale_kernel_retry="with a whole initrd")
    assert status == 0
    assert machine.command("uname", "-r") == hyperscale and "psi=1" in arguments(machine)
    assert [boot["reason"] for boot in machine.boots()[boots:]] == ["next_entry"]
    assert environment(machine)["saved_entry"].endswith(hyperscale)


def test_the_new_kernel_stays_after_a_power_cut(machine):
    """The power goes right after the run: what the run wrote is on the disk by then."""
    before = machine.boot_id()
    machine.cut_power()
    machine.wait_for_boot(before)
    assert machine.command("uname", "-r") == release(machine, "hyperscale")
    cut, again = machine.boots()[-2:]
    assert (cut["ended"], again["reason"]) == ("power-cut", "saved_entry")
    assert "psi=1" in arguments(machine) and "panic=10" not in arguments(machine)
    status, said = machine.adopt(ROLES, **VARIABLES, hyperscale_kernel_retry="with a whole initrd")
    assert status == 0 and "changed=0" in said


def test_oomd_kills_who_presses_and_spares_the_neighbour(machine):
    boots = len(machine.boots())
    status, _said = machine.adopt(
        ["repos", "oomd"], **VARIABLES, hyperscale_oomd_units=OOMD_UNITS,
        hyperscale_oomd_settings={"memory_pressure_duration": "2s"})
    assert status == 0 and len(machine.boots()) == boots
    assert machine.command("systemctl", "is-active", "systemd-oomd.service") == "active"
    # Without swap there is nothing to reclaim of what programs hold, and systemd-oomd kills only where reclaim goes on.
    machine.command("sh", "-c", "fallocate -l 256M /swap && chmod 600 /swap && mkswap /swap && swapon /swap")
    machine.command("systemd-run", "--slice=batch.slice", "--unit=neighbour", "sleep", "infinity")
    deadline = time.monotonic() + KILL_SECONDS
    while "/batch.slice" not in machine.command("oomctl"):
        assert time.monotonic() < deadline, machine.command("oomctl")
        time.sleep(2)
    machine.command(
        "systemd-run", "--slice=batch.slice", "--unit=hog", "--property=MemoryHigh=64M", "--property=RemainAfterExit=yes",
        "/usr/bin/python3", "-c", HOG)
    deadline = time.monotonic() + KILL_SECONDS
    while machine.command("systemctl", "show", "--value", "--property=SubState", "hog.service") == "running":
        assert time.monotonic() < deadline, machine.command("oomctl")
        time.sleep(2)
    assert machine.command("systemctl", "show", "--value", "--property=Result", "hog.service") == "oom-kill"
    said = machine.command("journalctl", "--boot", "--no-pager", "--unit=systemd-oomd.service")
    assert "Killed /batch.slice/hog.service" in said and "Killed /batch.slice/neighbour" not in said
    assert machine.command("systemctl", "is-active", "neighbour.service") == "active"
