# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signing keys of the SIG, each by its full fingerprint."""

from __future__ import annotations

import typing as t


class Key(t.NamedTuple):
    """A package signing key: full fingerprint (40 hex digits) and where a host and the web keep it."""

    fingerprint: str
    path: str
    url: str

    @property
    def key_id(self) -> str:
        """The 16 hex digits that a signature carries."""
        return self.fingerprint[-16:].lower()


HYPERSCALE_KEY = Key(
    fingerprint="9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40",
    path="/etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-HyperScale",
    url="https://www.centos.org/keys/RPM-GPG-KEY-CentOS-SIG-HyperScale",
)
