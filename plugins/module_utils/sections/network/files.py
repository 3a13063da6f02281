# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of networkd as text: parsed, held against what is known of sections, options and values, and matched with links.

No tool checks such files: C(systemd-analyze verify) does not know them, and networkd itself only logs what it ignores.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import typing as t

from ...core.errors import Problem
from ...tables.network_options import OPTIONS, SEEN
from ...text.masking import has_secret

KINDS = ("network", "netdev", "link")
FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,60}\.(network|netdev|link)$")
INTERFACE = re.compile(r"^[^\s/:%]{1,15}$")
SECTION = re.compile(r"^\[([A-Za-z0-9-]+)\]$")
REMEDY = "Correct the definition; nothing was changed"
BOOLEANS = ("1", "yes", "y", "true", "t", "on", "0", "no", "n", "false", "f", "off")
# Options of the form Match= that a link can be held against here; any other may hold or not.
TESTED = ("Name", "OriginalName", "MACAddress", "PermanentMACAddress", "Type", "Kind")
# References to other interfaces, by option of [Network]; each has to be there or be defined.
REFERENCES = (
    "VLAN", "MACVLAN", "MACVTAP", "IPVLAN", "IPVTAP", "VXLAN", "Tunnel", "Bond", "Bridge", "VRF", "BatmanAdvanced", "MACsec",
    "Xfrm", "IPoIB")


class Line(t.NamedTuple):
    """One option of a file, with the section it stands in and the line it begins on."""

    number: int
    section: str
    key: str
    value: str


def parse(text: str) -> tuple[list[Line], list[tuple[int, str]]]:
    """Return the options of a file and what is no option, as line number and reason. A section that comes again is a new one,
    named with its number (C(Address#2))."""
    found, bad = [], []
    section = ""
    counts: dict[str, int] = {}
    for number, line in _joined(text):
        head = SECTION.match(line)
        if head:
            counts[head.group(1)] = counts.get(head.group(1), 0) + 1
            section = head.group(1) if counts[head.group(1)] == 1 else f"{head.group(1)}#{counts[head.group(1)]}"
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            bad.append((number, "it is neither a section nor an option"))
        elif not section:
            bad.append((number, "it stands before the first section"))
        else:
            found.append(Line(number, section, key.strip(), value.strip()))
    return found, bad


def _joined(text: str) -> t.Iterator[tuple[int, str]]:
    """Yield the lines that say something; a backslash at the end joins the next (systemd.syntax(7))."""
    kept, began = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not kept):
            continue
        began = began or number
        if line.endswith("\\"):
            kept += line[:-1] + " "
            continue
        yield began, (kept + line).strip()
        kept, began = "", 0
    if kept.strip():
        yield began, kept.strip()


def mode_of(content: str) -> int:
    """Return the mode of a file with this content: one with a key is for root and networkd alone (systemd.netdev(5))."""
    return 0o640 if has_secret(content) else 0o644


def plain(section: str) -> str:
    """Return a section's name without its number."""
    return section.partition("#")[0]


def known_since(kind: str, section: str, key: str) -> int | None:
    """Return the oldest of the releases read that knows an option, None when none does."""
    releases = OPTIONS[kind].get(section, {})
    return next((release for release in sorted(releases) if key in releases[release].split()), None)


def known_to(kind: str, section: str, key: str, build: int | None) -> bool:
    """Say whether a build knows an option, or may: between two of the releases read, the older one tells."""
    since = known_since(kind, section, key)
    earlier = [release for release in SEEN if since is not None and release < since]
    return since is not None and (build is None or not earlier or build > earlier[-1])


