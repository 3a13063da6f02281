# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random sequences of jobs, kills and an admin's work: nothing of the admin's is lost, recovery ends, and a way back is exact.

C(HYPERSCALE_SEQUENCES) is how many (200), C(HYPERSCALE_SEED) the seed of the first. The runner of the tests takes a fresh seed
each time and prints it; a failure names the seed of its sequence.
"""

from __future__ import annotations

import os
import secrets
import shutil

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import shipped
from ansible_collections.centos.hyperscale.plugins.module_utils.core import ledger
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import paths
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.core import model

SEQUENCES = int(os.environ.get("HYPERSCALE_SEQUENCES") or 200)
SEED = int(os.environ.get("HYPERSCALE_SEED") or secrets.randbits(32))
PARTS = 10
MOST_STEPS = 9


@pytest.fixture(name="killer")
def fixture_killer(monkeypatch):
    monkeypatch.setattr(shipped, "installed", model.brought)
    monkeypatch.setattr(paths, "installed", model.installed)
    monkeypatch.setattr(paths, "names", model.names)
    return model.Killer(monkeypatch)


def play(folder, seed, killer, ways):
    """Play one sequence and return its host."""
    host = model.Host(folder, seed, killer)
    for _step in range(host.random.randint(2, MOST_STEPS)):
        getattr(host, host.random.choice(ways))()
    return host


def each(tmp_path, part):
    """Yield the seeds of a part of the sequences, each with a folder of its own that goes when it is done with."""
    for seed in range(SEED + part, SEED + SEQUENCES, PARTS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        ledger._read.clear()
        yield seed, folder
        close_below(folder)
        shutil.rmtree(folder)


def close_below(folder):
    """Close what is open below a folder: the kernel does so for a process that is killed, and here only the job was."""
    for name in os.listdir("/proc/self/fd"):
        try:
            is_below = os.readlink(f"/proc/self/fd/{name}").startswith(f"{folder}/")
        except FileNotFoundError:  # what the list itself was read from
            continue
        if is_below:
            os.close(int(name))


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_of_the_admin_is_lost_and_the_way_back_ends(tmp_path, killer, part):
    ways = ["adopt", "adopt", "roll_back", "edit", "edit", "edit", "delete", "upgrade"]
    for seed, folder in each(tmp_path, part):
        host = play(folder, seed, killer, ways)
        wrong = host.finish()
        killer.left = None
        # The whole way back, which nothing kills.
        host.random.choice = lambda some: None if some[0] is None else some[0]
        host.roll_back()
        wrong += [f"{token} of {path} is not to be found" for path, token in host.written.items() if not host.on_the_host(token)]
        assert not wrong and ledger.standing(host.target) == [], "\n".join([f"seed {seed}", *host.story, *wrong])


@pytest.mark.parametrize("part", range(PARTS))
def test_without_an_admin_the_way_back_is_exact(tmp_path, killer, part):
    for seed, folder in each(tmp_path, part):
        untouched = model.Host(folder / "stock", seed, killer).look()
        host = play(folder, seed, killer, ["adopt", "adopt", "roll_back"])
        assert host.finish() == []
        killer.left = None
        host.random.choice = lambda some: None if some[0] is None else some[0]
        host.roll_back()
        assert host.look() == untouched, "\n".join([f"seed {seed}", *host.story])
