# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with families of alternatives, for the tests of their section: its program does what the real one does."""

from __future__ import annotations

import os
import pathlib
import sys

import yaml
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.alternatives import section

TESTS = pathlib.Path(__file__).resolve().parents[4]
sys.path[:0] = [str(TESTS), str(TESTS / "tools")]

import alternatives_cases as cases  # noqa: E402

from lab.alternatives.program import Program  # noqa: E402

FILE = """\
auto
/usr/bin/edit
edit-man
/usr/share/man/edit.1
edit-cfg
/usr/bin/edit.cfg

/usr/bin/old
@office@10 edit.service
/usr/share/man/old.1

/usr/bin/new
20

/usr/bin/new.cfg
/usr/bin/late
20


"""
ALONE = Context(9, False, [], [], [])
PACKAGES = ALONE._replace(items=[solver.Item("install", "x", "1-1", "noarch", "main", 0, 0)])
UNITS = "auto\n/usr/bin/edit\n\n/opt/a\n10 one\n/opt/b\n5 two\n/opt/c\n1 three\n"
LEFT = "/var/lib/alternatives/edit.new"
CASES = [case for case in yaml.safe_load(cases.CASES.read_text())["cases"] if case["readable"]]
ALONE = Context(9, False, [], [], [])
PACKAGES = ALONE._replace(items=[solver.Item("install", "x", "1-1", "noarch", "main", 0, 0)])
CASES = [case for case in yaml.safe_load(cases.CASES.read_text())["cases"] if case["readable"]]
LEFT = "/var/lib/alternatives/edit.new"


class Host(host_io.Target):
    """A host with the lab's alternatives, and systemd's word on which units are enabled. C(presets) are those that it enables.

    C(silent) has systemctl say nothing of a unit."""

    def __init__(self, root, units=()):
        super().__init__(self._command, str(root), root=str(root))
        self.units = dict(units)
        self.presets = set()
        self.silent = False
        self.ran = []
        self.job = "job"

    def _command(self, argv):
        self.ran.append(" ".join(argv))
        if argv[0] == "alternatives":
            status = Program(self.root, lambda call: self._command([os.path.basename(call[0]), *call[1:]])[0]).main(argv[1:])
            return status, "", ""
        words = [word for word in argv[1:] if word != "-q"]
        if argv[0] != "systemctl":
            return 127, "", ""
        verb, unit = words
        if verb == "is-enabled" and self.silent:
            return 1, "", ""
        if verb == "is-enabled":
            return int(not self.units[unit]), "enabled\n" if self.units[unit] else "disabled\n", ""
        self.units[unit] = verb == "enable" or (verb == "preset" and unit in self.presets)
        return 0, "", ""

    def held(self, path):
        return os.readlink(self.path(path))


def host_of(root, case):
    cases.lay_out(root, case)
    return Host(root, case.get("units", {}))


def planned(host, context=ALONE, **want):
    wants = [{"name": "edit", "path": None, "auto": False, **want}]
    assert section.validate(wants, 9) == []
    return section.plan(wants, section.gather(host, wants), context)


def usual(root):
    """Return a host with one family, which the priorities select."""
    host = host_of(root, {"file": FILE, "links": {"/etc/alternatives/edit": "/usr/bin/new"}})
    assert host.run(["alternatives", "--auto", "edit"]) == ""
    return host
