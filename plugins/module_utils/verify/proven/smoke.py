# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A harmless command for each package, which ends with status 0 where the package works at all."""

from __future__ import annotations

import typing as t

from ...facts.view import NOT_FOUND, View

# Package -> command. None of them writes, asks a daemon or needs the network.
COMMANDS: dict[str, tuple[str, ...]] = {
    "alternatives": ("alternatives", "--version"),
    "atuin": ("atuin", "--version"),
    "autoconf": ("autoconf", "--version"),
    "awscli2": ("aws", "--version"),
    "bpftool": ("bpftool", "version"),
    "btrfs-progs": ("btrfs", "version"),
    "chkconfig": ("chkconfig", "--version"),
    "createrepo_c": ("createrepo_c", "--version"),
    "crun": ("crun", "--version"),
    "dbus-broker": ("dbus-broker", "--version"),
    "dnf": ("dnf", "--version"),
    "dnsmasq": ("dnsmasq", "--version"),
    "dracut": ("dracut", "--version"),
    "e2fsprogs": ("mke2fs", "-V"),
    "elfutils": ("eu-readelf", "--version"),
    "emacs": ("emacs", "--version"),
    "ethtool": ("ethtool", "--version"),
    "fio": ("fio", "--version"),
    "fish": ("fish", "--version"),
    "git-lfs": ("git-lfs", "version"),
    "iperf3": ("iperf3", "--version"),
    "iptables-legacy": ("iptables-legacy", "-V"),
    "iptables-nft": ("iptables-nft", "-V"),
    "kernel-tools": ("cpupower", "--version"),
    "kexec-tools": ("kexec", "--version"),
    "kpatch": ("kpatch", "version"),
    "libvirt-client": ("virsh", "--version"),
    "lz4": ("lz4", "--version"),
    "mstflint": ("mstflint", "--version"),
    "neovim": ("nvim", "--version"),
    "openssh-clients": ("ssh", "-V"),
    "openssh-server": ("sshd", "-t"),
    "pciutils": ("lspci", "--version"),
    "perf": ("perf", "--version"),
    "qemu-img": ("qemu-img", "--version"),
    "rasdaemon": ("rasdaemon", "--version"),
    "rpm": ("rpm", "--version"),
    "rpm-build": ("rpmbuild", "--version"),
    # Reads how the policy labels a path.
    "selinux-policy-targeted": ("matchpathcon", "/usr"),
    "socat": ("socat", "-V"),
    "sqlite": ("sqlite3", "-version"),
    "systemd": ("systemctl", "--version"),
    "systemd-boot-unsigned": ("bootctl", "--version"),
    "systemd-container": ("machinectl", "--version"),
    "systemd-networkd": ("networkctl", "--version"),
    "systemd-oomd": ("oomctl", "--version"),
    "systemd-resolved": ("resolvectl", "--version"),
    "systemd-udev": ("udevadm", "--version"),
    "tar": ("tar", "--version"),
    "tmux": ("tmux", "-V"),
    "tree-sitter-cli": ("tree-sitter", "--version"),
    "zsh": ("zsh", "--version"),
    "zstd": ("zstd", "--version"),
}
WORDS = 200


# Commands that read configuration of the host, and print lines of it where they do not like them.
READING = ("openssh-server",)


class Outcome(t.NamedTuple):
    """How a command ended: C(status) is 127 where there is none, C(said) the end of what it printed, unless that is READING."""

    command: str
    status: int
    said: str


def tried(view: View, names: t.Iterable[str]) -> dict[str, Outcome]:
    """Return how the command of each named package ends, for those that have one."""
    found = {}
    for name in sorted(set(names) & COMMANDS.keys()):
        # Not remembered: the same command is asked before and after a swap.
        status, out = view.run(list(COMMANDS[name]))
        said = "" if name in READING else out.strip()[-WORDS:]
        found[name] = Outcome(" ".join(COMMANDS[name]), status, said)
    return found


def words(outcome: Outcome) -> str:
    """Say how a command ended."""
    if outcome.status == NOT_FOUND and not outcome.said:
        return f"'{outcome.command}' is not there."
    if outcome.command in {" ".join(COMMANDS[name]) for name in READING}:
        return f"'{outcome.command}' ended with status {outcome.status}. What it says of the configuration is not shown: run it."
    return f"'{outcome.command}' ended with status {outcome.status} and said: {' '.join(outcome.said.split()) or 'nothing'}."
