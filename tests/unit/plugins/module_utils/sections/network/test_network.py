# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network: what NetworkManager says, what networkd is told, what is refused, and when two networks are the same."""

from __future__ import annotations

import collections
import copy
import json
import os
import pathlib
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import guard, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger import VERIFIED, Step
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import PROOF, Context
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import network as live
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.solver import Item
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.network import (
    files as netfiles, job, networkd, nm, section as network, state as network_state, switch, wanted,
)

HERE = pathlib.Path(__file__).parent / "fixtures"
MAC = "02:c5:0a:f8:0b:0a"
LINK = {"kind": "", "mac": MAC, "mtu": 1500, "master": "", "up": True, "type": "ether"}
CONTEXT = Context(9, False, [], [], [])
# What ip -json said on a host with the recorded profile.
LIVE = {
    "links": {"lo": dict(LINK, type="loopback", mac="00:00:00:00:00:00"), "eth0": LINK},
    "addresses": [
        {"dev": "eth0", "address": "10.248.11.10/24", "scope": "global", "dynamic": False, "peer": ""},
        {"dev": "eth0", "address": "fe80::c5:aff:fef8:b0a/64", "scope": "link", "dynamic": False, "peer": ""}],
    "routes": [
        {"dev": "eth0", "to": to, "table": "main", "type": "unicast", "hops": [], "onlink": False, "options": {}, "protocol": how,
         "metric": metric, "gateway": via}
        for to, via, metric, how in (
            ("0.0.0.0/0", "10.248.11.1", "100", "static"), ("10.248.11.0/24", "", "100", "kernel"),
            ("192.0.2.0/24", "10.248.11.1", "50", "static"), ("198.51.100.0/24", "10.248.11.1", "100", "static"))],
    "rules": [], "dns": {"servers": ["10.255.255.53"], "search": ["lab.example"]}}


def profile(version="1.52", device="eth0", **changes):
    """Return the recorded profile with some properties changed; two underscores stand for the dot, one for a dash."""
    settings = nm.settings((HERE / f"nmcli-{version}").read_text())
    settings.update({name.replace("__", ".").replace("_", "-"): value for name, value in changes.items()})
    return nm.Profile(device, "connected", settings)


def carried(*profiles, state=None, build=262, without=(), alone=()):
    """Return the files for some profiles, by name, and the problems."""
    links, problems = nm.links(profiles, state or LIVE, alone, without)
    files = {} if problems else networkd.files(links, state or LIVE, [], build)
    return {path.rsplit("centos-hyperscale-", 1)[1]: text for path, text in files.items()}, problems


def with_links(**links):
    """Return the recorded network with some links more."""
    return dict(LIVE, links={**LIVE["links"], **{name: dict(LINK, **link) for name, link in links.items()}})


def options(text, section):
    """Return the lines of all sections of a name."""
    return [f"{line.key}={line.value}" for line in netfiles.parse(text)[0] if netfiles.plain(line.section) == section]


@pytest.mark.parametrize("version", ["1.42", "1.52"])
def test_a_static_profile(version):
    files, problems = carried(profile(version))
    assert problems == [] and list(files) == ["eth0.network"]
    text = files["eth0.network"]
    assert text.startswith(networkd.MARK)
    assert options(text, "Match") == ["Name=eth0"]
    assert {"DNS=10.255.255.53", "Domains=lab.example", "LinkLocalAddressing=ipv6", "IPv6AcceptRA=yes", "DHCP=no"} <= set(
        options(text, "Network"))
    assert options(text, "Address") == ["Address=10.248.11.10/24", "RouteMetric=100"]
    assert options(text, "Route") == [
        "Destination=0.0.0.0/0", "Gateway=10.248.11.1", "Metric=100",
        "Destination=192.0.2.0/24", "Gateway=10.248.11.1", "Metric=50",
        "Destination=198.51.100.0/24", "Gateway=10.248.11.1", "Metric=100"]


def all_kinds():
    """Return profiles of every kind, and the network they make."""
    ethernet = {"connection__type": "802-3-ethernet", "ipv4__method": "disabled", "ipv4__addresses": "", "ipv4__routes": "",
                "ipv4__gateway": "", "ipv4__dns": "", "ipv4__dns_search": "", "ipv6__method": "disabled"}
    base = {"connection__uuid": "11111111-2222-3333-4444-555555555555", "connection__type": "bond",
            "bond__options": "mode=802.3ad,lacp_rate=fast,updelay=200,primary=p0,arp_ip_target=192.0.2.1 192.0.2.2",
            "802_3_ethernet__mtu": "9000"}
    profiles = [
        profile(device="bond0", **{**base, "connection__id": "bond"}),
        profile(device="p0", **{**ethernet, "connection__id": "p0", "connection__master": "bond0",
                                "connection__controller": "bond0", "connection__slave_type": "bond"}),
        profile(device="bond0.7", connection__id="seven", connection__type="vlan", vlan__parent=base["connection__uuid"],
                vlan__id="7", vlan__flags="1 (REORDER_HEADERS)", ipv4__addresses="192.0.2.7/24", ipv4__gateway="",
                ipv4__routes="", ipv6__method="disabled"),
        profile(device="br0", connection__id="bridge", connection__type="bridge", bridge__stp="no", bridge__priority="4096",
                ipv4__method="disabled", ipv4__addresses="", ipv4__gateway="", ipv4__routes="", ipv6__method="link-local"),
        profile(device="p1", **{**ethernet, "connection__id": "p1", "connection__controller": "br0",
                                "connection__port_type": "bridge", "bridge_port__path_cost": "4",
                                "802_3_ethernet__wake_on_lan": "magic"})]
    return profiles, with_links(bond0={"kind": "bond", "mtu": 9000}, p0={}, p1={}, br0={"kind": "bridge"}, **{"bond0.7": {}})


