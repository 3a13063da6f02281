# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups and pressure stall information."""

from __future__ import annotations

import typing as t

from . import mounts as host_mounts, read

CGROUP_ROOT = "/sys/fs/cgroup"


def mode(mounts: t.Iterable[host_mounts.Mount]) -> str:
    """Return how control groups are mounted: C(unified), C(hybrid), C(legacy) or C(unknown)."""
    types = {mount.mountpoint: mount.fstype for mount in mounts if mount.mountpoint.startswith(CGROUP_ROOT)}
    if types.get(CGROUP_ROOT) == "cgroup2":
        return "unified"
    if "cgroup" not in types.values():
        return "unknown"
    return "hybrid" if "cgroup2" in types.values() else "legacy"


def judge_psi(works: bool, config: str | None, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the C(psi) group; C(config) is the build configuration of the running kernel, None when not found."""
    if works:
        return {"supported": True, "enabled": True, "reason": None}
    lines = None if config is None else config.splitlines()
    if lines is None:
        return {
            "supported": None,
            "enabled": False,
            "reason": "/proc/pressure cannot be read, and the configuration of the running kernel was not found",
        }
    if "CONFIG_PSI=y" not in lines:
        return {"supported": False, "enabled": False, "reason": "the running kernel was built without CONFIG_PSI"}
    if "psi" in arguments:
        reason = "the kernel command line says psi={}".format(arguments["psi"])
    elif "CONFIG_PSI_DEFAULT_DISABLED=y" in lines:
        reason = "the running kernel has it off by default: psi=1 on the kernel command line turns it on"
    else:
        reason = "/proc/pressure cannot be read although the running kernel was built with CONFIG_PSI"
    return {"supported": True, "enabled": False, "reason": reason}


def gather_psi(root: str, release: str, arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the C(psi) group of the running kernel."""
    try:
        works = bool(read.text(root, "/proc/pressure/memory"))
    except OSError:
        # Some kernels keep the file and answer "not supported" when it is read.
        works = False
    config = None
    if not works:
        for path in ("/boot/config-{0}", "/lib/modules/{0}/config"):
            config = config or read.optional_text(root, path.format(release))
    return judge_psi(works, config, arguments)
