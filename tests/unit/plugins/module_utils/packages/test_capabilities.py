# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a family is to provide: settled with the other wishes, found installed, chosen from what is on offer."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import (
    capabilities as package_capabilities, rpmdb, wishes,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages as packages_section

OOMD = "systemd-oomd-defaults"
DEFAULTS = {name: option.get("default") for name, option in packages_section.OPTIONS.items()}


class Build(t.NamedTuple):
    """A package on offer, with what dnf says of it."""

    name: str
    evr: str
    release: str
    provides: str = OOMD
    reponame: str = "repo"


class Base:
    """As much of dnf's Base as choosing asks for."""

    def __init__(self, *packages):
        self.packages = packages
        self.sack = self

    def query(self):
        return self

    def available(self):
        return self

    def filter(self, provides):
        return [package for package in self.packages if package.provides == provides]


STOCK = Build("systemd", "252-51.el9", "51.el9", "systemd")
HYPERSCALE = Build("systemd", "262.1-1.hs.el9", "1.hs.el9", "systemd")
STOCK_OOMD = Build("systemd-oomd", STOCK.evr, STOCK.release)
HYPERSCALE_OOMD = Build("systemd-oomd-defaults", HYPERSCALE.evr, HYPERSCALE.release)


def want(**changes):
    return {**DEFAULTS, "family": "systemd", "to": "installed", "capabilities": [OOMD], **changes}


@pytest.mark.parametrize(("changes", "says"), [
    ({"family": None, "names": ["zstd"]}, "are of a family"),
    ({"family": None, "names": ["zstd"], "to": "stock"}, "are of a family"),
    ({"family": "kernel"}, "does not provide systemd-oomd-defaults"), ({"capabilities": []}, "nothing is to be added"),
    ({"also": ["systemd-networkd"]}, "there is also"), ({"erase": ["systemd-oomd"]}, "there is erase"),
])
def test_bad_wishes_are_refused(changes, says):
    problems = packages_section.validate([want(**changes)], 9)
    assert any(says in problem.reason for problem in problems), problems


def test_a_family_that_stays_goes_with_either_side():
    for side in ("hyperscale", "stock"):
        assert packages_section.validate([want(), want(to=side, capabilities=[])], 9) == []


def test_beside_a_wish_that_moves_the_family_it_goes_along():
    one, = package_capabilities.settled([want(), want(to="hyperscale", capabilities=[])])
    assert (one["to"], one["capabilities"]) == ("hyperscale", [OOMD])


def test_beside_a_wish_for_something_else_it_stays_itself():
    other = {**DEFAULTS, "names": ["zstd"]}
    assert [one["to"] for one in package_capabilities.settled([want(), other])] == ["hyperscale", "installed"]
    assert [one["capabilities"] for one in package_capabilities.settled([want(), other])] == [[], [OOMD]]


@pytest.mark.parametrize(("providers", "changes", "holds"), [
    ([], {}, False), (["systemd-oomd"], {}, True),
    (["systemd-oomd"], {"to": "hyperscale", "erase": ["systemd-oomd"]}, False), ([], {"capabilities": []}, True),
])
def test_what_is_provided_is_told_from_the_rpmdb(providers, changes, holds):
    assert package_capabilities.provided(want(**changes), {OOMD: providers}) is holds


def test_a_wish_that_holds_asks_no_repository():
    fields = dict.fromkeys(rpmdb.Package._fields)
    systemd = rpmdb.Package(**{**fields, "name": "systemd", "epoch": 0, "version": "252", "release": "51.el9", "arch": "x86_64"})
    state = wishes.State([systemd], set(), [], set(), {OOMD: ["systemd-oomd"]})
    assert wishes.satisfied(want(), state)
    assert not wishes.satisfied(want(), state._replace(providers={OOMD: []}))


@pytest.mark.parametrize(("lead", "name"), [(STOCK, "systemd-oomd"), (HYPERSCALE, "systemd-oomd-defaults")])
def test_the_provider_is_of_the_same_build(lead, name):
    chosen = package_capabilities.choose(Base(STOCK_OOMD, HYPERSCALE_OOMD), want(), lead, {OOMD: []})
    assert ([package.name for package in chosen.install], chosen.superseded, chosen.problems) == ([name], [], [])


def test_one_that_the_build_has_not_is_superseded():
    chosen = package_capabilities.choose(Base(STOCK_OOMD, HYPERSCALE_OOMD), want(), HYPERSCALE, {OOMD: ["systemd-oomd"]})
    assert chosen.superseded == ["systemd-oomd"]


def test_one_that_is_here_is_kept_where_several_would_do():
    other = Build("a-first", STOCK.evr, STOCK.release)
    chosen = package_capabilities.choose(Base(other, STOCK_OOMD), want(), STOCK, {OOMD: ["systemd-oomd"]})
    assert [package.name for package in chosen.install] == ["systemd-oomd"]


@pytest.mark.parametrize(("offered", "says"), [
    ((HYPERSCALE_OOMD,), "only systemd-oomd-defaults-262.1-1.hs.el9"), ((), "nor of any other")])
def test_without_one_of_the_same_build_it_is_refused(offered, says):
    problem, = package_capabilities.choose(Base(*offered), want(), STOCK, {OOMD: []}).problems
    assert says in problem.reason
    assert "stock build systemd-252-51.el9" in problem.reason


@pytest.mark.parametrize("lead", [STOCK, HYPERSCALE], ids=["its repository", "another build"])
def test_a_capability_comes_with_a_build_that_is_on_offer_or_its_repository(lead):
    problem, = package_capabilities.choose(Base(HYPERSCALE_OOMD), want(), STOCK, {OOMD: []}).problems
    assert problem.code == "package.capability_not_offered"
    offered = [HYPERSCALE_OOMD] if lead is HYPERSCALE else [HYPERSCALE_OOMD, STOCK_OOMD]
    assert package_capabilities.choose(Base(*offered), want(), lead, {OOMD: []}).problems == []
