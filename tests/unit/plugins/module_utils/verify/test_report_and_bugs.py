# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts, thresholds, waivers, how findings are merged and phases joined; and which findings become bug reports."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.consumer import Consumer
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import bugs, report
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import PHASE_WORDS, PREDICT, TABLE, found
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.model import Coverage, Subject

TODAY = datetime.date(2026, 1, 31)
USER = Consumer("package", "dependent-1-1.noarch", "requires it")


def finding(check="provides.lost", name="thing", consumers=(), **more):
    return found(check, Subject("capability", name), None, None, "So it is.", consumers, **more)


LOW, HIGH, INFO = finding(), finding(consumers=[USER]), finding("vendor.changed")
MEDIUM = finding("evr.lowered")
RAN = Coverage("provides.lost", "ran", "", 0.1)


def whole(findings=(), checks=(RAN,), packages=()):
    context = report.Context("predict", "host", "run", 0.0, {"rpm": "4"}, ["repo"], {})
    result = report.build(context, [], findings, checks)
    result["packages"] = list(packages)
    return result


@pytest.mark.parametrize(("findings", "checks", "expected"), [
    ([], [RAN], report.DROP_IN),
    ([INFO], [RAN], report.DROP_IN),
    ([LOW], [RAN], report.WITH_NOTES),
    ([MEDIUM, INFO], [RAN], report.WITH_NOTES),
    ([HIGH], [RAN], report.NOT_DROP_IN),
    ([LOW._replace(blocking=True)], [RAN], report.NOT_DROP_IN),
    ([HIGH._replace(baseline=True)], [RAN], report.DROP_IN),
    ([HIGH._replace(waiver={"by": "me"}, blocking=False)], [RAN], report.DROP_IN),
    ([finding("package.unreadable")], [RAN], report.UNKNOWN),
    ([finding("plan.refused"), HIGH], [RAN], report.UNKNOWN),
    ([finding("package.unreadable")._replace(waiver={"by": "me"})], [RAN], report.UNKNOWN),
    ([], [RAN._replace(status="error", reason="x")], report.UNKNOWN),
    ([LOW], [RAN._replace(status="error", reason="x")], report.UNKNOWN),
    ([HIGH], [RAN._replace(status="error", reason="x")], report.NOT_DROP_IN),
    ([], [RAN._replace(status="skipped", reason="who knows")], report.UNKNOWN),
    ([], [RAN._replace(id="evr.lowered", status="skipped", reason="who knows")], report.DROP_IN),
    ([], [RAN._replace(status="skipped", reason=report.NOTHING_TO_DO)], report.DROP_IN),
    ([], [RAN._replace(status="skipped", reason=PHASE_WORDS[PREDICT])], report.DROP_IN),
])
def test_verdicts(findings, checks, expected):
    assert report.verdict(findings, checks) == expected


@pytest.mark.parametrize(("threshold", "reaching"), [
    ("never", []), ("blocking", ["high"]), ("low", ["low", "medium", "high"]), ("medium", ["medium", "high"]),
    ("high", ["high"])])
def test_thresholds(threshold, reaching):
    by_name = {"info": INFO, "low": LOW, "medium": MEDIUM, "high": HIGH}
    assert [name for name, one in by_name.items() if report.reached(whole([one]), threshold)] == reaching
    # What was taken on, or was there before, reaches nothing; what is not known reaches everything.
    assert not report.reached(whole([HIGH._replace(waiver={"by": "me"}, blocking=False)]), threshold)
    assert not report.reached(whole([HIGH._replace(baseline=True, blocking=False)]), threshold)
    assert report.reached(whole([], [RAN._replace(status="error", reason="x")]), threshold) == (threshold != "never")
    # What blocks reaches every threshold, whatever its severity.
    assert report.reached(whole([LOW._replace(blocking=True)]), threshold) == (threshold != "never")


def waiver(one, **more):
    return {"key": one.key, "by": "me", "reason": "why", "until": "2026-01-31", **more}


def test_waivers():
    kept, other = report.waived([HIGH, MEDIUM], [waiver(HIGH)], TODAY)
    assert (kept.severity, kept.blocking, kept.waiver) == ("high", False, {"by": "me", "reason": "why", "until": "2026-01-31"})
    assert other == MEDIUM
    again, expired = report.waived([HIGH], [waiver(HIGH)], TODAY + datetime.timedelta(1))
    assert again == HIGH and again.blocking
    assert (expired.check, expired.subject.name, expired.severity) == ("waiver.expired", HIGH.key, "low")


@pytest.mark.parametrize(("change", "words"), [
    ({"by": ""}, "lacks by"), ({"reason": " "}, "lacks reason"), ({"until": ""}, "lacks until"),
    ({"key": "thing"}, "not the key"),
    ({"until": "soon"}, "not a date")])
def test_waivers_that_are_not_whole(change, words):
    report.validate_waivers([waiver(HIGH)])
    with pytest.raises(Refused, match=words):
        report.validate_waivers([waiver(HIGH), waiver(HIGH, **change)])


