# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host full of made secrets: unique strings in every place where operators keep passwords, keys and tokens.

Most stand beside what the collection looks for, in lines that reports tell of. Half of them have neither form nor name that shows
what they are, so that nothing but leaving them out keeps them back.
"""

from __future__ import annotations

import secrets


class Planted:
    """The files of a host, and the secrets in them by the place that each stands in."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.files: dict[str, tuple[str, int]] = {}
        for fill in (_schedules, _units, _scripts, _configuration, _network, _kernel, _package_manager):
            fill(self)

    def secret(self, place: str) -> str:
        """Make a secret for a place."""
        self.secrets[place] = f"Zq{secrets.token_hex(9)}"
        return self.secrets[place]

    def file(self, path: str, text: str, mode: int = 0o600) -> None:
        """Have a file on the host."""
        self.files[path] = (text, mode)

    def found(self, text: str) -> list[str]:
        """Return the places of the secrets that a text has."""
        return sorted(place for place, secret in self.secrets.items() if secret in text)


def _schedules(host: Planted) -> None:
    s = host.secret
    host.file("/etc/cron.d/planted", (
        f"MAILTO=x\nDB_TOKEN={s('cron variable')}\n"
        f"5 4 * * * root MYSQL_PWD={s('cron environment')} /usr/sbin/telinit q --token={s('cron option')} {s('cron word')}\n"
        f"6 4 * * * root wall {s('cron wall')}\n7 4 * * * root /usr/bin/tool -p {s('cron letter')} {s('cron bare')}\n"))
    host.file("/var/spool/cron/root", f"@daily runlevel && echo {s('user crontab')} && tool --key {s('user crontab tool')}\n")
    host.file("/etc/anacrontab", f"1 5 planted telinit {s('anacron')}\n")
    host.file("/var/spool/at/a00001", f"#!/bin/sh\nTOKEN={s('at')} telinit q {s('at word')}\n", 0o700)


def _units(host: Planted) -> None:
    s = host.secret
    host.file("/etc/systemd/system/planted.service", (
        f"[Unit]\nDescription=Backup with {s('unit description')}\nRequires=runlevel3.target {s('unit requires')}.service\n"
        f"After=tool.service {s('unit after')}.service\n"
        f"[Service]\nEnvironment=API_TOKEN={s('unit environment')} \"PHRASE=my {s('unit phrase')}\"\n"
        f"ExecStart=!!/usr/bin/tool --password {s('unit option')} {s('unit word')}\n"
        f"ExecStartPre=/usr/sbin/telinit q {s('unit telinit')}\nMemoryLimit={s('unit limit')}\n"
        f"PrivateNetwork={s('unit network')}\n"
        f"EnvironmentFile=/etc/planted.env\n[Install]\nWantedBy=runlevel5.target\nX-Note={s('unit note')}\n"), 0o644)
    host.file("/etc/systemd/system/tool.service.d/planted.conf", (
        f"[Service]\nEnvironment=\"KEY={s('drop-in environment')}\"\nExecStartPost=/bin/sh -c 'initctl {s('drop-in initctl')}'\n"
        f"BindPaths=/run/lock/{s('drop-in path')}\nExecStartPost=/usr/bin/tool {s('drop-in tool')}\n"), 0o644)
    host.file("/etc/systemd/user/planted.service", f"[Service]\nProtectSystem={s('user unit')}\nExecStart=/usr/bin/tool\n", 0o644)
    host.file("/etc/planted.env", f"# {s('environment comment')} \\\nDB_PASSWORD={s('environment file')}\n")


def _scripts(host: Planted) -> None:
    s = host.secret
    host.file("/usr/local/bin/planted", (
        f"#!/bin/sh\nexport VAULT={s('script variable')}\ntelinit q {s('script telinit')}\n"
        f"curl -H 'Authorization: Bearer {s('script header')}' https://joe:{s('script address')}@h/ "
        f"| /usr/bin/tool {s('script tool')}\n"
        f"systemd-run --scope sh -c 'echo $X {s('script scope')}'\nmkfs.btrfs -L {s('script label')} /dev/sdz\n"
        f"echo {s('script lock')} > /var/lock/x\ncp -r /var/lib/rpm /backup/{s('script copy')}\n"), 0o755)
    host.file("/etc/profile.d/planted.sh", f"export SECRET={s('profile')}; /usr/bin/tool {s('profile tool')}\n", 0o644)
    host.file("/etc/rc.d/rc.local", f"#!/bin/sh\n/usr/bin/tool {s('rc.local')}\n", 0o755)
    host.file("/etc/rc.d/init.d/planted", f"#!/bin/sh\n/usr/bin/tool {s('init script')}\n", 0o755)


