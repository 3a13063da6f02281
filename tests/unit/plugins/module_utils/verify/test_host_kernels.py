# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new kernel on a host: what is loaded, mounted, built for the old one, and what it boots from."""

from __future__ import annotations

import datetime
import json

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.verify import report
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import kernel
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import ARCH, fired, silent

RELEASE = f"9-1.hs.el9.{ARCH}"
MODULES = f"/lib/modules/{RELEASE}/kernel"


@pytest.fixture
def lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path, workshop)


@pytest.fixture
def new(workshop):
    """A kernel that names what is built in, and one that does not."""
    return {
        "complete": workshop.rpm(
            "kernel-core", "9", "1.hs.el9", arch=ARCH, tags=["Provides: kmod(built-in.ko)", "Provides: kmod(xfs.ko)"],
            files={f"{MODULES}/fs/with-dash.ko.xz": "x"}),
        "silent": workshop.rpm("kernel-core", "9", "1.hs.el9", arch=ARCH, files={f"{MODULES}/fs/with-dash.ko.xz": "x"}),
    }


def test_modules_that_are_loaded(lab, new):
    lab.write("/proc/modules", "".join([
        "lost 16384 1 user_of_it,[permanent], Live 0xffffffffc0b2e000\n",
        "with_dash 16384 0 - Live 0xffffffffc0b2e000\n", "built_in 16384 0 - Live 0xffffffffc0b2e000\n",
        "foreign 16384 0 - Live 0xffffffffc0b2e000 (OE)\n"]))
    findings = list(kernel.loaded(lab.swap([new["complete"]])))
    finding = fired(
        findings, "kernel_module.lost", "lost", consumers=[("kernel module", "lost"), ("kernel module", "user_of_it")])
    assert finding.blocking and finding.confidence == "predicted" and len(findings) == 1
    silent(kernel.loaded(lab.swap()), "kernel_module.lost")


def test_modules_that_may_be_built_in_are_a_rule_of_thumb(lab, new):
    lab.write("/proc/modules", "lost 16384 0 - Live 0xffffffffc0b2e000\n")
    finding = fired(kernel.loaded(lab.swap([new["silent"]])), "kernel_module.lost", "lost", severity="medium")
    assert not finding.blocking and finding.confidence == "heuristic"


@pytest.mark.parametrize(("fstype", "module"), [("btrfs", "btrfs"), ("ext3", "ext4"), ("nfs4", "nfsv4"), ("iso9660", "isofs")])
def test_file_systems_that_are_mounted(lab, new, workshop, fstype, module):
    silent(kernel.mounted(lab.swap([new["complete"]])), "kernel_module.root_missing")
    lab.mount("/srv", fstype="zfs")
    silent(kernel.mounted(lab.swap([new["complete"]])), "kernel_module.root_missing")
    lab.mount("/usr", fstype=fstype)
    finding = fired(
        kernel.mounted(lab.swap([new["complete"]])), "kernel_module.root_missing", module, consumers=[("filesystem", "/usr")])
    assert finding.blocking
    extra = workshop.rpm("kernel-modules-extra", "9", "1.hs.el9", arch=ARCH, files={f"{MODULES}/fs/{module}.ko.xz": "x"})
    silent(kernel.mounted(lab.swap([new["complete"], extra])), "kernel_module.root_missing")


@pytest.mark.parametrize(("name", "tags", "fires"), [
    ("kmod-driver", (), True), ("akmod-driver", (), True), ("kpatch-patch-5_14", (), True),
    ("driver", ("Requires: kernel(printk) = 0x1",), True), ("driver", ("Requires: ksym(printk) = 0x1",), True),
    ("kmod-libs", (), False), ("kmod-devel", (), False), ("kmod", (), False), ("driver", (), False)])
def test_packages_of_external_modules(lab, new, name, tags, fires):
    lab.have(name, tags=tags)
    findings = list(kernel.external(lab.swap([new["complete"]])))
    if fires:
        finding = fired(findings, "kernel_module.external", name, consumers=[("package", f"{name}-1-1.el9.noarch")])
        assert finding.blocking
    else:
        silent(findings, "kernel_module.external")
    silent(kernel.external(lab.swap()), "kernel_module.external")


def test_folders_of_external_modules(lab, new):
    lab.write("/var/lib/dkms/mok.key")
    lab.write("/var/lib/dkms/dkms_dbversion")
    silent(kernel.external(lab.swap([new["complete"]])), "kernel_module.external")
    for path, deeper in (("/var/lib/dkms/driver", "/1/source"), ("/var/lib/kpatch/5.14", "/a.ko"),
                         ("/usr/src/akmods/a.src.rpm", "")):
        lab.write(path + deeper)
        fired(kernel.external(lab.swap([new["complete"]])), "kernel_module.external", path, consumers=[("path", path)])


def test_options_of_modules(lab, new):
    lab.write("/etc/modprobe.d/a.conf", "# options lost a=1\noptions with-dash a=1\nblacklist lost\noptions built_in a=1\n")
    silent(kernel.options(lab.swap([new["complete"]])), "kernel_module.options")
    lab.write("/etc/modprobe.d/b.conf", "options lost a=1  # why\n")
    fired(
        kernel.options(lab.swap([new["complete"]])), "kernel_module.options", "lost",
        consumers=[("configuration", "/etc/modprobe.d/b.conf")])


