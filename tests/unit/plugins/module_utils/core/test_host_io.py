# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the door to the host tells apart: a path that leads nowhere, one that cannot be told of, and commands not started."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io

LOOKS = (host_io.is_folder, host_io.is_file, host_io.leads_somewhere)


@pytest.fixture(name="paths")
def fixture_paths(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    os.symlink("folder", tmp_path / "to-folder")
    os.symlink("/dev/null", tmp_path / "to-device")
    os.symlink("nowhere", tmp_path / "dangling")
    os.symlink("circle", tmp_path / "circle")
    return tmp_path


@pytest.mark.parametrize(("name", "folder", "file", "somewhere"), [
    ("folder", True, False, True), ("to-folder", True, False, True), ("file", False, True, True),
    ("to-device", False, False, True), ("absent", False, False, False), ("dangling", False, False, False),
    ("circle", False, False, False), ("file/below", False, False, False), ("circle/below", False, False, False),
])
def test_what_a_path_leads_to(paths, name, folder, file, somewhere):
    assert [look(str(paths / name)) for look in LOOKS] == [folder, file, somewhere]


@pytest.mark.parametrize("look", LOOKS)
def test_a_name_that_no_file_system_takes_is_not_absent(paths, look):
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        look(str(paths / ("x" * 300)))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_what_cannot_be_told_is_raised(paths, monkeypatch, look, code):
    def stat(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(str(paths / "file"))


@pytest.mark.parametrize(("code", "status"), [
    (errno.ENOENT, host_io.NOT_THERE), (errno.EACCES, host_io.NOT_STARTED), (errno.E2BIG, host_io.NOT_STARTED),
    (errno.ENOMEM, host_io.NOT_STARTED), (errno.ENOEXEC, host_io.NOT_STARTED),
])
def test_a_command_that_could_not_be_started_is_missing_only_where_there_is_none(tmp_path, code, status):
    def run(argv):
        raise OSError(code, os.strerror(code))

    target = host_io.Target(run, str(tmp_path))
    assert target.probe(["tool"]) == (status, "")
    with pytest.raises(errors.Failed, match=os.strerror(code)):
        target.run(["tool"], okay=(0, 1))
    if status == host_io.NOT_THERE:
        assert target.run(["tool"], okay=(0, host_io.NOT_THERE)) == ""
    else:
        with pytest.raises(errors.Failed):
            target.run(["tool"], okay=(0, host_io.NOT_THERE))


def test_folders_that_cannot_be_looked_at_are_not_taken_for_missing(paths):
    target = host_io.Target(lambda argv: (0, "", ""), str(paths), root=str(paths))
    assert target.missing_folders("/folder/new/file") == ["/folder/new"]
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        target.missing_folders(f"/{'x' * 300}/file")
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        target.remove_empty([f"/{'x' * 300}"])
