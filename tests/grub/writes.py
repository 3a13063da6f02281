# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes to /boot that are judged: those of the collection, by its own steps, and common ways to write for comparison."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest, states
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import Action
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import Target, sync_folder
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot.actions import EntryAction, EnvironmentAction
from ansible_collections.centos.hyperscale.plugins.module_utils.text import grubenv

BOOT = pathlib.Path("/boot")
OLD, NEW, NEWER = "5.14.0-1.el9.x86_64", "5.14.0-2.el9.x86_64", "6.12.1-1.hs.el9.x86_64"
ENTRIES, ENVIRONMENT = BOOT / "loader/entries", BOOT / "grub2/grubenv"
CONFIG = 'set default="${saved_entry}"\nset default="${next_entry}"\nblscfg\n'

Change = t.Callable[[Target], t.Any]


class Write(t.NamedTuple):
    """What is judged, the paths that it changes, and what is done before and is on the disk by then."""

    act: Change
    paths: list[pathlib.Path]
    before: Change = lambda _target: None


def seed() -> None:
    """Lay a /boot with two kernels down."""
    for there in BOOT.iterdir():
        if there.is_dir() and there.name != "lost+found":
            shutil.rmtree(there)
        elif there.is_file():
            there.unlink()
    ENTRIES.mkdir(parents=True)
    ENVIRONMENT.parent.mkdir()
    install(OLD)
    install(NEW)
    (BOOT / "grub2/grub.cfg").write_text(CONFIG)
    ENVIRONMENT.write_text(block("first"))


def block(default: str) -> str:
    """Return an environment block."""
    return grubenv.with_variables(None, {"saved_entry": default})


def entry(release: str) -> pathlib.Path:
    """Return the path of a kernel's entry."""
    return ENTRIES / f"aaaa-{release}.conf"


def images(release: str) -> list[pathlib.Path]:
    """Return the paths of a kernel's files."""
    return [BOOT / f"vmlinuz-{release}", BOOT / f"initramfs-{release}.img"]


def install(release: str) -> None:
    """Do what kernel-install does, which syncs nothing."""
    for path in images(release):
        path.write_bytes(f"{path.name}\n".encode() * 40000)
    entry(release).write_text(
        f"title {release}\nversion {release}\nlinux /vmlinuz-{release}\ninitrd /initramfs-{release}.img\noptions ro quiet\n")


def remove(release: str) -> None:
    """Do what kernel-install does when a kernel goes."""
    for path in (*images(release), entry(release)):
        path.unlink()


def by_rename(path: pathlib.Path, content: str) -> None:
    """Replace a file as programs commonly do: written beside, synced, renamed, the folder synced."""
    beside = path.with_name("beside")
    with beside.open("w") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(path)
    sync_folder(str(path.parent))


def entry_by_rename(_target: Target) -> None:
    """Replace an entry as programs commonly do."""
    by_rename(entry(OLD), "replaced")


def entry_and_syncfs(target: Target) -> None:
    """The same, and then 'sync -f'."""
    entry_by_rename(target)
    subprocess.run(["sync", "-f", str(BOOT)], check=True)


def in_place(_target: Target) -> None:
    """Write the environment block as grub2-editenv does."""
    boot_disk.overwrite(str(ENVIRONMENT), block("in place").encode())


def change_entry(_target: Target) -> Action:
    """Return the step that gives an entry another argument."""
    return EntryAction.of(boot_loader.read("/").entry_of(OLD), "test", "ro quiet psi=1")


def change_environment(_target: Target) -> Action:
    """Return the step that makes another kernel the default."""
    return EnvironmentAction.of(boot_loader.read("/"), "test", {"next_entry": "x"}, {"saved_entry": NEW})


def applied(make: t.Callable[[Target], Action]) -> Change:
    """Return what carries a step out."""
    return lambda target: make(target).apply(target)


class Undone:
    """Carries a step out first, and then takes it back."""

    def __init__(self, make: t.Callable[[Target], Action], first: Change = lambda _target: None) -> None:
        self._make, self._first = make, first
        self._steps: list[Action] = []

    def apply(self, target: Target) -> None:
        """Carry it out."""
        self._first(target)
        self._steps.append(self._make(target))
        self._steps[-1].apply(target)

    def undo(self, target: Target) -> None:
        """Take it back."""
        self._steps[-1].undo(target)

    def write(self, path: pathlib.Path) -> Write:
        """Return the way back as what is judged."""
        return Write(self.undo, [path], self.apply)


def without_environment(_target: Target) -> None:
    """Take the environment block away."""
    ENVIRONMENT.unlink()


def another_then_ours(target: Target) -> None:
    """Change a block that another program, such as grub2-set-bootflag, has just replaced."""
    by_rename(ENVIRONMENT, block("another"))
    change_environment(target).apply(target)


def brought_back(target: Target) -> None:
    """Bring files back as the way back of a transaction does."""
    kept = manifest.Kept(target, "test")
    contents = kept._contents  # pylint: disable=protected-access
    now = states.capture(target, [str(entry(OLD)), str(ENVIRONMENT)], contents)
    content = contents.hold(block("brought back").encode())
    wanted = {path: state._replace(content=content) for path, state in now.items()}
    kept._bring(wanted, now)  # pylint: disable=protected-access


def transaction(change: t.Callable[[str], None], release: str) -> Change:
    """Return the part of a package transaction that is about /boot."""
    def act(_target: Target) -> None:
        before = boot_disk.contents()
        change(release)
        result = worker.seen_by_grub({"ok": True}, before)
        assert result == {"ok": True}, result
    return act


COMMON = {
    "rename and fsync": Write(entry_by_rename, [entry(OLD)]),
    "rename, fsync and syncfs": Write(entry_and_syncfs, [entry(OLD)]),
    "in place and fsync": Write(in_place, [ENVIRONMENT]),
}
OURS = {
    "an entry is changed": Write(applied(change_entry), [entry(OLD)]),
    "an entry is taken back": Undone(change_entry).write(entry(OLD)),
    "grubenv is changed": Write(applied(change_environment), [ENVIRONMENT]),
    "grubenv is changed after another program replaced it": Write(another_then_ours, [ENVIRONMENT]),
    "grubenv is made": Write(applied(change_environment), [ENVIRONMENT], without_environment),
    "grubenv is taken back": Undone(change_environment).write(ENVIRONMENT),
    "grubenv that was made is taken back": Undone(change_environment, without_environment).write(ENVIRONMENT),
    "files are brought back": Write(brought_back, [entry(OLD), ENVIRONMENT]),
    "a transaction brings a kernel": Write(transaction(install, NEWER), [entry(NEWER), *images(NEWER)]),
    "a transaction takes a kernel away": Write(transaction(remove, NEW), [entry(NEW), *images(NEW)]),
}
