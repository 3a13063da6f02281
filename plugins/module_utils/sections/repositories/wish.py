# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be wished of repositories, and what is wrong with a wish itself."""

from __future__ import annotations

import typing as t
import urllib.parse

from ...core.errors import Problem
from ...packages import keys
from ...tables.flavours import FLAVOURS
from ...tables.keys import HYPERSCALE_KEY

OPTIONS: dict[str, t.Any] = {
    "flavours": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "method": {"type": "str", "choices": ["release_package", "definition"], "default": "release_package"},
    "enabled": {"type": "str", "choices": ["always", "per_transaction"], "default": "always"},
    "testing": {"type": "bool", "default": False},
    "baseurl": {"type": "str"},
    "metalink": {"type": "str"},
    "proxy": {"type": "str"},
    "sslcacert": {"type": "path"},
    "sslclientcert": {"type": "path"},
    "sslclientkey": {"type": "path", "no_log": False},
    "key": {"type": "str", "no_log": False},
    "key_fingerprint": {"type": "str", "default": HYPERSCALE_KEY.fingerprint, "no_log": False},
    "settings": {"type": "dict", "default": {}},
    "epel": {"type": "bool", "default": True},
    "crb": {"type": "bool", "default": True},
}

# What may be set of one flavour's repository, and how it is written into the .repo file.
SETTINGS = ("priority", "cost", "includepkgs", "excludepkgs")
ADDRESS_SCHEMES = ("https", "http", "file", "ftp")


def validate(wants: t.Sequence[dict[str, t.Any]], stream: int) -> list[Problem]:
    """Return what is wrong with the wish itself, or with wishing it on this stream."""
    problems = []
    for want in wants:
        for name in want["flavours"]:
            if name not in FLAVOURS:
                problems.append(Problem(
                    "repository.flavour",
                    f"flavour {name!r}", "the SIG has no repository of that name", f"Choose of: {', '.join(sorted(FLAVOURS))}",
                    subject=name))
            elif stream not in FLAVOURS[name].streams:
                has = " and ".join(str(number) for number in FLAVOURS[name].streams)
                problems.append(Problem(
                    "repository.flavour_of_other_stream",
                    f"flavour {name} on CentOS Stream {stream}", f"the SIG publishes it for Stream {has} only",
                    "Leave it out for hosts of this stream", subject=name))
        problems.extend(_address_problems(want))
        problems.extend(_settings_problems(want))
        if not keys.normal_fingerprint(want["key_fingerprint"]):
            problems.append(Problem(
                "repository.key_fingerprint", f"key fingerprint {want['key_fingerprint']!r}", "it is not 40 hex digits",
                "Give the full fingerprint of the key"))
        if want["key"] and not keys.read(want["key"]).keys:
            faults = keys.read(want["key"]).faults or ["it is not an armoured OpenPGP public key"]
            problems.append(Problem(
                "repository.key_text", "the given key", "; ".join(faults), "Give the text of the SIG's key file"))
    return problems


def _address_problems(want: dict[str, t.Any]) -> list[Problem]:
    problems = []
    for option in ("baseurl", "metalink", "proxy"):
        text = want[option]
        if not text:
            continue
        if want["method"] == "release_package" and option != "proxy":
            problems.append(Problem(
                "repository.address_with_release_package",
                f"{option} with method release_package", "the release package brings the addresses",
                "Use 'method: definition' for addresses of your own", subject=option))
        parts = urllib.parse.urlsplit(text)
        local = parts.scheme == "file"
        if parts.scheme not in ADDRESS_SCHEMES or (not parts.netloc and not local) or any(mark in text for mark in " \t\n"):
            problems.append(Problem(
                "repository.address", f"{option} {text!r}", "it is not an address that dnf can read from",
                f"Write it with a scheme ({', '.join(ADDRESS_SCHEMES)}) and a host, without blanks", subject=option))
    if want["baseurl"] and want["metalink"]:
        problems.append(Problem(
            "repository.baseurl_and_metalink", "baseurl and metalink", "both are given", "Give one of the two"))
    return problems


def _settings_problems(want: dict[str, t.Any]) -> list[Problem]:
    problems = []
    for name, settings in want["settings"].items():
        if name not in want["flavours"]:
            problems.append(Problem(
                "repository.settings_without_flavour",
                f"settings of {name}", "the flavour is not among those wanted", "Add the flavour or drop them", subject=name))
        if not isinstance(settings, dict):
            problems.append(Problem(
                "repository.settings_not_a_mapping", f"settings of {name}", "they are not a mapping",
                f"Give {', '.join(SETTINGS)}", subject=name))
            continue
        for option, value in settings.items():
            if option not in SETTINGS:
                problems.append(Problem(
                    "repository.setting_unknown", f"setting {option!r} of {name}", "it is not known",
                    f"Choose of: {', '.join(SETTINGS)}",
                    subject=f"{name} {option}"))
            elif option in ("priority", "cost"):
                low, high = (1, 99) if option == "priority" else (0, 1000000)
                if isinstance(value, bool) or not str(value).isdigit() or not low <= int(value) <= high:
                    problems.append(Problem(
                        "repository.setting_out_of_range",
                        f"{option} {value!r} of {name}", f"it is not a number from {low} to {high}", "Correct the number",
                        subject=f"{name} {option}"))
            elif not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
                problems.append(Problem(
                    "repository.setting_not_a_list", f"{option} of {name}", "it is not a list of package names",
                    "Give a list of strings",
                    subject=f"{name} {option}"))
    return problems
