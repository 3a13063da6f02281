# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a host tells, apart from kernels: packages that stay, files and configuration on disk, units, mounts, room."""

from __future__ import annotations

import os
import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_room, mounts
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import Skipped
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import (
    config, files, hosting, relations, saving, units,
)
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import (
    ARCH, SIG, fired, silent,
)

OTHER_ARCH = "i686" if ARCH == "x86_64" else "armv7hl"


@pytest.fixture
def lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path, workshop)


# Packages that stay.


def test_siblings_of_one_source(lab, workshop):
    lab.have("tool", "1", source="suite")
    lab.have("tool-libs", "1", source="suite")
    lab.have("stranger", "1", source="another")
    coming = workshop.rpm("tool", "2", source="suite")
    finding = fired(
        relations.siblings(lab.swap([coming])), "siblings.split", "suite", package="tool-libs",
        consumers=[("package", "tool-libs-1-1.el9.noarch")])
    assert finding.blocking and finding.after == "tool-2-1.el9.noarch"
    silent(relations.siblings(lab.swap([coming, workshop.rpm("tool-libs", "2", source="suite")])), "siblings.split")


def test_partners_of_another_architecture(lab, workshop):
    lab.have("lib", "1", arch=ARCH)
    coming = workshop.rpm("lib", "2", arch=ARCH)
    silent(relations.partners(lab.swap([coming])), "multilib.partner")
    lab.have("lib", "1", arch=OTHER_ARCH)
    finding = fired(
        relations.partners(lab.swap([coming])), "multilib.partner", "lib", consumers=[("package", f"lib-1-1.el9.{OTHER_ARCH}")])
    assert finding.subject.arch == OTHER_ARCH and finding.blocking
    silent(relations.partners(lab.swap([coming, workshop.rpm("lib", "2", arch=OTHER_ARCH)])), "multilib.partner")


def test_duplicates(lab, workshop):
    lab.have("tool", "1")
    lab.have("kernel-core", "1", arch=ARCH)
    lab.have("kernel-core", "2", arch=ARCH)
    lab.have("lib", "1", arch=ARCH)
    lab.have("lib", "1", arch=OTHER_ARCH)
    silent(hosting.duplicates(lab.swap()), "installed.duplicate")
    lab.have("tool", "2")
    twice = [("package", "tool-1-1.el9.noarch"), ("package", "tool-2-1.el9.noarch")]
    fired(hosting.duplicates(lab.swap()), "installed.duplicate", "tool", consumers=twice)
    # Whether they stay or go.
    fired(hosting.duplicates(lab.swap([workshop.rpm("tool", "3")])), "installed.duplicate", "tool", consumers=twice)


def test_a_library_of_a_program_called_kmod_is_no_module(lab):
    lab.have("kmod-libs", "1")
    lab.have("kmod-libs", "2")
    fired(hosting.duplicates(lab.swap()), "installed.duplicate", "kmod-libs")


@pytest.mark.parametrize(("vendor", "fires"), [("Fedora Project", True), ("Somebody", True), ("CentOS", False), (SIG, False)])
def test_a_package_of_another_vendor_that_moves(lab, workshop, vendor, fires):
    lab.have("tool", "1", vendor=vendor)
    findings = list(hosting.third_parties(lab.swap([workshop.rpm("tool", "2")])))
    if fires:
        fired(findings, "third_party.in_the_way", "tool", consumers=[("package", "tool-1-1.el9.noarch")])
    else:
        silent(findings, "third_party.in_the_way")


@pytest.mark.parametrize(("vendor", "want", "fires"), [
    ("Somebody", "tool", True), ("Somebody", "libtool.so.1()(64bit)", True), ("Somebody", "other", False),
    ("CentOS", "tool", False)])
def test_a_package_of_another_vendor_that_rests_on_what_moves(lab, workshop, vendor, want, fires):
    lab.have("tool", "1", tags=["Provides: libtool.so.1()(64bit)"])
    lab.have("agent", "1", vendor=vendor, tags=[f"Requires: {want}"])
    findings = list(hosting.third_parties(lab.swap([workshop.rpm("tool", "2")])))
    if fires:
        fired(findings, "third_party.in_the_way", "Somebody", consumers=[("package", "agent-1-1.el9.noarch")])
    else:
        silent(findings, "third_party.in_the_way")


# Files on disk.