def test_bonds_bridges_and_vlans():
    profiles, state = all_kinds()
    files, problems = carried(*profiles, state=state)
    assert problems == []
    assert options(files["bond0.netdev"], "NetDev") == ["Name=bond0", "Kind=bond", "MTUBytes=9000", f"MACAddress={MAC}"]
    assert options(files["bond0.netdev"], "Bond") == [
        "ARPIPTargets=192.0.2.1 192.0.2.2", "LACPTransmitRate=fast", "MIIMonitorSec=100ms", "Mode=802.3ad", "UpDelaySec=200ms"]
    assert {"VLAN=bond0.7"} <= set(options(files["bond0.network"], "Network"))
    assert {"Bond=bond0", "PrimarySlave=yes", "LinkLocalAddressing=no"} <= set(options(files["p0.network"], "Network"))
    assert options(files["bond0.7.netdev"], "VLAN") == [
        "Id=7", "ReorderHeader=yes", "GVRP=no", "LooseBinding=no", "MVRP=no"]
    assert {"STP=no", "Priority=4096"} <= set(options(files["br0.netdev"], "Bridge"))
    assert options(files["p1.network"], "Bridge") == ["Cost=4"]
    assert {"WakeOnLan=magic", "MACAddressPolicy=persistent"} <= set(options(files["p1.link"], "Link"))


@pytest.mark.parametrize("build", [252, 254, 257, 262])
def test_every_build_understands_what_it_is_told(build):
    profiles, state = all_kinds()
    profiles.append(profile(device="eth0", **DHCP))
    state = dict(state, addresses=[*LIVE["addresses"], learned("2001:db8::1234:5678:9abc:def0/64"), own_local()])
    files, problems = carried(*profiles, state=state, build=build)
    assert problems == []
    assert [problem for name, text in files.items() for problem in netfiles.check(name, text, build)] == []


DHCP = {
    "ipv4__method": "auto", "ipv4__addresses": "", "ipv4__gateway": "", "ipv4__routes": "", "ipv4__dns": "",
    "ipv4__ignore_auto_dns": "yes", "ipv4__dhcp_hostname": "node.example", "ipv4__dhcp_vendor_class_identifier": "lab",
    "ipv4__route_metric": "77", "DHCP4.OPTION[1]": f"dhcp_client_identifier = 01:{MAC}",
    "DHCP6.OPTION[1]": "dhcp6_client_id = 00:04:aa:bb", "DHCP6.OPTION[2]": "iaid = 00:00:01:02"}


def learned(address):
    return {"dev": "eth0", "address": address, "scope": "global", "dynamic": True, "peer": ""}


def own_local():
    return {"dev": "eth0", "address": "fe80::1234:5678:9abc:def0/64", "scope": "link", "dynamic": False, "peer": ""}


def test_dhcp_with_the_identity_that_the_server_knows():
    files, problems = carried(profile(**DHCP))
    assert problems == []
    assert options(files["eth0.network"], "DHCPv4") == [
        "ClientIdentifier=mac", "SendHostname=yes", "Hostname=node.example", "VendorClassIdentifier=lab", "UseDNS=no",
        "UseDomains=no", "UseGateway=yes", "UseRoutes=yes", "RouteMetric=77", "SendRelease=no", "UseMTU=yes"]
    assert {"DUIDType=uuid", "DUIDRawData=aa:bb", "IAID=258"} <= set(options(files["eth0.network"], "DHCPv6"))


def test_dhcp_by_duid():
    sent = "ff:0a:f8:0b:0a:00:04:11:22:33:44"
    files, problems = carried(profile(**{**DHCP, "DHCP4.OPTION[1]": f"dhcp_client_identifier = {sent}"}))
    assert problems == []
    assert {"ClientIdentifier=duid", "DUIDType=uuid", "DUIDRawData=11:22:33:44", "IAID=184027914"} <= set(
        options(files["eth0.network"], "DHCPv4"))


@pytest.mark.parametrize(("build", "mode"), [(252, "eui64"), (257, "eui64"), (262, "none"), (None, "eui64")])
def test_addresses_that_were_not_made_of_the_hardware_address_stay(build, mode):
    state = dict(LIVE, addresses=[learned("2001:db8::1234:5678:9abc:def0/64"), own_local()])
    text = carried(profile(), state=state, build=build)[0]["eth0.network"]
    assert "Address=fe80::1234:5678:9abc:def0/64" in options(text, "Address")
    assert f"IPv6LinkLocalAddressGenerationMode={mode}" in options(text, "Network")
    assert "Token=static:::1234:5678:9abc:def0" in options(text, "IPv6AcceptRA")


def test_tokens():
    link = nm.links([profile()], LIVE, (), ())[0][0]
    assert networkd.token(link, LIVE) == "eui64"
    assert networkd.token(link, dict(LIVE, addresses=[learned("2001:db8::c5:aff:fef8:b0a/64")])) == "eui64"
    two = [learned("2001:db8:1::1:2:3:4/64"), learned("2001:db8:2::5:6:7:8/64")]
    assert networkd.token(link, dict(LIVE, addresses=two)) == ""


def test_a_profile_by_hardware_address_stays_one():
    changes = {"connection__interface_name": "", "802_3_ethernet__mac_address": MAC.upper()}
    text = carried(profile(**changes))[0]["eth0.network"]
    assert options(text, "Match") == [f"PermanentMACAddress={MAC}", "Type=ether"]


def test_options_of_routes_rules_and_tables():
    text = carried(profile(
        ipv4__routes="192.0.2.0/24 10.248.11.1 table=100 mtu=1300 onlink=true, 203.0.113.0/24 0.0.0.0 type=blackhole",
        ipv4__routing_rules="priority 500 from 192.0.2.0/24 table 100, priority 501 fwmark 0x1 table 100",
        ipv4__gateway="10.9.9.1", ipv6__method="ignore"))[0]["eth0.network"]
    routes = options(text, "Route")
    assert routes[:4] == ["Destination=0.0.0.0/0", "Gateway=10.9.9.1", "Metric=100", "GatewayOnLink=yes"]
    assert {"Table=100", "MTUBytes=1300", "Type=blackhole"} <= set(routes)
    assert options(text, "RoutingPolicyRule") == [
        "Priority=500", "From=192.0.2.0/24", "Table=100", "Priority=501", "FirewallMark=0x1", "Table=100"]


