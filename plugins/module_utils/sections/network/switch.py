# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The detached side of a hand-over of the network: switches over, looks whether all is there by value, and goes back.

It is copied into a folder of its own with the files it imports and started as C(python3 CODE VERB FOLDER): C(go)
switches under the dead man's switch, C(late) goes back when nobody confirmed in time, C(boot) when the host started anew
before that. It needs neither the network nor anything of Ansible.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import sys
import time
import typing as t

from ...core import process
from ...facts import network as live

JOB, RESULT = "job.json", "result.json"
# What lies beside the folders of the single hand-overs: the lock, what waits for its confirmation, and what went back last.
LOCK, ARMED, REVERTED = "lock", "armed.json", "went-back.json"
MODULES = ("core.process", "facts.network", "sections.network.switch")

# Goes back at boot as long as it is there and the hand-over is not confirmed.
BOOT_UNIT = "centos-hyperscale-network-back.service"
BOOT_UNIT_PATH = f"/etc/systemd/system/{BOOT_UNIT}"
BOOT_UNIT_TEXT = """\
[Unit]
Description=Go back to the network as it was before a hand-over that nobody confirmed
DefaultDependencies=no
RequiresMountsFor={base}
After=local-fs.target systemd-remount-fs.service
Wants=network-pre.target
Before=network-pre.target NetworkManager.service systemd-networkd.service systemd-networkd.socket systemd-resolved.service
ConditionPathExists={base}/{armed}

[Service]
Type=oneshot
ExecStart={python} -B -I {code} boot {folder}

[Install]
WantedBy=multi-user.target
"""

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
COMMAND_SECONDS = 90
POLL_SECONDS = 0.5
# How often in a row all must be there: a daemon that has only begun leaves what was there for a moment.
LOOKS = 3
BACK_SECONDS = 45.0
NETWORKMANAGER, NETWORKD = "networkmanager", "networkd"
MANAGER = {NETWORKMANAGER: "NetworkManager.service", NETWORKD: "systemd-networkd.service"}
# Protocols by which the kernel tells the routes of NetworkManager from those of others (ip-route(8)).
LEFT_BEHIND = ("static", "dhcp", "ra")
# What networkd says of a link that it is done with, or that has no cable (networkctl(1)).
SETTLED = ("configured",)

if t.TYPE_CHECKING:
    State = dict[str, t.Any]


class SwitchFailed(Exception):
    """A step of the switch went wrong; the text says which."""


