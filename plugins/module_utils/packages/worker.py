# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached side of a package transaction: runs in a unit of its own and outlives the connection.

It is copied into the run's folder with the few files it imports and started as C(python3 FOLDER). It reads
C(job.json), keeps C(status.json) current and ends by writing C(result.json). Only dnf, rpm and the standard
library are used.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
import traceback
import typing as t

from ..core import boot_disk, unwritable
from ..core.errors import Failed, Problem, Refused
from . import dnf_base, paths, reasons as package_reasons, repair, solver
from .jobfile import ALIVE, CARRIED, ITEMS, JOB, RESULT, RUNNING, Folder, Job, from_json
from .locks import patiently, wait_for_rpm
from .store import Store
from .supply import fetch, keep, to_keep

try:
    import dnf.callback
    Progress = dnf.callback.TransactionProgress
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    Progress = object

# The modules that every run folder holds a copy of: this file and all that it imports.
MODULES = (
    "core.boot_disk", "core.errors", "core.host_io", "core.process", "core.quota", "core.writable", "core.unwritable", "text.ini",
    "text.mountinfo", "text.openpgp", "text.versionlock", "packages.paths", "packages.locks", "packages.keys", "packages.solver",
    "packages.dnf_base", "packages.rings", "packages.reasons", "packages.store", "packages.repair", "packages.jobfile",
    "packages.supply", "packages.worker",
)


class Display(Progress):
    """Keeps what rpm and the scriptlets say, and the step the transaction is at."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self.folder = folder
        self.output: list[str] = []
        self._last = (0, "")

    def progress(self, package, action, ti_done, ti_total, ts_done, ts_total):
        self.folder.touched = True
        now = (ts_done, str(package))
        if now != self._last:
            self._last = now
            self.folder.status(RUNNING, done=ts_done, total=ts_total, package=str(package))

    def scriptout(self, msgs):
        # dnf hands over what it read, as bytes.
        text = msgs.decode("utf-8", "replace") if isinstance(msgs, bytes) else str(msgs or "")
        self.output.extend(line for line in text.splitlines() if line.strip())

    def error(self, message):
        self.output.append(str(message))


def run(folder: Folder, job: Job) -> dict[str, t.Any]:
    """Carry out a job and return its result. Refused means that nothing was changed."""
    def waiting(holder: str) -> None:
        folder.status("waiting", holder=holder)

    if job.whole:
        return _make_whole(folder, job, waiting)
    settings = dnf_base.Settings(None, False, job.weak_deps, job.own_locks, offline=job.offline)
    folder.status("resolving")
    base = patiently(job.lock_timeout, lambda: dnf_base.open_base(job.specs, folder.path, settings, job.local), waiting)
    try:
        old = to_keep(base, job)
        items = solver.solve(
            base,
            [solver.exact(base, nevra) for nevra in job.install],
            [solver.exact(base, nevra, installed=True) for nevra in job.erase],
        )
        _refuse_drift(job.expected, items)
        packages = list(base.transaction.install_set)
        fetch(folder, base, job, [*packages, *old], waiting)
        _refuse_unwritable(packages, items)
        keep(folder, base, job, packages, old)
        folder.write(ITEMS, items)
        wait_for_rpm(job.lock_timeout, waiting)
        display = Display(folder)
        base.args = ["centos.hyperscale", job.run]
        folder.status(RUNNING, done=0, total=len(packages), package="")
        history = patiently(job.lock_timeout, lambda: base.do_transaction(display), waiting)
        _prove(items, display.output)
    finally:
        dnf_base.close(base)
    _bring_reasons(folder, job.reasons)
    _settle()
    Store(os.path.join(folder.path, CARRIED)).clear()
    return {"ok": True, "items": items, "output": display.output, "history": history}


def _make_whole(folder: Folder, job: Job, waiting: t.Callable[[str], None]) -> dict[str, t.Any]:
    wait_for_rpm(job.lock_timeout, waiting)
    folder.status(RUNNING, done=0, total=len(job.local), package="")
    output = repair.make(
        dict(zip(job.install, job.local)), job.erase, job.began,
        lambda done, total, package: folder.status(RUNNING, done=done, total=total, package=package))
    _bring_reasons(folder, job.reasons)
    _settle()
    return {"ok": True, "items": [], "output": output, "history": None}


def _settle() -> None:
    """Have on the disk what was unpacked, before what could mend it is gone. rpm has one file system written out, and that after
    all scriptlets: after a power cut before that, the database may have packages whose files are empty."""
    os.sync()


def _bring_reasons(folder: Folder, wanted: t.Mapping[str, str]) -> None:
    """Have dnf note the reasons that are wanted; it reads the packages anew, because they are others now."""
    if wanted:
        base = dnf_base.open_base([], folder.path, dnf_base.Settings(None, False, False, offline=True))
        try:
            package_reasons.bring(base, wanted)
        finally:
            dnf_base.close(base)


def _prove(items: t.Sequence[solver.Item], output: t.Sequence[str]) -> None:
    """Ask rpm's database itself: dnf ends a transaction well in which a package could not be unpacked."""
    here = repair.installed()
    come = {item.nevra for item in items if item.action in solver.COMING}
    leave = {item.nevra for item in items} - come
    wrong = [f"{nevra} is missing" for nevra in sorted(come - here)]
    wrong += [f"{nevra} is still there" for nevra in sorted(leave & here)]
    if wrong:
        said = [line for line in output if "error" in line.lower()]
        raise Failed(Problem(
            "rpm did not carry out the whole transaction", "; ".join([*wrong[:10], *said[:5]]),
            "Mend what rpm names, such as a full disk, and run again: the next run makes it whole"))


