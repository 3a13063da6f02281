# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step tells beforehand what it writes: steps of every kind are done and taken back, and all that they write was told."""

from __future__ import annotations

import json
import os
import time
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    boot_disk, engine, exchange, guard_units, host_io, own_paths, unwritable, writable)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import FileState
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader, cow, network as live, security
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import transaction
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import actions as network, bring, host
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY
from ansible_collections.centos.hyperscale.plugins.module_utils.shared import unit_links
from ansible_collections.centos.hyperscale.plugins.module_utils.text import unit_files
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections import alternatives_host
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.boot import test_section as boot_host
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.written import recorded

UNIT = "[Service]\nExecStart=/usr/bin/a\n[Install]\nWantedBy=multi-user.target\nAlias=b.service\nAlso=c.socket\n"
SOCKET = "[Socket]\nListenStream=/run/c\n[Install]\nWantedBy=sockets.target\n"
HERE = FileState("old\n", "0644", str(os.geteuid()), str(os.getegid()))
WANTED = HERE._replace(content="new\n")
DATABASE = "/var/lib/rpm"


class Machine:
    """A root with what the steps need, and the programs that they call, as far as these write."""

    def __init__(self, root):
        self.root = root
        (root / "var/lib/centos-hyperscale").mkdir(parents=True, mode=0o700)
        (root / "tmp").mkdir()
        self.target = host_io.Target(self.run, str(root / "tmp"), root=str(root))
        self.target.job = "000001-x.0"
        self.backend, self.enforces = "nft", True
        for path, text in {
            "/etc/machine-id": boot_host.MACHINE + "\n", "/etc/dnf/dnf.conf": "[main]\n",
            "/usr/lib/systemd/system/a.service": UNIT, "/usr/lib/systemd/system/c.socket": SOCKET,
            f"{DATABASE}/rpmdb.sqlite": "packages", f"{DATABASE}/.rpm.lock": "", security.ENFORCE: "1\n", cow.CONF: "[main]\n",
            security.BOOT_ID: "boot-1\n", "/var/lib/dnf/history.sqlite": "history",
        }.items():
            self.put(path, text)

    def put(self, path, text):
        place = self.root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def run(self, argv):
        argv = list(argv)
        if argv[0] == "systemctl":
            return 0, self.systemctl(argv[1:]), ""
        if argv[0] in ("rpmkeys", "rpm") and ("--import" in argv or "--erase" in argv):
            (self.root / DATABASE[1:] / "rpmdb.sqlite-wal").write_text("keys")
        if argv[0] == "setenforce":
            self.put(security.ENFORCE, argv[1] + "\n")
        if argv[:2] == ["rpm", "--eval"]:
            return 0, DATABASE + "\n", ""
        return 0, "", ""

    def systemctl(self, words):
        """Enable, disable and mask as systemctl does, by links."""
        folder = self.root / unit_links.LOCAL_UNITS[1:]
        verb, names = words[0], [word for word in words[1:] if word.endswith((".service", ".socket"))]
        if verb == "show":
            return "".join(f"Id={name}\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n\n" for name in names)
        for name in names:
            if verb in ("mask", "unmask"):
                self.link(folder / name, "/dev/null" if verb == "mask" else None)
        while verb in ("enable", "disable") and names:
            name = names.pop()
            place = self.root / "usr/lib/systemd/system" / name
            text = place.read_text() if place.exists() else ""
            for link in unit_files.links(name, text):
                self.link(folder / link, f"/usr/lib/systemd/system/{name}" if verb == "enable" else None)
            names += unit_files.also(text)
        return ""

    @staticmethod
    def link(place, leads):
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        if leads:
            place.symlink_to(leads)


def file_step(kind, path="/etc/new.d/a.conf", old=None, new=WANTED):
    return REGISTRY.kinds[kind].between(path, "", old, new)


def plain(kind, args, subject="a"):
    return REGISTRY.kinds[kind](subject, "", args)


def unit_step(kind, aspect):
    return REGISTRY.kinds[kind].of("a.service", aspect, True)


def over(machine, kind):
    """Return a step that writes a file that is there."""
    machine.put("/etc/a.conf", HERE.content)
    return file_step(kind, "/etc/a.conf", HERE, WANTED)


def edit(machine, kind, path):
    machine.put(path, "old\n")
    return plain(kind, {
        "old": "old\n", "new": "old\nnew\n", "before": [], "ours": ["new"], "line": None, "after": "allow_vendor_change=False",
        "on": True}, path)


