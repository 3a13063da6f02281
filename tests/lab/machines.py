# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines: one process each that plays firmware and boot loader, and starts QEMU again after each reboot.

While the machine is down, its disk is mounted here, its boot loader files are read and written back as GRUB does, and
the kernel, initrd and command line of the chosen entry are given to QEMU. A reboot, a panic with C(panic=) and a power
cut start anew; a power-off ends the machine.

Where there is a disk of GRUB itself, the firmware starts that, and nobody mounts the machine's disk: GRUB finds it as it was
left.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

from . import bootloader, kernels, mounts, secure_boot
from .architecture import EMULATED, EMULATOR, HOSTS
from .common import LabError, run

MEMORY_MIB = 1280
SSH_PORT = 2222
# QEMU says these of a machine that wants to be started again; what ends without a word lost its power.
AGAIN = ("guest-reset", "guest-panic", "power-cut")
# In the folder of a machine that GRUB itself starts: its disk.
BOOT_DISK = "boot-disk"


def accelerator() -> str:
    """Return KVM where the processor's virtualisation is visible: the device alone does not say that it works."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    hardware = any(f" {flag} " in flags for flag in ("vmx", "svm"))
    return "kvm" if hardware and not EMULATED and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def create(folder: pathlib.Path, source: pathlib.Path, name: str, names: str) -> None:
    """Give a machine a disk of its own, its name, and C(names), lines of /etc/hosts."""
    run(["cp", "--sparse=always", "--reflink=auto", source, folder / "disk"])
    with mounts.mounted(folder / "disk", folder / "root") as root:
        (root / "etc/hostname").write_text(f"{name}\n")
        with open(root / "etc/hosts", "a", encoding="ascii") as known:
            known.write(names)


def start(folder: pathlib.Path, address: str) -> None:
    """Start a machine, reached by ssh at C(address), in the background, in a session and a mount namespace of its own."""
    with open(folder / "machine.log", "ab") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", sys.executable, str(pathlib.Path(__file__).resolve().parent),
             "machine", str(folder), address],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
    (folder / "machine.pid").write_text(str(process.pid))


def alive(folder: pathlib.Path) -> bool:
    """Say whether a machine's process is there, and is the machine's."""
    try:
        pid = (folder / "machine.pid").read_text()
        return str(folder).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def stop(folder: pathlib.Path) -> None:
    """End a machine at once, with all that it started."""
    if alive(folder):
        os.killpg(int((folder / "machine.pid").read_text()), signal.SIGKILL)


def power_cut(folder: pathlib.Path) -> None:
    """End QEMU alone: the machine starts again, with what had reached its disk."""
    try:
        os.kill(int((folder / "qemu.pid").read_text()), signal.SIGKILL)
    except (OSError, ValueError) as error:
        raise LabError(f"the machine in {folder} is not running: {error}") from error


def boots(folder: pathlib.Path) -> list[dict[str, t.Any]]:
    """Return what was started so far: entry, reason, arguments, seconds, and how it ended unless it still runs; where GRUB
    itself starts it, where its output begins on the console stands for the first three."""
    path = folder / "boots.json"
    return json.loads(path.read_text()) if path.exists() else []


def serve(folder: pathlib.Path, address: str) -> None:
    """Be a machine in the foreground until it is powered off."""
    history: list[dict[str, t.Any]] = []
    ended = AGAIN[0]
    while ended in AGAIN:
        chosen = None if (folder / BOOT_DISK).exists() else _choose(folder)
        began = time.time()
        history.append({**(chosen._asdict() if chosen else {"console": _written(folder / "console.log")}), "began": began})
        _record(folder, history)
        ended = _run(folder, address, chosen)
        history[-1].update(ended=ended, seconds=round(time.time() - began, 1))
        _record(folder, history)


def _choose(folder: pathlib.Path) -> bootloader.Start:
    """Do what a boot loader does on the disk of a machine, and lay down what QEMU starts."""
    with mounts.mounted(folder / "disk", folder / "root") as root:
        chosen = bootloader.start(root)
        kernel, initrd = _load(root, chosen.kernel), b"".join(_load(root, path) for path in chosen.initrd)
        if secure_boot.on(folder):
            secure_boot.lay(folder, chosen, kernel, initrd)
        else:
            (folder / "kernel").write_bytes(kernels.named_after(kernel, chosen.kernel))
            (folder / "initrd").write_bytes(initrd)
    return chosen


def _written(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _record(folder: pathlib.Path, history: list[dict[str, t.Any]]) -> None:
    print(json.dumps(history[-1]), flush=True)
    scratch = folder / "boots.json.new"
    scratch.write_text(json.dumps(history))
    scratch.rename(folder / "boots.json")


def _load(root: pathlib.Path, path: str) -> bytes:
    """Return a file of a machine, as its boot loader loads it."""
    source = root / path.lstrip("/")
    if not source.is_file():
        raise LabError(f"the boot loader finds no {path}")
    return source.read_bytes()


def processor() -> list[str]:
    """Return the part of QEMU's command line for processor and memory."""
    how = accelerator()
    return [
        "-accel", how, "-cpu", "host" if how == "kvm" else HOSTS.processor, "-smp", "1", "-m", str(MEMORY_MIB)]


