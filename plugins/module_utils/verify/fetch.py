# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the headers of builds that repositories offer, without their payload.

The metadata say where a header ends. A range request brings that part alone; a server that knows no ranges is read up to
there and no further. What does not hold its digest that way is downloaded whole, by dnf and from any of its mirrors.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import http.client
import os
import threading
import typing as t
import urllib.parse

from ansible.module_utils.urls import ConnectionError as UrlsError, MissingModuleError, open_url

from ..core import modes
from ..packages import rings, solver
from ..packages.keys import Ring
from . import headers
from .builds import of_header
from .checks import found
from .model import Finding, Subject
from .predicted.truth import Incoming

try:
    import dnf.exceptions
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    pass

AT_ONCE = 4
TIMEOUT_SECONDS = 30
CHUNK = 1 << 16
# A header of the largest kernel packages has some MB; what claims more is not believed.
LARGEST = 64 << 20
# urllib's errors are OSErrors; those of ansible-core's layer above it and of http.client are not.
TROUBLE = (OSError, ValueError, http.client.HTTPException, UrlsError, MissingModuleError)


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
    """The first bytes of a package on disk, how many came over the network, and what went wrong on the way.

    C(lying): what went wrong is what the metadata say.
    """

    path: str
    read: int
    cached: bool
    trouble: str
    lying: bool = False


class _Opened(t.NamedTuple):
    """A header that was read. C(lying) says what is wrong with the metadata, C(read) what was fetched beside the stub."""

    entry: Incoming
    lying: str
    read: int
    unsigned: str


def fetch(base, packages: t.Sequence[t.Any], folder: str, ring_of: t.Callable[[str], Ring] | None) -> Fetched:
    """Read the headers of packages (dnf objects). C(folder) keeps them by digest; C(ring_of) has a repository's keys.

    Without keys signatures are not looked at: for packages that are only read and not installed.
    """
    findings, read, cached = [], 0, 0
    # What was saved on the host is there whole, and was checked when it was saved.
    incoming = [_incoming(package, package.localPkg()) for package in packages if solver.is_file(package)]
    packages = [package for package in packages if not solver.is_file(package)]
    for package, kept in _stubs(packages, folder):
        subject = Subject("package", package.name, package.arch)
        where = f"{package} of {package.reponame}"
        keys = ring_of if ring_of is not None and package.repo.gpgcheck else None
        stub = kept if not kept.cached or _good(package, kept, keys) else _again(package, kept, folder)
        read += stub.read
        cached += stub.cached
        try:
            opened = _open(base, package, stub, keys)
        except headers.Unreadable as error:
            findings.append(found("package.unreadable", subject, None, str(package), f"{where}: {error}."))
            continue
        read += opened.read
        incoming.append(opened.entry)
        if opened.lying:
            findings.append(found("metadata.wrong", subject, package.hdr_end, None, f"{where}: {opened.lying}."))
        if opened.unsigned:
            findings.append(found("signature.invalid", subject, None, opened.entry.build.nevra, f"{where}: {opened.unsigned}."))
    offered = sum(package.downloadsize for package in packages)
    return Fetched(incoming, findings, read, offered, cached)


def _stubs(packages: t.Sequence[t.Any], folder: str) -> list[tuple[t.Any, _Stub]]:
    """Read the first bytes of all packages, one repository after the other: each may have a proxy of its own."""
    found_stubs = []
    for repo_id in sorted({package.reponame for package in packages}):
        mine = [package for package in packages if package.reponame == repo_id]
        with _proxy(mine[0].repo.proxy), concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            found_stubs += zip(mine, pool.map(lambda package: _stub(package, folder), mine))
    return found_stubs


def _again(package, kept: _Stub, folder: str) -> _Stub:
    """Fetch anew what was spoilt in the folder: that is no matter of the repository."""
    with contextlib.suppress(OSError):
        os.unlink(kept.path)
    with _proxy(package.repo.proxy):
        return _stub(package, folder)


def _good(package, stub: _Stub, ring_of: t.Callable[[str], Ring] | None) -> bool:
    """Say whether a kept header can still be read and, where that is asked for, is signed as it should be."""
    try:
        entry = _incoming(package, stub.path)
    except headers.Unreadable:
        return False
    return not _unsigned(package, entry, ring_of)


def _open(base, package, stub: _Stub, ring_of: t.Callable[[str], Ring] | None) -> _Opened:
    """Return the header, from the stub or else from the whole package, and what was wrong with the stub."""
    lying = stub.trouble if stub.lying else ""
    if not stub.trouble:
        try:
            entry = _incoming(package, stub.path)
        except headers.Unreadable as error:
            lying = f"its first {package.hdr_end} bytes are not a header ({error})"
            with contextlib.suppress(OSError):
                os.unlink(stub.path)
        else:
            ends = headers.end(stub.path)
            if ends != package.hdr_end:
                lying = f"the metadata say that the header ends at byte {package.hdr_end}, and it ends at {ends}"
            return _Opened(entry, lying, 0, _unsigned(package, entry, ring_of))
    there = os.path.exists(package.localPkg())
    try:
        base.download_packages([package])
    except (dnf.exceptions.Error, OSError) as error:
        said = " ".join(str(error).split())
        raise headers.Unreadable(f"{lying or stub.trouble}; the whole package cannot be fetched either: {said}") from error
    entry = _incoming(package, package.localPkg())
    return _Opened(entry, lying, 0 if there else package.downloadsize, _unsigned(package, entry, ring_of))


def _unsigned(package, entry: Incoming, ring_of: t.Callable[[str], Ring] | None) -> str:
    """Return why a header is not signed by a key of its repository; nothing when it is, or nobody asks."""
    if ring_of is None:
        return ""
    return headers.signature_trouble(entry.path, entry.header, ring_of(package.reponame))


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
        return _Stub("", 0, False, f"the metadata say that the header ends at byte {end}", True)
    path = os.path.join(folder, f"{package.chksum[1].hex()}.hdr")
    if os.path.exists(path):
        return _Stub(path, 0, True, "")
    local = package.localPkg()
    read = 0
    try:
        if package._is_local_pkg() or os.path.exists(local):
            with open(local, "rb") as handle:
                data = handle.read(end)
        else:
            data = _range(package.remote_location() or "", end, package.repo)
            read = len(data)
        beside = f"{path}.{os.getpid()}.{threading.get_ident()}"
        with open(beside, "wb", opener=modes.private) as handle:
            handle.write(data)
        os.rename(beside, path)
    except TROUBLE as error:
        return _Stub("", read, False, f"its header cannot be fetched: {error}")
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


def rings_of(base, specs: t.Sequence[solver.RepoSpec]) -> t.Callable[[str], Ring]:
    """Return how to find the keys of a repository: those that were given with it, else those it names. Each is read once."""
    return functools.lru_cache(maxsize=None)(lambda repo_id: rings.ring_of(base, specs, repo_id))
