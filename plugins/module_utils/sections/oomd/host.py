# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host holds of systemd-oomd: our files, what PID 1 and the daemon made of them, and what the daemon needs to run."""

from __future__ import annotations

import fnmatch
import typing as t

from ...core.host_io import FileState, Target
from ...facts import cgroup, globbing, kernel, mounts, read as host_read
from ...shared import freshness
from ...shared.unit import UnitState, gather as gather_units
from ...text import oomd

DAEMON, SOCKET = "systemd-oomd.service", "systemd-oomd.socket"
# Others that kill on their own account when memory runs short: oomd.service is the daemon that systemd's grew out of.
RIVALS = ("earlyoom.service", "nohang.service", "nohang-desktop.service", "oomd.service")

PROPERTIES = (
    "Id", "Names", "LoadState", "ActiveState", "FragmentPath", "ControlGroup", "ManagedOOMSwap", "ManagedOOMMemoryPressure",
    "ManagedOOMMemoryPressureLimit", "ManagedOOMPreference", "NeedDaemonReload",
)


class Ground(t.NamedTuple):
    """What the host offers: how control groups are mounted, the controllers of the unified hierarchy, the C(psi) group of
    host_info, the running kernel's arguments, and whether any swap is in use."""

    hierarchy: str
    controllers: tuple[str, ...]
    psi: dict[str, t.Any]
    arguments: dict[str, t.Any]
    swap: bool


