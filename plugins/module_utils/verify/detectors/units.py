# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is affected by a known break, told from local units, network files and udev rules.

Each function returns the consumers on this host, none when nobody is affected, and raises on no input.
"""

from __future__ import annotations

import fnmatch
import os
import re
import typing as t

from ...facts import local_config as local
from ...facts.consumer import Consumer
from ...facts.view import View

# What gives a service a file system view of its own; in a user's manager that takes a user namespace.
SANDBOX_SWITCHES = (
    "PrivateTmp", "PrivateDevices", "PrivateNetwork", "PrivateIPC", "PrivateMounts", "ProtectSystem", "ProtectHome",
    "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock",
    "ProtectHostname",
)  # fmt: skip
SANDBOX_PATHS = (
    "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths", "BindPaths", "BindReadOnlyPaths",
    "TemporaryFileSystem", "RootDirectory", "RootImage", "MountImages", "ExtensionImages", "NetworkNamespacePath",
)  # fmt: skip
# Those among them that gave a service a mount namespace all along.
MOUNT_NAMESPACE = (
    "PrivateTmp", "PrivateDevices", "ProtectSystem", "ProtectHome", "ProtectKernelTunables",
    "ProtectControlGroups", "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths", "BindPaths", "BindReadOnlyPaths",
    "TemporaryFileSystem",
)  # fmt: skip
RUNLEVEL = re.compile(r"^runlevel[0-6]\.target$")
# A unit that cannot be found fails who requires it; who merely wants it or orders itself by it goes on.
HARD_KEYS = ("Requires", "Requisite", "BindsTo")
SOFT_KEYS = ("Wants", "PartOf", "Upholds", "Conflicts", "Before", "After", "WantedBy", "RequiredBy", "UpheldBy", "Alias")
OPTION_KEYS = ("RootImageOptions", "MountImages", "ExtensionImages")
SYSTEMD_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")

_OWNER = re.compile(r"""\b(OWNER|GROUP)\s*[+:]?=\s*"([^"]*)\"""")
_UACCESS = re.compile(r"""\bTAG\s*[+:]?=\s*"uaccess\"""")
_ACTION = re.compile(r"""\bACTION\s*(==|!=)\s*"([^"]*)\"""")
_GOTO = re.compile(r"""\bGOTO\s*=\s*"([^"]*)\"""")
_LABEL = re.compile(r"""\bLABEL\s*=\s*"([^"]*)\"""")


def _with_key(files: t.Iterable[local.ConfigFile], key: str) -> t.Iterator[tuple[local.ConfigFile, local.Setting]]:
    return ((file, setting) for file in files for setting in file.settings if setting.key == key)


def private_network(view: View) -> list[Consumer]:
    """Units with a network namespace that neither say whether they want private mounts nor had them anyhow."""
    files = local.units(view)
    merged = local.together(view, files)
    found = []
    for file in files:
        if any(_settles_mounts(setting) for setting in merged[file.unit]):
            continue
        for setting in file.settings:
            if (setting.key == "PrivateNetwork" and not local.is_off(setting.value)) or (
                setting.key == "NetworkNamespacePath" and setting.value
            ):
                found.append(file.consumer(setting))
    return found


def _settles_mounts(setting: local.Setting) -> bool:
    return setting.key == "PrivateMounts" or (setting.key in MOUNT_NAMESPACE and not local.is_off(setting.value))


def user_sandbox(view: View) -> list[Consumer]:
    """User units that are sandboxed and do not say whether they want a user namespace."""
    files = local.config_files(view, local.USER_FOLDERS, local.UNIT_SUFFIXES)
    merged = local.together(view, files, "/usr/lib/systemd/user")
    found = []
    for file in files:
        if any(setting.key == "PrivateUsers" for setting in merged[file.unit]):
            continue
        for setting in file.settings:
            switched_on = setting.key in SANDBOX_SWITCHES and not local.is_off(setting.value)
            if switched_on or (setting.key in SANDBOX_PATHS and setting.value):
                found.append(file.consumer(setting))
    return found