NOT_CARRIED = [
    ({"connection__type": "802-11-wireless"}, "type 802-11-wireless"), ({"connection__type": "vpn"}, "type vpn"),
    ({"connection__type": "team"}, "type team"), ({"connection__type": "wireguard"}, "type wireguard"),
    ({"802_1x__eap": "peap"}, "802-1x.eap is set"), ({"connection__zone": "public"}, "connection.zone is set"),
    ({"connection__secondaries": "a-vpn"}, "connection.secondaries is set"), ({"proxy__method": "auto_", }, "proxy.method"),
    ({"ipv4__method": "shared"}, "ipv4.method shared"), ({"ipv4__dns_priority": "-50"}, "ipv4.dns-priority is set"),
    ({"ipv4__dad_timeout": "3000"}, "ipv4.dad-timeout is set"), ({"ethtool__feature_gro": "off"}, "ethtool.feature-gro is set"),
    ({"ipv4__routes": "192.0.2.0/24 10.248.11.1 cwnd=10"}, "attribute cwnd"),
    ({"ipv4__routing_rules": "priority 5 not from 192.0.2.0/24 table 7"}, "routing rule"),
    ({"802_3_ethernet__cloned_mac_address": "random"}, "hardware address random"),
    ({"ipv4__method": "auto", "ipv4__dhcp_client_id": "some-words"}, "DHCP client identifier some-words"),
    ({"connection__some_new_word": "5"}, "connection.some-new-word is set"),
]


@pytest.mark.parametrize(("changes", "says"), NOT_CARRIED)
def test_what_cannot_be_carried_over_is_named(changes, says):
    files, problems = carried(profile(**changes))
    assert files == {} and any(says in problem.fact or says in problem.reason for problem in problems), problems
    assert all("'lan' on eth0" in problem.fact and problem.remedy for problem in problems)


def test_what_the_host_does_without_is_left_out():
    files, problems = carried(profile(connection__zone="public"), without=("lan: connection.zone",))
    assert problems == [] and "eth0.network" in files
    assert carried(profile(connection__type="vpn"), alone=("eth0",)) == ({}, [])


@pytest.mark.parametrize("changes", [changes for changes, _says in NOT_CARRIED])
def test_what_a_remedy_says_to_name_is_enough(changes):
    for problem in carried(profile(**changes))[1]:
        if "'without'" in problem.remedy:
            assert f'"{problem.subject}"' in problem.remedy
            files, left = carried(profile(**changes), without=(problem.subject,))
            assert left == [] and "eth0.network" in files
        else:
            assert "name eth0 in 'unmanaged'" in problem.remedy
            assert carried(profile(**changes), alone=("eth0",)) == ({}, [])


def test_a_port_whose_controller_stays_behind():
    problem, = carried(profile(connection__controller="br9", connection__port_type="bridge"))[1]
    assert problem.fact == "controller br9 of eth0"


def test_tables_of_nmcli_with_a_colon_in_a_name():
    assert nm.fields("eth0:ethernet:connected:a\\:b") == ["eth0", "ethernet", "connected", "a:b"]


LAN = "[Match]\nName=eth0\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\n"


@pytest.mark.parametrize(("name", "text", "says"), [
    ("lan", LAN, "not the name of a"), ("../lan.network", LAN, "not the name of a"),
    ("lan.network", LAN + "Adress=192.0.2.11/24\n", "line 7: [Network] has no option Adress"),
    ("lan.network", LAN + "dns=192.0.2.1\n", "it is written DNS"),
    ("lan.network", LAN + "[Netwrk]\nDHCP=yes\n", "no section [Netwrk]"),
    ("lan.network", LAN + "[Bond]\nMode=802.3ad\n", "a .netdev file has"),
    ("lan.network", LAN + "Address=192.0.2.300/24\n", "line 7: '192.0.2.300/24' is not an address"),
    ("lan.network", LAN + "Address=192.0.2.30\n", "no prefix length"),
    ("lan.network", LAN + "DNS=nowhere\n", "not the address of a DNS server"),
    ("lan.network", LAN + "[Link]\nMTUBytes=20\n", "not an MTU"),
    ("lan.network", LAN + "[Route]\nGateway=300.1.1.1\n", "not an IP address"),
    ("lan.network", LAN + "[Route]\nMetric=5\n", "neither Gateway= nor Destination="),
    ("lan.network", LAN + "[Address]\nRouteMetric=5\n", "has no Address="),
    ("lan.network", LAN + "what is this\n", "line 7: it is neither"),
    ("lan.network", "[Network]\nDHCP=yes\n", "would apply to every interface"),
    ("lan.network", "DHCP=yes\n", "before the first section"),
    ("seven.netdev", "[NetDev]\nName=seven\nKind=vlan\n[VLAN]\nId=4095\n", "not a number from 1 to 4094"),
    ("seven.netdev", "[NetDev]\nName=seven\nKind=vlan\n", "no [VLAN] Id="),
    ("seven.netdev", "[NetDev]\nName=a name that is far too long\nKind=dummy\n", "not the name of an interface"),
    ("seven.netdev", "[NetDev]\nName=seven\nKind=wlan9\n", "is none of"),
    ("seven.netdev", "[NetDev]\nKind=dummy\n", "has no Name="),
])
def test_bad_definitions(name, text, says):
    problems = netfiles.check(name, text, None)
    assert any(says in str(problem) for problem in problems), problems


@pytest.mark.parametrize(("name", "text"), [
    ("lan.network", LAN), ("lan.network", LAN.replace("\n\n", "\n# a word\n; and another\n\n")),
    ("lan.network", LAN + "DNS=192.0.2.1 [2001:db8::1]:53#dns.example\nDNS=192.0.2.1:53\n[Address]\nAddress=2001:db8::1/64\n"),
    ("lan.network", LAN + "Address=\\\n192.0.2.11/24\n[X-Mine]\nAnything=goes\n"),
    ("seven.netdev", "[NetDev]\nName=seven\nKind=vlan\n[VLAN]\nId=7\n"),
    ("lan.link", "[Match]\nOriginalName=*\n[Link]\nWakeOnLan=magic\n"),
])
def test_good_definitions(name, text):
    assert netfiles.check(name, text, 252) == []


def test_an_option_that_the_build_does_not_know_yet():
    text = LAN + "[DHCPv6]\nSendHostname=no\n"
    assert "not known to systemd 252; 257 has it" in netfiles.check("lan.network", text, 252)[0].reason
    assert netfiles.check("lan.network", text, 256) == netfiles.check("lan.network", text, 262) == []


@pytest.mark.parametrize(("match", "applies"), [
    ("Name=eth0", True), ("Name=eth*", True), ("Name=en* eth?", True), ("Name=!eth0", False), ("Name=!en* wl*", True),
    ("Name=eth1", False), (f"MACAddress={MAC}", True), ("MACAddress=02:00:00:00:00:01", False), ("Type=ether", True),
    ("Type=wlan", False), ("Name=eth*\nType=wlan", False), ("Host=other", True), ("Kind=!*", False),
])
def test_matching(match, applies):
    assert netfiles.matches(f"[Match]\n{match}\n", "eth0", LINK) is applies


