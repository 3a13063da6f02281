# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground truth without a host: for every check of package files a pair that breaks, and one that hardly differs and is silent."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, folder, link, program, valid,
)

from ansible_collections.centos.hyperscale.plugins.module_utils.verify import checks, compare

TOOL = P(files={"/usr/bin/tool": program(), "/usr/share/tool/data": F("data\n")})
LIBRARY = P("libx", files={"/usr/lib64/libx.so.1": program()})
SERVICE = "[Service]\nExecStart=/usr/bin/tool\n"
UNIT = "/usr/lib/systemd/system/tool.service"
RESTART = "systemctl try-restart tool.service"
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00" + bytes(40)
BUS = "/usr/share/dbus-1/system-services/org.example.tool.service"


class Case(t.NamedTuple):
    """One thing that breaks. C(subject) is type, name, and what else identifies it; C(good) is the silent neighbour of C(new).

    C(good_old) is the old build to it, where that is what differs.
    """

    check: str
    old: tuple[P, ...]
    new: tuple[P, ...]
    good: tuple[P, ...]
    subject: tuple[str, ...]
    severity: str
    blocking: bool
    name: str = ""
    before: t.Any = ...
    after: t.Any = ...
    good_old: tuple[P, ...] = ()


def alike(check, base, had, has, good, subject, severity, blocking=False, name="", **more):
    """One package, of which the versions differ in a few fields."""
    old = base.like(**had)
    return Case(check, (old,), (old.next(**has),), (old.next(**good),), subject, severity, blocking, name, **more)


def carrying(check, had, has, good, subject, severity, blocking=False, name="", **more):
    """One package, of which the versions differ in files."""
    with_tool = [{"/usr/bin/tool": program(), **files} for files in (had, has, good)]
    return alike(check, P(), *({"files": files} for files in with_tool), subject, severity, blocking, name, **more)


def running(check, had, has, good, subject, severity, blocking=False, name="", **more):
    """One package, of which the versions differ in what they run."""
    return alike(check, TOOL, *({"scripts": scripts} for scripts in (had, has, good)), subject, severity, blocking, name, **more)


LIB_PROVIDES = ("libx.so.1()(64bit)", "libx.so.1(X_1)(64bit)", "libx.so.1(X_2)(64bit)")
ALTERNATIVE = "update-alternatives --install /usr/bin/editor editor /usr/bin/tool {}"

