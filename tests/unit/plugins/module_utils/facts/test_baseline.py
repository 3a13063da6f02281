# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was broken before counts nowhere, what is new is named: on recorded answers of systemctl and journalctl."""

from __future__ import annotations

import json

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io, ledger
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import baseline, gather, read, systemd

HOUR = 3600


class Host:
    """A systemd with units, and the journal of what became of them. Seconds count from an hour that is 0."""

    def __init__(self, **units):
        self.units = {}
        self.journal = []
        self.silent = set()
        for name, state in units.items():
            self.unit(name.replace("_at_", "@") + ".service", state)

    def unit(self, name, state="failed", result="exit-code", names=(), starts="/usr/bin/a", load="loaded"):
        self.units[name] = {
            "Id": name, "Names": " ".join([name, *names]), "LoadState": load, "ActiveState": state,
            "Result": result if state == "failed" else "success",
            "ExecStart": f"{{ path={starts} ; argv[]={starts} --password=secret ; ignore_errors=no ; start_time=[n/a] ; pid=0 }}"}

    def ended(self, name, hour, good=False):
        self.journal.append((name, hour, good))

    def run(self, argv):
        if argv[0] in self.silent:
            return 1, "", "it does not answer"
        if argv == systemd.LIST_FAILED:
            return 0, "".join(f"{unit} loaded failed failed A\n" for unit, said in self.units.items()
                              if said["ActiveState"] == "failed"), ""
        if argv == baseline.LIST_INSTANCES:
            listed = {unit: said["ActiveState"] for unit, said in self.units.items() if "@" in unit}
            return 0, "".join(f"{unit} loaded {state} x A\n" for unit, state in listed.items()), ""
        if argv[: len(baseline.SHOW)] == baseline.SHOW:
            gone = {"LoadState": "not-found", "ActiveState": "inactive"}
            return 0, "\n\n".join("\n".join(f"{key}={value}" for key, value in self.units.get(unit, {**gone, "Id": unit}).items())
                                  for unit in argv[len(baseline.SHOW):]) + "\n", ""
        if argv[0] == "journalctl":
            return 0, "".join(json.dumps({
                "UNIT": unit, "UNIT_RESULT": "exit-code", "__REALTIME_TIMESTAMP": str(int((hour + 1000) * HOUR * 1e6))}) + "\n"
                for unit, hour, good in self.journal if good != (f"MESSAGE_ID={baseline.FAILURE}" in argv)
                and (not good or f"UNIT={unit}" in argv)), ""
        raise AssertionError(argv)

    def take(self):
        notes = []
        found = baseline.take(self.run, lambda what, reason: notes.append(what), {
            "duplicates": ["a"], "disagreements": [{"nevra": "b-1-1.noarch"}]})
        self.notes = notes
        return json.loads(json.dumps(found))

    def failures(self, noted):
        return baseline.judged(self.run, noted, sorted(
            unit for unit, said in self.units.items() if said["ActiveState"] == "failed"))


def test_what_had_failed_before_is_told_and_decides_nothing():
    host = Host(kdump="failed", b="active")
    noted = host.take()
    assert noted["duplicates"] == ["a"] and noted["disagreements"] == ["b-1-1.noarch"] and host.notes == []
    found = host.failures(noted)
    assert (found.new, found.better) == ({}, []) and found.before == {"kdump.service": "it had failed before"}
    host.unit("b.service")
    assert list(host.failures(noted).new) == ["b.service"] and "kdump.service" in host.failures(noted).before


def test_what_got_better_is_no_error():
    host = Host(kdump="failed")
    noted = host.take()
    host.unit("kdump.service", "active")
    assert host.failures(noted) == ({}, {}, ["kdump.service"])


def test_a_unit_that_fails_again_for_another_reason():
    host = Host(kdump="failed")
    noted = host.take()
    host.unit("kdump.service", result="timeout")
    assert host.failures(noted).new == {}
    assert host.failures(noted).before["kdump.service"] == "it had failed before (exit-code then, timeout now)"