@pytest.mark.parametrize(("owner", "kind"), [("nosuch, root", "user"), ("root, nosuch", "group")])
def test_owners_that_nobody_knows(lab, workshop, owner, kind):
    coming = workshop.rpm("tool", "2", files={"/usr/bin/tool": (f"%attr(755, {owner})", "x")})
    finding = fired(
        files.users_missing(lab.swap([coming])), "user.missing", "nosuch", consumers=[("path", "/usr/bin/tool")])
    assert finding.subject.type == kind
    # The host has it, or the transaction brings it.
    made = workshop.rpm("tool", "2", files={"/usr/bin/tool": (f"%attr(755, {owner})", "x")}, tags=[f"Provides: {kind}(nosuch)"])
    silent(files.users_missing(lab.swap([made])), "user.missing")
    lab.write("/etc/passwd" if kind == "user" else "/etc/group", "root:x:0:\nnosuch:x:7:\n")
    silent(files.users_missing(lab.swap([coming])), "user.missing")


def test_links_of_the_host_to_what_goes(lab, workshop):
    lab.have("tool", "1", files={"/usr/libexec/tool": "x", "/usr/libexec/stays": "x"})
    lab.link("/usr/local/bin/mine", "/usr/libexec/tool")
    lab.link("/usr/local/bin/fine", "/usr/libexec/stays")
    swap = lab.swap([workshop.rpm("tool", "2", files={"/usr/libexec/stays": "x"})])
    fired(files.links(swap), "symlink.dangling", "/usr/local/bin/mine", consumers=[("link", "/usr/local/bin/mine")])
    silent(files.links(swap), "symlink.dangling", "/usr/local/bin/fine")


def test_links_of_the_new_build_to_nothing(lab, workshop):
    lab.have("tool", "1")
    coming = workshop.rpm("tool", "2", files={
        "/usr/lib/a": ("link", "nowhere"), "/usr/lib/b": ("link", "there"), "/usr/lib/there": "x",
        "/usr/lib/c": ("link", "/usr/here"),
        "/usr/lib/d": ("link", "/run/later")})
    lab.write("/usr/here")
    findings = list(files.links(lab.swap([coming])))
    fired(findings, "symlink.dangling", "/usr/lib/a", severity="low")
    assert len(findings) == 1


def test_unowned_files_in_the_way(lab, workshop):
    coming = workshop.rpm("tool", "2", files={
        "/usr/lib/mine": "theirs", "/usr/lib/same": "theirs", "/usr/lib/absent": "theirs", "/usr/lib/owned": "theirs",
        "/etc/mine.conf": ("%config", "theirs")})
    lab.have("owner", files={"/usr/lib/owned": "x"}, payload=True)
    lab.have("tool", "1")
    lab.write("/usr/lib/mine", "mine")
    lab.write("/usr/lib/same", "theirs\n")
    lab.write("/etc/mine.conf", "mine")
    findings = list(files.in_the_way(lab.swap([coming])))
    fired(findings, "unowned.overwritten", "/usr/lib/mine", consumers=[("path", "/usr/lib/mine")])
    assert len(findings) == 1
    silent(findings, "unowned.overwritten", "/usr/lib/same")


def test_local_edits(lab, workshop):
    kinds = {"/usr/bin/edited": "x", "/usr/bin/plain": "x", "/usr/bin/absent": "x", "/etc/a.conf": ("%config", "x"),
             "/var/log/a.log": "x"}
    lab.have("tool", "1", files=kinds, payload=True)
    for path in ("/usr/bin/edited", "/etc/a.conf", "/var/log/a.log"):
        lab.write(path, "mine")
    (lab.folder / "usr/bin/absent").unlink()
    findings = list(saving.local_edits(lab.swap([workshop.rpm("tool", "2", files=kinds)])))
    finding = fired(findings, "local_edit.overwritten", "/usr/bin/edited", consumers=[("path", "/usr/bin/edited")])
    assert finding.after == "tool-2-1.el9.noarch" and len(findings) == 1
    silent(findings, "local_edit.overwritten", "/usr/bin/plain")


# Configuration.


@pytest.mark.parametrize(("check", "old", "new", "edited"), [
    ("config.rpmnew", "%config(noreplace)", "%config(noreplace)", True),
    ("config.rpmsave", "%config", "%config", True),
    ("config.rpmsave", "%config(noreplace)", None, True),
    ("config.rpmorig", None, "%config", True),
])
def test_fates_of_configuration(lab, workshop, check, old, new, edited):
    path = "/etc/tool.conf"
    lab.have("tool", "1", files={path: (old, "one")} if old else {}, payload=True)
    coming = workshop.rpm("tool", "2", files={path: (new, "two")} if new else {})
    silent(config.fates(lab.swap([coming])), check)
    lab.write(path, "mine")
    findings = list(config.fates(lab.swap([coming])))
    fired(findings, check, path, consumers=[("configuration", path)])
    # What the report says is what rpm does.
    hostlab.call("rpm", "--root", lab.root, "-U", "--nodeps", "--noscripts", coming)
    assert (lab.folder / (path + "." + check.partition(".")[2]).lstrip("/")).exists()


