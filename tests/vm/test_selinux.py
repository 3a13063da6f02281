# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swap of systemd on machines on which SELinux enforces, there and back, by both settings of the role.

The policy is Debian's, older than the builds that come; C(hyperscale.cil) allows what these ask for besides. Each test goes on
where the one before it ended. The judges are the kernel, restorecon and ps.
"""

from __future__ import annotations

import json
import pathlib

import pytest
from lab import disks

pytestmark = pytest.mark.parametrize("machine", [
    pytest.param((9, disks.Kind("ext4", True)), id="stream9-ext4"),
    pytest.param((10, disks.Kind("xfs", True)), id="stream10-xfs"),
], indirect=True, scope="module")

MODULE = pathlib.Path(__file__).resolve().parents[1] / "lab" / "guest" / "hyperscale.cil"
# What Debian's policy denies besides: to the very command that installs that module, and to the builds.
BESIDES = """
(allow semanage_t filesystem_type (filesystem (getattr)))
(allow semanage_t file_context_t (file (relabelfrom)))
(allow semanage_t policy_config_t (file (relabelfrom)))
(allow semanage_t selinux_config_t (file (relabelfrom)))
(allow semanage_t semanage_store_t (dir (relabelfrom)))
(allow semanage_t semanage_store_t (file (relabelfrom)))
(allow systemd_tmpfiles_t init_runtime_t (sock_file (getattr)))
(allow systemd_tmpfiles_t syslogd_runtime_t (sock_file (getattr)))
(allow systemd_user_runtime_dir_t systemd_userdbd_runtime_t (dir (getattr open read search)))
(allow syslogd_t tmpfs_t (dir (getattr open read search)))
"""
ROLES = ["repos", "systemd"]
DAEMONS = ("systemd-journald.service", "systemd-logind.service", "systemd-udevd.service", "dbus.service", "ssh.service")
# Where the collection and the packages of the swap write. Labels of files that programs made before are as they were.
WRITTEN = ("/etc/systemd", "/etc/yum.repos.d", "/etc/pki", "/usr/lib/systemd", "/usr/bin", "/var/lib/centos-hyperscale")


def domains(machine):
    """Return the SELinux type of each daemon's main process, as ps tells it."""
    found = {}
    for unit in DAEMONS:
        pid = machine.command("systemctl", "show", "--value", "--property=MainPID", unit)
        found[unit] = machine.command("ps", "-o", "label=", "-p", pid).split(":")[2]
    return found


def mislabelled(machine):
    """Return what restorecon would label in another way."""
    return sorted(machine.command("restorecon", "-nRv", *filter(machine.has, WRITTEN)).splitlines())


def report(folder, machine, name):
    """Return the report of that name, as the controller keeps it."""
    return json.loads((folder / f"{machine.name}.{name}.json").read_text())


def adopt(machine, folder, **variables):
    """Adopt without a reboot and return the status and what was printed."""
    return machine.play("adopt", {"hyperscale_adopt": ROLES, "hyperscale_reports": str(folder), **variables})


@pytest.fixture(name="stock", scope="module")
def fixture_stock(machine):
    """What the machine is before: an admin keeps /tmp as a plain folder where it is one."""
    if machine.attempt("findmnt", "/tmp").returncode:
        machine.command("systemctl", "mask", "tmp.mount")
    return {"systemd": machine.command("rpm", "-q", "systemd"), "domains": domains(machine), "labels": mislabelled(machine)}


def test_it_enforces(machine, stock):
    assert machine.command("getenforce") == "Enforcing"
    assert stock["domains"]["systemd-journald.service"] == "syslogd_t"


def test_what_the_policy_forbids_is_named(machine, stock, tmp_path):
    """The policy is older than the builds: the run stops, at a daemon that cannot start or at the proof, and says why."""
    status, said = adopt(machine, tmp_path)
    assert status != 0 and "SELinux denied" in said and "systemd_logind_t" in said
    assert machine.command("getenforce") == "Enforcing"


def test_with_a_policy_that_fits_the_run_goes_on(machine, stock, tmp_path):
    machine.write("/var/tmp/hyperscale.cil", MODULE.read_text() + BESIDES)
    machine.command("semodule", "--install", "/var/tmp/hyperscale.cil")
    # What could not be started without it is, as the report advises. What was denied before is no loss any more.
    for line in machine.command("systemctl", "list-units", "--failed", "--plain", "--no-legend").splitlines():
        machine.command("systemctl", "restart", line.split()[0])
    status, said = adopt(machine, tmp_path)
    assert status == 0 and "failed=0" in said
    assert ".hs." in machine.command("rpm", "-q", "systemd") and machine.command("getenforce") == "Enforcing"
    assert mislabelled(machine) == stock["labels"] and domains(machine) == stock["domains"]


def test_after_a_boot_all_daemons_run_where_they_did(machine, stock, tmp_path):
    machine.reboot()
    assert machine.command("getenforce") == "Enforcing"
    assert domains(machine) == stock["domains"]
    status, said = machine.play("verify", {"hyperscale_adopt": ROLES, "hyperscale_reports": str(tmp_path)})
    assert status == 0 and "changed=0" in said


def test_the_way_back_counts_only_what_was_denied_since(machine, stock, tmp_path):
    status, said = machine.play("rollback", {"hyperscale_reports": str(tmp_path)})
    assert status == 0 and "failed=0" in said
    assert machine.command("rpm", "-q", "systemd") == stock["systemd"]
    assert mislabelled(machine) == stock["labels"] and domains(machine) == stock["domains"]


def test_permissive_lets_through_tells_and_ends(machine, stock, tmp_path):
    """Without the module, and with the setting: nothing is denied in the swap, what would have been is told."""
    machine.command("semodule", "--remove", "hyperscale")
    status, said = adopt(machine, tmp_path, hyperscale_systemd_selinux="permissive", hyperscale_prove_fail_on="high")
    assert status == 0 and "SELinux would have denied" in said
    assert machine.command("getenforce") == "Enforcing"
    denied = [finding for finding in report(tmp_path, machine, "proof")["findings"] if finding["check"] == "selinux.denied"]
    assert denied and all("let through" in finding["diagnosis"] for finding in denied if not finding["baseline"])
