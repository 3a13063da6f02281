# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between any two builds of one package and says nothing: their own version, wherever it is written out."""

from __future__ import annotations

import re

from .builds import Build, Relation

# A version or release of fewer characters is as likely a number of another meaning.
TELLING = 3
# What may stand before and after a version in a path: first anything but digits, then nothing that a word is made of.
BORDERS = ((r"(?<!\d)(?<!\d\.)", r"(?!\d|\.\d)"), (r"(?<![\w.])", r"(?![\w.])"))


def parts(build: Build) -> tuple[str, str, str]:
    """Return EVR without the epoch, version, and release."""
    label = build.evr.rpartition(":")[2]
    version, _dash, release = label.rpartition("-")
    return label, version, release


def own(relation: Relation, build: Build) -> tuple[str, int, str]:
    """Return what identifies a relation, with a word in place of the build's own version."""
    label, version, _release = parts(build)
    evr = relation.evr
    epoch = build.evr[: -len(label)]
    for text, word in ((epoch + label, "EVR"), (epoch + version, "EV"), (label, "VR"), (version, "V")):
        if evr == text:
            return named(relation.name, build), relation.sense, word
    return named(relation.name, build), relation.sense, evr


def named(name: str, build: Build) -> str:
    """Return a capability with the build's own version marked; only rich ones, C((a = 1-1 if b)), hold versions."""
    if not name.startswith("("):
        return name
    label, version, _release = parts(build)
    words = {build.evr: "EVR", label: "EVR", version: "VERSION"}
    return "".join(words.get(word, word) for word in re.split(r"([\s()]+)", name))


def same_text(a: str, b: str, old: Build, new: Build) -> bool:
    """Say whether two texts of an old and a new build are the same, but for the builds' own versions."""
    left, right = a.split(), b.split()
    return len(left) == len(right) and all(x == y or _same_word(x, y, old, new) for x, y in zip(left, right))


def _same_word(a: str, b: str, old: Build, new: Build) -> bool:
    """Where the old word has the old version the new one may have the new one. A lone short number is no version."""
    label, version, release = parts(old)
    # Where the release is the same number as the version, the version counts.
    pairs = dict(reversed(list(zip(parts(old), parts(new)))))
    known = [label, version] + ([release] if len(release) >= TELLING else [])
    if a.strip("\"';") == version and len(version) < TELLING:
        return False
    pattern = "|".join(re.escape(text) for text in known)
    made = "".join(
        f"(?:{re.escape(piece)}|{re.escape(pairs[piece])})" if piece in known else re.escape(piece)
        for piece in re.split(f"({pattern})", a))
    return re.fullmatch(made, b) is not None


def renewed_paths(path: str, old: Build, new: Build) -> list[str]:
    """Return where a path would lie when only the version in it is another: C(/usr/share/a-1/b) as C(/usr/share/a-2/b)."""
    found = []
    for before, after in BORDERS:
        moved = path
        for mine, theirs in list(zip(parts(old), parts(new)))[:2]:
            moved = re.sub(before + re.escape(mine) + after, lambda _match, text=theirs: text, moved)
        if moved != path and moved not in found:
            found.append(moved)
    return found
