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
      - V(rollback) is for after going back. It asks in addition that packages, configuration, the states of units,
        alternatives and kernel are those of the snapshot.
    type: str
    choices: [prove, rollback]
    default: prove
  waivers:
    description:
      - Findings that somebody has taken on. They stay in the report and block nothing.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: The key of the finding, 16 hexadecimal digits.
        type: str
        required: true
      by:
        description: Who takes it on.
        type: str
        required: true
      reason:
        description: Why.
        type: str
        required: true
      until:
        description: The last day on which the waiver counts, as YYYY-MM-DD.
        type: str
        required: true
  fail_on:
    description:
      - Fail when there is a finding that blocks, or one of at least this severity. What was there before the swap and what
        was waived does not count.
    type: str
    choices: [never, blocking, low, medium, high]
    default: never
  settle:
    description:
      - Seconds to wait before looking, so that units that are starting have come up or failed.
    type: int
    default: 0
attributes:
  check_mode:
    description: Can run in check mode and returns what it returns without it.
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
    fail_on: high
    settle: 10

- name: Look after going back
  centos.hyperscale.proof_info:
    snapshot: before-systemd
    phase: rollback
  register: proof

- name: Show what differs from before
  ansible.builtin.debug:
    msg: "{{ proof.report.findings | rejectattr('baseline') | map(attribute='diagnosis') }}"
"""

RETURN = r"""
report:
  description: The report. Every key is always there.
  returned: success, and on failure by O(fail_on)
  type: dict
  contains:
    schema_version:
      description: The version of this form.
      type: str
    phase:
      description: V(prove) or V(rollback).
      type: str
    host:
      description: The name of the host.
      type: str
    run_id:
      description: The id of the snapshot.
      type: str
    time:
      description: When the proof began, seconds since the epoch.
      type: float
    tool_versions:
      description: Versions of what it was made with.
      type: dict
    repos:
      description: The repositories of the prediction.
      type: list
      elements: str
    fetched:
      description: What was fetched for it, which is nothing.
      type: dict
    verdict:
      description: V(drop_in), V(drop_in_with_notes), V(not_drop_in) or V(unknown).
      type: str
    packages:
      description: >-
        What went and came since the snapshot, each with C(name), C(arch), C(from_nevra), C(to_nevra), C(from_vendor),
        C(to_vendor), C(source) and C(header_digest).
      type: list
      elements: dict
    findings:
      description: >-
        What is not as a drop-in replacement would have it, the gravest first. Each has C(key), C(check), C(kind), C(verb),
        C(subject), C(before), C(after), C(severity), C(blocking), C(confidence), C(consumers), C(title), C(description),
        C(diagnosis), C(remediations), C(links), C(baseline) and C(waiver).
      type: list
      elements: dict
    checks:
      description: Every check with C(id), C(status) (V(ran), V(skipped), V(error)), C(reason) and C(seconds).
      type: list
      elements: dict
    summary:
      description: Counts of findings and checks.
      type: dict
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
problems:
  description: What is in the way, each with the host's fact, the reason and what to do.
  returned: failure
  type: list
  elements: dict
refused:
  description: True when there was nothing to compare with.
  returned: failure
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.centos.hyperscale.plugins.module_utils._dropin import proving


def main() -> None:
    proving.compare_with_snapshot(AnsibleModule(
        argument_spec={
            "snapshot": {"type": "str"},
            "phase": {"type": "str", "choices": ["prove", "rollback"], "default": "prove"},
            "waivers": {"type": "list", "elements": "dict", "default": [], "options": {
                "key": {"type": "str", "required": True, "no_log": False},
                "by": {"type": "str", "required": True},
                "reason": {"type": "str", "required": True},
                "until": {"type": "str", "required": True},
            }},
            "fail_on": {"type": "str", "choices": ["never", "blocking", "low", "medium", "high"], "default": "never"},
            "settle": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    ))


if __name__ == "__main__":
    main()
