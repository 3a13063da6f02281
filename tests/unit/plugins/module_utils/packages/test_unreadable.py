# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks, saved packages and lists of dnf that cannot be looked at: raised, and not taken for free or gone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import boot_room, dnf_base, locks, rpmdb, solver, store

KERNEL = solver.Item("install", "kernel-core", "1-1", "x86_64", "", 0, 0)
CODES = [errno.EACCES, errno.EIO]


@pytest.fixture(name="lock")
def fixture_lock(tmp_path, monkeypatch):
    """The path of rpm's lock, below a folder."""
    path = tmp_path / "rpm/.rpm.lock"
    monkeypatch.setattr(locks, "rpm", types.SimpleNamespace(expandMacro=lambda macro: str(path)))
    return path


def test_a_lock_that_nobody_has_made_is_free(lock):
    assert locks._rpm_lock_holder() is None
    lock.parent.mkdir()
    lock.touch()
    assert locks._rpm_lock_holder() is None


def test_a_lock_whose_path_leads_through_a_file_or_in_a_circle(lock):
    lock.parent.touch()
    with pytest.raises(NotADirectoryError):
        locks._rpm_lock_holder()
    lock.parent.unlink()
    os.symlink("rpm", lock.parent)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        locks._rpm_lock_holder()


@pytest.mark.parametrize("code", CODES)
def test_a_lock_that_cannot_be_looked_at_is_not_free(lock, monkeypatch, code):
    def refuse(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match=os.strerror(code)):
        locks.wait_for_rpm(0.0)


@pytest.mark.parametrize(("pid", "words"), [
    (0, "a process that the system does not name"), (-1, "a process that the system does not name"),
    (20, "process 20 (/usr/bin/python3 /usr/bin/dnf)"), (21, "process 21 (it has no command line)"),
    (22, "process 22 (already gone)"), (23, "process 23 (its command line cannot be read: Is a directory)"),
])
def test_a_holder_of_which_little_is_known_is_not_said_to_be_gone(tmp_path, monkeypatch, pid, words):
    monkeypatch.setattr(locks, "PROC", str(tmp_path))
    for name, line in (("20", "/usr/bin/python3\0/usr/bin/dnf\0"), ("21", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cmdline").write_text(line)
    (tmp_path / "23/cmdline").mkdir(parents=True)
    assert locks.process(pid) == words


HOLDER = """
import fcntl, os, struct, sys
handle = os.open(sys.argv[1], os.O_RDWR)
kind = getattr(fcntl, sys.argv[2])
if len(sys.argv) > 3:
    fcntl.fcntl(handle, 37, struct.pack("@hhqqi4x", kind, 0, 0, 0, 0))  # F_OFD_SETLK
else:
    fcntl.fcntl(handle, fcntl.F_SETLK, struct.pack("@hhqqi4x", kind, 0, 0, 0, 0))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("how", "named"), [(["F_WRLCK"], True), (["F_RDLCK"], True), (["F_WRLCK", "of a file description"], False)])
def test_a_lock_that_another_process_holds(lock, how, named):
    """Real locks of the kernel. rpm takes one for all its life, and a lock of a file description has no process."""
    lock.parent.mkdir()
    lock.touch()
    with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(lock), *how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        words = f"process {holder.pid} " if named else "a process that the system does not name"
        with pytest.raises(Refused, match=f"the lock of rpm is held by {words}"):
            locks.wait_for_rpm(0.0)
        holder.stdin.close()
    assert locks._rpm_lock_holder() is None


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("look", [
    lambda folder: store.Store(folder).whole(),
    lambda folder: boot_room.problems(folder, [KERNEL]),
    rpmdb._database_below,
])
def test_what_cannot_be_looked_at_is_raised(tmp_path, monkeypatch, look, code):
    if rpmdb.rpm is None:
        pytest.skip("no rpm bindings for this Python")
    (tmp_path / store.INDEX).write_text('{"tool-1-1.noarch": {"file": "tool.rpm", "sha256": ""}}')
    assert not look(str(tmp_path))

    def stat(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(str(tmp_path))


@pytest.mark.parametrize("code", CODES)
def test_a_configuration_of_the_version_lock_that_cannot_be_read(tmp_path, monkeypatch, code):
    assert dnf_base._locklist_of(str(tmp_path)) is None
    (tmp_path / "versionlock.conf").write_text("[main]\nlocklist = /etc/dnf/plugins/versionlock.list\n")
    assert dnf_base._locklist_of(str(tmp_path)) == "/etc/dnf/plugins/versionlock.list"

    def failing(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(OSError, match=os.strerror(code)):
        dnf_base._locklist_of(str(tmp_path))
