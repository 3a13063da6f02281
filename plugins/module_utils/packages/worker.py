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
import json
import os
import shutil
import signal
import time
import traceback
import typing as t

from ..core import boot_disk, unwritable
from ..core.errors import Failed, Problem, Refused
from . import dnf_base, paths, reasons as package_reasons, repair, rings, solver
from .keys import check_packages
from .locks import patiently, wait_for_rpm
from .store import Store

try:
    import dnf.callback
    import dnf.exceptions
    Progress = dnf.callback.TransactionProgress
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    Progress = object

JOB, STATUS, RESULT, ALIVE = "job.json", "status.json", "result.json", "alive"

# The modules that every run folder holds a copy of: this file and all that it imports.
MODULES = (
    "core.boot_disk", "core.errors", "core.host_io", "core.process", "core.quota", "core.writable", "core.unwritable", "text.ini",
    "text.mountinfo", "text.openpgp", "text.versionlock", "packages.paths", "packages.locks", "packages.keys", "packages.solver",
    "packages.dnf_base", "packages.rings", "packages.reasons", "packages.store", "packages.repair", "packages.worker",
)

# What this transaction brings, kept in its folder until it is through: one that was cut is made whole without a mirror.
CARRIED = "packages"
# Reasons of installation: in the run's folder those that dnf is going to note, beside saved packages those they had.
REASONS = "reasons.json"
# The lines of the transaction as it was solved here.
ITEMS = "items.json"
# The phase from which on the host's packages are no longer what they were.
RUNNING = "running"

# The share of free space that a download leaves alone.
SPACE_KEPT = 16 * 1024 * 1024


class Job(t.NamedTuple):
    """One transaction: exact NEVRAs, the lines it must consist of (None: whatever the solver finds), repositories, and the
    lines of the version lock list that are ours.

    C(local) are package files on the host; with C(offline) nothing else is on offer. C(keep) are NEVRAs to fetch into the
    store C(keep_in) before anything changes; with C(keep_all), one that cannot be had is a reason to refuse. C(reasons) are
    the reasons of installation to have afterwards, by C(name.arch). With C(whole), rpm alone installs C(local) and takes
    C(erase) away; C(began) is when the transaction began that is made whole.
    """

    run: str
    specs: list[solver.RepoSpec]
    install: list[str]
    erase: list[str]
    expected: list[solver.Item] | None
    weak_deps: bool
    lock_timeout: float
    own_locks: list[str]
    local: list[str] = []
    offline: bool = False
    keep: list[str] = []
    keep_in: str = ""
    keep_all: bool = False
    reasons: dict[str, str] = {}
    whole: bool = False
    began: float = 0.0


