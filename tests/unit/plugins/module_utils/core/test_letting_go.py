# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a ledger on purpose: what stands is accepted, or the ledger is moved aside and begins anew."""

from __future__ import annotations

import getpass
import grp
import os
import pathlib
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    engine, errors, health, host_io, identity, ledger, letting_go, retention, run, undo,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import PROOF, Pending
from ansible_collections.centos.hyperscale.plugins.module_utils.core.registry import Registry
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import jobfile, launch
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
REGISTRY = Registry({"files": files})


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "host" / "etc").mkdir(parents=True)
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))


def done(target, path, content="x"):
    action = files.FileAction.between(path, "", None, host_io.FileState(content, "0644", OWNER, GROUP))
    run = ledger.new_run_id(target)
    engine.apply_all(target, run, [action])
    return run


def test_what_is_accepted_stays_and_is_never_taken_back(target):
    done(target, "/etc/a")
    done(target, "/etc/b")
    assert [step.action["subject"] for step in letting_go.accepting(target, REGISTRY)] == ["/etc/a", "/etc/b"]
    run, steps = letting_go.accept(target, REGISTRY)
    assert len(steps) == 2 and ledger.sequence_of(run) == 3
    assert undo.taken(target, {"files"}, REGISTRY) == [] and ledger.owed(target) == []
    assert target.read("/etc/a") and target.read("/etc/b")
    retention.prune(target)
    assert identity.cookie(target) is None and health.problems(target, REGISTRY.kinds) == []
    # The second time there is nothing to accept, and what comes later can be taken back.
    assert letting_go.accept(target, REGISTRY) == (None, [])
    done(target, "/etc/c")
    assert [step.action["subject"] for step in undo.taken(target, {"files"}, REGISTRY)] == ["/etc/c"]


def test_a_host_that_waits_for_something_is_not_accepted(target):
    waiting = types.SimpleNamespace(
        **vars(files), waiting=lambda _target: [Pending("files", "hand-over", PROOF, "it is not confirmed")])
    done(target, "/etc/a")
    with pytest.raises(errors.Refused, match="hand-over waits for proof"):
        letting_go.accept(target, Registry({"files": waiting}))
    assert len(ledger.standing(target)) == 1


def test_a_ledger_that_cannot_be_relied_on_is_refused_before_anything_is_settled(target, monkeypatch):
    done(target, "/etc/a")
    identity.note(target, 99)
    monkeypatch.setattr(letting_go.recovery, "settle", lambda *_given: pytest.fail("it was settled"))
    with pytest.raises(errors.Refused, match="knows of run 99"):
        letting_go.accept(target, REGISTRY)


def test_a_whole_ledger_is_not_forgotten_while_something_stands(target):
    done(target, "/etc/a")
    with pytest.raises(errors.Refused, match="is whole, and it has steps to roll back"):
        letting_go.forget(target, REGISTRY)


@pytest.mark.parametrize("harm", [
    lambda target: target.write("/var/lib/centos-hyperscale/journal/20260101T000000Z-1.jsonl", host_io.FileState(
        "{}\n", "0600", OWNER, GROUP)),
    identity.forget, lambda target: identity.note(target, 99),
    lambda target: os.truncate(os.path.join(target.state_dir, "ledger", ledger.runs(target)[0] + ".jsonl"), 0)])
def test_the_advice_of_a_refusal_lets_the_next_run_go_on(target, harm):
    run = done(target, "/etc/a")
    target.private_folder("saved", run)
    harm(target)
    with pytest.raises(errors.Refused, match="hyperscale_ledger: forgotten"):
        health.refuse(target, REGISTRY.kinds)
    new, moved = letting_go.forget(target, REGISTRY)
    assert any("ledger is in" in words for words in moved)
    assert health.problems(target, REGISTRY.kinds) == [] and ledger.standing(target) == []
    assert ledger.sequence_of(done(target, "/etc/b")) == ledger.sequence_of(new) + 1
    # Nothing of the host or of the old ledger is lost.
    assert target.read("/etc/a")
    (place,) = os.listdir(os.path.join(target.state_dir, letting_go.FORGOTTEN))
    assert {"ledger", "saved"} <= set(os.listdir(os.path.join(target.state_dir, letting_go.FORGOTTEN, place)))


