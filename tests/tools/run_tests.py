# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the stages of the tests and count honestly: C(run_tests.py [STAGE,...]).

Every stage adds what passed, failed and was skipped. A stage that cannot run at all counts as a failure. The run ends with
what was skipped, the seconds of each stage, what failed, and the sum.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import secrets
import sys
import tempfile
import time
import typing as t

import cores
import stream9
from steps import BIN, COLLECTIONS, LOGS, TREE, Count, environment, failure, reported, say, single, step

# How many scenarios run side by side, and how many tests on live hosts.
AT_ONCE, LIVE_AT_ONCE = 2, 3
# A unit test that waits for ever is told with its name and where it stands.
UNIT_TEST_SECONDS = 3 * 60
TEST_SECONDS = 10 * 60
# Paths below it stay short: gpg-agent has its socket in a folder of a test, and the name of a socket has 107 characters.
MEMORY = "/dev/shm"
STREAMS = ("9", "10")
# Scenarios of playbooks that go over hosts in waves.
OF_SEVERAL = ("adopt",)
# A test on a virtual machine without hardware help: a whole adoption with two boots.
MACHINE_TEST_SECONDS = 20 * 60
# Those of tests/vm/test_adoption.py that make one adoption, a boot and the way back.
SMOKE = ("plain_folder", "masked_mount", "next_boot", "after_the_mask")


def lint() -> Count:
    """Lint everything with the strictest profile; nothing is skipped."""
    return (
        single("ansible-lint", ["ansible-lint", "--offline", "--profile", "production", "--strict"])
        + single("yamllint", ["yamllint", "--strict", "."])
        + single("ruff", ["ruff", "check", "."])
        + single("changelog", ["antsibull-changelog", "lint"], COLLECTIONS / "ansible_collections" / "centos" / "hyperscale"))


