# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live host whose jobs stand still at a chosen line of their ledger, and the faults that strike them there.

Nothing in the product knows of it: the module runs in an interpreter that imports guest/sitecustomize.py. The host's files and
the processes of its transaction are watched from this machine, which is faster than by ssh.
"""

from __future__ import annotations

import json
import math
import os
import pathlib
import re
import signal
import subprocess
import time
import typing as t

from faults.conftest import TREE, LiveHost, repositories
from lab import calls, common, hosts

from . import admin, cells
from .places import places

GUEST = pathlib.Path(__file__).resolve().parent / "guest"
FOLDER = "/srv/lab-cut"
STATE = "/var/lib/centos-hyperscale"
SMALL = "/srv/lab-small"
UNIT = "lab-cut.service"
EDITED = "/etc/systemd/logind.conf"
# What a cut must not harm beside packages and units.
LOOKED_AT = (*places.SAVED, "/etc/lab-cut.conf", "/boot")
ENVIRONMENT = dict(
    os.environ, PATH=f"{TREE}/.venv/bin:{os.environ['PATH']}", ANSIBLE_COLLECTIONS_PATH=str(TREE / ".cache" / "collections"),
    # A connection that is kept would be that of a host that died.
    ANSIBLE_SSH_ARGS="-o ControlMaster=no", ANSIBLE_PIPELINING="1")
WAIT_SECONDS, RUN_SECONDS = 120, 240
# How long the last scriptlets of a transaction are waited for when all its packages are done.
SCRIPTLET_SECONDS = 2

# Beside the repository, whose key only a lab that was built has.
ADOPTION: dict[str, t.Any] = {
    "packages": [
        {"family": "systemd"}, {"family": "systemd", "to": "installed", "capabilities": ["systemd-oomd-defaults"]},
        {"set": "ethtool"}],
    "manager": [{}],
    "files": [
        {"path": f"/etc/systemd/system/{UNIT}", "content": (
            "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/true\n\n[Install]\nWantedBy=multi-user.target\n")},
        {"path": "/etc/lab-cut.conf", "content": "wanted=yes\n"}],
    "units": [{"name": UNIT, "enabled": True, "state": "started"}],
    "boot": [{"args": ["audit=0"]}],
    "oomd": [{"units": [{"name": "system.slice", "preference": "avoid"}]}],
    "locks": [{"family": "systemd"}],
}
UNDONE = {"state": "undone"}
# Module and arguments of the roles whose wishes come alone.
ALONE: dict[str, tuple[str, dict[str, t.Any]]] = {
    cells.FILES_ALONE: ("converge", {"files": ADOPTION["files"]}),
    cells.SWAP_ALONE: ("package_swap", {"set": "ethtool", "to": "stock"}),
}

# What an operator had done before, and what a host that is started by GRUB has.
BEFORE = {
    "/etc/lab-cut.conf": "wanted=no\n",
    "/boot/grub2/grub.cfg": "set default=\"${saved_entry}\"\ninsmod blscfg\nblscfg\n",
    "/etc/kernel/cmdline": "root=/dev/vda1 ro\n",
    "/boot/loader/entries/1f2e3d-5.14.0-1.el9.x86_64.conf": (
        "title CentOS Stream\nversion 5.14.0-1.el9.x86_64\nlinux /vmlinuz-5.14.0-1.el9.x86_64\n"
        "initrd /initramfs-5.14.0-1.el9.x86_64.img\noptions root=/dev/vda1 ro\n"),
}


# What of some paths is compared.
HELD = """
for path do
  name=${path#line:}
  if [ "$name" != "$path" ] && [ -f "$name" ]; then
    echo "$path is $(stat -c '%a %u:%g' "$name") with $(grep -c -e '^# Of the admin' -e '^lab_admin=1' "$name")"
  elif [ -L "$path" ]; then echo "$path is $(stat -c '%a %u:%g' "$path") to $(readlink "$path")"
  elif [ -f "$path" ]; then echo "$path is $(stat -c '%a %u:%g' "$path") $(sha256sum < "$path" | head -c 12)"
  elif [ -e "$path" ]; then echo "$path is $(stat -c '%a %u:%g %F' "$path")"
  else echo "$path is absent"; fi
done
"""


def wish(state: str) -> dict[str, t.Any]:
    """Return what the engine is given to bring a state of the table about."""
    return {"repositories": [repositories()], **ADOPTION} if state == cells.ADOPTED else UNDONE


class NeverReached(Exception):
    """The job ended before the moment it was to be cut at came."""


class CutHost(LiveHost):
    """A host of one stream as an operator had it, with what holds a job."""

    def __init__(self, stream: int, images: dict[int, t.Any], what: str = "cuts") -> None:
        super().__init__(f"{what}-{stream}", stream, images, f"{what}-{stream}")
        self.command("mkdir", "-p", FOLDER, "/boot/grub2", "/boot/loader/entries", "/etc/kernel")
        for name in ("python", "sitecustomize.py", "look.py"):
            self.put(GUEST / name, f"{FOLDER}/{name}")
        self.command("chmod", "+x", f"{FOLDER}/python")
        for path, text in BEFORE.items():
            self.write(path, text)
        self.command("sed", "-i", "$a[Login]\\nKillUserProcesses=no", EDITED)
        self.command("systemctl", "mask", "lab-unwanted.service")
        admin.prepare(self)
        self._job = ""
        # The first start of a host brings some files that every later one finds.
        self.power_cut()

    @property
    def root(self) -> pathlib.Path:
        """The host's root as this machine sees it."""
        return self.host.folder / "root"

    def ask(self, module: str, more: dict[str, t.Any], variables: dict[str, str] | None = None) -> dict[str, t.Any]:
        """Run a module as anyone would and return its result."""
        result = calls.run(self.arguments(module, more, variables=variables), TREE, ENVIRONMENT, RUN_SECONDS)
        found = re.search(r"=> (\{.*\})", result.stdout, re.DOTALL)
        return json.loads(found.group(1)) if found else {"failed": True, "msg": (result.stdout + result.stderr).strip()}

    def bring(self, state: str) -> dict[str, t.Any]:
        """Run the engine for a state of the table."""
        return self.ask("converge", wish(state))

    def next_runs(self, cell: cells.Cell) -> t.Iterator[dict[str, t.Any]]:
        """Run what comes after the cut of a cell, and yield the result of each run."""
        if cell.role:
            yield self.ask(*ALONE[cell.role])
        yield self.bring(cells.ENDS[cell.way])

    def held(self, paths: t.Iterable[str]) -> dict[str, str]:
        """Return what some paths hold, in words that compare: mode, owner, content."""
        wanted = sorted(set(paths))
        said = self.command("sh", "-c", HELD, "held", *wanted) if wanted else ""
        return {path: line[len(f"{path} is "):] for path, line in zip(wanted, said.splitlines())}

    def ledger_end(self, count: int = 4) -> list[str]:
        """Return what the newest runs of the ledger tell, an event on a line, without what says how to undo a step."""
        found = []
        for name in self.command("sh", "-c", f"ls {STATE}/ledger/*.jsonl | tail -n {count}").splitlines():
            for line in self.command("cat", name).splitlines():
                words = json.loads(line)
                action = words.get("action", words)
                told = [words["event"], words.get("number"), action.get("kind"), action.get("subject"), words.get("error")]
                found.append(" ".join([os.path.basename(name)[:6], *(str(word) for word in told if word is not None)]))
        return found

    def look(self) -> dict[str, t.Any]:
        """Return what guest/look.py sees."""
        return json.loads(self.command("/usr/bin/python3", f"{FOLDER}/look.py", *LOOKED_AT, "--", *places.RENEWED))

    def steps(self) -> list[cells.Step]:
        """Return the steps of the newest run by its ledger."""
        newest = max((self.root / STATE[1:] / "ledger").glob("*.jsonl"))
        began: dict[int, dict[str, t.Any]] = {}
        found = []
        for line in map(json.loads, newest.read_text().splitlines()):
            if line["event"] == cells.BEGAN:
                began[line["number"]] = line
            elif line["event"] == cells.DONE:
                intent = began[line["number"]]
                action, start = intent.get("action", intent), intent["time"]
                found.append(cells.Step(action["kind"], action["subject"], line["time"] - start))
        return found

    def cut(self, state: str, cell: cells.Cell, step: cells.Step) -> str:
        """Start the job that brings a state, strike it at the moment of a cell, and return the last word of a transaction."""
        delay = cell.delay(step.seconds)
        self._ask_for(cell, step, delay)
        if cell.fault == cells.DISK_FULL:
            self._shrink()
        argv = self.arguments("converge", wish(state), variables={"ansible_python_interpreter": f"{FOLDER}/python"})
        with subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TREE,
                env=ENVIRONMENT, start_new_session=True) as controller:
            try:
                marker = self._marker(controller)
                self._job = marker["job"]
                if cells.depth(cell.moment) is not None:
                    self._wait_for_depth(marker["job"], t.cast(float, cells.depth(cell.moment)))
                elif cell.moment == cells.MIDDLE and cell.fault == cells.POWER_CUT:
                    time.sleep(delay)
                self._strike(cell, marker, controller)
            finally:
                if controller.poll() is None:
                    os.killpg(controller.pid, signal.SIGKILL)
        status = self._status(marker["job"]) if cells.depth(cell.moment) is not None else {}
        return f"{status['phase']}, {status.get('done')} of {status.get('total')}" if status else ""

    def _ask_for(self, cell: cells.Cell, step: cells.Step, delay: float) -> None:
        """Tell the interpreter what to hold."""
        event, before = cells.line_of(cell.moment)
        does = "hold" if before or cell.moment in (cells.BEGAN, cells.DONE) else "tell"
        if cell.moment == cells.MIDDLE and cell.fault == cells.KILLED:
            does = "kill"
        elif cell.fault == cells.UNVERIFIED:
            does = "fail"
        subject = None if step.kind in (cells.TRANSACTION, "") else step.subject
        ask = {"kind": step.kind, "subject": subject, "do": does, "delay": delay, "event": event, "before": before}
        self.command("rm", "-f", f"{FOLDER}/marker", f"{FOLDER}/go")
        self.write(f"{FOLDER}/ask.json", json.dumps(ask))

    def _marker(self, controller: subprocess.Popen[bytes]) -> dict[str, t.Any]:
        """Wait until the job says that it is there."""
        path = self.root / FOLDER[1:] / "marker"
        deadline = time.monotonic() + WAIT_SECONDS
        while not path.exists():
            if controller.poll() is not None or time.monotonic() > deadline:
                raise NeverReached("the job ended before it" if controller.poll() is not None else "the job never came to it")
            time.sleep(0.005)
        return json.loads(path.read_text())

    def _wait_for_depth(self, job: str, share: float) -> None:
        """Wait until a transaction has done a share of its work."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            status = self._status(job)
            if status["phase"] == "done":
                raise NeverReached("the transaction ended before it")
            # rpm counts its preparation by itself first, as one of one.
            moves = status["phase"] == "running" and status["total"] > 1
            if moves and status["done"] >= math.ceil(share * status["total"]):
                break
            time.sleep(0.002)
        else:
            raise NeverReached("the transaction never came to it")
        if share == 1:
            self._wait_for_scriptlet(job)

    def _wait_for_scriptlet(self, job: str) -> None:
        """Wait until a transaction whose packages are all done runs a program: of %posttrans, or of a file trigger of it."""
        runner = self._runner(job)
        deadline = time.monotonic() + SCRIPTLET_SECONDS
        while time.monotonic() < deadline and self._status(job)["phase"] == "running":
            if any(path.read_text() for path in pathlib.Path(f"/proc/{runner}/task").glob("*/children")):
                return
            time.sleep(0.002)
        raise NeverReached("the transaction had no scriptlet left")

    def wait_for_runner(self) -> None:
        """Wait until nothing carries out the transaction of the job that was cut any more."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                self._runner(self._job)
            except NeverReached:
                return
            time.sleep(0.1)

    def wait_for_guard(self) -> None:
        """Wait until the host, which was started anew, has settled by itself what the power cut left in its middle."""
        records = self.root / STATE[1:] / "guards"
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            if not any('"state": "armed"' in path.read_text() for path in records.glob("transaction-*/record.json")):
                return
            time.sleep(0.2)

    def _status(self, job: str) -> dict[str, t.Any]:
        """Return the last word of a transaction."""
        path = self.root / STATE[1:] / "runs" / job / "status.json"
        return json.loads(path.read_text()) if path.exists() else {"phase": "none"}

    def _strike(self, cell: cells.Cell, marker: dict[str, t.Any], controller: subprocess.Popen[bytes]) -> None:
        """Do the harm. A transaction stands still meanwhile, where both are struck."""
        if cell.fault == cells.POWER_CUT:
            self.power_cut()
        elif cell.fault == cells.TRANSACTION_KILLED:
            os.kill(self._runner(marker["job"]), signal.SIGKILL)
            controller.wait(RUN_SECONDS)
        elif cell.fault == cells.BOTH_KILLED:
            runner = self._runner(marker["job"])
            os.kill(runner, signal.SIGSTOP)
            self.command("kill", "-9", str(marker["pid"]))
            os.kill(runner, signal.SIGKILL)
        elif cell.fault == cells.DISK_FULL:
            # dd ends when there is no space left.
            hosts.command(self.host, ["dd", "if=/dev/zero", f"of={STATE}/filler", "bs=4k"])
            self.command("touch", f"{FOLDER}/go")
            controller.wait(RUN_SECONDS)
            self.command("rm", f"{STATE}/filler")
        elif cell.moment == cells.MIDDLE or cell.fault == cells.UNVERIFIED:
            controller.wait(RUN_SECONDS)
        else:
            self.command("kill", "-9", str(marker["pid"]))

    def _runner(self, job: str) -> int:
        """Return the process, as this machine counts, that carries a transaction out."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"-I" in words and words[-2].endswith(f"/runs/{job}".encode()):
                return int(path.parent.name)
        raise NeverReached("the transaction ended before it")

    def power_cut(self) -> None:
        """Cut the power and wait until the host is up again."""
        before = self._pid()
        hosts.power_cut(self.host)
        deadline = time.monotonic() + WAIT_SECONDS
        while self._pid() in (before, "0", "") and time.monotonic() < deadline:
            time.sleep(0.1)
        self.state()

    def _pid(self) -> str:
        return common.run(["podman", "inspect", "--format", "{{.State.Pid}}", self.host.container]).strip()

    def _shrink(self) -> None:
        """Put the collection's state on a small disk."""
        self.command("mkdir", "-p", SMALL)
        self.command("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", SMALL)
        self.command("cp", "-a", f"{STATE}/.", SMALL)
        self.command("mount", "--bind", SMALL, STATE)

    def give_back_disk(self) -> None:
        """Put the collection's state where it was, with what came to it."""
        self.command("umount", STATE)
        self.command("cp", "-a", f"{SMALL}/.", STATE)
        self.command("umount", SMALL)
