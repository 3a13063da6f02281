# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core that the collection is tested with, the Pythons of this machine, and an environment for each."""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import typing as t

from steps import TREE

ENVIRONMENTS = TREE / ".cache" / "cores"
REQUIREMENTS = TREE / "tests" / "requirements.txt"
# What the unit tests need beside ansible-core: pins of the tool environment, and what ansible-test's settings of pytest ask for.
SHARED_PINS = ("jsonschema", "pytest", "pytest-xdist", "PyYAML")
MORE_PINS = ("mock==5.2.0", "pytest-mock==3.17.0")
# Pythons that are looked for: from that of the oldest host, on which the modules are imported, to the newest that a core takes.
OLDEST, NEWEST = 9, 15
PROBE = """\
import importlib.util, sys, venv, ensurepip
print("%d.%d" % sys.version_info[:2], importlib.util.find_spec("rpm") is not None, sys.prefix == sys.base_prefix)
"""
# A requirement that pip would fetch from an address instead of an index.
BY_ADDRESS = re.compile(r"^([A-Za-z0-9._-]+) @ \S+.*$", re.MULTILINE)


class Failed(Exception):
    """A core cannot be tested: a command failed that installs it, or that builds or installs the collection with it."""


class Core(t.NamedTuple):
    """A release of ansible-core, and the Pythons that it runs on, the preferred one first."""

    release: str
    pythons: tuple[str, ...]


class Python(t.NamedTuple):
    """An interpreter. C(rpm) tells whether it has the system's rpm bindings, which no index has."""

    version: str
    path: str
    rpm: bool


# The newest release of each series. Together the first choices cover each Python.
CORES = (
    Core("2.16.19", ("3.10", "3.11", "3.12")),
    Core("2.17.14", ("3.11", "3.10", "3.12")),
    Core("2.18.19", ("3.11", "3.12", "3.13")),
    Core("2.19.14", ("3.11", "3.12", "3.13")),
    Core("2.20.10", ("3.12", "3.13", "3.14")),
    Core("2.21.5", ("3.13", "3.12", "3.14")),
    Core("2.22.0rc1", ("3.13", "3.14", "3.15")),
)


class Environment(t.NamedTuple):
    """A core that is installed. C(notes) tell how it differs from what pip would have installed."""

    core: Core
    python: Python
    folder: pathlib.Path
    notes: tuple[str, ...]

    def command(self, name: str) -> str:
        """Return the path of one of its commands."""
        return str(self.folder / "bin" / name)

    def variables(self, collections: pathlib.Path) -> dict[str, str]:
        """Return the variables for its commands: its own commands first, then each Python by its version."""
        return dict(
            os.environ, PATH=os.pathsep.join([str(self.folder / "bin"), str(ENVIRONMENTS / "pythons"), *search_path()]),
            ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_NOCOWS="1", ANSIBLE_FORCE_COLOR="0", NO_COLOR="1",
            PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")


def interpreters() -> dict[str, Python]:
    """Return the Pythons of this machine by version. One with rpm bindings is preferred, then the first that is found."""
    found: dict[str, Python] = {}
    for path in _candidates():
        python = _probe(path)
        if python and (python.version not in found or python.rpm > found[python.version].rpm):
            found[python.version] = python
    return found


def _candidates() -> t.Iterator[str]:
    """Yield paths that may be interpreters: of the search path, then of pyenv."""
    folders = [*search_path(), "/usr/bin", "/usr/local/bin"]
    if pyenv_root():
        folders += sorted(str(path) for path in pathlib.Path(pyenv_root()).glob("versions/*/bin"))
    for folder in dict.fromkeys(folders):
        for minor in range(OLDEST, NEWEST + 1):
            path = pathlib.Path(folder) / f"python3.{minor}"
            if os.access(path, os.X_OK):
                yield str(path)


@functools.cache
def pyenv_root() -> str:
    """Return where pyenv keeps its Pythons, and nothing on a machine without it."""
    if os.environ.get("PYENV_ROOT") or not shutil.which("pyenv"):
        return os.environ.get("PYENV_ROOT", "")
    return subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False).stdout.strip()


