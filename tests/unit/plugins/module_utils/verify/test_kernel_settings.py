# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings in force, and what the files ask for as systemd-sysctl(8) prints them."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import kernel_settings
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import LOW
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import settings
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent

TRIGGER = {"/usr/lib/sysctl.d/50-tool.conf": "kernel.sysrq = 1\n"}


def view(host, printed="", status=0):
    return View(host.root, lambda argv: (status, printed) if tuple(argv) == kernel_settings.PRINT_FILES else (127, ""))


@pytest.mark.parametrize(("text", "keys"), [
    ("kernel.sysrq = 16\n# a.b = 1\n; c.d = 1\n\n", {"kernel/sysrq"}),
    ("-net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.all.forwarding\n",
     {"net/ipv4/conf/*/rp_filter", "net/ipv4/conf/all/forwarding"}),
    ("net/ipv4/conf/eth0.5/rp_filter = 1", {"net/ipv4/conf/eth0.5/rp_filter"}),
    ("net.ipv4.conf.eth0/5.rp_filter = 1", {"net/ipv4/conf/eth0.5/rp_filter"}),
    ("../../etc/shadow = 1\n= 2\n", set()),
])
def test_keys_of_sysctl_files(text, keys):
    assert {key for key, _value in kernel_settings.lines(text)} == keys


def test_sysctls_in_force(host):
    host.write("/usr/lib/sysctl.d/50-a.conf", "-net.ipv4.conf.*.rp_filter = 2\nkernel.random.boot_id = 1\nkernel.absent = 1\n")
    host.write("/etc/sysctl.conf", "kernel.printk = 4\n")
    host.write("/etc/sysctl.d/README", "vm.swappiness = 4\n")
    for key, value in (("net/ipv4/conf/all/rp_filter", "2\n"), ("net/ipv4/conf/eth0/rp_filter", "0\n"), ("vm/swappiness", "1\n"),
                       ("kernel/printk", "4\t4\t1\t7\n"), ("kernel/random/boot_id", "1")):
        host.write(f"/proc/sys/{key}", value)
    assert kernel_settings.in_force(view(host)) == {
        "kernel/printk": "4 4 1 7", "net/ipv4/conf/all/rp_filter": "2", "net/ipv4/conf/eth0/rp_filter": "0"}


def test_what_another_build_of_systemd_would_set_is_known_beforehand(host):
    for key in ("kernel/core_pattern", "net/ipv4/conf/eth0/promote_secondaries", "net/ipv4/conf/eth0/forwarding"):
        host.write(f"/proc/sys/{key}", "1")
    assert list(kernel_settings.in_force(view(host))) == ["kernel/core_pattern", "net/ipv4/conf/eth0/promote_secondaries"]


@pytest.mark.parametrize(("printed", "wanted"), [
    ("# /usr/lib/sysctl.d/a.conf\nvm.swappiness = 10\n", {"vm/swappiness": "10"}),
    # The later line counts, however it spells the key.
    ("vm.swappiness=10\nvm/swappiness = 20\n", {"vm/swappiness": "20"}),
    # A name in full goes before one with wildcards, in whichever order they come.
    ("net.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 2\n",
     {"net/ipv4/conf/all/rp_filter": "1", "net/ipv4/conf/eth0.5/rp_filter": "2"}),
    ("net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\n", {"net/ipv4/conf/eth0.5/rp_filter": "2"}),
    # Of two with wildcards, the later one.
    ("net.ipv4.conf.*.rp_filter = 2\nnet.ipv4.*.all.rp_filter = 0\n",
     {"net/ipv4/conf/all/rp_filter": "0", "net/ipv4/conf/eth0.5/rp_filter": "2"}),
    ("-kernel.printk = 4\t4  1 7\n", {"kernel/printk": "4 4 1 7"}),
    ("kernel.absent = 1\nkernel.random.boot_id = 2\n", {}),
])
def test_what_the_files_ask_for(host, printed, wanted):
    for key in ("vm/swappiness", "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/eth0.5/rp_filter", "kernel/printk",
                "kernel/random/boot_id"):
        host.write(f"/proc/sys/{key}", "7\n")
    assert kernel_settings.asked(view(host, printed)) == wanted


@pytest.mark.parametrize(("status", "noted"), [(127, []), (1, [" ".join(kernel_settings.PRINT_FILES)])])
def test_a_host_without_systemd_sysctl_applies_nothing_and_one_that_fails_is_not_that(host, status, noted):
    host.write("/proc/sys/vm/swappiness", "7\n")
    seen = view(host, "vm.swappiness = 1\n", status)
    assert kernel_settings.asked(seen) == {}
    assert list(seen.noted.all) == noted


@pytest.mark.parametrize(("one", "other", "same"), [
    ("16", "0x10", True), ("16", "16", True), ("4 4 1 7", "4 4 1 7", True), ("|/usr/bin/core %p", "core", False),
    ("1", "2", False),
])
def test_values_are_compared_as_the_kernel_reads_them(one, other, same):
    assert kernel_settings.agree(one, other) is same


@pytest.fixture
def lab(tmp_path, workshop):
    made = hostlab.Lab(tmp_path, workshop)
    made.have("tool", "1")
    for key, said in (("vm/swappiness", "60"), ("kernel/sysrq", "16"), ("kernel/own", "5")):
        made.write(f"/proc/sys/{key}", said)
    made.answers["/usr/lib/systemd/systemd-sysctl"] = (0, "vm.swappiness = 10\nkernel.sysrq = 0x10\n")
    return made


def test_a_value_of_the_run_time_is_told_before_a_trigger_sets_it_back(lab, workshop):
    told = list(settings.reset(lab.swap([workshop.rpm("tool", "2", files=TRIGGER)])))
    finding = fired(told, "sysctl.reset", "vm.swappiness", severity=LOW)
    assert (finding.before, finding.after, len(told)) == ("60", "10", 1)
    assert "/usr/lib/sysctl.d/50-tool.conf" in finding.diagnosis
    # The remedy as it is printed.
    lab.answers["/usr/lib/systemd/systemd-sysctl"] = (0, "vm.swappiness = 10\n# /etc/sysctl.d/90-own.conf\nvm.swappiness = 60\n")
    silent(settings.reset(lab.swap([workshop.rpm("tool", "2", files=TRIGGER)])), "sysctl.reset")


def test_without_a_file_of_sysctl_nothing_is_set_back(lab, workshop):
    silent(settings.reset(lab.swap([workshop.rpm("tool", "2", files={"/usr/lib/tool": "x"})])), "sysctl.reset")
