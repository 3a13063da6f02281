# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that each backend of iptables holds, read and compared, and what a backend would not take."""

from __future__ import annotations

import json
import tempfile
import typing as t

from ...core.errors import Failed, Problem
from ...core.host_io import NOT_THERE, Target, leads_somewhere
from ...facts import legacy
from ...facts.kernel_modules import available, idle
from ...shared.unit import UnitState
from ...text.rulesets import NF_TABLES, NOTHING, Saved, cut, differences, parse, unprintable

OTHER = {"legacy": "nft", "nft": "legacy"}
# What iptables -V calls the backends.
SPOKEN = {"legacy": "legacy", "nf_tables": "nft"}
# By family: the programs' first word, the kernel's list of legacy tables, and where iptables-services keeps its rules.
FAMILIES = {
    "ip": ("iptables", "/proc/net/ip_tables_names", "/etc/sysconfig/iptables"),
    "ip6": ("ip6tables", "/proc/net/ip6_tables_names", "/etc/sysconfig/ip6tables"),
}
LOCK_SECONDS = 30

Rules = dict[str, Saved]


def uncarried(source: Rules, there: Rules, name: str, to: str) -> list[Problem]:
    """Return what cannot be carried: tables that only nft(8) can print, and tables that both backends have, differently."""
    problems = [
        Problem("rulesets.table_of_nft_only", f"table {table} of {FAMILIES[family][0]} in the {name} backend",
                "it holds what only nft can write, so the other backend cannot take it over",
                f"Move these rules to a table of nftables of their own ('nft list table {family} {table}' shows them)",
                subject=f"{family} {table}")
        for family, saved in source.items() for table in saved.incompatible]
    wrong = conflicts(source, there)
    if wrong:
        problems.append(Problem(
            "rulesets.backends_differ", f"the {name} and the {to} backend both have rules, and not the same", "; ".join(wrong),
            f"Decide which are right, and flush the others with iptables-{name} or iptables-{to}"))
    return problems


def used(rules: Rules) -> list[str]:
    """Return the tables that do anything, in words."""
    return [f"{FAMILIES[family][0]} {table}" for family, saved in rules.items() for table in sorted(saved.used())]


def conflicts(source: Rules, there: Rules) -> list[str]:
    """Return how tables differ that both backends use."""
    return [
        f"{FAMILIES[family][0]}: {text}" for family, saved in source.items()
        for text in differences(saved, there[family], saved.used() & there[family].used())]


def unlike(source: Rules, there: Rules) -> list[str]:
    """Return how the tables that one backend uses differ from those of the other."""
    return [
        f"{FAMILIES[family][0]}: {text}" for family, saved in source.items()
        for text in differences(saved, there[family], saved.used())]


def offered(source: Rules, there: Rules) -> dict[str, str]:
    """Return by family the text of the tables that the other backend does not have yet."""
    texts = {family: cut(saved, saved.used() - there[family].used()) for family, saved in source.items()}
    return {family: text for family, text in texts.items() if text}


def current(target: Target) -> str | None:
    """Return the backend that the iptables command speaks to."""
    out = target.run(["iptables", "-V"], okay=(0, NOT_THERE))
    return SPOKEN.get(legacy.parse_iptables(out)[1] or "")


def read(target: Target, backend: str) -> Rules:
    """Return the rules of a backend by family. A backend that the kernel lacks, or has not loaded, has none."""
    if not is_installed(target, backend) or is_idle(target, backend):
        return {family: NOTHING for family in FAMILIES}
    rules = {}
    for family, (program, tables, _file) in FAMILIES.items():
        unused = backend == "legacy" and not _words(target, tables)
        rules[family] = NOTHING if unused else parse(target.run([f"{program}-{backend}-save", "--counters"]))
    if backend == "nft":
        listing = nft_listing(target) or {"nftables": []}
        for family, saved in rules.items():
            rules[family] = saved._replace(incompatible=tuple({*saved.incompatible, *unprintable(listing, family)}))
    return rules


def why_rejected(target: Target, backend: str, texts: t.Mapping[str, str], when: str = "") -> list[Problem]:
    """Return why a backend does not take some rules. It only tries, and only its own temporary folder sees the rules."""
    problems = []
    for family, text in texts.items():
        with tempfile.NamedTemporaryFile("w", dir=target.tmpdir, encoding="utf-8", errors="surrogateescape") as handle:
            handle.write(text)
            handle.flush()
            program = f"{FAMILIES[family][0]}-{backend}-restore"
            try:
                target.run([program, f"--wait={LOCK_SECONDS}", "--test", handle.name])
            except Failed as failure:
                problems.append(Problem(
                    "rulesets.not_taken",
                    f"{program} would {when}not take the rules of this host", failure.problems[0].reason.replace("\n", " "),
                    "Change the rule that it names, or stay with the other backend"
                    + (f"; the file is {FAMILIES[family][2]}" if when else ""), subject=program))
    return problems


def boot_units() -> list[dict[str, str]]:
    return [{"name": f"{program}.service"} for program, _tables, _file in FAMILIES.values()]


def kept_for_boot(target: Target, units: dict[str, UnitState]) -> dict[str, str]:
    """Return by family the rules that iptables-services will restore at boot, with whatever backend is selected then."""
    files = {
        family: target.read(file) for family, (program, _tables, file) in FAMILIES.items() if units[f"{program}.service"].enabled}
    return {family: file.content for family, file in files.items() if file is not None}


def is_installed(target: Target, backend: str) -> bool:
    # Each prints its version.
    return bool(target.run([f"iptables-{backend}-restore", "-V"], okay=(0, NOT_THERE)))


def is_idle(target: Target, backend: str) -> bool:
    """Say whether the kernel has nothing of a backend. Its programs are not asked then, for they might load it."""
    if backend == "legacy":
        return would_load(target, backend)
    return idle(target.root, target.run(["uname", "-r"]).strip(), *NF_TABLES)


def would_load(target: Target, backend: str) -> bool:
    """Say whether a look at a backend would load it into the kernel."""
    if backend == "legacy":
        return not any(leads_somewhere(target.path(tables)) for _program, tables, _file in FAMILIES.values())
    modules = available(target.root, target.run(["uname", "-r"]).strip(), ["nf_tables"])
    return "nf_tables" in modules.offered.get(modules.running, ()) and "nf_tables" not in modules.loaded


def _words(target: Target, path: str) -> list[str]:
    file = target.read(path)
    return file.content.split() if file else []


def nft_listing(target: Target) -> dict[str, t.Any] | None:
    """Return all that nftables has; None when nft is not there to tell."""
    if is_idle(target, "nft"):
        return {"nftables": []}
    out = target.run(["nft", "-j", "list", "ruleset"], okay=(0, NOT_THERE))
    return json.loads(out) if out else None
