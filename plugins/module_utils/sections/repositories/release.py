# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release package will put on the host, read from the package itself before it is installed."""

from __future__ import annotations

import typing as t

from ...core.errors import Problem, Refused
from ...packages import rings, solver
from ...packages.keys import check_packages
from ...text import repofile

try:
    import dnf.exceptions
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None


KEY_FOLDER = "/etc/pki/rpm-gpg"


class Contents(t.NamedTuple):
    """What installing some release packages brings: their names, .repo files and keys, by path on the host."""

    names: list[str]
    repo_files: dict[str, str]
    keys: dict[str, bytes]


def look_into(base, names: t.Sequence[str], workdir: str) -> Contents:
    """Solve, download, check and read some release packages and what they require, without installing them."""
    packages = []
    for name in names:
        found = list(base.sack.query().available().filter(name=name))
        if not found:
            raise Refused(Problem(
                "package.release_not_offered", f"package {name}", "no enabled repository of this host offers it",
                "CentOS Stream has release packages in 'extras-common': enable it, or use 'repositories.method: definition'",
                subject=name,
            ))
        packages.append(max(found))
    solver.solve(base, packages, [])
    coming = list(base.transaction.install_set)
    try:
        base.download_packages(coming)
    except dnf.exceptions.LockError:
        raise
    except (dnf.exceptions.Error, OSError) as error:
        raise Refused(Problem(
            "package.release_download_failed", "a release package cannot be downloaded", " ".join(str(error).split()),
            "Nothing was changed. Mend the mirror or the host's disk and run again",
        )) from error
    files: dict[str, bytes] = {}
    for package in coming:
        check_packages(
            {package.localPkg(): str(package)}, rings.ring_of(base, [], package.reponame), package.reponame, workdir)
        files.update(payload(package.localPkg(), (repofile.FOLDER, KEY_FOLDER)))
    return Contents(
        sorted(package.name for package in coming),
        {path: data.decode("utf-8", "replace") for path, data in files.items() if path.endswith(".repo")},
        {path: data for path, data in files.items() if path.startswith(KEY_FOLDER + "/")},
    )


def payload(path: str, folders: t.Sequence[str]) -> dict[str, bytes]:
    """Return the files that a package file carries below some folders, by their path on the host."""
    transaction = rpm.TransactionSet()
    # The signature was checked with the repository's own keys before; the host's key store may lack them.
    transaction.setVSFlags(rpm._RPMVSF_NOSIGNATURES)
    handle = rpm.fd.open(path)
    header = transaction.hdrFromFdno(handle)
    unpacked = rpm.fd.open(handle, flags=_text(header["payloadcompressor"]))
    found = {}
    archive = rpm.files(header).archive(unpacked)
    for entry in archive:
        name = _text(entry.name)
        if any(name.startswith(folder + "/") for folder in folders) and entry.size:
            found[name] = archive.read()
    return found


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value
