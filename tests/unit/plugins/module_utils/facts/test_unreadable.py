# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that rest on paths which cannot be looked at: raised, noted or unknown, and never absent."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import (
    boot_loader, boot_room, covered, globbing, kind, network, security, view as host_view,
)

TROUBLES = [errno.EACCES, errno.EIO]


def lay(root, path, content="x"):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    return str(place)


def failing_at(monkeypatch, call, end, code):
    """Have a call of the system fail for paths with an end."""
    owner, name = (os, call) if call != "open" else (__import__("builtins"), "open")
    real = getattr(owner, name)

    def some(path, *args, **how):
        if str(path).endswith(end):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, *args, **how)

    monkeypatch.setattr(owner, name, some)


@pytest.mark.parametrize("code", TROUBLES)
@pytest.mark.parametrize(("path", "call", "end", "look"), [
    ("/boot/vmlinuz-6.1", "stat", "/boot/vmlinuz-6.1", boot_room.per_kernel),
    ("/boot/vmlinuz-6.1", "listdir", "/boot", boot_room.per_kernel),
    ("/boot/grub2/grubenv", "stat", "/grubenv", lambda root: boot_loader.unwritable(root, "/boot/grub2/grubenv")),
    ("/proc/self/mountinfo", "open", "/mountinfo", boot_loader.mounts),
    ("/boot/vmlinuz-6.1", "stat", "/boot/vmlinuz-6.1", lambda root: boot_loader._full(f"{root}/boot/vmlinuz-6.1")),
    ("/sys/firmware/efi/systab", "stat", "/efi", security.gather_secure_boot),
    ("/sys/firmware/efi/efivars/SecureBoot-8be4", "listdir", "/efivars", security.gather_secure_boot),
    ("/etc/resolv.conf", "open", "/resolv.conf", lambda root: network.dns(network.read_below(root))),
    ("/run/systemd/resolve/resolv.conf", "open", "/resolve/resolv.conf", lambda root: network.dns(network.read_below(root))),
    ("/etc/x.d/y", "listdir", "/x.d", lambda root: globbing.matching(root, "/etc/*.d/y*", globbing.raising)),
])
def test_what_cannot_be_looked_at_is_raised(tmp_path, monkeypatch, path, call, end, look, code):
    lay(tmp_path, "/etc/resolv.conf", "nameserver 127.0.0.53\n")
    lay(tmp_path, path, "")
    look(str(tmp_path))
    failing_at(monkeypatch, call, end, code)
    with pytest.raises(OSError, match=os.strerror(code)):
        look(str(tmp_path))


@pytest.mark.parametrize("look", [
    lambda root: boot_loader.mounts(root) == [], lambda root: boot_room.per_kernel(root) == boot_room.UNMEASURED,
    lambda root: boot_loader.unwritable(root, "/boot/grub2/grubenv") == "there is no /boot/grub2/grubenv",
    lambda root: security.gather_secure_boot(root) == "not_efi",
    lambda root: network.dns(network.read_below(root)) == {"servers": [], "search": []},
])
def test_what_is_not_there_is_absent(tmp_path, look):
    assert look(str(tmp_path))


def test_a_resolv_conf_that_leads_nowhere_names_no_server_and_a_folder_is_trouble(tmp_path):
    (tmp_path / "etc").mkdir()
    os.symlink("../run/systemd/resolve/stub-resolv.conf", tmp_path / "etc/resolv.conf")
    assert network.dns(network.read_below(str(tmp_path)))["servers"] == []
    (tmp_path / "etc/resolv.conf").unlink()
    (tmp_path / "etc/resolv.conf").mkdir()
    with pytest.raises(IsADirectoryError):
        network.dns(network.read_below(str(tmp_path)))


@pytest.mark.parametrize("code", TROUBLES)
@pytest.mark.parametrize(("call", "end"), [
    ("stat", "/run/systemd/system"), ("stat", "/run/systemd/notify"), ("stat", "/run/ostree-booted"), ("stat", "/sysroot/ostree"),
    ("open", "/proc/cmdline"), ("open", "/proc/self/mountinfo"),
])
def test_evidence_that_cannot_be_looked_at_leaves_the_kind_unknown(tmp_path, monkeypatch, call, end, code):
    for path in ("/run/x", "/sysroot/x", "/proc/cmdline", "/proc/self/mountinfo"):
        lay(tmp_path, path, "")
    assert kind.decide(kind.gather(str(tmp_path))).name == kind.NO_SYSTEMD
    failing_at(monkeypatch, call, end, code)
    found = kind.decide(kind.gather(str(tmp_path)))
    assert found.name == kind.UNKNOWN and f"{tmp_path}{end}: {os.strerror(code)}" in found.evidence


@pytest.mark.parametrize(("end", "path"), [("/srv/shop", "/srv/shop"), ("/fd/3", "/proc/7/fd/3")])
@pytest.mark.parametrize("code", TROUBLES)
def test_open_files_below_a_mount_that_cannot_be_told_are_noted(tmp_path, monkeypatch, end, path, code):
    view = host_view.View(str(tmp_path), lambda argv: (host_view.NOT_FOUND, ""))
    assert covered.cut_off(view, "/srv/shop") == []
    (tmp_path / "srv/shop").mkdir(parents=True)
    (tmp_path / "proc/7/fd").mkdir(parents=True)
    os.symlink("/srv/shop/gone", tmp_path / "proc/7/fd/3")
    os.symlink("/srv/other", tmp_path / "proc/7/fd/4")
    assert covered.cut_off(view, "/srv/shop") == [] and view.noted.all == {}
    failing_at(monkeypatch, "stat", end, code)
    assert covered.cut_off(view, "/srv/shop") == [] and view.noted.all == {path: os.strerror(code)}


def test_how_a_command_did_not_answer_is_noted(tmp_path):
    view = host_view.View(str(tmp_path), lambda argv: (1, ""))
    view.unanswered(["tool", "-x"], 1)
    view.unanswered(["other"], host_view.NOT_FOUND)
    assert view.noted.all == {"tool -x": "it ended with status 1", "other": "there is no such command"}
