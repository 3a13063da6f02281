# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dnf logs, with the accounts of addresses in it, is not written to standard error, which Ansible and the journal keep."""

from __future__ import annotations

import logging
import types

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import dnf_base

SAID = "Errors during downloading metadata for repository 'x': http://joe:hunter2@mirror.example.com/"


class Ended(Exception):
    """dnf is not needed any further."""


@pytest.mark.parametrize("opened", [False, True])
def test_what_dnf_logs_reaches_no_output(monkeypatch, capsys, opened):
    def base():
        raise Ended

    # As in a module: nobody handles what is logged.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger("dnf"), "handlers", [])
    monkeypatch.setattr(dnf_base, "dnf", types.SimpleNamespace(Base=base))
    if opened:
        with pytest.raises(Ended):
            dnf_base.open_base([], "/nowhere", dnf_base.Settings(None, False, False))
    logging.getLogger("dnf").warning(SAID)
    assert ("hunter2" in capsys.readouterr().err) is not opened
