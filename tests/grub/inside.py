# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a file system, mount it as /boot, and copy it as it is on the disk right after each of some writes: C(inside.py JSON).

It runs in a mount namespace of its own. What a copy has, a machine would have whose power was cut at that moment.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest, states
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import actions
from ansible_collections.centos.hyperscale.plugins.module_utils.text import grubenv

BOOT = pathlib.Path("/boot")
OLD, NEW, NEWER = "5.14.0-1.el9.x86_64", "5.14.0-2.el9.x86_64", "6.12.1-1.hs.el9.x86_64"
ENTRIES, ENVIRONMENT = BOOT / "loader/entries", BOOT / "grub2/grubenv"
CONFIG = 'set default="${saved_entry}"\nset default="${next_entry}"\nblscfg\n'


def entry(release: str) -> pathlib.Path:
    """Return the path of a kernel's entry."""
    return ENTRIES / f"aaaa-{release}.conf"


def seed() -> None:
    """Lay a /boot with two kernels down."""
    for there in BOOT.iterdir():
        if there.name != "lost+found":
            shutil.rmtree(there) if there.is_dir() else there.unlink()
    ENTRIES.mkdir(parents=True)
    ENVIRONMENT.parent.mkdir()
    for release in (OLD, NEW):
        kernel(release)
    (BOOT / "grub2/grub.cfg").write_text(CONFIG)
    ENVIRONMENT.write_text(grubenv.with_variables(None, {"saved_entry": f"aaaa-{OLD}"}))


def kernel(release: str) -> None:
    """Do what kernel-install does, which syncs nothing."""
    (BOOT / f"vmlinuz-{release}").write_bytes(release.encode() * 40000)
    (BOOT / f"initramfs-{release}.img").write_bytes(release.encode() * 80000)
    entry(release).write_text(
        f"title {release}\nversion {release}\nlinux /vmlinuz-{release}\ninitrd /initramfs-{release}.img\noptions ro quiet\n")


def by_rename(path: pathlib.Path, content: str) -> None:
    """Replace a file as programs commonly do: written beside, synced, renamed, the folder synced."""
    beside = path.with_name("beside")
    with beside.open("w") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(path)
    host_io.sync_folder(str(path.parent))


def syncfs() -> None:
    """Do what 'sync -f' does."""
    subprocess.run(["sync", "-f", str(BOOT)], check=True)


def changed_entry() -> actions.EntryAction:
    """Return the step that gives an entry another argument."""
    found = boot_loader.read("/").entry_of(OLD)
    return actions.EntryAction.of(found, "test", "ro quiet psi=1")


def changed_environment() -> actions.EnvironmentAction:
    """Return the step that makes another kernel the default."""
    return actions.EnvironmentAction.of(boot_loader.read("/"), "test", {"next_entry": "x"}, {"saved_entry": NEW})


class Write(t.NamedTuple):
    """What is done before the file system is mounted anew, what is judged, and the paths that it changes."""

    act: t.Callable[[host_io.Target], None]
    paths: list[pathlib.Path]
    before: t.Callable[[host_io.Target], None] = lambda _target: None


def fsynced(target: host_io.Target) -> None:
    by_rename(entry(OLD), "replaced")


def fsynced_and_synced(target: host_io.Target) -> None:
    by_rename(entry(OLD), "replaced")
    syncfs()


def in_place(target: host_io.Target) -> None:
    boot_disk.overwrite(str(ENVIRONMENT), grubenv.with_variables(None, {"saved_entry": "other"}).encode())


def replaced_and_changed(target: host_io.Target) -> None:
    """Change a block that another program, such as grub2-set-bootflag, has just replaced."""
    by_rename(ENVIRONMENT, grubenv.with_variables(None, {"boot_success": "1"}))
    changed_environment().apply(target)


def without_environment(_target: host_io.Target) -> None:
    ENVIRONMENT.unlink()


def environment_taken_back(target: host_io.Target) -> None:
    step = changed_environment()
    step.apply(target)
    ENVIRONMENT_STEP.append(step)


ENVIRONMENT_STEP: list[actions.EnvironmentAction] = []
ENTRY_STEP: list[actions.EntryAction] = []


def entry_changed_before(target: host_io.Target) -> None:
    ENTRY_STEP.append(changed_entry())
    ENTRY_STEP[-1].apply(target)


def brought_back(target: host_io.Target) -> None:
    """Bring files back as the way back of a transaction does."""
    paths = [str(entry(OLD)), str(ENVIRONMENT)]
    now = states.capture(target, paths)
    wanted = {path: state._replace(content=now[path].content[::-1].lstrip("=").ljust(len(now[path].content), "="))
              for path, state in now.items()}
    wanted[paths[1]] = now[paths[1]]._replace(content=_block("other"))
    wanted[paths[0]] = now[paths[0]]._replace(content=_block("entry"))
    manifest.Kept(target, "test")._bring(wanted, now)  # pylint: disable=protected-access