def test_a_unit_that_somebody_had_reset():
    host = Host(kdump="inactive", works="active")
    host.ended("kdump.service", -1)
    noted = host.take()
    assert noted["failed"] == {} and noted["lately"] == {"kdump.service": "exit-code"}
    host.unit("kdump.service")
    assert host.failures(noted).new == {} and "last ran" in host.failures(noted).before["kdump.service"]


def test_a_unit_that_is_reset_between_two_runs_and_fails_again_after_the_swap():
    host = Host(kdump="failed")
    noted = host.take()
    host.unit("kdump.service", "inactive")
    assert host.failures(noted).better == ["kdump.service"]
    host.unit("kdump.service")
    assert host.failures(noted).new == {} and host.failures(noted).better == []


@pytest.mark.parametrize("moment", ["inactive", "activating", "failed"])
def test_a_job_that_fails_each_hour(moment):
    host = Host(job=moment)
    for hour in (-3, -2, -1):
        host.ended("job.service", hour)
    noted = host.take()
    host.unit("job.service")
    assert host.failures(noted).new == {}


def test_a_unit_that_failed_once_and_was_good_since_is_news():
    host = Host(job="inactive", daemon="active")
    for name in ("job.service", "daemon.service"):
        host.ended(name, -9)
        host.ended(name, -2, good=True)
    noted = host.take()
    assert noted["lately"] == {}
    host.unit("job.service")
    host.unit("daemon.service")
    assert sorted(host.failures(noted).new) == ["daemon.service", "job.service"]


def test_instances_of_a_template():
    host = Host(a_at_1="failed", a_at_2="active", b_at_1="active")
    noted = host.take()
    assert noted["instances"] == ["a@2.service", "b@1.service"]
    # Of a template whose instances failed, one that came since fails like them, and one that worked is news.
    for name in ("a@3.service", "a@2.service", "b@7.service"):
        host.unit(name)
    found = host.failures(noted)
    assert sorted(found.new) == ["a@2.service", "b@7.service"] and sorted(found.before) == ["a@1.service", "a@3.service"]


def test_a_unit_that_the_new_package_calls_otherwise():
    host = Host(old="failed", other="failed")
    noted = host.take()
    host.units = {}
    host.unit("new.service", names=["old.service"])
    assert host.failures(noted).before["new.service"] == "it had failed before, as old.service"
    host.units = {}
    # Without an alias: the old one is gone, and the same program is started.
    host.unit("other.service", starts="/usr/bin/b")
    noted["failed"]["old.service"]["starts"], noted["failed"]["other.service"]["starts"] = (
        noted["failed"]["old.service"]["starts"], "0" * 16)
    host.unit("new.service")
    found = host.failures(noted)
    assert "as old.service, which is gone" in found.before["new.service"] and found.new == {}
    # While the old one is still there, another unit with that program is news.
    host.unit("old.service", "active")
    assert list(host.failures(noted).new) == ["new.service"]


def test_no_command_is_kept():
    assert "secret" not in json.dumps(Host(kdump="failed").take())


@pytest.mark.parametrize(("silent", "parts", "notes"), [
    ("journalctl", {"failed", "instances"}, ["baseline.lately"]), ("systemctl", {"lately"}, ["baseline.failed"])])
def test_what_cannot_be_read_is_noted_and_taken_for_nothing(silent, parts, notes):
    host = Host(kdump="failed")
    host.silent = {silent}
    found = host.take()
    assert set(found) & set(baseline.UNIT_PARTS) == parts and host.notes == notes
    if silent == "systemctl":
        with pytest.raises(read.Unreadable):
            baseline.judged(host.run, found, ["kdump.service"])


def test_without_anything_of_the_collection_nothing_is_blamed_on_it():
    host = Host(kdump="failed")
    assert baseline.judged(host.run, None, ["kdump.service"]).new == {}
    assert baseline.news(None, "duplicates", ["a"]) == []
    assert baseline.news({"duplicates": ["a"]}, "duplicates", ["a", "b"]) == ["b"]


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path))


