# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure adopt beside a task-by-task playbook and a bare dnf transaction, on hosts of the same image, in one run.

Prints seconds and ratios. Figures of one run compare with each other only.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time

from common import TREE, groups, hosts, on, short, timed

HERE = pathlib.Path(__file__).resolve().parent
COUNTS = TREE / ".cache" / "calls.json"
KINDS = ("adopt", "tasks", "dnf")
WANTED = 5.0


def playbook(inventory: pathlib.Path, name: str) -> float:
    """Run a playbook and return its seconds."""
    return timed(
        ["ansible-playbook", "-i", str(inventory), name], ANSIBLE_CALLBACK_PLUGINS=str(TREE / "tests" / "tools" / "callbacks"),
        ANSIBLE_CALLBACKS_ENABLED="count_calls", COUNT_CALLS=str(COUNTS))[0]


def bare_dnf(host: hosts.Host) -> float:
    """Do the same package changes by dnf alone, as a lower bound; returns seconds."""
    began = time.monotonic()
    on(host, "dnf", "-y", "-q", "install", "centos-release-hyperscale")
    on(host, "dnf", "-y", "-q", "--setopt=install_weak_deps=False", "upgrade", "systemd*")
    seconds = time.monotonic() - began
    build = on(host, "rpm", "-q", "systemd").strip()
    if ".hs" not in build:
        sys.exit(f"{host.name}: dnf left {build}, so there is nothing to compare with")
    return seconds


def main() -> None:
    """Measure and print."""
    streams = (9,) if short(__doc__) else (9, 10)
    rows = {}
    with groups({f"bench-{kind}": {f"bench-{kind}-{stream}": stream for stream in streams} for kind in KINDS}) as inventories:
        print("bench: adopt, first run", flush=True)
        rows["adopt, first run"] = playbook(inventories["bench-adopt"], "centos.hyperscale.adopt")
        print("bench: adopt, second run", flush=True)
        rows["adopt, second run"] = playbook(inventories["bench-adopt"], "centos.hyperscale.adopt")
        adopt_calls = json.loads(COUNTS.read_text())
        print("bench: task by task, first and second run", flush=True)
        rows["task by task, first run"] = playbook(inventories["bench-tasks"], str(HERE / "task_by_task.yml"))
        rows["task by task, second run"] = playbook(inventories["bench-tasks"], str(HERE / "task_by_task.yml"))
        task_calls = json.loads(COUNTS.read_text())
        print("bench: bare dnf", flush=True)
        rows["bare dnf, the slowest host"] = max(bare_dnf(hosts.find(f"bench-dnf-{stream}")) for stream in streams)
    print("\n| what, on one host of each stream | seconds |\n| --- | --- |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.1f} |")
    second = rows["task by task, second run"] / rows["adopt, second run"]
    print(f"\nsecond run: adopt is {second:.1f} times as fast as task by task (wanted: {WANTED:g})")
    bare = rows["bare dnf, the slowest host"]
    print(f"first run: adopt takes {rows['adopt, first run'] / bare:.1f} times a bare dnf transaction, "
          f"task by task {rows['task by task, first run'] / bare:.1f} times")
    for what, calls in (("adopt", adopt_calls), ("task by task", task_calls)):
        for host, modules in sorted(calls.items()):
            names = ", ".join(f"{name} {count}" for name, count in modules.items())
            print(f"remote calls of a second run, {what}, {host}: {sum(modules.values())} ({names})")


if __name__ == "__main__":
    main()
