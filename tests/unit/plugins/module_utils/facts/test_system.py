# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which systems are supported, and what the others are told."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import read, system

STREAM_9 = """\
NAME="CentOS Stream"
VERSION="9"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="9"
PLATFORM_ID="platform:el9"
PRETTY_NAME="CentOS Stream 9"
"""
STREAM_10 = 'NAME="CentOS Stream"\nVERSION="10 (Coughlan)"\nRELEASE_TYPE=stable\nID="centos"\nVERSION_ID="10"\n'
STREAM_8 = 'NAME="CentOS Stream"\nVERSION="8"\nID="centos"\nVERSION_ID="8"\n'
STREAM_11 = 'NAME="CentOS Stream"\nID="centos"\nVERSION_ID="11"\n'
LINUX_8 = 'NAME="CentOS Linux"\nVERSION="8"\nID="centos"\nVERSION_ID="8"\n'
ALMA_9 = 'NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
RHEL_9 = 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="9.4"\n'
FEDORA = "NAME='Fedora Linux'\nID=fedora\nVERSION_ID=41\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (STREAM_9, ("centos", "CentOS Stream", "9", 9, True)),
        (STREAM_10, ("centos", "CentOS Stream", "10", 10, True)),
        (LINUX_8, ("centos", "CentOS Linux", "8", None, False)),
        (FEDORA, ("fedora", "Fedora Linux", "41", None, False)),
        ('NAME="CentOS Stream"\nID=centos\n', ("centos", "CentOS Stream", None, None, True)),
        ("# NAME=x\n\nno assignment\n", (None, None, None, None, False)),
    ],
)
def test_parse(content, expected):
    assert tuple(system.parse(content)) == expected


@pytest.mark.parametrize("content", [STREAM_9, STREAM_10])
def test_supported_streams_are_not_refused(content):
    assert system.system_refusal(system.parse(content)) is None


@pytest.mark.parametrize(
    ("content", "fact", "advice"),
    [
        (STREAM_8, "CentOS Stream 8 reached its end of life in June 2024", "Move the host to CentOS Stream 9 or 10"),
        (STREAM_11, "runs CentOS Stream 11, which this version", "newer version of the collection"),
        (LINUX_8, "runs CentOS Linux 8, not CentOS Stream", "Take the host out of the play"),
        (ALMA_9, "runs AlmaLinux 9.4, not CentOS Stream", "Take the host out of the play"),
        (RHEL_9, "runs Red Hat Enterprise Linux 9.4, not CentOS Stream", "Take the host out of the play"),
        (FEDORA, "runs Fedora Linux 41, not CentOS Stream", "Take the host out of the play"),
        ("", "runs an unknown system, not CentOS Stream", "Take the host out of the play"),
    ],
    ids=["8", "11", "CentOS Linux", "AlmaLinux", "RHEL", "Fedora", "none"],
)
def test_refusals_state_the_fact_and_what_to_do(content, fact, advice):
    refusal = str(system.system_refusal(system.parse(content)))
    assert fact in refusal
    assert advice in refusal


@pytest.mark.parametrize(
    ("arch", "refused"), [("x86_64", False), ("aarch64", False), ("s390x", True), ("ppc64le", True), (None, True)]
)
def test_architectures(arch, refused):
    refusal = system.arch_refusal(system.parse(STREAM_9), arch)
    assert (refusal is not None) == refused
    if refused:
        assert (arch or "an unknown architecture") in str(refusal) and "x86_64 and aarch64" in str(refusal)


def test_gather_falls_back_to_the_vendors_file(host):
    host.write("/usr/lib/os-release", STREAM_10)
    assert system.gather(host.root).stream == 10
    host.write("/etc/os-release", STREAM_9)
    assert system.gather(host.root).stream == 9


def test_gather_without_os_release_says_so(host):
    with pytest.raises(read.Unreadable, match="os-release"):
        system.gather(host.root)


def test_gather_arch(host):
    host.answer("uname -m", "aarch64\n")
    assert system.gather_arch(host.run) == "aarch64"


@pytest.mark.parametrize(
    ("code", "content"), [("host.retired_stream", STREAM_8), ("host.not_centos_stream", ALMA_9)],
    ids=["retired", "another system"])
@pytest.mark.parametrize("then", [STREAM_9, STREAM_10], ids=["9", "10"])
def test_a_host_with_a_stream_that_is_supported_is_taken(code, content, then):
    assert system.system_refusal(system.parse(content)).code == code
    assert system.system_refusal(system.parse(then)) is None
