# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module whose archive is taken away while it runs, made and started by Ansible itself."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io, payload

COLLECTIONS = pathlib.Path(payload.__file__).parents[6]
PROBE = """\
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.centos.hyperscale.plugins.module_utils.core import code_tree, payload
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker


def late():
    from ansible_collections.centos.hyperscale.plugins.module_utils.verify import predict
    return predict.__name__


def main():
    module = AnsibleModule({"hold": {"type": "bool"}, "folder": {"type": "str"}, "end": {"type": "str"}})
    archive = payload.__loader__.archive
    if module.params["hold"]:
        payload.hold()
    folder = os.path.dirname(archive)
    os.rename(folder, folder + ".hidden")
    try:
        told = {}
        if module.params["end"] == "late import":
            told["late"] = late()
        if module.params["end"] == "copy":
            told["code"] = code_tree.install(module.params["folder"], "copied", "packages.worker", worker.MODULES)
        if module.params["end"] == "failure":
            module.fail_json(msg="failed on purpose", archive=archive)
        module.exit_json(archive=archive, **told)
    finally:
        shutil.rmtree(folder + ".hidden")


if __name__ == "__main__":
    main()
"""


def run(folder, hold, end, **environment):
    """Return the lines that the module printed, and how Ansible ended."""
    if importlib.util.find_spec("ansible.__main__") is None:
        pytest.skip("this interpreter sees no more of Ansible than module_utils, as ansible-test has it for units of these")
    library = folder / "library"
    library.mkdir()
    (library / "probe.py").write_text(PROBE)
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "adhoc", "localhost", "-c", "local", "-i", "localhost,", "-M", str(library),
         "-m", "probe", "-e", f"ansible_python_interpreter={sys.executable}",
         "-a", json.dumps({"hold": hold, "folder": str(folder), "end": end})],
        capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_HOME": str(folder / "home"), **environment})
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("end", ["result", "failure", "late import", "copy"])
def test_what_is_held_outlives_its_archive(tmp_path, end):
    status, said = run(tmp_path, True, end, TMPDIR=str(tmp_path))
    assert (status == 0) == (end != "failure"), said
    assert ("failed on purpose" if end == "failure" else "SUCCESS") in said and str(tmp_path) in said
    if end == "copy":
        copied = tmp_path / "code" / "copied"
        assert (copied / "packages" / "worker.py").read_text() == pathlib.Path(payload.__file__).parents[1].joinpath(
            "packages", "worker.py").read_text()


@pytest.mark.parametrize("end", ["late import", "copy"])
def test_without_that_it_would_be_lost(tmp_path, end):
    status, said = run(tmp_path, False, end, TMPDIR=str(tmp_path))
    assert status != 0 and "SUCCESS" not in said


def test_files_that_are_no_archive_are_left_alone():
    before = set(sys.modules)
    payload.hold()
    assert set(sys.modules) == before
    assert "def hold()" in payload.source(payload.__name__)


def test_a_run_that_changes_has_its_folder_below_the_state_directory(tmp_path):
    target = host_io.Target(lambda argv: (0, "", ""), host_io.changing_folder, root=str(tmp_path))
    assert not os.path.exists(target.state_dir)
    assert target.tmpdir.startswith(target.state_dir + "/") and target.tmpdir == target.tmpdir
    assert os.stat(target.tmpdir).st_mode & 0o777 == 0o700
    os.utime(target.tmpdir, (0, 0))
    later = host_io.Target(lambda argv: (0, "", ""), host_io.changing_folder, root=str(tmp_path))
    assert os.path.isdir(later.tmpdir) and not os.path.exists(target.tmpdir)
    again = host_io.Target(lambda argv: (0, "", ""), host_io.changing_folder, root=str(tmp_path))
    assert os.path.isdir(again.tmpdir) and os.path.isdir(later.tmpdir)


def test_a_look_leaves_the_state_directory_alone(tmp_path):
    target = host_io.Target(lambda argv: (0, "", ""), host_io.looking_folder, root=str(tmp_path))
    assert target.tmpdir.startswith("/var/tmp/") and not os.path.exists(target.state_dir)
    host_io.shutil.rmtree(target.tmpdir)
