# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of a live packet filter that are carried between the backends, and what stands in the way."""

from __future__ import annotations

import re
import subprocess

from lab import calls, hosts

from .conftest import TREE, repositories

COUNTERS = re.compile(r"\[\d+:\d+\] ?")
RULES = {
    "iptables": (
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:web - [0:0]\n:early - [0:0]\n"
        "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
        "[7:420] -A INPUT -p tcp -m tcp --dport 7777 -m comment --comment \"said \\\"no\\\" to it\" -j DROP\n"
        "-A INPUT -p tcp -m multiport --dports 80,443 -j web\n"
        "-A INPUT -p udp -m udp --sport 53 --dport 1024:65535 -j early\n"
        "-A web -m hashlimit --hashlimit-upto 10/sec --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name web -j ACCEPT\n"
        "-A early -m conntrack --ctstate NEW -j RETURN\nCOMMIT\n"
        "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80\n"
        "-A POSTROUTING -s 10.99.0.0/16 ! -o eth0 -j MASQUERADE\nCOMMIT\n"
        "*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        ":POSTROUTING ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n"),
    "ip6tables": (
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 7777 -j DROP\nCOMMIT\n"),
}
MODULES = ("ip_tables", "iptable_filter", "ip6_tables", "ip6table_filter")
PACKAGES = [{"names": ["iptables-legacy"], "to": "any"}]
LEGACY = [{"name": "iptables", "path": "/usr/sbin/iptables-legacy"}]
NFT = [{"name": "iptables", "path": "/usr/sbin/iptables-nft"}]

# Looks, as fast as it can, whether some backend drops what both families' rules drop.
WATCH = """
import subprocess, time
def drops(program):
    try:
        out = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except FileNotFoundError:
        return False
    return "--dport 7777" in out
looks = 0
while True:
    for family in ("iptables", "ip6tables"):
        old, new = ORDER
        if not drops(f"{family}-{old}-save") and not drops(f"{family}-{new}-save"):
            print("no rules in", family, time.time(), flush=True)
    looks += 1
    print("look", looks, flush=True)
"""


def chains(text):
    """Return what a save says, by table and chain, without counters and comments."""
    found = {}
    table = ""
    for line in COUNTERS.sub("", text).splitlines():
        if line.startswith("*"):
            table = line
        elif line.startswith((":", "-A")):
            name = line[1:].split()[0] if line.startswith(":") else line.split()[1]
            found.setdefault((table, name), []).append(line.strip())
    return {where: lines for where, lines in found.items() if lines != [f":{where[1]} ACCEPT"]}


def saved(live, backend):
    """Return the rules of a backend, both families."""
    rules = {}
    for family in RULES:
        rules[family] = chains(hosts.command(live.host, [f"{family}-{backend}-save"]).stdout)
    return rules


WANTED = {family: chains(text) for family, text in RULES.items()}
NOTHING = {family: {} for family in RULES}


def kernel_has(live, *modules):
    """Have the lists of the running kernel name some modules: a container does not see those of its machine."""
    folder = f"/lib/modules/{live.command('uname', '-r')}"
    live.command("mkdir", "-p", folder)
    live.write(f"{folder}/modules.builtin", "".join(f"kernel/net/ipv4/netfilter/{name}.ko\n" for name in modules))
    live.write(f"{folder}/modules.dep", "")


def filtering(live, *families):
    """Give a host its rules, by the nft backend."""
    kernel_has(live, *MODULES)
    for family in families or RULES:
        live.write(f"/srv/{family}", RULES[family])
        live.command(f"{family}-nft-restore", "--counters", f"/srv/{family}")


def legacy(live, check=False, alternatives=None, **more):
    """Ask for the legacy backend."""
    return live.converge(
        check=check, repositories=[repositories()], packages=PACKAGES, rulesets=[{"backend": "legacy", **more}],
        alternatives=alternatives or LEGACY)


def kept(live, ending):
    """Return what a run kept of some rules."""
    return live.command("find", "/var/lib/centos-hyperscale/rulesets", "-name", f"*.{ending}", "-exec", "cat", "{}", "+")


def backend(live):
    return live.command("iptables", "-V")


def fault(live, program, body):
    """Put a script in the place of a program of the host, which stays beside it as PROGRAM.real."""
    live.command("mv", f"/usr/sbin/{program}", f"/usr/sbin/{program}.real")
    live.write(f"/usr/sbin/{program}", f"#!/bin/sh\n{body}\n")
    live.command("chmod", "0755", f"/usr/sbin/{program}")


def mended(live, program):
    live.command("mv", f"/usr/sbin/{program}.real", f"/usr/sbin/{program}")


def watched(live, old, new):
    live.write("/srv/watch.py", WATCH.replace("ORDER", repr((old, new))))
    live.command("systemd-run", "--quiet", "--unit=watch", "-p", "StandardOutput=file:/srv/watch.log", "python3", "/srv/watch.py")


def looks(live):
    """End the watch; return how often it looked and when it found no rules."""
    live.command("systemctl", "stop", "watch")
    lines = live.command("cat", "/srv/watch.log").splitlines()
    return len([line for line in lines if line.startswith("look")]), [line for line in lines if line.startswith("no rules")]


def test_rules_are_carried_and_come_back(host):
    filtering(host)
    watched(host, "nft", "legacy")
    foretold = legacy(host, check=True)
    done = legacy(host)
    assert done["changed"], done
    assert [step["kind"] for step in foretold["actions"]] == [step["kind"] for step in done["actions"]]
    assert "(legacy)" in backend(host)
    assert (saved(host, "legacy"), saved(host, "nft")) == (WANTED, NOTHING)
    assert "[7:420] -A INPUT -p tcp" in host.command("iptables-legacy-save", "--counters")
    count, gaps = looks(host)
    assert count > 3 and gaps == []
    assert legacy(host)["changed"] is False
    assert host.command("find", "/var/lib/centos-hyperscale/rulesets", "-perm", "/077") == ""

    watched(host, "legacy", "nft")
    undone = host.module("converge", {"state": "undone"})
    assert undone["changed"], undone
    count, gaps = looks(host)
    assert count > 3 and gaps == []
    assert saved(host, "nft") == WANTED
    assert "(nf_tables)" in backend(host)
    assert "auto" in host.command("alternatives", "--list").split("iptables")[1]
    assert hosts.command(host.host, ["rpm", "-q", "iptables-legacy"]).returncode != 0


def test_the_way_back_by_wish_carries_before_the_package_goes(host9):
    filtering(host9)
    assert legacy(host9)["changed"]
    back = {
        "packages": [{"names": ["iptables-nft"], "to": "stock", "erase": ["iptables-legacy"]}],
        "rulesets": [{"backend": "nft"}], "alternatives": NFT}
    result = host9.converge(**back)
    kinds = [step["kind"] for step in result["actions"]]
    assert kinds == ["ruleset-carry", "alternative", "ruleset-clear", "transaction"], result
    assert saved(host9, "nft") == WANTED and "(nf_tables)" in backend(host9)
    assert chains(kept(host9, "ip6.legacy")) == WANTED["ip6tables"]
    assert host9.converge(**back)["changed"] is False


def test_what_the_new_backend_does_not_take_is_found_before_any_change(host9, refused):
    filtering(host9)
    assert host9.converge(repositories=[repositories()], packages=PACKAGES)["changed"]
    fault(host9, "ip6tables-legacy-restore", "echo 'no such match' >&2; exit 2")
    refused(host9, lambda: legacy(host9), "ip6tables-legacy-restore would not take", "no such match")
    assert (saved(host9, "nft"), saved(host9, "legacy")) == (WANTED, NOTHING)


def test_what_the_new_package_does_not_take_leaves_the_old_rules_alone(host9):
    filtering(host9)
    host9.write("/etc/systemd/system/iptables.service", "[Service]\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n")
    host9.command("systemctl", "enable", "iptables.service")
    host9.command("mkdir", "-p", "/etc/sysconfig")
    host9.write("/etc/sysconfig/iptables", "*filter\n-A INPUT -m nosuch -j ACCEPT\nCOMMIT\n")
    result = legacy(host9)
    assert "at boot" in result["msg"] and "/etc/sysconfig/iptables" in result["msg"], result["msg"]
    assert (saved(host9, "nft"), saved(host9, "legacy")) == (WANTED, NOTHING)
    assert "(nf_tables)" in backend(host9)


def test_a_restore_that_fails_half_way_is_taken_back(host9):
    filtering(host9)
    assert host9.converge(repositories=[repositories()], packages=PACKAGES)["changed"]
    fault(host9, "ip6tables-legacy-restore", (
        'case "$*" in *--test*) exec xtables-legacy-multi ip6tables-legacy-restore "$@";; esac\n'
        "echo 'out of memory' >&2; exit 4"))
    result = legacy(host9)
    assert "out of memory" in result["msg"], result
    assert (saved(host9, "nft"), saved(host9, "legacy")) == (WANTED, NOTHING)
    assert "(nf_tables)" in backend(host9)
    mended(host9, "ip6tables-legacy-restore")
    assert legacy(host9)["changed"]
    assert (saved(host9, "legacy"), saved(host9, "nft")) == (WANTED, NOTHING)


def test_a_run_killed_between_restore_and_flush_is_finished_by_the_next(host):
    filtering(host)
    assert host.converge(repositories=[repositories()], packages=PACKAGES)["changed"]
    watched(host, "nft", "legacy")
    # The flush of the old backend is the first that nft's restore is called for.
    fault(host, "iptables-nft-restore", (
        'case "$*" in *-V*) exec xtables-nft-multi iptables-nft-restore "$@";; esac\n'
        'kill -9 "$PPID"'))
    argv = host.arguments("converge", {
        "repositories": [repositories()], "packages": PACKAGES, "rulesets": [{"backend": "legacy"}], "alternatives": LEGACY})
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TREE, check=False)
    mended(host, "iptables-nft-restore")
    assert (saved(host, "legacy"), saved(host, "nft")) == (WANTED, WANTED)
    result = legacy(host)
    assert result["interrupted"]["step"].startswith("ruleset-clear"), result
    assert [step["kind"] for step in result["actions"]] == ["ruleset-clear"]
    assert (saved(host, "legacy"), saved(host, "nft")) == (WANTED, NOTHING)
    count, gaps = looks(host)
    assert count > 3 and gaps == []
    assert host.module("converge", {"state": "undone", "undo": ["rulesets", "alternatives"]})["changed"]
    assert (saved(host, "nft"), saved(host, "legacy")) == (WANTED, NOTHING)


def test_different_rules_in_both_backends_are_not_merged(host9, refused):
    filtering(host9)
    assert host9.converge(repositories=[repositories()], packages=PACKAGES)["changed"]
    host9.command("iptables-legacy", "-A", "INPUT", "-p", "tcp", "--dport", "25", "-j", "DROP")
    refused(host9, lambda: legacy(host9), "both have rules, and not the same", "table filter, chain INPUT", "--dport 25")


def test_services_that_filter_themselves_are_named_and_handled(host9, refused):
    filtering(host9)
    host9.command("dnf", "-y", "install", "nftables")
    host9.command("nft", "add", "table", "inet", "ours")
    host9.command("systemctl", "enable", "nftables.service")
    refused(host9, lambda: legacy(host9), "nftables.service is enabled", "nftables: stop")
    wish = {"rulesets": [{"backend": "legacy", "nftables": "keep"}], "packages": PACKAGES, "repositories": [repositories()]}
    foretold = calls.run(host9.arguments("converge", wish, check=True), TREE)
    told = foretold.stderr
    assert foretold.returncode == 0 and "nftables.service is kept" in told and "inet ours" in " ".join(told.split())
    assert legacy(host9, nftables="stop")["changed"]
    assert hosts.command(host9.host, ["systemctl", "is-enabled", "nftables.service"]).stdout.strip() == "disabled"
    assert "table inet ours" in host9.command("nft", "list", "tables")
    assert host9.module("converge", {"state": "undone"})["changed"]
    assert host9.command("systemctl", "is-enabled", "nftables.service") == "enabled"


def test_a_table_that_only_nft_can_write_is_named(host9, refused):
    filtering(host9)
    host9.command("dnf", "-y", "install", "nftables")
    host9.command("nft", "add", "set", "ip", "filter", "bad", "{ type ipv4_addr; }")
    host9.command("nft", "add", "rule", "ip", "filter", "INPUT", "ip", "saddr", "@bad", "drop")
    # What iptables-nft-save makes of it would drop everything.
    assert "-A INPUT -j DROP" in host9.command("iptables-nft-save")
    refused(host9, lambda: legacy(host9), "table filter of iptables in the nft backend", "only nft can write")
    host9.command("nft", "delete", "table", "ip", "filter")
    host9.command("nft", "add", "rule", "ip", "nat", "PREROUTING", "ct", "mark", "7", "accept")
    refused(host9, lambda: legacy(host9), "table nat of iptables in the nft backend", "only nft can write")


def test_a_kernel_without_the_module_is_refused_with_the_reason(host, refused):
    kernel_has(host, "ext4")
    says = ["has no module ip_tables", "Stay with the nft"] + ["of Stream 10 is built without it"] * (host.stream == 10)
    refused(host, lambda: legacy(host), *says)
    # Another kernel that is installed has it: that one is named.
    host.command("mkdir", "-p", "/lib/modules/6.99.0-1.hsk")
    host.write("/lib/modules/6.99.0-1.hsk/modules.dep", "kernel/net/ipv4/netfilter/ip_tables.ko.xz:\n")
    refused(host, lambda: legacy(host, check=True), "Boot 6.99.0-1.hsk, which has it")


def test_the_build_of_epel_is_taken_where_the_sig_offers_none(host9, refused):
    filtering(host9)
    assert host9.converge(repositories=[repositories()])["changed"]
    host9.command("sed", "-i", "s/^enabled=1/enabled=0/", *host9.command(
        "find", "/etc/yum.repos.d", "-iname", "*hyperscale*").split())
    wish = {"packages": PACKAGES, "rulesets": [{"backend": "legacy"}], "alternatives": LEGACY}
    assert host9.converge(**wish)["changed"]
    assert "1.8.8-6.el9.2" in host9.command("rpm", "-q", "iptables-legacy")
    assert saved(host9, "legacy") == WANTED
    # With Hyperscale's repository, what is installed is left alone.
    assert legacy(host9)["changed"] is True
    assert "1.8.8-6.el9.2" in host9.command("rpm", "-q", "iptables-legacy")
    assert host9.module("converge", {"state": "undone"})["changed"]
    # EPEL's build pins the version of the stock libraries.
    assert host9.converge(repositories=[repositories()], packages=[{"names": ["iptables-nft"]}])["changed"]
    host9.command("sed", "-i", "s/^enabled=1/enabled=0/", *host9.command(
        "find", "/etc/yum.repos.d", "-iname", "*hyperscale*").split())
    host9.command("sed", "-i", "/^.main/a excludepkgs=iptables-libs-0:1.8.8*", "/etc/dnf/dnf.conf")
    refused(host9, lambda: host9.converge(**wish), "iptables-libs = 1.8.8")
