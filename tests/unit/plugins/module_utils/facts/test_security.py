# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux and Secure Boot, from files as the kernel shows them."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import security

CONFIG = "# This file controls SELinux.\n# SELINUX= can take one of\nSELINUX=permissive\nSELINUXTYPE=targeted\n"
VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@pytest.mark.parametrize(
    ("enforce", "config", "expected"),
    [
        ("1", CONFIG, ("enforcing", "permissive", "targeted")),
        ("0\n", CONFIG, ("permissive", "permissive", "targeted")),
        (None, "SELINUX=disabled\n", ("disabled", "disabled", None)),
        (None, None, ("disabled", None, None)),
        ("?", None, (None, None, None)),
    ],
)
def test_selinux(host, enforce, config, expected):
    if enforce is not None:
        host.write("/sys/fs/selinux/enforce", enforce)
    if config is not None:
        host.write("/etc/selinux/config", config)
    assert tuple(security.gather_selinux(host.root).values()) == (*expected, None)


@pytest.mark.parametrize(("enforce", "boot_id", "note", "since"), [
    ("0\n", "one\n", '{"boot_id": "one", "since": 1700000000.5}', 1700000000.5),
    ("1\n", "one\n", '{"boot_id": "one", "since": 1700000000.5}', None),
    ("0\n", "two\n", '{"boot_id": "one", "since": 1700000000.5}', None),
    (None, "one\n", '{"boot_id": "one", "since": 1700000000.5}', None),
    ("0\n", "one\n", '{"boot_id": "o', None),
    ("0\n", "one\n", "[]", None),
    ("0\n", "one\n", None, None),
])
def test_note_of_a_permissive_host_counts_in_its_own_boot_only(host, enforce, boot_id, note, since):
    for path, text in ((security.ENFORCE, enforce), (security.BOOT_ID, boot_id), (security.RELAXED, note)):
        if text is not None:
            host.write(path, text)
    assert security.gather_selinux(host.root)["relaxed_since"] == since


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "not_efi"),
        ({"/sys/firmware/efi/systab": b""}, "unknown"),
        ({VARIABLE: b"\x06\x00\x00\x00\x01"}, "enabled"),
        ({VARIABLE: b"\x06\x00\x00\x00\x00"}, "disabled"),
        ({VARIABLE: b"\x06\x00\x00\x00"}, "unknown"),
        ({VARIABLE.replace("SecureBoot", "BootOrder"): b"\x07\x00\x00\x00\x01"}, "disabled"),
        ({VARIABLE.replace("SecureBoot", "VendorSecureBoot"): b"\x07\x00\x00\x00\x01"}, "disabled"),
    ],
)
def test_secure_boot(host, files, expected):
    for path, content in files.items():
        host.write(path, content)
    assert security.gather_secure_boot(host.root) == expected
