# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the database of installed packages, and compare versions as rpm does.

Everything here only reads. The functions that touch the database need python3-rpm; the parsers do not.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import tempfile
import typing as t

from ..core.errors import CannotRead, Problem, Refused
from ..core.host_io import is_file
from ..text import openpgp

try:
    import rpm
except ImportError:
    rpm = None

KEY_PACKAGE = "gpg-pubkey"
# The file that each backend of rpm keeps its packages in: sqlite, ndb, Berkeley DB.
DATABASE_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
# Older builds sign header and payload together; OPENPGP is where rpm 6 puts every signature.
SIGNATURE_TAGS = ("RSAHEADER", "DSAHEADER", "OPENPGP", "SIGPGP", "SIGGPG")

SIGNATURE_KEY = re.compile(r"\bkey (?:id|fingerprint):? ?([0-9a-f]{16,64})\b", re.IGNORECASE)
SOURCE_PACKAGE = re.compile(r"^(.+)-[^-]+-[^-]+\.(?:no)?src\.rpm$")
# What rebuilds a database leaves out all that it cannot read, and may end well with no package left.
REPAIR = (
    "Bring it back from a backup; without one, copy its folder aside before 'rpmdb --rebuilddb', which leaves out what it cannot "
    "read, and look at 'rpm -qa' afterwards. Then run again")


class Package(t.NamedTuple):
    """One installed package. C(source) is the name of its source package, C(signing_key) 16 hex digits; C(provides) has the
    names of what it provides."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str
    vendor: str | None
    source: str | None
    signing_key: str | None
    install_time: int
    provides: tuple[str, ...] = ()

    @property
    def evr(self) -> str:
        """C([epoch:]version-release), the epoch only where it is not 0, as dnf writes it."""
        label = f"{self.version}-{self.release}"
        return f"{self.epoch}:{label}" if self.epoch else label

    @property
    def nevra(self) -> str:
        """C(name-[epoch:]version-release.arch)."""
        return f"{self.name}-{self.evr}.{self.arch}"


class PublicKey(t.NamedTuple):
    """One key that rpm trusts on this host."""

    key_id: str | None
    fingerprint: str | None
    nevra: str
    summary: str
    created: int | None


def source_name(sourcerpm: str | None) -> str | None:
    """Return the NAME in the file name of a source package: C(systemd-252-51.el9.src.rpm) gives C(systemd)."""
    match = SOURCE_PACKAGE.match(sourcerpm or "")
    return match.group(1) if match else None


def signature_key_id(text: str | None) -> str | None:
    """Return the 16 hex digits of the signer from what rpm's C(pgpsig) format prints."""
    match = SIGNATURE_KEY.search(text or "")
    return match.group(1)[-16:].lower() if match else None


def split_evr(label: str) -> tuple[str, str, str | None]:
    """Split C([epoch:]version[-release]); a missing epoch is 0, as rpm has it."""
    epoch, colon, rest = label.partition(":")
    if not colon:
        epoch, rest = "0", label
    version, dash, release = rest.rpartition("-")
    return (epoch or "0", version, release) if dash else (epoch or "0", rest, None)


def compare_evr(a: str, b: str) -> int:
    """Compare two C([epoch:]version[-release]) by rpm: -1, 0 or 1. Without a release on one side, versions decide."""
    left, right = split_evr(a), split_evr(b)
    if left[2] is None or right[2] is None:
        left, right = left[:2] + ("0",), right[:2] + ("0",)
    return rpm.labelCompare(left, right)


EVR_ORDER = functools.cmp_to_key(compare_evr)


def database_path(root: str = "/") -> str | None:
    """Return the folder of the package database below C(root), None where there is none."""
    found = _database_below(root)
    if found is None:
        # A swap of rpm may have moved it since this process read rpm's configuration.
        rpm.reloadConfig()
        found = _database_below(root)
    return found


def _database_below(root: str) -> str | None:
    folder = os.path.join(root, rpm.expandMacro("%{_dbpath}").lstrip("/"))
    return folder if any(is_file(os.path.join(folder, name)) for name in DATABASE_FILES) else None


def transaction_set(root: str = "/") -> t.Any:
    """Open the package database below C(root) to read it. Raises CannotRead when there is none, where rpm would create it,
    and when there is one that rpm cannot open."""
    folder = database_path(root)
    if folder is None:
        raise CannotRead(_unreadable("no package database below {} in {}".format(root, rpm.expandMacro("%{_dbpath}"))))
    ts = rpm.TransactionSet(root)
    # As dnf does for queries: what is installed was verified then, and checking again costs most of the time.
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    with reading(folder):
        if ts.openDB():
            raise CannotRead(_unreadable(f"the package database in {folder} cannot be opened"))
    return ts


