# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links in the words of systemd.network(5), systemd.netdev(5) and systemd.link(5)."""

from __future__ import annotations

import ipaddress
import typing as t

from .files import known_to
from .nm import DUID_TYPES, Internet, Link, Route, options

# The first line of every file of ours; a file without it is somebody else's.
MARK = "# Written by centos.hyperscale. What is changed here by hand is not kept."
FOLDER = "/etc/systemd/network"
PREFIX = "50-centos-hyperscale-"

if t.TYPE_CHECKING:
    Lines = list[tuple[str, str]]
    Sections = list[tuple[str, Lines]]

# NetworkManager's (and the kernel's) names of bond options, and networkd's; what is counted in milliseconds ends in MS.
BOND = {
    "mode": "Mode", "xmit_hash_policy": "TransmitHashPolicy", "lacp_rate": "LACPTransmitRate", "miimon": "MIIMonitorSec",
    "updelay": "UpDelaySec", "downdelay": "DownDelaySec", "ad_select": "AdSelect", "fail_over_mac": "FailOverMACPolicy",
    "arp_validate": "ARPValidate", "arp_interval": "ARPIntervalSec", "arp_ip_target": "ARPIPTargets",
    "arp_all_targets": "ARPAllTargets", "primary_reselect": "PrimaryReselectPolicy", "resend_igmp": "ResendIGMP",
    "packets_per_slave": "PacketsPerSlave", "num_grat_arp": "GratuitousARP", "num_unsol_na": "GratuitousARP",
    "all_slaves_active": "AllSlavesActive", "min_links": "MinLinks", "lp_interval": "LearnPacketIntervalSec",
    "tlb_dynamic_lb": "DynamicTransmitLoadBalancing", "ad_actor_system": "AdActorSystem",
    "ad_actor_sys_prio": "AdActorSystemPriority", "ad_user_port_key": "AdUserPortKey",
}
MILLISECONDS = ("miimon", "updelay", "downdelay", "arp_interval")
# Of the port: the bond names it, and networkd wants it said at the port.
BOND_OF_PORT = ("primary", "active_slave")

BRIDGE = {
    "stp": "STP", "priority": "Priority", "forward-delay": "ForwardDelaySec", "hello-time": "HelloTimeSec",
    "max-age": "MaxAgeSec", "ageing-time": "AgeingTimeSec", "group-forward-mask": "GroupForwardMask",
    "multicast-snooping": "MulticastSnooping", "multicast-querier": "MulticastQuerier", "vlan-filtering": "VLANFiltering",
    "vlan-default-pvid": "DefaultPVID", "vlan-protocol": "VLANProtocol",
}
BRIDGE_PORT = {"priority": "Priority", "path-cost": "Cost", "hairpin-mode": "HairPin"}
# Bits of vlan.flags (nm-settings(5)).
VLAN_FLAGS = ((1, "ReorderHeader"), (2, "GVRP"), (4, "LooseBinding"), (8, "MVRP"))
WAKE_ON_LAN = {
    "phy": "phy", "unicast": "unicast", "multicast": "multicast", "broadcast": "broadcast", "arp": "arp", "magic": "magic",
    "0x2": "phy", "0x4": "unicast", "0x8": "multicast", "0x10": "broadcast", "0x20": "arp", "0x40": "magic",
}
ROUTE_OPTIONS = {
    "table": "Table", "src": "PreferredSource", "mtu": "MTUBytes", "type": "Type", "initcwnd": "InitialCongestionWindow",
    "initrwnd": "InitialAdvertisedReceiveWindow", "advmss": "TCPAdvertisedMaximumSegmentSize",
}
RULE = {
    "priority": "Priority", "from": "From", "to": "To", "iif": "IncomingInterface", "oif": "OutgoingInterface",
    "fwmark": "FirewallMark", "table": "Table", "tos": "TypeOfService", "ipproto": "IPProtocol", "sport": "SourcePort",
    "dport": "DestinationPort",
}
RESOLVE = {"0": "no", "1": "resolve", "2": "yes", "no": "no", "resolve": "resolve", "yes": "yes"}
# The first release that hears routers with no other link-local address than a given one
# (https://github.com/systemd/systemd/pull/41624).
OWN_LOCAL_SINCE = 261
# Options of newer builds that say what older ones do anyway.
LATER = (("DHCPv6", "SendHostname"), ("DHCPv6", "SendRelease"))
# What udev's own rule for names says (99-default.link): a file of ours comes before it, and must say the same.
NAMING = [("NamePolicy", "keep kernel database onboard slot path"), ("AlternativeNamesPolicy", "database onboard slot path"),
          ("MACAddressPolicy", "persistent")]


