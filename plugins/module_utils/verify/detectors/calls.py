# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is affected by a known break, told from the lines by which units, cron tables and scripts run something.

Each function returns the consumers on this host, none when nobody is affected, and raises on no input. What a script
computes or what a program does inside itself is not seen here.
"""

from __future__ import annotations

import re
import typing as t

from ...facts import local_config as local
from ...facts.commands import OPTIONS, command, path as path_pattern
from ...facts.consumer import Consumer
from ...facts.view import View

FLAG_FILES = ("/forcefsck", "/fastboot", "/forcequotacheck")
LOCK_FOLDERS = ("/run/lock", "/var/lock")
RPM_DATABASE = "/var/lib/rpm"
BLOCK_GROUP_TREE_KERNEL = (6, 1)

SYSV = command("(?:telinit|initctl|runlevel)")
INIT_LEVEL = command("init", "[0-6sSqQuU]")
SWITCH_ROOT = command("systemctl", OPTIONS + "switch-root")
SYSTEMCTL = command("systemctl")
SYSTEMD_RUN = command("systemd-run")
CRYPTENROLL = command("systemd-cryptenroll")
WALL = command("wall")
# Many languages have a function of this name, but none takes a user's name and its text from a pipe.
WRITE = re.compile(r"\|\s*(?:/[\w./+-]{0,200}/)?(?P<command>write)\s+[\w$\"]")
BTRFS_CHECK = command("btrfs", OPTIONS + "check")
MKFS_BTRFS = command(r"(?:mkfs\.btrfs|mkfs\s+(?:-\S+\s+){0,4}-t\s+btrfs)")


def _matching(view: View, *patterns: t.Pattern[str]) -> t.Iterator[tuple[local.Line, str]]:
    """Yield each line with a command that one of the patterns matches, and the command."""
    for line in local.command_lines(view):
        match = next(filter(None, (pattern.search(line.text) for pattern in patterns)), None)
        if match:
            yield line, match.group("command")


def _has(line: local.Line, option: str) -> bool:
    return re.search(r"(?<!\S)" + re.escape(option) + r"(?=$|[\s=\"'])", line.text) is not None


def sysv_commands(view: View) -> list[Consumer]:
    """Callers of the commands that spoke to System V's init."""
    return [line.consumer(f"calls {said}") for line, said in _matching(view, SYSV, INIT_LEVEL)]


def switch_root(view: View) -> list[Consumer]:
    """Callers of C(systemctl switch-root) outside an initrd."""
    return [line.consumer("calls systemctl switch-root") for line, _said in _matching(view, SWITCH_ROOT)]


def scope_expansion(view: View) -> list[Consumer]:
    """Callers of C(systemd-run --scope) with a dollar sign, who do not say whether it is to be expanded."""
    return [
        line.consumer("calls systemd-run --scope with a $")
        for line, _said in _matching(view, SYSTEMD_RUN)
        if _has(line, "--scope") and "$" in line.text and not _has(line, "--expand-environment")
    ]


def auxiliary_scope(view: View) -> list[Consumer]:
    """Callers of the removed method of systemd on the bus."""
    lines = (line for line in local.command_lines(view) if "StartAuxiliaryScope" in line.text)
    return [line.consumer("names StartAuxiliaryScope") for line in lines]


def user_manager_cron(view: View) -> list[Consumer]:
    """Cron jobs of system accounts that speak to a service manager of the account."""
    users = local.ids(view, "/etc/passwd")
    found = []
    for line, _said in _matching(view, SYSTEMCTL):
        system = 0 < users.get(line.user, 0) < local.FIRST_USER_ID
        if line.type == "cron" and system and _has(line, "--user"):
            found.append(line.consumer(f"{line.user} calls systemctl --user"))
    return found


def flag_files(view: View) -> list[Consumer]:
    """Flag files for a check at boot, and who names them."""
    found = [Consumer("config", path, "present") for path in FLAG_FILES if view.exists(path)]
    return found + _naming(view, FLAG_FILES)


def _naming(view: View, paths: t.Sequence[str]) -> list[Consumer]:
    found = []
    for line in local.command_lines(view):
        found += [line.consumer(f"names {path}") for path in paths if path_pattern(path).search(line.text)]
    return found


def tpm2_enrollment(view: View) -> list[Consumer]:
    """Volumes unlocked by a TPM2 chip, and who enrolls them, without saying which registers it is bound to."""
    found = []
    for number, line in enumerate(local.text(view, "/etc/crypttab").splitlines(), 1):
        fields = line.split()
        options = fields[3].split(",") if len(fields) > 3 and not line.lstrip().startswith("#") else []
        keys = {option.partition("=")[0] for option in options}
        if "tpm2-device" in keys and "tpm2-pcrs" not in keys:
            found.append(Consumer("config", "/etc/crypttab", f"line {number}: tpm2-device"))
    for line, _said in _matching(view, CRYPTENROLL):
        if _has(line, "--tpm2-device") and not _has(line, "--tpm2-pcrs"):
            found.append(line.consumer("calls systemd-cryptenroll --tpm2-device"))
    return found


def tty_writers(view: View) -> list[Consumer]:
    """Who writes to the terminals of others by the group of the device."""
    return [line.consumer(f"calls {said}") for line, said in _matching(view, WALL, WRITE)]


def run_lock(view: View) -> list[Consumer]:
    """Who keeps locks in the folder that systemd made at boot, unless the host has it made by a file of its own."""
    for path in view.glob("/etc/tmpfiles.d/*.conf"):
        for line in local.text(view, path).splitlines():
            if re.match(r"[dDvL][!+=~-]*\s+/run/lock/?\s", line):
                return []
    found = []
    for file in local.units(view):
        found += [
            file.consumer(setting, word=paths[0])
            for setting in file.settings
            for paths in [[path for path in LOCK_FOLDERS if path_pattern(path).search(setting.value)]]
            if paths and not local.is_exec(setting)
        ]
    return found + _naming(view, LOCK_FOLDERS) + _lock_holders(view)


def _lock_holders(view: View) -> list[Consumer]:
    held: dict[str, set[str]] = {}
    for path in view.glob("/proc/[0-9]*/fd/*"):
        target = view.readlink(path) or ""
        if target.startswith(tuple(folder + "/" for folder in LOCK_FOLDERS)) and not target.endswith(" (deleted)"):
            held.setdefault(path.split("/")[2], set()).add(target)
    names = dict(local.processes(view)) if held else {}
    return [
        Consumer("process", names.get(pid, "pid " + pid), "pid {} holds {}".format(pid, ", ".join(sorted(held[pid]))))
        for pid in sorted(held, key=int)
    ]


def btrfs_check(view: View) -> list[Consumer]:
    """Callers of C(btrfs check), whose exit status they may judge by."""
    return [line.consumer("calls btrfs check") for line, _said in _matching(view, BTRFS_CHECK)]


def block_group_tree(view: View) -> list[Consumer]:
    """Who makes btrfs file systems by default features on a host whose kernel could not write them."""
    running = local.kernel_release(view)
    if running is None or running >= BLOCK_GROUP_TREE_KERNEL:
        return []
    return [
        line.consumer("calls mkfs.btrfs under kernel {}.{}".format(*running))
        for line, _said in _matching(view, MKFS_BTRFS)
        if "block-group-tree" not in line.text
    ]


def rpm_database(view: View) -> list[Consumer]:
    """Who names the folder of the package database, while that is where the database is."""
    return _naming(view, (RPM_DATABASE,)) if view.exists(RPM_DATABASE) and view.readlink(RPM_DATABASE) is None else []
