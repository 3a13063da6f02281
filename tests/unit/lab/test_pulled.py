# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the lab believes what a pull gave, and what it says of one that failed."""

from __future__ import annotations

import os
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import common, pulled  # noqa: E402

PODMAN = """#!/bin/sh
echo "$@" >> {folder}/asked
case $1 in
  pull) . {folder}/pull ;;
  image) [ -e "{folder}/$3" ] ;;
esac
"""
FAILS = "echo trying >&2; echo 'Error: connection refused' >&2; exit 125"


@pytest.fixture(name="podman")
def fixture_podman(tmp_path, monkeypatch):
    """A folder for what podman answers, and a podman that answers so."""
    (tmp_path / "podman").write_text(PODMAN.format(folder=tmp_path))
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv(pulled.CONFIGURATION, raising=False)
    monkeypatch.setattr(pulled, "ROOT", tmp_path / "lab")
    return tmp_path


def has(podman, identity):
    """Have podman pull an image."""
    (podman / "pull").write_text(f"echo {identity}\n")
    (podman / identity).touch()


def pulls(podman):
    """Return how often an image was to be pulled."""
    return sum(line.startswith("pull ") for line in (podman / "asked").read_text().splitlines())


@pytest.mark.parametrize("insist", [False, True])
def test_an_image_that_is_here_is_not_asked_for_again(podman, insist):
    has(podman, "abc")
    assert [pulled.pull(9, insist).identity for _turn in range(2)] == ["abc", "abc"]
    assert pulls(podman) == 1


def test_an_image_that_was_removed_is_pulled_again(podman):
    has(podman, "abc")
    pulled.pull(9, insist=False)
    (podman / "abc").unlink()
    pulled.pull(9, insist=False)
    assert pulls(podman) == 2


def test_a_failure_is_kept_where_a_stand_in_does(podman):
    (podman / "pull").write_text(FAILS)
    wanted = pulled.Answer(reason="Error: connection refused")
    assert [pulled.pull(9, insist=False) for _turn in range(2)] == [wanted, wanted]
    assert pulls(podman) == 1


def test_a_failure_is_not_believed_where_nothing_else_does(podman):
    (podman / "pull").write_text(FAILS)
    pulled.pull(9, insist=False)
    with pytest.raises(common.LabError, match=r"stream9 cannot be pulled: Error: connection refused\n.*unset HYPERSCALE_LAB_"):
        pulled.pull(9, insist=True)
    has(podman, "abc")
    assert pulled.pull(9, insist=True).identity == "abc"


def test_an_old_answer_is_asked_for_again(podman):
    (podman / "pull").write_text(FAILS)
    pulled.pull(9, insist=False)
    (kept,) = (podman / "lab").glob("registry-9-*.json")
    past = time.time() - pulled.ANSWER_SECONDS - 1
    os.utime(kept, (past, past))
    has(podman, "abc")
    assert pulled.pull(9, insist=False).identity == "abc"


def test_an_answer_under_another_configuration_is_another(podman, monkeypatch):
    (podman / "pull").write_text(FAILS)
    pulled.pull(9, insist=False)
    (podman / "registries.conf").write_text("unqualified-search-registries = []\n")
    monkeypatch.setenv(pulled.CONFIGURATION, str(podman / "registries.conf"))
    has(podman, "abc")
    assert pulled.pull(9, insist=False).identity == "abc"


def test_a_pull_without_end_is_given_up(podman, monkeypatch):
    monkeypatch.setattr(pulled, "PULL_SECONDS", 0.2)
    (podman / "pull").write_text("exec sleep 20")
    assert pulled.pull(9, insist=False) == pulled.Answer(reason="no image after 0.2 s")


@pytest.mark.parametrize(("text", "expected"), [
    ("baseurl=http://mirror.lab:8780/$stream/\n", True), ("metalink=https://mirrors.centos.org/metalink?repo=baseos\n", False)])
def test_whose_repositories_an_image_has(tmp_path, text, expected):
    folder = tmp_path / "etc/yum.repos.d"
    folder.mkdir(parents=True)
    (folder / "a.repo").write_text(text)
    assert pulled.asks(tmp_path, "mirror.lab") is expected