@pytest.mark.parametrize("name", ["a.conf.rpmnew", "a.conf.rpmsave", "sub/a.conf.rpmorig"])
def test_leftovers(lab, name):
    lab.write("/etc/a.conf")
    silent(config.leftovers(lab.swap()), "config.leftover")
    lab.write(f"/etc/{name}")
    assert fired(config.leftovers(lab.swap()), "config.leftover", f"/etc/{name}").baseline


@pytest.mark.parametrize("path", [
    "/etc/dnf/protected.d/mine.conf", "/etc/dnf/plugins/versionlock.conf", "/etc/rpm/macros.mine",
    "/etc/dracut.conf.d/mine.conf"])
def test_overrides(lab, path):
    lab.write(path)
    fired(config.overrides(lab.swap()), "config.override", path)
    lab.have("owner", files={path: "x"})
    silent(config.overrides(lab.swap()), "config.override")


def shadow(lab, workshop, new="two"):
    unit = "/usr/lib/systemd/system/tool.service"
    lab.have("tool", "1", files={unit: "one"})
    return list(units.shadowed(lab.swap([workshop.rpm("tool", "2", files={unit: new})])))


@pytest.mark.parametrize("how", ["copy", "drop-in", "mask"])
def test_what_lies_over_units(lab, workshop, how):
    copy = "/etc/systemd/system/tool.service"
    silent(shadow(lab, workshop), "config.shadowed")
    if how == "copy":
        lab.write(copy, "mine")
    elif how == "mask":
        lab.link(copy, "/dev/null")
    else:
        copy += ".d/mine.conf"
        lab.write(copy, "mine")
    unit = "/usr/lib/systemd/system/tool.service"
    findings = list(units.shadowed(lab.swap([workshop.rpm("tool", "2", files={unit: "two"})])))
    fired(findings, "config.shadowed", copy, consumers=[("configuration", copy)])
    # A unit that stays as it is is hidden as before.
    silent(units.shadowed(lab.swap([workshop.rpm("tool", "2", files={unit: "one"})])), "config.shadowed")


@pytest.mark.parametrize(("state", "fires"), [("active", True), ("inactive", False)])
def test_fapolicyd(lab, state, fires):
    silent(units.fapolicyd(lab.swap()), "fapolicyd.trust")
    lab.answers["systemctl"] = (0, f"Id=fapolicyd.service\nLoadState=loaded\nActiveState={state}\nSubState=running\n")
    findings = list(units.fapolicyd(lab.swap()))
    if fires:
        fired(findings, "fapolicyd.trust", "fapolicyd.service", consumers=[("unit", "fapolicyd.service")])
    else:
        silent(findings, "fapolicyd.trust")


# The ground that it all stands on.


@pytest.mark.parametrize("place", ["/usr", "/usr/share", "/var", "/var/lib"])
def test_read_only_mounts(lab, workshop, place):
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool": "x"})
    lab.mount("/srv", options="ro,relatime")
    lab.mount("/usr", "/usr/share", "/var", "/var/lib")
    silent(hosting.mounts(lab.swap([coming])), "mount.read_only")
    lab.mount(place, options="ro,relatime")
    findings = list(hosting.mounts(lab.swap([coming])))
    if place == "/usr":  # the file lies on what is mounted above it
        silent(findings, "mount.read_only")
    else:
        fired(findings, "mount.read_only", place, consumers=[("path", "/usr/share/tool")] if "share" in place else [])


def test_what_rpm_does_not_write_may_be_read_only(lab, workshop):
    lab.mount("/boot/efi", "/run/tool", options="ro")
    (lab.folder / "boot/efi").mkdir(parents=True)
    coming = workshop.rpm("tool", "2", files={"/boot/efi": ("%dir", ""), "/run/tool/pid": ("%ghost", "x")})
    silent(hosting.mounts(lab.swap([coming])), "mount.read_only")


def test_what_rpm_removes_must_be_writable(lab, workshop):
    lab.have("tool", "1", files={"/opt/tool": "x"})
    lab.mount("/opt", options="ro")
    fired(hosting.mounts(lab.swap([workshop.rpm("tool", "2")])), "mount.read_only", "/opt", consumers=[("path", "/opt/tool")])


@pytest.mark.parametrize(("place", "folder"), [("/tmp", "/tmp"), ("/var/tmp", "/var/tmp"), ("/var", "/var/tmp")])
def test_noexec_mounts(lab, workshop, place, folder):
    with_script = workshop.rpm("tool", "2", scripts="%post -n tool\necho\n")
    lab.mount(place, options="rw,nosuid")
    silent(hosting.mounts(lab.swap([with_script])), "mount.noexec")
    lab.mount(place, options="rw,noexec")
    assert folder in fired(
        hosting.mounts(lab.swap([with_script])), "mount.noexec", place, consumers=[("mount", place)]).diagnosis
    silent(hosting.mounts(lab.swap([workshop.rpm("tool", "2")])), "mount.noexec")


