# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section manager: a PID 1 that does not answer, and a program of a process that cannot be looked at."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io, ledger
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import manager

NOT_YET = (1, "", "Failed to connect to bus: Connection refused\n")


class Host:
    """A host whose PID 1 answers questions of a kind only from the given number on."""

    def __init__(self, root, monkeypatch, **silent):
        self.silent, self.told, self.version, self.failed = silent, [], "262", ""
        self.target = host_io.Target(self.run, str(root), root=str(root))
        for pid in ("1", "7"):
            (root / "proc" / pid).mkdir(parents=True)
            os.symlink("/usr/lib/systemd/systemd", root / "proc" / pid / "exe")
        monkeypatch.setattr(manager, "POLL_SECONDS", 0.0)

    def run(self, argv):
        what = {"Version": "version", "Id,MainPID": "daemons"}.get(argv[3] if len(argv) > 3 else "", "")
        what = what or next((word for word in ("failed", "running") if f"--state={word}" in argv), "")
        if self.silent.get(what, 0) > 0:
            self.silent[what] -= 1
            return NOT_YET
        if argv[1] not in ("show", "list-units"):
            self.told.append(" ".join(argv[1:]))
        return 0, {
            "version": f"{self.version}\n", "failed": self.failed, "daemons": "Id=systemd-logind.service\nMainPID=7\n",
            "running": "user@1000.service loaded active running User Manager\n"}.get(what, ""), ""


@pytest.mark.parametrize("silent", [{}, {"running": 3}, {"daemons": 2}, {"running": 1, "daemons": 1}])
def test_user_managers_and_daemons_follow_also_where_pid_1_does_not_answer_at_once(tmp_path, monkeypatch, silent):
    host = Host(tmp_path, monkeypatch, **silent)
    (tmp_path / "proc/7/exe").unlink()
    os.symlink("/usr/lib/systemd/systemd-logind (deleted)", tmp_path / "proc/7/exe")
    manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []}).apply(host.target)
    assert host.told == [
        "daemon-reexec", f"kill --kill-whom=main --signal={manager.REEXEC_SIGNAL} user@1000.service",
        "try-restart systemd-logind.service"]


@pytest.mark.parametrize("what", ["running", "daemons"])
def test_a_pid_1_that_never_answers_ends_the_step(tmp_path, monkeypatch, what):
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    host = Host(tmp_path, monkeypatch, **{what: 10**6})
    with pytest.raises(errors.Failed, match="Connection refused"):
        manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []}).apply(host.target)


@pytest.mark.parametrize("what", ["version", "failed", "daemons"])
def test_what_is_not_answered_is_no_state(tmp_path, monkeypatch, what):
    host = Host(tmp_path, monkeypatch, **{what: 1})
    with pytest.raises(errors.Failed, match="Connection refused"):
        manager.gather(host.target)


@pytest.mark.parametrize("what", ["version", "failed", "daemons"])
def test_the_proof_waits_for_an_answer_and_tells_when_none_comes(tmp_path, monkeypatch, what):
    action = manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []})
    action.verify(Host(tmp_path / "a", monkeypatch, **{what: 3}).target)
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    with pytest.raises(errors.Failed, match="Connection refused"):
        action.verify(Host(tmp_path / "b", monkeypatch, **{what: 10**6}).target)


LINE = "{} loaded failed failed A service\n"


@pytest.mark.parametrize(("before", "now", "told"), [
    ([], ["a.service"], "a.service"), (["a.service"], ["a.service", "b.service", "c@1.mount"], "b.service, c@1.mount"),
    (["a.service"], ["a.service"], ""), (["a.service", "b.service"], ["b.service"], ""), (["a.service"], [], "")])
def test_units_that_failed_with_the_swap_end_the_step_and_others_do_not(tmp_path, monkeypatch, before, now, told):
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    host = Host(tmp_path, monkeypatch)
    host.failed = "".join(LINE.format(unit) for unit in now)
    action = manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": before})
    if not told:
        action.verify(host.target)
        return
    with pytest.raises(errors.Failed) as failed:
        action.verify(host.target)
    assert failed.value.problems[0].fact == f"units failed that worked before: {told}"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EINVAL])