def test_a_file_without_a_match_is_left_to_networkd():
    assert netfiles.matches("[Network]\nDHCP=yes\n", "eth0", LINK) is False


def test_what_definitions_promise():
    assert netfiles.promised(LAN + "[Route]\nDestination=198.51.100.0/24\nGateway=192.0.2.1\n[Route]\nGateway=_dhcp4\n") == {
        "addresses": ["192.0.2.10/24"], "routes": ["0.0.0.0/0 192.0.2.1", "198.51.100.0/24 192.0.2.1"]}


# --- when two networks are the same


def changed(**parts):
    return {**copy.deepcopy(LIVE), **parts}


@pytest.mark.parametrize(("after", "says"), [
    (changed(addresses=LIVE["addresses"][1:]), "address 10.248.11.10/24 on eth0 is missing"),
    (changed(addresses=[*LIVE["addresses"], learned("192.0.2.1/24")]), "address 192.0.2.1/24 on eth0 is new"),
    (changed(routes=LIVE["routes"][1:]), "route 0.0.0.0/0 via 10.248.11.1 dev eth0 metric 100 is missing"),
    (changed(routes=[dict(LIVE["routes"][0], metric="50"), *LIVE["routes"][1:]]), "metric 50 is new"),
    (changed(dns={"servers": [], "search": ["lab.example"]}), "DNS server 10.255.255.53 is missing"),
    (changed(dns={"servers": ["10.255.255.53"], "search": []}), "search domain lab.example is missing"),
    (changed(links={**LIVE["links"], "eth0": dict(LINK, mtu=1400)}), "mtu of eth0 is 1400, not 1500"),
    (changed(links={**LIVE["links"], "eth0": dict(LINK, master="br0")}), "master of eth0 is br0, not none"),
    (changed(links={"lo": LIVE["links"]["lo"]}), "link eth0 is gone"),
    (changed(rules=[{"family": 4, "priority": "5", "src": "all", "table": "7"}]),
     "rule family 4 priority 5 src all table 7 is new"),
])
def test_differences_are_told(after, says):
    assert any(says in line for line in live.differences(LIVE, after, ["eth0"])), live.differences(LIVE, after, ["eth0"])


def test_what_is_no_difference():
    more = [
        dict(LIVE["routes"][1], to="10.248.11.1/32", protocol="dhcp"), dict(LIVE["routes"][0], dev="docker0", to="172.17.0.0/16")]
    after = changed(
        routes=[*LIVE["routes"], *more],
        addresses=[*LIVE["addresses"], dict(own_local()), dict(learned("172.17.0.1/16"), dev="docker0")])
    assert live.differences(LIVE, after, ["eth0"]) == []


def test_networkmanager_may_number_its_metrics_anew():
    routes = [dict(route, metric="104" if route["metric"] == "100" else route["metric"]) for route in LIVE["routes"]]
    assert live.differences(LIVE, changed(routes=routes), ["eth0"], ranked=True) == []
    assert live.differences(LIVE, changed(routes=routes), ["eth0"])
    two = [LIVE["routes"][0], dict(LIVE["routes"][0], dev="eth1", metric="101")]
    turned = [dict(two[0], metric="102"), two[1]]
    assert live.differences(changed(routes=two), changed(routes=turned), ["eth0", "eth1"], ranked=True)


def test_looking_leaves_out_what_the_kernel_does_by_itself():
    answers = {
        "link": [{"ifname": "eth0", "address": MAC, "mtu": 1400, "flags": ["LOWER_UP"], "link_type": "ether"}],
        "address": [{"ifname": "eth0", "addr_info": [
            {"local": "192.0.2.1", "prefixlen": 24, "scope": "global"}, {"local": "::1", "prefixlen": 128, "scope": "host"},
            {"local": "2001:db8::5", "prefixlen": 64, "scope": "global", "temporary": True, "dynamic": True}]}],
        "-4 route": [
            {"dst": "default", "gateway": "192.0.2.254", "dev": "eth0", "metric": 5, "metrics": [{"mtu": 1500, "hoplimit": 64}]},
            {"dst": "192.0.2.1", "dev": "eth0", "table": "local", "type": "local"},
            {"dst": "198.51.100.0/24", "type": "blackhole", "table": 100}, {}],
        "-6 route": [{"dst": "fe80::/64", "dev": "eth0", "metric": 256}],
        "-4 rule": [
            {"priority": 0, "src": "all", "table": "local"},
            {"priority": 9, "src": "192.0.2.0", "srclen": 24, "table": "7"}],
    }

    def run(argv):
        words = [word for word in argv[2:] if word not in ("-details", "show", "table", "all")]
        return 0, json.dumps(answers.get(" ".join(words), []))

    seen = live.look(run, {"/etc/resolv.conf": "search a.example.\nnameserver 127.0.0.53\n",
                           live.UPLINKS: "nameserver 192.0.2.53\nsearch a.example\n"}.get)
    assert [entry["address"] for entry in seen["addresses"]] == ["192.0.2.1/24"]
    assert [(route["to"], route["type"], route["options"]) for route in seen["routes"]] == [
        ("198.51.100.0/24", "blackhole", {}), ("0.0.0.0/0", "unicast", {})]
    assert [rule["priority"] for rule in seen["rules"]] == ["9"]
    assert seen["dns"] == {"servers": ["192.0.2.53"], "search": ["a.example"]}
    with pytest.raises(live.Unreadable):
        live.look(lambda argv: (127, ""), {}.get)


# --- the plan


UNIT = {"known": True, "enabled": False, "masked": False, "active": False}
ON = dict(UNIT, enabled=True, active=True)
RESOLV = {"content": "# Generated by NetworkManager\nnameserver 10.255.255.53\n", "mode": 0o644, "owner": [0, 0]}
ARMED = {
    "id": "network-r.0", "seconds": 120, "connection": "192.0.2.1 5000 192.0.2.2 22", "renderer": "networkd", "tries": 0,
    "words": ""}
WENT_BACK = {"id": "network-r.0", "why": "nobody came", "left": [], "back": True}


