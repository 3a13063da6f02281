# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot on disk: private, whole or refused, never written over; and what is gathered for it."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import stat
import types

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import Target
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import admission, proving
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import edits, rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import places
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import gather, snapshot
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.builds import File
from ansible_collections.centos.hyperscale.plugins.modules import host_snapshot

BYTES = bytes(range(256)) + b"\r\n\r"
UNITS = "Id=a.service\nLoadState=loaded\nActiveState=active\n\nId=b.service\nLoadState=loaded\nActiveState=failed\n"


@pytest.fixture
def target(tmp_path):
    return Target(lambda argv: (127, "", ""), str(tmp_path), root=str(tmp_path))


def content(when=1.0):
    return {"time": when, "names": ["a"], "packages": {"a-1-1.noarch": None}, "unreadable": []}


def test_what_was_saved_is_loaded(target):
    assert snapshot.save(target, "s1", content(), {"a-1-1.noarch": BYTES}, {"findings": []}) == (
        "/var/lib/centos-hyperscale/snapshots/s1")
    assert snapshot.load(target, "s1") == snapshot.Snapshot(
        "s1", 1.0, content(), {"a-1-1.noarch": BYTES}, {"findings": []})


def test_only_its_owner_can_read_it(target, tmp_path):
    snapshot.save(target, "s1", content(), {"a-1-1.noarch": BYTES}, {})
    for folder, _folders, files in os.walk(tmp_path / "var/lib/centos-hyperscale"):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert {stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in files} <= {0o600}


def test_the_manifest_comes_last(target, monkeypatch):
    written = []
    write = target.write
    monkeypatch.setattr(target, "write", lambda path, wanted: (written.append(os.path.basename(path)), write(path, wanted)))
    snapshot.save(target, "s1", content(), {"a-1-1.noarch": BYTES}, {})
    assert written == ["content.json", "header-0000", "prediction.json", "manifest.json"]


def cut_short(target, name):
    snapshot.save(target, name, content(9.0), {}, None)
    os.unlink(os.path.join(target.state_dir, "snapshots", name, "manifest.json"))


def test_one_that_was_cut_short_is_refused_by_name_and_passed_over_otherwise(target):
    snapshot.save(target, "s1", content(1.0), {}, None)
    cut_short(target, "s2")
    with pytest.raises(Refused, match="cut short"):
        snapshot.load(target, "s2")
    assert snapshot.load(target).id == "s1"


def test_none_at_all_is_refused(target):
    with pytest.raises(Refused, match="no complete snapshot"):
        snapshot.load(target)
    cut_short(target, "s1")
    with pytest.raises(Refused, match="1 were cut short"):
        snapshot.load(target)
    with pytest.raises(Refused, match="there is no such snapshot"):
        snapshot.load(target, "other")


def test_one_that_was_cut_short_is_taken_anew(target):
    cut_short(target, "s1")
    snapshot.save(target, "s1", content(2.0), {}, None)
    assert snapshot.load(target, "s1").time == 2.0


def test_the_newest_is_the_one_that_was_taken_last(target):
    snapshot.save(target, "zzz", content(1.0), {}, None)
    snapshot.save(target, "aaa", content(2.0), {}, None)
    assert snapshot.load(target).id == "aaa"


@pytest.mark.parametrize(("name", "text"), [
    ("manifest.json", "{"), ("manifest.json", "[]"), ("manifest.json", "{}"), ("content.json", "{}"), ("header-0000", ""),
])
def test_a_damaged_one_is_refused(target, name, text):
    snapshot.save(target, "s1", content(), {"a-1-1.noarch": BYTES}, None)
    with open(os.path.join(target.state_dir, "snapshots/s1", name), "w", encoding="utf-8") as handle:
        handle.write(text)
    for which in ("s1", None):
        with pytest.raises(Refused, match="damaged"):
            snapshot.load(target, which)


def test_one_of_another_format_is_refused(target):
    snapshot.save(target, "s1", content(), {}, None)
    path = os.path.join(target.state_dir, "snapshots/s1/manifest.json")
    with open(path, encoding="utf-8") as handle:
        manifest = json.load(handle)
    with open(path, "w", encoding="utf-8") as handle:
        json.dump({**manifest, "format": 2}, handle)
    with pytest.raises(Refused, match="format 2"):
        snapshot.load(target, "s1")


