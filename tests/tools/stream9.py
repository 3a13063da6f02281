# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of what runs on hosts, on the versions of Stream 9 itself: Python 3.9 and rpm 4.16 in a root of Debian 11.

The root has no dnf, so that tests which open dnf are skipped there and counted so.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tempfile

from steps import BIN, COLLECTIONS, LOGS, TREE, Count, failure, reported, say, step

sys.path.insert(0, str(TREE / "tests"))

from lab import common, versions  # noqa: E402

TESTS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
AT_ONCE = 2
TEST_SECONDS = 10 * 60
COLLECTION = "ansible_collections/centos/hyperscale"
UNITS, FILES = "unit tests on Python 3.9 and rpm 4.16", "package files on Python 3.9 and rpm 4.16"


def whole() -> Count:
    """Run the unit tests of what runs on hosts, and hold comparisons of package files against those made here."""
    try:
        root = versions.root()
    except common.LabError as error:
        say(f"FAILED  root with Python 3.9 and rpm 4.16\n{error}")
        return failure("root with Python 3.9 and rpm 4.16")
    found = _versions(root)
    if found != "3.9 4.16":
        say(f"FAILED  the root has Python and rpm {found}, not 3.9 4.16")
        return failure("root with Python 3.9 and rpm 4.16")
    return _units(root) + _package_files()


def _versions(root: pathlib.Path) -> str:
    """Return the versions of Python and rpm of a root, as they say themselves."""
    code = "import sys, rpm; print(*('.'.join(map(str, one)) for one in (sys.version_info[:2], rpm.__version__.split('.')[:2])))"
    done = subprocess.run(
        ["chroot", str(root), "python3", "-c", code], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()


def _units(root: pathlib.Path) -> Count:
    """Run the unit tests in the root. They see this tree, which they cannot write to."""
    report = LOGS / "stream9-units.xml"
    report.unlink(missing_ok=True)
    scratch = pathlib.Path(tempfile.mkdtemp(dir=TREE / ".cache", prefix="stream9-"))
    try:
        okay, _text = step(UNITS, versions.inside(root, scratch, {"srv/tree": TREE}, [
            "sh", "-c", 'cd "$0" && exec python3 -m pytest "$@"', f"/srv/tree/.cache/collections/{COLLECTION}", "-q",
            "-p", "no:cacheprovider", "-rs", f"--numprocesses={AT_ONCE}", f"--timeout={TEST_SECONDS}",
            "--junit-xml=/srv/report.xml", *TESTS]))
        if (scratch / "upper/srv/report.xml").exists():
            shutil.copy(scratch / "upper/srv/report.xml", report)
    finally:
        shutil.rmtree(scratch)
    if not report.exists():
        return failure(UNITS)
    count = reported(UNITS, [report])
    return count if okay else count.failing(UNITS)


def _package_files() -> Count:
    report = LOGS / "stream9-files.xml"
    report.unlink(missing_ok=True)
    okay, _text = step(FILES, [
        str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", f"--junit-xml={report}", "tests/stream9"],
        COLLECTIONS / COLLECTION)
    if not report.exists():
        return failure(FILES)
    count = reported(FILES, [report])
    return count if okay else count.failing(FILES)
