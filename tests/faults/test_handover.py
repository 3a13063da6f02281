# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network handed over for real, in both directions, and everything that may go wrong on the way.

Stream 9 has EPEL's networkd, which is as old as its systemd; Stream 10 has the Hyperscale build.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from lab import calls, hosts

from .conftest import TREE, WORKER, LiveHost, repositories

VALUES = (TREE / "tests" / "tools" / "network_values.py").read_text()
# networkd adds a way to the DHCP server's gateway itself; packets went there before as well. One before 261 hears routers
# only with a link-local address of its own making, beside the one that was there.
MORE = ("route 198.18.1.1 via None dev lan1 ", "address lan1 fe80::")
GUARDS = "/var/lib/centos-hyperscale/guards"
NETWORKD = "systemd-networkd.service"
# A host that goes back waits for daemons and servers, which takes some seconds more.
GRACE = 60


class NetHost(LiveHost):
    """A host whose network NetworkManager sets up, with all that networkd needs installed."""

    def __init__(self, name, stream, images, folder):
        super().__init__(name, stream, images)
        environment = dict(os.environ, MOLECULE_PROJECT_DIRECTORY=str(TREE), MOLECULE_EPHEMERAL_DIRECTORY=str(folder))
        done = calls.run(
            ["ansible-playbook", "-i", str(self.inventory), "--limit", name, str(TREE / "molecule/networkd/prepare.yml")], TREE,
            environment)
        assert done.returncode == 0, done.stdout + done.stderr
        if stream != 9:
            family = {"family": "systemd", "also": ["systemd-networkd", "systemd-resolved"]}
            result = self.converge(repositories=[repositories()], packages=[family], manager=[{}])
            assert result["changed"], result
        # Presets have enabled it where its package came, and NetworkManager is who sets the network up.
        self.command("systemctl", "disable", NETWORKD)

    def values(self):
        """Return every value of the network."""
        done = subprocess.run(
            ["ssh", *hosts.ssh_options(), f"root@{self.host.address}", "--", "/usr/bin/python3", "-"], input=VALUES, text=True,
            capture_output=True, check=True)
        return set(done.stdout.splitlines())

    def settled(self, wanted, seconds=60, read=frozenset):
        """Wait until all wanted values, taken as C(read) says, are there; return what is then missing and what is new."""
        deadline = time.monotonic() + seconds
        wanted = read(wanted)
        while True:
            now = read(self.values())
            new = {line for line in now - wanted if not line.startswith(MORE)}
            if (wanted <= now and not new) or time.monotonic() > deadline:
                return sorted(wanted - now), sorted(new)
            time.sleep(1)

    def runs(self):
        """Return which of the two daemons runs."""
        units = ("NetworkManager.service", "systemd-networkd.service")
        return [unit for unit in units if hosts.command(self.host, ["systemctl", "is-active", "--quiet", unit]).returncode == 0]

    def hand_over(self, **options):
        """Hand the network over to networkd."""
        return self.module("network_handover", {"renderer": "networkd", **options})

    def back_by_itself(self, seconds):
        """Wait until the host went back, and return how long that took and the record of its guard."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            record = self.guard()
            if record is not None and record["state"] != "armed":
                return time.monotonic() - began, record
            time.sleep(1)
        raise AssertionError(f"the host is not back after {seconds} seconds: {self.guard()}")

    def guard(self):
        """Return the record of the newest guard of the network; None where there is none, or the host cannot be reached."""
        shown = hosts.command(self.host, ["sh", "-c", f"cat $(ls -d {GUARDS}/network-* | tail -n 1)/record.json"])
        return json.loads(shown.stdout) if shown.returncode == 0 else None

    def power_cut(self):
        """Cut the power, and wait until the host is up again."""
        hosts.power_cut(self.host)
        time.sleep(3)
        hosts.wait_ready(self.host)

    def is_as_before(self, before):
        """Hold that NetworkManager sets up all as it did, and that nothing of ours is left."""
        assert self.settled(before, read=ranked) == ([], [])
        assert self.runs() == ["NetworkManager.service"]
        assert self.command("find", "/etc/systemd/network", "/etc/systemd/networkd.conf.d", "-name", "*hyperscale*") == ""
        assert "centos-hyperscale" not in self.command("ls", "/etc/systemd/system")
        assert self.command("systemctl", "--failed", "--no-legend") == ""


def ranked(lines):
    """Return values with metrics by their order: NetworkManager numbers those that no profile sets anew whenever it starts."""
    found = sorted({int(metric) for line in lines for metric in re.findall(r" metric (\d+) ", line)})
    return {re.sub(r" metric (\d+) ", lambda one: f" metric number {found.index(int(one[1]))} ", line) for line in lines}


@pytest.fixture(name="net", scope="module", params=[9, 10], ids=["stream9", "stream10"])
def fixture_net(request, images, tmp_path_factory):
    live = NetHost(f"net-{WORKER}-{request.param}", request.param, images, tmp_path_factory.mktemp("net"))
    yield live
    hosts.remove(live.host)


@pytest.fixture(name="before")
def fixture_before(net):
    """What the host has when NetworkManager has just set it up, whatever the test before left."""
    if net.runs() != ["NetworkManager.service"]:
        net.module("network_handover", {"state": "undone"})
    net.power_cut()
    wait_for_router(net)
    assert net.runs() == ["NetworkManager.service"]
    return net.values()


def wait_for_router(net):
    """Wait for the address by DHCP and the one by announcement."""
    for _try in range(60):
        if {"198.18.1", "2001:db8:1:"} <= {part for line in net.values() for part in ("198.18.1", "2001:db8:1:")
                                           if line.startswith("address lan1 " + part)}:
            return
        time.sleep(1)
    raise AssertionError("no router answered")


def test_over_and_back_by_value(net, before):
    assert len(before) > 25
    result = net.hand_over()
    assert result["changed"] and result["confirmed"] and result["pending"] == [], result
    assert net.settled(before) == ([], [])
    assert net.runs() == ["systemd-networkd.service"]
    assert net.hand_over()["changed"] is False
    net.power_cut()
    wait_for_router(net)
    # Nothing that NetworkManager left in the kernel is there to help now.
    assert net.settled(before) == ([], [])
    assert net.runs() == ["systemd-networkd.service"]
    result = net.module("network_handover", {"renderer": "networkmanager"})
    assert result["changed"] and result["confirmed"], result
    net.is_as_before(before)
    assert net.module("network_handover", {"renderer": "networkmanager"})["changed"] is False


def test_with_resolved_over_and_undone(net, before):
    if net.stream == 9:
        net.command("dnf", "-y", "-q", "install", "systemd-resolved")
        net.command("systemd-sysusers")
        net.command("systemctl", "disable", "--now", "systemd-resolved.service")
    result = net.hand_over(resolved=True)
    assert result["confirmed"], result
    assert net.settled(before) == ([], [])
    assert net.command("readlink", "/etc/resolv.conf").endswith("systemd/resolve/stub-resolv.conf")
    undone = net.module("converge", {"state": "undone", "undo": ["network"]})
    assert undone["changed"] and undone["confirmed"], undone
    net.is_as_before(before)
    assert net.module("converge", {"state": "undone", "undo": ["network"]})["changed"] is False
    assert hosts.command(net.host, ["test", "-L", "/etc/resolv.conf"]).returncode == 1


def test_nobody_confirms(net, before):
    result = net.hand_over(confirm=False, confirm_seconds=20)
    assert [pending["waits_for"] for pending in result["pending"]] == ["proof"], result
    assert net.runs() == ["systemd-networkd.service"]
    took, note = net.back_by_itself(20 + GRACE)
    assert took < 20 + GRACE and "nobody confirmed" in note["why"] and note["left"] == []
    net.is_as_before(before)
    late = net.module("network_handover", {"state": "confirmed"})
    assert "the host went back by itself: nobody confirmed" in late["msg"], late


def test_power_cut_before_the_confirmation(net, before):
    assert net.hand_over(confirm=False, confirm_seconds=900)["pending"]
    assert net.runs() == ["systemd-networkd.service"]
    net.power_cut()
    wait_for_router(net)
    assert net.settled(before, read=ranked) == ([], [])
    assert "started anew" in net.back_by_itself(GRACE)[1]["why"]
    net.is_as_before(before)


def test_somebody_else_confirms_over_a_new_connection(net, before):
    assert net.hand_over(confirm=False)["pending"]
    again = net.hand_over(confirm=False)
    assert again["changed"] is False and again["pending"], again
    done = net.module("network_handover", {"state": "confirmed"})
    assert done["changed"] and done["pending"] == [], done
    assert net.module("network_handover", {"state": "undone"})["confirmed"]
    net.is_as_before(before)


def definitions(net, address):
    """Return definitions of all links, with an address of one's own for the link to the controller."""
    others = [
        {"name": "lan1.network", "content": "[Match]\nName=lan1\n[Network]\nDHCP=ipv4\n"},
        {"name": "br0.netdev", "content": "[NetDev]\nName=br0\nKind=bridge\n"},
        {"name": "br0.network", "content": "[Match]\nName=br0\n[Network]\nAddress=198.18.2.2/24\n"},
        {"name": "lan2.network", "content": "[Match]\nName=lan2\n[Network]\nBridge=br0\n"}]
    lan = f"[Match]\nName=eth0\n[Network]\nAddress={address}/24\nGateway={hosts.GATEWAY}\n"
    return {"source": "definitions", "definitions": [{"name": "eth0.network", "content": lan}, *others]}


