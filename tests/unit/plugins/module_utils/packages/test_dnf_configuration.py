# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Odd files where dnf has its configuration: the collection does as dnf does, or says what is wrong before anything changes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, foreign, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import repos
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import dnf_base, locks, repofile
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import section

dnf = pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")

GOOD = b"[good]\nname=good\nbaseurl=file:///nowhere\n"
LATIN_COMMENT = b"# caf\xe9\n[latin]\nname=latin\nbaseurl=file:///nowhere\n"


def folder(path):
    path.mkdir()


def dangling(path):
    path.symlink_to("/nowhere/at/all")


def circle(path):
    path.symlink_to(path.name)


# What lies beside a good file, by name: how it is made, and which repositories dnf has of it.
PASSED = {
    "folder": (folder, []), "dangling link": (dangling, []), "circle of links": (circle, []),
    "null device": (lambda path: path.symlink_to("/dev/null"), []), "empty": (lambda path: path.write_bytes(b""), []),
    "no repository": (lambda path: path.write_text("junk\n"), []),
    "latin comment": (lambda path: path.write_bytes(LATIN_COMMENT), ["latin"]),
    "byte order mark": (lambda path: path.write_bytes(b"\xef\xbb\xbf[bom]\nname=bom\nbaseurl=file:///x\n"), ["bom"]),
    "zero byte": (lambda path: path.write_bytes(b"[zero]\nname=a\0b\nbaseurl=file:///x\n"), ["zero"]),
}


@pytest.fixture(name="host")
def fixture_host(tmp_path):
    where = tmp_path / "host" / "etc" / "yum.repos.d"
    where.mkdir(parents=True)
    (where / "good.repo").write_bytes(GOOD)
    return where


def base_of(host, tmp_path, conf=b"[main]\n"):
    """Return a Base whose configuration lies on a host of a test."""
    base = dnf.Base()
    (tmp_path / "dnf.conf").write_bytes(conf)
    base.conf.config_file_path = str(tmp_path / "dnf.conf")
    base.conf.substitutions["releasever"] = "9"
    base.conf.reposdir = [str(host)]
    base.conf.persistdir, base.conf.logdir, base.conf.cachedir = (str(tmp_path / name) for name in ("state", "log", "cache"))
    return base


def read(host, tmp_path, conf=b"[main]\n"):
    """Return the repositories that dnf has of a host, read as the collection does."""
    base = base_of(host, tmp_path, conf)
    try:
        with dnf_base._reading([base.conf.config_file_path]):
            base.conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
        base.conf.reposdir = [str(host)]
        with dnf_base._reading([base.conf.config_file_path, *sorted(map(str, host.glob("*.repo")))]):
            base.read_all_repos()
        return sorted(base.repos)
    finally:
        base.close()


@pytest.mark.parametrize("case", PASSED)
def test_what_dnf_passes_over_or_reads_is_passed_over_or_read(host, tmp_path, case):
    make, known = PASSED[case]
    make(host / "backup.repo")
    assert read(host, tmp_path) == sorted(["good", *known])
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))
    assert "/etc/yum.repos.d/good.repo" in section.gather(target).files
    noted = []
    found = [repository["id"] for repository in repos.gather(target.root, lambda what, why: noted.append(what))]
    assert "good" in found
    assert noted == [] or case in ("no repository", "byte order mark", "zero byte")


@pytest.mark.parametrize("name", ["dnf.conf", "x.repo"])
def test_a_fifo_is_refused_before_dnf_waits_at_it(host, tmp_path, name):
    path = tmp_path / name if name == "dnf.conf" else host / name
    os.mkfifo(path)
    with pytest.raises(errors.Refused) as refused, dnf_base._reading([str(path)]):
        raise AssertionError("dnf was asked")
    (problem,) = refused.value.problems
    assert (problem.code, problem.subject) == ("dnf.configuration_fifo", str(path))
    # As the remedy says.
    path.unlink()
    assert read(host, tmp_path) == ["good"]


def test_a_fifo_is_not_waited_at_by_the_collection_either(host, tmp_path):
    os.mkfifo(host / "x.repo")
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))
    with pytest.raises(errors.CannotRead) as told:
        section.gather(target)
    assert told.value.problems[0].code == "file.not_regular"
    noted = []
    assert [one["id"] for one in repos.gather(target.root, lambda what, why: noted.append(what))] == ["good"]
    assert noted == ["repos /etc/yum.repos.d/x.repo"]


@pytest.mark.parametrize(("name", "content"), [
    ("x.repo", b"[x]\nname=caf\xe9\nbaseurl=file:///x\n"), ("x.repo", b"[x]\nname=x\nbaseurl=file:///\xff\n"),
    ("dnf.conf", b"[main]\nproxy_username=\xe9\n")], ids=["a name", "an address", "dnf.conf"])
