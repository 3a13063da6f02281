# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger on disk: damage is named and hides nothing, space is reserved, and it is known of which host and time it is."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    engine, errors, health, host_io, identity, ledger, ledger_book, ledger_lines, lock, recovery, retention, undo,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book

RECORD = {"kind": "file", "subject": "/etc/a", "why": "", "args": {}, "before": "", "after": ""}
KINDS = {"file"}


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "tmp").mkdir()
    host = tmp_path / "host"
    (host / "etc").mkdir(parents=True)
    (host / "etc" / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path / "tmp"), root=str(host))


def run(target, *states, ends=True):
    """Write a run with one step that went through some states, and return its id."""
    book = Book(target, ledger.new_run_id(target))
    book.write(ledger.INTENT, 0, action=RECORD)
    for state in states:
        book.write(state, 0)
    if ends:
        book.write(ledger.RUN_ENDED)
    book.close()
    return book.run


def file_of(target, name):
    return os.path.join(target.state_dir, ledger.FOLDER, name + ledger.SUFFIX)


@pytest.mark.parametrize("content", [
    {"event": "intent"}, {"event": "x", "text": 'a "sum": "b" \n c'}, {"event": "é", "n": 1.5, "deep": [{"sum": ", "}]}])
def test_a_line_is_read_as_it_was_written(content):
    text = ledger_lines.encode(content)
    (line,), damaged, torn = ledger_lines.decode(text)
    assert {name: value for name, value in line.items() if name != "sum"} == content
    assert (damaged, torn) == ([], False) and text.count(b"\n") == 1


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace(b"intent", b"intens"), lambda text: text[:-3] + b"}\n",
    lambda text: b"\0" * (len(text) - 1) + b"\n",
    lambda text: text.replace(b'"sum"', b'"sun"'), lambda text: b"\n", lambda text: b"[]\n", lambda text: text[1:]])
def test_a_damaged_line_is_named_and_hides_no_other(spoil):
    one, two, three = (ledger_lines.encode({"event": "intent", "number": number}) for number in range(3))
    found = ledger_lines.decode(one + spoil(two) + three)
    assert [line["number"] for line in found.good] == [0, 2] and found.damaged == [2] and not found.torn


def test_every_cut_of_the_last_line_leaves_those_before_it():
    one, two = (ledger_lines.encode({"event": "intent", "number": number}) for number in range(2))
    for length in range(1, len(two)):
        found = ledger_lines.decode(one + two[:length])
        assert (len(found.good), found.damaged, found.torn) == (1, [], True)


@pytest.mark.parametrize(("states", "stands"), [
    ((), True), (("applied",), True), (("applied", "verified"), True), (("dirty",), True), (("applied", "dirty"), True),
    (("reverted",), False), (("dirty", "reverted"), False), (("applied", "dirty", "verified"), True)])
def test_what_has_an_intent_and_is_not_reverted_belongs_to_the_ledger(target, states, stands):
    run(target, *states)
    assert bool(ledger.standing(target)) is stands


def test_the_first_line_names_format_sequence_boot_and_host(target):
    name = run(target, "verified")
    with open(file_of(target, name), encoding="utf-8") as handle:
        head = json.loads(handle.readline())
    assert (head["event"], head["format"], head["run"], head["sequence"]) == ("header", 2, name, 1)
    assert head["host"] == {"machine": "0123456789abcdef0123456789abcdef", "root": ""} and "boot" in head
    assert ledger.sequence_of(run(target, "verified")) == 2


def test_a_damaged_ledger_is_refused_with_file_and_line(target):
    first = run(target, "applied", "verified")
    with open(file_of(target, first), "r+b") as handle:
        lines = handle.read().splitlines(keepends=True)
        lines[1] = lines[1].replace(b"/etc/a", b"/etc/b")
        handle.seek(0)
        handle.write(b"".join(lines))
    run(target, "applied", "verified")
    with pytest.raises(errors.Refused, match=f"line 2 of .*{first}.jsonl is damaged"):
        health.refuse(target, KINDS)
    # The run after it is read all the same.
    assert len(ledger.standing(target)) == 1


@pytest.mark.parametrize(("change", "says"), [
    (lambda head: head.update(format=3), "has format 3, and this release of the collection reads format 2"),
    (lambda head: head.update(event="other"), "does not begin with the line that names its format")])
def test_a_ledger_of_an_unknown_format_is_refused(target, change, says):
    name = run(target, "verified")
    with open(file_of(target, name), "rb") as handle:
        head, *rest = handle.read().splitlines(keepends=True)
    line = {key: value for key, value in json.loads(head).items() if key != "sum"}
    change(line)
    with open(file_of(target, name), "wb") as handle:
        handle.write(ledger_lines.encode(line) + b"".join(rest))
    with pytest.raises(errors.Refused, match=says):
        health.refuse(target, KINDS)


def test_a_step_of_an_unknown_kind_is_refused_and_named(target):
    name = run(target, "verified")
    with pytest.raises(errors.Refused, match=f"step 0 of {name} is of kind 'file'"):
        health.refuse(target, {"unit"})
    assert health.problems(target, KINDS) == []


