# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bug reports ready to file, for findings that are the package's fault and not the host's."""

from __future__ import annotations

import json
import typing as t

# What a packager can mend. The rest is a matter of this host, or was announced.
PACKAGE_FAULTS = (
    "provides.lost", "provides.lowered", "soname.lost", "symbol_version.lost", "path.required_lost", "obsoletes.blocks_return",
    "requires.unsatisfied", "dependent.broken", "subpackage.vanished", "file.removed", "file.type_changed", "file.conflict",
    "file.emptied", "capabilities.changed", "owner.changed", "auth_module.lost", "activation.lost", "unit.vanished",
    "smoke.failed", "symbol.unresolved", "scriptlet.failed", "verify.differs", "evr.stock_wins", "signature.invalid",
    "signature.missing", "metadata.wrong", "user.missing",
)
WHERE = "https://gitlab.com/CentOS/Hyperscale/rpms"


def reports(report: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """Return key, title and text of a bug report for each finding of at least medium severity that a packager can mend."""
    return [
        {"key": finding["key"], "title": _title(report, finding), "text": _text(report, finding)}
        for finding in report["findings"]
        if finding["check"] in PACKAGE_FAULTS and finding["severity"] in ("medium", "high") and not finding["baseline"]]


def _title(report: t.Mapping[str, t.Any], finding: t.Mapping[str, t.Any]) -> str:
    package = _package(report, finding)
    return f"{package['name']}: {finding['title']}" if package else finding["title"]


def _package(report: t.Mapping[str, t.Any], finding: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any] | None:
    """Return the package that a finding is about: the one named in its subject or evidence."""
    subject = finding["subject"]
    evidence = f"{finding['diagnosis']} {finding['before']} {finding['after']}"
    for package in report["packages"]:
        names = {package["from_nevra"], package["to_nevra"]} - {None}
        if package["name"] in (subject["package"], subject["name"]) or any(name in evidence for name in names):
            return package
    return None


def _text(report: t.Mapping[str, t.Any], finding: t.Mapping[str, t.Any]) -> str:
    package = _package(report, finding)
    lines = [_title(report, finding), "", finding["description"], "", "Builds:"]
    for entry in [package] if package else report["packages"]:
        source = f" from {entry['to_repo']}" if entry["to_repo"] else ""
        lines.append(f"  {entry['from_nevra'] or 'nothing'} -> {entry['to_nevra'] or 'nothing'}{source}")
    lines += ["", "Evidence:", f"  {finding['diagnosis']}"]
    for name in ("before", "after"):
        if finding[name] is not None:
            lines.append(f"  {name}: {json.dumps(finding[name], sort_keys=True)[:400]}")
    lines += [
        f"  affected: {consumer['type']} {consumer['name']} ({consumer['detail']})" for consumer in finding["consumers"][:20]]
    lines += ["", "Steps:", *_steps(package, finding), "", f"Repositories: {', '.join(report['repos']) or 'package files'}"]
    tools = ", ".join(f"{name} {version}" for name, version in report["tool_versions"].items())
    lines += [
        f"Found by check {finding['check']} ({finding['confidence']}), key {finding['key']}; {tools}.", f"File it at {WHERE}."]
    return "\n".join(lines) + "\n"


def _steps(package: t.Mapping[str, t.Any] | None, finding: t.Mapping[str, t.Any]) -> list[str]:
    if package is None or not package["to_nevra"]:
        return [f"  1. Look for {finding['subject']['name']} in the builds above."]
    old = package["from_nevra"]
    steps = [f"have {old} installed"] if old else []
    steps += [f"dnf install {package['to_nevra']}", f"look for {finding['subject']['type']} {finding['subject']['name']}"]
    return [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
