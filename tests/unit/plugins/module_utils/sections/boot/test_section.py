# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section boot on a host made of files, with a GRUB that reads them as the real one does."""

from __future__ import annotations

import json
import os
import pathlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import from_record
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import BOOT, PROOF, Context, Planned
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import (
    boot as host_boot, boot_loader, kernel as host_kernel,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import actions, section as boot
from ansible_collections.centos.hyperscale.plugins.module_utils.text import bls, cmdline, grubenv
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.raised import code_of

MACHINE = "0123456789abcdef0123456789abcdef"
STOCK, OTHER, NEWER, NEWEST = (
    "5.14.0-611.el9.x86_64", "5.14.0-601.el9.x86_64", "6.12.94-0.hs1.hsx.el9.x86_64", "6.12.95-0.hs1.hsx.el9.x86_64")
CONTEXT = Context(9, False, [], [], [])
PROVEN = CONTEXT._replace(proven=True)
CONFIGURATION = """\
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
insmod blscfg
blscfg
"""


class Host:
    """A host with GRUB's files. C(start) boots it as GRUB would: it reads what is on disk, and clears what it starts once."""

    def __init__(self, root):
        self.root = root
        self.running, self.boots = STOCK, 0
        self.target = host_io.Target(self._run, str(root), root=str(root))
        self.target.job = "000001-1.0"
        (root / "boot/loader/entries").mkdir(parents=True)
        self.put("boot/grub2/grub.cfg", CONFIGURATION)
        self.put("etc/kernel/cmdline", "root=/dev/vda1 ro\n")
        self.put("etc/default/grub", 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="rhgb quiet"\n')
        self.put("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\ninstallonly_limit=3\nbest=True\n")
        self.put("proc/self/mountinfo", "21 1 252:1 / / rw - xfs /dev/vda1 rw\n")
        self.install(STOCK)
        self.put("boot/grub2/grubenv", grubenv.with_variables(None, {"saved_entry": self.id_of(STOCK)}))
        self.start()

    def _run(self, argv):
        return 0, self.running + "\n", ""

    def put(self, path, text):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def path(self, path) -> pathlib.Path:
        return self.root / path.lstrip("/")

    @staticmethod
    def id_of(release):
        return f"{MACHINE}-{release}"

    def install(self, release, options="root=/dev/vda1 ro", default=False):
        """What kernel-install does; with UPDATEDEFAULT=yes the newcomer makes itself the default."""
        self.put(f"boot/vmlinuz-{release}", "kernel")
        self.put(f"boot/initramfs-{release}.img", "initramfs")
        self.put(f"boot/loader/entries/{self.id_of(release)}.conf", (
            f"title CentOS Stream ({release}) 9\nversion {release}\nlinux /vmlinuz-{release}\n"
            f"initrd /initramfs-{release}.img\noptions {options}\ngrub_users $grub_users\ngrub_class centos\n"))
        if default:
            self.set(saved_entry=self.id_of(release))

    def set(self, **variables):
        env = self.path("boot/grub2/grubenv")
        env.write_text(grubenv.with_variables(env.read_text(), variables))

    @property
    def env(self):
        return grubenv.parse(self.path("boot/grub2/grubenv").read_text())

    def options(self, release):
        text = self.path(f"boot/loader/entries/{self.id_of(release)}.conf").read_text()
        return bls.Entry("", "", text).options

    def start(self, works=lambda release: True):
        """Boot. A kernel that does not work ends in another boot, as panic= makes it."""
        for _attempt in range(3):
            following = boot_loader.read(str(self.root)).next
            if following.once:
                self.set(next_entry="")
            self.boots += 1
            if works(following.entry.release):
                self.running = following.entry.release
                words = " ".join(cmdline.expanded(following.entry.options, self.env))
                self.put("proc/cmdline", f"BOOT_IMAGE=(hd0,gpt2)/vmlinuz-{self.running} {words}\n")
                self.put("proc/sys/kernel/random/boot_id", f"boot-{self.boots}\n")
                return
        raise AssertionError("the host does not come back")

    def plan(self, context=CONTEXT, **want):
        wants = want.pop("wants", None) or [wish(**want)]
        assert boot.validate(wants, 9) == []
        return boot.plan(wants, boot.gather(self.target, wants), context)

    def converge(self, context=CONTEXT, during=lambda: None, **want):
        """Plan, carry out as the engine does (by what the journal keeps of a step), and plan again: nothing may be left."""
        planned = self.plan(context, **dict(want))
        assert planned.problems == []
        steps = sorted(planned.actions, key=lambda action: action.phase)
        during()
        done = []
        for planned_step in steps:
            step = from_record(json.loads(json.dumps(planned_step.record())), boot.ACTIONS)
            step.apply(self.target)
            step.verify(self.target)
            done.append(step)
        again = self.plan(context._replace(items=[]), **dict(want))
        assert ([action.describe() for action in again.actions], again.problems) == ([], [])
        return done, again

    def undo(self, done):
        for step in sorted(reversed(done), key=lambda step: step.follows):
            step.undo(self.target)

    def tree(self):
        """All that the section may write to, with its mode, but for the records of its guards that have ended."""
        folders = [self.root / "boot", self.root / "etc", self.root / "var"]
        return {str(path): (path.read_bytes(), path.stat().st_mode) for folder in folders for path in sorted(folder.rglob("*"))
                if path.is_file() and "guards" not in path.relative_to(self.root).parts}


def wish(**want):
    return {**{name: option.get("default") for name, option in boot.OPTIONS.items()}, **want}


def brings(release):
    version, _dash, rest = release.rpartition("-")
    return CONTEXT._replace(items=[Item("install", "kernel-core", f"{version}-{rest.rpartition('.')[0]}", "x86_64", "r", 1, 1)])


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    return Host(tmp_path)


# Wishes

@pytest.mark.parametrize(("want", "says"), [
    ({"args": ["psi=1\nquiet"]}, "not one argument"), ({"args": ["a='b'"]}, "not one argument"),
    ({"args_absent": ["a b"]}, "not one argument"),
    ({"args": ["psi=1", "psi=0"]}, "wanted as psi=1 and as psi=0"), ({"args": ["a-b=1", "a_b=2"]}, "wanted as"),
    ({"args": ["quiet"], "args_absent": ["quiet"]}, "is to be absent"),
    ({"args": ["psi=1"], "args_absent": ["psi"]}, "is to be absent"),
    ({"kernel": "6.12\n"}, "no kernel release"), ({"kernel": "../x"}, "no kernel release"),
    ({"kernel": "a b"}, "no kernel release"),
    ({"keep": 1}, "a place beside"), ({"keep": -1}, "a place beside"),
])
def test_bad_wishes(want, says):
    problems = boot.validate([wish(**want)], 9)
    assert any(says in str(problem) for problem in problems)
    assert all(problem.fact and problem.reason and problem.remedy for problem in problems)


@pytest.mark.parametrize("wants", [
    [wish(kernel="hyperscale"), wish(kernel="stock")],
    [wish(kernel="hyperscale"), wish(kernel="hyperscale", try_once=False)],
    [wish(kernel="stock", retry="a"), wish(kernel="stock", retry="b")],
    [wish(args=["psi=1"]), wish(args_absent=["psi"])],
    [wish(args=["psi=1"]), wish(args=["psi=0"])],
])
def test_wishes_that_contradict_each_other(wants):
    assert boot.validate(wants, 9)


def test_wishes_of_several_roles_are_one():
    wants = [wish(args=["psi=1"]), wish(kernel="hyperscale", try_once=False, args=["psi=1", "console=ttyS0"]), wish(keep=4)]
    assert boot.validate(wants, 9) == []
    assert boot.merged(wants) == (["psi=1", "console=ttyS0"], [], "hyperscale", False, "", 4, False)


def test_nothing_wanted_asks_nothing_of_the_host(tmp_path):
    target = host_io.Target(lambda argv: (0, "x\n", ""), str(tmp_path), root=str(tmp_path))
    assert boot.plan([wish()], boot.gather(target, []), CONTEXT) == Planned([])


# Arguments

def test_arguments_that_somebody_added_since_stay(host):
    done, _left = host.converge(args=["psi=1"], args_absent=["rhgb"])
    entry = next(path for path in host.path("boot/loader/entries").iterdir() if STOCK in path.name)
    before = host.options(STOCK)
    entry.write_text(entry.read_text().replace(before, f"{before} audit=0"))
    host.undo(done)
    assert host.options(STOCK).split()[:2] == ["root=/dev/vda1", "ro"]
    assert "audit=0" in host.options(STOCK).split() and "psi=1" not in host.options(STOCK).split()
    told = [line for step in done for line in step.left]
    assert any("only the arguments that were set here" in line for line in told), told


def test_an_environment_that_others_wrote_to_since_stays(host):
    path = host.path("boot/grub2/grubenv")
    action = actions.EnvironmentAction("grubenv", "", {
        "path": "/boot/grub2/grubenv", "made": True, "old": {"saved_entry": None}, "new": {"saved_entry": "x"}, "starts": {}})
    for others, stays in (("", False), ("boot_success=1\n", True)):
        path.write_text(grubenv.with_variables(None, {"saved_entry": "x"}).replace("saved_entry=x\n", f"saved_entry=x\n{others}"))
        action.undo(host.target)
        assert path.exists() is stays
    assert grubenv.parse(path.read_text()) == {"boot_success": "1"}


def test_arguments_reach_every_entry_and_those_to_come(host):
    host.install(OTHER, options="root=/dev/vda1 ro psi=0")
    before = host.tree()
    done, left = host.converge(args=["psi=1"], args_absent=["rhgb"])
    assert host.options(STOCK) == host.options(OTHER) == "root=/dev/vda1 ro psi=1"
    assert host.path("etc/kernel/cmdline").read_text() == "root=/dev/vda1 ro psi=1\n"
    assert host.path("etc/default/grub").read_text() == 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="quiet psi=1"\n'
    assert [(p.subject, p.waits_for) for p in left.pending] == [("psi=1", BOOT)]
    host.start()
    assert host.plan(args=["psi=1"], args_absent=["rhgb"]).pending == []
    host.undo(done)
    assert host.tree() == before


def test_arguments_shared_by_entries_of_older_hosts_live_in_the_environment_block(host):
    host.install(STOCK, options="$kernelopts psi=0")
    host.set(kernelopts="root=/dev/vda1 ro rhgb")
    before = host.tree()
    done, _left = host.converge(args=["psi=1"], args_absent=["rhgb"])
    assert (host.options(STOCK), host.env["kernelopts"]) == ("$kernelopts", "root=/dev/vda1 ro psi=1")
    host.undo(done)
    assert host.tree() == before


def test_shared_arguments_that_are_not_there_are_refused(host):
    host.install(STOCK, options="$kernelopts")
    problem, = host.plan(args=["psi=1"]).problems
    assert "kernelopts" in problem.reason and "grub2-mkconfig" in problem.remedy


def test_a_kernel_that_comes_gets_the_arguments_however_it_is_installed(host):
    host.converge(brings(NEWER), lambda: host.install(NEWER, options="root=/dev/vda1 ro psi=0"), args=["psi=1"])
    assert host.options(NEWER) == "root=/dev/vda1 ro psi=1"


def test_without_a_file_of_its_own_kernel_install_is_given_one(host):
    host.path("etc/kernel/cmdline").unlink()
    before = host.tree()
    done, _left = host.converge(args=["psi=1"])
    assert host.path("etc/kernel/cmdline").read_text() == "root=/dev/vda1 ro psi=1\n"
    host.undo(done)
    assert host.tree() == before


def test_a_default_that_a_shell_works_out_is_left_with_a_warning(host):
    host.put("etc/default/grub", 'GRUB_CMDLINE_LINUX="$BASE quiet"\n')
    planned = host.plan(args=["psi=1"])
    assert any("GRUB_CMDLINE_LINUX" in warning for warning in planned.warnings)
    assert "/etc/default/grub" not in {action.subject for action in planned.actions}


def test_what_earlier_runs_set_stays_noted(host):
    host.converge(args=["psi=1"], args_absent=["rhgb"])
    host.converge(args=["cgroup_disable=rdma", "rhgb"])
    assert boot_loader.read(str(host.root)).note["arguments"] == {
        "present": ["psi=1", "cgroup_disable=rdma", "rhgb"], "absent": []}
    assert host.path(boot_loader.NOTE).stat().st_mode & 0o777 == 0o600


def test_a_host_without_a_boot_loader_is_as_wanted_only_if_it_runs_so(tmp_path):
    target = host_io.Target(lambda argv: (0, "6.1\n", ""), str(tmp_path), root=str(tmp_path))
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("psi=1 quiet\n")
    state = boot.gather(target, [])
    assert boot.plan([wish(args=["psi=1"])], state, CONTEXT) == Planned([])
    problem, = boot.plan([wish(args_absent=["quiet"])], state, CONTEXT).problems
    assert "no boot entries" in problem.reason


# Which kernel

@pytest.mark.parametrize(("installed", "kernel", "release"), [
    ([NEWER, NEWEST], "hyperscale", NEWEST), ([NEWER], "hyperscale", NEWER), ([OTHER, NEWER], "stock", STOCK),
    ([OTHER, NEWER], OTHER, OTHER), ([NEWER, NEWEST], "6.12.94", NEWER), ([NEWER], NEWER.rpartition(".")[0], NEWER),
    ([f"{NEWEST}+debug", NEWER], "hyperscale", NEWER),
    (["6.12.9-0.hs1.hsx.el9.x86_64", "6.12.10-0.hs1.hsx.el9.x86_64"], "hyperscale", "6.12.10-0.hs1.hsx.el9.x86_64"),
])
def test_the_newest_of_a_side_is_meant(host, installed, kernel, release):
    host.running = "5.14.0-500.el9.x86_64"
    host.install(host.running)
    for one in installed:
        host.install(one)
    pending, = host.plan(kernel=kernel).pending
    assert pending.subject == release


@pytest.mark.parametrize("kernel", ["hyperscale", NEWER])
def test_a_kernel_that_is_not_there_is_refused(host, kernel):
    problem, = host.plan(kernel=kernel).problems
    assert STOCK in problem.reason


def test_a_variant_of_the_running_kernel_is_preferred(host):
    host.running = f"{STOCK}+64k"
    for release in (f"{STOCK}+64k", NEWER, f"{NEWER}+64k"):
        host.install(release)
    assert host.plan(kernel="hyperscale").pending[0].subject == f"{NEWER}+64k"


@pytest.mark.parametrize("file", ["vmlinuz", "initramfs"])
def test_a_kernel_without_its_files_is_not_started(host, file):
    host.install(NEWER)
    path = host.path(f"boot/vmlinuz-{NEWER}" if file == "vmlinuz" else f"boot/initramfs-{NEWER}.img")
    path.write_text("")
    problem, = host.plan(kernel="hyperscale").problems
    assert file in problem.reason


def test_a_kernel_whose_initramfs_was_not_made_is_found_before_grub_is_told(host):
    def half():
        host.install(NEWER, default=True)
        host.path(f"boot/initramfs-{NEWER}.img").write_text("")
    with pytest.raises(Failed, match="initramfs"):
        host.converge(brings(NEWER), half, kernel="hyperscale")
    assert "next_entry" not in host.env


def test_a_kernel_that_came_without_an_entry_is_a_failure(host):
    with pytest.raises(Failed, match="no entry"):
        host.converge(brings(NEWER), kernel="hyperscale")


# The try

def test_a_new_kernel_is_tried_proven_and_then_the_default(host):
    def installed():
        host.install(NEWER, default=True)
    _done, left = host.converge(brings(NEWER), installed, kernel="hyperscale", args=["psi=1"])
    assert (host.env["saved_entry"], host.env["next_entry"]) == (host.id_of(STOCK), host.id_of(NEWER))
    assert host.options(NEWER) == "root=/dev/vda1 ro psi=1 panic=10 rd.shell=0 rd.emergency=reboot"
    assert host.options(STOCK) == "root=/dev/vda1 ro psi=1"
    assert (NEWER, BOOT) in [(pending.subject, pending.waits_for) for pending in left.pending]
    host.start()
    assert host.running == NEWER
    _done, left = host.converge(kernel="hyperscale", args=["psi=1"])
    assert [(pending.subject, pending.waits_for) for pending in left.pending] == [(NEWER, PROOF)]
    host.converge(PROVEN, kernel="hyperscale", args=["psi=1"])
    assert (host.env["saved_entry"], host.options(NEWER)) == (host.id_of(NEWER), "root=/dev/vda1 ro psi=1")
    assert boot_loader.read(str(host.root)).tried == {}
    host.start()
    assert host.running == NEWER


def test_a_boot_without_a_proof_is_the_old_kernels_again(host):
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    host.start()
    host.start()
    assert host.running == STOCK


def test_a_try_that_fails_comes_back_and_is_not_repeated_unasked(host):
    host.install(NEWER, default=True)
    host.converge(kernel="hyperscale")
    host.start(works=lambda release: release == STOCK)
    assert host.running == STOCK
    problem, = host.plan(kernel="hyperscale").problems
    assert STOCK in problem.reason and "journalctl -b -1" in problem.remedy and "retry" in problem.remedy
    assert host.plan(PROVEN, kernel="hyperscale").problems
    host.converge(kernel="hyperscale", retry="console is watched")
    host.start()
    assert host.running == NEWER


def test_a_newer_kernel_is_another_try(host):
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    host.start(works=lambda release: release == STOCK)
    host.install(NEWEST)
    host.converge(kernel="hyperscale")
    assert (host.env["next_entry"], "panic=" in host.options(NEWER)) == (host.id_of(NEWEST), False)


def test_a_try_that_waits_is_left_alone_and_called_off_by_another_wish(host):
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    assert host.plan(kernel="hyperscale").actions == []
    host.converge(kernel="stock")
    assert (host.env.get("next_entry"), host.options(NEWER)) == (None, "root=/dev/vda1 ro")
    host.start()
    assert host.running == STOCK


def test_a_try_is_taken_back(host):
    host.install(NEWER)
    before = host.tree()
    done, _left = host.converge(kernel="hyperscale")
    host.undo(done)
    assert host.tree() == before


def test_undo_after_the_kernel_itself_is_gone(host):
    def installed():
        host.install(NEWER, default=True)
    before = host.tree()
    done, _left = host.converge(brings(NEWER), installed, kernel="hyperscale")
    for path in (f"boot/loader/entries/{host.id_of(NEWER)}.conf", f"boot/vmlinuz-{NEWER}", f"boot/initramfs-{NEWER}.img"):
        host.path(path).unlink()
    host.undo(done)
    assert host.tree() == before


def test_an_interrupted_run_that_left_the_newcomer_as_default_is_made_a_try(host):
    host.install(NEWER, default=True)
    host.converge(kernel="hyperscale")
    assert host.env["saved_entry"] == host.id_of(STOCK)


def test_an_argument_that_the_entry_or_the_wish_has_is_not_taken_away_with_the_try(host):
    host.install(NEWER, options="ro panic=30")
    host.converge(kernel="hyperscale", args=["rd.shell=0"])
    assert host.options(NEWER) == "ro panic=30 rd.shell=0 rd.emergency=reboot"
    host.start()
    host.converge(PROVEN, kernel="hyperscale", args=["rd.shell=0"])
    assert host.options(NEWER) == "ro panic=30 rd.shell=0"


def test_at_once_where_no_try_is_wanted(host):
    host.install(NEWER)
    _done, left = host.converge(kernel="hyperscale", try_once=False)
    assert (host.env["saved_entry"], left.pending) == (host.id_of(NEWER), [])
    assert host.options(NEWER) == "root=/dev/vda1 ro"


def test_a_running_default_needs_nothing(host):
    assert host.plan(kernel="stock") == Planned([])


def test_the_fallback_is_named_where_the_running_kernel_has_no_entry(host):
    host.install(NEWER)
    host.running = "5.14.0-1.el9.x86_64"
    planned = host.plan(kernel="hyperscale")
    assert any(STOCK in warning and host.running in warning for warning in planned.warnings)


def test_without_a_kernel_to_come_back_to_nothing_is_tried(host):
    host.install(NEWER)
    host.path(f"boot/vmlinuz-{STOCK}").unlink()
    assert any("come back to" in problem.reason for problem in host.plan(kernel="hyperscale").problems)


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda host: host.put("proc/self/mountinfo", "21 1 0:30 / / rw - btrfs /dev/vda1 rw\n"), "btrfs, which GRUB cannot write"),
    (lambda host: host.path("boot/grub2/grubenv").unlink(), "there is no /boot/grub2/grubenv"),
    (lambda host: host.put("boot/grub2/grub.cfg", CONFIGURATION.replace("next_entry", "other")), "does not know next_entry"),
])
def test_a_try_that_grub_could_not_end_is_refused(host, spoil, says):
    host.install(NEWER)
    for release in (STOCK, NEWER):
        host.put(f"lib/modules/{release}/modules.builtin", "kernel/fs/btrfs/btrfs.ko\n")
    spoil(host)
    problem, = host.plan(kernel="hyperscale").problems
    assert says in problem.reason and "try_once: false" in problem.remedy
    assert host.plan(kernel="hyperscale", try_once=False).problems == []


