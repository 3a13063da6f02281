# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys and signatures: fingerprints of keys, and packages checked against the keys of their repository.

Packages are checked by rpm's own C(rpmkeys) with a key store of its own, so that a key that some other repository
brought onto the host cannot vouch for a package of this one.
"""

from __future__ import annotations

import os
import tempfile
import typing as t

from ..core import process
from ..core.errors import Problem, Refused

try:
    import dnf.crypto
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    pass


class PublicKey(t.NamedTuple):
    """A public key: fingerprint as 40 hex digits, user id, and its armoured text."""

    fingerprint: str
    user_id: str
    armoured: str


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint as 40 upper-case hex digits, or an empty string when it is not one."""
    digits = "".join(text.split()).upper()
    return digits if len(digits) == 40 and not set(digits) - set("0123456789ABCDEF") else ""


def public_keys(text: str) -> list[PublicKey]:
    """Return the keys in an armoured text; empty when it holds none."""
    if "-----BEGIN PGP PUBLIC KEY BLOCK-----" not in text:
        return []
    try:
        with tempfile.TemporaryFile() as handle:  # newer dnf reads the key through a file descriptor
            handle.write(text.encode("utf-8"))
            handle.seek(0)
            infos = dnf.crypto.rawkey2infos(handle)
    except Exception:  # gpgme and librpm each raise types of their own; either way there is no key
        return []
    return [PublicKey(info.fingerprint.upper(), info.userid, text) for info in infos]


def pinned(text: str, fingerprint: str, where: str) -> str:
    """Return the armoured text if it holds exactly the pinned key; refuse anything else."""
    found = public_keys(text)
    if not found:
        raise Refused(Problem(
            f"the key at {where}", "it is not an OpenPGP public key", "Give the armoured key that the SIG publishes"))
    wrong = [key for key in found if key.fingerprint != fingerprint]
    if wrong:
        raise Refused(Problem(
            f"the key at {where}",
            f"its fingerprint is {wrong[0].fingerprint} ({wrong[0].user_id}), not the pinned {fingerprint}",
            "Find out who changed the key; only then change the pinned fingerprint",
        ))
    return text


def check_packages(packages: t.Mapping[str, str], keys: t.Sequence[str], repo_id: str, workdir: str) -> None:
    """Check signatures and digests of package files (path to NEVRA) against the keys of their repository alone."""
    if not packages:
        return
    with tempfile.TemporaryDirectory(prefix="keys-", dir=workdir) as store:
        _import(store, keys)
        bad = [problem for path, nevra in sorted(packages.items()) for problem in _check(store, path, nevra, repo_id)]
    if bad:
        raise Refused(*bad)


def _import(store: str, keys: t.Sequence[str]) -> None:
    for number, armoured in enumerate(keys):
        path = os.path.join(store, f"{number}.asc")
        with open(path, "w", encoding="ascii") as handle:
            handle.write(armoured)
        _rpmkeys(store, "--import", path)


def _check(store: str, path: str, nevra: str, repo_id: str) -> list[Problem]:
    status, out = _rpmkeys(store, "--define", "_pkgverify_level all", "--checksig", "--verbose", path)
    if status == 0:
        return []
    said = [line.strip() for line in out.splitlines()[1:] if not line.rstrip().endswith("OK")]
    return [Problem(
        f"package {nevra} of repository {repo_id}",
        "its signature is not one of the repository's own key: " + "; ".join(said or ["not signed"]),
        "Nothing was installed. Find out who signed the package before anything else",
    )]


def _rpmkeys(store: str, *arguments: str) -> tuple[int, str]:
    status, out = process.run(["rpmkeys", "--dbpath", store, *arguments], dict(os.environ, LC_ALL="C"))
    if status == process.NOT_RUN:
        raise Refused(Problem("rpmkeys cannot be run on this host", out, "Install it again with 'dnf reinstall rpm'"))
    return status, out