def state(**changes):
    units = {name: ON if name.startswith("NetworkManager") else UNIT for name in (
        *network_state.NM_UNITS, *network_state.ON_NM, "systemd-networkd.service", network_state.RESOLVED)}
    found = profile()
    found.settings.update({"IP4.DNS[1]": "10.255.255.53"})
    return network_state.State(
        units=units, live=LIVE, profiles=[found], idle=[], scripts=[], ours={}, foreign={}, ledger=set(), before=None,
        resolv=RESOLV, armed=None, reverted=None, connection="192.0.2.1 6000 192.0.2.2 22")._replace(**changes)


def wish(**changes):
    return {name: option.get("default") for name, option in network.OPTIONS.items()} | {"renderer": "networkd"} | changes


def test_hand_over_is_planned_with_all_that_its_undoing_needs():
    found = network.plan([wish()], state(), CONTEXT)
    action, = found.actions
    assert found.problems == [] and action.subject == "networkmanager to networkd"
    before, after = action.args["before"], action.args["after"]
    assert before["expect"] == after["expect"] == LIVE and after["devices"] == ["eth0"]
    assert after["units"]["NetworkManager.service"] == {"enabled": False, "masked": True, "active": False}
    assert before["units"]["NetworkManager.service"] == {"enabled": True, "masked": False, "active": True}
    path = networkd.path_of("eth0.network")
    assert after["files"][path][0].startswith(networkd.MARK) and before["files"][path] is None
    assert json.loads(json.dumps(action.args)) == action.args
    assert "+" not in action.before and "[Match]" in action.after
    assert "NetworkManager.service" in action.turns_off() and "NetworkManager.service" not in action.turns_on()
    assert "systemd-networkd.service" in action.turns_on()


def handed_over(**changes):
    """Return the state after that hand-over."""
    after = network.plan([wish()], state(), CONTEXT).actions[0].args["after"]
    units = dict(state().units)
    units.update({name: dict(UNIT, **unit) for name, unit in after["units"].items()})
    files = {path: content[0] for path, content in after["files"].items()}
    return state(units=units, ours=files, ledger=set(files), profiles=[])._replace(**changes)


def test_a_host_that_was_handed_over_is_as_wanted():
    found = network.plan([wish()], handed_over(), CONTEXT)
    assert (found.actions, found.problems, found.pending) == ([], [], [])


def test_a_file_of_ours_that_is_gone_is_seen_by_its_definition():
    want = wish(source="definitions", definitions=[{"name": "lan.network", "content": LAN}])
    assert network.plan([want], handed_over(), CONTEXT).actions
    path = networkd.path_of("lan.network")
    ours = {path: f"{networkd.MARK}\n{LAN.rstrip()}\n", network_state.MANNERS_PATH: network_state.MANNERS}
    assert network.plan([want], handed_over(ours=ours), CONTEXT).actions == []


def test_only_files_of_the_ledger_are_taken_away():
    mine, other = networkd.path_of("old.network"), networkd.path_of("strange.network")
    text = f"{networkd.MARK}\n[Match]\nName=old\n"
    planned = network.plan([wish()], state(ours={mine: text, other: text}, ledger={mine}), CONTEXT)
    found = planned.actions[0].args["after"]["files"]
    assert found[mine] is None and other not in found


def test_the_confirmation_waits_and_comes():
    waiting = network.plan([wish()], handed_over(armed=ARMED), CONTEXT)
    assert waiting.actions == [] and [pending.waits_for for pending in waiting.pending] == [PROOF]
    proven = network.plan([wish()], handed_over(armed=ARMED), CONTEXT._replace(proven=True))
    assert [action.kind for action in proven.actions] == ["network-confirm"] and proven.pending == []
    alone = network.plan([wish(renderer=None)], handed_over(armed=ARMED), CONTEXT._replace(proven=True))
    assert [action.kind for action in alone.actions] == ["network-confirm"]


def test_a_proof_after_the_host_went_back_is_told_so():
    """It neither passes for a confirmation nor begins the hand-over anew; the next plain run does that, and says why."""
    back, late = state()._replace(reverted=WENT_BACK), CONTEXT._replace(proven=True)
    for want in (wish(), wish(renderer=None)):
        found = network.plan([want], back, late)
        assert found.actions == [] and "went back by itself: nobody came" in found.problems[0].reason
    again = network.plan([wish()], back, CONTEXT)
    assert len(again.actions) == 1 and "nobody came" in again.warnings[-1]
    assert network.plan([wish(renderer=None)], state(), late).problems == []


def test_the_old_connection_confirms_nothing():
    same = handed_over(armed=ARMED, connection=ARMED["connection"])
    problem, = network.plan([wish(renderer=None)], same, CONTEXT._replace(proven=True)).problems
    assert "connection of before the switch" in problem.fact


def test_a_connection_that_cannot_be_told_begins_and_confirms_nothing():
    proven = CONTEXT._replace(proven=True)
    problem, = network.plan([wish()], state(connection=None), CONTEXT).problems
    assert "cannot begin" in problem.fact and "cannot be told" in problem.reason
    problem, = network.plan([wish()], handed_over(armed=ARMED, connection=None), proven).problems
    assert "cannot be confirmed" in problem.fact
    # A hand-over that began without ssh has no connection of before, and a host that is as wanted needs none.
    alone = handed_over(armed=dict(ARMED, connection=""), connection=None)
    assert [action.kind for action in network.plan([wish()], alone, proven).actions] == ["network-confirm"]
    assert network.plan([wish()], handed_over(connection=None), CONTEXT).problems == []


@pytest.fixture(name="proc")
def fixture_proc(tmp_path, monkeypatch):
    """Put a table of three processes, one above the other, in place of /proc."""
    for pid, parent, environ in ((os.getpid(), 20, "HOME=/root\0"), (20, 10, "LANG=C\0"), (10, 1, "LANG=C\0")):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "environ").write_text(environ)
        (folder / "stat").write_text(f"{pid} (a (b) c) S {parent} {pid} 0")
    monkeypatch.setattr(job, "PROC", str(tmp_path))
    return tmp_path


def test_the_connection_is_found_at_the_parents(proc):
    assert job.connection() == ""
    (proc / "10/environ").write_text("LANG=C\0SSH_CONNECTION=192.0.2.1 5000 192.0.2.2 22\0")
    assert job.connection() == "192.0.2.1 5000 192.0.2.2 22"


@pytest.mark.parametrize("broken", ["environ", "stat"])
def test_a_parent_that_cannot_be_read_is_not_one_without_ssh(proc, monkeypatch, broken):
    (proc / "20" / broken).unlink()
    assert job.connection() is None
    monkeypatch.setattr(job, "_complete", lambda _target, state: state)
    with pytest.raises(Refused, match="cannot begin"):
        job.carry_out(None, {}, {}, 60)


