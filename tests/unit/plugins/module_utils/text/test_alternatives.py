# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of families of alternatives, read as the real program was recorded to read them."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.centos.hyperscale.plugins.module_utils.text import alternatives
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.sections.alternatives_host import (
    FILE, cases as alternatives_cases,
)

CASES = yaml.safe_load(alternatives_cases.CASES.read_text())["cases"]
FILES = {case["name"]: case for case in CASES if case["file"] is not None}
SHOWN = {name: run["printed"] for name, case in FILES.items() for run in case["runs"] if run["run"] == "--display edit" and (
    run["status"] == 0 and "name twice" not in name)}


def test_a_file_with_groups_services_and_gaps():
    family = alternatives.parse("edit", FILE)
    assert (family.auto, family.link) == (True, "/usr/bin/edit")
    assert family.followers == {"edit-man": "/usr/share/man/edit.1", "edit-cfg": "/usr/bin/edit.cfg"}
    assert [(target.path, target.priority) for target in family.targets] == [
        ("/usr/bin/old", 10), ("/usr/bin/new", 20), ("/usr/bin/late", 20)]
    assert family.targets[0].followers == {"edit-man": "/usr/share/man/old.1"}
    assert family.targets[1].followers == {"edit-cfg": "/usr/bin/new.cfg"}
    assert family.best().path == "/usr/bin/new"


def test_what_a_target_has_besides():
    family = alternatives.parse("edit", FILE)
    assert [(target.group, target.service) for target in family.targets] == [("office", "edit.service"), ("", ""), ("", "")]


@pytest.mark.parametrize("case", FILES.values(), ids=FILES)
def test_what_the_real_program_reads_is_read_and_nothing_else(case):
    try:
        alternatives.parse("edit", case["file"])
        reads = True
    except ValueError:
        reads = False
    assert reads == case["readable"]


def test_the_record_has_files_of_either_kind():
    kinds = [case["readable"] for case in FILES.values()]
    assert kinds.count(True) > 50 and kinds.count(False) > 30 and len(SHOWN) > 50


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_read_as_the_real_program_shows_it(name):
    case = FILES[name]
    family = alternatives.parse("edit", case["file"])
    held = case.get("links", alternatives_cases.LINKS)["/etc/alternatives/edit"]
    lines = [
        f"edit - status is {'auto' if family.is_automatic(held) else 'manual'}.",
        f"link currently points to {alternatives.normal(held)}"]
    for target in family.targets:
        lines.append(f"{target.path} - {f'family {target.group} ' if target.group else ''}priority {target.priority}")
        lines += [f"follower {follower}: {target.followers.get(follower, '(null)')}" for follower in family.followers]
    lines.append(f"Current `best' version is {family.best().path}.")
    assert [" ".join(line.split()) for line in lines] == SHOWN[name]


def test_a_follower_that_is_named_twice_is_what_its_last_line_says():
    family = alternatives.parse("edit", FILES["a follower's name twice"]["file"])
    assert family.followers == {"man": "/usr/share/man/2"}
    assert [target.followers for target in family.targets] == [{"man": "/opt/a.2"}, {}]


def switching(case):
    """Return how other programs are called for the services of a family that the priorities select, but for presets."""
    family = alternatives.parse("edit", case["file"])
    for target in sorted(family.targets, key=lambda target: target is not family.best()):
        chosen, service = target is family.best(), " ".join(target.service.split())
        if service and f"{service}.service" in case.get("units", {}):
            yield f"systemctl -q {'is-enabled' if chosen else 'disable'} {service}.service"
        elif service:
            yield f"chkconfig --{'add' if chosen else 'del'} {service}"


@pytest.mark.parametrize(("name", "ran"), [
    (name, run["ran"]) for name, case in FILES.items() for run in case["runs"] if run["run"] == "--auto edit" and "ran" in run])
def test_the_services_that_are_read_are_those_that_the_real_program_switches(name, ran):
    assert list(switching(FILES[name])) == [line for line in ran if " preset " not in line]
