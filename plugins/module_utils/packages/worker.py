# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached side of a package transaction: runs in a unit of its own and outlives the connection.

It is copied into the run's folder with the few files it imports and started as C(python3 FOLDER). It reads C(job.json), keeps
C(status.json) current and ends by writing C(result.json). A transaction is through when rpm's database is as planned, all that it
changed is on the disk, and the end mark says so: only then goes what could complete it. The result comes last. Only dnf, rpm and
the standard library are used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
import typing as t

from ..core import boot_disk, foreign, guard_fire, modes, process, unwritable
from ..core.errors import Failed, Problem, Refused
from . import dnf_base, filepolicy, paths, reasons as package_reasons, repair, solver, supply
from .callback import Callback
from .jobfile import ALIVE, CARRIED, JOB, PLAN, RESERVED, RESULT, RUNNING, SKIPPED, Folder, Job, from_json
from .locks import patiently, wait_for_rpm
from .store import Store
from .written_out import each_file, write_out

# The modules that every run folder holds a copy of: this file and all that it imports.
MODULES = (
    *guard_fire.MODULES, "core.boot_disk", "core.foreign", "core.quota", "core.writable", "core.unwritable", "text.ini",
    "text.openpgp", "text.versionlock", "packages.paths", "packages.locks",
    "packages.keys", "packages.installonly", "packages.solver", "packages.dnf_base", "packages.rings", "packages.reasons",
    "packages.store", "packages.filepolicy", "packages.callback", "packages.written_out", "packages.repair",
    "packages.jobfile", "packages.supply", "packages.worker",
)
# How many lines, and of what length, are kept of what rpm said where there is no room for all of it.
LAST_LINES, LINE_LENGTH = 100, 200


class Done(t.NamedTuple):
    """What a transaction came to: its lines, what rpm said, the number in dnf's history, and the folders that it wrote to."""

    items: t.Sequence[solver.Item]
    output: list[str]
    history: int | None
    folders: list[str]


def run(folder: Folder, job: Job) -> Done:
    """Carry out a job. Refused means that nothing was changed."""
    def waiting(holder: str) -> None:
        folder.status("waiting", holder=holder)

    return _complete(folder, job, waiting) if job.completes else _transact(folder, job, waiting)


def _transact(folder: Folder, job: Job, waiting: t.Callable[[str], None]) -> Done:
    """Carry out a transaction as it was planned."""
    settings = dnf_base.Settings(None, False, job.weak_deps, job.own_locks, offline=job.offline)
    folder.status("resolving")
    base = patiently(job.lock_timeout, lambda: dnf_base.open_base(job.specs, folder.path, settings, job.local), waiting)
    try:
        old = supply.to_keep(base, job)
        items = solver.solve(
            base,
            [solver.exact(base, nevra) for nevra in job.install],
            [solver.exact(base, nevra, installed=True) for nevra in job.erase],
        )
        _refuse_drift(job.expected, items)
        packages = list(base.transaction.install_set)
        supply.fetch(folder, base, job, [*packages, *old], waiting)
        files = {solver.nevra_of(package): package.localPkg() for package in packages}
        headers = dict(zip(files, paths.of_files(files.values())))
        leaving = paths.installed({item.nevra for item in items} - {item.nevra for item in solver.brought(items)})
        unwritable.refuse("/", paths.of_headers(list(headers.values()), leaving))
        policies = _policies(job.as_saved, headers)
        main = None if policies is None else filepolicy.strictest(policies.values())
        tsflags = list(base.conf.tsflags)
        supply.keep(folder, base, job, packages, old)
        folder.write(PLAN, {"items": items, "before": repair.installed(), "tsflags": tsflags})
        wait_for_rpm(job.lock_timeout, waiting)
        callback = Callback(folder)
        base.args = ["centos.hyperscale", job.run]
        folder.runs(len(packages))
        with each_file(), dnf_base.file_policy(base, main):
            # From here on nobody may take it for one that has not begun, be it that it waits.
            history = patiently(
                job.lock_timeout, lambda: base.do_transaction(callback), lambda holder: folder.status(RUNNING, holder=holder))
        work = repair.Work(
            files, [item.nevra for item in items if item.nevra not in files], _beside(items), tsflags, policies)
        repair.prove(work.come, work.leave, callback)
        if main is not None:
            with each_file():
                repair.install_files(work, main, callback)
    finally:
        dnf_base.close(base)
    _bring_reasons(folder, job.reasons)
    return Done(items, callback.output, history, _folders([*headers.values(), *leaving]))


