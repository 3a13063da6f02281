# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing of a host full of made secrets stands in a prediction, a proof, their bug reports, or in facts of the host."""

from __future__ import annotations

import json
import os
import pathlib
import sys

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core import secrets
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Problem
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import cgroup_users, gather as host_facts
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import bugs, gather, knowledge, predict, report
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import found
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import Subject
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import kernel, units
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import aftermath, returned, smoke
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.test_prove import recorded

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[5] / "tests"))

from lab.planted import Planted  # noqa: E402

OLD = {
    "/usr/bin/tool": "#!/bin/sh\n", "/usr/lib/systemd/system/tool.service": "[Service]\nExecStart=/usr/bin/tool\n",
    "/usr/lib64/security/pam_gone.so": "x"}
SECRET = "Zq7f3e2d1c0b"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    hostlab.need()
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture
def planted():
    return Planted()


@pytest.fixture
def lab(tmp_path, workshop, planted):
    made = hostlab.Lab(tmp_path / "host", workshop)
    for path, (text, mode) in planted.files.items():
        made.write(path, text, mode)
    made.write("/proc/cmdline", planted.files["/etc/kernel/cmdline"][0])
    made.write("/proc/sys/kernel/osrelease", "5.14.0-1.el9.x86_64\n")
    made.write("/proc/sys/kernel/domainname", planted.secrets["sysctl word"])
    made.write("/proc/sys/net/ipv4/planted", "1")
    made.answers["/usr/lib/systemd/systemd-sysctl"] = (0, planted.files["/etc/sysctl.d/99-planted.conf"][0])
    made.link("/etc/systemd/system/runlevel5.target.wants/planted.service", "../planted.service")
    return made


def told(findings):
    """Return findings as a report and its bug reports have them, before anything is masked."""
    context = report.Context("predict", "host", "run", 0.0, {}, [], {})
    whole = report.build(context, [], list(findings), [])
    for finding in whole["findings"]:
        finding.update(severity="high", check=next(iter(bugs.PACKAGE_FAULTS)), baseline=False)
    return json.dumps(whole) + report.text(whole) + json.dumps(bugs.reports(whole))


def test_a_prediction_names_who_is_affected_and_nothing_of_their_text(lab, workshop, planted):
    lab.have("tool", files=OLD)
    swap = lab.swap([workshop.rpm("tool", "2")])
    findings = [finding for group in predict.OF_HEADERS for finding in group.find(swap)]
    findings += list(units.vanished(swap)) + list(units.auth_modules(swap))
    text = told(findings)
    assert planted.found(text) == []
    for path in ("/etc/cron.d/planted", "/var/spool/cron/root", "/etc/systemd/system/planted.service",
                 "/usr/local/bin/planted", "/etc/systemd/system/tool.service.d/planted.conf", "/etc/sudoers.d/planted",
                 "/etc/udev/rules.d/99-planted.rules",
                 "/etc/profile.d/planted.sh", "/etc/logrotate.d/planted", "/etc/pam.d/planted"):
        assert path in text
    assert "line 5: /usr/bin/tool" in text


def test_known_breaks_name_line_and_word_alone(lab, planted):
    consumers = {row.id: row.detect(lab.view) for row in knowledge.BREAKS}
    affected = {name for name, hits in consumers.items() if hits}
    assert {f"known.systemd.{name}" for name in (
        "sysv-commands", "tty-mode", "runlevel-required", "double-exclamation", "private-mounts", "user-sandbox", "run-lock",
        "environment-comment", "udev-owner", "lldp-chassis", "ip-forward", "tpm2-pcrs", "scope-expansion", "cgroup-v1-keys",
        "sysv-removed", "rc-local-removed")} - affected == {"known.systemd.sysv-removed"}
    text = told(found("known.break", Subject("break", name), None, None, "So.", hits) for name, hits in consumers.items() if hits)
    assert planted.found(text) == []
    assert "line 3: calls /usr/sbin/telinit" in text or "line 3: calls telinit" in text
    assert "ExecStart=!!" in text and "Requires=runlevel3.target" in text


def test_users_of_control_groups_are_told_by_the_word(lab, planted):
    users = cgroup_users.users(lab.view)
    assert planted.found(str(users)) == []
    assert {"/etc/containers/containers.conf", "/etc/sysconfig/docker", "planted.service"} <= {user.name for user in users}
    assert "line 1: native.cgroupdriver=cgroupfs" in str(users)