def late(machine, kind, **args):
    """Return a step that dates a file back which is dated in the future."""
    machine.put("/etc/systemd/system/a.service.d/a.conf", "[Service]\n")
    later = time.time() + 3600
    os.utime(machine.root / "etc/systemd/system/a.service.d/a.conf", (later, later))
    return plain(kind, {
        "units": ["a.service"], "unit": "a.service", "files": ["/etc/systemd/system/a.service.d/a.conf"], "run": True,
        "was_active": True, "want": {}, **args})


def grub(machine):
    """Give the root of a machine the files of GRUB."""
    made = boot_host.Host(machine.root)
    made.install(boot_host.NEWER)
    return made


def entry(machine, kind):
    made = grub(machine)
    path = f"{boot_loader.ENTRIES}/{made.id_of(boot_host.NEWER)}.conf"
    return plain(kind, {
        "path": None, "release": boot_host.NEWER, "old": None, "new": None, "add": ["panic=10"], "remove": []}, path)


def environment(machine, kind):
    grub(machine)
    return REGISTRY.kinds[kind].of(boot_loader.read(str(machine.root)), "", {"saved_entry": "x"}, {})


def hold(machine, kind):
    made = grub(machine)
    machine.put("/etc/sysconfig/kernel", "UPDATEDEFAULT=yes\n")
    held = machine.target.read("/etc/sysconfig/kernel")
    step = REGISTRY.kinds[kind].over(held, made.id_of(boot_host.STOCK), [boot_host.NEWER])
    # The newcomer has made itself the default in spite of it.
    made.set(saved_entry=made.id_of(boot_host.NEWER))
    return step


def family(machine, kind):
    alternatives_host.cases.lay_out(machine.root, {
        "file": alternatives_host.FILE, "links": {"/etc/alternatives/edit": "/usr/bin/new"}})
    machine.target = alternatives_host.Host(machine.root)
    machine.target.run(["alternatives", "--auto", "edit"])
    return plain(kind, {"path": "/usr/bin/old", "old": {"auto": True, "path": "/usr/bin/new", "units": {}}}, "edit")


def moved(machine, kind):
    return REGISTRY.kinds[kind].between(DATABASE, "/usr/lib/sysimage/rpm", "")


def returned(machine, kind):
    os.renames(machine.root / DATABASE[1:], machine.root / "usr/lib/sysimage/rpm")
    os.makedirs(machine.root / "var/lib", exist_ok=True)
    return REGISTRY.kinds[kind].between("/usr/lib/sysimage/rpm", DATABASE, "")


def linked(machine, kind):
    os.makedirs(machine.root / "var/lib/old")
    return REGISTRY.kinds[kind].to("/var/lib/old", "/usr/lib/sysimage/rpm")


def relaxed(machine, kind):
    machine.put(security.RELAXED, json.dumps({"boot_id": "boot-1", "since": 1.0, "mode": "enforcing"}))
    return plain(kind, {"denied": []})


# How a step of each kind is made on a machine; None for those that write nothing but by a program that is asked for it alone.
KINDS = {
    "repo-file": lambda machine, kind: file_step(kind), "key-file": over, "file": over,
    "module-at-boot": lambda machine, kind: file_step(kind),
    "boot-setting": over, "boot-note": lambda machine, kind: file_step(kind, boot_loader.NOTE),
    "oomd-file": lambda machine, kind: file_step(kind, "/etc/systemd/oomd.conf.d/a.conf"),
    "cow-off": lambda machine, kind: file_step(kind, cow.CONF, machine.target.read(cow.CONF), WANTED),
    "rpm-key": lambda machine, kind: plain(kind, {"key": "key", "fingerprint": "0" * 40}),
    "rpm-key-removal": lambda machine, kind: plain(kind, {"key": "key", "fingerprint": "0" * 40}),
    "unit": lambda machine, kind: unit_step(kind, "enabled"), "oomd-unit": lambda machine, kind: unit_step(kind, "masked"),
    "ruleset-service": lambda machine, kind: unit_step(kind, "enabled"),
    "unit-reload": late, "unit-restart": late, "oomd-daemon": late,
    "boot-entry": entry, "boot-environment": environment, "boot-pin": environment, "boot-hold": hold,
    "alternative": family, "lock": lambda machine, kind: edit(machine, kind, "/etc/dnf/plugins/versionlock.list"),
    "vendor-lock": lambda machine, kind: edit(machine, kind, "/etc/dnf/dnf.conf"),
    "selinux-permissive": lambda machine, kind: plain(kind, {"boot_id": "boot-1", "minutes": 60}), "selinux-enforcing": relaxed,
    "cow-config": lambda machine, kind: REGISTRY.kinds[kind].to(machine.target.read(cow.CONF), cow.Settings(True, ["a"])),
    "rpmdb-move": moved, "rpmdb-return": returned, "rpmdb-link": linked,
    # Memory, the kernel and what is detached: see the tests below for the last of these.
    "module": None, "ruleset-carry": None, "ruleset-clear": None, "manager-reexec": None, "cow-rpm": None,
    "network-handover": None, "network-confirm": None, "transaction": None,
}
WRITING = sorted(kind for kind, make in KINDS.items() if make)


