# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that loses hosts: the playbook as it is, on hosts that answer, that fail and that cannot be reached.

A host that answers is an interpreter that says what module converge says where nothing is to be taken back.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
# Where ansible-test runs this, the tree lies in a path of collections already; else make prepare has linked it into one.
COLLECTIONS = TREE.parents[2] if TREE.parents[1].name == "ansible_collections" else TREE / ".cache" / "collections"
PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")
ANSWER = {
    "changed": False, "actions": [], "interrupted": None, "pending": [], "left": [], "snapshot": None, "diff": [], "host": {},
    "reboot": {"required": False, "reasons": []}, "run_id": None, "invocation": {}}
ANSWERS, FAILS, LOST = "answers", "fails", "lost"
NOT_BEGUN = "Nothing was changed on this host"

pytestmark = pytest.mark.skipif(not PLAYBOOK.exists(), reason="ansible-playbook is not beside this interpreter")


def line_of(kind, tmp_path):
    """Return what the inventory says of a host that answers, fails or cannot be reached."""
    if kind == LOST:
        return "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"
    interpreter = tmp_path / kind
    interpreter.write_text(f"#!/usr/bin/python3\nprint({json.dumps(ANSWER) if kind == ANSWERS else 'no JSON'!r})\n")
    interpreter.chmod(0o755)
    return f"ansible_connection=local ansible_python_interpreter={interpreter}"


def play(tmp_path, kinds, **variables):
    """Run rollback on some hosts; return its status, which of them were begun with, and what it printed."""
    inventory = tmp_path / "hosts"
    inventory.write_text("".join(f"host{number} {line_of(kind, tmp_path)}\n" for number, kind in enumerate(kinds, 1)))
    done = subprocess.run(
        [str(PLAYBOOK), "-i", str(inventory), "-e", json.dumps(variables), str(TREE / "playbooks" / "rollback.yml")],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_NOCOLOR="1"))
    tasks = [task for task in done.stdout.split("\nTASK [") if "Take back, last to first" in task]
    return done.returncode, set(re.findall(r"\[(host\d+)\]", "".join(tasks))), done.stdout


@pytest.mark.parametrize("batch", [
    [ANSWERS, FAILS, LOST], [ANSWERS, LOST, LOST], [ANSWERS, ANSWERS, LOST],
], ids=["one-fails-and-one-is-lost", "two-are-lost", "one-is-lost"])
def test_no_batch_follows_one_that_lost_a_host(tmp_path, batch):
    status, begun, said = play(tmp_path, [*batch, ANSWERS, ANSWERS], hyperscale_serial=3)
    assert status != 0
    assert "host1" in begun and begun & {"host4", "host5"} == set(), said
    assert NOT_BEGUN in said and "host3" in said.split(NOT_BEGUN)[1].split("See to these")[0]


def test_as_many_may_be_lost_as_the_run_allows(tmp_path):
    _status, begun, said = play(
        tmp_path, [ANSWERS, LOST, ANSWERS, LOST, ANSWERS, ANSWERS], hyperscale_serial=2, hyperscale_max_fail_percentage=17)
    assert begun & {"host3", "host5", "host6"} == {"host3"} and NOT_BEGUN in said


def test_where_all_answer_all_are_begun(tmp_path):
    status, begun, said = play(tmp_path, [ANSWERS] * 3, hyperscale_serial=1)
    assert (status, begun) == (0, {"host1", "host2", "host3"}), said
