# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator of prepared hosts, and the comparison of fingerprints."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from faults import prepared  # noqa: E402

STREAMS = (9, 10)
BEFORE = [
    "/etc/own 100644 0:0 111 aaaa", "/usr/lib/a file 100644 0:0 222 bbbb", "/var/cache/dnf/x 100644 0:0 1 cc",
    "/etc/l 120777 0:0 5 to", "rpm systemd-252-51.el9.x86_64 1700000000", "a.service    enabled   enabled",
]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_host_is_the_same_each_time_and_no_two_are_alike(stream):
    plans = [prepared.host(stream, number) for number in range(6)]
    assert plans == [prepared.host(stream, number) for number in range(6)]
    assert len({str(plan) for plan in plans}) == 6


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("first", [0, 2, 4])
def test_two_hosts_in_a_row_have_everything_between_them(stream, first):
    names = {preparation.name for number in (first, first + 1) for preparation in prepared.host(stream, number).preparations}
    assert len(names - {"stock packages"}) == len(prepared.MAKERS)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("number", range(6))
def test_what_is_done_is_argument_lists_and_absolute_paths(stream, number):
    for preparation in prepared.host(stream, number).preparations:
        assert preparation.files or preparation.commands
        assert all(path.startswith("/") for path in preparation.files)
        assert all(isinstance(word, str) and word for argv in preparation.commands for word in argv)


def test_a_host_that_is_the_same_differs_in_nothing():
    after = [
        *BEFORE[:2], "/var/cache/dnf/y 100644 0:0 2 dd", BEFORE[3], "rpm systemd-252-51.el9.x86_64 1800000000",
        "a.service enabled enabled"]
    assert prepared.differences(BEFORE, after, ()) == []


@pytest.mark.parametrize(("old", "new", "owned", "said"), [
    ("/etc/own 100644 0:0 111 aaaa", "/etc/own 100600 0:4 111 aaaa", (), ["/etc/own: mode, owner"]),
    ("/etc/own 100644 0:0 111 aaaa", "/etc/own 100644 0:0 999 eeee", (), ["/etc/own: when, content"]),
    ("/etc/own 100644 0:0 111 aaaa", "/etc/own 100644 0:0 999 aaaa", ("/etc/own",), []),
    ("/usr/lib/a file 100644 0:0 222 bbbb", "/usr/lib/a file.rpmnew 100644 0:0 2 bbbb", (),
     ["/usr/lib/a file: gone", "/usr/lib/a file.rpmnew: new"]),
    ("rpm systemd-252-51.el9.x86_64 1700000000", "rpm systemd-262-1.hs.el9.x86_64 1700000000", (),
     ["gone: rpm systemd-252-51.el9.x86_64", "new: rpm systemd-262-1.hs.el9.x86_64"]),
    ("a.service    enabled   enabled", "a.service disabled enabled", (),
     ["gone: a.service enabled enabled", "new: a.service disabled enabled"]),
])
def test_every_difference_is_told(old, new, owned, said):
    assert prepared.differences(BEFORE, [new if line == old else line for line in BEFORE], owned) == said


def test_accounts_of_the_system_may_come_and_none_may_go():
    before = ["root:x:0:0::/root:/bin/sh", "operator1:x:1000:1000::/home/operator1:/bin/sh"]
    assert prepared.accounts(before, [*before, "systemd-oom:x:995:995::/:/usr/sbin/nologin"]) == []
    assert prepared.accounts(before, [before[0], "evil:x:0:0::/:/bin/sh", "person:x:1001:1001::/:/bin/sh"]) == [
        f"gone: {before[1]}", "new: evil:x:0:0::/:/bin/sh", "new: person:x:1001:1001::/:/bin/sh"]
