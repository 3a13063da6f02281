# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role repos: what dnf and rpm themselves say."""

from __future__ import annotations

SIG = "9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40"


def test_flavours_are_enabled(host):
    listed = host.check_output("dnf --quiet --cacheonly repolist --enabled")
    for repo_id in ("centos-hyperscale", "centos-hyperscale-experimental", "epel", "crb"):
        assert f"\n{repo_id} " in listed


def test_signatures_stay_checked_and_the_key_is_known(host):
    for path in host.check_output("find /etc/yum.repos.d -name '*.repo'").split():
        assert "\ngpgcheck=1\n" in host.file(path).content_string
    # Hosts with public repositories are told of no key: the role has the SIG's.
    fingerprint = host.ansible.get_variables().get("hyperscale_repos_key_fingerprint", SIG)
    assert fingerprint[-8:].lower() in host.check_output("rpm -q gpg-pubkey")


def test_settings_are_in_the_file_and_the_rest_of_it_is_as_shipped(host):
    text = host.file("/etc/yum.repos.d/CentOS-Stream-Hyperscale.repo").content_string
    assert "priority=50" in text and "excludepkgs=kernel*" in text
    stock = host.file("/etc/yum.repos.d/centos.repo").content_string
    assert "# Packages for developers; off unless something asks for it." in stock


def test_release_packages_came_in_one_transaction(host):
    assert host.package("centos-release-hyperscale").is_installed
    assert host.package("centos-release-hyperscale-experimental").is_installed
    rows = [line for line in host.check_output("dnf --quiet history list").splitlines() if "centos.hyperscale" in line]
    assert len(rows) == 1


def test_state_is_private(host):
    assert host.file("/var/lib/centos-hyperscale").mode == 0o700
    ledgers = host.check_output("find /var/lib/centos-hyperscale/ledger -name '*.jsonl' -printf '%m\\n'").split()
    assert ledgers and set(ledgers) == {"600"}