def environment_comments(view: View) -> list[Consumer]:
    """Environment files of services with a comment line that ends in a backslash."""
    readers: dict[str, str] = {}
    vendor = local.config_files(view, (local.VENDOR_UNITS,), ("service",))
    for file, setting in _with_key((*vendor, *local.units(view)), "EnvironmentFile"):
        pattern = setting.value.lstrip("-")
        if pattern.startswith("/") and "%" not in pattern:
            for path in view.glob(pattern):
                readers.setdefault(path, file.unit)
    found = []
    for path, unit in sorted(readers.items()):
        for number, line in enumerate(view.lines(path), 1):
            if line.lstrip().startswith(("#", ";")) and line.endswith("\\"):
                found.append(Consumer("config", path, f"line {number}, read by {unit}"))
    return found


def double_exclamation(view: View) -> list[Consumer]:
    """Command lines with the C(!!) prefix."""
    found = []
    for file in local.units(view):
        for setting in file.settings:
            prefix = setting.value[: len(setting.value) - len(setting.value.lstrip("@-:+!|"))]
            if local.is_exec(setting) and "!!" in prefix:
                found.append(file.consumer(setting, word="!!"))
    return found


def hugepage_limits(view: View) -> list[Consumer]:
    """Units with a memory limit on a host that sets huge pages aside."""
    pages = local.text(view, "/proc/sys/vm/nr_hugepages").strip()
    if not re.fullmatch(r"[0-9]+", pages) or int(pages) == 0:
        return []
    return [
        file.consumer(setting)
        for file in local.units(view)
        for setting in file.settings
        if setting.key in ("MemoryMax", "MemoryHigh") and setting.value not in ("", "infinity")
    ]


def _partitions(setting: local.Setting) -> list[list[str]]:
    """Return the partitions that each list of image options names; an option list without one is for root."""
    if setting.key == "RootImageOptions":
        return [[word.partition(":")[0] if ":" in word else "root" for word in setting.value.split()]]
    # source:destination:partition:options:... and source:partition:options:...
    skip = 2 if setting.key == "MountImages" else 1
    found = []
    for word in setting.value.split():
        rest = word.split(":")[skip:]
        found.append(["root"] if len(rest) == 1 else rest[::2])
    return found


def image_options(view: View) -> list[Consumer]:
    """Units that give one partition of an image two lists of mount options."""
    found = []
    for file in local.units(view):
        for setting in file.settings:
            lists = _partitions(setting) if setting.key in OPTION_KEYS else []
            if any(len(names) != len(set(names)) for names in lists):
                found.append(file.consumer(setting))
    return found


def runlevel_required(view: View) -> list[Consumer]:
    """Units that only a runlevel target starts, and units that cannot start without one."""
    found = []
    for folder in SYSTEMD_FOLDERS:
        for path in [*view.glob(folder + "/*.wants/*"), *view.glob(folder + "/*.requires/*")]:
            unit = os.path.basename(path)
            if view.readlink(path) is None:
                continue
            target = os.path.basename(os.path.dirname(path)).rpartition(".")[0]
            others = (other for kind in ("wants", "requires") for other in view.glob(f"{folder}/*.{kind}/{unit}"))
            kept = any(not RUNLEVEL.match(os.path.basename(os.path.dirname(other)).rpartition(".")[0]) for other in others)
            if RUNLEVEL.match(target) and not kept:
                found.append(Consumer("unit", unit, f"enabled in {target} only"))
    found.extend(_naming_runlevels(view, HARD_KEYS))
    return found


def runlevel_named(view: View) -> list[Consumer]:
    """Units that name a runlevel target where a missing one does no more than go unheeded."""
    return _naming_runlevels(view, SOFT_KEYS)


def _naming_runlevels(view: View, keys: t.Sequence[str]) -> list[Consumer]:
    return [
        file.consumer(setting, word=" ".join(words))
        for file in local.units(view)
        for setting in file.settings
        for words in [list(filter(RUNLEVEL.match, setting.value.split()))]
        if setting.key in keys and words
    ]


def runlevel_default(view: View) -> list[Consumer]:
    """The default target, when it is a runlevel's."""
    found = []
    for folder in SYSTEMD_FOLDERS:
        target = os.path.basename(view.readlink(folder + "/default.target") or "")
        if RUNLEVEL.match(target):
            found.append(Consumer("unit", "default.target", f"{folder}/default.target leads to {target}"))
    for key, value in local.kernel_arguments(view):
        if key == "systemd.unit" and RUNLEVEL.match(value or ""):
            found.append(Consumer("kernel-argument", "systemd.unit", f"systemd.unit={value}"))
    return found


