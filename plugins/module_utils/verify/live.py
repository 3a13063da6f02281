# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has beside packages, files and units: packet filter rules, accounts, keys of rpm. Read-only."""

from __future__ import annotations

import os
import re
import typing as t

from ..facts import kernel_modules
from ..facts.view import NOT_FOUND, View
from ..packages import rpmdb
from ..text.rulesets import NF_TABLES, parse

# Programs of the packet filter by backend, and what names the tables in use of the legacy one.
SAVERS = {"iptables": "/proc/net/ip_tables_names", "ip6tables": "/proc/net/ip6_tables_names"}
BACKENDS = ("legacy", "nft")
LIST_NFT = ["nft", "-s", "list", "ruleset"]
BLOCK = re.compile(r"^(table|chain|set|map|flowtable|counter|quota|limit|ct \w+|synproxy|secmark)\b.*\{$")
NFT_COUNTS = re.compile(r"^(packets \d+ bytes \d+|.*\bused \d+ \w+)$")
NFT_COUNTER = re.compile(r"\bcounter packets \d+ bytes \d+")
QUOTED = re.compile(r'"[^"]*"')
EXPIRES = re.compile(r" expires \w+")
# The head of a chain that lets pass what no rule of it names.
HOOKED = re.compile(r"^type .* hook .*policy accept;$")
# Sets whose elements come and go with packets.
FILLED = re.compile(r"^(flags .*\b(dynamic|timeout)\b|timeout )")
# Chains and tables that fail2ban makes at its first ban, and fills and empties.
BANS = "f2b-"

UNIT_FOLDERS = ("/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
UNIT_FILE = re.compile(r"\.(service|socket|target|timer|path|mount|automount|slice|swap)$")


def rulesets(view: View) -> dict[str, list[str] | None]:
    """Return the rules of each program of the packet filter, a line a rule, without counters; None: it does not answer.

    A backend that the kernel lacks, or has not loaded, has no rules, and is not loaded by this look.
    """
    idle = _nft_is_idle(view)
    found: dict[str, list[str] | None] = {"nft": [] if idle else _answer(view, LIST_NFT, nft_lines)}
    for program, tables in SAVERS.items():
        resting = {"legacy": not (view.text(tables) or "").split(), "nft": idle}
        for backend in BACKENDS:
            name = f"{program}-{backend}"
            found[name] = [] if resting[backend] else _answer(view, [f"{name}-save"], iptables_lines)
        if found[f"{program}-nft"] is None and found[f"{program}-legacy"] in (None, []):
            # A build of one backend alone may have this name only.
            found[program] = _answer(view, [f"{program}-save"], iptables_lines)
    return found


def _nft_is_idle(view: View) -> bool:
    release = (view.text("/proc/sys/kernel/osrelease") or "").strip()
    return bool(release) and kernel_modules.idle(view.root, release, *NF_TABLES)


def _answer(view: View, argv: list[str], lines: t.Callable[[str], list[str]]) -> list[str] | None:
    status, out = view.run(argv)
    if status not in (0, NOT_FOUND):
        view.unanswered(argv, status)
    return lines(out) if status == 0 else None


def iptables_lines(text: str) -> list[str]:
    """Return what iptables-save(8) printed, without what does nothing and without bans that come and go."""
    saved = parse(text)
    lines = []
    for table in sorted(saved.used()):
        for name, chain in sorted(saved.rules[table].items()):
            if chain.policy != "ACCEPT":
                lines.append(f"{table}: chain {name} {chain.policy}")
            lines += [f"{table}: {rule}" for rule in chain.rules]
    return [line for line in lines if BANS not in line]


def nft_lines(text: str) -> list[str]:
    """Return what C(nft list ruleset) printed, each line with the blocks that it stands in, without what does nothing or comes
    and goes: the iptables command makes empty tables and chains when it only looks."""
    blocks: list[str] = []
    found: dict[str, list[str]] = {}
    filled = False
    for line in _joined(text):
        if BLOCK.match(line):
            blocks, filled = [*blocks, line[:-1].strip()], False
        elif line == "}":
            blocks = blocks[:-1]
        elif not NFT_COUNTS.match(line):
            filled = filled or bool(FILLED.match(line))
            if not (filled and line.startswith("elements =")):
                found.setdefault(", ".join(blocks), []).append(EXPIRES.sub("", NFT_COUNTER.sub("counter", line)))
    idle = {block for block, lines in found.items() if BANS in block or (len(lines) == 1 and HOOKED.match(lines[0]))}
    return [f"{block}: {line}" for block, lines in found.items() if block not in idle for line in lines]


def _joined(text: str) -> t.Iterator[str]:
    """Yield lines; what is enclosed in braces and printed on several is one."""
    begun = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        begun = f"{begun} {line}".strip()
        bare = QUOTED.sub("", begun)
        if BLOCK.match(begun) or bare.count("{") <= bare.count("}"):
            yield begun
            begun = ""


def accounts(view: View) -> dict[str, list[str]]:
    """Return the names of all users and groups."""
    return {kind: _names(view.text(path) or "") for kind, path in (("user", "/etc/passwd"), ("group", "/etc/group"))}


def _names(text: str) -> list[str]:
    # A plus or minus includes or leaves out names of NIS.
    return sorted({line.partition(":")[0] for line in text.splitlines() if ":" in line and line[0] not in "+-#"})


def unit_files(view: View) -> list[str]:
    """Return the paths of system units outside /etc, whose files are looked at one by one."""
    paths = {path for folder in UNIT_FOLDERS for path in view.glob(f"{folder}/*")}
    return sorted(path for path in paths if UNIT_FILE.search(os.path.basename(path)))


def keys(ts: t.Any) -> dict[str, str]:
    """Return the keys that rpm trusts, with whose they are."""
    return {
        f"{header['name']}-{header['version']}-{header['release']}": header["summary"] or ""
        for header in ts.dbMatch("name", rpmdb.KEY_PACKAGE)}
