# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the packages of repositories against their keys with the dnf and the rpm around: run in a root, this prints JSON.

Argument: a folder with a repository for each NAME and its key NAME.asc. The package database of the root is changed.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, "/srv/plugins")

import dnf  # noqa: E402

from module_utils.core.errors import Refused  # noqa: E402
from module_utils.packages import keys, rings  # noqa: E402


def held(folder, name, gpgkey, scratch):
    """Return why the package of a repository with this option is refused; empty when it is not."""
    base = dnf.Base()
    base.conf.plugins = False
    base.conf.cachedir = scratch
    base.conf.reposdir = [scratch]
    with open(f"{scratch}/{name}.repo", "w", encoding="ascii") as handle:
        handle.write(f"[{name}]\nname={name}\nbaseurl=file://{folder}/{name}\ngpgcheck=1\ngpgkey={', '.join(gpgkey)}\n")
    base.read_all_repos()
    for repo in base.repos.all():
        (repo.enable if repo.id == name else repo.disable)()
    base.fill_sack(load_system_repo=False)
    (package,) = base.sack.query().available()
    try:
        keys.check_packages({package.localPkg(): str(package)}, rings.ring_of(base, [], name), name, scratch)
    except Refused as refused:
        return str(refused)
    finally:
        base.close()
    return ""


def main():
    """Try each case, the last ones with a key in the package database."""
    folder = pathlib.Path(sys.argv[1])
    address = {path.stem: f"file://{path}" for path in folder.glob("*.asc")}
    missing = f"file://{folder}/missing"
    cases = {
        "its key": ("sha512", [address["sha512"]]), "the second address": ("sha512", [missing, address["sha512"]]),
        "beside others": ("sha512", [address["several"]]), "another key": ("sha512", [address["sha1"]]),
        "no key": ("sha512", []), "missing": ("sha512", [missing]), "refused": ("sha1", [address["sha1"]])}
    with tempfile.TemporaryDirectory() as scratch:
        said = {case: held(folder, *given, scratch) for case, given in cases.items()}
        subprocess.run(["rpmkeys", "--import", str(folder / "sha512.asc")], check=True)
        for case in ("no key", "missing", "another key"):
            said[f"{case}, known to rpm"] = held(folder, *cases[case], scratch)
        said["no key, another known to rpm"] = held(folder, "sha1", [], scratch)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
