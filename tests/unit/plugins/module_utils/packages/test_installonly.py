# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages lie beside each other: what dnf's own configuration says, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import packages as facts
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import installonly, rpmdb

KERNEL, MODULE = "installonlypkg(kernel)", "installonlypkg(kernel-module)"


@pytest.fixture(name="configured")
def fixture_configured(tmp_path, monkeypatch):
    """Give dnf a configuration."""
    conf = pytest.importorskip("dnf.conf", reason="python3-dnf is not importable by this interpreter")

    def configured(text):
        path = tmp_path / "dnf.conf"
        path.write_text(text)
        read = conf.Conf.read
        monkeypatch.setattr(conf.Conf, "read", lambda self, filename=None, priority=None: read(self, str(path), priority))
        installonly.names.cache_clear()

    yield configured
    installonly.names.cache_clear()


def package(name, *provides, version="1"):
    return rpmdb.Package(name, 0, version, "1.el9", "x86_64", None, name, None, 0, (name, *provides))


@pytest.mark.parametrize(("built", "beside"), [
    (package("kernel"), True), (package("kernel-core", KERNEL), True), (package("kernel-64k-core", KERNEL), True),
    (package("kernel-rt-core", KERNEL), True), (package("kernel-debug-core", KERNEL), True),
    (package("kernel-uki-virt", KERNEL), True), (package("kernel-rt-kvm", MODULE), True), (package("kernel-devel", KERNEL), True),
    (package("kmod-btrfs", MODULE), True), (package("kernel-headers"), False), (package("kernel-tools"), False),
    (package("kmod-libs"), False), (package("kmod-of-a-vendor"), False)])
def test_a_package_lies_beside_another_by_what_it_provides(configured, built, beside):
    configured("[main]\n")
    assert installonly.is_one(built) is beside
    assert (facts.duplicates([built, built._replace(version="2")]) == []) is beside


@pytest.mark.parametrize(("text", "kernel", "tool"), [
    ("installonlypkgs=tool\n", True, True), ("installonlypkgs=\n", False, False), ("installonlypkgs=,tool\n", False, True),
    ("", True, False)])
def test_what_dnf_conf_says_counts(configured, text, kernel, tool):
    configured(f"[main]\n{text}")
    assert (installonly.is_one(package("kernel-core", KERNEL)), installonly.is_one(package("tool"))) == (kernel, tool)


def test_the_defaults_are_those_of_dnf(configured):
    configured("[main]\n")
    assert installonly.names() == frozenset(installonly.DEFAULTS)
