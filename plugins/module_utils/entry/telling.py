# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends when something is in the way: with problems, whatever was raised, and with what SELinux denied meanwhile."""

from __future__ import annotations

import contextlib
import functools
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import foreign
from ..core.errors import Failed, Problem, Refused
from ..facts import audit
from . import wording
from .target import target_of

# Of what SELinux denied, an error names so many kinds.
MOST_DENIALS = 5

Act = t.TypeVar("Act", bound=t.Callable[..., None])


def ending(act: Act) -> Act:
    """Return a function, whose first argument is the module, as one that ends the module with problems where it raises."""
    @functools.wraps(act)
    def wrapped(module: AnsibleModule, *args: t.Any, **more: t.Any) -> None:
        with telling(module):
            act(module, *args, **more)

    return t.cast(Act, wrapped)


@contextlib.contextmanager
def telling(module: AnsibleModule) -> t.Iterator[None]:
    """End the module with the problems that stand in the way. With a step that failed, what SELinux denied since is told."""
    began = time.time()
    try:
        yield
    except Refused as error:
        _end(module, error.problems, True)
    except Failed as error:
        _end(module, [*error.problems, *_denied(module, began)], False)
    except Exception as error:  # what cannot be read must not be taken for absent, so whoever reads lets such an error through
        _end(module, foreign.problems(error), False)


def _end(module: AnsibleModule, found: t.Sequence[Problem], refused: bool) -> None:
    problems = [wording.worded(problem, wording.roles_of(module)) for problem in found]
    module.fail_json(
        msg="\n".join(map(str, problems)), problems=[problem._asdict() for problem in problems], refused=refused)


def _denied(module: AnsibleModule, since: float) -> list[Problem]:
    """Return, as problems, what SELinux has denied since a time, and what of that cannot be read: it may be why a step failed."""
    try:
        heard = audit.refused("/", target_of(module).probe, since)
    except OSError as error:
        return [_unheard("SELinux may be on, and what it denied since cannot be read", foreign.problem(error).reason)]
    problems = []
    if heard.kinds:
        problems.append(Problem(
            "selinux.denied", f"SELinux denied meanwhile: {'; '.join(heard.foremost(MOST_DENIALS))}",
            f"the policy of this host does not allow it ({len(heard.kinds)} kinds in all, the newest first)",
            "Install the policy that the SIG builds for this stream, or let the host be permissive until it is proven, with "
            "'selinux.during: permissive'"))
    if heard.unread:
        problems.append(_unheard(
            "SELinux is on, and what it denied since cannot be read, or not all of it",
            "; ".join(f"{source}: {reason}" for source, reason in heard.unread.items())))
    return problems


def _unheard(fact: str, reason: str) -> Problem:
    return Problem(
        "selinux.denials_unknown",
        fact, reason, "Look for denials with 'journalctl _TRANSPORT=audit' and 'ausearch -m avc' on the host. Where auditd does "
        "not run, start it and run again: without it the kernel may drop messages")
