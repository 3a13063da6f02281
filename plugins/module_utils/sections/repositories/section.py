# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(repositories): the SIG's repositories by flavour, and what they rest on (key, EPEL, CRB).

Two ways lead there. With C(release_package) the SIG's own packages from CentOS Extras define the repositories;
they are read before they are installed, so that the same run can solve against what they will define, and they
travel in the run's one transaction. With C(definition) the files are written here, for mirrors of one's own.
"""

from __future__ import annotations

import typing as t

from ...core import ledger
from ...core.engine import CONFIGURE, PREPARE, Action
from ...core.errors import Problem, Refused
from ...core.host_io import FileState, Target, names_in
from ...core.planning import Context, Manner, Planned
from ...facts import repos
from ...facts.repos import split_list
from ...packages import dnf_base, keys, rings, solver
from ...tables.flavours import CRB_REPO_ID, EPEL_RELEASE_PACKAGES, FLAVOURS, METALINK, TESTING_BASEURL, Flavour
from ...tables.keys import HYPERSCALE_KEY
from ...text import repofile
from ...text.masking import has_secret
from . import key, release
from .actions import ACTIONS, Edits, KeyFileAction, RepoFileAction, owned, stricter
from .wish import OPTIONS, validate

__all__ = ["ACTIONS", "OPTIONS", "fingerprints", "gather", "plan", "validate"]

WHY_ABSENT = "this collection put it here"


class Gathered(t.NamedTuple):
    """The door to the host, its .repo files (path to state) and its ledger."""

    target: Target
    files: dict[str, FileState]
    standing: list[ledger.Step]


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]] = ()) -> Gathered:
    """Read the host's .repo files and the ledger."""
    folder = target.path(repofile.FOLDER)
    files = {}
    for name in names_in(folder):
        path = f"{repofile.FOLDER}/{name}"
        try:
            state = target.read(path) if name.endswith(".repo") else None
        except OSError as error:
            if error.errno not in repos.PASSED_OVER:
                raise
            continue
        if state:
            files[path] = state
    return Gathered(target, files, ledger.standing(target))


def fingerprints(wants: t.Sequence[dict[str, t.Any]]) -> list[str | None]:
    """Return the fingerprints of the keys that sign what the wanted repositories have."""
    return [keys.normal_fingerprint(want["key_fingerprint"]) for want in wants]


def plan(wants: t.Sequence[dict[str, t.Any]], state: Gathered, context: Context) -> Planned:
    """Return the actions of all wishes, and what they need of the transaction."""
    installed_names = {package.name for package in context.installed}
    whole = Planned([])
    for want in wants:
        if want["state"] == "absent":
            part = _plan_absent(want, state, installed_names)
        elif want["method"] == "definition":
            part = _plan_definition(state.target, want, state, context.stream)
        else:
            part = _plan_release(state.target, want, state, context, installed_names)
        needs = solver.Needs(*([*mine, *more] for mine, more in zip(whole.needs, part.needs)))
        whole = whole._replace(
            actions=whole.actions + part.actions, warnings=whole.warnings + part.warnings, needs=needs)
    return whole


def _plan_release(
    target: Target, want: dict[str, t.Any], state: Gathered, context: Context, installed_names: set[str],
) -> Planned:
    stream = context.stream
    suffix = "-testing" if want["testing"] else ""
    names = [FLAVOURS[name].release_package + suffix for name in want["flavours"]]
    if want["epel"]:
        names.extend(EPEL_RELEASE_PACKAGES[stream])
    missing = [name for name in names if name not in installed_names]
    contents = release.Contents([], {}, {})
    if missing:
        base = t.cast(Manner, context.manner).open_base([])
        try:
            contents = release.look_into(base, missing, target.tmpdir)
        finally:
            dnf_base.close(base)
    files = {path: FileState(text, "0644", "root", "root") for path, text in contents.repo_files.items()}
    files = {**files, **state.files}
    edits = Edits(target, files)
    for name in want["flavours"]:
        repo_id = FLAVOURS[name].repo_id + suffix
        edits.set(repo_id, _options(want, name), name)
    if want["crb"]:
        edits.set(CRB_REPO_ID, {"enabled": "1"}, "")
    options = edits.options(FLAVOURS[want["flavours"][0]].repo_id + suffix)
    found = key.pinned(target, _fingerprint(want), _key_sources(target, want, options, contents, stream))
    specs = [solver.RepoSpec(repo_id, text, [found.text], _fingerprint(want)) for repo_id, text in edits.specs(want, suffix)]
    specs += _other_specs(contents, specs, stream)
    if want["crb"]:
        specs.append(solver.RepoSpec(CRB_REPO_ID, edits.text(CRB_REPO_ID), [], ""))
    actions = found.actions + edits.actions()
    return Planned(actions, warnings=found.warnings, needs=solver.Needs(specs, contents.names, []))


