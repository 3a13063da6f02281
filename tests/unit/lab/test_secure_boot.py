# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the launcher lays down for a machine with Secure Boot, and how it starts it."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import bootloader, machines, secure_boot  # noqa: E402

CHOSEN = bootloader.Start("id", "newest", "/boot/vmlinuz-5", ("/boot/initramfs-5.img",), "root=UUID=1-2 ro a=$b;c")


def words(folder):
    """Return QEMU's command line as one text."""
    return " ".join(machines.command_line(folder, "127.0.0.1", CHOSEN))


def test_grub_takes_no_argument_apart():
    text = secure_boot.menu(CHOSEN.arguments, initrd=True)
    assert r"if linux /vmlinuz root=UUID=1-2 ro a=\$b\;c; then" in text and "  initrd /initrd\n" in text
    assert "initrd" not in secure_boot.menu(CHOSEN.arguments, initrd=False)


def test_what_is_started_lies_on_the_partition_as_it_is(tmp_path):
    (tmp_path / "esp/EFI").mkdir(parents=True)
    secure_boot.lay(tmp_path, CHOSEN, b"signed", b"initrd")
    assert (tmp_path / "esp/vmlinuz").read_bytes() == b"signed" and (tmp_path / "esp/initrd").read_bytes() == b"initrd"
    assert "/vmlinuz root=UUID=1-2" in (tmp_path / "esp/EFI/debian/grub.cfg").read_text()


def test_only_a_machine_with_a_partition_is_started_by_firmware(tmp_path):
    assert f"-kernel {tmp_path}/kernel" in words(tmp_path) and "pflash" not in words(tmp_path)
    (tmp_path / "esp").mkdir()
    assert "-kernel" not in words(tmp_path) and "q35,smm=on" in words(tmp_path)
    assert f"if=pflash,format=raw,unit=0,readonly=on,file={tmp_path}/firmware" in words(tmp_path)
