# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Combinations of what an old and a new package say of a path and what became of it on the disk, tried with a real rpm.

Each combination is a path of its own. Those that rpm may refuse are in a sub-package each, which is upgraded alone;
all others share one package, one installation and one upgrade.

C(build) makes the packages. C(try_out) installs, edits and upgrades, and returns what the headers said, what was on
the disk, and what came of it. Run as a script, with the folder that C(build) returned, this does the same with the rpm
around it and prints JSON; it needs nothing but Python and rpm's bindings.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import typing as t

BASE = "/etc/config-fates"
PLACE = f"{BASE}/place"
SUFFIXES = ("", ".rpmnew", ".rpmsave", ".rpmorig")

# How a kind of entry is written in a spec file; what begins with "link" is a symbolic link. There are no pipes: rpm
# 4.18.0 opens the pipe that it has made and waits for ever (its issue 2195).
KINDS = {
    "absent": None,
    "plain": "",
    "missingok": "%missingok",
    "config": "%config",
    "noreplace": "%config(noreplace)",
    "config-missingok": "%config(missingok)",
    "noreplace-missingok": "%config(noreplace,missingok)",
    "ghost": "%ghost",
    "ghost-config": "%ghost %config",
    "ghost-noreplace": "%ghost %config(noreplace)",
    "link": "",
    "link-config": "%config",
    "link-noreplace": "%config(noreplace)",
    "link-ghost-config": "%ghost %config",
    "link-place": "",
    "link-place-config": "%config",
    "link-place-ghost": "%ghost",
    "directory": "%dir",
    "directory-ghost": "%ghost %dir",
}
ABOUT_TREES = ("directory", "link-place")
LEAF_KINDS = [kind for kind in KINDS if not kind.startswith(ABOUT_TREES)]
TREE_KINDS = ["absent", "plain", "config", "noreplace", "ghost-config", *(kind for kind in KINDS if kind.startswith(ABOUT_TREES))]
MOVED_KINDS = ["plain", "config", "noreplace", "ghost-config", "link-config"]

# What became of the path: nothing, a file or link of the user's own, what the new package brings, gone, ...
LEAF_DISKS = ["untouched", "edited", "as-new", "deleted", "linked"]
TREE_DISKS = ["empty-directory", "full-directory", "linked-place"]

SPEC = """\
Name: config-fates
Version: {version}
Release: 1
Summary: Files of the tests
License: GPL-3.0-or-later
BuildArch: noarch
AutoReqProv: no
%global __os_install_post %{{nil}}
%global _binary_filedigest_algorithm {algorithm}
%global _binary_payload w0.ufdio
%description
Files of the tests.
%install
cp -a {tree} %{{buildroot}}
{packages}
"""
PACKAGE = """\
%package {name}
Summary: Files of the tests
%description {name}
Files of the tests.
%files {name}
{files}
"""
ALGORITHMS = {"md5": 1, "sha256": 8}


class Combination(t.NamedTuple):
    """One path: its kind in both packages, whether they bring the same, what became of it, and who owns it in each."""

    path: str
    old: str
    new: str
    same: bool
    disk: str
    alone: bool
    old_package: str
    new_package: str


def combinations() -> list[Combination]:
    """Return all combinations that differ."""
    found = []
    leaves = itertools.product(LEAF_KINDS, LEAF_KINDS, (True, False), LEAF_DISKS, (False,))
    moved = itertools.product(MOVED_KINDS, MOVED_KINDS, (True, False), LEAF_DISKS, (True,))
    for old, new, same, disk, moves in itertools.chain(leaves, moved):
        if not _is_void(old, new, same, disk):
            packages = ("from", "to") if moves else ("main", "main")
            path = "_".join([*(("moved",) if moves else ()), old, new, "same" if same else "changed", disk])
            found.append(Combination(f"{BASE}/{path}", old, new, same, disk, False, *packages))
    for old, new, disk in itertools.product(TREE_KINDS, TREE_KINDS, ["untouched", "edited", "deleted", *TREE_DISKS]):
        about_trees = disk in TREE_DISKS or old.startswith(ABOUT_TREES) or new.startswith(ABOUT_TREES)
        if about_trees and not _is_void(old, new, False, disk):
            name = f"{old}_{new}_{disk}"
            found.append(Combination(f"{BASE}/tree-{name}", old, new, False, disk, True, f"tree-{name}", f"tree-{name}"))
    assert len({row.path for row in found}) == len(found)
    return found