def _network_settings(view: View, section: str, key: str) -> t.Iterator[tuple[local.ConfigFile, local.Setting]]:
    return (pair for pair in _with_key(local.networks(view), key) if pair[1].section == section)


def bridge_vlans(view: View) -> list[Consumer]:
    """Network files that declare some VLANs of a bridge or its port; only such a file makes networkd remove others."""
    return [
        file.consumer(setting, "network-file")
        for file in local.networks(view)
        for setting in file.settings
        if setting.section == "BridgeVLAN" and setting.value
    ]


def ip_forward(view: View) -> list[Consumer]:
    """Network files with the switch for forwarding that two others replace."""
    return [file.consumer(setting, "network-file") for file, setting in _network_settings(view, "Network", "IPForward")]


def emit_lldp(view: View) -> list[Consumer]:
    """Network files that announce the host by LLDP."""
    return [
        file.consumer(setting, "network-file")
        for file, setting in _network_settings(view, "Network", "EmitLLDP")
        if not local.is_off(setting.value)
    ]


def legacy_masquerade(view: View) -> list[Consumer]:
    """Networks and containers that have systemd translate addresses on a host whose rules are in the legacy tables."""
    if not any(local.text(view, f"/proc/net/{family}_tables_names").strip() for family in ("ip", "ip6")):
        return []
    found = [
        file.consumer(setting, "network-file")
        for file, setting in _network_settings(view, "Network", "IPMasquerade")
        if not local.is_off(setting.value)
    ]
    containers = local.config_files(view, ("/etc/systemd/nspawn", "/run/systemd/nspawn"), ("nspawn",))
    for key in ("Zone", "Port"):
        for file, setting in _with_key(containers, key):
            if setting.section == "Network" and setting.value:
                found.append(file.consumer(setting, "config"))
    return found


def _rules(view: View) -> t.Iterator[tuple[str, int, str]]:
    """Yield path, line number and text of each local udev rule."""
    for path in view.glob("/etc/udev/rules.d/*.rules"):
        for number, line in local.joined(view.lines(path), "#"):
            if line:
                yield path, number, line


def udev_owner(view: View) -> list[Consumer]:
    """Rules that give a device to an account which is not the system's own, or is none."""
    known = {"OWNER": local.ids(view, "/etc/passwd"), "GROUP": local.ids(view, "/etc/group")}
    found = []
    for path, number, line in _rules(view):
        for key, name in _OWNER.findall(line):
            # What a device's property names is not known here.
            if not name or "$" in name or "%" in name:
                continue
            number_of = int(name) if re.fullmatch(r"[0-9]+", name) else known[key].get(name)
            if number_of is None or number_of >= local.FIRST_USER_ID:
                why = "unknown here" if number_of is None else f"id {number_of}"
                found.append(Consumer("udev-rule", path, f'line {number}: {key}="{name}", {why}'))
    return found


def _misses_change(operator: str, pattern: str) -> bool:
    """Say whether a match on the action leaves out C(change)."""
    matches = any(fnmatch.fnmatchcase("change", word) for word in pattern.split("|"))
    return matches == (operator == "!=")


def udev_uaccess(view: View) -> list[Consumer]:
    """Rules that give the seat's user access to a device when it appears and not when it changes."""
    found = []
    guarded: dict[str, str] = {}
    for path, number, line in _rules(view):
        # A jump over the rest of a file for all but one action binds what is jumped over.
        label, jump = _LABEL.search(line), _GOTO.search(line)
        if guarded.get(path) and label and label.group(1) == guarded[path]:
            guarded[path] = ""
        actions = _ACTION.findall(line)
        if jump and len(actions) == 1 and line.count(",") == 1 and not _misses_change(*actions[0]):
            guarded[path] = jump.group(1)
        elif _UACCESS.search(line) and (guarded.get(path) or any(_misses_change(*action) for action in actions)):
            found.append(Consumer("udev-rule", path, f"line {number}"))
    return found
