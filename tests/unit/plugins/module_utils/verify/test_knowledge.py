# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of known breaks: each row fires on a host that is affected, and not on one that differs in what matters."""

from __future__ import annotations

import os
import re
import typing as t

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import local_config
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import NOT_FOUND, View
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import knowledge, model
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.detectors import calls

ETC = "/etc/systemd/system/"
NET = "/etc/systemd/network/"
RULES = "/etc/udev/rules.d/"
FIRMWARE = "/sys/firmware/efi/efivars/"
GUID = "-8cf2644b-4b0b-428f-9387-6d876050dc67"
PASSWD = "root:x:0:0::/root:/bin/sh\napache:x:48:48::/:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"
GROUP = "root:x:0:\ndisk:x:6:\nalice:x:1000:\n"
V1_MOUNTS = "24 22 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro\n25 24 0:23 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw\n"
V2_MOUNTS = "24 22 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
FORCED = "root=/dev/sda1 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0"


class Sh(str):
    """What an executable file holds."""


class To(str):
    """Where a symbolic link leads."""


class Case(t.NamedTuple):
    """What makes a row fire and whom it names then, and a neighbour that differs in what matters."""

    id: str
    names: list[str]
    fires: dict
    silent: dict
    fires_said: dict = {}
    silent_said: dict = {}


def unit(body, name="a.service", section="Service"):
    return {ETC + name: f"[{section}]\n{body}\n"}


def script(body, name="/usr/local/bin/job"):
    return {name: Sh(f"#!/bin/sh\n{body}\n")}


SELINUX = ("matchpathcon", "-n", "/usr/lib/systemd/systemd-executor")
POLICY = ("rpm", "-q", "--queryformat", "%{RELEASE}", "selinux-policy")
IPTABLES = ("iptables", "-V")

