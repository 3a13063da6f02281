# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No file or folder is made with the mode that a umask leaves: each call that makes one names its mode."""

from __future__ import annotations

import ast
import pathlib

import pytest

TREE = pathlib.Path(__file__).resolve().parents[3]
FILES = sorted((TREE / "plugins").rglob("*.py"))
WRITES = set("wax+")
# These make one with what the umask leaves, whatever mode they are given, for all folders but the last.
NEVER = {"makedirs", "copyfile", "write_text", "write_bytes"}


def unnamed(tree):
    """Yield the lines of calls that leave a mode to the umask."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, owner = _name(node.func)
        given = {keyword.arg for keyword in node.keywords}
        wrong = {
            ("os", "mkdir"): len(node.args) < 2 and "mode" not in given,
            ("os", "open"): "O_CREAT" in ast.dump(node) and len(node.args) < 3 and "mode" not in given,
            ("", "open"): _writes(node) and "opener" not in given and not _is_known(node)}.get((owner, name), name in NEVER)
        if wrong:
            yield node.lineno, name


def _name(func):
    if isinstance(func, ast.Attribute):
        return func.attr, func.value.id if isinstance(func.value, ast.Name) else "?"
    return getattr(func, "id", ""), ""


def _writes(node):
    modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & WRITES for mode in modes)


def _is_known(node):
    """Say whether what is opened is the null device, or open already: a call of os.open(), or a variable with what one
    returned."""
    first = node.args[0]
    return ast.unparse(first) == "os.devnull" or (isinstance(first, ast.Call) and _name(first.func)[0] in ("open", "opened")) or (
        isinstance(first, ast.Name) and first.id == "handle")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TREE / "plugins")))
def test_each_mode_is_named(path):
    # A mounted file is written in place, by what is there.
    exempt = {"open"} if path.name == "host.py" and path.parent.name == "network" else set()
    assert [found for found in unnamed(ast.parse(path.read_text())) if found[1] not in exempt] == []


@pytest.mark.parametrize(("source", "name"), [
    ("os.makedirs(a, mode=0o700)", "makedirs"), ("os.mkdir(a)", "mkdir"), ("os.open(a, os.O_WRONLY | os.O_CREAT)", "open"),
    ("open(a, 'w')", "open"), ("open(a, mode='ab')", "open"), ("shutil.copyfile(a, b)", "copyfile"),
    ("a.write_text(b)", "write_text"),
])
def test_a_mode_that_is_not_named_is_found(source, name):
    assert list(unnamed(ast.parse(source))) == [(1, name)]


@pytest.mark.parametrize("source", [
    "os.mkdir(a, 0o700)", "os.open(a, os.O_CREAT, 0o600)", "open(a, 'w', opener=modes.private)", "open(a)", "open(a, 'rb')",
    "open(os.open(a, b, 0o600), 'w')"])
def test_a_mode_that_is_named_is_not(source):
    assert list(unnamed(ast.parse(source))) == []
