# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host boots by, read from its disk: entries, environment block, GRUB's configuration, and our note of a try."""

from __future__ import annotations

import json
import os
import typing as t

from ..core.host_io import is_file, leads_somewhere
from ..text import bls, cmdline, grubenv
from . import mounts as host_mounts, read as host_read

ENTRIES = "/boot/loader/entries"
ENVIRONMENT = "/boot/grub2/grubenv"
CONFIGURATION = "/boot/grub2/grub.cfg"
# What this collection noted of the boot section: the kernel it tries, and the arguments it set.
NOTE = "/var/lib/centos-hyperscale/boot.json"

# File systems whose blocks GRUB cannot write in place, because they keep sums or several copies of them.
UNWRITABLE = ("btrfs", "zfs", "bcachefs")
# What device mapper says of a volume that GRUB reads through a layer of its own, through which it never writes.
LAYERS = {"LVM-": "a logical volume", "CRYPT-": "an encrypted volume"}


class Boot(t.NamedTuple):
    """What the boot loader reads. C(env) and C(config) are texts, None where there is no such file; C(env_path) is where the
    environment block really lies; C(note) is ours."""

    entries: list[bls.Entry]
    env: str | None
    env_path: str
    config: str | None
    note: dict[str, t.Any]

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the environment block; none when GRUB would not take it for one."""
        return grubenv.parse(self.env) if self.env is not None and grubenv.valid(self.env) else {}

    @property
    def ruled_by_files(self) -> bool:
        """Whether GRUB lists the entries of these files and starts what the environment block says."""
        return self.config is not None and bool(
            grubenv.BLSCFG.search(self.config) and grubenv.SAVED_DEFAULT.search(self.config))

    @property
    def next(self) -> bls.NextBoot | None:
        """What the next boot starts, None where these files do not say."""
        return bls.next_boot(self.entries, self.variables) if self.ruled_by_files else None

    @property
    def default(self) -> bls.Entry | None:
        """The entry that every boot starts but a single one that is set apart, None where these files do not say."""
        if not self.ruled_by_files:
            return None
        return bls.chosen(self.variables.get("saved_entry"), bls.grub_order(self.entries))

    def words_of(self, entry: bls.Entry) -> list[str]:
        """Return the arguments that GRUB starts an entry with."""
        known = {**grubenv.assigned(self.config or ""), **self.variables}
        return cmdline.expanded(entry.options, known)

    def waiting(self, running: t.Sequence[str]) -> list[str]:
        """Return which of the arguments that were set here the next boot brings, and C(no NAME) for those that it ends,
        given the words that the running kernel was started with."""
        noted = self.note.get("arguments") or {}
        if self.next is None:
            return []
        then = [cmdline.plain(word) for word in self.words_of(self.next.entry)]
        new = [word for word in map(cmdline.plain, noted.get("present", [])) if word in then and word not in running]
        return new + [
            f"no {unwanted}" for unwanted in noted.get("absent", [])
            if any(cmdline.names_it(unwanted, word) for word in running)
            and not any(cmdline.names_it(unwanted, word) for word in then)]

    def entry_of(self, release: str) -> bls.Entry | None:
        """Return the entry of a kernel. Of several, the one that kernel-install wrote: it is named after the release."""
        found = [entry for entry in bls.grub_order(self.entries) if entry.release == release]
        return next((entry for entry in found if entry.id.endswith(f"-{release}")), found[0] if found else None)

    @property
    def tried(self) -> dict[str, t.Any]:
        """What was noted of a kernel that is tried, or was and did not stay; empty when there is nothing."""
        return self.note.get("tried") or {}


def read(root: str) -> Boot:
    """Read a host's boot files. Raises OSError for those that are there and cannot be read."""
    entries = []
    for name in host_read.names(root, ENTRIES):
        text = None if name.startswith(".") or not name.endswith(".conf") else _text(host_read.below(root, f"{ENTRIES}/{name}"))
        if text is not None:
            entries.append(bls.Entry(name[:-len(".conf")], f"{ENTRIES}/{name}", text))
    env_path = os.path.realpath(host_read.below(root, ENVIRONMENT))
    inside = env_path if root == "/" else "/" + os.path.relpath(env_path, os.path.realpath(root))
    return Boot(entries, _text(env_path), inside, _text(host_read.below(root, CONFIGURATION)), _note(root))


def _note(root: str) -> dict[str, t.Any]:
    try:
        found = json.loads(_text(host_read.below(root, NOTE)) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def missing_images(root: str, entry: bls.Entry) -> list[str]:
    """Return the paths of kernel and initramfs of an entry that are not there, or are empty.

    An entry names them from the root of the file system that it lies on.
    """
    return [path for path in entry.images if not any(_full(host_read.below(root, place)) for place in (f"/boot{path}", path))]


def has_module(root: str, release: str, name: str) -> bool:
    """Say whether an installed kernel has a module, loadable or built in (depmod(8))."""
    tree = host_read.below(root, f"/lib/modules/{release}")
    lists = ((_text(os.path.join(tree, file)) or "") for file in ("modules.dep", "modules.builtin"))
    return any(f"/{name}.ko" in text for text in lists)


def unwritable(root: str, path: str) -> str:
    """Return why GRUB could not write a file while it boots, empty when it can."""
    real = host_read.below(root, path)
    if not leads_somewhere(real):
        return f"there is no {path}"
    mount = mount_of(root, path)
    if mount is not None and mount.fstype in UNWRITABLE:
        return f"{path} is on {mount.fstype}, which GRUB cannot write"
    number = os.stat(real).st_dev
    device = host_read.below(root, f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    uuid = _text(os.path.join(device, "dm/uuid")) or ""
    for prefix, layer in LAYERS.items():
        if uuid.startswith(prefix):
            return f"{path} is on {layer}, which GRUB cannot write"
    if leads_somewhere(os.path.join(device, "md")) or leads_somewhere(os.path.join(os.path.realpath(device), "../md")):
        return f"{path} is on a RAID array, which GRUB cannot write"
    return ""


def mount_of(root: str, path: str) -> host_mounts.Mount | None:
    """Return the mount that a path is on, None when that cannot be told."""
    above = [mount for mount in mounts(root) if path == mount.mountpoint or path.startswith(mount.mountpoint.rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount.mountpoint), default=None)


def mounts(root: str) -> list[host_mounts.Mount]:
    """Return what is mounted; nothing in a root without /proc. Raises OSError for other troubles."""
    try:
        return host_mounts.gather(root)
    except FileNotFoundError:
        return []


def _full(real: str) -> bool:
    return is_file(real) and os.path.getsize(real) > 0


def _text(real: str) -> str | None:
    try:
        with open(real, encoding="utf-8", errors="surrogateescape") as handle:
            return handle.read()
    except (FileNotFoundError, IsADirectoryError):
        return None
