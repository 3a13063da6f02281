# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy modules of the collection beside a job, for a process that outlives the one Ansible started."""

from __future__ import annotations

import os
import sys
import typing as t
import zipfile

from . import modes, payload
from .host_io import sync_folder

START = """import sys
from {package}.{entry} import main
sys.exit(main(*sys.argv[1:]))
"""


def install(folder: str, package: str, entry: str, modules: t.Sequence[str]) -> str:
    """Copy a tree of modules into a folder that Python can run, and return its path.

    C(modules) are dotted names below C(module_utils), which keep their places in the tree; C(main) of C(entry), one of
    them, is what runs. The copy is synced to disk.
    """
    code = os.path.join(folder, "code")
    inside = os.path.join(code, package)
    folders = {inside, *(os.path.join(inside, *name.split(".")[:-1]) for name in modules)}
    for path in sorted(folders):
        modes.make_folders(path, modes.PRIVATE)
        _write(os.path.join(path, "__init__.py"), "")
    for name in modules:
        _write(os.path.join(inside, *name.split(".")) + ".py", _source(name))
    _write(os.path.join(code, "__main__.py"), START.format(package=package, entry=entry))
    for path in (*sorted(folders, reverse=True), code, folder):
        sync_folder(path)
    return code


def pack(path: str, package: str, entry: str, modules: t.Sequence[str]) -> None:
    """Copy a tree of modules, as C(install) does, into one file that Python can run: many are not worth a sync each."""
    payload.hold()
    handle = os.open(f"{path}.new", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w+b") as out:
        with zipfile.ZipFile(out, "w") as packed:
            for name, text in _packed(package, entry, modules).items():
                # The time of an entry is fixed: a host's clock may say one that the format cannot hold.
                packed.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
        out.flush()
        os.fsync(out.fileno())
    os.rename(f"{path}.new", path)
    sync_folder(os.path.dirname(path))


def loaded(without: t.Sequence[str] = ()) -> list[str]:
    """Return the modules of the collection that this process has loaded, by their dotted names below module_utils, but for those
    whose names begin so."""
    above = __name__.rpartition(".")[0].rpartition(".")[0] + "."
    names = (name[len(above):] for name, module in list(sys.modules.items()) if name.startswith(above) and not hasattr(
        module, "__path__"))
    return sorted(name for name in names if not name.startswith(tuple(without)))


def _packed(package: str, entry: str, modules: t.Sequence[str]) -> dict[str, str]:
    """Return the sources of a tree of modules, by their names in it."""
    folders = {"", *(part for name in modules for part in _parents(name))}
    found = {"/".join([package, *filter(None, folder.split(".")), "__init__.py"]): "" for folder in sorted(folders)}
    found.update(("/".join([package, *name.split(".")]) + ".py", _source(name)) for name in modules)
    return {**found, "__main__.py": START.format(package=package, entry=entry)}


def _parents(name: str) -> list[str]:
    """Return the packages that a module is in, by dotted names."""
    parts = name.split(".")[:-1]
    return [".".join(parts[:number]) for number in range(1, len(parts) + 1)]


def _source(name: str) -> str:
    """Return the source of a module by its dotted name below module_utils."""
    parent = __name__.rpartition(".")[0].rpartition(".")[0]
    return payload.source(f"{parent}.{name}")


def _write(path: str, source: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(source)
        out.flush()
        os.fsync(out.fileno())
