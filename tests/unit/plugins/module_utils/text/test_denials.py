# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit messages as auditd, the kernel and systemd write them, read as denials."""

from __future__ import annotations

import builtins
import json
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


def test_what_may_be_why_a_step_failed_comes_first():
    """Not by its name: a host denies a newer build much, and a message names a few kinds."""
    def denial(name, time):
        return denials.Denial(time, int(time), f"u:r:{name}:s0", "u:r:x_t:s0", "file", "read", name, "", False)

    found = denials.kinds([
        denial("known_t", 5), denial("known_t", 99), denial("early_t", 20), denial("often_t", 20), denial("often_t", 60),
        denial("last_t", 70)], 10)
    assert [kind.hits[0].comm for kind in denials.nearest(found)] == ["last_t", "often_t", "early_t", "known_t"]


@pytest.fixture
def root(tmp_path):
    """A host with auditd's logs, SELinux on."""
    for path, text in {"var/log/audit/audit.log": NEW, "sys/fs/selinux/enforce": "1"}.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def avc(what, serial):
    return AUDITD.replace("getattr", what).replace("96)", f"{serial})") + "\n"


SINCE = 1226874000
NEW, OLDER, KERNEL_SAID = avc("new", 3), avc("older", 2), avc("kernel", 4)


def entry(message, **fields):
    """Return an entry of the journal as journalctl prints it."""
    known = {"__REALTIME_TIMESTAMP": "1226874100000000", "_BOOT_ID": "58", "_TRANSPORT": "kernel", "MESSAGE": message.strip()}
    return json.dumps({**known, **fields}) + "\n"


def whats(heard):
    return [kind.what.split()[1] for kind in heard.kinds]


def test_messages_of_auditd_and_of_the_journal_are_read_together(root):
    folder = root / "var/log/audit"
    (folder / "audit.log.1").write_text(OLDER)
    (folder / "audit.log.2").write_text(avc("oldest", 1))
    os.utime(folder / "audit.log.2", (1000, 1000))
    heard = audit.denied(str(root), lambda argv: (0, entry(KERNEL_SAID)), SINCE, SINCE)
    assert whats(heard) == ["kernel", "new", "older"] and heard.unread == {}


@pytest.mark.parametrize(("answer", "reason"), [
    ((1, entry(KERNEL_SAID)), "it ended with status 1"), ((127, ""), "there is no such command"),
    ((1, entry(KERNEL_SAID) + "{"), "it ended with status 1"),
    ((0, "{}"), "it printed what is no journal: '__REALTIME_TIMESTAMP'"),
    ((0, "-- No entries --"), "it printed what is no journal: Expecting value: line 1 column 1 (char 0)")])
def test_a_journal_that_fails_is_unread_and_not_empty(root, answer, reason):
    heard = audit.denied(str(root), lambda argv: answer, SINCE, SINCE)
    readable = answer[1] == entry(KERNEL_SAID)
    assert whats(heard) == (["kernel", "new"] if readable else ["new"]) and heard.unread == {"journalctl": reason}


@pytest.mark.parametrize(("owner", "name", "end"), [
    (os, "stat", "/audit.log"), (os, "listdir", "/audit"), (os.path, "getmtime", "/audit.log"), (builtins, "open", "/audit.log")])
def test_a_log_that_cannot_be_read_is_unread_and_the_journal_is_read(root, monkeypatch, owner, name, end):
    real = getattr(owner, name)

    def failing(path, *args, **more):
        if str(path).endswith(end):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(owner, name, failing)
    heard = audit.denied(str(root), lambda argv: (0, entry(KERNEL_SAID)), SINCE, SINCE)
    assert whats(heard) == ["kernel"] and heard.unread == {denials.AUDIT_LOG: "Permission denied"}


def test_a_host_without_auditd_has_no_log_that_is_unread(tmp_path):
    assert audit.denied(str(tmp_path), lambda argv: (0, ""), SINCE, SINCE) == audit.Heard([], {})
    assert list(audit.denied(str(tmp_path), lambda argv: (1, ""), SINCE, SINCE).unread) == ["journalctl"]


