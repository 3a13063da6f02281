# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rpm's copy-on-write, experimental: whether files that were installed with it share their blocks with dnf's cache."""

from __future__ import annotations

import glob
import os
import typing as t

from ...core.host_io import is_file
from ...facts import cow, fiemap
from ...facts.consumer import Consumer
from ...facts.view import View
from ..builds import Build
from ..checks import found
from ..model import Finding, Skipped, Subject
from ..scenes import Scenes

# Smaller files may lie inline, without blocks that could be shared.
LEAST_BYTES = 16 << 10
FILES = 50


def copied(scenes: Scenes) -> t.Iterator[Finding]:
    """Packages of the swap that were copied although copy-on-write was on. Only a package kept in the cache can tell."""
    view = scenes.view
    conf = cow.settings(view.text(cow.CONF) or "")
    if not conf.enabled:
        raise Skipped("copy-on-write is not on")
    if os.stat(view.real(cow.CONF)).st_mtime > scenes.snapshot.content["time"]:
        raise Skipped("copy-on-write was switched on after the snapshot")
    kept = {build: path for build in scenes.new if build.name not in conf.denylist for path in cached(view, build)}
    if not kept:
        raise Skipped("no package of this swap is left in dnf's cache; keepcache=1 in dnf.conf keeps them")
    for build, path in kept.items():
        large = sorted((file.size, name) for name, file in build.files.items() if file.kind == "file" and not file.ghost)
        said = trouble(path, [view.real(name) for size, name in large[-FILES:] if size >= LEAST_BYTES])
        if said:
            yield found(
                "cow.copied", Subject("package", build.name, build.arch), None, build.nevra, said,
                [Consumer("path", path, "is what it was installed from")], proven=True)


def cached(view: View, build: Build) -> list[str]:
    """Return where dnf keeps the file of a build."""
    folder = cow.cachedir(view.text(cow.DNF_CONF) or "")
    name = f"{build.name}-{build.evr.rpartition(':')[2]}.{build.arch}.rpm"
    return [view.real(path) for path in view.glob(f"{glob.escape(folder)}/*/packages/{glob.escape(name)}")[:1]]


def trouble(package: str, files: t.Sequence[str]) -> str:
    """Say why installed files are no clones of a cached package; empty when one is, or none is large enough to tell."""
    if not cow.transcoded(package):
        return f"{package} was not made ready for cloning: it lacks the marker {cow.MARKER.decode()}."
    theirs = fiemap.extents(package)
    own = {path: fiemap.extents(path) for path in files if is_file(path) and not os.path.islink(path)}
    if not own or any(fiemap.common_bytes(extents, theirs) for extents in own.values()):
        return ""
    return f"None of {len(own)} files shares a block with {package}: they were copied."
