#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is before a swap, kept on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_snapshot
short_description: Keep what a host is before a swap, for the proof after it
version_added: 0.2.0
description:
  - Reads what a swap of packages can change and keeps it below C(/var/lib/centos-hyperscale/snapshots) on the host, for
    M(centos.hyperscale.proof_info) to compare with.
  - Of the packages that will change it keeps the headers, what rpm finds different from them, the state of their configuration
    files, of files edited on the host and of programs with setuid, setgid or capabilities, the install sections of their units,
    symbols that programs using their libraries do not find, and how a harmless command of each ends.
  - Of the host it keeps the list of packages, the state of everything in folders that the collection or scriptlets write to,
    such as C(/etc/systemd), C(/etc/dnf) and C(/boot/loader/entries), the state of all units, alternatives, kernel, command line
    and boot, sysctls that a file names, packet filter rules, the names of users and groups, unit files, and the keys that rpm
    trusts.
  - Of files it keeps digests, not the content; of the environment of grub2 it keeps the values.
  - Everything is read and nothing is changed but the folder of the snapshot, which only root can read.
  - A snapshot that was cut short is never used, and one that is complete is never written over. A second run with the
    same O(id) keeps the first.
options:
  names:
    description:
      - Names of the installed binary packages that are going to change.
      - Name all of them. Of one that changes without being named only the old version is known afterwards, and that is a
        finding of its own.
      - The packages of O(prediction) are always among them.
      - Without either, it is every installed package of the families that the collection knows (systemd), and every one
        whose command it can try.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(kept) takes a snapshot.
      - V(proven) only notes on the snapshot O(id) that what came of its prediction was proven and accepted, so that
        M(centos.hyperscale.dropin_info) does not name it as unproven.
    type: str
    choices: [kept, proven]
    default: kept
  prediction:
    description:
      - RV(centos.hyperscale.dropin_info#module:report). It is kept beside the rest, and the proof says what of it happened.
    type: dict
  id:
    description:
      - A name for the snapshot, for example the id of a run. Letters, digits, dots, dashes and underscores.
      - The default is a new one that sorts by time.
    type: str
attributes:
  check_mode:
    description: Can run in check mode; then it reads all and writes nothing.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64.
    support: full
    platforms: centos
seealso:
  - module: centos.hyperscale.dropin_info
  - module: centos.hyperscale.proof_info
  - module: centos.hyperscale.package_swap
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: Keep what systemd and its packages are now
  centos.hyperscale.host_snapshot:
    names: [systemd, systemd-libs, systemd-pam, systemd-udev]
  register: snapshot

- name: Swap
  centos.hyperscale.package_swap:
    family: systemd

- name: Show what differs
  centos.hyperscale.proof_info:
    snapshot: "{{ snapshot.id }}"
"""

RETURN = r"""
id:
  description: The id of the snapshot.
  returned: success
  type: str
path:
  description: Its folder on the host. In check mode that is where it would be.
  returned: success
  type: str
summary:
  description: What is in it.
  returned: success
  type: dict
  contains:
    time:
      description: When it was taken, seconds since the epoch.
      type: float
    packages:
      description: The builds whose headers are in it, as NEVRA.
      type: list
      elements: str
    installed:
      description: How many packages were installed.
      type: int
    files:
      description: How many paths were looked at, V(null) when they could not be read.
      type: int
    units:
      description: How many units systemd had loaded, V(null) when it did not answer.
      type: int
    failed_units:
      description: Units that had failed already, V(null) when systemd did not answer.
      type: list
      elements: str
    unreadable:
      description: Parts that could not be read, each with C(what) and C(reason). What rests on them is skipped by the proof.
      type: list
      elements: dict
problems:
  description: What is in the way, each with the host's fact, the reason and what to do.
  returned: failure
  type: list
  elements: dict
  contains:
    code:
      description: What kind of problem it is, as V(area.name). The same problem has the same code in each release, whatever
        its words are.
      type: str
      sample: os.no_space
      version_added: 0.6.0
    fact:
      description: What is so on the host.
      type: str
    reason:
      description: Why that is in the way.
      type: str
    remedy:
      description: What to do.
      type: str
    subject:
      description: What the problem is about, such as a path, a package or a unit; empty where there is no one thing.
      type: str
      version_added: 0.6.0
refused:
  description: True when nothing was written.
  returned: failure
  type: bool
"""

from ansible_collections.centos.hyperscale.plugins.module_utils.entry import proving
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule


def main() -> None:
    proving.take_snapshot(MaskingModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "default": []},
            "prediction": {"type": "dict"},
            "id": {"type": "str"},
            "state": {"type": "str", "choices": ["kept", "proven"], "default": "kept"},
        },
        required_if=[("state", "proven", ["id"])],
        supports_check_mode=True,
    ))


if __name__ == "__main__":
    main()
