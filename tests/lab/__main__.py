# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's commands: C(python3 tests/lab COMMAND)."""

from __future__ import annotations

import argparse
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

# What the lab calls, and the Debian package that has it.
COMMANDS = {
    "podman": "podman", "crun": "crun", "mmdebstrap": "mmdebstrap", "rpmbuild": "rpm", "createrepo_c": "createrepo-c",
    "gpg": "gpg", "gpg-agent": "gpg-agent", "ssh": "openssh-client", "ip": "iproute2", "iptables": "iptables",
    "dpkg-deb": "dpkg", "unshare": "util-linux", "zstd": "zstd", "cpio": "cpio",
    "cc": "gcc", "mkfs.btrfs": "btrfs-progs", "mkfs.xfs": "xfsprogs",
}
# And for virtual machines.
MACHINE_COMMANDS = {
    "busybox": "busybox-static", "mkfs.ext4": "e2fsprogs", "lz4": "lz4",
    "rpm2cpio": "rpm2cpio",
}
# Without hardware help QEMU 7 panics a kernel of today.
OLDEST_QEMU = 8
FILES = {
    "/usr/lib/podman/netavark": "netavark", "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "/usr/lib/python3/dist-packages/yaml": "python3-yaml",
}


def missing(machines: bool = False) -> list[str]:
    """Return the Debian packages that the lab needs and this machine lacks, with virtual machines or without."""
    from lab import architecture
    emulator, package = architecture.EMULATOR, architecture.HOSTS.package
    commands = {**COMMANDS, **architecture.COMMANDS, **({emulator: package, **MACHINE_COMMANDS} if machines else {})}
    found = [needed for command, needed in commands.items() if not shutil.which(command)]
    if machines and package not in found and qemu_version(emulator) < OLDEST_QEMU:
        found.append(package)
    return found + [needed for path, needed in FILES.items() if not pathlib.Path(path).exists()]


def qemu_version(emulator: str) -> int:
    """Return the major version of the QEMU that is installed."""
    told = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)", told)
    return int(found.group(1)) if found else 0


def install(machines: bool) -> int:
    """Install what is missing, or say what that is."""
    packages = missing(machines)
    if not packages:
        return 0
    print("lab: installing " + " ".join(packages), file=sys.stderr)
    if not shutil.which("apt-get"):
        print("lab: this machine has no apt-get: install " + " ".join(packages), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        options = backports(pathlib.Path(folder)) if any(name.startswith("qemu-system-") for name in packages) else []
        for argv in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            result = subprocess.run(["apt-get", *options, *argv], stdout=subprocess.DEVNULL, check=False)
            if result.returncode:
                print(f"lab: apt-get {' '.join(argv)} ended with status {result.returncode}: install by hand: "
                      f"{' '.join(packages)}", file=sys.stderr)
                return 1
    return 0


def backports(folder: pathlib.Path) -> list[str]:
    """Return apt's options that let Debian 12 take QEMU from its backports, for one call: no list of the machine changes."""
    if platform.freedesktop_os_release().get("VERSION_CODENAME") != "bookworm":
        return []
    from lab import debs
    source = folder / "backports.list"
    source.write_text(f"deb [signed-by={debs.KEYRING}] {debs.mirror()} bookworm-backports main\n")
    (folder / "lists/partial").mkdir(parents=True)
    return [
        "-o", f"Dir::Etc::SourceList={source}", "-o", f"Dir::State::Lists={folder / 'lists'}", "-o", "APT::Sandbox::User=root",
        "-o", "APT::Default-Release=bookworm-backports"]


def build() -> dict[int, t.Any]:
    """Build what is missing and return the image of each stream."""
    from lab import architecture, debs, hosts, images, rpms
    architecture.register()
    apt = debs.Apt()
    rpms.build_all(apt, hosts.SERVER)
    return {stream: images.image(stream, apt, hosts.mirror()) for stream in rpms.STREAMS}


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("doctor", "say what this machine lacks"), ("install", "install what this machine lacks")):
        commands.add_parser(name, help=text).add_argument("--vm", action="store_true", help="for virtual machines as well")
    commands.add_parser("build", help="build images and repositories; what is built already is kept")
    up = commands.add_parser("up", help="start a group of hosts and write its inventory")
    up.add_argument("--group", required=True)
    up.add_argument("--inventory", type=pathlib.Path, help="write the inventory there as well")
    up.add_argument("--vm", action="store_true", help="virtual machines instead of containers")
    up.add_argument("--filesystem", choices=("ext4", "xfs"), default="ext4", help="of a virtual machine's disk")
    up.add_argument("--selinux", action="store_true", help="a virtual machine on which SELinux enforces")
    up.add_argument(
        "--boot", choices=("launcher", "grub", "secure-boot"), default="launcher", help="what a virtual machine is started by")
    up.add_argument("hosts", nargs="+", metavar="NAME:STREAM")
    down = commands.add_parser("down", help="take a group of hosts away")
    down.add_argument("--group", required=True)
    clean = commands.add_parser("clean", help="take everything away but what was built")
    clean.add_argument("--cache", action="store_true", help="what was built as well")
    commands.add_parser("status", help="list the hosts")
    for name, text in (("ssh", "run a command on a host, or log in"), ("power-cut", "kill a host; it starts again")):
        command = commands.add_parser(name, help=text)
        command.add_argument("host")
        command.add_argument("argv", nargs="*")
    commands.add_parser("serve", help="serve the repositories in the foreground")
    machine = commands.add_parser("machine", help="be a virtual machine in the foreground; up --vm starts it")
    machine.add_argument("folder", type=pathlib.Path)
    machine.add_argument("address")
    options = parser.parse_args()
    if options.command == "doctor":
        print("\n".join(missing(options.vm)) or "nothing is missing")
        return 0
    if options.command == "install":
        return install(options.vm)
    return _do(options)


def _do(options: argparse.Namespace) -> int:
    from lab import disks, hosts, machines, server
    from lab.common import ROOT, LabError
    try:
        if options.command == "build":
            for image in build().values():
                print(image.words)
        elif options.command == "up":
            wanted = {name: int(stream) for name, _colon, stream in (word.partition(":") for word in options.hosts)}
            images = build()
            kind = disks.Kind(options.filesystem, options.selinux, options.boot) if options.vm else None
            inventory = hosts.up(options.group, wanted, images, kind)
            if options.inventory:
                shutil.copy(inventory, options.inventory)
            print(f"inventory: {inventory}")
            for stream in sorted(set(wanted.values())):
                print(f"host image of Stream {stream}: {images[stream].words}")
        elif options.command == "down":
            for host in [host for host in hosts.known() if host.group == options.group]:
                hosts.remove(host)
        elif options.command == "clean":
            hosts.clean()
            if options.cache:
                shutil.rmtree(ROOT, ignore_errors=True)
        elif options.command == "status":
            for host in hosts.known():
                print(f"{host.name:24} Stream {host.stream:<3} {host.address:14} group {host.group:12} {host.image}")
        elif options.command == "ssh":
            host = hosts.find(options.host)
            return subprocess.run([*hosts.ssh(host), *options.argv], check=False).returncode
        elif options.command == "power-cut":
            hosts.power_cut(hosts.find(options.host))
        elif options.command == "serve":
            server.serve(hosts.web_root(), (hosts.GATEWAY, hosts.LOOPBACK), hosts.PORT)
        elif options.command == "machine":
            machines.serve(options.folder, options.address)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