def test_there_is_a_step_of_every_kind():
    assert set(KINDS) == set(REGISTRY.kinds)


def told(machine, step, undoing=False):
    """Return the paths that are tested before a step, at the ends of their links."""
    touches = [*own_paths.touches(machine.target), *step.touches(machine.target, undoing)]
    ends = {(host_io.end_of_links(str(machine.root), touch.path) or touch.path) for touch in touches}
    return {*ends, *(touch.path for touch in touches)}


def untold(machine, written, paths):
    """Return what was written and not told: neither a path itself, nor what is beside it for a moment, nor a folder above it."""
    root = os.path.realpath(machine.root)
    real = {os.path.normpath(root + os.path.realpath(f"{machine.root}{os.path.dirname(path)}")[len(root):]
                             + "/" + os.path.basename(path)) for path in paths}
    folders, above = {os.path.dirname(path) for path in real}, {path for each in real for path in parents(each)}
    state = f"{root}/var/lib/centos-hyperscale"
    found = []
    for call, path in written:
        place = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if not place.startswith(f"{root}/") or place.startswith((f"{root}/tmp/", f"{root}/proc/", f"{root}/sys/")):
            continue
        if place in real or (place in above and call in ("os.mkdir", "os.chmod", "os.rmdir")):
            continue
        if any(part.startswith(host_io.SCRATCH) and each in folders for each, part in steps(place)):
            continue
        if os.path.basename(place).startswith(guard_units.PREFIX) and os.path.dirname(place) in folders:
            continue
        base = place.partition(exchange.ASIDE)[0]
        inner = os.path.relpath(place, state).split("/")
        if base in real or (place.startswith(f"{state}/") and (len(inner) == 1 or inner[0] in own_paths.FOLDERS)):
            continue
        found.append((call, path))
    return found


def parents(path):
    while path != "/":
        path = os.path.dirname(path)
        yield path


def steps(path):
    """Yield each folder above a path with the name in it."""
    while path != "/":
        yield os.path.split(path)
        path = os.path.dirname(path)


@pytest.fixture(name="machine")
def fixture_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fchown", lambda *_args: None)
    monkeypatch.setattr(boot_disk, "flush", lambda *_args: None)
    from ansible_collections.centos.hyperscale.plugins.module_utils.sections.cow import move
    from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import key
    monkeypatch.setattr(move, "listed", lambda *_args: [])
    monkeypatch.setattr(key, "imported", lambda *_args: [types.SimpleNamespace(package="gpg-pubkey-a")])
    return Machine(tmp_path)


@pytest.mark.parametrize("kind", WRITING)
def test_a_step_writes_what_it_told(machine, monkeypatch, kind):
    step = KINDS[kind](machine, kind)
    paths = told(machine, step)
    unwritable.refuse(str(machine.root), step.touches(machine.target))
    with recorded(monkeypatch) as written:
        step.apply(machine.target)
    assert written, "the step is to write something, or it shows nothing"
    assert untold(machine, written, paths) == []
    again = engine.from_record(json.loads(json.dumps(step.record())), REGISTRY.kinds, "000001-x")
    paths = told(machine, again, True)
    with recorded(monkeypatch) as written:
        again.undo(machine.target)
    assert untold(machine, written, paths) == []


@pytest.mark.parametrize("kind", sorted(kind for kind in WRITING if REGISTRY.kinds[kind].writes_file))
def test_taking_back_a_file_that_somebody_changed_writes_what_it_told(machine, monkeypatch, kind):
    step = KINDS[kind](machine, kind)
    step.apply(machine.target)
    path = machine.target.path(step.subject)
    with open(path, "a", encoding="utf-8") as handle:
        handle.write("somebody\n")
    step.run = "000001-x"
    paths = told(machine, step, True)
    with recorded(monkeypatch) as written:
        step.undo(machine.target)
    assert untold(machine, written, paths) == []


def test_a_step_that_forgets_a_path_is_found(machine, monkeypatch):
    step = file_step("file")
    with recorded(monkeypatch) as written:
        step.apply(machine.target)
        machine.put("/etc/forgotten/b.conf", "x")
        os.symlink("x", machine.root / "etc/link")
    assert {os.path.relpath(path, machine.root) for _call, path in untold(machine, written, told(machine, step))} == {
        "etc/forgotten", "etc/forgotten/b.conf", "etc/link"}