def _refuse_drift(expected: t.Sequence[solver.Item] | None, found: t.Sequence[solver.Item]) -> None:
    if expected is None:
        return
    planned = {(item.action, item.nevra) for item in expected}
    now = {(item.action, item.nevra) for item in found}
    if planned != now:
        differs = sorted(f"{action} {nevra}" for action, nevra in planned ^ now)
        raise Refused(Problem(
            "the transaction is no longer the one that was planned", "the difference: " + ", ".join(differs),
            "A repository or the host changed in between: run again",
        ))


def _refuse_unwritable(packages: t.Sequence[t.Any], items: t.Sequence[solver.Item]) -> None:
    """Refuse what rpm would break off at in its middle: a path that it cannot write."""
    going = {item.nevra for item in items} - {item.nevra for item in solver.brought(items)}
    unwritable.refuse("/", paths.of_headers(
        paths.of_files(package.localPkg() for package in packages), paths.installed(going)))


def seen_by_grub(result: dict[str, t.Any], before: boot_disk.Contents | None) -> dict[str, t.Any]:
    """Have GRUB see what the transaction made of /boot, and return the result with a warning where that failed.

    Kernels, their entries and initramfs are written by rpm and by programs that sync less than that.
    """
    try:
        boot_disk.flush_changes(before)
    except Failed as failure:
        reason = "; ".join(f"{problem.fact}: {problem.reason}" for problem in failure.problems)
    except OSError as error:
        reason = f"{error.strerror or error} (error number {error.errno})" + (f" at {error.filename}" if error.filename else "")
    else:
        return result
    return dict(result, warnings=[Problem(
        f"what the transaction changed below {boot_disk.BOOT} was not written out for GRUB", reason,
        "Look at 'dmesg' for an error of the disk and mend it. A clean reboot writes it out, too; after a crash or a power cut "
        "before that, GRUB may start what was there before")])


def main(path: str) -> int:
    """Carry out the job of a run folder; the result is always written, whatever happens."""
    # A transaction is not to be cut by a shutdown that has begun: the unit gives it the time it needs.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    folder = Folder(path)
    alive = os.open(os.path.join(path, ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    job = from_json(folder.read(JOB))
    started = time.time()
    boot_files = {} if job.whole else boot_disk.contents()
    try:
        result = run(folder, job)
    except Refused as refusal:
        result = {"ok": False, "refused": True, "problems": refusal.problems}
    except Failed as failure:
        result = {"ok": False, "refused": False, "problems": failure.problems}
    except Exception as error:  # the waiting side must hear of anything that went wrong, in full
        result = {"ok": False, "refused": False, "problems": [
            Problem("the transaction failed", " ".join(str(error).split()) or repr(error),
                    f"The whole story is in {path} on the host")], "traceback": traceback.format_exc()}
    result = seen_by_grub(result, boot_files)
    folder.write(RESULT, dict(result, started=started, ended=time.time(), touched=folder.touched))
    folder.status("done")
    return 0 if result["ok"] else 1