def test_a_complete_one_is_never_written_over(target):
    snapshot.save(target, "s1", content(1.0), {}, None)
    with pytest.raises(Refused, match="already"):
        snapshot.save(target, "s1", content(2.0), {}, None)
    assert snapshot.load(target, "s1").time == 1.0


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a b", "x" * 101])
def test_an_id_is_the_name_of_one_folder(target, name):
    with pytest.raises(Refused, match="id"):
        snapshot.load(target, name)


def answering(answers):
    return lambda argv: answers.get(argv[0], (127, ""))


def test_each_part_is_gathered_on_its_own(rpm_root):
    rpm_root.install("systemd", "252", "1.el9")
    rpm_root.install("other", "1", "1")
    mountinfo = pathlib.Path(rpm_root.root, "proc/self/mountinfo")
    mountinfo.parent.mkdir(parents=True)
    mountinfo.write_text("20 1 8:1 / / rw shared:1 - xfs /dev/sda1 rw\n")
    view = View(rpm_root.root, answering({"systemctl": (0, UNITS), "rpm": (0, "")}))
    found = gather.take(view, rpmdb.transaction_set(rpm_root.root), ["systemd", "absent"])
    assert found["packages"] == {"other-1-1.noarch": None, "systemd-252-1.el9.noarch": None}
    assert found["units"]["b.service"]["ActiveState"] == "failed"
    assert found["smoke"]["systemd"]["status"] == 0  # systemctl answers
    assert found["unreadable"] == [] and found["mounts"] == ["/"]
    silent = gather.take(View(rpm_root.root, answering({})), rpmdb.transaction_set(rpm_root.root), ["systemd"])
    assert {entry["what"] for entry in silent["unreadable"]} == {
        "units", "verify", f"{' '.join(edits.VERIFY)} among files"}
    assert silent["units"] is None
    assert silent["packages"] == found["packages"]
    json.dumps(silent)


def test_headers_come_back_as_they_were(rpm_root):
    rpm = pytest.importorskip("rpm")
    rpm_root.install("a", "1", "2", epoch=3)
    ((nevra, blob),) = gather.blobs(rpmdb.transaction_set(rpm_root.root), ["a", "a", "b"]).items()
    assert nevra == "a-3:1-2.noarch"
    assert rpm.hdr(blob)[rpm.RPMTAG_RELEASE] == "2"


def scene(root, answers=None, builds=()):
    nothing = types.SimpleNamespace(dbMatch=lambda *_given: [])
    return gather.Scene(View(str(root), answering(answers or {})), nothing, list(builds))


class Named:
    """A build of which only the name and the files matter."""

    def __init__(self, name, files=()):
        self.name = name
        self.files = dict.fromkeys(files)


def test_differences_from_packages():
    said = """\
S.5....T.  c /etc/a.conf
..5......    /usr/bin/a b
missing   d /usr/share/doc/a
missing     /usr/lib/a
.M.......  g /run/a (Permission denied)
package b is not installed
Unsatisfied dependencies for a-1-1.noarch:
"""
    assert gather.verify(scene("/", {"rpm": (1, said)}, [Named("a")])) == {
        "/etc/a.conf": {"flags": "S5T", "kind": "c"}, "/usr/bin/a b": {"flags": "5", "kind": ""},
        "/usr/share/doc/a": {"flags": "missing", "kind": "d"}, "/usr/lib/a": {"flags": "missing", "kind": ""},
        "/run/a": {"flags": "M", "kind": "g"}}
    assert gather.verify(scene("/")) == {}


