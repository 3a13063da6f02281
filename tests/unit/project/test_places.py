# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of places is the only list of them, and holds what other parts know of single ones."""

from __future__ import annotations

import ast
import pathlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import boot_loader
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import places
from ansible_collections.centos.hyperscale.plugins.module_utils.text import alternatives

TREE = pathlib.Path(__file__).resolve().parents[3]
TABLE = TREE / "plugins/module_utils/tables/places.py"
READERS = ["plugins/module_utils/backup", "plugins/module_utils/core", "plugins/module_utils/packages",
           "plugins/module_utils/verify", "tests/cuts"]
# As many places in one literal are a list of them.
MANY = 3
# What outlives a boot.
LASTING = ("/etc/", "/usr/", "/var/lib/")


def lists_of_places(tree):
    """Return the tuples, lists and sets of a module that name many places, by line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            named = {text for text in texts(node) if text in places.SAVED or (places.is_never(text) and text.startswith(LASTING))}
            if len(named) >= MANY:
                found.append((node.lineno, sorted(named)))
    return found


def texts(node):
    return [inner.value for inner in node.elts if isinstance(inner, ast.Constant) and isinstance(inner.value, str)]


@pytest.mark.parametrize("path", [
    pytest.param(path, id=str(path.relative_to(TREE)))
    for folder in READERS for path in sorted((TREE / folder).rglob("*.py")) if path != TABLE])
def test_nobody_else_lists_places(path):
    assert lists_of_places(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("source", [
    'A = ("/etc/systemd", "/etc/dnf", "/x", "/etc/udev")', 'a(["/etc/passwd", "/etc/shadow", "/etc/group"])',
    'def a():\n    return {"/boot/loader/entries", "/etc/machine-id", "/etc/rpm"}'])
def test_a_second_list_is_found(source):
    assert len(lists_of_places(ast.parse(source))) == 1


def test_what_other_parts_know_of_single_places_is_in_the_table():
    known = {alternatives.LINK_FOLDER, *alternatives.STATE_FOLDERS, boot_loader.ENTRIES, boot_disk.ENVIRONMENT}
    assert known <= set(places.SAVED) and set(places.COMPARED) < set(places.SAVED)
    assert all(places.is_never(path) and places.in_places(path) for path in places.RENEWED)


@pytest.mark.parametrize("path", [
    "/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-", "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-",
    "/etc/machine-id", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/etc/udev/hwdb.bin",
    "/etc/ld.so.cache", "/etc/selinux/targeted/policy/policy.33", "/var/lib/selinux/targeted/active/policy.kern",
    "/etc/resolv.conf"])
def test_what_is_never_restored(path):
    assert places.is_never(path)


@pytest.mark.parametrize("path", [
    "/etc/passwd.rpmnew", "/etc/systemd/system/shop.service", "/etc/selinux/config", "/etc/udev/rules.d/99-ours.rules",
    "/var/lib/held/state.db", "/etc/sysconfig/kernel.rpmsave", "/var/lib/rpm-ours/a"])
def test_what_is_restored(path):
    assert not places.is_never(path)


@pytest.mark.parametrize(("path", "inside"), [
    ("/etc/systemd", True), ("/etc/systemd/system/a", True), ("/etc/systemd-ours", False), ("/etc/default/grub", True),
    ("/etc/default/grub2", False), ("/etc", False)])
def test_what_lies_in_the_places(path, inside):
    assert places.in_places(path) is inside
