# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds that differ only as every two builds do are a drop-in, and the report says so without a word more."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, folder, link, program,
)

from ansible_collections.centos.hyperscale.plugins.module_utils.verify import compare

EVR = "%{version}-%{release}"
# What may be said of two builds that are the same: nothing, or that some files are named otherwise.
HARMLESS = {"files.removed", "documentation.lost"}

FULL = P(
    "tool", "1.4", "2.el9",
    provides=("speech(tool)", f"tool-client = {EVR}"), requires=("/bin/sh", f"tool-libs = {EVR}", "libc.so.6()(64bit)"),
    conflicts=(f"tool-legacy < {EVR}", "dracut < 40"), obsoletes=(f"tool-old < {EVR}",),
    recommends=(f"(tool-lang = {EVR} if langpacks)", "spade"),
    files={
        "/usr/bin/tool": program(caps="cap_net_raw=ep"), "/usr/bin/spade": link("tool"),
        "/etc/tool.conf": config("a", "noreplace"),
        "/etc/tool.d": folder(), "/var/lib/tool": folder(0o700, owner="tool", group="tool"),
        "/run/tool": folder(flags=("ghost",)), "/usr/share/man/man1/tool.1": F(flags=("doc",)),
        "/usr/lib/systemd/system/tool.service": F("[Service]\n"), "/usr/lib/tmpfiles.d/tool.conf": F(),
        "/usr/lib/udev/rules.d/60-tool.rules": F(), "/usr/share/dbus-1/system-services/org.example.tool.service": F(),
        "/usr/lib64/security/pam_tool.so": program()},
    scripts={
        "pre": "getent passwd tool || useradd -r tool", "post": "update-alternatives --install /usr/bin/x x /usr/bin/tool 10",
        "postun": "systemctl try-restart tool.service", "triggerin -- bash": "echo bash"},
    subs=(
        P("tool-libs", "1.4", "2.el9", provides=("libtool.so.1()(64bit)", "libtool.so.1(T_1)(64bit)"),
            requires=(f"tool = {EVR}",),
          files={"/usr/lib64/libtool.so.1": link("libtool.so.1.4"), "/usr/lib64/libtool.so.1.4": program("1.4")}),
        P("tool-doc", "1.4", "2.el9", arch="noarch", requires=(f"tool = {EVR}",),
          files={"/usr/share/doc/tool-doc/README": F("hello", flags=("doc",))})))

SCRIPT = """\
if [ $1 -eq 1 ]; then
  echo "tool 1.4-2.el9 is here, 1.4 even" > /usr/share/tool-1.4/note
  /usr/share/tool-1.4/setup --from=1.4-2.el9
fi
exit 0
"""


def renewed(package):
    """Return a package and its subpackages in the next version, with all that says so in its files and scripts."""
    def text(content):
        return content.replace("1.4-2.el9", "1.5-1.el9").replace("1.4", "1.5")
    return package.like(
        version=package.version.replace("1.4", "1.5"), release="1.el9",
        files={text(path): file._replace(link=text(file.link)) for path, file in package.files.items()},
        scripts={head: text(body) for head, body in package.scripts.items()}, subs=tuple(renewed(sub) for sub in package.subs))


PAIRS = {
    "everything": (FULL, renewed(FULL)),
    "only the release": (FULL, FULL.like(release="3.el9", subs=tuple(sub.like(release="3.el9") for sub in FULL.subs))),
    "changelog": (P(), P(version="2", changelog="* Fri Jan 02 2026 B <b@example.org> - 2\n- All is new\n- CVE-2026-0001")),
    "own version in scripts": (
        P("tool", "1.4", "2.el9", scripts={"post": SCRIPT, "preun -p <lua>": "print('1.4-2.el9')", "triggerin -- bash": SCRIPT}),
        renewed(P("tool", "1.4", "2.el9",
                  scripts={"post": SCRIPT, "preun -p <lua>": "print('1.4-2.el9')", "triggerin -- bash": SCRIPT}))),
    "version of one digit": (P(scripts={"post": "exit 1 # tool-1"}), P(version="2", scripts={"post": "exit 1 # tool-2"})),
    "required by version": (
        P(requires=(f"tool-libs = {EVR}",), subs=(P("tool-libs", requires=(f"tool = {EVR}",)),)),
        P(version="2", requires=(f"tool-libs = {EVR}",), subs=(P("tool-libs", "2", requires=(f"tool = {EVR}",)),))),
    "versioned folders": (
        P("tool", "1.4", files={"/usr/share/tool-1.4/data": F("a"), "/usr/share/doc/tool-1.4/README": F("a", flags=("doc",)),
                                "/usr/lib/python3/site-packages/tool-1.4.dist-info/METADATA": F("a")}),
        P("tool", "1.5", files={"/usr/share/tool-1.5/data": F("a"), "/usr/share/doc/tool-1.5/README": F("a", flags=("doc",)),
                                "/usr/lib/python3/site-packages/tool-1.5.dist-info/METADATA": F("b")})),
    "versioned library": (
        P("libx", "1.2", provides=("libx.so.1()(64bit)",),
          files={"/usr/lib64/libx.so.1": link("libx.so.1.2"), "/usr/lib64/libx.so.1.2": program("a")}),
        P("libx", "1.3", provides=("libx.so.1()(64bit)",),
          files={"/usr/lib64/libx.so.1": link("libx.so.1.3"), "/usr/lib64/libx.so.1.3": program("b")})),
    "merged usr": (P(files={"/sbin/tool": program(), "/lib64/security/pam_tool.so": program(),
                            "/lib/udev/rules.d/6-a.rules": F()}),
                   P(version="2", files={"/usr/sbin/tool": program(), "/usr/lib64/security/pam_tool.so": program(),
                                         "/usr/lib/udev/rules.d/6-a.rules": F()})),
    "file changes its package": (
        P(files={"/usr/bin/tool": program()}, subs=(P("tool-libs"),)),
        P(version="2", subs=(P("tool-libs", "2", files={"/usr/bin/tool": program()}),))),
    "noarch": (P(arch="x86_64", files={"/usr/bin/tool": program()}),
               P(version="2", arch="noarch", files={"/usr/bin/tool": program()})),
    "files of one name": (
        P(files={"/usr/lib/tool/01a/setup.sh": program("a"), "/usr/lib/tool/02b/setup.sh": program("b")}),
        P(version="2", files={"/usr/lib/tool/01a/setup.sh": program("a"), "/usr/lib/tool/03c/setup.sh": program("c")})),
    "masked units": (
        P(files={"/usr/lib/systemd/system/a.service": link("/dev/null")}),
        P(version="2", files={"/usr/lib/systemd/system/b.service": link("/dev/null")})),
    "new files": (P(), P(version="2", files={"/usr/bin/tool": program(), "/etc/tool.conf": config()})),
    "capabilities spelled otherwise": (
        P(files={"/usr/bin/a": program(caps="cap_setuid,cap_net_raw=ep")}),
        P(version="2", files={"/usr/bin/a": program(caps="cap_net_raw,cap_setuid+ep")})),
}