@pytest.mark.parametrize(("layer", "says"), [("LVM-abc", "logical volume"), ("CRYPT-LUKS2-x", "encrypted volume")])
def test_layers_under_the_environment_block(host, layer, says):
    number = os.stat(host.path("boot/grub2/grubenv")).st_dev
    host.put(f"sys/dev/block/{os.major(number)}:{os.minor(number)}/dm/uuid", layer)
    assert says in boot_loader.unwritable(str(host.root), "/boot/grub2/grubenv")


def test_a_raid_array_under_the_environment_block(host):
    number = os.stat(host.path("boot/grub2/grubenv")).st_dev
    host.put(f"sys/dev/block/{os.major(number)}:{os.minor(number)}/md/level", "raid1")
    assert "RAID" in boot_loader.unwritable(str(host.root), "/boot/grub2/grubenv")


def test_a_multipath_disk_is_a_disk(host):
    number = os.stat(host.path("boot/grub2/grubenv")).st_dev
    host.put(f"sys/dev/block/{os.major(number)}:{os.minor(number)}/dm/uuid", "part1-mpath-360")
    assert boot_loader.unwritable(str(host.root), "/boot/grub2/grubenv") == ""


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda host: host.path("boot/grub2/grub.cfg").unlink(), "not started by GRUB"),
    (lambda host: host.put("boot/grub2/grub.cfg", "menuentry x {}\n"), "does not read the entries"),
    (lambda host: host.put("boot/grub2/grub.cfg", 'set default="0"\nblscfg\n'), "fixed"),
    (lambda host: host.set(boot_counter="2"), "greenboot"),
    (lambda host: host.put("boot/grub2/grubenv", "saved_entry=x\n"), "environment block"),
    (lambda host: host.put("proc/self/mountinfo", "2 1 8:2 / /boot ro - xfs /dev/b rw\n"), "writable"),
    (lambda host: host.set(kernelopts="x" * 900), "more"),
])
def test_a_host_whose_grub_would_not_follow(host, spoil, says):
    host.install(NEWER)
    spoil(host)
    assert any(says in str(problem) for problem in host.plan(kernel="hyperscale").problems)


