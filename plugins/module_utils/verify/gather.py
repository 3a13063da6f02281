# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is, as far as a swap can change it: gathered read-only, before the swap and again after it.

Each part is gathered on its own. One that cannot be read is None, and C(unreadable) says why. Of a part that was read but for
some paths, C(unread) has these paths, with the reason of each.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import stat
import time
import typing as t

from ..core.host_io import TEMPORARY
from ..facts import mounts
from ..facts.view import NOT_FOUND, View
from ..packages import edits, filepolicy, rpmdb
from ..tables import places
from ..text import unit_files
from . import kernel_settings, live, unit_states
from .builds import Build, File, of_header
from .digests import seen
from .predicted import config, saving, truth, units
from .proven import smoke, symbols
from .swap import Installed, Swap, nevra_of

try:
    import selinux
except ImportError:  # a host without SELinux userland has no labels
    selinux = None

# Every boot sets these of grub2's environment.
BOOT_MARKS = re.compile(r"^(#.*|boot_(success|indeterminate|counter)=.*)$")
ALTERNATIVES = "/etc/alternatives/*"
HISTORY = "/var/lib/dnf/history.sqlite"
SHA256 = 8
LABEL = "security.selinux"
CAPABILITIES = "security.capability"
NO_ATTRIBUTE = (errno.ENODATA, errno.ENOTSUP)
SET_ID = stat.S_ISUID | stat.S_ISGID
GHOST = "g"


class Scene(t.NamedTuple):
    """Where a part is gathered: the host, its package database, and the builds in question that are installed."""

    view: View
    ts: t.Any
    builds: list[Build]

    @property
    def names(self) -> list[str]:
        """The names of the builds."""
        return sorted({build.name for build in self.builds})


def scene(view: View, ts: t.Any, names: t.Iterable[str]) -> Scene:
    """Return the scene for the packages of some names, as far as they are installed."""
    return Scene(view, ts, [of_header(header) for header in headers(ts, names)])


def headers(ts: t.Any, names: t.Iterable[str]) -> list[t.Any]:
    """Return the headers of all installed packages of some names."""
    return [header for name in sorted(set(names)) for header in ts.dbMatch("name", name)]


def blobs(ts: t.Any, names: t.Iterable[str]) -> dict[str, bytes]:
    """Return the same as rpm writes them, by NEVRA."""
    return {nevra_of(header): header.unload() for header in headers(ts, names)}


def take(view: View, ts: t.Any, names: t.Sequence[str]) -> dict[str, t.Any]:
    """Return everything that the proof compares, for the packages of these names."""
    where = scene(view, ts, names)
    content: dict[str, t.Any] = {"time": time.time(), "names": sorted(set(names))}
    unreadable: list[dict[str, str]] = []
    unread: dict[str, dict[str, str]] = {}
    for part, gather in PARTS.items():
        try:
            with view.watched() as met:
                content[part] = gather(where)
            if met:
                unread[part] = met
                unreadable += [{"what": f"{path} among {part}", "reason": reason} for path, reason in met.items()]
        except Exception as error:  # a part that cannot be read must cost that part only, and be seen
            content[part] = None
            unreadable.append({"what": part, "reason": f"{type(error).__name__}: {' '.join(str(error).split())}"})
    content["unreadable"] = unreadable
    content["unread"] = unread
    return content


def packages(where: Scene) -> dict[str, str | None]:
    """Return every installed NEVRA and why it was installed, None where dnf does not know."""
    with _reasons(where.view) as reason:
        return {
            nevra_of(header): reason(header["name"], header["arch"] or "noarch")
            for header in where.ts.dbMatch() if header["name"] != rpmdb.KEY_PACKAGE}


@contextlib.contextmanager
def _reasons(view: View) -> t.Iterator[t.Callable[[str, str], str | None]]:
    """dnf's own reader of its history, without the rest of dnf, on a copy: opening it writes to it.

    There is none for other roots than the host's.
    """
    try:
        import libdnf.transaction as dnf_history
    except ImportError:
        dnf_history = None
    if dnf_history is None or view.root != "/" or not view.is_file(HISTORY):
        yield lambda _name, _arch: None
        return
    with tempfile.TemporaryDirectory(dir=TEMPORARY) as folder:
        for path in view.glob(HISTORY + "*"):
            shutil.copy2(path, folder)
        history = dnf_history.Swdb(os.path.join(folder, os.path.basename(HISTORY)))

        def reason(name: str, arch: str) -> str | None:
            found = history.resolveRPMTransactionItemReason(name, arch, -1)
            words = dnf_history.TransactionItemReasonToString(found)
            return None if words == "unknown" else words

        yield reason


