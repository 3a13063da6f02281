# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are not changed, and users that may not look: one true message, nothing changed, no unit started elsewhere.

No real deployment of ostree is booted here: its marks are put on a live host.
"""

from __future__ import annotations

import json
import os
import re

import jsonschema
import pytest

from lab import calls, hosts

from .conftest import TREE, repositories
from .test_refusals import SYSTEMD
from .test_verification import finding, predict

ROOT = "/var/lib/other-root"
# What Ansible makes below the home of the user that it logs in as, seen from the host around that root.
OF_ANSIBLE = os.path.join(ROOT, "root", ".ansible")
# The Python of that root, as a program of the host around it.
INTERPRETER = "/usr/local/bin/python-of-other-root"
UNITS = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "centos-hyperscale-*"]
PLAYBOOKS = ("preflight", "adopt", "verify", "rollback")
SWAP = {"repositories": [repositories()], "packages": SYSTEMD, "manager": [{}]}


def interpreter(live):
    """Have a program that is Python inside the root."""
    live.command("mkdir", "-p", ROOT)
    live.write(INTERPRETER, f'#!/bin/sh\nexec chroot {ROOT} /usr/bin/python3 "$@"\n')
    live.command("chmod", "755", INTERPRETER)


def with_root(live):
    """Have the host's own files as a second root on it."""
    interpreter(live)
    live.command("sh", "-c", f"tar -C / --one-file-system --exclude=.{ROOT} --exclude=./tmp -cf - . | tar -C {ROOT} -xf -")
    live.command("mkdir", "-p", f"{ROOT}/tmp", f"{ROOT}/proc", f"{ROOT}/run")
    live.command("chmod", "1777", f"{ROOT}/tmp")


def inside(live, module, more):
    """Run a module in the root, and return its result."""
    arguments = live.arguments(module, more, variables={"ansible_python_interpreter": INTERPRETER})
    # The module is piped to the interpreter, so that it need not lie inside the root.
    result = calls.run(arguments, TREE, dict(os.environ, ANSIBLE_PIPELINING="1"))
    found = re.search(r"=> (\{.*\})", result.stdout, re.DOTALL)
    assert found, result.stdout + result.stderr
    return json.loads(found.group(1))


@pytest.mark.parametrize(("mounts", "name", "says"), [
    (("/proc", "/sys", "/dev", "/run"), "foreign", ["/run and /proc of another system", "Unmount /run"]),
    (("/proc",), "no_systemd", ["no systemd of its own runs", "its root is another one", "after its first boot"]),
    (("/run",), "foreign", ["/run of another system", "/proc is not mounted"]),
    ((), "no_systemd", ["no systemd of its own runs", "/proc is not mounted"]),
], ids=["all bound", "own run", "run alone", "nothing"])
def test_a_root_that_is_not_booted(host9, mounts, name, says):
    with_root(host9)
    before = host9.fingerprint()
    assert ROOT + "/usr/bin/rpm" in "\n".join(before)
    for folder in mounts:
        host9.command("mount", "--bind", folder, ROOT + folder)
    back = {"state": "undone"}
    calls = ("converge", SWAP), ("converge", back), ("dropin_info", SWAP), ("host_snapshot", {}), ("proof_info", {})
    for module, more in calls:
        result = inside(host9, module, more)
        assert result["refused"], result
        assert all(words in result["msg"] for words in says), result["msg"]
    host = inside(host9, "host_info", {})["host"]
    assert host["kind"]["name"] == name and host["boot"] is None and host["systemd"] is None
    assert host["kernel"] is None or host["kernel"]["running"] is None
    assert {"systemd", "boot"} <= {entry["what"] for entry in host["unreadable"]}
    assert host["packages"], "what lies in the root is read"
    for folder in mounts:
        host9.command("umount", ROOT + folder)
    known = set(before)
    # Ansible itself makes a folder in the home of its user.
    assert [line for line in host9.fingerprint() if line not in known and OF_ANSIBLE not in line] == []
    # Nothing of ours was ever started on the host around the root.
    assert host9.command(*UNITS) == ""
    assert "Package transaction of centos.hyperscale" not in host9.command("journalctl", "-b", "-o", "cat", "--no-pager")


