# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of the collection: phrases that no message, docstring or page has, each with what to write in its place."""

from __future__ import annotations

import ast
import pathlib
import re
import sys

import pytest
import yaml

TREE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TREE / "tests" / "tools"))

import messages  # noqa: E402

BANNED = (
    # Metaphors for states.
    (r"stands? on (this|the|a) host", "say what the host has: 'this host has no changes by this collection'"),
    (r"(nothing|something) (of (it|the collection|this collection) )?stands",
     "'there is nothing to roll back', 'it has steps to roll back'"),
    (r"\bsteps of it stand\b", "'it has steps to roll back'"),
    (r"\bends? badly\b|\bending badly\b|\bend in tears\b", "'problems that would make it fail'"),
    (r"\bhowever well it\b", "'although it'"),
    (r"follow(s|ing)? (what is on )?(the )?disk\b|running things follow", "'restarts services so that they use the new files'"),
    (r"\bdead[- ]?man'?s?\b|\bkill[- ]?switch", "'guard'"),
    (r"\bfor(e)?(tell|told)\b", "'predict', 'predicted'"),
    (r"\bwhole story\b", "name what is there: 'the log', 'all that was noted'"),
    (r"\bwithout a word\b|\bhas no word for\b|\bnot say a word\b", "'without a notice', 'has no option for'"),
    (r"\band says no\b|\bsays no:", "'refuses', 'finds no solution'"),
    (r"\bhangs? on (a|the)\b", "'needs', 'depends on'"),
    (r"\bwhatever comes of it\b|\bcome what may\b", "name the case: 'when that fails'"),
    (r"\bon a host you can lose\b|\bguinea pig", "'on a test host'"),
    (r"\bbehind (its|the|your) back\b|\bunder the hood\b|\bout of the box\b|\bon the fly\b", "say what is done, and when"),
    (r"\bmagic(al|ally)?\b", "say what does it"),
    (r"\bhouse ?keeping\b|\bsmoke and mirrors\b|\brabbit hole\b|\bsilver bullet\b", "say what is done"),
    (r"\bmaster\b.{0,20}\bslave\b", "the nouns of the program that has them, or 'primary' and 'secondary'"),
    # Words that say nothing, and tones.
    (r"\bsimply\b|\bjust\b|\bmerely\b|\bbasically\b|\bactually\b", "leave it out, or 'only', or 'a moment ago'"),
    (r"\bobviously\b|\bof course\b|\bclearly\b|\bneedless to say\b", "leave it out"),
    (r"\bplease\b|\bsorry\b|\boops\b|\bunfortunately\b|\bhopefully\b|\bluckily\b", "leave it out, and say what to do"),
    (r"\bseamless(ly)?\b|\beffortless(ly)?\b|\bblazing\b|\bpowerful\b|\brobust(ly)?\b", "say what it does"),
    (r"\bleverag(e|es|ing)\b|\butili[sz](e|es|ing)\b", "'use'"),
    # Words of which the field has better ones.
    (r"\babort(s|ed|ing)?\b", "'stop', 'fail', 'cut short'"),
    (r"\bsanity[- ]check|\b(in)?sane\b", "'check', 'valid', 'not valid'"),
    (r"\b(white|black)[- ]?list(s|ed|ing)?\b", "'list of what is allowed', 'denylist'"),
    (r"\bdummy (value|file|entry)", "'placeholder'"),
    # Lists that leave the reader to guess.
    (r"\band the like\b|\bor the like\b|\band so on\b|\band so forth\b|(?<![/\w.])etc\b\.?(?!/)",
     "name them, or begin with 'such as'"),
)
# What is written as a name, such as a command or an option, is not the collection's word.
NAMES = re.compile(r"```.*?```|`[^`\n]*`|\b[A-Z]\([^()]*\)|\{[^{}]*\}|<!--.*?-->|\]\([^)]*\)", re.DOTALL)


def faults_of(text):
    """Return what of a text is banned, with the hint."""
    plain = " ".join(NAMES.sub(" ", text).split())
    return [
        f"'{found.group(0)}' in '...{plain[max(0, found.start() - 40):found.end() + 20]}...': {hint}"
        for pattern, hint in BANNED for found in re.finditer(pattern, plain, re.IGNORECASE)]


def strings(value):
    """Yield the texts of a document of YAML, without its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def docstrings_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            yield f"{path.relative_to(TREE)}: {getattr(node, 'name', 'module')}", ast.get_docstring(node)


def documents_of(path):
    """Yield the documentation of modules and of their fragments."""
    for node in ast.walk(ast.parse(path.read_text())):
        named = getattr(node.targets[0], "id", "") if isinstance(node, ast.Assign) else ""
        if named in ("DOCUMENTATION", "RETURN", "EXAMPLES") and isinstance(node.value, ast.Constant):
            for text in strings(yaml.safe_load(node.value.value)):
                yield f"{path.relative_to(TREE)}: {named}", text


def texts_of_messages():
    return [(f"{one.path}:{one.line}", one.text) for one in messages.messages()]


def texts_of_code():
    paths = sorted((TREE / "plugins").rglob("*.py"))
    return [pair for path in paths for pair in docstrings_of(path)]


def texts_of_modules():
    paths = [*sorted((TREE / "plugins/modules").glob("*.py")), *sorted((TREE / "plugins/doc_fragments").glob("*.py"))]
    return [pair for path in paths for pair in documents_of(path)]


def texts_of_pages():
    paths = [TREE / "README.md", *sorted((TREE / "docs").glob("*.md")), *sorted((TREE / "roles").rglob("*.md"))]
    return [(str(path.relative_to(TREE)), path.read_text()) for path in paths]


def texts_of_roles():
    paths = [*sorted((TREE / "roles").rglob("argument_specs.yml")), TREE / "docs/catalogue.yml"]
    return [(str(path.relative_to(TREE)), text) for path in paths for text in strings(yaml.safe_load(path.read_text()))]


@pytest.mark.parametrize(("texts", "least"), [
    (texts_of_messages, 1000), (texts_of_code, 1500), (texts_of_modules, 200), (texts_of_pages, 20), (texts_of_roles, 150)])
def test_nothing_has_a_banned_phrase(texts, least):
    found = texts()
    assert len(found) >= least
    assert [f"{where}: {fault}" for where, text in found for fault in faults_of(text)] == []


@pytest.mark.parametrize("text", [
    "nothing of this collection stands on this host", "Return what a transaction would end badly in, however well it solves",
    "Say what is needed to make running things follow what is on disk", "It is refused where\nsomething of it stands.",
    "a dead man's switch for the network", "Simply run it again", "it has just begun", "Please run again",
    "units, sockets and the like", "files, links, etc.", "the run was aborted", "do a sanity check", "the package is blacklisted",
    "nothing was lost but what was foretold", "rpm replaces it without a word", "dnf was asked, and says no."])
def test_a_banned_phrase_is_found_with_its_hint(text):
    faults = faults_of(text)
    assert faults and all(fault.rpartition(": ")[2] for fault in faults)


@pytest.mark.parametrize("text", [
    "the argument `module_blacklist` of the kernel", "options such as V(BlackList)", "see {please}", "it is in /etc/systemd",
    "below /etc.", "the justification", "the steps of a rollback", "[a page](docs/just-a-name.md)",
    "Nothing to roll back: this host has no changes by this collection."])
def test_names_and_plain_words_are_not_found(text):
    assert faults_of(text) == []
