# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host images: the registry's where it can be pulled, else a stand-in made of Debian packages with the face of CentOS.

A stand-in's rpmdb owns the stock builds of the lab, installed over Debian's files. What else dpkg owns is told to rpm
by one base package, which provides those sonames (with symbol versions) and commands.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import typing as t

from . import debs, keys, plugins, pulled, rpms
from .architecture import HOSTS
from .common import HERE, ROOT, RPMBUILD, LabError, code_of, digest, locked, run, say, scratch_beside, table

DBPATHS = {9: "/var/lib/rpm", 10: "/usr/lib/sysimage/rpm"}

DEBIAN_PACKAGES = (
    "systemd", "systemd-sysv", "udev", "libpam-systemd", "libnss-myhostname", "libnss-systemd", "dbus", "dnf", "rpm",
    "python3-dnf", "python3-rpm", "python3-selinux", "iptables", "iproute2",
    "openssh-server", "procps", "kmod", "ca-certificates", "gpg", "cpio", "ethtool", "lz4", "zstd", "psmisc",
)

# Gives the container a boot id of its own, so that a reboot is seen as one. The firmware is the machine's, and no container's.
INIT = """#!/bin/sh
[ ! -d /sys/firmware/efi ] || mount -t tmpfs none /sys/firmware
cat /proc/sys/kernel/random/uuid > /run/lab-boot-id
mount --bind /run/lab-boot-id /proc/sys/kernel/random/boot_id
exec /sbin/init
"""

ALTERNATIVES_FOLDER = "/usr/libexec/lab-alternatives"
ALTERNATIVES = ("alternatives/__init__", "alternatives/arguments", "alternatives/families", "alternatives/program")
ALTERNATIVES_PROGRAM = f"""#!/usr/bin/python3
import sys
sys.path.insert(0, {ALTERNATIVES_FOLDER!r})
from alternatives.program import Program
sys.exit(Program().main(sys.argv[1:]))
"""

BASE_SPEC = """\
%global debug_package %{{nil}}
Name: lab-base
Version: {stream}
Release: 1.el{stream}
Summary: What the stand-in image has from Debian, in the words of rpm
License: GPL-3.0-or-later
Vendor: CentOS
{provides}
%description
What the stand-in image has from Debian, in the words of rpm.
%files
"""


class Image(t.NamedTuple):
    """A host image: its root folder, what it is, in words, and whether its repositories are the lab's."""

    root: pathlib.Path
    kind: str
    words: str
    mirrored: bool = True


def image(stream: int, apt: debs.Apt, mirror: pulled.Mirror) -> Image:
    """Return the host image of a stream, built where it is not yet."""
    choice = os.environ.get("HYPERSCALE_LAB_IMAGES", "auto")
    if choice not in ("auto", "registry", "standin"):
        raise LabError(f"HYPERSCALE_LAB_IMAGES is {choice!r}: choose auto, registry or standin")
    with locked("images"):
        if choice != "standin":
            answer = pulled.pull(stream, insist=choice == "registry")
            if answer.identity:
                root = pulled.root(stream, answer.identity, INIT, mirror)
                words = f"{pulled.REGISTRY[stream]} from the registry"
                return Image(root, "registry", words, pulled.asks(root, mirror.name))
        suite = table()["images"][stream]["suite"]
        words = f"stand-in for CentOS Stream {stream}, made of Debian {suite}"
        return Image(_stand_in_root(stream, suite, apt), "standin", words)


def _stand_in_root(stream: int, suite: str, apt: debs.Apt) -> pathlib.Path:
    packages = rpms.installed_packages(stream)
    debian = [*DEBIAN_PACKAGES, *table()["images"][stream]["libraries"]]
    inputs = digest(
        suite, debian, INIT, BASE_SPEC, [path.name for path in packages], code_of("images", "plugins", *ALTERNATIVES),
        [path.stat().st_size for path in packages], keys.fingerprint("hyperscale"))
    folder = ROOT / "images" / f"standin-{stream}-{inputs}"
    if not folder.exists():
        say(f"building the stand-in image of Stream {stream} out of Debian {suite}")
        scratch = scratch_beside(folder)
        root = scratch / "root"
        run([
            "nice", "mmdebstrap", f"--architectures={HOSTS.debian}", "--variant=minbase", f"--include={','.join(debian)}",
            "--skip=check/empty", suite, root, debs.mirror()])
        base = _base_package(stream, root, scratch)
        _install_over(root, stream, [base, *packages])
        _face(root)
        _register(root, packages)
        root.rename(folder)
        shutil.rmtree(scratch)
    return folder


def _wrapped_debs() -> set[str]:
    """Return the Debian packages whose payload the installed stock packages carry: rpm owns those files."""
    installed = set(table()["installed"])
    return {
        deb for row in table()["builds"] for name, package in row["packages"].items() if name in installed
        for deb in package.get("debs", [])}