def test_a_chroot_into_the_host_itself_is_the_host(host9):
    interpreter(host9)
    host9.command("mount", "--rbind", "/", ROOT)
    assert inside(host9, "host_info", {})["host"]["kind"]["name"] == "booted"


def image_mode(live):
    """Put the marks of a deployment on a host: the file, the folder, and a read-only /usr."""
    live.command("touch", "/run/ostree-booted")
    live.command("mkdir", "-p", "/sysroot/ostree")
    live.command("mount", "--bind", "/usr", "/usr")
    live.command("mount", "-o", "remount,bind,ro", "/usr")


def test_image_mode_refuses_changes_and_predicts_and_proves(host9, refused):
    image_mode(host9)
    for check in (False, True):
        refused(host9, lambda check=check: host9.converge(check=check, **SWAP),
                "image mode", "/run/ostree-booted exists", "Containerfile")
    refused(host9, lambda: host9.converge(state="undone"), "image mode", "Containerfile")
    predicted = predict(host9)
    assert predicted["report"]["kind"]["name"] == "image_mode" and predicted["verdict"] != "unknown", predicted["text"]
    assert not finding(predicted, "mount.read_only") and not finding(predicted, "disk.space")
    jsonschema.validate(predicted["report"], json.loads((TREE / "docs" / "dropin-report.schema.json").read_text()))
    assert host9.module("host_snapshot", {"names": ["systemd"]})["id"]
    proof = host9.module("proof_info", {})
    assert proof["verdict"] == "drop_in" and proof["report"]["kind"]["name"] == "image_mode", proof["text"]
    assert host9.module("host_info", {})["host"]["kind"]["refusal"]


@pytest.mark.parametrize("marks", [
    ["touch /run/ostree-booted"],
    ["mkdir -p /sysroot/ostree", "mount --bind /usr /usr", "mount -o remount,bind,ro /usr"],
    ["mkdir -p /sysroot/ostree", "echo root=x ostree=/ostree/boot.1 > /srv/cmdline", "mount --bind /srv/cmdline /proc/cmdline"],
], ids=["the file", "a read-only usr", "the argument"])
def test_each_mark_of_image_mode_that_suffices(host9, marks):
    for mark in marks:
        host9.command("sh", "-c", mark)
    assert "image mode" in host9.converge(**SWAP)["msg"]


@pytest.mark.parametrize("mark", [
    "mkdir -p /sysroot/ostree",
    "echo root=x ostree=/ostree/boot.1/x/0 > /srv/cmdline; mount --bind /srv/cmdline /proc/cmdline",
], ids=["the folder of an image that was built", "the argument of the machine below a container"])
def test_each_mark_that_does_not_suffice(host9, mark):
    host9.command("sh", "-c", mark)
    assert host9.module("host_info", {})["host"]["kind"]["name"] == "booted"


@pytest.fixture(name="user")
def fixture_user(host9):
    """An ordinary user that logs in with the lab's key, and has a cron job that nobody else may read."""
    host9.command("useradd", "-m", "-s", "/bin/bash", "alice")
    host9.command("sh", "-c", "cp -r ~root/.ssh /home/alice/.ssh")
    host9.command("chown", "-R", "alice:", "/home/alice/.ssh")
    host9.write("/etc/cron.d/secret", "* * * * * root /usr/sbin/telinit q\n")
    host9.command("chmod", "600", "/etc/cron.d/secret")
    return {"ansible_user": "alice"}


def play(live, name, **variables):
    """Run a playbook of the collection on a host."""
    extra = [word for key, value in variables.items() for word in ("-e", json.dumps({key: value}))]
    return calls.run(
        ["ansible-playbook", "-i", str(live.inventory), "--limit", live.name, f"centos.hyperscale.{name}", *extra], TREE)


