# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on under a Python that has the bindings."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core import bindings


class Respawned(Exception):
    pass


class Failed(Exception):
    pass


class Module:
    def fail_json(self, msg, problems, **_more):
        assert problems[0]["code"] == "python.no_bindings"
        raise Failed(msg)


@pytest.fixture
def interpreters(monkeypatch):
    """Which modules each interpreter of the host has; the running one has none of these."""
    have = {}

    def respawn(path):
        raise Respawned(path)

    monkeypatch.setattr(bindings, "has_respawned", lambda: False)
    monkeypatch.setattr(bindings, "respawn_module", respawn)
    monkeypatch.setattr(
        bindings,
        "probe_interpreters_for_module",
        lambda paths, name: next((path for path in paths if name in have.get(path, ())), None),
    )
    return have


def test_nothing_happens_where_everything_can_be_imported(interpreters):
    assert bindings.respawn_with_bindings("json", "os") == []
    bindings.need_bindings(Module(), "json")


def test_the_first_interpreter_that_has_all_of_them_is_taken(interpreters):
    interpreters["/usr/libexec/platform-python"] = ("no_such_rpm",)
    interpreters["/usr/bin/python3"] = ("no_such_rpm", "no_such_dnf")
    with pytest.raises(Respawned, match="^/usr/bin/python3$"):
        bindings.respawn_with_bindings("no_such_rpm", "no_such_dnf")


def test_without_any_interpreter_the_missing_ones_are_named(interpreters, monkeypatch):
    monkeypatch.setitem(bindings.PACKAGES, "no_such_rpm", "python3-rpm")
    assert bindings.respawn_with_bindings("json", "no_such_rpm") == ["no_such_rpm"]
    with pytest.raises(Failed, match="import no_such_rpm: .* Install python3-rpm.$"):
        bindings.need_bindings(Module(), "json", "no_such_rpm")


def test_a_second_respawn_is_not_tried(interpreters, monkeypatch):
    interpreters["/usr/bin/python3"] = ("no_such_rpm",)
    monkeypatch.setattr(bindings, "has_respawned", lambda: True)
    assert bindings.respawn_with_bindings("no_such_rpm") == ["no_such_rpm"]


def test_a_module_goes_on_once_its_bindings_are_installed(interpreters):
    with pytest.raises(Failed):
        bindings.need_bindings(Module(), "no_such_rpm")
    interpreters["/usr/bin/python3"] = ("no_such_rpm",)
    with pytest.raises(Respawned):
        bindings.need_bindings(Module(), "no_such_rpm")
