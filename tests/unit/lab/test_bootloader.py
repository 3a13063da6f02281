# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's boot loader chooses as GRUB of EL does, and forgets an entry for once before it starts it."""

from __future__ import annotations

import hashlib
import itertools
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest
import yaml

from ansible_collections.centos.hyperscale.plugins.module_utils.text import bls

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import grub_cases  # noqa: E402
from lab import bootloader, common, kernels, machines, menus  # noqa: E402

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


CASES = yaml.safe_load(grub_cases.CASES.read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_choice_is_that_of_grub_itself(case):
    texts = {name: grub_cases.text_of(name) for name in case["entries"]}
    environment = bootloader.parse_environment(grub_cases.block_of(case))
    entries = [bootloader.parse_entry(name, text) for name, text in texts.items()]
    choice = bootloader.choose(entries, environment)
    assert [one.id for one in bootloader.menu(entries)] == case["menu"]
    assert {name: value for name, value in choice.environment.items() if name in grub_cases.NAMED} == case["left"]
    assert (choice.entry.id == case["starts"]) == ("differs" not in case)
    # The collection foretells the same.
    foretold = [bls.Entry(name, name, text) for name, text in texts.items()]
    assert [one.id for one in bls.grub_order(foretold)] == case["menu"]
    following = bls.next_boot(foretold, environment)
    assert following is not None and following.entry.id == choice.entry.id


CONSOLE = (
    "SeaBIOS\x1b[4;2H+--+\x1b[5;80H \x1b[7m\x1b[5;3H*CentOS Stream (6.12) 9      "
    "\x1b[m\x1b[5;78H\x1b[6;3H CentOS Stream (5.14) 9   "
    "\x1b[m\x1b[7;3H          \x1b[m\x1b[5;3H CentOS Stream (6.12) 9    \x1b[m\x1b[1;1H  Booting `CentOS Stream (6.12) 9'\r\n"
    "[    0.000000] Command line: BOOT_IMAGE=/boot/vmlinuz-6.12 ro psi=0\r\n")


def test_what_grub_says_is_read():
    new, old = "CentOS Stream (6.12) 9", "CentOS Stream (5.14) 9"
    assert menus.start_of(CONSOLE) == ([new, old], new, ["BOOT_IMAGE=/boot/vmlinuz-6.12", "ro", "psi=0"])
    assert menus.start_of("SeaBIOS") == ([], "", [])


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


def whole_image(command, room=64):
    """Return the frame of a kernel image, with a kernel in it that has a table of sections, and that kernel."""
    fields = b"".join(word.encode().ljust(kernels.FIELD, b"\0") for word in ("Linux", "(none)", "6.1.0-50-cloud-amd64", "#1"))
    head = bytearray(b"\x7fELF".ljust(64, b"\1"))
    struct.pack_into("<Q", head, kernels.SECTIONS_AT, 64)
    struct.pack_into("<HHH", head, kernels.SECTIONS_SIZE_AT, 64, 3, 2)
    kernel = bytes(head) + bytes(range(192)) + b"code" * 100 + fields
    packed = subprocess.run([command, *kernels.STRONGEST[command], "-c"], input=kernel, stdout=subprocess.PIPE, check=True).stdout
    setup = bytearray(1024)
    setup[0x1f1] = 1
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", setup, 0x248, 0, len(packed) + room + 4)
    return bytes(setup) + packed + bytes(room) + struct.pack("<I", len(kernel)) + b"what follows", kernel


@pytest.mark.parametrize("command", ["lz4", "zstd", "xz"])
def test_image_keeps_its_size_with_another_release(command, monkeypatch):
    if not shutil.which(command):
        pytest.skip(f"{command} is not installed")
    whole, kernel = whole_image(command)
    monkeypatch.setattr(kernels, "payload", lambda _image: kernel)
    made = kernels.repacked(whole, "5.14.0-611.el9.x86_64")
    begin, end, _command = kernels.packed(made)
    assert len(made) == len(whole) and made[:begin] == whole[:begin] and made[end - 4:] == whole[end - 4:]
    again = subprocess.run([command, "-dc"], input=made[begin:end - 4], stdout=subprocess.PIPE, check=False).stdout
    assert kernels.release(again) == "5.14.0-611.el9.x86_64" and len(again) == len(kernel)
    assert again[64:256] == bytes(192)
    assert again[256:].replace(b"5.14.0-611.el9.x86_64", b"6.1.0-50-cloud-amd64\0") == kernel[256:]


def test_image_without_room_is_refused(monkeypatch):
    whole, kernel = whole_image("xz", 0)
    random = bytes(range(256)) * 2 + hashlib.sha512(b"1").digest() * 8
    monkeypatch.setattr(kernels, "payload", lambda _image: kernel + random)
    with pytest.raises(common.LabError, match="has room for"):
        kernels.repacked(whole, "5.14.0-611.el9.x86_64")


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


def test_qemu_gets_the_disk_of_grub(tmp_path):
    argv = machines.command_line(tmp_path, "127.248.7.10", None)
    assert "-kernel" not in argv and "virtio-blk-pci,drive=loader,bootindex=0" in argv
    assert any(word.startswith(f"file={tmp_path / machines.BOOT_DISK},") and word.endswith("readonly=on") for word in argv)