class State(t.NamedTuple):
    """What the section decides on. C(files) holds what each file of ours is to be or was, C(units) the properties of loaded
    units, C(listed) the wanted templates that exist; C(unread) says that PID 1 has not read their files as they are,
    C(old) that the daemon has not; C(dump) is the daemon's word, None when it does not run or does not answer."""

    files: dict[str, FileState | None]
    daemon: UnitState
    socket: UnitState
    rivals: dict[str, UnitState]
    units: list[dict[str, str]]
    listed: frozenset[str]
    ground: Ground
    unread: bool
    old: bool
    dump: oomd.Dump | None

    def matching(self, name: str) -> list[dict[str, str]]:
        """Return the loaded units that a wish for a unit, a template or a prefix counts for."""
        pattern = oomd.pattern(name)
        return [
            said for said in self.units
            if said.get("LoadState") == "loaded" and fnmatch.filter(said.get("Names", said["Id"]).split(), pattern)]


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read our files, the units, and what PID 1 and the daemon made of them."""
    clock = freshness.now()
    names = [unit["name"] for want in wants for unit in want["units"]]
    drop_ins = {*(oomd.drop_in_path(name) for name in names), *_ours(target)}
    paths = sorted({oomd.CONFIG, *drop_ins})
    known = gather_units(target, [{"name": name} for name in (DAEMON, SOCKET, *RIVALS)])
    daemon, read = known[DAEMON], _read_moment(target)
    units = _properties(target, names)
    return State(
        files={path: target.read(path) for path in paths},
        daemon=daemon,
        socket=known[SOCKET],
        rivals={name: known[name] for name in RIVALS},
        units=units,
        listed=_listed(target, names),
        ground=_ground(target),
        unread=any(said.get("NeedDaemonReload") == "yes" for said in units)
        or (read is not None and freshness.is_older(target, read, drop_ins, clock)),
        old=daemon.active and daemon.began is not None and freshness.is_older(target, daemon.began, paths, clock),
        dump=_dump(target) if daemon.active else None,
    )


def is_ours(file: FileState | None) -> bool:
    """Say whether a file is there and was written by us."""
    return file is not None and file.content.startswith(oomd.MARK)


def _ours(target: Target) -> list[str]:
    """Return the drop-ins to units that we wrote, now wanted or not."""
    paths = globbing.matching(target.root, f"{oomd.UNIT_FOLDER}/*.d/{oomd.DROP_IN}", globbing.raising)
    return [path for path in paths if is_ours(target.read(path))]


def _read_moment(target: Target) -> freshness.Moment | None:
    """Return when PID 1 last read its units."""
    out = target.run(["systemctl", "show", "--timestamp=us+utc", "-p", "UnitsLoadTimestamp,UnitsLoadTimestampMonotonic"])
    return freshness.moment(host_read.assignments(out), "UnitsLoadTimestamp")


def _properties(target: Target, names: t.Sequence[str]) -> list[dict[str, str]]:
    """Ask PID 1 for units, and for the loaded ones that a template or a prefix stands for."""
    if not names:
        return []
    patterns = sorted({oomd.pattern(name) for name in names})
    out = target.run(["systemctl", "show", "-p", ",".join(PROPERTIES), "--", *patterns])
    blocks = [host_read.assignments(block) for block in out.split("\n\n")]
    return [said for said in blocks if "Id" in said]


def _listed(target: Target, names: t.Sequence[str]) -> frozenset[str]:
    """Return the templates among some names that have a unit file."""
    templates = [name for name in names if "@." in name]
    if not templates:
        return frozenset()
    # All are listed: with names, systemctl fails where it knows none of them.
    out = target.run(["systemctl", "list-unit-files", "--no-legend", "--no-pager"])
    return frozenset(templates) & {line.split()[0] for line in out.splitlines() if line.strip()}


def _ground(target: Target) -> Ground:
    root = target.root
    release = host_read.text(root, "/proc/sys/kernel/osrelease").strip()
    arguments = kernel.parse_arguments(host_read.text(root, "/proc/cmdline"))
    controllers = host_read.optional_text(root, f"{cgroup.CGROUP_ROOT}/cgroup.controllers") or ""
    swaps = host_read.optional_text(root, "/proc/swaps") or ""
    return Ground(
        cgroup.mode(mounts.gather(root)), tuple(controllers.split()),
        cgroup.gather_psi(root, release, arguments), arguments, len(swaps.splitlines()) > 1)


def _dump(target: Target) -> oomd.Dump | None:
    """Ask the daemon; None when it does not answer. Only one that runs is asked: the question would start it over D-Bus."""
    status, out = target.probe(["oomctl", "--no-pager", "dump"])
    return oomd.parse_dump(out) if status == 0 else None


def differences(want: dict[str, t.Any], state: State) -> list[str]:
    """Return, in words, what PID 1 and the daemon, where it runs, hold otherwise than wanted."""
    found = ["it does not answer oomctl"] if state.daemon.active and state.dump is None else []
    for unit in want["units"]:
        for said in state.matching(unit["name"]):
            found += [f"{said['Id']} has {key}={shown}" for key, shown in _overridden(unit, said)]
            if state.dump is not None and said.get("ControlGroup"):
                found += [f"oomctl {words}" for words in _unwatched(unit, said, state.dump)]
    if state.dump is not None:
        found += [f"oomctl shows another {option}" for option in _settings_differ(want["settings"] or {}, state.dump)]
    return found


def _overridden(unit: dict[str, t.Any], said: dict[str, str]) -> t.Iterator[tuple[str, str]]:
    """Yield the properties of PID 1 that are not as wanted, with what they are."""
    for option in ("swap", "memory_pressure", "preference"):
        key = oomd.UNIT_SETTINGS[option][0]
        if unit[option] is not None and said.get(key) != unit[option]:
            yield key, said.get(key, "")
    key = oomd.UNIT_SETTINGS["memory_pressure_limit"][0]
    if unit["memory_pressure_limit"] is not None:
        share = round(int(said.get(key) or 0) * oomd.WHOLE / oomd.UINT32_MAX)
        if share != oomd.permyriad(unit["memory_pressure_limit"]):
            yield key, f"{share / 100}%"


def _settings_differ(settings: dict[str, str | None], dump: oomd.Dump) -> t.Iterator[str]:
    readings = {
        "swap_used_limit": (oomd.permyriad, dump.swap_used_limit),
        "memory_pressure_limit": (oomd.permyriad, dump.pressure_limit),
        "memory_pressure_duration": (oomd.seconds, dump.duration),
    }
    for option, (read, shown) in readings.items():
        wanted = read(settings.get(option) or "")
        # Zero stands for the default of the build.
        if wanted and wanted != shown:
            yield f"{option} than {settings[option]}"


def _unwatched(unit: dict[str, t.Any], said: dict[str, str], dump: oomd.Dump) -> t.Iterator[str]:
    """Yield how the daemon's list differs from what is wanted of one control group."""
    name, group = said["Id"], said["ControlGroup"]
    if unit["swap"] is not None and (group in dump.swap) != (unit["swap"] == "kill"):
        yield f"{'lists' if group in dump.swap else 'does not list'} {name} for swap"
    if unit["memory_pressure"] is None:
        return
    watched = dump.pressure.get(group)
    if (watched is not None) != (unit["memory_pressure"] == "kill"):
        yield f"{'does not list' if watched is None else 'lists'} {name} for memory pressure"
    if watched is None:
        return
    limit = oomd.permyriad(unit["memory_pressure_limit"] or "")
    if limit and watched.limit != limit:
        yield f"shows a limit of {watched.limit / 100}% for {name}, not {unit['memory_pressure_limit']}"
    length = oomd.seconds(unit["memory_pressure_duration"] or "")
    if length and watched.duration != length:
        yield f"shows a duration of {watched.duration} s for {name}, not {unit['memory_pressure_duration']}"
