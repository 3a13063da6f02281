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


def test_domains_are_those_of_main_processes(tmp_path):
    assert unit_states.domains(View(str(tmp_path), systemd(BLOCKS, status=0))) == {}  # SELinux is off
    for path, text in {"sys/fs/selinux/enforce": "1", "proc/11/attr/current": "system_u:system_r:syslogd_t:s0\0"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert unit_states.domains(View(str(tmp_path), systemd(BLOCKS, status=0))) == {"a.service": "syslogd_t"}
