# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a host before something is saved or taken back: without an answer nothing is concluded."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import local_edits, presets, units
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io

FILES = ["/usr/lib/systemd/system/a.service", "/usr/lib/systemd/system/a.socket"]
FAILED = [(1, "", "Failed to connect to bus"), (127, "", ""), (126, "", ""), (-9, "a.service loaded active running\n", "")]


def target_of(root, answer):
    return host_io.Target(lambda argv: answer, str(root), root=str(root))


@pytest.mark.parametrize("answer", FAILED)
@pytest.mark.parametrize("ask", [
    lambda target: units.active(target, FILES), lambda target: units.stopped(target, ["a.service"]),
    lambda target: units.stop_gone(target, FILES),
])
def test_units_of_a_manager_that_does_not_answer(tmp_path, ask, answer):
    with pytest.raises(errors.Failed, match="ended with status"):
        ask(target_of(tmp_path, answer))


@pytest.mark.parametrize(("answer", "edited"), [
    ((0, "", ""), []), ((1, "S.5....T.  c /etc/a.conf\n", ""), ["/etc/a.conf"]), ((1, "missing   c /etc/gone\n", ""), []),
    ((1, "package a is not installed\n", "error: cannot open Packages database"), None), ((1, "", ""), None),
    ((127, "", ""), None), ((-9, "S.5....T.  c /etc/a.conf\n", ""), None),
])
def test_edited_files_that_rpm_cannot_tell(tmp_path, answer, edited):
    if edited is None:
        with pytest.raises(errors.Failed, match="cannot tell which files"):
            local_edits.differences(target_of(tmp_path, answer), ["a"])
    else:
        assert local_edits.edited_of(local_edits.differences(target_of(tmp_path, answer), ["a"])) == edited


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ENOTDIR])
def test_presets_that_cannot_be_listed(tmp_path, monkeypatch, code):
    target = target_of(tmp_path, (0, "", ""))
    (tmp_path / "etc/systemd/system-preset").mkdir(parents=True)
    (tmp_path / "etc/systemd/system-preset/10-mine.preset").write_text("disable a.service\n")
    assert presets.enabled_by_preset(target, "a.service", False) is False

    def listdir(_path):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(OSError, match=os.strerror(code)):
        presets.enabled_by_preset(target, "a.service", False)


def test_edited_files_are_known_once_rpm_answers_again(tmp_path):
    answers = [(1, "package a is not installed\n", "error: cannot open Packages database"), (0, "", "")]
    target = host_io.Target(lambda argv: answers.pop(0), str(tmp_path), root=str(tmp_path))
    with pytest.raises(errors.Failed) as failed:
        local_edits.differences(target, ["a"])
    assert [problem.code for problem in failed.value.problems] == ["backup.edits_unknown"]
    assert local_edits.edited_of(local_edits.differences(target, ["a"])) == []