def path_of(name: str) -> str:
    """Return where a file of ours lies."""
    return f"{FOLDER}/{PREFIX}{name}"


def text_of(sections: Sections) -> str:
    """Return a file's text."""
    blocks = ["\n".join([f"[{name}]", *(f"{key}={value}" for key, value in lines)]) for name, lines in sections if lines]
    return "\n\n".join([MARK, *blocks]) + "\n"


def files(
    links: t.Sequence[Link], live: dict[str, t.Any], left_alone: t.Sequence[str], build: int | None,
) -> dict[str, str]:
    """Return the files that describe some links: path to text. C(left_alone) are interfaces that networkd is not to touch,
    C(build) is the release that reads the files."""
    found = {}
    for link in links:
        if link.kind != "ethernet":
            found[path_of(f"{link.name}.netdev")] = text_of(_netdev(link))
        hardware = _hardware(link)
        if hardware:
            found[path_of(f"{link.name}.link")] = text_of([("Match", [("OriginalName", link.name)]), ("Link", NAMING + hardware)])
        found[path_of(f"{link.name}.network")] = text_of(_understood(_network(link, links, live, build), build))
    if left_alone:
        found[path_of("unmanaged.network")] = text_of([
            ("Match", [("Name", " ".join(sorted(left_alone)))]), ("Link", [("Unmanaged", "yes")])])
    return found


def _understood(sections: Sections, build: int | None) -> Sections:
    """Leave out what a build does not know yet and does by itself; whatever else it lacks is a problem that check() names."""
    return [
        (name, [line for line in lines if (name, line[0]) not in LATER or known_to("network", name, line[0], build)])
        for name, lines in sections]


def _netdev(link: Link) -> Sections:
    head = [("Name", link.name), ("Kind", link.kind)]
    if link.mtu:
        head.append(("MTUBytes", link.mtu))
    if link.mac:
        head.append(("MACAddress", link.mac))
    own = {"vlan": ("VLAN", _vlan), "bond": ("Bond", _bond), "bridge": ("Bridge", _bridge)}
    if link.kind not in own:
        return [("NetDev", head)]
    name, lines = own[link.kind]
    return [("NetDev", head), (name, lines(link.settings))]


def _vlan(settings: dict[str, str]) -> Lines:
    # A list of flags is written as a number, or as a number with its names behind it.
    flags = int((settings.get("vlan.flags") or "1").split()[0], 0)
    return [("Id", settings["vlan.id"]), *((name, _yes(bool(flags & bit))) for bit, name in VLAN_FLAGS)]


def _bond(settings: dict[str, str]) -> Lines:
    given = options(settings.get("bond.options", ""))
    if "miimon" not in given and "arp_interval" not in given:
        given["miimon"] = "100"  # what NetworkManager gives a bond that says neither
    lines = []
    for name, value in given.items():
        if name in BOND_OF_PORT:
            continue
        words = " ".join(value.replace(";", " ").split())
        lines.append((BOND[name], words + ("ms" if name in MILLISECONDS else "")))
    return sorted(lines)


def _bridge(settings: dict[str, str]) -> Lines:
    filters = settings.get("bridge.vlan-filtering") == "yes"
    given = {key: settings.get(f"bridge.{name}", "") for name, key in BRIDGE.items() if filters or not name.startswith("vlan-")}
    return [(key, value) for key, value in given.items() if value]


