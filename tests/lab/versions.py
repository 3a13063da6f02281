# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root with the versions of Stream 9 itself, Python 3.9 and rpm 4.16, out of Debian 11. The stand-in has newer ones.

It has no dnf: that of Debian 11 is older than that of Stream 9.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

from . import debs
from .architecture import ARCH
from .common import HERE, ROOT, LabError, digest, locked, run, say

SUITE = "bullseye"
MIRROR = "HYPERSCALE_LAB_BULLSEYE_MIRROR"
PACKAGES = (
    "rpm", "python3-rpm", "gpg", "gpg-agent", "xz-utils", "zstd", "cpio", "procps", "kmod", "iproute2", "e2fsprogs", "attr",
    "psmisc", "systemd")
# Debian builds rpm 4.16 with another default.
MACROS = "%_db_backend sqlite\n"
REQUIREMENTS = HERE / "versions.txt"
# Where the Python packages are in the root.
LIBRARIES = "srv/libraries"

# Arguments: the root, a folder for the overlay, "PATH=FOLDER" for each folder of this machine that is shown at a path in the
# root, where nothing can be written to it, "--", the command. The root stays as it is, and all mounts go with the process.
INSIDE = """
set -e
root=$1 layers=$2
shift 2
mkdir -p "$layers/upper" "$layers/work" "$layers/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$layers/upper,workdir=$layers/work" "$layers/root"
# A file of an overlay may seem to be on another device than its folder.
mkdir -m 1777 "$layers/tmp"
mount --bind "$layers/tmp" "$layers/root/tmp"
mount -t proc proc "$layers/root/proc"
mount --rbind /dev "$layers/root/dev"
mount --rbind /sys "$layers/root/sys"
while test "$1" != --; do
    mkdir -p "$layers/root/${1%%=*}"
    mount --bind "${1#*=}" "$layers/root/${1%%=*}"
    mount -o remount,bind,ro "$layers/root/${1%%=*}"
    shift
done
shift
cd "$layers/root"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/srv/libraries \
    chroot "$layers/root" "$@"
"""


def inside(root: pathlib.Path, layers: pathlib.Path, shown: t.Mapping[str, pathlib.Path], argv: t.Sequence[str]) -> list[str]:
    """Return the command that runs another one in a root, whose changes go to a folder."""
    binds = [f"{path.lstrip('/')}={folder}" for path, folder in shown.items()]
    return [
        "unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh", str(root), str(layers), *binds, "--", *argv]


def mirror() -> str:
    """Return the mirror that has the suite."""
    return os.environ.get(MIRROR) or debs.mirror()


def root() -> pathlib.Path:
    """Return the root, built where it is not yet."""
    inputs = digest(SUITE, PACKAGES, MACROS, REQUIREMENTS.read_text())
    folder = ROOT / "images" / f"versions-9-{inputs}"
    with locked("images"):
        if not folder.exists():
            say(f"building a root with Python 3.9 and rpm 4.16 out of Debian {SUITE}")
            scratch = pathlib.Path(f"{folder}.part")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            try:
                _debian(scratch / "root")
                _libraries(scratch / "root" / LIBRARIES)
                (scratch / "root").rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _debian(folder: pathlib.Path) -> None:
    try:
        run([
            "nice", "mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "--skip=check/empty",
            f"--keyring={debs.KEYRING}", SUITE, folder, mirror()])
    except LabError as error:
        raise LabError(
            f"{error}\nDebian {SUITE} cannot be had from {mirror()}. Where that mirror no longer has the suite, name one that "
            f"has it, such as one of archived releases, in {MIRROR}") from None
    (folder / "etc/rpm").mkdir(exist_ok=True)
    (folder / "etc/rpm/macros.stream9").write_text(MACROS)


def _libraries(folder: pathlib.Path) -> None:
    """Put Python packages for Python 3.9 there. The pip of this machine fetches them: the root needs no network."""
    platforms = [word for name in ("manylinux2014", "manylinux_2_17") for word in ("--platform", f"{name}_{ARCH}")]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
         "--implementation", "cp", "--python-version", "3.9", *platforms, "--target", str(folder), "-r", str(REQUIREMENTS)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise LabError(f"pip cannot fetch the Python packages of {REQUIREMENTS.name} for Python 3.9:\n{done.stdout[-3000:]}")
