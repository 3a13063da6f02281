# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read out of a script, held against what sh passes to a program that the script calls."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import shell

# The program that is asked after says what it was given, a word a line; what else scripts call does nothing.
STUB = "call() { printf '%s\\n' call \"$@\" ---; }\n"

AS_SH_HAS_IT = {
    "plain": "call --install /a b /c 10",
    "continued": "call --install /a b \\\n\t--slave /c d /e \\\n  --slave /f g /h\n",
    "variables": "tool=/usr/sbin/tool\ncall $tool tool $tool-nft ${tool}x 10\ntool=/b\ncall $tool",
    "two on a line": "a=1; b=2; call $a $b && call again || call never",
    "in an if": "if [ 1 -eq 1 ]; then\n  call one\nelse\n  call() { :; }\nfi",
    "where it is given": "pages=true\ncall x ${pages:+--slave /m.8.gz m $pages.8.gz} y",
    "where it is not": "call x ${pages:+--slave /m.8.gz m} y",
    "set by a condition": "[ \"%{_excludedocs}\" = 1 ] || pages=true\ncall ${pages:+given}",
    "a loop": "for tool in ip eb; do call /sbin/$tool $tool; done\ncall after",
    "loops in a loop": "for a in 1 2; do\n  for b in x y; do\n    call $a$b\n  done\ndone\n",
    "a loop over nothing": "for a in; do call $a; done; call after",
    "redirected": "call a b > /dev/stdout 2>&1\ncall c",
    "quoted": "name='x y'\ncall \"a  b\" 'c d'\ncall \"$name\"",
    "a comment": "# call not\ncall a # b\n",
}


@pytest.mark.parametrize("script", AS_SH_HAS_IT.values(), ids=AS_SH_HAS_IT.keys())
def test_words_are_those_that_sh_passes(script):
    said = subprocess.run(["sh", "-c", STUB + script], capture_output=True, text=True, check=False).stdout
    passed = [part.strip("\n").split("\n") for part in said.split("---\n") if part]
    found = [command for command in shell.commands(script) if command[0] == "call"]
    assert found[:len(passed)] == passed
    # sh takes one branch; both are told here.
    assert len(found) == len(passed) + script.count("call never")


@pytest.mark.parametrize("script", [
    "tool=$(readlink /x)\ncall $tool", "call $1", "call `id`", "tool=`id`\ncall ${tool:+a b}", "call ${tool%x}",
])
def test_what_the_host_decides_is_not_known(script):
    (command,) = [command for command in shell.commands(script) if command[0] == "call"]
    assert not all(map(shell.is_known, command))


@pytest.mark.parametrize("script", [
    "call 'a\nb'", "if true; then call \"a; b\"; fi", "call 'a > b\nc'", "a='x\ny'\ncall $a"])
def test_a_quotation_that_is_not_read_to_its_end_leaves_a_command_unknown(script):
    (command,) = [command for command in shell.commands(script) if command[0] == "call"]
    assert not all(map(shell.is_known, command))


@pytest.mark.parametrize("script", ["call 'a\nb'", "for x in 'a; do call $x; done", "echo \"\ncall a\n"])
def test_a_script_that_is_read_in_part_ends_nothing(script):
    assert isinstance(list(shell.commands(script)), list)