def test_the_journal_of_an_older_release_is_refused_with_the_advice(target):
    os.makedirs(os.path.join(target.state_dir, "journal"))
    assert health.problems(target, KINDS) == []  # an empty folder says nothing
    with open(os.path.join(target.state_dir, "journal", "20261121T034500Z-1f2e3d4c.jsonl"), "w", encoding="utf-8"):
        pass
    (problem,) = health.problems(target, KINDS)
    assert "release 0.5.0" in problem.fact and "hyperscale_ledger: forgotten" in problem.remedy


def other_machine(target):
    target.remove("/etc/machine-id")
    target.write("/etc/machine-id", host_io.FileState("f" * 32 + "\n", "0444", str(os.geteuid()), str(os.getegid())))


def without_ledger(target):
    for name in ledger.runs(target):
        os.unlink(file_of(target, name))


def set_back(target):
    os.unlink(file_of(target, ledger.runs(target)[-1]))


def root_set_back(target):
    identity.note(target, 1)


@pytest.mark.parametrize(("happens", "says"), [
    (other_machine, "it was written on the machine 0123456789abcdef0123456789abcdef, and this one is ffff"),
    (without_ledger, "says that run 2 changed this host, and .*/ledger has no run"),
    (set_back, "knows of run 2, and the newest run of the ledger is 1"),
    (root_set_back, "knows of no run after 1, and the newest run of the ledger is 2"),
    (identity.forget, "is missing")])
def test_a_ledger_of_another_host_or_time_is_refused_with_the_ways_on(target, happens, says):
    run(target, "verified")
    run(target, "verified")
    assert health.problems(target, KINDS) == []
    happens(target)
    with pytest.raises(errors.Refused, match=says) as refused:
        health.refuse(target, KINDS)
    for way in ("stock", "forgotten"):
        assert f"hyperscale_ledger: {way}" in str(refused.value)


def test_a_run_that_was_cut_before_its_first_step_is_no_other_time(target):
    run(target, "verified")
    book = Book(target, ledger.new_run_id(target))
    book.close()
    identity.note(target, 1)  # as if it had been cut between its first line and the cookie
    assert health.problems(target, KINDS) == []


def test_a_run_that_was_cut_while_its_file_was_made_is_settled(target):
    run(target, "verified")
    name = ledger.new_run_id(target)
    with open(file_of(target, name), "wb"):
        pass
    assert health.problems(target, KINDS) == [] and ledger.interrupted(target).id == name
    book = Book(target, name)
    book.write(ledger.RUN_ENDED)
    book.close()
    assert health.problems(target, KINDS) == [] and ledger.read(target, name).ended
    assert ledger.read(target, name).header["run"] == name