@contextlib.contextmanager
def reading(folder: str) -> t.Iterator[None]:
    """Turn what rpm says of a database while it is read into CannotRead: on a bad page it logs, and stops early."""
    error: Exception | None = None
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        rpm.setLogFile(log)
        try:
            yield
        except (rpm.error, OSError) as caught:
            error = caught
        finally:
            rpm.setLogFile(2)
        log.seek(0)
        said = [line.strip().removeprefix("error: ") for line in log if line.startswith("error: ")]
    if error is not None or said:
        reason = "; ".join(said) or str(error)
        raise CannotRead(_unreadable(f"the package database in {folder} cannot be read: {reason}")) from error


def _unreadable(reason: str) -> Problem:
    return Problem("rpm.database_unreadable", "the packages of this host cannot be read", reason, REPAIR)


def installed(ts: t.Any = None) -> list[Package]:
    """Return every installed package, ordered by name, then by version, oldest first; keys are not packages.

    Raises CannotRead when the database cannot be read to its end. One without any package counts as such: a host on which
    this runs has at least rpm.
    """
    ts = transaction_set() if ts is None else ts
    folder = database_path(ts.rootDir) or ts.rootDir
    with reading(folder):
        found = [of_header(header) for header in _headers(ts) if header[rpm.RPMTAG_NAME] != KEY_PACKAGE]
    if not found:
        raise CannotRead(_unreadable(f"the package database in {folder} has no package in it"))
    return sorted(found, key=lambda package: (package.name, EVR_ORDER(package.evr), package.arch))


def installed_or_refuse() -> list[Package]:
    """Return every installed package. Raises Refused when the database cannot be read: every package would look absent then,
    and be installed anew."""
    try:
        return installed()
    except CannotRead as error:
        raise Refused(*error.problems) from error


def providers(capability: str, ts: t.Any = None) -> list[str]:
    """Return the names of the installed packages that provide a capability, be it by their name."""
    return sorted({header[rpm.RPMTAG_NAME] for header in _headers(ts, "providename", capability)})


def public_keys(ts: t.Any = None) -> list[PublicKey]:
    """Return the keys that were imported into the package database."""
    return sorted((_public_key(header) for header in _headers(ts, "name", KEY_PACKAGE)), key=lambda key: key.nevra)


def newest_first(labels: t.Iterable[str]) -> list[str]:
    """Sort C([epoch:]version-release) labels by rpm's comparison, newest first."""
    return sorted(labels, key=EVR_ORDER, reverse=True)


def _headers(ts: t.Any, *match: str) -> t.Any:
    return (transaction_set() if ts is None else ts).dbMatch(*match)


@functools.lru_cache(maxsize=1)
def _signature_format() -> str:
    known = [tag for tag in SIGNATURE_TAGS if hasattr(rpm, "RPMTAG_" + tag)]
    return " ".join("%{" + tag + ":pgpsig}" for tag in known)


def of_header(header: t.Any) -> Package:
    """Return the package that a header describes."""
    return Package(
        name=header[rpm.RPMTAG_NAME],
        epoch=header[rpm.RPMTAG_EPOCH] or 0,
        version=header[rpm.RPMTAG_VERSION],
        release=header[rpm.RPMTAG_RELEASE],
        arch=header[rpm.RPMTAG_ARCH] or "noarch",
        vendor=header[rpm.RPMTAG_VENDOR],
        source=source_name(header[rpm.RPMTAG_SOURCERPM]),
        signing_key=signature_key_id(header.format(_signature_format())),
        install_time=header[rpm.RPMTAG_INSTALLTIME] or 0,
        provides=tuple(values(header, "PROVIDENAME")),
    )


def values(header: t.Any, name: str) -> list[t.Any]:
    """Return what a header has below a tag, given without C(RPMTAG_); nothing where it is absent."""
    value = header[getattr(rpm, "RPMTAG_" + name)]
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def described_key(text: str | None, version: str) -> openpgp.Key | None:
    """Return the version 4 key in the armoured text that rpm keeps of a key with this version, None where there is none."""
    found = openpgp.read((text or "").encode("utf-8", "surrogateescape")).keys
    return next((key for key in found if key.version == 4 and key.made(version)), None)


def _public_key(header: t.Any) -> PublicKey:
    version, release = header[rpm.RPMTAG_VERSION], header[rpm.RPMTAG_RELEASE]
    key = described_key(header[rpm.RPMTAG_DESCRIPTION], version)
    # rpm 6 puts the whole fingerprint into the version, older ones the last 8 digits.
    fingerprint = version if len(version) == 40 else key.fingerprint.lower() if key else None
    # Newer rpm has the time of the key in the release, rpm 4.16 that of a signature.
    created = int(release, 16) if re.match(r"^[0-9a-f]{1,8}$", release) else None
    return PublicKey(
        key_id=fingerprint[-16:] if fingerprint else None,
        fingerprint=fingerprint,
        nevra=f"{KEY_PACKAGE}-{version}-{release}",
        summary=header[rpm.RPMTAG_SUMMARY] or "",
        created=key.created if key else created,
    )
