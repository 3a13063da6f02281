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
import fcntl
import os
import sys
import time
import typing as t

from ...core import foreign
from .bring import MANAGER, NETWORKMANAGER, bring_about, units, up
from .host import SwitchFailed, command, drop, must, put_file, read_json, write_json
from .settling import settle

if t.TYPE_CHECKING:
    from .bring import State

JOB, RESULT = "job.json", "result.json"
# What lies beside the folders of the single hand-overs: the lock, what waits for its confirmation, and what went back last.
LOCK, ARMED, REVERTED = "lock", "armed.json", "went-back.json"
MODULES = (
    "core.errors", "core.foreign", "core.host_io", "core.process", "facts.network", "sections.network.host",
    "sections.network.bring", "sections.network.settling", "sections.network.switch")

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

BACK_SECONDS = 45.0


@contextlib.contextmanager
def alone(base: str) -> t.Iterator[None]:
    """Hold the lock of all hand-overs: confirming and going back exclude each other."""
    handle = os.open(os.path.join(base, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
    put_file(BOOT_UNIT_PATH, text, 0o644, (0, 0))
    must("systemctl", "daemon-reload")
    must("systemctl", "enable", BOOT_UNIT)
    write_json(os.path.join(base, ARMED), {
        "id": os.path.basename(folder), "deadline": time.time() + job["seconds"], "seconds": job["seconds"],
        "connection": job["connection"], "renderer": job["after"]["renderer"]})
    must(
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
                up(job["after"])
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
            up(job["before"])
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
            told = foreign.problem(error)
            result = {"ok": False, "switched": True, "why": f"{told.fact}: {told.reason}", "left": []}
        write_json(os.path.join(folder, RESULT), result)
        return 0 if result["ok"] else 1
    {"late": late, "boot": boot}[verb](folder)
    return 0
