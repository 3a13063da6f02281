# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys and signatures: pinned keys, and packages checked against the keys of their repository.

Packages are checked by rpm's own C(rpmkeys) with a key store made for the check. Where a key is pinned, the store has that key
alone. Else it has what dnf would accept: the keys that the repository names, and those in the package database.

rpm decides whether it takes a key. Newer rpm refuses one whose own signatures are too weak, and older rpm refuses one of a
newer version, so that the status of each import is read.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t

from ..core import modes, process
from ..core.errors import CannotRead, Problem, Refused
from ..text import openpgp

# A line of rpmkeys on a signature: who made it, and what rpm says of it.
SIGNATURE = re.compile(r"\bkey (?:id|fingerprint):? ?([0-9a-f]{8,64}): (\w+)", re.IGNORECASE)
BAD = re.compile(r": BAD\b|not an rpm package")
IN_RPM = ("rpm", "-q", "gpg-pubkey", "--qf", "%{NAME}-%{VERSION}-%{RELEASE} %{VERSION}\n%{DESCRIPTION}\n")
NO_KEY_IN_RPM = "package gpg-pubkey is not installed"
IN_RPM_HEAD = re.compile(r"^(gpg-pubkey-\S+) ([0-9a-f]{8,64})$", re.MULTILINE)
NOTHING_DONE = "Nothing was installed. "
ANOTHER_BUILD = "Use a build whose signature this rpm accepts"
NO_KEY = "it is not an OpenPGP public key"


class Source(t.NamedTuple):
    """What lies at an address that is to have a key; C(trouble) says why it cannot be read."""

    where: str
    data: bytes
    trouble: str = ""


class Ring(t.NamedTuple):
    """The keys that may sign a repository's packages, each armoured alone; where they are from, in words; and why further keys
    that the repository names cannot be read."""

    keys: list[str]
    named: list[str]
    faults: list[str]


