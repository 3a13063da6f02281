# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels under the names that CentOS gives them.

A wrapped kernel is Debian's and says so in C(uname -r), while its file carries the release of the package. The boot
loader of the lab takes the kernel out of its compressed image, as the image itself would, and writes the release of the
file into the field that C(uname) reads. Nothing else of it is changed. GRUB starts images only: for it the kernel is put back.
"""

from __future__ import annotations

import re
import struct
import subprocess
import typing as t

from .common import LabError

# What a kernel image is compressed with, by its first bytes, and what takes it apart. Its length follows as four bytes.
COMPRESSIONS = {
    b"\x02\x21\x4c\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"\x1f\x8b": "gzip",
}
# What each of them compresses most with, in the form that the image itself takes apart.
STRONGEST = {
    "lz4": ("-l", "-12"), "zstd": ("-22", "--ultra", "--no-check"), "xz": ("--check=crc32", "--x86", "--lzma2=preset=9e"),
    "gzip": ("-9", "--no-name"),
}
# struct new_utsname: fields of this many bytes, filled up with zeros.
FIELD = 65
BEFORE_RELEASE = b"Linux".ljust(FIELD, b"\0") + b"(none)".ljust(FIELD, b"\0")
SIGNATURE, SIGNATURE_AT = b"HdrS", 0x202
# An image of aarch64 is the kernel itself.
PLAIN, PLAIN_AT = b"ARM\x64", 0x38
PAYLOAD_AT = 0x248
# ELF of 64 bits: where the table of sections begins, and how long it is.
SECTIONS_AT, SECTIONS_SIZE_AT = 0x28, 0x3a


class Packed(t.NamedTuple):
    """The compressed kernel in an image: where it begins and ends, the length after it included, and its command."""

    begin: int
    end: int
    command: str


def packed(image: bytes) -> Packed:
    """Find the compressed kernel in an image of x86, by the header of Documentation/arch/x86/boot.rst."""
    if image[SIGNATURE_AT:SIGNATURE_AT + 4] != SIGNATURE:
        raise LabError("this is no kernel image of x86")
    offset, length = struct.unpack_from("<II", image, PAYLOAD_AT)
    begin = ((image[0x1f1] or 4) + 1) * 512 + offset
    command = next((command for magic, command in COMPRESSIONS.items() if image.startswith(magic, begin)), None)
    if command is None:
        raise LabError(f"the kernel image is compressed in an unknown way ({image[begin:begin + 6].hex()})")
    return Packed(begin, begin + length, command)


def payload(image: bytes) -> bytes:
    """Return the kernel proper of an image."""
    if image[PLAIN_AT:PLAIN_AT + 4] == PLAIN:
        return image
    begin, end, command = packed(image)
    return subprocess.run([command, "-dc"], input=image[begin:end - 4], stdout=subprocess.PIPE, check=True).stdout


def release(kernel: bytes) -> str:
    """Return what C(uname -r) prints of a kernel."""
    found = re.search(re.escape(BEFORE_RELEASE) + rb"([^\0]+)\0", kernel)
    if not found:
        raise LabError("the kernel has no field for uname")
    return found.group(1).decode()


def renamed(kernel: bytes, name: str) -> bytes:
    """Return a kernel with another release in the field that C(uname) reads, and in its first copy."""
    if len(name) >= FIELD:
        raise LabError(f"{name} is too long for a kernel's release")
    old = BEFORE_RELEASE + release(kernel).encode().ljust(FIELD, b"\0")
    return kernel.replace(old, BEFORE_RELEASE + name.encode().ljust(FIELD, b"\0"))


def named_after(image: bytes, path: str) -> bytes:
    """Return a kernel that has the release that the name of its file says; an image that has it already comes back as it is."""
    name = path.rpartition("/vmlinuz-")[2]
    kernel = payload(image)
    return image if not name or release(kernel) == name else renamed(kernel, name)


def repacked(image: bytes, name: str) -> bytes:
    """Return an image whose kernel has another release. Size and places in it stay: what takes the kernel apart knows them."""
    begin, end, command = packed(image)
    kernel = _without_sections(renamed(payload(image), name))
    again = subprocess.run([command, *STRONGEST[command], "-c"], input=kernel, stdout=subprocess.PIPE, check=True).stdout
    room = end - begin - 4
    if len(again) > room:
        raise LabError(f"the kernel that is named {name} takes {len(again)} bytes, and its image has room for {room}")
    return image[:begin] + again.ljust(room, b"\0") + image[end - 4:]


def _without_sections(kernel: bytes) -> bytes:
    """Return a kernel without the table of its sections, which nothing reads at a boot: other bytes may then compress worse."""
    begin, = struct.unpack_from("<Q", kernel, SECTIONS_AT)
    size, number, _names = struct.unpack_from("<HHH", kernel, SECTIONS_SIZE_AT)
    changed = bytearray(kernel)
    changed[begin:begin + size * number] = bytes(size * number)
    struct.pack_into("<Q", changed, SECTIONS_AT, 0)
    struct.pack_into("<HHH", changed, SECTIONS_SIZE_AT, 0, 0, 0)
    return bytes(changed)