def test_definitions_of_ones_own(net, before):
    result = net.hand_over(**definitions(net, net.host.address))
    assert result["confirmed"], result
    assert net.runs() == ["systemd-networkd.service"]
    assert net.hand_over(**definitions(net, net.host.address))["changed"] is False
    # Another definition goes the same way, and the files of before come back with it.
    more = definitions(net, net.host.address)
    more["definitions"][0]["content"] += "Address=192.0.2.77/24\n"
    assert net.hand_over(**more, confirm=False, confirm_seconds=20)["changed"]
    assert "address eth0 192.0.2.77/24" in net.values()
    net.back_by_itself(20 + GRACE)
    assert "address eth0 192.0.2.77/24" not in net.values() and net.runs() == ["systemd-networkd.service"]
    assert net.module("network_handover", {"renderer": "networkmanager"})["confirmed"]
    net.is_as_before(before)


def answers(net):
    """Say whether the host's ssh server speaks within two seconds; an ssh client might wait until the host is back."""
    try:
        with socket.create_connection((net.host.address, 22), timeout=2) as connection:
            return bool(connection.recv(4))
    except OSError:
        return False


def test_a_definition_that_cuts_the_host_off(net, before):
    began = time.monotonic()
    wrong = hosts.SUBNET + ".249"
    controller = subprocess.Popen(
        net.arguments("network_handover", {"renderer": "networkd", "confirm_seconds": 30, **definitions(net, wrong)}),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=TREE, start_new_session=True)
    while answers(net):
        assert time.monotonic() < began + 90, "the host could be reached all the time"
        time.sleep(0.5)
    _took, note = net.back_by_itself(90)
    assert "nobody confirmed" in note["why"], note
    said = controller.communicate(timeout=180)[0]
    assert '"confirmed": true' not in said, said
    assert any(words in said for words in ("UNREACHABLE", "has gone back by itself", "went back by itself")), said
    net.is_as_before(before)


