# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that remedies name, read from the code, and the variables of the roles that set them, read from their files."""

from __future__ import annotations

import ast
import collections
import functools
import pathlib
import re

import pytest
import yaml

from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine, wording
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import one_way
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.variables import (
    CONVERGE, LEDGER, MODULE, SECTION_OF_AREA, VARIABLES)
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import knowledge
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.checks import CHECKS

TREE = pathlib.Path(__file__).resolve().parents[3]
PLUGINS = TREE / "plugins"
ROLES = sorted(path.name for path in (TREE / "roles").iterdir() if path.name != CONVERGE)
TASKS = TREE / "roles" / CONVERGE / "tasks"

# What stands alone in single quotes in a remedy and is no option.
OTHER_WORDS = {
    "dmesg", "findmnt", "grub2-switch-to-blscfg", "lsblk", "lsmod", "oomctl",  # commands
    "baseos", "extras-common",  # repositories
    "nodocs", "protected_packages", "secure_mode_policyload",  # words of dnf, rpm and SELinux
    "until",  # of a waiver, in the module and in the variable of the roles alike
    "sshd.service", "user.slice",  # names of units
    "0644", "20s", "60%", "..",  # values, and a part of a path
}
# Remedies that name one option or another by a word that only the run knows.
BY_NAME = {"rulesets.firewall_service": ("firewalld", "nftables")}
# A playbook asks for this one by its name, wherever the problem is met.
OF_PLAYBOOK = {"hyperscale_ledger"}
MODULE_OPTIONS = {*engine.WAYS, "state", "undo", "proven"}
OPTIONS = {name for options in REGISTRY.options.values() for name in options} | MODULE_OPTIONS

ALONE = re.compile(r"(?<!\w)'([^'\s]+|[\w.{}-]+: [^']+)'")
UNQUOTED = re.compile(r"(?<!['\w.])([a-z_0-9]+): (\w+)")
VALUES = {(name, value) for name in OPTIONS for value in ("true", "false")} | {
    (name, choice) for options in (*REGISTRY.options.values(), engine.WAYS) for name, option in options.items()
    for choice in option.get("choices", ())}
VARIABLE = re.compile(r"\bhyperscale_\w+")


@functools.cache
def trees():
    """Return the syntax tree of each file of the plugins."""
    return {path: ast.parse(path.read_text()) for path in sorted(PLUGINS.rglob("*.py"))}


def called(node):
    return getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""