CASES = (
    Case(
        "known.systemd.private-mounts", ["a.service", ETC + "b.service.d/net.conf"],
        {**unit("PrivateNetwork=yes"), ETC + "b.service.d/net.conf": "[Service]\nNetworkNamespacePath=/run/netns/x\n"},
        {**unit("PrivateNetwork=yes"), ETC + "a.service.d/x.conf": "[Service]\nPrivateMounts=no\n",
         **unit("PrivateNetwork=no\n#PrivateNetwork=yes", "b.service")},
    ),
    Case(
        "known.systemd.user-sandbox", ["u.service"],
        {"/etc/systemd/user/u.service": "[Service]\nPrivateTmp=yes\n"},
        {"/etc/systemd/user/u.service": "[Service]\nPrivateTmp=yes\nPrivateUsers=yes\n",
         "/etc/systemd/user/v.service": "[Service]\nPrivateTmp=no\n", **unit("PrivateTmp=yes")},
    ),
    Case(
        "known.systemd.environment-comment", ["/etc/sysconfig/a"],
        {**unit("EnvironmentFile=-/etc/sysconfig/a"), "/etc/sysconfig/a": "A=1\n# old \\\nB=2\n"},
        {**unit("EnvironmentFile=-/etc/sysconfig/a"), "/etc/sysconfig/a": "A=1\\\n# old\nB=2\n",
         "/etc/sysconfig/b": "# nobody reads this \\\nB=2\n"},
    ),
    Case(
        "known.systemd.unmerged-usr", ["/bin"],
        {"/bin/sh": "", "/sbin": To("usr/sbin")},
        {"/bin": To("usr/bin"), "/sbin": To("/usr/sbin")},
    ),
    Case(
        "known.systemd.executor-label", ["/usr/lib/systemd/systemd-executor"],
        {"/sys/fs/selinux/enforce": "1"}, {"/sys/fs/selinux/enforce": "1"},
        {SELINUX: (0, "system_u:object_r:lib_t:s0\n")}, {SELINUX: (0, "system_u:object_r:init_exec_t:s0\n")},
    ),
    Case(
        "known.systemd.executor-managers", ["user@1000.service"],
        {"/proc/1/comm": "systemd\n", "/proc/1/status": "Uid:\t0\t0\t0\t0\nNSpid:\t1\n",
         "/proc/70/comm": "systemd\n", "/proc/70/status": "Uid:\t1000\t1000\t1000\t1000\nNSpid:\t70\n"},
        {"/proc/1/comm": "systemd\n", "/proc/1/status": "Uid:\t0\t0\t0\t0\nNSpid:\t1\n",
         "/proc/70/comm": "systemd\n", "/proc/70/status": "Uid:\t1000\t1000\t1000\t1000\nNSpid:\t70\t1\n"},
    ),
    Case(
        "known.systemd.switch-root", ["/usr/local/bin/job"],
        script("exec systemctl --no-block switch-root /sysroot"), script("echo systemctl switch-root\nsystemctl soft-reboot"),
    ),
    Case(
        "known.systemd.ip-off", ["ip"],
        {"/proc/cmdline": "quiet ip=off\n"}, {"/proc/cmdline": "quiet ip=dhcp iproute=off\n"},
    ),
    Case(
        "known.systemd.naming-scheme", ["ens3f1"],
        {"/sys/class/net/ens3f1/device/vendor": "", "/sys/class/net/enp1s0/device/vendor": "", "/proc/cmdline": "quiet"},
        {"/sys/class/net/ens3f1/device/vendor": "", "/proc/cmdline": "net.naming-scheme=v252"},
    ),
    Case(
        "known.systemd.cgroup-v1-refused", ["/sys/fs/cgroup", "systemd.unified_cgroup_hierarchy"],
        {"/proc/self/mountinfo": V1_MOUNTS, "/proc/cmdline": "systemd.unified_cgroup_hierarchy=0"},
        {"/proc/self/mountinfo": V2_MOUNTS, "/proc/cmdline": "systemd.unified_cgroup_hierarchy=1"},
    ),
    Case(
        "known.systemd.bridge-vlans", [NET + "br.network"],
        {NET + "br.network": "[Match]\nName=br0\n[BridgeVLAN]\nVLAN=1-32\n"},
        {NET + "br.network": "[Match]\nName=br0\n[Bridge]\nCost=5\n#[BridgeVLAN]\n;VLAN=1-32\n"},
    ),
    Case(
        "known.systemd.ip-forward", [NET + "a.network"],
        {NET + "a.network": "[Network]\nIPForward=yes\n"},
        {NET + "a.network": "[Network]\nIPv4Forwarding=yes\n", NET + "a.netdev": "[Network]\nIPForward=yes\n"},
    ),
    Case(
        "known.systemd.nscd-flush", ["nscd.service"],
        {ETC + "multi-user.target.wants/nscd.service": To("/usr/lib/systemd/system/nscd.service")},
        {"/usr/lib/systemd/system/nscd.service": "[Service]\n"},
    ),
    Case(
        "known.systemd.cgroup-v1-removed", ["/sys/fs/cgroup", "systemd.unified_cgroup_hierarchy"],
        {"/proc/self/mountinfo": V1_MOUNTS, "/proc/cmdline": FORCED},
        {"/proc/self/mountinfo": V2_MOUNTS, "/proc/cmdline": "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"},
    ),
    Case(
        "known.systemd.cgroup-v1-keys", ["a.service", "a.service"],
        unit("MemoryLimit=1G\nBlockIOWeight=10"), unit("MemoryMax=1G\n# MemoryLimit=1G \\\nIOWeight=10"),
    ),
    Case(
        "known.systemd.kernel-5-4", ["kernel"],
        {"/proc/sys/kernel/osrelease": "4.18.0-553.el8.x86_64\n"}, {"/proc/sys/kernel/osrelease": "5.4.0\n"},
    ),
    Case(
        "known.systemd.tty-mode", ["/usr/local/bin/job"],
        script("if true; then wall <<< down; fi"), script("# wall\nfirewall down\nwrite(x)\nwrite alice"),
    ),
    Case(
        "known.systemd.udev-owner", [RULES + "9.rules", RULES + "9.rules"],
        {RULES + "9.rules": 'KERNEL=="sdb", OWNER="alice"\nKERNEL=="sdc", \\\n GROUP="nobody-here"\n',
         "/etc/passwd": PASSWD, "/etc/group": GROUP},
        {RULES + "9.rules": '#KERNEL=="sdb", OWNER="alice"\nKERNEL=="sdc", GROUP="disk"\nGROUP="$env{G}"\nOWNER="0"\n',
         "/etc/passwd": PASSWD, "/etc/group": GROUP},
    ),
    Case(
        "known.systemd.udev-owner-deprecated", [RULES + "9.rules"],
        {RULES + "9.rules": 'KERNEL=="sdb", GROUP:="1000"\n'}, {RULES + "9.rules": 'KERNEL=="sdb", GROUP:="999"\n'},
    ),
    Case(
        "known.systemd.udev-uaccess", [RULES + "7.rules", RULES + "8.rules"],
        {RULES + "7.rules": 'ACTION=="add", SUBSYSTEM=="hidraw", TAG+="uaccess"\n',
         RULES + "8.rules": 'ACTION!="add", GOTO="end"\nSUBSYSTEM=="usb", TAG+="uaccess"\nLABEL="end"\nTAG+="uaccess"\n'},
        {RULES + "7.rules": 'ACTION!="remove", SUBSYSTEM=="hidraw", TAG+="uaccess"\nACTION=="add", TAG+="seat"\n',
         RULES + "8.rules": 'ACTION!="add|change", GOTO="end"\nTAG+="uaccess"\nLABEL="end"\n'},
    ),
    Case(
        "known.systemd.lldp-chassis", [NET + "a.network.d/l.conf"],
        {NET + "a.network.d/l.conf": "[Network]\nEmitLLDP=nearest-bridge\n"},
        {NET + "a.network.d/l.conf": "[Network]\nEmitLLDP=no\nLLDP=yes\n"},
    ),
    Case(
        "known.systemd.double-exclamation", ["a.service"],
        unit("ExecStart=-!!/bin/a"), unit("ExecStart=-!/bin/a !!\nExecSearchPath=!!/bin"),
    ),
    Case(
        "known.systemd.scope-expansion", ["/usr/local/bin/job"],
        script("systemd-run --scope sh -c 'echo $HOME'"),
        script("systemd-run --scope --expand-environment=no sh -c 'echo $HOME'\nsystemd-run --scope a\nsystemd-run echo $A"),
    ),
    Case(
        "known.systemd.light-sessions", ["/etc/cron.d/a", "/var/spool/cron/apache"],
        {"/etc/passwd": PASSWD, "/etc/cron.d/a": "5 * * * *\tapache\tsystemctl --user start x\n",
         "/var/spool/cron/apache": "@daily systemctl restart --user x\n"},
        {"/etc/passwd": PASSWD,
         "/etc/cron.d/a": "#5 * * * * apache systemctl --user start x\n5 * * * * apache systemctl status\n",
         "/var/spool/cron/alice": "@daily systemctl restart --user x\n"},
    ),
    Case(
        "known.systemd.tpm2-pcrs", ["/etc/crypttab", "/usr/local/bin/job"],
        {"/etc/crypttab": "data /dev/sdb - discard,tpm2-device=auto\n",
         **script("systemd-cryptenroll --tpm2-device=auto /dev/sdb")},
        {"/etc/crypttab": "data /dev/sdb - tpm2-device=auto,tpm2-pcrs=7\n#d /dev/sdb - tpm2-device=auto\n",
         **script("systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs=7 /dev/sdb")},
    ),
    Case(
        "known.systemd.sysv-commands", ["a.service", "/etc/cron.d/a", "/usr/local/bin/job"],
        {**unit("ExecReload=/bin/sh -c 'telinit q'"), "/etc/cron.d/a": "5 5 * * 0 root sudo -n /sbin/init 6\n",
         **script('[ "$(runlevel | cut -c3)" = 3 ] && exit')},
        {**unit("ExecStart=/bin/a --telinit"), "/etc/cron.d/a": "5 5 * * 0 root /opt/init start\n",
         **script("echo no runlevel here # ; telinit q"), "/usr/local/bin/not-executable": "telinit q\n"},
    ),
    Case(
        "known.systemd.runlevel-default", ["default.target"],
        {ETC + "default.target": To("/usr/lib/systemd/system/runlevel3.target")},
        {ETC + "default.target": To("/usr/lib/systemd/system/multi-user.target")},
    ),
    Case(
        "known.systemd.runlevel-required", ["w.service", "r.service"],
        {ETC + "runlevel3.target.wants/w.service": To("../w.service"), **unit("Requires=runlevel5.target", "r.service", "Unit")},
        {ETC + "runlevel3.target.wants/w.service": To("../w.service"),
         ETC + "multi-user.target.wants/w.service": To("../w.service"),
         **unit("Requires=multi-user.target", "r.service", "Unit")},
    ),
    Case(
        "known.systemd.runlevel-named", ["a.service"],
        unit("WantedBy=multi-user.target runlevel3.target", section="Install"),
        unit("WantedBy=multi-user.target\nDescription=runlevel3.target", section="Install"),
    ),
    Case(
        "known.systemd.flag-files", ["/forcefsck", "/usr/local/bin/job"],
        {"/forcefsck": "", **script("touch /fastboot")}, {"/srv/forcefsck": "", **script("touch /srv/fastboot /fastboot.d")},
    ),
    Case(
        "known.systemd.auxiliary-scope", ["/usr/local/bin/job"],
        script("busctl call x StartAuxiliaryScope"), script("busctl call x StartTransientUnit # not StartAuxiliaryScope"),
    ),
    Case(
        "known.systemd.efi-options", [FIRMWARE + "SystemdOptions" + GUID],
        {FIRMWARE + "SystemdOptions" + GUID: ""}, {FIRMWARE + "LoaderInfo" + GUID: ""},
    ),
    Case(
        "known.systemd.legacy-nat", [NET + "a.network", "/etc/systemd/nspawn/c.nspawn"],
        {NET + "a.network": "[Network]\nIPMasquerade=ipv4\n", "/etc/systemd/nspawn/c.nspawn": "[Network]\nPort=tcp:80\n",
         "/proc/net/ip_tables_names": "nat\n"},
        {NET + "a.network": "[Network]\nIPMasquerade=ipv4\n", "/etc/systemd/nspawn/c.nspawn": "[Network]\nPort=tcp:80\n",
         "/proc/net/ip_tables_names": ""},
    ),
    Case(
        "known.systemd.journal-persistent", ["/etc/systemd/journald.conf"],
        {"/usr/lib/systemd/systemd-journald": "", "/etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n"},
        {"/usr/lib/systemd/systemd-journald": "", "/etc/systemd/journald.conf.d/a.conf": "[Journal]\nStorage=auto\n"},
    ),
    Case(
        "known.systemd.hugetlb-accounting", ["a.service"],
        {**unit("MemoryMax=1G"), "/proc/sys/vm/nr_hugepages": "64\n"},
        {**unit("MemoryMax=1G"), "/proc/sys/vm/nr_hugepages": "0\n"},
    ),
    Case(
        "known.systemd.run-lock", ["a.service", "/usr/local/bin/job", "pppd"],
        {**unit("PIDFile=/run/lock/a.pid"), **script("flock /var/lock/a true"), "/proc/70/comm": "pppd\n",
         "/proc/70/fd/3": To("/run/lock/LCK..ttyS0"), "/proc/70/fd/4": To("/run/lock/b (deleted)")},
        {**unit("PIDFile=/run/lock.pid"), **script("flock /srv/run/lock/a true"), "/proc/70/comm": "pppd\n",
         "/proc/70/fd/3": To("/run/locked")},
    ),
    Case(
        "known.systemd.stub-tpm12", ["/sys/class/tpm/tpm0"],
        {FIRMWARE + "StubInfo" + GUID: "", "/sys/class/tpm/tpm0/tpm_version_major": "1\n"},
        {FIRMWARE + "StubInfo" + GUID: "", "/sys/class/tpm/tpm0/tpm_version_major": "2\n"},
    ),
    Case(
        "known.systemd.sysv-removed", ["/etc/rc.d/init.d/old"],
        {"/etc/rc.d/init.d/old": Sh("#!/bin/sh\n"), "/etc/init.d": To("rc.d/init.d"),
         "/etc/rc.d/rc3.d/S50old": To("../init.d/old"), "/etc/rc.d/init.d/unused": Sh("#!/bin/sh\n"),
         "/etc/rc.d/init.d/functions": Sh(""), "/etc/rc.d/rc3.d/S01functions": To("../init.d/functions")},
        {"/etc/rc.d/init.d/old": Sh("#!/bin/sh\n"), "/etc/rc.d/rc3.d/S50old": To("../init.d/old"),
         "/usr/lib/systemd/system/old.service": "[Service]\n", "/etc/rc.d/init.d/off": Sh(""),
         "/etc/rc.d/rc3.d/K50off": To("../x"), "/etc/rc.d/init.d/text": "", "/etc/rc.d/rc3.d/S50text": To("../init.d/text")},
    ),
    Case(
        "known.systemd.rc-local-removed", ["/etc/rc.d/rc.local"],
        {"/etc/rc.d/rc.local": Sh("#!/bin/sh\ntouch /var/lock/subsys/local\nip rule add table 5\n"),
         "/etc/rc.local": To("rc.d/rc.local")},
        {"/etc/rc.d/rc.local": Sh("#!/bin/sh\n# ip rule\ntouch /var/lock/subsys/local\nexit 0\n"),
         "/etc/rc.local": To("rc.d/rc.local")},
    ),
    Case(
        "known.systemd.kernel-5-10", ["kernel"],
        {"/proc/sys/kernel/osrelease": "5.9.16\n"}, {"/proc/sys/kernel/osrelease": "5.14.0-600.el9.x86_64\n"},
    ),
    Case(
        "known.systemd.image-options", ["a.service", "b.service"],
        {**unit("RootImageOptions=root:ro root:rw"), **unit("MountImages=/a.raw:/a:root:ro:root:rw", "b.service")},
        {**unit("RootImageOptions=root:ro home:rw"), **unit("MountImages=/a.raw:/a:root:ro:home:ro", "b.service")},
    ),
    Case(
        "known.systemd.selinux-rules", ["enforcing"],
        {"/sys/fs/selinux/enforce": "1"}, {"/sys/fs/selinux/enforce": "0"},
        {POLICY: (0, "38.1.53-1.el9")}, {POLICY: (0, "38.1.53-1.el9")},
    ),
    Case(
        "known.btrfs-progs.check-status", ["/etc/cron.d/a", "/usr/local/bin/job"],
        {"/etc/cron.d/a": "0 3 * * 0 root btrfs -q check /dev/sdb || mail root\n",
         **script('subprocess.run(["/usr/sbin/btrfs", "check", dev])')},
        {"/etc/cron.d/a": "0 3 * * 0 root btrfs scrub start /check\n", **script("# btrfs check")},
    ),
    Case(
        "known.btrfs-progs.block-group-tree", ["/usr/local/bin/job"],
        {**script("mkfs -t btrfs /dev/sdb"), "/proc/sys/kernel/osrelease": "5.14.0\n"},
        {**script("mkfs.btrfs -O ^block-group-tree /dev/sdb\nmkfs -t xfs /dev/sdc"), "/proc/sys/kernel/osrelease": "5.14.0\n"},
    ),
    Case(
        "known.rpm.database-path", ["/usr/local/bin/job"],
        {"/var/lib/rpm/rpmdb.sqlite": "", **script("tar c /var/lib/rpm > x")},
        {"/var/lib/rpm": To("../../usr/lib/sysimage/rpm"), **script("tar c /var/lib/rpm > x")},
    ),
    Case(
        "known.rpm.database-mount", ["/var/lib/rpm"],
        {"/proc/self/mountinfo": "30 22 8:3 / /var/lib/rpm rw - xfs /dev/sda3 rw\n"},
        {"/proc/self/mountinfo": "30 22 8:3 / /var/lib rw - xfs /dev/sda3 rw\n", "/etc/fstab": "#/dev/sda3 /var/lib/rpm xfs\n"},
    ),
    Case(
        "known.iptables.legacy-rules", ["/proc/net/ip_tables_names"],
        {"/proc/net/ip_tables_names": "filter\nnat\n"}, {"/proc/net/ip_tables_names": "filter\nnat\n"},
        {IPTABLES: (0, "iptables v1.8.10 (legacy)\n")}, {IPTABLES: (0, "iptables v1.8.10 (nf_tables)\n")},
    ),
)  # fmt: skip

