# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section oomd on a host whose PID 1 reads drop-ins and whose daemon watches what PID 1 tells it."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.engine import from_record
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import BOOT, Context
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import rpmdb, solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.oomd import host as oomd_host, section
from ansible_collections.centos.hyperscale.plugins.module_utils.shared import freshness
from ansible_collections.centos.hyperscale.plugins.module_utils.text import oomd

DAEMON = "systemd-oomd.service"
V2 = "24 22 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
HYBRID = "24 22 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n25 24 0:2 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n" \
    "26 24 0:3 / /sys/fs/cgroup/memory rw - cgroup c rw\n"
KEYS = {key: option for option, (key, _since) in oomd.UNIT_SETTINGS.items()}


def package(version):
    fields = dict.fromkeys(rpmdb.Package._fields)
    return rpmdb.Package(**{**fields, "name": "systemd", "epoch": 0, "version": version, "release": "1", "arch": "x86_64"})


def context(version="252", items=(), paths=()):
    return Context(9, False, list(items), [package(version)], list(paths))


def unit(name, **wanted):
    return {**dict.fromkeys(oomd.UNIT_SETTINGS), "name": name, **wanted}


def wish(*units, **more):
    return {"state": "present", "settings": {}, "units": list(units), "conflicting": "refuse", **more}


