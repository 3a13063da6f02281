# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of the kernel: edited, and read out of /etc/default/grub."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import cmdline


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
    after = cmdline.edited(line, present, absent)
    assert after == expected
    assert cmdline.edited(after, present, absent) == after


def test_where_arguments_stand_elsewhere_only_contradictions_go():
    assert cmdline.edited("$kernelopts psi=0 quiet", ["psi=1"], ["quiet"], adding=False) == "$kernelopts"


@pytest.mark.parametrize("word", [
    "psi=1", "quiet", "console=ttyS0,115200n8", "ip=[fe80::1]::[fe80::2]:64:host:eth0:none", "acpi_osi=!Windows",
    'dyndbg="file drivers/* +p; func x +p"', "systemd.unified_cgroup_hierarchy=1", "rd.luks.uuid=luks-1", "root=UUID=a-b", "a=",
])
def test_good_arguments(word):
    assert cmdline.ARGUMENT.match(word)
    assert cmdline.words(word) == [word]


@pytest.mark.parametrize("word", [
    "", " ", "a b", "psi=1 quiet", "psi=1\n", "a=\nb", 'a="b', 'a="b\nc"', "a='b'", "a=$(id)", "a=`id`", "a=b\\", "a=b;c", "--",
    "-x", "$kernelopts", "a=b|c", "a=b>c", "=1", "a=\x00", "a=b\r", 'a="$x"', 'a="b\\"', "a{b}",
])
def test_arguments_that_an_entry_or_a_shell_would_not_hold(word):
    assert not cmdline.ARGUMENT.match(word)


def test_variables_of_grub_are_put_in():
    env = {"kernelopts": "root=/dev/vda1 ro", "tuned_params": ""}
    assert cmdline.expanded("$kernelopts quiet ${tuned_params} $unset", env) == ["root=/dev/vda1", "ro", "quiet"]


def test_what_the_boot_loader_adds_is_none_of_the_entry():
    line = 'BOOT_IMAGE=(hd0,gpt2)/vmlinuz-1 root=/dev/vda1 "dyndbg=file a +p" initrd=/x'
    assert cmdline.booted_words(line) == ["root=/dev/vda1", "dyndbg=file a +p"]


# /etc/default/grub

@pytest.mark.parametrize(("text", "line"), [
    ('GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="crashkernel=1G-4G:192M rhgb quiet"\n', "crashkernel=1G-4G:192M rhgb quiet"),
    ("GRUB_CMDLINE_LINUX='a \"b c\"'\n", 'a "b c"'), ("GRUB_CMDLINE_LINUX=quiet\n", "quiet"), ("GRUB_CMDLINE_LINUX=\n", ""),
    ('GRUB_CMDLINE_LINUX="dyndbg=\\"a b\\""\n', 'dyndbg="a b"'),
    ('GRUB_CMDLINE_LINUX_DEFAULT="x"\nGRUB_CMDLINE_LINUX="y"\n', "y"),
])
def test_the_default_command_line_is_read_and_written_back(text, line):
    assert cmdline.default_cmdline(text) == line
    after = cmdline.with_default_cmdline(text, 'psi=1 x="y z"')
    assert cmdline.default_cmdline(after) == 'psi=1 x="y z"'
    assert after.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", [
    'GRUB_CMDLINE_LINUX="$BASE quiet"\n', "GRUB_CMDLINE_LINUX=$(cat /x)\n", 'GRUB_CMDLINE_LINUX="a"\nGRUB_CMDLINE_LINUX+=" b"\n',
    'GRUB_CMDLINE_LINUX="a" # why\n', "GRUB_TIMEOUT=5\n", "", 'if x; then\n  GRUB_CMDLINE_LINUX="a"\nfi\n',
])
def test_what_a_shell_would_work_out_is_left_alone(text):
    assert cmdline.default_cmdline(text) is None