# btrfs

BTRFS = "21 1 252:1 / / rw - xfs /dev/vda1 rw\n22 21 0:31 / /data rw - btrfs /dev/vdb rw\n"


def test_a_kernel_without_btrfs_is_refused_where_btrfs_is_mounted(host):
    host.install(NEWER)
    host.running = NEWER
    host.put(f"lib/modules/{NEWER}/modules.dep", "kernel/fs/btrfs/btrfs.ko.xz: kernel/lib/xor.ko.xz\n")
    host.put("proc/self/mountinfo", BTRFS)
    problem, = host.plan(kernel="stock").problems
    assert "/data" in problem.fact and STOCK in problem.reason
    host.put(f"lib/modules/{STOCK}/modules.builtin", "kernel/fs/btrfs/btrfs.ko\n")
    assert host.plan(kernel="stock").problems == []


def test_a_stock_kernel_that_only_comes_is_taken_to_be_without_btrfs(host):
    host.put("proc/self/mountinfo", BTRFS)
    newer = "5.14.0-700.el9.x86_64"
    assert host.plan(brings(newer), kernel="stock").problems
    assert host.plan(brings(NEWER), kernel="hyperscale").problems == []


# Names sort badly

def test_the_default_is_set_by_name_where_the_order_would_choose_another(host):
    host.install(NEWER)
    text = host.path(f"boot/loader/entries/{host.id_of(STOCK)}.conf").read_text()
    host.put(f"boot/loader/entries/{'9' * 32}-{STOCK}.conf", text)
    host.path(f"boot/loader/entries/{host.id_of(STOCK)}.conf").unlink()
    host.set(saved_entry="0")
    host.converge(kernel=NEWER, try_once=False)
    host.start()
    assert host.running == NEWER


