# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared: the builds that go, those that come, those on offer beside them, and what stays on the host."""

from __future__ import annotations

import functools
import os
import re
import typing as t

from ..facts.consumer import Consumer
from ..facts.view import View
from ..packages import installonly, rpmdb
from .builds import Build, File, Relation, of_header
from .digests import seen
from .model import Skipped
from .references import References

try:
    import rpm
except ImportError:  # said by whoever calls, before anything here is used
    rpm = None

NO_HOST = "there is no host to look at"
MERGED = re.compile(r"^/(bin|sbin|lib|lib64)/")


def canonical(path: str) -> str:
    """Return a path as a host with merged /usr has it."""
    return MERGED.sub(r"/usr/\1/", path)


def spellings(path: str) -> list[str]:
    """Return the names that a host with merged /usr has for a path: with and without /usr."""
    whole = canonical(path)
    return [whole, whole[4:]] if MERGED.match(whole[4:]) and whole.startswith("/usr/") else [whole]


def pair(old: t.Sequence[Build], new: t.Sequence[Build]) -> list[tuple[Build | None, Build | None]]:
    """Pair builds by name and architecture; what has no counterpart stands alone. Of several old ones the last counts.

    A package that becomes noarch, or ceases to be, is replaced all the same.
    """
    before, by_name = {build.id: build for build in old}, {build.name: build for build in old}
    found: list[tuple[Build | None, Build | None]] = []
    for build in new:
        other = before.get(build.id) or by_name.get(build.name)
        same = other is not None and (other.arch == build.arch or "noarch" in (other.arch, build.arch))
        found.append((other if same else None, build))
    taken = {build.id for build, _new in found if build is not None}
    return found + [(build, None) for key, build in before.items() if key not in taken]


class Installed:
    """The packages that stay: the host's database without the builds that go. Without a database nothing stays."""

    def __init__(self, ts: t.Any, going: t.Iterable[str]) -> None:
        self._ts = ts
        self._going = set(going)

    def requirers(self, name: str) -> list[tuple[str, Relation]]:
        """Return who requires a capability, by NEVRA, and how."""
        return [
            (nevra, relation) for nevra, header in self._matching("requirename", name)
            for relation in of_names(header, "REQUIRE") if relation.name == name]

    def provides(self, name: str) -> bool:
        """Say whether a package that stays provides a capability, or carries it if it is a path."""
        return bool(self._matching("providename", name)) or (name.startswith("/") and bool(self.owners(name)))

    def providers(self, name: str) -> list[tuple[str, Relation]]:
        """Return who provides a capability, by NEVRA, and in which version."""
        return [
            (nevra, relation) for nevra, header in self._matching("providename", name)
            for relation in of_names(header, "PROVIDE") if relation.name == name]

    def owners(self, path: str) -> list[str]:
        """Return the NEVRAs that own a path, whichever of its names they use."""
        return sorted({nevra for name in spellings(path) for nevra, _header in self._matching("basenames", name)})

    def named(self, name: str) -> list[tuple[str, str]]:
        """Return the packages of a name: NEVRA and EVR."""
        return [(nevra, rpmdb.of_header(header).evr) for nevra, header in self._matching("name", name)]

    def headers(self) -> t.Iterator[tuple[str, t.Any]]:
        """Yield every package that stays with its header, one at a time: all headers of a large host take much memory."""
        for header in self._ts.dbMatch() if self._ts is not None else ():
            nevra = nevra_of(header)
            if nevra not in self._going and header[rpm.RPMTAG_NAME] != rpmdb.KEY_PACKAGE:
                yield nevra, header

    def _matching(self, *match: str) -> list[tuple[str, t.Any]]:
        if self._ts is None:
            return []
        found = [(nevra_of(header), header) for header in self._ts.dbMatch(*match)]
        return [(nevra, header) for nevra, header in found if nevra not in self._going]


def nevra_of(header: t.Any) -> str:
    """Return a header's NEVRA, the epoch only where it is not 0."""
    epoch = header[rpm.RPMTAG_EPOCH]
    label = f"{header[rpm.RPMTAG_VERSION]}-{header[rpm.RPMTAG_RELEASE]}"
    return f"{header[rpm.RPMTAG_NAME]}-{f'{epoch}:' if epoch else ''}{label}.{header[rpm.RPMTAG_ARCH] or 'noarch'}"


def of_names(header: t.Any, kind: str) -> list[Relation]:
    """Return one kind of relations of a header without reading the rest of it."""
    values = (header[getattr(rpm, f"RPMTAG_{kind}{part}")] for part in ("NAME", "FLAGS", "VERSION"))
    return [Relation(*entry) for entry in zip(*(value or [] for value in values))]


