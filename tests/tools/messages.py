# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print every text of the collection that a user may read as one page: run it, read the page.

The texts are read from the syntax trees of plugins/ and from the YAML of roles/ and playbooks/. What a text is filled with at run
time stands in it as C({expression}); C([one | other]) are the two sides of a condition.
"""

from __future__ import annotations

import ast
import collections
import pathlib
import re
import sys
import typing as t

import yaml

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
# The kinds, in the order of the page.
PROBLEM, WARNING, FINDING, ERROR, NOTE, TEXT, MODULE, ROLE, TASK, TOLD = (
    "Problems", "Warnings", "Findings", "Errors that become reasons", "What could not be read", "Other texts of the code",
    "Modules", "Roles", "Names of plays and tasks", "Texts of tasks")
KINDS = (PROBLEM, WARNING, FINDING, ERROR, NOTE, TEXT, MODULE, ROLE, TASK, TOLD)
# The calls that make a row of a table of findings.
ROWS = {"_check", "Break", "Row"}
# These carry problems, which are found by themselves.
CARRIERS = {"Refused", "Failed", "CannotRead"}
# The keys of a task's module whose values are told to the user.
TOLD_KEYS = {"msg", "fail_msg", "success_msg"}
# A text of the code that none of the other kinds has is one for people from so many words on.
WORDS = 3
WORD = re.compile(r"(?<![\w/.{=-])[A-Za-z][a-z']*(?![\w/=(-])")
# What patterns and names of types have and sentences do not.
MACHINE = re.compile(r"\\[swdb(]|\(\?|^\^|%\{|%[HY]|\bt\.\w+\[|\bdict\[|^\(|^\w+(\|\w+)+$")


class Message(t.NamedTuple):
    """One text. C(code) is that of a problem or of a row of findings, else empty."""

    kind: str
    path: str
    line: int
    code: str
    text: str


class Source:
    """One file of Python code: its tree, and the texts that its constants name."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.tree = path, ast.parse(text)
        self._constants: dict[str, ast.expr] = {}
        for node in self.tree.body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._name(target, node.value)
        self.documentation = self._constants.get("DOCUMENTATION") if "modules" in pathlib.PurePath(path).parts else None
        # The constants that are templates and documents of modules, and the texts that have been taken.
        self.taken = {id(self._constants[name]) for name in ("DOCUMENTATION", "EXAMPLES", "RETURN") if name in self._constants}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef) and node.name == "ModuleDocFragment":
                self.taken.update(map(id, ast.walk(node)))

    def _name(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._constants[target.id] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts):
                self._name(one, other)

    def take(self, node: ast.expr) -> str:
        """Return an expression as a text, and note that its texts are taken."""
        self.taken.update(id(part) for part in ast.walk(node))
        return self._text(node)

    def _text(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self._text, node.values))
        if isinstance(node, ast.FormattedValue):
            return self._filled(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._text(node.left) + self._text(node.right)
        if isinstance(node, ast.IfExp):
            return f"[{self._text(node.body)} | {self._text(node.orelse)}]"
        if called(node) == "format" and isinstance(node.func.value, (ast.Constant, ast.Name)):
            return self._text(node.func.value)
        return self._filled(node)

    def _filled(self, node: ast.expr) -> str:
        """Return what a text is filled with: the text that a constant has, else the expression."""
        value = self._constants.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(value, (ast.Constant, ast.JoinedStr)) and isinstance(getattr(value, "value", ""), str):
            self.taken.update(id(part) for part in ast.walk(value))
            return self._text(value)
        return self._text(node) if isinstance(node, ast.IfExp) else "{" + ast.unparse(node) + "}"


def called(node: ast.AST) -> str:
    """Return the last part of the name of what is called, empty for what is no call."""
    return getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""


def is_text(node: ast.AST) -> bool:
    """Say whether an expression is a text of the code, also one that is filled."""
    return isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str)


def words(text: str) -> list[str]:
    """Return the words of a text that are no names and not filled in."""
    return WORD.findall(re.sub(r"\{[^{}]*\}", " ", text))


def is_sentence(text: str) -> bool:
    """Say whether a text of the code is one for people: enough words, not names alone, and nothing of a pattern or a type."""
    found = words(text)
    return len(found) >= WORDS and any(map(str.islower, found)) and not MACHINE.search(text)


def makers(trees: t.Iterable[ast.AST]) -> set[str]:
    """Return the functions that make a problem of words that they are given."""
    found = set()
    for tree in trees:
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
                parts = [part for call in ast.walk(function) if called(call) == "Problem" for part in call.args]
                if any(isinstance(part, ast.Name) and part.id in given for part in parts):
                    found.add(function.name)
    return found