# Keeping kernels

@pytest.mark.parametrize(("conf", "keep", "expected"), [
    ("[main]\ninstallonly_limit=3\nbest=True\n", 5, "[main]\ninstallonly_limit=5\nbest=True\n"),
    ("[main]\nbest=True\n", 5, "[main]\ninstallonly_limit=5\nbest=True\n"),
    ("best=True\n", 4, "[main]\ninstallonly_limit=4\nbest=True\n"),
    ("[main]\ninstallonly_limit = 8\n", 5, None), ("[main]\ninstallonly_limit=0\n", 5, None), ("[main]\n", 3, None),
    ("[main]\ninstallonly_limit=2\n", 0, None),
])
def test_dnf_is_told_to_keep_more_kernels_and_never_fewer(host, conf, keep, expected):
    host.put("etc/dnf/dnf.conf", conf)
    done, _left = host.converge(keep=keep)
    assert host.path("etc/dnf/dnf.conf").read_text() == (expected or conf)
    host.undo(done)
    assert host.path("etc/dnf/dnf.conf").read_text() == conf


def test_a_fallback_that_dnf_would_rotate_out_is_told(host):
    host.install(OTHER)
    host.install(NEWER)
    assert any("installonly_limit" in warning for warning in host.plan(kernel="hyperscale").warnings)
    assert not any("installonly_limit" in warning for warning in host.plan(kernel="hyperscale", keep=5).warnings)


