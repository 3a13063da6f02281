# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as operators leave them: a mix of what people do to a host, the same for the same seed. Pure: nothing here acts.

Also what may differ between two fingerprints of a host that went to Hyperscale and back, each with the reason.
"""

from __future__ import annotations

import random
import re
import typing as t

MIRROR = "http://mirror.lab:8780"
# How many preparations a host gets, of all that there are.
SHARE = 10
SETS = ("compression", "container-tools", "e2fsprogs", "ethtool", "kpatch")
# What is installed before, so that a set has something to move.
STOCK_OF_SETS = {"container-tools": "crun", "e2fsprogs": "e2fsprogs", "kpatch": "kpatch"}


class Preparation(t.NamedTuple):
    """One thing that somebody did to a host: files written first, then commands run, each an argument list."""

    name: str
    files: dict[str, str] = {}
    commands: tuple[tuple[str, ...], ...] = ()


class Prepared(t.NamedTuple):
    """A host: what was done to it, and the sections of its adoption."""

    preparations: list[Preparation]
    sections: dict[str, list[dict[str, t.Any]]]


class Line(t.NamedTuple):
    """A line of a fingerprint about a path, without the path."""

    mode: str
    owner: str
    when: str
    content: str


def append(path: str, line: str) -> tuple[str, ...]:
    """Return the command that puts a line at the end of a file."""
    return ("sed", "-i", f"$a {line}", path)


def edited_settings(rng: random.Random) -> Preparation:
    """Lines in configuration files that the systemd packages ship."""
    return Preparation("edited settings", commands=(
        append("/etc/systemd/logind.conf", f"KillUserProcesses={rng.choice(['yes', 'no'])}"),
        append("/etc/systemd/journald.conf", f"SystemMaxUse={rng.randint(32, 256)}M"),
        append("/etc/udev/udev.conf", "udev_log=err")))


def edited_manager(rng: random.Random) -> Preparation:
    """A limit of PID 1."""
    return Preparation("edited system.conf", commands=(
        append("/etc/systemd/system.conf", f"DefaultLimitNOFILE={rng.randint(2000, 4000)}"), ("systemctl", "daemon-reexec")))


def changed_mode(rng: random.Random) -> Preparation:
    """Another mode and owner of a file that a package ships."""
    path = rng.choice(["/etc/systemd/journald.conf", "/etc/systemd/sleep.conf", "/etc/systemd/user.conf"])
    return Preparation("changed mode", commands=(("chmod", "0640", path), ("chown", "root:adm", path)))


def deleted_setting(rng: random.Random) -> Preparation:
    """A configuration file that is not there any more."""
    return Preparation("deleted configuration", commands=(
        ("rm", "--", rng.choice(["/etc/systemd/pstore.conf", "/etc/systemd/sleep.conf"])),))


def edited_code(rng: random.Random) -> Preparation:
    """A file that is no configuration and yet was edited."""
    path = rng.choice(["/usr/lib/udev/rules.d/60-evdev.rules", "/usr/lib/udev/rules.d/60-serial.rules"])
    return Preparation("edited package file", commands=(append(path, "# Of the operator"),))


def drop_ins(rng: random.Random) -> Preparation:
    """Drop-ins for units that move."""
    unit = rng.choice(["systemd-logind.service", "systemd-udevd.service", "systemd-journald.service"])
    return Preparation(
        "drop-ins", {f"/etc/systemd/system/{unit}.d/10-local.conf": f"[Service]\nLimitNOFILE={rng.randint(2000, 9000)}\n"},
        (("systemctl", "daemon-reload"),))


def masked_units(rng: random.Random) -> Preparation:
    """Units that nobody shall start."""
    unit = rng.choice(["systemd-pstore.service", "systemd-sysext.service", "debug-shell.service"])
    return Preparation("masked units", commands=(("systemctl", "mask", unit),))


def switched_units(rng: random.Random) -> Preparation:
    """Units of the packages that are enabled or disabled unlike their presets, and one of the operator's."""
    return Preparation("switched units", {
        "/etc/systemd/system/local-job.service":
            f"[Service]\nExecStart=/usr/bin/sleep infinity\nNice={rng.randint(1, 9)}\n[Install]\nWantedBy=multi-user.target\n",
    }, (
        ("systemctl", "disable", rng.choice(["remote-fs.target", "systemd-pstore.service"])),
        ("systemctl", "enable", rng.choice(["systemd-boot-check-no-failures.service", "reboot.target"])),
        ("systemctl", "enable", "--now", "local-job.service")))


def presets(rng: random.Random) -> Preparation:
    """Presets that ask for something else than those of the packages."""
    word = rng.choice(["enable", "disable"])
    return Preparation("presets", {
        "/etc/systemd/system-preset/10-local.preset": f"{word} systemd-oomd.service\ndisable systemd-pstore.service\n"})


