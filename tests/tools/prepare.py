# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a machine for the project: system packages, the pinned tools in .venv, and the collection's path.

Runs with any Python 3 of the system; says what it does, and names what is missing where it cannot install it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
VENV = TREE / ".venv"
REQUIREMENTS = TREE / "tests" / "requirements.txt"
COLLECTION = TREE / ".cache" / "collections" / "ansible_collections" / "centos" / "hyperscale"

# Package of the system -> a path that shows that it is there.
SYSTEM = {
    "python3-rpm": "/usr/lib/python3/dist-packages/rpm/__init__.py",
    "python3-dnf": "/usr/lib/python3/dist-packages/dnf/__init__.py",
    "rpm": "/usr/bin/rpmbuild",
    "git": "/usr/bin/git",
    "openssh-client": "/usr/bin/ssh",
    # GRUB's file system drivers as a program, and the file systems that they read in tests/grub.
    "grub-common": "/usr/bin/grub-fstest",
    "e2fsprogs": "/usr/sbin/mkfs.ext4",
    "xfsprogs": "/usr/sbin/mkfs.xfs",
    "btrfs-progs": "/usr/sbin/mkfs.btrfs",
    "dosfstools": "/usr/sbin/mkfs.vfat",
}


def main() -> int:
    """Install what is missing; return 1 when that could not be done."""
    missing = [package for package, path in SYSTEM.items() if not pathlib.Path(path).exists()]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    if missing and not _install(missing):
        return 1
    if subprocess.run([sys.executable, str(TREE / "tests" / "lab"), "install"], check=False).returncode:
        return 1
    _tools()
    COLLECTION.parent.mkdir(parents=True, exist_ok=True)
    if not COLLECTION.is_symlink():
        COLLECTION.symlink_to("../../../..")
    return 0


def _install(packages: list[str]) -> bool:
    print(f"prepare: installing {' '.join(packages)}", flush=True)
    if not shutil.which("apt-get"):
        print(f"prepare: this machine has no apt-get. Install: {' '.join(packages)}", file=sys.stderr)
        return False
    for argv in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]):
        if subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode:
            print(f"prepare: {' '.join(argv[:2])} failed. Install by hand: {' '.join(packages)}", file=sys.stderr)
            return False
    return True


def _tools() -> None:
    """Make .venv anew when the pins changed. It sees the system's rpm and dnf bindings, which PyPI does not have."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = VENV / "pins"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    print("prepare: installing the pinned tools into .venv", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", str(VENV)], check=True)
    result = subprocess.run(
        [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        print(result.stdout, file=sys.stderr)
        sys.exit("prepare: pip could not install the pinned tools")
    stamp.write_text(wanted)
    print(f"prepare: done in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