@pytest.mark.parametrize("name", PAIRS)
def test_builds_that_differ_as_all_builds_do_are_a_drop_in(rpms, name):
    old, new = PAIRS[name]
    report = compare.compare(rpms(old, host="a.example"), rpms(new, host="b.example"), [])
    said = [(finding["check"], finding["subject"]) for finding in report["findings"] if finding["check"] not in HARMLESS]
    # The full one restarts its unit by the old scriptlet, which its successor does not change.
    assert said == ([("scriptlet.restart_order", {"type": "package", "name": "tool", "arch": "x86_64", "package": ""})]
                    if old is FULL else [])
    assert report["verdict"] == "drop_in"
    assert report["summary"]["severities"]["low"] == report["summary"]["severities"]["medium"] == 0
    assert {check["status"] for check in report["checks"]} == {"ran", "skipped"}


def test_the_same_files_built_on_another_host_at_another_time_are_the_same(rpms):
    old, new = rpms(FULL, host="a.example"), rpms(FULL, host="b.example")
    assert old != new
    assert compare.compare(old, new, [])["verdict"] == "drop_in"


LIBRARY = "int one(void) {{ return {number}; }}\n{more}"
VERSIONS = {"one": "X_1 { global: one; local: *; };\n", "two": "X_1 { global: one; local: *; };\nX_2 { global: two; } X_1;\n"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Compile a library of some versions and a program that uses it; skips without a compiler."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    home = tmp_path_factory.mktemp("compiled")

    def make(name, number, nodes, soname="libx.so.1"):
        top = home / name / "usr" / "lib64"
        top.mkdir(parents=True)
        more = "int two(void) { return 2; }\n" if nodes == "two" else ""
        (home / name / "x.c").write_text(LIBRARY.format(number=number, more=more))
        (home / name / "x.map").write_text(VERSIONS[nodes])
        where = f"{soname}.{number}"
        gcc = ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{soname}", f"-Wl,--version-script={home / name / 'x.map'}"]
        subprocess.run([*gcc, "-o", str(top / where), str(home / name / "x.c")], check=True)
        (top / soname).symlink_to(where)
        (home / name / "x.c").unlink()
        (home / name / "x.map").unlink()
        return P("libx", str(number), generate=True, tree=str(home / name), files={
            f"/usr/lib64/{where}": program(), f"/usr/lib64/{soname}": link(where)})

    def user(library):
        top = home / "user" / "usr" / "bin"
        top.mkdir(parents=True)
        (home / "main.c").write_text("int two(void);\nint main(void) { return two(); }\n")
        lib = next((home / library / "usr" / "lib64").glob("libx.so.1.*"))
        subprocess.run(["gcc", "-o", str(top / "user"), str(home / "main.c"), str(lib)], check=True)
        return P("user", generate=True, tree=str(home / "user"), files={"/usr/bin/user": program()})
    return make, user


def test_libraries_that_were_really_compiled(rpms, compiled, world):
    make, user = compiled
    old, patched = make("old", 2, "two"), make("patched", 3, "two")
    fewer, other = make("fewer", 4, "one"), make("other", 5, "two", "libx.so.2")
    program_ = user("old")

    same = compare.compare(rpms(old), rpms(patched), [])
    assert (same["verdict"], same["findings"]) == ("drop_in", [])
    lost = [(f["check"], f["subject"]["name"]) for f in compare.compare(rpms(old), rpms(fewer), [])["findings"] if f["blocking"]]
    assert lost == [("symbol_version.lost", "libx.so.1(X_2)(64bit)")]
    gone = [(f["check"], f["subject"]["name"]) for f in compare.compare(rpms(old), rpms(other), [])["findings"] if f["blocking"]]
    assert gone == [("soname.lost", "libx.so.1()(64bit)")]

    world.install(old, program_)
    hit, = [finding for finding in world.predict((old,), (fewer,)) if finding.check == "symbol_version.lost"]
    assert [consumer.name for consumer in hit.consumers] == ["user-1-1.x86_64"] and hit.blocking and hit.severity == "high"
    # What moves along with the library is no consumer.
    hit, = [f for f in world.predict((old, program_), (fewer, program_.next())) if f.check == "symbol_version.lost"]
    assert (hit.consumers, hit.severity, hit.blocking) == ((), "medium", False)
