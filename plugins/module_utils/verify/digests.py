# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files on disk, in the algorithm that a header uses."""

from __future__ import annotations

import hashlib

from ..facts.view import View

# OpenPGP's numbers, as the header's FILEDIGESTALGO has them; 1 is what a header without the tag means.
ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
CHUNK = 1 << 20


def of_file(path: str, algorithm: int) -> str:
    """Return the hex digest of a file. Raises OSError."""
    digest = hashlib.new(ALGORITHMS.get(algorithm, "sha256"))
    with open(path, "rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def seen(view: View, path: str, algorithm: int) -> str:
    """Return the hex digest of a file of the host; empty when it cannot be read, which is noted."""
    try:
        return of_file(view.real(path), algorithm)
    except OSError as error:
        view.note(path, error)
        return ""
