# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the stages of the tests and count honestly: C(run_tests.py [STAGE,...]).

Every stage adds what passed, failed and was skipped; the last line has the sum. A stage that cannot run at all
counts as a failure.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import typing as t
import xml.etree.ElementTree

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = TREE / ".venv" / "bin"
LOGS = TREE / ".cache" / "logs"
COLLECTIONS = TREE / ".cache" / "collections"
SANITY_COPY = TREE / ".cache" / "sanity" / "ansible_collections" / "centos" / "hyperscale"
STARTED = time.monotonic()
TAIL_LINES = 60
# Scenarios that run side by side, and tests on live hosts, which wait more than they work.
AT_ONCE, FAULTS_AT_ONCE = 2, 3
# What hangs must fail, and show where, before somebody's patience or a CI system's limit ends everything.
STEP_SECONDS = 60 * 60
RUN_SECONDS = 85 * 60
TEST_SECONDS = 10 * 60
# A test on a virtual machine without hardware help: a whole adoption with two boots.
MACHINE_TEST_SECONDS = 20 * 60


class Count(t.NamedTuple):
    """What came of a stage. C(skips) are reasons."""

    passed: int = 0
    failed: int = 0
    skips: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:  # type: ignore[override]
        return Count(self.passed + other.passed, self.failed + other.failed, self.skips + other.skips)


def say(text: str) -> None:
    """Print a progress line."""
    print(f"test {time.monotonic() - STARTED:6.0f}s  {text}", flush=True)