# Further neighbours, where one silent case is too few.
ALSO_SILENT = (
    ("known.systemd.cgroup-v1-refused", {"/proc/self/mountinfo": V1_MOUNTS, "/proc/cmdline": FORCED}, {}),
    ("known.systemd.executor-label", {"/usr/lib/systemd/systemd-executor": ""}, {SELINUX: (0, "system_u:object_r:lib_t:s0")}),
    ("known.systemd.selinux-rules", {"/sys/fs/selinux/enforce": "1"}, {POLICY: (0, "42.1.7-1.hs.el10")}),
    ("known.systemd.journal-persistent", {"/usr/lib/systemd/systemd-journald": "", "/var/log/journal/x": ""}, {}),
    (
        "known.systemd.rc-local-removed",
        {"/etc/rc.d/rc.local": Sh("#!/bin/sh\nip rule add\n"), ETC + "rc-local.service": "[Service]\n"},
        {},
    ),
    ("known.systemd.rc-local-removed", {"/etc/rc.d/rc.local": "#!/bin/sh\nip rule add\n"}, {}),
    (
        "known.systemd.run-lock",
        {**script("flock /run/lock/a true"), "/etc/tmpfiles.d/l.conf": "d /run/lock 1777 root root -\n"},
        {},
    ),
    ("known.systemd.naming-scheme", {"/sys/class/net/ens3/device/x": "", "/proc/cmdline": "net.ifnames=0"}, {}),
    ("known.systemd.naming-scheme", {"/sys/class/net/ens3/address": "", "/proc/cmdline": ""}, {}),
    ("known.btrfs-progs.block-group-tree", {**script("mkfs.btrfs /dev/sdb"), "/proc/sys/kernel/osrelease": "6.1.0\n"}, {}),
    ("known.systemd.private-mounts", {**unit("PrivateNetwork=yes", "a.service.bak")}, {}),
    ("known.systemd.private-mounts", {**unit("PrivateNetwork=yes\nProtectSystem=strict")}, {}),
    (
        "known.systemd.private-mounts",
        {
            ETC + "v.service.d/n.conf": "[Service]\nPrivateNetwork=yes\n",
            "/usr/lib/systemd/system/v.service": "[Service]\nPrivateMounts=yes\n",
        },
        {},
    ),
    ("known.systemd.legacy-nat", {NET + "a.network": "[Network]\nIPMasquerade=no\n", "/proc/net/ip_tables_names": "nat\n"}, {}),
)

