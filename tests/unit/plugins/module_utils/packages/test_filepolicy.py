# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a package were installed, read from rpm's database and had again by rpm."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import callback, filepolicy, jobfile, paths, repair
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.filepolicy import Entry, Policy

rpm = pytest.importorskip("rpm", reason="python3-rpm is not importable by this interpreter")
SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{{buildroot}}/usr/share/doc/{name} %{{buildroot}}/usr/share/man/de %{{buildroot}}/usr/lib
for lang in de fr; do
  mkdir -p %{{buildroot}}/usr/share/locale/$lang
  echo {version} > %{{buildroot}}/usr/share/locale/$lang/{name}
done
echo {version} > %{{buildroot}}/usr/share/doc/{name}/README
echo {version} > %{{buildroot}}/usr/share/man/de/{name}
echo {version} > %{{buildroot}}/usr/lib/{name}
%post -p <lua>
posix.mkdir("/ran-{name}-{version}-" .. tostring(arg[2]))
%files
/usr/lib/{name}
%doc /usr/share/doc/{name}/README
%lang(de) %doc /usr/share/man/de/{name}
%lang(de) /usr/share/locale/de/{name}
%lang(fr) /usr/share/locale/fr/{name}
"""
ALL = {"lib", "doc", "man", "de", "fr"}


@pytest.fixture(name="built", scope="module")
def fixture_built(tmp_path_factory):
    """Build two packages in two versions; return their paths by name and version."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("rpmbuild is not installed")
    folder = tmp_path_factory.mktemp("built")
    for name in ("alpha", "beta"):
        for version in (1, 2):
            spec = folder / "made.spec"
            spec.write_text(SPEC.format(name=name, version=version))
            subprocess.run(
                ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/top", "--define", f"_rpmdir {folder}", str(spec)],
                check=True)
    return {
        (name, version): str(folder / "noarch" / f"{name}-{version}-1.noarch.rpm")
        for name in ("alpha", "beta") for version in (1, 2)}


class Host:
    """A root with a database of its own, which the code under test takes for the host."""

    def __init__(self, root, monkeypatch):
        self.root = str(root)
        make = rpm.TransactionSet
        monkeypatch.setattr(rpm, "TransactionSet", lambda: make(self.root))
        monkeypatch.setattr(repair.unwritable, "refuse", lambda _root, _touches: None)
        self.callback = callback.Callback(jobfile.Folder(self.root))

    def install(self, policies, **paths_of):
        """Install packages, by name, as some policies say, by name."""
        come = {f"{name}-{os.path.basename(path).split('-')[1]}-1.noarch": path for name, path in paths_of.items()}
        by_nevra = None if policies is None else {
            nevra: policies[nevra.partition("-")[0]] for nevra in come}
        leave = [nevra for nevra in repair.installed() if nevra not in come]
        repair.make(repair.Work(come, leave, (), (), by_nevra), 0.0, self.callback)

    def files(self, name):
        """Return which files of a package are there, which must be those that rpm has as installed."""
        header, = rpm.TransactionSet().dbMatch("name", name)
        there = {
            "lib": f"/usr/lib/{name}", "doc": f"/usr/share/doc/{name}/README", "man": f"/usr/share/man/de/{name}",
            "de": f"/usr/share/locale/de/{name}", "fr": f"/usr/share/locale/fr/{name}"}
        found = {key for key, path in there.items() if os.path.exists(self.root + path)}
        assert {there[key] for key in ALL - found} == set(filepolicy.skipped(header))
        return found


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    rpm.addMacro("_pkgverify_level", "none")
    yield Host(tmp_path, monkeypatch)
    rpm.delMacro("_pkgverify_level")


def policy_of(name):
    header, = rpm.TransactionSet().dbMatch("name", name)
    return filepolicy.of_package(filepolicy.entries(header), filepolicy.skipped(header))


POLICIES = [
    (Policy(), ALL), (Policy(docs=False), {"lib", "de", "fr"}), (Policy(langs=("de",)), {"lib", "doc", "man", "de"}),
    (Policy(langs=()), {"lib", "doc"}), (Policy(False, ("fr",)), {"lib", "fr"}), (Policy(False, ()), {"lib"})]


@pytest.mark.parametrize(("policy", "there"), POLICIES)
@pytest.mark.parametrize("macros", [{}, {"_excludedocs": "1", "_install_langs": "xx"}])
def test_what_was_installed_is_read_and_had_again_whatever_the_host_says_by_then(host, built, policy, there, macros):
    host.install({"alpha": policy}, alpha=built["alpha", 1])
    assert host.files("alpha") == there and policy_of("alpha") == policy
    for name, value in macros.items():
        rpm.addMacro(name, value)
    try:
        host.install(None, alpha=built["alpha", 2])
        assert host.files("alpha") == ({"lib"} if macros else ALL)
        host.install({"alpha": policy}, alpha=built["alpha", 1])
    finally:
        for name in macros:
            rpm.delMacro(name)
    assert host.files("alpha") == there


