# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the test stages: each runs into a log, within a time limit, and is counted."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import time
import typing as t
import xml.etree.ElementTree

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = TREE / ".venv" / "bin"
LOGS = TREE / ".cache" / "logs"
COLLECTIONS = TREE / ".cache" / "collections"
STARTED = time.monotonic()
TAIL_LINES = 60
# How much of a failure's message stands at the end of the run.
TOLD_LENGTH = 200
# A command that hangs is ended, and its log shown, before the limit of a CI system ends the whole run.
STEP_SECONDS = 60 * 60
RUN_SECONDS = 85 * 60
# What ansible-test says of a sanity test that applies to no file of the collection.
NOTHING_TO_TEST = "No tests applicable."


class Count(t.NamedTuple):
    """What came of a stage: texts of what failed and of what was skipped, each C(NAME: REASON) or a name alone."""

    passed: int = 0
    failures: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:  # type: ignore[override]
        return Count(self.passed + other.passed, self.failures + other.failures, self.skips + other.skips)

    def failing(self, name: str) -> Count:
        """Return the count of a command that failed: C(name) is its failure where no report has one."""
        return self._replace(failures=self.failures or (name,))


def failure(name: str) -> Count:
    """Return the count of one failure."""
    return Count(failures=(name,))


def say(text: str) -> None:
    """Print a progress line."""
    print(f"test {time.monotonic() - STARTED:6.0f}s  {text}", flush=True)


def environment() -> dict[str, str]:
    """Return the environment of every tool: the pinned ones first, the collection where it lies."""
    return dict(
        os.environ, PATH=f"{BIN}:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_NOCOWS="1",
        ANSIBLE_FORCE_COLOR="0", NO_COLOR="1", PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")


def step(
    name: str, argv: t.Sequence[str], cwd: pathlib.Path = TREE, env: dict[str, str] | None = None,
) -> tuple[bool, str]:
    """Run one command into a log, print a line for it, and the log's end when it failed or took too long."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".log")
    began = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(
            argv, cwd=cwd, env=env or environment(), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True)
        okay = _ends_well(process, out)
    text = log.read_text(encoding="utf-8", errors="replace")
    say(f"{'passed' if okay else 'FAILED'}  {name} ({time.monotonic() - began:.0f} s)")
    if not okay:
        print("\n".join(text.splitlines()[-TAIL_LINES:]), flush=True)
    return okay, text


def _ends_well(process: subprocess.Popen[bytes], out: t.TextIO) -> bool:
    """Wait for a step no longer than it may take; end it with all that it started when it takes longer."""
    limit = max(min(STEP_SECONDS, STARTED + RUN_SECONDS - time.monotonic()), 1)
    try:
        return process.wait(limit) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        out.seek(0, os.SEEK_END)
        out.write(f"\nended after {limit:.0f} s: it hung, or this machine is too slow\n")
        return False


def single(name: str, argv: t.Sequence[str], cwd: pathlib.Path = TREE) -> Count:
    """Run a command that counts as one test."""
    return Count(1) if step(name, argv, cwd)[0] else failure(name)


def reported(name: str, reports: t.Iterable[pathlib.Path]) -> Count:
    """Return what JUnit reports say of C(name). A test for which there was nothing to test is not counted."""
    cases = [case for report in reports for case in xml.etree.ElementTree.parse(report).iter("testcase")]
    failures = tuple(f"{name}: {_told(case)}" for case in cases if _bad(case) is not None)
    skipped = [element for element in (case.find("skipped") for case in cases) if element is not None]
    reasons = [element.get("message") or element.text or "without a reason" for element in skipped]
    told = tuple(f"{name}: {reason}" for reason in reasons if reason != NOTHING_TO_TEST)
    return Count(len(cases) - len(failures) - len(skipped), failures, told)


def _bad(case: xml.etree.ElementTree.Element) -> xml.etree.ElementTree.Element | None:
    failed = case.find("failure")
    return case.find("error") if failed is None else failed


def _told(case: xml.etree.ElementTree.Element) -> str:
    """Return the name of a test that failed and the first line of its message."""
    bad = _bad(case)
    lines = ((bad.get("message") or bad.text or "") if bad is not None else "").strip().splitlines()
    name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
    return f"{name}: {lines[0][:TOLD_LENGTH]}" if lines else name
