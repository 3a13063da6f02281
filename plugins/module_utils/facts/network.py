# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network of a host is at this moment, by value: links, addresses, routes, rules, DNS; and what differs.

Read from C(ip -json) and /etc/resolv.conf, so that it does not matter who set it up. Only the standard library is used:
the detached side of a hand-over carries this file with it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import typing as t

RESOLV_CONF = "/etc/resolv.conf"
# Where resolved lists the servers behind its stub (systemd-resolved.service(8)).
UPLINKS = "/run/systemd/resolve/resolv.conf"
STUB = "127.0.0.53"

LOOPBACK = "lo"
LOCAL_TABLE, MAIN_TABLE = "local", "main"
# The rules that every kernel starts with (ip-rule(8)).
KERNEL_RULES = ((0, LOCAL_TABLE), (32766, MAIN_TABLE), (32767, "default"))
# Route attributes that are part of a route's value. Protocol and preference tell who set it up, not where packets go.
ROUTE_PARTS = ("gateway", "metric", "table", "type", "prefsrc")
ROUTE_OPTIONS = ("mtu", "advmss", "initcwnd", "initrwnd", "quickack", "window", "cwnd", "rto_min", "congestion")
RULE_PARTS = ("priority", "src", "srclen", "dst", "dstlen", "iif", "oif", "fwmark", "fwmask", "table", "tos", "ipproto", "not")

Run = t.Callable[[t.Sequence[str]], tuple[int, str]]
Read = t.Callable[[str], t.Optional[str]]


class Unreadable(Exception):
    """The network cannot be read; the text says why."""


def look(run: Run, read: Read) -> dict[str, t.Any]:
    """Return the network by value, as JSON can carry it."""
    links = _ask(run, "-details", "link", "show")
    addresses = _ask(run, "address", "show")
    routes = [dict(route, family=4) for route in _ask(run, "-4", "route", "show", "table", "all")]
    routes += [dict(route, family=6) for route in _ask(run, "-6", "route", "show", "table", "all")]
    rules = [dict(rule, family=4) for rule in _ask(run, "-4", "rule", "show")]
    rules += [dict(rule, family=6) for rule in _ask(run, "-6", "rule", "show")]
    return {
        "links": _links(links), "addresses": _addresses(addresses), "routes": _routes(routes, links), "rules": _rules(rules),
        "dns": dns(read)}


def _ask(run: Run, *words: str) -> list[dict[str, t.Any]]:
    argv = ["ip", "-json", *words]
    status, out = run(argv)
    if status != 0:
        raise Unreadable(f"'{' '.join(argv)}' ended with status {status}")
    # An empty answer is an empty list; iproute2 gives an empty object for what it filtered out.
    return [entry for entry in json.loads(out or "[]") if entry]


