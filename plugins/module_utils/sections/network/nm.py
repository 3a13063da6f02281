# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NetworkManager runs, as a neutral description of links; what cannot be carried over is named.

Read with C(nmcli --terse), which tells a profile in one form whatever file it came from (keyfile, ifcfg, memory). A
setting that is neither carried over nor known to mean nothing here is a problem, so nothing is dropped in silence.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ...core.errors import Problem

KINDS = {"802-3-ethernet": "ethernet", "vlan": "vlan", "bond": "bond", "bridge": "bridge", "dummy": "dummy"}
EXTERNAL = "connected (externally)"
# States of devices that NetworkManager has nothing to do with, or nothing on (nmcli(1)).
IDLE = ("unmanaged", "unavailable", "disconnected", "deactivating", EXTERNAL)
CHANGE = "Change the profile, give definitions of your own, or "

# Values that say nothing, in all settings: the property's default as nmcli writes it.
SILENT = ("", "-1", "0", "0x0", "no", "auto", "default", "unknown", "none")
# Values that say nothing in one property.
SILENT_IN: dict[str, tuple[str, ...]] = {
    "ipv4.dhcp-send-hostname-deprecated": ("yes",), "ipv6.dhcp-send-hostname-deprecated": ("yes",),
    "ipv6.addr-gen-mode": ("default-or-eui64", "eui64", "stable-privacy"), "bridge.multicast-snooping": ("yes",),
    "802-3-ethernet.cloned-mac-address": ("preserve", "permanent"), "bridge.stp": ("yes",),
    "bridge.vlan-protocol": ("802.1Q",), "vlan.protocol": ("802.1Q",), "bridge.multicast-hash-max": ("4096",),
    "bridge.multicast-last-member-count": ("2",), "bridge.multicast-last-member-interval": ("100",),
    "bridge.multicast-membership-interval": ("26000",), "bridge.multicast-querier-interval": ("25500",),
    "bridge.multicast-query-interval": ("12500",), "bridge.multicast-query-response-interval": ("1000",),
    "bridge.multicast-startup-query-count": ("2",), "bridge.multicast-startup-query-interval": ("3125",),
    "bridge.multicast-router": ("auto", "1"), "bridge.vlan-default-pvid": ("1",), "bridge.vlan-stats-enabled": ("no",),
}
# Settings that tell NetworkManager itself when and how to use a profile, or that the kernel tells better.
ABOUT_THE_PROFILE = re.compile(
    r"^(connection\.(id|uuid|stable-id|type|interface-name|autoconnect.*|multi-connect|auth-retries|timestamp|read-only|"
    r"controller|master|slave-type|port-type|metered|wait-device-timeout|wait-activation-delay|down-on-poweroff|lldp)"
    r"|ipv[46]\.(may-fail|required-timeout|dhcp-timeout|ra-timeout|dhcp-reject-servers-none|auto-route-ext-gw|routed-dns"
    r"|replace-local-rule|dad-timeout-none)|match\..*|user\..*|proxy\.browser-only|802-3-ethernet\.(port|mac-address"
    r"|mac-address-(black|deny)list)|hostname\..*|IP[46]\..*|DHCP[46]\..*|GENERAL\..*)$")
# Settings that L(links) carries over, by kind.
CARRIED = re.compile(
    r"^(ipv[46]\.(method|addresses|gateway|routes|dns|dns-search|route-metric|ignore-auto-routes|ignore-auto-dns|never-default"
    r"|dhcp-client-id|dhcp-hostname|dhcp-fqdn|dhcp-send-hostname|dhcp-vendor-class-identifier|route-table|routing-rules)"
    r"|ipv6\.(ip6-privacy|token|dhcp-duid|dhcp-iaid|mtu)|connection\.(mdns|llmnr|dns-over-tls)"
    r"|802-3-ethernet\.(mtu|cloned-mac-address|wake-on-lan|speed|duplex|auto-negotiate|accept-all-mac-addresses)"
    r"|vlan\.(parent|id|flags)|bond\.options|bond-port\.(prio|queue-id)"
    r"|bridge\.(stp|priority|forward-delay|hello-time|max-age|ageing-time|group-forward-mask|multicast-snooping|multicast-querier"
    r"|vlan-filtering|vlan-default-pvid|vlan-protocol|mac-address)|bridge-port\.(priority|path-cost|hairpin-mode))$")

