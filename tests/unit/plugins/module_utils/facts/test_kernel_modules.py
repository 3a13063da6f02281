# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the running kernel has, by its own lists and by what it has loaded."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kernel_modules

TREE = "lib/modules/6.1"
NAMED, OTHER = "kernel/net/netfilter/nf_tables.ko.xz", "kernel/fs/ext4.ko"


@pytest.mark.parametrize(("files", "idle"), [
    # It could load the module, and has not.
    ({f"{TREE}/modules.dep": f"{NAMED}:", f"{TREE}/modules.builtin": OTHER}, True),
    ({f"{TREE}/modules.dep": f"{NAMED}:"}, True),
    # It lacks the module, or the package with it is not installed.
    ({f"{TREE}/modules.dep": f"{OTHER}:", f"{TREE}/modules.builtin": OTHER}, True),
    # It has it.
    ({f"{TREE}/modules.dep": f"{OTHER}:", f"{TREE}/modules.builtin": NAMED}, False),
    ({f"{TREE}/modules.dep": f"{NAMED}:", f"{TREE}/modules.builtin": OTHER, "sys/module/nf_tables/refcnt": "1"}, False),
    # Nothing says what it has built in: a tree that is left of one, a container, a tree of another kernel.
    ({f"{TREE}/modules.dep": f"{OTHER}:"}, False),
    ({}, False),
    ({"lib/modules/6.2/modules.dep": f"{NAMED}:", "lib/modules/6.2/modules.builtin": OTHER}, False),
])
def test_what_a_kernel_is_known_to_have_nothing_of(tmp_path, files, idle):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")
    assert kernel_modules.idle(str(tmp_path), "6.1", "nf-tables") is idle