def hand_over_step(number, before, files, **units):
    args = {"before": {"renderer": before, "files": files, "units": units, "expect": number}, "after": {}}
    return Step("run", number, VERIFIED, {"kind": "network-handover", "args": args})


def test_hand_overs_are_taken_back_straight_to_where_they_began():
    other = Step("run", 9, VERIFIED, {"kind": "file", "args": {}})
    off, on = {"active": False}, {"active": True}
    steps = [
        hand_over_step(1, "networkmanager", {"a": None}, nm=on),
        hand_over_step(2, "networkd", {"a": ["mine", 0o644]}, nm=off),
        other,
        # Handed over for a second time, and changed then: the state of that second time is the one to go back to.
        hand_over_step(3, "networkmanager", {"a": None}, nm=on),
        hand_over_step(4, "networkd", {"a": ["mine", 0o644], "b": ["more", 0o644]}, nm=off, resolved=off),
    ]
    straight = network.straight(steps)
    assert straight[2] is other and [step.number for step in straight] == [step.number for step in steps]
    befores = [step.action["args"]["before"] for step in straight if step is not other]
    assert all(before == befores[0] for before in befores)
    assert befores[0] == {
        "renderer": "networkmanager", "files": {"a": None, "b": None}, "units": {"nm": on, "resolved": off}, "expect": 3}
    assert steps[0].action["args"]["before"]["expect"] == 1
    assert network.straight([other]) == [other]


@pytest.mark.parametrize(("renderers", "origin"), [
    (["networkmanager"], 1),
    (["networkmanager", "networkd", "networkd"], 1),
    # The first time the host went back by itself, and somebody mended a profile.
    (["networkmanager", "networkmanager"], 2),
    (["networkd", "networkd", "networkd"], 1),
    (["networkd", "networkmanager", "networkd"], 1),
    (["", "networkmanager"], 1),
])
def test_which_state_is_gone_back_to(renderers, origin):
    steps = [hand_over_step(number, name, {f"of-{number}": ["x", 0o644]}) for number, name in enumerate(renderers, 1)]
    for step in network.straight(steps):
        before = step.action["args"]["before"]
        assert before["expect"] == origin
        assert {path for path, content in before["files"].items() if content} == {f"of-{origin}"}
        assert set(before["files"]) == {f"of-{number}" for number in range(1, len(renderers) + 1)}


def test_a_second_hand_over_waits_for_the_first():
    problem, = network.plan([wish()], state(armed=ARMED), CONTEXT).problems
    assert "waits for its confirmation" in problem.fact


@pytest.mark.parametrize(("changes", "says"), [
    ({"foreign": {"/etc/systemd/network/10-mine.network": "[Match]\nName=e*\n"}}, "10-mine.network"),
    ({"foreign": {networkd.path_of("eth0.network"): "[Match]\nName=eth0\n"}}, "does not have our mark"),
    ({"scripts": ["/etc/NetworkManager/dispatcher.d/50-mine"]}, "dispatcher script"),
    ({"live": dict(LIVE, addresses=[dict(LIVE["addresses"][0], address="192.0.2.99/24")])}, "192.0.2.99/24 on eth0"),
    ({"units": {**state().units, "nm-cloud-setup.timer": ON}}, "nm-cloud-setup.timer"),
    ({"units": {**state().units, "systemd-networkd.service": dict(UNIT, known=False)}}, "systemd-networkd is not installed"),
    ({"units": {**state().units, "NetworkManager.service": UNIT}}, "NetworkManager does not run"),
])
def test_what_is_in_the_way_is_named(changes, says):
    found = network.plan([wish()], state(**changes), CONTEXT)
    assert found.actions == [] and any(says in str(problem) for problem in found.problems), found.problems


def test_a_dns_server_that_no_link_has():
    other = state(live=dict(LIVE, dns={"servers": ["192.0.2.53"], "search": []}))
    assert network.plan([wish()], other, CONTEXT).problems == []
    problem, = network.plan([wish(resolved=True)], other, CONTEXT).problems
    assert "DNS server 192.0.2.53" in problem.fact


def test_a_file_that_comes_after_ours_or_is_for_another_link_is_not_in_the_way():
    foreign = {
        "/usr/lib/systemd/network/80-all.network": "[Match]\nName=*\n",
        "/etc/systemd/network/10-x.network": "[Match]\nName=x\n"}
    assert network.plan([wish()], state(foreign=foreign), CONTEXT).problems == []


@pytest.mark.parametrize(("changes", "says"), [
    ({"confirm_seconds": 5}, "not from 20 to 3600"), ({"source": "definitions"}, "go together"),
    ({"definitions": [{"name": "lan.network", "content": LAN}]}, "go together"),
    ({"source": "definitions", "definitions": [{"name": "lan.network", "content": LAN}] * 2}, "given twice"),
    ({"unmanaged": ["a b"]}, "not the name of an interface"),
])
def test_bad_wishes(changes, says):
    assert any(says in problem.reason for problem in network.validate([wish(**changes)], 9))


def test_two_wishes():
    assert network.validate([wish(), wish()], 9) and network.validate([wish(), wish(renderer=None)], 9) == []


def test_the_way_back_is_the_state_of_before():
    before = network.plan([wish()], state(), CONTEXT).actions[0].args["before"]
    found = network.plan([wish(renderer="networkmanager")], handed_over(before=before), CONTEXT)
    action, = found.actions
    assert action.subject == "networkd to networkmanager" and found.problems == []
    assert action.args["after"]["units"]["NetworkManager.service"]["active"]
    assert not [path for path, content in action.args["after"]["files"].items() if content]
    assert network.plan([wish(renderer="networkmanager")], state(), CONTEXT).actions == []


def test_resolved_on_and_off():
    units = {**state().units}
    on = network.plan([wish(resolved=True)], state(units=units), CONTEXT).actions[0].args["after"]
    assert on["resolv"] == {"link": wanted.STUB_LINK} and on["units"][network_state.RESOLVED]["active"]
    stub = {"link": "../run/systemd/resolve/stub-resolv.conf"}
    off = network.plan([wish(resolved=False)], state(resolv=stub, units={**units, network_state.RESOLVED: ON}), CONTEXT)
    after = off.actions[0].args["after"]
    assert "nameserver 10.255.255.53" in after["resolv"]["content"] and not after["units"][network_state.RESOLVED]["active"]


