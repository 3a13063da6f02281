# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a state of the network is there by value, and stays so. Detached."""

from __future__ import annotations

import time
import typing as t

from ...facts import network as live
from .bring import NETWORKD, NETWORKMANAGER
from .host import command

if t.TYPE_CHECKING:
    from .bring import State

POLL_SECONDS = 0.5
# How often in a row all must be there: a daemon that has only begun leaves what was there for a moment.
LOOKS = 3
# What networkd says of a link that it is done with, or that has no cable (networkctl(1)).
SETTLED = ("configured",)


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