def boot_disk(path: pathlib.Path) -> list[str]:
    """Return the part of QEMU's command line for a disk that the firmware starts."""
    return [
        "-drive", f"file={path},if=none,id=loader,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=loader,bootindex=0"]


def root_disk(path: pathlib.Path) -> list[str]:
    """Return the part of QEMU's command line for the disk with the root of a machine."""
    return [
        "-drive", f"file={path},if=none,id=disk0,format=raw,cache=unsafe,discard=unmap",
        "-device", "nvme,drive=disk0,serial=lab"]


def _started(folder: pathlib.Path, chosen: bootloader.Start | None) -> list[str]:
    """Return the part of QEMU's command line that says what is started: a kernel, or what firmware starts in its place."""
    if secure_boot.on(folder):
        return ["-machine", "q35,smm=on", *secure_boot.options(folder)]
    if chosen is None:
        return ["-machine", HOSTS.computer, *boot_disk(folder / BOOT_DISK)]
    return [
        "-machine", HOSTS.computer,
        "-kernel", str(folder / "kernel"), *(["-initrd", str(folder / "initrd")] if chosen.initrd else []),
        "-append", f"BOOT_IMAGE=(hd0){chosen.kernel} {chosen.arguments}"]


def command_line(folder: pathlib.Path, address: str, chosen: bootloader.Start | None) -> list[str]:
    """Return QEMU's command line. QEMU makes what a machine connects to connections of this computer's own."""
    return [
        EMULATOR, *processor(), "-nodefaults", "-display", "none", "-no-reboot", *_started(folder, chosen),
        *root_disk(folder / "disk"),
        "-netdev", f"user,id=net0,ipv6=off,hostfwd=tcp:{address}:{SSH_PORT}-:22", "-device", "virtio-net-pci,netdev=net0",
        "-device", "virtio-rng-pci", "-chardev", f"file,id=console,path={folder / 'console.log'},append=on",
        "-serial", "chardev:console", "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off",
    ]


def _run(folder: pathlib.Path, address: str, chosen: bootloader.Start | None) -> str:
    """Run QEMU once and return how the machine ended."""
    (folder / "qmp").unlink(missing_ok=True)
    process = subprocess.Popen(command_line(folder, address, chosen), stdin=subprocess.DEVNULL)
    (folder / "qemu.pid").write_text(str(process.pid))
    try:
        return _listen(folder / "qmp", process)
    finally:
        (folder / "qemu.pid").unlink()


def _listen(path: pathlib.Path, process: subprocess.Popen[bytes]) -> str:
    """Follow QEMU's events to the end; a machine that was killed says nothing."""
    with socket.socket(socket.AF_UNIX) as connection:
        while connection.connect_ex(str(path)):
            if process.poll() is not None:
                raise LabError(f"QEMU ended with status {process.returncode} before it started the machine")
            time.sleep(0.05)
        connection.sendall(b'{"execute": "qmp_capabilities"}\n')
        ended = "power-cut"
        for line in connection.makefile("rb"):
            event = json.loads(line)
            if event.get("event") == "SHUTDOWN":
                ended = event["data"]["reason"]
    process.wait()
    return ended