def test_a_host_without_a_stock_kernel_is_told(host):
    for release in (NEWER, NEWEST):
        host.install(release)
    host.path(f"boot/loader/entries/{host.id_of(STOCK)}.conf").unlink()
    host.running = NEWER
    assert any("No stock kernel" in warning for warning in host.plan(kernel="hyperscale").warnings)


@pytest.mark.parametrize(("variables", "told"), [
    ({"SecureBoot-8be4": "\6\0\0\0\1"}, ["Secure Boot is enabled and kernel"]), ({"SecureBoot-8be4": "\6\0\0\0\0"}, []),
    ({}, ["No variable says whether Secure Boot is enabled."])], ids=["enabled", "disabled", "unknown"])
def test_a_kernel_that_the_firmware_may_refuse_is_told(host, variables, told):
    host.install(NEWER)
    host.path("sys/firmware/efi/efivars").mkdir(parents=True)
    for name, content in variables.items():
        host.put(f"sys/firmware/efi/efivars/{name}", content)
    warnings = [warning for warning in host.plan(kernel="hyperscale").warnings if "Secure Boot" in warning]
    assert [warning for warning in warnings if NEWER not in warning] == []
    assert len(warnings) == len(told) and all(map(str.startswith, warnings, told))


# A full disk

def _no_space(handle):
    raise OSError(28, "No space left on device")


