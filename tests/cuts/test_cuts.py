# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few of the cells that C(make test-faults) plays: every way, every fault and every work of an admin, on both streams."""

from __future__ import annotations

import pytest

from lab import __main__ as lab_commands

from . import admin, cells, stage
from .cells import ADOPT, ADOPT_ROLE, ADOPT_ROLLBACK, ROLLBACK, ROLLBACK_ADOPT, ROLLBACK_ROLE, TRANSACTION

FILE, ENABLE, REEXEC = "file /etc/lab-cut.conf", "unit enable lab-cut.service", "manager-reexec PID 1"
# In the order that leaves a host for the next as it needs it.
CUT = [
    cells.Cell(ADOPT, TRANSACTION, cells.BOTH_KILLED, "50 %", 9),
    cells.Cell(ROLLBACK, TRANSACTION, cells.POWER_CUT, "50 %", 9),
    cells.Cell(ADOPT_ROLLBACK, ENABLE, cells.UNVERIFIED, cells.APPLIED, 9),
    cells.Cell(ADOPT_ROLE, FILE, cells.POWER_CUT, cells.DONE, 9),
    cells.Cell(ROLLBACK_ADOPT, TRANSACTION, cells.KILLED, cells.LAST, 9),
    cells.Cell(ADOPT, TRANSACTION, cells.TRANSACTION_KILLED, "95 %", 10),
    cells.Cell(ROLLBACK_ROLE, REEXEC, cells.KILLED, cells.DONE, 10),
    cells.Cell(ADOPT_ROLLBACK, TRANSACTION, cells.KILLED, "10 %", 10),
    # By then PID 1 has lost the libraries that it starts units with.
    cells.Cell(ADOPT, TRANSACTION, cells.BOTH_KILLED, "90 %", 10),
    cells.Cell(ROLLBACK, FILE, cells.DISK_FULL, cells.BEFORE + cells.DONE, 10),
    cells.Cell(ADOPT_ROLLBACK, TRANSACTION, cells.DISK_FULL, cells.BEGAN, 10),
]
CELLS = [
    cell._replace(works=tuple(group[place % len(group)] for group in admin.GROUPS)) for place, cell in enumerate(CUT)]


@pytest.fixture(scope="session", name="stages")
def fixture_stages():
    stages = {}
    yield stages
    for one in stages.values():
        one.leave()


@pytest.mark.parametrize("cell", [pytest.param(cell, id=cell.name) for cell in CELLS])
def test_a_job_that_was_cut_is_ended_by_the_next(cell, stages):
    if cell.stream not in stages:
        stages[cell.stream] = stage.Stage(cell.stream, lab_commands.build())
        stages[cell.stream].rehearse()
    record = stages[cell.stream].play(cell)
    assert record.words == []


def test_the_cells_are_a_fair_sample():
    for found, wanted in (
            ({cell.way for cell in CELLS}, set(cells.WAYS)), ({cell.fault for cell in CELLS}, set(cells.FAULTS)),
            ({work for cell in CELLS for work in cell.works}, {work for group in admin.GROUPS for work in group}),
            ({cell.role for cell in CELLS}, {"", *cells.ROLES})):
        assert found == wanted
