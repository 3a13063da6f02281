# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Ansible by the process that has it loaded: each is as the command itself."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import calls  # noqa: E402

LOCAL = [
    "ansible", "localhost", "--inventory", "localhost,", "--connection", "local", "--extra-vars",
    f"ansible_python_interpreter={sys.executable}", "--module-name"]


def test_output_errors_and_status_are_those_of_the_command(tmp_path):
    good = calls.run([*LOCAL, "ansible.builtin.command", "--args", "pwd"], tmp_path)
    assert good.returncode == 0 and good.stdout.splitlines() == ["localhost | CHANGED | rc=0 >>", str(tmp_path)]
    bad = calls.run([*LOCAL, "ansible.builtin.command", "--args", "false"], tmp_path)
    assert bad.returncode == 2 and "non-zero return code" in bad.stdout
    unknown = calls.run([*LOCAL, "ansible.builtin.ping", "--no-such-option"], tmp_path)
    assert unknown.returncode == 2 and "no-such-option" in unknown.stderr and unknown.stdout == ""


def test_each_environment_has_a_process_of_its_own(tmp_path):
    (tmp_path / "play.yml").write_text(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.debug: {msg: \"{{ lookup('ansible.builtin.env', 'SAID') }}\"}\n")
    for word in ("first", "second"):
        result = calls.run(["ansible-playbook", "play.yml"], tmp_path, {**os.environ, "SAID": word})
        assert result.returncode == 0 and f'"msg": "{word}"' in result.stdout, result.stdout + result.stderr


def test_calls_of_two_threads_do_not_wait_for_each_other_and_have_their_own_answers(tmp_path):
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        slow = pool.submit(calls.run, [*LOCAL, "ansible.builtin.command", "--args", "sleep 6"], tmp_path)
        bad = pool.submit(calls.run, [*LOCAL, "ansible.builtin.command", "--args", "false"], tmp_path)
        assert bad.result().returncode == 2 and "non-zero return code" in bad.result().stdout
        assert not slow.done(), f"the second call was answered after {time.monotonic() - began:.0f} s, when the first had ended"
        assert slow.result().returncode == 0 and "rc=0" in slow.result().stdout


def test_what_ansible_says_when_it_cannot_be_loaded_is_told(tmp_path):
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with pytest.raises(ChildProcessError, match="locale encoding to be UTF-8"):
        calls.run([*LOCAL, "ansible.builtin.ping"], tmp_path, plain)


def test_a_call_that_takes_too_long_ends_and_the_next_is_made(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        calls.run([*LOCAL, "ansible.builtin.command", "--args", "sleep 30"], tmp_path, seconds=3)
    assert calls.run([*LOCAL, "ansible.builtin.ping"], tmp_path).returncode == 0
