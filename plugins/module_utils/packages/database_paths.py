# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths that rpm and dnf write for themselves in a transaction: their databases, locks, caches and logs."""

from __future__ import annotations

import os

from ..core.host_io import SCRATCH, Target, is_folder, names_in
from ..core.writable import APPENDED, FILE, OVERWRITTEN, Touch
from ..text import ini

try:
    import rpm
except ImportError:  # need_bindings() in core/bindings.py says so before anything here is used
    rpm = None

DATABASES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
# What comes and goes beside the database of the sqlite backend, and the lock of every backend.
SQLITE, SQLITE_SUFFIXES, RPM_LOCK = "rpmdb.sqlite", ("-wal", "-shm"), ".rpm.lock"
MAIN_CONF = "/etc/dnf/dnf.conf"
# By the option of dnf.conf, as dnf has them without it (dnf.conf(5)).
FOLDERS = {"cachedir": "/var/cache/dnf", "persistdir": "/var/lib/dnf", "logdir": "/var/log"}
HISTORY, LOG = "history.sqlite", "hawkey.log"


def of_rpm(target: Target) -> list[Touch]:
    """Return what rpm writes of its database: each file in place, and new ones beside."""
    folder = database(target)
    names = names_in(target.path(folder)) if is_folder(target.path(folder)) else []
    made = [RPM_LOCK, *(f"{SQLITE}{suffix}" for suffix in SQLITE_SUFFIXES if SQLITE in names)]
    return [Touch(f"{folder}/{SCRATCH}new", FILE), *(
        Touch(f"{folder}/{name}", OVERWRITTEN) for name in sorted({*names, *made})
        if not is_folder(target.path(f"{folder}/{name}")))]


def database(target: Target) -> str:
    """Return the folder of rpm's database."""
    if target.root == "/" and rpm is not None:
        return os.path.normpath(rpm.expandMacro("%{_dbpath}"))
    return next((folder for folder in DATABASES if is_folder(target.path(folder))), DATABASES[0])


def of_dnf(target: Target) -> list[Touch]:
    """Return what dnf writes besides what rpm does."""
    options = {**FOLDERS, **_options(target)}
    cache, state, logs = (os.path.normpath(options[name]) for name in FOLDERS)
    return [
        Touch(f"{cache}/{SCRATCH}new", FILE), Touch(f"{state}/{SCRATCH}new", FILE),
        Touch(f"{state}/{HISTORY}", OVERWRITTEN), Touch(f"{logs}/{LOG}", APPENDED)]


def _options(target: Target) -> dict[str, str]:
    conf = target.read(MAIN_CONF)
    try:
        said = ini.main_section(conf.content) if conf else {}
    except ini.Malformed:
        return {}  # dnf refuses to work with it, and says so
    return {name: said[name] for name in FOLDERS if said.get(name, "").startswith("/")}
