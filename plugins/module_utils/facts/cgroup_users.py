# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who on a host uses the legacy control group hierarchy, besides systemd: mounts, units, commands, container runtimes.

Each function returns the consumers on this host, none when nobody is affected, and raises on no input.
"""

from __future__ import annotations

import json
import re
import typing as t

from . import local_config as local
from .cgroup import CGROUP_ROOT
from .consumer import Consumer
from .view import View

CGROUP_V1_KEYS = ("MemoryLimit", "CPUShares", "StartupCPUShares")
FSTAB = "/etc/fstab"
DOCKER = "/etc/docker/daemon.json"
LIBCGROUP = "/etc/cgconfig.conf"
# What says that a runtime writes control groups by itself; the unified hierarchy has one writer, systemd.
_DRIVERS = (
    (("/etc/containers/containers.conf", "/etc/containers/containers.conf.d/*.conf", "/etc/crio/crio.conf",
      "/etc/crio/crio.conf.d/*.conf"),
     re.compile(r'^\s*(?P<word>cgroup_manager\s*=\s*"cgroupfs")')),
    (("/etc/containerd/config.toml",), re.compile(r"^\s*(?P<word>SystemdCgroup\s*=\s*false)\b")),
    (("/var/lib/kubelet/config.yaml", "/etc/kubernetes/kubelet-config.yaml"),
     re.compile(r"^\s*(?P<word>cgroupDriver:\s*['\"]?cgroupfs)\b")),
    (("/etc/sysconfig/kubelet", "/etc/default/kubelet", "/var/lib/kubelet/kubeadm-flags.env", "/etc/sysconfig/docker"),
     re.compile(r"^[^#]*(?P<word>(?:--cgroup-driver|native\.cgroupdriver)=cgroupfs)\b")),
)  # fmt: skip
# A command that mounts a legacy hierarchy, and the folder of one of its controllers.
_MOUNTS = re.compile(r"\bmount\b.*\s-t\s*cgroup(?:\s|$)")
_FOLDER = re.compile(
    r"/sys/fs/cgroup/(?:memory|cpu|cpuacct|cpu,cpuacct|cpuset|blkio|devices|freezer|pids|net_cls|net_prio|net_cls,net_prio|"
    r"perf_event|hugetlb|rdma|systemd|unified)(?![\w.,-])")


def file_systems(view: View) -> dict[str, str]:
    """Return the file system types by mount point, the last mount over a point counting."""
    found = {}
    for line in local.text(view, "/proc/self/mountinfo").splitlines():
        before, dash, after = line.partition(" - ")
        if dash and len(before.split()) > 4 and after.split():
            found[before.split()[4]] = after.split()[0]
    return found


def cgroup_v1(view: View) -> list[Consumer]:
    """The legacy or the hybrid hierarchy where it is mounted, and the arguments of the running kernel that ask for it."""
    found = []
    mounted = file_systems(view).get(CGROUP_ROOT, "cgroup2")
    if mounted != "cgroup2":
        found.append(Consumer("filesystem", CGROUP_ROOT, f"mounted as {mounted}"))
    for key, value in local.kernel_arguments(view):
        unified_off = key == "systemd.unified_cgroup_hierarchy" and value in local.FALSE
        legacy_on = key == "systemd.legacy_systemd_cgroup_controller" and (value is None or value not in local.FALSE)
        if unified_off or legacy_on:
            found.append(Consumer("kernel-argument", key, key if value is None else f"{key}={value}"))
    return found


def cgroup_v1_keys(view: View) -> list[Consumer]:
    """Units with limits of the legacy control group hierarchy."""
    return [
        file.consumer(setting)
        for file in local.units(view)
        for setting in file.settings
        if setting.key in CGROUP_V1_KEYS or setting.key.startswith("BlockIO")
    ]


def users(view: View) -> list[Consumer]:
    """Return everybody on this host who uses the legacy hierarchy, besides systemd itself."""
    found = [*mounts(view), *tables(view), *cgroup_v1_keys(view), *commands(view), *runtimes(view)]
    return sorted(set(found))


def mounts(view: View) -> list[Consumer]:
    """Legacy hierarchies that are mounted outside the place where systemd has its own."""
    found = []
    for line in local.text(view, "/proc/self/mountinfo").splitlines():
        before, dash, after = line.partition(" - ")
        left, right = before.split(), after.split()
        if dash and len(left) > 4 and right and right[0] == "cgroup" and not f"{left[4]}/".startswith(CGROUP_ROOT + "/"):
            found.append(Consumer("filesystem", left[4], f"a legacy hierarchy, {right[-1]}"))
    return found


def tables(view: View) -> list[Consumer]:
    """Files that have a legacy hierarchy mounted at boot: fstab, mount units, the configuration of libcgroup."""
    found = []
    for number, line in enumerate(local.text(view, FSTAB).splitlines(), 1):
        fields = line.split()
        if len(fields) > 2 and not fields[0].startswith("#") and fields[2] == "cgroup":
            found.append(Consumer("config", FSTAB, f"line {number}: mounts a legacy hierarchy on {fields[1]}"))
    for file in local.units(view):
        for setting in file.settings:
            if setting.section == "Mount" and (setting.key, setting.value) == ("Type", "cgroup"):
                found.append(file.consumer(setting, word="cgroup"))
    for number, line in enumerate(local.text(view, LIBCGROUP).splitlines(), 1):
        if re.match(r"\s*mount\s*\{?", line):
            found.append(Consumer("config", LIBCGROUP, f"line {number}: libcgroup mounts legacy hierarchies"))
    return found


def commands(view: View) -> list[Consumer]:
    """Units, cron tables and scripts that mount a legacy hierarchy or go into the folder of one of its controllers."""
    found = []
    for line in local.command_lines(view):
        folder = _FOLDER.search(line.text)
        if _MOUNTS.search(line.text):
            found.append(line.consumer("mounts a legacy hierarchy"))
        elif folder:
            found.append(line.consumer(folder.group(0)))
    return found


def runtimes(view: View) -> list[Consumer]:
    """Container runtimes that are told to write control groups by themselves."""
    found = []
    for patterns, driver in _DRIVERS:
        for path in (path for pattern in patterns for path in view.glob(pattern)):
            for number, line in enumerate(local.text(view, path).splitlines(), 1):
                match = driver.search(line)
                if match:
                    found.append(Consumer("config", path, f"line {number}: {match.group('word')}"))
    return [*found, *_docker(view)]


def _docker(view: View) -> list[Consumer]:
    try:
        options = json.loads(local.text(view, DOCKER) or "{}")
    except ValueError:
        return []
    listed: t.Any = options.get("exec-opts") if isinstance(options, dict) else None
    names = listed if isinstance(listed, list) else []
    return [Consumer("config", DOCKER, name) for name in names if name == "native.cgroupdriver=cgroupfs"]
