#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of the collection as a module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: converge
short_description: Bring a host to a desired state in sections, or take back what was done
version_added: 0.1.0
description:
  - Plans all sections first, validates everything before the first change, then applies step by step. Each step is
    written to a journal on the host before and after it happens and is verified by reading again.
  - Package changes of all sections travel in one transaction of exact NEVRAs, solved with C(best) and without
    erasing. It runs in a transient systemd unit, so a lost connection does not end it; the next run picks its
    result up and reports it.
  - A host that is already as wanted is found so from its rpmdb and its files, without reading a repository.
options:
  state:
    description: V(present) brings the host to the sections given. V(undone) takes back, last to first, what earlier runs
      did in the sections named by O(undo).
    type: str
    choices: [present, undone]
    default: present
  undo:
    description: The sections to take back with O(state=undone).
    type: list
    elements: str
    choices: [repositories, packages, files, modules, rulesets, alternatives, units, manager, boot, cgroup2, oomd, locks,
      selinux, cow, network]
    default: [alternatives, boot, cgroup2, cow, files, locks, manager, modules, network, oomd, packages, repositories,
      rulesets, selinux, units]
  proven:
    description: Say that the host was proven since its last change, so that what waits for that is done. The role of the same
      name says so after its proof.
    type: bool
    default: false
extends_documentation_fragment:
  - centos.hyperscale.sections
  - centos.hyperscale.ways
attributes:
  action_group:
    description: Use C(group/centos.hyperscale.engine) in C(module_defaults) to say once what a host is to be.
    support: full
    membership: [centos.hyperscale.engine]
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows what each step would change.
    support: full
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64.
    support: full
    platforms: centos
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: The main repository, systemd from it, and a unit
  centos.hyperscale.converge:
    repositories:
      - flavours: [main]
    packages:
      - family: systemd
        also: [systemd-networkd]
    manager:
      - activate: reexec

- name: Take all of it back
  centos.hyperscale.converge:
    state: undone
"""

RETURN = r"""
actions:
  description: The steps done, or in check mode those to do, in order.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: Section the step belongs to.
      type: str
    kind:
      description: Kind of step.
      type: str
    subject:
      description: What it acts on.
      type: str
    why:
      description: Why it is needed.
      type: str
pending:
  description: What is wanted and left open on purpose.
  returned: success
  type: list
  elements: dict
  contains:
    section:
      description: Section of the wish.
      type: str
    subject:
      description: What is wanted.
      type: str
    waits_for:
      description: V(boot), a start of the host, or V(proof), a run with O(proven=true).
      type: str
    why:
      description: Why it is not done at once.
      type: str
run_id:
  description: Id of the run in the host's journal; null when nothing was done.
  returned: success
  type: str
  sample: 20261121T034500Z-1f2e3d4c
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
  description: Whether a reboot is needed to bring what is installed into use, and why, as M(centos.hyperscale.host_info)
    reports it.
  returned: success
  type: dict
  sample: {required: true, reasons: [{what: systemd, installed: 262.1-1.hs.el9, running: null, since: 1795231093}]}
problems:
  description: Everything that is in the way, each with the host's fact, the reason and what to do.
  returned: failure
  type: list
  elements: dict
refused:
  description: True when nothing was changed.
  returned: failure
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY


def main() -> None:
    spec = engine.sections_spec()
    sections = sorted(spec)
    spec.update(engine.WAYS)
    spec["state"] = {"type": "str", "choices": ["present", "undone"], "default": "present"}
    spec["proven"] = {"type": "bool", "default": False}
    spec["undo"] = {"type": "list", "elements": "str", "choices": sections, "default": sections}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if module.params["state"] == "undone":
        engine.run(module, None, module.params["undo"])
    engine.run(module, REGISTRY.wishes_of(module.params))


if __name__ == "__main__":
    main()
