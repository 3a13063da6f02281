# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rpm writes each path, where headers tell and where only the metadata of a repository does."""

from __future__ import annotations

import collections
import stat
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import writable
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import paths
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import paths as predicted


@pytest.fixture(name="of_old")
def fixture_of_old(monkeypatch):
    """Have packages that go be lists of paths, each with whether it is a folder."""
    monkeypatch.setattr(paths, "_files", iter)


def hows(touches):
    return {touch.path: touch.how for touch in touches}


def test_what_was_a_file_counts_as_one_where_only_names_are_known(of_old):
    old = [("/etc/a.conf", False), ("/usr/share/a", True), ("/usr/bin/gone", False), ("/usr/share/gone", True)]
    assert hows(paths.of_names(["/etc/a.conf", "/usr/share/a", "/usr/bin/new"], [old])) == {
        "/etc/a.conf": writable.FILE, "/usr/share/a": writable.ANY, "/usr/bin/new": writable.NEW, "/usr/bin/gone": writable.GONE}


def test_a_link_that_comes_is_told_as_one(monkeypatch):
    """vfat below /boot has none."""
    def entry(name, mode):
        return types.SimpleNamespace(name=name, mode=mode, fflags=0)

    monkeypatch.setattr(paths, "rpm", types.SimpleNamespace(files=lambda header: header["entries"], RPMFILE_GHOST=64))
    entries = [entry("/boot/efi/a", stat.S_IFREG), entry("/boot/efi/link", stat.S_IFLNK), entry("/boot/efi/in", stat.S_IFDIR)]
    header = collections.defaultdict(lambda: None, entries=entries)
    assert hows(paths.of_headers([header], [])) == {
        "/boot/efi/a": writable.FILE, "/boot/efi/link": writable.LINK, "/boot/efi/in": writable.FOLDER}


@pytest.mark.parametrize(("kind", "was", "how"), [
    ("symlink", "", writable.LINK), ("file", "", writable.FILE), ("directory", "", writable.FOLDER),
    ("file", "directory", writable.FILE)])
def test_the_prediction_tells_the_same(kind, was, how):
    assert predicted._how(kind, types.SimpleNamespace(scripts=[]), was) == how
