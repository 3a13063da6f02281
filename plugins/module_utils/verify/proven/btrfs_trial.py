# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""btrfs tried out for real: a small file system on a loop device, made, mounted, filled, read, scrubbed, checked, removed.

It lives in a private folder for as long as the trial takes. What a killed trial left behind is found by that folder's
name, and taken away by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import typing as t
import uuid

from ...core import modes
from ...facts import btrfs, kernel_modules, mounts
from ...facts.consumer import Consumer
from ...facts.view import NOT_FOUND, View
from ..checks import found
from ..model import Finding, Skipped, Subject
from ..scenes import Scenes
from .smoke import WORDS, Outcome, words

IMAGE_BYTES = 128 << 20  # mkfs.btrfs asks for 109 MiB
DATA_BYTES = 8 << 20
ROOM_BYTES = 256 << 20
LOCK = "lock"
# Where 'btrfs scrub' notes what became of it.
SCRUB_NOTES = "/var/lib/btrfs/scrub.*"


class Impossible(Exception):
    """The trial cannot be made here; the text says why. It has neither passed nor failed."""


class Failure(Exception):
    """A step of the trial failed: btrfs does not do here what it is for."""


def tried(scenes: Scenes) -> t.Iterator[Finding]:
    """Row 103: the tools and the kernel's part together, for who brought one of them."""
    names = {*scenes.snapshot.content["names"], *(build.name for build in scenes.new)}
    tools = sorted(nevra for nevra in scenes.installed if nevra.rsplit("-", 2)[0] == btrfs.TOOLS)
    if not tools or not names & {btrfs.TOOLS, btrfs.PACKAGED}:
        raise Skipped(f"{btrfs.TOOLS} is not among what was changed")
    if not scenes.view.may_try:
        raise Skipped("check mode tries nothing out")
    running = (scenes.view.text("/proc/sys/kernel/osrelease") or "").strip()
    offering = kernel_modules.offering(scenes.view.root, running, btrfs.MODULE)
    if running not in offering and offering:
        raise Skipped(f"the running kernel {running} has no btrfs; prove again after a boot into {', '.join(offering)}")
    if running not in offering:
        raise Impossible(f"no kernel of this host has btrfs; running is {running}")
    try:
        attempt(scenes.view)
    except Failure as failure:
        yield found(
            "btrfs.trial", Subject("package", btrfs.TOOLS), None, tools[0], str(failure),
            [Consumer("kernel", running, "runs")], proven=True)


def attempt(view: View) -> None:
    """Make the trial. Raises Failure when btrfs fails, Impossible when the trial cannot be made."""
    parent = view.real(btrfs.TRIALS.rstrip("/"))
    modes.make_folders(parent, modes.PRIVATE)
    with _alone(parent):
        sweep(view)
        free = mounts.free_bytes(view.root, btrfs.TRIALS)
        if free < ROOM_BYTES:
            raise Impossible(f"{free >> 20} MiB are free below {btrfs.TRIALS}, and the trial asks for {ROOM_BYTES >> 20}")
        folder = tempfile.mkdtemp(prefix="btrfs-", dir=parent)
        try:
            _walk(view, folder)
        except Failure as failure:
            try:
                sweep(view)
            except Impossible as left:
                raise Failure(f"{failure} What the trial made could not be taken away: {left}") from failure
            raise
        except BaseException:
            sweep(view)
            raise
        sweep(view)


@contextlib.contextmanager
def _alone(parent: str) -> t.Iterator[None]:
    """Keep other trials off: each begins by taking away what it finds."""
    with open(os.path.join(parent, LOCK), "w", encoding="ascii", opener=modes.private) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Impossible("another trial is at work on this host") from None
        yield


def sweep(view: View) -> None:
    """Take away every trial's mount, loop device and folder. Raises Impossible for what does not go."""
    parent = view.real(btrfs.TRIALS.rstrip("/"))
    for folder in sorted(entry.path for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)):
        for mount in mounts.gather(view.root):
            if mount.mountpoint.startswith(folder + "/"):
                _must(view, "umount", mount.mountpoint)
        for device in loops(view, folder):
            _must(view, "losetup", "--detach", device)
        shutil.rmtree(folder)


def loops(view: View, folder: str) -> list[str]:
    """Return the loop devices whose file lies below a folder. Its name is random, so a container's are not another's."""
    held = view.glob("/sys/block/loop*/loop/backing_file")
    return [f"/dev/{path.split('/')[3]}" for path in held if (view.text(path) or "").startswith(folder + "/")]


def _walk(view: View, folder: str) -> None:
    """Go through the trial's steps."""
    image, point = os.path.join(folder, "image"), os.path.join(folder, "mount")
    fsid = str(uuid.uuid4())
    os.mkdir(point, 0o700)
    with open(image, "wb", opener=modes.private) as handle:
        handle.truncate(IMAGE_BYTES)
    _step(view, "mkfs.btrfs", "--quiet", "--uuid", fsid, image)
    device = _must(view, "losetup", "--find", "--show", image)
    mount = ("mount", "-t", "btrfs", "-o", "nosuid,nodev,noexec", device, point)
    _step(view, *mount)
    data = os.urandom(DATA_BYTES)
    _write(os.path.join(point, "data"), data)
    # Mounted anew, what is read comes from the device and not from memory.
    _step(view, "umount", point)
    _step(view, *mount)
    if _read(os.path.join(point, "data")) != data:
        raise Failure(f"{DATA_BYTES >> 20} MiB were written to a new file system, and something else was read back.")
    try:
        _step(view, "btrfs", "scrub", "start", "-B", point)
    finally:
        for path in view.glob(SCRUB_NOTES + fsid + "*"):
            os.unlink(view.real(path))
    _step(view, "umount", point)
    _step(view, "btrfs", "check", device)
    view.run(["btrfs", "device", "scan", "--forget", device])


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "wb", opener=modes.private) as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        raise Failure(f"Nothing can be written to a new file system: {error}.") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError as error:
        raise Failure(f"What was written to a new file system cannot be read: {error}.") from error


def _step(view: View, *argv: str) -> None:
    """Run a command of the trial itself."""
    status, out = view.run(list(argv))
    if status != 0:
        raise Failure(words(Outcome(" ".join(argv), status, out.strip()[-WORDS:])))


def _must(view: View, *argv: str) -> str:
    """Run a command that the trial needs around it, and return what it printed."""
    status, out = view.run(list(argv))
    if status == NOT_FOUND and not out:
        raise Impossible(f"{argv[0]}: no such command")
    if status != 0:
        raise Impossible(words(Outcome(" ".join(argv), status, out.strip()[-WORDS:])))
    return out.strip()
