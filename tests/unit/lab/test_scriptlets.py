# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's table of scriptlets: each is for a package that the lab builds, rpm builds it, and sh can read it."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import common, plugins, rpms, scriptlets, selinux  # noqa: E402

BUILDS = common.table()["builds"]
ROWS = scriptlets.table()["rows"]
SLOTS = {"pre", "post", "preun", "postun", "posttrans"}
TRIGGERS = {"triggerin", "triggerun", "triggerpostun", "transfiletriggerin", "transfiletriggerpostun"}
# What rpm calls them in a header.
TAGS = {"pre": "PREIN", "post": "POSTIN", "preun": "PREUN", "postun": "POSTUN", "posttrans": "POSTTRANS"}
PROGRAMS = sorted(path for path in scriptlets.FOLDER.iterdir() if path != scriptlets.MACROS)


def version_of(build):
    """Return a version of a build's upstream: the table's, or one that only a newer Debian has."""
    return build.get("version") or {"bookworm-backports": "254.26"}.get(build["suite"], "262.1")


def label(build):
    return "-".join((build["source"], str(build["stream"]), build["repo"], build["suite"]))


def different():
    """Return one build of each kind: with the same scriptlets, those with the same packages are alike."""
    kinds = {}
    for build in BUILDS:
        scripts = scriptlets.of(build, version_of(build))
        if scripts.packages:
            names = tuple(name for name, package in build["packages"].items() if not package.get("skip"))
            kinds.setdefault((repr(scripts), names), pytest.param(build, id=label(build)))
    return kinds.values()


def test_each_row_is_taken_by_a_build_and_says_where_it_is_from():
    taken = {id(scriptlets_row) for build in BUILDS for scriptlets_row in ROWS
             if scriptlets.of(build, version_of(build)).packages == scriptlets_row["packages"]}
    assert [row["of"] for row in ROWS if id(row) not in taken] == []
    assert all(row["source"].startswith(("rpms/", "systemd-networkd and")) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['of']}-{row.get('streams', ['all'])[0]}-{row.get('below', '')}")
def test_each_package_is_built_and_each_slot_is_one_of_rpm(row):
    names = {name for build in BUILDS if build["source"] == row["of"]
             for name, package in build["packages"].items() if not package.get("skip")}
    assert set(row["packages"]) - names == set()
    for package in row["packages"].values():
        for slot in package:
            kind, _space, rest = slot.partition(" ")
            runs = (kind in SLOTS and rest in ("", "-e")) or (kind in TRIGGERS and "-- " in rest)
            assert slot in scriptlets.FILES or runs, slot


@pytest.mark.parametrize("build", different())
def test_rpm_builds_the_scriptlets_of_a_build_and_sh_reads_them(build, tmp_path):
    """What is read is what rpm keeps in the header, macros expanded."""
    version = version_of(build)
    scripts = scriptlets.of(build, version)
    tree = tmp_path / "tree"
    files = {name: [] for name in build["packages"]}
    for name in build["packages"]:
        for path, text in scripts.ships(name).items():
            (tree / path[1:]).parent.mkdir(parents=True)
            (tree / path[1:]).write_text(text)
            files[name].append(path)
    tree.mkdir(exist_ok=True)
    packages = {name: {**package, "requires": []} for name, package in build["packages"].items()}
    spec = tmp_path / "x.spec"
    spec.write_text(rpms.spec_text({**build, "packages": packages}, version, "x", tree, files, set(), scripts))
    common.run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}", "--define", f"_rpmdir {tmp_path}/out", spec])
    for name, package in scripts.packages.items():
        if name not in packages or packages[name].get("skip"):
            continue
        built = next((tmp_path / "out").rglob(f"{name}-{version}-*.rpm"))
        tags = [TAGS[slot.partition(" ")[0]] for slot in package if slot.partition(" ")[0] in TAGS]
        marks = "\f".join([f"%{{{tag}}}" for tag in tags] + ["[%{TRIGGERSCRIPTS}\f][%{TRANSFILETRIGGERSCRIPTS}\f]"])
        bodies = common.run(["rpm", "-qp", "--qf", marks, built]).split("\f")
        ghosts = common.run(["rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", built]).splitlines()
        assert [line.split()[0] for line in ghosts if line.endswith(" g")] == list(scripts.ghosts(name))
        assert len([body for body in bodies if body]) == len([slot for slot in package if slot not in scriptlets.FILES])
        for body in filter(None, bodies):
            assert "%systemd" not in body and "(none)" not in body and "%{update_helper}" not in body, body
            subprocess.run(["sh", "-n"], input=body, text=True, check=True)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_what_packages_ship_is_a_program_that_its_shell_reads(path):
    shell = path.read_text().splitlines()[0].removeprefix("#!").split()
    subprocess.run([*shell, "-n", path], check=True)


def test_systemd_of_each_age_re_executes_at_its_own_point():
    def where(version):
        package = scriptlets.of({"source": "systemd", "stream": 9}, version).packages["systemd"]
        return {slot for slot, body in package.items() if "daemon-reexec" in body}
    assert where("252") == where("254.26") == {"post"}
    assert where("257") == {"postun", "triggerun -- systemd < 256"}
    assert where("262.1") == {"posttrans", "triggerun -- systemd < 256"}
    with pytest.raises(common.LabError):
        where("of today")


def test_plugins_of_rpm_are_those_of_centos_and_named_in_one_place():
    assert plugins.LOADED == ("selinux", "systemd_inhibit", "audit")
    assert not set(plugins.LOADED) & set(plugins.OTHERS)
    assert not hasattr(selinux, "MACROS")
