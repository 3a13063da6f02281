# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another kernel and its arguments, on a machine that really boots. Each test goes on where the one before it ended."""

from __future__ import annotations

from lab import keys

ARGUMENTS = [{"args": ["psi=1"]}]


def repositories():
    """Return the wish for the repository that has the kernel of Stream 9."""
    return [{"flavours": ["main", "experimental"], "key_fingerprint": keys.fingerprint("hyperscale")}]


def wish(retry=""):
    """Return the wish for the Hyperscale kernel with PSI."""
    return [{"kernel": "hyperscale", "retry": retry, "args": ["psi=1"]}]


def release(machine, side):
    """Return the release of the installed kernel of a side."""
    found = machine.command("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}.%{ARCH}\n", "kernel-core").split()
    return next(name for name in found if (".hs" in name) == (side == "hyperscale"))


def environment(machine):
    """Return the variables of GRUB's environment block."""
    lines = machine.read("/boot/grub2/grubenv").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_stock_machine_runs_its_stock_kernel(machine):
    assert machine.command("uname", "-r") == release(machine, "stock")
    assert [boot["reason"] for boot in machine.boots()] == ["saved_entry"]
    assert "/sys/fs/cgroup cgroup2 " in machine.read("/proc/mounts")
    assert "memory" in machine.read("/sys/fs/cgroup/cgroup.controllers").split()
    assert not machine.has("/proc/pressure")


def test_arguments_wait_for_a_boot(machine):
    result = machine.converge(boot=ARGUMENTS)
    assert result["changed"] and [pending["waits_for"] for pending in result["pending"]] == ["boot"]
    assert "psi=1" not in machine.read("/proc/cmdline").split()
    again = machine.converge(boot=ARGUMENTS)
    assert not again["changed"] and again["pending"] == result["pending"]


def test_a_kernel_that_panics_is_left_by_itself(machine):
    """The initrd of the new kernel is broken: the boot that tries it dies, and the one after it is the old kernel's."""
    machine.converge(repositories=repositories())
    machine.command("dnf", "-y", "-q", "install", "kernel")
    stock, hyperscale = release(machine, "stock"), release(machine, "hyperscale")
    machine.command("dd", "if=/dev/zero", f"of=/boot/initramfs-{hyperscale}.img", "bs=1M", "count=1")
    result = machine.converge(boot=wish())
    assert {pending["subject"] for pending in result["pending"]} == {"psi=1", hyperscale}
    assert environment(machine)["saved_entry"].endswith(stock)
    assert environment(machine)["next_entry"].endswith(hyperscale)
    machine.reboot()
    tried, back = machine.boots()[-2:]
    assert tried["entry"].endswith(hyperscale) and tried["reason"] == "next_entry" and tried["ended"] == "guest-reset"
    assert "Kernel panic" in machine.console()
    assert back["entry"].endswith(stock) and back["reason"] == "saved_entry"
    assert machine.command("uname", "-r") == stock
    assert environment(machine)["next_entry"] == ""


def test_the_next_run_says_that_the_try_failed(machine):
    result = machine.converge(boot=wish())
    assert result["failed"] and result["refused"]
    assert release(machine, "hyperscale") in result["msg"] and "was set to be tried" in result["msg"]
    assert f"the host came back with {release(machine, 'stock')}" in result["msg"]


def test_arguments_are_in_force_after_the_boot(machine):
    assert "psi=1" in machine.read("/proc/cmdline").split()
    assert "some avg10=" in machine.read("/proc/pressure/memory")
    result = machine.converge(boot=ARGUMENTS)
    assert not result["changed"] and result["pending"] == []


def test_another_try_brings_the_new_kernel_up(machine):
    hyperscale = release(machine, "hyperscale")
    machine.command("kernel-install", "add", hyperscale, f"/lib/modules/{hyperscale}/vmlinuz")
    result = machine.converge(boot=wish(retry="with a whole initrd"))
    assert result["changed"] and hyperscale in {pending["subject"] for pending in result["pending"]}
    machine.reboot()
    assert machine.command("uname", "-r") == hyperscale
    assert "psi=1" in machine.read("/proc/cmdline").split()
    waiting = machine.converge(boot=wish(retry="with a whole initrd"))
    assert [pending["waits_for"] for pending in waiting["pending"]] == ["proof"]
    assert environment(machine)["saved_entry"].endswith(release(machine, "stock"))


def test_a_proven_kernel_becomes_the_default_and_stays(machine):
    """The power goes right after the run: what the run wrote is on the disk by then."""
    hyperscale, before = release(machine, "hyperscale"), machine.boot_id()
    result = machine.converge(proven=True, boot=wish(retry="with a whole initrd"))
    machine.cut_power()
    machine.wait_for_boot(before)
    assert result["changed"] and result["pending"] == []
    assert environment(machine)["saved_entry"].endswith(hyperscale)
    assert machine.command("uname", "-r") == hyperscale
    assert [boot["ended"] for boot in machine.boots()[:-1]][-1] == "power-cut"
    assert machine.boots()[-1]["reason"] == "saved_entry"
    assert "panic=10" not in machine.read("/proc/cmdline").split()
    final = machine.converge(boot=wish(retry="with a whole initrd"))
    assert not final["changed"] and final["pending"] == []
