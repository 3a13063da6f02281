# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare old and new package files and print the report as JSON: for packagers and CI, on any machine with python3-rpm.

Exit status: 0 when no finding reaches the threshold, 3 when one does, 1 when the packages could not be checked.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import typing as t

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "plugins"))

CLEAN, NOT_CHECKED, FINDINGS = 0, 1, 3


class Parser(argparse.ArgumentParser):
    """Ends with 1 and not with argparse's 2: nothing was checked."""

    def error(self, message: str) -> t.NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(NOT_CHECKED)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(prog="dropin_compare.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", nargs="+", required=True, metavar="RPM", help="package files that are replaced")
    parser.add_argument("--new", nargs="+", required=True, metavar="RPM", help="package files that replace them")
    parser.add_argument(
        "--fail-on", choices=("never", "blocking", "low", "medium", "high"), default="high", help="threshold (default: high)")
    parser.add_argument("--waivers", metavar="FILE", help="JSON list of waivers, each with key, by, reason and until")
    parser.add_argument("--text", action="store_true", help="print what a person reads instead of JSON")
    return parser.parse_args()


def main() -> int:
    """Compare, print, and say by the exit status what came of it."""
    options = arguments()
    try:
        from module_utils.verify import compare, report
        from module_utils.core.errors import Refused
    except ImportError as error:
        print(f"dropin_compare.py: {error}", file=sys.stderr)
        return NOT_CHECKED
    if report.rpm is None:
        print("dropin_compare.py: this Python cannot import rpm: install python3-rpm and use /usr/bin/python3", file=sys.stderr)
        return NOT_CHECKED
    try:
        waivers = json.loads(pathlib.Path(options.waivers).read_text(encoding="utf-8")) if options.waivers else []
        found = compare.compare(options.old, options.new, waivers)
    except (Refused, OSError, ValueError) as error:
        print(f"dropin_compare.py: {error}", file=sys.stderr)
        return NOT_CHECKED
    print(report.text(found) if options.text else json.dumps(found, indent=2, sort_keys=True))
    if found["verdict"] == report.UNKNOWN:
        return NOT_CHECKED
    return FINDINGS if report.reached(found, options.fail_on) else CLEAN


if __name__ == "__main__":
    sys.exit(main())
