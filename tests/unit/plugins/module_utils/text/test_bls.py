# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts that GRUB boots by: entries in its order, the environment block, command lines."""

from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.rpmdb import compare_evr
from ansible_collections.centos.hyperscale.plugins.module_utils.text import bls as files

MACHINE = "0123456789abcdef0123456789abcdef"
STOCK, NEWER = "5.14.0-611.el9.x86_64", "6.12.95-0.hs1.hsx.el9.x86_64"
ENV = files.ENV_SIGNATURE


def entry(release, prefix=MACHINE, **values):
    """An entry as 20-grub.install of grub2 writes it."""
    held = {
        "title": f"CentOS Stream ({release}) 9", "version": release, "linux": f"/vmlinuz-{release}",
        "initrd": f"/initramfs-{release}.img $tuned_initrd", "options": "root=UUID=1-2 ro crashkernel=1G-4G:192M $tuned_params",
        "grub_users": "$grub_users", "grub_arg": "--unrestricted", "grub_class": "centos", **values}
    return files.Entry(f"{prefix}-{release}", f"/boot/loader/entries/{prefix}-{release}.conf",
                       "".join(f"{key} {value}\n" for key, value in held.items()))


def rescue():
    """The installer's rescue image: its file name has no more than a zero for a version."""
    name = f"{MACHINE}-0-rescue"
    return files.Entry(name, f"/boot/loader/entries/{name}.conf", entry(f"0-rescue-{MACHINE}").text)


def padded(text, size=files.ENV_SIZE):
    return text + "#" * (size - len(text))


# Entries

def test_an_entry_says_what_it_starts():
    found = entry(NEWER)
    assert (found.release, found.rescue) == (NEWER, False)
    assert found.images == [f"/vmlinuz-{NEWER}", f"/initramfs-{NEWER}.img"]
    assert rescue().rescue


def test_an_entry_may_have_comments_tabs_and_no_end_of_line():
    found = files.Entry("x", "x", "# title none\n\n  title\tCentOS\nlinux   /boot/vmlinuz-1-2.x86_64\noptions\troot=/dev/vda1")
    assert (found.value("title"), found.release, found.options) == ("CentOS", "1-2.x86_64", "root=/dev/vda1")
    assert files.with_options(found.text, "ro").endswith("linux   /boot/vmlinuz-1-2.x86_64\noptions ro\n")


def test_options_are_changed_and_all_else_stays():
    before = entry(STOCK).text
    after = files.with_options(before, "ro psi=1")
    assert after == before.replace("root=UUID=1-2 ro crashkernel=1G-4G:192M $tuned_params", "ro psi=1")


def test_an_entry_without_options_gets_them():
    assert files.with_options("linux /vmlinuz-1", "psi=1") == "linux /vmlinuz-1\noptions psi=1\n"


# The order

RELEASES = [
    "5.14.0-611.el9.x86_64", "5.14.0-98.el9.x86_64", "6.12.95-0.hs1.hsx.el9.x86_64", "6.12.95-0.hs2.hsx.el9.x86_64",
    "7.0.0~rc3-0.hs1.hsk.el10.x86_64", "7.0.0-0.hs1.hsk.el10.x86_64", "5.14.0-611.1.el9_8.x86_64"]


@pytest.mark.parametrize(("older", "newer"), list(itertools.permutations(RELEASES, 2)))
def test_kernels_sort_as_rpm_sorts_them(older, newer):
    keys = [files.release_order(release.rsplit(".", 1)[0]) for release in (older, newer)]
    by_rpm = compare_evr(older.rsplit(".", 1)[0], newer.rsplit(".", 1)[0])
    assert (keys[0] > keys[1]) - (keys[0] < keys[1]) == by_rpm


def test_grub_lists_the_newest_first_and_the_rescue_image_last():
    found = files.grub_order([rescue(), *map(entry, RELEASES)])
    assert [one.release for one in found] == [
        "7.0.0-0.hs1.hsk.el10.x86_64", "7.0.0~rc3-0.hs1.hsk.el10.x86_64", "6.12.95-0.hs2.hsx.el9.x86_64",
        "6.12.95-0.hs1.hsx.el9.x86_64", "5.14.0-611.1.el9_8.x86_64", "5.14.0-611.el9.x86_64", "5.14.0-98.el9.x86_64",
        f"0-rescue-{MACHINE}"]


def test_the_file_name_sorts_before_the_kernel_does():
    # The prefix of an older installation: its old kernel stands above the newest one of today's machine id.
    found = files.grub_order([entry(NEWER), entry(STOCK, prefix="9" * 32)])
    assert [one.release for one in found] == [STOCK, NEWER]


def test_an_entry_without_a_kernel_is_not_listed():
    assert files.grub_order([files.Entry("x", "x", "title only\n")]) == []


