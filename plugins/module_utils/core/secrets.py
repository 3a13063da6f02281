# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that this process has met by name, and text without them and without what looks like one.

What is learned here is masked in everything that the process says from then on, also where it stands without its name.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from ..text import masking

_KNOWN: set[str] = set()


def learn(name: str, value: str | None) -> None:
    """Take what is secret of a named value for a secret wherever it stands: a password, or the account in an address."""
    for secret in masking.values_of(name, value or ""):
        _KNOWN.update(
            spelling for spelling in (secret, urllib.parse.quote(secret, safe=""), urllib.parse.unquote(secret))
            if len(spelling) >= masking.SHORTEST)


def learn_all(values: t.Any) -> None:
    """Learn what is secret in plain data, such as the options of a module."""
    if isinstance(values, t.Mapping):
        for name, value in values.items():
            if isinstance(value, str):
                learn(str(name), value)
            else:
                learn_all(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            learn_all({"": value} if isinstance(value, str) else value)


def masked(text: str) -> str:
    """Return a text without the secrets in it."""
    return masking.masked(text, _KNOWN)


def shown(value: t.Any) -> t.Any:
    """Return plain data without the secrets in it."""
    return masking.shown(value, _KNOWN)