def test_nothing_is_kept_on_the_root_file_system_once_nothing_stands(target):
    run(target, "dirty", "reverted")
    assert identity.cookie(target).sequence == 1
    retention.prune(target)
    assert identity.cookie(target) is None and health.problems(target, KINDS) == []
    assert ledger.sequence_of(ledger.new_run_id(target)) == 2


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no json", '{"machine": 1, "root": 2, "sequence": "x"}'])
def test_a_damaged_cookie_is_one_of_another_time(target, content):
    run(target, "verified")
    target.write(identity.COOKIE, host_io.FileState(content, "0600", str(os.geteuid()), str(os.getegid())))
    assert health.problems(target, KINDS)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_does_not_keep_a_begun_step_from_being_recorded(target, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], check=False).returncode:
        pytest.skip("this machine does not let a tmpfs be mounted")
    try:
        target.state_dir = str(disk / "state")
        book = Book(target, "000001-a")
        book.write(ledger.INTENT, 0, action=RECORD)
        with open(disk / "full", "wb") as handle, pytest.raises(OSError, match="No space left"):
            while True:
                os.write(handle.fileno(), b"x" * 4096)
        for number in range(20):
            book.write(ledger.DIRTY, number, error="e" * 100000)
        book.write(ledger.RUN_ENDED)
        with pytest.raises(errors.Failed, match="Make room there"):
            book.write(ledger.INTENT, 21, action=dict(RECORD, args={"big": "x" * ledger_book.RESERVED}))
        book.close()
        run_read = ledger.read(target, "000001-a")
        assert run_read.ended and run_read.damage == [] and run_read.steps[0].state == "dirty"
        with pytest.raises(errors.Refused, match="Make room there"):
            Book(target, "000002-b")
        assert ledger.runs(target) == ["000001-a"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_is_read_once_until_it_changes(target, monkeypatch):
    name = run(target, "verified", ends=False)
    read = []
    parse = ledger.parse
    monkeypatch.setattr(ledger, "parse", lambda *given: (read.append(given[0]), parse(*given))[1])
    ledger._read.clear()
    for _time in range(3):
        ledger.standing(target)
    assert read == [name]
    book = Book(target, name)
    book.write(ledger.RUN_ENDED)
    book.close()
    assert ledger.read(target, name).ended and read == [name, name]


class Nothing:
    """A registry of one kind of step, whose section has nothing to say."""

    class Kind(engine.Action):
        kind, section = "file", "files"

    kinds = {"file": Kind}

    @staticmethod
    def having(_name):
        return []


@pytest.mark.parametrize("state", ["verified", "reverted"])
def test_of_many_runs_each_is_read_once_whatever_is_asked(target, monkeypatch, state):
    names = [run(target, state) for _one in range(300)]
    read = []
    parse = ledger.parse
    monkeypatch.setattr(ledger, "parse", lambda *given: (read.append(given[0]), parse(*given))[1])
    ledger._read.clear()
    recovery.settle(target, Nothing.kinds)
    steps = undo.taken(target, {"files"}, Nothing)
    undo.before(target, steps)
    retention.oldest_needed(target)
    retention.close(target)
    retention.prune(target)
    assert sorted(read) == names and len(steps) == (300 if state == "verified" else 0)
    # What nothing stands of is not read by the next run.
    read.clear()
    ledger._read.clear()
    recovery.settle(target, Nothing.kinds)
    assert len(read) == (300 if state == "verified" else 1)


def test_runs_of_which_nothing_stands_leave_the_ledger_but_not_the_newest(target):
    gone, stands, newest = run(target, "reverted"), run(target, "verified"), run(target, "reverted")
    retention.close(target)
    assert ledger.runs(target) == [stands, newest]
    assert os.listdir(os.path.join(target.state_dir, retention.CLOSED)) == [gone + ledger.SUFFIX]
    assert ledger.sequence_of(ledger.new_run_id(target)) == 4


def test_what_took_a_step_of_a_standing_run_back_stays_with_it(target):
    book = Book(target, ledger.new_run_id(target))
    for number in (0, 1):
        book.write(ledger.INTENT, number, action=RECORD)
        book.write(ledger.VERIFIED, number)
    book.write(ledger.RUN_ENDED)
    book.close()
    back = Book(target, ledger.new_run_id(target))
    back.write(ledger.INTENT, 0, undoes=[book.run, 1], kind="file", subject="/etc/a")
    back.write(ledger.VERIFIED, 0)
    back.write(ledger.RUN_ENDED)
    back.close()
    run(target, "reverted")
    retention.close(target)
    assert [step.number for step in ledger.standing(target)] == [0]


def test_only_the_newest_closed_runs_and_folders_are_kept(target):
    for _time in range(retention.KEPT_RUNS + 30):
        name = run(target, "reverted")
        target.private_folder(retention.RUN_FOLDERS, ledger.job_name(name, 0))
        retention.close(target)
        retention.prune(target)
    closed = os.listdir(os.path.join(target.state_dir, retention.CLOSED))
    folders = os.listdir(os.path.join(target.state_dir, retention.RUN_FOLDERS))
    assert len(closed) == retention.KEPT_RUNS and len(ledger.runs(target)) == 1
    assert len(folders) == retention.KEPT_RUNS and ledger.job_name(name, 0) in folders


def test_who_looks_does_not_keep_anybody_from_starting(target):
    with lock.exclusive(target, "ann"):
        assert "ann" in lock.at_work(target) or "it began a moment ago" in lock.at_work(target)
    handle = os.open(os.path.join(target.state_dir, lock.FILE), os.O_RDONLY)
    try:
        assert not lock.is_held(handle)
        with lock.exclusive(target, "bob"):  # while the file is open for a look
            assert lock.is_held(handle)
    finally:
        os.close(handle)
    assert lock.at_work(target) == ""


def look_for_ever(target, looks):
    while True:
        lock.at_work(target)
        looks.value += 1


def test_many_who_look_without_a_pause_keep_nobody_from_starting(target):
    forking = multiprocessing.get_context("fork")
    counts = [forking.Value("L", 0) for _one in range(2)]
    looking = [forking.Process(target=look_for_ever, args=(target, looks), daemon=True) for looks in counts]
    with lock.exclusive(target, "ann"):  # what is looked at is there
        pass
    for process in looking:
        process.start()
    try:
        for _start in range(1000):
            with lock.exclusive(target, "bob"):
                pass
        while not all(looks.value for looks in counts):
            assert all(process.is_alive() for process in looking)
    finally:
        for process in looking:
            process.kill()
            process.join()


def test_the_name_of_a_dead_holder_is_not_told(target):
    with lock.exclusive(target, "ann"):
        path = os.path.join(target.state_dir, lock.FILE)
        with open(path, "w", encoding="utf-8") as handle:
            json.dump({"who": "gone", "pid": 2 ** 22 + 1, "since": 0}, handle)
        assert lock.at_work(target) == "it began a moment ago"
        with pytest.raises(errors.Refused, match="it began a moment ago"), lock.exclusive(target, "bob"):
            pass


def test_a_step_that_prepares_something_says_when_it_begins(target):
    job = ledger.job_name("000001-a", 0)
    book = Book(target, "000001-a")
    book.write(ledger.INTENT, 0, action=RECORD)
    assert not ledger.begun(target, job) and ledger.begun(target, "000001-a.7") and ledger.begun(target, "000009-x.0")
    book.write(ledger.BEGUN, 0)
    book.close()
    assert ledger.begun(target, job) and ledger.read(target, "000001-a").steps[0].state == ledger.INTENT
