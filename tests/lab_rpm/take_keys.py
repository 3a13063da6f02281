# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try key files with the rpm around: run in a root, with the collection's code beside, this prints JSON.

Arguments: a folder of key files, a folder of packages, each NAME.rpm signed by the key NAME.asc beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, "/srv/plugins")

from module_utils.core.errors import Refused  # noqa: E402
from module_utils.packages import keys  # noqa: E402
from module_utils.tables.keys import HYPERSCALE_KEY  # noqa: E402


def rpm(database, *argv):
    """Run rpm or rpmkeys on a database of its own; return its status and what it printed."""
    done = subprocess.run(
        [argv[0], "--dbpath", database, *argv[1:]], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, env=dict(os.environ, LC_ALL="C"))
    return done.returncode, done.stdout.decode("utf-8", "replace")


def imported(path):
    """Import a file as it is; return rpm's status, its words, and the fingerprints that its database has then."""
    with tempfile.TemporaryDirectory() as database:
        status, said = rpm(database, "rpmkeys", "--import", path)
        known = keys.in_rpm(lambda argv: rpm(database, *argv))
    return {"status": status, "said": said, "known": sorted(entry.key.fingerprint for entry in known)}


def of_file(path, scratch):
    """Return what our reader finds in a file and what rpm says of each key, and what rpm makes of the file itself."""
    with open(path, "rb") as handle:
        data = handle.read()
    found = keys.read(data)
    result = {
        "faults": found.faults, "file": imported(path),
        "keys": [
            {"fingerprint": key.fingerprint, "version": key.version, "user": key.user_id,
             "refusal": keys.refusal(key.armoured(), scratch)} for key in found.keys]}
    try:
        taken = os.path.join(scratch, "pinned.asc")
        with open(taken, "w", encoding="ascii") as handle:
            handle.write(keys.pinned([keys.Source(path, data)], HYPERSCALE_KEY.fingerprint))
        result["pinned"] = imported(taken)
    except Refused as refused:
        result["refused"] = str(refused)
    return result


def of_package(path, scratch):
    """Return why a package is refused that is held against the key beside it; empty when it is not."""
    with open(path[:-len("rpm")] + "asc", "rb") as handle:
        found = keys.read(handle.read())
    try:
        keys.check_packages(
            {path: "a-1-1.noarch"}, keys.Ring([key.armoured() for key in found.keys], ["file:///key"], []), "repo", scratch)
    except Refused as refused:
        return str(refused)
    return ""


def main():
    """Try all files of both folders."""
    files, packages = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps({
            "rpm": rpm(scratch, "rpm", "--version")[1].split()[-1],
            "python": ".".join(map(str, sys.version_info[:2])),
            "files": {name: of_file(os.path.join(files, name), scratch) for name in sorted(os.listdir(files))},
            "packages": {
                name: of_package(os.path.join(packages, name), scratch)
                for name in sorted(os.listdir(packages)) if name.endswith(".rpm")},
        }))


if __name__ == "__main__":
    main()
