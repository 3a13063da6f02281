#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predict what a swap would break, on a host or between package files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dropin_info
short_description: Predict whether a set of packages is a drop-in replacement on this host
version_added: 0.2.0
description:
  - Plans what M(centos.hyperscale.converge) would do with the same sections, and compares the builds that would come with
    those that would go, by their full headers, which are fetched without the packages.
  - Names who on this host uses what would be lost, what rpm would do with each configuration file, what rpm itself says of
    the transaction, and which changes of the new releases concern this host.
  - With O(old) and O(new) it compares package files instead, and no host is involved.
  - Writes nothing on the host, but for O(cache) where that is given.
options:
  old:
    description: Paths of package files that are replaced.
    type: list
    elements: path
    default: []
  new:
    description: Paths of package files that replace them.
    type: list
    elements: path
    default: []
  cache:
    description: A folder on the host in which headers are kept by digest, so that the next prediction need not fetch them.
      By default, and in check mode, nothing is kept.
    type: path
  fail_on:
    description: What makes the module fail. V(blocking) fails on findings that ask for a decision, a severity on every
      finding of that severity or above, and both on a verdict of V(unknown). V(never) only reports.
    type: str
    choices: [never, blocking, low, medium, high]
    default: never
extends_documentation_fragment:
  - centos.hyperscale.sections
  - centos.hyperscale.ways
  - centos.hyperscale.callers
  - centos.hyperscale.waivers
attributes:
  action_group:
    description: Use C(group/centos.hyperscale.engine) in C(module_defaults) to say once what a host is to be.
    support: full
    membership: [centos.hyperscale.engine]
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows what each step of the plan would change.
    support: full
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64; with O(old) and O(new) any system that has python3-rpm.
    support: full
    platforms: centos
seealso:
  - module: centos.hyperscale.host_snapshot
  - module: centos.hyperscale.proof_info
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: What would the newest systemd break here?
  centos.hyperscale.dropin_info:
    repositories:
      - flavours: [main]
    packages:
      - family: systemd
  register: prediction

- name: Stop at findings that ask for a decision, but for one that somebody took on
  centos.hyperscale.dropin_info:
    packages:
      - family: systemd
    fail_on: blocking
    waivers:
      - key: 6f0c2a5d9be41387
        by: ops@example.com
        reason: The old script is replaced on all hosts of this group
        until: "2027-03-31"

- name: Compare package files in CI
  centos.hyperscale.dropin_info:
    old: [/srv/stock/btrfs-progs-6.12-1.el10.x86_64.rpm]
    new: [/srv/build/btrfs-progs-6.16-1.hs.el10.x86_64.rpm]
    fail_on: high
  delegate_to: localhost
"""

RETURN = r"""
report:
  description: The whole report, as docs/dropin-report.schema.json of the collection describes it.
  returned: always
  type: dict
verdict:
  description: One of V(drop_in), V(drop_in_with_notes), V(not_drop_in), V(unknown). What could not be checked never passes.
  returned: always
  type: str
  sample: drop_in_with_notes
findings:
  description: The findings of the report, those that ask for a decision first.
  returned: always
  type: list
  elements: dict
text:
  description: The verdict and all findings of medium severity and above, for a person to read.
  returned: always
  type: str
reached:
  description: Whether the report reaches each of the thresholds that O(fail_on) knows.
  returned: always
  type: dict
  sample: {never: false, blocking: false, low: true, medium: true, high: false}
bug_reports:
  description: For each finding that is the package's fault, the text of a report to file.
  returned: always
  type: list
  elements: dict
  contains:
    key:
      description: Key of the finding.
      type: str
    title:
      description: Title of the bug.
      type: str
    text:
      description: Builds, repositories, evidence and steps.
      type: str
actions:
  description: The steps that M(centos.hyperscale.converge) would do; empty on a host that is as wanted.
  returned: on a host
  type: list
  elements: dict
pending:
  description: What is wanted and was left open on purpose, as M(centos.hyperscale.converge) returns it.
  returned: on a host
  type: list
  elements: dict
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
  description: An earlier run that was cut short and is not settled yet; null when there is none.
  returned: on a host
  type: dict
unproven:
  description: Id of the newest snapshot when it has a prediction that nobody has proven yet, as a lost controller leaves it;
    else null.
  returned: on a host
  type: str
run_id:
  description: Always null, nothing is run.
  returned: on a host
  type: str
host:
  description: Facts of the host, as M(centos.hyperscale.converge) returns them.
  returned: on a host
  type: dict
reboot:
  description: Whether a reboot is needed now, and why.
  returned: on a host
  type: dict
problems:
  description: What is in the way of predicting at all.
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
  description: Always true on failure, nothing was changed.
  returned: failure
  type: bool
"""

from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine, predicting
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule


def main() -> None:
    spec = {**engine.sections_spec(), **engine.WAYS, **predicting.judging()}
    spec["old"] = {"type": "list", "elements": "path", "default": []}
    spec["new"] = {"type": "list", "elements": "path", "default": []}
    spec["cache"] = {"type": "path"}
    module = MaskingModule(argument_spec=spec, supports_check_mode=True)
    if module.params["old"] or module.params["new"]:
        predicting.on_files(module)
    predicting.on_host(module)


if __name__ == "__main__":
    main()
