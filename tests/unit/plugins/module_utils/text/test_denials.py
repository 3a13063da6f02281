# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit messages as auditd, the kernel and systemd write them, read as denials."""

from __future__ import annotations

import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import audit
from ansible_collections.centos.hyperscale.plugins.module_utils.text import denials

# The first is the example of Red Hat's guide to SELinux; the others have the forms of the kernel's audit code and libselinux.
AUDITD = ('type=AVC msg=audit(1226874073.147:96): avc:  denied  { getattr } for  pid=2465 comm="httpd" '
          'path="/var/www/html/file1" dev=dm-0 ino=284133 scontext=unconfined_u:system_r:httpd_t:s0 '
          'tcontext=unconfined_u:object_r:samba_share_t:s0 tclass=file permissive=0')
KERNEL = AUDITD.replace("type=AVC msg=audit", "[   12.345678] audit: type=1400 audit")
USER = ("type=USER_AVC msg=audit(1226874074.000:97): pid=1 uid=0 auid=4294967295 ses=4294967295 subj=system_u:system_r:init_t:s0 "
        "msg='avc:  denied  { start } for auid=n/a uid=0 gid=0 path=\"/usr/lib/systemd/system/x.service\" cmdline=\"\" "
        "scontext=system_u:system_r:policykit_t:s0 tcontext=system_u:object_r:systemd_unit_file_t:s0 tclass=service "
        "permissive=1  exe=\"/usr/lib/systemd/systemd\" sauid=0 hostname=? addr=? terminal=?'")
ENCODED = AUDITD.replace('comm="httpd"', "comm=61206220").replace("{ getattr }", "{ read write }")


def test_fields_of_a_denial():
    found, = denials.parse([AUDITD + "\n"])
    assert found == denials.Denial(
        1226874073.147, 96, "unconfined_u:system_r:httpd_t:s0", "unconfined_u:object_r:samba_share_t:s0", "file", "getattr",
        "httpd", "/var/www/html/file1", False)
    assert found.what == "httpd_t getattr file samba_share_t"


def test_one_message_in_two_places_counts_once():
    assert len(denials.parse([AUDITD, KERNEL])) == 1


def test_denial_of_a_program_that_asks_for_itself():
    found, = denials.parse([USER])
    assert (found.what, found.comm, found.path, found.allowed) == (
        "policykit_t start service systemd_unit_file_t", "/usr/lib/systemd/systemd", "/usr/lib/systemd/system/x.service", True)


@pytest.mark.parametrize(("told", "who"), [
    ('cmdline="/usr/lib/systemd/systemd-logind" function="mac_selinux_filter"',
     "systemd-logind (by a call of systemd mac_selinux_filter)"),
    ('cmdline="systemctl status --token=hunter2"', "systemctl (by a call of systemd)"),
    ("cmdline=2F62696E2F6120622063 function=\"f\"", "a (by a call of systemd f)"),
    ('cmdline="" function="f"', "/usr/lib/systemd/systemd"),
])
def test_who_asked_pid_1_is_named_without_its_arguments(told, who):
    found, = denials.parse([USER.replace('cmdline=""', told)])
    assert found.comm == who


def test_encoded_names_are_read():
    found, = denials.parse([ENCODED])
    assert (found.comm, found.permissions) == ("a b ", "read write")


@pytest.mark.parametrize("line", [
    "", "type=LOGIN msg=audit(1226874073.147:96): pid=1", AUDITD.replace("denied", "granted"),
    "type=MAC_STATUS msg=audit(1336662937.117:394): enforcing=0 old_enforcing=1 auid=0 ses=2"])
def test_other_messages_are_none(line):
    assert denials.parse([line]) == []


def test_kinds_are_told_apart_by_when_they_began():
    kind, other = denials.kinds(denials.parse([AUDITD, AUDITD.replace("6874073.147:96", "6874080.000:99"), USER]), 1226874074)
    assert (kind.what, len(kind.hits), kind.before, kind.allowed) == ("httpd_t getattr file samba_share_t", 1, True, False)
    assert (len(other.hits), other.before, other.allowed) == (1, False, True)
    assert denials.words(kind) == "1x httpd_t getattr file samba_share_t by httpd /var/www/html/file1 (as before)"


def test_messages_of_auditd_and_of_the_journal_are_read_together(tmp_path):
    folder = tmp_path / "var/log/audit"
    folder.mkdir(parents=True)
    (folder / "audit.log").write_text("new\n")
    (folder / "audit.log.1").write_text("older\n")
    (folder / "audit.log.2").write_text("oldest\n")
    os.utime(folder / "audit.log.2", (1000, 1000))
    since = os.path.getmtime(folder / "audit.log")
    assert list(audit.messages(str(tmp_path), lambda argv: (0, "kernel\n"), since)) == ["older\n", "new\n", "kernel"]
    assert list(audit.messages(str(tmp_path), lambda argv: (127, ""), since)) == ["older\n", "new\n"]


def test_host_without_either_is_not_passed(tmp_path):
    with pytest.raises(OSError, match="neither"):
        list(audit.messages(str(tmp_path), lambda argv: (1, ""), 1000))


def test_what_was_denied_and_not_let_through_since(tmp_path):
    def run(argv):
        return 0, "\n".join([AUDITD, USER, AUDITD.replace("6874073.147:96", "6874080.000:99")])

    assert audit.denied(str(tmp_path), run, 1226874000) == []  # SELinux is off
    (tmp_path / "sys/fs/selinux").mkdir(parents=True)
    (tmp_path / "sys/fs/selinux/enforce").write_text("1")
    assert audit.denied(str(tmp_path), run, 1226874000) == [
        "2x httpd_t getattr file samba_share_t by httpd /var/www/html/file1"]
