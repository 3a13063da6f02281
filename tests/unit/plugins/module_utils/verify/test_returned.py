# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After going back: what differs from the snapshot is told, and what changes by itself is not."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.test_prove import (
    recorded, subjects, unit,
)

from ansible_collections.centos.hyperscale.plugins.module_utils.tables import places
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import gather, groups
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import PROVE
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import HIGH, INFO, LOW, MEDIUM, Skipped
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import left, returned, settings

STATE = {"kind": "file", "content": "1", "mode": "0644", "owner": "0:0", "label": "a", "capabilities": ""}


def told(find, root, part, before, now, more=None, **scenes):
    """Return findings on one part by their subject."""
    found = list(find(recorded(root, {part: before, **(more or {})}, {"leftovers": [], part: now}, **scenes)))
    assert {finding.confidence for finding in found} <= {"proven"}
    assert [finding for finding in found if finding.blocking or not finding.diagnosis.endswith(".")] == []
    assert len({finding.key for finding in found}) == len(found)
    return {finding.subject.name: finding for finding in found}


def severities(found):
    return {name: finding.severity for name, finding in found.items()}


def test_files(host):
    before = {path: STATE for path in ("/etc/a", "/etc/gone", "/etc/label", "/etc/same", "/usr/bin/ping")}
    now = {
        "/etc/a": {**STATE, "mode": "0600", "content": "2"}, "/etc/gone": None, "/etc/label": {**STATE, "label": "b"},
        "/etc/same": STATE, "/etc/absent": None, "/usr/bin/ping": {**STATE, "capabilities": "0100"}}
    found = told(returned.files, host.root, "files", {**before, "/etc/absent": None}, now)
    assert severities(found) == {"/etc/a": HIGH, "/etc/gone": HIGH, "/etc/label": MEDIUM, "/usr/bin/ping": HIGH}
    assert found["/etc/a"].before == {"content": "1", "mode": "0644"}
    assert found["/usr/bin/ping"].after == {"capabilities": "0100"}


@pytest.mark.parametrize(("was", "said", "told_of"), [
    ("", "", False), ("tmp_t", "", False), ("tmp_t", "tmp_t", False), ("", "tmp_t", True), ("usr_t", "tmp_t", True)])
def test_a_label_is_compared_with_that_of_the_policy(tmp_path, was, said, told_of):
    found = told(returned.files, tmp_path, "files", {"/etc/a": {**STATE, "label": was}}, {"/etc/a": {**STATE, "label": said}})
    assert severities(found) == ({"/etc/a": MEDIUM} if told_of else {})


def test_ghosts(host):
    def state(path):
        return gather.state_of(recorded(host.root).view, path, with_content=False)

    for path in ("/var/lib/held/state.db", "/var/lib/held/mode", "/var/lib/held/gone"):
        host.write(path, "1", 0o600)
    host.link("/usr/sbin/pager", "/etc/alternatives/pager")
    paths = ["/usr/sbin/pager", "/var/lib/held/gone", "/var/lib/held/mode", "/var/lib/held/state.db"]
    before = {path: state(path) for path in paths}
    assert told(returned.ghosts, host.root, "ghosts", before, {}) == {}
    host.write("/var/lib/held/state.db", "a program has written")
    host.write("/var/lib/held/mode", "1", 0o644)
    for path in ("/var/lib/held/gone", "/usr/sbin/pager"):
        (host.folder / path[1:]).unlink()
    host.link("/usr/sbin/pager", "/usr/bin/less")
    assert severities(told(returned.ghosts, host.root, "ghosts", before, {})) == dict.fromkeys(paths[:3], HIGH)


def test_a_file_that_is_no_longer_looked_for_is_looked_at_all_the_same(host):
    host.write("/usr/lib/edited", "x")
    same = {"/usr/lib/edited": gather.state_of(recorded(host.root).view, "/usr/lib/edited")}
    assert told(returned.files, host.root, "files", same, {}) == {}
    host.write("/usr/lib/edited", "y")
    assert severities(told(returned.files, host.root, "files", same, {})) == {"/usr/lib/edited": HIGH}