def alternatives(rng: random.Random) -> Preparation:
    """A family of the operator's own, on a target of low priority."""
    first, second = "/usr/local/bin/pager-plain", "/usr/local/bin/pager-rich"
    script = "#!/usr/bin/sh\nexec cat\n"
    commands = [("chmod", "0755", first, second)]
    for path, priority in ((first, "10"), (second, str(rng.randint(20, 90)))):
        commands.append(("update-alternatives", "--install", "/usr/local/bin/pager", "local-pager", path, priority))
    return Preparation("alternatives", {first: script, second: script}, (
        *commands, ("update-alternatives", "--set", "local-pager", first)))


def manual_iptables(_rng: random.Random) -> Preparation:
    """The family of a package that stays, selected by hand."""
    return Preparation("manual iptables", commands=(
        ("update-alternatives", "--set", "iptables", "/usr/sbin/iptables-nft"),))


def repositories(rng: random.Random) -> Preparation:
    """Repositories of the operator's, one in use and one not, with options."""
    return Preparation("repositories", {
        "/etc/yum.repos.d/local.repo":
            "# Of the operator\n[local-tools]\nname = Tools of our own\n"
            f"baseurl = {MIRROR}/$stream/BaseOS/$basearch/os/\ngpgcheck = 1\n"
            "gpgkey = file:///etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial\nenabled = 1\n"
            f"priority = {rng.randint(50, 98)}\nincludepkgs = nftables, libndp\n\n"
            f"[local-old]\nname=No longer\nbaseurl={MIRROR}/gone/\nenabled=0\nmetadata_expire=1d\ncost=2000\n"})


def switched_repository(rng: random.Random) -> Preparation:
    """A shipped repository that somebody set otherwise."""
    return Preparation("switched repository", commands=(
        ("sed", "-i", rf"/^\[{rng.choice(['crb', 'extras-common'])}\]/a metadata_expire=7200", "/etc/yum.repos.d/centos.repo",
         "/etc/yum.repos.d/centos-addons.repo"),))


def version_locks(rng: random.Random) -> Preparation:
    """Version locks on packages that nobody moves."""
    return Preparation("version locks", commands=(
        ("dnf", "-y", "-q", "install", "python3-dnf-plugin-versionlock"),
        ("dnf", "-q", "versionlock", "add", rng.choice(["iptables-nft", "iptables-libs", "centos-stream-release"]))))


def excludes(rng: random.Random) -> Preparation:
    """An exclude and another setting in dnf.conf."""
    return Preparation("excludes", commands=(
        append("/etc/dnf/dnf.conf", f"excludepkgs={rng.choice(['dnsmasq', 'NetworkManager*', 'nftables'])}"),
        append("/etc/dnf/dnf.conf", "# Of the operator")))


def reasons(_rng: random.Random) -> Preparation:
    """Packages that dnf was told to have on request, or for others."""
    return Preparation("reasons", commands=(
        ("dnf", "-q", "mark", "install", "systemd-pam"), ("dnf", "-q", "mark", "remove", "zstd")))


def sysctls(rng: random.Random) -> Preparation:
    """Kernel settings, which nobody has applied yet."""
    return Preparation("sysctls", {"/etc/sysctl.d/60-local.conf": f"net.ipv4.conf.all.log_martians = {rng.randint(0, 1)}\n"})


def users(rng: random.Random) -> Preparation:
    """People and services of the operator's."""
    return Preparation("users", commands=(
        ("useradd", "--system", "--uid", str(rng.randint(700, 790)), "--shell", "/usr/sbin/nologin", "local-service"),
        ("useradd", "--create-home", "operator1")))


def packet_rules(rng: random.Random) -> Preparation:
    """Rules of the packet filter."""
    return Preparation("packet rules", commands=(
        ("iptables-nft", "-N", "LOCAL"),
        ("iptables-nft", "-A", "LOCAL", "-p", "tcp", "--dport", str(rng.randint(1024, 9999)), "-j", "ACCEPT"),
        ("iptables-nft", "-A", "INPUT", "-j", "LOCAL")))


def rules_of_devices(rng: random.Random) -> Preparation:
    """A rule of udev's that shadows one of the package, and one more."""
    return Preparation("device rules", {
        "/etc/udev/rules.d/60-evdev.rules": "# Nothing of it\n",
        "/etc/udev/rules.d/99-local.rules": f'KERNEL=="null", MODE="0{rng.choice(["666", "622"])}"\n'})


MAKERS: tuple[t.Callable[[random.Random], Preparation], ...] = (
    edited_settings, edited_manager, changed_mode, deleted_setting, edited_code, drop_ins, masked_units, switched_units, presets,
    alternatives, manual_iptables, repositories, switched_repository, version_locks, excludes, reasons, sysctls, users,
    packet_rules, rules_of_devices,
)


