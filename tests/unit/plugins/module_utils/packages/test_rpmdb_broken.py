# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package database that rpm cannot read: it must never look like a host without packages."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb


@pytest.fixture
def broken(rpm_root):
    """Return how to spoil a database with two packages in it."""
    rpm_root.install("one", "1", "1")
    rpm_root.install("two", "1", "1")
    folder = rpmdb.database_path(rpm_root.root)
    path = os.path.join(folder, "rpmdb.sqlite")
    if not os.path.exists(path):
        pytest.skip("this rpm keeps its packages in no sqlite database")

    def spoil(change):
        for name in os.listdir(folder):
            if name.startswith("rpmdb.sqlite-"):
                os.unlink(os.path.join(folder, name))
        with open(path, "rb") as handle:
            data = handle.read()
        with open(path, "wb") as handle:
            handle.write(change(data))
        return rpm_root.root, folder

    return spoil


SPOILT = {
    "garbage": lambda data: b"garbage" * 4000,
    "nothing": lambda data: b"",
    "half": lambda data: data[:len(data) // 2],
    "a bad page": lambda data: data[:4096] + b"\xff" * 8192 + data[12288:],
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_database_is_said_with_its_path_and_a_remedy(broken, change):
    root, folder = broken(change)
    with pytest.raises(OSError, match="rpmdb --rebuilddb") as said:
        rpmdb.installed(rpmdb.transaction_set(root))
    assert folder in str(said.value)


def test_a_whole_one_is_read(broken):
    root, _folder = broken(lambda data: data)
    assert [package.name for package in rpmdb.installed(rpmdb.transaction_set(root))] == ["one", "two"]


def test_a_database_without_packages_is_no_host(rpm_root):
    with pytest.raises(OSError, match="no package in it"):
        rpmdb.installed(rpmdb.transaction_set(rpm_root.root))
    # Keys alone are no packages either, and can be read.
    assert rpmdb.public_keys(rpmdb.transaction_set(rpm_root.root)) == []


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_the_planner_refuses(broken, change, monkeypatch):
    root, folder = broken(change)
    ts = rpmdb.transaction_set
    monkeypatch.setattr(rpmdb, "transaction_set", lambda: ts(root))
    with pytest.raises(Refused) as refused:
        rpmdb.installed_or_refuse()
    (problem,) = refused.value.problems
    assert problem.fact == "the packages of this host cannot be read"
    assert folder in problem.reason and problem.remedy == rpmdb.REPAIR


def test_what_rpm_logs_goes_where_it_went_before(broken, capfd):
    root, _folder = broken(SPOILT["garbage"])
    with pytest.raises(OSError):
        rpmdb.transaction_set(root)
    assert capfd.readouterr().err == ""
    rpmdb.rpm.log(rpmdb.rpm.RPMLOG_ERR, "said aloud\n")
    assert "said aloud" in capfd.readouterr().err


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_a_database_is_read_once_it_is_brought_back_from_a_backup(broken, change, monkeypatch):
    ts = rpmdb.transaction_set
    root, folder = broken(lambda data: data)
    kept = pathlib.Path(folder, "rpmdb.sqlite").read_bytes()
    broken(change)
    monkeypatch.setattr(rpmdb, "transaction_set", lambda: ts(root))
    with pytest.raises(Refused) as refused:
        rpmdb.installed_or_refuse()
    assert [problem.code for problem in refused.value.problems] == ["rpm.database_unreadable"]
    for left in pathlib.Path(folder).glob("rpmdb.sqlite-*"):
        left.unlink()
    pathlib.Path(folder, "rpmdb.sqlite").write_bytes(kept)
    assert [package.name for package in rpmdb.installed_or_refuse()] == ["one", "two"]


def test_a_rebuild_loses_packages_so_the_remedy_has_a_copy_made_first(broken):
    root, folder = broken(SPOILT["a bad page"])
    # It ends with status 0 here, and the database that it leaves has no package.
    subprocess.run(["rpmdb", "--root", root, "--rebuilddb"], capture_output=True, check=False)
    try:
        left = [package.name for package in rpmdb.installed(rpmdb.transaction_set(root))]
    except OSError:
        left = []
    assert left != ["one", "two"] and os.path.isdir(folder)
    assert "copy its folder aside before 'rpmdb --rebuilddb'" in rpmdb.REPAIR
