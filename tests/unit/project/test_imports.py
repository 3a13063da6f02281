# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the collection's code may import which, read from the imports themselves."""

from __future__ import annotations

import ast
import pathlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import guard_cut, guard_fire
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import finishing
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import worker
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.boot import guarding as boot
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import switch
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.selinux import guarding

TREE = pathlib.Path(__file__).resolve().parents[3]
CODE = TREE / "plugins" / "module_utils"
PACKAGE = "ansible_collections.centos.hyperscale.plugins.module_utils"

# Part -> the other parts that it may import. A section is a part of its own.
MAY_IMPORT = {
    "text": {"text"},
    "tables": set(),
    "core": {"backup", "packages", "text"},
    "backup": {"core", "facts", "packages", "tables", "text"},
    "packages": {"backup", "core", "facts", "tables", "text"},
    "facts": {"core", "packages", "tables", "text"},
    "shared": {"core", "facts", "packages", "tables", "text"},
    "section": {"core", "facts", "packages", "shared", "tables", "text"},
    "registry": {"core", "section"},
    "verify": {"core", "facts", "packages", "tables", "text"},
    "entry": {"core", "facts", "packages", "registry", "tables", "verify"},
}
# Modules that reach a host: files, commands, other packages' databases. Pure parts do without them.
HOST_MODULES = {"glob", "os", "pathlib", "shutil", "socket", "subprocess"}
PURE = ("tables", "text")
# What a function of os.path does to a string needs no host.
PATH_FUNCTIONS = {"basename", "dirname", "join", "normpath"}


def modules():
    """Return the modules of the collection by their dotted names."""
    return {".".join(path.relative_to(CODE).with_suffix("").parts): path for path in sorted(CODE.rglob("*.py"))}


def imported(name, tree, known):
    """Return the modules of the collection that one imports, wherever in its code it does so."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(
                alias.name[len(PACKAGE) + 1:] for alias in node.names if alias.name.startswith(f"{PACKAGE}."))
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            parents = name.split(".")[:-1]
            base = [*parents[: len(parents) - node.level + 1], *(node.module.split(".") if node.module else [])]
        elif node.module and (node.module == PACKAGE or node.module.startswith(f"{PACKAGE}.")):
            base = [part for part in node.module[len(PACKAGE) + 1:].split(".") if part]
        else:
            continue
        for alias in node.names:
            whole = ".".join([*base, alias.name])
            found.add(whole if whole in known else ".".join(base))
    return found


def part_of(name):
    """Return the part that a module belongs to, and what its own part is called: each section is one of its own."""
    first, _dot, rest = name.partition(".")
    if first != "sections":
        return first, first
    if rest == "registry":
        return "registry", "registry"
    return "section", f"section {rest.partition('.')[0]}"


def wrong(name, targets):
    """Return the imports of a module that its part may not have."""
    part, own = part_of(name)
    return [
        target for target in sorted(targets)
        if part_of(target)[1] != own and (part_of(target)[0] == part or part_of(target)[0] not in MAY_IMPORT[part])]


@pytest.mark.parametrize("name", [name for name in modules() if not name.endswith("__init__")])
def test_a_part_imports_only_what_it_may(name):
    known = modules()
    assert wrong(name, imported(name, ast.parse(known[name].read_text()), known)) == []


@pytest.mark.parametrize(("name", "source", "target"), [
    ("sections.oomd.section", "from ..units import gather", "sections.units"),
    ("sections.cow.section", "def late():\n    from ..boot import state", "sections.boot.state"),
    ("sections.files", "from ..verify import checks", "verify.checks"),
    ("core.run", "from ..sections.registry import REGISTRY", "sections.registry"),
    ("core.engine", "from ..facts import view", "facts.view"),
    ("verify.prove", f"import {PACKAGE}.sections.files", "sections.files"),
    ("text.bls", "from ..core.errors import Problem", "core.errors"),
    ("facts.view", f"from {PACKAGE}.verify import model", "verify.model"),
])
def test_what_a_part_may_not_import_is_found(name, source, target):
    assert wrong(name, imported(name, ast.parse(source), modules())) == [target]


def test_a_section_imports_itself():
    assert wrong("sections.boot.section", imported("sections.boot.section", ast.parse("from . import state"), modules())) == []


@pytest.mark.parametrize("name", [name for name in modules() if name.split(".")[0] in PURE])
def test_pure_parts_never_touch_a_host(name):
    tree = ast.parse(modules()[name].read_text())
    names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    calls = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name) and node.value.value.id == "os"}
    direct = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id == "os"}
    opened = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert names & HOST_MODULES - {"os"} == set()
    assert direct <= {"path"} and calls <= PATH_FUNCTIONS and "open" not in opened


def test_every_package_of_the_code_is_in_the_table():
    folders = {path.name for path in CODE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(MAY_IMPORT) - {"section", "registry"} | {"sections"}
    assert [path.name for path in CODE.glob("*.py")] == []


def test_what_settles_a_cut_transaction_at_boot_needs_nothing_of_ansible():
    known = modules()
    found, more = set(), {finishing.ENTRY}
    while more:
        found |= more
        more = {one for name in more for one in imported(name, ast.parse(known[name].read_text()), known) if one in known} - found
    foreign = {
        name for name in found for node in ast.walk(ast.parse(known[name].read_text()))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").startswith("ansible"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("ansible") for alias in node.names))}
    assert foreign == set() and len(found) > 80
    assert [name for name in found if name != finishing.ENTRY and name.startswith(guard_cut.WITHOUT)] == []


@pytest.mark.parametrize("copied", [
    worker.MODULES, guard_fire.MODULES, switch.MODULES, guarding.MODULES, boot.MODULES], ids=[
        "worker", "guard", "network", "selinux", "boot"])
def test_what_runs_detached_is_copied_with_all_that_it_imports_and_needs_nothing_of_ansible(copied):
    known = modules()
    for name in copied:
        tree = ast.parse(known[name].read_text())
        assert imported(name, tree, known) <= set(copied)
        foreign = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        foreign |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        assert [module for module in foreign if module.split(".")[0].startswith("ansible")] == []
