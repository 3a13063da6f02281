# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines with Secure Boot: firmware that knows Microsoft's keys, and Debian's signed shim and GRUB, unpacked, not installed.

The launcher chooses the entry, as on other machines, and lays its kernel and initrd on the EFI system partition. What starts
them is real: the firmware checks shim, shim checks GRUB and the kernel. So the kernel is not renamed: C(uname -r) says Debian's
release.
"""

from __future__ import annotations

import pathlib
import re
import shutil

from . import bootloader, debs, kernels, unpacked

SUITE = "bookworm"
PACKAGES = ("ovmf", "shim-signed", "grub-efi-amd64-signed")
CODE, VARIABLES = "usr/share/OVMF/OVMF_CODE_4M.ms.fd", "usr/share/OVMF/OVMF_VARS_4M.ms.fd"
# Where the firmware looks on a disk that no variable names, and shim beside itself.
LOADERS = {
    "usr/lib/shim/shimx64.efi.signed": "EFI/BOOT/BOOTX64.EFI",
    "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": "EFI/BOOT/grubx64.efi",
}
CONFIGURATION = "EFI/debian/grub.cfg"
# A kernel that shim refuses ends the machine: GRUB would wait for a key.
MENU = """\
serial --unit=0 --speed=115200
terminal_output serial
if linux /vmlinuz {arguments}; then
  {initrd}
  boot
fi
halt
"""
MOUNT = "LABEL=QEMU\\040VVFAT /boot/efi vfat ro,umask=0077 0 0\n"
MODULES = pathlib.PurePath("usr/lib/modules")


def on(folder: pathlib.Path) -> bool:
    """Say whether a machine has Secure Boot."""
    return (folder / "esp").is_dir()


def settle(root: pathlib.Path) -> None:
    """Have a disk mount the EFI system partition, and find its modules by the release that the kernel says."""
    (root / "boot/efi").mkdir()
    with open(root / "etc/fstab", "a", encoding="ascii") as table:
        table.write(MOUNT)
    for image in (root / MODULES).glob("*/vmlinuz"):
        said = kernels.release(kernels.payload(image.read_bytes()))
        (root / MODULES / said).symlink_to(image.parent.name)


def equip(folder: pathlib.Path, apt: debs.Apt) -> None:
    """Give a machine firmware, variables of its own, and an EFI system partition with the signed loaders."""
    files = unpacked.folder(apt, SUITE, PACKAGES)
    (folder / "firmware").symlink_to(files / CODE)
    shutil.copy(files / VARIABLES, folder / "variables")
    for source, target in LOADERS.items():
        path = folder / "esp" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files / source, path)


def lay(folder: pathlib.Path, chosen: bootloader.Start, kernel: bytes, initrd: bytes) -> None:
    """Lay what is started on the EFI system partition, with the configuration that has GRUB start it."""
    esp = folder / "esp"
    (esp / "vmlinuz").write_bytes(kernel)
    (esp / "initrd").write_bytes(initrd)
    (esp / CONFIGURATION).parent.mkdir(exist_ok=True)
    (esp / CONFIGURATION).write_text(menu(chosen.arguments, bool(chosen.initrd)))


def menu(arguments: str, initrd: bool) -> str:
    """Return GRUB's configuration; its shell takes no word of the command line apart."""
    quoted = " ".join(re.sub(r"([^\w=/.,:+-])", r"\\\1", word) for word in arguments.split())
    return MENU.format(arguments=quoted, initrd="initrd /initrd" if initrd else "true")


def options(folder: pathlib.Path) -> list[str]:
    """Return QEMU's options for the firmware and the disk that it starts from, in place of a kernel."""
    return [
        "-global", "driver=cfi.pflash01,property=secure,value=on",
        "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={folder / 'firmware'}",
        "-drive", f"if=pflash,format=raw,unit=1,file={folder / 'variables'}",
        "-drive", f"file=fat:{folder / 'esp'},if=none,id=esp,format=raw,readonly=on",
        "-device", "nvme,drive=esp,serial=esp,bootindex=0",
    ]