# Messages of other kinds, as auditd and the kernel write them.
OTHERS = ["type=SERVICE_START msg=audit({:.3f}:9): pid=1 uid=0", "[   99.000000] audit: type=1130 audit({:.3f}:9): pid=1 uid=0"]


def journal(*readings):
    """A journal that has one text after another."""
    left = iter(readings)
    return lambda argv: (0, "".join(entry(line) for line in next(left).splitlines()))


@pytest.mark.parametrize("other", OTHERS)
def test_logs_that_have_a_message_from_after_the_time_are_waited_for_no_longer(root, clock, other):
    until = clock.time() - 1
    said = journal(other.format(until - 1), KERNEL_SAID, "\n".join([KERNEL_SAID, other.format(until + 0.5)]))
    assert whats(audit.denied(str(root), said, SINCE, until)) == ["kernel", "new"]
    assert clock.slept == [audit.BETWEEN_SECONDS] * 2


def test_auditd_that_has_a_message_from_after_the_time_is_enough(root, clock):
    (root / "var/log/audit/audit.log").write_text(NEW + OTHERS[0].format(clock.time()) + "\n")
    assert whats(audit.denied(str(root), journal(""), SINCE, clock.time() - 1)) == ["new"] and clock.slept == []


def test_logs_that_get_nothing_are_waited_for_a_fixed_time(root, clock):
    began = clock.time()
    assert whats(audit.denied(str(root), lambda argv: (0, ""), SINCE, began)) == ["new"]
    assert clock.time() == pytest.approx(began + audit.SETTLING_SECONDS)


@pytest.mark.parametrize(("ago", "waited"), [
    (audit.SETTLING_SECONDS + 1, 0), (audit.SETTLING_SECONDS - 1, 1), (audit.SETTLING_SECONDS - 3, 3),
    (-3600, audit.SETTLING_SECONDS),  # the clock was set back meanwhile
])
def test_time_that_has_passed_already_is_not_waited_for(root, clock, ago, waited):
    audit.denied(str(root), lambda argv: (0, ""), SINCE, clock.time() - ago)
    assert sum(clock.slept) == pytest.approx(waited)


def test_a_denial_that_comes_late_is_told_by_a_step_that_failed(root, clock):
    (root / "var/log/audit/audit.log").unlink()
    late = [""] * 4 + [KERNEL_SAID]
    assert whats(audit.refused(str(root), journal(*late), SINCE)) == ["kernel"] and len(clock.slept) == 4


def test_what_was_denied_and_not_let_through_since(tmp_path, clock):
    def run(argv):
        return 0, "".join(map(entry, [AUDITD, USER, AUDITD.replace("6874073.147:96", "6874080.000:99")]))

    # SELinux is off.
    assert audit.refused(str(tmp_path), run, SINCE) == audit.Heard([], {}) and clock.slept == []
    (tmp_path / "sys/fs/selinux").mkdir(parents=True)
    (tmp_path / "sys/fs/selinux/enforce").write_text("1")
    assert [denials.words(kind) for kind in audit.refused(str(tmp_path), run, SINCE).kinds] == [
        "2x httpd_t getattr file samba_share_t by httpd /var/www/html/file1"]