def test_findings_of_one_key_are_one():
    a = finding(consumers=[USER])
    b = finding(consumers=[Consumer("package", "another", "as well")])._replace(severity="low", blocking=False)
    (merged,) = report.sort([b, a])
    assert (merged.severity, merged.blocking, [c.name for c in merged.consumers]) == (
        "high", True, ["another", "dependent-1-1.noarch"])
    (seen_before,) = report.sort([a._replace(baseline=True), a._replace(baseline=True)])
    assert seen_before.baseline
    (new,) = report.sort([a._replace(baseline=True), a])
    assert not new.baseline


def test_the_gravest_come_first():
    blocking = LOW._replace(blocking=True, subject=Subject("capability", "zzz"))
    assert report.sort([INFO, LOW, HIGH._replace(subject=Subject("capability", "b")), MEDIUM, blocking]) == [
        HIGH._replace(subject=Subject("capability", "b")), blocking, MEDIUM, LOW, INFO]


def test_phases_are_joined_by_key():
    def plain(*findings):
        return [report.plain(one) for one in findings]

    only_before = finding("known.break")
    old = HIGH._replace(baseline=True, subject=Subject("capability", "old"))
    joined = report.joined(plain(LOW, MEDIUM, only_before, old), plain(MEDIUM, INFO, old))
    assert joined == {
        "happened": [MEDIUM.key], "did_not_happen": [LOW.key], "not_predicted": [INFO.key],
        "only_predicted": sorted([only_before.key, old.key])}


def test_the_text_names_what_is_asked_for():
    text = report.text(whole([HIGH, LOW, INFO]), "medium")
    assert text.startswith("not_drop_in: 2 findings") and HIGH.key in text and INFO.key not in text
    assert "Affected: package dependent-1-1.noarch." in text


PACKAGE = {"name": "tool", "from_nevra": "tool-1-1.noarch", "to_nevra": "tool-2-1.noarch", "to_repo": "repo"}
HOST_ONLY = {
    "local_edit.overwritten", "config.rpmnew", "config.rpmsave", "config.rpmorig", "config.leftover", "config.override",
    "config.shadowed", "installed.broken", "installed.duplicate", "disk.space", "mount.read_only", "mount.noexec", "known.break",
    "build.hidden", "plan.refused", "protected.removed", "kernel.last_stock_evicted", "return.unavailable", "process.old_code",
    "kernel.secure_boot", "fapolicyd.trust", "third_party.in_the_way", "unowned.overwritten", "kernel_module.external",
    "waiver.expired", "siblings.split", "multilib.partner"}


def test_a_bug_report_is_ready_to_file():
    one = found(
        "soname.lost", Subject("library", "libtool.so.1()(64bit)"), "libtool.so.1()(64bit)", None,
        "tool-1-1.noarch provides libtool.so.1()(64bit); 1 installed packages require it.", [USER])
    (told,) = bugs.reports(whole([one], packages=[PACKAGE]))
    assert told["key"] == one.key and told["title"] == "tool: The library libtool.so.1()(64bit) is gone"
    for words in ("tool-1-1.noarch -> tool-2-1.noarch from repo", "Evidence:", "1 installed packages require it",
                  'before: "libtool.so.1()(64bit)"', "affected: package dependent-1-1.noarch (requires it)",
                  "1. have tool-1-1.noarch installed", "2. dnf install tool-2-1.noarch",
                  "3. look for library libtool.so.1()(64bit)", "Repositories: repo", "check soname.lost", "rpm 4"):
        assert words in told["text"], words


def test_what_is_a_matter_of_the_host_is_nobodys_bug():
    assert not HOST_ONLY & set(bugs.PACKAGE_FAULTS)
    assert set(bugs.PACKAGE_FAULTS) <= {check.id for check in TABLE}
    for name in HOST_ONLY:
        assert bugs.reports(whole([finding(name, consumers=[USER])], packages=[PACKAGE])) == []


@pytest.mark.parametrize("one", [LOW, HIGH._replace(baseline=True)], ids=["low", "there before"])
def test_what_is_not_worth_a_report(one):
    assert bugs.reports(whole([one], packages=[PACKAGE])) == []


def test_a_finding_about_no_package_of_the_swap_names_them_all():
    (told,) = bugs.reports(whole([HIGH], packages=[PACKAGE, dict(PACKAGE, name="b", to_nevra=None)]))
    assert "tool-1-1.noarch -> nothing" in told["text"] and "Look for thing" in told["text"]


def test_after_going_back_all_is_told_and_nothing_is_joined():
    severities = {"info": 1, "low": 0, "medium": 0, "high": 0}
    finding = {
        "severity": "info", "blocking": False, "baseline": False, "waiver": None, "title": "An account stayed", "key": "0" * 16,
        "check": "rollback.left", "diagnosis": "user systemd-oom was not there before.", "consumers": [], "remediations": []}
    whole = {
        "verdict": "drop_in", "summary": {"findings": 1, "severities": severities, "blocking": 0, "waived": 0}, "packages": [],
        "joined": None, "checks": [], "findings": [finding]}
    assert "user systemd-oom" in report.text({**whole, "phase": report.ROLLBACK})
    assert "user systemd-oom" not in report.text({**whole, "phase": "prove"})
