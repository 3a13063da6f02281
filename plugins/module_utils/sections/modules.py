# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(modules): kernel modules that are loaded now, and at every boot by modules-load.d(5).

Whether a kernel has a module is read from its own lists (modules.dep, modules.builtin; depmod(8)), so that planning
loads nothing.
"""

from __future__ import annotations

import re
import typing as t

from ..core.engine import ACTIVATE, CONFIGURE, Action
from ..core.errors import Failed, Problem
from ..core.host_io import FileState, Target
from ..core.planning import BOOT, Context, Pending, Planned
from ..facts.kernel_modules import PACKAGE, available, loaded, normal
from ..packages.solver import COMING
from ..shared.file import FileAction

OPTIONS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "loaded": {"type": "bool", "default": True},
    "at_boot": {"type": "bool", "default": True},
}

SECTION = "modules"
MODULE_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]*$")


class State(t.NamedTuple):
    """What the section decides on: the running kernel's release, what it has loaded or built in, the wanted modules that each
    installed kernel has, and what each file of ours holds."""

    running: str
    loaded: set[str]
    offered: dict[str, set[str]]
    files: dict[str, FileState | None]


class BootFileAction(FileAction):
    """The file that has a module loaded at boot."""

    section = SECTION
    kind = "module-at-boot"
    phase = CONFIGURE


class LoadAction(Action):
    """Loads a module into the running kernel. Undo takes it out again, unless something uses it by then."""

    section = SECTION
    kind = "module"
    phase = ACTIVATE

    def apply(self, target: Target) -> None:
        target.run(["modprobe", "--", self.subject])

    def undo(self, target: Target) -> None:
        # Status 1: it is in use. A module that stays until the next boot harms nobody.
        target.run(["modprobe", "--remove", "--", self.subject], okay=(0, 1))

    def verify(self, target: Target) -> None:
        if normal(self.subject) not in loaded(target.root):
            raise Failed(Problem(
                "kernel_module.not_loaded",
                f"kernel module {self.subject} is not loaded", "modprobe ended without an error", "Look at 'dmesg' on the host",
                subject=self.subject))


ACTIONS = {action.kind: action for action in (BootFileAction, LoadAction)}


def boot_file(name: str) -> str:
    """Return the path of the file that has a module loaded at boot."""
    return f"/etc/modules-load.d/centos-hyperscale-{name}.conf"


def validate(wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, whatever the host."""
    return [
        Problem(
            "kernel_module.name", f"kernel module {want['name']!r}", "it is not the name of a module",
            "Write it as 'lsmod' shows it",
            subject=want["name"])
        for want in wants if not MODULE_NAME.match(want["name"])]


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read which modules are loaded, and which kernels have the wanted ones."""
    found = available(target.root, target.run(["uname", "-r"]).strip(), [want["name"] for want in wants])
    return State(*found, files={boot_file(want["name"]): target.read(boot_file(want["name"])) for want in wants})


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return what loads each module now and at boot. One that only another kernel has waits for a boot."""
    actions: list[Action] = []
    problems, pending = [], []
    new_kernel = any(item.action in COMING and PACKAGE.match(item.name) for item in context.items)
    for want in wants:
        name = want["name"]
        actions += _at_boot(want, state)
        # A package of modules holds what the running kernel can load at once: C(packages.kmods) saw to that.
        packaged = context.coming(f"kmod-{name}") is not None
        if not want["loaded"] or packaged or normal(name) in state.loaded or normal(name) in state.offered.get(state.running, ()):
            if want["loaded"] and normal(name) not in state.loaded:
                actions.append(LoadAction(name, "it is not loaded", {}, "", f"{name}\n"))
        elif new_kernel or any(normal(name) in modules for modules in state.offered.values()):
            pending.append(Pending(SECTION, name, BOOT, f"the running kernel {state.running} does not have this module"))
        else:
            problems.append(Problem(
                "kernel_module.unknown", f"kernel module {name}", f"no kernel of this host has it; running is {state.running}",
                "Install a kernel or a kmod package that has it, or do without", subject=name))
    return Planned(actions, problems, pending)


def _at_boot(want: dict[str, t.Any], state: State) -> list[Action]:
    path = boot_file(want["name"])
    new = FileState(f"{want['name']}\n", "0644", "root", "root") if want["at_boot"] else None
    if state.files[path] == new:
        return []
    return [BootFileAction.between(path, f"at boot is wanted {'on' if want['at_boot'] else 'off'}", state.files[path], new)]
