# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and bad surroundings: a clear error, and nothing on the host has changed."""

from __future__ import annotations

import pytest

from lab import common, hosts, keys

from .conftest import repositories


def definition(path, **more):
    """Return a wish for a repository defined by address below the lab's server."""
    return repositories(
        method="definition", baseurl=f"{hosts.SERVER}{path}", key=keys.armoured("hyperscale"), crb=False, **more)


MAIN = "/SIGs/{stream}-stream/hyperscale/$basearch/{component}/"
SYSTEMD = [{"family": "systemd"}]


def test_wrong_fingerprint(host, refused):
    wrong = keys.fingerprint("other")
    refused(host, lambda: host.converge(repositories=[repositories(key_fingerprint=wrong)]),
            keys.fingerprint("hyperscale"), wrong, "not the pinned")


def test_key_that_is_not_a_key(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories(key="not a key")]), "not an armoured OpenPGP public key")


def test_flavour_that_is_unknown_or_not_on_this_stream(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories(flavours=["mian"])]), "'mian'", "Choose of: asahi")
    refused(host9, lambda: host9.converge(repositories=[repositories(flavours=["kernel"])]), "Stream 10 only")


def test_value_of_the_wrong_type(host9, refused):
    refused(host9, lambda: host9.converge(repositories=[repositories(epel="perhaps")]), "epel", "not a valid boolean")


@pytest.mark.parametrize(("os_release", "says"), [
    ('NAME="CentOS Stream"\nID="centos"\nVERSION_ID="8"\n', "June 2024"),
    ('NAME="Fedora Linux"\nID=fedora\nVERSION_ID=44\n', "Fedora Linux 44, not CentOS Stream"),
    ('NAME="AlmaLinux"\nID="almalinux"\nVERSION_ID="9.6"\n', "not CentOS Stream"),
])
def test_host_that_is_none_of_ours(host9, refused, os_release, says):
    host9.write("/usr/lib/os-release", os_release)
    refused(host9, lambda: host9.converge(repositories=[repositories()]), says)
    info = host9.module("host_info", {})["host"]
    assert info["supported"] is False and says in info["refusal"]


def test_stream_8_whose_python_runs_no_module(host9, refused):
    host9.write("/usr/lib/os-release", 'NAME="CentOS Stream"\nID="centos"\nVERSION_ID="8"\n')
    old = {"ansible_python_interpreter": "/usr/bin/false"}
    refused(host9, lambda: host9.module("host_info", {}, variables=old), "June 2024")


@pytest.mark.parametrize(("fault", "says"), [
    (f"http://{hosts.GATEWAY}:9", "cannot be read"),
    (f"{hosts.SERVER}/fault/500", "cannot be read"),
    (f"{hosts.SERVER}/fault/truncated-metadata", "cannot be read"),
    (f"{hosts.SERVER}/fault/reset", "cannot be read"),
])
def test_mirror_that_fails(host9, refused, fault, says):
    want = definition(MAIN) | {"baseurl": fault + MAIN}
    refused(host9, lambda: host9.converge(check=True, repositories=[want], packages=SYSTEMD), says, "centos-hyperscale")


@pytest.mark.parametrize("fault", ["404-packages", "wrong-size"])
def test_package_that_cannot_be_had(host9, fault):
    result = host9.converge(repositories=[definition(f"/fault/{fault}{MAIN}")], packages=SYSTEMD, manager=[{}])
    assert "cannot be downloaded" in result["msg"] and result["refused"]
    assert "252-51" in host9.release() and host9.state() == "running"


def test_package_signed_by_another_key(host):
    result = host.converge(repositories=[definition("/otherkey" + MAIN)], packages=SYSTEMD, manager=[{}])
    assert "its signature is not one of the repository's own key" in result["msg"] and result["refused"]
    assert ".hs." not in host.release() and host.state() == "running"


def test_no_space_for_the_download(host9):
    host9.command("mkdir", "-p", "/var/cache/dnf")
    host9.command("mount", "-t", "tmpfs", "-o", "size=18m", "tmpfs", "/var/cache/dnf")
    result = host9.adopt()
    assert "KiB are free below /var/cache/dnf" in result["msg"] and result["refused"]
    assert "252-51" in host9.release()


def test_stock_package_without_a_successor(host9, refused):
    host9.command("dnf", "-y", "-q", "install", "systemd-oomd")
    refused(host9, host9.adopt, "systemd-oomd-252-51.el9", "none obsoletes it", "name it in 'erase'")
    result = host9.adopt(erase=["systemd-oomd"])
    assert result["changed"], result
    assert ".hs." in host9.release() and host9.state() == "running"


def test_build_that_an_exclude_hides(host9, refused):
    want = repositories(settings={"main": {"excludepkgs": ["systemd*"]}})
    refused(host9, lambda: host9.converge(repositories=[want], packages=SYSTEMD), "hidden by an exclude or version lock")


def test_dependent_that_would_break_is_named_and_nothing_is_erased(host9, refused, tmp_path):
    spec = tmp_path / "legacy-tool.spec"
    spec.write_text(
        "Name: legacy-tool\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\nRequires: systemd = 252\n"
        "%description\nx\n%files\n")
    common.run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}", spec])
    host9.put(next(tmp_path.rglob("*.noarch.rpm")), "/srv/legacy-tool.rpm")
    host9.command("rpm", "-i", "/srv/legacy-tool.rpm")
    refused(host9, host9.adopt, "legacy-tool-1-1.noarch", "cannot be brought together", "If this host can do without")


def test_version_that_nobody_offers(host9, refused):
    refused(host9, lambda: host9.adopt(version="999"), "no Hyperscale build of version 999", ".hs.el9 (centos-hyperscale)")


def test_repository_that_is_defined_already(host9):
    assert host9.converge(repositories=[repositories()])["changed"]
    result = host9.converge(repositories=[definition(MAIN)])
    assert "defines it already" in result["msg"]