def test_state_of_paths(tmp_path):
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    (folder / "a.service").write_text("[Unit]\n")
    (folder / "b.service").symlink_to("/dev/null")
    (folder / "circle").symlink_to("..")
    found = gather.files(scene(tmp_path))
    names = ("", "/system", "/system/a.service", "/system/b.service", "/system/circle")
    assert [path for path, said in found.items() if said] == [f"/etc/systemd{name}" for name in names]
    assert set(places.COMPARED) <= set(found)  # what is not there is known not to be
    assert found["/etc/systemd/system/a.service"]["content"] == hashlib.sha256(b"[Unit]\n").hexdigest()
    assert found["/etc/systemd/system/b.service"]["content"] == "/dev/null"
    assert gather.state_of(View(str(tmp_path), answering({})), "/etc/absent") is None


def test_files_with_special_rights_and_local_edits_are_looked_at(host):
    rpm = pytest.importorskip("rpm")
    modes = {"/usr/bin/mount": 0o4755, "/usr/bin/write": 0o2755, "/usr/bin/plain": 0o755, "/usr/bin/ping": 0o755}
    for path in (*modes, "/usr/lib/edited", "/run/ghost"):
        host.write(path)
    host.link("/usr/lib/link", "edited")
    build = Named("a")
    build.files = {
        path: File(path, "file", mode, "root", "root", "", 0, 0, "", "cap_net_raw=ep" if "ping" in path else "", "")
        for path, mode in modes.items()}
    build.files["/etc/a.conf"] = File("/etc/a.conf", "file", 0o644, "root", "root", "", 0, rpm.RPMFILE_CONFIG, "", "", "")
    said = "S.5......    /usr/lib/edited\n.M.......  g /run/ghost\nmissing     /usr/lib/gone\n....L....    /usr/lib/link\n"
    found = gather.files(scene(host.root, {"rpm": (1, said)}, [build]))
    assert set(found) - set(places.COMPARED) == {
        "/usr/bin/mount", "/usr/bin/write", "/usr/bin/ping", "/etc/a.conf", "/usr/lib/edited", "/usr/lib/link"}


def test_ghosts_are_looked_at_without_what_programs_write_there(host):
    rpm = pytest.importorskip("rpm")
    for path in ("/var/lib/held/state.db", "/var/lib/systemd/random-seed", "/etc/ghost.conf", "/usr/bin/plain"):
        host.write(path, "1")
    host.link("/usr/sbin/pager", "/etc/alternatives/pager")
    (host.folder / "var/lib/held/folder").mkdir()
    build = Named("a")
    flags = {"/etc/ghost.conf": rpm.RPMFILE_GHOST | rpm.RPMFILE_CONFIG, "/usr/bin/plain": 0}
    build.files = {
        path: File(path, "file", 0o644, "root", "root", "", 0, flags.get(path, rpm.RPMFILE_GHOST), "", "", "")
        for path in ("/var/lib/held/state.db", "/var/lib/held/folder", "/var/lib/held/absent", "/var/lib/systemd/random-seed",
                     "/usr/sbin/pager", *flags)}
    found = gather.ghosts(scene(host.root, builds=[build]))
    assert {path: said["content"] for path, said in found.items()} == {
        "/usr/sbin/pager": "/etc/alternatives/pager", "/var/lib/held/state.db": ""}


def test_folders_of_the_sections_are_looked_through(host):
    paths = [f"{place}/a" for place in places.COMPARED]
    for path in (*paths, "/etc/other/a"):
        host.write(path)
    found = gather.files(scene(host.root))
    assert {path for path, said in found.items() if said} == {*paths, *places.COMPARED}


def test_files_of_the_table_are_looked_at_without_a_folder_below_them(host):
    for path in places.COMPARED:
        host.write(path)
    where = scene(host.root)
    assert {path for path, said in gather.files(where).items() if said} == set(places.COMPARED)
    assert where.view.noted.all == {}


def test_capabilities_of_a_file_are_recorded(host, monkeypatch):
    host.write("/usr/bin/ping")
    monkeypatch.setattr(gather.os, "getxattr", lambda path, name, follow_symlinks: {gather.CAPABILITIES: b"\x01\x00"}[name])
    view = View(host.root, answering({}))
    assert gather.state_of(view, "/usr/bin/ping")["capabilities"] == "0100"
    monkeypatch.undo()
    assert gather.state_of(view, "/usr/bin/ping")["capabilities"] == ""


