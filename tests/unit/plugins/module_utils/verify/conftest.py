# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages and hosts for the tests of the drop-in verification."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab, rpmpairs


@pytest.fixture(scope="session")
def rpms(tmp_path_factory):
    """Builds packages, each distinct one once; skips where rpm's bindings or tools are missing."""
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    if rpmpairs.missing_tools():
        pytest.skip("tools to build packages are missing: " + ", ".join(rpmpairs.missing_tools()))
    return rpmpairs.Builder(tmp_path_factory.mktemp("rpms"))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Builds packages for the hosts of hostlab, for the tests of a file."""
    hostlab.need()
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture
def world(tmp_path, rpms):
    """A host below a temporary folder, without any package yet."""
    return rpmpairs.Root(tmp_path, rpms)
