# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs within a transaction does not end it, and what it must record has its space."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import callback, jobfile, launch, worker

rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    return jobfile.Folder(str(tmp_path))


@pytest.fixture(name="full")
def fixture_full(monkeypatch):
    """Have no room for anything that was not reserved."""
    write = os.pwrite

    def pwrite(handle, text, offset):
        if os.fstat(handle).st_size < offset + len(text):
            raise FULL
        return write(handle, text, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)


@pytest.mark.parametrize("what", [
    "TRANS_START", "INST_OPEN_FILE", "INST_CLOSE_FILE", "UNPACK_ERROR", "CPIO_ERROR", "SCRIPT_START", "UNINST_STOP"])
@pytest.mark.parametrize("error", [FULL, ValueError("x"), MemoryError()])
def test_no_exception_reaches_rpm(folder, monkeypatch, what, error):
    def raising(*_args, **_more):
        raise error

    called = callback.Callback(folder)
    for name in ("_answer", "progress"):
        monkeypatch.setattr(called, name, raising)
    assert called(getattr(rpm, f"RPMCALLBACK_{what}"), 0, 1, "/packages/a.rpm", None) is None
    assert len(called.output) == 1


def test_progress_on_a_full_disk_is_not_told(folder, full):
    called = callback.Callback(folder)
    called.progress("a-1-1.noarch", None, 1, 1, 1, 2)
    assert folder.touched and folder.read(jobfile.STATUS) is None
    with pytest.raises(OSError):
        folder.runs(2)


def test_a_package_file_that_is_gone_is_an_empty_one(folder):
    called = callback.Callback(folder)
    handle = called(rpm.RPMCALLBACK_INST_OPEN_FILE, 0, 0, str(folder.path) + "/a.rpm", None)
    assert os.read(handle, 1) == b"" and called.broken == ["a.rpm"] and "No such file" in called.output[0]
    called(rpm.RPMCALLBACK_INST_CLOSE_FILE, 0, 0, "a", None)


@pytest.mark.parametrize(("said", "broken"), [
    ("Error unpacking rpm package a-1-1.noarch", ["a-1-1.noarch"]),
    ("Error in cpio payload of rpm package b-2-1.x86_64", ["b-2-1.x86_64"]),
    ("Error in POSTIN scriptlet in rpm package c", [])])
def test_what_dnf_tells_of_a_package_that_it_could_not_unpack_is_understood(folder, said, broken):
    called = callback.Callback(folder)
    called.error(said)
    assert called.broken == broken and called.output == [said]


@pytest.mark.parametrize("result", [
    {"ok": True, "refused": False, "output": ["short"]},
    {"ok": True, "refused": False, "output": ["x" * 300] * 10000, "items": [["upgrade"]] * 500},
    {"ok": False, "refused": False, "problems": [errors.Problem("a.b", "f", "r" * 100000, "m")], "traceback": "t" * 100000}])
def test_the_result_and_the_mark_are_written_on_a_full_disk(folder, full, result):
    with pytest.raises(OSError):
        folder.write(jobfile.RESULT, result)
    folder.reserve()
    worker.write_result(folder, result)
    found = folder.read(jobfile.RESULT)
    assert found["ok"] is result["ok"] and bool(found.get("output")) is bool(result.get("output"))
    assert bool(found.get("problems")) is not result["ok"]
    folder.mark(True)
    assert folder.read(jobfile.MARK) == {"done": True}


@pytest.fixture(name="small")
def fixture_small(tmp_path):
    """Mount a file system of 256 KiB."""
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)], check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    yield jobfile.Folder(str(tmp_path))
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_space_that_was_reserved_is_there_on_a_real_file_system_that_is_full(small):
    small.reserve()
    with pytest.raises(OSError), open(os.path.join(small.path, "filler"), "wb", buffering=0) as out:
        while True:
            out.write(b"x" * 4096)
    with pytest.raises(OSError):
        small.runs(1)
    small.status("waiting")
    worker.write_result(small, {"ok": True, "output": ["x" * 300] * 10000})
    small.mark(False)
    assert small.read(jobfile.MARK) == {"done": False} and small.read(jobfile.RESULT)["ok"]


def test_a_disk_without_that_space_is_refused_before_anything_changes(tmp_path, monkeypatch):
    from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io

    def raising(*_args):
        raise FULL

    monkeypatch.setattr(os, "posix_fallocate", raising)
    monkeypatch.setattr(launch.kind, "of_this_host", lambda: launch.kind.Kind(launch.kind.BOOTED, ()))
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))
    with pytest.raises(errors.Refused, match="No space left on device. Nothing was changed. Make room there"):
        launch.carry_out(target, jobfile.Job("run-1.0", [], [], [], None, False, 1.0, []))
