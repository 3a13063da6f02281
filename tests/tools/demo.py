# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adopt a fleet of three live hosts and show each before and after: the collection as a new user meets it."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import common, hosts  # noqa: E402

FLEET = {"web1": 9, "web2": 9, "db1": 10}
ENVIRONMENT = dict(
    os.environ, PATH=f"{TREE}/.venv/bin:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(TREE / ".cache" / "collections"),
    ANSIBLE_PIPELINING="1", ANSIBLE_NOCOWS="1")


def facts(inventory: pathlib.Path) -> dict[str, t.Any]:
    """Return what host_info says of each host."""
    result = subprocess.run(
        ["ansible", "all", "-i", str(inventory), "-m", "centos.hyperscale.host_info"], env=ENVIRONMENT, cwd=TREE,
        capture_output=True, text=True, check=False)
    found = re.findall(r"^(\S+) \| SUCCESS => (\{.*?^\})", result.stdout, re.MULTILINE | re.DOTALL)
    if len(found) != len(FLEET):
        sys.exit(f"host_info did not answer on every host:\n{result.stdout}{result.stderr}")
    return {name: json.loads(text)["host"] for name, text in found}


def play(inventory: pathlib.Path, name: str, *extra: str) -> str:
    """Run a playbook of the collection before the user's eyes and return what it printed."""
    argv = ["ansible-playbook", "-i", str(inventory), name, *extra]
    print(f"\n$ {' '.join(argv)}", flush=True)
    with subprocess.Popen(
        argv, env=ENVIRONMENT, cwd=TREE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as process:
        lines = []
        for line in t.cast(t.IO[str], process.stdout):
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(f"{name} failed: the demo stops here. 'make clean' takes the hosts away.")
    return "".join(lines)


def row(host: dict[str, t.Any]) -> tuple[str, str, str, str]:
    """Return what the table shows of a host."""
    systemd = host["systemd"]
    return systemd["package_version"], systemd["running_version"], systemd["state"], " ".join(systemd["failed_units"]) or "none"


def main() -> int:
    """Run the demo; 0 only when every host proved it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only-hosts", action="store_true", help="start the hosts and leave them as they are")
    options = parser.parse_args()
    try:
        images = lab_commands.build()
        for host in [host for host in hosts.known() if host.group == "demo"]:
            hosts.remove(host)  # the demo begins on stock hosts, whatever an earlier one left
        inventory = hosts.up("demo", FLEET, images)
    except common.LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    for stream in sorted(set(FLEET.values())):
        print(f"host image of Stream {stream}: {images[stream].words}")
    print(f"inventory: {inventory}")
    if options.only_hosts:
        _say_next(inventory)
        return 0
    before = facts(inventory)
    reports = inventory.parent / "reports"
    play(inventory, "centos.hyperscale.adopt", "-e", f"hyperscale_reports={reports}")
    play(inventory, "centos.hyperscale.verify")
    second = play(inventory, "centos.hyperscale.adopt")
    after = facts(inventory)
    print(f"\n{'host':6} {'':7} {'systemd package':24} {'PID 1 runs':22} {'state':9} failed units")
    for name in FLEET:
        for when, found in (("before", before), ("after", after)):
            package, running, state, failed = row(found[name])
            print(f"{name if when == 'before' else '':6} {when:7} {package:24} {running:22} {state:9} {failed}")
    proven = {name: _proven(host) for name, host in after.items()}
    quiet = re.findall(r"changed=(\d+)", second)
    print(f"\nproven: {', '.join(name for name, okay in proven.items() if okay) or 'none'}; "
          f"changes of a second run: {sum(map(int, quiet))}")
    unforeseen = sum(_told(reports, name) for name in FLEET)
    _say_next(inventory)
    return 0 if all(proven.values()) and not sum(map(int, quiet)) and not unforeseen else 1


def _told(reports: pathlib.Path, name: str) -> int:
    """Show what was predicted of a host and what of it happened; return how much happened that was not predicted."""
    proof = json.loads((reports / f"{name}.proof.json").read_text())
    joined = {word: len(keys) for word, keys in proof["joined"].items()}
    print(f"{name}: {proof['verdict']}; predicted and happened {joined['happened']}, predicted and did not "
          f"{joined['did_not_happen']}, not predicted but happened {joined['not_predicted']}; see {reports}/{name}.*.txt")
    return joined["not_predicted"]


def _proven(host: dict[str, t.Any]) -> bool:
    """Say whether a host shows one Hyperscale build of systemd, in the packages and in PID 1, and nothing failed."""
    family = host["packages"]["families"]["systemd"]
    # The lab's builds are signed by the lab's key, so release and Vendor are the witnesses here.
    one_build = len({package["evr"] for package in family}) == 1 and all(package["hyperscale"] for package in family)
    return one_build and host["systemd"]["state"] == "running" and not host["systemd"]["failed_units"] and (
        host["systemd"]["running_version"].split("-")[0] == family[0]["version"])


def _say_next(inventory: pathlib.Path) -> None:
    print(f"""
The hosts stay. Look around:
  .venv/bin/python tests/lab ssh web1                    a shell on a host
  .venv/bin/python tests/lab ssh web1 dnf history        the one transaction
  export ANSIBLE_COLLECTIONS_PATH=.cache/collections
  .venv/bin/ansible-playbook -i {inventory} centos.hyperscale.adopt --check --diff
  make clean                                             takes all of it away""")


if __name__ == "__main__":
    sys.exit(main())