def test_nothing_is_forgotten_while_a_transaction_is_at_work(target, monkeypatch):
    done(target, "/etc/a")
    identity.note(target, 99)
    jobfile.Folder(target.private_folder(launch.FOLDER, "000001-x.0")).write(jobfile.JOB, {})
    monkeypatch.setattr(launch, "alive", lambda _target, job: job == "000001-x.0")
    with pytest.raises(errors.Refused, match="centos-hyperscale-000001-x.0.service"):
        letting_go.forget(target, REGISTRY)


def test_a_lost_ledger_is_begun_anew(target):
    identity.note(target, 7)
    with pytest.raises(errors.Refused, match="says that run 7 changed this host"):
        health.refuse(target, REGISTRY.kinds)
    _run, moved = letting_go.forget(target, REGISTRY)
    assert moved == [f"{identity.COOKIE} is gone"]
    assert health.problems(target, REGISTRY.kinds) == []
    assert letting_go.forget(target, REGISTRY) == (None, []) or ledger.standing(target) == []


def codes(act):
    try:
        act()
    except errors.Refused as refused:
        return [problem.code for problem in refused.problems]
    return []


def test_a_host_that_waited_is_accepted_once_nothing_is_pending(target):
    waits = [Pending("files", "hand-over", PROOF, "it is not confirmed")]
    registry = Registry({"files": types.SimpleNamespace(**vars(files), waiting=lambda _target: list(waits))})
    done(target, "/etc/a")
    assert codes(lambda: letting_go.accept(target, registry)) == ["ledger.waits"]
    waits.clear()
    assert codes(lambda: letting_go.accept(target, registry)) == [] and ledger.standing(target) == []


@pytest.mark.parametrize("way", ["taken back", "accepted"])
def test_a_whole_ledger_is_forgotten_once_the_host_is_taken_back_or_accepted(target, way):
    done(target, "/etc/a")
    assert codes(lambda: letting_go.forget(target, REGISTRY)) == ["ledger.whole"]
    if way == "accepted":
        letting_go.accept(target, REGISTRY)
    else:
        run.undo_all(target, ledger.new_run_id(target), undo.taken(target, {"files"}, REGISTRY), REGISTRY.kinds, None)
    assert codes(lambda: letting_go.forget(target, REGISTRY)) == []


def test_a_ledger_is_forgotten_once_the_transaction_has_ended(target, monkeypatch):
    done(target, "/etc/a")
    identity.note(target, 99)
    jobfile.Folder(target.private_folder(launch.FOLDER, "000001-x.0")).write(jobfile.JOB, {})
    at_work = ["000001-x.0"]
    monkeypatch.setattr(launch, "alive", lambda _target, job: job in at_work)
    assert codes(lambda: letting_go.forget(target, REGISTRY)) == ["transaction.at_work"]
    at_work.clear()
    assert codes(lambda: letting_go.forget(target, REGISTRY)) == []


# By code: what is done to the ledger, and what puts it right again.
HARM = {
    "ledger.unreadable": lambda path: path.write_text(path.read_text()[:-40] + "\n"),
    "ledger.not_of_this_host": lambda path: path.unlink(),
}


@pytest.mark.parametrize("code", HARM)
def test_a_ledger_that_is_put_back_from_a_backup_is_relied_on_again(target, code):
    run_id = done(target, "/etc/a")
    path = pathlib.Path(target.state_dir) / "ledger" / f"{run_id}.jsonl"
    kept = path.read_bytes()
    HARM[code](path)
    assert codes(lambda: health.refuse(target, REGISTRY.kinds)) == [code]
    path.write_bytes(kept)
    assert codes(lambda: health.refuse(target, REGISTRY.kinds)) == []


def test_a_host_of_an_older_release_goes_on_once_that_took_it_back(target):
    journal = pathlib.Path(target.private_folder(health.OLD_FOLDER)) / "20260101T000000Z-1.jsonl"
    journal.write_text("{}\n")
    assert codes(lambda: health.refuse(target, REGISTRY.kinds)) == ["ledger.older_format"]
    assert [words for words in letting_go.forget(target, REGISTRY)[1] if health.OLD_FOLDER in words]
    assert codes(lambda: health.refuse(target, REGISTRY.kinds)) == []


def test_a_step_of_an_unknown_kind_is_known_to_the_release_that_wrote_it(target):
    action = files.FileAction.between("/etc/a", "", None, host_io.FileState("x", "0644", OWNER, GROUP))
    with pytest.raises(errors.Failed) as failed:
        engine.from_record(action.record(), {})
    assert [problem.code for problem in failed.value.problems] == ["ledger.unknown_kind"]
    assert engine.from_record(action.record(), REGISTRY.kinds).subject == "/etc/a"