ALSO_FIRES = (
    ("known.systemd.cgroup-v1-refused", {"/proc/cmdline": "systemd.legacy_systemd_cgroup_controller"},
     ["systemd.legacy_systemd_cgroup_controller"]),
    ("known.systemd.private-mounts", unit("PrivateNetwork=yes\nProtectSystem=no"), ["a.service"]),
    ("known.systemd.ip-off", {"/proc/cmdline": "ip=eth0:none"}, ["ip"]),
    ("known.systemd.ip-off", {"/proc/cmdline": "ip=192.0.2.5::192.0.2.1:255.255.255.0::eth0:none:192.0.2.53"}, ["ip"]),
    ("known.systemd.naming-scheme", {"/proc/cmdline": "net.naming-scheme=rhel-9.4"}, ["net.naming-scheme"]),
    ("known.systemd.runlevel-default", {"/proc/cmdline": "systemd.unit=runlevel3.target"}, ["systemd.unit"]),
    ("known.systemd.nscd-flush", {"/proc/9/comm": "nscd\n"}, ["nscd.service"]),
    ("known.systemd.tty-mode", {"/etc/cron.daily/m": Sh("#!/bin/sh\necho x | write alice\n")}, ["/etc/cron.daily/m"]),
    ("known.rpm.database-mount", {"/etc/fstab": "/dev/sda3 /var/lib/rpm xfs defaults 0 0\n"}, ["/var/lib/rpm"]),
    ("known.systemd.sysv-commands", {"/etc/anacrontab": "7 5 job nice telinit q\n"}, ["/etc/anacrontab"]),
    ("known.systemd.sysv-removed", {"/etc/init.d/o": Sh(""), "/etc/rc5.d/S99o": To("../init.d/o")}, ["/etc/init.d/o"]),
    ("known.systemd.cgroup-v1-keys", {ETC + "l.service": To("/opt/l.service"), "/opt/l.service": "CPUShares=5"}, ["l.service"]),
)  # fmt: skip

