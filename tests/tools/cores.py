# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the collection with each ansible-core that has a Python here: sanity, unit tests, documentation, syntax of the playbooks.

The git tree is tested as ansible-test finds it in a clone, the tarball as ansible-galaxy installs it. No ignore file is used.
"""

from __future__ import annotations

import concurrent.futures
import functools
import json
import pathlib
import re
import shutil
import tempfile
import typing as t

import core_envs
from steps import TAIL_LINES, TREE, Count, failure, reported, say, step

NAME = "centos.hyperscale"
BELOW = pathlib.Path("ansible_collections", *NAME.split("."))
# Commands that run side by side; ansible-test uses one processor for most of its time.
AT_ONCE = 2
# The other unit tests are of the lab and of the tools beside it: no core has a part in them, and the stage "unit" runs them.
OF_CORES = ("tests/unit/plugins/", "tests/unit/project/test_batches.py")
# Types of plugins that have documentation of their own, by their folder.
DOCUMENTED = {
    "module" if folder == "modules" else folder: folder for folder in (
        "become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup", "modules", "netconf",
        "shell", "strategy", "test", "vars")}


class Trees(t.NamedTuple):
    """The two forms of the collection for one core. Neither is below a folder of git other than its own."""

    git: pathlib.Path
    tarball: pathlib.Path


Check = t.Callable[[core_envs.Environment, Trees], Count]


def copy_tree(folder: pathlib.Path) -> pathlib.Path:
    """Return a copy of the tree as git has it, in a repository of its own: ansible-test refuses a path with a link in it."""
    copy = folder / BELOW
    listed = core_envs.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TREE)
    for name in filter(None, listed.split("\0")):
        if (TREE / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, copy / name)
    core_envs.run(["git", "init", "--quiet"], cwd=copy)
    core_envs.run(["git", "add", "--all"], cwd=copy)
    return copy


def trees(env: core_envs.Environment, folder: pathlib.Path) -> Trees:
    """Return the tree, and the collection that this core builds of it and installs."""
    git, built = copy_tree(folder / "git"), folder / "built"
    galaxy, variables = env.command("ansible-galaxy"), env.variables(folder)
    core_envs.run([galaxy, "collection", "build", "--output-path", str(built)], cwd=git, env=variables)
    tarball = str(next(built.glob("*.tar.gz")))
    core_envs.run(
        [galaxy, "collection", "install", "--offline", "--collections-path", str(folder / "tarball"), tarball], env=variables)
    return Trees(git, folder / "tarball" / BELOW)


def ansible_test(env: core_envs.Environment, form: str, tree: pathlib.Path, command: str, *options: str) -> Count:
    """Run a command of ansible-test in a tree and count from its reports; one that reports no test has failed."""
    name = f"{env.core.release} {command} {form}"
    reports = tree / "tests" / "output" / "junit"
    for old in reports.glob(f"*{command}*.xml"):
        old.unlink()
    okay, text = step(
        name, [env.command("ansible-test"), command, "--color", "no", *options], tree, env.variables(tree.parents[2]))
    count = reported(name, sorted(reports.glob(f"*{command}*.xml")))
    if not okay:
        # The end of the log, which is shown already, may have the names of the tests alone.
        earlier = text.splitlines()[:-TAIL_LINES]
        print("\n".join(line for line in earlier if line.startswith(("ERROR: ", "FAILED "))), flush=True)
    return count if okay and count.passed else count.failing(name)


def sanity_git(env: core_envs.Environment, forms: Trees) -> Count:
    """Run the sanity tests on the git tree; compile and import run on each Python of this machine."""
    return ansible_test(env, "git", forms.git, "sanity", "--junit")


def sanity_tarball(env: core_envs.Environment, forms: Trees) -> Count:
    """Run the sanity tests on the collection as it is installed from its tarball."""
    return ansible_test(env, "tarball", forms.tarball, "sanity", "--junit")


def units(env: core_envs.Environment, forms: Trees) -> Count:
    """Run the unit tests that a core can change, as ansible-test does, which imports by the name of the collection alone."""
    return ansible_test(env, "git", forms.git, "units", "--python", env.python.version, "--num-workers", "1", *OF_CORES)


def documentation(env: core_envs.Environment, forms: Trees) -> Count:
    """Show the documentation of each plugin and role, as text and as data; each counts."""
    return sum((_documents(env, forms, kind, names) for kind, names in documented(forms.tarball).items()), Count())


def documented(collection: pathlib.Path) -> dict[str, list[str]]:
    """Return the full names of what has documentation in a collection, by type."""
    found = {kind: _names(collection / "plugins" / folder, "*.py") for kind, folder in DOCUMENTED.items()}
    found["role"] = [f"{NAME}.{path.parents[1].name}" for path in sorted(collection.glob("roles/*/meta/argument_specs.yml"))]
    return {kind: names for kind, names in found.items() if names}


def _names(folder: pathlib.Path, pattern: str) -> list[str]:
    return [f"{NAME}.{path.stem}" for path in sorted(folder.glob(pattern)) if not path.stem.startswith("_")]


def _documents(env: core_envs.Environment, forms: Trees, kind: str, names: list[str]) -> Count:
    run = functools.partial(step, cwd=forms.tarball, env=env.variables(forms.tarball.parents[2]))
    doc = [env.command("ansible-doc"), "--type", kind]
    okay, _text = run(f"{env.core.release} ansible-doc {kind} as text", [*doc, *names])
    known, text = run(f"{env.core.release} ansible-doc {kind} as data", [*doc, "--json", *names])
    told = _told(text) if okay and known else set()
    untold = tuple(f"{env.core.release} ansible-doc shows nothing of {kind} {name}" for name in sorted(set(names) - told))
    for text in untold:
        say(f"FAILED  {text}")
    return Count(len(told & set(names)), untold)


def _told(text: str) -> set[str]:
    """Return the names that ansible-doc documents in its JSON, whatever warnings stand before it."""
    try:
        shown = json.loads(text[text.index("{"):])
    except ValueError:
        return set()
    return {name for name, entry in shown.items() if entry.get("doc") or entry.get("entry_points")}


def syntax(env: core_envs.Environment, forms: Trees) -> Count:
    """Check the syntax of each playbook by its full name, with the roles that it imports."""
    names = _names(forms.tarball / "playbooks", "*.yml")
    variables = env.variables(forms.tarball.parents[2])
    argv = [env.command("ansible-playbook"), "--inventory", "localhost,", "--syntax-check"]
    told = [f"{env.core.release} syntax of {name}" for name in names]
    failures = tuple(text for text, name in zip(told, names) if not step(text, [*argv, name], env=variables)[0])
    return Count(len(names) - len(failures), failures) if names else failure(f"{env.core.release} syntax: no playbook is there")


# The slow ones first, so that the last command to end is a short one.
CHECKS: dict[str, Check] = {
    "units": units, "sanity git": sanity_git, "sanity tarball": sanity_tarball, "ansible-doc": documentation, "syntax": syntax}
COLUMNS = ("sanity git", "sanity tarball", "units", "ansible-doc", "syntax")
QUICK = ("ansible-doc", "syntax")
# What a sample runs on the oldest and on the newest core. Stage "unit" runs the unit tests on the core in between that is pinned.
OLDEST, NEWEST = ("units", "sanity tarball", *QUICK), ("sanity git", *QUICK)


def checks_of(index: int, cores: int, everything: bool) -> tuple[str, ...]:
    """Return the checks of a core among those that are covered, the oldest of which has the C(index) 0."""
    if everything or cores == 1:
        return tuple(CHECKS)
    return OLDEST if index == 0 else NEWEST if index == cores - 1 else QUICK


def some() -> Count:
    """Run a sample: every check, though not each on every core."""
    return run(everything=False)


def whole() -> Count:
    """Run all checks on all cores."""
    return run(everything=True)


def run(everything: bool) -> Count:
    """Run the checks, print a table of cores and checks, and return the sum. A core without a Python is a skip."""
    found = core_envs.interpreters()
    core_envs.link_pythons(found)
    pairs = [(core, core_envs.chosen(core, found)) for core in core_envs.CORES]
    skips = tuple(core_envs.why_not(core, found) for core, python in pairs if python is None)
    there = [(core, python) for core, python in pairs if python]
    checks = [checks_of(index, len(there), everything) for index in range(len(there))]
    with tempfile.TemporaryDirectory(prefix="hyperscale-cores-") as folder:
        prepared = [
            _prepared(core, python, pathlib.Path(folder), names) for (core, python), names in zip(there, checks)]
        jobs = [
            (*entry, name) for name in CHECKS for entry, names in zip(prepared, checks) if entry and name in names]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            counts = list(pool.map(lambda job: CHECKS[job[2]](job[0], job[1]), jobs))
    results = {(env.core.release, name): count for (env, _forms, name), count in zip(jobs, counts)}
    covered = [entry[0] for entry in prepared if entry]
    print(table(covered, results), flush=True)
    for env in covered:
        for note in env.notes:
            print(f"ansible-core {env.core.release}: {note}", flush=True)
    failures = tuple(
        f"{core.release} on Python {python.version} cannot be had" for (core, python), entry in zip(there, prepared) if not entry)
    total = sum(counts, Count(failures=failures, skips=skips))
    return total if covered else total.failing("no ansible-core has a Python here")


def _prepared(
    core: core_envs.Core, python: core_envs.Python, folder: pathlib.Path, names: t.Sequence[str],
) -> tuple[core_envs.Environment, Trees] | None:
    """Return a core that is installed, and the collection for it; nothing when one of them cannot be had.

    Environments of the sanity tests are shared by all cores, so they are made before commands run side by side.
    """
    try:
        env = core_envs.environment(core, python)
        forms = trees(env, folder / core.release)
    except core_envs.Failed as error:
        say(f"FAILED  {core.release} on Python {python.version}: {error}")
        return None
    if not any(name.startswith("sanity") for name in names):
        return env, forms
    okay, _text = step(
        f"{core.release} on Python {python.version}: environments of the sanity tests",
        [env.command("ansible-test"), "sanity", "--color", "no", "--prime-venvs"], forms.git, env.variables(folder))
    return (env, forms) if okay else None


def cell(count: Count | None) -> str:
    """Return what a cell of the table says."""
    if count is None:
        return "not run"
    failed = f", {len(count.failures)} FAILED" if count.failures else ""
    skipped = f", {len(count.skips)} skipped" if count.skips else ""
    return f"{count.passed} passed{failed}{skipped}"


def table(covered: t.Sequence[core_envs.Environment], results: t.Mapping[tuple[str, str], Count]) -> str:
    """Return the table of cores and checks."""
    rows = [["ansible-core", "Python", *COLUMNS]] + [
        [env.core.release, env.python.version, *(cell(results.get((env.core.release, name))) for name in COLUMNS)]
        for env in covered]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], re.sub(r"[^|]+", " --- ", lines[0]), *lines[1:]])
