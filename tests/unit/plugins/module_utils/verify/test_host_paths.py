# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that rpm could not write, on hosts in a folder with packages made by rpmbuild."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import paths
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent


@pytest.fixture(name="workshop", scope="module")
def fixture_workshop(tmp_path_factory):
    hostlab.need()
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture(name="lab")
def fixture_lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path, workshop)


def test_a_folder_where_a_file_comes(lab, workshop):
    lab.have("tool", "1", payload=True, files={"/usr/share/tool/a": "one"})
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool/a": "one", "/usr/share/tool/b": "two"})
    silent(paths.unwritable_paths(lab.swap([coming])), "path.unwritable")
    (lab.folder / "usr/share/tool/b").mkdir()
    found = fired(paths.unwritable_paths(lab.swap([coming])), "path.unwritable", "/usr/share/tool/b",
                  consumers=[("path", "/usr/share/tool/b")])
    assert found.blocking and found.after == "folder in the way"


@pytest.mark.parametrize("scripts", ["", '%pretrans -n tool -p <lua>\nos.remove("/usr/share/tool/data")\n'])
def test_a_folder_of_the_old_build_goes_where_a_scriptlet_clears_it(lab, workshop, scripts):
    lab.have("tool", "1", payload=True, files={"/usr/share/tool/data": ("%dir", "")})
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool/data": "file"}, scripts=scripts)
    findings = list(paths.unwritable_paths(lab.swap([coming])))
    if scripts:
        silent(findings, "path.unwritable")
    else:
        fired(findings, "path.unwritable", "/usr/share/tool/data", consumers=[("path", "/usr/share/tool/data")])


@pytest.mark.parametrize("content", ["precious", None])
def test_a_file_where_a_folder_comes(lab, workshop, content):
    """rpm removes such a file without a word."""
    coming = workshop.rpm("tool", "2", files={"/usr/share/tool": ("%dir", "")})
    if content is None:
        silent(paths.unwritable_paths(lab.swap([coming])), "path.unwritable")
    else:
        lab.write("/usr/share/tool", content)
        fired(paths.unwritable_paths(lab.swap([coming])), "path.unwritable", "/usr/share/tool",
              consumers=[("path", "/usr/share/tool")])


@pytest.mark.parametrize("coming", [True, False])
def test_a_mounted_file(lab, workshop, coming):
    lab.have("tool", "1", payload=True, files={"/usr/share/tool": "one"})
    lab.mount("/usr/share/other")
    new = [workshop.rpm("tool", "2", files={"/usr/share/tool": "two"} if coming else {})]
    silent(paths.unwritable_paths(lab.swap(new)), "path.unwritable")
    lab.mount("/usr/share/tool")
    fired(paths.unwritable_paths(lab.swap(new)), "path.unwritable", "/usr/share/tool", consumers=[("path", "/usr/share/tool")])
