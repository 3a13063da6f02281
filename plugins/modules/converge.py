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
    choices: [repositories, packages, files, units, manager]
    default: [files, manager, packages, repositories, units]
  repositories:
    description: Repositories of the SIG, by flavour.
    type: list
    elements: dict
    default: []
    suboptions:
      flavours:
        description: Names of flavours, such as V(main), V(experimental), V(facebook), V(spin), V(hotfixes) (Stream 9),
          V(intel) (Stream 9), V(kernel) (Stream 10), V(asahi) (Stream 10).
        type: list
        elements: str
        required: true
      state:
        description: V(absent) takes out exactly what this collection put in for these flavours, by the journal.
        type: str
        choices: [present, absent]
        default: present
      method:
        description: V(release_package) installs the SIG's own release packages. V(definition) writes the files, for
          mirrors of one's own.
        type: str
        choices: [release_package, definition]
        default: release_package
      enabled:
        description: V(per_transaction) leaves the repositories disabled on disk; only runs of this collection use them.
        type: str
        choices: [always, per_transaction]
        default: always
      testing:
        description: Use the testing repositories instead. Their builds may be unsigned, and unsigned builds are refused.
        type: bool
        default: false
      baseurl:
        description: Address with O(repositories[].method=definition); C({stream}) and C({component}) are filled in.
        type: str
      metalink:
        description: Metalink with O(repositories[].method=definition), filled in likewise. Default is the SIG's own.
        type: str
      proxy:
        description: Proxy for these repositories.
        type: str
      sslcacert:
        description: Path on the host of the CA file that vouches for the server.
        type: path
      sslclientcert:
        description: Path on the host of the client certificate.
        type: path
      sslclientkey:
        description: Path on the host of the client key.
        type: path
      key:
        description: The armoured key. Default is the key that the release package or the host has, else the SIG's address.
        type: str
      key_fingerprint:
        description: Full fingerprint, 40 hex digits, that the key must have.
        type: str
        default: 9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40
      settings:
        description: By flavour, V(priority) (1 to 99), V(cost), V(includepkgs) and V(excludepkgs).
        type: dict
        default: {}
      epel:
        description: Install EPEL's release packages too (with the SIG's, which require them).
        type: bool
        default: true
      crb:
        description: Enable CRB, which the SIG's packages are built against.
        type: bool
        default: true
  packages:
    description: Sets of packages to swap.
    type: list
    elements: dict
    default: []
    suboptions:
      family:
        description: A set that moves together.
        type: str
        choices: [systemd]
      names:
        description: Names of packages; all that is installed of the same sources moves with them.
        type: list
        elements: str
        default: []
      to:
        description: Which builds to take.
        type: str
        choices: [hyperscale, stock]
        default: hyperscale
      version:
        description: V(present) takes any build of that side and the newest when one must be chosen, V(latest) the newest,
          anything else that version, version-release or EVR.
        type: str
        default: present
      also:
        description: Packages to have as well, such as V(systemd-networkd), which no other package pulls in.
        type: list
        elements: str
        default: []
      erase:
        description: Packages this host can do without. Nothing else is ever erased.
        type: list
        elements: str
        default: []
      weak_deps:
        description: Follow weak dependencies.
        type: bool
        default: false
  files:
    description: Whole files.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The file's text. Required with O(files[].state=present).
        type: str
      mode:
        description: Mode in octal.
        type: str
        default: '0644'
      owner:
        description: Owner.
        type: str
        default: root
      group:
        description: Group.
        type: str
        default: root
      state:
        description: Whether the file is to be there.
        type: str
        choices: [present, absent]
        default: present
  units:
    description: systemd units.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Full name, with its type.
        type: str
        required: true
      enabled:
        description: Whether it starts at boot. Not given means as it is.
        type: bool
      masked:
        description: Whether it is masked. Not given means as it is.
        type: bool
      state:
        description: Whether it runs. Not given means as it is.
        type: str
        choices: [started, stopped]
  manager:
    description: PID 1 and the user managers run the installed build of systemd.
    type: list
    elements: dict
    default: []
    suboptions:
      activate:
        description: V(reexec) re-executes them in place. V(reboot) leaves that to a reboot, which RV(reboot) then asks for.
        type: str
        choices: [reexec, reboot]
        default: reexec
  lock_timeout:
    description: Seconds to wait for the locks of dnf and rpm; then the holder is named and nothing is changed.
    type: int
    default: 300
  key_fingerprints:
    description: Full fingerprints of the keys that sign Hyperscale builds.
    type: list
    elements: str
    default: [9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40]
  controller:
    description: A name for who runs this, told to anyone who tries at the same time. Default is the user and the name of
      the controller.
    type: str
attributes:
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
run_id:
  description: Id of the run in the host's journal; null when nothing was done.
  returned: success
  type: str
  sample: 20261121T034500Z-1f2e3d4c
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
from ansible_collections.centos.hyperscale.plugins.module_utils import _converge, _module


def main() -> None:
    spec = _module.sections_spec()
    sections = sorted(spec)
    spec.update(_module.WAYS)
    spec["state"] = {"type": "str", "choices": ["present", "undone"], "default": "present"}
    spec["undo"] = {"type": "list", "elements": "str", "choices": sections, "default": sections}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if module.params["state"] == "undone":
        _module.run(module, None, module.params["undo"])
    wishes = _converge.Wishes(**{name: module.params[name] for name in sections})
    _module.run(module, wishes)


if __name__ == "__main__":
    main()