def _complete(folder: Folder, job: Job, waiting: t.Callable[[str], None]) -> Done:
    """Complete or revert the transaction of another job that was cut."""
    cut = other(folder, job.completes)
    files = supply.at_hand(folder, cut, job, waiting)
    headers = dict(zip(files, paths.of_files(files.values())))
    leaving = paths.installed(job.erase)
    plan = cut.read(PLAN) or {"items": job.expected or [], "tsflags": []}
    policies = _policies(job.as_saved, headers)
    wait_for_rpm(job.lock_timeout, waiting)
    callback = Callback(folder)
    folder.runs(len(files))
    if files or job.erase:
        work = repair.Work(
            files, job.erase, _beside(solver.Item(*item) for item in plan["items"]), plan["tsflags"], policies)
        with each_file():
            repair.make(work, cut.began or time.time(), callback)
    _bring_reasons(folder, job.reasons)
    return Done([], callback.output, None, _folders([*headers.values(), *leaving]))


def other(folder: Folder, job: str) -> Folder:
    """Return the folder of another job, which lies beside that of this one."""
    return Folder(os.path.join(os.path.dirname(folder.path), job))


def _beside(items: t.Iterable[solver.Item]) -> set[str]:
    return {item.nevra for item in items if item.installonly}


def _policies(as_saved: str, headers: t.Mapping[str, t.Any]) -> dict[str, filepolicy.Policy | None] | None:
    """Return by which policy each package was installed when it was saved, None where that is not to be followed."""
    left_out = Folder(as_saved).read(SKIPPED) if as_saved else None
    if left_out is None:
        return None
    return {
        nevra: filepolicy.of_package(filepolicy.entries(header), set(left_out.get(nevra, ())))
        for nevra, header in headers.items()}


def _folders(headers: t.Iterable[t.Any]) -> list[str]:
    """Return the folders of the files of some packages."""
    return sorted({os.path.dirname(touch.path) for touch in paths.of_headers(list(headers), [])})


def end(folder: Folder, job: Job, done: Done) -> None:
    """Have on the disk what was changed, write the end mark, and take away then what could complete the transaction.

    Of one that was reverted, the packages tell the waiting side which files it had changed.
    """
    write_out([folder.path, *done.folders])
    marked = other(folder, job.completes) if job.completes else folder
    marked.mark(not job.reverts)
    if not job.reverts:
        Store(os.path.join(marked.path, CARRIED)).clear()


def _bring_reasons(folder: Folder, wanted: t.Mapping[str, str]) -> None:
    """Have dnf note the reasons that are wanted; it reads the packages anew, because they are others now."""
    if wanted:
        base = dnf_base.open_base([], folder.path, dnf_base.Settings(None, False, False, offline=True))
        try:
            package_reasons.bring(base, wanted)
        finally:
            dnf_base.close(base)


def _refuse_drift(expected: t.Sequence[solver.Item] | None, found: t.Sequence[solver.Item]) -> None:
    if expected is None:
        return
    planned = {(item.action, item.nevra) for item in expected}
    now = {(item.action, item.nevra) for item in found}
    if planned != now:
        differs = sorted(f"{action} {nevra}" for action, nevra in planned ^ now)
        raise Refused(Problem(
            "transaction.drifted",
            "the transaction is no longer the one that was planned", "the difference: " + ", ".join(differs),
            "A repository or the host changed in between: run again",
        ))