def docstrings(tree: ast.AST) -> set[int]:
    """Return the identities of the docstrings' nodes."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


def _of_call(source: Source, node: ast.Call, making: set[str]) -> Message | None:
    """Return the message that a call makes."""
    name, line = called(node), node.lineno
    if name == "Problem" and len(node.args) >= 4:
        code, fact, reason, remedy = map(source.take, node.args[:4])
        return Message(PROBLEM, source.path, line, code, f"{fact}: {reason}. {remedy}")
    if name in ROWS and node.args and isinstance(node.args[0], ast.Constant):
        parts = [part for part in map(source.take, filter(is_text, node.args)) if " " in part]
        return Message(FINDING, source.path, line, source.take(node.args[0]), " / ".join(parts)) if parts else None
    on = source._text(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name == "warn" or (name in ("append", "extend") and on.rstrip("}").endswith("warnings")):
        return Message(WARNING, source.path, line, "", source.take(node.args[0]))
    if name in making or name == "note":
        kind = PROBLEM if name in making else NOTE
        given = [source.take(part) for part in node.args if any(map(is_text, ast.walk(part)))]
        return Message(kind, source.path, line, f"{name}()", " / ".join(given)) if any(map(words, given)) else None
    return None


def of_code(source: Source, making: set[str]) -> t.Iterator[Message]:
    """Yield the messages of a file of Python code."""
    if source.documentation is not None:
        text = yaml.safe_load(source.documentation.value)
        yield Message(MODULE, source.path, source.documentation.lineno, text["module"], text["short_description"])
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            found = _of_call(source, node, making)
            if found:
                yield found
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Raise) and called(node.exc) not in {"", *CARRIERS}:
            parts = [part for part in node.exc.args if id(part) not in source.taken and not isinstance(part, ast.Call)]
            given = list(map(source.take, parts))
            if any(map(words, given)):
                yield Message(ERROR, source.path, node.lineno, called(node.exc), " / ".join(given))
    passed = docstrings(source.tree) | source.taken
    for node in ast.walk(source.tree):
        if is_text(node) and id(node) not in passed:
            passed.update(id(part) for part in ast.walk(node))
            text = source.take(node)
            if is_sentence(text):
                yield Message(TEXT, source.path, node.lineno, "", text)


def of_tasks(path: str, node: yaml.Node) -> t.Iterator[Message]:
    """Yield the messages of a file of plays or tasks."""
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from of_tasks(path, one)
    elif isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _value in node.value}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value == "name" and len(keys) > 1 and len(words(value.value)) > 1:
                yield Message(TASK, path, line, "", value.value)
            elif key.value in TOLD_KEYS:
                yield Message(TOLD, path, line, "", " ".join(value.value.split()))
            yield from of_tasks(path, value)


def of_specs(path: str, specs: dict[str, t.Any]) -> t.Iterator[Message]:
    """Yield the short descriptions of a role's entry points."""
    for name, entry in specs["argument_specs"].items():
        yield Message(ROLE, path, 1, name, entry["short_description"])


def messages(tree: pathlib.Path = TREE) -> list[Message]:
    """Return all messages of a tree, by kind and file."""
    sources = [Source(str(path.relative_to(tree)), path.read_text(encoding="utf-8"))
               for path in sorted((tree / "plugins").rglob("*.py"))]
    making = makers(source.tree for source in sources)
    found = [message for source in sources for message in of_code(source, making)]
    for path in sorted([*(tree / "roles").rglob("*.yml"), *(tree / "playbooks").rglob("*.yml")]):
        name, text = str(path.relative_to(tree)), path.read_text(encoding="utf-8")
        if path.parent.name in ("tasks", "playbooks"):
            found += of_tasks(name, yaml.compose(text))
        elif path.name == "argument_specs.yml":
            found += of_specs(name, yaml.safe_load(text))
    return sorted(found, key=lambda message: (KINDS.index(message.kind), message.path, message.line))


def page(found: t.Sequence[Message]) -> str:
    """Return messages as a page, with their counts at its end."""
    lines, kind, path = ["# Every message of the collection"], "", ""
    for message in found:
        if message.kind != kind:
            kind, path = message.kind, ""
            lines += ["", f"## {kind}"]
        if message.path != path:
            path = message.path
            lines += ["", f"### {path}", ""]
        lines.append(f"- {message.line}: " + (f"`{message.code}` " if message.code else "") + " ".join(message.text.split()))
    counts = collections.Counter(message.kind for message in found)
    lines += ["", "## Counts", "", *(f"- {kind}: {counts[kind]}" for kind in KINDS), f"- together: {len(found)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(messages()))
