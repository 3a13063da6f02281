# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready sets of packages and locks: what is refused before any change, what locks hold, and that they go without a trace."""

from __future__ import annotations

import json

import pytest

from lab import common

from .conftest import repositories

LIST, MAIN = "/etc/dnf/plugins/versionlock.list", "/etc/dnf/dnf.conf"
FOREIGN = "# Added lock on Mon Nov  2 08:00:00 2026\nethtool-2:6.1-2.el9.*\n"
SPEC = """\
Name: {source}
Version: {version}
Release: {release}
Summary: x
License: x
Vendor: {vendor}
BuildArch: noarch
{needs}
%description
x
{packages}
"""
SIG = "CentOS Hyperscale SIG"


def sets(*names, **more):
    """Return wishes for ready sets."""
    return [{"set": name, **more} for name in names]


@pytest.fixture(name="offer")
def fixture_offer(tmp_path):
    """Give a host a repository of its own with packages made for the test."""
    def offer(live, *rows):
        for number, (source, version, release, vendor, names) in enumerate(rows):
            folder = tmp_path / f"build-{number}"
            folder.mkdir()
            packages = "".join(
                (f"%package -n {name}\nSummary: x\n{needs}\n%description -n {name}\nx\n" if name != source else "")
                + f"%files -n {name}\n" for name, needs in names.items())
            spec = folder / "made.spec"
            spec.write_text(SPEC.format(
                source=source, version=version, release=release, vendor=vendor, packages=packages, needs=names.get(source, "")))
            common.run(["rpmbuild", "-bb", "--define", f"_topdir {folder}", "--define", f"_rpmdir {tmp_path}/repo", spec])
        common.run(["createrepo_c", "--quiet", tmp_path / "repo"])
        live.command("mkdir", "-p", "/srv/made/noarch", "/srv/made/repodata")
        for path in (path for path in (tmp_path / "repo").rglob("*") if path.is_file()):
            live.put(path, f"/srv/made/{path.relative_to(tmp_path / 'repo')}")
        live.write("/etc/yum.repos.d/made.repo", "[made]\nname=made for a test\nbaseurl=file:///srv/made\ngpgcheck=0\n")
    return offer


def installed(live, *names):
    """Return the version and release of packages."""
    return live.command("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE} ", *names).split()


def test_unknown_set(host9, refused):
    refused(host9, lambda: host9.converge(packages=sets("ethtol")), "value of set must be one of", "ethtool")


def test_set_that_the_stream_does_not_have(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories()], packages=sets("selinux-policy")),
            "selinux-policy on Stream 9", "for Stream 10 only")


def test_one_version_for_a_set_of_several_sources(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories()], packages=sets("compression", version="1.5.7")),
            "lz4, zstd", "versions of their own")


def test_flavour_that_is_not_enabled(host, refused):
    refused(host, lambda: host.converge(repositories=[repositories()], packages=sets("openssh")),
            "flavour facebook", "Add facebook to 'flavours' in section repositories")
    result = host.converge(repositories=[repositories(flavours=["main", "facebook"])], packages=sets("openssh"), check=True)
    assert result["changed"], result


def test_set_that_no_enabled_repository_carries(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories()], packages=sets("perf")),
            "no enabled repository offers a Hyperscale build")


def test_lock_of_somebody_else_holds(host9, refused):
    host9.command("dnf", "-y", "-q", "install", "python3-dnf-plugin-versionlock")
    host9.write(LIST, FOREIGN)
    want = {"repositories": [repositories()], "packages": sets("compression", "ethtool"), "locks": sets("compression", "ethtool")}
    refused(host9, lambda: host9.converge(**want), "ethtool-", "hidden by an exclude or version lock", "Lift the exclude or lock")
    assert host9.command("cat", LIST) + "\n" == FOREIGN


def test_locks_that_are_switched_off(host9, refused):
    host9.command("dnf", "-y", "-q", "install", "python3-dnf-plugin-versionlock")
    host9.write("/etc/dnf/plugins/versionlock.conf", "[main]\nenabled = 0\nlocklist = /etc/dnf/plugins/versionlock.list\n")
    want = {"repositories": [repositories()], "packages": sets("ethtool"), "locks": sets("ethtool")}
    refused(host9, lambda: host9.converge(**want), "versionlock.conf", "switches version locks off", "enabled = 1")


@pytest.mark.parametrize("text", ["[main]\ngpgcheck=1\nthis is no option\n", "gpgcheck=1\n"])
def test_dnf_conf_that_cannot_be_read(host9, refused, text):
    host9.write(MAIN, text)
    want = {"packages": sets("ethtool"), "locks": [{"vendor": True}]}
    refused(host9, lambda: host9.converge(**want), MAIN, "cannot be read", "Mend the file")


