# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(rulesets) decides on: the rules of both backends, and the services that filter or write rules."""

from __future__ import annotations

import typing as t

from ...core.errors import Problem
from ...core.host_io import Target
from ...shared.unit import UnitState, gather as gather_units
from ...text.rulesets import native
from .backends import (
    FAMILIES, OTHER, Rules, current, is_installed, kept_for_boot, nft_listing, offered, read, why_rejected, would_load,
)

# Services that filter through nftables whatever the backend of iptables is, by the option that says what to do with them.
FIREWALLS = {
    "firewalld": "it filters through nftables, and with the legacy backend both would filter, neither seeing the other's rules",
    "nftables": "it loads rules of nftables, and flushes all of nftables when it starts and stops",
}
# Services that write rules through the iptables command while they run.
WRITERS = ("docker.service", "libvirtd.service", "virtnetworkd.service", "fail2ban.service")


class State(t.NamedTuple):
    """What the section decides on: the backend that iptables speaks to (None: no iptables), the backends whose programs are
    installed, the rules of each backend by family, units, tables of nftables itself (None: they could not be listed), and why
    the wanted backend does not take what it would be given."""

    current: str | None
    installed: set[str]
    rules: dict[str, Rules]
    units: dict[str, UnitState]
    native: list[str] | None
    rejected: list[Problem]


def gather(target: Target, wants: t.Sequence[dict[str, t.Any]]) -> State:
    """Read the rules of both backends, and try whether the wanted one takes those of the other."""
    want = wants[0]
    rules = {backend: read(target, backend) for backend in OTHER}
    services = [f"{name}.service" for name in (*FIREWALLS, *(row[0] for row in FAMILIES.values()))]
    units = gather_units(target, [{"name": name} for name in (*services, *WRITERS)])
    have = {backend for backend in OTHER if is_installed(target, backend)}
    rejected = []
    if want["carry"] and want["backend"] in have and not would_load(target, want["backend"]):
        rejected = why_rejected(target, want["backend"], offered(rules[OTHER[want["backend"]]], rules[want["backend"]]))
        rejected += why_rejected(target, want["backend"], kept_for_boot(target, units), "at boot ")
    listing = nft_listing(target)
    return State(current(target), have, rules, units, None if listing is None else native(listing), rejected)
