# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a package transaction under fire: what a restart cut in its middle is settled at boot, as the next run would."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    code_tree, engine, errors, guard, guard_cut, guard_fire, guard_units, ledger, lock, recovery,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import finishing
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import guarding as boot
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import switch
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.core.guard_host import GuardHost

RUN, STATE = "000001-1", "/var/lib/packages"
COMPLETED = "its package transaction was cut in its middle and was completed"


class PowerCut(BaseException):
    """The host is cut."""


class Transaction(engine.Action):
    """A transaction whose state is a file: C(old), C(half) or C(new)."""

    kind = "transaction"
    section = "packages"
    phase = engine.TRANSACT
    settles_later = True
    ends = "cut"
    trouble = 0

    def apply(self, target):
        self._becomes(target, "half")
        if Transaction.ends == "cut":
            raise PowerCut
        if Transaction.ends == "failed":
            raise errors.Failed(errors.Problem("rpm.broke_off", "rpm", "broke off", "mend"))
        self._becomes(target, "new")

    def undo(self, target):
        self._becomes(target, "half")
        if Transaction.ends == "cut":
            raise PowerCut
        self._becomes(target, "old")

    def verify(self, target):
        pass

    def is_half(self, target, _job):
        return target.read(STATE).content == "half"

    def settle(self, target, _job, undoing):
        if Transaction.trouble:
            Transaction.trouble -= 1
            raise errors.Failed(errors.Problem("packages.missing", "a package", "no mirror answers", "enable one"))
        self._becomes(target, "old" if undoing else "new")
        self.left.append("a file of somebody else stays")
        return COMPLETED, True

    @staticmethod
    def _becomes(target, state):
        with open(target.path(STATE), "w", encoding="utf-8") as handle:
            handle.write(state)


KINDS = {"transaction": Transaction}


