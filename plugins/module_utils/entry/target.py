# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to the host that a module runs on."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..core import modes
from ..core.host_io import Target, changing_folder, looking_folder

# Messages are parsed, so they must be untranslated; rpmkeys and systemctl may lie in sbin.
ENVIRONMENT = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def target_of(module: AnsibleModule, changes: bool = False) -> Target:
    """Return the door to the host that a module runs on. A run that changes the host has its files below the state directory."""
    def command(argv: t.Sequence[str]) -> tuple[int, str, str]:
        return module.run_command(
            list(argv), environ_update=ENVIRONMENT, handle_exceptions=False, umask=modes.UMASK)

    return Target(command, changing_folder if changes else looking_folder, warn=module.warn)