@pytest.mark.parametrize(("one", "other"), [
    (POLICIES[0], POLICIES[1]), (POLICIES[2], POLICIES[5]), (POLICIES[4], POLICIES[0]), (POLICIES[2], POLICIES[4])])
def test_two_packages_come_back_each_as_it_was_and_scriptlets_run_once(host, built, one, other):
    host.install({"alpha": one[0], "beta": other[0]}, alpha=built["alpha", 1], beta=built["beta", 1])
    assert (host.files("alpha"), host.files("beta")) == (one[1], other[1])
    assert [name for name in os.listdir(host.root) if name.startswith("ran-alpha")] == ["ran-alpha-1-1"]


@pytest.mark.parametrize(("files", "left_out", "expected"), [
    ([], [], None), ([Entry("/d", True, ())], [], Policy()), ([Entry("/d", True, ())], ["/d"], Policy(False)),
    # A document that somebody excluded by its path is not the policy of the others.
    ([Entry("/d", True, ()), Entry("/e", True, ())], ["/d"], Policy()),
    ([Entry("/m", True, ("de",))], ["/m"], Policy(False)),
    ([Entry("/m", True, ("de",)), Entry("/l", False, ("de", "at"))], ["/m"], Policy(False)),
    ([Entry("/l", False, ("de",)), Entry("/f", False, ("fr",))], ["/f"], Policy(langs=("de",)))])
def test_the_policy_of_a_package(files, left_out, expected):
    assert filepolicy.of_package(files, left_out) == expected


def test_packages_that_any_policy_leaves_the_same_decide_nothing():
    policies = {"a": None, "b": Policy(False), "c": Policy(), "d": None}
    main = filepolicy.strictest(policies.values())
    assert main == Policy(False) and filepolicy.others(policies, main) == {Policy(): ["c"]}
    assert filepolicy.strictest([None]) == Policy()


def test_the_flags_of_dnf_are_kept_but_for_that_on_documentation():
    assert Policy().flags(["nodocs", "nocontexts"]) == ["nocontexts"]
    assert Policy(False).flags(["nocontexts"]) == ["nocontexts", "nodocs"]
    assert filepolicy.flag_bits(["nodocs", "noscripts", "nobody-knows"]) == (
        rpm.RPMTRANS_FLAG_NODOCS | rpm.RPMTRANS_FLAG_NOSCRIPTS)


def test_a_package_that_cannot_be_unpacked_is_told(host, built):
    os.makedirs(f"{host.root}/usr/lib/alpha/in-the-way")
    with pytest.raises(repair.Failed, match="alpha"):
        host.install(None, alpha=built["alpha", 1])


def test_a_database_that_is_not_as_planned_is_told_although_rpm_ended_well(host, built):
    host.install(None, alpha=built["alpha", 1])
    with pytest.raises(repair.Failed, match="beta-1-1.noarch is missing; alpha-1-1.noarch is still there.*rpm -e --noscripts"):
        repair.prove(["beta-1-1.noarch"], ["alpha-1-1.noarch"], host.callback)
    assert paths.nevra_of(next(iter(rpm.TransactionSet().dbMatch()))) == "alpha-1-1.noarch"


def code_of(act):
    try:
        act()
    except repair.Failed as failed:
        return failed.problems[0].code
    return ""


def test_a_package_is_unpacked_once_nothing_is_in_its_way(host, built):
    os.makedirs(f"{host.root}/usr/lib/alpha/in-the-way")
    assert code_of(lambda: host.install(None, alpha=built["alpha", 1])) == "transaction.cannot_complete"
    os.rename(f"{host.root}/usr/lib/alpha", f"{host.root}/usr/lib/alpha.away")
    # Each run is a process of its own.
    host.callback = callback.Callback(jobfile.Folder(host.root))
    assert code_of(lambda: host.install(None, alpha=built["alpha", 1])) == ""


def test_a_transaction_is_whole_once_rpm_carried_it_out(host, built):
    assert code_of(lambda: repair.prove(["alpha-1-1.noarch"], [], host.callback)) == "transaction.incomplete"
    host.install(None, alpha=built["alpha", 1])
    assert code_of(lambda: repair.prove(["alpha-1-1.noarch"], [], host.callback)) == ""