def command(argv: t.Sequence[str], seconds: float = COMMAND_SECONDS) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed."""
    return process.run(argv, ENVIRONMENT, seconds)


def _must(*argv: str) -> str:
    status, out = command(argv)
    if status != 0:
        raise SwitchFailed(f"'{' '.join(argv)}' ended with status {status}: {' '.join(out.split()) or 'it said nothing'}")
    return out


def read_json(path: str) -> t.Any:
    """Return a JSON file, None when it is not there or was cut."""
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle)
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: str, content: t.Any) -> None:
    """Put a JSON file in place whole and synced, readable by root alone."""
    put(path, json.dumps(content), 0o600)


def put(path: str, content: str, mode: int, owner: tuple[int, int] = (0, 0)) -> None:
    """Put a file in place whole and synced."""
    beside = f"{path}.centos-hyperscale"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(content)
        out.flush()
        os.fchmod(out.fileno(), mode)
        if os.geteuid() == 0:
            os.fchown(out.fileno(), *owner)
        os.fsync(out.fileno())
    os.rename(beside, path)
    sync(os.path.dirname(path))


def sync(folder: str) -> None:
    """Make sure that what was renamed or removed in a folder outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop(path: str) -> None:
    """Take a file away; one that is gone is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync(os.path.dirname(path))


@contextlib.contextmanager
def alone(base: str) -> t.Iterator[None]:
    """Hold the lock of all hand-overs: confirming and going back exclude each other."""
    handle = os.open(os.path.join(base, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# --- what a state of the host's network configuration is, and how it is brought about


def resolv_conf() -> dict[str, t.Any] | None:
    """Return what /etc/resolv.conf is: a link, or a file with its content."""
    path = live.RESOLV_CONF
    try:
        if os.path.islink(path):
            return {"link": os.readlink(path)}
        info = os.stat(path)
        with open(path, encoding="utf-8", errors="surrogateescape") as handle:
            return {"content": handle.read(), "mode": info.st_mode & 0o7777, "owner": [info.st_uid, info.st_gid]}
    except FileNotFoundError:
        return None


def _put_resolv_conf(wanted: dict[str, t.Any] | None) -> None:
    if resolv_conf() == wanted:
        return
    path = live.RESOLV_CONF
    if wanted is None:
        drop(path)
    elif "link" in wanted:
        beside = f"{path}.centos-hyperscale"
        drop(beside)
        os.symlink(wanted["link"], beside)
        os.rename(beside, path)
        sync(os.path.dirname(path))
    else:
        _put_file(path, wanted["content"], wanted["mode"], tuple(wanted["owner"]))


def _put_file(path: str, content: str, mode: int, owner: tuple[int, int]) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        put(path, content, mode, owner)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # A container engine mounts this file: it cannot be replaced, only written.
        drop(f"{path}.centos-hyperscale")
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
    if os.path.exists("/usr/sbin/restorecon"):
        _must("restorecon", path)


def units(names: t.Sequence[str]) -> dict[str, dict[str, bool]]:
    """Return what systemd says of some units."""
    return parse_units(names, _must("systemctl", "show", "-p", "Id,LoadState,UnitFileState,ActiveState", "--", *names))


def parse_units(names: t.Sequence[str], out: str) -> dict[str, dict[str, bool]]:
    """Return units out of C(systemctl show); an alias answers under its own name, so each block is matched by position."""
    found = {}
    for name, block in zip(names, [block for block in out.strip().split("\n\n") if block]):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found[name] = {
            "known": fields.get("LoadState") != "not-found",
            "enabled": fields.get("UnitFileState") in ("enabled", "enabled-runtime"),
            "masked": fields.get("LoadState") == "masked" or fields.get("UnitFileState", "").startswith("masked"),
            "active": fields.get("ActiveState") in ("active", "activating", "reloading")}
    return found


def bring_about(state: State, booting: bool = False) -> None:
    """Make the host's network configuration what a state says. At boot nothing is waited for: jobs are only queued."""
    wait = ["--no-block"] if booting else []
    wanted = state["units"]
    now = units(sorted(wanted))
    unmask = [name for name in wanted if now[name]["masked"] and not wanted[name]["masked"]]
    if unmask:
        _must("systemctl", "unmask", *unmask)
    # At boot a unit that is not active yet may be about to become so; stopping it takes its job out of the queue.
    stop = [name for name in wanted if not wanted[name]["active"] and now[name]["known"] and (now[name]["active"] or booting)]
    if stop:
        _must("systemctl", *wait, "stop", *stop)
    idle = [name for name in wanted if not wanted[name]["active"] and now[name]["known"]]
    if idle:
        # One that failed when it was tried is not to be found among the failed units afterwards.
        command(["systemctl", "reset-failed", *idle])
    changed = _put_files(state["files"])
    _put_resolv_conf(state["resolv"])
    # Enabling a unit enables its companions, so what is not to be enabled comes last.
    enable = [name for name in wanted if wanted[name]["enabled"]]
    if enable:
        _must("systemctl", "enable", *enable)
    now = units(sorted(wanted))
    disable = [name for name in wanted if not wanted[name]["enabled"] and now[name]["enabled"]]
    if disable:
        _must("systemctl", "disable", *disable)
    mask = [name for name in wanted if wanted[name]["masked"] and not now[name]["masked"]]
    if mask:
        _must("systemctl", "mask", *mask)
    _must("systemctl", "daemon-reload")
    start = [name for name in wanted if wanted[name]["active"]]
    if changed and state["renderer"] == NETWORKD and now[MANAGER[NETWORKD]]["active"] and not booting:
        # What a running networkd set up itself it can also take away, which a new one could not.
        _must("networkctl", "reload")
        command(["networkctl", "reconfigure", *state["devices"]])
    elif not booting and not now[MANAGER[state["renderer"]]]["active"]:
        _clear(state["devices"])
    if start:
        _must("systemctl", *wait, "start", *start)


def _clear(devices: t.Sequence[str]) -> None:
    """Take away what one daemon left in the kernel, so that what is there afterwards is the other's own doing.

    NetworkManager's addresses are marked to have no route of their own, and networkd 252 would keep that mark;
    NetworkManager gives its routes other metrics than it would at boot where it finds those of networkd. Connections
    outlive the moment without an address.
    """
    for device in devices:
        command(["ip", "address", "flush", "dev", device, "scope", "global"])
        for family in ("-4", "-6"):
            for protocol in LEFT_BEHIND:
                command(["ip", family, "route", "flush", "table", "all", "dev", device, "protocol", protocol])
    for family in ("-4", "-6"):
        command(["ip", family, "rule", "flush", "protocol", "static"])


def _put_files(files: dict[str, t.Any]) -> bool:
    changed = False
    for path, wanted in sorted(files.items()):
        if wanted is None:
            changed = changed or os.path.exists(path)
            drop(path)
            continue
        content, mode = wanted
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as handle:
            if handle.read() == content:
                continue
        changed = True
        _put_file(path, content, mode, (0, 0))
    return changed


