# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel that comes where /boot has no room, or whose initramfs cannot be made: the default stays an entry that is whole."""

from __future__ import annotations

import pytest

from lab import hosts

from .conftest import TREE, WORKER, LiveHost, repositories

GUEST = TREE / "tests" / "lab" / "guest"
MIB = 1 << 20
FLAVOURS = {9: ["main", "experimental"], 10: ["main", "kernel"]}
# The makers of an initramfs: one as large as those of a real host, one that the disk fails, and one that leaves it empty.
MAKES = '#!/bin/sh\nset -e\n[ "$1" != add ] || head -c 4194304 /dev/urandom > "/boot/initramfs-$2.img"\n'
FILLS = """\
#!/bin/sh
set -e
[ "$1" = add ] || exit 0
# Another program takes all the room there is while the initramfs is made.
cat /dev/zero > /boot/of-another-program 2>/dev/null || :
rm -f "/boot/initramfs-$2.img"
head -c 4194304 /dev/urandom > "/boot/initramfs-$2.img.part"
mv "/boot/initramfs-$2.img.part" "/boot/initramfs-$2.img"
"""
EMPTY = '#!/bin/sh\n[ "$1" != add ] || : > "/boot/initramfs-$2.img"\n'
# As a kernel's scriptlet, this one does not ask /etc/sysconfig/kernel.
INSISTS = """\
#!/bin/sh
[ "$1" = add ] || exit 0
{ printf '# GRUB Environment Block\\nsaved_entry=%s\\n' "$(cat /etc/machine-id)-$2"; printf %1024s | tr ' ' '#'; } |
  head -c 1024 > /boot/grub2/grubenv
"""
MAKER = "/etc/kernel/install.d/50-dracut.install"
SETTINGS = "UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-core\n"


class Booted:
    """A host that GRUB starts, with a stock kernel, and what its files say."""

    def __init__(self, live, options, maker=MAKES):
        self.live = live
        live.command("mkdir", "-p", "/boot", "/etc/kernel/install.d", "/etc/default", "/etc/sysconfig")
        live.command("mount", "-t", "tmpfs", "-o", options, "boot", "/boot")
        live.command("mkdir", "-p", "/boot/grub2", "/boot/loader/entries")
        for source, path in (
            ("20-grub.install", "/usr/lib/kernel/install.d/20-grub.install"), ("grub.cfg", "/boot/grub2/grub.cfg"),
            ("default-grub", "/etc/default/grub"),
        ):
            live.put(GUEST / source, path)
        live.command("chmod", "0755", "/usr/lib/kernel/install.d/20-grub.install")
        live.write("/etc/kernel/cmdline", "root=/dev/vda1 ro\n")
        live.write("/etc/sysconfig/kernel", SETTINGS)
        live.write("/boot/grub2/grubenv", ("# GRUB Environment Block\nboot_success=0\n" + "#" * 1024)[:1024])
        self.maker(MAKES)
        live.command("dnf", "-y", "-q", "install", "kernel")
        self.stock = self.default()
        assert self.whole()
        self.maker(maker)
        self.packages = set(live.command("rpm", "-qa").split())
        self.wish = {
            "repositories": [repositories(flavours=FLAVOURS[live.stream])], "packages": [{"family": "kernel"}],
            "boot": [{"kernel": "hyperscale", "try_once": False}]}

    def maker(self, text):
        """Give the host another maker of initramfs."""
        self.live.write(MAKER, text)
        self.live.command("chmod", "0755", MAKER)

    def default(self):
        """Return the entry that GRUB starts."""
        lines = self.live.command("cat", "/boot/grub2/grubenv").splitlines()
        return next((line.partition("=")[2] for line in lines if line.startswith("saved_entry=")), "")

    def whole(self):
        """Say whether the entry that GRUB starts has its kernel and initramfs."""
        text = self.live.command("cat", f"/boot/loader/entries/{self.default()}.conf")
        paths = [line.split()[1] for line in text.splitlines() if line.startswith(("linux ", "initrd "))]
        tests = " && ".join(f"test -s {path}" for path in paths)
        return len(paths) == 2 and hosts.command(self.live.host, ["sh", "-c", tests]).returncode == 0

    def is_as_before(self):
        """Assert that GRUB starts what it did, and that kernels are installed as they were."""
        assert self.default() == self.stock and self.whole()
        assert self.live.command("cat", "/etc/sysconfig/kernel") + "\n" == SETTINGS

    def converge(self, **more):
        """Take the kernel."""
        return self.live.converge(**self.wish, **more)


