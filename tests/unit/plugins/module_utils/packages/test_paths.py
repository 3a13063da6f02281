# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How rpm writes each path, where headers tell and where only the metadata of a repository does."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core import writable
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import paths


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
