# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes of paths count as the transaction's own, and which are taken for somebody's."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.doings import Doings
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.presets import enabled_by_preset
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.shipped import NOTHING, Shipped, Trigger
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.backup.builds import (
    CONTENTS, entry, file, folder, link,
)

CONF = "/etc/a.conf"


def changes(old, new, was, now, enabled=lambda unit, user: True):
    """Return which paths the transaction is known to have changed."""
    return set(Doings(old, new, was, now, enabled, CONTENTS).changes())


def build(files, scripts="", name="a"):
    return Shipped(files, {name: scripts})


@pytest.mark.parametrize(("old", "new", "was", "now", "own"), [
    (entry("1"), entry("2"), file("1"), file("2"), True),
    (entry("1"), entry("2"), file("1"), file("2", 0o600), False),
    (entry("1"), entry("2"), file("1"), file("by somebody"), False),
    (entry("1"), None, file("1"), None, True),
    (entry("1"), entry("2"), file("1"), None, False),
    (None, entry("2"), None, file("2"), True),
    (None, None, None, file("by somebody"), False),
    (None, None, file("somebody's"), None, False),
    # Configuration that was edited: rpm puts its own in the place only without noreplace, and where the builds differ.
    (entry("1", config=True), entry("2", config=True), file("edited"), file("2"), True),
    (entry("1", config=True, noreplace=True), entry("2", config=True, noreplace=True), file("edited"), file("2"), False),
    (entry("1", config=True, noreplace=True), entry("2", config=True, noreplace=True), file("1"), file("2"), True),
    (entry("1", config=True), entry("1", config=True), file("edited"), file("1"), False),
])
def test_files_of_packages(old, new, was, now, own):
    builds = [build({CONF: one} if one else {}) for one in (old, new)]
    assert changes(*builds, {CONF: was}, {CONF: now}) == ({CONF} if own else set())


@pytest.mark.parametrize(("suffix", "now", "own"), [
    (".rpmnew", file("2"), True),
    (".rpmnew", file("by somebody"), False),
    (".rpmsave", file("edited", 0o600), True),
    (".rpmsave", file("edited"), False),
    (".rpmorig", file("edited", 0o600), True),
    (".rpmsave", None, False),
    (".bak", file("edited", 0o600), False),
])
def test_second_files(suffix, now, own):
    old, new = (build({CONF: entry(text, config=True)}) for text in "12")
    before = {CONF: file("edited", 0o600), CONF + suffix: None if now else file("kept by somebody")}
    after = {CONF: file("edited", 0o600), CONF + suffix: now}
    assert changes(old, new, before, after) == ({CONF + suffix} if own else set())


def family(mode, *targets):
    return file(f"{mode}\n/usr/bin/pager\n\n" + "".join(f"{path}\n{priority}\n" for path, priority in targets))


STATE, CHOICE = "/var/lib/alternatives/pager", "/etc/alternatives/pager"
LESS, MORE = ("/usr/bin/less", 10), ("/bin/more", 5)


@pytest.mark.parametrize(("was", "now", "chosen", "own"), [
    (family("auto", MORE), family("auto", LESS, MORE), "/usr/bin/less", {STATE, CHOICE}),
    (None, family("auto", LESS), "/usr/bin/less", {STATE, CHOICE}),
    (family("auto", MORE), family("manual", LESS, MORE), "/usr/bin/less", set()),
    (family("auto", MORE), family("auto", ("/usr/local/bin/ours", 90), MORE), "/usr/local/bin/ours", set()),
    # Chosen by hand and undone again: the link alone.
    (family("auto", MORE), family("auto", MORE), "/usr/bin/less", set()),
    (family("auto", LESS, MORE), family("auto", LESS), "/usr/bin/less", set()),
])
def test_families_that_packages_register(was, now, chosen, own):
    new = build({"/usr/bin/less": entry("less")})
    before = {STATE: was, CHOICE: link("/bin/more") if was else None}
    assert changes(NOTHING, new, before, {STATE: now, CHOICE: link(chosen)}) == own


def test_families_where_ostree_keeps_them():
    place = "/etc/alternatives-admindir/pager"
    new = build({"/usr/bin/less": entry("less")})
    assert changes(NOTHING, new, {}, {place: family("auto", LESS), CHOICE: link("/usr/bin/less")}) == {place, CHOICE}


WANTS = "/etc/systemd/system/multi-user.target.wants"
UNIT = "/usr/lib/systemd/system/a.service"


