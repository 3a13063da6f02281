# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the detached runner does before anything changes: packages are downloaded, checked and saved."""

from __future__ import annotations

import os
import shutil
import typing as t

from ..core import foreign, modes
from ..core.errors import Problem, Refused
from . import dnf_base, filepolicy, paths, reasons as package_reasons, rings, solver
from .jobfile import CARRIED, REASONS, SKIPPED, Folder, Job
from .keys import check_packages
from .locks import patiently
from .store import Store

try:
    import dnf.exceptions
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf = None

# The share of free space that a download leaves alone.
SPACE_KEPT = 16 * 1024 * 1024


def to_keep(base, job: Job) -> list[t.Any]:
    """Return the packages on offer that are to be saved and are not yet."""
    saved = Store(job.keep_in).whole() if job.keep else {}
    found = {nevra: solver.same_build(base, nevra) for nevra in job.keep if nevra not in saved}
    missing = sorted(nevra for nevra, package in found.items() if package is None)
    if missing and job.keep_all:
        raise Refused(*(solver.no_way_back(nevra) for nevra in missing))
    return [package for package in found.values() if package is not None]


def fetch(
    folder: Folder, base, job: Job, packages: t.Sequence[t.Any], waiting: t.Callable[[str], None],
) -> None:
    """Download packages and check them."""
    remote = [package for package in packages if not solver.is_file(package)]
    _refuse_full_disk(base.conf.cachedir, remote)
    folder.status("downloading", total=len(remote))
    _download(base, remote, waiting, job.lock_timeout)
    folder.status("checking", total=len(remote))
    _check(base, remote, job.specs, folder.path)


def keep(folder: Folder, base, job: Job, packages: t.Sequence[t.Any], old: t.Sequence[t.Any]) -> None:
    """Save what goes, and what comes until it is there."""
    folder.status("saving", total=len(old))
    carried = Store(os.path.join(folder.path, CARRIED))
    try:
        _put(carried, packages)
    except Refused:
        carried.clear()
        raise
    folder.write(REASONS, package_reasons.planned(base))
    if job.keep_in:
        _put(Store(job.keep_in), old)
        going = [(package.name, package.arch) for package in base.transaction.remove_set]
        beside = Folder(os.path.dirname(job.keep_in))
        beside.write(REASONS, package_reasons.of(base, going))
        headers = paths.installed({solver.nevra_of(package) for package in base.transaction.remove_set})
        left_out = {paths.nevra_of(header): filepolicy.skipped(header) for header in headers}
        beside.write(SKIPPED, {nevra: files for nevra, files in left_out.items() if files})


def at_hand(folder: Folder, cut: Folder, job: Job, waiting: t.Callable[[str], None]) -> dict[str, str]:
    """Return the packages that a job installs which completes another (NEVRA -> path). Those that are not on the host are
    downloaded, and kept beside those of the transaction that was cut."""
    files = {paths.nevra_of(header): path for header, path in zip(paths.of_files(job.local), job.local)}
    missing = [nevra for nevra in job.install if nevra not in files]
    if missing:
        settings = dnf_base.Settings(None, False, False, job.own_locks)
        folder.status("resolving")
        base = patiently(job.lock_timeout, lambda: dnf_base.open_base(job.specs, folder.path, settings), waiting)
        try:
            packages = [solver.exact(base, nevra) for nevra in missing]
            fetch(folder, base, job, packages, waiting)
            store = Store(os.path.join(cut.path, CARRIED))
            _put(store, packages)
            files.update(store.whole())
        finally:
            dnf_base.close(base)
    return {nevra: files[nevra] for nevra in job.install}


def _put(store: Store, packages: t.Sequence[t.Any]) -> None:
    try:
        store.put({solver.nevra_of(package): package.localPkg() for package in packages})
    except OSError as error:
        raise foreign.refused(error, f"packages cannot be saved in {store.folder}") from error


def _refuse_full_disk(cachedir: str, packages: t.Sequence[t.Any]) -> None:
    needed = sum(package.downloadsize for package in packages if not os.path.exists(package.localPkg()))
    modes.make_folders(cachedir, modes.PUBLIC)
    free = shutil.disk_usage(cachedir).free
    if needed and needed + SPACE_KEPT > free:
        raise Refused(Problem(
            "cache.no_space", f"{free // 1024} KiB are free below {cachedir}",
            f"the packages to download take {needed // 1024} KiB and {SPACE_KEPT // 1024} KiB are to stay free",
            "Make room, for example with 'dnf clean packages'", subject=cachedir,
        ))


def _download(base, packages: t.Sequence[t.Any], waiting: t.Callable[[str], None], limit: float) -> None:
    try:
        patiently(limit, lambda: base.download_packages(packages), waiting)
    except (dnf.exceptions.DownloadError, dnf.exceptions.Error, OSError) as error:
        if isinstance(error, dnf.exceptions.LockError):
            raise
        raise Refused(Problem(
            "package.download_failed", "a package cannot be downloaded", " ".join(str(error).split()),
            "Nothing was installed. Mend the mirror or the host's disk and run again",
        )) from error


def _check(base, packages: t.Sequence[t.Any], specs: t.Sequence[solver.RepoSpec], workdir: str) -> None:
    """Check every downloaded package with the keys of its own repository, as its gpgcheck asks."""
    for repo_id in sorted({package.reponame for package in packages}):
        if not base.repos[repo_id].gpgcheck:
            continue
        paths = {package.localPkg(): str(package) for package in packages if package.reponame == repo_id}
        check_packages(paths, rings.ring_of(base, specs, repo_id), repo_id, workdir)