class Swap:
    """One swap. C(view) and C(references) are None when package files are compared without a host."""

    def __init__(
        self, old: t.Sequence[Build], new: t.Sequence[Build], beside: t.Sequence[Build] = (), installed: Installed | None = None,
        view: View | None = None,
    ) -> None:
        self.old = list(old)
        self.new = list(new)
        self.beside = list(beside)
        self.installed = installed or Installed(None, ())
        self.view = view
        self.references = References(view) if view else None
        self._folders: dict[str, str] = {}
        if self.references is not None:
            self.references.changing = self._changing()

    def _changing(self) -> set[str]:
        """Paths whose text or target the swap replaces: what stands in them now is no sign of what will stand there.

        What the new build has with the same content, and configuration that was edited here and therefore stays, count.
        """
        found: set[str] = set()
        for path, (build, file) in self.old_files.items():
            after = self.new_files.get(path)
            same = after is not None and (after[1].digest, after[1].target) == (file.digest, file.target)
            if not same and not self._kept_here(path, build, file):
                found.update((path, canonical(path)))
        return found

    def _kept_here(self, path: str, build: Build, file: File) -> bool:
        if self.view is None or not file.config or file.kind != "file" or not self.view.is_file(path):
            return False
        return seen(self.view, path, build.digest_algorithm) != file.digest

    @property
    def host(self) -> View:
        """The host, for checks that cannot do without one."""
        if self.view is None:
            raise Skipped(NO_HOST)
        return self.view

    @property
    def uses(self) -> References:
        """Who on the host refers to what, for checks that cannot do without it."""
        if self.references is None:
            raise Skipped(NO_HOST)
        return self.references

    @property
    def alone(self) -> bool:
        """Whether there is no host to ask who is affected."""
        return self.view is None

    @functools.cached_property
    def _replaced(self) -> list[Build]:
        """Old builds that new ones take the place of. On a host no kernel takes the place of another one."""
        return [build for build in self.old if self.alone or not installonly.is_one(build)]

    @functools.cached_property
    def pairs(self) -> list[tuple[Build, Build]]:
        """Old and new builds of the same name and architecture; of several old ones the newest, which stands last."""
        return [(old, new) for old, new in pair(self._replaced, self.new) if old is not None and new is not None]

    @functools.cached_property
    def gone(self) -> list[Build]:
        """Old builds without a new one of their name and architecture."""
        left = [build for build in self.old if build not in self._replaced]
        return left + [old for old, new in pair(self._replaced, self.new) if old is not None and new is None]

    @functools.cached_property
    def old_files(self) -> dict[str, tuple[Build, File]]:
        """Every path of the old builds."""
        return {path: (build, file) for build in self._replaced for path, file in build.files.items()}

    @functools.cached_property
    def new_files(self) -> dict[str, tuple[Build, File]]:
        """Every path of the new builds."""
        return {path: (build, file) for build in self.new for path, file in build.files.items()}

    def place(self, path: str) -> str:
        """Return where a path lies once links of its folder are followed, as this host has them."""
        folder, name = os.path.split(canonical(path))
        return os.path.join(self._folder(folder), name)

    def _folder(self, folder: str) -> str:
        if folder not in self._folders:
            self._folders[folder] = self._followed(folder)
        return self._folders[folder]

    def _followed(self, folder: str) -> str:
        entry = self.new_files.get(folder)
        if entry is not None and entry[1].kind == "symlink":
            return canonical(os.path.normpath(os.path.join(os.path.dirname(folder), entry[1].target)))
        parent, name = os.path.split(folder)
        moved = self._folder(parent) if name else parent
        if moved != parent:
            return self._folder(os.path.join(moved, name))
        if self.view is None:
            return folder
        root = os.path.realpath(self.view.root).rstrip("/")
        real = os.path.realpath(self.view.real(folder))
        return real[len(root):] or "/" if real.startswith(root + "/") else folder

    @functools.cached_property
    def _new_places(self) -> set[str]:
        return {self.place(path) for path in self.new_files}

    @functools.cached_property
    def beside_files(self) -> dict[str, Build]:
        """Every path that a build on offer beside the transaction carries."""
        return {self.place(path): build for build in self.beside for path in build.files}

    @functools.cached_property
    def beside_provides(self) -> dict[str, Build]:
        """Every capability that a build on offer beside the transaction provides."""
        return {relation.name: build for build in self.beside for relation in build.provides}

    @functools.cached_property
    def lost_files(self) -> dict[str, tuple[Build, File]]:
        """Paths that no package carries any more after the swap; what is only owned as a ghost was never carried."""
        found = {}
        for path, (build, file) in sorted(self.old_files.items()):
            if not file.ghost and not self.still_there(path):
                found[path] = (build, file)
        return found

    @functools.cached_property
    def new_by_name(self) -> dict[str, list[str]]:
        """The new paths of each base name."""
        return _by_name(self.new_files)

    @functools.cached_property
    def old_by_name(self) -> dict[str, list[str]]:
        """The old paths of each base name."""
        return _by_name(self.old_files)

    @functools.cached_property
    def old_links(self) -> dict[str, list[str]]:
        """The links of the old builds to each path."""
        found: dict[str, list[str]] = {}
        for path, (_build, file) in sorted(self.old_files.items()):
            if file.kind == "symlink":
                found.setdefault(os.path.normpath(os.path.join(os.path.dirname(path), file.target)), []).append(path)
        return found

    def requirers(self, name: str) -> tuple[Consumer, ...]:
        """Return the packages that stay and require a capability, or a path by either of its names."""
        names = spellings(name) if name.startswith("/") else [name]
        return tuple(sorted({
            Consumer("package", nevra, f"requires {relation}") for one in names
            for nevra, relation in self.installed.requirers(one)}))

    def users(self, path: str) -> tuple[Consumer, ...]:
        """Return who on this host refers to a path: its text, its links, its processes, its packages' requirements."""
        if self.references is None:
            return ()
        return tuple(sorted({*self.requirers(path), *self.references.to_path(path)}))

    def still_there(self, path: str) -> bool:
        """Say whether a path is carried by something after the swap."""
        return self.place(path) in self._new_places or bool(self.installed.owners(path))


def _by_name(files: dict[str, tuple[Build, File]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, (_build, file) in files.items():
        if file.kind != "directory":
            found.setdefault(os.path.basename(path), []).append(path)
    return found


def builds_of(headers: t.Iterable[t.Any]) -> list[Build]:
    """Return the builds of some headers, ordered by name, then by version, oldest first."""
    return sorted(
        (of_header(header) for header in headers), key=lambda build: (build.name, rpmdb.EVR_ORDER(build.evr), build.arch))
