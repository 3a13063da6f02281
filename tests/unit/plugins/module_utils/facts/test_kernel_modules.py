# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the running kernel has, by its own lists and by what it has loaded."""

from __future__ import annotations

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import kernel_modules

TREE = "lib/modules/6.1"
SYMBOLS = "proc/kallsyms"
FUNCTION = "ffffffffc04c54c0 t nft_register_expr"
OTHERS = "ffffffff81f69080 T __pfx_nft_register_expr\nffffffff81000000 T _stext"
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
    # Its package was removed while it runs: nothing can be loaded any more.
    ({SYMBOLS: OTHERS}, True),
    ({SYMBOLS: f"{OTHERS}\n{FUNCTION}\t[nf_tables]"}, False),
    ({SYMBOLS: f"{OTHERS}\n{FUNCTION}"}, False),
    ({SYMBOLS: ""}, False),
    # Its lists are not those of the kernel that runs.
    ({SYMBOLS: f"{OTHERS}\n{FUNCTION}", f"{TREE}/modules.dep": f"{NAMED}:", f"{TREE}/modules.builtin": OTHER}, False),
    # Nothing says what it has built in: a tree that is left of one, a container, a tree of another kernel.
    ({f"{TREE}/modules.dep": f"{OTHER}:"}, False),
    ({}, False),
    ({"lib/modules/6.2/modules.dep": f"{NAMED}:", "lib/modules/6.2/modules.builtin": OTHER}, False),
])
def test_what_a_kernel_is_known_to_have_nothing_of(tmp_path, files, idle):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert kernel_modules.idle(str(tmp_path), "6.1", "nf-tables", "nft_register_expr") is idle


def test_a_kernel_whose_functions_cannot_be_read_is_not_known(tmp_path):
    (tmp_path / SYMBOLS).mkdir(parents=True)
    assert not kernel_modules.idle(str(tmp_path), "6.1", "nf_tables", "nft_register_expr")
