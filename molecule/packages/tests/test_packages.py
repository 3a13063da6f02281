# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role packages: the sets moved in one transaction, they work, and dnf leaves them where they are."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
MOVED = {
    "lz4", "lz4-libs", "zstd", "libzstd", "crun", "dbus-broker", "e2fsprogs", "e2fsprogs-libs", "libss", "libcom_err", "ethtool",
    "openssh", "openssh-clients", "openssh-server"}
STANDS_FOR_ITS_SET = "kpatch"  # nothing of that set was installed
LIST = "/etc/dnf/plugins/versionlock.list"


def installed(host):
    """Return the installed packages: name to (version, release)."""
    rows = host.check_output("rpm -qa --qf '%{NAME} %{VERSION} %{RELEASE}\\n'").splitlines()
    return {name: (version, release) for name, version, release in (row.split() for row in rows)}


@pytest.fixture
def proof(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.proof.json").read_text())


def test_all_that_was_installed_of_the_sets_has_moved(host):
    found = installed(host)
    assert [name for name in sorted(MOVED | {STANDS_FOR_ITS_SET}) if ".hs" not in found[name][1]] == []
    assert found["openssh-server"][1].startswith("1.hs+fb.")


def test_one_transaction_did_it(host):
    lines = host.check_output("cat /var/lib/centos-hyperscale/ledger/*.jsonl").splitlines()
    began = [entry["action"]["args"] for entry in map(json.loads, lines)
             if entry["event"] == "intent" and "action" in entry and entry["action"]["kind"] == "transaction"]
    came = [{name for action, name, *_more in args["items"] if action in ("install", "upgrade")} for args in began]
    assert came[-1] == (MOVED - {"ethtool"}) | {STANDS_FOR_ITS_SET, "python3-dnf-plugin-versionlock", "python3-dnf-plugins-core"}
    assert came[-2] == {"ethtool"}


@pytest.mark.parametrize("command", [
    "lz4 --version", "zstd --version", "crun --version", "dbus-broker --version", "mke2fs -V", "ethtool --version",
    "kpatch version", "ssh -V", "sshd -t"])
def test_smoke(host, command):
    result = host.run(command)
    assert result.rc == 0, result.stdout + result.stderr


def test_proof_tried_them_and_found_nothing_that_was_not_predicted(proof):
    by_key = {entry["key"]: entry for entry in proof["findings"]}
    assert [by_key[key]["diagnosis"] for key in proof["joined"]["not_predicted"]] == []
    checks = {check["id"]: check["status"] for check in proof["checks"]}
    assert checks["smoke.failed"] == "ran"
    assert [check for check in proof["checks"] if check["status"] == "error"] == []


def test_sshd_that_listens_is_the_new_build(host):
    pid = host.check_output("systemctl show --property MainPID --value ssh.service")
    assert host.check_output(f"readlink /proc/{pid}/exe") == "/usr/sbin/sshd"


def test_every_moved_package_is_locked_and_the_other_lock_is_still_there(host):
    lines = host.file(LIST).content_string.splitlines()
    found = installed(host)
    wanted = {f"{name}-0:{'-'.join(found[name])}.*" for name in MOVED | {STANDS_FOR_ITS_SET}}
    assert wanted <= set(lines)
    assert "btrfs-progs-0:1.0-1.el9.*" in lines


def test_dnf_conf_keeps_its_lines_and_order(host):
    text = host.file("/etc/dnf/dnf.conf").content_string
    assert text.startswith("[main]\ngpgcheck=1\n")
    assert "# Of the operator" in text
    assert text.rstrip().endswith("allow_vendor_change=False")


def test_upgrade_leaves_locked_packages_alone(host):
    before = installed(host)
    assert before["ethtool"][0] == "6.14.2"
    newest = host.check_output("dnf -q repoquery --disableplugin=versionlock --latest-limit=1 --qf '%{version}' ethtool")
    assert newest.split()[-1] != "6.14.2"
    host.check_output("dnf -y upgrade ethtool zstd openssh-server")
    after = installed(host)
    assert {name: after[name] for name in MOVED} == {name: before[name] for name in MOVED}


def test_without_the_lock_it_would_have_moved(host):
    result = host.run("dnf --assumeno --disableplugin=versionlock upgrade ethtool")
    assert "Upgrading:" in result.stdout, result.stdout + result.stderr
