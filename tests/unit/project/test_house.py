# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house's own rules, held against the tree."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
import tarfile

import pytest
import yaml

TREE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TREE / "tests" / "tools"))

import check_docs  # noqa: E402
import role_docs  # noqa: E402

ROLES = sorted(path.name for path in (TREE / "roles").iterdir() if path.is_dir())
MODULES = sorted((TREE / "plugins" / "modules").glob("*.py"))


def load(path):
    return yaml.safe_load(path.read_text())


def specs(role):
    return load(TREE / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_argument_specs(role):
    options = role_docs.options_of(specs(role))
    assert load(TREE / "roles" / role / "defaults" / "main.yml") == {
        name: option["default"] for name, option in options.items() if "default" in option}


@pytest.mark.parametrize("role", ROLES)
def test_variables_are_prefixed(role):
    prefix = "hyperscale_" if role == "converge" else f"hyperscale_{role}_"
    names = set(role_docs.options_of(specs(role)))
    if (TREE / "roles" / role / "vars").is_dir():
        names |= set(load(TREE / "roles" / role / "vars" / "main.yml"))
    assert [name for name in names if not name.startswith(prefix)] == []


@pytest.mark.parametrize("role", ROLES)
def test_both_entry_points_take_the_same_options(role):
    found = specs(role)
    assert found.get("wants", found["main"])["options"] == found["main"]["options"]


@pytest.mark.parametrize("role", ROLES)
def test_role_has_a_readme_that_is_current_and_a_scenario(role):
    readme = TREE / "roles" / role / "README.md"
    assert readme.read_text() == role_docs.with_table(readme.read_text(), role_docs.options_of(specs(role)))
    assert (TREE / "molecule" / role / "tests").is_dir()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_modules_are_glue(module):
    text = module.read_text()
    code = text[text.index("\nfrom ansible_collections."):]
    assert len(code.splitlines()) < 60
    assert all(part in text for part in ("DOCUMENTATION = r", "EXAMPLES = r", "RETURN = r"))


def test_the_page_of_checks_is_current():
    assert check_docs.PAGE.read_text() == check_docs.page()


def test_every_row_of_the_catalogue_has_an_outcome():
    rows, covered = check_docs.catalogue(), check_docs.rows_of_checks()
    assert sorted(rows) == list(range(1, 111))
    assert sorted(covered) == sorted(row for row, entry in rows.items() if "reason" not in entry)
    assert all(entry["instead"] for entry in rows.values() if "reason" in entry)


def test_nothing_weakens_a_host():
    bad = re.compile(r"\bshell:|ignore_errors:|gpgcheck[=:] ?(0|false|no)\b|shell=True|setenforce|SELINUX=")
    # The one place that may have a host permissive, for a while, where somebody asked for it; it never writes the configuration.
    asked = "plugins/module_utils/sections/selinux/"
    found = []
    for folder in ("roles", "playbooks", "plugins"):
        for path in sorted((TREE / folder).rglob("*")):
            if path.suffix in (".py", ".yml"):
                found += [f"{path.relative_to(TREE)}: {line}" for line in path.read_text().splitlines() if bad.search(line)]
    assert [line for line in found if not (line.startswith(asked) and "setenforce" in line)] == []


def test_built_collection_holds_what_users_need_and_no_more(tmp_path):
    subprocess.run(
        [str(pathlib.Path(sys.executable).parent / "ansible-galaxy"), "collection", "build", "--output-path", str(tmp_path)],
        cwd=TREE, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as built:
        names = built.getnames()
    assert {name.split("/")[0] for name in names} == {
        "CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "changelogs", "docs", "meta", "playbooks",
        "plugins", "roles", "scripts", "tests"}
    # ansible-test reads it: without it the modules would have to import on Pythons that no host has.
    assert [name for name in names if name.startswith("tests/")] == ["tests/config.yml"]


def test_versions_agree():
    version = load(TREE / "galaxy.yml")["version"]
    assert version in load(TREE / "changelogs" / "changelog.yaml")["releases"]


def test_every_role_that_goes_back_alone_has_its_way():
    back, known = specs("converge")["back"]["options"]["hyperscale_rollback"], load(TREE / "roles/converge/vars/main.yml")
    assert back["choices"] == known["hyperscale_converge_back_order"]
    assert {*back["choices"], "cgroup2", "converge"} == set(ROLES)
    having = [role for role in ROLES if f"hyperscale_{role}_back" in load(TREE / "roles" / role / "vars" / "main.yml")]
    assert having == sorted(back["choices"])


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"cgroup2", "converge"}))
def test_a_way_back_rests_on_its_own_role_alone(role):
    variables = load(TREE / "roles" / role / "vars" / "main.yml")
    own = {*variables, *load(TREE / "roles" / role / "defaults" / "main.yml")}
    way = variables[f"hyperscale_{role}_back"]
    assert set(re.findall(r"\bhyperscale_\w+", yaml.safe_dump(way))) <= own
    steps = (TREE / "roles/converge/tasks/back_role.yml").read_text()
    assert set(way) <= {"undo", "wishes"} and way
    assert [section for section in way.get("wishes", {}) if f"hyperscale_converge_back_wishes.{section} |" not in steps] == []
