# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons of package files by rpm 4.16 and Python 3.9, held against those that this machine makes of the same files."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import common, rpms, versions  # noqa: E402

# Names of the packages that are compared, stock against Hyperscale.
FAMILIES = {
    "systemd": ("systemd", "systemd-libs", "systemd-pam", "systemd-udev"), "iptables": ("iptables-libs", "iptables-nft"),
    "e2fsprogs": ("e2fsprogs", "e2fsprogs-libs", "libcom_err", "libss"), "zstd": ("zstd", "libzstd")}
# What differs between two looks at the same files.
OF_THE_LOOK = ("cost", "time", "tool_versions")


def packages(stream, repo, names):
    """Return the newest package of each name in a repository of the lab; those that it does not have are left out."""
    folder = rpms.web_root() / rpms.repositories(stream)[repo]["path"] / "Packages"
    found = {}
    for path in sorted(folder.glob("*.rpm"), key=lambda path: path.stat().st_mtime):
        name = path.name.rsplit("-", 2)[0]
        if name in names:
            found[name] = path
    return list(found.values())


def compared(argv):
    """Return the exit status and the report of a comparison."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stdout[-1000:] + done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


def lasting(report):
    """Return what a report says of the files."""
    checks = [dict(check, seconds=0) for check in report["checks"]]
    return dict({key: value for key, value in report.items() if key not in OF_THE_LOOK}, checks=checks)


@pytest.mark.parametrize("stream", common.STREAMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_report_is_the_same(stream, family, tmp_path):
    old, new = (packages(stream, repo, FAMILIES[family]) for repo in ("baseos", "main"))
    if not old or not new:
        pytest.fail(f"the lab has no packages of {family} for Stream {stream}: build them with 'python tests/lab build'")
    for side, files in (("old", old), ("new", new)):
        (tmp_path / side).mkdir()
        for path in files:
            shutil.copy(path, tmp_path / side)
    (tmp_path / "layers").mkdir()

    def words(python, tree, files):
        sides = [word for side in ("old", "new") for word in (
            f"--{side}", *(f"{files}/{side}/{path.name}" for path in sorted((tmp_path / side).iterdir())))]
        return [python, f"{tree}/scripts/dropin_compare.py", *sides]

    status, here = compared(words("/usr/bin/python3", TREE, tmp_path))
    shown = {"srv/tree": TREE, "srv/files": tmp_path}
    there = compared(versions.inside(versions.root(), tmp_path / "layers", shown, words("python3", "/srv/tree", "/srv/files")))
    assert [there[1]["tool_versions"][name].split(".")[:2] for name in ("python", "rpm")] == [["3", "9"], ["4", "16"]]
    assert here["findings"], "nothing was compared"
    assert (there[0], lasting(there[1])) == (status, lasting(here))
