# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of systemd by which a guard acts: a service that is enabled for boot, and a timer on the monotonic clock.

The timer is for the boot that the guard was armed in. After a restart of the host the service is started by itself. Its code
looks at the record: where it is not its time, it ends at once. A kind that must act before others begin has a second service for
boot.

Detached code holds a copy of this module.
"""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t

from .errors import Failed
from .host_io import FileState, Target, names_in
from .process import HARD_TO_KILL

if t.TYPE_CHECKING:
    from .guard import Kind

PREFIX = "centos-hyperscale-guard-"
UNITS = "/etc/systemd/system"
SERVICE, TIMER, EARLY = ".service", ".timer", "-early.service"
WANTED_BY = "multi-user.target"

SERVICE_TEXT = """\
[Unit]
Description=Guard: {does} unless that is confirmed
RequiresMountsFor={folder}
ConditionPathExists={code}
{after}
[Service]
Type=exec
ExecStart={python} -B -I {code} fire {folder}
Restart=on-failure
RestartSec=5s
{hard}

[Install]
WantedBy={wanted_by}
"""
TIMER_TEXT = """\
[Unit]
Description=Time to confirm {subject}

[Timer]
OnActiveSec={seconds:g}s
AccuracySec=100ms
Unit={service}
"""
EARLY_TEXT = """\
[Unit]
Description=Guard: {does} before others begin
DefaultDependencies=no
RequiresMountsFor={folder}
ConditionPathExists={code}
After=local-fs.target systemd-remount-fs.service
{before}
[Service]
Type=oneshot
ExecStart={python} -B -I {code} early {folder}
TimeoutStartSec=90s
{hard}

[Install]
WantedBy={wanted_by}
"""


def texts(kind: Kind, ident: str, folder: str, code: str, seconds: float | None) -> dict[str, str]:
    """Return the units of a guard, by name."""
    name = PREFIX + ident
    said = {
        "subject": kind.subject, "does": kind.does.format(kind.subject), "folder": folder, "code": code,
        "python": sys.executable, "hard": "\n".join(HARD_TO_KILL),
        "after": f"After={kind.after}\n" if kind.after else "", "before": kind.early, "service": name + SERVICE,
        "wanted_by": WANTED_BY}
    found = {name + SERVICE: SERVICE_TEXT.format(**said)}
    if seconds is not None:
        found[name + TIMER] = TIMER_TEXT.format(seconds=seconds, **said)
    if kind.early:
        found[name + EARLY] = EARLY_TEXT.format(**said)
    return found


def install(target: Target, kind: Kind, ident: str, folder: str, code: str, seconds: float | None) -> None:
    """Write the units of a guard, enable those for boot, and start the timer."""
    found = texts(kind, ident, folder, code, seconds)
    for name, text in found.items():
        target.write(os.path.join(UNITS, name), FileState(text, "0644", str(os.geteuid()), str(os.getegid())))
    target.run(["systemctl", "enable", *(name for name in found if name.endswith(SERVICE))])
    for name in found:
        if name.endswith(TIMER):
            target.run(["systemctl", "start", name])


def start_timer(target: Target, ident: str) -> None:
    """Have the timer of a guard run."""
    target.probe(["systemctl", "start", PREFIX + ident + TIMER])


def start(target: Target, ident: str) -> None:
    """Have a guard act now that is due; nothing is waited for."""
    target.run(["systemctl", "start", "--no-block", PREFIX + ident + SERVICE])


def remove(target: Target, ident: str) -> None:
    """Take the units of a guard away. What cannot be taken away acts on nothing, and the next run tries again.

    The service itself is not stopped: it may be what does this.
    """
    names = [PREFIX + ident + end for end in (TIMER, EARLY, SERVICE)]
    there = [name for name in names if os.path.lexists(target.path(os.path.join(UNITS, name)))]
    if not there:
        return
    for name in there:
        if name.endswith(TIMER):
            target.probe(["systemctl", "stop", name])
    target.probe(["systemctl", "disable", *(name for name in there if name.endswith(SERVICE))])
    for name in there:
        with contextlib.suppress(OSError, Failed):
            target.remove(os.path.join(UNITS, name))
    target.probe(["systemctl", "daemon-reload"])


def known(target: Target) -> list[str]:
    """Return the guards that units on this host are of."""
    found = set()
    for name in names_in(target.path(UNITS)):
        for end in (EARLY, TIMER, SERVICE):
            if name.startswith(PREFIX) and name.endswith(end):
                found.add(name[len(PREFIX):-len(end)])
                break
    return sorted(found)