def guarded(result: dict[str, t.Any], folder: Folder) -> dict[str, t.Any]:
    """Have guards that watch transactions look at what the packages have made, and return the result with a warning for each that
    failed: a kernel must not be the default that nobody has proven, although the run that brought it may be dead by now."""
    failed = guard_fire.ask_watching(os.path.dirname(os.path.dirname(folder.path)))
    return with_warnings(result, [Problem(
        "guard.not_asked", "what the transaction made could not be looked at right after it", words,
        "Nothing need be done: the run or the guard looks again. Look at 'journalctl -u centos-hyperscale-guard-*' on the host")
        for words in failed])


def with_warnings(result: dict[str, t.Any], warnings: t.Sequence[Problem]) -> dict[str, t.Any]:
    """Return a result with some warnings more."""
    return dict(result, warnings=[*result.get("warnings", ()), *warnings]) if warnings else result


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
    return with_warnings(result, [Problem(
        "boot_disk.not_written_out", f"what the transaction changed below {boot_disk.BOOT} was not written out for GRUB", reason,
        "Look at 'dmesg' for an error of the disk and mend it. A clean reboot writes it out, too; after a crash or a power cut "
        "before that, GRUB may start what was there before", subject=boot_disk.BOOT)])


@contextlib.contextmanager
def _holding_back_its_end() -> t.Iterator[None]:
    """Hold the signal to end back: a shutdown that has begun does not cut a transaction, and its unit gives it the time it needs.

    The signal is blocked and not ignored: scriptlets inherit what is ignored, and one that ends a process of its own would wait
    for ever. rpm unblocks all signals for scriptlets (since 4.17).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@_holding_back_its_end()
def main(path: str) -> int:
    """Carry out the job of a run folder; the result is always written, whatever happens."""
    # It may have been started without a unit of its own.
    process.be_hard_to_kill()
    os.umask(modes.UMASK)
    folder = Folder(path)
    alive = os.open(os.path.join(path, ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    job = from_json(folder.read(JOB))
    started = time.time()
    boot_files = {} if job.completes else boot_disk.contents()
    result, done = _outcome(folder, lambda: run(folder, job))
    result = guarded(result, folder)
    result = seen_by_grub(result, boot_files)
    if done is not None:
        failure, _none = _outcome(folder, lambda: end(folder, job, done))
        result = {**result, "items": done.items, "output": done.output, "history": done.history, **failure}
    write_result(folder, dict(result, started=started, ended=time.time(), touched=folder.touched))
    folder.status("done")
    return 0 if result["ok"] else 1


def _outcome(folder: Folder, act: t.Callable[[], t.Any]) -> tuple[dict[str, t.Any], t.Any]:
    """Do something, and return the result that says how it went, and what it returned."""
    try:
        with foreign.told(f"All that was noted of it is in {folder.path} on the host", lambda: not folder.touched):
            return {"ok": True}, act()
    except (Refused, Failed) as failure:
        result = {"ok": False, "refused": isinstance(failure, Refused), "problems": failure.problems}
        cause = foreign.story(failure)
        return {**result, "traceback": cause} if cause else result, None


def write_result(folder: Folder, result: dict[str, t.Any]) -> None:
    """Write the result; where there is no room for all that rpm said, with the last of it."""
    try:
        folder.write(RESULT, result)
    except OSError:
        short = [line[:LINE_LENGTH] for line in result.get("output", ())][-LAST_LINES:]
        problems = [tuple(text[:RESERVED[RESULT] // 64] for text in problem) for problem in result.get("problems", ())][:8]
        kept = {name: value for name, value in result.items() if name not in ("items", "traceback")}
        folder.write(RESULT, {**kept, "items": [], **({"output": short} if "output" in result else {}), **(
            {"problems": problems} if problems else {})})
