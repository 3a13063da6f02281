# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print as JSON what a cut must not harm: packages, why they are there, configuration, units, and no rests of anything.

Runs on the host with nothing but what the host has. Its arguments are the places to look at; what is in those after C(--) is
not looked at, only what they are.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import re
import stat
import subprocess
import sys

import dnf

# Temporary names of rpm, and of files that the collection writes.
REST = re.compile(r"(;[0-9a-f]{8}$)|(^\.hyperscale-)")


def output(*argv):
    """Return the lines of a command, whatever its status."""
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.splitlines()


def described(path, renewed):
    """Return what a path holds, in words that compare."""
    info = os.lstat(path)
    words = f"{info.st_mode:o} {info.st_uid}:{info.st_gid}"
    if stat.S_ISLNK(info.st_mode):
        return f"{words} to {os.readlink(path)}"
    if stat.S_ISREG(info.st_mode) and path not in renewed:
        with open(path, "rb") as handle:
            return f"{words} {hashlib.sha256(handle.read()).hexdigest()[:12]}"
    return words


def below(top):
    """Yield every path below a folder, and a file itself."""
    if os.path.isfile(top):
        yield top
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            yield os.path.join(folder, name)


def reasons():
    """Return why each package is there, as dnf keeps it."""
    with dnf.Base() as base:
        base.fill_sack(load_system_repo=True, load_available_repos=False)
        return {f"{package.name}.{package.arch}": package.reason for package in base.sack.query().installed()}


def look(places, renewed):
    """Return all of it."""
    names = output("rpm", "-qa", "--qf", "%{name}.%{arch}\n")
    enabled = [line.split()[:2] for line in output("systemctl", "list-unit-files", "--no-legend", "--no-pager")]
    return {
        "packages": sorted(output("rpm", "-qa", "--qf", "%{nevra}\n")),
        "reasons": reasons(),
        "twice": sorted(
            name for name, count in collections.Counter(names).items() if count > 1 and not name.startswith("gpg-pubkey.")),
        "verify": sorted(output("rpm", "-Va", "--nodeps")),
        "rests": sorted(path for top in ("/usr", "/etc", "/boot") for path in below(top) if REST.search(os.path.basename(path))),
        "configuration": {path: described(path, renewed) for top in places for path in below(top)},
        "units": {name: state for name, state in enabled if state != "transient"},
        "failed": [line.split()[0] for line in output("systemctl", "--failed", "--plain", "--no-legend")],
        "manager": output("systemctl", "show", "--property=Version", "--value"),
        "checked": output("dnf", "-q", "-C", "check"),
    }


if __name__ == "__main__":
    separator = sys.argv.index("--")
    print(json.dumps(look(sys.argv[1:separator], sys.argv[separator + 1:])))
