# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the sections of desired state."""

from __future__ import annotations


class ModuleDocFragment:
    """The sections that converge takes and dropin_info looks at."""

    DOCUMENTATION = r"""
options:
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
        description: A set that moves together. Of V(kernel) new kernels come beside the installed ones, and what serves a kernel
          (C(perf), C(bpftool), C(kernel-tools), C(kernel-headers)) moves with it.
        type: str
        choices: [kernel, systemd]
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
  modules:
    description: Kernel modules. One that only another installed kernel has waits for a boot, and RV(pending) says so.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, as C(lsmod) shows it.
        type: str
        required: true
      loaded:
        description: Load it now. V(false) leaves the running kernel as it is.
        type: bool
        default: true
      at_boot:
        description: Load it at every boot, by a file of ours in C(/etc/modules-load.d). V(false) takes that file away.
        type: bool
        default: true
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
  boot:
    description: Kernel arguments, and which kernel is started, by the files that GRUB reads. The wishes of several roles are
      taken together.
    type: list
    elements: dict
    default: []
    suboptions:
      args:
        description: Arguments that every kernel has, installed now or later. One of the same name with another value is
          replaced, unless the kernel hears several of them, as with C(console).
        type: list
        elements: str
        default: []
      args_absent:
        description: Arguments that no kernel has. V(name) means any value of it, V(name=value) exactly that.
        type: list
        elements: str
        default: []
      kernel:
        description: Which kernel is to be the default. V(hyperscale) and V(stock) mean the newest of that side, anything else
          is a release as C(uname -r) prints it, or its version, or version and release. Empty leaves the default as it is.
        type: str
        default: ''
      try_once:
        description: Start a kernel that does not run now a single time at the next boot, and make it the default only when a
          run with C(proven=true) follows (RV(pending) says so). The boot after that is the kernel's that runs now.
        type: bool
        default: true
      retry:
        description: A try that failed is not repeated, until this has another value than it had then.
        type: str
        default: ''
      keep:
        description: Have dnf keep at least so many kernels, by C(installonly_limit) in C(/etc/dnf/dnf.conf), which is never
          made smaller. V(0) leaves it as it is.
        type: int
        default: 0
"""
