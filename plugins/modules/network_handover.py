#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network section of the engine as a module of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_handover
short_description: Hand the network over from NetworkManager to networkd, or back, under a guard
version_added: 0.3.0
description:
  - Carries over what NetworkManager runs (addresses, routes, rules, DNS, VLANs, bonds, bridges, MTU, DHCP, IPv6), or takes files
    of networkd of your own. What cannot be carried over, and whatever is wrong with a file, is refused by name before any
    change.
  - The host compares itself by value after the switch, and goes back at once when something is missing.
  - Then it waits. The controller opens a new connection and confirms; when no confirmation comes in time, or the host starts anew
    before it, the host goes back by itself to what it was. It tries until it has read that state again, and leaves alone what
    somebody else set up meanwhile.
  - Only files that this collection wrote are ever removed.
options:
  state:
    description: V(present) brings the network to what is wanted and confirms it over a new connection. V(undone) takes back what
      earlier runs did, in the same guarded way. V(confirmed) only confirms what waits for it.
    type: str
    choices: [present, undone, confirmed]
    default: present
  confirm:
    description: Confirm over a new connection as soon as the switch is done. With V(false) somebody else does, with
      O(state=confirmed) or by M(centos.hyperscale.converge) with O(centos.hyperscale.converge#module:proven=true).
    type: bool
    default: true
  renderer:
    description: V(networkd) takes the network over from NetworkManager, V(networkmanager) takes it back. Required with
      O(state=present).
    type: str
    choices: [networkd, networkmanager]
  source:
    description: V(running) carries over what NetworkManager runs, V(definitions) takes O(definitions).
    type: str
    choices: [running, definitions]
    default: running
  definitions:
    description: Files of networkd, checked before anything is changed.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, ending in C(.network), C(.netdev) or C(.link).
        type: str
        required: true
      content:
        description: The file's text.
        type: str
        required: true
  resolved:
    description: Whether systemd-resolved resolves names. Not given means as it is.
    type: bool
  confirm_seconds:
    description: Seconds from the switch after which the host goes back, unless it was confirmed by then. 20 to 3600.
    type: int
    default: 120
  unmanaged:
    description: Interfaces that networkd is to leave alone.
    type: list
    elements: str
    default: []
  without:
    description: What this host can do without, by the name that its refusal gave it.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - centos.hyperscale.ways
  - centos.hyperscale.callers
attributes:
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows who sets the network up, and the files.
    support: full
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64.
    support: full
    platforms: centos
seealso:
  - module: centos.hyperscale.converge
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: What NetworkManager runs, by networkd and resolved
  centos.hyperscale.network_handover:
    renderer: networkd
    resolved: true

- name: Files of one's own
  centos.hyperscale.network_handover:
    renderer: networkd
    source: definitions
    confirm_seconds: 300
    definitions:
      - name: lan.network
        content: |
          [Match]
          Name=eno1

          [Network]
          Address=192.0.2.10/24
          Gateway=192.0.2.1
          DNS=192.0.2.1

- name: Back
  centos.hyperscale.network_handover:
    renderer: networkmanager
"""

RETURN = r"""
actions:
  description: The steps done, or in check mode those to do.
  returned: success
  type: list
  elements: dict
pending:
  description: A hand-over that still waits for its confirmation.
  returned: success
  type: list
  elements: dict
confirmed:
  description: Whether the hand-over was confirmed over a new connection in this task.
  returned: success
  type: bool
run_id:
  description: Id of the run in the host's ledger; null when nothing was done.
  returned: success
  type: str
left:
  description: What was left as it is when steps were taken back, be it in a run that was cut and that this one settles.
    Such as a file that somebody changed since.
  returned: success
  type: list
  elements: str
  version_added: 0.4.0
snapshot:
  description: Of steps taken back, the id of the snapshot that was taken before the first of them, for
    M(centos.hyperscale.proof_info) with O(centos.hyperscale.proof_info#module:phase=rollback); null when there is none.
  returned: success
  type: str
  version_added: 0.4.0
interrupted:
  description: What became of an earlier run that was cut short; null when there was none.
  returned: success
  type: dict
host:
  description: Facts of the host after the run, with the keys of M(centos.hyperscale.host_info); of these the groups
    packages, kernel, systemd, boot and reboot are read, the others are empty.
  returned: success
  type: dict
reboot:
  description: Whether a reboot is needed to bring what is installed into use, and why.
  returned: success
  type: dict
problems:
  description: Everything that is in the way, each with the host's fact, the reason and what to do.
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
  description: True when nothing was changed.
  returned: failure
  type: bool
"""

from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY


def main() -> None:
    options = engine.SECTION_OPTIONS["network"]
    spec = {**options, **engine.WAYS}
    spec["state"] = {"type": "str", "choices": ["present", "undone", "confirmed"], "default": "present"}
    spec["confirm"] = {"type": "bool", "default": True}
    module = MaskingModule(argument_spec=spec, required_if=[("state", "present", ["renderer"])], supports_check_mode=True)
    want = {name: module.params[name] for name in options}
    if module.params["state"] == "undone":
        engine.run(module, None, ["network"])
    if module.params["state"] == "confirmed":
        # A wish that names nobody only confirms.
        want["renderer"], module.params["proven"] = None, True
    engine.run(module, REGISTRY.wishes_of({"network": [want]}))


if __name__ == "__main__":
    main()
