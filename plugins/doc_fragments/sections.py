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
        description: V(absent) takes out exactly what this collection put in for these flavours, by the ledger.
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
        description: >-
          The armoured key. Default is the key that the release package or the host has, else the SIG's address. Where further
          keys are beside it, the one with the fingerprint alone is imported.
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
        description: Which builds to take. V(any) is for packages of O(packages[].names) that the SIG may or may not build - it
          takes the Hyperscale build where one is offered, else another such as EPEL's, and leaves what is installed. V(installed)
          leaves the family as it is and only adds O(packages[].capabilities) of the same build, or goes along with another wish
          that moves the family.
        type: str
        choices: [hyperscale, stock, any, installed]
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
      capabilities:
        description: What some package of the family is to provide; builds differ in which one does. One that the wanted
          build has not is erased when another of that build provides the same.
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
  rulesets:
    description: The backend through which the kernel filters by the rules of iptables. At most one wish.
    type: list
    elements: dict
    default: []
    suboptions:
      backend:
        description: The backend. That the C(iptables) command speaks to it is asserted, and brought about by O(alternatives).
        type: str
        choices: [legacy, nft]
        required: true
      carry:
        description: Carry the rules of both families over from the other backend. They are tried and restored in the wanted one
          before they are taken out of the other. V(false) leaves them in force where they are.
        type: bool
        default: true
      firewalld:
        description: What to do about an active or enabled firewalld, which filters through nftables. V(refuse) stops before any
          change when the legacy backend is wanted, V(keep) has both filter, V(stop) stops and disables it.
        type: str
        choices: [refuse, keep, stop]
        default: refuse
      nftables:
        description: The same for nftables.service.
        type: str
        choices: [refuse, keep, stop]
        default: refuse
  alternatives:
    description: Families of alternatives(8). Existing ones are selected, none is ever registered.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the family.
        type: str
        required: true
      path:
        description: Absolute path of the registered target to select by hand. Followers go with it.
        type: str
      auto:
        description: Let the priorities select, in place of O(alternatives[].path).
        type: bool
        default: false
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
      fresh_for:
        description: Paths of files that it is started from. When one of them is newer than the unit, or written in this run, an
          active unit is restarted. systemd reads changed unit files again without being told.
        type: list
        elements: path
        default: []
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
      psi:
        description: Have pressure stall information on. C(psi=1) becomes an argument where the running kernel has it off, or on
          only by that argument; where it is on by itself, nothing does.
        type: bool
        default: false
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
  cgroup2:
    description: The unified control group hierarchy is in use and nothing holds on to the legacy one. Users of the legacy one
      stand in the way while that is in use, and are told of where it is not. O(boot) takes the arguments away that ask for it.
    type: list
    elements: dict
    default: []
    suboptions:
      accept:
        description: Users of the legacy hierarchy that somebody took on, by the name in the refusal, such as the name of a unit
          or the path of a file or mount.
        type: list
        elements: str
        default: []
  oomd:
    description: systemd-oomd and what it watches, by drop-ins of ours. What it needs is looked for on the host; where it
      cannot run yet, RV(pending) or a warning says so, and it is set up and not started.
    type: list
    elements: dict
    default: []
    suboptions:
      state:
        description: V(absent) takes our files away and masks the daemon, since drop-ins of packages would start it again.
        type: str
        choices: [present, absent]
        default: present
      settings:
        description: Settings of oomd.conf(5). What is not given stays as the build has it.
        type: dict
        default: {}
        suboptions:
          swap_used_limit:
            description: C(SwapUsedLimit), a share from 0% to 100%.
            type: str
          memory_pressure_limit:
            description: C(DefaultMemoryPressureLimit), a share from 0% to 100%.
            type: str
          memory_pressure_duration:
            description: C(DefaultMemoryPressureDurationSec), 0 or at least a second.
            type: str
          prekill_hook_timeout:
            description: C(PrekillHookTimeoutSec), 0 or at least a second; from systemd 260 on.
            type: str
      units:
        description: Units and what oomd is to do with them, as systemd.resource-control(5) has it. What is not given stays
          as it is.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Full name of a slice, service or scope. A template such as V(user@.service) stands for its instances, a
              prefix such as V(user-.slice) for all that begin with it, V(-.slice) for the whole system.
            type: str
            required: true
          swap:
            description: C(ManagedOOMSwap). With V(kill), oomd kills below this unit when swap is used up.
            type: str
            choices: [auto, kill]
          memory_pressure:
            description: C(ManagedOOMMemoryPressure). With V(kill), oomd kills below this unit when it is under pressure for long.
            type: str
            choices: [auto, kill]
          memory_pressure_limit:
            description: C(ManagedOOMMemoryPressureLimit), a share from 0% to 100%.
            type: str
          memory_pressure_duration:
            description: C(ManagedOOMMemoryPressureDurationSec), at least a second; from systemd 257 on.
            type: str
          preference:
            description: C(ManagedOOMPreference), whether to spare this unit. oomd heeds it where root owns the unit's control
              group, or its owner is that of the watched unit above; the units within are not spared with it.
            type: str
            choices: [none, avoid, omit]
      conflicting:
        description: What to do where earlyoom, nohang or the older oomd is enabled or runs. V(refuse) stops and names it,
          V(disable) turns it off, V(keep) has both.
        type: str
        choices: [refuse, disable, keep]
        default: refuse
  locks:
    description: What was swapped stays. Lines and settings of others are left alone, and ours never hold back a transaction
      of this collection.
    type: list
    elements: dict
    default: []
    suboptions:
      family:
        description: Lock all that is installed of a family to its build.
        type: str
        choices: [kernel, rpm, systemd]
      set:
        description: Lock all that is installed of a ready set to its builds.
        type: str
        choices: [compression, container-tools, dbus-broker, e2fsprogs, ethtool, kpatch, openssh, perf, selinux-policy,
          virtualization]
      names:
        description: Lock these packages, and all that is installed of the same sources.
        type: list
        elements: str
        default: []
      versions:
        description: V(true) has lines of ours in the list of dnf's versionlock plugin, which comes along where it is not
          installed; they follow the packages. V(false) takes lines of ours for these packages out.
        type: bool
        default: true
      vendor:
        description: V(true) sets C(allow_vendor_change) to false in C(/etc/dnf/dnf.conf), for all packages of the host.
          V(false) gives back what was there before, where it was this collection that set it. Not given means as it is.
        type: bool
  selinux:
    description: Whether an enforcing host enforces during the swap. One that does not enforce is left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      during:
        description: V(permissive) has the running kernel log and not deny, from before the transaction until the host was
          proven (option C(proven) of M(centos.hyperscale.converge)), and never beyond a boot. The configuration is not
          written.
        type: str
        choices: [enforcing, permissive]
        default: enforcing
      permissive_minutes:
        description: Minutes after which a host that was set permissive enforces again by itself, unless it was proven by then. 5
          to 1440. It waits while a run or a package transaction is at work. Of several wishes the longest time counts.
        type: int
        default: 60
        version_added: 0.6.0
  cow:
    description: Experimental. rpm clones files out of dnf's cache (copy-on-write); the packages are wishes of O(packages).
    type: list
    elements: dict
    default: []
    suboptions:
      enabled:
        description: Whether dnf's plugin is on. V(false) also brings the package database back to where stock rpm keeps it.
        type: bool
        default: true
      denylist:
        description: Names of packages that are installed without it.
        type: list
        elements: str
        default: []
      accept_rpmdb_move:
        description: Agree that the package database moves from C(/var/lib/rpm) to C(/usr/lib/sysimage/rpm), as the patched rpm
          has it; a link stays. Stream 10 has it there already.
        type: bool
        default: false
  network:
    description: Who sets up the network. A hand-over waits for its confirmation, RV(pending) says so; without one the host goes
      back by itself. A wish that names nobody only confirms, with C(proven=true).
    type: list
    elements: dict
    default: []
    suboptions:
      renderer:
        description: V(networkd) takes the network over from NetworkManager, V(networkmanager) takes it back.
        type: str
        choices: [networkd, networkmanager]
      source:
        description: V(running) carries over what NetworkManager runs, V(definitions) takes O(network[].definitions).
        type: str
        choices: [running, definitions]
        default: running
      definitions:
        description: Files of networkd, checked before anything is changed. They are written below C(/etc/systemd/network) with
          C(50-centos-hyperscale-) before their names.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name, ending in C(.network), C(.netdev) or C(.link).
            type: str
            required: true
          content:
            description: The file's text.
            type: str
            required: true
      resolved:
        description: Whether systemd-resolved resolves names, with C(/etc/resolv.conf) a link to what it writes. V(false) makes
          that a file with the servers of now. Not given means as it is.
        type: bool
      confirm_seconds:
        description: Seconds from the switch after which the host goes back, unless the hand-over was confirmed by then. 20 to
          3600.
        type: int
        default: 120
      unmanaged:
        description: Interfaces that networkd is to leave alone.
        type: list
        elements: str
        default: []
      without:
        description: >-
          What this host can do without, by the name that its refusal gave it, such as the path of a dispatcher script, or
          V(lan: ipv4.dad-timeout) for a setting of a profile.
        type: list
        elements: str
        default: []
"""