# --- the switch itself, as far as it can be held without a host


def test_a_hand_over_names_the_files_that_it_writes():
    before = {"renderer": "networkd", "files": {"/etc/systemd/network/a": ["x", 0o644], "/etc/systemd/network/b": None},
              "units": {}, "resolv": {"content": "old"}, "devices": []}
    after = {**before, "files": {"/etc/systemd/network/a": ["x", 0o644], "/etc/systemd/network/b": ["y", 0o644]}}
    named = [touch.path for touch in network.HandoverAction("a to b", "", {"before": before, "after": after}).touches(None)]
    assert named == ["/etc/systemd/network/b"]
    switched = {**after, "resolv": {"link": "../run/systemd/resolve/stub-resolv.conf"}}
    named = network.HandoverAction("a to b", "", {"before": before, "after": switched}).touches(None)
    assert [touch.path for touch in named] == ["/etc/systemd/network/b", "/etc/resolv.conf"]


# --- remedies: what is in the way of a hand-over, and what the remedy says


def profiles_of(**changes):
    return {"profiles": [profile(**changes)]}


def with_unit(name, unit):
    return {"units": {**state().units, name: unit}}


def with_address(address):
    return {"live": dict(LIVE, addresses=[*LIVE["addresses"], dict(LIVE["addresses"][0], address=address)])}


def coming(*names):
    return CONTEXT._replace(items=[Item("install", name, "262.1-1.hs.el9", "x86_64", "main", 1, 1) for name in names])


BOND = all_kinds()[0][0].settings["bond.options"]
OLD_BOND = {"device": "bond0", "connection__type": "bond", "connection__id": "bond", "bond__options": f"{BOND},lacp_active=off"}
BOND_LIVE = {"live": with_links(bond0={"kind": "bond"})}
EACH_PREFIX = {"live": dict(LIVE, addresses=[
    *LIVE["addresses"], learned("2001:db8:1::1:2:3:4/64"), learned("2001:db8:2::5:6:7:8/64")])}
NO_UNIT = dict(UNIT, known=False)
BEFORE_OURS = {"foreign": {"/etc/systemd/network/10-mine.network": "[Match]\nName=e*\n"}}
IN_PLACE = {"foreign": {networkd.path_of("eth0.network"): "[Match]\nName=eth0\n"}}
SCRIPT = "/etc/NetworkManager/dispatcher.d/50-mine"
CLOUD = with_unit("nm-cloud-setup.timer", ON)
STOPPED = with_unit("NetworkManager.service", UNIT)
DEFINED = {"source": "definitions", "definitions": [{"name": "lan.network", "content": LAN}]}
OTHER_LAN = {"source": "definitions", "definitions": [{"name": "lan.network", "content": LAN.replace("eth0", "eth9")}]}
SEVENTH = LAN + "VLAN=seven\n"
OTHER_DNS = {"live": dict(LIVE, dns={"servers": ["192.0.2.53"], "search": []})}
# By code: the host, the wish and the run that give it, and those that the remedy leads to.
Case = collections.namedtuple("Case", ["host", "wish", "run", "host_then", "wish_then", "run_then"])
REMEDIES = {
    "network.address_generation": Case(EACH_PREFIX, {}, CONTEXT, {"live": LIVE}, {}, CONTEXT),
    "network.address_generation, defined": Case(EACH_PREFIX, {}, CONTEXT, EACH_PREFIX, DEFINED, CONTEXT),
    "network.address_of_no_profile": Case(
        with_address("192.0.2.99/24"), {}, CONTEXT,
        {**with_address("192.0.2.99/24"), **profiles_of(ipv4__addresses="10.248.11.10/24, 192.0.2.99/24")}, {}, CONTEXT),
    "network.address_of_no_profile, taken away": Case(with_address("192.0.2.99/24"), {}, CONTEXT, {}, {}, CONTEXT),
    "network.address_of_no_profile, left alone": Case(
        with_address("192.0.2.99/24"), {}, CONTEXT, with_address("192.0.2.99/24"), {"unmanaged": ["eth0"]}, CONTEXT),
    "network.bond_option": Case(
        {**profiles_of(**OLD_BOND), **BOND_LIVE}, {}, CONTEXT,
        {**profiles_of(**{**OLD_BOND, "bond__options": BOND}), **BOND_LIVE}, {}, CONTEXT),
    "network.dispatcher_script": Case({"scripts": [SCRIPT]}, {}, CONTEXT, {"scripts": [SCRIPT]}, {"without": [SCRIPT]}, CONTEXT),
    "network.dispatcher_script, carried over": Case({"scripts": [SCRIPT]}, {}, CONTEXT, {"scripts": []}, {}, CONTEXT),
    "network.file_comes_before": Case(BEFORE_OURS, {}, CONTEXT, {"foreign": {}}, {}, CONTEXT),
    "network.file_comes_before, left alone": Case(BEFORE_OURS, {}, CONTEXT, BEFORE_OURS, {"unmanaged": ["eth0"]}, CONTEXT),
    "network.file_in_the_way": Case(IN_PLACE, {}, CONTEXT, {"foreign": {}}, {}, CONTEXT),
    "network.handover_waits": Case({"armed": ARMED}, {}, CONTEXT, {"armed": None}, {}, CONTEXT),
    "network.interface_undefined": Case({}, OTHER_LAN, CONTEXT, {}, DEFINED, CONTEXT),
    "network.interface_undefined, left alone": Case(
        {}, OTHER_LAN, CONTEXT, {}, {**OTHER_LAN, "unmanaged": ["eth0"]}, CONTEXT),
    "network.link_not_carried": Case(
        profiles_of(connection__controller="br9", connection__port_type="bridge"), {}, CONTEXT,
        profiles_of(connection__controller="br9", connection__port_type="bridge"), {"unmanaged": ["eth0"]}, CONTEXT),
    "network.name_server_of_no_link": Case(
        OTHER_DNS, {"resolved": True}, CONTEXT, {**OTHER_DNS, **profiles_of(**{"IP4__DNS[1]": "192.0.2.53"})}, {"resolved": True},
        CONTEXT),
    "network.name_server_of_no_link, taken out": Case(
        OTHER_DNS, {"resolved": True}, CONTEXT, {}, {"resolved": True}, CONTEXT),
    "network.needs_networkmanager": Case(CLOUD, {}, CONTEXT, {}, {}, CONTEXT),
    "network.needs_networkmanager, without": Case(CLOUD, {}, CONTEXT, CLOUD, {"without": ["nm-cloud-setup.timer"]}, CONTEXT),
    "network.networkmanager_not_running": Case(STOPPED, {}, CONTEXT, {}, {}, CONTEXT),
    "network.networkmanager_not_running, defined": Case(STOPPED, {}, CONTEXT, STOPPED, DEFINED, CONTEXT),
    "network.no_networkd": Case(
        with_unit("systemd-networkd.service", NO_UNIT), {}, CONTEXT, with_unit("systemd-networkd.service", NO_UNIT), {},
        coming("systemd-networkd")),
    "network.no_networkmanager": Case(
        with_unit("NetworkManager.service", NO_UNIT), {"renderer": "networkmanager"}, CONTEXT, {}, {"renderer": "networkmanager"},
        CONTEXT),
    "network.no_resolved": Case(
        with_unit(network_state.RESOLVED, NO_UNIT), {"resolved": True}, CONTEXT, with_unit(network_state.RESOLVED, NO_UNIT),
        {"resolved": True}, coming("systemd-resolved")),
    "network.no_such_link": Case(
        {}, {**DEFINED, "definitions": [{"name": "lan.network", "content": SEVENTH}]}, CONTEXT, {},
        {**DEFINED, "definitions": [
            {"name": "lan.network", "content": SEVENTH},
            {"name": "seven.netdev", "content": "[NetDev]\nName=seven\nKind=vlan\n[VLAN]\nId=7\n"}]}, CONTEXT),
    "network.profile_not_carried": Case(profiles_of(connection__zone="public"), {}, CONTEXT, profiles_of(), {}, CONTEXT),
    "network.profile_not_carried, without": Case(
        profiles_of(connection__zone="public"), {}, CONTEXT, profiles_of(connection__zone="public"),
        {"without": ["lan: connection.zone"]}, CONTEXT),
}


