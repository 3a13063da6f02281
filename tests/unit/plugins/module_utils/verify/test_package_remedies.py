# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real dnf refuses on real repositories: each refusal has its code, and is gone once its remedy is followed."""

from __future__ import annotations

import os
import shutil

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, foreign
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import (
    builds, choose, dnf_base, rpmdb, solver, supply, wishes,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import packages as section
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import release
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.flavours import FLAVOURS
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.sets import SETS
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


class Host(hostlab.Lab):
    """A host with some repositories, each of which dnf can be opened with or without."""

    def __init__(self, folder, workshop):
        super().__init__(folder, workshop)
        self.below = folder
        self.repositories = {}
        self.opened, self.tried = [], 0

    def offer(self, repo, *paths):
        """Make a repository, or make it anew."""
        shutil.rmtree(self.below / repo, ignore_errors=True)
        self.repositories[repo] = hostlab.Repository(self.below / repo, *paths)

    def dnf(self, *repos, **options):
        """Open dnf with some of the repositories, all when none is named."""
        told = {
            repo: (f"file://{self.repositories[repo].folder}", options.get(repo, {})) for repo in repos or self.repositories}
        self.tried += 1
        self.opened.append(hostlab.open_base(self, self.below / f"dnf{self.tried}", **told))
        return self.opened[-1]

    def installed(self):
        """Return the installed packages as sections have them."""
        found = self.dnf().sack.query().installed()
        fields = dict.fromkeys(rpmdb.Package._fields)
        return [rpmdb.Package(**{
            **fields, "name": p.name, "epoch": p.epoch, "version": p.version, "release": p.release, "arch": p.arch,
            "vendor": p.vendor, "source": p.source_name, "provides": (p.name,)}) for p in found]

    def close(self):
        for base in self.opened:
            base.close()


@pytest.fixture(name="host")
def fixture_host(tmp_path, workshop):
    host = Host(tmp_path, workshop)
    yield host
    host.close()


def ours(workshop, name, version="2", **more):
    return workshop.rpm(name, version, "1.hs.el9", vendor=builds.VENDOR, **more)


def chosen(host, base, **want):
    """Return the codes of what is in the way of a wish, and of one that is solved."""
    wish = {name: option.get("default") for name, option in section.OPTIONS.items()} | want
    found = choose.jobs(base, [wish], wishes.State(host.installed(), set(), [], set()))
    if found.problems:
        return {problem.code for problem in found.problems}
    erase = [package for package in base.sack.query().installed() if solver.nevra_of(package) in found.erase]
    return solved(base, found.install, erase)


def solved(base, install, erase=()):
    return raised(lambda: solver.solve(base, install, list(erase)))


def raised(act):
    """Return the codes of what an act raises, none when it raises nothing."""
    try:
        act()
    except Exception as error:
        return {problem.code for problem in foreign.problems(error)}
    return set()


def test_a_package_that_no_repository_has_is_enabled_or_named_right(host, workshop):
    host.offer("base", workshop.rpm("other"))
    host.offer("sig", ours(workshop, "zstd"))
    assert chosen(host, host.dnf("base"), names=["zstd"]) == {"package.not_offered"}
    assert chosen(host, host.dnf("base", "sig"), names=["zstd"]) == set()
    assert chosen(host, host.dnf("base", "sig"), names=["zstdd"]) == {"package.not_offered"}


def test_another_version_is_asked_for_or_its_repository_enabled(host, workshop):
    host.offer("sig", ours(workshop, "zstd"))
    host.offer("old", ours(workshop, "zstd", "1"))
    assert chosen(host, host.dnf("sig"), names=["zstd"], version="1") == {"package.version_not_offered"}
    assert chosen(host, host.dnf("sig"), names=["zstd"], version="2") == set()
    assert chosen(host, host.dnf("sig", "old"), names=["zstd"], version="1") == set()


def test_an_exclude_is_lifted(host, workshop):
    host.offer("sig", ours(workshop, "zstd"))
    assert chosen(host, host.dnf(sig={"excludepkgs": ["zstd"]}), names=["zstd"]) == {"package.hidden"}
    assert chosen(host, host.dnf(), names=["zstd"]) == set()


def test_a_package_without_a_successor_is_erased_or_stays(host, workshop):
    host.have("libzstd", "1", source="zstd")
    host.have("libzstd-devel", "1", source="zstd")
    host.offer("sig", ours(workshop, "libzstd", source="zstd"))
    assert chosen(host, host.dnf(), names=["libzstd"]) == {"package.no_successor"}
    assert chosen(host, host.dnf(), names=["libzstd"], erase=["libzstd-devel"]) == set()


def test_the_flavour_of_a_set_is_enabled_or_the_set_left_out(host, workshop):
    wanted, flavour = SETS["openssh"], FLAVOURS[SETS["openssh"].flavour].repo_id
    host.offer("base", workshop.rpm("other"))
    host.offer(flavour, *(ours(workshop, name, source="openssh") for name in wanted.lead))
    assert chosen(host, host.dnf("base"), set="openssh") == {"package.flavour_not_enabled"}
    assert chosen(host, host.dnf("base", flavour), set="openssh") == set()


def test_a_tool_comes_from_a_repository_that_is_enabled(host, workshop):
    host.offer("other", workshop.rpm("other"))
    host.offer("extras-common", workshop.rpm("centos-release-hyperscale"))
    act = choose.newest
    assert raised(lambda: act(host.dnf("other"), "centos-release-hyperscale")) == {"package.tool_not_offered"}
    assert raised(lambda: act(host.dnf("extras-common"), "centos-release-hyperscale")) == set()


def newer(base, name):
    return [max(base.sack.query().available().filter(name=name))]


def test_what_would_go_unnamed_is_named(host, workshop, monkeypatch):
    host.have("lib", "1")
    host.have("tool", "1", tags=["Requires: lib"])
    host.offer("sig", workshop.rpm("other"))

    def going(*names):
        base = host.dnf()
        found = [package for package in base.sack.query().installed() if package.name in names]
        # What dnf removes because nothing needs it any more is not among what was asked for.
        items = [solver.Item("erase", name, "1-1.el9", "noarch", "@System", 0, 0) for name in ("lib", "tool")]
        monkeypatch.setattr(solver, "_items", lambda _base: items)
        return solved(base, [], found)

    assert going("tool") == {"transaction.erases_unnamed"}
    assert going("tool", "lib") == set()


def test_packages_that_rule_each_other_out_come_together_without_one(host, workshop):
    host.have("guest", "1")
    host.offer("sig", workshop.rpm("tool", "2", tags=["Conflicts: guest"]))
    base = host.dnf()
    with pytest.raises(errors.Refused) as refused:
        solver.solve(base, newer(base, "tool"), [])
    [problem] = refused.value.problems
    assert problem.code == "transaction.unsolvable" and "without guest-1-1.el9.noarch" in problem.remedy
    base = host.dnf()
    assert solved(base, newer(base, "tool"), [p for p in base.sack.query().installed() if p.name == "guest"]) == set()


def test_a_package_that_dnf_protects_goes_once_it_is_not_protected(host, workshop):
    host.have("guarded", "1")
    host.offer("sig", workshop.rpm("tool", "2"))
    codes = []
    for protected in (["guarded"], []):
        base = host.dnf()
        base.conf.protected_packages = protected
        try:
            solver.solve(base, newer(base, "tool"), [p for p in base.sack.query().installed() if p.name == "guarded"])
        except errors.Refused as refused:
            codes += [problem.code for problem in refused.problems]
            assert "'protected_packages'" in refused.problems[0].remedy and "guarded" in refused.problems[0].remedy
    assert codes == ["transaction.protected"]


def test_a_plan_that_is_made_anew_has_what_there_is(host, workshop):
    host.offer("sig", workshop.rpm("tool", "1"))
    planned = solver.nevra_of(newer(host.dnf(), "tool")[0])
    host.offer("sig", workshop.rpm("tool", "2"))
    assert raised(lambda: solver.exact(host.dnf(), planned)) == {"transaction.package_gone"}
    again = solver.nevra_of(newer(host.dnf(), "tool")[0])
    assert raised(lambda: solver.exact(host.dnf(), again)) == set()


def test_a_build_that_is_on_offer_again_can_be_brought_back(host, workshop):
    mine = host.have("tool", "1")
    host.offer("base", workshop.rpm("tool", "2"))
    host.offer("old", mine)
    nevra = "tool-1-1.el9.noarch"
    assert solver.same_build(host.dnf("base"), nevra) is None
    assert solver.no_way_back(nevra).code == "package.no_way_back"
    assert solver.same_build(host.dnf("base", "old"), nevra) is not None


def test_a_download_that_failed_goes_through_once_the_mirror_has_the_package(host, workshop):
    path = workshop.rpm("tool", "1")
    host.offer("sig", path)
    base = host.dnf()
    server = hostlab.Server(host.repositories["sig"].folder)
    try:
        host.repositories["sig"].folder.joinpath(os.path.basename(path)).rename(host.below / "kept.rpm")
        base = hostlab.open_base(host, host.below / "web", sig=(server.url, {"retries": 1}))
        host.opened.append(base)
        wanted = newer(base, "tool")
        assert raised(lambda: supply._download(base, wanted, lambda holder: None, 1.0)) == {"package.download_failed"}
        (host.below / "kept.rpm").rename(host.repositories["sig"].folder / os.path.basename(path))
        assert raised(lambda: supply._download(base, wanted, lambda holder: None, 1.0)) == set()
    finally:
        server.close()


def test_a_cache_that_is_full_holds_packages_once_there_is_room(host, workshop, monkeypatch):
    path = workshop.rpm("tool", "1")
    host.offer("sig", path)
    server = hostlab.Server(host.repositories["sig"].folder)
    try:
        base = hostlab.open_base(host, host.below / "web", sig=(server.url, {}))
        host.opened.append(base)
        usage = shutil.disk_usage(host.below)
        for free, codes in ((1 << 20, {"cache.no_space"}), (usage.total, set())):
            monkeypatch.setattr(supply.shutil, "disk_usage", lambda _path, free=free: usage._replace(free=free))
            assert raised(lambda: supply._refuse_full_disk(base.conf.cachedir, newer(base, "tool"))) == codes
    finally:
        server.close()


def test_a_repository_that_is_not_whole_is_read_once_it_is_made_anew(host, workshop):
    host.offer("sig", workshop.rpm("tool", "1"))
    metadata = host.repositories["sig"].folder / "repodata/repomd.xml"
    whole = metadata.read_text()
    metadata.write_text(whole[:200])
    assert raised(host.dnf) == {"dnf.repository"}
    host.repositories["sig"].index()
    assert raised(host.dnf) == set()


def test_a_package_that_dnf_does_not_find_is_found_once_its_repository_is_enabled(host, workshop):
    host.offer("base", workshop.rpm("other"))
    host.offer("sig", workshop.rpm("tool", "1"))
    assert raised(lambda: host.dnf("base").install("tool")) == {"dnf.no_match"}
    assert raised(lambda: host.dnf("sig").install("tool")) == set()


def test_what_dnf_check_names_is_mended_and_dnf_finds_a_solution(host, workshop):
    host.have("guest", "1")
    host.offer("sig", workshop.rpm("tool", "1", tags=["Conflicts: guest"]))

    def resolve(base):
        base.install("tool")
        for package in [p for p in base.sack.query().installed() if p.name in mended]:
            base.package_remove(package)
        base.resolve()

    mended = []
    assert raised(lambda: resolve(host.dnf())) == {"dnf.no_solution"}
    mended = ["guest"]
    assert raised(lambda: resolve(host.dnf())) == set()


def test_a_release_package_is_looked_into_once_its_repository_is_enabled(host, workshop, monkeypatch):
    # Signatures are the matter of packages/test_keys.py.
    monkeypatch.setattr(release, "check_packages", lambda *_given: None)
    name = "centos-release-hyperscale"
    path = workshop.rpm(name)
    host.offer("base", workshop.rpm("other"))
    host.offer("extras-common", path)
    assert raised(lambda: release.look_into(host.dnf("base"), [name], str(host.below))) == {"package.release_not_offered"}
    kept = host.below / "kept.rpm"
    place = host.repositories["extras-common"].folder / os.path.basename(path)
    base = host.dnf("extras-common")
    place.rename(kept)
    assert raised(lambda: release.look_into(base, [name], str(host.below))) == {"package.release_download_failed"}
    kept.rename(place)
    assert raised(lambda: release.look_into(host.dnf("extras-common"), [name], str(host.below))) == set()


def test_a_package_of_another_source_comes_from_the_right_one_once_that_is_on_offer(host, workshop):
    item = solver.Item("install", "libperf", "6-1.hs.el9", "noarch", "sig", 0, 0, "kernel-tools")
    host.offer("sig", workshop.rpm("other"))
    assert raised(lambda: section._right_builds(host.dnf(), [item])) == {"package.source_not_offered"}
    assert raised(lambda: section._right_builds(host.dnf(), [])) == set()
    host.offer("sig", workshop.rpm("libperf", "6", "1.hs.el9", source="perf"))
    assert raised(lambda: section._right_builds(host.dnf(), [item])) == set()


def test_a_definition_that_dnf_does_not_accept_is_accepted_with_an_address(host, workshop):
    host.offer("base", workshop.rpm("other"))
    for text, codes in (("[x]\nbaseurl\n", {"repository.not_accepted"}), ("[x]\nname=x\nbaseurl=file:///x\n", set())):
        spec = solver.RepoSpec("x", text, [], "")
        assert raised(lambda spec=spec: dnf_base._read_specs(host.dnf(), [spec], str(host.below))) == codes


def test_a_repository_that_cannot_be_read_is_read_once_it_is_whole(host, workshop, monkeypatch):
    host.offer("base", workshop.rpm("other"))
    metadata = host.repositories["base"].folder / "repodata"
    metadata.rename(host.below / "away")
    conf = host.write("/etc/dnf/dnf.conf", "[main]\nreposdir=/nowhere\nplugins=0\n")
    dnf = pytest.importorskip("dnf")
    plain = dnf.Base

    def base():
        made = plain()
        made.conf.config_file_path, made.conf.installroot, made.conf.reposdir = str(conf), host.root, []
        made.conf.cachedir = made.conf.persistdir = made.conf.logdir = str(host.below / "dnf")
        made.conf.substitutions["releasever"] = "9"
        host.opened.append(made)
        return made

    monkeypatch.setattr(dnf_base.dnf, "Base", base)
    spec = solver.RepoSpec("base", f"[base]\nname=x\nbaseurl=file://{metadata.parent}\ngpgcheck=0\n", [], "")

    def opened():
        shutil.rmtree(host.below / "dnf", ignore_errors=True)
        (host.below / "dnf").mkdir()
        dnf_base.open_base([spec], str(host.below / "dnf"), dnf_base.Settings(None, False, False))

    assert raised(opened) == {"repository.unreadable"}
    (host.below / "away").rename(metadata)
    assert raised(opened) == set()


def test_a_transaction_without_anything_to_do_is_told(host, workshop):
    host.offer("base", workshop.rpm("other"))
    assert raised(lambda: section._solve(host.dnf(), choose.Jobs([], [], []))) == {"transaction.nothing_found"}


def test_dnf_itself_downloads_once_the_mirror_has_the_package(host, workshop):
    path = workshop.rpm("tool", "1")
    host.offer("sig", path)
    place, kept = host.repositories["sig"].folder / os.path.basename(path), host.below / "kept.rpm"
    server = hostlab.Server(host.repositories["sig"].folder)
    try:
        base = hostlab.open_base(host, host.below / "web", sig=(server.url, {"retries": 1}))
        host.opened.append(base)
        place.rename(kept)
        assert raised(lambda: base.download_packages(newer(base, "tool"))) == {"dnf.download"}
        kept.rename(place)
        assert raised(lambda: base.download_packages(newer(base, "tool"))) == set()
    finally:
        server.close()
