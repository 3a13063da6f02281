# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kind of host a root is: booted by its own systemd, without one, among parts of another system, or in image mode.

The evidence is gathered once per module, and what is decided on it is pure. F(/run/systemd/system) alone proves nothing: the
F(/run) of a build machine may be bound into a root. What counts is whether the root of process 1 is this root.
"""

from __future__ import annotations

import functools
import os
import stat
import typing as t

from ..core.errors import Problem
from ..core.host_io import is_folder
from . import mounts, read

BOOTED, IMAGE_MODE, NO_SYSTEMD, FOREIGN, UNKNOWN = "booted", "image_mode", "no_systemd", "foreign", "unknown"
# On these what runs (kernel, processes, boot, network) is not this root's, or is not known to be.
NOT_RUNNING = (NO_SYSTEMD, FOREIGN)

SYSTEMD = "systemd"
OSTREE_BOOTED = "/run/ostree-booted"
OSTREE = "/sysroot/ostree"
OSTREE_ARGUMENT = "ostree"
COMPOSEFS = "composefs"
# A systemd that runs listens on these, and so does a bus; a folder that an image was made with does not.
SOCKETS = ("/run/systemd/private", "/run/systemd/notify", "/run/dbus/system_bus_socket")

Identity = tuple[int, int]


class Evidence(t.NamedTuple):
    """What was seen. C(pid1) is the name of process 1, None where no /proc is mounted; the identities are device and inode of
    the root and of /run, as this process sees them and as process 1 does, None where they are not there. C(trouble) says what
    could not be looked at."""

    pid1: str | None
    root: Identity | None
    root_of_pid1: Identity | None
    run: Identity | None
    run_of_pid1: Identity | None
    systemd_folder: bool
    sockets: tuple[str, ...]
    ostree_booted: bool
    ostree_argument: bool
    ostree_folder: bool
    composefs: bool
    usr_read_only: bool
    trouble: str = ""


class Kind(t.NamedTuple):
    """What a host is: one of the words above, the evidence for it in words, and what of another system was found here."""

    name: str
    evidence: tuple[str, ...]
    foreign: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether the kernel and the processes that are seen here are this root's."""
        return self.name not in NOT_RUNNING

    def plain(self) -> dict[str, t.Any]:
        """Return it as plain data, with what a change would be refused with."""
        refusal = self.refusal
        return {
            "name": self.name, "evidence": list(self.evidence), "foreign": list(self.foreign),
            "refusal": None if refusal is None else str(refusal)}

    @property
    def refusal(self) -> Problem | None:
        """Why nothing may be changed here and what to do, None on a host that its own systemd has booted."""
        seen = "; ".join(self.evidence)
        if self.name == BOOTED:
            return None
        if self.name == IMAGE_MODE:
            return Problem(
                "host.image_mode", f"this host is in image mode ({seen})",
                "its packages come with its image, and what is changed on the host is refused, or gone with the next image",
                "Change the image: build it with the packages (Containerfile) and deploy it; preflight and proof work here")
        if self.name == NO_SYSTEMD:
            return Problem(
                "host.no_systemd", f"no systemd of its own runs in this root ({seen})",
                "packages would be swapped, and nothing here could bring them into use or prove them",
                "Adopt the system after its first boot; image builds are not supported by this version of the collection")
        if self.name == FOREIGN:
            return Problem(
                "host.mounts_of_another", f"this root has {' and '.join(self.foreign)} of another system ({seen})",
                "what is started or asked here would run on that system, outside this root",
                f"Unmount {' and '.join(self.foreign)} in this root, and adopt it after its first boot; image builds are not"
                " supported by this version of the collection")
        return Problem(
            "host.systemd_unknown", f"it cannot be told whether process 1 is the systemd of this root ({seen})",
            "a unit that is started here could run on another system",
            "Mount /proc, and run as root with the rights to look at process 1")


def decide(seen: Evidence) -> Kind:
    """Return the kind of a host. Pure."""
    same = seen.root is not None and seen.root == seen.root_of_pid1
    evidence = _words(seen, same)
    image = _image_marks(seen, ours=same)
    if seen.trouble or (seen.pid1 is not None and seen.root_of_pid1 is None):
        return Kind(UNKNOWN, tuple(evidence))
    foreign = _foreign(seen, same)
    if "/run" in foreign:
        return Kind(FOREIGN, tuple(evidence), foreign)
    if not same or seen.pid1 != SYSTEMD or not seen.systemd_folder:
        return Kind(NO_SYSTEMD, tuple(evidence), foreign)
    return Kind(IMAGE_MODE, tuple(image)) if image else Kind(BOOTED, tuple(evidence))


