# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a host tells of files, units and packages that stay: links, owners, files in the way, edits, copies, partners."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, config, link, program,
)

from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import (
    config as config_checks, files, relations, units,
)

OLD = P(files={"/usr/bin/tool": program("old\n"), "/usr/bin/keep": program()})
UNIT = "/usr/lib/systemd/system/tool.service"


def said(findings):
    """Return check, subject's name and severity of findings."""
    return sorted((finding.check, finding.subject.name, finding.severity) for finding in findings)


def test_links_that_will_lead_nowhere(world):
    new = OLD.next(files={"/usr/bin/keep": program(), "/usr/bin/alias": link("tool"), "/usr/bin/good": link("keep")})
    world.install(OLD).link("/usr/local/bin/t", "/usr/bin/tool").link("/usr/local/bin/k", "/usr/bin/keep")
    assert said(files.links(world.swap((OLD,), (new,)))) == [
        ("symlink.dangling", "/usr/bin/alias", "low"), ("symlink.dangling", "/usr/local/bin/t", "high")]
    assert said(files.links(world.swap((OLD,), (OLD.next(),)))) == []


@pytest.mark.parametrize(("scripts", "missing"), [
    ({}, True), ({"pre": "getent passwd tool || useradd -r tool"}, False), ({"pre": "useradd -r toolbox"}, True),
    ({"pre": "echo tool"}, True), ({"post": "useradd -r tool"}, True)])
def test_owners_that_nobody_makes(world, scripts, missing):
    new = OLD.next(files={"/usr/bin/tool": program(owner="tool")}, scripts=scripts)
    world.install(OLD).write("/etc/passwd", "root:x:0:0::/:/bin/sh\n").write("/etc/group", "root:x:0:\n")
    assert said(files.users_missing(world.swap((OLD,), (new,)))) == ([("user.missing", "tool", "high")] if missing else [])
    world.write("/etc/passwd", "root:x:0:0::/:/bin/sh\ntool:x:7:7::/:/bin/sh\n")
    assert said(files.users_missing(world.swap((OLD,), (new,)))) == []


def test_files_that_are_in_the_way(world):
    new = OLD.next(files={**OLD.files, "/usr/bin/spade": program("new\n"), "/usr/bin/shovel": program("new\n")})
    world.install(OLD).write("/usr/bin/spade", "mine\n").write("/usr/bin/shovel", "new\n")
    assert said(files.in_the_way(world.swap((OLD,), (new,)))) == [("unowned.overwritten", "/usr/bin/spade", "medium")]


@pytest.mark.parametrize(("has", "edited", "check"), [
    (config("b", "noreplace"), True, "config.rpmnew"), (config("b"), True, "config.rpmsave"), (None, True, "config.rpmsave"),
    (config("a", "noreplace"), True, None), (config("b", "noreplace"), False, None), (None, False, None)])
def test_what_rpm_does_to_configuration(world, has, edited, check):
    old = P(files={"/etc/tool.conf": config("a", "noreplace")})
    world.install(old)
    if edited:
        world.write("/etc/tool.conf", "mine")
    new = old.next(files={"/etc/tool.conf": has} if has else {})
    assert [finding.check for finding in config_checks.fates(world.swap((old,), (new,)))] == ([check] if check else [])


def test_leftovers_and_overrides(world):
    world.install(OLD, P("owner", files={"/etc/dracut.conf.d/owned.conf": F()}))
    world.write("/etc/a.rpmnew").write("/etc/b/c.rpmsave").write("/etc/dracut.conf.d/x.conf").write("/etc/rpm/macros.x")
    swap = world.swap((OLD,), (OLD.next(),))
    assert [finding.subject.name for finding in config_checks.leftovers(swap)] == ["/etc/a.rpmnew", "/etc/b/c.rpmsave"]
    assert all(finding.baseline and not finding.blocking for finding in config_checks.leftovers(swap))
    assert sorted(finding.subject.name for finding in config_checks.overrides(swap)) == [
        "/etc/dracut.conf.d/x.conf", "/etc/rpm/macros.x"]


def test_copies_and_drop_ins_over_units_that_change(world):
    old = P(files={UNIT: F("[Service]\nNice=1\n")})
    world.install(old).write("/etc/systemd/system/tool.service.d/x.conf", "[Service]\n")
    changed = old.next(files={UNIT: F("[Service]\nNice=2\n")})
    assert said(units.shadowed(world.swap((old,), (changed,)))) == [
        ("config.shadowed", "/etc/systemd/system/tool.service.d/x.conf", "medium")]
    assert said(units.shadowed(world.swap((old,), (old.next(),)))) == []
    world.write("/etc/systemd/system/tool.service", "[Service]\n")
    assert len(said(units.shadowed(world.swap((old,), (changed,))))) == 2


def test_a_partner_of_another_architecture_stays_behind(world):
    partner = P("tool", arch="i686")
    world.install(OLD, partner)
    hit, = relations.partners(world.swap((OLD,), (OLD.next(),)))
    assert (hit.subject, hit.severity, hit.blocking) == (("package", "tool", "i686", ""), "high", True)
    assert list(relations.partners(world.swap((OLD, partner), (OLD.next(), partner.next())))) == []
    # A new build without an architecture takes the place of both.
    assert list(relations.partners(world.swap((OLD,), (OLD.next(arch="noarch"),)))) == []


def test_packages_of_one_source_stay_together(world):
    old = OLD.like(subs=(P("tool-libs"), P("tool-extra")))
    world.install(old, P("friend"))
    split = relations.siblings(world.swap((OLD,), (OLD.next(),)))
    assert [finding.consumers[0].name for finding in split] == ["tool-extra-1-1.x86_64", "tool-libs-1-1.x86_64"]
    assert list(relations.siblings(world.swap((old,), (old.next(),)))) == []
