# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot entries in GRUB's order, and which of them it starts."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.rpmdb import compare_evr
from ansible_collections.centos.hyperscale.plugins.module_utils.text import bls

MACHINE = "0123456789abcdef0123456789abcdef"
STOCK, NEWER = "5.14.0-611.el9.x86_64", "6.12.95-0.hs1.hsx.el9.x86_64"


def entry(release, prefix=MACHINE, **values):
    """An entry as 20-grub.install of grub2 writes it."""
    held = {
        "title": f"CentOS Stream ({release}) 9", "version": release, "linux": f"/vmlinuz-{release}",
        "initrd": f"/initramfs-{release}.img $tuned_initrd", "options": "root=UUID=1-2 ro crashkernel=1G-4G:192M $tuned_params",
        "grub_users": "$grub_users", "grub_arg": "--unrestricted", "grub_class": "centos", **values}
    return bls.Entry(f"{prefix}-{release}", f"/boot/loader/entries/{prefix}-{release}.conf",
                     "".join(f"{key} {value}\n" for key, value in held.items()))


def rescue():
    """The installer's rescue image: its file name has no more than a zero for a version."""
    name = f"{MACHINE}-0-rescue"
    return bls.Entry(name, f"/boot/loader/entries/{name}.conf", entry(f"0-rescue-{MACHINE}").text)


# Entries

def test_an_entry_says_what_it_starts():
    found = entry(NEWER)
    assert (found.release, found.rescue) == (NEWER, False)
    assert found.images == [f"/vmlinuz-{NEWER}", f"/initramfs-{NEWER}.img"]
    assert rescue().rescue


def test_an_entry_may_have_comments_tabs_and_no_end_of_line():
    found = bls.Entry("x", "x", "# title none\n\n  title\tCentOS\nlinux   /boot/vmlinuz-1-2.x86_64\noptions\troot=/dev/vda1")
    assert (found.value("title"), found.release, found.options) == ("CentOS", "1-2.x86_64", "root=/dev/vda1")
    assert bls.with_options(found.text, "ro").endswith("linux   /boot/vmlinuz-1-2.x86_64\noptions ro\n")


def test_options_are_changed_and_all_else_stays():
    before = entry(STOCK).text
    after = bls.with_options(before, "ro psi=1")
    assert after == before.replace("root=UUID=1-2 ro crashkernel=1G-4G:192M $tuned_params", "ro psi=1")


def test_an_entry_without_options_gets_them():
    assert bls.with_options("linux /vmlinuz-1", "psi=1") == "linux /vmlinuz-1\noptions psi=1\n"


# The order

RELEASES = [
    "5.14.0-611.el9.x86_64", "5.14.0-98.el9.x86_64", "6.12.95-0.hs1.hsx.el9.x86_64", "6.12.95-0.hs2.hsx.el9.x86_64",
    "7.0.0~rc3-0.hs1.hsk.el10.x86_64", "7.0.0-0.hs1.hsk.el10.x86_64", "5.14.0-611.1.el9_8.x86_64"]


@pytest.mark.parametrize(("older", "newer"), list(itertools.permutations(RELEASES, 2)))
def test_kernels_sort_as_rpm_sorts_them(older, newer):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    keys = [bls.release_order(release.rsplit(".", 1)[0]) for release in (older, newer)]
    by_rpm = compare_evr(older.rsplit(".", 1)[0], newer.rsplit(".", 1)[0])
    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == by_rpm


def test_grub_lists_the_newest_first_and_the_rescue_image_last():
    found = bls.grub_order([rescue(), *map(entry, RELEASES)])
    assert [one.release for one in found] == [
        "7.0.0-0.hs1.hsk.el10.x86_64", "7.0.0~rc3-0.hs1.hsk.el10.x86_64", "6.12.95-0.hs2.hsx.el9.x86_64",
        "6.12.95-0.hs1.hsx.el9.x86_64", "5.14.0-611.1.el9_8.x86_64", "5.14.0-611.el9.x86_64", "5.14.0-98.el9.x86_64",
        f"0-rescue-{MACHINE}"]


def test_the_file_name_sorts_before_the_kernel_does():
    # The prefix of an older installation: its old kernel stands above the newest one of today's machine id.
    found = bls.grub_order([entry(NEWER), entry(STOCK, prefix="9" * 32)])
    assert [one.release for one in found] == [STOCK, NEWER]


def test_an_entry_without_a_kernel_is_not_listed():
    assert bls.grub_order([bls.Entry("x", "x", "title only\n")]) == []


# What is started

LISTED = bls.grub_order([entry(STOCK), entry(NEWER), rescue()])


@pytest.mark.parametrize(("value", "release"), [
    (None, NEWER), ("", NEWER), ("0", NEWER), ("1", STOCK), ("9", NEWER), (f"{MACHINE}-{STOCK}", STOCK),
    (f"CentOS Stream ({STOCK}) 9", STOCK), (f"{MACHINE}-gone", NEWER), (MACHINE, NEWER),
])
def test_the_default_is_what_grub_reads(value, release):
    assert bls.chosen(value, LISTED).release == release


def test_nothing_is_chosen_where_there_is_nothing():
    assert bls.chosen("0", []) is None
    assert bls.next_boot([], {"saved_entry": "0"}) is None


@pytest.mark.parametrize(("env", "expected"), [
    ({"saved_entry": f"{MACHINE}-{STOCK}"}, (STOCK, False)),
    ({"saved_entry": f"{MACHINE}-{STOCK}", "next_entry": ""}, (STOCK, False)),
    ({"saved_entry": f"{MACHINE}-{STOCK}", "next_entry": f"{MACHINE}-{NEWER}"}, (NEWER, True)),
    ({"next_entry": "1"}, (STOCK, True)),
    ({}, (NEWER, False)),
])
def test_the_next_boot_is_next_entry_then_saved_entry(env, expected):
    found = bls.next_boot(LISTED, env)
    assert (found.entry.release, found.once) == expected