def test_without_root_each_playbook_says_one_true_thing(host9, user):
    host9.module("host_info", {}, variables=user)  # Ansible's own folder in the user's home
    before = [line for line in host9.fingerprint() if "/.ansible" not in line]
    for name in PLAYBOOKS:
        result = play(host9, name, **user)
        assert result.returncode != 0, result.stdout
        assert "this module runs as alice (uid" in result.stdout and "Set become: true" in result.stdout, result.stdout
        assert len(re.findall("^fatal", result.stdout, re.MULTILINE)) == 1, result.stdout
        assert "No such" not in result.stdout and "Make room" not in result.stdout
    assert [line for line in host9.fingerprint() if "/.ansible" not in line] == before
    assert hosts.command(host9.host, ["test", "-e", "/var/lib/centos-hyperscale"]).returncode != 0


def test_without_root_every_module_refuses_and_host_info_says_what_it_lacks(host9, user):
    host9.command("mkdir", "-p", "/boot/loader/entries")
    host9.command("chmod", "700", "/boot/loader")
    for module, more in (
            ("converge", SWAP), ("package_swap", {"family": "systemd"}), ("boot_config", {"psi": True}),
            ("alternative", {"name": "x", "auto": True}), ("network_handover", {"state": "confirmed"}), ("dropin_info", SWAP),
            ("host_snapshot", {}), ("proof_info", {})):
        result = host9.module(module, more, variables=user)
        assert result["refused"] and "runs as alice (uid" in result["msg"], result
        assert "become_user at root" in result["msg"]
    host = host9.module("host_info", {}, variables=user)["host"]
    lacks = {entry["what"]: entry["reason"] for entry in host["unreadable"]}
    assert host["kernel"] is None and "Permission denied" in lacks["kernel"], lacks
    assert "systemd.pid1" in lacks and host["systemd"]["pid1_binary_replaced"] is None
    assert host["reboot"]["required"] is None and host["kind"]["name"] == "unknown"


@pytest.mark.parametrize(("commands", "path"), [
    (["ln -s loop /etc/cron.d/loop"], "/etc/cron.d/loop"),
    (["ln -s /etc/systemd/system/b.service /etc/systemd/system/a.service",
      "ln -s /etc/systemd/system/a.service /etc/systemd/system/b.service"], "/etc/systemd/system/a.service"),
    (["head -c 9000 /dev/zero > /etc/systemd/system/garbage.service"], "/etc/systemd/system/garbage.service"),
    (["yes '# a comment that is long enough' | head -c 17000000 > /etc/cron.d/huge"], "/etc/cron.d/huge"),
    (["rm -rf /etc/cron.d; touch /etc/cron.d"], "/etc/cron.d"),
], ids=["a link that loops", "units that loop", "garbage in a unit", "too large", "a file in the place of a folder"])
def test_what_cannot_be_read_is_not_absent(host9, commands, path):
    for command in commands:
        host9.command("sh", "-c", command)
    result = predict(host9)
    assert path in {entry["path"] for entry in result["report"]["unreadable"]}, result["report"]["unreadable"]
    assert result["verdict"] in ("unknown", "not_drop_in") and result["reached"]["blocking"], result["text"]
    assert f"{path} cannot be read" in result["text"]
    failed = {check["id"] for check in result["report"]["checks"] if check["status"] == "error"}
    assert "known.break" in failed, failed


def test_a_large_cron_table_is_read_to_its_end(host9):
    host9.command("sh", "-c", "yes '# a comment that is long enough' | head -c 2000000 > /etc/cron.d/large")
    host9.command("sh", "-c", r"printf '\n* * * * * root /usr/sbin/telinit q\n' >> /etc/cron.d/large")
    result = predict(host9)
    assert [one for one in result["findings"] if any(user["name"] == "/etc/cron.d/large" for user in one["consumers"])]
    assert result["report"]["unreadable"] == []


def test_a_folder_in_the_place_of_a_cron_table_is_none(host9):
    host9.command("mkdir", "/etc/cron.d/folder")
    result = predict(host9)
    assert result["report"]["unreadable"] == [] and result["verdict"] == "drop_in_with_notes", result["text"]