# What is started

LISTED = files.grub_order([entry(STOCK), entry(NEWER), rescue()])


@pytest.mark.parametrize(("value", "release"), [
    (None, NEWER), ("", NEWER), ("0", NEWER), ("1", STOCK), ("9", NEWER), (f"{MACHINE}-{STOCK}", STOCK),
    (f"CentOS Stream ({STOCK}) 9", STOCK), (f"{MACHINE}-gone", NEWER), (MACHINE, NEWER),
])
def test_the_default_is_what_grub_reads(value, release):
    assert files.chosen(value, LISTED).release == release


def test_nothing_is_chosen_where_there_is_nothing():
    assert files.chosen("0", []) is None
    assert files.next_boot([], {"saved_entry": "0"}) is None


@pytest.mark.parametrize(("env", "expected"), [
    ({"saved_entry": f"{MACHINE}-{STOCK}"}, (STOCK, False)),
    ({"saved_entry": f"{MACHINE}-{STOCK}", "next_entry": ""}, (STOCK, False)),
    ({"saved_entry": f"{MACHINE}-{STOCK}", "next_entry": f"{MACHINE}-{NEWER}"}, (NEWER, True)),
    ({"next_entry": "1"}, (STOCK, True)),
    ({}, (NEWER, False)),
])
def test_the_next_boot_is_next_entry_then_saved_entry(env, expected):
    found = files.next_boot(LISTED, env)
    assert (found.entry.release, found.once) == expected


# The environment block

BLOCKS = [
    padded(ENV), padded(ENV + "saved_entry=a\n"), padded(ENV + "saved_entry=a\nnext_entry=\nboot_success=1\n"),
    padded(ENV + "# WARNING: Do not edit this file by tools other than grub-editenv!!!\nkernelopts=root=/dev/sda ro\n"),
    padded(ENV + "odd=a\\\\b\\\nc\nsaved_entry=z\n"), padded(ENV + "saved_entry=a\n", 4096),
]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("changes", [
    {"saved_entry": "b"}, {"next_entry": "x", "saved_entry": None}, {"new": "back\\slash\nand line"}, {"absent": None}, {},
])
def test_a_block_keeps_its_size_and_what_nobody_changed(block, changes):
    before = files.parse_env(block)
    after = files.with_env(block, changes)
    assert len(after) == len(block) and after.startswith(ENV) and files.valid_env(after)
    wanted = {name: value for name, value in {**before, **changes}.items() if value is not None}
    assert files.parse_env(after) == wanted
    assert files.parse_env(files.with_env(after, {name: before.get(name) for name in changes})) == before
    assert ("# WARNING" in after) == ("# WARNING" in block)


def test_random_changes_of_a_block_are_taken_back():
    dice = random.Random(7)
    block = padded(ENV + "saved_entry=first\n")
    for _round in range(300):
        changes = {dice.choice("abcd"): dice.choice(["", "x=y", "\\", "#hash", "\n", "ü", None]) for _change in range(3)}
        changes = {name: value for name, value in changes.items() if value is None or value.isascii()}
        after = files.with_env(block, changes)
        assert len(after.encode()) == files.ENV_SIZE
        before = files.parse_env(block)
        assert files.parse_env(files.with_env(after, {name: before.get(name) for name in changes})) == before
        block = after


def test_a_new_block_is_what_grub_takes():
    assert files.with_env(None, {"saved_entry": "a"}) == padded(ENV + "saved_entry=a\n")


def test_a_block_without_room_is_refused():
    full = padded(ENV + f"kernelopts={'x' * 980}\n")
    assert len(full) == files.ENV_SIZE
    with pytest.raises(ValueError, match="1024 bytes"):
        files.with_env(full, {"next_entry": "y" * 30})


@pytest.mark.parametrize("text", [None, "", "saved_entry=a\n", ENV, "# grub environment block\n" + "#" * 1000])
def test_what_grub_would_not_take_for_a_block(text):
    assert not files.valid_env(text)


# Arguments