def search_path() -> list[str]:
    """Return the search path without pyenv's shims: it has one for each Python, which starts only when that is switched on."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [folder for folder in folders if not pyenv_root() or pathlib.Path(folder) != pathlib.Path(pyenv_root()) / "shims"]


def _probe(path: str) -> Python | None:
    """Return the interpreter at a path, unless it does not start, cannot make environments, or is in one itself."""
    told = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
    words = told.stdout.split()
    if told.returncode or len(words) != 3 or words[2] != "True":
        return None
    return Python(words[0], path, words[1] == "True")


def chosen(core: Core, found: t.Mapping[str, Python]) -> Python | None:
    """Return the first choice of a core among the Pythons that were found."""
    return next((found[version] for version in core.pythons if version in found), None)


def why_not(core: Core, found: t.Mapping[str, Python]) -> str:
    """Return the name of a core and why it is not covered."""
    there = ", ".join(sorted(found, key=_minor)) or "none"
    return f"ansible-core {core.release}: it needs Python {' or '.join(core.pythons)}; this machine has {there}"


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def pins(core: Core, requirements: str) -> list[str]:
    """Return what is installed into the environment of a core."""
    shared = {name.lower() for name in SHARED_PINS}
    taken = [line for line in requirements.splitlines() if line.partition("==")[0].lower() in shared]
    return [f"ansible-core=={core.release}", *taken, *MORE_PINS]


def link_pythons(found: t.Mapping[str, Python]) -> None:
    """Fill a folder with each Python by its version, where ansible-test finds them before shims that do not start."""
    folder = ENVIRONMENTS / "pythons"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for version, python in found.items():
        (folder / f"python{version}").symlink_to(python.path)


def environment(core: Core, python: Python) -> Environment:
    """Return the environment of a core, made anew when its pins or its Python changed."""
    folder = ENVIRONMENTS / core.release
    wanted = pins(core, REQUIREMENTS.read_text())
    digest = hashlib.sha256("\n".join([python.path, str(python.rpm), *wanted]).encode()).hexdigest()
    stamp = folder / "pins"
    if not (stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(folder, ignore_errors=True)
        sees = ["--system-site-packages"] if python.rpm else []
        run([python.path, "-m", "venv", *sees, str(folder)])
        run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted])
        stamp.write_text(digest)
    parts = next(folder.glob("lib/python3*/site-packages/ansible_test"))
    notes = [note for path in sorted((parts / "_data" / "requirements").glob("*.txt")) for note in _from_the_index(path)]
    _place_get_pip(parts)
    return Environment(core, python, folder, tuple(notes))


def run(argv: t.Sequence[str], cwd: pathlib.Path = TREE, env: dict[str, str] | None = None) -> str:
    """Return what a command printed; it must succeed."""
    result = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failed(f"{' '.join(argv)} ended with status {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


def _from_the_index(path: pathlib.Path) -> list[str]:
    """Let ansible-test install by name what it would fetch from an address; return a note for each such requirement.

    A copy is kept, so that the notes are the same in each run.
    """
    original = path.with_suffix(".txt.orig")
    text = (original if original.exists() else path).read_text()
    notes = [f"{path.stem} takes {match[1]} from the index, not from its address" for match in BY_ADDRESS.finditer(text)]
    if notes and not original.exists():
        original.write_text(text)
        path.write_text(by_name(text))
    return notes


def by_name(requirements: str) -> str:
    """Return requirements with each that names an address replaced by its bare name."""
    return BY_ADDRESS.sub(r"\1", requirements)


def _place_get_pip(parts: pathlib.Path) -> None:
    """Give ansible-test the script that it would fetch from the web to put pip into its environments."""
    cache = pathlib.Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(re.findall(r"pip='([\d.]+)'", (parts / "_internal" / "python_requirements.py").read_text())):
        path = cache / f"get_pip_{version.replace('.', '_')}.py"
        if not path.exists():
            path.write_text("import ensurepip\nensurepip.bootstrap()\n")
