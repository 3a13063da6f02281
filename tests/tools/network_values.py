# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print every address, route, rule, MTU, port and DNS server of a host, one a line, whoever set it up.

Runs on the host with nothing but the standard library and shares nothing with the collection, which it is held against.
"""

from __future__ import annotations

import json
import subprocess


def ask(*words: str) -> list[dict]:
    """Return what ip says, as JSON."""
    out = subprocess.run(["ip", "-json", *words], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [entry for entry in json.loads(out or "[]") if entry]


def lines() -> list[str]:
    """Return one line a value."""
    found = []
    mtus = {link["ifname"]: link["mtu"] for link in ask("link", "show")}
    for link in ask("address", "show"):
        name = link["ifname"]
        found.append(f"link {name} mtu {link['mtu']} master {link.get('master')} mac {link.get('address')}")
        found += [f"address {name} {entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"]]
    for family in ("-4", "-6"):
        for route in ask(family, "route", "show", "table", "all"):
            if route.get("table") != "local" and route["dst"] != "fe80::/64":
                own = mtus.get(route.get("dev"), 0)
                mtu = [metrics["mtu"] for metrics in route.get("metrics", ()) if metrics.get("mtu", own) < own]
                parts = [f"{part} {route.get(part)}" for part in ("dev", "metric", "table", "prefsrc", "type")]
                found.append(f"route {route['dst']} via {route.get('gateway')} {' '.join(parts)} mtu {mtu}")
        for rule in ask(family, "rule", "show"):
            found.append("rule " + " ".join(f"{name} {value}" for name, value in sorted(rule.items()) if name != "protocol"))
    return found + dns()


def dns() -> list[str]:
    """Return the servers and search domains in force; behind the stub of resolved those that it asks."""
    with open("/etc/resolv.conf", encoding="utf-8") as handle:
        text = handle.read()
    if "127.0.0.53" in text:
        with open("/run/systemd/resolve/resolv.conf", encoding="utf-8") as handle:
            text = handle.read()
    words = [line.split() for line in text.splitlines()]
    return [f"{line[0]} {value}" for line in words if line[:1] in (["nameserver"], ["search"]) for value in line[1:]]


if __name__ == "__main__":
    print("\n".join(sorted(set(lines()))))
