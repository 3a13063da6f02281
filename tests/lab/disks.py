# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of virtual machines: a host image with the stock kernel of its stream, boot loader files, and a fixed network.

A disk is of a kind: the file system of its root, whether SELinux enforces on it (C(selinux.py)), and what starts it: GRUB itself
(C(grub.py)), firmware that enforces Secure Boot (C(secure_boot.py)), or the launcher in their place."""

from __future__ import annotations

import pathlib
import shutil
import typing as t
import uuid

from . import bootloader, debs, grub, mounts, rpms, secure_boot, selinux, unpacked
from .architecture import EMULATED, HOSTS
from .common import HERE, ROOT, LabError, code_of, digest, locked, run, say
from .images import Image

GUEST = HERE / "guest"
KERNEL = ("kernel", "kernel-core", "kernel-modules", "kernel-modules-core")
SIZE_GIB = 6
# Pressure stall information is off: CentOS builds its kernels so, and Debian does not.
ARGUMENTS = f"root=UUID={{uuid}} ro console={HOSTS.console},115200n8 net.ifnames=0 psi=0"
# A getty on the serial console delays the boot, and what only Debian looks after needs no time here.
MASKED = (
    f"serial-getty@{HOSTS.console}.service", "getty@tty1.service", "apt-daily.timer", "apt-daily-upgrade.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer", "dpkg-db-backup.timer", "systemd-pstore.service")

# How each file system is made: its maker's options for an identity, the disk's file follows.
MAKERS: dict[str, t.Callable[[str], list[str]]] = {
    "ext4": lambda identity: ["mkfs.ext4", "-q", "-F", "-U", identity, "-L", "root", "-E", "lazy_itable_init=1,nodiscard"],
    "xfs": lambda identity: ["mkfs.xfs", "-q", "-f", "-m", f"uuid={identity}", "-L", "root", "-K"],
}

# Plugins of kernel-install that make an initrd of another kind: dracut's needs programs that the lab's dracut has not, and
# Debian's looks for one under Debian's name.
OTHER_INITRDS = ("50-dracut.install", "51-dracut-rescue.install", "85-initrd.install")
# What starts a machine: the launcher, which plays firmware and boot loader, or GRUB itself.
LAUNCHER, GRUB, SECURE_BOOT = "launcher", "grub", "secure-boot"


class Kind(t.NamedTuple):
    """What a machine is besides its stream: the file system of its disk, whether SELinux enforces on it, and what boots it."""

    filesystem: str = "ext4"
    selinux: bool = False
    boot: str = LAUNCHER

    @property
    def words(self) -> str:
        """Say it in the words that a name of a file may have."""
        return self.filesystem + "-selinux" * self.selinux + f"-{self.boot}" * (self.boot != LAUNCHER)


def disk(stream: int, image: Image, kind: Kind) -> pathlib.Path:
    """Return the disk that machines of a stream and kind start from, built where it is not yet."""
    if image.kind != "standin":
        raise LabError("virtual machines are made of the stand-in image: set HYPERSCALE_LAB_IMAGES=standin")
    kernels = rpms.find_packages(stream, KERNEL)
    texts = [(path.name, path.read_text()) for path in sorted(GUEST.iterdir())]
    inputs = digest(
        image.root.name, [(path.name, path.stat().st_size) for path in kernels], texts, ARGUMENTS, MASKED, SIZE_GIB, kind,
        code_of("disks", *["selinux"] * kind.selinux, *["secure_boot"] * (kind.boot == SECURE_BOOT)),
        grub.inputs(stream) if kind.boot == GRUB else "")
    target = ROOT / "disks" / f"standin-{stream}-{kind.words}-{inputs}.raw"
    with locked("images"):
        if not target.exists():
            say(f"building the disk ({kind.words}) of Stream {stream} with {kernels[0].stem}")
            _build(target, image.root, kernels, kind, stream)
    return target


def _build(target: pathlib.Path, image_root: pathlib.Path, kernels: list[pathlib.Path], kind: Kind, stream: int) -> None:
    scratch = pathlib.Path(f"{target}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    root = scratch / "root"
    run(["cp", "--archive", image_root, root])
    identity = str(uuid.uuid4())
    _prepare(root, identity, kind)
    if kind.selinux:
        selinux.install(root)
    if kind.boot == GRUB:
        grub.install(root, stream)
    _install_kernel(root, kernels)
    if kind.boot == SECURE_BOOT:
        secure_boot.settle(root)
    raw = scratch / "raw"
    with open(raw, "wb") as handle:
        handle.truncate(SIZE_GIB << 30)
    run([*MAKERS[kind.filesystem](identity), raw])
    with mounts.mounted(raw, scratch / "mount") as mounted:
        run(["cp", "--archive", f"{root}/.", mounted])
        if kind.selinux:
            selinux.label(mounted)
    raw.rename(target)
    shutil.rmtree(scratch)


def _prepare(root: pathlib.Path, identity: str, kind: Kind) -> None:
    """Give the root what a machine has and a container has not."""
    # GRUB of upstream takes what begins with a digit for a number, and the id is what entries begin with.
    (root / "etc/machine-id").write_text(f"c{uuid.uuid4().hex[1:]}\n")
    (root / "etc/fstab").write_text(f"UUID={identity} / {kind.filesystem} defaults 0 1\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    arguments = " ".join([ARGUMENTS.format(uuid=identity), *[selinux.ARGUMENTS] * kind.selinux])
    (root / "etc/kernel/cmdline").write_text(f"{arguments}\n")
    (root / "etc/sysconfig").mkdir(exist_ok=True)
    (root / "etc/sysconfig/kernel").write_text("UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n")
    (root / "boot/grub2").mkdir()
    (root / bootloader.ENVIRONMENT).write_bytes(bootloader.format_environment({"boot_success": "0"}))
    initrd = root / "usr/lib/lab-initrd"
    for folder in ("bin", "proc", "sys", "dev", "sysroot"):
        (initrd / folder).mkdir(parents=True)
    shutil.copy(_busybox(), initrd / "bin/busybox")
    (initrd / "bin/sh").symlink_to("busybox")
    (initrd / "filesystem").write_text(f"{kind.filesystem}\n")
    (root / "etc/default").mkdir(exist_ok=True)
    for name, target in {
        "init": initrd / "init", "lab-network.service": root / "etc/systemd/system/lab-network.service",
        "grub.cfg": root / "boot/grub2/grub.cfg", "default-grub": root / "etc/default/grub",
        "20-grub.install": root / "usr/lib/kernel/install.d/20-grub.install",
        "50-lab-initrd.install": root / "usr/lib/kernel/install.d/50-lab-initrd.install",
    }.items():
        shutil.copy(GUEST / name, target)
        target.chmod(0o755 if (GUEST / name).read_text().startswith("#!") else 0o644)
    for name in OTHER_INITRDS:
        (root / "etc/kernel/install.d" / name).symlink_to("/dev/null")
    run(["systemctl", f"--root={root}", "--quiet", "enable", "lab-network.service"])
    run(["systemctl", f"--root={root}", "--quiet", "mask", *MASKED])


def _busybox() -> pathlib.Path:
    """Return a program that a kernel of the lab's architecture starts without any library."""
    if EMULATED:
        return unpacked.folder(debs.Apt(), "bookworm", ["busybox-static"]) / "usr/bin/busybox"
    found = shutil.which("busybox")
    if not found:
        raise LabError("busybox is missing: python3 tests/lab install --vm")
    return pathlib.Path(found)


def _install_kernel(root: pathlib.Path, kernels: list[pathlib.Path]) -> None:
    """Let the image's own rpm install the kernel; its scripts make the entry and the initrd."""
    inside = root / "var/tmp/kernel"
    inside.mkdir()
    for path in kernels:
        shutil.copy(path, inside)
    run(["chroot", root, "rpm", "-i", "--nosignature", *(f"/var/tmp/kernel/{path.name}" for path in kernels)])
    shutil.rmtree(inside)
    entries = list((root / bootloader.ENTRIES).glob("*.conf"))
    if len(entries) != 1 or not list((root / "boot").glob("initramfs-*.img")):
        raise LabError("the stock kernel made no entry of the boot loader or no initrd")