def test_a_full_disk_loses_nothing(host, monkeypatch):
    host.install(NEWER)
    steps = host.plan(kernel="hyperscale").actions
    before = host.tree()
    monkeypatch.setattr(host_io.os, "fsync", _no_space)
    for step in steps:
        with pytest.raises(OSError, match="No space"):
            step.apply(host.target)
    assert host.tree() == before


def test_a_link_to_the_environment_block_stays_one(host):
    host.path("boot/efi/EFI/centos").mkdir(parents=True)
    host.path("boot/grub2/grubenv").rename(host.path("boot/efi/EFI/centos/grubenv"))
    host.path("boot/grub2/grubenv").symlink_to("../efi/EFI/centos/grubenv")
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    assert host.path("boot/grub2/grubenv").is_symlink()
    assert grubenv.parse(host.path("boot/efi/EFI/centos/grubenv").read_text())["next_entry"] == host.id_of(NEWER)


def test_verify_finds_what_grub_would_do_instead(host):
    host.install(NEWER)
    step = next(action for action in host.plan(kernel="hyperscale").actions if action.kind == actions.EnvironmentAction.kind)
    step.apply(host.target)
    host.set(next_entry=host.id_of(STOCK))
    with pytest.raises(Failed, match="not as it was written"):
        step.verify(host.target)


# What host_info says of it

def facts(host):
    found = host_kernel.gather(str(host.root), lambda argv: (127, "", ""), lambda what, why: None, None, [])
    return found, [(reason["what"], reason["installed"]) for reason in host_boot.reboot_reasons(None, None, found, None)]


def test_facts_follow_a_try_from_the_boot_to_the_default(host):
    host.put("proc/sys/kernel/osrelease", STOCK)
    assert facts(host)[1] == []
    host.install(NEWER)
    host.converge(kernel="hyperscale", args=["psi=1"])
    found, reasons = facts(host)
    assert (found["default"], found["next"]["release"], found["next"]["once"]) == (STOCK, NEWER, True)
    assert reasons == [("kernel to try", NEWER)]
    wanted = found["next"]["words"]
    host.start()
    host.put("proc/sys/kernel/osrelease", NEWER)
    found, reasons = facts(host)
    assert (found["words"], found["tried"], reasons) == (wanted, NEWER, [])
    host.converge(PROVEN, kernel="hyperscale", args=["psi=1"])
    found, reasons = facts(host)
    assert (found["default"], found["tried"], reasons) == (NEWER, None, [])


def test_facts_after_a_try_that_failed(host):
    host.put("proc/sys/kernel/osrelease", STOCK)
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    host.start(works=lambda release: release == STOCK)
    found, reasons = facts(host)
    assert (found["default"], found["tried"], reasons) == (STOCK, NEWER, [])


