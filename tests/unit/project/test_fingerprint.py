# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that nothing was written: what it cannot read or ask ends it, and never compares as equal."""

from __future__ import annotations

import errno
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import fingerprint  # noqa: E402


@pytest.mark.parametrize(("script", "raises"), [
    ("exit 1", subprocess.CalledProcessError),
    ("echo ssh.service enabled; exit 1", subprocess.CalledProcessError),
    ("kill -9 $$", subprocess.CalledProcessError),
    ("exec sleep 60", subprocess.TimeoutExpired),
    (":", RuntimeError),
])
def test_a_command_that_does_not_answer(monkeypatch, script, raises):
    monkeypatch.setattr(fingerprint, "SECONDS", 0.5)
    with pytest.raises(raises):
        fingerprint.output("sh", "-c", script)


def test_a_command_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        fingerprint.output("no-such-command-of-the-tests")


def test_a_command_that_answers():
    assert fingerprint.output("printf", r"a\nb\n") == ["a", "b"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ENOTDIR])
def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch, code):
    (tmp_path / "a/b").mkdir(parents=True)
    real = os.scandir

    def scandir(path):
        if str(path) == str(tmp_path / "a/b"):
            raise OSError(code, os.strerror(code), path)
        return real(path)

    monkeypatch.setattr(fingerprint, "VOLATILE", ())
    assert len(fingerprint.entries(str(tmp_path))) == 2
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(OSError, match=os.strerror(code)):
        fingerprint.entries(str(tmp_path))


def test_a_failing_systemctl_ends_the_program(tmp_path):
    """Run as it is run on a host, with commands of the test's own before those of the system."""
    for name, script in {"rpm": "echo rpm a", "systemctl": "echo 'Failed to connect to bus' >&2; exit 1"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    program = pathlib.Path(fingerprint.__file__).read_text().replace('print("\\n".join(entries()))', "pass")
    done = subprocess.run(
        [sys.executable, "-"], input=program, text=True, capture_output=True, check=False,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1 and "CalledProcessError" in done.stderr