def unknown_bond_options(link: Link) -> list[str]:
    """Return the options of a bond that networkd has no option for."""
    return sorted(set(options(link.settings.get("bond.options", ""))) - set(BOND) - set(BOND_OF_PORT))


def _hardware(link: Link) -> Lines:
    """Return what only udev sets, for a .link file."""
    lines = []
    wake = link.settings.get("802-3-ethernet.wake-on-lan", "default")
    words = [WAKE_ON_LAN[word] for word in wake.replace(",", " ").split() if word in WAKE_ON_LAN]
    if words:
        lines.append(("WakeOnLan", " ".join(words)))
    if link.settings.get("802-3-ethernet.speed", "0") not in ("0", ""):
        lines.append(("BitsPerSecond", link.settings["802-3-ethernet.speed"] + "M"))
        lines.append(("Duplex", link.settings.get("802-3-ethernet.duplex") or "full"))
        lines.append(("AutoNegotiation", _yes(link.settings.get("802-3-ethernet.auto-negotiate") == "yes")))
    return lines


def _network(link: Link, links: t.Sequence[Link], live: dict[str, t.Any], build: int | None) -> Sections:
    hard: Lines = [("RequiredForOnline", "no")] if not link.online else []
    if link.mtu and link.kind == "ethernet":
        hard.append(("MTUBytes", link.mtu))
    if link.mac and link.kind == "ethernet":
        hard.append(("MACAddress", link.mac))
    if link.settings.get("802-3-ethernet.accept-all-mac-addresses") in ("1", "yes", "true"):
        hard.append(("Promiscuous", "yes"))
    sections: Sections = [("Match", list(link.match.items())), ("Link", hard)]
    head = [("VLAN", other.name) for other in links if other.kind == "vlan" and other.parent == link.name]
    master = next((other for other in links if other.name == link.controller), None)
    if master is not None:
        return [*sections, ("Network", [*head, *_port(link, master), *_nothing()]), *_bridge_port(link, master)]
    return [*sections, ("Network", [*head, *_internet(link, live, build)]), *_addresses(link, live), *_dhcp(link, live),
            *_routes(link), *_rules(link)]


def _port(link: Link, master: Link) -> Lines:
    lines = [("Bond" if master.kind == "bond" else "Bridge", master.name)]
    given = options(master.settings.get("bond.options", ""))
    if given.get("primary") == link.name:
        lines.append(("PrimarySlave", "yes"))
    elif given.get("active_slave") == link.name:
        lines.append(("ActiveSlave", "yes"))
    return lines


def _bridge_port(link: Link, master: Link) -> Sections:
    if master.kind != "bridge":
        return []
    found = [(key, link.settings.get(f"bridge-port.{name}", "")) for name, key in BRIDGE_PORT.items()]
    return [("Bridge", [(key, value) for key, value in found if value])]


def _nothing() -> Lines:
    return [("LinkLocalAddressing", "no"), ("IPv6AcceptRA", "no")]


def _internet(link: Link, live: dict[str, t.Any], build: int | None) -> Lines:
    four, six = link.ipv4, link.ipv6
    lines = [("DHCP", {
        (True, True): "yes", (True, False): "ipv4", (False, True): "ipv6", (False, False): "no",
    }[four.method == "auto", six.method == "dhcp"])]
    local = [name for name, wanted in (("ipv4", four.method == "link-local"), ("ipv6", six.method != "disabled")) if wanted]
    lines.append(("LinkLocalAddressing", {0: "no", 2: "yes"}.get(len(local)) or local[0]))
    if "ipv6" in local:
        # An older networkd hears no router unless it makes a link-local address of its own, beside the one that is there.
        made = six.method in ("auto", "dhcp") and (build is None or build < OWN_LOCAL_SINCE)
        lines.append(("IPv6LinkLocalAddressGenerationMode", "none" if _own_local(link, live) and not made else "eui64"))
    lines.append(("IPv6AcceptRA", _yes(six.method == "auto")))
    privacy = {"0": "no", "1": "prefer-public", "2": "yes"}.get(link.settings.get("ipv6.ip6-privacy", "").split(" ")[0])
    if privacy:
        lines.append(("IPv6PrivacyExtensions", privacy))
    if link.settings.get("ipv6.mtu", "auto") not in ("auto", "0", ""):
        lines.append(("IPv6MTUBytes", link.settings["ipv6.mtu"]))
    lines += [("DNS", server) for server in (*four.dns, *six.dns)]
    search = list(dict.fromkeys((*four.search, *six.search)))
    if search:
        lines.append(("Domains", " ".join(search)))
    for name, key in (("llmnr", "LLMNR"), ("mdns", "MulticastDNS")):
        value = RESOLVE.get(link.settings.get(f"connection.{name}", "").split(" ")[0])
        if value:
            lines.append((key, value))
    tls = {"0": "no", "1": "opportunistic", "2": "yes"}.get(link.settings.get("connection.dns-over-tls", "").split(" ")[0])
    return lines + ([("DNSOverTLS", tls)] if tls else [])