class Policy:
    """SELinux with a policy that has a label for everything but what lies in /home."""

    def __init__(self, enabled=True):
        self.enabled = enabled

    def is_selinux_enabled(self):
        return self.enabled

    def matchpathcon(self, path, kind):
        return (-1, None) if path.startswith("/home") else (0, "system_u:object_r:link_t" if stat.S_ISLNK(kind) else
                                                            "system_u:object_r:etc_t")

    def selinux_file_context_cmp(self, one, other):
        one, other = one.partition(":")[2], other.partition(":")[2]
        return (one > other) - (one < other)

    def is_context_customizable(self, label):
        return int("public_content_t" in label)


@pytest.mark.parametrize(("path", "label", "told"), [
    ("/etc/passwd", "system_u:object_r:etc_t", False),
    ("/etc/passwd", "unconfined_u:object_r:etc_t", False),
    ("/etc/passwd", "system_u:object_r:tmp_t", True),
    ("/etc/passwd", "system_u:object_r:public_content_t", False),
    ("/etc/passwd", "", False),
    ("/home/ours", "system_u:object_r:tmp_t", False),
])
def test_a_label_is_told_only_where_the_policy_has_another_one(monkeypatch, path, label, told):
    monkeypatch.setattr(gather.os, "getxattr", lambda *_arguments, **_more: label.encode() + b"\0")
    view = View("/", answering({}))
    for policy, said in ((Policy(), label if told else ""), (Policy(enabled=False), ""), (None, "")):
        monkeypatch.setattr(gather, "selinux", policy)
        assert gather._wrong_label(view, path, 0o100644) == said


def test_what_changes_by_itself_in_a_file_does_not_count(host):
    def content(path):
        return gather.state_of(View(host.root, answering({})), path)["content"]

    host.write("/boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=a\nboot_success=0\nboot_indeterminate=1\n####")
    first = content("/boot/grub2/grubenv")
    host.write("/boot/grub2/grubenv", "# GRUB Environment Block\nboot_success=1\nsaved_entry=a\n#####")
    assert content("/boot/grub2/grubenv") == first == "saved_entry=a"
    host.write("/boot/grub2/grubenv", "saved_entry=b\n")
    assert content("/boot/grub2/grubenv") != first
    host.write("/etc/resolv.conf", "nameserver 192.0.2.1")
    assert content("/etc/resolv.conf") == ""
    host.link("/etc/udev/hwdb.bin", "elsewhere")
    assert content("/etc/udev/hwdb.bin") == "elsewhere"


def test_install_sections(tmp_path):
    folder = tmp_path / "usr/lib/systemd/system"
    folder.mkdir(parents=True)
    (folder / "a.service").write_text(
        "[Unit]\nWants=x\n[Install]\n# no\nWantedBy=b.target\n\nAlias=c.service\n[Service]\nUser=d\n")
    files = ["/usr/lib/systemd/system/a.service", "/usr/lib/systemd/system/gone.service", "/usr/bin/a"]
    assert gather.installs(scene(tmp_path, builds=[Named("a", files)])) == {"a.service": ["Alias=c.service", "WantedBy=b.target"]}


def test_alternatives_and_kernel(host):
    host.link("/etc/alternatives/iptables", "/usr/sbin/iptables-nft")
    host.write("/etc/alternatives/README", "")
    host.write("/proc/cmdline", "quiet\n")
    where = scene(host.root, {"grubby": (0, "/boot/vmlinuz-5.14\n")})
    assert gather.alternatives(where) == {"iptables": "/usr/sbin/iptables-nft"}
    assert gather.kernel(where) == {"running": None, "cmdline": "quiet", "boot_id": None, "default": "/boot/vmlinuz-5.14"}


class Ended(SystemExit):
    """What a module ended with."""


class Module:
    """As much of AnsibleModule as the glue uses."""

    def __init__(self, check_mode, tmpdir, **params):
        self.check_mode = check_mode
        self.tmpdir = tmpdir
        self.params = params
        self.warned = []

    def exit_json(self, **result):
        raise Ended(result)

    def fail_json(self, **result):
        raise Ended(dict(result, failed=True))

    def warn(self, text):
        self.warned.append(text)


