# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of installed packages that are not what rpm wrote: what was lost, what is somebody's, and what is kept of it."""

from __future__ import annotations

import os
import pathlib
import re

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import damage, paths

OLD, NEW = "a-1-1.noarch", "a-2:2-1.noarch"
ALL = {OLD: ["/usr/a", "/usr/old", "/etc/a.conf"], NEW: ["/usr/a", "/etc/a.conf", "/usr/share/doc/a", "/usr/link"]}


class Host:
    """A root, and what rpm says of files there."""

    def __init__(self, folder, monkeypatch):
        self.said = {OLD: [], NEW: []}
        self.asked = []
        (folder / "host").mkdir()
        self.root = folder / "host"
        self.target = host_io.Target(self.run, str(folder), root=str(self.root))
        monkeypatch.setattr(paths, "installed", list)
        monkeypatch.setattr(paths, "names", lambda nevra: ALL[nevra])

    def run(self, argv):
        self.asked.append(argv)
        names = [name for name in argv if name.startswith("a-")]
        assert not any(":" in name for name in names)
        lines = [line for nevra, said in self.said.items() if re.sub(r"\d+:", "", nevra) in names for line in said]
        return len(lines), "".join(f"{line}\n" for line in lines), ""

    def write(self, path, text):
        real = self.root / path.lstrip("/")
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
        return real


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


def paths_of(changed):
    return [one.path for one in changed]


def test_content_size_links_and_what_is_missing_count_and_ghosts_modes_and_owners_do_not(host):
    host.said[NEW] = [
        "S.5......    /usr/a", "..5......  c /etc/a.conf", "missing   d /usr/share/doc/a", "....L....    /usr/link",
        ".M...UG..    /usr/mode", "S.5......  g /var/ghost", "missing   m /usr/may-be-missing"]
    changed = damage.look(host.target, [NEW])
    assert paths_of(changed) == ["/usr/a", "/etc/a.conf", "/usr/share/doc/a", "/usr/link"]
    assert [one.config for one in changed] == [False, True, False, False]
    assert [one.missing for one in changed] == [False, False, True, False]


def test_a_path_of_two_builds_is_somebodys_only_where_it_differs_from_both_and_lost_to_each_that_it_differs_from(host):
    host.write("/usr/a", "x")
    host.write("/usr/old", "x")
    host.said = {OLD: ["S.5......    /usr/a", "S.5......    /usr/old"], NEW: []}
    changed = damage.look(host.target, [OLD, NEW])
    assert [(one.path, one.nevra) for one in damage.lost(host.target, changed)] == [("/usr/a", OLD), ("/usr/old", OLD)]
    assert [line.split()[0] for line in damage.keep(host.target, "run-1", changed, 0.0)] == ["/usr/old"]
    host.said[NEW] = ["S.5......    /usr/a"]
    changed = damage.look(host.target, [OLD, NEW])
    assert {line.split()[0] for line in damage.keep(host.target, "run-2", changed, 0.0)} == {"/usr/a", "/usr/old"}


def test_nothing_is_asked_about_nothing(host):
    assert damage.look(host.target, []) == [] and host.asked == []


def test_rpm_that_does_not_answer_is_no_damage_and_no_proof(host, monkeypatch):
    monkeypatch.setattr(host.target, "probe", lambda argv: (127, "not found"))
    with pytest.raises(errors.Failed, match="cannot tell which files"):
        damage.look(host.target, [NEW])


@pytest.mark.parametrize(("text", "since_boot", "lost"), [("", -1, True), ("", 1, False), ("mine", -1, False)])
def test_configuration_that_was_empty_when_the_host_was_started_was_lost(host, monkeypatch, text, since_boot, lost):
    real = host.write("/etc/a.conf", text)
    monkeypatch.setattr(damage, "_booted", lambda: real.lstat().st_ctime - since_boot)
    host.said[NEW] = ["S.5......  c /etc/a.conf"]
    changed = damage.look(host.target, [NEW])
    assert bool(damage.lost(host.target, changed)) is lost
    damage.make_way(host.target, changed)
    assert real.exists() is not lost


def test_what_somebody_made_of_a_file_is_kept_once_and_what_is_lost_is_not(host):
    host.write("/usr/a", "edited")
    host.write("/usr/old", "")
    host.write("/etc/a.conf", "edited")
    os.symlink("elsewhere", host.root / "usr/link")
    changed = [damage.Changed(path, NEW, path.startswith("/etc"), missing) for path, missing in (
        ("/usr/a", False), ("/usr/old", False), ("/etc/a.conf", False), ("/usr/gone", True), ("/usr/link", False))]
    words = damage.keep(host.target, "run-1", changed, 0.0)
    places = [re.search(r" is in (\S+)$", line).group(1) for line in words]
    assert [os.path.basename(place) for place in places] == ["a", "link"]
    assert pathlib.Path(places[0]).read_text() == "edited" and os.readlink(places[1]) == "elsewhere"
    assert damage.keep(host.target, "run-1", changed, 0.0) == words
    host.write("/usr/a", "later")
    damage.keep(host.target, "run-1", changed, 0.0)
    assert [pathlib.Path(place).read_text() for place in (places[0], f"{places[0]}.1")] == ["edited", "later"]


def test_what_was_so_before_the_transaction_is_saved_elsewhere(host):
    real = host.write("/usr/a", "edited")
    changed = [damage.Changed("/usr/a", OLD, False, False)]
    assert damage.keep(host.target, "run-1", changed, real.lstat().st_ctime + 1) == []


def test_damage_is_known_once_rpm_answers(host, monkeypatch):
    plain = host.target.probe
    monkeypatch.setattr(host.target, "probe", lambda argv: (127, "not found"))
    with pytest.raises(errors.Failed) as failed:
        damage.look(host.target, [NEW])
    assert [problem.code for problem in failed.value.problems] == ["package.damage_unknown"]
    monkeypatch.setattr(host.target, "probe", plain)
    host.said[NEW] = []
    assert damage.look(host.target, [NEW]) == []
