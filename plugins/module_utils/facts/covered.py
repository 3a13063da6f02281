# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mount over a folder would hide: the entries of the folder, and the processes and sockets that use them."""

from __future__ import annotations

import os
import re
import typing as t

from .consumer import Consumer
from .view import View

MOUNT_KINDS = (".mount", ".automount")
# Programs that were told a name of theirs before the mount keep what they have, and who starts later makes a folder anew.
MADE_ANEW = re.compile(r"^systemd-private-")
# Folders that tmpfiles.d keeps for sockets of the X Window System.
SOCKET_FOLDER = re.compile(r"^\.[A-Za-z0-9]+-unix$")
# What Ansible has of the module that looks: it is gone as soon as that ends.
OF_ANSIBLE = re.compile(r"^(ansible_.+_payload_\w+|ansible-(tmp|moduletmp)-.+|\.ansible)$")
MOST_ENTRIES = 10
# Below these the kernel alone has files.
OF_THE_KERNEL = ("/proc/", "/sys/", "/dev/")
ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
UNIX_SOCKETS = "/proc/net/unix"


def mount_point(unit: str) -> str:
    """Return the folder that a mount or automount unit is for, as systemd.unit(5) writes paths in names of units."""
    stem = unit.rpartition(".")[0]
    path = "/" if stem == "-" else "/" + stem.replace("-", "/")
    raw = ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), path)
    try:
        return raw.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a name that was not escaped holds such characters as they are
        return raw


def unit_of(folder: str, kind: str = ".mount") -> str:
    """Return the name of the mount or automount unit of a folder."""
    stem = folder.strip("/")
    escaped = "".join(_escaped(stem, position) for position in range(len(stem))) if stem else "-"
    return escaped + kind


def _escaped(stem: str, position: int) -> str:
    char = stem[position]
    if char == "/":
        return "-"
    if (char.isascii() and char.isalnum()) or char in ":_" or (char == "." and position):
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def entries(view: View, folder: str) -> list[str]:
    """Return the names in a folder that somebody could miss, sorted; none where the folder is not there."""
    try:
        names = sorted(os.listdir(view.real(folder)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in names if not _is_nobodys(view, folder, name)]


def _is_nobodys(view: View, folder: str, name: str) -> bool:
    if MADE_ANEW.match(name) or OF_ANSIBLE.match(name):
        return True
    return bool(SOCKET_FOLDER.match(name)) and not os.listdir(view.real(os.path.join(folder, name)))


def is_link(view: View, folder: str) -> bool:
    """Say whether a path goes through a symbolic link: systemd mounts nothing there."""
    parts = folder.strip("/").split("/")
    return any(view.readlink("/" + "/".join(parts[:count])) is not None for count in range(1, len(parts) + 1))


def consumers(view: View, folder: str) -> list[Consumer]:
    """Return what is in a folder, by name, and who uses it: processes, and sockets that have a name there."""
    names = entries(view, folder)
    found = [Consumer("path", os.path.join(folder, name), "would be hidden") for name in names[:MOST_ENTRIES]]
    mine = tuple(os.path.join(folder, name) for name in names)
    return found + _processes(view, mine) + _sockets(view, mine) if names else []


def cut_off(view: View, folder: str) -> list[Consumer]:
    """Return the processes that have open what lies below the mount on a folder."""
    there = view.status(folder)
    if there is None:
        return []
    found = []
    for handle in view.glob("/proc/[0-9]*/fd/*"):
        if not _below(view.readlink(handle) or "", [folder]):
            continue
        opened = view.status(handle)
        if opened is not None and opened.st_dev != there.st_dev:
            process = os.path.dirname(os.path.dirname(handle))
            name = (view.text(process + "/comm") or "?").strip()
            found.append(Consumer("process", name, f"pid {os.path.basename(process)} has an open file that is hidden"))
    return sorted(set(found))


def _below(path: str, tops: t.Sequence[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in tops)


def _processes(view: View, tops: t.Sequence[str]) -> list[Consumer]:
    found = []
    for process in view.glob("/proc/[0-9]*"):
        used = [how for how, path in _uses(view, process) if _below(path, tops)]
        if used:
            name = (view.text(process + "/comm") or "?").strip()
            pid, what = os.path.basename(process), " and ".join(sorted(set(used)))
            found.append(Consumer("process", name, f"pid {pid} has {what} there"))
    return found


def _uses(view: View, process: str) -> t.Iterator[tuple[str, str]]:
    """Yield how a process uses a path, and the path. One that ended in the meantime uses none."""
    for what, words in (("exe", "its program"), ("cwd", "its working directory")):
        yield words, view.readlink(f"{process}/{what}") or ""
    for handle in view.glob(f"{process}/fd/*"):
        yield "an open file", view.readlink(handle) or ""
    try:
        with open(view.real(process + "/maps"), encoding="utf-8", errors="replace") as handle:
            for line in handle:
                yield "a mapped file", line[line.index("/"):].rstrip("\n") if "/" in line else ""
    except OSError as error:
        view.note(process + "/maps", error)


def _sockets(view: View, tops: t.Sequence[str]) -> list[Consumer]:
    try:
        with open(view.real(UNIX_SOCKETS), encoding="utf-8", errors="replace") as handle:
            fields = [line.rstrip("\n").split(None, 7) for line in handle]
    except OSError as error:
        view.note(UNIX_SOCKETS, error)
        return []
    paths = {line[7] for line in fields if len(line) == 8}
    return [Consumer("socket", path, "has its name there") for path in sorted(paths) if _below(path, tops)]