@pytest.mark.parametrize(("scripts", "enabled", "target", "own"), [
    ("systemctl preset a.service", True, UNIT, True),
    ("systemctl preset a.service", True, "/lib/systemd/system/a.service", True),
    ("systemctl preset a.service", False, UNIT, False),
    ("", True, UNIT, False),
    ("systemctl preset a.service", True, "/etc/systemd/system/a.service", False),
    ("systemctl preset a.service", True, "/dev/null", False),
    ("systemctl preset a.service", True, "/usr/lib/systemd/system/other.service", False),
])
def test_links_that_presets_make(scripts, enabled, target, own):
    new = build({UNIT: entry("unit")}, scripts)
    path = f"{WANTS}/a.service"
    found = changes(NOTHING, new, {}, {WANTS: folder(), path: link(target)}, lambda unit, user: enabled)
    assert found == ({WANTS, path} if own else set())


def test_no_preset_is_applied_where_a_package_was_there_before():
    path = f"{WANTS}/a.service"
    builds = [build({UNIT: entry(text)}, "systemctl preset a.service") for text in "12"]
    assert changes(*builds, {WANTS: folder()}, {WANTS: folder(), path: link(UNIT)}) == set()
    other = build({UNIT: entry("1")}, "systemctl preset a.service", "the-package-that-had-it")
    assert changes(other, builds[1], {WANTS: folder()}, {WANTS: folder(), path: link(UNIT)}) == {path}


AUDIT = "systemctl --no-reload preset a.service"


@pytest.mark.parametrize(("trigger", "holder", "own"), [
    (Trigger("systemd", True, 2, "253~rc1-2", AUDIT), "coming", True),
    (Trigger("systemd", True, 2, "253~rc1-2", AUDIT), "leaving", True),
    (Trigger("systemd", True, 0, "", AUDIT), "coming", True),
    (Trigger("systemd", True, 2, "252", AUDIT), "coming", False),
    (Trigger("systemd", True, 2 + 8, "252", AUDIT), "coming", True),
    (Trigger("systemd", True, 4, "251-1", AUDIT), "coming", True),
    (Trigger("systemd", False, 4, "253", AUDIT), "coming", True),
    (Trigger("systemd", False, 2, "253", AUDIT), "coming", False),
    (Trigger("other", True, 0, "", AUDIT), "coming", False),
    (Trigger("systemd", True, 0, "", "systemctl preset b.service"), "coming", False),
])
def test_links_that_triggers_make_where_a_package_was_there_before(trigger, holder, own):
    """As systemd's own trigger on older builds of it enables the socket of the audit log."""
    path = f"{WANTS}/a.service"
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    builds = [
        Shipped({UNIT: entry(evr)}, {"systemd": ""}, {"systemd": [evr]}, [trigger] if holder == who else [])
        for evr, who in (("252-51.el9", "leaving"), ("262-1.hs.el9", "coming"))]
    assert changes(*builds, {WANTS: folder()}, {WANTS: folder(), path: link(UNIT)}) == ({path} if own else set())


def test_links_of_units_that_went_are_the_transactions_and_of_others_not():
    old = build({UNIT: entry("unit"), "/usr/lib/systemd/system/b.service": entry("b")})
    new = build({"/usr/lib/systemd/system/b.service": entry("b")})
    links = {f"{WANTS}/{name}": link(f"/usr/lib/systemd/system/{name}") for name in ("a.service", "b.service")}
    links[f"{WANTS}/shop.service"] = link("/etc/systemd/system/shop.service")
    assert changes(old, new, {WANTS: folder(), **links}, {}) == {WANTS, f"{WANTS}/a.service"}


def test_entries_and_default_of_kernels_that_came():
    new = build({"/lib/modules/6.12.0-1.hs.el9.x86_64/vmlinuz": entry("kernel")})
    entries = "/boot/loader/entries/1f2e"
    now = {
        f"{entries}-6.12.0-1.hs.el9.x86_64.conf": file("title"), f"{entries}-5.14.0-9.el9.x86_64.conf": file("by somebody"),
        "/boot/loader/entries/ours.conf": file("by somebody"),
        "/boot/grub2/grubenv": file("saved_entry=1f2e-6.12.0-1.hs.el9.x86_64\nboot_success=0\n")}
    was = {"/boot/grub2/grubenv": file("saved_entry=1f2e-5.14.0-1.el9.x86_64\nboot_success=0\n")}
    assert changes(NOTHING, new, was, now) == {f"{entries}-6.12.0-1.hs.el9.x86_64.conf", "/boot/grub2/grubenv"}
    came = "saved_entry=1f2e-6.12.0-1.hs.el9.x86_64\n"
    for text, own in ((f"{came}boot_success=0\ntuned_params=isolcpus=1\n", True),
                      ("saved_entry=1f2e-5.14.0-1.el9.x86_64\nboot_success=0\ntuned_params=isolcpus=1\n", True),
                      ("saved_entry=1f2e-5.14.0-2.el9.x86_64\nboot_success=0\n", False), (f"{came}boot_success=1\n", False),
                      (f"{came}boot_success=0\nours=1\n", False)):
        found = changes(NOTHING, new, was, {**now, "/boot/grub2/grubenv": file(text)})
        assert ("/boot/grub2/grubenv" in found) is own, text


