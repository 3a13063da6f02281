# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a View tells apart: absent, there and read, and there and not read; and that a check which met the last is no pass."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import local_config, view as host_view
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import groups
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.references import References

CRON = "/etc/cron.d/job"
LINE = "* * * * * root /usr/sbin/telinit q\n"


@pytest.fixture(name="view")
def fixture_view(tmp_path):
    return host_view.View(str(tmp_path), lambda argv: (host_view.NOT_FOUND, ""))


def write(view, path, content):
    real = view.real(path)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    with open(real, "wb") as handle:
        handle.write(content if isinstance(content, bytes) else content.encode())


def fail(monkeypatch, code, *names):
    """Have some calls of the system fail with an error of the system."""
    def failing(*_args, **_how):
        raise OSError(code, os.strerror(code))

    for name in names:
        monkeypatch.setattr(*((os, name) if name != "open" else ("builtins.open",)), failing)


def test_absent_is_not_noted(view):
    assert view.text("/etc/none") is None and view.exists("/etc/none") is False and view.readlink("/etc/none") is None
    assert list(view.lines("/etc/none")) == [] and view.glob("/etc/none/*") == [] and view.names("/etc/none") == []
    os.makedirs(view.real("/etc/folder"))
    assert view.text("/etc/folder") is None and list(view.lines("/etc/folder")) == []
    os.symlink("nowhere", view.real("/etc/dangling"))
    assert view.text("/etc/dangling") is None and view.exists("/etc/dangling")
    assert view.noted.all == {}


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ENOTDIR])
@pytest.mark.parametrize(("look", "call"), [
    (lambda view: view.text(CRON), "open"), (lambda view: view.text(CRON), "stat"), (lambda view: list(view.lines(CRON)), "open"),
    (lambda view: view.exists(CRON), "stat"), (lambda view: view.is_executable(CRON), "stat"),
    (lambda view: view.readlink(CRON), "readlink"), (lambda view: view.names(CRON), "listdir"),
])
def test_trouble_is_noted_with_its_reason(view, monkeypatch, code, look, call):
    write(view, CRON, LINE)
    with monkeypatch.context() as patched:
        fail(patched, code, *((call,) if call != "open" else ("open",)))
        assert not look(view)
    assert view.noted.all == {CRON: os.strerror(code)}


def test_a_folder_that_cannot_be_listed_is_noted(view, monkeypatch):
    write(view, CRON, LINE)
    with monkeypatch.context() as patched:
        fail(patched, errno.EACCES, "listdir")
        assert view.glob("/etc/cron.d/*") == []
    assert view.noted.all == {"/etc/cron.d": os.strerror(errno.EACCES)}


def test_a_link_that_loops_and_a_file_in_the_place_of_a_folder(view):
    os.makedirs(view.real("/etc"))
    os.symlink("loop", view.real("/etc/loop"))
    write(view, "/etc/cron.d", "")
    assert view.text("/etc/loop") is None and view.glob("/etc/cron.d/*") == [] and view.text("/etc/cron.d/x") is None
    assert set(view.noted.all) == {"/etc/loop", "/etc/cron.d", "/etc/cron.d/x"}
    # What a wildcard matched may be a file: nothing can be below that.
    assert view.glob("/etc/*/x") == [] and set(view.noted.all) == {"/etc/loop", "/etc/cron.d", "/etc/cron.d/x"}


@pytest.mark.parametrize("pattern", ["/etc/cron.d/*", "/etc/*/job", "/etc/cron.[cd]/j?b", "/etc/cron.d/job", "/*/cron.d/j*"])
def test_patterns_match_as_a_shell_has_them(view, pattern):
    write(view, CRON, LINE)
    write(view, "/etc/cron.d/.hidden", LINE)
    assert view.glob(pattern) == [CRON]
    assert view.glob("/etc/cron.d/.*") == ["/etc/cron.d/.hidden"]
    assert view.glob("/etc/*/") == ["/etc/cron.d/"] and view.glob("/etc/cron.d/*/") == []
    assert view.noted.all == {}


def test_text_that_is_none_and_text_that_is_too_large(view):
    write(view, "/etc/binary", b"\0\1\2")
    write(view, "/etc/large", "x\n" * (1 << 20))
    assert view.text("/etc/binary") is None and view.text("/etc/large") is None
    assert view.noted.all == {"/etc/binary": host_view.NO_TEXT, "/etc/large": "it is larger than 1 MiB"}


def test_lines_are_read_to_the_end(view):
    write(view, CRON, "# a comment\n" * (1 << 18) + LINE)
    assert [line.text for line in local_config.command_lines(view)] == ["/usr/sbin/telinit q"]
    assert References(view).to_path("/usr/sbin/telinit") and view.noted.all == {}


@pytest.mark.parametrize(("content", "reason"), [
    (b"x\n" * (host_view.LINES_LIMIT // 2 + 1), "it is larger than 16 MiB"),
    (b"x" * (host_view.LINE_LIMIT + 1), "one of its lines is longer than 1 MiB"),
    (LINE.encode() + b"\0", host_view.NO_TEXT),
])
def test_a_limit_is_told(view, content, reason):
    write(view, CRON, content)
    for _line in view.lines(CRON):
        pass
    assert view.noted.all == {CRON: reason}


def test_programs_are_no_text_and_scripts_end_where_their_data_begin(view):
    write(view, "/usr/local/bin/program", b"\x7fELF\0\0")
    write(view, "/usr/local/bin/archive", b"#!/bin/sh\ntelinit q\n\0\1\2\nno line\n")
    assert list(view.lines("/usr/local/bin/program", programs=True)) == []
    assert list(view.lines("/usr/local/bin/archive", programs=True)) == ["#!/bin/sh", "telinit q"]
    assert view.noted.all == {}


def test_a_check_that_met_a_path_that_cannot_be_read_is_no_pass(view):
    write(view, CRON, b"\0")
    recorder = groups.Recorder("predict", view)
    # The second asks for what is known already, and must hear of it as well; the third did not ask.
    for check in ("provides.lost", "soname.lost"):
        recorder.run((check,), lambda: [None for _line in local_config.command_lines(view)])
    recorder.run(("path.required_lost",), lambda: [])
    said = {one.id: (one.status, one.reason) for one in recorder.coverage()}
    assert said["provides.lost"] == said["soname.lost"] == ("error", f"{CRON} cannot be read: {host_view.NO_TEXT}")
    assert said["path.required_lost"] == ("ran", "")


def test_many_paths_are_named_in_part(view):
    for number in range(8):
        write(view, f"/etc/cron.d/job{number}", b"\0")
    recorder = groups.Recorder("predict", view)
    recorder.run(("provides.lost",), lambda: list(local_config.command_lines(view)))
    reason = next(one.reason for one in recorder.coverage() if one.id == "provides.lost")
    assert reason.count("cannot be read") == groups.NAMED and reason.endswith("and 3 more paths")
    assert len(view.noted.all) == 8
