# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a Python that has the platform's own bindings (rpm, dnf, hawkey) and go on under it."""

from __future__ import annotations

import importlib
import typing as t

from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

from .errors import Problem

# Where CentOS Stream keeps the interpreter that its packages are built for.
INTERPRETERS = ("/usr/libexec/platform-python", "/usr/bin/python3", "/usr/bin/python3.9", "/usr/bin/python3.12")
PACKAGES = {"rpm": "python3-rpm", "dnf": "python3-dnf", "hawkey": "python3-hawkey", "selinux": "python3-libselinux"}


def missing_bindings(names: t.Iterable[str]) -> list[str]:
    """Return those of the modules that this interpreter cannot import."""
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def respawn_with_bindings(*names: str) -> list[str]:
    """Go on under an interpreter that has these modules; return those that are missing when there is none.

    When another interpreter has them, this starts the module again there and does not return.
    """
    missing = missing_bindings(names)
    if missing and not has_respawned():
        for path in INTERPRETERS:
            if all(probe_interpreters_for_module([path], name) for name in names):
                respawn_module(path)
    return missing


def need_bindings(module: t.Any, *names: str) -> None:
    """Make sure that these modules can be imported, under another interpreter if need be; else fail by package name."""
    missing = respawn_with_bindings(*names)
    if missing:
        problem = Problem(
            "python.no_bindings", f"No Python on this host can import {', '.join(missing)}", "the module works with these",
            f"Install {', '.join(PACKAGES.get(name, name) for name in missing)}.", subject=", ".join(missing))
        module.fail_json(msg=str(problem), problems=[problem._asdict()], refused=True)