@pytest.mark.parametrize(("target", "told_of"), [
    ("/usr/lib/systemd/system/a.service", False), ("../../../lib/systemd/system/a.service", False),
    ("/lib/systemd/system/b.service", True), ("/dev/null", True),
])
def test_a_link_is_as_before_when_it_leads_to_the_same_place(tmp_path, target, told_of):
    path = "/etc/systemd/system/a.service"
    link = {**STATE, "kind": "symlink", "content": "/lib/systemd/system/a.service"}
    found = told(returned.files, tmp_path, "files", {path: link}, {path: {**link, "content": target}})
    assert [finding.after for finding in found.values()] == [{"content": target}] * told_of


def test_new_files_are_told_of_the_folders_that_the_snapshot_looked_through(host):
    now = {path: STATE for path in ("/etc/dnf/new", "/etc/systemd/new", "/usr/bin/edited-since")}
    wide = told(returned.files, host.root, "files", {}, now, {"folders": list(places.COMPARED)})
    assert severities(wide) == {"/etc/dnf/new": LOW, "/etc/systemd/new": LOW}
    assert list(told(returned.files, host.root, "files", {}, now)) == ["/etc/systemd/new"]
    path = "/etc/systemd/a.rpmnew"
    assert list(returned.files(recorded(host.root, {"files": {}}, {"files": {path: STATE}, "leftovers": [path]}))) == []


def test_a_snapshot_without_capabilities_and_folders_is_no_difference_but_is_told(tmp_path):
    older = {aspect: value for aspect, value in STATE.items() if aspect != "capabilities"}
    assert told(returned.files, tmp_path, "files", {"/etc/a": older}, {"/etc/a": {**STATE, "capabilities": "01"}}) == {}
    with pytest.raises(Skipped, match="older release.*/etc/dnf"):
        returned.scope(recorded(tmp_path))
    assert returned.scope(recorded(tmp_path, {"folders": list(places.COMPARED)})) == ()


class Owned:
    """A package database that knows who owns what."""

    def __init__(self, **owners):
        self._owners = owners

    def owners(self, path):
        return self._owners.get(path.rpartition("/")[2], [])


def test_what_rpm_says_of_packages_that_are_back(tmp_path):
    def flags(**letters):
        return {f"/usr/{name}": {"flags": said, "kind": "g" if name == "ghost" else ""} for name, said in letters.items()}

    before = flags(same="S5", mended="S5", seen="S5", ghost="M")
    now = flags(same="S5", edited="5", lost="missing", foreign="5", seen="M")
    where = recorded(tmp_path, {
        "verify": before, "packages": {"a-1-1.noarch": None}, "files": {"/usr/seen": STATE}}, {"verify": now})
    mine = dict.fromkeys(("same", "mended", "seen", "edited", "lost", "ghost"), ["a-1-1.noarch"])
    where.swap.installed = Owned(**mine, foreign=["b-2-1.noarch"])
    found = {finding.subject.name: (finding.before, finding.after) for finding in returned.verified(where)}
    assert found == {"/usr/edited": (None, "5"), "/usr/lost": (None, "missing"), "/usr/mended": ("S5", None)}


def test_unit_file_states(tmp_path):
    before = {"a.service": unit("active"), "b.service": unit("active"), "c.service": unit("active", UnitFileState="static")}
    now = {"a.service": unit("active", UnitFileState="disabled"), "b.service": unit("inactive"),
           "c.service": unit("active", UnitFileState=""), "new.service": unit("active")}
    assert severities(told(returned.unit_states, tmp_path, "units", before, now)) == {"a.service": HIGH}