def _base_package(stream: int, root: pathlib.Path, scratch: pathlib.Path) -> pathlib.Path:
    owned: set[str] = set()
    for listing in (root / "var/lib/dpkg/info").glob("*.list"):
        if listing.stem.split(":")[0] not in _wrapped_debs():
            owned.update(listing.read_text().split("\n"))
    libraries = [f"{root}{path}" for path in owned if ".so" in path and _is_elf(root / path[1:])]
    found = subprocess.run(
        ["/usr/lib/rpm/elfdeps", "--provides"], input="".join(f"{path}\n" for path in libraries),
        capture_output=True, text=True, check=True).stdout
    provides = set(found.split("\n")) - {""}
    # Commands a package may require by path, under the merged /usr and the old names alike.
    for path in owned:
        folder = path.rsplit("/", 1)[0]
        if folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin") and (root / path[1:]).exists():
            name = path.rsplit("/", 1)[1]
            short = folder.replace("/usr", "")
            provides.update({f"{short}/{name}", f"/usr{short}/{name}"})
    python = next((root / "usr/bin").glob("python3.*")).name
    provides |= {f"python(abi) = {python[len('python'):]}", "rtld(GNU_HASH)", "bash", "coreutils", "grep"}
    provides |= {"dbus", "kmod", "alternatives"}
    spec = scratch / "base.spec"
    spec.write_text(BASE_SPEC.format(
        stream=stream, provides="\n".join(f"Provides: {name}" for name in sorted(provides))))
    run([*RPMBUILD, "--define", f"_topdir {scratch}/top", "--define", f"_rpmdir {scratch}/out", spec])
    built = next((scratch / "out").rglob("*.rpm"))
    keys.sign("centos", [built])
    return built


def _is_elf(path: pathlib.Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as handle:
        return handle.read(4) == b"\x7fELF"


def _install_over(root: pathlib.Path, stream: int, packages: list[pathlib.Path]) -> None:
    """Let the image's own rpm install the stock packages over Debian's files."""
    plugins.load(root)
    # Debian keeps the database in the home folder; CentOS has a place for it that packages agree on.
    (root / "etc/rpm/macros.dbpath").write_text(f"%_dbpath {DBPATHS[stream]}\n")
    inside = root / "var/tmp/stock"
    inside.mkdir(parents=True)
    for path in packages:
        shutil.copy(path, inside)
    run([
        "chroot", root, "rpm", "-i", "--noscripts", "--notriggers", "--replacefiles", "--nosignature",
        *(f"/var/tmp/stock/{path.name}" for path in packages)])
    shutil.rmtree(inside)
    # What scriptlets of the stock builds have made where they were installed one day.
    run(["chroot", root, "systemd-hwdb", "update"])
    run(["chroot", root, "journalctl", "--update-catalog"])


def _face(root: pathlib.Path) -> None:
    """Make the image a host: its own init, ssh for the lab's key, and nothing that says Debian to Ansible."""
    (root / "usr/sbin/lab-init").write_text(INIT)
    (root / "usr/sbin/lab-init").chmod(0o755)
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text((keys.home() / "ssh.pub").read_text())
    (root / "etc/debian_version").unlink(missing_ok=True)
    (root / "etc/machine-id").write_text("")
    _accounts(root)
    (root / "etc/dnf/dnf.conf").write_text(
        "[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n")
    for unit in ("ssh.service", "dbus.service"):
        run(["systemctl", f"--root={root}", "is-enabled", unit])


def _accounts(root: pathlib.Path) -> None:
    """Have the user nobody as CentOS has it: systemd's scriptlets know one of another kind."""
    passwd = root / "etc/passwd"
    passwd.write_text(re.sub(r"(?m)^nobody:.*$", "nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin", passwd.read_text()))


def _register(root: pathlib.Path, packages: list[pathlib.Path]) -> None:
    """Have alternatives as CentOS has them: chkconfig's files, and in them what the installed packages register."""
    program = root / "usr/sbin/alternatives"
    program.write_text(ALTERNATIVES_PROGRAM)
    program.chmod(0o755)
    for name in ALTERNATIVES:
        path = root / ALTERNATIVES_FOLDER.lstrip("/") / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / f"{name}.py", path)
    (root / "usr/sbin/update-alternatives").symlink_to("alternatives")
    (root / "var/lib/alternatives").mkdir()
    shutil.rmtree(root / "var/lib/dpkg/alternatives")
    # What the rpmdb does not own of Debian's iptables would be there before its package is.
    for path in (root / "usr/sbin").glob("*tables-legacy*"):
        path.unlink()
    for path in packages:
        script = run(["rpm", "-qp", "--nosignature", "--qf", "%{POSTIN}", path])
        if "update-alternatives" in script:
            run(["chroot", root, "/bin/sh", "-c", script, path.name, "1"])
