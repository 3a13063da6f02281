# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in for alternatives(8), and that the collection reads what it writes."""

from __future__ import annotations

import os
import pathlib
import sys

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import alternatives as alternatives_text

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import alternatives  # noqa: E402


@pytest.fixture(name="call")
def fixture_call(tmp_path, monkeypatch):
    """Call the program within a folder; links of families lie in its bin."""
    for folder in ("links", "state", "bin"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(alternatives, "LINKS", str(tmp_path / "links"))
    monkeypatch.setattr(alternatives, "STATE", str(tmp_path / "state"))

    def call(*argv):
        monkeypatch.setattr(sys, "argv", ["alternatives", *(word.replace("BIN", str(tmp_path / "bin")) for word in argv)])
        alternatives.main()
    call("--install", "BIN/edit", "edit", "/opt/a", "10", "--slave", "BIN/edit-man", "edit-man", "/opt/a.1")
    call("--install", "BIN/edit", "edit", "/opt/b", "10", "--family", "new", "--initscript", "edit",
         "--follower", "BIN/edit-cfg", "edit-cfg", "/opt/b.cfg")
    return call


def links(folder):
    return {name: os.readlink(folder / "links" / name) for name in os.listdir(folder / "links")}


def test_the_first_of_the_best_wins_and_followers_go_with_it(call, tmp_path):
    assert links(tmp_path) == {"edit": "/opt/a", "edit-man": "/opt/a.1"}
    call("--set", "edit", "/opt/b")
    assert links(tmp_path) == {"edit": "/opt/b", "edit-cfg": "/opt/b.cfg"}
    assert sorted(os.listdir(tmp_path / "bin")) == ["edit", "edit-cfg"]
    call("--auto", "edit")
    assert links(tmp_path) == {"edit": "/opt/a", "edit-man": "/opt/a.1"}


def test_the_collection_reads_what_it_writes(call, tmp_path):
    call("--set", "edit", "/opt/b")
    family = alternatives_text.parse("edit", (tmp_path / "state/edit").read_text())
    assert (family.auto, family.link) == (False, f"{tmp_path}/bin/edit")
    assert family.targets == [
        alternatives_text.Registered("/opt/a", 10, {"edit-man": "/opt/a.1"}),
        alternatives_text.Registered("/opt/b", 10, {"edit-cfg": "/opt/b.cfg"})]


def test_what_is_removed_gives_way_to_the_best_that_is_left(call, tmp_path):
    call("--set", "edit", "/opt/b")
    call("--remove", "edit", "/opt/b")
    assert links(tmp_path)["edit"] == "/opt/a"
    assert alternatives_text.parse("edit", (tmp_path / "state/edit").read_text()).auto
    call("--remove", "edit", "/opt/a")
    assert links(tmp_path) == {} and os.listdir(tmp_path / "state") == [] and os.listdir(tmp_path / "bin") == []


def test_a_link_that_somebody_changed_is_a_choice_by_hand(call, tmp_path, capsys):
    os.unlink(tmp_path / "links/edit")
    os.symlink("/opt/b", tmp_path / "links/edit")
    call("--list")
    assert "edit\tmanual\t/opt/b" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [("--set", "edit", "/opt/c"), ("--set", "none", "/opt/a"), ("--remove", "edit", "/opt/c")])
def test_what_is_not_registered_fails(call, argv):
    with pytest.raises(SystemExit) as ended:
        call(*argv)
    assert ended.value.code