CASES = (
    # What packages declare.
    alike("provides.lost", TOOL, {"provides": ("speech(tool) = 1",)}, {"provides": ()}, {"provides": ("speech(tool) = 2",)},
          ("capability", "speech(tool)", "x86_64"), "high", True, before="speech(tool) = 1", after=None),
    alike("provides.lowered", TOOL, {"provides": ("speech = 5",)}, {"provides": ("speech = 4",)}, {"provides": ("speech = 5",)},
          ("capability", "speech", "x86_64"), "high", True, before="5", after="4"),
    alike("soname.lost", LIBRARY, {"provides": LIB_PROVIDES}, {"provides": ("libx.so.2()(64bit)",)}, {"provides": LIB_PROVIDES},
          ("library", "libx.so.1()(64bit)", "x86_64"), "high", True),
    alike("soname.lost", P("libx", files={"/usr/lib64/tool/libx-1.so": program()}), {"provides": ("libx-1.so()(64bit)",)},
          {"provides": ()}, {"provides": ("libx-1.so()(64bit)",)}, ("library", "libx-1.so()(64bit)", "x86_64"), "low",
          name="private"),
    alike("soname.lost", P("libx", arch="i686", files={"/usr/lib/libx.so.1": program()}), {"provides": ("libx.so.1",)},
          {"provides": ()}, {"provides": ("libx.so.1",)}, ("library", "libx.so.1", "i686"), "high", True, name="32 bits"),
    alike("symbol_version.lost", LIBRARY, {"provides": LIB_PROVIDES}, {"provides": LIB_PROVIDES[:2]}, {"provides": LIB_PROVIDES},
          ("symbol version", "libx.so.1(X_2)(64bit)", "x86_64"), "high", True),
    alike("symbol_version.lost", P("libx", arch="i686", files={"/usr/lib/libx.so.1": program()}),
          {"provides": ("libx.so.1", "libx.so.1(X_1)")}, {"provides": ("libx.so.1",)},
          {"provides": ("libx.so.1", "libx.so.1(X_1)")},
          ("symbol version", "libx.so.1(X_1)", "i686"), "high", True, name="32 bits"),
    Case("path.required_lost", (TOOL, P("friend", requires=("/usr/share/tool/data",))),
         (TOOL.next(files={"/usr/bin/tool": program()}), P("friend", requires=("/usr/share/tool/data",)).next()),
         (TOOL.next(files={"/usr/bin/tool": program()}), P("friend").next()),
         ("path", "/usr/share/tool/data"), "high", True),
    alike("conflict.gained", TOOL, {}, {"conflicts": ("dracut < 59",)}, {}, ("capability", "dracut", "", "tool"), "medium",
          after="dracut < 59"),
    alike("conflict.gained", TOOL, {"conflicts": ("dracut < %{version}-%{release}",)}, {"conflicts": ("dracut < 59",)},
          {"conflicts": ("dracut < %{version}-%{release}",)}, ("capability", "dracut", "", "tool"), "medium", name="own version"),
    alike("obsoletes.gained", TOOL, {}, {"obsoletes": ("spade < 3",)}, {}, ("package", "spade", "", "tool"), "medium",
          after="spade < 3"),
    alike("obsoletes.gained", TOOL, {"obsoletes": ("spade < %{version}-%{release}",)}, {"obsoletes": ("spade < 99",)},
          {"obsoletes": ("spade < %{version}-%{release}",)}, ("package", "spade", "", "tool"), "medium", name="own version"),
    Case("obsoletes.blocks_return", (TOOL,), (P("tool-ng", obsoletes=("tool < 2",), provides=("tool = 2",)),),
         (P("tool-ng", obsoletes=("tool < 0.5",), provides=("tool = 2",)), TOOL.next()), ("package", "tool", "x86_64", "tool-ng"),
         "medium", False),
    alike("weak_dependency.lost", TOOL, {"recommends": ("spade",)}, {"recommends": ()}, {"recommends": ("spade",)},
          ("capability", "spade", "", "tool"), "low"),
    alike("weak_dependency.lost", TOOL, {"recommends": ("(tool-lang = %{version}-%{release} if langpacks)",)}, {"recommends": ()},
          {"recommends": ("(tool-lang = %{version}-%{release} if langpacks)",)},
          ("capability", "(tool-lang = EVR if langpacks)", "", "tool"), "low", name="rich"),
    alike("weak_dependency.lost", TOOL, {"recommends": ("spade",)}, {"recommends": ()},
          {"requires": ("spade",), "recommends": ()},
          ("capability", "spade", "", "tool"), "low", name="required now"),
    alike("weak_dependency.gained", TOOL, {}, {"recommends": ("spade",)}, {}, ("capability", "spade", "", "tool"), "low"),
    Case("file.needs_subpackage", (TOOL,), (P(version="2", subs=(P("tool-extra", "2", files=TOOL.files),)),),
         (P(version="2", requires=("tool-extra",), subs=(P("tool-extra", "2", files=TOOL.files),)),),
         ("path", "/usr/bin/tool", "", "tool-extra"), "high", True),
    Case("file.needs_subpackage", (P(files={UNIT: F(SERVICE)}),),
         (P(version="2", subs=(P("tool-extra", "2", files={UNIT: F(SERVICE)}),)),),
         (P(version="2", subs=(P("tool-extra", "2", files={UNIT: F(SERVICE)}, obsoletes=("tool < 2",)),)),),
         ("unit", "tool.service", "", "tool-extra"), "high", True, "unit"),
    Case("file.needs_subpackage", (TOOL.like(provides=("speech",)),),
         (TOOL.next(subs=(P("tool-extra", "2", provides=("speech",)),)),),
         (TOOL.next(requires=("speech",), subs=(P("tool-extra", "2", provides=("speech",)),)),),
         ("capability", "speech", "", "tool-extra"), "high", True, "capability"),
    Case("subpackage.vanished", (TOOL, P("tool-extra")), (TOOL.next(),), (TOOL.next(obsoletes=("tool-extra < 2",)),),
         ("package", "tool-extra", "x86_64"), "high", False),
    Case("evr.lowered", (TOOL.next(),), (TOOL.like(release="9"),), (TOOL.next(release="1.1"),), ("package", "tool", "x86_64"),
         "high",
         False, before="2-1", after="1-9"),
    Case("evr.lowered", (TOOL.next(epoch=1),), (TOOL.like(version="3"),), (TOOL.like(version="0", epoch=2),),
         ("package", "tool", "x86_64"), "high", False, "epoch"),
    alike("vendor.changed", TOOL, {}, {"vendor": "CentOS Hyperscale SIG"}, {}, ("package", "tool", "x86_64"), "info",
          before="CentOS", after="CentOS Hyperscale SIG"),
    Case("package_manager.replaced", (P("rpm", release="1.el9"),), (P("rpm", release="1.hsx.el9"),), (P("rpm", release="2.el9"),),
         ("package", "rpm", "x86_64"), "high", False),
    Case("cpu.baseline", (TOOL,), (TOOL.next(arch="i686"),), (TOOL.next(arch="noarch"),), ("package", "tool", "i686"), "high",
         True,
         before=["x86_64"], after="i686"),
    # Files.
    carrying("file.removed", {"/usr/bin/spade": program()}, {}, {"/bin/spade": program()}, ("path", "/usr/bin/spade"), "high",
             before="tool-1-1.x86_64", after=None),
    carrying("files.removed", {"/usr/share/tool/a": F()}, {}, {"/usr/share/tool/a": F()}, ("package", "tool"), "info",
             before=["/usr/share/tool/a"]),
    carrying("file.moved", {"/usr/bin/spade": program()}, {"/usr/libexec/tool/spade": program()}, {"/bin/spade": program()},
             ("path", "/usr/bin/spade"), "medium", after="/usr/libexec/tool/spade", name="command"),
    carrying("file.moved", {"/etc/tool/tool.conf": F("a")}, {"/usr/lib/tool/tool.conf": F("b")}, {"/etc/tool/tool.conf": F("b")},
             ("path", "/etc/tool/tool.conf"), "low"),
    carrying("file.moved", {"/usr/share/tool/a.data": F("a")}, {"/usr/share/shed/a.data": F("a")},
             {"/usr/share/shed/b.data": F("b")},
             ("path", "/usr/share/tool/a.data"), "low", name="not what has another name"),
    carrying("file.type_changed", {"/usr/share/tool": folder()}, {"/usr/share/tool": link("shed"), "/usr/share/shed": folder()},
             {"/usr/share/tool": folder(), "/usr/share/shed": folder()}, ("path", "/usr/share/tool"), "high", True,
             before="directory", after="symlink"),
    carrying("file.type_changed", {"/usr/share/tool/a": F()}, {"/usr/share/tool": link("shed"), "/usr/share/shed/a": F()},
             {"/usr/share/tool/a": F(), "/usr/share/shed/a": F()}, ("path", "/usr/share/tool"), "high", True,
             name="folder without owner"),
    carrying("file.type_changed", {"/usr/share/tool": link("shed"), "/usr/share/shed": folder()},
             {"/usr/share/tool": folder(), "/usr/share/shed": folder()},
             {"/usr/share/tool": link("shed"), "/usr/share/shed": folder(0o700)}, ("path", "/usr/share/tool"), "high", True,
             name="link to a folder"),
    carrying("file.type_changed", {"/usr/share/tool": F()}, {"/usr/share/tool": link("gone")}, {"/usr/share/tool": F()},
             ("path", "/usr/share/tool"), "medium", name="link to nothing"),
    carrying("file.type_changed", {"/usr/bin/spade": program()}, {"/usr/bin/spade": link("tool")}, {"/usr/bin/spade": program()},
             ("path", "/usr/bin/spade"), "low", name="link to what is there"),
    carrying("owner.changed", {"/var/lib/tool": folder()}, {"/var/lib/tool": folder(owner="tool", group="tool")},
             {"/var/lib/tool": folder()}, ("path", "/var/lib/tool"), "high", before="root:root", after="tool:tool"),
    carrying("mode.changed", {"/usr/bin/spade": program()}, {"/usr/bin/spade": F("#!/bin/sh\n", mode=0o4755)},
             {"/usr/bin/spade": program()}, ("path", "/usr/bin/spade"), "high", before="0755", after="4755", name="setuid"),
    carrying("mode.changed", {"/var/lib/tool": folder(0o755)}, {"/var/lib/tool": folder(0o777)}, {"/var/lib/tool": folder(0o755)},
             ("path", "/var/lib/tool"), "high", name="world writable"),
    carrying("mode.changed", {"/var/lib/tool": folder(0o755)}, {"/var/lib/tool": folder(0o700)}, {"/var/lib/tool": folder(0o755)},
             ("path", "/var/lib/tool"), "medium", name="closed to others"),
    carrying("mode.changed", {"/var/lib/tool": folder(0o700)}, {"/var/lib/tool": folder(0o755)}, {"/var/lib/tool": folder(0o700)},
             ("path", "/var/lib/tool"), "low", name="opened"),
    carrying("capabilities.changed", {"/usr/bin/ping": program(caps="cap_net_raw=ep")}, {"/usr/bin/ping": program()},
             {"/usr/bin/ping": program(caps="cap_net_raw+ep")}, ("path", "/usr/bin/ping"), "high"),
    carrying("file.emptied", {"/usr/share/tool/a": F("a")}, {"/usr/share/tool/a": F("")}, {"/usr/share/tool/a": F("b")},
             ("path", "/usr/share/tool/a"), "high", before=1, after=0),
    Case("file.emptied", (TOOL, P("tool-data", files={"/usr/share/a": F()})), (TOOL.next(), P("tool-data", "2")),
         (TOOL.next(files={**TOOL.files, "/usr/share/a": F()}), P("tool-data", "2")), ("package", "tool-data", "x86_64"),
         "high", False,
         "payload"),
    carrying("content.changed", {"/usr/bin/spade": program(ELF)}, {"/usr/bin/spade": program("#!/bin/sh\necho\n")},
             {"/usr/bin/spade": program(ELF + b"other")}, ("path", "/usr/bin/spade"), "low"),
    carrying("content.changed", {"/usr/bin/spade": program("#!/usr/bin/python3\na\n")},
             {"/usr/bin/spade": program("#!/bin/sh\na\n")},
             {"/usr/bin/spade": program("#!/usr/bin/python3\nb\n")}, ("path", "/usr/bin/spade"), "info", name="script"),
    alike("needed.changed", TOOL, {"requires": ("libz.so.1()(64bit)",)}, {"requires": ()},
          {"requires": ("libz.so.1()(64bit)", "libz.so.1(ZLIB_1.2.9)(64bit)")}, ("package", "tool", "x86_64"), "low",
          before=["libz.so.1"], after=[]),
    alike("interpreter.changed", TOOL, {"requires": ("/usr/bin/perl",)}, {"requires": ("/usr/bin/python3",)},
          {"requires": ("/bin/perl",)}, ("package", "tool", "x86_64"), "low", before=["perl"], after=["python3"]),
    carrying("documentation.lost", {"/usr/share/man/man1/tool.1": F()}, {}, {"/usr/share/man/man1/tool.1": F("other")},
             ("package", "tool"), "info"),
    # Configuration.
    carrying("config.flags_changed", {"/etc/tool.conf": config("a", "noreplace")}, {"/etc/tool.conf": config("a")},
             {"/etc/tool.conf": config("b", "noreplace")}, ("path", "/etc/tool.conf"), "medium",
             before="config, noreplace", after="config"),
    carrying("config.default_changed", {"/etc/tool.conf": config("a")}, {"/etc/tool.conf": config("b")},
             {"/etc/tool.conf": config("a", "noreplace")}, ("path", "/etc/tool.conf"), "medium"),
    # Services.
    carrying("unit.vanished", {UNIT: F(SERVICE)}, {}, {UNIT: F(SERVICE + "\n")}, ("unit", "tool.service"), "high", True),
    carrying("unit.vanished", {UNIT: F(SERVICE)}, {UNIT: link("/dev/null")}, {UNIT: link("other.service")},
             ("unit", "tool.service"), "high", True, name="masked by the new build"),
    carrying("unit.new", {}, {UNIT: F(SERVICE)}, {"/usr/lib/systemd/system/tool@.service": F(SERVICE)},
             ("unit", "tool.service"), "low"),
    carrying("unit.install_changed", {UNIT: F(SERVICE)}, {UNIT: F(SERVICE + "[Install]\n")}, {UNIT: F(SERVICE)},
             ("package", "tool"), "info"),
    carrying("activation.lost", {BUS: F()}, {}, {BUS: F("other")}, ("activation", "org.example.tool"), "high"),
    carrying("runtime_file.lost", {"/usr/lib/tmpfiles.d/tool.conf": F()}, {}, {"/usr/lib/tmpfiles.d/10-tool.conf": F()},
             ("path", "/usr/lib/tmpfiles.d/tool.conf"), "medium"),
    carrying("runtime_file.lost", {"/usr/lib/sysusers.d/tool.conf": F()}, {"/usr/lib/tmpfiles.d/tool.conf": F()},
             {"/usr/lib/sysusers.d/tool.conf": F("x")}, ("path", "/usr/lib/sysusers.d/tool.conf"), "medium",
             name="another family"),
    carrying("udev.lost", {"/usr/lib/udev/rules.d/60-tool.rules": F()}, {}, {"/lib/udev/rules.d/62-tool.rules": F()},
             ("path", "/usr/lib/udev/rules.d/60-tool.rules"), "medium"),
    carrying("auth_module.lost", {"/usr/lib64/security/pam_tool.so": program()}, {}, {"/lib64/security/pam_tool.so": program()},
             ("module", "pam_tool.so"), "high", True),
    carrying("auth_module.lost", {"/usr/lib64/libnss_tool.so.2": program()}, {}, {"/usr/lib64/libnss_tool.so.2": program("x")},
             ("module", "tool"), "high", True, name="nss"),
    # What packages run.
    running("scriptlet.changed", {"post": "echo tool"}, {"post": "echo spade"}, {"post": "echo tool"},
            ("scriptlet", "tool", "postin"), "medium"),
    running("scriptlet.changed", {"post": "sleep 1"}, {"post": "sleep 2"}, {"post": "sleep 1"}, ("scriptlet", "tool", "postin"),
            "medium",
            name="a number that is like the version"),
    running("scriptlet.changed", {"post": "print(1)"}, {"post -p <lua>": "print(1)"}, {"post": "print(1)"},
            ("scriptlet", "tool", "postin"), "medium", name="interpreter"),
    running("scriptlet.changed", {"post": "echo"}, {"post": "echo", "preun": "echo"}, {"post": "echo"},
            ("scriptlet", "tool", "preun"), "medium",
            name="new"),
    Case("scriptlet.restart_order", (P(scripts={"postun": RESTART}),), (P(version="2"),), (P(version="2"),),
         ("package", "tool", "x86_64"), "info", False, good_old=(P(scripts={"postun": "systemctl daemon-reload\n" + RESTART}),)),
    running("trigger.changed", {"triggerin -- spade": "echo"}, {}, {"triggerin -- spade": "echo"},
            ("trigger", "spade", "triggerin", "tool"), "medium", after=None),
    running("trigger.changed", {"transfiletriggerin -- /usr/lib/tool": "echo a"},
            {"transfiletriggerin -- /usr/lib/tool": "echo b"},
            {"transfiletriggerin -- /usr/lib/tool": "echo a"},
            ("trigger", "/usr/lib/tool", "transfiletriggerin", "tool"), "medium",
            name="changed"),
    running("alternatives.changed", {"post": ALTERNATIVE.format(10)}, {"post": ALTERNATIVE.format(20)},
            {"post": "# register\n" + ALTERNATIVE.format(10) + " || :"}, ("alternatives", "editor"), "medium",
            before=["/usr/bin/editor -> /usr/bin/tool priority 10"], after=["/usr/bin/editor -> /usr/bin/tool priority 20"]),
)
# Told by tests of their own: a key is needed, or a file that is no package, or a waiver.
ELSEWHERE = {"signature.missing", "package.unreadable", "waiver.expired"}


