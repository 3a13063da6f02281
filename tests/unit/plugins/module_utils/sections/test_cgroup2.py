# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section cgroup2: who uses the legacy hierarchy, when that stands in the way, and what waits for a boot."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import BOOT, Context, Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import cgroup2
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import section as boot

V2 = "24 22 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
LEGACY = "24 22 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n25 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
HYBRID = LEGACY + "26 24 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
BESIDE = "27 22 0:25 / /cgroup/net rw - cgroup none rw,net_cls\n"
ASKING = "root=/dev/vda1 systemd.unified_cgroup_hierarchy=0"
UNIT = "/etc/systemd/system/a.service"


def package(name, version):
    fields = dict.fromkeys(rpmdb.Package._fields)
    return rpmdb.Package(**{**fields, "name": name, "epoch": 3, "version": version, "release": "1.el9", "arch": "x86_64"})


@pytest.fixture(name="planned")
def fixture_planned(tmp_path):
    def planned(mounts=V2, cmdline="root=/dev/vda1", files=None, accept=(), packages=()):
        for path, text in {"/proc/self/mountinfo": mounts, "/proc/cmdline": cmdline, **(files or {})}.items():
            place = tmp_path / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            if "/bin/" in path:
                place.chmod(0o755)
        target = host_io.Target(lambda argv: (127, "", ""), str(tmp_path), root=str(tmp_path))
        wants = [{"accept": list(accept)}]
        assert cgroup2.validate(wants, 9) == []
        context = Context(9, False, [], list(packages), [])
        return cgroup2.plan(wants, cgroup2.gather(target, wants), context)
    return planned


def names(problems):
    return [problem.fact.split(" (")[0].split(" ", 1)[1] for problem in problems]


def test_a_host_on_the_unified_hierarchy_is_as_wanted(planned):
    assert planned() == Planned([])


@pytest.mark.parametrize(("mounts", "mode"), [(LEGACY, "legacy"), (HYBRID, "hybrid")])
@pytest.mark.parametrize("cmdline", [ASKING, "ro systemd.legacy_systemd_cgroup_controller"])
def test_a_host_that_was_told_to_waits_for_a_boot(planned, mounts, mode, cmdline):
    found = planned(mounts, cmdline)
    assert (found.actions, found.problems) == ([], [])
    pending, = found.pending
    assert pending.waits_for == BOOT
    assert mode in pending.why
    assert cmdline.split()[-1] in pending.why


def test_a_host_that_came_up_so_without_being_told_is_refused(planned):
    found = planned(HYBRID)
    assert found.pending == []
    assert "does not ask" in found.problems[0].reason


# Each user, with a neighbour that looks like one and is none.
USERS = [
    ("/cgroup/net", {"mounts": BESIDE}, {"mounts": "27 22 0:25 / /cgroup/net rw - cgroup2 none rw\n"}),
    ("/etc/fstab", {"/etc/fstab": "cgroup /cgroup cgroup defaults 0 0\n"}, {
        "/etc/fstab": "# cgroup /cgroup cgroup defaults 0 0\ncgroup2 /x cgroup2 defaults 0 0\n"}),
    ("cgroup.mount", {"/etc/systemd/system/cgroup.mount": "[Mount]\nWhat=none\nWhere=/cgroup\nType=cgroup\n"}, {
        "/etc/systemd/system/cgroup.mount": "[Mount]\nType=cgroup2\n"}),
    ("/etc/cgconfig.conf", {"/etc/cgconfig.conf": "mount {\n\tcpu = /cgroup/cpu;\n}\n"}, {"/etc/cgconfig.conf": "# mount {\n"}),
    ("a.service", {UNIT: "[Service]\nMemoryLimit=1G\n"}, {UNIT: "[Service]\nMemoryMax=1G\n"}),
    ("a.service", {UNIT: "[Service]\nCPUShares=5\n"}, {UNIT: "[Service]\nCPUWeight=5\n"}),
    ("a.service", {UNIT: "[Service]\nExecStart=/bin/sh -c 'echo 1 > /sys/fs/cgroup/memory/x/memory.limit_in_bytes'\n"}, {
        UNIT: "[Service]\nExecStart=/bin/cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/system.slice/memory.max\n"}),
    ("/usr/local/bin/a", {"/usr/local/bin/a": "#!/bin/sh\nmount -t cgroup -o cpu none /mnt\n"}, {
        "/usr/local/bin/a": "#!/bin/sh\n# mount -t cgroup none /mnt\nmount -t cgroup2 none /mnt\n"}),
    ("/etc/docker/daemon.json", {"/etc/docker/daemon.json": '{"exec-opts": ["native.cgroupdriver=cgroupfs"]}'}, {
        "/etc/docker/daemon.json": '{"exec-opts": ["native.cgroupdriver=systemd"]}'}),
    ("/etc/containers/containers.conf", {"/etc/containers/containers.conf": '[engine]\ncgroup_manager = "cgroupfs"\n'}, {
        "/etc/containers/containers.conf": '[engine]\n# cgroup_manager = "cgroupfs"\ncgroup_manager = "systemd"\n'}),
    ("/etc/containerd/config.toml", {"/etc/containerd/config.toml": "  SystemdCgroup = false\n"}, {
        "/etc/containerd/config.toml": "  SystemdCgroup = true\n"}),
    ("/var/lib/kubelet/config.yaml", {"/var/lib/kubelet/config.yaml": "cgroupDriver: cgroupfs\n"}, {
        "/var/lib/kubelet/config.yaml": "cgroupDriver: systemd\n"}),
    ("/etc/sysconfig/kubelet", {"/etc/sysconfig/kubelet": "KUBELET_EXTRA_ARGS=--cgroup-driver=cgroupfs\n"}, {
        "/etc/sysconfig/kubelet": "# KUBELET_EXTRA_ARGS=--cgroup-driver=cgroupfs\n"}),
]