class Host:
    """Files below a root; systemctl that reads drop-ins when told to, and a daemon that takes over what PID 1 has read."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.target = host_io.Target(self.run, str(root), root=str(root))
        self.units = {
            DAEMON: {"enabled": False, "masked": False, "active": False},
            "systemd-oomd.socket": {"enabled": False, "masked": False, "active": False},
        }
        self.slices = {"system.slice": "/system.slice", "user@0.service": "/user.slice/user-0.slice/user@0.service"}
        self.read, self.loaded, self.began, self.knows = {}, 1.0, None, {}
        self.sticky = False
        self.clock = 100.0
        monkeypatch.setattr(freshness, "now", lambda: freshness.Clock(self.clock, self.clock))
        monkeypatch.setattr(oomd_host.freshness, "is_older", self.is_older)
        monkeypatch.setattr(oomd_host.freshness, "date_now", lambda target, paths: None)
        monkeypatch.setattr(section, "SETTLE_SECONDS", 0.0)
        for path, text in {
            "/proc/self/mountinfo": V2, "/proc/cmdline": "ro quiet", "/proc/sys/kernel/osrelease": "6.1\n",
            "/proc/pressure/memory": "some avg10=0.00\n", "/sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
            "/proc/swaps": "Filename Type\n/dev/zram0 partition\n",
        }.items():
            self.put(path, text)
        self.reload()

    def put(self, path, text):
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def remove(self, path):
        (self.root / path.lstrip("/")).unlink()

    def held(self, name):
        """Return what the drop-ins on disk say of a unit, and those of its template."""
        found = {}
        stem, at, rest = name.partition("@")
        folders = [f"{stem}@.{rest.rpartition('.')[2]}.d"] if at else []
        for folder in (*folders, f"{name}.d"):
            for path in sorted((self.root / "etc/systemd/system" / folder).glob("*.conf")):
                found.update(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.M))
        return found

    def reload(self):
        self.read = {name: self.held(name) for name in self.slices}

    def is_older(self, host_io, began, paths, _clock):
        """Say by content, not by date: the dates are tested on their own."""
        if began.monotonic == self.loaded:
            return any(self.read[name] != self.held(name) for name in self.slices)
        return self.began != self.config()

    def config(self):
        path = self.root / oomd.CONFIG.lstrip("/")
        return dict(re.findall(r"^(\w+)=(.*)$", path.read_text(), re.M)) if path.exists() else {}

    def run(self, argv):
        if argv[0] == "oomctl":
            return (0, self.dump(), "") if self.units[DAEMON]["active"] else (1, "", "not running")
        verb, names = argv[1], [word for word in argv[2:] if "." in word and "," not in word]
        if verb == "daemon-reload":
            self.reload()
        elif verb in ("mask", "unmask"):
            self.units[names[0]]["masked"] = verb == "mask"
        elif verb in ("enable", "disable"):
            self.units[names[0]]["enabled"] = verb == "enable"
        elif verb in ("restart", "start", "stop", "try-restart"):
            running = self.units[names[0]]
            running["active"] = verb in ("restart", "start") or (verb == "try-restart" and running["active"])
            self.began = self.config() if not self.sticky else self.began
        elif verb == "list-unit-files":
            return 0, "user@.service static -\nuser@1000.service static -\n", ""
        elif verb == "show" and "UnitsLoadTimestamp" in argv[4]:
            return 0, f"UnitsLoadTimestampMonotonic={int(self.loaded * 1e6)}\n", ""
        elif verb == "show" and "ManagedOOMSwap" in argv[3]:
            return 0, "\n\n".join(self.shown(name) for pattern in names for name in self.expanded(pattern)), ""
        elif verb == "show":
            return 0, "\n\n".join(self.state(name) for name in names) + "\n", ""
        return 0, "", ""

    def expanded(self, pattern):
        if "*" not in pattern:
            return [pattern]
        return [name for name in self.slices if re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), name)]

    def state(self, name):
        known = self.units.get(name)
        load = "not-found" if known is None else "masked" if known["masked"] else "loaded"
        enabled = known and known["enabled"]
        return "\n".join((
            f"Id={name}", f"LoadState={load}", f"UnitFileState={'enabled' if enabled else 'disabled'}",
            f"ActiveState={'active' if known and known['active'] else 'inactive'}", "InactiveExitTimestampMonotonic=2000000"))

    def shown(self, name):
        here = name in self.slices
        said = self.read.get(name, {})
        limit = oomd.permyriad(said.get("ManagedOOMMemoryPressureLimit", "0%"))
        return "\n".join((
            f"Id={name}", f"Names={name}", f"LoadState={'loaded' if here or name.endswith('.slice') else 'not-found'}",
            f"ActiveState={'active' if here else 'inactive'}", "FragmentPath=", f"ControlGroup={self.slices.get(name, '')}",
            f"ManagedOOMSwap={said.get('ManagedOOMSwap', 'auto')}",
            f"ManagedOOMMemoryPressure={said.get('ManagedOOMMemoryPressure', 'auto')}",
            f"ManagedOOMMemoryPressureLimit={round(limit * 0xFFFFFFFF / 10_000)}",
            f"ManagedOOMPreference={said.get('ManagedOOMPreference', 'none')}", "NeedDaemonReload=no"))

    def dump(self):
        """Answer in the words of 262."""
        config = {"SwapUsedLimit": "90%", "DefaultMemoryPressureLimit": "60%", "DefaultMemoryPressureDurationSec": "30s"}
        config.update(self.began)
        limit = oomd.permyriad(config["DefaultMemoryPressureLimit"])
        lines = [
            f"Swap Used Limit: {config['SwapUsedLimit']}", f"Default Memory Pressure Limit: {limit / 100:.2f}%",
            f"Default Memory Pressure Duration: {config['DefaultMemoryPressureDurationSec']}", "Swap Monitored CGroups:"]
        lines += [f"\tPath: {self.slices[n]}" for n, said in self.read.items() if said.get("ManagedOOMSwap") == "kill"]
        lines.append("Memory Pressure Monitored CGroups:")
        for name, said in self.read.items():
            if said.get("ManagedOOMMemoryPressure") == "kill":
                own = oomd.permyriad(said.get("ManagedOOMMemoryPressureLimit", "0%")) or limit
                lines += [f"\tPath: {self.slices[name]}", f"\t\tMemory Pressure Limit: {own / 100:.2f}%"]
        return "\n".join(lines) + "\n"

    def plan(self, want, near=None):
        assert section.validate([want], 9) == []
        return section.plan([want], section.gather(self.target, [want]), near or context())

    def converge(self, want, near=None):
        """Plan, carry out by what the journal keeps of each step, and find nothing left to do; return how to take it back."""
        planned = self.plan(want, near)
        assert planned.problems == []
        done = []
        for planned_step in sorted(planned.actions, key=lambda action: action.phase):
            step = from_record(json.loads(json.dumps(planned_step.record())), section.ACTIONS)
            step.apply(self.target)
            step.verify(self.target)
            done.append(step)
        assert self.plan(want, near).actions == []
        return sorted(reversed(done), key=lambda step: step.follows)


@pytest.fixture(name="host")
def fixture_host(tmp_path, monkeypatch):
    # Files get the owner of whoever runs the tests.
    monkeypatch.setattr(host_io, "_uid", lambda name: -1)
    monkeypatch.setattr(host_io, "_gid", lambda name: -1)
    monkeypatch.setattr(host_io, "_user", lambda uid: "root")
    monkeypatch.setattr(host_io, "_group", lambda gid: "root")
    return Host(tmp_path, monkeypatch)


WATCHED = unit("system.slice", swap="kill", memory_pressure="kill", memory_pressure_limit="40.5%")


# Wishes

@pytest.mark.parametrize(("want", "says"), [
    (wish(unit("system.slice", memory_pressure="kill", memory_pressure_limit="500 %")), "no share between"),
    (wish(unit("system.slice", memory_pressure="kill", memory_pressure_limit="500%")), "no share between"),
    (wish(unit("system.slice", memory_pressure="kill", memory_pressure_duration="0.5s")), "no time span"),
    (wish(unit("system.slice", memory_pressure="kill", memory_pressure_duration="0")), "no time span"),
    (wish(unit("system", swap="kill")), "not the full name"),
    (wish(unit("../x.service", swap="kill")), "not the full name"),
    (wish(unit("dbus.socket", swap="kill")), "not the full name"),
    (wish(unit("system.slice")), "nothing is wanted"),
    (wish(unit("system.slice", memory_pressure_limit="50%")), "ignores memory_pressure_limit"),
    (wish(unit("system.slice", memory_pressure="auto", memory_pressure_duration="5s")), "ignores memory_pressure_duration"),
    (wish(WATCHED, WATCHED), "wanted twice"),
    (wish(settings={"swap_used_limit": "90"}), "no share between"),
    (wish(settings={"memory_pressure_limit": "101%"}), "no share between"),
    (wish(settings={"memory_pressure_duration": "infinity"}), "no time span"),
    (wish(settings={"prekill_hook_timeout": "10ms"}), "no time span"),
])
def test_bad_wishes_are_refused(want, says):
    problems = section.validate([want], 9)
    assert any(says in problem.reason for problem in problems), problems
    assert all(problem.fact and problem.remedy for problem in problems)


def test_two_wishes_are_refused_and_default_of_the_build_is_not():
    assert section.validate([wish(), wish()], 9)
    assert section.validate([wish(WATCHED, settings={"memory_pressure_duration": "0", "swap_used_limit": None})], 9) == []


@pytest.mark.parametrize(("version", "more", "refused"), [
    ("252", {"settings": {"prekill_hook_timeout": "5s"}}, True), ("262.1", {"settings": {"prekill_hook_timeout": "5s"}}, False),
    ("252", {"units": [dict(WATCHED, memory_pressure_duration="5s")]}, True),
    ("257", {"units": [dict(WATCHED, memory_pressure_duration="5s")]}, False),
])
def test_what_the_build_does_not_know_is_refused(host, version, more, refused):
    problems = host.plan(wish(**more), context(version)).problems
    assert ["systemd knows" in problem.reason for problem in problems] == [True] * refused


def test_the_build_that_comes_counts(host):
    items = [solver.Item("upgrade", "systemd", "262.1-1.hs.el9", "x86_64", "r", 1, 1)]
    assert host.plan(wish(settings={"prekill_hook_timeout": "5s"}), context("252", items)).problems == []


def test_an_unknown_service_is_refused_and_an_unknown_slice_told_of(host):
    found = host.plan(wish(*(unit(name, swap="kill") for name in ("nope.service", "nope@.service", "nope.slice"))))
    assert [problem.fact for problem in found.problems] == ["unit nope.service", "unit nope@.service"]
    assert any("nope.slice" in warning for warning in found.warnings)


def test_a_service_that_this_run_writes_is_known(host):
    want = wish(unit("new.service", swap="kill"))
    assert host.plan(want, context(paths=["/etc/systemd/system/new.service"])).problems == []


def test_a_host_without_the_daemon_is_refused(host):
    del host.units[DAEMON]
    assert [problem.fact for problem in host.plan(wish()).problems] == [DAEMON]
    items = [solver.Item("install", "systemd-oomd", "252-1", "x86_64", "r", 1, 1)]
    assert host.plan(wish(), context(items=items)).problems == []


# The way there, and back

def test_there_and_back(host):
    steps = host.converge(wish(WATCHED, unit("user@.service", preference="avoid"), settings={"swap_used_limit": "80%"}))
    assert host.units[DAEMON] == {"enabled": True, "masked": False, "active": True}
    assert host.read["user@0.service"] == {"ManagedOOMPreference": "avoid"}
    assert oomd.parse_dump(host.dump()).pressure["/system.slice"].limit == 4050
    for step in steps:
        step.undo(host.target)
    assert host.units[DAEMON] == {"enabled": False, "masked": False, "active": False}
    assert list((host.root / "etc").rglob("*.conf")) == []
    assert host.read["user@0.service"] == {}


def test_a_changed_limit_reaches_the_daemon(host):
    host.converge(wish(WATCHED))
    assert [action.kind for action in host.plan(wish(dict(WATCHED, memory_pressure_limit="30%"))).actions] == [
        "oomd-file", "oomd-daemon"]
    host.converge(wish(dict(WATCHED, memory_pressure_limit="30%")))
    assert oomd.parse_dump(host.dump()).pressure["/system.slice"].limit == 3000


def test_what_is_not_wanted_any_more_goes_and_what_others_wrote_stays(host):
    other = "/etc/systemd/system/other.slice.d/50-centos-hyperscale-oomd.conf"
    host.put(other, "[Slice]\nManagedOOMSwap=kill\n")
    host.converge(wish(WATCHED))
    host.converge(wish())
    assert [str(path.relative_to(host.root)) for path in (host.root / "etc").rglob("*.conf")] == [other.lstrip("/")]


def test_a_daemon_that_was_stopped_is_started(host):
    host.converge(wish(WATCHED))
    host.units[DAEMON]["active"] = False
    assert [action.why for action in host.plan(wish(WATCHED)).actions] == ["it does not run"]
    host.converge(wish(WATCHED))


def test_taken_back_a_daemon_that_ran_before_runs_on(host):
    host.units[DAEMON].update(enabled=True, active=True)
    host.began = {}
    steps = host.converge(wish(WATCHED))
    for step in steps:
        step.undo(host.target)
    assert host.units[DAEMON]["active"]


def test_files_that_were_edited_behind_the_daemon_are_brought_to_it(host):
    host.converge(wish(WATCHED))
    path = oomd.drop_in_path("system.slice")
    host.put(path, oomd.drop_in(dict(WATCHED, memory_pressure_limit="99%")))
    host.reload()
    assert [action.kind for action in host.plan(wish(WATCHED)).actions] == ["oomd-file", "oomd-daemon"]
    host.converge(wish(WATCHED))


def test_a_drop_in_that_wins_over_ours_is_a_failure_and_never_taken_for_done(host):
    host.put("/etc/systemd/system/system.slice.d/90-other.conf", "[Slice]\nManagedOOMMemoryPressureLimit=90%\n")
    action = host.plan(wish(WATCHED)).actions[-1]
    for step in host.plan(wish(WATCHED)).actions[:-1]:
        step.apply(host.target)
    action.apply(host.target)
    with pytest.raises(section.Failed, match="ManagedOOMMemoryPressureLimit=90.0%"):
        action.verify(host.target)
    assert [step.kind for step in host.plan(wish(WATCHED)).actions] == ["oomd-daemon"]


def test_a_daemon_that_does_not_take_its_settings_over_is_a_failure(host):
    host.converge(wish())
    host.sticky = True
    actions = host.plan(wish(settings={"memory_pressure_limit": "33%"})).actions
    for step in actions:
        step.apply(host.target)
    with pytest.raises(section.Failed, match="another memory_pressure_limit than 33%"):
        actions[-1].verify(host.target)


def test_absent_takes_ours_away_and_keeps_logins_from_starting_it(host):
    host.converge(wish(WATCHED, settings={"swap_used_limit": "80%"}))
    steps = host.converge(wish(state="absent"))
    assert host.units[DAEMON] == {"enabled": False, "masked": True, "active": False}
    assert list((host.root / "etc").rglob("*.conf")) == []
    for step in steps:
        step.undo(host.target)
    assert host.units[DAEMON] == {"enabled": True, "masked": False, "active": True}
    host.converge(wish(state="absent"))
    host.converge(wish(WATCHED))
    assert host.units[DAEMON]["active"]


def test_absent_on_a_host_that_never_had_it_is_nothing_to_do(host):
    host.units.clear()
    assert host.plan(wish(state="absent")).actions == []


# What the host lacks

def lacking(host, want=None):
    """Plan and carry out: the daemon must be set up, and neither started nor claimed to run."""
    found = host.plan(want or wish(WATCHED))
    assert found.problems == []
    host.converge(want or wish(WATCHED))
    assert host.units[DAEMON] == {"enabled": True, "masked": False, "active": False}
    return found


def test_without_the_memory_controller_it_is_set_up_and_said_to_be_skipped(host):
    host.put("/sys/fs/cgroup/cgroup.controllers", "cpu io\n")
    found = lacking(host)
    assert found.pending == []
    assert any("no memory controller" in warning for warning in found.warnings)


def test_where_psi_is_off_it_waits_for_a_boot(host):
    host.remove("/proc/pressure/memory")
    host.put("/boot/config-6.1", "CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n")
    pending, = lacking(host).pending
    assert (pending.subject, pending.waits_for) == (DAEMON, BOOT)
    assert "psi=1" in pending.why


@pytest.mark.parametrize(("config", "cmdline", "says"), [
    ("# CONFIG_PSI is not set\n", "ro", "built without CONFIG_PSI"),
    ("CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\n", "ro psi=1", "still cannot be read"),
], ids=["built without", "wanted and unread"])
def test_where_no_boot_will_bring_psi_it_is_refused(host, config, cmdline, says):
    host.remove("/proc/pressure/memory")
    host.put("/boot/config-6.1", config)
    host.put("/proc/cmdline", cmdline)
    problem, = host.plan(wish(WATCHED)).problems
    assert says in problem.reason


def test_on_the_legacy_hierarchy_it_waits_for_a_boot(host):
    host.put("/proc/self/mountinfo", HYBRID)
    pending, = lacking(host).pending
    assert "mounted hybrid" in pending.why


def test_without_swap_there_is_advice(host):
    host.put("/proc/swaps", "Filename Type Size\n")
    assert any("no swap" in warning for warning in host.plan(wish(WATCHED)).warnings)
    host.put("/proc/swaps", "Filename Type Size\n/dev/zram0 partition 1\n")
    assert host.plan(wish(WATCHED)).warnings == []


# Rivals

@pytest.mark.parametrize("state", [{"enabled": True, "active": False}, {"enabled": False, "active": True}])
@pytest.mark.parametrize("rival", ["earlyoom.service", "nohang.service", "nohang-desktop.service"])
def test_a_rival_is_named_turned_off_or_kept(host, rival, state):
    host.units[rival] = {"masked": False, **state}
    problem, = host.plan(wish(WATCHED)).problems
    assert problem.fact.startswith(rival)
    assert host.plan(wish(WATCHED, conflicting="keep")).problems == []
    steps = host.converge(wish(WATCHED, conflicting="disable"))
    assert host.units[rival] == {"masked": False, "enabled": False, "active": False}
    for step in steps:
        step.undo(host.target)
    assert host.units[rival] == {"masked": False, **state}


@pytest.mark.parametrize("state", [
    {"enabled": False, "active": False, "masked": False}, {"enabled": False, "active": False, "masked": True}])
def test_a_rival_that_does_nothing_is_left_alone(host, state):
    host.units["earlyoom.service"] = dict(state)
    host.converge(wish(WATCHED, conflicting="disable"))
    assert host.units["earlyoom.service"] == state


# Remedies: what is in the way by C(spoil) is not there any more once C(mend) did what the remedy says.

def without_psi(host):
    host.remove("/proc/pressure/memory")
    host.put("/boot/config-6.1", "# CONFIG_PSI is not set\n")


def another_kernel(host):
    host.put("/proc/sys/kernel/osrelease", "6.12\n")
    host.put("/boot/config-6.12", "CONFIG_PSI=y\n")
    host.put("/proc/pressure/memory", "some avg10=0.00\n")


def install(name):
    return lambda host: host.units.update({name: {"enabled": False, "masked": False, "active": False}})


def start_nope(host):
    host.slices["nope.service"] = "/system.slice/nope.service"
    host.reload()


OTHER = wish(unit("nope.service", swap="kill"))
HOOK = wish(settings={"prekill_hook_timeout": "5s"})
REMEDIES = {
    "oomd.newer_systemd_needed": (lambda host: None, HOOK, lambda host: None, wish(), "252"),
    "oomd.newer_systemd_needed, a newer one": (lambda host: None, HOOK, lambda host: None, HOOK, "262.1"),
    "oomd.no_daemon": (lambda host: host.units.pop(DAEMON), wish(), install(DAEMON), wish(), "252"),
    "oomd.no_pressure_information": (without_psi, wish(WATCHED), another_kernel, wish(WATCHED), "252"),
    "oomd.no_pressure_information, without": (without_psi, wish(WATCHED), lambda host: None, wish(state="absent"), "252"),
    "oomd.rival": (
        install("earlyoom.service"), wish(WATCHED), lambda host: host.units.pop("earlyoom.service"), wish(WATCHED), "252"),
    "unit.missing": (
        lambda host: None, OTHER, start_nope, OTHER, "252"),
    "unit.missing, another name": (lambda host: None, OTHER, lambda host: None, wish(WATCHED), "252"),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(host, case):
    spoil, want, mend, then, version = REMEDIES[case]
    spoil(host)
    if "earlyoom.service" in host.units:
        host.units["earlyoom.service"]["active"] = True
    assert [problem.code for problem in host.plan(want).problems] == [case.partition(",")[0]]
    mend(host)
    assert host.plan(then, context(version)).problems == []


def test_a_daemon_does_what_is_wanted_once_the_drop_in_that_wins_is_gone(host):
    other = "/etc/systemd/system/system.slice.d/90-other.conf"
    host.put(other, "[Slice]\nManagedOOMMemoryPressureLimit=90%\n")
    steps = host.plan(wish(WATCHED)).actions
    for step in steps:
        step.apply(host.target)
    with pytest.raises(section.Failed) as failed:
        steps[-1].verify(host.target)
    assert [problem.code for problem in failed.value.problems] == ["oomd.not_as_wanted"]
    host.remove(other)
    host.reload()
    host.converge(wish(WATCHED))
