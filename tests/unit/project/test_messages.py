# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of messages: each kind of text of a small tree stands on it, and the known ones of this tree do."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
from ansible_collections.centos.hyperscale.tests.unit.project import test_problems

TREE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TREE / "tests" / "tools"))

import messages  # noqa: E402

CODE = '''\
"""A docstring is none of the texts."""
REMEDY = "Move it away"
FILES = re.compile(r"^no text but a pattern$")
NAMES = "Handle Id Parent"


def look(path, found, warnings):
    """Nor is this one."""
    if found:
        raise Refused(Problem("path.taken", f"{path} is [taken]", "it is a " + ("link" if found.link else "file"), REMEDY))
    if path:
        raise _bad(f"the file {path} is of another host")
    target.warn("what was there is in {}".format(found.place))
    warnings.append(f"the unit {path} is kept")
    view.note(path, "it is no text")
    if not found:
        raise ValueError(f"line {path} is damaged and cannot be read")
    return f"{path} was changed since the swap"


def _bad(reason):
    return Failed(Problem("file.bad", "a file is bad", reason, REMEDY))


TABLE = (_check("provides.lost", (1,), "Nothing provides {name}", "A capability is gone.", "Name a package"),)
'''
MODULE = """\
DOCUMENTATION = r'''
module: look
short_description: Look at a host
description: The long text is in the documentation of the module.
'''
"""
TASKS = """\
- name: Stop where something was lost
  ansible.builtin.assert:
    that: found == []
    fail_msg: >-
      The host lost {{ found | length }}
      packages.
    success_msg: Nothing was lost.
- block:
    - ansible.builtin.include_role:
        name: centos.hyperscale.look
    - name: Show the verdict
      ansible.builtin.debug:
        msg: The verdict is known.
"""
SPECS = """\
argument_specs:
  main:
    short_description: Bring a host to it
    options: {}
"""


@pytest.fixture
def tree(tmp_path):
    for name, text in {
            "plugins/module_utils/core/look.py": CODE, "plugins/modules/look.py": MODULE, "roles/look/tasks/main.yml": TASKS,
            "roles/look/meta/argument_specs.yml": SPECS,
            "roles/look/defaults/main.yml": "look_text: 'This is none of them'\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_each_kind_of_text_is_found_once(tree):
    assert [(one.kind, one.code, one.text) for one in messages.messages(tree)] == [
        (messages.PROBLEM, "path.taken", "{path} is [taken]: it is a [link | file]. Move it away"),
        (messages.PROBLEM, "_bad()", "the file {path} is of another host"),
        (messages.PROBLEM, "file.bad", "a file is bad: {reason}. Move it away"),
        (messages.WARNING, "", "what was there is in {}"),
        (messages.WARNING, "", "the unit {path} is kept"),
        (messages.FINDING, "provides.lost", "Nothing provides {name} / A capability is gone. / Name a package"),
        (messages.ERROR, "ValueError", "line {path} is damaged and cannot be read"),
        (messages.NOTE, "note()", "it is no text"),
        (messages.TEXT, "", "{path} was changed since the swap"),
        (messages.MODULE, "look", "Look at a host"),
        (messages.ROLE, "main", "Bring a host to it"),
        (messages.TASK, "", "Stop where something was lost"),
        (messages.TASK, "", "Show the verdict"),
        (messages.TOLD, "", "The host lost {{ found | length }} packages."),
        (messages.TOLD, "", "Nothing was lost."),
        (messages.TOLD, "", "The verdict is known."),
    ]


def test_the_page_has_kinds_files_lines_codes_and_counts(tree):
    page = messages.page(messages.messages(tree))
    assert "\n## Problems\n\n### plugins/module_utils/core/look.py\n\n- 10: `path.taken` {path} is [taken]: it is" in page
    assert "\n### roles/look/tasks/main.yml\n\n- 1: Stop where something was lost\n- 11: Show the verdict\n" in page
    assert page.endswith(
        "- Problems: 3\n- Warnings: 2\n- Findings: 1\n- Errors that become reasons: 1\n- What could not be read: 1\n"
        "- Other texts of the code: 1\n- Modules: 1\n- Roles: 1\n- Names of plays and tasks: 2\n- Texts of tasks: 3\n"
        "- together: 16\n")


def test_known_messages_of_this_tree_are_on_the_page_and_nothing_is_written():
    before = sorted(TREE.glob("*"))
    run = subprocess.run(
        [sys.executable, "-B", str(TREE / "tests/tools/messages.py")], check=True, capture_output=True, text=True)
    for known in (
            "`module.not_root` this module runs as {name} (uid {uid}) on the host: ",
            "`os.read_only` {what} cannot be written: its file system is mounted read-only. ",
            "The snapshot lacks {what}, so what rests on it cannot be proven: {reason}",
            "`provides.lost` Nothing provides {name} any more / ",
            "`known.systemd.rc-local-removed` rc.local is no longer run / ",
            "`converge` Bring a host to a desired state in sections, or take back what was done",
            ": Compare the host with its snapshot\n", "Nothing to roll back: this host has no changes by this collection."):
        assert known in run.stdout, known
    assert sorted(TREE.glob("*")) == before


def test_every_code_of_a_problem_is_on_the_page():
    codes = {
        call.args[0].value for name, _line, call in test_problems.sites(test_problems.trees()) if name != test_problems.REBUILDS}
    assert codes <= {one.code for one in messages.messages() if one.kind == messages.PROBLEM}