def pytest(name: str, *arguments: str) -> Count:
    """Run pytest and count from its report."""
    report = LOGS / f"{name}.xml"
    LOGS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    okay, _text = step(name, [
        str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", f"--junit-xml={report}", *arguments],
        COLLECTIONS / "ansible_collections" / "centos" / "hyperscale")
    if not report.exists():
        return failure(name)
    count = reported(name, [report])
    return count if okay else count.failing(name)


def seeded() -> None:
    """Say the seed of what is drawn at random: one that is given, or a fresh one for the whole run."""
    seed = os.environ.setdefault("HYPERSCALE_SEED", str(secrets.randbits(32)))
    say(f"what is drawn at random: HYPERSCALE_SEED={seed}")


def unit() -> Count:
    """Run the unit tests, with random sequences among them, in memory where that is a file system: most of them write files."""
    seeded()
    memory = MEMORY if os.path.ismount(MEMORY) else None
    # A mount or a flag that a test which failed has left is no reason to end the whole run.
    with tempfile.TemporaryDirectory(prefix="unit-", dir=memory, ignore_cleanup_errors=True) as folder:
        return pytest(
            "unit tests", "tests/unit", f"--numprocesses={AT_ONCE}", f"--basetemp={folder}/t", "--durations=20",
            f"--timeout={UNIT_TEST_SECONDS}")


def grub() -> Count:
    """Have GRUB's own file system drivers read what a power cut leaves of each write to /boot."""
    return pytest("what GRUB reads", "tests/grub")


def build_lab() -> Count:
    """Build images and repositories, so that the scenarios find them."""
    return single("lab build", [str(BIN / "python"), "tests/lab", "build"])


def rpms() -> Count:
    """Hold what is foretold of configuration files, and what is said of keys, against the rpm of both host images."""
    return pytest("rpm of the images", "tests/lab_rpm")


def molecule() -> Count:
    """Run every scenario, each on a host of one stream, but for those that need several; C(make test-streams) has both."""
    return scenarios(sample=True)


def scenarios(sample: bool) -> Count:
    """Run every scenario, some at a time; each step of a scenario counts, and each of its tests."""
    names = sorted(path.parent.name for path in (TREE / "molecule").glob("*/molecule.yml"))
    streams = [
        STREAMS[index % len(STREAMS)] if sample and name not in OF_SEVERAL else " ".join(STREAMS)
        for index, name in enumerate(names)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(_scenario, names, streams), Count())


def _scenario(name: str, streams: str) -> Count:
    okay, text = step(
        f"scenario {name}", ["molecule", "test", "-s", name], env={**environment(), "HYPERSCALE_LAB_STREAMS": streams})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    found = re.search(r"(\d+) passed", plain)
    steps = len(re.findall(r"➜ \w+: Executed: Successful", plain.split("DETAILS")[-1]))
    if okay and not found:
        say(f"FAILED  scenario {name} ran no test")
        return Count(steps, (f"scenario {name}: it ran no test",))
    passed = Count(steps + (int(found.group(1)) if found else 0))
    if okay:
        return passed
    bad = re.findall(r"^FAILED \S*::(.*)$", plain, re.MULTILINE)
    return passed._replace(failures=tuple(f"scenario {name}: {test}" for test in bad)).failing(f"scenario {name}")


def live() -> Count:
    """Run a sample of what goes wrong on purpose, and of jobs that are cut in their middle.

    C(make test-streams) runs all of it on both streams, and C(make test-faults) cuts jobs at every step.
    """
    seeded()
    return on_hosts("live hosts", "tests/faults", "tests/cuts", "--sample")


def faults() -> Count:
    """Run a sample of what goes wrong on purpose."""
    seeded()
    return on_hosts("faults", "tests/faults", "--sample")


def cuts() -> Count:
    """Cut some jobs in their middle."""
    return on_hosts("cuts", "tests/cuts")


def on_hosts(name: str, *arguments: str) -> Count:
    """Run tests on live hosts, which a worker has for itself; tests/lab/workers.py says which tests it gets."""
    return pytest(
        name, *arguments, "--verbose", "--verbose", f"--numprocesses={LIVE_AT_ONCE}", "--dist=loadscope", "--maxfail=8",
        "--durations=60", f"--timeout={TEST_SECONDS}")


def both_streams() -> Count:
    """Run on both streams, and with all cases, what other stages run a sample of."""
    return scenarios(sample=False) + on_hosts("live hosts", "tests/faults", "tests/cuts")


def machine_lab() -> Count:
    """Install what virtual machines need."""
    return single("lab for virtual machines", [str(BIN / "python"), "tests/lab", "install", "--vm"])


def arm() -> Count:
    """Adopt systemd on a machine of the architecture that HYPERSCALE_LAB_ARCH names, boot, and go back."""
    return machine_lab() + pytest(
        "another architecture", "tests/vm/test_adoption.py", "--verbose", "-k", " or ".join(SMOKE), "--maxfail=1",
        f"--timeout={2 * MACHINE_TEST_SECONDS}")


def machines() -> Count:
    """Run what only a machine of its own shows: other kernels, arguments, boots that fail, oomd that kills."""
    return machine_lab() + pytest(
        "virtual machines", "tests/vm", "--verbose", "--verbose", f"--numprocesses={AT_ONCE}", "--dist=loadscope", "--maxfail=3",
        "--durations=30", f"--timeout={MACHINE_TEST_SECONDS}")


def registry() -> Count:
    """Build host images on those of a registry of this machine, with what goes wrong there, and run a scenario on them."""
    return pytest("registry", "tests/registry", "--verbose", "--maxfail=2", f"--timeout={MACHINE_TEST_SECONDS}")


def bench() -> Count:
    """Run the benchmarks in their short form: each must end and print its ratios, whatever these are."""
    return sum(map(_benchmark, ("bench", "prediction", "ledger")), Count())


def _benchmark(name: str) -> Count:
    okay, text = step(f"benchmark {name} in short", [str(BIN / "python"), f"tests/benchmark/{name}.py", "--short"])
    ratios = re.search(r"\b\d+(\.\d)? times\b", text)
    if okay and not ratios:
        say(f"FAILED  benchmark {name} printed no ratio")
    return Count(1) if okay and ratios else failure(f"benchmark {name} in short")


ALWAYS: dict[str, t.Callable[[], Count]] = {
    "lint": lint, "cores": cores.some, "unit": unit, "grub": grub, "lab": build_lab, "rpms": rpms, "molecule": molecule,
    "live": live, "bench": bench,
}
ASKED_FOR: dict[str, t.Callable[[], Count]] = {
    "faults": faults, "cuts": cuts, "vm": machines, "all-cores": cores.whole, "stream9": stream9.whole, "registry": registry,
    "arm": arm, "streams": both_streams,
}
STAGES = {**ALWAYS, **ASKED_FOR}
# Begins with the first stage and is awaited where it stands: it mostly downloads and compresses, and no stage before needs it.
BESIDE = "lab"


def run(names: t.Sequence[str]) -> dict[str, tuple[Count, float]]:
    """Run stages one after another, but for the one that runs beside those before it; return counts and seconds."""
    done = {}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        beside = pool.submit(STAGES[BESIDE]) if BESIDE in names else None
        for name in names:
            say(f"stage {name}")
            began = time.monotonic()
            count = beside.result() if beside and name == BESIDE else STAGES[name]()
            done[name] = count, time.monotonic() - began
    return done


def ending(done: t.Mapping[str, tuple[Count, float]]) -> list[str]:
    """Return the lines that close a run. A log that is cut keeps its last lines, so what failed stands among these."""
    total = sum((count for count, _seconds in done.values()), Count())
    reasons: dict[str, list[str]] = {}
    for skip in total.skips:
        name, _colon, reason = skip.partition(": ")
        reasons.setdefault(reason, []).append(name)
    skipped = [
        f"skipped {len(names)} times: {reason} ({', '.join(dict.fromkeys(names))})" for reason, names in reasons.items()]
    seconds = ", ".join(f"{name} {took:.0f}" for name, (_count, took) in done.items())
    return [
        *skipped, f"seconds: {seconds}", *(f"FAILED  {text}" for text in total.failures),
        f"{total.passed} passed, {len(total.failures)} failed, {len(total.skips)} skipped"]


def main() -> int:
    """Run the stages that were asked for, or all."""
    wanted = [name for word in sys.argv[1:] for name in word.split(",") if name] or list(ALWAYS)
    unknown = [name for name in wanted if name not in STAGES]
    if unknown:
        print(f"no stage is called {', '.join(unknown)}; there are: {', '.join(STAGES)}", file=sys.stderr)
        return 2
    done = run(wanted)
    print("\n".join(ending(done)))
    counts = [count for count, _seconds in done.values()]
    return 0 if any(count.passed for count in counts) and not any(count.failures for count in counts) else 1


if __name__ == "__main__":
    sys.exit(main())
