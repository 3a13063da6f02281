# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is affected by a known break, told from the state of the host: kernel, mounts, SELinux, files of the old init.

Each function returns the consumers on this host, none when nobody is affected, and raises on no input.
"""

from __future__ import annotations

import os
import re
import typing as t

from ...facts import local_config as local
from ...facts.cgroup_users import cgroup_v1, file_systems
from ...facts.consumer import Consumer
from ...facts.view import NOT_FOUND, View

EXECUTOR = "/usr/lib/systemd/systemd-executor"
ENFORCE = "/sys/fs/selinux/enforce"
CGROUP_FORCE = "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE"
MERGED = ("/bin", "/sbin", "/lib", "/lib64")
RPM_DATABASE = "/var/lib/rpm"
INIT_FOLDERS = ("/etc/rc.d/init.d", "/etc/init.d")
# Shell libraries that lie beside the scripts, executable or not.
NOT_SCRIPTS = ("functions", "README")
UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
RC_LOCAL = ("/etc/rc.d/rc.local", "/etc/rc.local")
# What rc.local is delivered with, and what does nothing.
_IDLE = re.compile(r"^(?:exit(?:\s+0)?|:|true|touch\s+/var/lock/subsys/local)$")
_S_LINK = re.compile(r"/rc([0-6S])\.d/S[0-9]{2}")
# A name by the hot-plug slot, of a card with several functions or ports or not.
_SLOT_NAME = re.compile(r"^(?:en|wl|ww|sl|ib)(?:P[0-9]+)?s[0-9]+")
_SCHEME = re.compile(r"^v([0-9]+)$")


def unmerged_usr(view: View) -> list[Consumer]:
    """Folders of the root that are no links into /usr."""
    found = []
    for path in MERGED:
        target = view.readlink(path)
        if view.exists(path) and not (target or "").lstrip("/").startswith("usr/"):
            found.append(Consumer("filesystem", path, "not a link into /usr"))
    return found


def executor_label(view: View) -> list[Consumer]:
    """A loaded policy that does not give the executor the type which systemd may enter services through."""
    if not view.exists(ENFORCE):
        return []
    argv = ("matchpathcon", "-n", EXECUTOR)
    status, out = view.said(*argv)
    if status != 0:
        view.unanswered(argv, status)
    if status != 0 or not out.strip() or "init_exec_t" in out:
        return []
    return [Consumer("selinux", EXECUTOR, out.strip())]


def enforcing(view: View) -> list[Consumer]:
    """An enforcing host whose policy is not the one that the SIG builds beside its systemd."""
    if local.text(view, ENFORCE).strip() != "1":
        return []
    status, release = view.said("rpm", "-q", "--queryformat", "%{RELEASE}", "selinux-policy")
    if status == 0 and ".hs" in release:
        return []
    return [Consumer("selinux", "enforcing", f"selinux-policy {release.strip()}" if status == 0 else "")]


def user_managers(view: View) -> list[Consumer]:
    """Service managers of users, which keep the executor of the build that they were started from."""
    found = set()
    for pid, name in local.processes(view):
        status = local.text(view, f"/proc/{pid}/status")
        uid = re.search(r"^Uid:\s+([0-9]+)", status, re.MULTILINE)
        # An init of a container is a systemd too; it has a second number in a namespace of its own.
        nested = re.search(r"^NSpid:\s+[0-9]+\s+[0-9]", status, re.MULTILINE)
        if name == "systemd" and pid != "1" and uid and not nested:
            found.add(Consumer("unit", f"user@{uid.group(1)}.service", f"pid {pid}"))
    return sorted(found)


def ip_off(view: View) -> list[Consumer]:
    """A kernel argument that turns address configuration off."""
    found = []
    for key, value in local.kernel_arguments(view):
        fields = (value or "").split(":")
        # The method is alone, or last after an interface, or the seventh of the long form.
        off = {fields[-1], fields[6] if len(fields) > 6 else ""} & {"off", "none"}
        if key == "ip" and off:
            found.append(Consumer("kernel-argument", "ip", f"method {min(off)}"))
    return found


def naming_scheme(view: View) -> list[Consumer]:
    """Interfaces named by their slot without a pinned older scheme, or a pinned one that is not systemd's own."""
    arguments = dict(local.kernel_arguments(view))
    pinned = arguments.get("net.naming-scheme")
    if arguments.get("net.ifnames") == "0":
        return []
    scheme = _SCHEME.match(pinned or "")
    if scheme and int(scheme.group(1)) < 255:
        return []
    found = []
    if pinned and not scheme and pinned != "latest":
        found.append(Consumer("kernel-argument", "net.naming-scheme", "pinned to one that is not systemd's own"))
    for path in view.glob("/sys/class/net/*"):
        name = os.path.basename(path)
        if _SLOT_NAME.match(name) and view.exists(path + "/device"):
            found.append(Consumer("udev-rule", name, "interface named by its slot"))
    return found


def _cgroup_forced(view: View) -> bool:
    return any(key == CGROUP_FORCE and not local.is_off(value or "") for key, value in local.kernel_arguments(view))


def cgroup_v1_refused(view: View) -> list[Consumer]:
    """A host on the legacy or the hybrid hierarchy that does not insist on it."""
    return [] if _cgroup_forced(view) else cgroup_v1(view)


