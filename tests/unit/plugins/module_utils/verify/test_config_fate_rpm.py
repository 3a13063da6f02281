# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fate of every combination of headers and disk, held against what this machine's rpm does."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4]))

from lab_rpm import combinations, compare  # noqa: E402


@pytest.fixture(autouse=True)
def rpm_and_root():
    """Skip where rpm's bindings or tools are missing, or where rpm could not change its root."""
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    missing = [tool for tool in ("rpm", "rpmbuild") if shutil.which(tool) is None]
    if missing:
        pytest.skip("tools to build packages are missing: " + ", ".join(missing))
    if os.geteuid() != 0:
        pytest.skip("rpm --root needs root")


@pytest.mark.parametrize(("algorithms", "defines"), [
    (("sha256", "sha256"), []),
    (("md5", "sha256"), []),
    (("sha256", "sha256"), ["_minimize_writes 1"]),
], ids=["sha256", "md5-to-sha256", "minimize-writes"])
def test_every_combination(tmp_path, algorithms, defines):
    packages = combinations.build(str(tmp_path), *algorithms)
    right = compare.compare(combinations.try_out(packages, str(tmp_path / "root"), defines))
    assert sum(right.values()) > 1000
    # Every fate that there is has been seen.
    assert {key.partition(".")[0] for key in right} == set(compare.config_fate.ACTIONS)
    assert {".rpmnew", ".rpmsave", ".rpmorig"} <= {"." + key.partition(".")[2] for key in right}
