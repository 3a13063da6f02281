# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no package metadata says: releases that took something away or gave it another meaning, and who notices.

One row per change. A row says nothing by itself: only its detector tells whether a host is affected.
"""

from __future__ import annotations

import typing as t

from ..facts import cgroup_users
from ..facts.consumer import Consumer
from ..facts.view import View
from .detectors import calls, host, units
from .model import HIGH, LOW, MEDIUM, Link

# For a change that comes with another build of the package and not with a version of it.
ANY = "0"


class Break(t.NamedTuple):
    """One known change.

    C(rows) are rows of the catalogue, C(package) is the one whose version decides, C(since) the version in which the
    change came, and C(undone) the one that took it back. C(blocking) is for hosts that would not boot or lose a service.
    """

    id: str
    rows: tuple[int, ...]
    package: str
    since: str
    severity: str
    blocking: bool
    title: str
    description: str
    remedy: str
    link: Link
    detect: t.Callable[[View], list[Consumer]]
    undone: str | None = None


def _news(version: str) -> Link:
    return Link(f"systemd {version} release notes", f"https://github.com/systemd/systemd/releases/tag/v{version}")


_SIX_RULES = Link(
    "Policy additions for systemd 260 on CentOS Hyperscale",
    "https://github.com/buck-os/buckos-distro/blob/c09c547f4df77fd29a8ac18d17ab35a4ad35d1bf/flavors/centos-hyperscale/"
    "systemd-260-compat.cil",
)
_BTRFS_CHECK = Link("btrfs-progs issue 1060", "https://github.com/kdave/btrfs-progs/issues/1060")
_BTRFS_RELEASES = Link("btrfs-progs releases", "https://github.com/kdave/btrfs-progs/releases")
_EXECUTOR = Link("SELinux reference policy 732", "https://github.com/SELinuxProject/refpolicy/issues/732")
_COW_RPM = Link("The copy-on-write plugin for dnf", "https://github.com/facebookincubator/dnf-plugin-cow")
_BACKENDS = Link("One alternative switches all iptables commands", "https://github.com/kubernetes/website/pull/16271")

BREAKS: tuple[Break, ...] = (
    Break(
        "known.systemd.private-mounts", (75,), "systemd", "254", MEDIUM, False,
        "A private network now brings private mounts",
        "A service with PrivateNetwork= or NetworkNamespacePath= gets a mount namespace of its own unless the unit says "
        "otherwise. What such a service mounts is no longer seen by the rest of the host.",
        "Set PrivateMounts=no in the unit where others must see its mounts, or PrivateMounts=yes to settle it.",
        _news("254"), units.private_network,
    ),
    Break(
        "known.systemd.user-sandbox", (75,), "systemd", "254", MEDIUM, False,
        "Sandboxing in user units now brings a user namespace",
        "A unit of a user's manager that is sandboxed runs with PrivateUsers= implied. Files of other accounts then appear "
        "to belong to nobody, and privileges do not reach beyond the namespace.",
        "Try the unit under the new build, and set PrivateUsers= in it to what it needs.",
        _news("254"), units.user_sandbox,
    ),
    Break(
        "known.systemd.environment-comment", (54,), "systemd", "254", LOW, False,
        "A comment in an environment file no longer swallows the next line",
        "A comment line that ends in a backslash used to continue into the next line. Now the next line counts, and may set "
        "a variable that was not set before.",
        "Remove the backslash at the end of the comment, and comment out the next line where it is to stay without effect.",
        _news("254"), units.environment_comments,
    ),
    Break(
        "known.systemd.unmerged-usr", (29,), "systemd", "255", HIGH, True,
        "Separate /bin, /sbin and /lib are no longer supported",
        "The new build expects these folders to be links into /usr. A host where they are folders of their own is not "
        "supported any more and may not boot.",
        "Merge the folders into /usr before the swap, or install the host anew.",
        _news("255"), host.unmerged_usr,
    ),
    Break(
        "known.systemd.executor-label", (43,), "systemd", "255", HIGH, False,
        "The SELinux policy does not know systemd-executor",
        "Services are started through a new binary, systemd-executor, which needs the type init_exec_t. The loaded policy "
        "gives it another one, so that services would start in the wrong domain.",
        "Install a policy that labels /usr/lib/systemd/systemd-executor as init_exec_t, or add the file context.",
        _EXECUTOR, host.executor_label,
    ),
    Break(
        "known.systemd.executor-managers", (69,), "systemd", "255", LOW, False,
        "Running user managers keep the old systemd-executor",
        "Each service manager holds on to the systemd-executor it was started with. Managers of logged-in or lingering users "
        "go on with the old one until they are executed anew.",
        "Run systemctl --user daemon-reexec in each user manager after the swap, or reboot.",
        _news("255"), host.user_managers,
    ),
    Break(
        "known.systemd.switch-root", (78,), "systemd", "255", MEDIUM, False,
        "systemctl switch-root works in the initrd only",
        "A switch of the root from a running system to another one is refused; soft-reboot took its place.",
        "Call systemctl soft-reboot instead.",
        _news("255"), calls.switch_root,
    ),
    Break(
        "known.systemd.ip-off", (78,), "systemd", "255", MEDIUM, False,
        "ip=off and ip=none also turn IPv6 router advertisements off",
        "The kernel argument used to turn DHCP off and leave IPv6 to configure itself. A host that is reached by an address "
        "from router advertisements may lose it when networkd reads its network from the kernel command line.",
        "Configure IPv6 of the interface in a .network file, or change the argument.",
        _news("255"), host.ip_off,
    ),
    Break(
        "known.systemd.naming-scheme", (71,), "systemd", "255", HIGH, False,
        "Names of interfaces behind a PCI bridge may change",
        "The part of the naming scheme that named several functions behind a bridge by their slot is off. An interface named "
        "by its slot may come up under another name, and configuration for the old name then finds nothing.",
        "Pin the names with .link files by MAC address, or pin net.naming-scheme= to one that both builds know.",
        _news("255"), host.naming_scheme,
    ),
    Break(
        "known.systemd.cgroup-v1-refused", (73, 91), "systemd", "256", HIGH, True,
        "systemd refuses to boot on the legacy control group hierarchy",
        "A host whose kernel command line asks for the legacy or the hybrid hierarchy stops at boot, unless a further "
        "argument insists on it.",
        "Remove systemd.unified_cgroup_hierarchy= and systemd.legacy_systemd_cgroup_controller from the kernel command line, "
        "reboot, and see that all services run on the unified hierarchy.",
        _news("256"), host.cgroup_v1_refused,
    ),
    Break(
        "known.systemd.bridge-vlans", (76,), "systemd", "256", HIGH, False,
        "networkd removes VLANs of a bridge that are not declared",
        "Where a .network file declares any VLAN in its [BridgeVLAN] section, all others on that interface are removed. "
        "VLANs that a script or another program added are lost.",
        "Declare every VLAN of the interface in the .network file.",
        _news("256"), units.bridge_vlans,
    ),
    Break(
        "known.systemd.ip-forward", (54,), "systemd", "256", LOW, False,
        "IPForward= is deprecated",
        "One switch for each protocol took the place of IPForward=, which new builds warn about.",
        "Use IPv4Forwarding= and IPv6Forwarding=.",
        _news("256"), units.ip_forward,
    ),
    Break(
        "known.systemd.nscd-flush", (53,), "systemd", "256", LOW, False,
        "systemd is about to stop flushing the cache of nscd",
        "systemd told nscd to forget its answers when accounts changed. That was announced to go, so that nscd may give old "
        "answers about dynamic users.",
        "Do without nscd, or flush its caches in other ways.",
        _news("256"), host.nscd,
    ),
    Break(
        "known.systemd.cgroup-v1-removed", (73, 91), "systemd", "258", HIGH, True,
        "The legacy control group hierarchy is gone",
        "The code for the legacy and the hybrid hierarchy was removed. The argument that still insisted on them has no effect "
        "any more.",
        "Move all services to the unified hierarchy and remove the arguments from the kernel command line before the swap.",
        _news("258"), host.cgroup_v1_removed,
    ),
    Break(
        "known.systemd.cgroup-v1-keys", (54,), "systemd", "258", MEDIUM, False,
        "Limits of the legacy control group hierarchy have no effect",
        "MemoryLimit=, CPUShares=, StartupCPUShares= and the BlockIO settings belong to the legacy hierarchy, whose code was "
        "removed. Older builds warned about them; now the service runs without the limit.",
        "Use MemoryMax=, CPUWeight=, StartupCPUWeight= and the IO settings.",
        _news("258"), cgroup_users.cgroup_v1_keys,
    ),
    Break(
        "known.systemd.kernel-5-4", (95,), "systemd", "258", HIGH, True,
        "systemd needs kernel 5.4 or newer",
        "The running kernel is older than what this release is written for.",
        "Boot a kernel of at least 5.4 before the swap.",
        _news("258"), host.kernel_before_5_4,
    ),
    Break(
        "known.systemd.tty-mode", (32,), "systemd", "258", MEDIUM, False,
        "Terminals no longer take messages from others",
        "Devices of terminals are made with mode 0600 instead of 0620, so that an account other than root cannot write to "
        "the terminal of another any more.",
        "Have root send the message, or let users allow it with mesg y.",
        _news("258"), calls.tty_writers,
    ),
    Break(
        "known.systemd.udev-owner", (71,), "systemd", "258", HIGH, False,
        "udev ignores an owner or group that is not the system's own",
        "OWNER= and GROUP= in a udev rule count only when they name a system account. A device that a rule gives to another "
        "account stays with root.",
        "Create a system group for the device, name it in the rule, and add the accounts to it; check with udevadm verify.",
        _news("258"), units.udev_owner, "260",
    ),
    Break(
        "known.systemd.udev-owner-deprecated", (71,), "systemd", "260", LOW, False,
        "udev warns about an owner or group that is not the system's own",
        "After two releases that ignored it, OWNER= and GROUP= may name an account of a person again. It is deprecated, warned "
        "about, and to be removed.",
        "Create a system group for the device, name it in the rule, and add the accounts to it; check with udevadm verify.",
        _news("260"), units.udev_owner,
    ),
    Break(
        "known.systemd.udev-uaccess", (71,), "systemd", "258", MEDIUM, False,
        "Access for the user at the seat must be granted on change too",
        "udev applies the access list of the uaccess tag by itself on each event. A rule that sets the tag only when a "
        "device is added loses it at the next change.",
        'Match the rule with ACTION!="remove" instead of ACTION=="add".',
        _news("258"), units.udev_uaccess,
    ),
    Break(
        "known.systemd.lldp-chassis", (53,), "systemd", "258", MEDIUM, False,
        "LLDP announces the host under another chassis ID",
        "networkd used to announce the machine ID and now announces one derived from it. Switches and inventories see a new "
        "neighbour.",
        "Set SYSTEMD_LLDP_SEND_MACHINE_ID=1 in a drop-in to systemd-networkd.service, or update what knows the old ID.",
        _news("258"), units.emit_lldp,
    ),
    Break(
        "known.systemd.double-exclamation", (54,), "systemd", "258", MEDIUM, False,
        "The !! prefix of command lines is ignored",
        "The prefix was meant for kernels without ambient capabilities and has no effect any more.",
        "Remove the prefix, and see that the service has the privileges it needs.",
        _news("258"), units.double_exclamation,
    ),
    Break(
        "known.systemd.scope-expansion", (78,), "systemd", "258", MEDIUM, False,
        "systemd-run --scope expands variables",
        "Variables in a command that runs in a scope are now expanded by default, as those of services are. A dollar sign "
        "that the shell leaves in place takes another meaning.",
        "Pass --expand-environment=no, or double the dollar sign.",
        _news("258"), calls.scope_expansion,
    ),
    Break(
        "known.systemd.light-sessions", (72,), "systemd", "258", HIGH, False,
        "Cron jobs of system accounts get no user manager",
        "Sessions of system accounts that have neither terminal nor screen no longer start the account's service manager. "
        "systemctl --user in such a job finds none.",
        "Set the session class in the PAM stack of cron (class= of pam_systemd), or enable lingering for the account.",
        _news("258"), calls.user_manager_cron,
    ),
    Break(
        "known.systemd.tpm2-pcrs", (53,), "systemd", "258", MEDIUM, False,
        "New TPM2 enrollments are bound to no register by default",
        "A volume enrolled without a list of registers used to be bound to register 7. New enrollments are bound to none; "
        "those that exist keep what they have.",
        "Pass --tpm2-pcrs= at enrollment, or bind the volume with systemd-pcrlock.",
        _news("258"), calls.tpm2_enrollment,
    ),
    Break(
        "known.systemd.sysv-commands", (27, 74), "systemd", "258", HIGH, False,
        "initctl, telinit and runlevel are gone",
        "The commands of System V's init were removed, and init no longer takes a runlevel.",
        "Call systemctl isolate, systemctl daemon-reload, systemctl poweroff or systemctl get-default instead.",
        _news("258"), calls.sysv_commands,
    ),
    Break(
        "known.systemd.runlevel-default", (58, 59), "systemd", "258", HIGH, True,
        "The default target is a runlevel that is gone",
        "The units runlevel0.target to runlevel6.target were removed. A host that boots into one of them finds no target to "
        "reach.",
        "Run systemctl set-default with multi-user.target or graphical.target, and correct the kernel command line.",
        _news("258"), units.runlevel_default,
    ),
    Break(
        "known.systemd.runlevel-required", (58, 59), "systemd", "258", HIGH, True,
        "Services are started only by a runlevel target that is gone, or require one",
        "The units runlevel0.target to runlevel6.target were removed. What only they start is not started, and what requires "
        "one cannot start.",
        "Change the unit to multi-user.target, graphical.target or rescue.target, and run systemctl reenable on it.",
        _news("258"), units.runlevel_required,
    ),
    Break(
        "known.systemd.runlevel-named", (58,), "systemd", "258", MEDIUM, False,
        "Units name a runlevel target that is gone",
        "The units runlevel0.target to runlevel6.target were removed. Ordering and wishes that name them have no effect, nor "
        "does enabling a unit for them.",
        "Name multi-user.target, graphical.target or rescue.target instead.",
        _news("258"), units.runlevel_named,
    ),
    Break(
        "known.systemd.flag-files", (53,), "systemd", "258", MEDIUM, False,
        "/forcefsck, /fastboot and /forcequotacheck are ignored",
        "The files no longer force or prevent a check of file systems or quotas at boot.",
        "Use the kernel arguments fsck.mode= and quotacheck.mode=.",
        _news("258"), calls.flag_files,
    ),
    Break(
        "known.systemd.auxiliary-scope", (64,), "systemd", "258", MEDIUM, False,
        "The bus method StartAuxiliaryScope is gone",
        "Callers of this method of the service manager get an error.",
        "Change the caller so that it does without the method.",
        _news("258"), calls.auxiliary_scope,
    ),
    Break(
        "known.systemd.efi-options", (91,), "systemd", "258", MEDIUM, False,
        "The EFI variable SystemdOptions is ignored",
        "Options for systemd that are kept in the firmware no longer count.",
        "Put the options on the kernel command line and remove the variable.",
        _news("258"), host.systemd_options,
    ),
    Break(
        "known.systemd.legacy-nat", (77,), "systemd", "259", HIGH, False,
        "systemd writes address translation through nftables only",
        "networkd and nspawn used to write to the legacy tables where these were in use. Now their rules are in nftables, "
        "beside rules of the host in the legacy tables that they do not see.",
        "Move the host's rules to nftables, or have them translate the addresses instead of systemd.",
        _news("259"), units.legacy_masquerade,
    ),
    Break(
        "known.systemd.journal-persistent", (53,), "systemd", "259", MEDIUM, False,
        "The journal is kept on disk by default",
        "Without Storage= and without /var/log/journal the journal lived in memory. Now it is written to disk and outlives a "
        "reboot.",
        "Set Storage=auto or Storage=volatile in a drop-in to journald.conf to keep it in memory, or make room below /var/log.",
        _news("259"), host.journal_storage,
    ),
    Break(
        "known.systemd.hugetlb-accounting", (53,), "systemd", "259", MEDIUM, False,
        "Huge pages count as memory of a service",
        "Control groups are mounted such that huge pages count towards the memory of a service, on kernels that can. A "
        "service with a limit may reach it earlier.",
        "Raise MemoryMax= and MemoryHigh= by the huge pages that the service uses.",
        _news("259"), units.hugepage_limits,
    ),
    Break(
        "known.systemd.run-lock", (70,), "systemd", "259", MEDIUM, False,
        "/run/lock is no longer made at boot",
        "systemd does not provide the folder any more, and /var/lock leads there. Programs that keep lock files in it fail "
        "when nobody else makes it.",
        "Let the service use RuntimeDirectory=, or make /run/lock by a file below /etc/tmpfiles.d.",
        _news("259"), calls.run_lock,
    ),
    Break(
        "known.systemd.stub-tpm12", (53,), "systemd", "259", MEDIUM, False,
        "systemd-stub does not speak to TPM 1.2",
        "The stub that boots unified kernel images no longer measures into chips of version 1.2.",
        "Do not rely on measurements of the stub on this host.",
        _news("259"), host.stub_tpm12,
    ),
    Break(
        "known.systemd.sysv-removed", (58, 74), "systemd", "260", HIGH, True,
        "System V init scripts are no longer started",
        "The generator that turned init scripts into units was removed, and so was the helper that enables them. A service "
        "with a script and no unit does not start at boot.",
        "Write a unit for each script, enable it, and remove the script.",
        _news("260"), host.sysv_scripts,
    ),
    Break(
        "known.systemd.rc-local-removed", (58, 74), "systemd", "260", HIGH, True,
        "rc.local is no longer run",
        "The generator that ran an executable rc.local at boot was removed, and its unit with it.",
        "Move what the script does into units, or create /etc/systemd/system/rc-local.service and enable it.",
        _news("260"), host.rc_local,
    ),
    Break(
        "known.systemd.kernel-5-10", (95,), "systemd", "260", HIGH, True,
        "systemd needs kernel 5.10 or newer",
        "The running kernel is older than what this release is written for; 5.14 is recommended.",
        "Boot a kernel of at least 5.10 before the swap.",
        _news("260"), host.kernel_before_5_10,
    ),
    Break(
        "known.systemd.image-options", (54,), "systemd", "260", MEDIUM, False,
        "The last of two option lists for a partition wins",
        "Where a unit gives one partition of an image two lists of mount options, the first one used to count and now the "
        "last one does.",
        "Leave one list for each partition.",
        _news("260"), units.image_options,
    ),
    Break(
        "known.systemd.selinux-rules", (44,), "systemd", "260", HIGH, False,
        "The stock SELinux policy denies systemd 260 what it needs",
        "On an enforcing host with the policy of the distribution, systemd 260 lacks six rules: for maps of kernel type data, "
        "a link of the Varlink registry, the hardware database and the folder of EFI variables.",
        "Load a policy module with the six rules before the swap, or boot permissive the first time and read the denials.",
        _SIX_RULES, host.enforcing,
    ),
    Break(
        "known.btrfs-progs.check-status", (79,), "btrfs-progs", "6.16.1", MEDIUM, False,
        "btrfs check exits with 1 on healthy older file systems",
        "The command ends with status 1 on file systems that older versions of mkfs made. A script that takes any status but "
        "0 for damage raises a false alarm.",
        "Have the script read what the command says, and not its status alone.",
        _BTRFS_CHECK, calls.btrfs_check,
    ),
    Break(
        "known.btrfs-progs.block-group-tree", (81,), "btrfs-progs", "6.19", HIGH, False,
        "New btrfs file systems need kernel 6.1 to be written",
        "mkfs.btrfs makes a block group tree by default. Kernels older than 6.1 cannot write such a file system.",
        "Pass -O ^block-group-tree to mkfs.btrfs while hosts run an older kernel.",
        _BTRFS_RELEASES, calls.block_group_tree,
    ),
    Break(
        "known.rpm.database-path", (23, 82), "rpm", ANY, MEDIUM, False,
        "The package database may move to /usr/lib/sysimage/rpm",
        "The SIG's experimental rpm keeps its database below /usr/lib/sysimage/rpm, while the distribution expects it in "
        "/var/lib/rpm. Scripts that open or copy the old folder miss it.",
        "Have scripts ask rpm --eval %_dbpath for the folder.",
        _COW_RPM, calls.rpm_database,
    ),
    Break(
        "known.rpm.database-mount", (23, 82), "rpm", ANY, HIGH, False,
        "The package database would leave its own mount",
        "/var/lib/rpm is a mount of its own on this host. A database that moves to /usr/lib/sysimage/rpm is on another file "
        "system, outside of snapshots and backups made of the mount.",
        "Decide where the database is to be before the swap, and save it.",
        _COW_RPM, host.rpm_database_mount,
    ),
    Break(
        "known.iptables.legacy-rules", (83,), "iptables-libs", ANY, HIGH, False,
        "Rules in the legacy tables are not seen by the other backend",
        "The two backends of iptables keep their rules in separate places of the kernel. After a change of the backend the "
        "old rules stay in force, and the lists look empty.",
        "Save the rules with iptables-save, restore them with the new backend, flush the legacy tables, and check iptables -V.",
        _BACKENDS, host.legacy_tables,
    ),
)  # fmt: skip


def applying(
    package: str, old_version: str | None, new_version: str, compare: t.Callable[[str, str], int]
) -> list[Break]:
    """Return the changes that lie between two versions of a package; C(compare) orders versions as rpm does.

    What was not installed before breaks nobody by coming.
    """
    if old_version is None:
        return []
    return [row for row in BREAKS if row.package == package and _lies_between(row, old_version, new_version, compare)]


def _lies_between(row: Break, old: str, new: str, compare: t.Callable[[str, str], int]) -> bool:
    if row.since == ANY:
        return compare(old, new) != 0
    # rpm sorts 260~rc2 before 260, yet it has the changes of 260.
    old, new = old.partition("~")[0], new.partition("~")[0]
    undone = row.undone is not None and compare(row.undone, new) <= 0
    return compare(old, row.since) < 0 <= compare(new, row.since) and not undone
