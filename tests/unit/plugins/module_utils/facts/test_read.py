# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading files below a root and the output of commands."""

from __future__ import annotations

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import read


@pytest.mark.parametrize(
    ("rc", "out", "err", "said"),
    [
        (127, "", "gone", "^tool: no such command$"),
        (1, "", "Failed to connect to bus\n", "^tool -x ended with 1: Failed to connect to bus$"),
        (4, "on stdout\n", "", "ended with 4: on stdout"),
        (2, "", "", "ended with 2: no message"),
    ],
)
def test_output_says_why_a_command_gave_none(host, rc, out, err, said):
    host.answer("tool -x", out, rc, err)
    with pytest.raises(read.Unreadable, match=said):
        read.output(host.run, ["tool", "-x"])


def test_optional_text_is_none_only_for_a_file_that_is_not_there(host):
    host.write("/etc/file", "content")
    assert read.optional_text(host.root, "/etc/file") == "content"
    assert read.optional_text(host.root, "/etc/other") is None
    assert read.names(host.root, "/etc/other") == [] and read.status(host.root, "/etc/other") is None
    # A file in the place of a folder is something else than nothing.
    for path in ("/etc/file/below", "/etc"):
        with pytest.raises(OSError):
            read.optional_text(host.root, path)
    with pytest.raises(NotADirectoryError):
        read.names(host.root, "/etc/file")


def test_assignments():
    text = 'A=1\nB="two words"\nC=\'x=y\'\n#D=4\n E = 5 \nF="\nno assignment\n'
    assert read.assignments(text) == {"A": "1", "B": "two words", "C": "x=y", "E": "5", "F": '"'}
