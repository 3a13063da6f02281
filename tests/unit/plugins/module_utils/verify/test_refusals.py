# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of a real solver, and the checks that report them: by code and subject, in whatever words the solver tells them."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import predict
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture
def lab(tmp_path, workshop):
    return hostlab.Lab(tmp_path / "host", workshop)


def refused(lab, workshop, folder, *, protected, erase=(), tags=()):
    """Return the problem and the finding of a swap of tool on a host with the package guarded."""
    lab.have("guarded", "1")
    lab.have("tool", "1")
    repo = hostlab.Repository(folder / "repo", workshop.rpm("tool", "2", tags=list(tags)))
    base = hostlab.open_base(lab, folder, repo=(f"file://{repo.folder}", {}))
    base.conf.protected_packages = list(protected)
    going = [package for package in base.sack.query().installed() if package.name in erase]
    try:
        with pytest.raises(Refused) as raised:
            solver.solve(base, hostlab.available(base, "tool"), going)
        assert list(base.conf.protected_packages) == list(protected)
    finally:
        base.close()
    (problem,) = raised.value.problems
    finding = predict._refusal(problem, [])
    return problem, (finding.check, finding.subject.name)


def test_a_protected_package_that_is_to_be_erased(lab, workshop, tmp_path):
    problem, told = refused(lab, workshop, tmp_path, protected=["guarded"], erase=["guarded"])
    assert (problem.code, problem.subject) == ("transaction.protected", "guarded")
    assert told == ("protected.removed", "guarded")


def test_a_protected_package_that_a_build_obsoletes(lab, workshop, tmp_path):
    problem, told = refused(lab, workshop, tmp_path, protected=["other", "guarded"], tags=["Obsoletes: guarded < 9"])
    assert (problem.code, problem.subject) == ("transaction.protected", "guarded")
    assert told == ("protected.removed", "guarded")


@pytest.mark.parametrize("tags", [["Requires: what-nobody-has"], ["Conflicts: guarded"]])
def test_what_no_protection_is_the_reason_of(lab, workshop, tmp_path, tags):
    problem, told = refused(lab, workshop, tmp_path, protected=["guarded"], tags=tags)
    assert (problem.code, problem.subject) == ("transaction.unsolvable", "")
    assert told == ("transaction.unsolvable", "this host")
