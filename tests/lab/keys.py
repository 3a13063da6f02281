# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing keys made for the lab: one for each party that signs on a real host, and one that nobody should trust."""

from __future__ import annotations

import os
import pathlib
import shutil

from .common import ROOT, run, say

PARTIES = {
    "centos": "CentOS (lab) <security@centos.example>",
    "extras": "CentOS Extras SIG (lab) <security@centos.example>",
    "hyperscale": "CentOS HyperScale SIG (lab) <security@centos.example>",
    "epel": "EPEL (lab) <epel@fedora.example>",
    "other": "Nobody (lab) <nobody@other.example>",
}


def home() -> pathlib.Path:
    """Return the key ring's folder, making the keys the first time."""
    folder = ROOT / "keys"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        say("making signing keys")
        for user_id in PARTIES.values():
            _gpg(folder, "--batch", "--yes", "--passphrase", "", "--quick-gen-key", user_id, "rsa2048", "sign", "never")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", folder / "ssh"])
        (folder / "done").touch()
    return folder


def armoured(party: str) -> str:
    """Return a party's public key."""
    return _gpg(home(), "--armor", "--export", PARTIES[party])


def fingerprint(party: str) -> str:
    """Return a party's full fingerprint."""
    listing = _gpg(home(), "--with-colons", "--list-keys", PARTIES[party])
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


def sign(party: str, packages: list[pathlib.Path]) -> None:
    """Sign package files."""
    folder = home()
    run(
        ["rpmsign", "--define", f"_gpg_name {PARTIES[party]}", "--define", f"_gpg_path {folder}",
         "--define", f"__gpg {shutil.which('gpg')}", "--addsign", *packages],
        env=dict(os.environ, GNUPGHOME=str(folder)),
    )


def _gpg(folder: pathlib.Path, *arguments: str) -> str:
    return run(["gpg", "--homedir", folder, "--no-permission-warning", "--quiet", *arguments])
