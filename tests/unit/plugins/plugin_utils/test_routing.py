# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What meta/runtime.yml has run on the controller for each module, as this ansible-core reads it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.centos.hyperscale.plugins.plugin_utils import refusing

TREE = pathlib.Path(__file__).resolve().parents[4]
BIN = pathlib.Path(sys.executable).parent
MODULES = sorted(path.stem for path in (TREE / "plugins" / "modules").glob("*.py"))
ACTIONS = {
    "RefusingAction": ["alternative", "boot_config", "host_info", "host_snapshot", "package_swap"],
    "ConfirmingAction": ["converge", "network_handover"],
    "ReportingAction": ["dropin_info", "proof_info"],
}
RESOLVE = """
import json, sys
from ansible.plugins import loader
loader.init_plugin_loader([])
found = {}
for module in sys.argv[1:]:
    name = f"centos.hyperscale.{module}"
    context = loader.module_loader.find_plugin_with_context(name)
    assert context.resolved_fqcn == name
    found[module] = loader.action_loader.get(context.action_plugin or name, class_only=True).__mro__[1].__name__
print(json.dumps(found))
"""
PLAY = """
- hosts: localhost
  gather_facts: false
  check_mode: true
  module_defaults:
    group/centos.hyperscale.engine: {lock_timeout: 7}
    centos.hyperscale.network_handover: {lock_timeout: 8}
    centos.hyperscale.package_swap: {lock_timeout: 9}
  tasks:
    - {centos.hyperscale.host_info: {gather: [os]}, ignore_errors: true}
    - {centos.hyperscale.converge: , ignore_errors: true}
    - {centos.hyperscale.network_handover: {state: undone}, ignore_errors: true}
    - {centos.hyperscale.package_swap: {names: [none], controller: me}, ignore_errors: true}
"""
# Writes down the arguments that modules say they were given: what a task registers lacks them.
CALLBACK = """
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "given"

    def v2_runner_on_ok(self, result, **kwargs):
        task = getattr(result, "task", None) or result._task
        said = getattr(result, "result", None) or result._result
        with open(os.environ["GIVEN"], "a") as out:
            out.write(json.dumps({task.action.rpartition(".")[2]: said["invocation"]["module_args"]}) + chr(10))

    v2_runner_on_failed = v2_runner_on_ok
"""


@pytest.fixture(name="environment")
def fixture_environment(tmp_path):
    """Return an environment in which Ansible finds this collection alone."""
    (tmp_path / "collections/ansible_collections/centos").mkdir(parents=True)
    (tmp_path / "collections/ansible_collections/centos/hyperscale").symlink_to(TREE)
    return dict(
        os.environ, ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "collections"), ANSIBLE_LOCAL_TEMP=str(tmp_path / "local"),
        ANSIBLE_REMOTE_TEMP=str(tmp_path / "remote"), ANSIBLE_NOCOLOR="1", ANSIBLE_CALLBACK_PLUGINS=str(tmp_path),
        ANSIBLE_CALLBACKS_ENABLED="given", ANSIBLE_INJECT_INVOCATION="1", GIVEN=str(tmp_path / "given.json"))


def run(environment, *argv):
    """Return what a command prints that ends well."""
    folder = environment["ANSIBLE_COLLECTIONS_PATH"]
    done = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_module_has_its_action(environment):
    done = run(environment, sys.executable, "-c", RESOLVE, *MODULES)
    assert json.loads(done) == {module: action for action, modules in ACTIONS.items() for module in modules}


def test_no_action_is_without_a_documented_module():
    assert {path.stem for path in (TREE / "plugins" / "action").glob("*.py")} <= set(MODULES)


def test_modules_that_note_who_runs_them_are_told(environment):
    names = [f"centos.hyperscale.{name}" for name in MODULES]
    documented = json.loads(run(environment, BIN / "ansible-doc", "--json", *names))
    assert sorted(documented) == names
    having = [name for name in names if "controller" in documented[name]["doc"]["options"]]
    # Module dropin_info takes the options of a run, and does none.
    assert having == sorted(f"centos.hyperscale.{name}" for name in [*refusing.NOTING_WHO, "dropin_info"])


def test_defaults_of_a_play_and_of_the_controller_reach_the_modules(environment, tmp_path):
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "given.py").write_text(CALLBACK)
    python = f"ansible_python_interpreter={sys.executable}"
    run(environment, BIN / "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", python, tmp_path / "play.yml")
    given = {}
    for line in (tmp_path / "given.json").read_text().splitlines():
        given.update(json.loads(line))
    assert {name: args.get("lock_timeout") for name, args in given.items()} == {
        "host_info": None, "converge": 7, "network_handover": 8, "package_swap": 9}
    me = refusing.who()
    assert {name: args.get("controller") for name, args in given.items()} == {
        "host_info": None, "converge": me, "network_handover": me, "package_swap": "me"}