@pytest.fixture(name="booted", params=[9, 10], ids=["stream9", "stream10"])
def fixture_booted(request, images):
    made = []

    def booted(*args):
        made.append(LiveHost(f"fault-{WORKER}-{request.param}", request.param, images))
        return Booted(made[-1], *args)

    yield booted
    for live in made:
        hosts.remove(live.host)


@pytest.mark.parametrize(("options", "fill", "says"), [
    ("size=400m", "head -c {room} /dev/zero > /boot/filler", "MiB free"),
    ("size=400m,nr_inodes=40", "touch $(seq -f /boot/filler-%g 40) 2>/dev/null", "inodes free"),
], ids=["bytes", "inodes"])
def test_no_room_is_refused_with_figures(booted, refused, options, fill, says):
    host = booted(options)
    live = host.live
    left = int(live.command("stat", "-f", "-c", "%a", "/boot")) * int(live.command("stat", "-f", "-c", "%S", "/boot"))
    live.command("sh", "-c", f"{fill.format(room=left - 6 * MIB)}; true")
    for check in (True, False):
        told = refused(live, lambda check=check: host.converge(check=check), "/boot has", says, "Make room there")
        assert told["refused"]
    report = live.module("dropin_info", host.wish)["report"]
    assert [one["subject"]["name"] for one in report["findings"] if one["check"] == "disk.space" and one["blocking"]] == ["/boot"]
    host.is_as_before()
    live.command("sh", "-c", "rm -f /boot/filler*")
    result = host.converge()
    assert result.get("changed"), result
    assert host.default() != host.stock and host.whole()


@pytest.mark.parametrize("maker", [FILLS, EMPTY], ids=["filled-meanwhile", "empty"])
def test_an_initramfs_that_is_not_made_leaves_the_old_default(booted, maker):
    host = booted("size=400m", maker)
    live = host.live
    if maker == EMPTY:
        live.write("/etc/kernel/install.d/90-insists.install", INSISTS)
        live.command("chmod", "0755", "/etc/kernel/install.d/90-insists.install")
    broken = host.converge()
    assert broken.get("msg"), broken
    host.is_as_before()
    again = host.converge()
    assert "missing or empty below /boot" in again["msg"], again
    host.is_as_before()
    # The remedy, as it is told.
    live.command("rm", "-f", "/boot/of-another-program", "/etc/kernel/install.d/90-insists.install")
    host.maker(MAKES)
    release = next(name for name in live.command("ls", "/lib/modules").split() if ".hs" in name)
    live.command("kernel-install", "add", release, f"/lib/modules/{release}/vmlinuz")
    mended = host.converge()
    assert "msg" not in mended, mended
    assert host.default().endswith(release) and host.whole()
    undone = live.module("converge", {"state": "undone"})
    assert undone.get("changed"), undone
    assert set(live.command("rpm", "-qa").split()) == host.packages
    host.is_as_before()


def test_the_way_back_works_right_after_it(booted):
    host = booted("size=400m", FILLS)
    assert host.converge().get("msg")
    host.is_as_before()
    undone = host.live.module("converge", {"state": "undone"})
    assert undone.get("changed"), undone
    assert set(host.live.command("rpm", "-qa").split()) == host.packages
    host.is_as_before()


def test_a_kernel_alone_does_not_make_itself_the_default(booted):
    """Nobody wished for another default: the newcomer lies beside the one that is started."""
    host = booted("size=400m")
    host.wish.pop("boot")
    assert host.converge().get("changed")
    host.is_as_before()
