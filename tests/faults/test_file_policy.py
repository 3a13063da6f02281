# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and languages: what comes back with the way back is what was there, whatever the host's settings say by then."""

from __future__ import annotations

import pytest

from lab import hosts

from . import made
from .made import SIG, STOCK, Row

NAMES = ("alpha", "beta")
WANT = {"packages": [{"names": list(NAMES)}]}
UNDO = {"state": "undone"}
DNF_CONF, MACROS = "/etc/dnf/dnf.conf", "/etc/rpm/macros.test"
# Settings of a host, and what they leave out of a package.
NODOCS = (("sed", "-i", r"s/^\[main\]/[main]\ntsflags=nodocs/", DNF_CONF), {"doc"})
NODOCS_MACRO = (("sh", "-c", f"echo '%_excludedocs 1' > {MACROS}"), {"doc"})
GERMAN = (("sh", "-c", f"echo '%_install_langs de' > {MACROS}"), {"fr"})
BOTH = (("sh", "-c", f"printf '%%_excludedocs 1\\n%%_install_langs xx\\n' > {MACROS}"), {"doc", "de", "fr"})
SETTINGS = [NODOCS, NODOCS_MACRO, GERMAN, BOTH]
IDS = ["tsflags", "excludedocs", "langs", "both"]
ALL = {"doc", "de", "fr"}


class Documented:
    """A host with packages that have documentation and words of languages, and Hyperscale builds of them on offer."""

    def __init__(self, live, folder):
        self.live = live
        made.offer(live, folder, [
            Row(name, version, vendor) for name in NAMES for version, vendor in ((1, STOCK), (2, SIG))])

    def install(self, *names):
        """Install the stock builds."""
        self.live.command("dnf", "-y", "-q", "install", *(f"{name}-1" for name in names))

    def set(self, setting):
        """Make a setting of the host."""
        self.live.command("mkdir", "-p", "/etc/rpm")
        self.live.command(*setting[0])

    def unset(self):
        """Take the settings out."""
        self.live.command("sed", "-i", "/^tsflags=/d", DNF_CONF)
        self.live.command("rm", "-f", MACROS)

    def files(self, name):
        """Return what is there of a package, and fail where rpm knows otherwise."""
        places = {
            "doc": f"/usr/share/doc/{name}/README", "de": f"/usr/share/locale/de/LC_MESSAGES/{name}.mo",
            "fr": f"/usr/share/locale/fr/LC_MESSAGES/{name}.mo"}
        found = {key for key, path in places.items() if hosts.command(self.live.host, ["test", "-e", path]).returncode == 0}
        states = [line.split() for line in self.live.command("rpm", "-qs", name).splitlines()]
        known = {words[-1] for words in states if words[0] == "normal"}
        assert {key for key, path in places.items() if path in known} == found, states
        assert hosts.command(self.live.host, ["rpm", "-V", "--nomtime", name]).stdout == ""
        return found

    def run(self, more):
        """Run the engine; it must change something and not fail."""
        result = self.live.module("converge", more)
        assert "msg" not in result and result["changed"], result

    def proof(self, phase="prove"):
        """Return what the proof finds of files that are not there or that came."""
        proof = self.live.module("proof_info", {"snapshot": "before", "phase": phase})
        return {
            finding["subject"]["name"] for finding in proof["report"]["findings"]
            if finding["check"] in ("verify.differs", "rollback.differs")
            and finding["subject"]["name"].endswith(("README", ".mo"))}


@pytest.fixture(name="documented")
def fixture_documented(host, tmp_path):
    return Documented(host, tmp_path)


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
def test_files_come_back_although_a_setting_was_made_since(documented, setting):
    documented.install(*NAMES)
    documented.live.module("host_snapshot", {"id": "before", "names": list(NAMES)})
    documented.set(setting)
    documented.run(WANT)
    assert documented.files("alpha") == ALL - setting[1]
    assert len(documented.proof()) == 2 * len(setting[1])
    documented.run(UNDO)
    assert documented.files("alpha") == documented.files("beta") == ALL
    assert documented.proof("rollback") == set()


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
def test_files_that_were_not_installed_do_not_come_with_the_way_back(documented, setting):
    documented.set(setting)
    documented.install(*NAMES)
    documented.live.module("host_snapshot", {"id": "before", "names": list(NAMES)})
    documented.unset()
    documented.run(WANT)
    assert documented.files("alpha") == ALL and documented.proof() == set()
    documented.run(UNDO)
    assert documented.files("alpha") == documented.files("beta") == ALL - setting[1]
    assert documented.proof("rollback") == set()


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("setting", SETTINGS[:3], ids=IDS[:3])
def test_each_package_comes_back_as_it_was_be_it_after_a_cut(documented, setting, cut):
    documented.install("alpha")
    documented.set(setting)
    documented.install("beta")
    documented.run(WANT)
    made.ran(documented.live)
    if cut:
        made.cut(documented.live, "converge", UNDO, "pre-beta-1")
        result = documented.live.module("converge", UNDO)
        assert "was completed" in result["interrupted"]["outcome"], result
    else:
        documented.run(UNDO)
        assert made.ran(documented.live).count(("post", "alpha", "1", "2")) == 1
    assert documented.files("alpha") == ALL and documented.files("beta") == ALL - setting[1]


@pytest.mark.parametrize("setting", SETTINGS[:3], ids=IDS[:3])
def test_a_transaction_that_was_cut_follows_the_settings_that_it_began_with(documented, setting):
    documented.install(*NAMES)
    documented.set(setting)
    made.cut(documented.live, "converge", WANT, "pre-beta-2")
    result = documented.live.module("converge", WANT)
    assert "was completed" in result["interrupted"]["outcome"], result
    assert documented.files("alpha") == documented.files("beta") == ALL - setting[1]
