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
    written to a ledger on the host before and after it happens and is verified by reading again.
  - Package changes of all sections travel in one transaction of exact NEVRAs, solved with C(best) and without
    erasing. It runs in a transient systemd unit, so a lost connection does not end it; the next run picks its
    result up and reports it.
  - A host that is already as wanted is found so from its rpmdb and its files, without reading a repository.
options:
  state:
    description:
      - V(present) brings the host to the sections given.
      - V(undone) takes back, last to first, what earlier runs did in the sections named by O(undo).
      - V(stock) brings every package of the host that is a Hyperscale build to the build of the distribution, by a new
        transaction and without the ledger. Then the ledger is ended, as with V(accepted). Where it cannot be relied on it is
        ended before that, as with V(forgotten). Files and settings stay as they are. Where the packages cannot be brought there,
        none is changed.
      - V(accepted) changes nothing of the host. What earlier runs did is the host's own from then on, and is never taken back.
        The packages and files that were saved for the way back are deleted.
      - V(forgotten) changes nothing of the host either. It begins the ledger anew where it is lost, damaged, of another host, or
        of release 0.5.0 and older. What belongs to the old ledger is moved to C(forgotten/) in the state directory. Where the
        ledger is whole and has steps to roll back, this is refused.
    type: str
    choices: [present, undone, stock, accepted, forgotten]
    default: present
  undo:
    description: The sections to take back with O(state=undone).
    type: list
    elements: str
    choices: [repositories, packages, files, modules, rulesets, alternatives, units, manager, boot, cgroup2, oomd, locks,
      selinux, cow, network]
    default: [alternatives, boot, cgroup2, cow, files, locks, manager, modules, network, oomd, packages, repositories,
      rulesets, selinux, units]
  erase:
    description: With O(state=stock), names of packages that the distribution has no build of and that this host can do without.
      Nothing else is erased.
    type: list
    elements: str
    default: []
    version_added: 0.6.0
  proven:
    description: Say that the host was proven since its last change, so that what waits for that is done. The role of the same
      name says so after its proof.
    type: bool
    default: false
extends_documentation_fragment:
  - centos.hyperscale.sections
  - centos.hyperscale.ways
  - centos.hyperscale.callers
attributes:
  action_group:
    description: Use C(group/centos.hyperscale.engine) in C(module_defaults) to say once what a host is to be.
    support: full
    membership: [centos.hyperscale.engine]
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows what each step would change, without the secrets in it.
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

- name: Take all packages to those of the distribution where the ledger was lost
  centos.hyperscale.converge:
    state: stock

- name: Keep this host as it is for good, and free what was saved for the way back
  centos.hyperscale.converge:
    state: accepted
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
  description: Id of the run in the host's ledger; null when nothing was done.
  returned: success
  type: str
  sample: 000012-20261121T034500Z-1f2e3d4c
left:
  description: What was left as it is when steps were taken back, be it in a run that was cut and that this one settles.
    Such as a file that somebody changed since. With O(state=forgotten), what was moved, and where it is now.
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

from ansible_collections.centos.hyperscale.plugins.module_utils.core import run
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.registry import REGISTRY

# The states that end the ledger on purpose and change nothing else.
ENDINGS: dict[str, engine.Instead] = {"accepted": run.accept, "forgotten": run.forget}


def main() -> None:
    spec = engine.sections_spec()
    sections = sorted(spec)
    spec.update(engine.WAYS)
    spec["state"] = {"type": "str", "choices": ["present", "undone", "stock", *ENDINGS], "default": "present"}
    spec["erase"] = {"type": "list", "elements": "str", "default": []}
    spec["proven"] = {"type": "bool", "default": False}
    spec["undo"] = {"type": "list", "elements": "str", "choices": sections, "default": sections}
    module = MaskingModule(argument_spec=spec, supports_check_mode=True)
    if module.params["state"] == "undone":
        engine.run(module, None, module.params["undo"])
    elif module.params["state"] in ENDINGS:
        engine.run(module, None, instead=ENDINGS[module.params["state"]])
    elif module.params["state"] == "stock":
        engine.run(module, None, instead=engine.to_stock(module))
    engine.run(module, REGISTRY.wishes_of(module.params))


if __name__ == "__main__":
    main()