def check(name: str, content: str, build: int | None) -> list[Problem]:
    """Return what is wrong with one definition. C(build) is the release of networkd that is to read it, where it is known."""
    if not FILE_NAME.match(name):
        return [Problem(
            "network.definition_name", f"network definition {name!r}",
            "it is not the name of a .network, .netdev or .link file", REMEDY,
            subject=name)]
    kind = name.rsplit(".", 1)[1]
    lines, bad = parse(content)
    faults = list(bad)
    for line in lines:
        reason = _fault(kind, line, build)
        if reason:
            faults.append((line.number, reason))
    faults += [(0, reason) for reason in _incomplete(kind, lines)]
    return [
        Problem(
            "network.definition", f"network definition {name}" + (f", line {number}" if number else ""), reason, REMEDY,
            subject=f"{name} {number}")
        for number, reason in sorted(faults)]


def _fault(kind: str, line: Line, build: int | None) -> str | None:
    section = plain(line.section)
    if section.startswith("X-"):
        return None
    if section not in OPTIONS[kind]:
        other = [name for name in KINDS if section in OPTIONS[name]]
        return f"a .{kind} file has no section [{section}]" + (f"; a .{other[0]} file has" if other else "")
    since = known_since(kind, section, line.key)
    if since is None:
        near = [word for words in OPTIONS[kind][section].values() for word in words.split() if word.lower() == line.key.lower()]
        return f"[{section}] has no option {line.key}" + (f"; it is written {near[0]}" if near else "")
    if not known_to(kind, section, line.key, build):
        return f"[{section}] {line.key}= is not known to systemd {build}; {since} has it"
    test = VALUES.get((section, line.key)) or VALUES.get((kind, line.key))
    return test(line.value) if test and line.value else None


def _incomplete(kind: str, lines: t.Sequence[Line]) -> list[str]:
    present = {(plain(line.section), line.key) for line in lines if line.value}
    if kind == "netdev":
        lacking = [key for key in ("Name", "Kind") if ("NetDev", key) not in present]
        found = [f"[NetDev] has no {key}=" for key in lacking]
        if ("NetDev", "Kind") in present and "vlan" in [line.value for line in lines if line.key == "Kind"]:
            found += [] if ("VLAN", "Id") in present else ["a VLAN has no [VLAN] Id="]
        return found
    found = []
    if not any(section == "Match" for section, _key in present):
        found.append("it has no [Match], and would apply to every interface")
    for section in sorted({line.section for line in lines if plain(line.section) == "Address"}):
        if not any(line.section == section and line.key == "Address" for line in lines):
            found.append("a section [Address] has no Address=")
    for section in sorted({line.section for line in lines if plain(line.section) == "Route"}):
        keys = {line.key for line in lines if line.section == section}
        if not keys & {"Gateway", "Destination", "Type", "NextHop", "MultiPathRoute"}:
            found.append("a section [Route] has neither Gateway= nor Destination=")
    return found


def _interface_address(value: str) -> str | None:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return f"'{value}' is not an address, or not one with a prefix length"
    return None if "/" in value else f"'{value}' has no prefix length, and networkd would take it for a single host"


def _network_address(value: str) -> str | None:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"'{value}' is not a network"
    return None


def _gateway(value: str) -> str | None:
    return None if value in ("_dhcp4", "_dhcp", "_ipv6ra") else _address(value)


def _address(value: str) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"'{value}' is not an IP address"
    return None


def _servers(value: str) -> str | None:
    for word in value.split():
        # ADDRESS[:PORT][%INTERFACE][#NAME], an IPv6 address with a port in brackets (systemd.network(5)).
        bare = word.partition("#")[0].partition("%")[0]
        bracketed = re.match(r"^\[(.+)\](:\d+)?$", bare)
        bare = bracketed.group(1) if bracketed else (bare.partition(":")[0] if bare.count(":") == 1 else bare)
        if _address(bare):
            return f"'{word}' is not the address of a DNS server"
    return None


def _number(low: int, high: int, words: t.Sequence[str] = ()) -> t.Callable[[str], str | None]:
    def test(value: str) -> str | None:
        if value in words or (value.isdigit() and low <= int(value) <= high):
            return None
        return f"'{value}' is not a number from {low} to {high}"
    return test