def test_room(lab, workshop, monkeypatch):
    lab.mount("/usr", "/boot")
    lab.have("tool", "1", files={"/usr/share/tool": "x" * 100})
    free = {"/": 0, "/usr": 1000, "/boot": 0}
    monkeypatch.setattr(mounts, "free_bytes", lambda _root, path: free[path])
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool": "x" * 2000})
    finding = fired(hosting.room(lab.swap([coming])), "disk.space", "/usr", consumers=[])
    assert (finding.before, finding.after, finding.blocking) == (1000, 1900, True)
    free["/usr"] = 1900
    silent(hosting.room(lab.swap([coming])), "disk.space")
    kernel = workshop.rpm("kernel-core", "2", arch=ARCH)
    fired(hosting.room(lab.swap([kernel])), "disk.space", "/boot")
    free["/boot"] = boot_room.UNMEASURED
    silent(hosting.room(lab.swap([kernel])), "disk.space")
    for name, size in (("vmlinuz-1", 8), ("initramfs-1.img", 20), ("initramfs-2.img", 16), ("initramfs-1kdump.img", 12),
                       ("initramfs-0-rescue-ab.img", 90), ("other", 90)):
        lab.write(f"/boot/{name}")
        os.truncate(lab.folder / "boot" / name, size << 20)
    free["/boot"] = (50 << 20) - 1
    assert fired(hosting.room(lab.swap([kernel])), "disk.space", "/boot").after == 50 << 20
    free["/boot"] += 1
    silent(hosting.room(lab.swap([kernel])), "disk.space")
    monkeypatch.setattr(boot_room, "free", lambda _root: boot_room.Room(0, boot_room.INODES - 1))
    assert "inodes" in fired(hosting.room(lab.swap([kernel])), "disk.space", "/boot").diagnosis
    monkeypatch.setattr(boot_room, "free", lambda _root: boot_room.Room(0, boot_room.INODES))
    silent(hosting.room(lab.swap([kernel])), "disk.space")


def test_processes_of_old_code(lab, workshop):
    lab.have("tool", "1", files={"/usr/bin/tool": "x", "/usr/lib64/libtool.so.1": "x"})
    lab.have("other", "1", files={"/usr/bin/other": "x"})
    for pid, program, mapped in ((11, "/usr/bin/tool", ""), (12, "/usr/bin/other", "/usr/lib64/libtool.so.1"),
                                 (13, "/usr/bin/other", "/usr/lib64/libc.so.6")):
        lab.write(f"/proc/{pid}/comm", f"name{pid}\n")
        lab.link(f"/proc/{pid}/exe", program)
        lab.write(f"/proc/{pid}/maps", f"7f00-7f01 r-xp 0 08:01 5 {mapped}\n" if mapped else "")
    swap = lab.swap([workshop.rpm("tool", "2", files={"/usr/bin/tool": "y"})])
    fired(hosting.old_code(swap), "process.old_code", "tool", consumers=[("process", "name11"), ("process", "name12")])
    silent(hosting.old_code(lab.swap([workshop.rpm("third")])), "process.old_code")
    # After the swap only what was taken from under a process counts.
    silent(hosting.still_old_code(swap), "process.old_code")
    (lab.folder / "proc/11/exe").unlink()
    lab.link("/proc/11/exe", "/usr/bin/tool (deleted)")
    swap = lab.swap([workshop.rpm("tool", "2", files={"/usr/bin/tool": "y"})])
    finding = fired(hosting.still_old_code(swap), "process.old_code", "tool", consumers=[("process", "name11")])
    assert finding.confidence == "proven"
    # The next question is answered from all processes again.
    assert len(list(hosting.old_code(swap))[0].consumers) == 2


def test_levels_of_processors(lab, workshop):
    silent(hosting.processor(lab.swap([workshop.rpm("tool", "2")])), "cpu.baseline")
    swap = lab.swap([workshop.rpm("tool", "2")])
    swap.new = [swap.new[0]._replace(arch="x86_64_v2")]
    with pytest.raises(Skipped):
        list(hosting.processor(swap))
    enough = " ".join(hosting.LEVELS["x86_64_v2"])
    lab.write("/proc/cpuinfo", f"flags : fpu {enough}\n")
    swap.view = lab.view
    silent(hosting.processor(swap), "cpu.baseline")
    swap.new = [swap.new[0]._replace(arch="x86_64_v3")]
    finding = fired(hosting.processor(swap), "cpu.baseline", "tool", consumers=[("processor", ARCH)])
    assert "avx2" in finding.diagnosis and "ssse3" not in finding.diagnosis