def test_name_that_two_sources_build_comes_from_the_right_one(host9, offer):
    perf = {"perf": "Requires: libperf", "libperf": ""}
    offer(host9, ("perf", "6.19~rc6", "4.hs.el9", SIG, perf),
          ("kernel-tools", "7.0.1", "200.1.hs.el9", SIG, {"kernel-tools": "", **perf}),
          ("kernel", "5.14.0", "700.el9", "CentOS", {"perf": "", "kernel-doc": ""}))
    result = host9.converge(packages=sets("perf"))
    assert result["changed"], result
    assert installed(host9, "perf", "libperf") == ["6.19~rc6-4.hs.el9", "6.19~rc6-4.hs.el9"]
    assert not host9.converge(packages=sets("perf"))["changed"]


def test_stock_build_of_another_source_moves_without_its_siblings(host9, offer):
    offer(host9, ("kernel", "5.14.0", "700.el9", "CentOS", {"perf": "", "kernel-doc": ""}),
          ("perf", "6.19~rc6", "4.hs.el9", SIG, {"perf": ""}))
    host9.command("dnf", "-y", "-q", "install", "perf-5.14.0-700.el9", "kernel-doc")
    assert host9.converge(packages=[{"names": ["perf"]}])["changed"]
    assert installed(host9, "perf", "kernel-doc") == ["6.19~rc6-4.hs.el9", "5.14.0-700.el9"]


def test_vendor_that_is_kept_keeps_dnf_from_a_newer_stock_build_and_not_us(host, offer):
    before, stock = host.command("cat", MAIN), installed(host, "ethtool")
    host.converge(repositories=[repositories()], packages=sets("ethtool"), locks=[{"vendor": True}])
    hyperscale = installed(host, "ethtool")
    offer(host, ("ethtool", "99", f"1.el{host.stream}", "CentOS", {"ethtool": ""}))
    host.command("dnf", "-y", "upgrade", "ethtool")
    assert installed(host, "ethtool") == hyperscale
    back = {"packages": sets("ethtool", to="stock"), "locks": [{"vendor": False}]}
    assert host.converge(**back)["changed"]
    assert installed(host, "ethtool") == stock and host.command("cat", MAIN) == before
    assert not host.converge(**back)["changed"]
    # What was left is what it goes back to, unless the newest is asked for.
    assert host.converge(packages=sets("ethtool", to="stock", version="latest"))["changed"]
    assert installed(host, "ethtool")[0].startswith("99-")


def test_way_back_takes_our_locks_out_and_no_others(host):
    other = "# of the operator\nbtrfs-progs-0:1.0-1.el9.*"
    host.write(LIST, other + "\n")
    names = ("compression", "ethtool")
    there = {"packages": sets(*names), "locks": [*sets(*names), {"vendor": True}]}
    main = host.command("cat", MAIN)
    stock = installed(host, "ethtool", "zstd", "lz4")
    assert host.converge(repositories=[repositories()], **there)["changed"]
    assert "ethtool-0:" in host.command("cat", LIST)
    # dnf's own command drops comments, and our lines are still known as ours.
    host.command("dnf", "versionlock", "add", "zsh")
    host.command("dnf", "versionlock", "delete", "btrfs-progs")
    back = {"packages": sets(*names, to="stock"), "locks": [*sets(*names, versions=False), {"vendor": False}]}
    assert host.converge(**back)["changed"]
    assert installed(host, "ethtool", "zstd", "lz4") == stock
    assert [line for line in host.command("cat", LIST).splitlines() if line and not line.startswith("#")] == []
    assert host.command("cat", MAIN) == main
    assert not host.converge(**back)["changed"]


def test_locks_follow_a_package_that_a_run_without_locks_moves(host9):
    old = host9.converge(
        repositories=[repositories()], packages=sets("ethtool", version="6.14.2"), locks=sets("ethtool"))
    assert old["changed"], old
    assert "ethtool-0:6.14.2-1.hs.el9.*" in host9.command("cat", LIST)
    assert host9.module("package_swap", {"set": "ethtool", "version": "latest"})["changed"]
    now = installed(host9, "ethtool")[0]
    assert "6.14.2" not in now and f"ethtool-0:{now}.*" in host9.command("cat", LIST)


def test_undo_leaves_the_files_as_they_were(host):
    host.write(MAIN, "# of the operator\n[main]\n# first\nbest=True\nallow_vendor_change = True\ngpgcheck=1\n\n"
               "[extra]\nname=extra\nbaseurl=file:///srv/extra\nenabled=0\n")
    before = host.command("cat", MAIN)
    result = host.converge(repositories=[repositories()], packages=sets("ethtool"), locks=[*sets("ethtool"), {"vendor": True}])
    assert result["changed"], result
    assert "# first\nbest=True\nallow_vendor_change=False\ngpgcheck=1\n\n[extra]" in host.command("cat", MAIN)
    result = host.module("converge", {"state": "undone", "undo": ["packages", "locks", "repositories"]})
    assert result["changed"], json.dumps(result)
    assert host.command("cat", MAIN) == before
    assert "ethtool" not in host.command("sh", "-c", f"cat {LIST} 2>/dev/null || true")
    assert not host.command("rpm", "-qa", "python3-dnf-plugin-versionlock")
    assert ".hs." not in installed(host, "ethtool")[0]
