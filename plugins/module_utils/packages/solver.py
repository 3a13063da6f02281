# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf as the collection uses it: repositories held in memory, exact packages, one honest solution.

Shared by the modules and by the detached runner, so it rests on dnf and the standard library alone. The rules of
every solution here: exact NEVRAs, C(best=True), C(allow_erasing=False), nothing cleaned up on the side.
"""

from __future__ import annotations

import os
import shutil
import sys
import typing as t

from ..core import host_io
from ..core.errors import Problem, Refused
from ..text import versionlock
from .keys import Source, pinned

try:
    import dnf
    import dnf.exceptions
    import dnf.plugin
    import dnf.rpm
    import dnf.transaction
    import hawkey
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf = None

# Words for what a transaction does with one package.
COMING = ("install", "upgrade", "downgrade", "reinstall")
ERASED, OBSOLETED = "erase", "obsoleted"


class RepoSpec(t.NamedTuple):
    """A repository held in memory. C(text) is one section as a .repo file has it; C(keys) are the armoured keys
    that alone may sign its packages, or empty to trust what its C(gpgkey) names. With a C(fingerprint), the keys are
    held against it before the repository is used."""

    id: str
    text: str
    keys: list[str]
    fingerprint: str


class Item(t.NamedTuple):
    """One line of a transaction; sizes are bytes. C(action) is a word of COMING, C(erase), C(obsoleted) or C(replaced);
    C(source) is the name of the source package."""

    action: str
    name: str
    evr: str
    arch: str
    repo: str
    download_size: int
    install_size: int
    source: str = ""

    @property
    def nevra(self) -> str:
        """Name, epoch (when not 0), version, release and arch."""
        return f"{self.name}-{self.evr}.{self.arch}"


class Needs(t.NamedTuple):
    """What sections need of the run's one transaction: repositories held in memory, release packages, removals, and tools of
    the distribution."""

    specs: list[RepoSpec]
    install: list[str]
    erase: list[str]
    tools: t.Sequence[str] = ()


class Settings(t.NamedTuple):
    """How dnf is to behave in one job.

    C(scratch): a folder for its logs and a copy of its state, for jobs that only plan. C(own_cache): the caches go there
    too, for jobs that write nothing at all. C(own_locks): lines of the version lock list that are ours and do not count.
    C(file_lists): packages on offer are to know all their files, which newer dnf leaves out. C(offline): no repository is
    read, and nothing hides a package.
    """

    scratch: str | None
    own_cache: bool
    weak_deps: bool
    own_locks: t.Sequence[str] = ()
    file_lists: bool = False
    offline: bool = False


def open_base(specs: t.Sequence[RepoSpec], workdir: str, settings: Settings, local: t.Sequence[str] = ()):
    """Return a dnf Base that sees the installed packages, the host's enabled repositories, C(specs) and package files.

    A spec takes the place of the host's repository of the same id. C(workdir) is a private folder.
    """
    base = dnf.Base()
    try:
        _set_up(base, specs, workdir, settings)
        if local:
            base.add_remote_rpms(list(local))
    except BaseException:
        close(base)
        raise
    return base


def _set_up(base, specs: t.Sequence[RepoSpec], workdir: str, settings: Settings) -> None:
    conf = base.conf
    try:
        conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
    except dnf.exceptions.ConfigError as error:
        raise Refused(Problem(
            f"{conf.config_file_path} of this host cannot be read", " ".join(str(error).split()),
            "Mend the file: dnf itself refuses to work with it")) from error
    conf.substitutions.update_from_etc(conf.installroot)
    if not conf.substitutions.get("releasever"):
        conf.substitutions["releasever"] = dnf.rpm.detect_releasever(conf.installroot) or ""
    if settings.scratch:
        _move_state(conf, settings.scratch)
    if settings.scratch and settings.own_cache:
        conf.cachedir = os.path.join(settings.scratch, "cache")
    conf.best = True
    conf.clean_requirements_on_remove = False
    # A kernel that comes takes no other away, whatever dnf keeps when it is used by itself.
    conf.installonly_limit = 0
    conf.install_weak_deps = settings.weak_deps
    conf.assumeyes = True
    conf.exit_on_lock = True
    # Packages are named exactly here; that others stay with their vendor is for what runs beside us.
    conf.allow_vendor_change = True
    if settings.own_locks:
        conf.pluginconfpath = [*conf.pluginconfpath, _without_own_locks(conf, settings.own_locks, workdir)]
    # A plugin that was shipped without its bytecode must not leave any behind: planning writes nothing.
    sys.dont_write_bytecode = True
    if settings.file_lists and hasattr(conf, "optional_metadata_types"):
        conf.optional_metadata_types = ["filelists"]
    if settings.offline:
        # A plugin may be among the packages that come and go, and nothing is to hide what is named exactly.
        conf.plugins = False
        conf.disable_excludes = ["all"]
    base.init_plugins()
    base.pre_configure_plugins()
    base.read_all_repos()
    base.configure_plugins()
    if not settings.offline:
        _read_specs(base, specs, workdir)
    try:
        base.fill_sack(load_system_repo=True, load_available_repos=not settings.offline)
    except dnf.exceptions.RepoError as error:
        raise Refused(Problem(
            "a repository cannot be read", " ".join(str(error).split()),
            "Make it reachable and whole from this host, or correct its address",
        )) from error


def _move_state(conf, scratch: str) -> None:
    """Let dnf keep its logs in a folder of its own, and read its history there: opening it touches it."""
    conf.logdir = os.path.join(scratch, "log")
    os.makedirs(conf.logdir, exist_ok=True)
    state = os.path.join(scratch, "state")
    if host_io.is_folder(conf.persistdir) and not host_io.is_folder(state):
        shutil.copytree(conf.persistdir, state)
    conf.persistdir = state


def _without_own_locks(conf, own: t.Sequence[str], workdir: str) -> str:
    """Return a folder whose configuration has dnf's versionlock plugin read a list without our lines.

    dnf reads the configuration of a plugin from each of its folders, the last word counting.
    """
    folder = os.path.join(workdir, "plugins")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, "versionlock.list")
    with open(path, "w", encoding="utf-8") as out:
        for given in (_locklist_of(where) for where in reversed(conf.pluginconfpath)):
            if given and host_io.is_file(given):
                with open(given, encoding="utf-8") as lines:
                    out.writelines(line for line in lines if line.strip() not in own)
                break
    with open(os.path.join(folder, versionlock.CONF), "w", encoding="utf-8") as out:
        out.write(f"[main]\nlocklist = {path}\n")
    return folder


def _read_specs(base, specs: t.Sequence[RepoSpec], workdir: str) -> None:
    """Let dnf's own parser read the specs, each in place of the host's repository of that id."""
    if not specs:
        return
    folder = os.path.join(workdir, "repos")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for spec in specs:
        if spec.fingerprint:
            pinned([Source(f"repository {spec.id}", "".join(spec.keys).encode("ascii"))], spec.fingerprint)
        base.repos.pop(spec.id, None)
        with open(os.path.join(folder, spec.id + ".repo"), "w", encoding="utf-8") as handle:
            handle.write(spec.text)
    own = list(base.conf.reposdir)
    base.conf.reposdir = [folder]
    base.read_all_repos()
    base.conf.reposdir = own
    for spec in specs:
        if spec.id not in base.repos:
            raise Refused(Problem(
                f"repository {spec.id}", "dnf does not accept its definition", "Correct its address and options"))
        base.repos[spec.id].enable()
        base.repos[spec.id].skip_if_unavailable = False


def solve(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> list[Item]:
    """Return the one solution that installs exactly these packages and erases exactly those.

    Raises Refused with the solver's own problems when there is none, and with what an erasing solution would have
    cost; that one is only ever shown.
    """
    _jobs(base, install, erase)
    try:
        base.resolve(allow_erasing=False)
    except dnf.exceptions.DepsolveError as error:
        raise Refused(Problem(
            "these packages cannot be brought together on this host", " ".join(str(error).split()),
            _cost_of_erasing(base, install, erase),
        )) from error
    items = _items(base)
    unasked = [item.nevra for item in items if item.action == ERASED and item.name not in {p.name for p in erase}]
    if unasked:
        raise Refused(Problem(
            "the transaction would erase " + ", ".join(unasked), "nobody named these packages",
            "Name a package in 'erase' if this host can do without it",
        ))
    return items


def problems_without(base) -> list[str]:
    """Return what the solver finds wrong with the installed packages alone: what was so before is nobody's doing now."""
    alone = dnf.Base(base.conf)
    try:
        alone.fill_sack(load_system_repo=True, load_available_repos=False)
        goal = hawkey.Goal(alone.sack)
        if goal.run(verify=True):
            return []
        return sorted({" ".join(text.split()) for rules in goal.problem_rules() for text in rules})
    finally:
        alone.close()