def _plan_definition(target: Target, want: dict[str, t.Any], state: Gathered, stream: int) -> Planned:
    on_disk = target.read_bytes(HYPERSCALE_KEY.path) is not None
    options = dict(_options(want, ""), gpgkey=key.LOCAL + HYPERSCALE_KEY.path if on_disk else HYPERSCALE_KEY.url)
    found = key.pinned(target, _fingerprint(want), _key_sources(target, want, options, release.Contents([], {}, {}), stream))
    actions = [*found.actions, *_key_file(target, want, found)]
    specs = []
    for name in want["flavours"]:
        flavour = FLAVOURS[name]
        repo_id = flavour.repo_id + ("-testing" if want["testing"] else "")
        path = f"{repofile.FOLDER}/{repo_id}.repo"
        _refuse_second_definition(repo_id, path, state)
        text = repofile.section_text(repo_id, {**_definition(want, flavour, stream), **_options(want, name)})
        specs.append(solver.RepoSpec(repo_id, text, [found.text], _fingerprint(want)))
        old = state.files.get(path)
        mode = "0600" if has_secret(text) else "0644"
        wanted = FileState(text, stricter(old.mode, mode) if old else mode, "root", "root")
        if old != wanted:
            actions.append(owned(RepoFileAction, path, old, wanted, name))
    edits = Edits(target, state.files)
    if want["crb"]:
        edits.set(CRB_REPO_ID, {"enabled": "1"}, "")
        specs.append(solver.RepoSpec(CRB_REPO_ID, edits.text(CRB_REPO_ID), [], ""))
    return Planned(actions + edits.actions(), warnings=found.warnings, needs=solver.Needs(specs, [], []))


def _plan_absent(want: dict[str, t.Any], state: Gathered, installed_names: set[str]) -> Planned:
    """Take back, from the ledger, what was put in for these flavours; what they share goes with the last of them."""
    own = [step for step in state.standing if step.action["kind"] in ACTIONS]
    brought = {name for step in state.standing for name in step.action["args"].get("release", ())} & installed_names
    of_flavour = {flavour.release_package: name for name, flavour in FLAVOURS.items()}
    standing = {of_flavour[name] for name in brought if name in of_flavour}
    standing |= {step.action["args"].get("flavour") for step in own} - {"", None}
    last = standing <= set(want["flavours"])
    actions: list[Action] = []
    for step in own:
        flavour = step.action["args"].get("flavour", "")
        if flavour in want["flavours"] or (last and not flavour):
            actions.append(_taken_back(step))
    erase = [name for name in brought if of_flavour.get(name) in want["flavours"] or (last and name not in of_flavour)]
    warnings = []
    if not actions and not erase:
        warnings.append(
            f"Nothing to take out for {', '.join(want['flavours'])}: the ledger of this host has no step of it")
    return Planned(actions, warnings=warnings, needs=solver.Needs([], [], sorted(erase)))


def _taken_back(step: ledger.Step) -> Action:
    """Return the action that takes a step of the ledger back."""
    record = step.action
    action: Action
    if record["kind"] == key.KeyAction.kind:
        action = key.KeyRemoval(record["subject"], WHY_ABSENT, record["args"], record["after"], record["before"])
    else:
        args = dict(record["args"], old=record["args"]["new"], new=record["args"]["old"])
        action = ACTIONS[record["kind"]](record["subject"], WHY_ABSENT, args, record["after"], record["before"])
        # Files come back to what the package shipped before the transaction removes the package.
        action.phase = PREPARE if record["kind"] == RepoFileAction.kind else CONFIGURE
    action.undoes = (step.run, step.number)
    return action


