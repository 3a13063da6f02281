# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole adoption of repos and systemd on a machine whose /tmp is a plain folder that programs use.

The newest build of systemd links tmp.mount into local-fs.target.wants. As soon as any service is started after that build
runs as PID 1, a tmpfs is mounted over /tmp. Containers do not show it, because podman mounts a tmpfs on /tmp itself.

Each test goes on where the one before it ended, with a stock host unless it says otherwise.
"""

from __future__ import annotations

import json

import pytest
from lab import hosts

ROLES = ["repos", "systemd"]
STOCK, NEW = "systemd-252-", ".hs."
MOUNT = "tmp.mount"
MASK = "systemctl mask tmp.mount"
# A program of the admin: it has files and a socket in /tmp, keeps one of them open, and answers with what is in it.
SHOP = """\
import pathlib, socket
folder = pathlib.Path("/tmp/shop")
folder.mkdir(exist_ok=True)
(folder / "socket").unlink(missing_ok=True)
with socket.socket(socket.AF_UNIX) as server, open(folder / "orders", "w+") as orders:
    orders.write("3 orders")
    orders.flush()
    server.bind("/tmp/shop/socket")
    server.listen()
    while True:
        client = server.accept()[0]
        with client:
            client.sendall((folder / "orders").read_bytes())