def verify(where: Scene) -> dict[str, dict[str, str]]:
    """Return where files of the packages differ from what rpm knows: path -> flags and kind, in rpm's letters.

    What rpm did not install, and what nobody else has put there, is none of rpm's differences and is added.
    """
    status, found = _verified(where)
    if not edits.answered(status, found):
        raise OSError(f"'{' '.join(edits.VERIFY)}' ended with status {status}")
    left_out = [path for header in headers(where.ts, where.names) for path in filepolicy.skipped(header)]
    found.update({
        path: {"flags": edits.NOT_INSTALLED, "kind": ""} for path in left_out if where.view.status(path, follow=False) is None})
    return found


def _verified(where: Scene) -> tuple[int, dict[str, dict[str, str]]]:
    if not where.names:
        return 0, {}
    status, out = where.view.said(*edits.VERIFY, *where.names)
    return status, edits.parse(out)


def files(where: Scene) -> dict[str, dict[str, str] | None]:
    """Return the state of every file that a swap can change without a package saying so; None: not there.

    These are the places of the table, and of the packages the configuration, what runs with more rights than its user, and what
    was edited here.
    """
    carried = {path: file for build in where.builds for path, file in build.files.items()}
    paths = {path for path, file in carried.items() if (file.config and file.kind != "directory") or _privileged(file)}
    status, verified = _verified(where)
    if not edits.answered(status, verified):
        where.view.unanswered(edits.VERIFY, status)
    paths |= {
        path for path, said in verified.items()
        if said["flags"] != edits.MISSING and said["kind"] != GHOST}
    for place in places.COMPARED:
        paths.add(place)
        if _is_folder(where.view, place):
            paths |= set(_below(where.view, place))
    return {path: state_of(where.view, path) for path in sorted(paths)}


def ghosts(where: Scene) -> dict[str, dict[str, str]]:
    """Return what is at the paths that the packages own without carrying them: programs write them, so a file without what is
    in it."""
    found = {}
    carried = {path: file for build in where.builds for path, file in build.files.items()}
    for path in sorted(path for path, file in carried.items() if saving.is_kept_ghost(path, file)):
        state = state_of(where.view, path, with_content=False)
        if state is not None and state["kind"] != "directory":
            found[path] = state
    return found


def _privileged(file: File) -> bool:
    return file.kind == "file" and bool(file.capabilities or file.mode & SET_ID)


def _is_folder(view: View, path: str) -> bool:
    info = view.status(path)
    return info is not None and stat.S_ISDIR(info.st_mode)


def _below(view: View, top: str) -> t.Iterator[str]:
    # Links are listed and not followed: they may lead in circles.
    for folder, folders, names in os.walk(view.real(top), onerror=lambda error: view.note(top, error)):
        inner = os.path.relpath(folder, view.real(top))
        yield from (os.path.normpath(os.path.join(top, inner, name)) for name in [*folders, *names])


def state_of(view: View, path: str, with_content: bool = True) -> dict[str, str] | None:
    """Return kind, content, mode, owner, a wrong label and capabilities of a path. C(with_content): of a file, too."""
    info = view.status(path, follow=False)
    if info is None:
        return None
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}.get(stat.S_IFMT(info.st_mode), "other")
    return {
        "kind": kind,
        "content": (
            (view.readlink(path) or "") if kind == "symlink" else
            _content(view, path) if kind == "file" and with_content else ""),
        "mode": f"{stat.S_IMODE(info.st_mode):04o}",
        "owner": f"{info.st_uid}:{info.st_gid}",
        "label": _wrong_label(view, path, info.st_mode),
        "capabilities": _attribute(view, path, CAPABILITIES).hex(),
    }


def _content(view: View, path: str) -> str:
    """Return the digest of a file, and what grub2's environment says: that shows in a finding which value is another."""
    if path in places.RENEWED:
        return ""
    if os.path.basename(path) == "grubenv":
        lines = (view.text(path) or "").splitlines()
        return "\n".join(sorted(line for line in lines if line and not BOOT_MARKS.match(line)))
    return seen(view, path, SHA256)


