# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sections there are, in the order in which they are planned.

They are named here and never found at run time: what a module takes along to a host is what its code imports.
"""

from __future__ import annotations

from ..core.registry import Registry
from . import cgroup2, files, locks, manager, modules, packages, units
from .alternatives import section as alternatives
from .boot import section as boot
from .cow import section as cow
from .network import section as network
from .oomd import section as oomd
from .repositories import section as repositories
from .rulesets import section as rulesets
from .selinux import section as selinux

REGISTRY = Registry({
    "repositories": repositories,
    "packages": packages,
    "files": files,
    "modules": modules,
    "rulesets": rulesets,
    "alternatives": alternatives,
    "units": units,
    "manager": manager,
    "boot": boot,
    "cgroup2": cgroup2,
    "oomd": oomd,
    "locks": locks,
    "selinux": selinux,
    "cow": cow,
    "network": network,
})