def _jobs(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> None:
    for package in install:
        base.package_install(package, strict=True)
    for package in erase:
        base.package_remove(package)


def _cost_of_erasing(base, install: t.Sequence[t.Any], erase: t.Sequence[t.Any]) -> str:
    """Say which packages would have to go. The answer is advice and is never carried out."""
    nowhere = "Look at the repositories that are enabled here, and at excludes and version locks"
    base.reset(goal=True)
    _jobs(base, install, erase)
    try:
        base.resolve(allow_erasing=True)
    except dnf.exceptions.DepsolveError:
        return nowhere
    gone = sorted(item.nevra for item in _items(base) if item.action == ERASED)
    if not gone:
        return nowhere
    return (
        f"It would be possible only without {', '.join(gone)}. "
        "If this host can do without a package, name it in 'erase'"
    )


def _items(base) -> list[Item]:
    """Return the lines of a solution. Where packages go, dnf also notes why others stay: such a line has no package."""
    moving = {*dnf.transaction.FORWARD_ACTIONS, *dnf.transaction.BACKWARD_ACTIONS, dnf.transaction.PKG_REINSTALLED}
    return sorted(_item(entry) for entry in base.transaction if entry.action in moving)


def _item(entry) -> Item:
    words = {
        dnf.transaction.PKG_INSTALL: "install", dnf.transaction.PKG_UPGRADE: "upgrade",
        dnf.transaction.PKG_DOWNGRADE: "downgrade", dnf.transaction.PKG_REINSTALL: "reinstall",
        dnf.transaction.PKG_REMOVE: ERASED, dnf.transaction.PKG_OBSOLETED: OBSOLETED,
    }
    package = entry.pkg
    return Item(
        words.get(entry.action, "replaced"), package.name, package.evr, package.arch, package.reponame,
        package.downloadsize or 0, package.installsize or 0, package.source_name or "",
    )


def brought(items: t.Iterable[Item]) -> list[Item]:
    """Return the items that bring a package onto the host."""
    return [item for item in items if item.action in COMING]


def lost(items: t.Iterable[Item]) -> list[Item]:
    """Return the items that leave the host: erased by name, or obsoleted."""
    return [item for item in items if item.action in (ERASED, OBSOLETED)]


def exact(base, nevra: str, installed: bool = False):
    """Return the package of an exact NEVRA, available or installed."""
    query = base.sack.query()
    query = query.installed() if installed else query.available()
    found = [package for package in query.filter(name=nevra.rsplit("-", 2)[0]) if nevra_of(package) == nevra]
    if not found:
        where = "installed" if installed else "offered by the repositories"
        raise Refused(Problem(f"package {nevra}", f"it is no longer {where}", "Run again, so that the plan is made anew"))
    return found[0]


def nevra_of(package) -> str:
    """Return a package's name, epoch (when not 0), version, release and arch."""
    return f"{package.name}-{package.evr}.{package.arch}"


def local_files(base) -> list[str]:
    """Return the package files on the host that a solved transaction installs."""
    return sorted(package.localPkg() for package in base.transaction.install_set if is_file(package))


def is_file(package) -> bool:
    """Say whether a package on offer is a file on the host and of no repository."""
    return package.reponame == hawkey.CMDLINE_REPO_NAME


def same_build(base, nevra: str):
    """Return the very build of an installed package that is on offer, be it hidden by an exclude; None where there is none."""
    everything = base.sack.query(flags=hawkey.IGNORE_EXCLUDES).filter(name=nevra.rsplit("-", 2)[0])
    here = [package for package in everything.installed() if nevra_of(package) == nevra]
    made = {package.buildtime for package in here}
    offered = [package for package in everything.available() if nevra_of(package) == nevra and package.buildtime in made]
    return offered[0] if offered else None


def no_way_back(nevra: str) -> Problem:
    """Say that a build could not be brought back."""
    return Problem(
        f"{nevra} would leave this host", "no repository that is enabled here offers exactly that build any more, so it could "
        "not be brought back", "Update the host first to a build that is on offer ('dnf upgrade'), enable the repository that "
        "has it, or do without its way back: hyperscale_way_back: available")


def close(base) -> None:
    """Let go of a Base and of the plugins it loaded, so that the process can open another one."""
    if dnf.plugin.DYNAMIC_PACKAGE in sys.modules:  # else it came to no plugins, and dnf would stumble over that
        base.unload_plugins()
    base.close()


def _locklist_of(folder: str) -> str | None:
    """Return the list that the configuration of dnf's versionlock plugin in a folder names."""
    try:
        with open(os.path.join(folder, versionlock.CONF), encoding="utf-8") as handle:
            return versionlock.settings(handle.read()).get("locklist")
    except (FileNotFoundError, ValueError):
        return None
