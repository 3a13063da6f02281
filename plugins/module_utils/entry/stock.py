# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going to the packages of the distribution without the ledger: the wishes for every Hyperscale build of a host."""

from __future__ import annotations

import typing as t

from ..core import health, run as engine_run
from ..core.errors import Refused
from ..core.host_io import Target
from ..core.registry import Registry, Wishes
from ..tables.families import FAMILIES

STOCK = "stock"


def wishes(registry: Registry, builds: t.Sequence[t.Mapping[str, t.Any]], erase: t.Sequence[str]) -> Wishes:
    """Return the wishes for some installed Hyperscale builds, as the facts describe them. C(erase) are names of packages that the
    host can do without; what newer builds of a family split off goes with them, because the stock builds have it in others."""
    families = {
        family.name: sorted({*erase, *(build["name"] for build in builds if build["name"] in family.splits)})
        for family in FAMILIES.values() if any(build["source"] in family.sources for build in builds)}
    loose = sorted({
        build["name"] for build in builds if not any(build["source"] in family.sources for family in FAMILIES.values())}
        - set(erase))
    packages = [
        _whole(registry, "packages", family=family, to=STOCK, erase=gone) for family, gone in sorted(families.items())]
    if loose:
        packages.append(_whole(registry, "packages", names=loose, to=STOCK, erase=list(erase)))
    return registry.wishes_of({
        "packages": packages,
        "boot": [_whole(registry, "boot", kernel=STOCK)] if "kernel" in families else [],
        "manager": [_whole(registry, "manager", activate="reexec")] if "systemd" in families else [],
    })


def _whole(registry: Registry, section: str, **given: t.Any) -> dict[str, t.Any]:
    """Return a wish with what Ansible would fill in for the options that are not given."""
    options = registry.options[section]
    return {name: given.get(name, option.get("default")) for name, option in options.items()}


def go(
    target: Target, registry: Registry, ways: engine_run.Ways, builds: t.Sequence[t.Mapping[str, t.Any]], erase: t.Sequence[str],
) -> engine_run.Report:
    """Bring all Hyperscale builds to stock, and end the ledger: a whole one when they are there, any other before that."""
    wanted = wishes(registry, builds, erase)
    whole = not health.problems(target, registry.kinds)
    if ways.check:
        report, problems = engine_run.foresee(target, registry, wanted, ways._replace(rely=whole))
        if problems:
            raise Refused(*problems)
        return report if whole else report._replace(left=engine_run.forget(target, registry, ways).left)
    moved = [] if whole else engine_run.forget(target, registry, ways).left
    report = engine_run.converge(target, registry, wanted, ways)
    accepted = engine_run.accept(target, registry, ways)
    return report._replace(
        run=report.run or accepted.run, plan=report.plan._replace(actions=[*report.plan.actions, *accepted.plan.actions]),
        left=[*moved, *report.left])