def _wrong_label(view: View, path: str, mode: int) -> str:
    """Return the SELinux label of a path where the policy in force has another one for it, as restorecon(8) compares them: the
    user of a label does not count, nor a type that the policy leaves to the admin. Empty where it is right, or SELinux is off."""
    if selinux is None or view.root != "/" or not selinux.is_selinux_enabled():
        return ""
    label = _attribute(view, path, LABEL).decode("ascii", "replace").rstrip("\0")
    status, default = selinux.matchpathcon(path, stat.S_IFMT(mode))
    if status != 0 or not label or selinux.selinux_file_context_cmp(label, default) == 0 or (
            selinux.is_context_customizable(label) == 1):
        return ""
    return label


def _attribute(view: View, path: str, name: str) -> bytes:
    """Return an extended attribute, empty where there is none or the file system knows none."""
    try:
        return os.getxattr(view.real(path), name, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_ATTRIBUTE:
            view.note(path, error)
        return b""


def leftovers(where: Scene) -> list[str]:
    """Return the second files that earlier updates left beside configuration."""
    mine = {path for build in where.builds for path, file in build.files.items() if file.config and file.kind != "directory"}
    patterns = [f"{folder}/{name}" for folder in config.LEFTOVER_FOLDERS for name in config.LEFTOVERS]
    found = {path for pattern in patterns for path in where.view.glob(pattern)}
    found |= {path + suffix for path in mine for suffix in config.BESIDE if where.view.exists(path + suffix)}
    return sorted(found)


def installs(where: Scene) -> dict[str, list[str]]:
    """Return the [Install] section of every system unit that the packages carry, by the unit's name."""
    found = {}
    for path in sorted({path for build in where.builds for path in build.files if "/systemd/system/" in path}):
        match = units.UNIT_PATH.match(path)
        text = where.view.text(path) if match else None
        if match and text is not None:
            found[match.group("unit")] = unit_files.install_section(text)
    return found


def alternatives(where: Scene) -> dict[str, str]:
    """Return where the links of /etc/alternatives lead."""
    links = {os.path.basename(path): where.view.readlink(path) for path in where.view.glob(ALTERNATIVES)}
    return {name: target for name, target in links.items() if target}


def kernel(where: Scene) -> dict[str, str | None]:
    """Return the running kernel, its command line and boot, and the kernel to boot next; None: not known."""
    status, out = where.view.run(["grubby", "--default-kernel"])
    if status not in (0, NOT_FOUND):
        where.view.unanswered(["grubby", "--default-kernel"], status)
    return {
        "running": (where.view.text("/proc/sys/kernel/osrelease") or "").strip() or None,
        "cmdline": (where.view.text("/proc/cmdline") or "").strip() or None,
        "boot_id": (where.view.text("/proc/sys/kernel/random/boot_id") or "").strip() or None,
        "default": out.strip() if status == 0 and out.strip() else None,
    }


def linked(where: Scene) -> dict[str, t.Any]:
    """Return which symbols the programs do not find that use libraries of the packages."""
    found = symbols.consumers(where.ts, where.names)
    there = [path for path in found.paths if where.view.is_file(path)]
    return {"unresolved": symbols.unresolved(where.view, there), "left_out": found.left_out}


def smoked(where: Scene) -> dict[str, dict[str, t.Any]]:
    """Return how the packages' harmless commands end."""
    return {name: outcome._asdict() for name, outcome in smoke.tried(where.view, where.names).items()}


def broken(where: Scene) -> list[str]:
    """Return the key of each requirement of an installed package that nothing here provides."""
    return sorted(finding.key for finding in truth.broken_already(Swap([], [], installed=Installed(where.ts, ()))))


PARTS: dict[str, t.Callable[[Scene], t.Any]] = {
    "packages": packages,
    "broken": broken,
    "verify": verify,
    "files": files,
    "ghosts": ghosts,
    "leftovers": leftovers,
    "units": lambda where: unit_states.states(where.view),
    "domains": lambda where: unit_states.domains(where.view),
    "installs": installs,
    "alternatives": alternatives,
    "kernel": kernel,
    "symbols": linked,
    "smoke": smoked,
    # Which places "files" goes through: what an older release did not look at is no news.
    "folders": lambda where: list(places.COMPARED),
    "sysctls": lambda where: kernel_settings.in_force(where.view),
    # What the files ask for: another value in force was set at run time, or they were not applied yet.
    "asked_sysctls": lambda where: kernel_settings.asked(where.view),
    "rulesets": lambda where: live.rulesets(where.view),
    "accounts": lambda where: live.accounts(where.view),
    "unit_files": lambda where: live.unit_files(where.view),
    "keys": lambda where: live.keys(where.ts),
    "mounts": lambda where: sorted(mount.mountpoint for mount in mounts.gather(where.view.root)),
}