@pytest.mark.parametrize(("before", "now"), [
    (unit("inactive"), unit("active")),
    (unit("failed"), unit("active")),
    ({}, unit("active")),
    (unit("inactive", UnitFileState="disabled"), unit("active", UnitFileState="disabled")),
])
def test_units_that_run_and_did_not(tmp_path, before, now):
    found = told(returned.running, tmp_path, "units", {"a.service": before}, {"a.service": now})
    assert severities(found) == {"a.service": LOW}


@pytest.mark.parametrize(("name", "before", "now"), [
    ("a.service", unit("active"), unit("active")),
    ("a.service", unit("activating"), unit("active")),
    ("a.service", unit("inactive"), unit("inactive")),
    ("a.service", {}, unit("active", Transient="yes")),
    ("a.service", {}, unit("active", TriggeredBy="a.socket")),
    ("a.service", {}, unit("active", UnitFileState="static")),
    ("a.service", {}, unit("active", Type="dbus")),
    ("a.service", unit("inactive", Type="oneshot", ConditionResult="no"), unit("active", Type="oneshot")),
    ("a.target", {}, unit("active", UnitFileState="static", WantedBy="b.service")),
    ("mnt.mount", {}, unit("active", UnitFileState="")),
    ("session-4.scope", {}, unit("active")),
    ("user@0.service", {}, unit("active")),
])
def test_units_that_come_by_themselves(tmp_path, name, before, now):
    assert told(returned.running, tmp_path, "units", {name: before}, {name: now}) == {}


def named(part):
    (find,) = [find for find in returned.STATES if part in getattr(find, "args", ())]
    return find


def test_alternatives_and_kernel(tmp_path):
    before = {"iptables": "nft", "ld": "bfd"}
    found = told(named("alternatives"), tmp_path, "alternatives", before, {**before, "iptables": "legacy"})
    assert severities(found) == {"iptables": HIGH}
    before = {"boot_id": "1", "cmdline": "quiet", "running": "1"}
    assert told(named("kernel"), tmp_path, "kernel", before, {**before, "boot_id": "2"}) == {}
    assert list(told(named("kernel"), tmp_path, "kernel", before, {**before, "cmdline": "quiet psi=1"})) == ["cmdline"]


def test_sysctls(host):
    host.write("/proc/sys/kernel/sysrq", "1\n")
    host.write("/proc/sys/kernel/printk", "4\t4\n")
    host.write("/proc/sys/net/ipv4/conf/eth0.5/rp_filter", "0\n")
    before = {"kernel/sysrq": "16", "kernel/printk": "4 4", "kernel/gone": "1", "net/ipv4/conf/veth9/rp_filter": "2",
              "net/ipv4/conf/eth0.5/rp_filter": "2"}
    found = told(returned.sysctls, host.root, "sysctls", before, None)
    assert severities(found) == {"kernel.sysrq": HIGH, "kernel.gone": LOW, "net.ipv4.conf.eth0/5.rp_filter": HIGH}
    assert (found["kernel.sysrq"].before, found["kernel.sysrq"].after) == ("16", "1")


def printing(text):
    return lambda argv: (0, text) if argv[0].endswith("/systemd-sysctl") else (127, "")


@pytest.mark.parametrize(("asked_then", "asks", "reset", "differs"), [
    ("1", "1", {"kernel.sysrq": LOW}, {}),
    # What the files asked for and nobody had changed is no value of the run time.
    ("16", "1", {}, {"kernel.sysrq": HIGH}),
    # What is in force now is not what the files ask for.
    ("1", "16", {}, {"kernel.sysrq": HIGH}),
    # A snapshot of an older release does not know what they asked for.
    (None, "1", None, {"kernel.sysrq": HIGH}),
])
def test_a_sysctl_that_is_set_back_has_a_check_of_its_own(host, asked_then, asks, reset, differs):
    host.write("/proc/sys/kernel/sysrq", "1\n")
    before = {"kernel/sysrq": "16"}
    more = {"asked_sysctls": asked_then and {"kernel/sysrq": asked_then}}
    run = printing(f"kernel.sysrq = {asks}\n")
    assert severities(told(returned.sysctls, host.root, "sysctls", before, None, more, run=run)) == differs
    if reset is None:
        with pytest.raises(Skipped, match="lacks asked_sysctls"):
            told(settings.reset, host.root, "sysctls", before, None, more, run=run)
    else:
        assert severities(told(settings.reset, host.root, "sysctls", before, None, more, run=run)) == reset


