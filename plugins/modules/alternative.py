#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alternatives section of the engine as a module of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: alternative
short_description: Select a registered target of an alternatives family
version_added: 0.3.0
description:
  - Points a family of alternatives(8), with all its followers, to a target that a package registered, and reads all the
    links again. Never registers anything, which is for packages.
  - A family is read as alternatives(8) reads it. In two states that make alternatives fail until somebody mends them, the
    family is mended. Where its link below C(/etc/alternatives) is missing, the link is made. Where a cut write left a file
    C(NAME.new) beside its file, that is moved to C(/var/lib/centos-hyperscale/alternatives).
  - M(centos.hyperscale.converge) with O(centos.hyperscale.converge#module:undo=alternatives) takes the choice back.
  - Where targets were registered with C(--initscript), alternatives applies presets to the unit of the selected target and
    disables those of the others. Taking the choice back makes these units enabled or disabled as they were, but for what
    somebody changed since. SysV scripts are not brought back, which a warning says before.
options:
  name:
    description: Name of the family, as C(alternatives --list) shows it.
    type: str
    required: true
  path:
    description: Absolute path of the registered target to select by hand. Followers go with it.
    type: str
  auto:
    description: Let the priorities select, in place of O(path).
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
    description: Shows the mode and the target before and after.
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
- name: Have another editor
  centos.hyperscale.alternative:
    name: editor
    path: /usr/bin/nvim

- name: Leave the choice to the priorities
  centos.hyperscale.alternative:
    name: editor
    auto: true
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
    options = engine.SECTION_OPTIONS["alternatives"]
    module = MaskingModule(argument_spec={**options, **engine.WAYS}, supports_check_mode=True)
    want = {name: module.params[name] for name in options}
    engine.run(module, REGISTRY.wishes_of({"alternatives": [want]}))


if __name__ == "__main__":
    main()
