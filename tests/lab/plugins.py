# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins of rpm in a stand-in: those that CentOS installs are loaded, and none of the others that Debian's package brings.

rpm of Debian 12 looks for plugins in /usr/lib64, where they are on CentOS, and where Debian puts none.
"""

from __future__ import annotations

import pathlib

from .architecture import ARCH

FOLDER = f"/usr/lib/{ARCH}-linux-gnu/rpm-plugins"
LOADED = ("selinux", "systemd_inhibit", "audit")
# unshare is of rpm 4.20, and EL 10 has 4.19.
OTHERS = ("syslog", "ima", "fapolicyd", "fsverity", "prioreset", "dbus_announce", "unshare")
MACROS = f"%__plugindir {FOLDER}\n" + "".join(f"%__transaction_{name} %{{nil}}\n" for name in OTHERS)


def load(root: pathlib.Path) -> None:
    """Have the rpm of a root load them."""
    (root / "etc/rpm").mkdir(exist_ok=True)
    (root / "etc/rpm/macros.plugins").write_text(MACROS)
