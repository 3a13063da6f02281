# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made has the mode that was named for it, under any umask, and what is there keeps its own."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import contents, displaced, manifest, parent, states
from ansible_collections.centos.hyperscale.plugins.module_utils.core import code_tree, host_io, ledger, lock, modes, process
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import FileState
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import dnf_base, jobfile, store, supply, worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import host as network_host
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.oomd import section as oomd

STATE = "var/lib/centos-hyperscale"
ME = (str(os.geteuid()), str(os.getegid()))


@pytest.fixture(name="umask", params=[0o077, 0o000, 0o027, 0o022, 0o177], ids=oct, autouse=True)
def fixture_umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    before = os.umask(0o022)
    (tmp_path / "root/var/lib").mkdir(parents=True)
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "tmp").mkdir()
    os.umask(before)
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path / "tmp"), root=str(tmp_path / "root"))


def tree(target):
    """Return the modes of all that was made below the root."""
    found = {}
    for above, folders, files in os.walk(target.root):
        for path in (os.path.join(above, name) for name in [*folders, *files]):
            if not os.path.islink(path):
                found[os.path.relpath(path, target.root)] = stat.S_IMODE(os.lstat(path).st_mode)
    return {path: mode for path, mode in found.items() if path not in ("var", "var/lib", "etc", "boot")}


@pytest.mark.parametrize(("path", "mode", "folders"), [
    ("/etc/systemd/oomd.conf.d/a.conf", 0o644, {"etc/systemd": 0o755, "etc/systemd/oomd.conf.d": 0o755}),
    ("/etc/systemd/system/a.slice.d/a.conf", 0o644, {
        "etc/systemd": 0o755, "etc/systemd/system": 0o755, "etc/systemd/system/a.slice.d": 0o755}),
    ("/etc/sudoers.d/a", 0o440, {"etc/sudoers.d": 0o750}),
    ("/etc/ssh/sshd_config.d/a.conf", 0o600, {"etc/ssh": 0o755, "etc/ssh/sshd_config.d": 0o700}),
    ("/boot/loader/entries/a.conf", 0o644, {"boot/loader": 0o755, "boot/loader/entries": 0o700}),
    ("/etc/yum.repos.d/a.repo", 0o644, {"etc/yum.repos.d": 0o755}),
    ("/etc/a.conf", 0o4711, {}),
])
def test_a_file_and_the_folders_above_it(target, path, mode, folders):
    target.write(path, FileState("x", f"{mode:04o}", *ME))
    assert tree(target) == {**folders, path[1:]: mode}


def test_the_drop_in_of_oomd_can_be_read_by_its_daemon(target):
    path = oomd.oomd.CONFIG
    step = oomd.OomdFileAction.between(path, "", None, FileState("[OOM]\n", "0644", *ME))
    step.apply(target)
    assert tree(target)[os.path.dirname(path)[1:]] == 0o755 and tree(target)[path[1:]] == 0o644


def test_a_folder_that_is_there_keeps_its_mode(target):
    for path, mode in (("etc/systemd", 0o750), ("etc/systemd/oomd.conf.d", 0o711), (STATE, 0o755)):
        os.mkdir(os.path.join(target.root, path))
        os.chmod(os.path.join(target.root, path), mode)
    target.write("/etc/systemd/oomd.conf.d/a.conf", FileState("x", "0644", *ME))
    target.private_folder("saved")
    assert tree(target) == {
        "etc/systemd": 0o750, "etc/systemd/oomd.conf.d": 0o711, "etc/systemd/oomd.conf.d/a.conf": 0o644, STATE: 0o755,
        f"{STATE}/saved": 0o700}


def test_the_group_of_a_folder_that_hands_its_own_down(target):
    os.chmod(target.path("/etc"), 0o2775)
    target.write("/etc/a.d/a.conf", FileState("x", "0644", *ME))
    assert tree(target) == {"etc/a.d": 0o755, "etc/a.d/a.conf": 0o644}


def test_the_state_of_the_collection(target):
    with lock.exclusive(target, "test"):
        book = Book(target, "000001-x")
        book.write(ledger.RUN_ENDED)
        book.close()
    folder = jobfile.Folder(target.private_folder("runs", "000001-x.0"))
    folder.reserve()
    folder.status("done")
    assert tree(target) == {
        STATE: 0o700, f"{STATE}/lock": 0o600, f"{STATE}/ledger": 0o700, f"{STATE}/ledger/000001-x.jsonl": 0o600,
        "etc/centos-hyperscale.ledger": 0o600, f"{STATE}/runs": 0o700, f"{STATE}/runs/000001-x.0": 0o700,
        **{f"{STATE}/runs/000001-x.0/{name}": 0o600 for name in ("status.json", ".end.json", ".result.json")}}