def _is_void(old: str, new: str, same: bool, disk: str) -> bool:
    """Say whether a combination is another one once more."""
    return (
        (old == new == "absent")
        or (same and "absent" in (old, new))
        or (same and old.startswith("link") != new.startswith("link"))
        # What was never there cannot be deleted, and what is not brought cannot be put there.
        or (disk == "deleted" and (old == "absent" or "ghost" in old))
        or (disk == "as-new" and new == "absent"))


def _content(row: Combination, whose: str) -> str:
    """Return what a file has or a link leads to. All of one length: rpm looks at sizes before digests."""
    return ("old" if row.same and whose == "new" else whose) + row.path.rpartition("/")[2]


def _make(path: str, kind: str, content: str) -> None:
    if kind.startswith("directory"):
        os.mkdir(path)
    elif kind.startswith("link-place"):
        os.symlink(PLACE, path)
    elif kind.startswith("link"):
        os.symlink(content, path)
    else:
        with open(path, "w", encoding="ascii") as handle:
            handle.write(content)


def build(folder: str, old_algorithm: str = "sha256", new_algorithm: str = "sha256") -> str:
    """Build both versions of all packages; return a folder with them and with the table of combinations."""
    rows = combinations()
    out = os.path.join(folder, "packages")
    os.mkdir(out)
    for whose, version, algorithm in (("old", "1", old_algorithm), ("new", "2", new_algorithm)):
        top = os.path.join(folder, whose)
        tree = os.path.join(top, "tree")
        os.makedirs(tree + PLACE)
        packages: dict[str, list[str]] = {"main": [f"%dir {BASE}", f"%dir {PLACE}"], "from": [], "to": []}
        for row in rows:
            kind = row.old if whose == "old" else row.new
            files = packages.setdefault(row.old_package if whose == "old" else row.new_package, [])
            if kind != "absent":
                files.append(f"{KINDS[kind]} {row.path}")
                _make(tree + row.path, kind, _content(row, whose))
        spec = os.path.join(top, "config-fates.spec")
        with open(spec, "w", encoding="ascii") as handle:
            handle.write(SPEC.format(
                version=version, tree=f"{tree}/etc", algorithm=ALGORITHMS[algorithm],
                packages="\n".join(PACKAGE.format(name=name, files="\n".join(files)) for name, files in packages.items())))
        _run([
            "rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define", f"_dbpath {top}/db", "--define",
            f"_rpmdir {out}", "--define", "_rpmfilename %%{NAME}-%%{VERSION}.rpm", "--define", f"buildroot {top}/BUILDROOT",
            spec])
    with open(os.path.join(out, "rows.json"), "w", encoding="ascii") as handle:
        json.dump(rows, handle)
    return out


def _run(argv: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
        env=dict(os.environ, LC_ALL="C"))
    if check and result.returncode:
        raise AssertionError(f"{argv[0]} ended with status {result.returncode}:\n{result.stdout[-3000:]}")
    return result


