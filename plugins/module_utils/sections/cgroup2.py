# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(cgroup2): the unified control group hierarchy is in use, and nothing holds on to the legacy one.

It changes nothing by itself: arguments are taken away by section C(boot), and a boot does the rest. It is where the users of
the legacy hierarchy are found before that boot takes it from them, and where the host is held to it afterwards.
"""

from __future__ import annotations

import typing as t

from ..core.errors import Problem
from ..core.host_io import Target
from ..core.planning import BOOT, Context, Pending, Planned
from ..facts import cgroup, cgroup_users, mounts
from ..facts.consumer import Consumer
from ..facts.view import View
from ..packages.rpmdb import EVR_ORDER, Package

SECTION = "cgroup2"
OPTIONS: dict[str, t.Any] = {
    "accept": {"type": "list", "elements": "str", "default": []},
}
# No step of its own.
ACTIONS: dict[str, t.Any] = {}

UNIFIED = "unified"
# The first version of each container runtime that runs on the unified hierarchy alone, by its own release notes.
RUNTIMES = {"containerd.io": "1.4", "docker-ce": "20.10", "kubelet": "1.25", "moby-engine": "20.10", "runc": "1.0.0~rc93"}


class State(t.NamedTuple):
    """How control groups are mounted, what on the running kernel's command line asks for it, and who uses the legacy one."""

    hierarchy: str
    asking: list[str]
    users: list[Consumer]


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    return [
        Problem(
            "cgroup2.empty_name", "cgroup2: accept", "one of the names is empty",
            "Write names as the refusal has them, or leave the list empty")
        for want in wants if not all(name.strip() for name in want["accept"])]


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Look at mounts, the command line, and local configuration. Nothing is written."""
    view = View(target.root, target.probe)
    asking = [found.detail for found in cgroup_users.cgroup_v1(view) if found.type == "kernel-argument"]
    return State(cgroup.mode(mounts.gather(target.root)), asking, cgroup_users.users(view))


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what is in the way of a boot into the unified hierarchy, that it is waited for, or what is left of the other."""
    accepted = {name for want in wants for name in want["accept"]}
    found = [user for user in [*state.users, *old_runtimes(context.installed)] if user.name not in accepted]
    if state.hierarchy == UNIFIED:
        held = [user for user in found if user.type == "filesystem"]
        told = [user for user in found if user not in held]
        return Planned([], [_problem(user) for user in held], warnings=[
            f"{_named(user)}: this is of the legacy control group hierarchy, which this host does not use" for user in told])
    problems = [_problem(user) for user in found]
    if not state.asking:
        problems.append(Problem(
            "cgroup2.legacy_mounted", f"control groups are mounted {state.hierarchy} on {cgroup.CGROUP_ROOT}",
            "the kernel command line does not ask for that",
            "Find out what mounts them. Where that is systemd by its own default: take systemd.unified_cgroup_hierarchy out of "
            "'boot.args_absent', and add systemd.unified_cgroup_hierarchy=1 to 'boot.args' in a run without section cgroup2. "
            "Then boot, and run again"))
        return Planned([], problems)
    return Planned([], problems, [Pending(
        SECTION, "the unified hierarchy", BOOT,
        f"control groups are mounted {state.hierarchy} until a boot without {', '.join(state.asking)}")])


def old_runtimes(installed: t.Sequence[Package]) -> list[Consumer]:
    """Return the container runtimes that are too old for the unified hierarchy."""
    return [
        Consumer("package", package.name, f"{package.version}; the unified hierarchy needs {RUNTIMES[package.name]} or newer")
        for package in installed
        if package.name in RUNTIMES and EVR_ORDER(package.version) < EVR_ORDER(RUNTIMES[package.name])]


def _named(user: Consumer) -> str:
    return f"{user.type} {user.name} ({user.detail})" if user.detail else f"{user.type} {user.name}"


def _problem(user: Consumer) -> Problem:
    return Problem(
        "cgroup2.legacy_user",
        _named(user), "it uses the legacy control group hierarchy",
        f"Move it to the unified one, or name it in 'accept' as {user.name}", subject=user.name)
