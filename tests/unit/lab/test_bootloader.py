# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's boot loader chooses as GRUB of EL does, and forgets an entry for once before it starts it."""

from __future__ import annotations

import itertools
import pathlib
import struct
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import bootloader, common, kernels, machines  # noqa: E402

MACHINE = "05da09d7b2f6401cac0310e10ee45155"
OLD, NEW = f"{MACHINE}-5.14.0-611.el9.x86_64", f"{MACHINE}-6.12.95-0.hs1.hsx.el9.x86_64"
TEXT = """\
title CentOS Stream ({release}) 9
version {release}
# a comment
linux /boot/vmlinuz-{release}
initrd /boot/initramfs-{release}.img $tuned_initrd
options root=UUID=1 ro $kernelopts
grub_users $grub_users
"""


def entry(entry_id):
    return bootloader.parse_entry(entry_id, TEXT.format(release=entry_id.removeprefix(f"{MACHINE}-")))


@pytest.mark.parametrize(("environment", "starts", "reason", "left"), [
    ({}, NEW, "newest", {}),
    ({"saved_entry": OLD}, OLD, "saved_entry", {"saved_entry": OLD}),
    ({"saved_entry": "1"}, OLD, "saved_entry", {"saved_entry": "1"}),
    ({"saved_entry": "7"}, NEW, "newest", {"saved_entry": "7"}),
    ({"saved_entry": "CentOS Stream (5.14.0-611.el9.x86_64) 9"}, OLD, "saved_entry", None),
    ({"saved_entry": "gone"}, NEW, "newest", {"saved_entry": "gone"}),
    ({"saved_entry": OLD, "next_entry": NEW}, NEW, "next_entry", {"saved_entry": OLD, "next_entry": ""}),
    ({"saved_entry": OLD, "next_entry": "gone"}, NEW, "newest", {"saved_entry": OLD, "next_entry": ""}),
    ({"saved_entry": OLD, "next_entry": ""}, OLD, "saved_entry", {"saved_entry": OLD, "next_entry": ""}),
])
def test_choice(environment, starts, reason, left):
    choice = bootloader.choose([entry(OLD), entry(NEW)], environment)
    assert (choice.entry.id, choice.reason) == (starts, reason)
    assert choice.environment == (environment if left is None else left)


def test_names_sort_as_versions():
    ordered = [
        f"{MACHINE}-5.14.0-9.el9.x86_64", f"{MACHINE}-5.14.0-70.el9.x86_64", f"{MACHINE}-5.14.0-611.el9.x86_64",
        f"{MACHINE}-6.7.0~rc1-1.el9.x86_64", f"{MACHINE}-6.7.0-1.el9.x86_64", f"{MACHINE}-6.12.1-0.hs1.hsx.el9.x86_64"]
    for shuffled in itertools.permutations(ordered, 4):
        found = [one.id for one in bootloader.menu(map(entry, shuffled))]
        assert found == sorted(shuffled, key=ordered.index, reverse=True)


def test_entry_is_read_and_variables_are_put_in():
    found = entry(OLD)
    assert found.title == "CentOS Stream (5.14.0-611.el9.x86_64) 9"
    assert found.initrd == ("/boot/initramfs-5.14.0-611.el9.x86_64.img", "$tuned_initrd")
    assert bootloader.expand(found.options, {"kernelopts": "psi=1"}) == "root=UUID=1 ro psi=1"
    assert bootloader.expand(found.options, {}) == "root=UUID=1 ro"


