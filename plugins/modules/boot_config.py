#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boot section of the engine as a module of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_config
short_description: Set kernel arguments and the default kernel, and try a kernel once before it becomes the default
version_added: 0.3.0
description:
  - Edits the files that GRUB reads on CentOS Stream 9 and 10, boot entries and environment block, and those that kernels
    installed later take their arguments from. Each write is whole or does not happen, shows as a diff, and can be taken back.
  - A kernel that does not run now is started once at the next boot. GRUB forgets that before it starts it, and a panic or a
    root that is not found ends in a reboot, so the boot after a failed one is the old kernel's by itself.
  - The default is verified by working out what GRUB will read, and not by what was meant. A kernel whose image or initramfs is
    missing or empty is refused.
  - It never reboots.
options:
  args:
    description: Arguments that every kernel has, installed now or later. One of the same name with another value is replaced,
      unless the kernel hears several of them, as with C(console).
    type: list
    elements: str
    default: []
  args_absent:
    description: Arguments that no kernel has. V(name) means any value of it, V(name=value) exactly that.
    type: list
    elements: str
    default: []
  psi:
    description: Have pressure stall information on. C(psi=1) becomes an argument where the running kernel has it off, or on only
      by that argument; where it is on by itself, nothing does.
    type: bool
    default: false
  kernel:
    description: Which kernel is to be the default. V(hyperscale) and V(stock) mean the newest of that side, anything else is a
      release as C(uname -r) prints it, or its version, or version and release. Empty leaves the default as it is.
    type: str
    default: ''
  try_once:
    description: Start a kernel that does not run now a single time at the next boot, and make it the default only by a run
      with O(proven=true) while it runs. The boot after that is the kernel's that runs now. Refused where GRUB cannot write
      its environment block, on btrfs, LVM, RAID or an encrypted volume, because such a try would never end.
    type: bool
    default: true
  retry:
    description: A try that failed is not repeated, until this has another value than it had then.
    type: str
    default: ''
  keep:
    description: Have dnf keep at least so many kernels, by C(installonly_limit) in C(/etc/dnf/dnf.conf), which is never made
      smaller. V(0) leaves it as it is.
    type: int
    default: 0
  proven:
    description: Say that the host was proven with the kernel that runs, so that it becomes the default.
    type: bool
    default: false
extends_documentation_fragment:
  - centos.hyperscale.ways
  - centos.hyperscale.callers
attributes:
  check_mode:
    description: Can run in check mode and predict the changes without writing anything on the host.
    support: full
  diff_mode:
    description: Shows what changes in each file.
    support: full
  platform:
    description: CentOS Stream 9 and 10, on x86_64 and aarch64, started by GRUB.
    support: full
    platforms: centos
seealso:
  - module: centos.hyperscale.converge
  - module: centos.hyperscale.host_info
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
"""

EXAMPLES = r"""
- name: Pressure stall information, in every kernel
  centos.hyperscale.boot_config:
    args: [psi=1]
    args_absent: [systemd.unified_cgroup_hierarchy=0]

- name: Start the installed Hyperscale kernel once at the next boot
  centos.hyperscale.boot_config:
    kernel: hyperscale
    keep: 5

- name: Make the kernel that was tried and has proven itself the default
  centos.hyperscale.boot_config:
    kernel: hyperscale
    proven: true
"""

RETURN = r"""
actions:
  description: The steps done, or in check mode those to do.
  returned: success
  type: list
  elements: dict
pending:
  description: What is wanted and left open on purpose. Each has C(section), C(subject), C(waits_for) (V(boot) or V(proof)) and
    C(why).
  returned: success
  type: list
  elements: dict
  sample:
    - section: boot
      subject: 6.12.95-0.hs1.hsx.el9.x86_64
      waits_for: boot
      why: the next boot starts it once; the boot after that is 5.14.0-611.el9.x86_64 again, unless the host is proven with it
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
  description: Whether a reboot is needed, and why, such as a kernel that is to be tried or arguments that wait.
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
    options = engine.SECTION_OPTIONS["boot"]
    spec = {**options, **engine.WAYS, "proven": {"type": "bool", "default": False}}
    module = MaskingModule(argument_spec=spec, supports_check_mode=True)
    engine.run(module, REGISTRY.wishes_of({"boot": [{name: module.params[name] for name in options}]}))


if __name__ == "__main__":
    main()