def _own_local(link: Link, live: dict[str, t.Any]) -> list[str]:
    """Return the link-local IPv6 addresses on a link that were not made of its hardware address: they stay as they are."""
    mac = live["links"].get(link.name, {"mac": ""})["mac"]
    made = f"fe80::{_eui64(mac)}" if mac else ""
    given = {str(ipaddress.ip_interface(text)) for text in link.ipv6.addresses}
    return [
        entry["address"] for entry in live["addresses"]
        if entry["dev"] == link.name and entry["address"].startswith("fe80:") and entry["address"] not in given
        and ipaddress.ip_interface(entry["address"]).ip != ipaddress.ip_address(made or "::")]


def _eui64(mac: str) -> str:
    """Return the interface identifier that is made of a hardware address (RFC 4291 appendix A)."""
    parts = [int(part, 16) for part in mac.split(":")]
    if len(parts) != 6:
        return ":1"
    parts = [parts[0] ^ 2, *parts[1:3], 0xFF, 0xFE, *parts[3:]]
    return ":".join(f"{high << 8 | low:x}" for high, low in zip(parts[::2], parts[1::2]))


def token(link: Link, live: dict[str, t.Any]) -> str:
    """Return how the link makes its addresses out of announced prefixes, for [IPv6AcceptRA] Token=; empty when that differs
    from prefix to prefix."""
    mac = live["links"].get(link.name, {"mac": ""})["mac"]
    made = ipaddress.ip_address(f"::{_eui64(mac)}") if mac else None
    given = {str(ipaddress.ip_interface(text)) for text in link.ipv6.addresses}
    host = (1 << 64) - 1
    found = {
        int(ipaddress.ip_interface(entry["address"]).ip) & host for entry in live["addresses"]
        if entry["dev"] == link.name and ":" in entry["address"] and entry["dynamic"] and entry["address"].endswith("/64")
        and entry["address"] not in given}
    if not found or (made is not None and found == {int(made) & host}):
        return "eui64"
    return f"static:{ipaddress.ip_address(found.pop())}" if len(found) == 1 else ""


def _addresses(link: Link, live: dict[str, t.Any]) -> Sections:
    sections: Sections = []
    for internet in (link.ipv4, link.ipv6):
        for address in internet.addresses:
            lines = [("Address", address)]
            if internet.metric:
                lines.append(("RouteMetric", internet.metric))
            if internet.table not in ("0", ""):
                lines.append(("AddPrefixRoute", "no"))
            sections.append(("Address", lines))
    if link.ipv6.method != "disabled":
        sections += [("Address", [("Address", address)]) for address in _own_local(link, live)]
    return sections


