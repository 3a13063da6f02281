# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the header of a package file, or of its first bytes, and check its digest and signature. rpm does both."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..packages import rpmdb
from ..packages.keys import Ring, unaccepted

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

# Signatures over the header alone; OPENPGP is where rpm 6 puts them.
OF_HEADER = tuple(tag for tag in ("RSAHEADER", "DSAHEADER", "OPENPGP") if hasattr(rpm, f"RPMTAG_{tag}"))


class Unreadable(Exception):
    """A header could not be read; the text says why."""


def read(path: str) -> t.Any:
    """Return the header in a file, its digest checked. Raises Unreadable."""
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES)
    return _from_file(ts, path)


def end(path: str) -> int:
    """Return where the header of a package that can be read ends: rpm reads so far and no further."""
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    with open(path, "rb") as handle:
        ts.hdrFromFdno(handle.fileno())
        return os.lseek(handle.fileno(), 0, os.SEEK_CUR)


def _from_file(ts: t.Any, path: str) -> t.Any:
    quiet = rpm.setVerbosity(rpm.RPMLOG_CRIT)
    try:
        with open(path, "rb") as handle:
            if not os.fstat(handle.fileno()).st_size:
                raise Unreadable("it is empty")
            header = ts.hdrFromFdno(handle.fileno())
    except rpm.error as error:
        raise Unreadable(f"rpm says: {error}") from error
    except OSError as error:
        raise Unreadable(f"{error.strerror}") from error
    finally:
        rpm.setVerbosity(rpm.RPMLOG_WARNING if quiet is None else quiet)
    if header is None or not header[rpm.RPMTAG_NAME]:
        raise Unreadable("it is no package")
    if header[rpm.RPMTAG_SOURCEPACKAGE]:
        raise Unreadable("it is a source package, which is never installed")
    return header


def signature_trouble(path: str, header: t.Any, ring: Ring) -> str:
    """Return why the header's signature is not one of a ring's keys, or nothing when it is."""
    signer = rpmdb.of_header(header).signing_key
    if signer is None:
        return "it is not signed"
    if not any(header[getattr(rpm, f"RPMTAG_{tag}")] for tag in OF_HEADER):
        # Without the payload such a signature can not be checked, and so proves nothing.
        return f"only header and payload together are signed, by key {signer}"
    ts = rpm.TransactionSet()
    ts.setKeyring(_keyring(ring.keys))
    ts.setVSFlags(0)
    try:
        _from_file(ts, path)
    except Unreadable as error:
        return unaccepted(path, signer, ring, None, str(error)).reason
    return ""


def _keyring(keys: t.Sequence[str]) -> t.Any:
    """Return a keyring with these keys alone: what else the host trusts vouches for nothing here."""
    keyring = rpm.keyring()
    for armoured in keys:
        # rpm takes the armoured text and refuses bare packets (4.18). What is no key at all vouches for nothing.
        with contextlib.suppress(ValueError, rpm.error):
            keyring.addKey(rpm.pubkey(armoured.encode("ascii", "replace")))
    return keyring