def test_rulesets(tmp_path):
    before = {"nft": ["a", "b"], "iptables-nft": ["a"], "ip6tables-nft": ["a"], "iptables-legacy": None, "ip6tables-legacy": [],
              "iptables": ["a", "b"], "ip6tables": ["a", "a"]}
    now = {"nft": ["a", "c"], "iptables-nft": ["a", "b"], "ip6tables-nft": None, "iptables-legacy": ["x"],
           "ip6tables-legacy": None, "iptables": ["b", "a"], "ip6tables": ["a", "a"]}
    found = told(returned.rulesets, tmp_path, "rulesets", before, now)
    assert severities(found) == {"nft": HIGH, "iptables-nft": MEDIUM, "ip6tables-nft": MEDIUM, "iptables": HIGH}
    assert (found["nft"].before, found["nft"].after) == (["b"], ["c"])
    assert "gone: 'b'; come: 'c'" in found["nft"].diagnosis and "order" in found["iptables"].diagnosis
    many = told(returned.rulesets, tmp_path, "rulesets", {"nft": list("abcdefg")}, {"nft": []})
    assert "'d', 'e' and 2 more" in many["nft"].diagnosis


def test_what_is_left_behind(host):
    before = {"accounts": {"user": ["root", "gone"], "group": ["root"]}, "leftovers": ["/etc/a.rpmnew"],
              "unit_files": ["/usr/lib/systemd/system/a.service"], "keys": {"gpg-pubkey-1-1": "CentOS"}}
    assert [finding for find in left.LEFT for finding in find(recorded(host.root, before, before))] == []
    now = {"accounts": {"user": ["root", "systemd-oom"], "group": ["root", "clock"]}, "leftovers": ["/etc/b.rpmsave"],
           "unit_files": [f"/usr/lib/systemd/system/{name}.service" for name in "abc"],
           "keys": {"gpg-pubkey-1-1": "CentOS", "gpg-pubkey-2-2": "HyperScale"}}
    where = recorded(host.root, before, now)
    where.swap.installed = Owned(**{"c.service": ["c-1-1.noarch"]})
    found = [finding for find in left.LEFT for finding in find(where)]
    assert {finding.subject[:2]: finding.severity for finding in found} == {
        ("user", "systemd-oom"): INFO, ("group", "clock"): INFO, ("path", "/etc/b.rpmsave"): LOW, ("unit", "b.service"): LOW,
        ("key", "gpg-pubkey-2-2"): LOW}
    assert {(finding.check, finding.blocking) for finding in found} == {("rollback.left", False)}


def test_a_part_that_the_snapshot_lacks_costs_that_part_alone(tmp_path):
    recorder = groups.Recorder(PROVE)
    where = recorded(tmp_path, {"alternatives": {"a": "1"}, "folders": list(places.COMPARED)}, {"alternatives": {"a": "2"}})
    for find in returned.STATES:
        recorder.run(("rollback.differs",), lambda find=find: find(where))
    assert subjects(recorder.findings) == ["a"]
    (coverage,) = [entry for entry in recorder.coverage() if entry.id == "rollback.differs"]
    assert coverage.status == "skipped"
    assert coverage.reason == "; ".join(
        f"the snapshot lacks {part}" for part in ("files", "ghosts", "verify", "units", "kernel", "sysctls", "rulesets"))
