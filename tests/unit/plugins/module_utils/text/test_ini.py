# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The INI files of dnf: what is written in them, which lines are at fault, and the same as libdnf itself reads."""

from __future__ import annotations

import random
import re

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.text import ini


@pytest.mark.parametrize(("text", "found"), [
    ("", {}),
    ("# nothing\n\n; at all\n", {}),
    ("[main]\n", {"main": {}}),
    ("[main]\ngpgcheck=1\nbest = True \n", {"main": {"gpgcheck": "1", "best": "True"}}),
    ("[a]\nx=1\n[b]\nx=2\n[a]\ny=3\n", {"a": {"x": "1", "y": "3"}, "b": {"x": "2"}}),
    ("[a]\nx=1\nx=2\n", {"a": {"x": "2"}}),
    ("[a]\nName=A\nname=b\n", {"a": {"Name": "A", "name": "b"}}),
    ("[a]\nname=%x $y %(z)s\n", {"a": {"name": "%x $y %(z)s"}}),
    ("[a]\nbaseurl=http://h:80/?a=b\n", {"a": {"baseurl": "http://h:80/?a=b"}}),
    ("[a]\nx=1 # part of it\n", {"a": {"x": "1 # part of it"}}),
    ("[a]\nx=1\n  2\n\t3\n", {"a": {"x": "1\n2\n3"}}),
    ("[a]\nx=\n  1\n", {"a": {"x": "\n1"}}),
    ("[a]\nx=1\n  # no comment\n", {"a": {"x": "1\n# no comment"}}),
    ("[a]\nx=1\n   \n\n", {"a": {"x": "1"}}),
    ("[a]\r\nx=1\r\n  2\r\n", {"a": {"x": "1\n2"}}),
    ("\ufeff[a]\nx=1", {"a": {"x": "1"}}),
    ("  [a] # why\nx=1\n", {"a": {"x": "1"}}),
    ("[DEFAULT]\nx=1\n[a]\n", {"DEFAULT": {"x": "1"}, "a": {}}),
])
def test_sections_and_options(text, found):
    assert ini.sections(text) == found
    assert ini.main_section(text) == found.get("main", {})


@pytest.mark.parametrize(("text", "line"), [
    ("x=1\n", 1), ("# note\n\nx=1\n[a]\n", 3), ("<html>404</html>\n", 1), (" x=1\n", 1),
    ("[a\nx=1\n", 1), ("[a]\n[]\n", 2), ("[a] of all\n", 1),
    ("[a]\nx\n", 2), ("[a]\nx: 1\n", 2), ("[a]\nx=1\n=2\n", 3),
    ("[a]\n  x=1\n", 2), ("[a]\nx=1\n\n  2\n", 4), ("[a]\nx=1\n# note\n  2\n", 4),
])
def test_the_line_at_fault_is_named(text, line):
    with pytest.raises(ini.Malformed, match=rf"^line {line}: ") as caught:
        ini.sections(text)
    assert caught.value.line == line


@pytest.mark.parametrize(("value", "true"), [
    ("1", True), ("Yes", True), (" true ", True), ("on", True), ("0", False), ("perhaps", False), ("", False)])
def test_words_for_yes(value, true):
    assert ini.is_true(value) is true


# What random texts are made of: each kind of line that libdnf tells from the others.
LINES = (
    "[main]", "[a]", " [b]", "[a] # x", "[a] ; y", "[a] xy", "[a]x", "[", "[]", "[ a ]", "[a]b]", "k=v", "K = V ", "k=",
    "k =  a b\t", " more", "\tmore # x", "# c", " # c", "; c", "", "   ", "\t", "k", "=v", "k:v", "k=a=b", "k=%(x)s", " k=v",
    "e=1 # x", "x=1\r", "\r", "[a]\r", " y\r", "  [c]=1", "k[0]=1")


def by_libdnf(libdnf, path):
    """Return what libdnf reads, or the number of the line that it does not take."""
    parser = libdnf.conf.ConfigParser()
    try:
        parser.read(str(path))
    except RuntimeError as error:
        return int(re.search(r"at line (\d+)", str(error)).group(1))
    # It keeps comments and blank lines as options whose names begin with a hash, and a value of nothing but line ends.
    return {
        name: {key: parser.getValue(name, key).rstrip("\n") for key in parser.options(name) if not key.startswith("#")}
        for name in parser.getData()}


def by_us(text):
    try:
        return ini.sections(text)
    except ini.Malformed as error:
        return error.line


def test_libdnf_reads_random_texts_the_same_way(tmp_path):
    libdnf = pytest.importorskip("libdnf", reason="python3-libdnf is not importable by this interpreter")
    dice = random.Random(3)
    path = tmp_path / "dnf.conf"
    readable = 0
    for _round in range(1500):
        head = ["[main]"] if dice.random() < 0.9 else []
        text = "\n".join(head + [dice.choice(LINES) for _line in range(dice.randint(0, 6))]) + dice.choice(["", "\n"])
        path.write_bytes(text.encode())
        expected = by_libdnf(libdnf, path)
        assert by_us(text) == expected, text
        readable += isinstance(expected, dict)
    assert 300 < readable < 1200
