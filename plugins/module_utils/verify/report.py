# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: waivers followed, verdict drawn, everything as plain data with every key present.

docs/dropin-report.schema.json is the published form. New keys may be added; none is renamed or left out.
"""

from __future__ import annotations

import collections
import datetime
import platform
import re
import resource
import time
import typing as t

from ..core import ledger
from ..core.errors import Problem, Refused
from ..facts.view import View
from .builds import Build
from .checks import CHECKS, IN_THE_IMAGE, PHASE_WORDS, PREDICT, TABLE, found
from .model import ERROR, HIGH, INFO, MEDIUM, SEVERITIES, SKIPPED, Coverage, Finding, Subject

try:
    import rpm
except ImportError:  # said by whoever calls, before any report is made
    rpm = None

SCHEMA_VERSION = "1.0"
DROP_IN, WITH_NOTES, NOT_DROP_IN, UNKNOWN = "drop_in", "drop_in_with_notes", "not_drop_in", "unknown"
NEVER, BLOCKING = "never", "blocking"
FAIL_ON = (NEVER, BLOCKING, "low", "medium", "high")
# The phase of a proof after going back.
ROLLBACK = "rollback"
# A threshold of proofs alone: what is grave and was not predicted.
UNFORESEEN = "unforeseen"
SHOWN = 5
WAIVER_FIELDS = ("key", "by", "reason", "until")
# What nothing is known of without: such a report is never good news.
UNREAD = ("package.unreadable", "plan.refused")
# Why a check may be left out and the verdict still be drawn.
NOTHING_TO_DO = "no package is to change"
FINE_REASONS = (NOTHING_TO_DO, IN_THE_IMAGE, *PHASE_WORDS.values())
KEY = re.compile(r"^[0-9a-f]{16}$")


class Context(t.NamedTuple):
    """Enough to repeat a report: phase, host, run, time (seconds since the epoch), versions of tools, repositories.

    C(cost) is what it took: headers, bytes read of how many offered, headers from the cache, seconds, KiB of memory. C(kind) is
    what the host is, None where no host is involved; C(unreadable) are the paths that could not be read, each with the reason.
    """

    phase: str
    host: str
    run_id: str
    time: float
    tool_versions: dict[str, str]
    repos: list[str]
    cost: dict[str, t.Any]
    kind: dict[str, t.Any] | None = None
    unreadable: t.Sequence[dict[str, str]] = ()


def cost(began: float, headers: int, read: int, offered: int, cached: int) -> dict[str, t.Any]:
    """Return what a report took; C(began) is in seconds since the epoch."""
    return {
        "headers": headers, "bytes_read": read, "bytes_offered": offered, "from_cache": cached,
        "seconds": round(time.time() - began, 3), "memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def kind_of(view: View) -> dict[str, t.Any] | None:
    """Return which kind of host a view is of, as plain data."""
    return None if view.kind is None else view.kind.plain()


def unreadable(view: View) -> list[dict[str, str]]:
    """Return the paths that could not be read so far, with the reason of each."""
    return [{"path": path, "reason": reason} for path, reason in sorted(view.noted.all.items())]


def versions() -> dict[str, str]:
    """Return what a report is made with."""
    return {"rpm": getattr(rpm, "__version__", ""), "python": platform.python_version()}


def idle(view: View) -> dict[str, t.Any]:
    """Return the prediction for a host on which no package is to change."""
    began = time.time()
    reasons = {check.id: NOTHING_TO_DO if PREDICT in check.phases else PHASE_WORDS[PREDICT] for check in TABLE}
    checks = [Coverage(check.id, SKIPPED, reasons[check.id], 0.0) for check in TABLE]
    context = Context(
        PREDICT, platform.node(), ledger.new_id(), began, versions(), [], cost(began, 0, 0, 0, 0), kind_of(view))
    return build(context, [], [], checks)


def validate_waivers(waivers: t.Sequence[dict[str, t.Any]]) -> None:
    """Refuse waivers that are not whole: a waiver without an author, a reason and an end is none."""
    if not isinstance(waivers, (list, tuple)) or not all(isinstance(waiver, dict) for waiver in waivers):
        raise Refused(Problem(
            "waiver.not_a_list", "the waivers", "they are not a list of mappings", "Give key, by, reason and until of each"))
    problems = []
    for number, waiver in enumerate(waivers, 1):
        missing = [name for name in WAIVER_FIELDS if not str(waiver.get(name) or "").strip()]
        if missing:
            problems.append(Problem(
                "waiver.incomplete", f"waiver {number}", f"it lacks {', '.join(missing)}", "Give key, by, reason and until",
                subject=str(number)))
        elif not KEY.match(str(waiver["key"])):
            problems.append(Problem(
                "waiver.key",
                f"waiver {number}", f"{waiver['key']!r} is not the key of a finding", "Take the 16 hex digits from a report",
                subject=str(number)))
        elif _date(str(waiver["until"])) is None:
            problems.append(Problem(
                "waiver.until", f"waiver {number}", f"{waiver['until']!r} is not a date", "Write 'until' as YYYY-MM-DD",
                subject=str(number)))
    if problems:
        raise Refused(*problems)


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def waived(findings: t.Sequence[Finding], waivers: t.Sequence[dict[str, t.Any]], today: datetime.date) -> list[Finding]:
    """Return the findings with waivers followed: severity stays, blocking goes. One that expired is a finding itself."""
    by_key = {str(waiver["key"]): waiver for waiver in waivers}
    result = []
    for finding in findings:
        waiver = by_key.get(finding.key)
        if waiver is None:
            result.append(finding)
        elif t.cast(datetime.date, _date(str(waiver["until"]))) < today:
            result += [finding, found(
                "waiver.expired", Subject("finding", finding.key), str(waiver["until"]), None,
                f"{waiver['by']} waived {finding.check} of {finding.subject.name} until {waiver['until']}: {waiver['reason']}.")]
        else:
            kept = {name: str(waiver[name]) for name in ("by", "reason", "until")}
            result.append(finding._replace(blocking=False, waiver=kept))
    return result


def counts(finding: Finding) -> bool:
    """Say whether a finding is about this swap and nobody took it on: neither there before, nor waived."""
    return not finding.baseline and finding.waiver is None


def verdict(findings: t.Sequence[Finding], checks: t.Sequence[Coverage]) -> str:
    """Draw the verdict. What could not be checked never passes."""
    mine = [finding for finding in findings if counts(finding)]
    if any(finding.check in UNREAD for finding in findings):
        return UNKNOWN
    if any(finding.severity == HIGH or finding.blocking for finding in mine):
        return NOT_DROP_IN
    if any(check.status == ERROR or _missed(check) for check in checks):
        return UNKNOWN
    return WITH_NOTES if any(finding.severity != INFO for finding in mine) else DROP_IN


def _missed(check: Coverage) -> bool:
    """Say whether a check that this phase rests on was not carried out."""
    return check.status == SKIPPED and CHECKS[check.id].mandatory and check.reason not in FINE_REASONS


def reached(report: t.Mapping[str, t.Any], threshold: str) -> bool:
    """Say whether a report reaches a threshold of FAIL_ON. What could not be checked reaches all but C(never)."""
    if threshold == NEVER:
        return False
    return report["verdict"] == UNKNOWN or bool(at_or_above(report, threshold))


def at_or_above(report: t.Mapping[str, t.Any], threshold: str) -> list[dict[str, t.Any]]:
    """Return the findings that a threshold of FAIL_ON is about."""
    mine = [finding for finding in report["findings"] if not finding["baseline"] and finding["waiver"] is None]
    if threshold in (NEVER, BLOCKING):
        return [finding for finding in mine if finding["blocking"]]
    if threshold == UNFORESEEN:
        # Without a prediction nothing was foreseen.
        joined = report.get("joined")
        return [
            finding for finding in mine
            if finding["severity"] == HIGH and (joined is None or finding["key"] in joined["not_predicted"])]
    least = SEVERITIES.index(threshold)
    return [finding for finding in mine if finding["blocking"] or SEVERITIES.index(finding["severity"]) >= least]


def sort(findings: t.Iterable[Finding]) -> list[Finding]:
    """Order findings as a person reads them, each key once: blocking first, then by severity, check and subject."""
    by_key: dict[str, Finding] = {}
    for finding in findings:
        known = by_key.get(finding.key)
        by_key[finding.key] = finding if known is None else _merged(known, finding)
    return sorted(by_key.values(), key=lambda f: (not f.blocking, -SEVERITIES.index(f.severity), f.check, f.subject))


def _merged(a: Finding, b: Finding) -> Finding:
    """Two findings of one key are one: the graver, with the consumers of both."""
    first = max(a, b, key=lambda finding: (finding.blocking, SEVERITIES.index(finding.severity)))
    return first._replace(consumers=tuple(sorted({*a.consumers, *b.consumers})), baseline=a.baseline and b.baseline)


def build(
    context: Context, pairs: t.Sequence[tuple[Build | None, Build | None]], findings: t.Sequence[Finding],
    checks: t.Sequence[Coverage], repo_of: t.Mapping[str, str] | None = None,
) -> dict[str, t.Any]:
    """Return the report as plain data. C(repo_of) has the repository of each NEVRA that comes."""
    ordered = sort(findings)
    return {
        "schema_version": SCHEMA_VERSION,
        **context._asdict(), "unreadable": list(context.unreadable),
        "verdict": verdict(ordered, checks),
        "packages": [_package(old, new, repo_of or {}) for old, new in pairs],
        "findings": [plain(finding) for finding in ordered],
        "checks": [check._asdict() for check in checks],
        "summary": summary(ordered, checks),
        "joined": None,
    }


def summary(findings: t.Sequence[Finding], checks: t.Sequence[Coverage]) -> dict[str, t.Any]:
    """Return the counts."""
    severities = collections.Counter(finding.severity for finding in findings)
    statuses = collections.Counter(check.status for check in checks)
    return {
        "findings": len(findings),
        "severities": {severity: severities[severity] for severity in SEVERITIES},
        "blocking": sum(finding.blocking for finding in findings),
        "waived": sum(finding.waiver is not None for finding in findings),
        "baseline": sum(finding.baseline for finding in findings),
        "checks": {status: statuses[status] for status in ("ran", "skipped", "error")},
    }


def plain(finding: Finding) -> dict[str, t.Any]:
    """Return a finding as plain data."""
    return {
        "key": finding.key,
        "check": finding.check,
        "kind": list(CHECKS[finding.check].rows),
        "verb": finding.verb,
        "subject": finding.subject._asdict(),
        "before": finding.before,
        "after": finding.after,
        "severity": finding.severity,
        "blocking": finding.blocking,
        "confidence": finding.confidence,
        "consumers": [consumer._asdict() for consumer in finding.consumers],
        "title": finding.title,
        "description": finding.description,
        "diagnosis": finding.diagnosis,
        "remediations": [remediation._asdict() for remediation in finding.remediations],
        "links": [link._asdict() for link in finding.links],
        "baseline": finding.baseline,
        "waiver": finding.waiver,
    }


def _package(old: Build | None, new: Build | None, repo_of: t.Mapping[str, str]) -> dict[str, t.Any]:
    some = t.cast(Build, new or old)
    return {
        "name": some.name,
        "arch": some.arch,
        "from_nevra": old.nevra if old else None,
        "to_nevra": new.nevra if new else None,
        "from_vendor": (old.vendor or None) if old else None,
        "to_vendor": (new.vendor or None) if new else None,
        "to_repo": repo_of.get(new.nevra) if new else None,
        "source": some.source or None,
        "header_digest": new.digest or None if new else None,
    }


def joined(predicted: t.Sequence[dict[str, t.Any]], happened: t.Sequence[dict[str, t.Any]]) -> dict[str, list[str]]:
    """Join two phases by key. What was there before the swap counts for neither."""
    before = {finding["key"] for finding in predicted}
    after = {finding["key"] for finding in happened if not finding["baseline"]}
    comparable = {
        finding["key"] for finding in predicted if not finding["baseline"] and "prove" in CHECKS[finding["check"]].phases}
    return {
        "happened": sorted(before & after),
        "did_not_happen": sorted(comparable - after),
        "not_predicted": sorted(after - before),
        "only_predicted": sorted(before - comparable - after),
    }


def text(report: t.Mapping[str, t.Any], threshold: str = "") -> str:
    """Return a report as a person reads it: the verdict, then each finding, who is affected, what to do.

    C(threshold) is medium by default; after going back all is told, what was left behind as well.
    """
    threshold = threshold or (INFO if report["phase"] == ROLLBACK else MEDIUM)
    told = at_or_above(report, threshold)
    counted = report["summary"]
    graver = ", ".join(f"{counted['severities'][severity]} {severity}" for severity in reversed(SEVERITIES))
    lines = [
        f"{report['verdict']}: {counted['findings']} findings ({graver}; {counted['blocking']} blocking, "
        f"{counted['waived']} waived) on {len(report['packages'])} packages"]
    if report["joined"]:
        joined = {word: len(keys) for word, keys in report["joined"].items()}
        lines.append(
            f"predicted and happened {joined['happened']}, predicted and did not {joined['did_not_happen']}, "
            f"not predicted but happened {joined['not_predicted']}")
    for finding in told:
        names = sorted({f"{consumer['type']} {consumer['name']}" for consumer in finding["consumers"]})
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        weight = BLOCKING if finding["blocking"] else finding["severity"]
        lines.append(f"[{weight}] {finding['title']}  ({finding['check']}, {finding['key']})")
        lines.append(f"    {finding['diagnosis']}")
        if names:
            lines.append(f"    Affected: {', '.join(names[:SHOWN])}{more}.")
        lines += [f"    {remediation['content']}." for remediation in finding["remediations"]]
    lines += _unchecked(report["checks"])
    return "\n".join(lines)


def _unchecked(checks: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Return what could not be checked, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for check in checks:
        if check["status"] == ERROR:
            by_reason.setdefault(check["reason"], []).append(check["id"])
    return [f"could not check {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
