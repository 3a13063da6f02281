# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnf's Base as the collection opens it: the host's repositories and some held in memory, and nothing left behind.

Shared by the modules and by the detached runner, so it rests on dnf and the standard library alone.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import shutil
import stat
import sys
import typing as t

from ..core import host_io, modes, secrets
from ..core.errors import Problem, Refused
from ..text import versionlock
from . import filepolicy
from .keys import Source, pinned
from .solver import RepoSpec

try:
    import dnf
    import dnf.exceptions
    import dnf.plugin
    import dnf.rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    dnf = None

# What dnf logs has the accounts of addresses in it. Without a handler, Python writes it to standard error, which Ansible and the
# journal keep.
UNSAID = logging.NullHandler()
# The database of what dnf did, below its C(persistdir).
HISTORY = "history.sqlite"
# Options of dnf and of its repositories that hold a password, or an address with an account.
MAY_BE_SECRET = ("password", "proxy_password", "proxy", "baseurl", "metalink", "mirrorlist")


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
    logging.getLogger("dnf").addHandler(UNSAID)
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
    with _reading([conf.config_file_path]):
        conf.read(priority=dnf.conf.PRIO_MAINCONFIG)
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
    repos = [path for folder in conf.reposdir for path in sorted(glob.glob(os.path.join(folder, "*.repo")))]
    with _reading([conf.config_file_path, *repos]):
        base.read_all_repos()
    base.configure_plugins()
    if not settings.offline:
        _read_specs(base, specs, workdir)
    _learn_secrets(base)
    try:
        base.fill_sack(load_system_repo=True, load_available_repos=not settings.offline)
    except dnf.exceptions.RepoError as error:
        raise Refused(Problem(
            "repository.unreadable", "a repository cannot be read", " ".join(str(error).split()),
            "Make it reachable and whole from this host, or correct its address",
        )) from error
    _refuse_broken_history(base)


@contextlib.contextmanager
def _reading(paths: t.Sequence[str]) -> t.Iterator[None]:
    """Raise Refused where dnf cannot read files of its configuration: it fails at a value that is not in UTF-8, and it would wait
    for ever at a FIFO."""
    for path in paths:
        try:
            waits = stat.S_ISFIFO(os.stat(path).st_mode)
        except OSError:
            continue  # dnf itself passes over it, or says why not
        if waits:
            raise Refused(Problem(
                "dnf.configuration_fifo", f"dnf cannot read {path}", "it is a FIFO, which dnf would wait at for ever",
                "Move it away, and run again", subject=path))
    try:
        yield
    except dnf.exceptions.ConfigError as error:
        raise Refused(Problem(
            "dnf.configuration_refused", f"{' or '.join(paths)} of this host cannot be read", " ".join(str(error).split()),
            "Mend the file: dnf itself refuses to work with it", subject=paths[0])) from error
    except (TypeError, ValueError) as error:
        strange = [path for path in paths if _is_not_utf8(path)]
        if not strange:
            raise
        raise Refused(Problem(
            "dnf.configuration_not_utf8", f"dnf cannot read {', '.join(strange)}",
            "a value in it is not in UTF-8, and dnf itself ends with an error at that",
            "Convert it, for example with 'iconv -f LATIN1 -t UTF-8', and run again", subject=strange[0])) from error


def _is_not_utf8(path: str) -> bool:
    try:
        with open(path, "rb") as handle:
            handle.read().decode("utf-8")
    except UnicodeError:
        return True
    except OSError:
        pass
    return False


def _refuse_broken_history(base) -> None:
    """Raise Refused where dnf cannot read the database of what it did: it would end with an error at any transaction."""
    path = os.path.join(base.conf.persistdir, HISTORY)
    if not host_io.is_there(path):
        return
    try:
        base.history.last()
    except Exception as error:  # whatever libdnf raises, which differs with its releases
        raise Refused(Problem(
            "dnf.history_unreadable", f"dnf cannot read its history, {HISTORY} below its 'persistdir'",
            " ".join(str(error).split()),
            f"Move it away ('mv /var/lib/dnf/{HISTORY} /var/lib/dnf/{HISTORY}.broken'): dnf begins a new one",
            subject=HISTORY)) from error