"""
SHOP_UNIT = """\
[Service]
ExecStart=/usr/bin/python3 /usr/local/sbin/shop
[Install]
WantedBy=multi-user.target
"""
ASK = "import socket; shop = socket.socket(socket.AF_UNIX); shop.connect('/tmp/shop/socket'); print(shop.recv(100).decode())"
# Removes what Ansible has in /tmp, once, while a package transaction runs: what a cleaner of /tmp does at any time.
SWEEP = """\
until grep -qs '"phase": "running"' /var/lib/centos-hyperscale/runs/*/status.json; do sleep 0.2; done
rm -rf /tmp/ansible* /tmp/.ansible
"""
# What a package can start by bringing it, other than services that others ask for.
ACTIVATED = "mount,automount,socket,timer,path,swap"
# Devices, sessions and services come with mounts of their own, which no package brings.
OF_OTHERS = ("run-", "dev-", "-.mount")
BELOW_TMP = {"ANSIBLE_REMOTE_TMP": "/tmp/.ansible"}


def mounted(machine):
    """Return the mount point that /tmp lies on."""
    return machine.command("findmnt", "--noheadings", "--output", "TARGET", "--target", "/tmp")


def in_use(machine):
    """Assert that the admin's files in /tmp are where programs look for them, and that the program answers."""
    assert mounted(machine) == "/"
    assert machine.read("/tmp/notes.txt") == "mine"
    assert machine.command("python3", "-c", ASK) == "3 orders"


def active(machine):
    """Return the active units of the kinds that a package can start by bringing them."""
    lines = machine.command(
        "systemctl", "list-units", f"--type={ACTIVATED}", "--state=active", "--plain", "--no-legend", "--no-pager").splitlines()
    return {line.split()[0] for line in lines if not line.startswith(OF_OTHERS)}


def report(folder, machine, name):
    """Return the report of that name, as the controller keeps it."""
    return json.loads((folder / f"{machine.name}.{name}.json").read_text())


def about(findings, name):
    """Return the findings about a unit."""
    return [finding for finding in findings if finding["subject"]["name"] == name]


def adopt(machine, folder, settings=None, **variables):
    """Adopt without a reboot, and return the status and what was printed."""
    return machine.play("adopt", {"hyperscale_adopt": ROLES, "hyperscale_reports": str(folder), **variables}, settings)


def go_back(machine, folder, settings=None):
    """Roll back, and return the status and what was printed."""
    return machine.play("rollback", {"hyperscale_reports": str(folder)}, settings)


@pytest.fixture(name="stock", scope="module")
def fixture_stock(machine):
    """The machine as an admin left it: a program with files and a socket in /tmp, and a note. Also what was active then."""
    machine.write("/usr/local/sbin/shop", SHOP)
    machine.write("/etc/systemd/system/shop.service", SHOP_UNIT)
    machine.write("/tmp/notes.txt", "mine")
    machine.command("systemctl", "enable", "--now", "shop.service")
    return {"active": active(machine), "systemd": machine.command("rpm", "-q", "systemd")}


@pytest.fixture(name="leaves_stock")
def fixture_leaves_stock(machine, stock, tmp_path):
    """Have a host that is stock again after a test that adopts, whatever became of it."""
    yield tmp_path
    if NEW in machine.command("rpm", "-q", "systemd"):
        go_back(machine, tmp_path)
    while mounted(machine) == "/tmp":
        machine.command("umount", "--lazy", "/tmp")
    assert machine.command("rpm", "-q", "systemd") == stock["systemd"]
    in_use(machine)


def test_tmp_is_a_plain_folder_in_use(machine, stock):
    assert stock["systemd"].startswith(STOCK)
    assert MOUNT not in stock["active"]
    in_use(machine)
    pid = machine.command("systemctl", "show", "--value", "--property=MainPID", "shop.service")
    assert "/tmp/shop/orders" in machine.command("sh", "-c", f"readlink /proc/{pid}/fd/*")


def test_the_prediction_names_the_mount(machine, stock, tmp_path):
    status, _said = machine.play("preflight", {"hyperscale_adopt": ROLES, "hyperscale_reports": str(tmp_path)})
    assert status == 0
    predicted = report(tmp_path, machine, "prediction")
    found = about(predicted["findings"], MOUNT)
    assert len(found) == 1, f"{MOUNT} is not among what was predicted"
    finding = found[0]
    assert finding["blocking"] and predicted["verdict"] == "not_drop_in"
    assert "/tmp" in finding["diagnosis"]
    assert any(MASK in remedy["content"] for remedy in finding["remediations"])
    # Who has something there, so that the admin knows what would be hidden.
    assert any(one["name"].startswith("/tmp") or "shop" in one["name"] for one in finding["consumers"])
    in_use(machine)


def test_adopt_stops_before_it_changes_anything(machine, leaves_stock):
    before = machine.fingerprint()
    status, said = adopt(machine, leaves_stock)
    assert status != 0
    assert "Nothing was changed." in said and MASK in said
    assert set(machine.fingerprint()) == set(before)
    in_use(machine)


@pytest.mark.parametrize("settings", [{}, BELOW_TMP], ids=["default", "below_tmp"])
def test_a_mount_that_was_accepted_costs_no_result(machine, leaves_stock, settings):
    """The run goes on although the finding blocks. The mount hides the files of the very module that causes it."""
    status, said = adopt(machine, leaves_stock, settings, hyperscale_fail_on="never")
    assert mounted(machine) == "/tmp" and NEW in machine.command("rpm", "-q", "systemd")
    assert status == 0 and "failed=0" in said
    proof = report(leaves_stock, machine, "proof")
    assert about(proof["findings"], MOUNT) and proof["joined"]["not_predicted"] == []
    status, _said = go_back(machine, leaves_stock, settings)
    assert machine.command("rpm", "-q", "systemd").startswith(STOCK)
    # Files that were written to the tmpfs since are nobody's to remove: it stays mounted, and the way back is told.
    assert mounted(machine) == "/" or (about(report(leaves_stock, machine, "rollback")["findings"], MOUNT) and status != 0)


def test_files_that_a_cleaner_removes_cost_no_result(machine, leaves_stock):
    machine.command("systemctl", "mask", MOUNT)
    machine.write("/usr/local/sbin/sweep", SWEEP)
    # Not a unit: the proof would miss one that ends.
    machine.command("sh", "-c", "setsid sh /usr/local/sbin/sweep < /dev/null > /dev/null 2>&1 &")
    status, said = adopt(machine, leaves_stock, {**BELOW_TMP, "ANSIBLE_PIPELINING": "1"})
    assert status == 0 and "failed=0" in said
    in_use(machine)


def test_a_masked_mount_lets_the_adoption_pass(machine, stock, tmp_path):
    """The remedy is followed. The machine stays adopted."""
    machine.command("systemctl", "mask", MOUNT)
    status, said = adopt(machine, tmp_path)
    assert status == 0 and "failed=0" in said
    assert NEW in machine.command("rpm", "-q", "systemd")
    assert not any(finding["blocking"] for finding in report(tmp_path, machine, "prediction")["findings"])
    proof = report(tmp_path, machine, "proof")
    assert proof["verdict"] != "not_drop_in" and proof["joined"]["not_predicted"] == []
    in_use(machine)
    stock["predicted"] = {finding["subject"]["name"] for finding in report(tmp_path, machine, "prediction")["findings"]}


def test_all_that_the_next_boot_activates_was_named(machine, stock):
    """The machine is adopted. A boot starts what no start of a service has started before."""
    before = machine.boot_id()
    hosts.command(machine.host, ["systemctl", "reboot"])
    machine.wait_for_boot(before)
    in_use(machine)
    newly = active(machine) - stock["active"]
    assert newly, "this build activates nothing anew, so the test shows nothing"
    assert newly - stock["predicted"] == set()


def test_the_way_back_after_the_mask(machine, stock, tmp_path):
    status, said = go_back(machine, tmp_path)
    assert status == 0 and "failed=0" in said
    assert machine.command("rpm", "-q", "systemd") == stock["systemd"]
    assert machine.command("readlink", f"/etc/systemd/system/{MOUNT}") == "/dev/null"
    in_use(machine)