@pytest.fixture
def glue(rpm_root, monkeypatch):
    """Run host_snapshot on a root of the tests instead of on this machine."""
    rpm_root.install("systemd", "252", "1.el9")
    root, transaction_set = rpm_root.root, rpmdb.transaction_set
    target = Target(lambda argv: (127, "", ""), root, root=root)
    monkeypatch.setattr(proving, "target_of", lambda module: target)
    monkeypatch.setattr(proving, "view_of", lambda module: View(root, answering({"systemctl": (0, UNITS)})))
    monkeypatch.setattr(admission, "supported_stream", lambda module, target, changes: 9)
    monkeypatch.setattr(proving.rpmdb, "transaction_set", lambda: transaction_set(root))

    def call(check_mode=False, **params):
        module = Module(check_mode, root, **{"names": [], "prediction": None, "id": None, "state": "kept", **params})
        with pytest.raises(Ended) as ended:
            proving.take_snapshot(module)
        return ended.value.args[0], module, target
    return call


def test_check_mode_writes_nothing(glue):
    result, engine, target = glue(check_mode=True, id="s1")
    assert result["changed"] is True
    assert result["summary"]["packages"] == ["systemd-252-1.el9.noarch"]
    assert not os.path.exists(target.state_dir)


def test_a_second_run_keeps_the_first(glue):
    first, module, target = glue(id="s1")
    assert (first["changed"], first["path"]) == (True, snapshot.place("s1"))
    assert first["summary"]["failed_units"] == ["b.service"]
    assert [text for text in module.warned if "verify" in text] != []
    second, engine, _target = glue(id="s1", names=["other"])
    assert (second["changed"], second["summary"]) == (False, first["summary"])
    third, engine, _target = glue()
    assert (third["changed"], snapshot.load(target).id) == (True, third["id"])


def test_packages_of_the_prediction_are_among_those_that_change(glue):
    _result, engine, target = glue(id="s1", names=["a"], prediction={"packages": [{"name": "b"}], "findings": []})
    loaded = snapshot.load(target, "s1")
    assert loaded.content["names"] == ["a", "b"]
    assert loaded.prediction["packages"] == [{"name": "b"}]


def test_a_bad_id_is_refused(glue):
    result, engine, _target = glue(id="../a")
    assert result["failed"] and result["refused"]
    assert result["problems"][0]["remedy"]


def test_what_is_documented_is_what_there_is(glue):
    import yaml
    result, engine, _target = glue()
    documented = yaml.safe_load(host_snapshot.RETURN)
    assert {"id", "path", "summary"} <= set(documented) and set(result) == {"changed", "id", "path", "summary"}
    assert set(documented["summary"]["contains"]) == set(result["summary"])


def test_a_snapshot_is_unproven_until_its_proof_was_accepted(target):
    assert snapshot.unproven(target) is None
    snapshot.save(target, "s1", content(1.0), {}, None)
    assert snapshot.unproven(target) is None
    snapshot.save(target, "s2", content(2.0), {}, {"findings": []})
    assert snapshot.unproven(target) == "s2"
    assert snapshot.settle(target, "s2", check=True) and snapshot.unproven(target) == "s2"
    assert snapshot.settle(target, "s2", check=False) and snapshot.unproven(target) is None
    assert not snapshot.settle(target, "s2", check=False)
    assert snapshot.load(target, "s2").prediction == {"findings": []}
    snapshot.save(target, "s3", content(3.0), {}, {"findings": []})
    assert snapshot.unproven(target) == "s3"


def test_a_full_disk_leaves_nothing_and_says_so(target, monkeypatch):
    def full(*_what):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(type(target), "write", full)
    with pytest.raises(Refused, match="No space left on device"):
        snapshot.save(target, "s1", content(), {}, None)
    assert not os.path.exists(os.path.join(target.state_dir, "snapshots", "s1"))


