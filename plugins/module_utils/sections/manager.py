# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section C(manager): PID 1 and the user managers run the build of systemd that is installed.

The SIG publishes no procedure for a live change. systemd itself can re-execute in place, and some of its daemons are
made to be restarted at any time. An old logind must not stay: it refuses the session classes that a newer pam_systemd
asks for, and the next login's user manager fails. What else keeps running (dbus, networkd) is reported as a reason to
reboot, and the build that PID 1 runs is proven over D-Bus.
"""

from __future__ import annotations

import os
import time
import typing as t

from ..core import ledger
from ..core.engine import ACTIVATE, Action
from ..core.errors import Failed, Problem
from ..core.host_io import Target
from ..core.planning import Context, Planned
from ..facts import baseline, read
from ..facts.systemd import runs_version

OPTIONS: dict[str, t.Any] = {
    "activate": {"type": "str", "choices": ["reexec", "reboot"], "default": "reexec"},
}

LEAD = "systemd"
# Daemons of systemd that keep their state across a restart (logind and journald in their descriptor store).
DAEMONS = ("systemd-journald.service", "systemd-logind.service", "systemd-udevd.service")
# Of systemd(1): re-execute a manager, as 'systemctl daemon-reexec' asks it of PID 1.
REEXEC_SIGNAL = "SIGRTMIN+25"
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.2

Answer = t.TypeVar("Answer")


class State(t.NamedTuple):
    """What PID 1 runs: its version string, whether its binary was replaced under it, daemons of systemd whose binary
    was, and units that failed."""

    version: str
    replaced: bool
    old_daemons: list[str]
    failed_units: list[str]


class ReexecAction(Action):
    """PID 1 and the user managers re-execute. Undo is the same: they run whatever is installed then."""

    section = "manager"
    kind = "manager-reexec"
    phase = ACTIVATE
    follows = True

    @classmethod
    def to(cls, state: State, version: str) -> ReexecAction:
        """Make the action that brings PID 1 to an installed version of systemd."""
        args = {"version": version, "failed_units": state.failed_units}
        return cls("PID 1", "it runs another build than is installed", args, f"{state.version}\n", f"{version}\n")

    def apply(self, target: Target) -> None:
        target.run(["systemctl", "daemon-reexec"])
        for unit in _answered(lambda: user_managers(target)):
            target.run(["systemctl", "kill", "--kill-whom=main", f"--signal={REEXEC_SIGNAL}", unit])
        old = _answered(lambda: old_daemons(target))
        if old:
            target.run(["systemctl", "try-restart", *old])

    def undo(self, target: Target) -> None:
        self.apply(target)
        _forget(target)

    def verify(self, target: Target) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                problem = self._problem(self._without_what_was_broken(target, gather(target)))
            except Failed as failure:  # it does not answer yet
                problem = failure.problems[0]
            if problem is None:
                return
            if time.monotonic() >= deadline:
                raise Failed(problem)
            time.sleep(POLL_SECONDS)

    def _problem(self, now: State) -> Problem | None:
        wanted = self.args["version"]
        if not runs_version(now.version, wanted) or now.replaced:
            old = " from a binary that is gone" if now.replaced else ""
            return Problem(
                "systemd.old_build", f"PID 1 runs systemd {now.version or 'unknown'}{old}", f"installed is {wanted}",
                "Look at 'journalctl -b -u init.scope' on the host; a reboot starts the installed build",
            )
        if now.old_daemons:
            return Problem(
                "systemd.old_daemons", f"{', '.join(now.old_daemons)} still run a binary that is gone", "they did not restart",
                "Look at 'systemctl status' of each on the host; a reboot starts the installed build",
            )
        failed = [unit for unit in now.failed_units if unit not in self.args["failed_units"]]
        if failed:
            return Problem(
                "systemd.units_failed",
                f"units failed that worked before: {', '.join(failed)}", "systemd was replaced in this run",
                "Look at 'systemctl status' of each on the host",
            )
        return None

    def _without_what_was_broken(self, target: Target, now: State) -> State:
        """Return a state without the units that were broken before the adoption, also where they were not failed when this run
        was planned."""
        noted = ledger.baseline(target)
        if noted is None or not set(now.failed_units) - set(self.args["failed_units"]):
            return now
        try:
            judged = baseline.judged(lambda argv: (*target.probe(argv), ""), noted, now.failed_units)
        except read.Unreadable as error:
            raise Failed(Problem(
                "systemd.failures_unknown", "units failed, and what was so before cannot be told", str(error),
                "Look at 'systemctl --failed' on the host")) from error
        return now._replace(failed_units=sorted(judged.new))


ACTIONS = {ReexecAction.kind: ReexecAction}


def validate(_wants: t.Sequence[dict[str, t.Any]], _stream: int) -> list[Problem]:
    """Return nothing: the argument spec says all there is."""
    return []


def gather(target: Target, _wants: t.Sequence[dict[str, t.Any]] = ()) -> State:
    """Ask PID 1 over D-Bus, and look at its binary."""
    out = target.run(["systemctl", "show", "-p", "Version", "--value"])
    failed = target.run(["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"])
    units = sorted(line.split()[0] for line in failed.splitlines() if line)
    return State(out.strip(), _runs_replaced_binary(target, "1"), old_daemons(target), units)


def _answered(ask: t.Callable[[], Answer]) -> Answer:
    """Return what PID 1 says, asked again for a while: it does not answer while it re-executes."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return ask()
        except Failed:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL_SECONDS)


def _forget(target: Target) -> None:
    """Have systemd forget units that failed and whose files went with the packages: nobody could start them again."""
    for unit in gather(target).failed_units:
        if target.run(["systemctl", "show", "-p", "LoadState", "--value", "--", unit]).strip() == "not-found":
            target.run(["systemctl", "reset-failed", unit])


def old_daemons(target: Target) -> list[str]:
    """Return the daemons of systemd that run from a binary that was replaced."""
    out = target.run(["systemctl", "show", "-p", "Id,MainPID", "--", *DAEMONS])
    found = []
    for block in out.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields.get("MainPID", "0") != "0" and _runs_replaced_binary(target, fields["MainPID"]):
            found.append(fields["Id"])
    return sorted(found)


def _runs_replaced_binary(target: Target, pid: str) -> bool:
    try:
        return os.readlink(target.path(f"/proc/{pid}/exe")).endswith(" (deleted)")
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return False


def plan(wants: t.Sequence[dict[str, t.Any]], state: State, context: Context) -> Planned:
    """Return no action, or the one that re-executes."""
    coming = context.coming(LEAD)
    here = [package.version for package in context.installed if package.name == LEAD]
    version = coming.evr.split(":")[-1].rsplit("-", 1)[0] if coming else (here[0] if here else None)
    if version is None or any(want["activate"] == "reboot" for want in wants):
        return Planned([])
    if coming or state.replaced or state.old_daemons or not runs_version(state.version, version):
        return Planned([ReexecAction.to(state, version)])
    return Planned([])


def user_managers(target: Target) -> list[str]:
    """Return the units of the user managers that run."""
    out = target.run([
        "systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager", "user@*.service"])
    return [line.split()[0] for line in out.splitlines() if line]