def try_out(packages: str, root: str, defines: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """Install the old packages below a root, edit the files, upgrade, and tell of each path what was and what is."""
    with open(os.path.join(packages, "rows.json"), encoding="ascii") as handle:
        rows = [Combination(*row) for row in json.load(handle)]
    os.makedirs(os.path.join(root, "tmp"))
    rpm = ["rpm", "--root", root, *(word for define in defines for word in ("--define", define))]
    _run([*rpm, "--initdb"])
    files = {
        version: {name: f"{packages}/config-fates-{name}-{version}.rpm"
                  for row in rows for name in (row.old_package, row.new_package)} for version in ("1", "2")}
    _run([*rpm, "-i", "--nosignature", *files["1"].values()])
    entries = {version: {name: _entries(path) for name, path in files[version].items()} for version in ("1", "2")}
    for row in rows:
        _edit(root, row)
    facts = []
    for row in rows:
        old = entries["1"][row.old_package].get(row.path)
        new = entries["2"][row.new_package].get(row.path)
        facts.append({
            "path": row.path, "old": old and old[0], "new": new and new[0],
            "disk": _disk(root + row.path, (old or new or (None, ""))[1], (new or old or (None, ""))[1]),
            "before": {"": _state(root + row.path)},
        })
    alone = {row.old_package: row.path for row in rows if row.alone}
    _run([*rpm, "-U", "--nosignature", *(path for name, path in files["2"].items() if name not in alone)])
    failed = {}
    for name, path in alone.items():
        result = _run([*rpm, "-U", "--nosignature", files["2"][name]], check=False)
        if result.returncode:
            failed[path] = result.stdout.strip()
    for fact in facts:
        fact["failed"] = failed.get(fact["path"], "")
        fact["after"] = {suffix: _state(root + fact["path"] + suffix) for suffix in SUFFIXES}
    return {"rpm": _run(["rpm", "--version"]).stdout.split()[-1], "facts": facts}


def _entries(path: str) -> dict[str, tuple[list[t.Any], str]]:
    """Return of each path in a package what is in an Entry, in its order, and the digest algorithm of the package."""
    import rpm
    ts = rpm.TransactionSet()
    ts.setVSFlags(rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    with open(path, "rb") as handle:
        header = ts.hdrFromFdno(handle.fileno())
    names = {number: name for name, number in ALGORITHMS.items()}
    algorithm = names[header[rpm.RPMTAG_FILEDIGESTALGO] or 1]
    return {
        entry.name: ([
            _kind(entry.mode), entry.digest or "", entry.linkto or "",
            bool(entry.fflags & rpm.RPMFILE_CONFIG), bool(entry.fflags & rpm.RPMFILE_NOREPLACE),
            bool(entry.fflags & rpm.RPMFILE_GHOST), bool(entry.fflags & rpm.RPMFILE_MISSINGOK)], algorithm)
        for entry in rpm.files(header)}


def _kind(mode: int) -> str:
    return {0o100000: "file", 0o120000: "symlink", 0o040000: "directory"}.get(mode & 0o170000, "other")


def _edit(root: str, row: Combination) -> None:
    """Do to an installed path what the combination says."""
    path = root + row.path
    if row.disk == "untouched":
        return
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    if row.disk == "edited":
        _make(path, "file", _content(row, "own"))
    elif row.disk == "as-new":
        _make(path, row.new, _content(row, "new"))
    elif row.disk == "linked":
        _make(path, "link", _content(row, "own"))
    elif row.disk == "linked-place":
        os.symlink("place", path)
    elif row.disk in ("empty-directory", "full-directory"):
        os.mkdir(path)
        if row.disk == "full-directory":
            _make(path + "/inside", "file", "inside")


def _disk(path: str, algorithm: str, new_algorithm: str) -> list[t.Any] | None:
    """Return what is in a Disk, in its order."""
    if not os.path.lexists(path):
        return None
    kind = _kind(os.lstat(path).st_mode)
    content = b""
    if kind == "file":
        with open(path, "rb") as handle:
            content = handle.read()
    digests = [hashlib.new(name, content).hexdigest() if kind == "file" else "" for name in (algorithm, new_algorithm)]
    # The links of this table lead from the root of the host, or beside.
    target = os.readlink(path) if kind == "symlink" else ""
    return [
        kind, digests[0], target, digests[1] if algorithm != new_algorithm else "", kind == "directory" and not os.listdir(path),
        os.path.basename(target) == "place"]


def _state(path: str) -> list[t.Any] | None:
    """Return what is at a path (its kind, its content) and its inode."""
    if not os.path.lexists(path):
        return None
    status = os.lstat(path)
    kind = _kind(status.st_mode)
    content: t.Any = ""
    if kind == "symlink":
        content = os.readlink(path)
    elif kind == "directory":
        content = sorted(os.listdir(path))
    elif kind == "file":
        with open(path, encoding="ascii") as handle:
            content = handle.read()
    return [kind, content, status.st_ino]


def new_content(row: Combination) -> list[t.Any]:
    """Return kind and content of what the new package brings."""
    content = _content(row, "new")
    if row.new.startswith("directory"):
        return ["directory", []]
    if row.new.startswith("link"):
        return ["symlink", PLACE if row.new.startswith("link-place") else content]
    return ["file", content]


if __name__ == "__main__":
    json.dump(try_out(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout)