def host(stream: int, number: int) -> Prepared:
    """Return the host of a stream with a number. Two numbers in a row have every preparation between them."""
    shuffled = list(MAKERS)
    random.Random(f"{stream} {number // 2}").shuffle(shuffled)
    rng = random.Random(f"{stream} {number // 2} {number % 2}")
    chosen = shuffled[:SHARE] if number % 2 == 0 else shuffled[-SHARE:]
    sets = sorted(rng.sample(SETS, rng.randint(1, 2)))
    stock = [STOCK_OF_SETS[name] for name in sets if name in STOCK_OF_SETS]
    first = [Preparation("stock packages", commands=(("dnf", "-y", "-q", "install", *stock),))] if stock else []
    sections: dict[str, list[dict[str, t.Any]]] = {
        "packages": [{"family": "systemd"}, *({"set": name} for name in sets)], "manager": [{}]}
    if rng.random() < 0.5:
        sections["packages"].append({"family": "systemd", "to": "installed", "capabilities": ["systemd-oomd-defaults"]})
        sections["oomd"] = [{"units": [{"name": "system.slice", "preference": "avoid"}]}]
    if rng.random() < 0.5:
        sections["locks"] = [{"set": name, "versions": True} for name in sets]
    # As they stand in the table: an edited file is edited before its mode changes.
    return Prepared(first + [maker(rng) for maker in MAKERS if maker in chosen], sections)


# What an operator does between adoption and going back. By path, what is to be there afterwards: its last line.
LATER = (
    (append("/etc/systemd/logind.conf", "HandlePowerKey=ignore"), "/etc/systemd/logind.conf", "HandlePowerKey=ignore"),
    (append("/etc/udev/udev.conf", "event_timeout=90"), "/etc/udev/udev.conf", "event_timeout=90"),
    (append("/etc/dnf/dnf.conf", "keepcache=1"), "/etc/dnf/dnf.conf", "keepcache=1"),
    (append("/etc/yum.repos.d/centos.repo", "# Later"), "/etc/yum.repos.d/centos.repo", "# Later"),
)

# What may differ afterwards, by path, and why.
ALLOWED = (
    (r"/var/lib/centos-hyperscale(/|$)", "the journal, the snapshots and what was saved stay"),
    (r"/var/cache/dnf(/|$)", "dnf read repositories"),
    (r"/var/lib/dnf(/|$)", "dnf's history names the transactions"),
    (r"(/var/lib/rpm|/usr/lib/sysimage/rpm)(/|$)", "rpm's database names when packages came; its content is compared by itself"),
    (r"/etc/(passwd|group|shadow|gshadow)-?$", "scriptlets make users, which rpm never removes: see accounts"),
    (r".*/(__pycache__(/|$)|dnf-plugins$)", "Python compiles what it runs, and rpm leaves the folder of a plugin for that"),
    (r"/var/lib/systemd/(ephemeral-trees|network)$|/etc/(default/locale|vconsole\.conf)$",
     "systemd-tmpfiles makes them by what a build of systemd brings, and nothing takes them away"),
    (r"/etc/(profile\.d|security/limits\.d|ssh/ssh_config\.d)$|/usr/share/(metainfo|mime|mime/packages)$",
     "empty folders that package filesystem has, and that belong to nobody in the lab: rpm removes or leaves them"),
)
PATH = re.compile(r"^(/.*?) ([0-7]+) (\d+:\d+) (\d*) (.*)$")


def differences(before: t.Iterable[str], after: t.Iterable[str], owned: t.Container[str]) -> list[str]:
    """Return what differs between two fingerprints and has no reason to, in words. Times of C(owned) paths are the packages'."""
    was, now = _by_path(before), _by_path(after)
    found = []
    for path in sorted({*was, *now}):
        if any(re.match(pattern, path) for pattern, _why in ALLOWED):
            continue
        if path not in now or path not in was:
            found.append(f"{path}: {'gone' if path not in now else 'new'}")
            continue
        names = [name for name, old, new in zip(Line._fields, was[path], now[path]) if old != new]
        if path in owned and "when" in names:
            names.remove("when")
        if names:
            found.append(f"{path}: {', '.join(names)}")
    return found + _others(before, after)


def accounts(before: t.Sequence[str], after: t.Sequence[str]) -> list[str]:
    """Return what is wrong with the lines of passwd or group: those of before must stay, and only system accounts may come."""
    come = [line for line in after if line not in before]
    return [f"gone: {line}" for line in before if line not in after] + [
        f"new: {line}" for line in come if not 0 < int(line.split(":")[2]) < 1000]


def _by_path(lines: t.Iterable[str]) -> dict[str, Line]:
    matches = (PATH.match(line) for line in lines)
    return {match.group(1): Line(*match.groups()[1:]) for match in matches if match}


def _others(before: t.Iterable[str], after: t.Iterable[str]) -> list[str]:
    """Return which packages and unit files are others; the time when a package came is not compared."""
    was, now = ({_untimed(line) for line in lines if not PATH.match(line)} for lines in (before, after))
    return [f"gone: {line}" for line in sorted(was - now)] + [f"new: {line}" for line in sorted(now - was)]


def _untimed(line: str) -> str:
    return line.rpartition(" ")[0] if line.startswith("rpm ") else " ".join(line.split())