def _words(seen: Evidence, same: bool) -> list[str]:
    """Return in words what was seen of process 1 and of /run."""
    if seen.pid1 is None:
        words = ["the name of process 1 cannot be read" if seen.trouble else "/proc is not mounted"]
    elif seen.root_of_pid1 is None:
        words = [f"process 1 is {seen.pid1}", "its root cannot be looked at"]
    else:
        words = [f"process 1 is {seen.pid1}", f"its root is {'this one' if same else 'another one'}"]
    if seen.run is not None and seen.run_of_pid1 is not None and (seen.run == seen.run_of_pid1) != same:
        words.append("/run is its own" if seen.run == seen.run_of_pid1 else "its /run is another one")
    if seen.trouble:
        words.append(seen.trouble)
    if seen.sockets and not same:
        words.append(f"sockets: {', '.join(seen.sockets)}")
    if same and not seen.systemd_folder:
        words.append("/run/systemd/system is not there")
    return words


def _foreign(seen: Evidence, same: bool) -> tuple[str, ...]:
    """Return which of /run and /proc are another system's."""
    found = []
    both = seen.run is not None and seen.run_of_pid1 is not None
    if same:
        # Where process 1 has this root and sees another /run, the one seen here was put over it.
        if both and seen.pid1 == SYSTEMD and seen.run != seen.run_of_pid1:
            found.append("/run")
    else:
        if (both and seen.run == seen.run_of_pid1) or seen.sockets:
            found.append("/run")
        if seen.root_of_pid1 is not None:
            found.append("/proc")
    return tuple(found)


def _image_marks(seen: Evidence, ours: bool) -> list[str]:
    """Return the marks of image mode, none where they do not suffice.

    The kernel's argument alone is that of the machine below a container, and the folder alone is in images that are built.
    """
    marks = [
        (seen.ostree_booted, f"{OSTREE_BOOTED} exists"),
        (seen.ostree_argument and ours, f"the kernel was started with {OSTREE_ARGUMENT}="),
        (seen.ostree_folder, f"{OSTREE} exists"),
        (seen.composefs, "the root is composefs"),
        (seen.usr_read_only, "/usr is read-only")]
    named = [words for is_there, words in marks if is_there]
    deployed = seen.ostree_folder and ((seen.ostree_argument and ours) or seen.composefs or seen.usr_read_only)
    return named if seen.ostree_booted or deployed else []


def gather(root: str = "/") -> Evidence:
    """Return the evidence of a root. Raises nothing."""
    pid1, trouble = _pid1(root)
    here = run = root_of_pid1 = run_of_pid1 = None
    systemd_folder = ostree_booted = ostree_argument = ostree_folder = composefs = usr_read_only = False
    sockets: tuple[str, ...] = ()
    try:
        here, run = _identity(read.below(root, "/.")), _identity(read.below(root, "/run/."))
        if pid1 is not None:
            root_of_pid1 = _identity(read.below(root, "/proc/1/root/."))
            run_of_pid1 = _identity(read.below(root, "/proc/1/root/run/."))
        systemd_folder = is_folder(read.below(root, "/run/systemd/system"))
        sockets = tuple(path for path in SOCKETS if _is_socket(root, path))
        ostree_booted = read.status(root, OSTREE_BOOTED, follow=False) is not None
        ostree_argument, ostree_folder = _ostree_argument(root), is_folder(read.below(root, OSTREE))
        composefs, usr_read_only = _mounted(root)
    except OSError as error:
        trouble = f"{error.filename}: {error.strerror}"
    return Evidence(
        pid1, here, root_of_pid1, run, run_of_pid1, systemd_folder, sockets, ostree_booted, ostree_argument, ostree_folder,
        composefs, usr_read_only, trouble)


@functools.lru_cache(maxsize=1)
def of_this_host() -> Kind:
    """Return the kind of the host that this module runs on, decided once."""
    return decide(gather())


def _pid1(root: str) -> tuple[str | None, str]:
    try:
        return read.text(root, "/proc/1/comm").strip(), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"/proc/1/comm: {error.strerror}"


def _identity(real: str) -> Identity | None:
    """Return device and inode, None where nothing is there. Raises OSError for other troubles."""
    try:
        info = os.stat(real)
    except FileNotFoundError:
        return None
    return info.st_dev, info.st_ino


def _is_socket(root: str, path: str) -> bool:
    info = read.status(root, path)
    return info is not None and stat.S_ISSOCK(info.st_mode)


def _ostree_argument(root: str) -> bool:
    words = (read.optional_text(root, "/proc/cmdline") or "").split()
    return any(word.partition("=")[0] == OSTREE_ARGUMENT and "=" in word for word in words)


def _mounted(root: str) -> tuple[bool, bool]:
    """Return whether the root is composefs, and whether /usr is read-only, by a mount of its own or with the root."""
    try:
        known = {mount.mountpoint: mount for mount in mounts.gather(root)}
    except FileNotFoundError:
        return False, False
    top, usr = known.get("/"), known.get("/usr") or known.get("/")
    composefs = top is not None and COMPOSEFS in (top.device.partition(":")[0], top.fstype)
    return composefs, usr is not None and "ro" in usr.options