# Recorded on a machine without auditd, whose journald receives audit messages: the kernel printed the first of two alone.
RECORDED = """\
{"_TRANSPORT":"kernel","MESSAGE":"audit: type=1400 audit(1796087099.423:66): avc:  denied  { dac_read_search } for  pid=133 \
comm=\\"systemd-hwdb\\" capability=2  scontext=system_u:system_r:systemd_hw_t:s0 tcontext=system_u:system_r:systemd_hw_t:s0 \
tclass=capability permissive=0","__CURSOR":"s=94","__MONOTONIC_TIMESTAMP":"23454038",\
"__REALTIME_TIMESTAMP":"1796087099431360","_BOOT_ID":"58027b06053e4b4285852554bc0ba0e1"}
{"__REALTIME_TIMESTAMP":"1796087099439016","MESSAGE":"AVC avc:  denied  { dac_read_search } for  pid=133 \
comm=\\"systemd-hwdb\\" capability=2  scontext=system_u:system_r:systemd_hw_t:s0 tcontext=system_u:system_r:systemd_hw_t:s0 \
tclass=capability permissive=0","_TRANSPORT":"audit","_SOURCE_REALTIME_TIMESTAMP":"1796087099423000","__CURSOR":"s=95",\
"_AUDIT_ID":"66","_BOOT_ID":"58027b06053e4b4285852554bc0ba0e1","__MONOTONIC_TIMESTAMP":"23461694"}
{"_TRANSPORT":"audit","__CURSOR":"s=96","_AUDIT_ID":"68","_BOOT_ID":"58027b06053e4b4285852554bc0ba0e1",\
"__REALTIME_TIMESTAMP":"1796087099440346","MESSAGE":"AVC avc:  denied  { dac_override } for  pid=133 \
comm=\\"systemd-hwdb\\" capability=1  scontext=system_u:system_r:systemd_hw_t:s0 tcontext=system_u:system_r:systemd_hw_t:s0 \
tclass=capability permissive=0","__MONOTONIC_TIMESTAMP":"23463024","_SOURCE_REALTIME_TIMESTAMP":"1796087099431000"}
{"__REALTIME_TIMESTAMP":"1796087316471802","_TRANSPORT":"kernel","__CURSOR":"s=97",\
"MESSAGE":"audit: audit_lost=404 audit_rate_limit=0 audit_backlog_limit=64"}
"""
RECORDED_SINCE = 1796087000.0


def test_what_journald_had_from_the_audit_system_is_read_and_what_the_kernel_did_not_print_costs_nothing(tmp_path):
    heard = audit.denied(str(tmp_path), lambda argv: (0, RECORDED), RECORDED_SINCE, RECORDED_SINCE)
    assert heard.unread == {} and [(kind.what.split()[1], len(kind.hits)) for kind in heard.kinds] == [
        ("dac_override", 1), ("dac_read_search", 1)]


LOST = "audit: audit_lost=404 audit_rate_limit=0 audit_backlog_limit=64"


@pytest.mark.parametrize(("message", "received", "told"), [
    (LOST, False, True), (LOST, True, False), ("kauditd_printk_skb: 156 callbacks suppressed", False, True),
    ("kauditd_printk_skb: 156 callbacks suppressed", True, False), ("audit: backlog limit exceeded", True, True),
    ("audit: rate limit exceeded", True, True), ("audit: kauditd hold queue overflow", True, True),
    ("audit: auditd disappeared", False, False), ("usb 1-1: audit_lost=1", False, False)])
def test_messages_that_the_kernel_dropped_are_not_known(root, message, received, told):
    """Also where auditd has a log: with it, the kernel prints none and loses those that auditd does not take."""
    said = entry(KERNEL_SAID, **({"_TRANSPORT": "audit", "_AUDIT_ID": "4"} if received else {})) + entry(message)
    heard = audit.denied(str(root), lambda argv: (0, said), SINCE, SINCE)
    assert heard.unread == ({audit.OF_THE_KERNEL: f"some were dropped ('{message}')"} if told else {})


def test_what_was_dropped_before_does_not_count(root):
    said = entry(LOST, __REALTIME_TIMESTAMP=f"{SINCE - 1}000000")
    assert audit.denied(str(root), lambda argv: (0, said), SINCE, SINCE).unread == {}


def test_a_message_with_bytes_that_are_no_text_is_read(root):
    assert denials.entries(entry("", MESSAGE=[97, 255, 98]) + entry("", MESSAGE=None)) == [
        denials.Entry(1226874100.0, False, "a\ufffdb"), denials.Entry(1226874100.0, False, "")]
