# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what rpm, dnf, libdnf and Python raise into Refused or Failed, with fact, reason and remedy."""

from __future__ import annotations

import contextlib
import traceback
import typing as t

from ..core.errors import Failed, Problem, Refused

# By the package that a class of exceptions is of: whose word it is, and what an operator can do.
WORDS = {
    "rpm": ("rpm reported an error", "Check its database with 'rpm -qa' and 'rpmdb --verifydb', and run again"),
    "dnf": ("dnf reported an error", "Run 'dnf check' on the host, mend what it names, and run again"),
    "libdnf": ("dnf reported an error", "Run 'dnf check' on the host, mend what it names, and run again"),
    "hawkey": ("dnf reported an error", "Run 'dnf check' on the host, mend what it names, and run again"),
}
OF_DISK = ("a file of this host cannot be read or written", "Mend what the reason names, such as a full disk, and run again")
OF_ANY = ("the package transaction met an error", "Mend what the reason names, and run again")
NOTHING_CHANGED = "Nothing was changed. "


def problem(error: BaseException, more: str = "") -> Problem:
    """Return in words what an exception of somebody else means. C(more) ends the remedy."""
    whose = type(error).__module__.lstrip("_").partition(".")[0]
    fact, remedy = WORDS.get(whose, OF_DISK if isinstance(error, OSError) else OF_ANY)
    reason = " ".join(str(error).split()) or repr(error)
    if not isinstance(error, OSError) and whose not in WORDS:
        reason = f"{type(error).__name__}: {reason}"
    return Problem(fact, reason, f"{remedy}. {more}" if more else remedy)


@contextlib.contextmanager
def told(more: str = "", unchanged: t.Callable[[], bool] = lambda: False) -> t.Iterator[None]:
    """Raise Failed in place of an exception of somebody else, or Refused where C(unchanged) says that nothing was changed yet."""
    try:
        yield
    except (Refused, Failed):
        raise
    except Exception as error:
        said = problem(error, more)
        if unchanged():
            raise Refused(said._replace(remedy=NOTHING_CHANGED + said.remedy)) from error
        raise Failed(said) from error


def story(failure: Exception) -> str:
    """Return where an exception of somebody else was raised, empty where there was none."""
    cause = failure.__cause__
    return "".join(traceback.format_exception(type(cause), cause, cause.__traceback__)) if cause is not None else ""
