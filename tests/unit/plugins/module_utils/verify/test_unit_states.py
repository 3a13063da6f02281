# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PID 1 says of its units, also where it does not tell of some."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import NOT_FOUND, View
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import unit_states

ALL = unit_states.show(unit_states.STATES, "*")
BLOCKS = {name: f"Id={name}\nActiveState=active\nMainPID={pid}\n" for name, pid in {
    "a.service": 11, "b.service": 12, "c.service": 0}.items()}
DENIED = "Failed to get properties: Access denied\n"


def systemd(tells, listed=(0, "a.service loaded\nb.service loaded\nc.service loaded\n"), status=1):
    """Return a run of systemctl that, asked for all, tells of some units and ends at one that it is denied."""
    def run(argv):
        if argv[1] == "list-units":
            return listed
        name = argv[-1]
        if "*" in name:
            return status, "\n".join(BLOCKS[unit] for unit in tells) + DENIED * (status != 0)
        return (1, DENIED) if name == "b.service" else (0, BLOCKS[name])
    return run


def test_states_are_asked_for_anew_each_time(tmp_path):
    answers = iter([(0, BLOCKS["a.service"]), (0, BLOCKS["a.service"].replace("active", "failed"))])
    view = View(str(tmp_path), lambda argv: next(answers) if argv == ALL else (NOT_FOUND, ""))
    assert [unit_states.states(view)["a.service"]["ActiveState"] for _turn in range(2)] == ["active", "failed"]


def test_a_unit_that_is_denied_is_unread_and_hides_no_other(tmp_path):
    view = View(str(tmp_path), systemd(["a.service"]))
    assert sorted(unit_states.states(view)) == ["a.service", "c.service"]
    assert view.noted.all == {"unit b.service": "Failed to get properties: Access denied"}


def test_all_told_means_nothing_is_unread(tmp_path):
    view = View(str(tmp_path), systemd(BLOCKS, status=0))
    assert sorted(unit_states.states(view)) == sorted(BLOCKS) and view.noted.all == {}


@pytest.mark.parametrize("run", [
    lambda argv: (NOT_FOUND, ""), lambda argv: (1, DENIED), systemd(["a.service"], listed=(1, "Failed to list units")),
], ids=["no-systemctl", "nothing-told", "no-list"])
def test_who_cannot_ask_does_not_pass(tmp_path, run):
    with pytest.raises(OSError, match="systemctl"):
        unit_states.states(View(str(tmp_path), run))


def test_checks_ask_once_and_go_on_after_a_unit_that_is_denied(tmp_path):
    asked = []

    def run(argv):
        asked.append(argv)
        return systemd(["a.service"])(argv)

    view = View(str(tmp_path), run)
    assert sorted(unit_states.known(view)) == ["a.service", "c.service"]
    before = len(asked)
    with view.watched() as met:
        assert sorted(unit_states.known(view)) == ["a.service", "c.service"]
    assert len(asked) == before and list(met) == ["unit b.service"]


def under_selinux(root, **contexts):
    """Lay down processes, as p11 and so on, with their contexts."""
    for path, text in {"sys/fs/selinux/enforce": "1", **{
            f"proc/{name[1:]}/attr/current": context for name, context in contexts.items()}}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_domains_are_those_of_main_processes(tmp_path):
    view = View(str(tmp_path), systemd(BLOCKS, status=0))
    assert unit_states.domains(view) == {}  # SELinux is off
    under_selinux(tmp_path, p11="system_u:system_r:syslogd_t:s0\0", p12="system_u:system_r:init_t:s0\0")
    assert unit_states.domains(view) == {"a.service": "syslogd_t", "b.service": "init_t"} and view.noted.all == {}


@pytest.mark.parametrize(("then", "domain", "noted"), [
    ((0, "Id=a.service\nMainPID=12\n"), {"a.service": "init_t"}, []), ((0, "Id=a.service\nMainPID=0\n"), {}, []),
    ((0, "Id=a.service\nMainPID=13\n"), {}, ["unit a.service"]), ((1, DENIED), {}, ["unit a.service"]),
], ids=["another", "no-more", "ended-again", "denied"])
def test_a_main_process_that_ended_before_it_was_looked_at(tmp_path, then, domain, noted):
    under_selinux(tmp_path, p12="system_u:system_r:init_t:s0\0")
    answers = iter([(0, BLOCKS["a.service"]), then])
    view = View(str(tmp_path), lambda argv: next(answers))
    assert unit_states.domains(view) == domain and list(view.noted.all) == noted
    assert next(answers, None) is None


def test_a_context_that_cannot_be_read_is_unread(tmp_path, monkeypatch):
    under_selinux(tmp_path, p11="system_u:system_r:syslogd_t:s0\0", p12="system_u:system_r:init_t:s0\0")
    real = open

    def denied(path, *args, **more):
        if str(path).endswith("/12/attr/current"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **more)

    monkeypatch.setattr("builtins.open", denied)
    view = View(str(tmp_path), systemd(BLOCKS, status=0))
    assert unit_states.domains(view) == {"a.service": "syslogd_t"}
    assert view.noted.all == {"/proc/12/attr/current": "Permission denied"}
