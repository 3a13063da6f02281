# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own table of the places that a swap can change, for tests that run without Ansible's loader."""

from __future__ import annotations

import importlib.util
import pathlib

_PATH = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "tables" / "places.py"
_SPEC = importlib.util.spec_from_file_location("hyperscale_places", _PATH)
places = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(places)
