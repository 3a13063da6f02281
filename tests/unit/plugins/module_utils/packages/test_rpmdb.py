# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package database: parsers on recorded text, and everything else on a database that rpm itself made."""

from __future__ import annotations

import os

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb

KEY_FINGERPRINT = "371baa228f39b6f8b41d35b7019024d17d1345f9"
KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mQENBGsBF0MBCACwcdrj7Csw70/2X6IAAmUTyVj3BJGVNMkW/XXqQN3jSecv2DrT
Q9DbMHswiug80dM9tcoMAzHbmbOLdOlZ+pTleRtz6OA7nKNfsNptsrVvkRuVlyxo
HrKaU6ZTyPIewqJ0pKNeo5ifXYSpN/19W2ZW1dN2DoDjuUFcv15HvbMEcpbzoEuH
dmC0QhVQydgpitprDh7SVwf8pKl9e0IMbeH5oKwfKE9haiq0R9KLhKTePtmP+d17
yvbxP2P7ioDAl+ddVvr/EuqXOkWy7HtLyr5qv3RsOv4fenYXhLL3be9jlXEQ76eq
ib5OjTHr92zwNwwF1Apca0OLyEgxlxwhmMstABEBAAG0GFRlc3QgU0lHIDx0QGV4
YW1wbGUub3JnPokBTgQTAQoAOBYhBDcbqiKPObb4tB01twGQJNF9E0X5BQJrARdD
AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEAGQJNF9E0X55wYIAJ4p5owS
sOeNiTeHxm2ygjblcCKUeSBXXenN+/+xPIeDTxV5HeDXU3JvburAUY8+l3Ny/5jO
Zl0x3fUyEt8RDKBxmgkT27fbVZ9RSzmwsH2gzjeIPt3uSK5RlenYVDuXYDILjMJ5
jO+Sg4Gaj12bdPnQFcA7WihpAD1eG9yVKrJ8OBf82oWxCE7YmQzFM1ZYgcXqJuDn
okCgIO+uiMLqeNtnqi/2fMX66I6AI54pvw8Ls/DVH8c2A7A7ZHAgDoKKQVXsND/n
tFuvOo48Sy8k4Zvjpp83qNPYl5anERrS8wv9Qnw2geeHWlamzjrdRi8SXZUNgvMt
FeXe1OZsYUqFF38=
=1WKY
-----END PGP PUBLIC KEY BLOCK-----
"""


@pytest.mark.parametrize(
    ("sourcerpm", "expected"),
    [
        ("systemd-252-51.el9.src.rpm", "systemd"),
        ("python-blivet-3.6.0-1.hs.el9.src.rpm", "python-blivet"),
        ("microcode_ctl-20230808-2.el9.nosrc.rpm", "microcode_ctl"),
        ("(none)", None),
        ("", None),
        (None, None),
    ],
)
def test_source_name(sourcerpm, expected):
    assert rpmdb.source_name(sourcerpm) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RSA/SHA256, Wed 01 May 2024 10:00:00 AM UTC, Key ID 2a01fa2aeb3dac40", "2a01fa2aeb3dac40"),
        ("(none) (none) RSA/SHA256, Wed 01 May 2024, Key ID 05B555B38483C65D (none)", "05b555b38483c65d"),
        (
            "RSA/SHA512, Wed Mar 18 2026, Key Fingerprint: 9b04530e0ed6abc4b2c358dd2a01fa2aeb3dac40",
            "2a01fa2aeb3dac40",
        ),
        ("(none) (none) (none) (none)", None),
        ("", None),
        (None, None),
    ],
)
def test_signature_key_id(text, expected):
    assert rpmdb.signature_key_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KEY, KEY_FINGERPRINT),
        (KEY.replace("BLOCK-----\n", "BLOCK-----\nVersion: rpm-4.16.1.3 (NSS-3)\n", 1), KEY_FINGERPRINT),
        (KEY.replace("\n", "\r\n"), KEY_FINGERPRINT),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n", None),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nno base64!\n-----END PGP PUBLIC KEY BLOCK-----\n", None),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n\n-----END PGP PUBLIC KEY BLOCK-----\n", None),
        ("a description", None),
        (None, None),
    ],
)
def test_the_key_that_rpm_describes(text, expected):
    key = rpmdb.described_key(text, KEY_FINGERPRINT[-8:])
    assert (key and key.fingerprint.lower()) == expected
    assert rpmdb.described_key(text, "0badc0de") is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("252-51.el9", ("0", "252", "51.el9")),
        ("1:2.06-3", ("1", "2.06", "3")),
        ("260.2", ("0", "260.2", None)),
        (":1-2", ("0", "1", "2")),
    ],
)
def test_split_evr(label, expected):
    assert rpmdb.split_evr(label) == expected


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2-2.hs.el9", "2-2.el9"),
        ("2-3.el9", "2-2.hs.el9"),
        ("1-1.hs.el9", "1-1.el9_8.1"),
        ("1:1-1", "9-9"),
        ("252-51.el9", "252-9.el9"),
        ("261~devel-1", "260.2-1"),
        ("261-1", "261~devel-1"),
        ("260", "252-51.el9"),
    ],
)
def test_compare_evr_orders_as_rpm_does(newer, older):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    assert (rpmdb.compare_evr(newer, older), rpmdb.compare_evr(older, newer)) == (1, -1)


def test_compare_evr_without_a_release_compares_versions():
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    assert rpmdb.compare_evr("252", "252-51.el9") == 0
    assert rpmdb.compare_evr("0:252-51.el9", "252-51.el9") == 0


def test_installed_reads_what_rpm_wrote(rpm_root):
    fingerprint = rpm_root.make_key("Test SIG <sig@example.org>")
    rpm_root.install("systemd", "260.2", "1.hs.el9", vendor="CentOS Hyperscale SIG", subpackages=("libs",), sign=True)
    rpm_root.install("grub2", "2.06", "80.el9", epoch=1, vendor="CentOS")
    rpm_root.install("kernel", "5.14.0", "9.el9")
    rpm_root.install("kernel", "5.14.0", "10.el9")

    found = rpmdb.installed(rpmdb.transaction_set(rpm_root.root))

    assert [package.nevra for package in found] == [
        "grub2-1:2.06-80.el9.noarch",
        "kernel-5.14.0-9.el9.noarch",
        "kernel-5.14.0-10.el9.noarch",
        "systemd-260.2-1.hs.el9.noarch",
        "systemd-libs-260.2-1.hs.el9.noarch",
    ]
    assert [package.source for package in found] == ["grub2", "kernel", "kernel", "systemd", "systemd"]
    assert [package.signing_key for package in found] == [None, None, None, fingerprint[-16:], fingerprint[-16:]]
    assert [package.vendor for package in found] == ["CentOS", None, None] + ["CentOS Hyperscale SIG"] * 2
    assert found[0].epoch == 1 and found[0].evr == "1:2.06-80.el9"
    assert all(package.install_time > 0 for package in found)


def test_public_keys_are_read_with_their_fingerprint(rpm_root):
    fingerprint = rpm_root.make_key("Test SIG <sig@example.org>")

    (key,) = rpmdb.public_keys(rpmdb.transaction_set(rpm_root.root))

    assert key.fingerprint == fingerprint
    assert key.key_id == fingerprint[-16:]
    assert key.nevra == f"gpg-pubkey-{fingerprint[-8:]}-{key.created:x}"
    assert "Test SIG <sig@example.org>" in key.summary


def test_a_missing_database_is_said_and_not_created(tmp_path):
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    with pytest.raises(OSError, match="no package database"):
        rpmdb.transaction_set(str(tmp_path))
    assert os.listdir(str(tmp_path)) == []


def test_newest_first_is_not_a_text_sort():
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    labels = ["5.14.0-9.el9", "6.16.4-0.hs1.hsk.el10", "5.14.0-100.el9"]
    assert rpmdb.newest_first(labels) == ["6.16.4-0.hs1.hsk.el10", "5.14.0-100.el9", "5.14.0-9.el9"]
