# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module asks before anything else: is it root, is the system supported, and which kind of host is this?"""

from __future__ import annotations

import os
import pwd
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core.errors import Problem
from ..core.host_io import Target
from ..facts import kind as host_kind, read, system as host_system


def user_refusal(uid: int) -> Problem | None:
    """Return why a module that runs as this user is refused, None for root."""
    if uid == 0:
        return None
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "a user without a name"
    return Problem(
        "module.not_root", f"this module runs as {name} (uid {uid}) on the host",
        "it has to read what only root may read, and what it cannot read would look as if it were not there",
        "Set become: true on the play or the task, and leave become_user at root")


def need_root(module: AnsibleModule) -> None:
    """End the module unless it runs as root."""
    problem = user_refusal(os.geteuid())
    if problem is not None:
        _refuse(module, problem)


def supported_stream(module: AnsibleModule, target: Target, changes: bool = True) -> int:
    """Return the host's stream, or end the module with the reason why it is refused here.

    C(changes) says whether the module may change the host, also where check mode has it change nothing this time: a host in
    image mode is refused for that alone.
    """
    try:
        system = host_system.gather("/")
    except read.Unreadable:
        system = host_system.UNKNOWN
    refusal = host_system.system_refusal(system) or host_system.arch_refusal(system, target.probe(["uname", "-m"])[1].strip())
    if refusal:
        _refuse(module, refusal)
    kind = host_kind.of_this_host()
    problem = kind.refusal
    if problem is not None and (changes or kind.name != host_kind.IMAGE_MODE):
        _refuse(module, problem)
    return t.cast(int, system.stream)


def _refuse(module: AnsibleModule, problem: Problem) -> None:
    module.fail_json(msg=str(problem), problems=[problem._asdict()], refused=True)