def test_facts_name_the_arguments_that_wait(host):
    host.put("proc/sys/kernel/osrelease", STOCK)
    host.put("proc/cmdline", "root=/dev/vda1 ro quiet\n")
    host.install(STOCK, options="root=/dev/vda1 ro quiet")
    host.converge(args=["psi=1"], args_absent=["quiet"])
    found, reasons = facts(host)
    assert (found["waiting"], reasons) == (["psi=1", "no quiet"], [("kernel arguments", "psi=1 no quiet")])
    host.start()
    found, reasons = facts(host)
    assert (found["waiting"], reasons, found["words"]) == ([], [], ["root=/dev/vda1", "ro", "psi=1"])


def test_variables_that_grub_is_given_elsewhere_are_known(host):
    host.put("boot/grub2/grub.cfg", 'set tuned_params="skew_tick=1 nohz=on"\nset x="$y"\n' + CONFIGURATION)
    host.install(STOCK, options="root=/dev/vda1 $tuned_params $tuned_initrd")
    host.put("proc/sys/kernel/osrelease", STOCK)
    assert facts(host)[0]["next"]["words"] == ["root=/dev/vda1", "skew_tick=1", "nohz=on"]


# Pressure stall information

@pytest.mark.parametrize(("works", "config", "cmdline", "added"), [
    (True, "", "ro", False),  # on by itself
    (True, "", "ro psi=1", True),  # on by the argument: every other entry is to have it too
    (False, "CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n", "ro", True),
    (False, "CONFIG_PSI=y\n", "ro psi=0", True),
    (False, "# CONFIG_PSI is not set\n", "ro", False),  # no argument helps
    (False, None, "ro", True),  # nobody knows how that kernel was built
])
def test_psi_becomes_an_argument_where_the_kernel_needs_it(host, works, config, cmdline, added):
    if works:
        host.put("proc/pressure/memory", "some avg10=0.00\n")
    if config is not None:
        host.put(f"boot/config-{STOCK}", config)
    host.put("proc/cmdline", cmdline + "\n")
    host.converge(psi=True)
    assert ("psi=1" in host.options(STOCK).split()) == added
    assert ("psi=1" in host.path("etc/kernel/cmdline").read_text().split()) == added
    assert [pending.subject for pending in host.plan(psi=True).pending] == ["psi=1"] * (added and "psi=1" not in cmdline)


def test_psi_replaces_what_turns_it_off(host):
    host.install(STOCK, "root=/dev/vda1 ro psi=0")
    host.put("proc/cmdline", "ro psi=0\n")
    host.converge(psi=True)
    assert host.options(STOCK).split() == ["root=/dev/vda1", "ro", "psi=1"]


@pytest.mark.parametrize("more", [{"args": ["psi=0"]}, {"args_absent": ["psi"]}, {"args_absent": ["psi=1"]}])
def test_psi_wanted_and_not_wanted_is_refused(more):
    assert boot.validate([wish(psi=True, **more)], 9)


def test_psi_wanted_twice_is_one_wish():
    assert boot.validate([wish(psi=True), wish(args=["psi=1"], args_absent=["psi=0"])], 9) == []


# Remedies: what is in the way by C(spoil) is not there any more once C(mend) did what the remedy says.

BTRFS_BUILT_IN = "kernel/fs/btrfs/btrfs.ko\n"


def on_btrfs(host):
    """Run a kernel that has btrfs, from a root that is a btrfs, beside one that has it, too."""
    for release in (STOCK, NEWER):
        host.put(f"lib/modules/{release}/modules.builtin", BTRFS_BUILT_IN)
    host.put("proc/self/mountinfo", "21 1 0:30 / / rw - btrfs /dev/vda1 rw\n")


def failed_try(host):
    host.converge(kernel="hyperscale")
    host.start(works=lambda release: release == STOCK)


def without_btrfs(host):
    host.put(f"lib/modules/{STOCK}/modules.builtin", BTRFS_BUILT_IN)
    host.put("proc/self/mountinfo", BTRFS)


def no_loader(host):
    made = [host.path(path) for path in ("boot/grub2/grub.cfg", "etc/kernel/cmdline", "etc/default/grub")]
    for path in [*made, *host.path("boot/loader/entries").iterdir()]:
        path.unlink()


def as_made(host):
    """What grub2-mkconfig and grub2-switch-to-blscfg make."""
    host.put("boot/grub2/grub.cfg", CONFIGURATION)