METHODS = {4: ("auto", "manual", "disabled", "link-local"), 6: ("auto", "dhcp", "manual", "link-local", "ignore", "disabled")}
ROUTE_ATTRIBUTES = ("table", "src", "mtu", "onlink", "type", "initcwnd", "initrwnd", "quickack", "advmss")
# Types of DUID that networkd can be told (RFC 8415 section 11).
DUID_TYPES = {1: "link-layer-time", 2: "vendor", 3: "link-layer", 4: "uuid"}
RULE_WORDS = ("priority", "from", "to", "iif", "oif", "fwmark", "table", "tos", "ipproto", "sport", "dport")


class Profile(t.NamedTuple):
    """An active profile: the device it is on, and its settings as C(setting.property) to value."""

    device: str
    state: str
    settings: dict[str, str]

    def get(self, name: str, otherwise: str = "") -> str:
        """Return a property; one that is not set is C(otherwise)."""
        return self.settings.get(name) or otherwise

    @property
    def name(self) -> str:
        """What people call it."""
        return self.get("connection.id")


class Route(t.NamedTuple):
    """A route: C(metric) is None for the link's own; C(options) are NetworkManager's names of attributes."""

    to: str
    via: str
    metric: str | None
    options: dict[str, str]


class Internet(t.NamedTuple):
    """One IP version of a link. C(dhcp) holds what the server is to be told, as NetworkManager told it."""

    method: str
    addresses: list[str]
    gateway: str
    routes: list[Route]
    rules: list[dict[str, str]]
    dns: list[str]
    search: list[str]
    metric: str
    table: str
    use_routes: bool
    use_dns: bool
    use_gateway: bool
    dhcp: dict[str, str]


class Link(t.NamedTuple):
    """One link and all that is to be on it. C(settings) are those of its kind, as NetworkManager names them."""

    name: str
    kind: str
    match: dict[str, str]
    profile: str
    mtu: str
    mac: str
    parent: str
    controller: str
    online: bool
    settings: dict[str, str]
    ipv4: Internet
    ipv6: Internet


def fields(line: str) -> list[str]:
    """Split a line of nmcli's terse tables, in which a colon within a value is escaped."""
    return [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)]


def settings(text: str) -> dict[str, str]:
    """Return the properties of one profile, as C(nmcli --terse connection show) prints them: one a line, not escaped."""
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found[name] = "" if value == "--" else value
    return found


def options(text: str) -> dict[str, str]:
    """Return a list of C(name=value), as bond options are written."""
    return {name.strip(): value for name, _equals, value in (part.partition("=") for part in text.split(",") if part.strip())}


def links(
    profiles: t.Sequence[Profile], live: dict[str, t.Any], left_alone: t.Container[str], without: t.Container[str],
) -> tuple[list[Link], list[Problem]]:
    """Return the links that profiles describe, and what cannot be carried over.

    C(live) is the network by value; C(left_alone) are interfaces, C(without) things that the operator does without.
    """
    found, problems = [], []
    for profile in profiles:
        if profile.device in left_alone:
            continue
        kind = KINDS.get(profile.get("connection.type"))
        if kind is None:
            problems.append(_cannot(
                profile, f"type {profile.get('connection.type')}", "this kind of connection is not carried over"))
            continue
        problems += _not_carried(profile, without)
        found.append(_link(profile, kind, profiles, live, problems))
    names = {link.name for link in found}
    for link in found:
        for what, other in (("parent", link.parent), ("controller", link.controller)):
            if other and other not in names:
                problems.append(Problem(
                    "network.link_not_carried",
                    f"{what} {other} of {link.name}", "it is not carried over itself", "Carry both over, or leave both alone",
                    subject=f"{link.name} {other}"))
    return found, problems


def _cannot(profile: Profile, what: str, reason: str, setting: str = "") -> Problem:
    """Return that something of a profile is not carried over. C(setting) is the setting where that can be done without."""
    way = (
        f"name \"{key_of(profile, setting)}\" in 'without' when this host can do without it" if setting
        else f"name {profile.device} in 'unmanaged' when networkd is to leave it alone")
    return Problem(
        "network.profile_not_carried", f"NetworkManager profile '{profile.name}' on {profile.device}: {what}", reason,
        CHANGE + way, subject=key_of(profile, setting or what))


def key_of(profile: Profile, setting: str) -> str:
    """Return how the operator names one setting of a profile in C(without)."""
    return f"{profile.name}: {setting}"