def test_options_of_a_module_that_is_gone(lab, workshop, planted):
    swap = lab.swap([workshop.rpm("kernel-core", "6")])
    findings = list(kernel.options(swap))
    assert planted.found(told(findings)) == []
    assert [consumer.detail for finding in findings for consumer in finding.consumers] == ["line 1: options planted_module"]


def test_a_proof_names_what_differs_and_not_what_it_says(lab, planted):
    s = planted.secrets
    rule = '-A INPUT -m comment --comment "{}" -m string --string {} -j DROP'
    before = {
        "kernel": {"cmdline": f"a=1 token={s['wifi']} quiet"}, "sysctls": {"kernel/domainname": s["cron word"]},
        "rulesets": {"iptables-nft": ["filter: " + rule.format(s["fstab"], s["udev run"])]},
        "files": {"/boot/grub2/grubenv": grubenv(f"kernelopts=ro pass={s['cron bare']}\nsaved_entry=a")},
        "installs": {"a.service": [f"X-Note={s['unit note']}"]}}
    now = {
        "kernel": {"cmdline": f"a=1 token={s['802.1x']}"},
        "rulesets": {"iptables-nft": [f'filter: -A INPUT -m comment --comment {s["docker label"]} -j DROP']},
        "files": {"/boot/grub2/grubenv": grubenv(f"kernelopts=ro pass={s['user unit']}\nsaved_entry=b")},
        "installs": {"a.service": [f"X-Other={s['unit word']}"]}, "leftovers": []}
    scenes = recorded(lab.root, before, now)
    findings = [
        *returned.named_values("kernel", "kernel", scenes), *returned.sysctls(scenes), *returned.rulesets(scenes),
        *returned.files(scenes), *aftermath.install_sections(scenes)]
    assert len(findings) == 5
    text = told(findings)
    assert planted.found(text) == []
    assert "saved_entry=b" in text and "kernelopts=" in text and "X-Note=" in text
    assert "kernel cmdline had quiet, token and has token." in text


def grubenv(content):
    return {"kind": "file", "content": content, "mode": "0600", "owner": "0:0", "label": "", "capabilities": ""}


@pytest.mark.parametrize("line", [
    f"/etc/x: error: line 3: unknown option {SECRET}", f"restorecon: warning: {SECRET}", f"error: something: {SECRET}.conf"])
def test_what_programs_of_scriptlets_print_is_not_told(tmp_path, line):
    own = "warning: %post(a-b-1-2.noarch) scriptlet failed, exit status 1"
    runs = tmp_path / "var/lib/centos-hyperscale/runs/000001-x"
    runs.mkdir(parents=True)
    (runs / "result.json").write_text(json.dumps({"ended": 2e9, "output": [own, line]}))
    text = told(aftermath.scriptlets(recorded(tmp_path)))
    assert SECRET not in text and own in text and "result.json" in text


@pytest.mark.parametrize("name", ["openssh-server"])
def test_a_command_that_reads_configuration_is_told_by_its_status(tmp_path, name):
    view = hostlab.View(str(tmp_path), lambda argv: (255, f"/etc/ssh/sshd_config: line 3: Bad configuration option: {SECRET}"))
    outcome = smoke.tried(view, [name])[name]
    assert SECRET not in str(outcome) + smoke.words(outcome) and "255" in smoke.words(outcome)


def test_facts_of_the_host_are_masked(lab, planted):
    lab.write("/etc/yum.repos.d/bad.repo", planted.secrets["netrc"] + " = x\n")
    facts = host_facts.gather(lambda argv: (*lab.run(argv), ""), [], root=lab.root)
    assert "planted" in [repo["id"] for repo in facts["repos"]]
    shown = json.dumps(secrets.shown(facts))
    assert planted.found(shown) == [] and "systemd.set_credential" in shown and "192.0.2.9" in shown


def test_a_problem_is_masked_from_its_birth(planted):
    s = planted.secrets
    problem = Problem(
        "command.status", f"curl -u joe:{s['wifi']}",
        f"Cannot download http://joe:{s['repo address']}@h/x: Authorization: Basic {s['netrc']}",
        f"Set proxy_password={s['repo proxy password']}")
    assert planted.found(str(problem) + json.dumps(problem) + str(problem._asdict())) == []
    assert isinstance(problem._replace(remedy="Look"), Problem) and problem._replace(remedy="Look").remedy == "Look"


def test_the_snapshot_keeps_what_has_to_be_compared(lab, planted):
    # It lies in the state folder, for root alone: what is compared must be whole there.
    kept = gather.kernel(gather.Scene(lab.view, None, []))
    assert planted.secrets["kernel command line"] in kept["cmdline"]
    assert os.path.exists(lab.view.real("/proc/cmdline"))
