# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repository files as CentOS Stream and other hands write them."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import repos

HYPERSCALE = """\
# centos-hyperscale.repo
[centos-hyperscale]
name=CentOS Stream $releasever - Hyperscale
metalink=https://mirrors.centos.org/metalink?repo=centos-hyperscale-sig-packages-main-$stream&arch=$basearch&protocol=https,http
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-HyperScale
enabled=1
priority=50
exclude=kernel* perf,
  bpftool

[centos-hyperscale-source]
name=CentOS Stream $releasever - Hyperscale - Source
metalink=https://mirrors.centos.org/metalink?repo=centos-hyperscale-sig-packages-main-source-$stream&arch=source
enabled=0
"""
BASE = "/etc/yum.repos.d/centos-hyperscale.repo"


def test_a_repository_is_read_with_the_hosts_own_text(host):
    host.write(BASE, HYPERSCALE)

    main, source = repos.gather(host.root, host.note)

    assert main == {
        "id": "centos-hyperscale",
        "name": "CentOS Stream $releasever - Hyperscale",
        "file": BASE,
        "enabled": True,
        "baseurl": [],
        "metalink": "https://mirrors.centos.org/metalink?repo=centos-hyperscale-sig-packages-main-$stream"
        "&arch=$basearch&protocol=https,http",
        "mirrorlist": None,
        "gpgcheck": True,
        "repo_gpgcheck": False,
        "gpgkey": ["file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-SIG-HyperScale"],
        "priority": 50,
        "cost": 1000,
        "excludepkgs": ["kernel*", "perf", "bpftool"],
        "includepkgs": [],
        "flavour": "main",
    }
    assert (source["enabled"], source["gpgcheck"], source["priority"], source["flavour"]) == (False, False, 99, None)
    assert host.notes == []


def test_checks_are_inherited_from_dnf_conf_and_a_repository_may_differ(host):
    host.write("/etc/dnf/dnf.conf", "[main]\ngpgcheck=True\nrepo_gpgcheck=yes\n")
    host.write(
        "/etc/yum.repos.d/a.repo", "[a]\nbaseurl=http://x/\n[b]\nbaseurl=http://x/\ngpgcheck=0\nrepo_gpgcheck=no\n"
    )
    found = {repo["id"]: (repo["gpgcheck"], repo["repo_gpgcheck"]) for repo in repos.gather(host.root, host.note)}
    assert found == {"a": (True, True), "b": (False, False)}


def test_reposdir_of_dnf_conf_replaces_the_folders(host):
    host.write("/etc/dnf/dnf.conf", "[main]\nreposdir=/srv/repos, /srv/more\n")
    host.write("/srv/repos/a.repo", "[a]\nbaseurl=http://x/\n")
    host.write("/srv/more/b.repo", "[b]\nbaseurl=http://y/,http://z/\n    http://w/\n")
    host.write("/etc/yum.repos.d/c.repo", "[c]\nbaseurl=http://x/\n")
    found = repos.gather(host.root, host.note)
    assert [(repo["id"], repo["baseurl"]) for repo in found] == [
        ("a", ["http://x/"]),
        ("b", ["http://y/", "http://z/", "http://w/"]),
    ]


@pytest.mark.parametrize("content", ["enabled=1\n", "[a\nname=x\n", "<html>404</html>\n"])
def test_a_malformed_file_costs_itself_alone(host, content):
    host.write("/etc/yum.repos.d/bad.repo", content)
    host.write("/etc/yum.repos.d/good.repo", "[good]\nbaseurl=http://x/\n")
    assert [repo["id"] for repo in repos.gather(host.root, host.note)] == ["good"]
    ((what, reason),) = host.notes
    assert what == "repos /etc/yum.repos.d/bad.repo"
    assert reason and "\n" not in reason


def test_a_malformed_dnf_conf_is_said_and_the_default_folders_are_read(host):
    host.write("/etc/dnf/dnf.conf", "gpgcheck=1\n")
    host.write("/etc/yum.repos.d/a.repo", "[a]\nbaseurl=http://x/\n")
    assert [repo["id"] for repo in repos.gather(host.root, host.note)] == ["a"]
    assert [what for what, _reason in host.notes] == ["repos /etc/dnf/dnf.conf"]


@pytest.mark.parametrize(
    ("content", "key", "expected"),
    [
        ("[main]\ngpgcheck=1\n[a]\nname=%x\n", "name", "%x"),
        ("[a]\nbaseurl=http://x/\n", "name", "a"),
        ("[a]\nbaseurl=http://x/\n", "enabled", True),
        ("[a]\nenabled=False\n", "enabled", False),
        ("[a]\nenabled=0\nenabled=1\n", "enabled", True),
        ("[a]\npriority=soon\ncost=\n", "priority", 99),
        ("[a]\nname=a:b\n", "name", "a:b"),
        ("\ufeff[a]\nincludepkgs=systemd*, rpm\n", "includepkgs", ["systemd*", "rpm"]),
    ],
)
def test_parse_repositories(content, key, expected):
    (repository,) = repos.parse_repositories(content, "/x.repo", {})
    assert repository[key] == expected


MIRROR = "https://mirror.stream.centos.org/SIGs/9-stream/hyperscale/"


@pytest.mark.parametrize(
    ("repo_id", "address", "expected"),
    [
        ("centos-hyperscale", "", "main"),
        ("centos-hyperscale-kernel", "", "kernel"),
        ("baseos", "https://mirror.stream.centos.org/9-stream/BaseOS/x86_64/os/", None),
        ("our-mirror", MIRROR + "x86_64/packages-experimental/", "experimental"),
        ("our-mirror", MIRROR + "$basearch/packages-facebook", "facebook"),
        (
            "hyperscale-packages-main",
            "https://x/metalink?repo=centos-hyperscale-sig-packages-main-9-stream&arch=x",
            "main",
        ),
        ("our-sources", MIRROR + "source/packages-main/", None),
        ("x-debug", "https://x/metalink?repo=centos-hyperscale-sig-packages-main-debug-$stream", None),
        ("x", MIRROR + "x86_64/packages-main/debug", None),
        ("x", "https://buildlogs.centos.org/centos/9-stream/hyperscale/x86_64/packages-main", None),
        ("centos-hyperscale-testing", MIRROR + "x86_64/packages-main/", None),
        ("kmods", "https://mirror/SIGs/9-stream/kmods/x86_64/packages-main/", None),
    ],
)
def test_flavour(repo_id, address, expected):
    assert repos.flavour(repo_id, [address]) == expected
