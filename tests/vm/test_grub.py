# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another kernel on a machine that GRUB itself starts, by way of a try, and back. What is started is told by GRUB and the kernel.

Each test goes on where the one before it ended.
"""

from __future__ import annotations

import pytest
from lab import disks

from .kernels import BREAKER, BREAKS_INITRDS, ROLES, VARIABLES, arguments, cut_power, environment, release, started, title

pytestmark = pytest.mark.parametrize(
    "machine", [pytest.param((9, disks.Kind("ext4", boot=disks.GRUB)), id="ext4")], indirect=True, scope="module")


def test_grub_starts_the_stock_kernel(machine):
    stock = title(release(machine, "stock"))
    assert started(machine) == [stock] and machine.starts()[-1].menu == [stock]
    assert environment(machine)["boot_success"] == "0"


def test_a_try_that_panics_falls_back(machine):
    """The initrd of the new kernel is spoilt as it is made, and the power goes as soon as the run has ended. The machine comes
    back with the old kernel without another power cut."""
    machine.write(BREAKER, BREAKS_INITRDS, "0755")
    machine.adopt(ROLES, **VARIABLES, hyperscale_reboot_ok=False)
    stock, hyperscale = release(machine, "stock"), release(machine, "hyperscale")
    assert environment(machine)["next_entry"].endswith(hyperscale)
    cut_power(machine)
    assert started(machine, 2) == [title(hyperscale), title(stock)]
    assert machine.starts()[-2].menu == [title(hyperscale), title(stock)] and "panic=10" in machine.starts()[-2].arguments
    assert [boot["ended"] for boot in machine.boots()[:-1]] == ["power-cut", "guest-reset"]
    assert "Kernel panic" in machine.console()
    assert environment(machine)["next_entry"] == "" and environment(machine)["saved_entry"].endswith(stock)


def test_after_the_proof_the_new_kernel_is_the_default(machine):
    hyperscale = release(machine, "hyperscale")
    machine.command("rm", BREAKER)
    machine.command("kernel-install", "add", hyperscale, f"/lib/modules/{hyperscale}/vmlinuz")
    boots = len(machine.boots())
    status, _said = machine.adopt(ROLES, **VARIABLES, hyperscale_kernel_retry="with a whole initrd")
    assert status == 0 and len(machine.boots()) == boots + 1
    assert started(machine) == [title(hyperscale)] and "panic=10" in arguments(machine)
    assert environment(machine)["next_entry"] == "" and environment(machine)["saved_entry"].endswith(hyperscale)


def test_it_stays_after_a_power_cut(machine):
    cut_power(machine)
    assert started(machine) == [title(release(machine, "hyperscale"))]
    assert "psi=1" in arguments(machine) and "panic=10" not in arguments(machine)


def test_the_way_back_ends_with_the_stock_kernel(machine, tmp_path):
    stock = release(machine, "stock")
    status, said = machine.play("rollback", {"hyperscale_reports": str(tmp_path)})
    assert status != 0 and "reboot" in said.lower()
    machine.reboot()
    assert started(machine) == [title(stock)]
    status, said = machine.play("rollback", {"hyperscale_reports": str(tmp_path)})
    assert status == 0 and "failed=0" in said
    assert ".hs" not in machine.command("rpm", "-q", "kernel-core")
    cut_power(machine)
    assert started(machine) == [title(stock)] and machine.starts()[-1].menu == [title(stock)]
    assert "psi=0" in arguments(machine)
