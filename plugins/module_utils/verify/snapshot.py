# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot of a host before a swap, as it is kept on the host.

One folder a snapshot, of files that are written whole. The manifest comes last and has the digest of each of the others:
without it a snapshot was cut short and is never used, and one whose files do not match it is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import typing as t

from ..core import foreign, identity, ledger
from ..core.errors import Problem, Refused
from ..core.host_io import STATE_DIR, FileState, Target, is_there, names_in

FOLDER = "snapshots"
MANIFEST, CONTENT, PREDICTION = "manifest.json", "content.json", "prediction.json"
# Lies beside the rest once the proof was accepted; it is no part of what was saved.
PROVEN = "proven"
HEADER = "header-{number:04d}"
FORMAT = 1
# So many snapshots are kept of those that no standing run needs.
KEPT = 20
ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
TAKE_ONE = "Take a snapshot with host_snapshot before the swap"


class Snapshot(t.NamedTuple):
    """What a host was. C(headers) has rpm's own bytes by NEVRA; C(prediction) is the report of the predict phase."""

    id: str
    time: float
    content: dict[str, t.Any]
    headers: dict[str, bytes]
    prediction: dict[str, t.Any] | None


def place(snapshot: str) -> str:
    """Return the folder of a snapshot, as a path of the host."""
    return os.path.join(STATE_DIR, FOLDER, snapshot)


def checked_id(snapshot: str) -> str:
    """Return an id that can be the name of a folder; raises Refused for any other."""
    if not ID.match(snapshot):
        raise Refused(Problem(
            "snapshot.id", f"the snapshot id {snapshot!r}", "it is not the name of one folder",
            "Begin with a letter or a digit, and use these, dots, dashes and underscores, up to 100 of them"))
    return snapshot


def complete(target: Target, snapshot: str) -> bool:
    """Say whether there is a snapshot of this id that was written to its end."""
    return is_there(os.path.join(target.state_dir, FOLDER, checked_id(snapshot), MANIFEST))


def save(
    target: Target, snapshot: str, content: dict[str, t.Any], headers: t.Mapping[str, bytes],
    prediction: dict[str, t.Any] | None,
) -> str:
    """Write a snapshot and return its folder as a path of the host. A complete one is never written over."""
    if complete(target, snapshot):
        raise Refused(Problem(
            "snapshot.exists",
            f"there is a snapshot {snapshot} already", "it says what this host was, and that must not change afterwards",
            "Choose another id, or leave the id out", subject=snapshot))
    names = {HEADER.format(number=number): nevra for number, nevra in enumerate(sorted(headers))}
    blobs = {CONTENT: _bytes(content), **{name: headers[nevra] for name, nevra in names.items()}}
    if prediction is not None:
        blobs[PREDICTION] = _bytes(prediction)
    manifest = _bytes({
        "format": FORMAT, "id": snapshot, "time": content["time"], "after_run": newest_run(target), "headers": names,
        "files": {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()}})
    try:
        target.private_folder(FOLDER)
        target.private_folder(FOLDER, snapshot)
        for name, blob in (*blobs.items(), (MANIFEST, manifest)):
            _write(target, snapshot, name, blob)
    except OSError as error:
        shutil.rmtree(os.path.join(target.state_dir, FOLDER, snapshot), ignore_errors=True)
        raise foreign.refused(error, f"the snapshot cannot be kept in {place(snapshot)}") from error
    return place(snapshot)