def run(target, name, noted, done=True, undoes=None):
    """Write the ledger of a run with one step."""
    book = Book(target, name)
    book.write(ledger.RUN_BEGAN, **({"baseline": noted} if noted is not None else {}))
    intent = {"undoes": undoes} if undoes else {"action": {"kind": "file", "subject": "/a"}}
    book.write(ledger.INTENT, 0, **intent)
    book.write(ledger.APPLIED, 0)
    book.write(ledger.VERIFIED if done else ledger.REVERTED, 0)
    book.write(ledger.RUN_ENDED)
    book.close()


def test_the_first_run_of_an_adoption_counts(target):
    assert ledger.baseline(target) is None
    run(target, "000001-a", {"failed": {"gone": {}}}, done=False)
    assert ledger.baseline(target) is None
    run(target, "000002-b", {"failed": {"first": {}}})
    run(target, "000003-c", {"failed": {"later": {}}})
    assert ledger.baseline(target) == {"failed": {"first": {}}}


def test_after_a_way_back_the_time_before_the_adoption_counts(target):
    run(target, "000001-a", {"failed": {"first": {}}})
    run(target, "000002-b", ledger.baseline(target), undoes=["000001-a", 0])
    assert ledger.standing(target) == [] and ledger.baseline(target) == {"failed": {"first": {}}}
    run(target, "000003-c", {"failed": {"anew": {}}})
    assert ledger.baseline(target) == {"failed": {"anew": {}}}


def test_a_ledger_that_noted_nothing_excuses_nothing(target):
    run(target, "000001-a", None)
    assert ledger.baseline(target) == {}


@pytest.mark.parametrize(("noted", "new", "before"), [
    ({"failed": {}}, ["kdump.service"], []),
    ({"failed": {"kdump.service": {"names": ["kdump.service"], "result": "exit-code", "starts": ""}}}, [], ["kdump.service"]),
])
def test_the_facts_of_a_host_compare(target, tmp_path, noted, new, before):
    run(target, "000001-a", noted)
    host = Host(kdump="failed")

    def answers(argv):
        if argv == systemd.SHOW_MANAGER:
            return 0, "Version=257\nSystemState=degraded\n", ""
        return host.run(list(argv))

    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("systemd\n")
    (tmp_path / "proc/1/exe").symlink_to("/usr/lib/systemd/systemd")
    found = gather.gather(answers, [], ["systemd"], root=str(tmp_path))["systemd"]
    assert found["failed_units"] == ["kdump.service"] and found["state"] == "degraded"
    assert (found["failed_units_new"], list(found["failed_units_before"])) == (new, before)


def test_what_cannot_be_compared_is_unknown(target, tmp_path, monkeypatch):
    def denied(_target):
        raise PermissionError(13, "Permission denied", "/var/lib/centos-hyperscale")

    monkeypatch.setattr(ledger, "baseline", denied)
    host = Host(kdump="failed")
    found = gather.Host(str(tmp_path), lambda argv: host.run(list(argv)), [])
    monkeypatch.setattr(systemd, "gather", lambda *_args: {"failed_units": ["kdump.service"]})
    assert found.systemd["failed_units_new"] is None
    assert [entry["what"] for entry in found.unreadable if "baseline" in entry["what"]] == ["systemd.baseline"]


@pytest.mark.parametrize("noted", [{}, {"lately": {}, "instances": []}])
def test_what_was_not_noted_is_not_taken_for_unbroken(noted):
    host = Host(a="failed")
    with pytest.raises(read.Unreadable, match="did not note"):
        baseline.judged(host.run, noted, ["a.service"])
    assert baseline.judged(host.run, noted, []).new == {}
    assert baseline.judged(host.run, {"lately": {"a.service": "exit-code"}}, ["a.service"]).new == {}
    assert baseline.news(noted, "duplicates", ["a"]) is None
    assert baseline.news({"duplicates": []}, "duplicates", ["a"]) == ["a"] and baseline.news(None, "duplicates", ["a"]) == []