TRY = {"kernel": "hyperscale"}
AT_ONCE = {**TRY, "try_once": False}
REMEDIES = {
    "boot.boot_counter": (lambda host: host.set(boot_counter="2"), TRY, lambda host: host.set(boot_counter=None), TRY),
    "boot.boot_counter, no kernel": (lambda host: host.set(boot_counter="2"), TRY, lambda host: None, {"keep": 3}),
    "boot.default_fixed": (lambda host: host.put("boot/grub2/grub.cfg", 'set default="0"\nblscfg\n'), TRY, as_made, TRY),
    "boot.environment_block_full": (
        lambda host: host.set(kernelopts="x" * 900), TRY, lambda host: host.set(kernelopts=None), TRY),
    "boot.kernel_not_installed": (lambda host: None, {"kernel": NEWEST}, lambda host: host.install(NEWEST), {"kernel": NEWEST}),
    "boot.kernel_not_installed, another": (lambda host: None, {"kernel": NEWEST}, lambda host: None, {"kernel": NEWER}),
    "boot.kernel_without_btrfs": (
        without_btrfs, TRY, lambda host: host.put("proc/self/mountinfo", "21 1 252:1 / / rw - xfs /dev/vda1 rw\n"), TRY),
    "boot.kernel_without_btrfs, another": (without_btrfs, TRY, lambda host: None, {"kernel": "stock"}),
    "boot.mounted_read_only": (
        lambda host: host.put("proc/self/mountinfo", "2 1 8:2 / /boot ro - xfs /dev/b rw\n"), TRY,
        lambda host: host.put("proc/self/mountinfo", "2 1 8:2 / /boot rw - xfs /dev/b rw\n"), TRY),
    "boot.no_blscfg": (lambda host: host.put("boot/grub2/grub.cfg", "menuentry x {}\n"), TRY, as_made, TRY),
    "boot.no_fallback": (
        lambda host: host.path(f"boot/vmlinuz-{STOCK}").unlink(), TRY, lambda host: host.install(OTHER), TRY),
    "boot.no_fallback, at once": (
        lambda host: host.path(f"boot/vmlinuz-{STOCK}").unlink(), TRY, lambda host: None, AT_ONCE),
    "boot.no_grub_cfg": (lambda host: host.path("boot/grub2/grub.cfg").unlink(), TRY, as_made, TRY),
    "boot.no_kernel_of_side": (
        lambda host: host.path(f"boot/loader/entries/{host.id_of(NEWER)}.conf").unlink(), TRY,
        lambda host: host.install(NEWER), TRY),
    "boot.no_kernelopts": (
        lambda host: host.install(STOCK, options="$kernelopts"), {"args": ["psi=1"]},
        lambda host: host.install(STOCK, options="root=/dev/vda1 ro"), {"args": ["psi=1"]}),
    "boot.no_place_for_arguments": (
        no_loader, {"args": ["psi=1"]}, lambda host: host.put("proc/cmdline", "root=/dev/vda1 ro psi=1\n"), {"args": ["psi=1"]}),
    "boot.no_place_for_arguments, left out": (no_loader, {"args": ["psi=1"]}, lambda host: None, {}),
    "boot.not_an_environment_block": (
        lambda host: host.put("boot/grub2/grubenv", "saved_entry=x\n"), AT_ONCE,
        lambda host: host.put("boot/grub2/grubenv", grubenv.with_variables(None, {})), AT_ONCE),
    "boot.try_failed": (failed_try, TRY, lambda host: None, {**TRY, "retry": "the console is watched"}),
    "boot.try_never_ends": (on_btrfs, TRY, lambda host: None, AT_ONCE),
    "boot.try_never_ends, a plain partition": (
        on_btrfs, TRY, lambda host: host.put(
            "proc/self/mountinfo", "21 1 0:30 / / rw - btrfs /dev/vda1 rw\n22 21 252:2 / /boot rw - ext4 /dev/vda2 rw\n"), TRY),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(host, case):
    spoil, want, mend, then = REMEDIES[case]
    host.install(NEWER)
    spoil(host)
    assert {problem.code for problem in host.plan(**want).problems} == {case.partition(",")[0]}
    mend(host)
    assert host.plan(**then).problems == []


@pytest.mark.parametrize(("code", "half"), [("boot.files_missing", True), ("boot.no_entry", False)])
def test_a_run_goes_on_once_kernel_install_has_made_what_was_missing(host, code, half):
    def brought():
        if half:
            host.install(NEWER)
            host.path(f"boot/initramfs-{NEWER}.img").write_text("")
    with pytest.raises(Failed) as failed:
        host.converge(brings(NEWER), brought, kernel="hyperscale")
    assert [problem.code for problem in failed.value.problems] == [code]
    host.install(NEWER)
    host.converge(kernel="hyperscale")
    host.start()
    assert host.running == NEWER


def step_of(host, kind, **want):
    step = next(action for action in host.plan(**want).actions if action.kind == kind.kind)
    step.apply(host.target)
    return step


def test_an_entry_that_something_else_writes_is_right_once_that_has_ended(host):
    step = step_of(host, actions.EntryAction, args=["psi=1"])
    host.install(STOCK)
    assert code_of(lambda: step.verify(host.target)) == "boot.entry_not_as_written"
    host.converge(args=["psi=1"])
    assert code_of(lambda: step.verify(host.target)) == ""


def test_variables_that_something_else_writes_are_right_once_that_has_ended(host):
    host.install(NEWER)
    step = step_of(host, actions.EnvironmentAction, kernel="hyperscale")
    host.set(next_entry=host.id_of(STOCK))
    assert code_of(lambda: step.verify(host.target)) == "boot.variables_not_as_written"
    host.set(next_entry=None)
    host.converge(kernel="hyperscale")
    assert code_of(lambda: step.verify(host.target)) == ""


def test_a_grub_that_would_start_another_is_told(host):
    host.install(NEWER)
    step = step_of(host, actions.EnvironmentAction, kernel="hyperscale")
    host.put("boot/grub2/grub.cfg", 'set default="0"\nblscfg\n')
    assert code_of(lambda: step.verify(host.target)) == "boot.grub_starts_another"
    as_made(host)
    assert code_of(lambda: step.verify(host.target)) == ""