def _learn_secrets(base) -> None:
    """Have what the configuration says of passwords and accounts taken for secrets wherever libdnf names them."""
    for name, value in base.conf.substitutions.items():
        secrets.learn(name, value)
    for conf in (base.conf, *base.repos.values()):
        secrets.learn_all({name: getattr(conf, name, None) for name in MAY_BE_SECRET})


def _move_state(conf, scratch: str) -> None:
    """Let dnf keep its logs in a folder of its own, and read its history there: opening it touches it."""
    conf.logdir = os.path.join(scratch, "log")
    modes.make_folders(conf.logdir, modes.PRIVATE)
    state = os.path.join(scratch, "state")
    if host_io.is_folder(conf.persistdir) and not host_io.is_folder(state):
        shutil.copytree(conf.persistdir, state)
    conf.persistdir = state


def _without_own_locks(conf, own: t.Sequence[str], workdir: str) -> str:
    """Return a folder whose configuration has dnf's versionlock plugin read a list without our lines.

    dnf reads the configuration of a plugin from each of its folders, the last word counting.
    """
    folder = os.path.join(workdir, "plugins")
    modes.make_folders(folder, modes.PRIVATE)
    path = os.path.join(folder, "versionlock.list")
    with open(path, "w", encoding="utf-8", errors="surrogateescape", opener=modes.private) as out:
        for given in (_locklist_of(where) for where in reversed(conf.pluginconfpath)):
            if given and host_io.is_file(given):
                with open(given, encoding="utf-8", errors="surrogateescape") as lines:
                    out.writelines(line for line in lines if line.strip() not in own)
                break
    with open(os.path.join(folder, versionlock.CONF), "w", encoding="utf-8", opener=modes.private) as out:
        out.write(f"[main]\nlocklist = {path}\n")
    return folder


def _read_specs(base, specs: t.Sequence[RepoSpec], workdir: str) -> None:
    """Let dnf's own parser read the specs, each in place of the host's repository of that id."""
    if not specs:
        return
    folder = os.path.join(workdir, "repos")
    modes.make_folders(folder, modes.PRIVATE)
    for spec in specs:
        if spec.fingerprint:
            pinned([Source(f"repository {spec.id}", "".join(spec.keys).encode("ascii"))], spec.fingerprint)
        base.repos.pop(spec.id, None)
        path = os.path.join(folder, spec.id + ".repo")
        with open(path, "w", encoding="utf-8", errors="surrogateescape", opener=modes.private) as handle:
            handle.write(spec.text)
    own = list(base.conf.reposdir)
    base.conf.reposdir = [folder]
    base.read_all_repos()
    base.conf.reposdir = own
    for spec in specs:
        if spec.id not in base.repos:
            raise Refused(Problem(
                "repository.not_accepted",
                f"repository {spec.id}", "dnf does not accept its definition", "Correct its address and options",
                subject=spec.id))
        base.repos[spec.id].enable()
        base.repos[spec.id].skip_if_unavailable = False


@contextlib.contextmanager
def file_policy(base, policy: filepolicy.Policy | None) -> t.Iterator[None]:
    """Have a transaction follow a policy for the files of packages; None: that of the host."""
    if policy is not None:
        base.conf.tsflags = policy.flags(base.conf.tsflags)
        # rpm reads its macros when a transaction is made, and dnf has read rpm's configuration anew since it was opened.
        del base._ts
    with filepolicy.in_force(policy):
        yield


def close(base) -> None:
    """Let go of a Base and of the plugins it loaded, so that the process can open another one."""
    if dnf.plugin.DYNAMIC_PACKAGE in sys.modules:  # else it came to no plugins, and dnf would stumble over that
        base.unload_plugins()
    base.close()


def _locklist_of(folder: str) -> str | None:
    """Return the list that the configuration of dnf's versionlock plugin in a folder names."""
    try:
        with open(os.path.join(folder, versionlock.CONF), encoding="utf-8", errors="surrogateescape") as handle:
            return versionlock.settings(handle.read()).get("locklist")
    except (FileNotFoundError, ValueError):
        return None