class CutHost(GuardHost):
    """A host whose power goes in the middle of a transaction."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        monkeypatch.setattr(Transaction, "ends", "cut")
        monkeypatch.setattr(Transaction, "trouble", 0)
        monkeypatch.setattr(code_tree, "loaded", lambda without: [])
        self.write(STATE, "old")
        self.kind = guard_cut.CutGuard(KINDS)

    def converge(self):
        action = Transaction("1 in", "", {})
        with guard_cut.watching(self.target, KINDS, RUN, [(0, False, RUN, action.record())], "entry.finishing"):
            engine.apply_all(self.target, RUN, [action])

    def go_back(self):
        step, = ledger.standing(self.target)
        with guard_cut.watching(self.target, KINDS, "000002-2", [(0, True, RUN, step.action)], "entry.finishing"):
            engine.undo_all(self.target, "000002-2", [step], KINDS)

    def cut(self, act=None):
        with pytest.raises(PowerCut):
            (act or self.converge)()
        folder = self.path("/var/lib/centos-hyperscale/ledger")
        path = sorted(folder.iterdir())[-1]
        # The end mark is what a power cut does not write.
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "run-ended" not in line))
        self.boot()
        return guard.armed(self.target, "transaction")


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    return CutHost(tmp_path, monkeypatch)


def test_it_is_completed_at_boot_and_told_as_the_run_that_settles_it_would(host):
    record = host.cut()
    assert host.read(STATE) == "half" and [name.rpartition("1.0")[2] for name in host.units()] == [".service"]
    assert host.fire(record, host.kind) and host.read(STATE) == "new" and host.units() == []
    assert ledger.standing(host.target)[0].state == ledger.VERIFIED
    settled = recovery.settle(host.target, KINDS)
    assert settled.story["outcome"] == COMPLETED and settled.left == ["a file of somebody else stays"]
    assert "had to settle a package transaction that was cut, and did so by itself: the host was started anew" in host.warned[0]
    assert recovery.settle(host.target, KINDS).story is None


def test_one_that_is_taken_back_goes_on_to_its_end(host):
    Transaction.ends = "done"
    host.converge()
    Transaction.ends = "cut"
    record = host.cut(host.go_back)
    assert record.step == ("000002-2", 0)
    assert host.fire(record, host.kind) and host.read(STATE) == "old" and ledger.standing(host.target) == []


def test_no_mirror_answers_three_times_and_the_host_is_started_anew_in_between(host):
    record = host.cut()
    Transaction.trouble = 3
    host.clock.during[2] = sys.exit
    with pytest.raises(SystemExit):
        host.fire(record, host.kind)
    host.boot()
    assert host.fire(record, host.kind) and host.read(STATE) == "new"
    ended = guard.read(host.target, record.id)
    assert ended.tries == 4 and "no mirror answers" in ended.attempts[-1]["failed"]


def test_nothing_but_a_boot_starts_it_and_a_run_that_lives_is_waited_for(host):
    with pytest.raises(PowerCut):
        host.converge()
    record = guard.armed(host.target, "transaction")
    assert not [name for name in host.units() if name.endswith(".timer")]
    with lock.exclusive(host.target, "a run"):
        host.clock.during[3] = sys.exit
        with pytest.raises(SystemExit):
            host.fire(record, host.kind)
        assert host.read(STATE) == "half" and host.units()
    assert host.fire(record, host.kind) and host.read(STATE) == "new"


@pytest.mark.parametrize("ledger_is", ["gone", "damaged"])
def test_without_a_ledger_it_goes_by_what_it_holds_itself(host, ledger_is):
    record = host.cut()
    folder = host.target.private_folder(ledger.FOLDER)
    if ledger_is == "gone":
        shutil.rmtree(folder)
    else:
        path = next(host.path("/var/lib/centos-hyperscale/ledger").iterdir())
        path.write_text(path.read_text().replace('"intent"', '"iNtent"', 1))
    assert host.fire(record, host.kind) and host.read(STATE) == "new"
    assert "the ledger does not have it or cannot be relied on" in guard.read(host.target, record.id).why


def test_one_that_somebody_settled_meanwhile_is_left_alone(host):
    record = host.cut()
    host.write(STATE, "new")
    Transaction.trouble = 0
    assert host.fire(record, host.kind) and guard.read(host.target, record.id).state == guard.BACK


@pytest.mark.parametrize(("ends", "stays"), [("done", False), ("failed", True)])
def test_a_run_that_lives_ends_it_unless_it_leaves_a_transaction_in_its_middle(host, ends, stays):
    Transaction.ends = ends
    if stays:
        with pytest.raises(errors.Failed):
            host.converge()
    else:
        host.converge()
    assert bool(host.units()) == stays
    recovery.settle(host.target, KINDS)
    guard_cut.end(host.target, KINDS)
    assert host.units() == [] and guard.untold(host.target) == []


def test_where_it_cannot_be_armed_the_run_goes_on_and_says_so(host):
    host.answers["systemctl enable"] = (1, "", "libsystemd-shared is missing")
    Transaction.ends = "done"
    host.converge()
    assert host.read(STATE) == "new" and "libsystemd-shared is missing. The next run does that" in host.warned[0]


def test_without_a_finisher_there_is_no_guard(host):
    with guard_cut.watching(host.target, KINDS, RUN, [(0, False, RUN, {})], ""):
        assert host.units() == []


def test_its_code_runs_by_itself_and_waits_for_nothing_before_others_begin(tmp_path):
    modules = [finishing.ENTRY, *code_tree.loaded(guard_cut.WITHOUT)]
    code_tree.pack(str(tmp_path / "code.zip"), guard.PACKAGE, finishing.ENTRY, modules)
    folder = tmp_path / "guards" / "transaction-none.0"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-B", "-I", str(tmp_path / "code.zip"), "early", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    # It starts a runner of its own, and has a guard of the default.
    further = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hyperscale_guard.core import code_tree\n"
        "from hyperscale_guard.packages import worker\n"
        "from hyperscale_guard.sections.boot import guarding\n"
        "code_tree.pack(sys.argv[2], 'further', guarding.ENTRY, guarding.MODULES)\n"
        "print(code_tree.install(sys.argv[3], 'runner', 'packages.worker', worker.MODULES))\n")
    argv = [sys.executable, "-B", "-I", "-c", further, str(tmp_path / "code.zip"), str(tmp_path / "further.zip"), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and (tmp_path / "code/runner/packages/worker.py").stat().st_size > 1000
    unit, = guard_units.texts(guard_cut.CutGuard({}), "transaction-1.0", "/f", "/f/code.zip", None).items()
    assert unit[0].endswith(".service") and "After=multi-user.target\n" in unit[1]
    assert guard_fire.MODULES and [name for name in modules if name.startswith("verify.")] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize(("more", "cycles"), [("", False), ("After={}", True)])
def test_at_boot_the_units_are_in_no_ordering_cycle(tmp_path, monkeypatch, more, cycles):
    (tmp_path / "code.zip").write_text("")
    wants, drop_in = tmp_path / "multi-user.target.wants", tmp_path / "multi-user.target.d"
    wants.mkdir()
    drop_in.mkdir()
    for kind in (guard_cut.CutGuard({}), switch.GUARD, boot.GUARD):
        for name, text in guard_units.texts(kind, f"{kind.name}-1.0", str(tmp_path), str(tmp_path / "code.zip"), 20.0).items():
            (tmp_path / name).write_text(text)
            if name.endswith(".service"):
                (wants / name).symlink_to(f"../{name}")
    (drop_in / "more.conf").write_text(f"[Unit]\n{more.format('centos-hyperscale-guard-transaction-1.0.service')}\n")
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", f"{tmp_path}:")
    argv = ["systemd-analyze", "verify", "--man=no", "multi-user.target"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ("ordering cycle" in done.stdout + done.stderr) is cycles, done.stdout + done.stderr
