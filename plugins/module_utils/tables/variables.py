# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of which role sets an option that a remedy names.

A remedy names an option in single quotes, alone as in C('erase') or with its value as in C('try_once: false'). An option of a
section that the problem's code is not of has that section before it, as in C('repositories.flavours').
"""

from __future__ import annotations

# A section and an option of its wishes, or no section and an option of the module.
Option = tuple[str, str]

MODULE = ""
CONVERGE, LEDGER = "converge", "ledger"

# By role, and the playbook that ends the ledger. Role converge is the way that all of them go.
VARIABLES: dict[str, dict[Option, str]] = {
    CONVERGE: {(MODULE, "way_back"): "hyperscale_way_back"},
    LEDGER: {("packages", "erase"): "hyperscale_ledger_erase", (MODULE, "state"): "hyperscale_ledger"},
    "cgroup2": {
        ("boot", "args_absent"): "hyperscale_cgroup2_args_absent",
        ("cgroup2", "accept"): "hyperscale_cgroup2_accept",
    },
    "iptables_legacy": {
        ("rulesets", "firewalld"): "hyperscale_iptables_legacy_firewalld",
        ("rulesets", "nftables"): "hyperscale_iptables_legacy_nftables",
    },
    "kernel": {
        ("boot", "args"): "hyperscale_kernel_args",
        ("boot", "args_absent"): "hyperscale_kernel_args_absent",
        ("boot", "retry"): "hyperscale_kernel_retry",
        ("boot", "try_once"): "hyperscale_kernel_try_once",
    },
    "networkd": {
        ("network", "confirm_seconds"): "hyperscale_networkd_confirm_seconds",
        ("network", "unmanaged"): "hyperscale_networkd_unmanaged",
        ("network", "without"): "hyperscale_networkd_without",
        ("packages", "erase"): "hyperscale_networkd_erase",
    },
    "oomd": {("oomd", "conflicting"): "hyperscale_oomd_conflicting"},
    "packages": {
        ("packages", "erase"): "hyperscale_packages_erase",
        ("selinux", "during"): "hyperscale_packages_selinux",
    },
    "repos": {
        ("repositories", "crb"): "hyperscale_repos_crb",
        ("repositories", "flavours"): "hyperscale_repos_flavours",
        ("repositories", "method"): "hyperscale_repos_method",
    },
    "rpm_cow": {
        ("cow", "accept_rpmdb_move"): "hyperscale_rpm_cow_accept_rpmdb_move",
        ("packages", "erase"): "hyperscale_rpm_cow_erase",
    },
    "systemd": {
        ("packages", "erase"): "hyperscale_systemd_erase",
        ("selinux", "during"): "hyperscale_systemd_selinux",
    },
}

# The section that a problem or a finding is of, by the first part of its code, where the two differ.
SECTION_OF_AREA = {
    "build": "packages", "dependent": "packages", "file": "files", "kernel_module": "modules", "lock": "locks",
    "package": "packages", "protected": "packages", "repository": "repositories", "transaction": "packages", "unit": "units",
}