def _not_carried(profile: Profile, without: t.Container[str]) -> list[Problem]:
    problems = []
    for name, value in profile.settings.items():
        if ABOUT_THE_PROFILE.match(name) or CARRIED.match(name) or key_of(profile, name) in without:
            continue
        if value not in SILENT and value not in SILENT_IN.get(name, ()):
            problems.append(_cannot(profile, f"{name} is set", "this is not carried over", name))
    return problems


def _link(
    profile: Profile, kind: str, profiles: t.Sequence[Profile], live: dict[str, t.Any], problems: list[Problem],
) -> Link:
    device = profile.device
    now = live["links"].get(device, {"mac": "", "mtu": None, "up": False, "type": ""})
    own = {name: value for name, value in profile.settings.items() if name.partition(".")[0] in (
        kind, "802-3-ethernet", "bond-port", "bridge-port")}
    own.update({name: value for name, value in profile.settings.items() if name in (
        "connection.mdns", "connection.llmnr", "connection.dns-over-tls", "ipv6.mtu")})
    mtu = profile.get("802-3-ethernet.mtu", "auto")
    if mtu in ("auto", "0") and kind != "ethernet" and now["mtu"] not in (None, 1500):
        mtu = str(now["mtu"])
    return Link(
        device, kind, _match(profile, kind), profile.name, "" if mtu in ("auto", "0") else mtu,
        _mac(profile, kind, now, problems), _device_of(profile.get("vlan.parent"), profiles), _device_of(
            profile.get("connection.controller") or profile.get("connection.master"), profiles),
        now["up"], own, _internet(profile, 4, live, problems), _internet(profile, 6, live, problems))


def _match(profile: Profile, kind: str) -> dict[str, str]:
    """Return what tells the interface, as the profile tells it: by hardware address or by name."""
    address = profile.get("802-3-ethernet.mac-address")
    if kind == "ethernet" and address and not profile.get("connection.interface-name"):
        return {"PermanentMACAddress": address.lower(), "Type": "ether"}
    return {"Name": profile.device}


