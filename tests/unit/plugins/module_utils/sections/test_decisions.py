# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided from an installed set of packages, and small readings of text."""

from __future__ import annotations

import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import systemd
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import (
    builds, keys, rpmdb, solver, wishes,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages as packages_section
from ansible_collections.centos.hyperscale.plugins.module_utils.shared import unit
from ansible_collections.centos.hyperscale.plugins.module_utils.text import repofile

KEY = "2a01fa2aeb3dac40"
PACKAGES = {name: option.get("default") for name, option in packages_section.OPTIONS.items()} | {"family": "systemd"}


def package(name, version, release, source="systemd", vendor=builds.VENDOR, key=KEY):
    fields = dict.fromkeys(rpmdb.Package._fields)
    fields.update(name=name, epoch=0, version=version, release=release, arch="x86_64", vendor=vendor, source=source,
                  signing_key=key, install_time=0, provides=(name,))
    return rpmdb.Package(**fields)


def state(*packages, units=()):
    return wishes.State(list(packages), set(units), [KEY], set())


HS = [package(name, "260.2", "1.hs.el9") for name in ("systemd", "systemd-libs")]
STOCK = [package(name, "252", "51.el9", vendor="CentOS", key="05b555b38483c65d") for name in ("systemd", "systemd-libs")]


@pytest.mark.parametrize(("installed", "changes", "satisfied"), [
    (HS, {}, True),
    (STOCK, {}, False),
    (STOCK, {"to": "stock"}, True),
    (HS, {"to": "stock"}, False),
    (HS, {"version": "latest"}, False),
    (HS, {"version": "260.2"}, True),
    (HS, {"version": "260.2-1.hs.el9"}, True),
    (HS, {"version": "260"}, False),
    (HS, {"also": ["systemd-networkd"]}, False),
    ([*HS, package("systemd-networkd", "260.2", "1.hs.el9")], {"also": ["systemd-networkd"]}, True),
    ([HS[0], STOCK[1]], {}, False),
    ([HS[0], package("systemd-libs", "261", "1.hs.el9")], {}, False),
    ([*HS, package("systemd-networkd", "252", "2.el9", source="systemd-extras", vendor="Fedora Project")], {}, False),
    ([*HS, package("systemd-oomd", "252", "51.el9", vendor="CentOS")], {"erase": ["systemd-oomd"]}, False),
    ([*HS, package("zstd", "1.5", "1.el9", source="zstd", vendor="CentOS")], {}, True),
    ([], {}, False),
])
def test_satisfied(installed, changes, satisfied):
    assert wishes.satisfied({**PACKAGES, **changes}, state(*installed)) is satisfied


def test_what_we_brought_and_took_away_is_as_stock_as_can_be():
    want = {**PACKAGES, "family": None, "names": ["btrfs-progs"], "to": "stock"}
    brought = state(*STOCK)._replace(brought={"btrfs-progs"})
    assert wishes.satisfied(want, brought)
    assert not wishes.satisfied(want, state(*STOCK))
    assert not wishes.satisfied({**want, "to": "hyperscale"}, brought)


def test_any_side_will_do_for_what_neither_builds():
    kmod = package("kmod-btrfs", "5.14.0.45", "2.el9s", source="kmod-btrfs", vendor="CentOS Kmods SIG", key="1" * 16)
    want = {**PACKAGES, "family": None, "names": ["kmod-btrfs"], "to": "any"}
    assert wishes.satisfied(want, state(kmod))
    assert not wishes.satisfied({**want, "to": "hyperscale"}, state(kmod))


def test_an_enabled_unit_that_moved_names_its_package():
    here = state(*STOCK, units=["systemd-networkd.service"])
    assert wishes.wanted_names(PACKAGES, here) == ["systemd", "systemd-networkd"]
    assert wishes.wanted_names({**PACKAGES, "to": "stock"}, here) == []


def test_named_packages_bring_their_sources_along():
    lz4 = [package(name, "1.9", "1.el9", source="lz4") for name in ("lz4", "lz4-libs")]
    want = {**PACKAGES, "family": None, "names": ["lz4"]}
    assert [found.name for found in wishes.members(want, [*lz4, *STOCK])] == ["lz4", "lz4-libs"]


SET = {**PACKAGES, "family": None}


@pytest.mark.parametrize(("name", "to", "installed", "names"), [
    ("compression", "hyperscale", ["lz4-libs"], []),
    ("compression", "hyperscale", [], ["lz4", "zstd"]),
    ("compression", "stock", [], []),
    ("perf", "hyperscale", [], ["perf"]),
    ("perf", "hyperscale", ["python3-perf"], []),
])
def test_what_stands_for_a_set_comes_where_nothing_of_it_is(name, to, installed, names):
    here = state(*(package(one, "1", "1.el9", source="lz4" if "lz4" in one else "kernel") for one in installed))
    assert wishes.wanted_names({**SET, "set": name, "to": to}, here) == names


def test_a_claimed_name_does_not_drag_the_source_of_its_stock_build_along():
    kernel = [package(name, "5.14", "1.el9", source="kernel") for name in ("perf", "kernel-core", "libperf")]
    for want in ({**SET, "names": ["perf"]}, {**SET, "set": "perf"}):
        assert [found.name for found in wishes.members(want, kernel)] == ["perf", "libperf"]


def test_notes_are_told_of_sets_that_move():
    item = solver.Item("upgrade", "dbus-broker", "36-1.hs.el9", "x86_64", "r", 0, 0, "dbus-broker")
    action = packages_section.TransactionAction("", "", {"items": [list(item)]})
    wants = [{**SET, "set": name} for name in ("dbus-broker", "kpatch", "ethtool")]
    note, = packages_section.notes(wants, [action])
    assert note.startswith("Package set dbus-broker: ") and "reboot" in note


def test_lines_of_older_journals_have_no_source():
    assert solver.Item(*["upgrade", "a", "1-1", "noarch", "r", 0, 0]).source == ""


@pytest.mark.parametrize(("running", "installed", "same"), [
    ("262.1-1", "262.1", True), ("260.2-1.hs.el9", "260.2", True), ("252.39-1~deb12u2", "252", True),
    ("v257.3", "257.3", True), ("261~devel-2026", "261~devel", True), ("261-devel", "261~devel", True),
    ("252-51.el9", "260.2", False), ("260.20", "260.2", False), ("26", "260", False), ("", "252", False), ("252", "", False),
])
def test_running_version_is_told_from_the_installed_one(running, installed, same):
    assert systemd.runs_version(running, installed) is same


@pytest.mark.parametrize(("release", "segment", "flavour", "number"), [
    ("2.hs.el9", "hs", "main", 9), ("0.hs1.hsx.el9", "hsx", "experimental", 9), ("0.hs1.hsk.el10", "hsk", "kernel", 10),
    ("20260519010708.hs+fb.el9", "hs+fb", "facebook", 9), ("1.hs+gnome.el10s", "hs+gnome", "gnome", 10),
    ("51.el9", None, None, 9), ("5.20260423gite09c0hs.el10", None, None, 10), ("1.el9_8.1", None, None, 9),
])
def test_release_strings(release, segment, flavour, number):
    assert (builds.release_segment(release), builds.flavour(release), builds.el_major(release)) == (segment, flavour, number)


@pytest.mark.parametrize(("release", "vendor", "key", "verdict", "disagreement"), [
    ("1.hs.el9", builds.VENDOR, KEY, True, []), ("1.hs.el9", builds.VENDOR, None, True, ["signature"]),
    ("1.hs.el9", None, KEY.upper(), True, ["vendor"]), ("1.el9", builds.VENDOR, KEY, True, ["release"]),
    ("1.hs.el9", "Somebody", None, False, ["release"]), ("1.el9", "CentOS", "x", False, []),
])
def test_two_of_three_witnesses_decide(release, vendor, key, verdict, disagreement):
    found = builds.recognise(release, vendor, key, [KEY])
    assert (found.hyperscale, found.disagreement) == (verdict, disagreement)


def test_repo_file_is_read_as_it_stands_and_odd_text_is_an_error():
    text = "# note\n[a]\nname=A %x\nbaseurl=http://h/$stream/\n  http://i/\n[b]\nenabled=0\n"
    assert repofile.sections(text)["b"] == {"enabled": "0"}
    assert repofile.sections(text)["a"]["name"] == "A %x"
    with pytest.raises(ValueError, match="^line 1: .* no section header"):
        repofile.sections("name=lost\n")


def test_section_text_is_read_back():
    options = {"name": "N", "enabled": "1"}
    assert repofile.sections(repofile.section_text("a-b", options)) == {"a-b": options}


def test_systemctl_show_blocks():
    text = ("Id=a.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n\n"
            "Id=b.service\nLoadState=masked\nUnitFileState=masked\nActiveState=inactive\n\n"
            "Id=c.service\nLoadState=not-found\nUnitFileState=\nActiveState=inactive\n")
    found = unit.parse_show(text)
    assert found["a.service"][:4] == (True, True, False, True)
    assert found["b.service"][:4] == (True, False, True, False)
    assert found["c.service"].known is False


@pytest.mark.parametrize(("text", "normal"), [
    ("9B04 530E 0ED6 ABC4 B2C3  58DD 2A01 FA2A EB3D AC40", "9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40"),
    ("9b04530e0ed6abc4b2c358dd2a01fa2aeb3dac40", "9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40"),
    ("EB3DAC40", ""), ("", ""), ("G" * 40, ""),
])
def test_fingerprints(text, normal):
    assert keys.normal_fingerprint(text) == normal


def test_what_a_transaction_brings_and_loses():
    actions = (*solver.COMING, "erase", "obsoleted", "replaced")
    items = [solver.Item(action, action, "1-1", "noarch", "r", 0, 0) for action in actions]
    assert [item.name for item in solver.brought(items)] == list(solver.COMING)
    assert [item.name for item in solver.lost(items)] == ["erase", "obsoleted"]
    assert items[0].nevra == "install-1-1.noarch"


class Line:
    """A line of dnf's transaction. One that only changes why a package is there has no package."""

    def __init__(self, action, name=None):
        self.action, self.name = action, name

    @property
    def pkg(self):
        if self.name is None:
            raise KeyError(self)
        return types.SimpleNamespace(
            name=self.name, evr="1-1", arch="noarch", reponame="r", downloadsize=None, installsize=1, source_name=None)


def test_lines_of_a_transaction_without_a_package_are_none_of_it():
    transaction = pytest.importorskip("dnf.transaction", reason="python3-dnf is not importable by this interpreter")
    reason_change = pytest.importorskip("libdnf.transaction").TransactionItemAction_REASON_CHANGE
    base = types.SimpleNamespace(transaction=[
        Line(reason_change), Line(transaction.PKG_REMOVE, "b"), Line(transaction.PKG_INSTALL, "a"),
        Line(transaction.PKG_UPGRADED, "c"), Line(transaction.PKG_REINSTALLED, "d")],
        conf=types.SimpleNamespace(installonlypkgs=[]))
    assert [(item.name, item.action) for item in solver._items(base)] == [
        ("b", "erase"), ("a", "install"), ("c", "replaced"), ("d", "replaced")]