def _configuration(host: Planted) -> None:
    s = host.secret
    host.file("/etc/sudoers.d/planted", (
        f"joe ALL=(root) NOPASSWD: /usr/bin/tool --token {s('sudo option')} {s('sudo word')}\n"), 0o440)
    host.file("/etc/udev/rules.d/99-planted.rules", (
        f'SUBSYSTEM=="usb", ATTR{{serial}}=="{s("udev serial")}", OWNER="nobody-here", '
        f'RUN+="/usr/bin/tool {s("udev run")}"\n'), 0o644)
    host.file("/etc/pam.d/planted", f"auth required pam_gone.so bindpw={s('pam option')} {s('pam word')}\n", 0o644)
    host.file("/etc/logrotate.d/planted", f"/var/log/x {{\n postrotate\n /usr/bin/tool {s('logrotate')}\n endscript\n}}\n", 0o644)
    host.file("/etc/tmpfiles.d/planted.conf", f"w /run/planted - - - - /usr/bin/tool {s('tmpfiles')}\n", 0o644)
    host.file("/etc/fstab", f"//h/s /srv/planted cifs noauto,username=joe,password={s('fstab')},{s('fstab word')} 0 0\n", 0o644)
    host.file("/etc/crypttab", f"{s('crypttab name')} /dev/sdz {s('crypttab key')} tpm2-device=auto\n")
    host.file("/etc/containers/containers.conf", f'cgroup_manager = "cgroupfs" # {s("containers")}\n', 0o644)
    host.file("/etc/sysconfig/docker", f"OPTIONS='--label {s('docker label')} --exec-opt native.cgroupdriver=cgroupfs'\n", 0o644)
    host.file("/etc/modprobe.d/planted.conf", f"options planted_module key={s('modprobe')}\n", 0o644)
    host.file("/root/.bash_history", f"/usr/bin/tool {s('history')}\ntelinit {s('history telinit')}\n")
    host.file("/root/.netrc", f"machine h login joe password {s('netrc')}\n")


def _network(host: Planted) -> None:
    s = host.secret
    host.file("/etc/systemd/network/planted.netdev", (
        f"[NetDev]\nName=wg9\nKind=wireguard\n[WireGuard]\nPrivateKey={s('wireguard')}\n"
        f"[WireGuardPeer]\nPresharedKey={s('wireguard peer')}\nPublicKey=x\n"), 0o640)
    host.file("/etc/systemd/network/planted.network", (
        f"# {s('network comment')}\n[Match]\nName=wg9\n[Network]\nIPForward=yes\nEmitLLDP={s('network lldp')}\n"), 0o644)
    host.file("/etc/NetworkManager/system-connections/planted.nmconnection", (
        f"[connection]\nid=planted\ntype=wifi\nautoconnect=false\n[wifi]\nssid=x\n[wifi-security]\nkey-mgmt=wpa-psk\n"
        f"psk={s('wifi')}\n[802-1x]\npassword={s('802.1x')}\n"))


def _kernel(host: Planted) -> None:
    s = host.secret
    host.file("/etc/sysctl.d/99-planted.conf", (
        f"kernel.domainname = {s('sysctl word')}\nnet.ipv4.planted = {s('sysctl')}\n# {s('sysctl comment')}\n"), 0o644)
    host.file("/etc/kernel/cmdline", f"root=/dev/sda1 systemd.set_credential=a:{s('kernel command line')}\n", 0o644)


def _package_manager(host: Planted) -> None:
    s = host.secret
    host.file("/etc/yum.repos.d/planted.repo", (
        f"[planted]\nname=planted\nbaseurl=http://joe:{s('repo address')}@192.0.2.9:9/$planted_token/\nenabled=0\n"
        f"username=joe\npassword={s('repo password')}\nproxy=http://joe:{s('repo proxy')}@192.0.2.8:3128\n"
        f"proxy_password={s('repo proxy password')}\n"))
    host.file("/etc/dnf/vars/planted_token", f"{s('dnf variable')}\n")