@pytest.mark.parametrize(("value", "release", "fires"), [(1, "1.hs.el9", True), (0, "1.hs.el9", False), (1, "1.el9", False)])
def test_secure_boot(lab, workshop, value, release, fires):
    lab.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61", b"\6\0\0\0" + bytes([value]))
    findings = list(kernel.secure_boot(lab.swap([workshop.rpm("kernel-core", "9", release, arch=ARCH)])))
    if fires:
        assert fired(findings, "kernel.secure_boot", "kernel-core", consumers=[("firmware", "Secure Boot")]).blocking
    else:
        silent(findings, "kernel.secure_boot")


@pytest.mark.parametrize(("release", "noted"), [("1.hs.el9", ["/sys/firmware/efi/efivars"]), ("1.el9", [])])
def test_secure_boot_that_no_variable_tells_is_noted_and_not_passed(lab, workshop, release, noted):
    lab.write("/sys/firmware/efi/systab")
    swap = lab.swap([workshop.rpm("kernel-core", "9", release, arch=ARCH)])
    silent(kernel.secure_boot(swap), "kernel.secure_boot")
    assert list(swap.host.noted.all) == noted


def test_what_refuses_a_kernel_can_be_taken_on(lab, workshop):
    lab.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61", b"\6\0\0\0\1")
    lab.have("kmod-driver")
    swap = lab.swap([workshop.rpm("kernel-core", "9", "1.hs.el9", arch=ARCH)])
    findings = [*kernel.secure_boot(swap), *kernel.external(swap)]
    assert [finding.blocking for finding in findings] == [True, True]
    waivers = [{"key": finding.key, "by": "me", "reason": "tried", "until": "2099-12-31"} for finding in findings]
    kept = report.waived(findings, waivers, datetime.date(2026, 1, 1))
    assert [(finding.blocking, finding.severity) for finding in kept] == [(False, "high"), (False, "high")]


def test_tools_that_stay_behind(lab, workshop, new):
    lab.have("perf", "5")
    fired(kernel.tools(lab.swap([new["complete"]])), "kernel.tools_lag", "perf", consumers=[("package", "perf-5-1.el9.noarch")])
    silent(kernel.tools(lab.swap([new["complete"], workshop.rpm("perf", "9")])), "kernel.tools_lag")
    silent(kernel.tools(lab.swap([workshop.rpm("kernel-core", "5", "2.el9", arch=ARCH)])), "kernel.tools_lag")


def test_firmware_that_stays_behind(lab, workshop, new):
    lab.have("linux-firmware", "1")
    fired(
        kernel.tools(lab.swap([new["complete"]])), "firmware.lag", "linux-firmware",
        consumers=[("package", "linux-firmware-1-1.el9.noarch")])
    silent(kernel.tools(lab.swap([new["complete"], workshop.rpm("linux-firmware", "2")])), "firmware.lag")
    silent(kernel.tools(lab.swap([workshop.rpm("kernel-core", "9", "1.el9", arch=ARCH)])), "firmware.lag")


def test_boot_files(lab, new):
    image, ramdisk = f"/boot/vmlinuz-{RELEASE}", f"/boot/initramfs-{RELEASE}.img"
    entry = "/boot/loader/entries/a.conf"
    lab.write(image, "x")
    lab.write(ramdisk, "x")
    lab.write(entry, f"linux /vmlinuz-{RELEASE}\n")
    silent(kernel.boot_files(lab.swap([new["complete"]])), "kernel.boot_files")
    for path, content in ((image, ""), (ramdisk, ""), (entry, "linux /vmlinuz-5\n")):
        kept = (lab.folder / path.lstrip("/")).read_bytes()
        lab.write(path, content)
        finding = fired(kernel.boot_files(lab.swap([new["complete"]])), "kernel.boot_files", RELEASE)
        assert len(finding.consumers) == 1 and finding.confidence == "proven"
        lab.write(path, kept)


@pytest.mark.parametrize(("default", "running", "fires"), [
    ("/boot/vmlinuz-9", "5", True), ("/boot/vmlinuz-9", "9", False), ("", "9", False)])
def test_the_kernel_that_runs(lab, default, running, fires):
    lab.write("/proc/sys/kernel/osrelease", running + "\n")
    lab.answers["grubby"] = (0, default + "\n")
    findings = list(kernel.booted(lab.swap()))
    if fires:
        fired(findings, "kernel.not_intended", "default", consumers=[("kernel", running)])
    else:
        silent(findings, "kernel.not_intended")


@pytest.mark.parametrize(("running", "boot_id", "fires"), [
    ("5", "now", False), ("9", "then", False), ("5", "then", True), ("6", "then", True)])
def test_a_kernel_that_was_to_be_tried(lab, running, boot_id, fires):
    lab.write("/proc/sys/kernel/osrelease", running + "\n")
    lab.write("/proc/sys/kernel/random/boot_id", "now\n")
    lab.write("/var/lib/centos-hyperscale/boot.json", json.dumps({"tried": {"release": "9", "boot_id": boot_id}}))
    lab.answers["grubby"] = (0, "/boot/vmlinuz-5\n")
    findings = list(kernel.booted(lab.swap()))
    if fires:
        fired(findings, "kernel.not_intended", "tried", consumers=[("kernel", running)])
    else:
        silent(findings, "kernel.not_intended")
