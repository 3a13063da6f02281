# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packet filter rules as iptables-save(8) prints them: read, compared, cut down to some tables. All of it is pure."""

from __future__ import annotations

import re
import typing as t

# The kernel's module of the nft backend, and one of its functions.
NF_TABLES = ("nf_tables", "nft_register_expr")
# Of iptables-nft-save, for a table of its names that holds what only nft(8) can write.
INCOMPATIBLE = re.compile(r"^# Table `(\S+)' is incompatible, use 'nft' tool")
COUNTERS = re.compile(r"^\[\d+:\d+\] ")
# A match that names the protocol once more and asks for nothing: not every backend prints it.
BARE_PROTOCOL = re.compile(r"(?<= -p )(\S+) -m \1(?= -[mjg] |$)")

# Tables that iptables-nft and its siblings make. Any other was made by something that speaks nftables itself.
TRANSLATED = ("ip", "ip6", "arp", "bridge")
TRANSLATED_TABLES = ("filter", "nat", "mangle", "raw", "security", "broute")


class Chain(t.NamedTuple):
    """A chain: its policy (C(-) for one that a user made) and its rules in order, without counters."""

    policy: str
    rules: tuple[str, ...]


# Tables by name, each with its chains by name.
Ruleset = dict[str, dict[str, Chain]]


class Saved(t.NamedTuple):
    """What iptables-save printed, the rules in it, and the tables that it could not print."""

    text: str
    rules: Ruleset
    incompatible: tuple[str, ...]

    def used(self) -> set[str]:
        """Return the tables that do anything: that have a rule, a chain of a user, or a policy other than ACCEPT."""
        return {name for name, chains in self.rules.items() if any(chain != Chain("ACCEPT", ()) for chain in chains.values())}


NOTHING = Saved("", {}, ())


def parse(text: str) -> Saved:
    """Read what iptables-save printed, with or without counters. The order of tables and chains says nothing."""
    rules: Ruleset = {}
    incompatible = []
    table = ""
    found: dict[str, tuple[str, list[str]]] = {}
    for raw in text.splitlines():
        line = COUNTERS.sub("", raw.strip())
        if line.startswith("*"):
            table, found = line[1:], {}
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            found[name] = (policy, [])
        elif line.startswith("-A "):
            found.setdefault(line.split()[1], ("-", []))[1].append(BARE_PROTOCOL.sub(r"\1", line))
        elif line == "COMMIT":
            rules[table] = {name: Chain(policy, tuple(lines)) for name, (policy, lines) in found.items()}
        elif (beyond := INCOMPATIBLE.match(line)):
            incompatible.append(beyond.group(1))
    return Saved(text, rules, tuple(incompatible))


def differences(old: Saved, new: Saved, tables: t.Iterable[str]) -> list[str]:
    """Return in words how some tables differ. Counters and the order of chains do not count, the order of rules does."""
    found = []
    for table in sorted(tables):
        mine, other = old.rules.get(table, {}), new.rules.get(table, {})
        for name in sorted(mine.keys() | other.keys()):
            # A chain of the kernel that is not printed does nothing.
            a, b = mine.get(name, Chain("ACCEPT", ())), other.get(name, Chain("ACCEPT", ()))
            if a.policy != b.policy:
                found.append(f"table {table}, chain {name}: policy {a.policy} and {b.policy}")
            if a.rules != b.rules:
                lengths = (f"{len(a.rules)} rules", f"{len(b.rules)} rules")
                mine_says, other_says = next((pair for pair in zip(a.rules, b.rules) if pair[0] != pair[1]), lengths)
                found.append(f"table {table}, chain {name}: '{mine_says}' and '{other_says}'")
    return found


def cut(saved: Saved, tables: t.Container[str]) -> str:
    """Return the text of some tables, as iptables-restore(8) reads it."""
    lines = []
    inside = False
    for line in saved.text.splitlines():
        if line.startswith("*"):
            inside = line[1:].strip() in tables
        if inside and not line.startswith("#"):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def emptied(saved: Saved, tables: t.Iterable[str]) -> str:
    """Return text that makes iptables-restore(8) leave nothing in some tables but the kernel's chains with policy ACCEPT."""
    lines = []
    for table in sorted(tables):
        chains = [name for name, chain in saved.rules[table].items() if chain.policy != "-"]
        lines += [f"*{table}", *(f":{name} ACCEPT [0:0]" for name in chains), "COMMIT"]
    return "".join(f"{line}\n" for line in lines)


def native(listing: t.Mapping[str, t.Any]) -> list[str]:
    """Return the tables, out of C(nft -j list ruleset), that something made which speaks nftables itself."""
    tables = [entry["table"] for entry in listing["nftables"] if "table" in entry]
    return [f"{table['family']} {table['name']}" for table in tables if not _translated(table["family"], table["name"])]


def unprintable(listing: t.Mapping[str, t.Any], family: str) -> list[str]:
    """Return the tables of a family that iptables-nft-save prints wrongly, out of C(nft -j list ruleset).

    It leaves a look-up in a set out of the rule (seen with 1.8.9 and 1.8.11), which then matches every packet.
    """
    found = set()
    for entry in listing["nftables"]:
        for kind, body in entry.items():
            table = body.get("table")
            if body.get("family") == family and _translated(family, table) and (
                    kind not in ("chain", "rule") or any(_looks_up(step) for step in body.get("expr", ()))):
                found.add(table)
    return sorted(found)


def _translated(family: str, table: str | None) -> bool:
    return family in TRANSLATED and table in TRANSLATED_TABLES


def _looks_up(step: t.Mapping[str, t.Any]) -> bool:
    """Say whether a step of a rule asks a set or a map, named or written out."""
    right = step["match"]["right"] if "match" in step else None
    named = isinstance(right, str) and right.startswith("@")
    return named or (isinstance(right, dict) and "set" in right) or not step.keys().isdisjoint(("set", "map", "vmap"))
