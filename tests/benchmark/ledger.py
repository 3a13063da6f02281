# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure planning and recovery on an adopted host with few and with many runs in its ledger.

The runs are written by the collection's own writer, with the records of the host's own adoption: once as runs that stand, with
files as their steps, and once as adoptions that were taken back. Figures of one run compare with each other only.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import typing as t

from common import TREE, groups, hosts, short, timed
from lab import keys

sys.path.insert(0, str(TREE / ".cache" / "collections"))

from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io, ledger, retention  # noqa: E402
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book  # noqa: E402
from ansible_collections.centos.hyperscale.plugins.module_utils.shared.file import FileAction  # noqa: E402

GROUP = "bench-ledger"
FEW, MANY, MANY_IN_SHORT = 5, 500, 50
FILES = 5
WANTED = 1.5


def wish() -> str:
    """Return the arguments of the engine for an adoption, as Ansible takes them."""
    fingerprint = keys.fingerprint("hyperscale")
    return json.dumps({
        "repositories": [{"flavours": ["main"], "key_fingerprint": fingerprint}], "packages": [{"family": "systemd"}],
        "manager": [{}], "key_fingerprints": [fingerprint]})


class Root:
    """The host's root as the ledger sees it from this machine."""

    def __init__(self, host: hosts.Host) -> None:
        self.target = host_io.Target(lambda argv: (0, "", ""), "/var/tmp", root=str(host.folder / "root"))
        newest = ledger.runs(self.target)[-1]
        self.adoption = [step.action for step in ledger.read(self.target, newest).steps.values()]

    def standing(self) -> None:
        """Add a run whose steps stand: files that are as they were written."""
        records = []
        for number in range(FILES):
            content = host_io.FileState(f"{number}\n", "0644", "root", "root")
            records.append(FileAction.between(f"/srv/bench/{number}", "measured", content, content).record())
        self._run([{"action": record} for record in records])

    def taken_back(self) -> None:
        """Add an adoption and the run that took it back; what nothing needs leaves the ledger as it does before each run."""
        first = self._run([{"action": record} for record in self.adoption])
        self._run([{"undoes": [first, number], "kind": "", "subject": ""} for number in range(len(self.adoption))])

    def _run(self, intents: list[dict[str, t.Any]]) -> str:
        run = ledger.new_run_id(self.target)
        retention.close(self.target)
        book = Book(self.target, run)
        for number, intent in enumerate(intents):
            book.write(ledger.INTENT, number, **intent)
            book.write(ledger.VERIFIED, number)
        book.write(ledger.RUN_ENDED)
        book.close()
        return run


def module(inventory: pathlib.Path, *more: str) -> float:
    """Run the engine for what the host has already and return its seconds; it must find nothing to do."""
    seconds, out = timed(
        ["ansible", "all", "-i", str(inventory), "-m", "centos.hyperscale.converge", "-a", wish(), *more])
    if '"changed": false' not in out:
        sys.exit(f"the host is not as wanted:\n{out[-2000:]}")
    return seconds


def measure(inventory: pathlib.Path, rounds: int) -> dict[str, float]:
    """Return the fewest seconds of a plan and of a run that looks for something to settle."""
    return {
        "planning (check mode)": min(module(inventory, "--check") for _round in range(rounds)),
        "recovery and planning": min(module(inventory) for _round in range(rounds))}


def main() -> None:
    """Measure and print."""
    in_short = short(__doc__)
    many, rounds = (MANY_IN_SHORT, 1) if in_short else (MANY, 5)
    rows: list[tuple[str, float, float]] = []
    for kind, pair in (("standing", 1), ("taken_back", 2)):
        with groups({GROUP: {f"bench-{kind.replace('_', '-')}": 9}}) as inventories:
            print(f"bench: {kind.replace('_', ' ')}", flush=True)
            timed(["ansible", "all", "-i", str(inventories[GROUP]), "-m", "centos.hyperscale.converge", "-a", wish()])
            root = Root(hosts.find(f"bench-{kind.replace('_', '-')}"))
            found = []
            for count in (FEW, many):
                while ledger.sequence_of(ledger.runs(root.target)[-1]) + pair <= count + 1:
                    getattr(root, kind)()
                found.append(measure(inventories[GROUP], rounds))
            rows += [(f"{what}, runs that are {kind.replace('_', ' ')}", found[0][what], found[1][what]) for what in found[0]]
            files = os.listdir(os.path.join(root.target.state_dir, ledger.FOLDER))
            print(f"bench: {len(files)} files are in the ledger then", flush=True)
    print(f"\n| what | with {FEW} runs | with {many} runs |\n| --- | --- | --- |")
    for what, few, more in rows:
        print(f"| {what} | {few:.2f} s | {more:.2f} s |")
    for what, few, more in rows:
        print(f"{what}: {more / few:.2f} times with {many} runs (wanted: at most {WANTED:g} times)")


if __name__ == "__main__":
    main()