def _up(state: State) -> None:
    """Ask NetworkManager for the profiles that were on the links: a link that has addresses already it would leave as it is.

    What it brings up by itself comes first: asked for a second time in the middle of that, routes get other metrics.
    """
    if state.get("profiles"):
        command(["nm-online", "--quiet", "--wait-for-startup", "--timeout=30"])
    for device, uuid in sorted(state.get("profiles", {}).items()):
        _status, out = command(["nmcli", "--terse", "--get-values", "GENERAL.CON-UUID,GENERAL.STATE", "device", "show", device])
        if uuid not in out or "externally" in out:
            command(["nmcli", "--wait", "30", "connection", "up", "uuid", uuid, "ifname", device])


def open_ends(state: State) -> list[str]:
    """Return what is not as a state promises, in words: links that are not set up yet, and values that differ."""
    now = live.look(command, live.read_below("/"))
    found = _unready(state, now)
    if state["expect"] is not None:
        found += live.differences(state["expect"], now, state["devices"], ranked=state["renderer"] == NETWORKMANAGER)
    for promise in state["promised"]:
        found += _broken(promise, now)
    return found


def _unready(state: State, now: dict[str, t.Any]) -> list[str]:
    devices = [name for name in state["devices"] if now["links"].get(name, {}).get("up")]
    if state["renderer"] == NETWORKD:
        status, out = command(["networkctl", "list", "--no-legend", "--no-pager"])
        setup = {line.split()[1]: line.split()[-1] for line in out.splitlines() if len(line.split()) >= 5}
        if status != 0:
            return ["networkd does not answer"]
        return [f"networkd says {setup.get(name, 'nothing')} of {name}" for name in devices if setup.get(name) not in SETTLED]
    status, out = command(["nmcli", "--terse", "--fields", "DEVICE,STATE", "device"])
    if status != 0:
        return ["NetworkManager does not answer"]
    states = dict(line.rsplit(":", 1) for line in out.splitlines() if ":" in line)
    return [f"NetworkManager says {states.get(name, 'nothing')} of {name}" for name in devices if states.get(name) != "connected"]


def _broken(promise: dict[str, t.Any], now: dict[str, t.Any]) -> list[str]:
    """Return what definitions promise of a link and the kernel does not have."""
    dev = promise["dev"]
    here = [entry["address"] for entry in now["addresses"] if entry["dev"] == dev]
    ways = [f"{route['to']} {route.get('gateway', '')}" for route in now["routes"] if route["dev"] == dev]
    return [f"address {address} on {dev} is missing" for address in promise["addresses"] if address not in here] + [
        f"route {route} on {dev} is missing" for route in promise["routes"] if route not in ways]


def settle(state: State, seconds: float) -> list[str]:
    """Wait until all is there and stays so; return what is not after the time is up."""
    deadline = time.monotonic() + seconds
    good = 0
    while True:
        try:
            left = open_ends(state)
        except live.Unreadable as error:
            left = [str(error)]
        good = 0 if left else good + 1
        if good >= LOOKS:
            return []
        if time.monotonic() > deadline:
            return left or ["it did not stay as it was"]
        time.sleep(POLL_SECONDS)


# --- the dead man's switch


def timer_of(folder: str) -> str:
    """Return the name of the unit that goes back when the time is up, without its type."""
    return f"centos-hyperscale-network-{os.path.basename(folder)}"


def switch_of(folder: str) -> str:
    """Return the name of the unit that switches over, without its type."""
    return f"centos-hyperscale-switch-{os.path.basename(folder)}"


def _arm(folder: str, job: dict[str, t.Any]) -> None:
    """Have the host go back when the time is up, and at boot; both before anything is switched."""
    base, code = os.path.dirname(folder), os.path.join(folder, "code")
    text = BOOT_UNIT_TEXT.format(base=base, armed=ARMED, python=sys.executable, code=code, folder=folder)
    _put_file(BOOT_UNIT_PATH, text, 0o644, (0, 0))
    _must("systemctl", "daemon-reload")
    _must("systemctl", "enable", BOOT_UNIT)
    write_json(os.path.join(base, ARMED), {
        "id": os.path.basename(folder), "deadline": time.time() + job["seconds"], "seconds": job["seconds"],
        "connection": job["connection"], "renderer": job["after"]["renderer"]})
    _must(
        "systemd-run", "--quiet", "--collect", f"--unit={timer_of(folder)}", f"--on-active={job['seconds']}s",
        "--timer-property=AccuracySec=100ms", "--description=Go back to the network as it was, unless somebody confirms", "--",
        sys.executable, "-B", "-I", code, "late", folder)


