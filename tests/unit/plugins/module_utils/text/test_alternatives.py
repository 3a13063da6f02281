# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of alternatives: their files as chkconfig writes them, read."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import alternatives

FILE = """\
auto
/usr/bin/edit
edit-man
/usr/share/man/edit.1
edit-cfg
/usr/bin/edit.cfg

/usr/bin/old
@office@10 edit.service
/usr/share/man/old.1

/usr/bin/new
20

/usr/bin/new.cfg
/usr/bin/late
20


"""


def test_a_file_with_groups_services_and_gaps():
    family = alternatives.parse("edit", FILE)
    assert (family.auto, family.link) == (True, "/usr/bin/edit")
    assert family.followers == {"edit-man": "/usr/share/man/edit.1", "edit-cfg": "/usr/bin/edit.cfg"}
    assert [(target.path, target.priority) for target in family.targets] == [
        ("/usr/bin/old", 10), ("/usr/bin/new", 20), ("/usr/bin/late", 20)]
    assert family.targets[0].followers == {"edit-man": "/usr/share/man/old.1"}
    assert family.targets[1].followers == {"edit-cfg": "/usr/bin/new.cfg"}
    assert family.best().path == "/usr/bin/new"


@pytest.mark.parametrize("text", [
    "", "auto\n", "manual\n/usr/bin/edit\n", "sometimes\n/usr/bin/edit\n\n/usr/bin/old\n1\n", "auto\n/usr/bin/edit\n\n",
    "auto\n/usr/bin/edit\n\n/usr/bin/old\nhigh\n", "auto\n/usr/bin/edit\na\n/b\n\n/usr/bin/old",
    "auto\nedit\n\n/usr/bin/old\n1\n",
])
def test_damaged_files(text):
    with pytest.raises(ValueError):
        alternatives.parse("edit", text)