class Imported(t.NamedTuple):
    """A key in the package database, and the name of the package it is there."""

    package: str
    key: openpgp.Key


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint as 40 upper-case hex digits, or an empty string when it is not one."""
    digits = "".join(text.split()).upper()
    return digits if len(digits) == 40 and not set(digits) - set("0123456789ABCDEF") else ""


def read(data: str | bytes) -> openpgp.Found:
    """Return the keys in the text or the bytes of a key file."""
    return openpgp.read(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)


def pinned(sources: t.Iterable[Source], fingerprint: str) -> str:
    """Return the pinned key alone, armoured, from the first source that has it; refuse when none has it.

    Further keys of a source are left out: they are not trusted because they lie beside the pinned one.
    """
    places, said, seen = [], [], False
    for source in sources:
        found = read(source.data)
        for key in found.keys:
            if key.fingerprint == fingerprint:
                return key.armoured()
        seen = seen or bool(found.keys)
        faults = [source.trouble] if source.trouble else found.faults or ([] if found.keys else [NO_KEY])
        places.append(source.where)
        said.append(f"{source.where}: " + "; ".join([*(f"its fingerprint is {key}" for key in found.keys), *faults]))
    where = ", ".join(places) or "no place that the repository names"
    if not seen:
        raise Refused(Problem(
            "key.not_found",
            f"the key at {where}", "; ".join(said) or "the repository names no key, and rpm does not know the pinned one",
            f"Put the armoured key {fingerprint} that the SIG publishes there, or give its text with the role",
            subject=fingerprint))
    raise Refused(Problem(
        "key.not_pinned", f"the key at {where}", f"{'; '.join(said)}; not the pinned {fingerprint}",
        "Find out who changed the key; only then change the pinned fingerprint", subject=fingerprint))


def others(data: bytes, fingerprint: str) -> list[openpgp.Key]:
    """Return the keys in a file besides the pinned one."""
    return [key for key in read(data).keys if key.fingerprint != fingerprint]


def in_rpm(run: t.Callable[[t.Sequence[str]], tuple[int, str]]) -> list[Imported]:
    """Return the keys in the package database, by a function that runs a command.

    The armoured text of each is its description; the version has the end of the fingerprint, or all of it in newer rpm.
    """
    status, out = run(IN_RPM)
    if out.strip() == NO_KEY_IN_RPM:
        return []
    heads = list(IN_RPM_HEAD.finditer(out))
    if status or not heads:
        raise CannotRead(Problem(
            "rpm.keys_unreadable", "the keys that rpm knows cannot be read",
            " ".join(out.split()) or f"rpm ended with status {status}",
            "See what 'rpmdb --verifydb' says of the package database; bring that back from a backup, or copy its folder aside "
            "before 'rpmdb --rebuilddb', which leaves out what it cannot read. Then run again"))
    found = []
    for head, end in zip(heads, [*(head.start() for head in heads[1:]), len(out)]):
        for key in read(out[head.end():end]).keys:
            if key.made(head.group(2)):
                found.append(Imported(head.group(1), key))
    return found


def call(argv: t.Sequence[str]) -> tuple[int, str]:
    """Run a command where there is no module to do it; return its status and what it printed."""
    return process.run(argv, dict(os.environ, LC_ALL="C"))


def refusal(armoured: str, workdir: str | None) -> str:
    """Return what rpm of this host says when it refuses a key; empty when it takes the key. Nothing of the host changes."""
    with tempfile.TemporaryDirectory(prefix="keys-", dir=workdir) as store:
        return _import(store, armoured, 0)


def refused(key: openpgp.Key, said: str) -> Problem:
    """Say that rpm does not take a key."""
    remedy = (
        "Use the form of this key whose self-signature is newer, where the repository names the key: rpm refuses one by SHA-1"
        if key.version == 4 else "A key of this version needs a newer rpm: use builds that another key of the repository signed")
    return Problem(
        "key.refused_by_rpm", f"key {key}", f"rpm {_version()} of this host refuses it: {said}", remedy, subject=key.fingerprint)


def check_packages(packages: t.Mapping[str, str], ring: Ring, repo_id: str, workdir: str) -> None:
    """Check signatures and digests of package files (path to NEVRA) against the keys of their repository."""
    if not packages:
        return
    with tempfile.TemporaryDirectory(prefix="keys-", dir=workdir) as store:
        for number, armoured in enumerate(ring.keys):
            # A key that rpm does not take is told of where a package is signed by it.
            _import(store, armoured, number)
        bad = [
            problem for path, nevra in sorted(packages.items())
            for problem in _check(store, path, f"package {nevra} of repository {repo_id}", ring)]
    if bad:
        raise Refused(*bad)


def _check(store: str, path: str, fact: str, ring: Ring) -> list[Problem]:
    status, out = _rpmkeys(store, "--define", "_pkgverify_level all", "--checksig", "--verbose", path)
    if status == 0:
        return []
    lines = [line.strip() for line in out.splitlines() if line.strip() not in ("", f"{path}:")]
    said = [line for line in lines if not line.endswith((": OK", ": NOTFOUND"))]
    signers = [match.group(1) for match in map(SIGNATURE.search, said) if match and match.group(2) == "NOKEY"]
    if not lines or any(BAD.search(line) for line in said):
        return [Problem(
            "package.damaged", fact, "it is damaged or was changed: " + ("; ".join(said) or "rpm cannot read it as a package"),
            NOTHING_DONE + "Take the file out of dnf's cache ('dnf clean packages') and find out who changed the package")]
    if len(signers) < len(said):
        return [Problem(
            "package.signature_not_accepted",
            fact, f"rpm {_version()} of this host does not accept its signature: " + "; ".join(said),
            NOTHING_DONE + ANOTHER_BUILD)]
    return [unaccepted(fact, signers[0] if signers else None, ring, store)]


def unaccepted(fact: str, signer: str | None, ring: Ring, workdir: str | None, said: str = "") -> Problem:
    """Return why a package's signature does not count as one by a key of a ring.

    C(signer) is the id of the key that made it; None where the package is not signed. C(said) is what rpm says of the signature.
    """
    if signer is None:
        return Problem(
            "package.not_signed", fact, "it is not signed", NOTHING_DONE + "Find out who built the package before anything else")
    known = [key for armoured in ring.keys for key in read(armoured).keys]
    for key in (key for key in known if key.made(signer)):
        why = refusal(key.armoured(), workdir)
        if why:
            problem = refused(key, why)
            return Problem(
                "package.signed_by_refused_key", fact, f"{problem.fact} made its signature, and {problem.reason}",
                NOTHING_DONE + problem.remedy)
        return Problem(
            "package.signature_wrong", fact, f"it is signed by key {key}, and {said or 'rpm does not accept the signature'}",
            NOTHING_DONE + ANOTHER_BUILD)
    signed = f"it is signed by key {signer.lower()}"
    if ring.faults:
        return Problem(
            "package.keys_unreadable", fact,
            f"{signed}, and not all keys of the repository can be read: " + "; ".join(ring.faults),
            NOTHING_DONE + "Put the key where the repository names it")
    if not ring.named:
        rest = "that one is not among the keys that rpm knows" if known else "rpm knows none"
        return Problem(
            "package.key_not_named", fact, f"{signed}. The repository names no key (gpgkey), and {rest}",
            NOTHING_DONE + "Name the key in the repository's option gpgkey, or import it with 'rpmkeys --import'")
    return Problem(
        "package.signed_by_another_key", fact,
        f"{signed}, and its signature is not one of the repository's own key: "
        + (", ".join(map(str, known)) or "there is none"),
        NOTHING_DONE + "Find out who signed the package before anything else")


def _import(store: str, armoured: str, number: int) -> str:
    """Import a key into a store; return what rpm says when it does not take the key."""
    path = os.path.join(store, f"{number}.asc")
    with open(path, "w", encoding="ascii", opener=modes.private) as handle:
        handle.write(armoured)
    status, out = _rpmkeys(store, "--import", path)
    os.unlink(path)
    return "" if status == 0 else words(out, path) or f"rpmkeys ended with status {status}"


def words(out: str, path: str) -> str:
    """Return what rpm said of a key in one line, without the name of the file that it was given in."""
    return "; ".join(" ".join(line.replace(f"{path}: ", "").split()) for line in out.splitlines() if line.strip())


def _version() -> str:
    status, out = _rpmkeys("/nonexistent", "--version")
    return out.split()[-1] if status == 0 and out.split() else ""


def _rpmkeys(store: str, *arguments: str) -> tuple[int, str]:
    status, out = call(["rpmkeys", "--dbpath", store, *arguments])
    if status == process.NOT_RUN:
        raise Refused(Problem(
            "rpm.rpmkeys_not_run", "rpmkeys cannot be run on this host", out, "Install it again with 'dnf reinstall rpm'"))
    return status, out
