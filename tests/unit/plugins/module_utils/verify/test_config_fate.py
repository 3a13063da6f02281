# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of a configuration file's fate that have a name. What rpm does in each is proven in test_config_fate_rpm.py."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import config_fate
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.config_fate import Disk, Entry, fate

OLD, NEW, OWN = "0" * 63 + "1", "0" * 63 + "2", "0" * 63 + "3"


def entry(digest, kind="file", target="", **flags):
    values = dict.fromkeys(("config", "noreplace", "ghost", "missingok"), False)
    return Entry(kind, digest, target, **{**values, **flags})


def config(digest, **flags):
    return entry(digest, config=True, **flags)


def on_disk(digest):
    return Disk("file", digest, "")


CASES = {
    "untouched": (config(OLD), config(NEW), on_disk(OLD), "replace", "", False),
    "edited, replaced": (config(OLD), config(NEW), on_disk(OWN), "replace", ".rpmsave", True),
    "edited, not to be replaced": (config(OLD), config(NEW, noreplace=True), on_disk(OWN), "keep", ".rpmnew", True),
    "only the new header counts": (config(OLD, noreplace=True), config(NEW), on_disk(OWN), "replace", ".rpmsave", True),
    "edited, nothing new": (config(OLD), config(OLD), on_disk(OWN), "keep", "", True),
    "edited to what comes": (config(OLD), config(NEW), on_disk(NEW), "keep", "", True),
    "no longer configuration": (config(OLD), entry(NEW), on_disk(OWN), "replace", ".rpmsave", True),
    "newly configuration": (entry(OLD), config(NEW, noreplace=True), on_disk(OWN), "keep", ".rpmnew", True),
    "never configuration": (entry(OLD), entry(NEW), on_disk(OWN), "replace", "", True),
    "deleted": (config(OLD), config(NEW, noreplace=True), None, "create", "", True),
    "deleted and may be": (config(OLD), config(NEW, missingok=True), None, "skip", "", True),
    "the user's own before": (None, config(NEW), on_disk(OWN), "replace", ".rpmorig", False),
    "the user's own before, not to be replaced": (None, config(NEW, noreplace=True), on_disk(OWN), "keep", ".rpmnew", False),
    "given up, untouched": (config(OLD), None, on_disk(OLD), "remove", "", False),
    "given up, edited": (config(OLD), None, on_disk(OWN), "remove", ".rpmsave", True),
    "given up, a ghost": (config("", ghost=True), None, on_disk(OWN), "leave", "", False),
    "given up, deleted": (config(OLD), None, None, "none", "", True),
    "becomes a ghost": (config(OLD), config("", ghost=True), on_disk(OWN), "skip", "", True),
    "was a ghost": (config("", ghost=True), config(NEW), on_disk(OWN), "replace", ".rpmsave", False),
    "becomes a link": (
        config(OLD), config("", kind="symlink", target="there"), on_disk(OWN), "replace", ".rpmsave", True),
    "made a link by the user": (
        config(OLD), config(NEW, noreplace=True), Disk("symlink", "", "mine"), "keep", ".rpmnew", True),
    "made a directory by the user": (config(OLD), config(NEW), Disk("directory", "", ""), "replace", ".rpmsave", True),
    "made a directory, nothing saves it": (entry(OLD), entry(NEW), Disk("directory", "", ""), "fail", "", True),
    "a directory becomes a file": (entry("", kind="directory"), entry(NEW), Disk("directory", "", ""), "fail", "", False),
    "a full directory given up": (entry("", kind="directory"), None, Disk("directory", "", ""), "leave", "", False),
    "an empty directory given up": (
        entry("", kind="directory"), None, Disk("directory", "", "", empty=True), "remove", "", False),
    "nothing at all": (None, None, None, "none", "", False),
    "nobody's file": (None, None, on_disk(OWN), "none", "", False),
}


@pytest.mark.parametrize("name", CASES)
def test_fate(name):
    old, new, disk, *expected = CASES[name]
    found = fate(old, new, disk)
    assert [found.action, found.beside, found.edited] == expected
    assert found.action in config_fate.ACTIONS and found.reason


def test_algorithms_that_differ():
    old, new = config("a" * 32), config(NEW)
    # Untouched by the old digest; edited to what comes by the new one; neither.
    assert fate(old, new, Disk("file", "a" * 32, "", OWN))[:3] == ("replace", "", False)
    assert fate(old, new, Disk("file", "b" * 32, "", NEW))[:3] == ("keep", "", True)
    assert fate(old, new, Disk("file", "b" * 32, "", OWN))[:3] == ("replace", ".rpmsave", True)


def test_headers_without_digests():
    # Nothing equals a digest that is not there.
    assert fate(config(""), config(""), Disk("file", "", ""))[:3] == ("replace", ".rpmsave", True)
