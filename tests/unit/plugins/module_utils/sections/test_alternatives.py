# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking back the choice of a family of alternatives, and leaving what somebody else chose since."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives import AlternativeAction

PAGERS = {"less": 10, "more": 5, "ours": 1}


def register(root, mode, chosen):
    for folder in ("var/lib/alternatives", "etc/alternatives"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    text = "".join(f"/usr/bin/{name}\n{priority}\n" for name, priority in PAGERS.items())
    (root / "var/lib/alternatives/pager").write_text(f"{mode}\n/usr/bin/pager\n\n{text}")
    (root / "etc/alternatives/pager").symlink_to(f"/usr/bin/{chosen}")


@pytest.mark.parametrize(("path", "old", "now", "told", "runs"), [
    ("more", (True, "less"), ("manual", "more"), False, ["alternatives", "--auto", "pager"]),
    ("more", (False, "less"), ("manual", "more"), False, ["alternatives", "--set", "pager", "/usr/bin/less"]),
    ("more", (True, "less"), ("manual", "ours"), True, None),
    ("more", (False, "less"), ("auto", "less"), True, None),
    (None, (False, "more"), ("auto", "less"), False, ["alternatives", "--set", "pager", "/usr/bin/more"]),
    (None, (False, "more"), ("manual", "ours"), True, None),
])
def test_what_somebody_chose_since_stays(tmp_path, path, old, now, told, runs):
    register(tmp_path, *now)
    ran = []

    def run(argv):
        ran.append(argv)
        return 0, "", ""

    target = host_io.Target(run, str(tmp_path), root=str(tmp_path))
    action = AlternativeAction("pager", "", {
        "path": path and f"/usr/bin/{path}", "old": {"auto": old[0], "path": f"/usr/bin/{old[1]}"}})
    action.undo(target)
    assert bool(action.left) is told
    assert ran == ([runs] if runs else [])
