# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is started after a power cut right after each write to /boot: the last table of docs/boot.md.

The collection's own steps (C(grub_steps.py)) write to the disk of a machine, and the disk is copied while it is mounted: such a
copy has what a machine would have whose power was cut at that moment. GRUB itself starts a machine from it, up to its systemd.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import disks, menus, mounts, rpms  # noqa: E402

from .kernels import title  # noqa: E402

REPOSITORY = "experimental"
# Arguments: the disk, where to mount it, the collection, the program of the steps, the copy, the old kernel and the new one, and
# the steps. All but the last are done before: they are on the disk when it is mounted again.
INSIDE = """
set -e
disk=$1 root=$2 collection=$3 program=$4 copy=$5 old=$6 new=$7
shift 7
for step do
    mount -o loop "$disk" "$root"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    mkdir -p "$root/run/steps/ansible_collections/centos/hyperscale/plugins/module_utils"
    mount --bind "$collection/plugins/module_utils" "$root/run/steps/ansible_collections/centos/hyperscale/plugins/module_utils"
    cp "$program" "$root/run/steps/step.py"
    sync -f "$root"
    PYTHONPATH=/run/steps PYTHONDONTWRITEBYTECODE=1 chroot "$root" python3 /run/steps/step.py "$step" "$old" "$new"
    shift
    [ $# -gt 0 ] || cp --sparse=always "$disk" "$copy"
    umount --recursive "$root"
done
"""


class Disk(t.NamedTuple):
    """A disk with two kernels, of which the old one is the default."""

    path: pathlib.Path
    old: str
    new: str


@pytest.fixture(name="disk", scope="module", params=["ext4", "xfs"])
def fixture_disk(request, tmp_path_factory):
    images = lab_commands.build()
    folder = tmp_path_factory.mktemp("disk")
    source = disks.disk(9, images[9], disks.Kind(request.param, boot=disks.GRUB))
    subprocess.run(["cp", "--sparse=always", source, folder / "disk"], check=True)
    packages = rpms.web_root() / rpms.repositories(9)[REPOSITORY]["path"] / "Packages"
    coming = [path for path in packages.glob("kernel-*.rpm") if path.name.rsplit("-", 2)[0] in disks.KERNEL]
    with mounts.mounted(folder / "disk", folder / "root") as root:
        old, = (path.name.partition("-")[2] for path in (root / "boot").glob("vmlinuz-*"))
        (root / "etc/sysconfig/kernel").write_text("UPDATEDEFAULT=no\nDEFAULTKERNEL=kernel-core\n")
        inside = [root / "var/tmp" / path.name for path in coming]
        for path, place in zip(coming, inside):
            place.write_bytes(path.read_bytes())
        subprocess.run(
            ["chroot", root, "rpm", "-i", "--nosignature", *(f"/var/tmp/{path.name}" for path in coming)], check=True)
        for place in inside:
            place.unlink()
        new, = {path.name.partition("-")[2] for path in (root / "boot").glob("vmlinuz-*")} - {old}
    return Disk(folder / "disk", old, new)


@pytest.fixture(name="cut")
def fixture_cut(disk, tmp_path):
    """Carries steps out on a copy of the disk, and returns what the disk has right after the last one."""
    def carry_out(*steps):
        mine, copy, root = tmp_path / "mine", tmp_path / "copy", tmp_path / "root"
        root.mkdir()
        subprocess.run(["cp", "--sparse=always", disk.path, mine], check=True)
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh", mine, root, TREE,
             TREE / "tests/vm/grub_steps.py", copy, disk.old, disk.new, *steps], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        mine.unlink()
        return copy
    return carry_out


def boot(path, release):
    """Start a machine from a disk, see that GRUB starts a kernel, which comes to its systemd, and return what was started."""
    start, = menus.boots(path)
    assert start.title == title(release)
    assert start.arguments[0] == f"BOOT_IMAGE=/boot/vmlinuz-{release}"
    return start


def test_an_entry_is_changed(disk, cut):
    path = cut("argument")
    assert "lab.step=argument" in boot(path, disk.old).arguments
    boot(path, disk.old)


def test_a_transaction_brings_a_kernel(disk, cut):
    """GRUB lists it, and starts the one of before."""
    path = cut("removal", "transaction")
    assert boot(path, disk.old).menu == [title(disk.new), title(disk.old)]
    boot(path, disk.old)


def test_a_transaction_takes_a_kernel_away(disk, cut):
    path = cut("removal")
    assert boot(path, disk.old).menu == [title(disk.old)]
    boot(path, disk.old)


def test_an_entry_for_once_is_set(disk, cut):
    path = cut("once")
    boot(path, disk.new)
    boot(path, disk.old)


def test_a_try_that_panics_falls_back(disk, cut):
    path = cut("spoilt_once")
    starts = menus.boots(path)
    assert [start.title for start in starts] == [title(disk.new), title(disk.old)]
    assert "panic=10" in starts[0].arguments
    boot(path, disk.old)


def test_a_run_brings_a_kernel_and_has_it_started_once(disk, cut):
    """GRUB loads the files of which nothing is known to be written but by the collection."""
    path = cut("removal", "transaction_and_once")
    boot(path, disk.new)
    boot(path, disk.old)


def test_a_default_is_set(disk, cut):
    path = cut("default")
    boot(path, disk.new)
    boot(path, disk.new)


def test_what_is_only_in_the_journal_is_not_seen(disk, cut):
    """The case to guard against: an entry that is synced and renamed. GRUB does not see what programs would."""
    assert "lab.step=by_rename" not in boot(cut("by_rename"), disk.old).arguments


def test_what_a_transaction_by_hand_brings_is_not_seen(disk, cut):
    assert boot(cut("removal", "unsynced"), disk.old).menu == [title(disk.old)]