class Folder:
    """The run's folder: written by the runner, read by the module that waits."""

    def __init__(self, path: str) -> None:
        self.path = path
        # Whether rpm has begun with a package.
        self.touched = False

    def write(self, name: str, content: t.Any) -> None:
        """Put a JSON file in place whole."""
        beside = os.path.join(self.path, f".{name}")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
            json.dump(content, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(beside, os.path.join(self.path, name))

    def read(self, name: str) -> t.Any:
        """Return a JSON file, or None when it is not there."""
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as handle:
                return json.load(handle)
        except FileNotFoundError:
            return None

    @property
    def began(self) -> float:
        """When its job was written."""
        return os.stat(os.path.join(self.path, JOB)).st_mtime

    def status(self, phase: str, **more: t.Any) -> None:
        """Say where the job is."""
        self.write(STATUS, dict(more, phase=phase, time=time.time()))


def to_json(job: Job) -> dict[str, t.Any]:
    """Return a job as JSON carries it."""
    return job._asdict()


def from_json(content: dict[str, t.Any]) -> Job:
    """Return a job out of its JSON."""
    return Job(**dict(
        content,
        specs=[solver.RepoSpec(*spec) for spec in content["specs"]],
        expected=content["expected"] and [solver.Item(*item) for item in content["expected"]],
    ))


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
        old = _to_keep(base, job)
        items = solver.solve(
            base,
            [solver.exact(base, nevra) for nevra in job.install],
            [solver.exact(base, nevra, installed=True) for nevra in job.erase],
        )
        _refuse_drift(job.expected, items)
        packages = list(base.transaction.install_set)
        _fetch(folder, base, job, [*packages, *old], waiting)
        _refuse_unwritable(packages, items)
        _keep(folder, base, job, packages, old)
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
    """Have on the disk what was unpacked. rpm syncs its database and not its files: after a power cut the database would have
    packages whose files are empty, and what could mend them would be gone."""
    os.sync()


def _bring_reasons(folder: Folder, wanted: t.Mapping[str, str]) -> None:
    """Have dnf note the reasons that are wanted; it reads the packages anew, because they are others now."""
    if wanted:
        base = dnf_base.open_base([], folder.path, dnf_base.Settings(None, False, False, offline=True))
        try:
            package_reasons.bring(base, wanted)
        finally:
            dnf_base.close(base)


def _to_keep(base, job: Job) -> list[t.Any]:
    """Return the packages on offer that are to be saved and are not yet."""
    saved = Store(job.keep_in).whole() if job.keep else {}
    found = {nevra: solver.same_build(base, nevra) for nevra in job.keep if nevra not in saved}
    missing = sorted(nevra for nevra, package in found.items() if package is None)
    if missing and job.keep_all:
        raise Refused(*(solver.no_way_back(nevra) for nevra in missing))
    return [package for package in found.values() if package is not None]


def _fetch(
    folder: Folder, base, job: Job, packages: t.Sequence[t.Any], waiting: t.Callable[[str], None],
) -> None:
    """Download packages and check them."""
    remote = [package for package in packages if not solver.is_file(package)]
    _refuse_full_disk(base.conf.cachedir, remote)
    folder.status("downloading", total=len(remote))
    _download(base, remote, waiting, job.lock_timeout)
    folder.status("checking", total=len(remote))
    _check(base, remote, job.specs, folder.path)


def _keep(folder: Folder, base, job: Job, packages: t.Sequence[t.Any], old: t.Sequence[t.Any]) -> None:
    """Save what goes, and what comes until it is there."""
    folder.status("saving", total=len(old))
    _put(Store(os.path.join(folder.path, CARRIED)), packages)
    folder.write(REASONS, package_reasons.planned(base))
    if job.keep_in:
        _put(Store(job.keep_in), old)
        going = [(package.name, package.arch) for package in base.transaction.remove_set]
        Folder(os.path.dirname(job.keep_in)).write(REASONS, package_reasons.of(base, going))


def _put(store: Store, packages: t.Sequence[t.Any]) -> None:
    try:
        store.put({solver.nevra_of(package): package.localPkg() for package in packages})
    except OSError as error:
        store.clear()
        raise Refused(Problem(
            f"packages cannot be saved in {store.folder}", f"{error.strerror or error}",
            "Nothing was changed. Make room there and run again")) from error


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


def _refuse_full_disk(cachedir: str, packages: t.Sequence[t.Any]) -> None:
    needed = sum(package.downloadsize for package in packages if not os.path.exists(package.localPkg()))
    os.makedirs(cachedir, exist_ok=True)
    free = shutil.disk_usage(cachedir).free
    if needed and needed + SPACE_KEPT > free:
        raise Refused(Problem(
            f"{free // 1024} KiB are free below {cachedir}",
            f"the packages to download take {needed // 1024} KiB and {SPACE_KEPT // 1024} KiB are to stay free",
            "Make room, for example with 'dnf clean packages'",
        ))


def _download(base, packages: t.Sequence[t.Any], waiting: t.Callable[[str], None], limit: float) -> None:
    try:
        patiently(limit, lambda: base.download_packages(packages), waiting)
    except (dnf.exceptions.DownloadError, dnf.exceptions.Error, OSError) as error:
        if isinstance(error, dnf.exceptions.LockError):
            raise
        raise Refused(Problem(
            "a package cannot be downloaded", " ".join(str(error).split()),
            "Nothing was installed. Mend the mirror or the host's disk and run again",
        )) from error


def _check(base, packages: t.Sequence[t.Any], specs: t.Sequence[solver.RepoSpec], workdir: str) -> None:
    """Check every downloaded package with the keys of its own repository, as its gpgcheck asks."""
    for repo_id in sorted({package.reponame for package in packages}):
        if not base.repos[repo_id].gpgcheck:
            continue
        paths = {package.localPkg(): str(package) for package in packages if package.reponame == repo_id}
        check_packages(paths, rings.ring_of(base, specs, repo_id), repo_id, workdir)


def _seen_by_grub(result: dict[str, t.Any], before: boot_disk.Contents | None) -> dict[str, t.Any]:
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
    result = _seen_by_grub(result, boot_files)
    folder.write(RESULT, dict(result, started=started, ended=time.time(), touched=folder.touched))
    folder.status("done")
    return 0 if result["ok"] else 1