def test_code_that_runs_detached(target):
    code_tree.install(target.private_folder("runs", "a"), "hyperscale_runner", "packages.worker", worker.MODULES)
    found = tree(target)
    assert {mode for path, mode in found.items() if path.endswith(".py")} == {0o600}
    assert {mode for path, mode in found.items() if not path.endswith(".py")} == {0o700}
    assert f"{STATE}/runs/a/code/hyperscale_runner/packages/worker.py" in found


def test_what_is_saved_and_displaced(target, monkeypatch, tmp_path):
    target.private_folder()
    package = tmp_path / "a.rpm"
    package.write_text("package")
    os.chmod(package, 0o644)
    monkeypatch.setattr(os, "link", _fails)
    kept = store.Store(os.path.join(target.state_dir, "saved/1/packages"))
    kept.put({"a": str(package)})
    saved = manifest.Kept(target, "1")
    saved._write(manifest.BEFORE, {})
    content = contents.Contents(os.path.join(target.state_dir, "saved/1/contents"), True)
    file = tmp_path / "kept"
    file.write_text("x")
    content._take("0" * 64, b"x")
    displaced._placed(target, "1", "/etc/a/b", states.of_path(str(file), contents.Contents()), lambda out: out.write(b"x"))
    found = tree(target)
    own = {path: mode for path, mode in found.items() if not path.endswith("etc/a/b")}
    assert {mode for path, mode in own.items() if os.path.isdir(os.path.join(target.root, path))} == {0o700}
    assert {mode for path, mode in own.items() if not os.path.isdir(os.path.join(target.root, path))} == {0o600}
    assert found[f"{STATE}/displaced/1/etc/a/b"] == stat.S_IMODE(os.stat(file).st_mode)


def _fails(*_args, **_how):
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def test_folders_that_the_way_back_makes(target):
    with parent.Parent(target.root, "/etc/sudoers.d/more/a", make=True):
        pass
    assert tree(target) == {"etc/sudoers.d": 0o750, "etc/sudoers.d/more": 0o755}


def test_files_of_a_hand_over(target, monkeypatch):
    monkeypatch.setattr(network_host, "must", lambda *_argv: "")
    path = target.path("/etc/systemd/network/a.network")
    network_host.put_file(path, "x", 0o644, (os.geteuid(), os.getegid()))
    network_host.write_json(target.path("/etc/a.json"), {})
    assert tree(target) == {
        "etc/systemd": 0o755, "etc/systemd/network": 0o755, "etc/systemd/network/a.network": 0o644, "etc/a.json": 0o600}


def test_what_dnf_is_given(target):
    conf = types.SimpleNamespace(pluginconfpath=[], persistdir="/nonexistent", logdir="")
    dnf_base._without_own_locks(conf, ["a"], target.path("/etc"))
    dnf_base._move_state(conf, target.path("/etc/scratch"))
    os.mkdir(target.path("/var/cache"))
    os.chmod(target.path("/var/cache"), 0o755)
    supply._refuse_full_disk(target.path("/var/cache/dnf"), [])
    assert tree(target) == {
        "etc/plugins": 0o700, "etc/plugins/versionlock.conf": 0o600, "etc/plugins/versionlock.list": 0o600,
        "etc/scratch": 0o700, "etc/scratch/log": 0o700, "var/cache": 0o755, "var/cache/dnf": 0o755}


def test_programs_that_are_called_have_the_usual_umask():
    assert process.run(["sh", "-c", "umask"], {"PATH": os.environ["PATH"]})[1].strip() in ("0022", "022")


@pytest.mark.parametrize(("opener", "mode"), [(modes.private, 0o600), (modes.public, 0o644)])
def test_files_that_are_opened(tmp_path, opener, mode):
    for name in ("new", "there"):
        if name == "there":
            shutil.copy("/dev/null", tmp_path / name)
            os.chmod(tmp_path / name, 0o640)
        with open(tmp_path / name, "w", encoding="utf-8", opener=opener) as handle:
            handle.write("x")
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == mode
    assert stat.S_IMODE(os.stat(tmp_path / "there").st_mode) == 0o640


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        modes.make_folders(str(tmp_path / "a/b"), modes.PUBLIC)