def _bytes(content: t.Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode("utf-8")


def _write(target: Target, snapshot: str, name: str, blob: bytes) -> None:
    # The door takes text; bytes that are none go through it unchanged this way.
    text, me = blob.decode("utf-8", "surrogateescape"), str(os.geteuid())
    target.write(os.path.join(place(snapshot), name), FileState(text, "0600", me, str(os.getegid())))


def unproven(target: Target) -> str | None:
    """Return the id of the newest snapshot, if it has a prediction and nobody has proven yet what came of that.

    A controller that was lost in the middle leaves such a one.
    """
    folder = os.path.join(target.state_dir, FOLDER)
    whole = _whole(target)
    newest = max(whole, key=lambda name: (whole[name]["time"], name), default=None)
    if newest is None or PREDICTION not in whole[newest]["files"] or is_there(os.path.join(folder, newest, PROVEN)):
        return None
    return newest


def newest_run(target: Target) -> int:
    """Return the place of the newest run of this host in the sequence of runs, by which a snapshot is found again."""
    return max([identity.noted_sequence(target), *map(ledger.sequence_of, ledger.runs(target))])


def newest_after(target: Target, lowest: int, highest: int) -> str | None:
    """Return the id of the newest complete snapshot that was taken after a run whose place in the sequence lies between two
    others, or at them; None where there is none."""
    found = {name: manifest for name, manifest in _whole(target).items() if lowest <= manifest.get("after_run", -1) <= highest}
    return max(found, key=lambda name: (found[name]["after_run"], found[name]["time"], name), default=None)


def prune(target: Target, oldest: int) -> None:
    """Take away the snapshots that were taken before all runs from one on were begun, but for the newest KEPT. A damaged one
    stays: who asks for it is told."""
    known = {}
    for name in names_in(os.path.join(target.state_dir, FOLDER)):
        with contextlib.suppress(Refused):
            known.update({name: _manifest(target, name)} if ID.match(name) and complete(target, name) else {})
    in_order = sorted(known, key=lambda name: (known[name].get("after_run", 0), known[name]["time"], name))
    for name in in_order[:-KEPT]:
        if known[name].get("after_run", 0) < oldest - 1:
            shutil.rmtree(os.path.join(target.state_dir, FOLDER, name), ignore_errors=True)


def _whole(target: Target) -> dict[str, dict[str, t.Any]]:
    """Return the manifests of all complete snapshots, by their ids."""
    known = names_in(os.path.join(target.state_dir, FOLDER))
    return {name: _manifest(target, name) for name in known if ID.match(name) and complete(target, name)}


def settle(target: Target, snapshot: str, check: bool) -> bool:
    """Note that what came of a snapshot's prediction was proven and accepted; return whether that was, or would be, news."""
    news = not is_there(os.path.join(target.state_dir, FOLDER, snapshot, PROVEN))
    if news and not check:
        _write(target, snapshot, PROVEN, b"")
    return news


def load(target: Target, snapshot: str | None = None) -> Snapshot:
    """Return a snapshot, the newest complete one by default. Raises Refused where there is none that can be used."""
    if snapshot is not None:
        return _read(target, checked_id(snapshot), _manifest(target, snapshot))
    manifests = _whole(target)
    if not manifests:
        known = names_in(os.path.join(target.state_dir, FOLDER))
        cut_short = f"; {len(known)} were cut short" if known else ""
        raise Refused(Problem(
            "snapshot.none", f"no complete snapshot below {place('')}{cut_short}", "there is nothing to compare with", TAKE_ONE))
    newest = max(manifests, key=lambda name: (manifests[name]["time"], name))
    return _read(target, newest, manifests[newest])


def _manifest(target: Target, snapshot: str) -> dict[str, t.Any]:
    path = os.path.join(target.state_dir, FOLDER, snapshot, MANIFEST)
    try:
        with open(path, "rb") as handle:
            manifest = json.load(handle)
    except FileNotFoundError:
        there = os.path.isdir(os.path.dirname(path))
        reason = "it was cut short while it was written" if there else "there is no such snapshot"
        raise Refused(Problem(
            "snapshot.unusable", f"the snapshot {snapshot} cannot be used", reason, TAKE_ONE, subject=snapshot)) from None
    except (OSError, ValueError) as error:
        raise _corrupt(snapshot, f"its manifest cannot be read: {error}") from error
    if not isinstance(manifest, dict) or not {"format", "time", "headers", "files"} <= manifest.keys():
        raise _corrupt(snapshot, "its manifest is not whole")
    if manifest["format"] != FORMAT:
        raise _corrupt(snapshot, f"it has format {manifest['format']!r}, and this release of the collection reads {FORMAT}")
    return manifest


def _read(target: Target, snapshot: str, manifest: dict[str, t.Any]) -> Snapshot:
    blobs = {name: _blob(target, snapshot, name, digest) for name, digest in manifest["files"].items()}
    try:
        content = json.loads(blobs[CONTENT])
        prediction = json.loads(blobs[PREDICTION]) if PREDICTION in blobs else None
        headers = {nevra: blobs[name] for name, nevra in manifest["headers"].items()}
    except (KeyError, ValueError) as error:
        raise _corrupt(snapshot, f"its content is not whole: {error!r}") from error
    return Snapshot(snapshot, content["time"], content, headers, prediction)


def _blob(target: Target, snapshot: str, name: str, digest: str) -> bytes:
    try:
        with open(os.path.join(target.state_dir, FOLDER, snapshot, os.path.basename(name)), "rb") as handle:
            blob = handle.read()
    except OSError as error:
        raise _corrupt(snapshot, f"{name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(blob).hexdigest() != digest:
        raise _corrupt(snapshot, f"{name} is not what was written")
    return blob


def _corrupt(snapshot: str, reason: str) -> Refused:
    return Refused(Problem(
        "snapshot.damaged",
        f"the snapshot {snapshot} is damaged", reason, f"Name another one, or {TAKE_ONE[0].lower()}{TAKE_ONE[1:]}",
        subject=snapshot))