def _mtu(value: str) -> str | None:
    found = re.match(r"^(\d+)([KMG]?)$", value)
    size = int(found.group(1)) << {"": 0, "K": 10, "M": 20, "G": 30}[found.group(2)] if found else 0
    return None if 68 <= size <= 65536 else f"'{value}' is not an MTU from 68 to 65536 bytes"


def _boolean(value: str) -> str | None:
    return None if value.lower() in BOOLEANS else f"'{value}' is neither yes nor no"


def _choice(*words: str) -> t.Callable[[str], str | None]:
    def test(value: str) -> str | None:
        return None if value.lower() in words else f"'{value}' is none of {', '.join(words)}"
    return test


def _interface(value: str) -> str | None:
    return None if INTERFACE.match(value) else f"'{value}' is not the name of an interface"


def _mac(value: str) -> str | None:
    if value == "none" or re.match(r"^([0-9A-Fa-f]{2}[:.-]?){5}[0-9A-Fa-f]{2}$", value):
        return None
    return f"'{value}' is not a hardware address"


def _table(value: str) -> str | None:
    words = [word.rpartition(":")[2] for word in value.split()]
    good = all(word in ("default", "main", "local") or word.isdigit() or re.match(r"^[A-Za-z][\w.-]*$", word) for word in words)
    return None if good else f"'{value}' is not a routing table"