def words(node, values):
    """Return the texts that an expression can be, with {} for what only the run knows. C(values) are those of names."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(_part(part) for part in node.values)]
    if isinstance(node, ast.BinOp):
        return [left + right for left in words(node.left, values) for right in words(node.right, values)]
    if isinstance(node, ast.IfExp):
        return words(node.body, values) + words(node.orelse, values)
    if called(node) == "format":
        return words(node.func.value, values)
    name = getattr(node, "id", called(node))
    found = [text for value in values.get(name, ()) for text in words(value, {**values, name: ()})]
    return found + [text for argument in getattr(node, "args", ()) for text in words(argument, values)] or ["{}"]


def _part(part):
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "'{}'" if part.conversion == ord("r") else "{}"


def values_of(tree):
    """Return what each name of a file is set to, be it a variable or what a function returns."""
    found = collections.defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found[getattr(target, "id", "")] += getattr(node.value, "values", [node.value])
        elif isinstance(node, ast.FunctionDef):
            found[node.name] += [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
    return {name: [value for value in values if holds_words(value)] for name, values in found.items()}


def holds_words(node):
    return any(isinstance(inner, ast.Constant) and " " in str(inner.value) for inner in ast.walk(node))


def remedies_of(tree):
    """Yield code and text of each remedy of problems, and of findings that have one of their own."""
    values = values_of(tree)
    for node in ast.walk(tree):
        keywords = {keyword.arg: keyword.value for keyword in getattr(node, "keywords", ())}
        if called(node) == "Problem" and len(node.args) == 4:
            remedy = node.args[3]
        elif called(node) == "found" and "remedy" in keywords and node.args:
            remedy = keywords["remedy"]
        else:
            continue
        for text in words(remedy, values):
            yield getattr(node.args[0], "value", ""), text


@functools.cache
def remedies():
    """Return code and text of all remedies; those of checks are read from their tables."""
    found = {one for tree in trees().values() for one in remedies_of(tree)}
    found |= {(check.id, check.remedy) for check in CHECKS.values()}
    found |= {("known.break", row.remedy) for row in knowledge.BREAKS}
    return sorted(found | {("oneway.state", row.remedy) for row in one_way.ROWS})


def sections_of(code):
    area = code.partition(".")[0]
    return SECTION_OF_AREA.get(area, area), MODULE


def option_of(code, word):
    """Return the option that a word of a remedy is, by the argument specs; none where it is no option there."""
    section, dot, name = word.rpartition(".")
    for one in (section,) if dot else sections_of(code):
        if name in (MODULE_OPTIONS if one == MODULE else REGISTRY.options.get(one, ())):
            return one, name
    return None


def named(code, text):
    """Yield what stands alone in quotes, without a value."""
    for quoted in ALONE.findall(text):
        word = quoted.partition(": ")[0]
        yield from BY_NAME[code] if word == "{}" and code in BY_NAME else (word,)


def faults(found):
    """Return what is wrong with the names of options in remedies."""
    for code, text in found:
        for word in named(code, text):
            option = option_of(code, word)
            if word not in OTHER_WORDS and option is None:
                yield f"{code}: '{word}' is no option there, and no other known word"
            elif word in OTHER_WORDS and wording.option_of(code, None, word):
                yield f"{code}: '{word}' would be taken for an option"
        for word, value in UNQUOTED.findall(re.sub(r"(?<!\w)'[^']*'", "", text)):
            if (word, value) in VALUES:
                yield f"{code}: option {word} stands there without quotes"
        for variable in set(VARIABLE.findall(text)) - OF_PLAYBOOK:
            yield f"{code}: {variable} is of a role, and the module may be called directly"


def options_named():
    return {
        option for code, text in remedies() for word in named(code, text)
        if word not in OTHER_WORDS for option in (option_of(code, word),) if option}


def test_what_remedies_name_is_an_option_or_a_known_word():
    assert len(remedies()) > 300
    assert list(faults(remedies())) == []


@pytest.mark.parametrize(("code", "text"), [
    ("network.x", "Name it in 'erase'"), ("package.x", "Name it in 'erased'"), ("boot.x", "Set try_once: false"),
    ("repository.x", "Set hyperscale_repos_crb"), ("boot.x", "Give '{}'"), ("package.x", "Use 'method: definition'"),
    ("package.x", "Add it to 'repositories.flavour'"), ("oomd.x", "Look for 'psi' in 'dmesg'")])
def test_a_remedy_with_an_unknown_option_is_found(code, text):
    assert list(faults([(code, text)]))


@pytest.mark.parametrize("source", [
    "Problem('a.b', 'f', 'r', f'see {x!r}')", "remedy = 'see ' + \"'other'\"\nProblem('a.b', 'f', 'r', remedy)",
    "def _told():\n    return \"in 'other'\"\nProblem('a.b', 'f', 'r', _told())",
    "OTHER = \"in 'other'\"\nfound('a.b', s, remedy=OTHER.format(a=1))"])
def test_words_are_found_wherever_a_remedy_has_them_from(source):
    assert list(faults(remedies_of(ast.parse(source))))


def test_the_commonest_remedies_are_among_those_that_are_read():
    assert {
        ("packages", "erase"), ("network", "without"), ("cgroup2", "accept"), ("repositories", "flavours"), ("selinux", "during"),
        (MODULE, "way_back")} <= options_named()


# What the roles set, by their files.

def of_file(role, folder):
    return yaml.safe_load((TREE / "roles" / role / folder / "main.yml").read_text())


def feeds(role):
    """Return the variables that feed an option of a section, by what a role wants."""
    found, defaults, inner = collections.defaultdict(set), of_file(role, "defaults"), of_file(role, "vars")

    def walk(value, option, section):
        if isinstance(value, dict):
            for key, of_key in value.items():
                if section is None:
                    walk(of_key, None, key if key in REGISTRY.options else None)
                else:
                    walk(of_key, option or key, section)
        elif isinstance(value, list):
            for one in value:
                walk(one, option, section)
        elif isinstance(value, str):
            for key, variable in re.findall(r"'(\w+)': (hyperscale_\w+)", value):
                if section:
                    walk("{{ " + variable + " }}", key, section)
            for variable in VARIABLE.findall(value):
                if variable in inner:
                    walk(inner[variable], option, section)
                elif variable in defaults and option:
                    found[section, option].add(variable)

    walk(inner[f"hyperscale_{role}_sections"], None, None)
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_table_has_what_a_role_sets_and_nothing_else(role):
    fed, table = feeds(role), VARIABLES.get(role, {})
    assert {option: variable for option, variable in table.items() if variable not in fed.get(option, ())} == {}
    assert {option for option in options_named() if option in fed} == set(table)


def module_options(path):
    """Yield each option and the variable alone that the tasks of a file give for it, in a module or in its defaults."""
    def walk(node):
        if isinstance(node, dict):
            for key, value in node.items():
                alone = re.fullmatch(r"{{ (hyperscale_\w+) }}", value) if isinstance(value, str) else None
                if alone:
                    yield key, alone[1]
                yield from walk(value)
        elif isinstance(node, list):
            for one in node:
                yield from walk(one)

    return set(walk(yaml.safe_load(path.read_text())))


def test_the_table_has_what_role_converge_sets_of_the_module():
    own = {name for section, name in options_named() if section == MODULE}
    sections = module_options(TASKS / "sections.yml")
    assert {(option, variable) for (_module, option), variable in VARIABLES[CONVERGE].items()} == {
        (option, variable) for option, variable in sections if option in own}
    ledger = module_options(TASKS / "ledger.yml") - sections
    assert {(option, variable) for (_section, option), variable in VARIABLES[LEDGER].items()} == {
        (option, variable) for option, variable in ledger if option in {name for _section, name in options_named()}}


def test_no_role_is_in_the_table_that_there_is_not():
    assert set(VARIABLES) - {CONVERGE, LEDGER} <= set(ROLES)


def test_each_role_says_which_it_is():
    for role in ROLES:
        task = of_file(role, "tasks")[0]
        assert task["vars"]["hyperscale_converge_roles"] == [role], role


@pytest.mark.parametrize("playbook", ["adopt", "preflight", "verify"])
def test_each_playbook_says_which_roles_it_is_for(playbook):
    play, = yaml.safe_load((TREE / "playbooks" / f"{playbook}.yml").read_text())
    asked, = (task["vars"] for task in play["tasks"] if "hyperscale_converge_sections" in task.get("vars", {}))
    assert asked["hyperscale_converge_roles"] == "{{ hyperscale_adopt_roles }}"


def calls(node, defaults=False):
    """Yield the arguments of each call of a module that knows its callers, with those of the defaults around it."""
    if isinstance(node, list):
        for one in node:
            yield from calls(one, defaults)
    elif isinstance(node, dict):
        group = node.get("module_defaults", {}).get("group/centos.hyperscale.engine", {})
        inner = defaults or "roles" in group
        for key, value in node.items():
            if key in ("block", "rescue"):
                yield from calls(value, inner)
            elif key in ("centos.hyperscale.converge", "centos.hyperscale.dropin_info", "centos.hyperscale.proof_info"):
                yield key, value or {}, inner


# These files are included within the defaults of sections.yml or back.yml.
WITHIN_DEFAULTS = {"look.yml", "swap.yml", "confirm.yml", "back_whole.yml"}


def test_role_converge_says_of_each_call_for_whom_it_is():
    silent = [
        (path.name, module) for path in sorted(TASKS.glob("*.yml")) for module, given, inner in calls(
            yaml.safe_load(path.read_text()), path.name in WITHIN_DEFAULTS)
        if "roles" not in given and (module == "centos.hyperscale.proof_info" or not inner)]
    assert silent == []
    for name in ("sections.yml", "back.yml"):
        block, = yaml.safe_load((TASKS / name).read_text())
        assert "roles" in block["module_defaults"]["group/centos.hyperscale.engine"]


@pytest.mark.parametrize("role", sorted(role for role, options in VARIABLES.items() if ("packages", "erase") in options))
def test_what_a_way_back_of_one_role_is_refused_for_can_be_named_there(role):
    if role == LEDGER:
        return
    back = of_file(role, "vars")[f"hyperscale_{role}_back"]
    wishes = back.get("wishes", {}).get("packages", [])
    assert not wishes or VARIABLES[role]["packages", "erase"] in str(wishes)