def disarm(folder: str) -> None:
    """Take the dead man's switch away: first what decides, then what would act."""
    base = os.path.dirname(folder)
    drop(os.path.join(base, ARMED))
    command(["systemctl", "disable", BOOT_UNIT])
    drop(BOOT_UNIT_PATH)
    command(["systemctl", "daemon-reload"])
    command(["systemctl", "stop", f"{timer_of(folder)}.timer"])


def armed(base: str) -> dict[str, t.Any] | None:
    """Return the hand-over that waits for its confirmation, None when there is none."""
    return read_json(os.path.join(base, ARMED))


def confirm(base: str, name: str) -> bool:
    """Confirm a hand-over; false when the host has gone back already."""
    with alone(base):
        waiting = armed(base)
        if waiting is None or waiting["id"] != name:
            return False
        disarm(os.path.join(base, name))
        drop(os.path.join(base, REVERTED))
        return True


def go(folder: str) -> dict[str, t.Any]:
    """Switch over; what does not come up by value in time is taken back at once."""
    base = os.path.dirname(folder)
    job = read_json(os.path.join(folder, JOB))
    with alone(base):
        try:
            _arm(folder, job)
        except (SwitchFailed, OSError) as error:
            disarm(folder)
            return {"ok": False, "switched": False, "why": f"the way back could not be made ready: {error}"}
        try:
            bring_about(job["after"])
            if job["after"]["renderer"] == NETWORKMANAGER:
                _up(job["after"])
            left = settle(job["after"], job["settle"])
            why = "; ".join(left)
        except (SwitchFailed, OSError) as error:
            why = str(error)
        if not why:
            return {"ok": True, "switched": True, "why": ""}
        still = _back(folder, job, why)
        return {"ok": False, "switched": True, "why": why, "left": still}


def late(folder: str) -> None:
    """Go back, because nobody confirmed in time. A switch that hangs to this moment is ended."""
    base = os.path.dirname(folder)
    command(["systemctl", "kill", "--signal=KILL", f"{switch_of(folder)}.service"])
    with alone(base):
        waiting = armed(base)
        if waiting is not None and waiting["id"] == os.path.basename(folder):
            job = read_json(os.path.join(folder, JOB))
            _back(folder, job, f"nobody confirmed the hand-over within {job['seconds']} seconds")


def _gone(state: State) -> bool:
    """Say whether what set the network up in a state was taken off the host since: there is no way back to it then."""
    manager = MANAGER.get(state["renderer"])
    return manager is not None and not units([manager])[manager]["known"]


def _back(folder: str, job: dict[str, t.Any], why: str) -> list[str]:
    """Bring the state of before about, and note that and why. Returns what is not as it was."""
    try:
        if _gone(job["before"]):
            raise SwitchFailed(f"{job['before']['renderer']} is not installed any more, so the network stays as it is")
        bring_about(job["before"])
        if job["before"]["renderer"] == NETWORKMANAGER:
            _up(job["before"])
        left = settle(job["before"], BACK_SECONDS)
    except (SwitchFailed, OSError) as error:
        left = [str(error)]
    _note(folder, why, left)
    disarm(folder)
    return left


def boot(folder: str) -> None:
    """Go back at boot, before any network is set up."""
    base = os.path.dirname(folder)
    with alone(base):
        if armed(base) is None:
            return
        job = read_json(os.path.join(folder, JOB))
        why = "the host started anew before anybody confirmed the hand-over"
        if _gone(job["before"]):
            _note(folder, why, [f"{job['before']['renderer']} is not installed any more, so the network stays as it is"])
        else:
            bring_about(job["before"], booting=True)
            _note(folder, why, [])
        drop(os.path.join(base, ARMED))
        command(["systemctl", "disable", BOOT_UNIT])
        drop(BOOT_UNIT_PATH)


def _note(folder: str, why: str, left: list[str]) -> None:
    write_json(os.path.join(os.path.dirname(folder), REVERTED), {
        "id": os.path.basename(folder), "why": why, "left": left, "time": time.time()})


def main(verb: str, folder: str) -> int:
    """Do one of the three; what C(go) found is written for the one who waits."""
    if verb == "go":
        try:
            result = go(folder)
        except Exception as error:  # the waiting side must hear of anything that went wrong; the timer goes back by itself
            result = {"ok": False, "switched": True, "why": repr(error), "left": []}
        write_json(os.path.join(folder, RESULT), result)
        return 0 if result["ok"] else 1
    {"late": late, "boot": boot}[verb](folder)
    return 0
