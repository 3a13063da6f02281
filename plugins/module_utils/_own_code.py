# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay modules of ours beside a job, for a process that outlives the one Ansible started."""

from __future__ import annotations

import importlib
import inspect
import os
import typing as t

from ._target import sync_folder

START = """import sys
from {package}.{entry} import main
sys.exit(main(*sys.argv[1:]))
"""


def install(folder: str, package: str, entry: str, modules: t.Sequence[str]) -> str:
    """Copy some modules into a folder that Python can run, and return its path. C(main) of module C(entry) is what runs.

    They are taken from wherever this one was loaded, and outlive a power cut.
    """
    code = os.path.join(folder, "code")
    inside = os.path.join(code, package)
    os.makedirs(inside, mode=0o700, exist_ok=True)
    parent = __name__.rpartition(".")[0]
    _write(os.path.join(code, "__main__.py"), START.format(package=package, entry=entry))
    _write(os.path.join(inside, "__init__.py"), "")
    for name in modules:
        _write(os.path.join(inside, f"{name}.py"), inspect.getsource(importlib.import_module(f"{parent}.{name}")))
    for path in (inside, code, folder):
        sync_folder(path)
    return code


def _write(path: str, source: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(source)
        out.flush()
        os.fsync(out.fileno())
