# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rpm had unpacked when it was cut goes; what only has such a name stays."""

from __future__ import annotations

import os
import time
import types

from ansible_collections.centos.hyperscale.plugins.module_utils.packages import repair


def test_only_what_the_cut_transaction_unpacked_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(repair, "rpm", types.SimpleNamespace(files=lambda header: header))
    began = time.time() - 60
    entries = [types.SimpleNamespace(name=str(tmp_path / "logind.conf"))]
    mine = f"logind.conf;{int(began) + 5:08x}"
    others = [
        "logind.conf;a1b2c3d4", f"logind.conf;{int(began) - 500:08x}", f"other.conf;{int(began) + 5:08x}", "logind.conf;0000002a",
        f"logind.conf;{int(began) + 5:08x}.bak"]
    for name in (mine, *others):
        (tmp_path / name).write_text("x")
    (tmp_path / f"logind.conf;{int(began) + 6:08x}").mkdir()
    repair._clear_litter([entries], began)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, f"logind.conf;{int(began) + 6:08x}"])


def test_a_file_that_was_there_before_the_transaction_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(repair, "rpm", types.SimpleNamespace(files=lambda header: header))
    # Its name happens to hold a time that is to come.
    began = time.time() + 100
    name = f"logind.conf;{int(began) + 1:08x}"
    (tmp_path / name).write_text("x")
    monkeypatch.setattr(repair.time, "time", lambda: began + 60)
    repair._clear_litter([[types.SimpleNamespace(name=str(tmp_path / "logind.conf"))]], began)
    assert os.listdir(tmp_path) == [name]
