# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that Ansible runs a module from: all of it is loaded before the first change, because a change may hide it.

Ansible puts the archive into a temporary folder. A unit that a swap brings, a cleaner of that folder or a package's
scriptlet can take it away while the module runs. What is imported only then, such as Ansible's own encoder of results,
would cost the whole result.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import typing as t
import zipfile
import zipimport

# Parts of Ansible that import as they need; others, such as those for old systems, say that they are deprecated when imported.
OF_ANSIBLE = ("ansible.module_utils._internal.", "ansible.module_utils.common.")
# Sources by the dotted names of modules, as they were when everything was loaded.
_sources: dict[str, str] = {}


def hold() -> None:
    """Import what the archive has of Ansible and of this collection, and keep the sources of the latter."""
    archive = _archive()
    if archive is None or _sources:
        return
    with zipfile.ZipFile(archive) as packed:
        for name, path in sorted(_modules(packed.namelist())):
            if name.startswith(_collection()):
                _sources[name] = packed.read(path).decode("utf-8")
            _load(name)


def source(name: str) -> str:
    """Return the source of a module of this collection, from memory where it was kept."""
    return _sources.get(name) or inspect.getsource(importlib.import_module(name))


def _archive() -> str | None:
    """Return the path of the archive that this module was loaded from; None where it was loaded from files."""
    loader = globals().get("__loader__")
    return loader.archive if isinstance(loader, zipimport.zipimporter) else None


def _collection() -> str:
    return __name__.partition(".plugins.")[0] + "."


def _modules(paths: t.Iterable[str]) -> t.Iterator[tuple[str, str]]:
    """Yield the modules of an archive, by dotted name and path. What is no name of a module is never imported."""
    for path in paths:
        name = path[:-len(".py")].replace("/", ".") if path.endswith(".py") else ""
        name = name[:-len(".__init__")] if name.endswith(".__init__") else name
        if name.startswith((*OF_ANSIBLE, _collection() + "plugins.module_utils.")):
            yield name, path


def _load(name: str) -> None:
    """Import a module. One that this host's Python cannot import is not needed here either."""
    if name not in sys.modules:
        try:
            importlib.import_module(name)
        except Exception:  # whatever stands in a module of Ansible for another system
            sys.modules.pop(name, None)