def test_the_snapshot_of_the_time_before_some_steps_is_found_by_the_sequence_of_runs(target, monkeypatch):
    for number, name in enumerate(("one", "two", "three")):
        monkeypatch.setattr(snapshot, "newest_run", lambda _target, number=number: number)
        # A clock that was set back says nothing about the order.
        snapshot.save(target, name, content(100.0 - number), {}, None)
    assert snapshot.newest_after(target, 1, 1) == "two"
    assert snapshot.newest_after(target, 0, 2) == "three"
    assert snapshot.newest_after(target, 3, 9) is None


def test_snapshots_that_no_way_back_needs_are_pruned_and_a_damaged_one_is_not(target, monkeypatch):
    monkeypatch.setattr(snapshot, "KEPT", 2)
    for number in range(6):
        monkeypatch.setattr(snapshot, "newest_run", lambda _target, number=number: number)
        snapshot.save(target, f"s{number}", content(1.0), {}, None)
    with open(os.path.join(target.state_dir, "snapshots/s0/manifest.json"), "w", encoding="utf-8") as handle:
        handle.write("{half")
    snapshot.prune(target, 4)
    assert sorted(os.listdir(os.path.join(target.state_dir, "snapshots"))) == ["s0", "s3", "s4", "s5"]
    snapshot.prune(target, 100)
    assert sorted(os.listdir(os.path.join(target.state_dir, "snapshots"))) == ["s0", "s4", "s5"]


def codes(act):
    try:
        act()
    except Refused as refused:
        return [problem.code for problem in refused.problems]
    return []


def harm(target, snapshot_id):
    place = pathlib.Path(target.state_dir) / "snapshots" / snapshot_id / "content.json"
    place.write_text("{}")


# By code: what there is, and what is asked for; and what the remedy has one do or ask for instead.
REMEDIES = {
    "snapshot.none": (lambda target: None, None, lambda target: snapshot.save(target, "s2", content(), {}, None), None),
    "snapshot.unusable": (
        lambda target: cut_short(target, "s1"), "s1", lambda target: snapshot.save(target, "s2", content(), {}, None), "s2"),
    "snapshot.damaged": (
        lambda target: (snapshot.save(target, "s1", content(), {}, None), harm(target, "s1")), "s1",
        lambda target: snapshot.save(target, "s2", content(2.0), {}, None), None),
}


@pytest.mark.parametrize("code", REMEDIES)
def test_a_snapshot_that_is_taken_or_named_is_used(target, code):
    spoil, named, mend, named_then = REMEDIES[code]
    spoil(target)
    assert codes(lambda: snapshot.load(target, named)) == [code]
    mend(target)
    assert codes(lambda: snapshot.load(target, named_then)) == []


def test_a_snapshot_with_another_id_is_taken(target):
    snapshot.save(target, "s1", content(1.0), {}, None)
    assert codes(lambda: snapshot.save(target, "s1", content(2.0), {}, None)) == ["snapshot.exists"]
    assert codes(lambda: snapshot.save(target, "s2", content(2.0), {}, None)) == []


def test_a_snapshot_is_taken_once_the_packages_can_be_read(target, monkeypatch):
    monkeypatch.setattr(proving, "need_bindings", lambda *_given: None)
    monkeypatch.setattr(proving.admission, "need_root", lambda _module: None)
    monkeypatch.setattr(proving.admission, "supported_stream", lambda *_given, **_more: 9)
    monkeypatch.setattr(proving, "target_of", lambda _module: target)
    monkeypatch.setattr(proving, "view_of", lambda _module: None)
    monkeypatch.setattr(proving.rpmdb, "transaction_set", lambda: None)
    monkeypatch.setattr(proving.gather, "blobs", lambda *_given: {})
    module = types.SimpleNamespace(
        check_mode=False, warn=lambda _text: None, exit_json=lambda **_more: None,
        params={"id": "s1", "state": "taken", "prediction": None, "names": ["a"]})
    unread = {**content(), "packages": None, "unreadable": [{"what": "packages", "reason": "it is damaged"}]}
    for found, told in ((unread, ["snapshot.packages_unreadable"]), (content(), [])):
        monkeypatch.setattr(proving.gather, "take", lambda *_given, found=found: found)
        monkeypatch.setattr(proving, "summary", lambda *_given: {})
        assert codes(lambda: proving.take_snapshot.__wrapped__(module)) == told
