#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof after a swap, or after going back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proof_info
short_description: Prove what a swap changed on a host, against its own snapshot
version_added: 0.2.0
description:
  - Compares the host with a snapshot that M(centos.hyperscale.host_snapshot) took before, and changes nothing.
  - The checks that compare builds run again over what really went and came, with the same keys as in the prediction. To
    these come checks that only a host after the swap can answer, such as units that stopped or failed, differences that
    C(rpm -V) finds, denials of SELinux, symbols that no library has, and commands that no longer run.
  - Where btrfs-progs or kmod-btrfs changed, btrfs is tried out. A small file system on a loop device, in a private folder below
    C(/var/lib/centos-hyperscale/trials), is made, mounted, filled, read, scrubbed, checked and removed again. Check mode leaves
    that out.
  - What was as it is before the swap is not blamed on it, see C(baseline) of a finding.
  - Every check is listed with what became of it. One that could not be carried out never looks as if it had passed.
options:
  snapshot:
    description:
      - The id of the snapshot. The default is the newest complete one on the host.
    type: str
  phase:
    description:
      - V(prove) is for after a swap.
      - V(rollback) is for after going back. It asks in addition that the host is what it was when the snapshot was taken, which
        are packages and the reasons of their installation, what C(rpm -V) says of them, content, mode, owner, label and
        capabilities of configuration, of files that were edited and of those in folders such as C(/etc/systemd) and C(/etc/dnf),
        the states of units, alternatives, sysctls and packet filter rules in force, and kernel.
      - It also lists what is left behind, which are accounts, second files beside configuration, units of no package and keys
        of rpm.
      - What a snapshot of an older release lacks is skipped, and the report says so.
    type: str
    choices: [prove, rollback]
    default: prove
  settle:
    description:
      - Seconds to wait before looking, so that units that are starting have come up or failed.
    type: int
    default: 0
  fail_on:
    description:
      - What makes the module fail. V(unforeseen) fails on findings of high severity that the prediction kept with the
        snapshot had not, V(blocking) on findings that ask for a decision, a severity on every finding of that severity or
        above; all of them also on a verdict of V(unknown). V(never) only reports.
    type: str
    choices: [never, unforeseen, blocking, low, medium, high]
    default: never
extends_documentation_fragment:
  - centos.hyperscale.waivers
  - centos.hyperscale.callers
attributes:
  check_mode:
    description: Can run in check mode and returns what it returns without it, but for the trial of btrfs, which is left out.
    support: full
  diff_mode:
    description: There is no difference to show, nothing is changed.
    support: none
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64.
    support: full
    platforms: centos
seealso:
  - module: centos.hyperscale.host_snapshot
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: Stop where a swap did damage
  centos.hyperscale.proof_info:
    fail_on: unforeseen
    settle: 10

- name: Look after going back
  centos.hyperscale.proof_info:
    snapshot: before-systemd
    phase: rollback
  register: proof

- name: Show what differs from before
  ansible.builtin.debug:
    msg: "{{ proof.findings | rejectattr('baseline') | map(attribute='diagnosis') }}"
"""

RETURN = r"""
report:
  description: The whole report, as docs/dropin-report.schema.json of the collection describes it.
  returned: when there was a snapshot to compare with
  type: dict
  contains:
    kind:
      description: Which kind of host it is, as RV(centos.hyperscale.host_info#module:host.kind).
      type: dict
      version_added: 0.5.0
    unreadable:
      description: Paths that are there and could not be read, each with C(path) and C(reason). A check that met one was not
        carried out whole, and has the status V(error).
      type: list
      elements: dict
      version_added: 0.5.0
    joined:
      description: The keys of prediction and proof side by side, V(null) when the snapshot has no prediction.
      type: dict
      contains:
        happened:
          description: Predicted, and found.
          type: list
          elements: str
        did_not_happen:
          description: Predicted, and not found.
          type: list
          elements: str
        not_predicted:
          description: Found, and not predicted.
          type: list
          elements: str
        only_predicted:
          description: Predicted, of a sort that only a prediction can tell.
          type: list
          elements: str
verdict:
  description: One of V(drop_in), V(drop_in_with_notes), V(not_drop_in), V(unknown). What could not be checked never passes.
  returned: when there was a snapshot to compare with
  type: str
  sample: drop_in_with_notes
findings:
  description: The findings of the report, those that ask for a decision first.
  returned: when there was a snapshot to compare with
  type: list
  elements: dict
text:
  description: The verdict and all findings of medium severity and above, for a person to read.
  returned: when there was a snapshot to compare with
  type: str
reached:
  description: Whether the report reaches each of the thresholds that O(fail_on) knows.
  returned: always
  type: dict
  sample: {never: false, blocking: false, low: true, medium: true, high: false}
bug_reports:
  description: For each finding that is the package's fault, C(key), C(title) and C(text) of a report to file.
  returned: when there was a snapshot to compare with
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
  description: True where the module ends before anything is changed, which is always.
  returned: failure
  type: bool
"""

from ansible_collections.centos.hyperscale.plugins.module_utils.entry import predicting, proving, wording
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import report


def main() -> None:
    proving.compare_with_snapshot(MaskingModule(
        argument_spec={
            "snapshot": {"type": "str"},
            "phase": {"type": "str", "choices": ["prove", "rollback"], "default": "prove"},
            "settle": {"type": "int", "default": 0},
            **predicting.judging(report.UNFORESEEN),
            **wording.CALLERS,
        },
        supports_check_mode=True,
    ))


if __name__ == "__main__":
    main()
