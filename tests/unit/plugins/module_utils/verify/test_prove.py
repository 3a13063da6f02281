# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof: every check that only a host after the swap can answer fires, and is silent beside it.

The first half compares recorded parts of a host before and now. The second half lets rpm itself swap packages below a
root of its own, takes the snapshot before, and proves afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

import pytest
import yaml

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import Target
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import admission, proving
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import policy
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.text import denials
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import (
    checks, gather, groups, prove, report, scenes, snapshot, unit_states,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.builds import File
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import HIGH, LOW, MEDIUM, Skipped
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import after, aftermath, returned
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.swap import Installed, Swap
from ansible_collections.centos.hyperscale.plugins.modules import proof_info

TAKEN = 1000.0


def silent(argv):
    return 127, ""


def recorded(root, before=None, now=None, old=(), new=(), prediction=None, run=silent, course=None):
    """Return scenes whose parts were recorded; old and new are builds."""
    content = {"time": TAKEN, "names": [], "packages": {}, "unreadable": [], **(before or {})}
    made = scenes.Scenes.__new__(scenes.Scenes)
    made.snapshot = snapshot.Snapshot("s1", TAKEN, content, {}, prediction)
    made.view = View(str(root), run)
    made.course = course or scenes.Course(TAKEN)
    made.ts = None
    made.began = time.time()
    made.old, made.new, made.unforeseen = list(old), list(new), []
    made.swap = Swap(old, new, installed=Installed(None, ()), view=made.view)
    made._parts, made._unread = dict(now or {}), {}
    return made


def build(nevra, files=()):
    name, label, arch = scenes.parted(nevra)
    return scenes.EMPTY._replace(name=name, evr=label, arch=arch, digest_algorithm=8, files={file.path: file for file in files})


def carried(path, digest="", flags=0):
    return File(path, "file", 0o644, "root", "root", digest, 1, flags, "", "", "")


def subjects(found):
    return [finding.subject.name for finding in found]


def unit(state, **more):
    return {"LoadState": "loaded", "ActiveState": state, "Transient": "no", "UnitFileState": "enabled", **more}


@pytest.mark.parametrize(("before", "now"), [
    (unit("active", Type="simple"), unit("inactive")),
    (unit("active", Type="oneshot"), unit("inactive", Type="oneshot", ConditionResult="yes")),
    (unit("active", UnitFileState="static", WantedBy="sysinit.target"), unit("inactive")),
    (unit("active", UnitFileState="enabled", Type="dbus", WantedBy="multi-user.target"), unit("inactive")),
    (unit("active", UnitFileState="disabled"), unit("deactivating")),
])
def test_units_that_stopped(tmp_path, before, now):
    (finding,) = aftermath.stopped(recorded(tmp_path, {"units": {"a.service": before}}, {"units": {"a.service": now}}))
    assert (finding.check, finding.subject.name, finding.severity) == ("unit.stopped", "a.service", HIGH)


def test_units_that_were_stopped_on_purpose(tmp_path):
    units = {"units": {"a.service": unit("active")}}, {"units": {"a.service": unit("inactive")}}
    assert list(aftermath.stopped(recorded(tmp_path, *units, course=scenes.Course(TAKEN, off={"a.service"})))) == []
    assert len(list(aftermath.stopped(recorded(tmp_path, *units, course=scenes.Course(TAKEN, off={"b.service"}))))) == 1


@pytest.mark.parametrize(("name", "before", "now"), [
    ("a.service", unit("active"), unit("active")),
    ("a.service", unit("active"), unit("activating")),
    ("a.service", unit("active"), unit("failed")),  # unit.failed says so
    ("a.service", unit("inactive"), unit("inactive")),
    ("a.service", unit("active", Transient="yes"), unit("inactive")),
    ("a.service", unit("active", UnitFileState="static"), unit("inactive")),  # started on demand
    ("a.service", unit("active", UnitFileState="enabled", Type="dbus"), unit("inactive")),  # by its name on the bus
    ("a.service", unit("active"), unit("inactive", LoadState="not-found")),  # unit.vanished says so
    ("a.service", unit("active"), unit("inactive", Type="oneshot", ConditionResult="no")),
    ("a.target", unit("active", UnitFileState="static", WantedBy="b.target"), unit("inactive", WantedBy="")),
    ("session-3.scope", unit("active"), unit("inactive")),
    ("dev-sda.device", unit("active"), unit("inactive")),
    ("user-0.slice", unit("active"), unit("inactive")),
    ("user@0.service", unit("active"), unit("inactive")),
    ("run-user-0.mount", unit("active"), unit("inactive")),
    ("mnt.mount", unit("active", UnitFileState=""), unit("inactive")),
])
def test_units_that_did_not_stop(tmp_path, name, before, now):
    assert list(aftermath.stopped(recorded(tmp_path, {"units": {name: before}}, {"units": {name: now}}))) == []


@pytest.mark.parametrize(("name", "file"), [("a.service", "a.service"), ("a@b.service", "a@.service")])
def test_a_unit_that_is_no_longer_loaded_is_known_by_its_file(host, name, file):
    parts = {"units": {name: unit("active")}}, {"units": {}}
    assert list(aftermath.stopped(recorded(host.root, *parts))) == []
    host.write(f"/usr/lib/systemd/system/{file}")
    assert subjects(aftermath.stopped(recorded(host.root, *parts))) == [name]


def test_a_unit_that_became_another_name_of_a_running_one(host):
    host.link("/usr/lib/systemd/system/old.socket", "new.socket")
    before = {"units": {"old.socket": unit("active")}}
    assert list(aftermath.stopped(recorded(host.root, before, {"units": {"new.socket": unit("active")}}))) == []
    assert subjects(aftermath.stopped(recorded(host.root, before, {"units": {"new.socket": unit("inactive")}}))) == ["old.socket"]


def test_units_that_failed(tmp_path):
    before = {"units": {"old.service": unit("failed"), "fine.service": unit("active")}}
    now = {"units": {"old.service": unit("failed"), "fine.service": unit("active"), "new.service": unit("failed")}}
    found = {finding.subject.name: finding for finding in aftermath.failed(recorded(tmp_path, before, now))}
    assert {name: finding.baseline for name, finding in found.items()} == {"old.service": True, "new.service": False}


def test_install_sections(tmp_path):
    before = {"installs": {"a.service": ["WantedBy=x.target"], "b.service": ["WantedBy=x.target"], "same.service": []},
              "units": {"a.service": unit("active"), "b.service": unit("active", UnitFileState="disabled")}}
    now = {"installs": {"a.service": ["WantedBy=y.target"], "b.service": [], "same.service": [], "new.service": ["Alias=z"]}}
    found = list(aftermath.install_sections(recorded(tmp_path, before, now)))
    assert [(finding.severity, sorted(finding.after)) for finding in found] == [(MEDIUM, ["a.service", "b.service"])]
    assert [consumer.name for consumer in found[0].consumers] == ["a.service"]
    del before["installs"]["a.service"]
    assert [finding.severity for finding in aftermath.install_sections(recorded(tmp_path, before, now))] == [LOW]


def result(host, run, ended, output):
    host.write(f"/var/lib/centos-hyperscale/runs/{run}/result.json", json.dumps({"ended": ended, "output": output}))


def test_scriptlets(host):
    with pytest.raises(Skipped):
        list(aftermath.scriptlets(recorded(host.root)))
    result(host, "20260101T000000Z-1", TAKEN + 1, ["error: of an older run"])
    result(host, "20260102T000000Z-1", TAKEN + 2, [
        "warning: %post(a-b-1-2.noarch) scriptlet failed, exit status 1",
        "warning: something of c", "warning: /etc/d created as /etc/d.rpmnew", "Created symlink /etc/e."])
    found = {finding.subject.name: finding.severity for finding in aftermath.scriptlets(recorded(host.root))}
    assert found == {"a-b": HIGH, "the transaction": MEDIUM}
    result(host, "20260103T000000Z-1", TAKEN + 3, ["Created symlink /etc/e."])
    assert list(aftermath.scriptlets(recorded(host.root))) == []
    result(host, "20260104T000000Z-1", TAKEN - 1, [])
    with pytest.raises(Skipped):
        list(aftermath.scriptlets(recorded(host.root)))


def denial(when, what="read", permissive=0):
    return (f'type=AVC msg=audit({when}.243:24287): avc:  denied  {{ {what} }} for  pid=1 comm="systemd" name="x" dev="vda1" '
            f"scontext=system_u:system_r:init_t:s0 tcontext=system_u:object_r:etc_t:s0 tclass=file permissive={permissive}\n")


def printed(line):
    """Return a line as an entry of the journal, as journalctl prints it."""
    return json.dumps({"__REALTIME_TIMESTAMP": "1100000000", "_TRANSPORT": "kernel", "MESSAGE": line.strip()}) + "\n"


def test_denials(host):
    with pytest.raises(Skipped, match="off"):
        list(aftermath.denials(recorded(host.root)))
    host.write("/sys/fs/selinux/enforce", "1")
    unheard = recorded(host.root, run=lambda argv: (1, ""))
    assert list(aftermath.denials(unheard)) == [] and list(unheard.view.noted.all) == ["journalctl"]
    host.write("/var/log/audit/audit.log", "type=LOGIN msg=audit(2000.1:1): pid=1\n" + denial(900, "open") + denial(1100, "open"))
    (finding,) = aftermath.denials(recorded(host.root))
    assert finding.baseline
    host.write("/var/log/audit/audit.log", denial(900, "open") + denial(1100) + denial(1200) + denial(1300, "write", 1))
    found = {finding.subject.name: finding for finding in aftermath.denials(recorded(host.root))}
    assert {name: (finding.severity, finding.after) for name, finding in found.items()} == {
        "init_t read file etc_t": (HIGH, 2), "init_t write file etc_t": (MEDIUM, 1)}
    assert found["init_t read file etc_t"].consumers == (("process", "systemd", "x"),)


def test_denials_that_reach_the_logs_while_the_proof_is_at_work(host, clock):
    host.write("/sys/fs/selinux/enforce", "1")
    scenes_of = recorded(host.root, run=lambda argv: (0, "" if sum(clock.slept) < 6 else printed(denial(1100))))
    assert [finding.subject.name for finding in aftermath.denials(scenes_of)] == ["init_t read file etc_t"]


def test_a_proof_that_took_long_enough_waits_for_nothing(host, clock):
    host.write("/sys/fs/selinux/enforce", "1")
    scenes_of = recorded(host.root, run=lambda argv: (0, ""))
    clock.slept.append(60)
    assert list(aftermath.denials(scenes_of)) == [] and clock.slept == [60]


def test_denials_by_a_policy_that_is_no_more_in_force(host, monkeypatch):
    monkeypatch.setattr(policy, "allows", lambda denial: denial.permissions != "write" or None)
    host.write("/sys/fs/selinux/enforce", "1")
    host.write("/var/log/audit/audit.log", denial(1100) + denial(1200) + denial(1300, "write"))
    found = {finding.subject.name: finding for finding in aftermath.denials(recorded(host.root, run=lambda argv: (0, "")))}
    assert {name: finding.severity for name, finding in found.items()} == {
        "init_t read file etc_t": LOW, "init_t write file etc_t": HIGH}
    assert found["init_t read file etc_t"].diagnosis.endswith("The policy in force allows it.")


def test_denials_from_the_journal(host):
    host.write("/sys/fs/selinux/enforce", "1")
    asked = []

    def run(argv):
        asked.append(argv)
        return 0, printed(denial(1100))

    assert len(list(aftermath.denials(recorded(host.root, run=run)))) == 1
    assert f"@{1000 - denials.BEFORE}" in asked[0]


def test_denials_before_the_way_back_began_are_no_news(host):
    """The newer build was denied things all the time; what it still asks for while it goes is nothing new."""
    host.write("/sys/fs/selinux/enforce", "1")
    host.write("/var/log/audit/audit.log", denial(1100) + denial(1150, "open") + denial(1250) + denial(1300, "write"))
    back = {finding.subject.name: finding for finding in aftermath.denials(recorded(host.root, course=scenes.Course(1200)))}
    assert {name: (finding.baseline, finding.after) for name, finding in back.items()} == {
        "init_t read file etc_t": (True, 1), "init_t write file etc_t": (False, 1)}
    assert "since the way back began" in back["init_t write file etc_t"].diagnosis


@pytest.mark.parametrize(("was", "is_now", "told"), [
    ({"a.service": "syslogd_t", "b.service": "sshd_t"}, {"a.service": "initrc_t", "b.service": "sshd_t"},
     [("a.service", "syslogd_t", "initrc_t")]),
    ({"a.service": "systemd_logind_t"}, {"a.service": "unconfined_service_t"},
     [("a.service", "systemd_logind_t", "unconfined_service_t")]),
    ({"a.service": "init_t"}, {"a.service": "syslogd_t"}, [("a.service", "init_t", "syslogd_t")]),
    ({"a@1.service": "chronyd_t", "b.service": "crond_t"}, {"a@1.service": "init_t", "b.service": "init_t"},
     [("a@1.service", "chronyd_t", "init_t"), ("b.service", "crond_t", "init_t")]),
    # What ended or began meanwhile is told by other checks.
    ({"a.service": "syslogd_t"}, {"b.service": "init_t"}, [])])
@pytest.mark.parametrize("enforces", ["0", "1"])
def test_services_in_another_domain(host, was, is_now, told, enforces):
    host.write("/sys/fs/selinux/enforce", enforces)
    findings = aftermath.domains(recorded(host.root, {"domains": was}, {"domains": is_now}))
    assert [(finding.subject.name, finding.before, finding.after, finding.severity) for finding in findings] == [
        (*one, HIGH) for one in told]


def test_domains_are_told_only_where_both_times_have_them(host):
    before = now = {"domains": {"a.service": "syslogd_t"}}
    with pytest.raises(Skipped, match="off"):
        list(aftermath.domains(recorded(host.root, before, now)))
    host.write("/sys/fs/selinux/enforce", "1")
    assert list(aftermath.domains(recorded(host.root, before, before))) == []
    with pytest.raises(Skipped, match="lacks domains"):
        list(aftermath.domains(recorded(host.root, {}, now)))


def test_a_unit_that_could_not_be_asked_for_is_not_gone(tmp_path):
    before, now = {"units": {"a.service": unit("active", Type="simple")}}, {"units": {"b.service": unit("active")}}
    scenes_of = recorded(tmp_path, before, now)
    scenes_of._unread = {"units": {"unit a.service": "Access denied"}}
    assert list(aftermath.stopped(scenes_of)) == []
    assert scenes_of.view.noted.all == {"unit a.service": "Access denied"}


def test_a_unit_that_could_not_be_asked_for_before_is_not_new(tmp_path):
    before = {"units": {}, "unread": {"units": {"unit a.service": "Access denied"}}}
    scenes_of = recorded(tmp_path, before, {"units": {"a.service": unit("active")}})
    assert list(aftermath.started(scenes_of)) == []


def test_differences_from_the_packages(tmp_path):
    before = {"verify": {"/usr/a": {"flags": "5", "kind": ""}, "/usr/gone": {"flags": "missing", "kind": ""}}}
    now = {"verify": {
        **before["verify"], "/etc/c": {"flags": "5", "kind": "c"},
        "/usr/share/doc/d": {"flags": "missing", "kind": "d"}, "/usr/mode": {"flags": "M", "kind": ""},
        "/usr/new": {"flags": "S5", "kind": ""}, "/usr/lost": {"flags": "missing", "kind": ""}}}
    predicted = {"findings": [{"check": "mode.changed", "subject": {"name": "/usr/mode"}, "after": "0600"}]}
    found = after.differing(recorded(tmp_path, before, now, prediction=predicted))
    assert subjects(found) == ["/usr/lost", "/usr/new"]
    assert "/usr/mode" in subjects(after.differing(recorded(tmp_path, before, now)))


def test_smoke(tmp_path):
    def ended(status):
        return {"command": "x --version", "status": status, "said": ""}

    before = {"smoke": {"worked": ended(0), "never": ended(1), "fine": ended(0)}}
    now = {"smoke": {"worked": ended(139), "never": ended(1), "fine": ended(0), "new": ended(127), "newfine": ended(0)}}
    assert subjects(after.smoked(recorded(tmp_path, before, now))) == ["new", "worked"]


def test_symbols(host, monkeypatch):
    monkeypatch.setattr(after.symbols, "program", lambda ts, path: path == "/usr/bin/new")
    host.write("/usr/bin/other")
    old = [build("lib-1-1.noarch", [carried("/usr/bin/other")])]
    before = {"symbols": {"left_out": 0, "unresolved": {"/usr/bin/a": ["x"], "/usr/bin/b": [], "/usr/bin/other": []}}}
    now = {"symbols": {"left_out": 0, "unresolved": {
        "/usr/bin/a": ["x"], "/usr/bin/b": ["y"], "/usr/bin/new": ["z"], "/usr/lib64/plugin.so": ["w", "library q"]}}}

    def run(argv):
        assert argv == ["ldd", "-r", "/usr/bin/other"]
        return 0, "undefined symbol: lost\t(/usr/bin/other)\n"

    where = recorded(host.root, before, now, old, old, run=run)
    found = {finding.subject.name: finding.after for finding in after.unresolved(where)}
    assert found == {"/usr/bin/b": ["y"], "/usr/bin/new": ["z"], "/usr/bin/other": ["lost"]}


CHANGES = {
    # What rpm said, its kind, whether it is configuration, what becomes of the file, and what is lost of the change.
    "kept": ("5", "", False, None, ""),
    "content": ("S5", "", False, lambda path: path.write_text("new"), "content"),
    "gone": ("5", "", False, lambda path: path.unlink(), "content"),
    "mode": ("M", "", False, lambda path: path.chmod(0o755), "mode"),
    "mode of configuration": ("M", "c", True, lambda path: path.chmod(0o755), "mode"),
    "mode that stays": ("M", "", False, lambda path: path.write_text("new"), ""),
    "configuration": ("S5M", "c", True, lambda path: path.write_text("new"), ""),
    "manual": ("5", "d", False, lambda path: path.write_text("new"), "content"),
    "ghost": ("M", "g", False, lambda path: path.chmod(0o755), ""),
    "missing": ("missing", "", False, lambda path: path.write_text("new"), ""),
    "link": ("ML", "", False, lambda path: (path.unlink(), path.symlink_to("/dev/null")), "content, kind, mode"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_local_changes(host, case):
    rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    flags, kind, is_config, happens, lost = CHANGES[case]
    path = "/usr/share/tool/changed"
    place = host.write(path, "mine", 0o4750)
    was = gather.state_of(recorded(host.root).view, path)
    if happens:
        happens(place)
    builds = [[build(f"a-{version}-1.noarch", [carried(path, flags=rpm.RPMFILE_CONFIG if is_config else 0)])] for version in "12"]
    before = {"verify": {path: {"flags": flags, "kind": kind}}, "files": {path: was}}
    found = list(after.local_edits(recorded(host.root, before, old=builds[0], new=builds[1])))
    assert [finding.before for finding in found] == ([lost] if lost else [])
    assert {finding.severity for finding in found} <= {"low" if kind == "d" else "high"}


def test_ghosts_that_went(host):
    rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    paths = ("/var/lib/held/state.db", "/var/lib/held/kept", "/var/lib/held/owned", "/var/lib/held/foreign")
    old = [build("a-1-1.noarch", [carried(path, flags=rpm.RPMFILE_GHOST) for path in paths[:3]])]
    new = [build("a-2-1.noarch", [carried("/var/lib/held/owned", flags=rpm.RPMFILE_GHOST)])]
    host.write("/var/lib/held/kept")
    state = {"kind": "file", "content": "", "mode": "0644", "owner": "0:0", "label": "", "capabilities": ""}
    where = recorded(host.root, {"ghosts": dict.fromkeys(paths, state)}, old=old, new=new)
    assert [(finding.check, finding.subject.name, finding.severity) for finding in after.ghosts(where)] == [
        ("ghost.dropped", "/var/lib/held/state.db", "high")]


def test_second_files(host):
    rpm = pytest.importorskip("rpm")
    paths = ("/etc/new", "/etc/old", "/etc/save", "/etc/none")
    new = [build("a-2-1.noarch", [carried(path, flags=rpm.RPMFILE_CONFIG) for path in paths])]
    for path in ("/etc/new.rpmnew", "/etc/old.rpmnew", "/etc/save.rpmsave"):
        host.write(path)
    where = recorded(host.root, {"leftovers": ["/etc/old.rpmnew"]}, old=new, new=new)
    assert [(finding.check, finding.subject.name) for finding in after.second_files(where)] == [
        ("config.rpmnew", "/etc/new"), ("config.rpmsave", "/etc/save")]


def test_what_the_snapshot_lacks_is_skipped_with_its_reason(tmp_path):
    before = {"units": None, "unreadable": [{"what": "units", "reason": "no answer"}]}
    with pytest.raises(Skipped, match="the snapshot lacks units: no answer"):
        list(aftermath.failed(recorded(tmp_path, before)))


def test_what_headers_tell_is_judged_by_the_time_before(tmp_path):
    changed = checks.found(
        "config.default_changed", checks.Subject("path", "/etc/a"), "1", "2", "other", [checks.Consumer("x", "y")])
    edited = {"verify": {"/etc/a": {"flags": "S5", "kind": "c"}}}
    seen = prove._seen(changed, recorded(tmp_path, edited))
    assert (seen.severity, seen.confidence, seen.key) == (LOW, "proven", changed.key)
    assert prove._seen(changed, recorded(tmp_path, {"verify": {}})).severity == MEDIUM


def test_who_used_a_unit_is_known_from_the_time_before(tmp_path):
    then = {"a.service": {"Id": "a.service", "SubState": "running"}}
    past = scenes.Past(View(str(tmp_path), silent), then, {"unit b.service": "Access denied"})
    with past.watched() as first:
        assert unit_states.known(past) == then
    with past.watched() as second:
        unit_states.known(past)
    assert first == second == {"unit b.service": "Access denied (when the snapshot was taken)"}
    assert past.said("other") == (127, "")
    assert unit_states.known(scenes.Past(View(str(tmp_path), silent), None, {})) == {}


def test_a_kernel_that_waits_for_its_boot_is_no_surprise(host):
    kernel = {"boot_id": "1", "running": "5.14", "default": "/boot/vmlinuz-5.14", "cmdline": ""}
    host.write("/proc/sys/kernel/osrelease", "5.14")

    def run(argv):
        return 0, "/boot/vmlinuz-6.12\n"

    with pytest.raises(Skipped):
        prove.booted(recorded(host.root, {"kernel": kernel}, {"kernel": kernel}, run=run))
    again = {**kernel, "boot_id": "2"}
    assert len(list(prove.booted(recorded(host.root, {"kernel": kernel}, {"kernel": again}, run=run)))) == 1


def test_packages_after_going_back(tmp_path):
    before = {"packages": {"a-1-1.noarch": "user", "b-1-1.noarch": "user", "c-1-1.noarch": None}}
    now = {"packages": {"a-2-1.noarch": "user", "b-1-1.noarch": "dependency", "c-1-1.noarch": "user"}}
    found = {finding.subject: finding.severity for finding in returned.packages(recorded(tmp_path, before, now))}
    assert {subject[:2]: severity for subject, severity in found.items()} == {
        ("build", "a-1-1.noarch"): HIGH, ("build", "a-2-1.noarch"): HIGH, ("reason", "b-1-1.noarch"): LOW}


def test_every_check_of_the_phase_is_claimed_once():
    of_headers = {name for group in groups.OF_HEADERS for name in group.checks}
    # What is compared after going back stands in many parts of the host, each looked at by itself.
    back = {name for names, _find in prove.BACK for name in names}
    claimed = [*(name for names, _find in (*prove.AFTER, *prove.LAST) for name in names), *back]
    mine = {check.id for check in checks.TABLE if checks.PROVE in check.phases}
    assert mine - of_headers - set(claimed) == {"waiver.expired"}
    assert (len(claimed), of_headers & set(claimed)) == (len(set(claimed)), set())


# From here on rpm itself swaps.

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: A package of the tests
License: GPL-3.0-or-later
{noarch}
AutoReqProv: no
{tags}
%description
A package of the tests.
%install
{install}
%files
{files}
"""


class Root:
    """Packages with files, installed by rpm below a folder; and a host that answers from there."""

    def __init__(self, folder):
        self.home = folder
        self.root = folder / "root"
        self.root.mkdir()
        self.units = {}
        self.answers = {}
        subprocess.run(["rpm", "--root", str(self.root), "--initdb"], check=True)
        (self.root / "etc").mkdir()
        (self.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (self.root / "etc/group").write_text("root:x:0:\n")
        (self.root / "proc/self").mkdir(parents=True)
        (self.root / "proc/self/mountinfo").write_text("20 1 8:1 / / rw shared:1 - xfs /dev/sda1 rw\n")

    def build(self, name, version, files, tags="", config=(), owners=(), arch="noarch", more="", also=None):
        """Build a package; C(files) maps paths to contents, and so does C(also), whose paths are listed in C(more)."""
        spec = self.home / f"{name}-{version}.spec"
        install = "".join(
            f"mkdir -p %{{buildroot}}{os.path.dirname(path)}\nprintf '%s' '{text}' > %{{buildroot}}{path}\n"
            for path, text in {**files, **(also or {})}.items())
        marks = {**dict.fromkeys(config, "%config(noreplace) "), **{path: f"%attr(0644, {user}, root) " for path, user in owners}}
        listed = "\n".join(marks.get(path, "") + path for path in files)
        spec.write_text(SPEC.format(name=name, version=version, tags=tags, install=install, files=listed,
                                    noarch="BuildArch: noarch" if arch == "noarch" else "") + more)
        defines = (f"_topdir {self.home}/top", f"_dbpath {self.home}/db", "__os_install_post %{nil}")
        subprocess.run(
            ["rpmbuild", "-bb", "--quiet", "--target", arch, str(spec),
             *(part for define in defines for part in ("--define", define))], check=True, capture_output=True)
        return str(self.home / f"top/RPMS/{arch}/{name}-{version}-1.{arch}.rpm")

    def rpm(self, *argv):
        return subprocess.run(
            ["rpm", "--root", str(self.root), *argv], check=False, capture_output=True, text=True,
            env=dict(os.environ, LC_ALL="C"))

    def run(self, argv):
        if argv[0] == "rpm" and "-V" in argv:
            done = self.rpm(*argv[1:])
            return done.returncode, done.stdout
        if argv[:2] == ["systemctl", "show"]:
            return 0, "\n\n".join(
                "\n".join(f"{key}={value}" for key, value in {"Id": name, **said}.items()) for name, said in self.units.items())
        return self.answers.get(" ".join(argv), (127, ""))

    @property
    def target(self):
        return Target(lambda argv: (127, "", ""), str(self.home), root=str(self.root))

    @property
    def view(self):
        return View(str(self.root), self.run)

    @property
    def ts(self):
        return rpmdb.transaction_set(str(self.root))

    def snapshot(self, *names, prediction=None):
        """Take a snapshot, save it, and read it back."""
        snapshot.save(self.target, "s1", gather.take(self.view, self.ts, names), gather.blobs(self.ts, names), prediction)
        return snapshot.load(self.target)

    def proven(self, taken, **more):
        whole = prove.prove(taken, self.view, self.ts, **more)
        json.dumps(whole)
        assert [check for check in whole["checks"] if check["status"] == "error"] == []
        return whole


@pytest.fixture
def root(tmp_path):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild is missing")
    made = Root(tmp_path)
    made.units = {"a.service": unit("active")}
    return made


UNIT_FILE = "/usr/lib/systemd/system/a.service"
OLD = {"/usr/bin/a": "old", "/usr/bin/gone": "old", "/etc/a.conf": "old", UNIT_FILE: "[Install]\nWantedBy=b.target",
       "/usr/share/a/data": "old"}
NEW = {"/usr/bin/a": "new", "/etc/a.conf": "new", UNIT_FILE: "[Install]\nWantedBy=c.target", "/usr/share/a/data": "new"}


def checks_of(whole, *ids):
    return {(finding["check"], finding["subject"]["name"]) for finding in whole["findings"] if not ids or finding["check"] in ids}


@pytest.fixture
def swapped(root):
    """A host whose package was edited here and then replaced."""
    root.rpm("-i", root.build("a", "1", OLD, config=["/etc/a.conf"]), root.build("stays", "1", {"/usr/bin/s": "s"}))
    (root.root / "etc/a.conf").write_text("mine")
    (root.root / "usr/share/a/data").write_text("mine")
    root.taken = root.snapshot("a")
    root.rpm("-U", root.build("a", "2", NEW, config=["/etc/a.conf"]))
    return root


def test_nothing_changed_nothing_found(root):
    root.rpm("-i", root.build("a", "1", OLD))
    whole = root.proven(root.snapshot("a"))
    assert (whole["findings"], whole["packages"], whole["joined"]) == ([], [], None)
    assert (whole["verdict"], whole["phase"], whole["run_id"]) == ("drop_in", "prove", "s1")
    whole = root.proven(snapshot.load(root.target), phase="rollback")
    assert (whole["findings"], whole["verdict"], whole["phase"]) == ([], "drop_in", "rollback")


def test_a_swap_is_told_by_what_really_happened(swapped):
    whole = swapped.proven(swapped.taken)
    assert [(package["from_nevra"], package["to_nevra"]) for package in whole["packages"]] == [("a-1-1.noarch", "a-2-1.noarch")]
    assert {("file.removed", "/usr/bin/gone"), ("config.rpmnew", "/etc/a.conf"), ("local_edit.overwritten", "/usr/share/a/data"),
            ("unit.install_changed", "a")} <= checks_of(whole)
    assert checks_of(
        whole, "verify.differs", "config.rpmsave", "config.rpmorig", "unit.vanished", "package.unforeseen",
        "rollback.package") == set()
    assert {finding["confidence"] for finding in whole["findings"]} == {"proven"}


def test_damage_after_the_swap_is_found(swapped):
    (swapped.root / "usr/bin/a").write_text("broken")
    assert checks_of(swapped.proven(swapped.taken), "verify.differs") == {("verify.differs", "/usr/bin/a")}


README, WORDS = "/usr/share/doc/a/README", "/usr/share/locale/de/a.mo"
POLICIES = [(("--excludedocs",), README), (("--define", "_install_langs fr"), WORDS), (("--define", "_excludedocs 1"), README)]


def documented(root, version):
    """Build a package with documentation and words of a language."""
    return root.build("a", version, {"/usr/bin/a": version, README: version}, more=f"%lang(de) {WORDS}\n", also={WORDS: version})


@pytest.mark.parametrize(("policy", "lost"), POLICIES)
def test_a_file_that_the_new_build_was_installed_without_is_told(root, policy, lost):
    root.rpm("-i", documented(root, "1"))
    taken = root.snapshot("a")
    root.rpm("-U", *policy, documented(root, "2"))
    assert checks_of(root.proven(taken), "verify.differs") == {("verify.differs", lost)}


@pytest.mark.parametrize(("policy", "lost"), POLICIES)
def test_a_file_that_did_not_come_back_is_told(root, policy, lost):
    root.rpm("-i", documented(root, "1"))
    taken = root.snapshot("a")
    root.rpm("-U", documented(root, "2"))
    root.rpm("-U", "--oldpackage", *policy, documented(root, "1"))
    assert checks_of(root.proven(taken, phase="rollback")) == {("rollback.differs", lost)}


@pytest.mark.parametrize("policy", [policy for policy, _lost in POLICIES])
def test_a_file_that_was_never_installed_is_nothing_that_was_lost_and_one_that_came_with_the_way_back_is_told(root, policy):
    root.rpm("-i", *policy, documented(root, "1"))
    taken = root.snapshot("a")
    root.rpm("-U", *policy, documented(root, "2"))
    assert checks_of(root.proven(taken), "verify.differs") == set()
    root.rpm("-U", "--oldpackage", *policy, documented(root, "1"))
    assert checks_of(root.proven(taken, phase="rollback")) == set()
    root.rpm("-U", "--replacepkgs", documented(root, "1"))
    assert len(checks_of(root.proven(taken, phase="rollback"), "rollback.differs")) == 1


def test_prediction_and_proof_are_joined_by_key(root):
    root.rpm("-i", root.build("a", "1", OLD, config=["/etc/a.conf"]))
    first = [
        checks.found("file.removed", checks.Subject("path", "/usr/bin/gone"), "a", None, "predicted"),
        checks.found("unit.vanished", checks.Subject("unit", "a.service"), "a", None, "predicted"),
        checks.found("disk.space", checks.Subject("mount", "/"), 1, 2, "predicted"),
    ]
    prediction = {"findings": [report.plain(finding) for finding in first], "packages": [], "repos": ["hs"]}
    taken = root.snapshot("a", prediction=prediction)
    root.rpm("-U", root.build("a", "2", NEW, config=["/etc/a.conf"]))
    whole = root.proven(taken)
    assert whole["repos"] == ["hs"]
    joined = whole["joined"]
    assert joined["happened"] == [first[0].key]
    assert joined["did_not_happen"] == [first[1].key]
    assert joined["only_predicted"] == [first[2].key]
    assert joined["not_predicted"] != []


def test_what_lies_in_a_subpackage_keeps_the_key_of_the_prediction(root):
    root.rpm("-i", root.build("a", "1", OLD))
    subject = checks.Subject("path", "/usr/bin/gone", "", "a-more")
    predicted = checks.found("file.needs_subpackage", subject, "a-1-1.noarch", "a-more-2-1.noarch", "predicted")
    taken = root.snapshot("a", prediction={"findings": [report.plain(predicted)]})
    root.rpm("-U", root.build("a", "2", NEW))
    whole = root.proven(taken)
    assert whole["joined"]["happened"] == [predicted.key]
    assert checks_of(whole, "file.removed") == set()


def test_one_that_left_without_being_named(root):
    root.rpm("-i", root.build("a", "1", OLD), root.build("other", "1", {"/usr/bin/other": ""}))
    taken = root.snapshot("a")
    root.rpm("-e", "other")
    assert checks_of(root.proven(taken)) == {("package.unforeseen", "other")}


def test_installed_twice(root):
    root.rpm("-i", root.build("a", "1", OLD))
    taken = root.snapshot("a")
    root.rpm("-i", "--force", "--nodeps", root.build("a", "2", NEW))
    assert checks_of(root.proven(taken), "installed.duplicate") == {("installed.duplicate", "a")}
    root.rpm("-e", "--nodeps", "a-1-1")
    assert checks_of(root.proven(taken), "installed.duplicate") == set()


def test_what_lacks_something_is_told_from_what_lacked_it_before(root):
    needy = root.build("needy", "1", {"/usr/bin/n": ""}, "Requires: mine")
    poor = root.build("poor", "1", {"/usr/bin/p": ""}, "Requires: never")
    root.rpm("-i", "--nodeps", root.build("a", "1", OLD, "Provides: mine"), needy, poor)
    taken = root.snapshot("a")
    before = [finding["baseline"] for finding in root.proven(taken)["findings"] if finding["check"] == "installed.broken"]
    assert before == [True]
    root.rpm("-U", "--nodeps", root.build("a", "2", NEW))
    found = [finding for finding in root.proven(taken)["findings"] if finding["check"] == "installed.broken"]
    assert {(finding["subject"]["name"], finding["baseline"], finding["severity"]) for finding in found} == {
        ("needy", False, "high"), ("poor", True, "medium")}


SUBPACKAGE = "%package more\nSummary: More\n%description more\nMore.\n%files more\n"


def test_siblings_of_two_builds(root):
    both = {version: [root.build("a", version, OLD if version == "1" else NEW, more=SUBPACKAGE)] for version in "12"}
    for version, paths in both.items():
        paths.append(paths[0].replace(f"a-{version}", f"a-more-{version}"))
    root.rpm("-i", *both["1"])
    taken = root.snapshot("a", "a-more")
    root.rpm("-U", both["2"][0])
    assert checks_of(root.proven(taken), "siblings.split") == {("siblings.split", "a")}
    root.rpm("-U", both["2"][1])
    assert checks_of(root.proven(taken), "siblings.split") == set()


def test_the_other_architecture_and_the_processor(root):
    both = {arch: root.build("a", "1", {"/usr/share/a": "1"}, arch=arch) for arch in ("i686", "x86_64")}
    root.rpm("-i", "--ignorearch", "--force", *both.values())
    taken = root.snapshot("a")
    root.rpm("-i", "--ignorearch", "--force", root.build("a", "2", {"/usr/share/a": "1"}, arch="x86_64"))
    root.rpm("-e", "a-1-1.x86_64")
    assert checks_of(root.proven(taken), "multilib.partner", "cpu.baseline") == {("multilib.partner", "a")}
    root.rpm("-U", "--ignorearch", root.build("a", "2", {"/usr/share/a": "1"}, arch="i686"))
    assert checks_of(root.proven(taken), "multilib.partner", "cpu.baseline") == set()


def test_processes_that_run_what_was_replaced(swapped):
    for pid, path in (("7", "/usr/bin/a (deleted)"), ("8", "/usr/bin/a")):
        folder = swapped.root / "proc" / pid
        folder.mkdir(parents=True)
        (folder / "comm").write_text(f"a{pid}\n")
        (folder / "exe").symlink_to(path)
    whole = swapped.proven(swapped.taken)
    (found,) = [finding for finding in whole["findings"] if finding["check"] == "process.old_code"]
    assert [consumer["name"] for consumer in found["consumers"]] == ["a7"]
    (swapped.root / "proc/7/exe").unlink()
    assert checks_of(swapped.proven(swapped.taken), "process.old_code") == set()


def test_a_new_kernel_needs_its_files_and_its_tools(root):
    root.rpm("-i", root.build("perf", "6.1", {"/usr/bin/perf": ""}))
    taken = root.snapshot("kernel-core", "perf")
    root.rpm("-i", root.build("kernel-core", "6.2", {"/usr/share/k": ""}))
    assert checks_of(root.proven(taken), "kernel.boot_files", "kernel.tools_lag") == {
        ("kernel.boot_files", "6.2-1.noarch"), ("kernel.tools_lag", "perf")}
    (root.root / "boot").mkdir()
    for name in ("vmlinuz-6.2-1.noarch", "initramfs-6.2-1.noarch.img"):
        (root.root / "boot" / name).write_text("x")
    root.rpm("-U", root.build("perf", "6.2", {"/usr/bin/perf": ""}))
    assert checks_of(root.proven(taken), "kernel.boot_files", "kernel.tools_lag") == set()


def test_users_and_links(root):
    root.rpm("-i", root.build("a", "1", OLD))
    taken = root.snapshot("a")
    (root.root / "etc/alternatives").mkdir()
    (root.root / "etc/alternatives/gone").symlink_to("/usr/bin/gone")
    owned = {**NEW, "/usr/bin/owned": ""}
    root.rpm("-U", root.build("a", "2", owned, "Provides: user(nobody-here)", owners=[("/usr/bin/owned", "nobody-here")]))
    whole = root.proven(taken)
    assert checks_of(whole, "user.missing", "symlink.dangling") == {
        ("user.missing", "nobody-here"), ("symlink.dangling", "/etc/alternatives/gone")}
    (root.root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nnobody-here:x:9:9::/:/bin/sh\n")
    (root.root / "etc/alternatives/gone").unlink()
    assert checks_of(root.proven(taken), "user.missing", "symlink.dangling") == set()


def test_going_back(swapped):
    whole = swapped.proven(swapped.taken, phase="rollback")
    assert checks_of(whole, "rollback.package") == {("rollback.package", "a-1-1.noarch"), ("rollback.package", "a-2-1.noarch")}
    swapped.rpm("-U", "--oldpackage", str(swapped.home / "top/RPMS/noarch/a-1-1.noarch.rpm"))
    whole = swapped.proven(swapped.taken, phase="rollback")
    # rpm brings a file back as its package has it, without the local change, and leaves the second file.
    assert checks_of(whole) == {("rollback.differs", "/usr/share/a/data"), ("rollback.left", "/etc/a.conf.rpmnew")}
    (swapped.root / "etc/a.conf.rpmnew").unlink()
    (swapped.root / "usr/share/a/data").write_text("mine")
    assert checks_of(swapped.proven(swapped.taken, phase="rollback")) == set()
    (swapped.root / "etc/a.conf").write_text("other")
    (swapped.root / "usr/bin/a").write_text("other")
    whole = swapped.proven(swapped.taken, phase="rollback")
    assert checks_of(whole) == {("rollback.differs", path) for path in ("/etc/a.conf", "/usr/bin/a")} | {
        ("verify.differs", "/usr/bin/a")}


def test_a_snapshot_of_an_older_release_proves_what_it_knows(swapped):
    swapped.rpm("-U", "--oldpackage", str(swapped.home / "top/RPMS/noarch/a-1-1.noarch.rpm"))
    parts = ("folders", "sysctls", "asked_sysctls", "rulesets", "accounts", "unit_files", "keys")
    files = {
        path: said and {aspect: value for aspect, value in said.items() if aspect != "capabilities"}
        for path, said in swapped.taken.content["files"].items() if path == "/etc/a.conf"}
    older = {name: value for name, value in swapped.taken.content.items() if name not in parts}
    (swapped.root / "etc/dnf").mkdir()
    whole = swapped.proven(swapped.taken._replace(content={**older, "files": files}), phase="rollback")
    # The local change was not recorded as a file, but rpm had a word on it.
    assert checks_of(whole) == {("rollback.differs", "/usr/share/a/data"), ("rollback.left", "/etc/a.conf.rpmnew")}
    reasons = {check["id"]: check["reason"] for check in whole["checks"] if check["status"] == "skipped"}
    for check, words in (
            ("rollback.differs", ("/etc/dnf", "capabilities", "lacks sysctls", "lacks rulesets")),
            ("rollback.left", ("lacks accounts", "lacks unit_files", "lacks keys"))):
        assert [word for word in words if word not in reasons[check]] == []


def test_waivers(swapped):
    whole = swapped.proven(swapped.taken)
    (mine,) = [finding["key"] for finding in whole["findings"] if finding["check"] == "local_edit.overwritten"]
    assert mine in [finding["key"] for finding in report.at_or_above(whole, "high")]
    whole = swapped.proven(swapped.taken, waivers=[{"key": mine, "by": "me", "reason": "known", "until": "2999-01-01"}])
    assert mine not in [finding["key"] for finding in report.at_or_above(whole, "high")]
    assert whole["summary"]["waived"] == 1
    with pytest.raises(Refused):
        swapped.proven(swapped.taken, waivers=[{"key": mine}])


def test_a_snapshot_without_the_list_of_packages_is_refused(root):
    taken = root.snapshot("a")
    with pytest.raises(Refused, match="list of packages"):
        prove.prove(taken._replace(content={**taken.content, "packages": None}), root.view, root.ts)


class Ended(SystemExit):
    """What a module ended with."""


class Module:
    """As much of AnsibleModule as the glue uses."""

    def __init__(self, tmpdir, **params):
        self.tmpdir = tmpdir
        self.params = {"snapshot": None, "phase": "prove", "waivers": [], "fail_on": "never", "settle": 0, **params}

    def exit_json(self, **result):
        raise Ended(result)

    def fail_json(self, **result):
        raise Ended(dict(result, failed=True))


@pytest.fixture
def glue(swapped, monkeypatch):
    """Run proof_info on a root of the tests instead of on this machine."""
    ts = swapped.ts
    monkeypatch.setattr(proving, "target_of", lambda module: swapped.target)
    monkeypatch.setattr(proving, "view_of", lambda module: swapped.view)
    monkeypatch.setattr(admission, "supported_stream", lambda module, target, changes: 9)
    monkeypatch.setattr(proving.rpmdb, "transaction_set", lambda: ts)

    def call(**params):
        with pytest.raises(Ended) as ended:
            proving.compare_with_snapshot(Module(str(swapped.home), **params))
        return ended.value.args[0]
    return call


def test_the_module_fails_only_where_it_is_asked_to(glue):
    calm = glue()
    assert (calm["changed"], "failed" in calm) == (False, False)
    strict = glue(fail_on="high")
    assert strict["failed"] and "local_edit.overwritten" in strict["msg"]
    assert strict["report"]["findings"]


def test_what_was_foreseen_does_not_fail_a_rollout():
    def finding(key, severity, **more):
        return {"key": key, "severity": severity, "blocking": False, "baseline": False, "waiver": None, **more}

    found = [finding("a", "high"), finding("b", "high"), finding("c", "low"), finding("d", "high", baseline=True)]
    whole = {"findings": found, "verdict": "not_drop_in", "joined": {"not_predicted": ["b", "c", "d"]}}
    assert report.at_or_above(whole, "unforeseen") == [found[1]]
    assert report.at_or_above({**whole, "joined": None}, "unforeseen") == found[:2]
    assert not report.reached({**whole, "findings": found[:1]}, "unforeseen")
    assert report.reached({**whole, "findings": [], "verdict": "unknown"}, "unforeseen")


def test_the_module_refuses_what_it_cannot_use(glue):
    assert glue(snapshot="absent")["refused"] is True
    assert "waiver 1" in glue(waivers=[{"key": "x", "by": "me", "reason": "y", "until": "2999-01-01"}])["msg"]


def test_what_is_documented_is_what_there_is(glue):
    documented = yaml.safe_load(proof_info.RETURN)
    assert set(documented) - {"problems", "refused", "verdict", "findings"} == set(glue()) - {"changed"}
    assert set(documented["report"]["contains"]["joined"]["contains"]) == set(report.joined([], []))
    options = yaml.safe_load(proof_info.DOCUMENTATION)["options"]
    assert options["phase"]["choices"] == list(prove.PHASES)
    assert set(options["fail_on"]["choices"]) == {*report.FAIL_ON, report.UNFORESEEN}


def test_a_snapshot_that_is_taken_anew_is_proven(root):
    taken = root.snapshot("a")
    with pytest.raises(Refused) as refused:
        prove.prove(taken._replace(content={**taken.content, "packages": None}), root.view, root.ts)
    assert [problem.code for problem in refused.value.problems] == ["snapshot.no_packages"]
    prove.prove(taken, root.view, root.ts)