def test_a_hand_over_writes_what_it_told(tmp_path, monkeypatch):
    """What is detached works on the host itself: its paths are led into a folder here."""
    units, resolv = str(tmp_path / "etc/systemd/system"), str(tmp_path / "etc/resolv.conf")
    monkeypatch.setattr(unit_links, "LOCAL_UNITS", units)
    monkeypatch.setattr(live, "RESOLV_CONF", resolv)
    monkeypatch.setattr(os, "fchown", lambda *_args: None)
    ran = []

    def command(argv, *_more):
        ran.append(argv)
        return 0, "Id=a\nLoadState=loaded\nUnitFileState=disabled\nActiveState=active\n\n" * 9

    for module in (bring, host):
        monkeypatch.setattr(module, "command", command)
        monkeypatch.setattr(module, "must", lambda *argv: command(argv)[1])
    (tmp_path / "etc/systemd/network").mkdir(parents=True)
    (tmp_path / "etc/kept").mkdir()
    (tmp_path / "etc/kept/b.network").write_text("old\n")
    file, leads = (str(tmp_path / f"etc/systemd/network/{name}.network") for name in "ab")
    os.symlink("../../kept/b.network", leads)
    off, on = {"enabled": False, "masked": False, "active": False}, {"enabled": True, "masked": False, "active": True}
    manager, networkd = "NetworkManager.service", "systemd-networkd.service"
    before = {
        "renderer": "networkmanager", "units": {manager: on, networkd: off}, "resolv": None, "devices": [],
        "files": {file: None, leads: ["old\n", 0o644]}}
    after = {
        "renderer": "networkd", "units": {manager: off, networkd: on}, "devices": [],
        "files": {file: ["x\n", 0o644], leads: ["y\n", 0o644]},
        "resolv": {"content": "nameserver 192.0.2.1\n", "mode": 0o644, "owner": [0, 0]}}
    step = network.HandoverAction.between(before, after, 60)
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), state_dir=str(tmp_path / "state"))
    paths = {*(touch.path for touch in step.touches(target)), *(f"{path}.centos-hyperscale" for path in (
        resolv, file, f"{tmp_path}/etc/kept/b.network")), f"{tmp_path}/etc/kept/b.network"}
    with recorded(monkeypatch) as written:
        bring.bring_about(after)
        bring.bring_about(before)
    assert written
    assert [(call, path) for call, path in written if path not in paths and not path.startswith(f"{tmp_path}/state/")
            and call not in ("os.mkdir", "os.chmod")] == []
    assert os.path.islink(leads) and (tmp_path / "etc/kept/b.network").read_text() == "old\n"
    assert [argv for argv in ran if list(argv[:2]) == ["systemctl", "enable"]]
    assert not [touch for touch in step.touches(target) if touch.how not in writable.WRITES]


def test_a_transaction_tells_the_databases_and_what_it_brings_back(machine, monkeypatch):
    from ansible_collections.centos.hyperscale.plugins.module_utils.backup import manifest
    from ansible_collections.centos.hyperscale.plugins.module_utils.packages import paths
    monkeypatch.setattr(paths, "installed", lambda _nevras: [])
    monkeypatch.setattr(paths, "of_files", lambda _files: [])
    items = [["install", "kernel-core", "1-1", "noarch", "hs", 1, 1, "kernel", True]]
    step = plain("transaction", {"items": items})
    before = {touch.path: touch.how for touch in step.touches(machine.target)}
    assert before[f"{DATABASE}/rpmdb.sqlite"] == writable.OVERWRITTEN and before["/var/lib/dnf/history.sqlite"]
    assert f"{DATABASE}/{host_io.SCRATCH}new" in before and f"/var/cache/dnf/{host_io.SCRATCH}new" in before
    assert before["/var/log/hawkey.log"] == writable.APPENDED
    step.run = "000001-x"
    kept = manifest.Kept(machine.target, step.run)
    os.makedirs(kept.folder)
    state = ["file", "0" * 64, 0o644, 0, 0, {}]
    kept._write(manifest.BEFORE, {"/etc/changed.conf": state, "/etc/came.conf": None})
    kept._write(manifest.AFTER, {"/etc/changed.conf": state, "/etc/came.conf": state})
    back = {touch.path: touch.how for touch in step.touches(machine.target, True)}
    assert (back["/etc/changed.conf"], back["/etc/came.conf"]) == (writable.RESTORED, writable.GONE)
    assert isinstance(step, transaction.TransactionAction)