def _dhcp(link: Link, live: dict[str, t.Any]) -> Sections:
    four, six = link.ipv4, link.ipv6
    sections: Sections = []
    if four.method == "auto":
        sections.append(("DHCPv4", [*_told(four), *_taken(four), ("SendRelease", "no"), ("UseMTU", "yes")]))
    if six.method == "auto":
        sections.append(("IPv6AcceptRA", [("Token", token(link, live)), *_taken(six, announced=True)]))
    if six.method in ("auto", "dhcp"):
        lines = _told(six) + [("UseDNS", _yes(six.use_dns)), ("SendRelease", "no")]
        sections.append(("DHCPv6", lines + ([("WithoutRA", "solicit")] if six.method == "dhcp" else [])))
    return sections


def _told(internet: Internet) -> Lines:
    """Return what the DHCP server is told of the host."""
    dhcp = internet.dhcp
    lines = [("ClientIdentifier", dhcp["client"])] if dhcp.get("client") else []
    if dhcp.get("duid"):
        parts = dhcp["duid"].split(":")
        lines += [("DUIDType", DUID_TYPES[int(parts[0] + parts[1], 16)]), ("DUIDRawData", ":".join(parts[2:]))]
    if dhcp.get("iaid"):
        lines.append(("IAID", str(int(dhcp["iaid"].replace(":", ""), 16))))
    lines.append(("SendHostname", dhcp["send_hostname"]))
    if dhcp["hostname"]:
        lines.append(("Hostname", dhcp["hostname"]))
    if dhcp["vendor_class"]:
        lines.append(("VendorClassIdentifier", dhcp["vendor_class"]))
    return lines


def _taken(internet: Internet, announced: bool = False) -> Lines:
    """Return what is taken of the DHCP server's or router's word."""
    lines = [
        ("UseDNS", _yes(internet.use_dns)), ("UseDomains", _yes(internet.use_dns)),
        ("UseGateway", _yes(internet.use_gateway and internet.use_routes))]
    lines.append(("UseRoutePrefix" if announced else "UseRoutes", _yes(internet.use_routes)))
    if internet.metric:
        lines.append(("RouteMetric", internet.metric))
    return lines + ([("RouteTable", internet.table)] if internet.table not in ("0", "") else [])


def _routes(link: Link) -> Sections:
    sections: Sections = []
    for family, internet in ((4, link.ipv4), (6, link.ipv6)):
        own = list(internet.routes)
        if internet.gateway and internet.use_gateway:
            own.insert(0, Route("0.0.0.0/0" if family == 4 else "::/0", internet.gateway, None, _onlink(internet)))
        if internet.table not in ("0", ""):
            own = [Route(str(ipaddress.ip_interface(text).network), "", None, {}) for text in internet.addresses] + own
        sections += [("Route", _route(route, internet)) for route in own]
    return sections


def _onlink(internet: Internet) -> dict[str, str]:
    """Return the option of a gateway that no address of the link reaches: NetworkManager makes it reachable by itself."""
    gateway = ipaddress.ip_address(internet.gateway)
    near = any(gateway in ipaddress.ip_interface(text).network for text in internet.addresses)
    return {} if near or gateway.is_link_local else {"onlink": "true"}


def _route(route: Route, internet: Internet) -> Lines:
    lines = [("Destination", route.to)]
    if route.via:
        lines.append(("Gateway", route.via))
    metric = route.metric or internet.metric
    if metric:
        lines.append(("Metric", metric))
    given = dict(route.options)
    if given.pop("onlink", "") in ("true", "yes", "1"):
        lines.append(("GatewayOnLink", "yes"))
    if given.pop("quickack", "") in ("true", "yes", "1"):
        lines.append(("QuickAck", "yes"))
    if internet.table not in ("0", ""):
        given.setdefault("table", internet.table)
    if not route.via and "type" not in given and "." in route.to:
        lines.append(("Scope", "link"))
    return lines + [(ROUTE_OPTIONS[name], value) for name, value in sorted(given.items()) if name in ROUTE_OPTIONS]


def _rules(link: Link) -> Sections:
    sections: Sections = []
    for internet in (link.ipv4, link.ipv6):
        for rule in internet.rules:
            sections.append(("RoutingPolicyRule", [(RULE[name], value) for name, value in rule.items()]))
    return sections


def _yes(value: bool) -> str:
    return "yes" if value else "no"