@pytest.mark.parametrize(("line", "present", "absent", "expected"), [
    ("root=/dev/vda1 ro", ["psi=1"], [], "root=/dev/vda1 ro psi=1"),
    ("root=/dev/vda1 psi=1 ro", ["psi=1"], [], "root=/dev/vda1 psi=1 ro"),
    ("psi=0 ro", ["psi=1"], [], "ro psi=1"),
    ("psi=0 psi=1 ro", ["psi=1"], [], "psi=1 ro"),
    ("a-b=1", ["a_b=2"], [], "a_b=2"),
    ("console=tty0 ro", ["console=ttyS0,115200"], [], "console=tty0 ro console=ttyS0,115200"),
    ("rd.lvm.lv=a/b", ["rd.lvm.lv=a/c"], [], "rd.lvm.lv=a/b rd.lvm.lv=a/c"),
    ("rd.shell=1", ["rd.shell=0"], [], "rd.shell=0"),
    ("quiet rhgb", [], ["rhgb"], "quiet"),
    ("console=tty0 console=ttyS0", [], ["console=tty0"], "console=ttyS0"),
    ("console=tty0 console=ttyS0 ro", [], ["console"], "ro"),
    ("quieter", [], ["quiet"], "quieter"),
    ('dyndbg="file a +p; file b +p" ro', ["psi=1"], [], 'dyndbg="file a +p; file b +p" ro psi=1'),
    ('"dyndbg=file a +p" ro', ['dyndbg="file a +p"'], [], '"dyndbg=file a +p" ro'),
    ("ro -- single psi=1", ["psi=1"], [], "ro psi=1 -- single psi=1"),
    ("ro -- quiet", [], ["quiet"], "ro -- quiet"),
    ("  ro   quiet ", [], [], "  ro   quiet "),
    ("root=/dev/vda1 $tuned_params", ["psi=1"], [], "root=/dev/vda1 $tuned_params psi=1"),
])
def test_a_command_line_is_edited(line, present, absent, expected):
    after = files.edited(line, present, absent)
    assert after == expected
    assert files.edited(after, present, absent) == after


def test_where_arguments_stand_elsewhere_only_contradictions_go():
    assert files.edited("$kernelopts psi=0 quiet", ["psi=1"], ["quiet"], adding=False) == "$kernelopts"


@pytest.mark.parametrize("word", [
    "psi=1", "quiet", "console=ttyS0,115200n8", "ip=[fe80::1]::[fe80::2]:64:host:eth0:none", "acpi_osi=!Windows",
    'dyndbg="file drivers/* +p; func x +p"', "systemd.unified_cgroup_hierarchy=1", "rd.luks.uuid=luks-1", "root=UUID=a-b", "a=",
])
def test_good_arguments(word):
    assert files.ARGUMENT.match(word)
    assert files.words(word) == [word]


@pytest.mark.parametrize("word", [
    "", " ", "a b", "psi=1 quiet", "psi=1\n", "a=\nb", 'a="b', 'a="b\nc"', "a='b'", "a=$(id)", "a=`id`", "a=b\\", "a=b;c", "--",
    "-x", "$kernelopts", "a=b|c", "a=b>c", "=1", "a=\x00", "a=b\r", 'a="$x"', 'a="b\\"', "a{b}",
])
def test_arguments_that_an_entry_or_a_shell_would_not_hold(word):
    assert not files.ARGUMENT.match(word)


def test_variables_of_grub_are_put_in():
    env = {"kernelopts": "root=/dev/vda1 ro", "tuned_params": ""}
    assert files.expanded("$kernelopts quiet ${tuned_params} $unset", env) == ["root=/dev/vda1", "ro", "quiet"]


def test_what_the_boot_loader_adds_is_none_of_the_entry():
    line = 'BOOT_IMAGE=(hd0,gpt2)/vmlinuz-1 root=/dev/vda1 "dyndbg=file a +p" initrd=/x'
    assert files.booted_words(line) == ["root=/dev/vda1", "dyndbg=file a +p"]


# /etc/default/grub

@pytest.mark.parametrize(("text", "line"), [
    ('GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="crashkernel=1G-4G:192M rhgb quiet"\n', "crashkernel=1G-4G:192M rhgb quiet"),
    ("GRUB_CMDLINE_LINUX='a \"b c\"'\n", 'a "b c"'), ("GRUB_CMDLINE_LINUX=quiet\n", "quiet"), ("GRUB_CMDLINE_LINUX=\n", ""),
    ('GRUB_CMDLINE_LINUX="dyndbg=\\"a b\\""\n', 'dyndbg="a b"'),
    ('GRUB_CMDLINE_LINUX_DEFAULT="x"\nGRUB_CMDLINE_LINUX="y"\n', "y"),
])
def test_the_default_command_line_is_read_and_written_back(text, line):
    assert files.default_cmdline(text) == line
    after = files.with_default_cmdline(text, 'psi=1 x="y z"')
    assert files.default_cmdline(after) == 'psi=1 x="y z"'
    assert after.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", [
    'GRUB_CMDLINE_LINUX="$BASE quiet"\n', "GRUB_CMDLINE_LINUX=$(cat /x)\n", 'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" b"\n',
    'GRUB_CMDLINE_LINUX="a" # why\n', "GRUB_TIMEOUT=5\n", "", 'if x; then\n  GRUB_CMDLINE_LINUX="a"\nfi\n',
])
def test_what_a_shell_would_work_out_is_left_alone(text):
    assert files.default_cmdline(text) is None
