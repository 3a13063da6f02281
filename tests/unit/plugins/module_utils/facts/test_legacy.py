# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iptables, SysV scripts and rc.local."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import legacy


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("iptables v1.8.10 (nf_tables)\n", ("1.8.10", "nf_tables")),
        ("iptables v1.8.8 (legacy)\n", ("1.8.8", "legacy")),
        ("iptables v1.6.1\n", ("1.6.1", "legacy")),
        ("nonsense\n", (None, None)),
    ],
)
def test_parse_iptables(printed, expected):
    assert legacy.parse_iptables(printed) == expected


def test_gather_iptables(host):
    host.answer("iptables -V", "iptables v1.8.10 (nf_tables)\n")
    host.link("/etc/alternatives/iptables", "/usr/sbin/iptables-nft")
    assert legacy.gather_iptables(host.root, host.run, host.note) == {
        "backend": "nf_tables",
        "version": "1.8.10",
        "alternatives_target": "/usr/sbin/iptables-nft",
    }


@pytest.mark.parametrize(("rc", "noted"), [(127, []), (3, ["iptables"])])
def test_iptables_that_is_absent_is_no_trouble_and_one_that_fails_is(host, rc, noted):
    host.answer("iptables -V", "", rc, "symbol lookup error")
    assert set(legacy.gather_iptables(host.root, host.run, host.note).values()) == {None}
    assert [what for what, _reason in host.notes] == noted


def test_sysv(host):
    for name, mode in (("agent", 0o755), ("functions", 0o755), ("README", 0o644), ("off", 0o644)):
        host.write("/etc/rc.d/init.d/" + name, "#!/bin/sh\n", mode)
    host.link("/etc/init.d", "rc.d/init.d")
    host.link("/etc/rc.d/init.d/dangling", "/nowhere")
    host.write("/etc/rc.d/rc.local", "#!/bin/sh\n", 0o644)
    assert legacy.gather_sysv(host.root) == {"init_scripts": ["agent"], "rc_local": False}
    host.write("/etc/rc.d/rc.local", "#!/bin/sh\n", 0o755)
    assert legacy.gather_sysv(host.root)["rc_local"] is True


def test_sysv_on_a_host_without_any(host):
    assert legacy.gather_sysv(host.root) == {"init_scripts": [], "rc_local": False}