def _mac(profile: Profile, kind: str, now: dict[str, t.Any], problems: list[Problem]) -> str:
    """Return the hardware address to set, empty to leave it as it is."""
    wanted = profile.get("802-3-ethernet.cloned-mac-address") or profile.get("bridge.mac-address")
    if re.match(r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$", wanted):
        return wanted.lower()
    if wanted and wanted not in ("preserve", "permanent"):
        problems.append(_cannot(profile, f"hardware address {wanted}", "networkd does not make addresses that way"))
    # networkd would make up an address of its own for these, and the DHCP server would know the host no more.
    return now["mac"] if kind in ("bond", "bridge", "dummy") else ""


def _device_of(name: str, profiles: t.Sequence[Profile]) -> str:
    """Return the interface that a profile's reference means: its name, or the UUID of the profile on it."""
    return next((profile.device for profile in profiles if name and name == profile.get("connection.uuid")), name)


def _internet(profile: Profile, family: int, live: dict[str, t.Any], problems: list[Problem]) -> Internet:
    prefix = f"ipv{family}."
    method = profile.get(prefix + "method", "disabled")
    if method not in METHODS[family]:
        problems.append(_cannot(profile, f"{prefix}method {method}", "networkd is not set up for that"))
    if family == 6 and method == "ignore":
        # What the kernel then does by itself shows on the link.
        learned = any(a["dev"] == profile.device and ":" in a["address"] and a["dynamic"] for a in live["addresses"])
        local = any(a["dev"] == profile.device and ":" in a["address"] for a in live["addresses"])
        method = "auto" if learned else ("link-local" if local else "disabled")
    return Internet(
        method, _list(profile.get(prefix + "addresses")), profile.get(prefix + "gateway"),
        [_route(profile, text, problems) for text in _list(profile.get(prefix + "routes"))],
        [_rule(profile, text, problems) for text in _list(profile.get(prefix + "routing-rules"))],
        _list(profile.get(prefix + "dns")), _list(profile.get(prefix + "dns-search")),
        _metric(profile, family, live), profile.get(prefix + "route-table", "0"),
        profile.get(prefix + "ignore-auto-routes") != "yes", profile.get(prefix + "ignore-auto-dns") != "yes",
        profile.get(prefix + "never-default") != "yes", _dhcp(profile, family, live, problems))


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _metric(profile: Profile, family: int, live: dict[str, t.Any]) -> str:
    """Return the metric of the link's routes: the profile's, else what NetworkManager gave them by kind and number."""
    wanted = profile.get(f"ipv{family}.route-metric", "-1")
    if wanted != "-1":
        return wanted
    given = {_clean(text).partition(" ")[0] for text in _list(profile.get(f"ipv{family}.routes"))}
    metrics = [
        route["metric"] for route in live["routes"]
        if route["dev"] == profile.device and ("." in route["to"]) == (family == 4) and "metric" in route
        and route["to"] not in given and route["protocol"] in ("static", "dhcp", "ra", "kernel")]
    return max(set(metrics), key=metrics.count) if metrics else ""


def _clean(text: str) -> str:
    return " ".join(text.split())


def _route(profile: Profile, text: str, problems: list[Problem]) -> Route:
    """Return a route out of C(DESTINATION [GATEWAY] [METRIC] [NAME=VALUE...]) (nmcli(1))."""
    words = text.split()
    attributes = dict(word.partition("=")[::2] for word in words if "=" in word)
    plain = [word for word in words if "=" not in word]
    unknown = sorted(set(attributes) - set(ROUTE_ATTRIBUTES))
    if unknown:
        problems.append(_cannot(profile, f"route {text}", f"its attribute {', '.join(unknown)} is not carried over"))
    via = next((word for word in plain[1:] if "." in word or ":" in word), "")
    metric = next((word for word in plain[1:] if word.isdigit()), None)
    return Route(str(ipaddress.ip_network(plain[0], strict=False)), via, metric, attributes)


def _rule(profile: Profile, text: str, problems: list[Problem]) -> dict[str, str]:
    """Return a routing rule out of C(priority 5 from 192.0.2.0/24 table 100) (nm-settings(5))."""
    words = text.split()
    rule = dict(zip(words[::2], words[1::2]))
    if len(words) % 2 or set(rule) - set(RULE_WORDS):
        problems.append(_cannot(profile, f"routing rule '{text}'", "it has words that are not carried over"))
    return rule


def _dhcp(profile: Profile, family: int, live: dict[str, t.Any], problems: list[Problem]) -> dict[str, str]:
    """Return what the host told the DHCP server of itself, from the lease where there is one."""
    given = _lease(profile, family)
    prefix = f"ipv{family}."
    found = {
        "hostname": profile.get(prefix + "dhcp-fqdn") or profile.get(prefix + "dhcp-hostname"),
        "send_hostname": "no" if profile.get(prefix + "dhcp-send-hostname") in ("no", "0") else "yes",
        "vendor_class": profile.get(prefix + "dhcp-vendor-class-identifier"),
    }
    if family == 4 and profile.get("ipv4.method") == "auto":
        found.update(_client(profile, given.get("dhcp_client_identifier", ""), live, problems))
    if family == 6:
        found["duid"] = given.get("dhcp6_client_id", "")
        found["iaid"] = given.get("iaid", "")
    return found


def _lease(profile: Profile, family: int) -> dict[str, str]:
    """Return the options of the lease: lines C(DHCP4.OPTION[1]:name = value)."""
    lines = [value for name, value in profile.settings.items() if name.startswith(f"DHCP{family}.OPTION")]
    return {name.strip(): value.strip() for name, _equals, value in (line.partition("=") for line in lines)}


def _client(profile: Profile, sent: str, live: dict[str, t.Any], problems: list[Problem]) -> dict[str, str]:
    """Return how networkd is to name this host, so that the server knows it again (RFC 2132 and RFC 4361)."""
    wanted = (sent or profile.get("ipv4.dhcp-client-id", "mac")).lower()
    mac = live["links"].get(profile.device, {"mac": ""})["mac"]
    if wanted in ("mac", "perm-mac", f"01:{mac}", f"1:{mac}"):
        return {"client": "mac"}
    parts = wanted.split(":")
    if re.match(r"^ff(:[0-9a-f]{2}){7,}$", wanted) and int(parts[5] + parts[6], 16) in DUID_TYPES:
        return {"client": "duid", "iaid": ":".join(parts[1:5]), "duid": ":".join(parts[5:])}
    problems.append(_cannot(
        profile, f"DHCP client identifier {wanted}",
        "networkd sends the hardware address or a DUID, and the server would take this for another host"))
    return {}


def servers_of(profile: Profile) -> list[str]:
    """Return the DNS servers that a link has, by its profile, a DHCP server or a router."""
    return [value for name, value in profile.settings.items() if re.match(r"^IP[46]\.DNS\[\d+\]$", name)]


def normal_address(text: str) -> str:
    """Return an address with its length in the form of the live look; a single address is a network of its own."""
    return str(ipaddress.ip_interface(text.split(" ", 1)[0]))