def test_a_switch_that_does_not_come_up_goes_back_at_once(net, before):
    folder = "/etc/systemd/system/systemd-networkd.service.d"
    net.command("mkdir", "-p", folder)
    net.write(f"{folder}/fault.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/false\nRestart=no\n")
    net.command("systemctl", "daemon-reload")
    result = net.hand_over()
    net.command("rm", "-r", folder)
    net.command("systemctl", "daemon-reload")
    assert "all is as it was before" in result["msg"], result
    net.is_as_before(before)


def test_ssh_and_controller_are_cut_during_the_switch(net, before):
    controller = subprocess.Popen(
        net.arguments("network_handover", {"renderer": "networkd", "confirm_seconds": 90}), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=TREE, start_new_session=True)
    for _try in range(300):
        if (net.guard() or {}).get("state") == "armed":
            break
        time.sleep(0.1)
    os.killpg(controller.pid, signal.SIGKILL)
    controller.wait()
    hosts.command(net.host, ["pkill", "-9", "-f", "sshd: root|sshd-session: root|AnsiballZ"])
    for _second in range(60):
        if net.runs() == ["systemd-networkd.service"]:
            break
        time.sleep(1)
    # The switch had happened, and what follows it on the host has as well.
    time.sleep(3)
    assert net.runs() == ["systemd-networkd.service"]
    seen = net.hand_over(confirm=False)
    assert seen["interrupted"]["outcome"] == "its last step had happened" and seen["pending"], seen
    assert net.module("network_handover", {"state": "confirmed"})["changed"]
    assert net.settled(before) == ([], [])
    assert net.module("network_handover", {"state": "undone"})["confirmed"]
    net.is_as_before(before)


