# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Symbols that are not found: what ldd says, of one file and of several, and which files are given to it at all."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.proven import symbols

ONE = """\
\tlinux-vdso.so.1 (0x00007f9790342000)
\tlibq.so.1 => ./libq.so.1 (0x00007f9790330000)
\tlibc.so.6 => /lib64/libc.so.6 (0x00007f9790145000)
undefined symbol: newsym\t(/usr/bin/a)
undefined symbol: acquire@, version LIBQ_1\t(/usr/bin/a)
"""
SEVERAL = """\
/usr/bin/a:
\tlibq.so.1 => not found
/usr/bin/b:
\tlibq.so.1 => /usr/lib64/libq.so.1 (0x00007f9790330000)
/usr/bin/c:
/usr/bin/c: /usr/lib64/libq.so.1: version `LIBQ_2' not found (required by /usr/bin/c)
symbol take, version LIBQ_1 not defined in file libq.so.1 with link time reference\t(/usr/bin/c)
"""
SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A package of the tests
License: GPL-3.0-or-later
BuildArch: noarch
AutoReqProv: no
{tags}
%description
A package of the tests.
%install
mkdir -p %{{buildroot}}/usr/bin
{install}
%files
/usr/bin/*
"""


def test_one_file():
    assert symbols.parsed(ONE, ["/usr/bin/a"]) == {"/usr/bin/a": ["acquire@@LIBQ_1", "newsym"]}


def test_several_files():
    assert symbols.parsed(SEVERAL, ["/usr/bin/a", "/usr/bin/b", "/usr/bin/c"]) == {
        "/usr/bin/a": ["library libq.so.1"], "/usr/bin/b": [], "/usr/bin/c": ["take@LIBQ_1", "version LIBQ_2"]}


def test_files_are_asked_about_some_at_a_time_and_not_through_a_shell(tmp_path):
    asked = []

    def run(argv):
        asked.append(argv)
        return 1, ""

    paths = [f"/usr/bin/{number}; true" for number in range(symbols.AT_ONCE + 1)]
    assert symbols.unresolved(View(str(tmp_path), run), paths) == {path: [] for path in paths}
    assert [argv[:2] for argv in asked] == [["ldd", "-r"]] * 2
    assert [path for argv in asked for path in argv[2:]] == paths


def test_without_ldd_nothing_passes(tmp_path):
    with pytest.raises(OSError, match="ldd"):
        symbols.unresolved(View(str(tmp_path), lambda argv: (127, "")), ["/usr/bin/a"])


@pytest.mark.skipif(not all(map(shutil.which, ("gcc", "ldd"))), reason="gcc and ldd make the real case")
def test_a_library_that_lost_a_symbol(tmp_path):
    def library(function):
        (tmp_path / "q.c").write_text(f"int {function}(void) {{ return 1; }}")
        subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libq.so.1", "-o", "libq.so.1", "q.c"], cwd=tmp_path, check=True)

    def run(argv):
        done = subprocess.run(argv, env=dict(os.environ, LC_ALL="C"), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    (tmp_path / "a.c").write_text("int mine(void); int main(void) { return mine(); }")
    library("mine")
    subprocess.run(["gcc", "a.c", "-o", "a", "./libq.so.1", f"-Wl,-rpath,{tmp_path}"], cwd=tmp_path, check=True)
    path = str(tmp_path / "a")
    assert symbols.unresolved(View("/", run), [path]) == {path: []}
    library("other")
    assert symbols.unresolved(View("/", run), [path]) == {path: ["mine"]}
    (tmp_path / "libq.so.1").unlink()
    assert symbols.unresolved(View("/", run), [path])[path] == ["library libq.so.1", "mine"]


@pytest.fixture
def linked_root(tmp_path):
    """A database of a library's package, a package that is linked with it, and one that is not."""
    pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild is missing")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["rpm", "--root", str(root), "--initdb"], check=True)
    defines = ["_topdir " + str(tmp_path / "top"), "_dbpath " + str(tmp_path / "db"), "debug_package %{nil}",
               "__os_install_post %{nil}", "_binaries_in_noarch_packages_terminate_build 0"]
    for name, tags in (("maker", "Provides: libmine.so.1()(64bit)\nProvides: libmine.so.1(MINE_1)(64bit)"),
                       ("user", "Requires: libmine.so.1()(64bit)"), ("stranger", "Requires: libother.so.1()(64bit)")):
        spec = tmp_path / f"{name}.spec"
        install = f"cp /bin/true %{{buildroot}}/usr/bin/{name}\necho '#!/bin/sh' > %{{buildroot}}/usr/bin/{name}.sh"
        spec.write_text(SPEC.format(name=name, tags=tags, install=install))
        subprocess.run(
            ["rpmbuild", "-bb", "--quiet", *(part for define in defines for part in ("--define", define)), str(spec)],
            check=True, capture_output=True)
        subprocess.run(
            ["rpm", "--root", str(root), "-i", "--nodeps", "--noscripts", "--justdb",
             str(tmp_path / "top" / "RPMS" / "noarch" / f"{name}-1-1.noarch.rpm")], check=True)
    return rpmdb.transaction_set(str(root))


def test_programs_of_the_package_come_first_then_those_linked_with_it(linked_root):
    assert symbols.consumers(linked_root, ["maker"]) == symbols.Consumers(["/usr/bin/maker", "/usr/bin/user"], 0)
    assert symbols.consumers(linked_root, ["user"]).paths == ["/usr/bin/user"]


def test_what_is_left_out_is_said(linked_root):
    assert symbols.consumers(linked_root, ["maker"], most=1) == symbols.Consumers(["/usr/bin/maker"], 1)


def test_a_program_is_told_from_anything_else(linked_root):
    assert symbols.program(linked_root, "/usr/bin/user")
    assert not symbols.program(linked_root, "/usr/bin/absent")