def _block(name: str) -> str:
    import base64
    return base64.b64encode(grubenv.with_variables(None, {"saved_entry": name}).encode()).decode()


def transaction(change: t.Callable[[], None]) -> t.Callable[[host_io.Target], None]:
    """Return what a transaction does that changes /boot."""
    def act(_target: host_io.Target) -> None:
        before = boot_disk.contents()
        change()
        result = worker._seen_by_grub({"ok": True}, before)  # pylint: disable=protected-access
        assert result == {"ok": True}, result
    return act


def removed() -> None:
    entry(NEW).unlink()
    (BOOT / f"vmlinuz-{NEW}").unlink()


WRITES = {
    "rename and fsync": Write(fsynced, [entry(OLD)]),
    "rename, fsync and syncfs": Write(fsynced_and_synced, [entry(OLD)]),
    "in place and fsync": Write(in_place, [ENVIRONMENT]),
    "an entry is changed": Write(lambda target: changed_entry().apply(target), [entry(OLD)]),
    "an entry is taken back": Write(lambda target: ENTRY_STEP[-1].undo(target), [entry(OLD)], entry_changed_before),
    "grubenv is changed": Write(lambda target: changed_environment().apply(target), [ENVIRONMENT]),
    "grubenv is changed after another program replaced it": Write(replaced_and_changed, [ENVIRONMENT]),
    "grubenv is made": Write(lambda target: changed_environment().apply(target), [ENVIRONMENT], without_environment),
    "grubenv is taken back": Write(lambda target: ENVIRONMENT_STEP[-1].undo(target), [ENVIRONMENT], environment_taken_back),
    "grubenv that was made is taken back": Write(
        lambda target: ENVIRONMENT_STEP[-1].undo(target), [ENVIRONMENT],
        lambda target: [without_environment(target), environment_taken_back(target)]),
    "files are brought back": Write(brought_back, [entry(OLD), ENVIRONMENT]),
    "a transaction brings a kernel": Write(
        transaction(lambda: kernel(NEWER)), [entry(NEWER), BOOT / f"vmlinuz-{NEWER}", BOOT / f"initramfs-{NEWER}.img"]),
    "a transaction takes a kernel away": Write(transaction(removed), [entry(NEW), BOOT / f"vmlinuz-{NEW}"]),
}


def scribble() -> None:
    """Make, rename and remove entries for ever."""
    for number in range(10 ** 9):
        path = ENTRIES / f"noise-{number % 7}"
        path.write_text("noise")
        path.rename(f"{path}.conf")
        if number % 3 == 0:
            (ENTRIES / f"noise-{number % 7}.conf").unlink()


@contextlib.contextmanager
def scribbling(wanted: bool) -> t.Iterator[None]:
    """Have other programs write to the same folder, until right after the write that is judged."""
    others = [multiprocessing.Process(target=scribble) for _number in range(2 if wanted else 0)]
    for other in others:
        other.start()
    if wanted:
        time.sleep(0.2)
    try:
        yield
    finally:
        for other in others:
            os.kill(other.pid, signal.SIGKILL)
            other.join()


def mounted(image: str, options: str, anew: bool) -> None:
    """Mount the image as /boot, after its journal was written out by an unmount where it was mounted."""
    if anew:
        subprocess.run(["umount", str(BOOT)], check=True)
    subprocess.run(["mount", "-o", ",".join(filter(None, ["loop", options])), image, str(BOOT)], check=True)


def content(path: pathlib.Path) -> str | None:
    """Return what programs see at a path."""
    return path.read_bytes().hex() if path.exists() else None


def main() -> None:
    """Do what is asked for and print, by write, the copy and what programs saw before and after."""
    wanted = json.loads(sys.argv[1])
    image = os.path.join(wanted["folder"], "image")
    pathlib.Path(image).touch()
    os.truncate(image, 320 << 20)
    subprocess.run([*wanted["mkfs"], image], check=True, stdout=subprocess.DEVNULL)
    target = host_io.Target(lambda _argv: (0, "", ""), wanted["folder"], state_dir=wanted["folder"])
    found: dict[str, t.Any] = {}
    for number, name in enumerate(wanted["writes"]):
        write = WRITES[name]
        mounted(image, wanted["options"], number > 0)
        seed()
        write.before(target)
        if wanted["shared"] and ENVIRONMENT.exists():
            subprocess.run(["cp", "--reflink=always", str(ENVIRONMENT), f"{ENVIRONMENT}.copy"], check=True)
        mounted(image, wanted["options"], True)
        before = {str(path): content(path) for path in write.paths}
        copy = os.path.join(wanted["folder"], f"copy-{number}")
        with scribbling(wanted["busy"]):
            write.act(target)
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        found[name] = {"copy": copy, "before": before, "after": {str(path): content(path) for path in write.paths}}
    subprocess.run(["umount", str(BOOT)], check=True)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
