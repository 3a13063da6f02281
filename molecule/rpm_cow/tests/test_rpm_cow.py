# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role rpm_cow: one stack, one database, the configuration, and what does not come from a stand-in.

The lab's stack stands in for the real one: that files are cloned cannot be seen here.
"""

from __future__ import annotations

import json
import os
import pathlib

import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
NEW_HOME = "/usr/lib/sysimage/rpm"


@pytest.fixture(name="proof")
def fixture_proof(host):
    return json.loads((REPORTS / f"{host.backend.get_hostname()}.proof.json").read_text())


@pytest.mark.parametrize("name", ["rpm", "rpm-libs", "rpm-plugin-reflink", "librepo", "python3-dnf-plugin-cow"])
def test_the_stack_is_of_the_experimental_repository(host, name):
    assert ".hsx." in host.check_output(f"rpm -q {name}")


def test_the_family_is_one_build(host):
    assert len(set(host.check_output("rpm -q --qf '%{EVR}\\n' rpm rpm-libs rpm-plugin-reflink").split())) == 1


def test_there_is_one_database_and_the_old_place_leads_to_it(host):
    assert host.check_output("rpm --eval %_dbpath") == NEW_HOME
    assert host.file(NEW_HOME).is_directory and host.file(f"{NEW_HOME}/rpmdb.sqlite").is_file
    if host.ansible.get_variables()["lab_stream"] == 9:
        assert host.check_output("readlink /var/lib/rpm") == "../../usr/lib/sysimage/rpm"
    assert host.check_output("rpm -qa | sort") == host.check_output("rpm --dbpath /usr/lib/sysimage/rpm -qa | sort")
    assert int(host.check_output("rpm -qa | wc -l")) > 15


def test_dnf_sees_the_same(host):
    assert host.run("dnf -q repoquery --installed rpm-plugin-reflink").stdout.startswith("rpm-plugin-reflink-0:")
    assert host.run("dnf -y -q install zstd ethtool").rc == 0


def test_rpm_has_its_plugin(host):
    assert host.file(host.check_output("rpm --eval '%{__transaction_reflink}'")).is_file


def test_the_configuration_is_edited_and_not_replaced(host):
    text = host.file("/etc/dnf/plugins/reflink.conf").content_string
    assert text == "# Shipped switched off.\n[main]\nenabled=1\n\ndenylist=kernel-core\n[other]\nkept=yes\n"


def test_the_proof_says_what_it_could_not_see(proof):
    check, = [check for check in proof["checks"] if check["id"] == "cow.copied"]
    assert (check["status"], check["reason"]) == ("skipped", "copy-on-write was switched on after the snapshot")
    assert [check for check in proof["checks"] if check["status"] == "error"] == []
