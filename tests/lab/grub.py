# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB itself, for machines that it starts: the newest of Debian, which reads entries of the Boot Loader Specification.

Its packages are unpacked and not installed, with the libraries that its tools need: those of this computer are older. The disk
that the firmware starts has GRUB's core image alone; all else is read from the root of the machine.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess

from . import debs, kernels, rpms, unpacked
from .architecture import ARCH
from .common import HERE, ROOT, code_of, digest, locked, run, say, scratch_beside

SUITE = "unstable"
PLATFORM = "i386-pc"
PACKAGES = (
    "grub2-common", "grub-pc-bin", "libc6", "liblzma5", "libdevmapper1.02.1", "libselinux1", "libudev1", "libpcre2-8-0")
# What the core image has by itself: the rest is loaded from the machine's disk.
MODULES = ("biosdisk", "ext2", "xfs", "search", "search_label", "normal", "serial", "terminal")
# The first file that GRUB reads; it is in the core image.
EARLY = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
search --no-floppy --label --set=root root
set prefix=($root)/boot/grub2
normal
"""
DISK_BYTES = 1 << 20
CONFIGURATION = HERE / "guest" / "grub-upstream.cfg"
# Where a machine has the images of kernels that GRUB starts, by release.
IMAGES = "usr/lib/lab-kernels"


def tools() -> pathlib.Path:
    """Return the folder that GRUB is unpacked in. Who asks has the lock of the images."""
    return unpacked.folder(debs.Apt(), SUITE, PACKAGES)


def boot_disk() -> pathlib.Path:
    """Return the disk that the firmware starts, built where it is not yet."""
    with locked("images"):
        folder = tools()
        (ROOT / "grub").mkdir(exist_ok=True)
        disk = ROOT / "grub" / f"boot-{digest(folder.name, MODULES, EARLY)}.raw"
        if not disk.exists():
            modules = folder / "usr/lib/grub" / PLATFORM
            early, core = disk.with_suffix(".cfg"), disk.with_suffix(".core")
            early.write_text(EARLY)
            libraries = folder / f"usr/lib/{ARCH}-linux-gnu"
            run([
                libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, folder / "usr/bin/grub-mkimage",
                "--directory", modules, "--format", PLATFORM, "--prefix", "/boot/grub2", "--config", early, "--output", core,
                *MODULES])
            # The firmware reads whole sectors.
            scratch = disk.with_suffix(".part")
            scratch.write_bytes(((modules / "boot.img").read_bytes() + core.read_bytes()).ljust(DISK_BYTES, b"\0"))
            scratch.rename(disk)
    return disk


def inputs(stream: int) -> list[str]:
    """Return what the disk of a machine depends on."""
    with locked("images"):
        folder = tools()
    return [folder.name, *(path.name for path in packages(stream)), *code_of("grub", "kernels")]


def lay_modules(root: pathlib.Path) -> None:
    """Give a root GRUB's configuration, modules, and lists of these."""
    shutil.copy(CONFIGURATION, root / "boot/grub2/grub.cfg")
    target = root / "boot/grub2" / PLATFORM
    target.mkdir()
    for path in sorted((tools() / "usr/lib/grub" / PLATFORM).iterdir()):
        if path.suffix in (".mod", ".lst"):
            shutil.copy(path, target)


def install(root: pathlib.Path, stream: int) -> None:
    """Give a machine's root what GRUB reads there, and the images of all kernels of the stream in a form that GRUB starts."""
    lay_modules(root)
    for package in packages(stream):
        release, image = kernel(package)
        place = root / IMAGES / release / "vmlinuz"
        place.parent.mkdir(parents=True)
        shutil.copy(image, place)


def packages(stream: int) -> list[pathlib.Path]:
    """Return the packages of all repositories of a stream that have a kernel's image."""
    folders = {rpms.web_root() / row["path"] / "Packages" for row in rpms.repositories(stream).values()}
    return sorted({path for folder in folders for path in folder.glob("kernel-core-*.rpm")})


def kernel(package: pathlib.Path) -> tuple[str, pathlib.Path]:
    """Return the release of a package's kernel, and its image with that release in it."""
    release = package.stem.removeprefix("kernel-core-")
    found = ROOT / "grub" / f"vmlinuz-{release}-{digest(package.name, package.stat().st_size, code_of('kernels'))}"
    if not found.exists():
        say(f"making GRUB a kernel of {package.stem}")
        scratch = scratch_beside(found)
        archive = subprocess.run(["rpm2cpio", package], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["cpio", "-id", "--quiet", "*/vmlinuz"], input=archive, cwd=scratch, check=True)
        source = next(scratch.rglob("vmlinuz"))
        (scratch / "image").write_bytes(kernels.repacked(source.read_bytes(), release))
        (scratch / "image").rename(found)
        shutil.rmtree(scratch)
    return release, found
