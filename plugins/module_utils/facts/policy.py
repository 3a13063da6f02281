# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SELinux policy in force allows. The kernel answers, through libselinux."""

from __future__ import annotations

from ..text.denials import Denial

try:
    import selinux
except ImportError:  # then it is not known
    selinux = None


def allows(denial: Denial) -> bool | None:
    """Say whether the policy in force allows what was denied before; None where the kernel cannot be asked, or knows a context,
    class or permission no more."""
    if selinux is None:
        return None
    try:
        number = selinux.string_to_security_class(denial.tclass)
        asked = [selinux.string_to_av_perm(number, name) for name in denial.permissions.split()]
        decision = selinux.av_decision()
        if not number or not asked or not all(asked):
            return None
        if selinux.security_compute_av(denial.source, denial.target, number, sum(asked), decision) != 0:
            return None
    except OSError:
        return None
    return decision.allowed & sum(asked) == sum(asked)