def split(case):
    return case.get("mounts", ""), {path: text for path, text in case.items() if path != "mounts"}


@pytest.mark.parametrize(("name", "user", "_neighbour"), USERS)
def test_a_user_stands_in_the_way_until_accepted(planned, name, user, _neighbour):
    mounts, files = split(user)
    assert names(planned(HYBRID + mounts, ASKING, files).problems) == [name]
    assert planned(HYBRID + mounts, ASKING, files, accept=[name]).problems == []


@pytest.mark.parametrize(("_name", "_user", "neighbour"), USERS)
def test_a_neighbour_stands_in_nobodys_way(planned, _name, _user, neighbour):
    mounts, files = split(neighbour)
    assert planned(HYBRID + mounts, ASKING, files).problems == []


@pytest.mark.parametrize(("name", "version", "old"), [
    ("docker-ce", "19.03.15", True), ("docker-ce", "20.10.0", False), ("runc", "1.0.0~rc92", True), ("runc", "1.1.12", False),
    ("kubelet", "1.24.9", True), ("kubelet", "1.25.0", False), ("bash", "1.0", False),
])
def test_old_runtimes_stand_in_the_way(planned, name, version, old):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    assert names(planned(HYBRID, ASKING, packages=[package(name, version)]).problems) == [name] * old


def test_on_the_unified_hierarchy_users_are_told_of_and_mounts_refused(planned):
    found = planned(V2 + BESIDE, files={UNIT: "[Service]\nCPUShares=5\n"})
    assert names(found.problems) == ["/cgroup/net"]
    assert len(found.warnings) == 1
    assert "a.service" in found.warnings[0]
    assert planned(V2 + BESIDE, accept=["/cgroup/net", "a.service"]) == Planned([])


def test_what_is_not_of_the_expected_form_is_no_user(planned):
    files = {"/etc/docker/daemon.json": "[", "/etc/fstab": "cgroup\n", "/etc/cgconfig.conf": "\x00"}
    assert planned(HYBRID, ASKING, files).problems == []
    assert planned(HYBRID, ASKING, {"/etc/docker/daemon.json": '{"exec-opts": "x"}'}).problems == []


def test_an_empty_name_is_refused():
    assert cgroup2.validate([{"accept": ["a", " "]}], 9)


def test_what_mounts_the_legacy_hierarchy_unasked_is_gone_after_a_boot_with_the_argument(planned):
    def said_of(*wants):
        defaults = {name: option.get("default") for name, option in boot.OPTIONS.items()}
        return [problem.code for problem in boot.validate([{**defaults, **want} for want in wants], 9)]

    name = "systemd.unified_cgroup_hierarchy"
    assert [problem.code for problem in planned(HYBRID).problems] == ["cgroup2.legacy_mounted"]
    # The name has to go from what is to be absent, as role cgroup2 has it, and this section refuses the run before the boot.
    assert said_of({"args": [f"{name}=1"]}, {"args_absent": [name]}) == ["boot.argument_wanted_and_absent"]
    assert said_of({"args": [f"{name}=1"]}, {"args_absent": ["systemd.legacy_systemd_cgroup_controller"]}) == []
    assert planned(V2, f"root=/dev/vda1 {name}=1") == Planned([])


def test_a_user_that_moved_or_is_accepted_is_in_nobodys_way(planned):
    users = {UNIT: "[Service]\nMemoryLimit=1G\n"}
    problem, = planned(HYBRID, ASKING, users).problems
    assert problem.code == "cgroup2.legacy_user" and "in 'accept' as a.service" in problem.remedy
    assert planned(HYBRID, ASKING, users, accept=["a.service"]).problems == []
    assert planned(HYBRID, ASKING, {UNIT: "[Service]\nMemoryMax=1G\n"}).problems == []
