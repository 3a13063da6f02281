# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies in the words of who called: where a role did, options of modules are named as its variables."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core.errors import Problem
from ..tables.variables import CONVERGE, LEDGER, MODULE, SECTION_OF_AREA, VARIABLES, Option

# An option in single quotes, with its section or without, with a value or without. An apostrophe opens nothing.
QUOTED = re.compile(r"(?<!\w)'(?:(?P<section>[a-z0-9_]+)\.)?(?P<option>[a-z0-9_]+)(?P<value>: [^']+)?'")
KNOWN = frozenset(option for of_role in VARIABLES.values() for option in of_role)


# The option by which a role says which it is.
CALLERS: dict[str, t.Any] = {"roles": {"type": "list", "elements": "str", "default": []}}


def roles_of(module: AnsibleModule) -> t.Sequence[str]:
    """Return the roles that called a module; none where it was called directly, or is of those that no role asks for a change."""
    return module.params.get("roles") or ()


def worded(problem: Problem, roles: t.Sequence[str]) -> Problem:
    """Return a problem whose remedy names what can be set where some roles called, or a module directly where there are none."""
    return problem._replace(remedy=remedy(problem.code, problem.remedy, roles))


def finding(said: dict[str, t.Any], roles: t.Sequence[str]) -> dict[str, t.Any]:
    """Return a finding of a report whose remedies name what can be set."""
    return {**said, "remediations": [
        {**one, "content": remedy(said["check"], one["content"], roles)} for one in said["remediations"]]}


def remedy(code: str, words: str, roles: t.Sequence[str]) -> str:
    """Return a remedy with the options in it named as what can be set. The code says which section's options they are."""
    def name(quoted: re.Match[str]) -> str:
        option = option_of(code, quoted["section"], quoted["option"])
        return _named(option, quoted, roles) if option else quoted[0]

    return QUOTED.sub(name, words)


def option_of(code: str, section: str | None, option: str) -> Option | None:
    """Return the option that a quoted word of a remedy is; none where it is another word or has no variable in any role."""
    area = code.partition(".")[0]
    sections = (SECTION_OF_AREA.get(area, area), MODULE) if section is None else (section,)
    return next(((one, option) for one in sections if (one, option) in KNOWN), None)


def _named(option: Option, quoted: re.Match[str], roles: t.Sequence[str]) -> str:
    value = quoted["value"] or ""
    # Each role has wishes of its own: what is set for one of them alone need not hold for what another wishes.
    variables = [VARIABLES[role][option] for role in roles if option in VARIABLES.get(role, {})]
    if variables:
        return " and ".join(f"{variable}{value}" for variable in dict.fromkeys(variables))
    section, name = option
    if set(roles) <= {CONVERGE}:
        # Sections of the caller's own have the names of the module.
        return f"'{name}{value}' in section {section}" if quoted["section"] else quoted[0]
    others = [role for role, of_role in VARIABLES.items() if option in of_role and role != LEDGER]
    if len(others) == 1:
        return f"{VARIABLES[others[0]][option]}{value} of role {others[0]}"
    return f"option {name}{value} of module centos.hyperscale.converge"
