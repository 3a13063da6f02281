#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages section of the engine as a module of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_swap
short_description: Swap sets of packages to Hyperscale builds or back to stock in one transaction
version_added: 0.1.0
description:
  - Moves every installed package of a family, or of the sources of the named packages, in one transaction of exact
    NEVRAs from the repositories that are enabled on the host.
  - Refuses with the solver's reason when that is not possible, and never resolves to nothing in silence.
  - The transaction runs in a transient systemd unit, so a lost connection does not end it.
  - With the systemd family, PID 1 and the user managers are re-executed afterwards, as by role systemd.
options:
  family:
    description: A set that moves together. Of V(kernel) new kernels come beside the installed ones, and what serves a kernel
      (C(perf), C(bpftool), C(kernel-tools), C(kernel-headers)) moves with it.
    type: str
    choices: [kernel, rpm, systemd]
  set:
    description: A ready set of packages. What of it is installed moves; where nothing of it is, its first packages come.
    type: str
    choices: [compression, container-tools, dbus-broker, e2fsprogs, ethtool, kpatch, openssh, perf, selinux-policy,
      virtualization]
  names:
    description: Names of packages; all that is installed of the same sources moves with them.
    type: list
    elements: str
    default: []
  to:
    description: Which builds to take. V(any) is for packages of O(names) that the SIG may or may not build - it takes the
      Hyperscale build where one is offered, else another such as EPEL's, and leaves what is installed.
    type: str
    choices: [hyperscale, stock, any, installed]
    default: hyperscale
  version:
    description: V(present) takes any build of that side and the newest when one must be chosen, V(latest) the newest,
      anything else that version, version-release or EVR.
    type: str
    default: present
  also:
    description: Packages to have as well.
    type: list
    elements: str
    default: []
  erase:
    description: Packages this host can do without. Nothing else is ever erased.
    type: list
    elements: str
    default: []
  capabilities:
    description: What some package of the family is to provide; builds differ in which one does. One that the wanted build has
      not is erased when another of that build provides the same.
    type: list
    elements: str
    choices: [systemd-oomd-defaults]
    default: []
  weak_deps:
    description: Follow weak dependencies.
    type: bool
    default: false
  where_no_module:
    description: The name of a kernel module. The packages are wanted only where no kernel of the host has it and no
      Hyperscale kernel comes in the same run.
    type: str
extends_documentation_fragment:
  - centos.hyperscale.ways
  - centos.hyperscale.callers
attributes:
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows the packages that go and come.
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
- name: All of systemd to the Hyperscale build, and the daemon that a stock build had in a package of its own goes
  centos.hyperscale.package_swap:
    family: systemd
    erase: [systemd-oomd]

- name: btrfs-progs back to stock
  centos.hyperscale.package_swap:
    names: [btrfs-progs]
    to: stock
"""

RETURN = r"""
actions:
  description: The steps done, or in check mode those to do.
  returned: success
  type: list
  elements: dict
pending:
  description: Always empty, nothing of this section waits.
  returned: success
  type: list
  elements: dict
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
    options = engine.SECTION_OPTIONS["packages"]
    module = MaskingModule(
        argument_spec={**options, **engine.WAYS}, required_one_of=[("family", "set", "names")], supports_check_mode=True)
    want = {name: module.params[name] for name in options}
    manager = [{"activate": "reexec"}] if want["family"] == "systemd" else []
    engine.run(module, REGISTRY.wishes_of({"packages": [want], "manager": manager}))


if __name__ == "__main__":
    main()
