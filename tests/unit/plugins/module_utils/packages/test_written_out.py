# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rpm writes out each file of a transaction of the collection; tests/vm/test_power_cut.py shows on machines what that does."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, repair, supply, worker, written_out

rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
MACRO = "%{?_flush_io}"


@pytest.fixture(name="of_host", params=["", "0", "1"])
def fixture_of_host(request):
    """What the host's own macros say."""
    if request.param:
        rpm.addMacro("_flush_io", request.param)
    yield request.param
    if request.param:
        rpm.delMacro("_flush_io")


def test_each_file_is_written_out_unless_the_host_says_something_else(of_host):
    with pytest.raises(KeyError), written_out.each_file():
        assert rpm.expandMacro(MACRO) == (of_host or "1")
        raise KeyError
    assert rpm.expandMacro(MACRO) == of_host


def test_what_completes_a_transaction_writes_out_each_file(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(supply, "at_hand", lambda *_given: {"a-1-1.noarch": "/a.rpm"})
    monkeypatch.setattr(worker.paths, "of_files", lambda _files: [])
    monkeypatch.setattr(worker.paths, "installed", lambda _nevras: [])
    monkeypatch.setattr(worker, "wait_for_rpm", lambda *_given: None)
    monkeypatch.setattr(repair, "make", lambda *_given: seen.append(rpm.expandMacro(MACRO)))
    for name in ("run-1.0", "run-1.0.whole"):
        (tmp_path / name).mkdir()
    job = jobfile.Job("run-1.0.whole", [], [], [], None, False, 1.0, [], completes="run-1.0")
    worker.run(jobfile.Folder(str(tmp_path / "run-1.0.whole")), job)
    assert seen == ["1"] and rpm.expandMacro(MACRO) == ""


def test_what_cannot_be_written_to_the_disk_is_once_the_disk_is_mended(monkeypatch, tmp_path):
    def syncfs(_handle):
        if broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    broken = [True]
    monkeypatch.setattr(written_out.boot_disk, "syncfs", syncfs)
    with pytest.raises(errors.Failed) as failed:
        written_out.write_out([str(tmp_path)])
    assert [problem.code for problem in failed.value.problems] == ["transaction.not_on_disk"]
    broken.clear()
    written_out.write_out([str(tmp_path)])
