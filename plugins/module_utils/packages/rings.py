# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that may sign a repository's packages, read from where dnf reads them."""

from __future__ import annotations

import tempfile
import typing as t

from ..core.errors import CannotRead
from ..core.host_io import TEMPORARY
from . import keys, solver

try:
    import dnf
    import dnf.exceptions
    import libdnf.conf
    import libdnf.repo
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf = None

# Options that say how an address is reached.
OF_CONNECTION = ("proxy", "sslcacert", "sslclientcert", "sslclientkey")


def ring_of(base, specs: t.Sequence[solver.RepoSpec], repo_id: str) -> keys.Ring:
    """Return the keys that may sign a repository's packages: those that were given with it alone, else what dnf goes by."""
    for spec in specs:
        if spec.id == repo_id and spec.keys:
            return keys.Ring(spec.keys, [f"the keys given for repository {repo_id}"], [])
    return _as_dnf(base.repos[repo_id])


def _as_dnf(repo) -> keys.Ring:
    """Return the keys that a repository's C(gpgkey) option names, and those in the package database."""
    found: list[t.Any] = []
    faults = []
    for source in (_source(url, lambda url: _fetched(url, repo=repo)) for url in repo.gpgkey):
        read = keys.read(source.data)
        found += read.keys
        trouble = [source.trouble] if source.trouble else read.faults or ([] if read.keys else [keys.NO_KEY])
        faults += [f"{source.where}: {text}" for text in trouble]
    try:
        found += [entry.key for entry in keys.in_rpm(keys.call)]
    except CannotRead as error:
        faults += [f"{problem.fact}: {problem.reason}" for problem in error.problems]
    return keys.Ring(list(dict.fromkeys(key.armoured() for key in found)), list(repo.gpgkey), faults)


def key_at(url: str, options: t.Mapping[str, str]) -> keys.Source:
    """Return what lies at the address of a key, fetched as dnf fetches for a repository with these options."""
    conf = dnf.conf.Conf()
    try:
        conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
    except dnf.exceptions.ConfigError as error:
        return keys.Source(url, b"", f"{conf.config_file_path} cannot be read: {' '.join(str(error).split())}")
    for name in OF_CONNECTION:
        if options.get(name):
            setattr(conf, name, options[name])
    return _source(url, lambda url: _fetched(url, conf=conf))


def expanded(text: str, stream: int) -> str:
    """Return an option of a repository with its variables replaced, as dnf does it on this host."""
    values = dnf.conf.Conf().substitutions
    values.update_from_etc("/")
    known = {"releasever": str(stream), "releasever_major": str(stream), **values}
    return libdnf.conf.ConfigParser.substitute(text, known)


def _source(url: str, fetched: t.Callable[[str], bytes]) -> keys.Source:
    try:
        return keys.Source(url, fetched(url))
    except (OSError, ValueError, dnf.exceptions.Error) as error:
        return keys.Source(url, b"", f"it cannot be read from this host: {' '.join(str(error).split())}")


def _fetched(url: str, conf: t.Any = None, repo: t.Any = None) -> bytes:
    """Return what lies at an address, by the downloader of dnf: of a repository, or of a configuration."""
    with tempfile.TemporaryFile(dir=TEMPORARY) as handle:
        try:
            if repo is not None:
                repo._repo.downloadUrl(url, handle.fileno())
            else:
                libdnf.repo.Downloader.downloadURL(conf._config, url, handle.fileno())
        except RuntimeError as error:
            raise OSError(str(error)) from error
        handle.seek(0)
        return handle.read()