def _links(entries: t.Sequence[dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    found = {}
    for entry in entries:
        info = entry.get("linkinfo", {})
        found[entry["ifname"]] = {
            "kind": info.get("info_kind", ""), "mac": entry.get("address", ""), "mtu": entry.get("mtu"),
            "master": entry.get("master", ""), "up": "LOWER_UP" in entry.get("flags", ()),
            "type": entry.get("link_type", ""),
        }
    return found


def _addresses(entries: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    found = []
    for entry in entries:
        for address in entry.get("addr_info", ()):
            # Temporary addresses change by the day, and those of host scope belong to the kernel.
            if address.get("temporary") or address.get("scope") == "host" or "local" not in address:
                continue
            prefix = address["prefixlen"]
            found.append({
                "dev": entry["ifname"], "address": f"{ipaddress.ip_address(address['local'])}/{prefix}",
                "scope": address.get("scope", "global"), "dynamic": bool(address.get("dynamic")),
                "peer": address.get("address", "") if address["local"] != address.get("address") else "",
            })
    return sorted(found, key=lambda entry: (entry["dev"], entry["address"]))


def _routes(entries: t.Sequence[dict[str, t.Any]], links: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    # A route with room for more than its link says nothing by that.
    found = []
    mtus = {link["ifname"]: link.get("mtu") or 0 for link in links}
    for entry in entries:
        table = str(entry.get("table", MAIN_TABLE))
        kind = entry.get("type", "unicast")
        if table == LOCAL_TABLE or kind in ("local", "broadcast", "multicast", "anycast"):
            continue
        to = destination(entry["dst"], entry["family"])
        if to.startswith(("fe80::", "ff00::")):
            continue
        hops = [f"{hop.get('gateway', '')}%{hop.get('dev', '')}*{hop.get('weight', 1)}" for hop in entry.get("nexthops", ())]
        route = {part: str(entry[part]) for part in ROUTE_PARTS if part in entry}
        if isinstance(entry.get("via"), dict):
            route["gateway"] = entry["via"].get("host", "")
        metrics = {
            name: str(value) for group in entry.get("metrics", ()) for name, value in group.items()
            if name in ROUTE_OPTIONS and not (name == "mtu" and value >= mtus.get(entry.get("dev"), 1 << 16))}
        found.append({
            **route, "to": to, "dev": entry.get("dev", ""), "table": table, "type": kind, "hops": sorted(hops),
            "onlink": "onlink" in entry.get("flags", ()), "options": metrics, "protocol": str(entry.get("protocol", "")),
        })
    return sorted(found, key=lambda route: (route["dev"], route["to"], route.get("gateway", ""), route.get("metric", "")))


def destination(text: str, family: int) -> str:
    """Return a route's destination with its length, whatever way ip wrote it."""
    if text == "default":
        return "0.0.0.0/0" if family == 4 else "::/0"
    return str(ipaddress.ip_network(text, strict=False))


def _rules(entries: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    found = []
    for entry in entries:
        rule = {part: str(entry[part]) for part in RULE_PARTS if part in entry}
        if (entry["priority"], entry.get("table")) in KERNEL_RULES and rule.get("src", "all") == "all" and "fwmark" not in rule:
            continue
        found.append(dict(rule, family=entry["family"], protocol=str(entry.get("protocol", ""))))
    return sorted(found, key=str)


def dns(read: Read) -> dict[str, list[str]]:
    """Return the servers and search domains in force; behind resolved's stub, those that it asks."""
    content = read(RESOLV_CONF) or ""
    if STUB in _words(content, "nameserver"):
        content = read(UPLINKS) or content
    search = _words(content, "search")
    return {
        "servers": sorted(set(_words(content, "nameserver")) - {STUB}),
        "search": [word.rstrip(".") for word in search if word.rstrip(".")]}


def _words(content: str, keyword: str) -> list[str]:
    lines = [line.split() for line in content.splitlines()]
    return [word for line in lines if line[:1] == [keyword] for word in line[1:]]


def read_below(root: str) -> Read:
    """Return how to read a file of the host, None when it is not there. Raises OSError for other troubles."""
    def read(path: str) -> str | None:
        try:
            with open(os.path.join(root, path.lstrip("/")), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except FileNotFoundError:
            return None
    return read


def value_of_route(route: dict[str, t.Any]) -> tuple[t.Any, ...]:
    """Return what makes a route the same route."""
    options = tuple(sorted(route["options"].items()))
    parts = tuple(route.get(part, "") for part in ROUTE_PARTS)
    return (route["dev"], route["to"], *parts, route["onlink"], tuple(route["hops"]), options)


def route_words(route: dict[str, t.Any]) -> str:
    """Return a route as a person would write it for ip."""
    words = [route["to"]] if route["type"] == "unicast" else [route["type"], route["to"]]
    for name, part in (("via", "gateway"), ("dev", "dev"), ("src", "prefsrc"), ("metric", "metric")):
        words += [name, route[part]] if route.get(part) else []
    if route["table"] != MAIN_TABLE:
        words += ["table", route["table"]]
    return " ".join([*words, *route["hops"], *(f"{name} {value}" for name, value in sorted(route["options"].items()))])


def value_of_rule(rule: dict[str, t.Any]) -> tuple[t.Any, ...]:
    """Return what makes a rule the same rule."""
    return (rule["family"], *(rule.get(part, "") for part in RULE_PARTS))


def differences(
    before: dict[str, t.Any], after: dict[str, t.Any], devices: t.Container[str], ranked: bool = False,
) -> list[str]:
    """Return, in words, what was there before and is not any more, and what came that changes where packets go.

    C(devices) are those that the hand-over is about. With C(ranked) only the order of the metrics to one destination counts:
    NetworkManager numbers them anew each time, by the order in which links come up.
    """
    if ranked:
        before, after = (dict(state, routes=_ranked(state["routes"])) for state in (before, after))
    found = []
    for dev in sorted(name for name in before["links"] if name in devices):
        old, new = before["links"][dev], after["links"].get(dev)
        if new is None:
            found.append(f"link {dev} is gone")
            continue
        for part in ("mtu", "master", "mac"):
            if old[part] != new[part]:
                found.append(f"{part} of {dev} is {new[part] or 'none'}, not {old[part] or 'none'}")
    found += [
        f"address {address} on {dev} is {word}" for dev, address, word in _addresses_that_differ(before, after)
        # One more link-local address harms nobody.
        if dev in devices and not (word == "new" and address.startswith("fe80:"))]
    found += _compare_routes(before["routes"], after["routes"], devices)
    rules = {value_of_rule(rule): rule for rule in (*before["rules"], *after["rules"])}
    found += _compare(
        "rule", [value_of_rule(rule) for rule in before["rules"]], [value_of_rule(rule) for rule in after["rules"]],
        lambda value: " ".join(f"{k} {v}" for k, v in sorted(rules[value].items()) if k != "protocol"))
    found += _compare("DNS server", before["dns"]["servers"], after["dns"]["servers"], str)
    found += _compare("search domain", before["dns"]["search"], after["dns"]["search"], str)
    return found


def _addresses_that_differ(before: dict[str, t.Any], after: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    old, new = ({(entry["dev"], entry["address"]) for entry in state["addresses"]} for state in (before, after))
    return [(*value, "missing") for value in sorted(old - new)] + [(*value, "new") for value in sorted(new - old)]


def _ranked(routes: t.Sequence[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return routes with the place of each among those to its destination in place of its metric."""
    known: dict[tuple[str, str], set[int]] = {}
    for route in routes:
        known.setdefault((route["table"], route["to"]), set()).add(int(route.get("metric", 0)))
    return [
        dict(route, metric=str(sorted(known[route["table"], route["to"]]).index(int(route.get("metric", 0)))))
        for route in routes]


def _compare_routes(
    before: t.Sequence[dict[str, t.Any]], after: t.Sequence[dict[str, t.Any]], devices: t.Container[str],
) -> list[str]:
    """Compare routes. A way to one host on a link is what networkd adds for a DHCP server's gateway, and changes nothing."""
    old = {value_of_route(route): route for route in before if _concerns(route, devices)}
    new = {value_of_route(route): route for route in after if _concerns(route, devices)}
    found = [f"route {route_words(route)} is missing" for value, route in old.items() if value not in new]
    return found + [
        f"route {route_words(route)} is new" for value, route in new.items() if value not in old and not _host_route(route)]


def _concerns(route: dict[str, t.Any], devices: t.Container[str]) -> bool:
    hops = [hop.partition("%")[2].partition("*")[0] for hop in route["hops"]]
    return route["dev"] in devices or any(dev in devices for dev in hops) or not (route["dev"] or hops)


def _host_route(route: dict[str, t.Any]) -> bool:
    return route["to"].endswith(("/32", "/128")) and route["protocol"] in ("dhcp", "ra") and route["type"] == "unicast"


def _compare(
    what: str, before: t.Sequence[t.Any], after: t.Sequence[t.Any], words: t.Callable[[t.Any], str],
) -> list[str]:
    return [f"{what} {words(value)} is missing" for value in before if value not in after] + [
        f"{what} {words(value)} is new" for value in after if value not in before]