def cgroup_v1_removed(view: View) -> list[Consumer]:
    """A host on the legacy or the hybrid hierarchy that insists on it; others have been refused releases ago."""
    return cgroup_v1(view) if _cgroup_forced(view) else []


def nscd(view: View) -> list[Consumer]:
    """The name service cache daemon, running or enabled."""
    running = any(name == "nscd" for _pid, name in local.processes(view))
    enabled = view.glob("/etc/systemd/system/*.wants/nscd.s*")
    if not running and not enabled:
        return []
    return [Consumer("unit", "nscd.service", "running" if running else "enabled")]


def _kernel_older(view: View, floor: tuple[int, int]) -> list[Consumer]:
    running = local.kernel_release(view)
    if running is None or running >= floor:
        return []
    return [Consumer("package", "kernel", "{} runs".format(local.text(view, "/proc/sys/kernel/osrelease").strip()))]


def kernel_before_5_4(view: View) -> list[Consumer]:
    """A running kernel older than 5.4."""
    return _kernel_older(view, (5, 4))


def kernel_before_5_10(view: View) -> list[Consumer]:
    """A running kernel older than 5.10."""
    return _kernel_older(view, (5, 10))


def systemd_options(view: View) -> list[Consumer]:
    """The firmware's variable with options for systemd."""
    return [Consumer("config", path, "set") for path in view.glob("/sys/firmware/efi/efivars/SystemdOptions-*")]


def stub_tpm12(view: View) -> list[Consumer]:
    """A chip of the old kind on a host that systemd's stub booted."""
    if not view.glob("/sys/firmware/efi/efivars/StubInfo-*"):
        return []
    return [
        Consumer("config", os.path.dirname(path), "TPM 1.2, booted by systemd-stub")
        for path in view.glob("/sys/class/tpm/tpm*/tpm_version_major")
        if local.text(view, path).strip() == "1"
    ]


def journal_storage(view: View) -> list[Consumer]:
    """A journal that is kept in memory only because nobody asked for anything else."""
    if not view.exists("/usr/lib/systemd/systemd-journald") or view.exists("/var/log/journal"):
        return []
    for folder in ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"):
        for path in [folder + "/journald.conf", *view.glob(folder + "/journald.conf.d/*.conf")]:
            settings = local.parse(view.lines(path))
            if any(item.section == "Journal" and item.key == "Storage" and item.value for item in settings):
                return []
    return [Consumer("config", "/etc/systemd/journald.conf", "no Storage=, and no /var/log/journal")]


def sysv_scripts(view: View) -> list[Consumer]:
    """Scripts of System V that start at boot and have no unit of their own."""
    found: dict[str, Consumer] = {}
    for folder in INIT_FOLDERS:
        for path in view.glob(folder + "/*"):
            name = os.path.basename(path)
            unit = (name[: -len(".sh")] if name.endswith(".sh") else name) + ".service"
            native = any(view.exists(f"{units}/{unit}") for units in UNIT_FOLDERS)
            levels = _start_levels(view, name)
            if name not in (*NOT_SCRIPTS, *found) and levels and not native and view.is_executable(path):
                detail = "started by S links in runlevels {}, and no {}".format(", ".join(levels), unit)
                found[name] = Consumer("script", path, detail)
    return [found[name] for name in sorted(found)]


def _start_levels(view: View, name: str) -> list[str]:
    # A name may hold what a shell pattern is made of.
    links = [path for base in ("/etc/rc.d", "/etc") for path in view.glob(base + "/rc[0-6S].d/S[0-9][0-9]*")]
    matches = (_S_LINK.search(path) for path in links if os.path.basename(path)[3:] == name)
    return sorted({match.group(1) for match in matches if match})


def rc_local(view: View) -> list[Consumer]:
    """An executable rc.local that does something, and no local unit that runs it."""
    if view.is_file("/etc/systemd/system/rc-local.service"):
        return []
    for path in RC_LOCAL:
        lines = [local.uncommented(line) for _number, line in local.joined(view.lines(path), "#")]
        busy = [line for line in lines if line and not _IDLE.match(line)]
        if busy and view.is_executable(path):
            return [Consumer("script", path, f"executable, {len(busy)} lines that do something")]
    return []


def rpm_database_mount(view: View) -> list[Consumer]:
    """The package database's folder as a mount of its own, now or by the table of file systems."""
    mounted = RPM_DATABASE in file_systems(view)
    fields = (line.split() for line in local.text(view, "/etc/fstab").splitlines())
    listed = any(len(row) > 2 and not row[0].startswith("#") and row[1].rstrip("/") == RPM_DATABASE for row in fields)
    if not mounted and not listed:
        return []
    return [Consumer("filesystem", RPM_DATABASE, "a mount of its own" if mounted else "in /etc/fstab")]


def legacy_tables(view: View) -> list[Consumer]:
    """Packet filter tables that are in use through the legacy backend, which the iptables command speaks to."""
    status, out = view.said("iptables", "-V")
    if status not in (0, NOT_FOUND):
        view.unanswered(["iptables", "-V"], status)
    # Releases before 1.8 had only this backend and did not name it.
    if status != 0 or "nf_tables" in out:
        return []
    found: list[Consumer] = []
    for family in ("ip", "ip6"):
        path = f"/proc/net/{family}_tables_names"
        tables: t.Iterable[str] = local.text(view, path).split()
        if tables:
            found.append(Consumer("config", path, "tables {}".format(", ".join(sorted(tables)))))
    return found
