# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure adopt beside a task-by-task playbook and a bare dnf transaction, on hosts of the same image, in one run.

Prints seconds and ratios. Figures of one run compare with each other only.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import hosts  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
COUNTS = TREE / ".cache" / "calls.json"
WANTED = 5.0


def playbook(inventory: pathlib.Path, name: str) -> float:
    """Run a playbook and return its seconds; it must succeed."""
    environment = dict(
        os.environ, PATH=f"{TREE}/.venv/bin:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(TREE / ".cache" / "collections"),
        ANSIBLE_CALLBACK_PLUGINS=str(TREE / "tests" / "tools" / "callbacks"), ANSIBLE_CALLBACKS_ENABLED="count_calls",
        COUNT_CALLS=str(COUNTS),
        ANSIBLE_PIPELINING="1", ANSIBLE_NOCOWS="1")
    began = time.monotonic()
    result = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), name], env=environment, cwd=TREE, capture_output=True, text=True,
        check=False)
    if result.returncode:
        sys.exit(f"{name} failed:\n{result.stdout[-3000:]}\n{result.stderr[-1000:]}")
    return time.monotonic() - began


def bare_dnf(host: hosts.Host) -> float:
    """Do the same package changes by dnf alone, as a lower bound; returns seconds."""
    began = time.monotonic()
    for argv in (
        ["dnf", "-y", "-q", "install", "centos-release-hyperscale"],
        ["dnf", "-y", "-q", "--setopt=install_weak_deps=False", "upgrade", "systemd*"],
    ):
        result = hosts.command(host, argv)
        if result.returncode:
            sys.exit(f"{' '.join(argv)} failed: {result.stderr}")
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    images = lab_commands.build()
    groups = {
        kind: hosts.up(f"bench-{kind}", {f"bench-{kind}-9": 9, f"bench-{kind}-10": 10}, images)
        for kind in ("adopt", "tasks", "dnf")}
    try:
        print("bench: adopt, first run", flush=True)
        rows = {"adopt, first run": playbook(groups["adopt"], "centos.hyperscale.adopt")}
        print("bench: adopt, second run", flush=True)
        rows["adopt, second run"] = playbook(groups["adopt"], "centos.hyperscale.adopt")
        adopt_calls = json.loads(COUNTS.read_text())
        print("bench: task by task, first and second run", flush=True)
        rows["task by task, first run"] = playbook(groups["tasks"], str(HERE / "task_by_task.yml"))
        rows["task by task, second run"] = playbook(groups["tasks"], str(HERE / "task_by_task.yml"))
        task_calls = json.loads(COUNTS.read_text())
        print("bench: bare dnf", flush=True)
        rows["bare dnf, slower of the two hosts"] = max(bare_dnf(hosts.find(f"bench-dnf-{stream}")) for stream in (9, 10))
    finally:
        for host in [host for host in hosts.known() if host.group.startswith("bench-")]:
            hosts.remove(host)
    print("\n| what, on one host of each stream | seconds |\n| --- | --- |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.1f} |")
    second = rows["task by task, second run"] / rows["adopt, second run"]
    print(f"\nsecond run: adopt is {second:.1f} times as fast as task by task (wanted: {WANTED:g})")
    bare = rows["bare dnf, slower of the two hosts"]
    print(f"first run: adopt takes {rows['adopt, first run'] / bare:.1f} times a bare dnf transaction, "
          f"task by task {rows['task by task, first run'] / bare:.1f} times")
    for what, calls in (("adopt", adopt_calls), ("task by task", task_calls)):
        for host, modules in sorted(calls.items()):
            names = ", ".join(f"{name} {count}" for name, count in modules.items())
            print(f"remote calls of a second run, {what}, {host}: {sum(modules.values())} ({names})")


if __name__ == "__main__":
    main()