def test_a_program_that_cannot_be_looked_at_is_not_taken_for_the_installed_one(tmp_path, monkeypatch, code):
    host = Host(tmp_path, monkeypatch)

    def readlink(*_args, **_how):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "readlink", readlink)
    with pytest.raises(OSError, match=os.strerror(code)):
        manager.gather(host.target)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ESRCH])
def test_a_daemon_that_ended_meanwhile_runs_nothing(tmp_path, monkeypatch, code):
    host = Host(tmp_path, monkeypatch)
    real = os.readlink

    def readlink(path, **how):
        if "/proc/7/" in path:
            raise OSError(code, os.strerror(code))
        return real(path, **how)

    monkeypatch.setattr(os, "readlink", readlink)
    assert manager.gather(host.target) == manager.State("262", False, [], [])


@pytest.mark.parametrize(("noted", "says"), [
    # It fails each time its timer starts it, and was not failed at the moment of the plan.
    ({"lately": {"job.service": "exit-code"}}, None),
    ({"failed": {"job.service": {"names": ["job.service"], "result": "timeout", "starts": ""}}}, None),
    ({"failed": {}}, "units failed that worked before: job.service"),
])
def test_what_was_broken_before_is_not_blamed_on_the_swap(tmp_path, monkeypatch, noted, says):
    host = Host(tmp_path, monkeypatch)
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    real = host.run

    def run(argv):
        if "--state=failed" in argv:
            return 0, "job.service loaded failed failed A job\n", ""
        if argv[:2] == ["systemctl", "show"] and "job.service" in argv:
            return 0, "Id=job.service\nNames=job.service\nResult=exit-code\nLoadState=loaded\n", ""
        return real(argv)

    target = host_io.Target(run, str(tmp_path), root=str(tmp_path))
    book = Book(target, "000001-a")
    book.write(ledger.RUN_BEGAN, baseline=noted)
    book.write(ledger.INTENT, 0, action={"kind": "manager-reexec", "subject": "PID 1"})
    action = manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []})
    if says is None:
        action.verify(target)
    else:
        with pytest.raises(errors.Failed, match=says):
            action.verify(target)
    book.close()


@pytest.mark.parametrize(("code", "spoil", "mend"), [
    ("systemd.old_build", lambda host: setattr(host, "version", "252"), lambda host: setattr(host, "version", "262")),
    ("systemd.old_daemons", lambda host: lead(host, " (deleted)"), lambda host: lead(host, "")),
    (
        "systemd.units_failed", lambda host: setattr(host, "failed", LINE.format("a.service")),
        lambda host: setattr(host, "failed", "")),
])
def test_what_was_wrong_with_the_swap_is_not_wrong_once_it_is_mended(tmp_path, monkeypatch, code, spoil, mend):
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    host = Host(tmp_path, monkeypatch)
    spoil(host)
    action = manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []})
    with pytest.raises(errors.Failed) as failed:
        action.verify(host.target)
    assert [problem.code for problem in failed.value.problems] == [code]
    # A restart of a daemon, and a reboot for PID 1, start what is installed.
    mend(host)
    action.verify(host.target)


def lead(host, end):
    """Have a daemon run its program, or one that is gone."""
    place = host.target.path("/proc/7/exe")
    os.unlink(place)
    os.symlink(f"/usr/lib/systemd/systemd-logind{end}", place)


def test_failures_that_cannot_be_compared_are_told_until_systemd_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(manager, "SETTLE_SECONDS", 0.0)
    host, silent = Host(tmp_path, monkeypatch), [True]
    host.failed = LINE.format("job.service")
    real = host.run

    def run(argv):
        if argv[:2] == ["systemctl", "show"] and "job.service" in argv:
            return NOT_YET if silent[0] else (0, "Id=job.service\nNames=job.service\nResult=exit-code\nLoadState=loaded\n", "")
        return real(argv)

    target = host_io.Target(run, str(tmp_path), root=str(tmp_path))
    book = Book(target, "000001-a")
    book.write(ledger.RUN_BEGAN, baseline={"lately": {"job.service": "exit-code"}})
    book.write(ledger.INTENT, 0, action={"kind": "manager-reexec", "subject": "PID 1"})
    book.close()
    action = manager.ReexecAction("PID 1", "", {"version": "262", "failed_units": []})
    with pytest.raises(errors.Failed) as failed:
        action.verify(target)
    assert [problem.code for problem in failed.value.problems] == ["systemd.failures_unknown"]
    silent[0] = False
    action.verify(target)