def _options(want: dict[str, t.Any], flavour: str) -> dict[str, str]:
    """Return the options that the wish sets on a flavour's repository."""
    options = {"enabled": "0" if want["enabled"] == "per_transaction" else "1", "gpgcheck": "1"}
    for option in ("proxy", "sslcacert", "sslclientcert", "sslclientkey"):
        if want[option]:
            options[option] = want[option]
    for option, value in want["settings"].get(flavour, {}).items():
        options[option] = " ".join(value) if isinstance(value, list) else str(value)
    return options


def _definition(want: dict[str, t.Any], flavour: Flavour, stream: int) -> dict[str, str]:
    """Return the head of a repository definition: name, address and key."""
    title = "" if flavour.name == "main" else " " + flavour.name.capitalize()
    head = {"name": f"CentOS Stream $releasever - Hyperscale{title}"}
    if want["testing"]:
        head["name"] += " Testing"
    values = {"stream": stream, "component": flavour.component}
    if want["baseurl"] or want["testing"]:
        head["baseurl"] = _filled(want["baseurl"] or TESTING_BASEURL, values)
    else:
        head["metalink"] = _filled(want["metalink"] or METALINK, values)
    head["gpgkey"] = key.LOCAL + HYPERSCALE_KEY.path
    return head


def _filled(pattern: str, values: dict[str, t.Any]) -> str:
    """Put stream and component into an address; other braces stay as they are."""
    for name, value in values.items():
        pattern = pattern.replace("{" + name + "}", str(value))
    return pattern


def _refuse_second_definition(repo_id: str, path: str, state: Gathered) -> None:
    for other, found in state.files.items():
        if other != path and f"[{repo_id}]" in found.content:
            raise Refused(Problem(
                "repository.defined_elsewhere", f"repository {repo_id}", f"{other} defines it already",
                "Use 'method: release_package' if a package ships that file, or take the file away", subject=repo_id,
            ))


def _key_sources(
    target: Target, want: dict[str, t.Any], options: t.Mapping[str, str], contents: release.Contents, stream: int,
) -> t.Iterable[keys.Source]:
    """Return where the pinned key may be: given with the wish, or at the addresses that a repository names."""
    return [key.given(want["key"])] if want["key"] else key.named(target, options, contents.keys, stream)


def _key_file(target: Target, want: dict[str, t.Any], found: key.Pinned) -> list[Action]:
    """Return the action that writes the key file of a definition. It gets the pinned key alone.

    A file that holds the pinned key stays as it is, unless another key is in it and the wish gives the key.
    """
    on_disk = target.read(HYPERSCALE_KEY.path)
    data = target.read_bytes(HYPERSCALE_KEY.path) or b""
    fingerprint = _fingerprint(want)
    has_it = any(one.fingerprint == fingerprint for one in keys.read(data).keys)
    stays = on_disk and has_it and not (want["key"] and keys.others(data, fingerprint))
    new = FileState(on_disk.content if on_disk and stays else found.text, "0644", "root", "root")
    return [] if on_disk == new else [owned(KeyFileAction, HYPERSCALE_KEY.path, on_disk, new, "")]


def _fingerprint(want: dict[str, t.Any]) -> str:
    return keys.normal_fingerprint(want["key_fingerprint"])


def _other_specs(contents: release.Contents, known: t.Sequence[solver.RepoSpec], stream: int) -> list[solver.RepoSpec]:
    """Return the repositories that release packages bring along enabled, such as EPEL, with the keys they ship."""
    ids = {spec.id for spec in known}
    specs = []
    for text in contents.repo_files.values():
        for repo_id, options in repofile.sections(text).items():
            if repo_id in ids or options.get("enabled", "1") != "1":
                continue
            paths = [url.replace(key.LOCAL, "") for url in split_list(rings.expanded(options.get("gpgkey", ""), stream))]
            found = [one for path in paths for one in keys.read(contents.keys.get(path, b"")).keys]
            specs.append(solver.RepoSpec(
                repo_id, repofile.section_text(repo_id, options), [one.armoured() for one in found], ""))
    return specs
