# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the policy in force says of an earlier denial; tests/vm/test_selinux.py has the kernel answer."""

from __future__ import annotations

import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import policy
from ansible_collections.centos.hyperscale.plugins.module_utils.text.denials import Denial

DENIAL = Denial(1.0, 1, "a:b:syslogd_t:s0", "a:b:nsfs_t:s0", "file", "open read", "journald", "/x", False)
CLASSES, PERMISSIONS = {"file": 6}, {"open": 1, "read": 2, "getattr": 4}


class Library(types.SimpleNamespace):
    """libselinux over a kernel whose policy allows some permissions on files."""

    def __init__(self, allowed, status=0):
        super().__init__(av_decision=types.SimpleNamespace, allowed=allowed, status=status)

    def string_to_security_class(self, name):
        return CLASSES.get(name, 0)

    def string_to_av_perm(self, number, name):
        return PERMISSIONS.get(name, 0) if number else 0

    def security_compute_av(self, _source, target, _number, _wanted, decision):
        if target == "gone":
            raise OSError(22, "Invalid argument")
        decision.allowed = self.allowed
        return self.status


@pytest.mark.parametrize(("library", "changes", "said"), [
    (Library(1 + 2), {}, True),
    (Library(1 + 2 + 4), {}, True),
    (Library(1), {}, False),
    (Library(0), {}, False),
    (Library(7, status=-1), {}, None),
    (Library(7), {"tclass": "no_more"}, None),
    (Library(7), {"permissions": "open no_more"}, None),
    (Library(7), {"permissions": ""}, None),
    (Library(7), {"target": "gone"}, None),
    (None, {}, None),
])
def test_what_was_denied_is_asked_again(monkeypatch, library, changes, said):
    monkeypatch.setattr(policy, "selinux", library)
    assert policy.allows(DENIAL._replace(**changes)) is said