OUTPUTS = ("/boot/loader/entries/1f2e-0-rescue.conf", "/boot/initramfs-6.12.0-1.hs.el9.x86_64.img",
           "/boot/vmlinuz-0-rescue-1f2e", "/boot/initramfs-0-rescue-1f2e.img",
           "/lib/modules/5.14.0-1.el9.x86_64/weak-updates/zfs.ko")


@pytest.mark.parametrize("path", OUTPUTS)
def test_what_hooks_make_beside_the_entry_of_a_kernel(path):
    kernel = build({"/lib/modules/6.12.0-1.hs.el9.x86_64/vmlinuz": entry("kernel")})
    assert changes(NOTHING, kernel, {}, {path: file("made")}) == {path}
    assert changes(kernel, NOTHING, {path: file("made")}, {}) == {path}
    # No kernel comes, or it was there and is another one: nobody knows who did that.
    assert changes(NOTHING, build({CONF: entry("1")}), {}, {path: file("made")}) == set()
    assert changes(NOTHING, kernel, {path: file("before")}, {path: file("made")}) == set()
    assert changes(kernel, build({CONF: entry("1")}), {}, {path: file("made")}) == set()


@pytest.mark.parametrize("path", [
    "/boot/loader/entries/rescue.conf", "/boot/initrd-ours.img", "/lib/modules/5.14.0-1.el9.x86_64/extra/zfs.ko"])
def test_no_other_paths_are_taken_for_those_of_hooks(path):
    kernel = build({"/lib/modules/6.12.0-1.hs.el9.x86_64/vmlinuz": entry("kernel")})
    assert changes(NOTHING, kernel, {}, {path: file("made")}) == set()


# cap_net_raw, permitted and effective; the same and inheritable.
RAW, MORE_RIGHTS = (
    {"security.capability": (0x02000001).to_bytes(4, "little").hex() + (1 << 13).to_bytes(4, "little").hex() + more + "00" * 8}
    for more in ("00" * 4, (1 << 13).to_bytes(4, "little").hex()))


@pytest.mark.parametrize(("capabilities", "attributes", "own"), [
    ("", {}, True),
    ("cap_net_raw=ep", RAW, True),
    ("= cap_net_raw+ep", RAW, True),
    ("", RAW, False),
    ("cap_net_raw=ep", {}, False),
    ("cap_net_raw=ep", MORE_RIGHTS, False),
    ("cap_net_raw=eip", MORE_RIGHTS, True),
    ("", {"user.comment": "00"}, True),
])
def test_capabilities_that_the_header_does_not_have_are_somebodys(capabilities, attributes, own):
    new = build({CONF: entry("2", capabilities=capabilities)})
    found = changes(build({CONF: entry("1")}), new, {CONF: file("1")}, {CONF: file("2", attributes=attributes)})
    assert found == ({CONF} if own else set())


def test_a_build_with_other_digests_is_not_known():
    new = build({CONF: entry("2")._replace(algorithm=1)})
    assert changes(build({CONF: entry("1")}), new, {CONF: file("1")}, {CONF: file("2")}) == set()


def test_a_ghost_that_goes_with_its_build():
    old = build({CONF: entry("", ghost=True)})
    assert changes(old, NOTHING, {CONF: file("state")}, {}) == {CONF}
    assert changes(old, old, {CONF: file("state")}, {}) == set()


def test_presets_by_file_name_and_folder(tmp_path):
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path))
    for folder_name, name, text in (
            ("usr/lib", "90-default.preset", "# All\nenable a.service\nenable getty@.service\ndisable *\n"),
            ("usr/lib", "10-vendor.preset", "enable b.service\nignore c.service\n"),
            ("etc", "10-vendor.preset", "disable a.service\n")):
        place = tmp_path / folder_name / "systemd" / "system-preset"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    said = {unit: enabled_by_preset(target, unit, False) for unit in ("a.service", "b.service", "getty@tty1.service")}
    assert said == {"a.service": False, "b.service": False, "getty@tty1.service": True}
    assert enabled_by_preset(target, "b.service", True)