def test_environment_comes_back_as_it_was():
    variables = {"saved_entry": OLD, "kernelopts": r"a=\b", "next_entry": ""}
    block = bootloader.format_environment(variables)
    assert len(block) == 1024 and block.startswith(b"# GRUB Environment Block\nsaved_entry=05da")
    assert bootloader.parse_environment(block) == variables
    assert bootloader.parse_environment(block[:-1]) == {}
    assert bootloader.parse_environment(b"x" + block[1:]) == {}
    with pytest.raises(ValueError, match="may have 1024"):
        bootloader.format_environment({"a": "x" * 1024})


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    (tmp_path / bootloader.ENTRIES).mkdir(parents=True)
    for name in (OLD, NEW):
        text = TEXT.format(release=name.removeprefix(f"{MACHINE}-"))
        (tmp_path / bootloader.ENTRIES / f"{name}.conf").write_text(text)
    (tmp_path / bootloader.ENVIRONMENT).parent.mkdir()
    block = bootloader.format_environment({"saved_entry": OLD, "next_entry": NEW, "kernelopts": "psi=1"})
    (tmp_path / bootloader.ENVIRONMENT).write_bytes(block)
    return tmp_path


def test_entry_for_once_is_started_once(root):
    first, second = bootloader.start(root), bootloader.start(root)
    assert (first.entry, first.reason) == (NEW, "next_entry")
    assert (second.entry, second.reason) == (OLD, "saved_entry")
    assert second.kernel == "/boot/vmlinuz-5.14.0-611.el9.x86_64"
    assert second.initrd == ("/boot/initramfs-5.14.0-611.el9.x86_64.img",)
    assert second.arguments == "root=UUID=1 ro psi=1"


def test_without_entries_nothing_starts(tmp_path):
    with pytest.raises(common.LabError, match="no entry"):
        bootloader.start(tmp_path)


def image(release, command="gzip"):
    """Return the frame of a kernel image, with a kernel in it that has a field for uname."""
    fields = b"".join(word.encode().ljust(kernels.FIELD, b"\0") for word in ("Linux", "(none)", release, "#1", "x86_64"))
    kernel = b"\x7fELF" + b"code" * 100 + fields + b"more" + fields
    packed = subprocess.run([command, "-c"], input=kernel, stdout=subprocess.PIPE, check=True).stdout
    head = bytearray(1024)
    head[0x1f1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", head, 0x248, 0, len(packed) + 4)
    return bytes(head) + packed + struct.pack("<I", len(kernel)), kernel


@pytest.mark.parametrize("command", ["gzip", "xz", "zstd"])
def test_kernel_has_the_release_of_its_file(command):
    whole, kernel = image("6.1.0-50-cloud-amd64", command)
    named = kernels.named_after(whole, "/boot/vmlinuz-5.14.0-611.el9.x86_64")
    assert kernels.release(named) == "5.14.0-611.el9.x86_64"
    assert len(named) == len(kernel) and b"6.1.0-50" not in named
    assert named.replace(b"5.14.0-611.el9.x86_64", b"6.1.0-50-cloud-amd64\0") == kernel


def test_kernel_of_its_own_name_stays_an_image():
    whole, _kernel = image("6.1.0-50-cloud-amd64")
    assert kernels.named_after(whole, "/boot/vmlinuz-6.1.0-50-cloud-amd64") is whole


def test_what_is_no_kernel_is_refused():
    with pytest.raises(common.LabError, match="no kernel image"):
        kernels.payload(b"\0" * 4096)
    with pytest.raises(common.LabError, match="too long"):
        kernels.renamed(image("6.1")[1], "x" * 65)


def test_a_process_of_another_name_is_no_machine(tmp_path):
    assert not machines.alive(tmp_path)
    (tmp_path / "machine.pid").write_text("1")
    assert not machines.alive(tmp_path)
    with pytest.raises(common.LabError, match="is not running"):
        machines.power_cut(tmp_path)


def test_qemu_gets_what_the_boot_loader_chose(tmp_path):
    chosen = bootloader.Start(OLD, "saved_entry", "/boot/vmlinuz", (), "root=UUID=1 psi=1")
    argv = machines.command_line(tmp_path, "127.248.7.10", chosen)
    assert argv[argv.index("-append") + 1] == "BOOT_IMAGE=(hd0)/boot/vmlinuz root=UUID=1 psi=1"
    assert "-initrd" not in argv and "-no-reboot" in argv
    assert "hostfwd=tcp:127.248.7.10:2222-:22" in argv[argv.index("-netdev") + 1]