def test_a_value_that_is_not_utf8_is_refused_by_file(host, tmp_path, name, content):
    if name == "x.repo":
        (host / name).write_bytes(content)
    with pytest.raises(errors.Refused) as refused:
        read(host, tmp_path, content if name == "dnf.conf" else b"[main]\n")
    (problem,) = refused.value.problems
    path = str(tmp_path / name if name == "dnf.conf" else host / name)
    assert (problem.code, problem.subject) == ("dnf.configuration_not_utf8", path)
    # As the remedy says.
    (host / "x.repo").write_bytes(content.decode("latin-1").encode() if name == "x.repo" else b"")
    assert "good" in read(host, tmp_path, content.decode("latin-1").encode() if name == "dnf.conf" else b"[main]\n")


def test_a_configuration_that_dnf_refuses_is_refused(host, tmp_path):
    with pytest.raises(errors.Refused) as refused:
        read(host, tmp_path, b"junk\n[main]\n")
    assert refused.value.problems[0].code == "dnf.configuration_refused"


def test_a_comment_that_is_not_utf8_stays_when_an_option_is_set(tmp_path):
    text = LATIN_COMMENT.decode("utf-8", "surrogateescape")
    edited = repofile.edited(text, "latin", {"enabled": "0"}, str(tmp_path))
    assert edited.encode("utf-8", "surrogateescape").startswith(b"# caf\xe9\n") and "enabled=0" in edited.replace(" ", "")


def junk(path):
    path.write_bytes(b"this is no database " * 200)


def other_tables(path):
    with sqlite3.connect(path) as database:
        database.execute("create table config (key text, value text)")
        database.execute("insert into config values ('version', '9.9')")
    database.close()


@pytest.mark.parametrize("make", [junk, folder, other_tables, lambda path: path.write_bytes(b"")])
def test_a_history_that_cannot_be_read_is_refused(host, tmp_path, make):
    (tmp_path / "state").mkdir()
    make(tmp_path / "state" / dnf_base.HISTORY)
    base = base_of(host, tmp_path)
    with pytest.raises(errors.Refused) as refused:
        dnf_base._refuse_broken_history(base)
    base.close()
    (problem,) = refused.value.problems
    assert problem.code == "dnf.history_unreadable" and problem.reason and dnf_base.HISTORY in problem.remedy
    # As the remedy says.
    (tmp_path / "state" / dnf_base.HISTORY).rename(tmp_path / "away")
    base = base_of(host, tmp_path)
    dnf_base._refuse_broken_history(base)
    assert base.history.last() is None
    dnf_base._refuse_broken_history(base)
    base.close()


def test_no_history_is_made_where_there_is_none(tmp_path):
    base = types.SimpleNamespace(conf=types.SimpleNamespace(persistdir=str(tmp_path)))
    dnf_base._refuse_broken_history(base)
    assert list(tmp_path.iterdir()) == []


def code_of(act):
    """Return the code of what an act raises, empty where it raises nothing."""
    try:
        act()
    except Exception as error:
        return foreign.problem(error).code
    return ""


def test_a_configuration_is_read_once_it_is_mended(host, tmp_path):
    assert code_of(lambda: read(host, tmp_path, b"junk\n[main]\n")) == "dnf.configuration_refused"
    assert code_of(lambda: read(host, tmp_path, b"[main]\n")) == ""

    def plain(text):
        base = base_of(host, tmp_path, text)
        try:
            base.conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
        finally:
            base.close()

    assert code_of(lambda: plain(b"junk\n[main]\n")) == "dnf.configuration"
    assert code_of(lambda: plain(b"[main]\n")) == ""


def test_a_lock_of_dnf_is_free_once_its_holder_has_ended(tmp_path):
    lock = dnf.lock.build_metadata_lock(str(tmp_path), True)

    def take():
        with lock:
            pass

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as holder:
        with open(lock.target, "w", encoding="ascii") as handle:
            handle.write(str(holder.pid))
        found = code_of(take), code_of(lambda: locks.patiently(0.0, take))
        holder.communicate("\n")
    assert found == ("dnf.locked", "package_manager.locked")
    assert code_of(take) == code_of(lambda: locks.patiently(0.0, take)) == ""


def test_a_file_that_is_no_regular_one_is_moved_away(host, tmp_path):
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path / "host"))
    os.mkfifo(host / "x.repo")
    assert code_of(lambda: section.gather(target)) == "file.not_regular"
    (host / "x.repo").rename(tmp_path / "away")
    assert code_of(lambda: section.gather(target)) == ""