def test_what_is_wrong_is_refused_before_any_change(net, before, refused):
    good = definitions(net, net.host.address)

    def with_lan(text):
        return {**good, "definitions": [{"name": "eth0.network", "content": text}, *good["definitions"][1:]]}

    for text, *says in (
        ("[Match]\nName=eth0\n[Network]\nAdress=10.0.0.1/24\n", "eth0.network, line 4", "no option Adress"),
        ("[Match]\nName=eth0\n[Network]\nAddress=10.0.0.300/24\n", "line 4", "'10.0.0.300/24' is not an address"),
        ("[Match]\nName=eth0\n[Netwrk]\nDHCP=yes\n", "no section [Netwrk]"),
        ("[Match]\nName=eth0\n[Network]\nVLAN=vlan7\n", "line 4", "neither here nor defined"),
        ("[Match]\nName=eth9\n[Network]\nDHCP=yes\n", "interface eth0", "no definition matches it"),
        ("Name=eth0\n", "line 1", "before the first section"),
    ):
        refused(net, lambda text=text: net.hand_over(**with_lan(text)), *says)
    refused(net, lambda: net.hand_over(confirm_seconds=5), "confirm_seconds 5")
    refused(net, lambda: net.hand_over(source="definitions"), "go together")
    assert net.runs() == ["NetworkManager.service"]


def test_what_cannot_be_carried_over_is_refused_by_name(net, before, refused):
    net.command("mkdir", "-p", "/etc/systemd/network")
    net.write("/etc/systemd/network/10-mine.network", "[Match]\nName=eth*\n\n[Network]\nDHCP=yes\n")
    refused(net, net.hand_over, "/etc/systemd/network/10-mine.network", "comes before ours")
    net.command("rm", "/etc/systemd/network/10-mine.network")
    net.command("nmcli", "connection", "add", "type", "veth", "ifname", "pair0", "con-name", "a pair", "veth.peer", "pair1",
                "ipv4.method", "disabled", "ipv6.method", "disabled")
    net.command("nmcli", "connection", "up", "a pair")
    refused(net, net.hand_over, "profile 'a pair' on pair0", "type veth")
    net.command("nmcli", "connection", "delete", "a pair")
    net.command("nmcli", "connection", "modify", "lan", "connection.zone", "trusted")
    refused(net, net.hand_over, "profile 'lan' on eth0", "connection.zone is set")
    net.command("nmcli", "connection", "modify", "lan", "connection.zone", "")
    net.command("ip", "address", "add", "198.18.9.9/24", "dev", "br0")
    refused(net, net.hand_over, "address 198.18.9.9/24 on br0", "no setting of profile 'bridge'")
    net.command("ip", "address", "del", "198.18.9.9/24", "dev", "br0")
    net.command("mkdir", "-p", "/etc/NetworkManager/dispatcher.d")
    net.write("/etc/NetworkManager/dispatcher.d/50-mine", "#!/bin/sh\n")
    net.command("chmod", "755", "/etc/NetworkManager/dispatcher.d/50-mine")
    refused(net, net.hand_over, "/etc/NetworkManager/dispatcher.d/50-mine")
    over = net.module("network_handover", {
        "renderer": "networkd", "without": ["/etc/NetworkManager/dispatcher.d/50-mine"]}, check=True)
    assert over["changed"], over
    net.command("rm", "/etc/NetworkManager/dispatcher.d/50-mine")
    assert net.settled(before) == ([], [])


def test_networkd_that_presets_enabled_and_nobody_started_is_that_again(net, before):
    net.command("systemctl", "enable", NETWORKD)
    try:
        assert net.hand_over()["confirmed"]
        undone = net.module("converge", {"state": "undone", "undo": ["network"]})
        assert undone["changed"] and undone["confirmed"], undone
        net.is_as_before(before)
        assert net.command("systemctl", "is-enabled", NETWORKD) == "enabled"
    finally:
        net.command("systemctl", "disable", NETWORKD)