@pytest.mark.parametrize("name", REMEDIES)
def test_a_remedy_takes_away_what_is_in_the_way(name):
    case = REMEDIES[name]
    found = network.plan([wish(**case.wish)], state(**case.host), case.run)
    assert {problem.code for problem in found.problems} == {name.partition(",")[0]} and found.actions == []
    assert network.plan([wish(**case.wish_then)], state(**case.host_then), case.run_then).problems == []


def test_what_comes_back_over_a_new_connection_confirms():
    proven, same = CONTEXT._replace(proven=True), handed_over(armed=ARMED, connection=ARMED["connection"])
    problem, = network.plan([wish(renderer=None)], same, proven).problems
    assert problem.code == "network.old_connection"
    found = network.plan([wish(renderer=None)], handed_over(armed=ARMED), proven)
    assert found.problems == [] and [action.kind for action in found.actions] == ["network-confirm"]


def test_a_host_that_goes_back_is_handed_over_again_once_it_has_gone_back():
    problem, = network.plan([wish()], state(armed={**ARMED, "tries": 1, "words": "a unit failed"}), CONTEXT).problems
    assert problem.code == "network.going_back"
    found = network.plan([wish()], state(reverted=WENT_BACK), CONTEXT)
    assert found.problems == [] and len(found.actions) == 1


def test_a_confirmation_that_came_too_late_is_given_by_another_run_in_time():
    proven = CONTEXT._replace(proven=True)
    problem, = network.plan([wish()], state(reverted=WENT_BACK), proven).problems
    assert problem.code == "network.nothing_to_confirm"
    again, = network.plan([wish(confirm_seconds=600)], state(reverted=WENT_BACK), CONTEXT).actions
    assert again.args["seconds"] == 600
    found = network.plan([wish(confirm_seconds=600)], handed_over(armed={**ARMED, "seconds": 600}), proven)
    assert [action.kind for action in found.actions] == ["network-confirm"]


def test_a_connection_that_can_be_read_again_begins_a_hand_over():
    problem, = network.plan([wish()], state(connection=None), CONTEXT).problems
    assert problem.code == "network.connection_unknown"
    assert network.plan([wish()], state(), CONTEXT).problems == []


def code_of(act):
    """Return the code of what an act raises, empty where it raises nothing."""
    try:
        act()
    except (Refused, Failed) as raised:
        return raised.problems[0].code
    return ""


def test_a_network_that_cannot_be_read_is_read_once_ip_answers(tmp_path):
    answers = {False: (127, ""), True: (0, "[]")}
    for answered, code in ((False, "network.unreadable"), (True, "")):
        target = types.SimpleNamespace(root=str(tmp_path), probe=lambda argv, answered=answered: answers[answered])
        assert code_of(lambda target=target: job.look(target)) == code


def test_a_hand_over_without_an_answer_is_told_and_one_with_an_answer_is_read(tmp_path):
    target = host_io.Target(lambda argv: (0, "", ""), str(tmp_path), root=str(tmp_path))
    assert code_of(lambda: job._wait(target, "network-r.0", 0.0, "unit")) == "network.no_answer"
    folder = pathlib.Path(guard.folder_of(target, "network-r.0"))
    folder.mkdir(parents=True)
    (folder / switch.RESULT).write_text(json.dumps({"ok": True}))
    assert job._wait(target, "network-r.0", 5.0, "unit") == {"ok": True}


def test_a_switch_that_failed_before_and_after_its_beginning():
    assert code_of(lambda: job._fail({"ok": False, "switched": False, "why": "a unit is masked"})) == "network.not_handed_over"
    assert code_of(lambda: job._fail({"ok": False, "switched": True, "why": "no address"})) == "network.did_not_come_up"


@pytest.mark.parametrize(("code", "action", "name", "wrong", "right"), [
    ("network.not_as_switched", network.HandoverAction("a", "", {"after": {}}), "differs", ["eth0 has no address"], []),
    ("network.still_waits", network.ConfirmAction("a", "", {"id": "network-r.0"}), "armed", object(), None),
])
def test_what_a_look_after_the_step_finds(monkeypatch, code, action, name, wrong, right):
    owner = job if name == "differs" else switch
    for found, expected in ((wrong, code), (right, "")):
        monkeypatch.setattr(owner, name, lambda *_given, found=found: found)
        assert code_of(lambda: action.verify(None)) == expected