ROWS = {row.id: row for row in knowledge.BREAKS}


@pytest.fixture
def host(tmp_path):
    """Return a function that makes a host of a tree of files and the answers of commands."""

    def make(tree, said=None):
        for path, content in tree.items():
            real = tmp_path / path.lstrip("/")
            real.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, To):
                real.symlink_to(str(content))
            else:
                real.write_text(content)
                real.chmod(0o755 if isinstance(content, Sh) else 0o644)
        return View(str(tmp_path), lambda argv: (said or {}).get(tuple(argv), (NOT_FOUND, "")))

    return make


def names(row, view):
    return [consumer.name for consumer in row.detect(view)]


def test_each_row_has_a_case():
    assert [case.id for case in CASES] == [row.id for row in knowledge.BREAKS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_fires(case, host):
    found = ROWS[case.id].detect(host(case.fires, case.fires_said))
    assert [consumer.name for consumer in found] == case.names
    assert all(isinstance(consumer, model.Consumer) for consumer in found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_silent(case, host):
    assert ROWS[case.id].detect(host(case.silent, case.silent_said)) == []


@pytest.mark.parametrize(("row", "tree", "said"), ALSO_SILENT)
def test_silent_too(row, tree, said, host):
    assert ROWS[row].detect(host(tree, said)) == []


@pytest.mark.parametrize(("row", "tree", "expected"), ALSO_FIRES)
def test_fires_too(row, tree, expected, host):
    assert names(ROWS[row], host(tree)) == expected


def test_a_consumer_says_where(host):
    view = host({**unit("# first\nMemoryLimit=\\\n  1G"), **script("true\n/sbin/telinit q")})
    assert ROWS["known.systemd.cgroup-v1-keys"].detect(view) == [model.Consumer("unit", "a.service", "line 3: MemoryLimit=")]
    found = ROWS["known.systemd.sysv-commands"].detect(view)
    assert found == [model.Consumer("script", "/usr/local/bin/job", "line 3: calls telinit")]


def test_sysv_scripts_say_how_they_start(host):
    tree = {"/etc/rc.d/init.d/o": Sh(""), "/etc/rc.d/rc3.d/S50o": To("../init.d/o"), "/etc/rc.d/rc5.d/S50o": To("../init.d/o")}
    (found,) = ROWS["known.systemd.sysv-removed"].detect(host(tree))
    assert found.detail == "started by S links in runlevels 3, 5, and no o.service"


def test_an_alias_or_mask_is_no_unit(host):
    view = host({
        ETC + "a.service": To("/usr/lib/systemd/system/a.service"),
        "/usr/lib/systemd/system/a.service": "[Service]\nCPUShares=5\n",
        ETC + "b.service": To("/dev/null"),
    })
    assert names(ROWS["known.systemd.cgroup-v1-keys"], view) == []


@pytest.mark.parametrize("row", knowledge.BREAKS, ids=lambda row: row.id)
def test_row_is_complete(row):
    assert re.fullmatch(r"known(\.[a-z0-9-]+){2}", row.id)
    assert row.rows and all(1 <= number <= 109 for number in row.rows)
    assert row.severity in model.SEVERITIES
    assert row.severity == model.HIGH or not row.blocking
    assert row.link.url.startswith("https://") and row.link.title
    assert not row.title.endswith(".") and "\n" not in row.title
    assert row.description.endswith(".") and row.remedy.endswith(".")


def test_ids_are_unique():
    assert len(ROWS) == len(knowledge.BREAKS)


# ---- which rows lie between two versions


def plain(one, other):
    """Order versions by their numbers, a prerelease before its release."""

    def key(version):
        release, tilde, _rest = version.partition("~")
        return [int(number) for number in release.split(".")], not tilde, version

    return (key(one) > key(other)) - (key(one) < key(other))


def between(package, old, new):
    return [row.id for row in knowledge.applying(package, old, new, plain)]


@pytest.mark.parametrize(
    ("old", "new", "applies"),
    [
        ("252", "260", True), ("259.5", "260", True), ("259.5", "260.1", True), ("260", "260.1", False), ("260", "261", False),
        ("252", "259.9", False), ("259", "260~rc2", True), ("260~rc2", "260", False), ("260~rc1", "260~rc2", False),
        ("260", "252", False), ("260", "260", False),
    ],
)  # fmt: skip
def test_applying_at_the_boundary(old, new, applies):
    assert ("known.systemd.sysv-removed" in between("systemd", old, new)) is applies


def test_applying_from_252_to_260_is_everything_not_undone():
    expected = [row.id for row in knowledge.BREAKS if row.package == "systemd" and row.undone is None]
    assert between("systemd", "252", "260.1") == expected


def test_applying_what_was_undone():
    assert "known.systemd.udev-owner" in between("systemd", "257", "258")
    assert "known.systemd.udev-owner" in between("systemd", "257", "259.3")
    assert "known.systemd.udev-owner" not in between("systemd", "257", "260")
    assert "known.systemd.udev-owner" not in between("systemd", "257", "260~rc1")


def test_applying_to_other_packages():
    assert between("btrfs-progs", "6.16", "6.16.1") == ["known.btrfs-progs.check-status"]
    assert between("btrfs-progs", "6.16.1", "6.18") == []
    assert between("btrfs-progs", "6.14", "7.0") == ["known.btrfs-progs.check-status", "known.btrfs-progs.block-group-tree"]
    assert between("systemd-udev", "252", "260") == []


def test_applying_where_the_build_and_not_the_version_differs():
    both = ["known.rpm.database-path", "known.rpm.database-mount"]
    assert between("rpm", "4.16.1", "4.18.1") == both
    assert between("rpm", "4.18.1", "4.16.1") == both
    assert between("rpm", "4.16.1", "4.16.1") == []


@pytest.mark.parametrize("package", sorted({row.package for row in knowledge.BREAKS}))
def test_applying_to_what_was_not_installed(package):
    assert between(package, None, "999") == []


# ---- nothing raises

GARBAGE = {
    "binary": b"\x00\xff\xfe[Service]\nExecStart=" + bytes(range(256)),
    "latin": b"[Service]\nExecStart=/bin/\xe9\xe8 telinit\n\xff\\\n=\n[\n]\n[]=x\n",
    "empty": b"",
    "odd": b"=\n==\n[Service\n\\\n\\\\\n'\n\"\n"
    b"* * *\n@daily\n1 2 3 4 5\n1 2 3 4 5 u\n:::::\n a b\n - - -\n24 22 - \n- x\nip=\n\\",
    "long": b"(((( ;;;; " * 2000 + b"/" * 5000 + b" " * 5000 + b"if " * 2000 + b"A=1 " * 2000 + b'"\'$`' * 500,
}
# Every path that a detector reads, as far as it takes a file there.
READ = (
    "/proc/cmdline", "/proc/self/mountinfo", "/proc/sys/kernel/osrelease", "/proc/sys/vm/nr_hugepages",
    "/proc/net/ip_tables_names", "/proc/7/comm", "/proc/7/status", "/sys/fs/selinux/enforce", "/etc/passwd", "/etc/group",
    "/etc/crypttab", "/etc/fstab", "/etc/crontab", "/etc/anacrontab", "/etc/cron.d/x", "/etc/cron.daily/x",
    "/var/spool/cron/x", "/usr/local/bin/x", "/etc/rc.d/rc.local", "/etc/rc.d/init.d/x", "/etc/rc.d/rc3.d/S50x",
    ETC + "x.service", ETC + "x.service.d/x.conf", ETC + "x.target.wants/x.service", ETC + "default.target",
    "/etc/systemd/user/x.service", NET + "x.network", NET + "x.network.d/x.conf", "/etc/systemd/nspawn/x.nspawn",
    RULES + "x.rules", "/etc/tmpfiles.d/x.conf", "/etc/systemd/journald.conf", "/etc/systemd/journald.conf.d/x.conf",
    "/usr/lib/systemd/systemd-journald", "/usr/lib/systemd/system/x.service", "/sys/class/net/ens3/device/x",
    "/sys/class/tpm/tpm0/tpm_version_major", FIRMWARE + "StubInfo-x", FIRMWARE + "SystemdOptions-x", "/var/lib/rpm", "/bin",
)  # fmt: skip


def put(real, kind):
    real.parent.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        real.mkdir()
    elif kind == "dangling":
        real.symlink_to("/nowhere/at/all")
    elif kind == "loop":
        real.symlink_to(real.name)
    elif kind == "fifo":
        os.mkfifo(real)
    else:
        real.write_bytes(GARBAGE[kind])
        real.chmod(0o755)


@pytest.mark.parametrize("kind", [*GARBAGE, "folder", "dangling", "loop", "fifo"])
def test_garbage_raises_nothing(kind, tmp_path):
    for path in READ:
        put(tmp_path / path.lstrip("/"), kind)
    for status, out in ((0, "\ufffd\n\n"), (1, ""), (NOT_FOUND, "")):
        view = View(str(tmp_path), lambda _argv, answer=(status, out): answer)
        for row in knowledge.BREAKS:
            found = row.detect(view)
            assert isinstance(found, list), row.id
            assert all(isinstance(consumer, model.Consumer) for consumer in found), row.id


def test_names_of_garbage_raise_nothing(tmp_path):
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    for name in (b"\xff\xfe.service", b"a[b].service", b".service", b"runlevel3.target"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as handle:
            handle.write(b"[Service]\nCPUShares=5\n")
    view = View(str(tmp_path), lambda _argv: (NOT_FOUND, ""))
    for row in knowledge.BREAKS:
        assert isinstance(row.detect(view), list), row.id


def test_an_empty_root_affects_nobody(tmp_path):
    view = View(str(tmp_path), lambda _argv: (NOT_FOUND, ""))
    assert {row.id: row.detect(view) for row in knowledge.BREAKS} == {row.id: [] for row in knowledge.BREAKS}


# ---- the shapes underneath


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("a # b", "a"), ("a#b", "a#b"), ("'a # b' # c", "'a # b'"), ("#", ""), ("a; # b", "a;"), ('"#" #', '"#"'),
    ],
)  # fmt: skip
def test_shell_comments(line, kept):
    assert local_config.uncommented(line) == kept


def test_settings_of_a_file():
    content = "[A]\nx = 1\n; y=2\nz=a \\\n# in between\n  b\n\n[B]\nx=\nno assignment\n"
    assert local_config.parse(content.splitlines()) == (("A", "x", "1", 2), ("A", "z", "a    b", 4), ("B", "x", "", 9))


@pytest.mark.parametrize(
    "line",
    [
        "telinit q", "/sbin/telinit", "x; telinit q", "x && telinit q", "if telinit q; then", "$(telinit q)", "`telinit q`",
        "sudo -u root telinit", "timeout 5 telinit q", "A=1 telinit q", "bash -c 'telinit q'", 'os.system("telinit q")',
        "x) telinit q;;", "env A=1 nice -n 5 telinit q", "! telinit q",
    ],
)  # fmt: skip
def test_commands_are_found(line):
    assert calls.SYSV.search(line)


@pytest.mark.parametrize("line", ["echo telinit", "telinits", "my-telinit q", "x.telinit", "/opt/telinit.d/x", "a --telinit"])
def test_other_words_are_no_commands(line):
    assert not calls.SYSV.search(line)
