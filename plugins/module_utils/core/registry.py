# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows of sections: their interface, and their order. Which sections there are is passed to it.

A section is a module with

- C(OPTIONS), the argument spec of one wish,
- C(ACTIONS), its actions by kind,
- C(validate(wants, stream)), the problems with the wishes themselves,
- C(gather(target, wants)), what is on the host,
- C(plan(wants, state, context)), which returns a C(Planned).

It may have besides

- C(stands(state)): such a section is gathered in every run, and planned without a wish where this says so,
- C(tools(wants)): the packages of the distribution without which a wish has no effect,
- C(impossible(target, wants, stream)): the problems that no package can solve, asked before any package is looked for,
- C(fingerprints(wants)): the full fingerprints of keys that may sign Hyperscale builds on this host,
- C(opener(target, wants, check, lock_timeout)): a function that opens dnf's Base on the host's repositories and some more,
- C(straight(steps)): the steps to take back, with what lies between the first and the last of them left out,
- C(undo_problems(target, steps)): what is in the way of taking steps back,
- C(waiting(target)): what the host still waits for after steps of the section were taken back.
"""

from __future__ import annotations

import types
import typing as t

from .engine import Action

# The desired state: a list of wishes a section.
Wishes = dict[str, list[dict[str, t.Any]]]


class Registry:
    """The sections by name, in the order in which they are planned; within a run, actions go by phase, then by this order."""

    def __init__(self, sections: t.Mapping[str, types.ModuleType]) -> None:
        self.sections: dict[str, t.Any] = dict(sections)
        self.kinds: dict[str, type[Action]] = {
            kind: action for section in self.sections.values() for kind, action in section.ACTIONS.items()}

    @property
    def options(self) -> dict[str, dict[str, t.Any]]:
        """Return the argument spec of one wish, by section."""
        return {name: section.OPTIONS for name, section in self.sections.items()}

    def wishes_of(self, given: t.Mapping[str, t.Any]) -> Wishes:
        """Return the wishes among some arguments; a section that is not among them has none."""
        return {name: given.get(name) or [] for name in self.sections}

    def having(self, hook: str) -> list[tuple[str, t.Callable[..., t.Any]]]:
        """Return the sections that have one of the functions which a section may have, each with that function."""
        return [(name, getattr(section, hook)) for name, section in self.sections.items() if hasattr(section, hook)]