METRIC = _number(0, 4294967295)
# What tests a value: by section and option, or by kind of file and option for those that mean the same everywhere.
VALUES: dict[tuple[str, str], t.Callable[[str], str | None]] = {
    ("Network", "Address"): _interface_address, ("Address", "Address"): _interface_address,
    ("Network", "Gateway"): _gateway, ("Route", "Gateway"): _gateway, ("Route", "Destination"): _network_address,
    ("Route", "Source"): _network_address, ("Route", "PreferredSource"): _address, ("Network", "DNS"): _servers,
    ("Route", "Table"): _table, ("RoutingPolicyRule", "Table"): _table, ("DHCPv4", "RouteTable"): _table,
    ("Route", "Metric"): METRIC, ("Address", "RouteMetric"): METRIC, ("DHCPv4", "RouteMetric"): METRIC,
    ("RoutingPolicyRule", "From"): _network_address, ("RoutingPolicyRule", "To"): _network_address,
    ("RoutingPolicyRule", "Priority"): METRIC, ("Route", "GatewayOnLink"): _boolean,
    ("Network", "DHCP"): _choice("yes", "no", "true", "false", "1", "0", "on", "off", "ipv4", "ipv6", "both", "none", "v4", "v6"),
    ("Network", "LinkLocalAddressing"): _choice(
        "yes", "no", "true", "false", "1", "0", "on", "off", "ipv4", "ipv6", "fallback", "ipv4-fallback"),
    ("Network", "IPv6AcceptRA"): _boolean, ("Link", "Unmanaged"): _boolean, ("Link", "MTUBytes"): _mtu,
    ("NetDev", "MTUBytes"): _mtu, ("NetDev", "Name"): _interface, ("NetDev", "MACAddress"): _mac, ("Link", "MACAddress"): _mac,
    ("VLAN", "Id"): _number(1, 4094), ("Bridge", "STP"): _boolean, ("Bridge", "VLANFiltering"): _boolean,
    ("Bond", "Mode"): _choice(
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"),
    ("DHCPv4", "ClientIdentifier"): _choice("mac", "duid", "duid-only"), ("Route", "MTUBytes"): _mtu,
    ("NetDev", "Kind"): _choice(
        "bareudp", "bond", "bridge", "dummy", "erspan", "fou", "geneve", "gre", "gretap", "hsr", "ifb", "ip6gre", "ip6gretap",
        "ip6tnl", "ipip", "ipoib", "ipvlan", "ipvtap", "l2tp", "macsec", "macvlan", "macvtap", "netdevsim", "nlmon", "sit", "tap",
        "tun", "vcan", "veth", "vlan", "vrf", "vti", "vti6", "vxcan", "vxlan", "wireguard", "wlan", "xfrm", "batadv"),
    **{("Network", key): _interface for key in REFERENCES if key != "Xfrm"},
    **{("DHCPv4", key): _boolean for key in ("UseDNS", "UseRoutes", "UseGateway", "UseMTU", "SendHostname", "SendRelease")},
}


def references(name: str, content: str) -> list[tuple[int, str]]:
    """Return the interfaces that a .network file builds on, with the line that names each."""
    if not name.endswith(".network"):
        return []
    lines = [line for line in parse(content)[0] if plain(line.section) == "Network" and line.key in REFERENCES]
    return [(line.number, line.value) for line in lines if line.value]


def makes(name: str, content: str) -> str:
    """Return the interface that a .netdev file makes, empty for other files."""
    if not name.endswith(".netdev"):
        return ""
    return next((line.value for line in parse(content)[0] if (plain(line.section), line.key) == ("NetDev", "Name")), "")


def matches(content: str, name: str, link: dict[str, t.Any]) -> bool:
    """Say whether a file applies to a link, or may: what cannot be told here is taken as holding."""
    wanted: dict[str, list[str]] = {}
    for line in parse(content)[0]:
        if plain(line.section) == "Match" and line.value:
            wanted.setdefault(line.key, []).extend(line.value.split())
    if not wanted:
        return False
    values = {
        "Name": name, "OriginalName": name, "MACAddress": link["mac"], "PermanentMACAddress": link["mac"],
        "Type": {"ether": "ether", "loopback": "loopback"}.get(link["type"], link["type"]), "Kind": link["kind"]}
    return all(_holds(words, values[key].lower()) for key, words in wanted.items() if key in TESTED)


def _holds(words: t.Sequence[str], value: str) -> bool:
    """Say whether a list of patterns matches; a leading ! turns the whole list round (systemd.network(5))."""
    turned = words[0].startswith("!")
    patterns = [words[0].lstrip("!"), *words[1:]]
    return any(fnmatch.fnmatchcase(value, pattern.lower()) for pattern in patterns) != turned


def leaves_alone(content: str) -> bool:
    """Say whether a file tells networkd to keep its hands off."""
    said = [line.value for line in parse(content)[0] if (plain(line.section), line.key) == ("Link", "Unmanaged")]
    return bool(said) and said[-1].lower() in BOOLEANS[:6]


def promised(content: str) -> dict[str, list[str]]:
    """Return what a .network file says will be there: addresses with length, and routes as (destination, gateway)."""
    addresses, routes = [], []
    sections: dict[str, dict[str, str]] = {}
    for line in parse(content)[0]:
        if (plain(line.section), line.key) == ("Network", "Address") and line.value:
            addresses.append(str(ipaddress.ip_interface(line.value)))
        elif (plain(line.section), line.key) == ("Network", "Gateway") and line.value and not line.value.startswith("_"):
            routes.append(("0.0.0.0/0" if "." in line.value else "::/0", line.value))
        elif plain(line.section) in ("Address", "Route"):
            sections.setdefault(line.section, {})[line.key] = line.value
    for name, keys in sections.items():
        if plain(name) == "Address" and keys.get("Address"):
            addresses.append(str(ipaddress.ip_interface(keys["Address"])))
        elif keys.get("Gateway", "").count(".") == 3 or ":" in keys.get("Gateway", ""):
            default = "0.0.0.0/0" if "." in keys["Gateway"] else "::/0"
            to = str(ipaddress.ip_network(keys.get("Destination") or default, strict=False))
            routes.append((to, str(ipaddress.ip_address(keys["Gateway"]))))
    return {"addresses": addresses, "routes": [" ".join(route) for route in routes]}