def report_on(rpms, old, new, waivers=()):
    """Compare and expect that every check could be carried out."""
    report = valid(compare.compare(rpms(*old), rpms(*new), waivers))
    assert [check for check in report["checks"] if check["status"] == "error"] == []
    return report


def found(report, check):
    """Return a check's findings."""
    return [finding for finding in report["findings"] if finding["check"] == check]


def case_name(case):
    """Name a case in pytest's output."""
    return case.check + (f" ({case.name})" if case.name else "")


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_what_breaks_is_found(rpms, case):
    report = report_on(rpms, case.old, case.new)
    subject = dict(zip(("type", "name", "arch", "package"), (*case.subject, "", "")))
    hits = [finding for finding in found(report, case.check) if finding["subject"] == subject]
    assert len(hits) == 1, [(finding["check"], finding["subject"]) for finding in report["findings"]]
    hit = hits[0]
    assert (hit["severity"], hit["blocking"]) == (case.severity, case.blocking)
    assert hit["verb"] == checks.CHECKS[case.check].verb and hit["kind"] == list(checks.CHECKS[case.check].rows)
    assert hit["title"] and hit["diagnosis"].endswith(".") and hit["remediations"]
    assert case.before in (..., hit["before"]) and case.after in (..., hit["after"])
    # Without a host nobody is affected, but for the new builds that miss something themselves.
    assert (hit["consumers"] == []) == (case.check != "path.required_lost")
    grave = case.severity == "high" or case.blocking
    assert not grave or report["verdict"] == "not_drop_in"
    assert report["verdict"] != "unknown"


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_its_neighbour_is_silent(rpms, case):
    assert found(report_on(rpms, case.good_old or case.old, case.good), case.check) == []


def test_the_cases_are_about_every_check_of_package_files():
    asked = {check.id for check in checks.TABLE if checks.FILES in check.phases}
    assert {case.check for case in CASES} | ELSEWHERE == asked


def test_the_key_of_a_finding_is_the_same_for_other_versions(rpms):
    for case in CASES:
        keys = [
            {finding["key"] for finding in found(report_on(rpms, *pair), case.check)}
            for pair in ((case.old, case.new), (renumbered(case.old), renumbered(case.new)))]
        assert keys[0] == keys[1], case_name(case)


def renumbered(packages):
    """Return packages as a later release has them: only the last part of the release is another."""
    return tuple(one.like(release=one.release + ".7", subs=tuple(sub.like(release=sub.release + ".7") for sub in one.subs))
                 for one in packages)