def environment() -> dict[str, str]:
    """Return the environment of every tool: the pinned ones first, the collection where it lies."""
    return dict(
        os.environ, PATH=f"{BIN}:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), ANSIBLE_NOCOWS="1",
        ANSIBLE_FORCE_COLOR="0", NO_COLOR="1", PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")


def step(name: str, argv: t.Sequence[str], cwd: pathlib.Path = TREE) -> tuple[bool, str]:
    """Run one command into a log, print a line for it, and the log's end when it failed or took too long."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".log")
    began = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment(), stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
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
    return Count(1, 0) if step(name, argv, cwd)[0] else Count(0, 1)


def lint() -> Count:
    """Lint everything with the strictest profile; nothing is skipped."""
    return (
        single("ansible-lint", ["ansible-lint", "--offline", "--profile", "production", "--strict"])
        + single("yamllint", ["yamllint", "--strict", "."])
        + single("ruff", ["ruff", "check", "."])
        + single("changelog", ["antsibull-changelog", "lint"], COLLECTIONS / "ansible_collections" / "centos" / "hyperscale"))


def sanity() -> Count:
    """Run ansible-test sanity on a copy of the tree: it refuses a path with a link in it."""
    shutil.rmtree(SANITY_COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TREE, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (TREE / name).is_file():
            (SANITY_COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, SANITY_COPY / name)
    subprocess.run(["git", "init", "--quiet"], cwd=SANITY_COPY, check=True)
    subprocess.run(["git", "add", "--all"], cwd=SANITY_COPY, check=True)
    _place_get_pip()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    okay, text = step(
        "ansible-test sanity", ["ansible-test", "sanity", "--color", "no", "--python", version, "-v"], SANITY_COPY)
    ran = len(set(re.findall(r"^Running sanity test \"([^\"]+)\"", text, re.MULTILINE)))
    skips = tuple(f"sanity {line}" for line in sorted(set(re.findall(r"Skipping sanity test (.*)", text))))
    failed = len(set(re.findall(r"The test `ansible-test sanity --test ([^ ]+)", text)))
    if not okay:
        return Count(max(ran - max(failed, 1), 0), max(failed, 1), skips)
    return Count(ran, 0, skips)


def _place_get_pip() -> None:
    """Give ansible-test the script that it would fetch from the web to put pip into its environments."""
    source = subprocess.run(
        [str(BIN / "python"), "-c", "import ansible_test._internal.python_requirements as r; print(r.__file__)"],
        capture_output=True, text=True, check=True).stdout.strip()
    cache = pathlib.Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(re.findall(r"pip='([\d.]+)'", pathlib.Path(source).read_text())):
        path = cache / f"get_pip_{version.replace('.', '_')}.py"
        if not path.exists():
            path.write_text("import ensurepip\nensurepip.bootstrap()\n")


def pytest(name: str, *arguments: str) -> Count:
    """Run pytest and count from its report."""
    report = LOGS / f"{name}.xml"
    LOGS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    okay, _text = step(name, [
        str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", f"--junit-xml={report}", *arguments],
        COLLECTIONS / "ansible_collections" / "centos" / "hyperscale")
    if not report.exists():
        return Count(0, 1)
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case.find("skipped") for case in cases if case.find("skipped") is not None]
    skips = tuple(f"{name}: {element.get('message')}" for element in skipped if element is not None)
    failed = max(len(bad), 0 if okay else 1)
    return Count(len(cases) - len(bad) - len(skips), failed, skips)


def unit() -> Count:
    """Run the unit tests."""
    return pytest("unit tests", "tests/unit", f"--numprocesses={AT_ONCE}")


def build_lab() -> Count:
    """Build images and repositories, so that the scenarios find them."""
    return single("lab build", [str(BIN / "python"), "tests/lab", "build"])


def rpms() -> Count:
    """Hold what is foretold of configuration files against the rpm of both host images."""
    return pytest("rpm of the images", "tests/lab_rpm")


def molecule() -> Count:
    """Run every scenario, some at a time; each step of a scenario counts, and each of its tests."""
    names = sorted(path.parent.name for path in (TREE / "molecule").glob("*/molecule.yml"))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(_scenario, names), Count())


def _scenario(name: str) -> Count:
    okay, text = step(f"scenario {name}", ["molecule", "test", "-s", name])
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    found = re.search(r"(\d+) passed", plain)
    steps = len(re.findall(r"➜ \w+: Executed: Successful", plain.split("DETAILS")[-1]))
    if okay and not found:
        say(f"FAILED  scenario {name} ran no test")
        return Count(steps, 1)
    tests = int(found.group(1)) if found else 0
    bad = re.search(r"(\d+) failed", plain)
    return Count(steps + tests, 0 if okay else max(1, int(bad.group(1)) if bad else 1))


def faults() -> Count:
    """Run what goes wrong on purpose, on live hosts of its own. Tests of a file follow each other, some on one host."""
    return pytest(
        "faults", "tests/faults", "--verbose", "--verbose", f"--numprocesses={FAULTS_AT_ONCE}", "--dist=loadfile", "--maxfail=8",
        f"--timeout={TEST_SECONDS}")


def cuts() -> Count:
    """Cut some jobs in their middle, on one host a stream; C(make test-faults) cuts them at every step."""
    return pytest(
        "cuts", "tests/cuts", "--verbose", "--verbose", f"--numprocesses={AT_ONCE}", "--dist=loadfile", "--maxfail=4",
        f"--timeout={TEST_SECONDS}")


def machines() -> Count:
    """Run what only a machine of its own shows: other kernels, arguments, boots that fail, oomd that kills."""
    return single("lab for virtual machines", [str(BIN / "python"), "tests/lab", "install", "--vm"]) + pytest(
        "virtual machines", "tests/vm", "--verbose", "--maxfail=1", f"--timeout={MACHINE_TEST_SECONDS}")


STAGES: dict[str, t.Callable[[], Count]] = {
    "lint": lint, "sanity": sanity, "unit": unit, "lab": build_lab, "rpms": rpms, "molecule": molecule,
    "faults": faults, "cuts": cuts, "vm": machines,
}
# Stages that run only when they are asked for.
ASKED_FOR = ("vm",)


def main() -> int:
    """Run the stages that were asked for, or all."""
    wanted = [name for word in sys.argv[1:] for name in word.split(",") if name] or [
        name for name in STAGES if name not in ASKED_FOR]
    unknown = [name for name in wanted if name not in STAGES]
    if unknown:
        print(f"no stage is called {', '.join(unknown)}; there are: {', '.join(STAGES)}", file=sys.stderr)
        return 2
    total = Count()
    for name in wanted:
        say(f"stage {name}")
        total += STAGES[name]()
    for reason in total.skips:
        print(f"skipped: {reason}")
    print(f"{total.passed} passed, {total.failed} failed, {len(total.skips)} skipped")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
