# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the headers of builds that repositories offer, without their payload.

The metadata say where a header ends. A range request brings just that; a server that knows no ranges is read up to
there and no further. What does not hold its digest that way is downloaded whole, by dnf and from any of its mirrors.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import typing as t
import urllib.parse

from ansible.module_utils.urls import open_url

from .. import _dnf
from . import headers
from .builds import of_header
from .checks import found
from .model import Finding, Subject
from .truth import Incoming

try:
    import dnf.exceptions
except ImportError:  # need_bindings() in _python.py says so before anything here is used
    pass

AT_ONCE = 4
TIMEOUT_SECONDS = 30
CHUNK = 1 << 16
# A header of the largest kernel packages has some MB; what claims more is not believed.
LARGEST = 64 << 20


class Fetched(t.NamedTuple):
    """What was read: builds with their headers, findings about those that could not be, and what it cost in bytes."""

    incoming: list[Incoming]
    findings: list[Finding]
    bytes_read: int
    bytes_offered: int
    from_cache: int

    def plus(self, other: Fetched) -> Fetched:
        """Return this with the cost of other packages, which themselves are left out."""
        return self._replace(
            bytes_read=self.bytes_read + other.bytes_read, bytes_offered=self.bytes_offered + other.bytes_offered,
            from_cache=self.from_cache + other.from_cache)


class _Stub(t.NamedTuple):
    """The first bytes of a package on disk, how many came over the network, and what went wrong on the way."""

    path: str
    read: int
    cached: bool
    trouble: str


def fetch(base, packages: t.Sequence[t.Any], folder: str, keys_of: t.Callable[[str], list[str]] | None) -> Fetched:
    """Read the headers of packages (dnf objects). C(folder) keeps them by digest; C(keys_of) has a repository's keys.

    Without keys signatures are not looked at: for packages that are only read and not installed.
    """
    incoming, findings, read = [], [], 0
    stubs = _stubs(packages, folder)
    for package, stub in stubs:
        read += stub.read
        subject = Subject("package", package.name, package.arch)
        where = f"{package} of {package.reponame}"
        try:
            entry, trouble = _open(base, package, stub)
            if trouble:
                read += package.downloadsize
                findings.append(found("metadata.wrong", subject, package.hdr_end, None, f"{package}: {trouble}."))
        except headers.Unreadable as error:
            findings.append(found("package.unreadable", subject, None, str(package), f"{where}: {error}."))
            continue
        incoming.append(entry)
        if keys_of is None or not package.repo.gpgcheck:
            continue
        trouble = headers.signature_trouble(entry.path, entry.header, keys_of(package.reponame))
        if trouble:
            findings.append(found("signature.invalid", subject, None, entry.build.nevra, f"{where}: {trouble}."))
    offered = sum(package.downloadsize for package in packages)
    return Fetched(incoming, findings, read, offered, sum(stub.cached for _package, stub in stubs))


def _stubs(packages: t.Sequence[t.Any], folder: str) -> list[tuple[t.Any, _Stub]]:
    """Read the first bytes of all packages, one repository after the other: each may have a proxy of its own."""
    found_stubs = []
    for repo_id in sorted({package.reponame for package in packages}):
        mine = [package for package in packages if package.reponame == repo_id]
        with _proxy(mine[0].repo.proxy), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            found_stubs += zip(mine, pool.map(lambda package: _stub(package, folder), mine))
    return found_stubs


def _open(base, package, stub: _Stub) -> tuple[Incoming, str]:
    """Return the header, from the stub or else from the whole package, and what was wrong with the stub."""
    trouble = stub.trouble
    if not trouble:
        try:
            return _incoming(package, stub.path), ""
        except headers.Unreadable as error:
            trouble = f"its first {package.hdr_end} bytes are not a header ({error})"
            with contextlib.suppress(OSError):
                os.unlink(stub.path)
    try:
        base.download_packages([package])
    except (dnf.exceptions.Error, OSError) as error:
        said = " ".join(str(error).split())
        raise headers.Unreadable(f"{trouble}; the whole package cannot be fetched either: {said}") from error
    return _incoming(package, package.localPkg()), trouble if not stub.trouble else ""


def _incoming(package, path: str) -> Incoming:
    header = headers.read(path)
    build = of_header(header)
    if (build.name, build.evr, build.arch) != (package.name, package.evr, package.arch):
        raise headers.Unreadable(f"the file is {build.nevra}")
    return Incoming(build, header, path)


def _stub(package, folder: str) -> _Stub:
    """Put the first bytes of a package on disk, named by the digest that the metadata give the package."""
    end = package.hdr_end
    if not 0 < end <= min(package.downloadsize or LARGEST, LARGEST):
        return _Stub("", 0, False, f"the metadata say that the header ends at byte {end}")
    path = os.path.join(folder, f"{package.chksum[1].hex()}.hdr")
    if os.path.exists(path):
        return _Stub(path, 0, True, "")
    local = package.localPkg()
    try:
        if package._is_local_pkg() or os.path.exists(local):
            with open(local, "rb") as handle:
                data, read = handle.read(end), 0
        else:
            data = _range(package.remote_location() or "", end, package.repo)
            read = len(data)
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors
        return _Stub("", 0, False, f"its header cannot be fetched: {error}")
    beside = f"{path}.{os.getpid()}"
    with open(beside, "wb") as handle:
        handle.write(data)
    os.rename(beside, path)
    return _Stub(path, read, False, "")


def _range(url: str, end: int, repo: t.Any) -> bytes:
    """Return the first bytes at an address, with the repository's own credentials and trust."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"no mirror is known over http or https ({url or 'none'})")
    with open_url(
        url, headers={"Range": f"bytes=0-{end - 1}"}, timeout=TIMEOUT_SECONDS, validate_certs=bool(repo.sslverify),
        ca_path=repo.sslcacert or None, client_cert=repo.sslclientcert or None, client_key=repo.sslclientkey or None,
        url_username=repo.username or None, url_password=repo.password or None, http_agent="centos.hyperscale",
    ) as answer:
        parts: list[bytes] = []
        left = end
        while left and (part := answer.read(min(CHUNK, left))):
            parts.append(part)
            left -= len(part)
    if left:
        raise ValueError(f"the server sent {end - left} of {end} bytes")
    return b"".join(parts)


@contextlib.contextmanager
def _proxy(address: str | None) -> t.Iterator[None]:
    """Let urllib use a repository's proxy, which it takes from the environment alone."""
    kept = {name: os.environ.get(name) for name in ("http_proxy", "https_proxy")}
    if address:
        os.environ.update(dict.fromkeys(kept, address))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def keys_by_repository(base, specs: t.Sequence[_dnf.RepoSpec]) -> t.Callable[[str], list[str]]:
    """Return how to find the armoured keys of a repository: those that were given with it, else those it names."""
    given = {spec.id: spec.keys for spec in specs if spec.keys}
    known: dict[str, list[str]] = {}

    def keys_of(repo_id: str) -> list[str]:
        if repo_id not in known:
            known[repo_id] = given.get(repo_id) or _dnf.keys_of(base, repo_id)
        return known[repo_id]

    return keys_of
