#!/usr/bin/python
# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Return everything about a host that a move to Hyperscale packages depends on
version_added: 0.1.0
description:
  - Reads the system, its repositories, packages, kernels, control groups, security, file systems, network and
    pending reboots in one call, and changes nothing.
  - Every group is read on its own. What could not be read is V(null) or V(unknown), and RV(host.unreadable) says why.
  - It can run without root. A group that root alone could have read whole is named in RV(host.unreadable) then; what cannot be
    read is never reported as absent.
  - A host that the collection does not support is no failure, see RV(host.supported) and RV(host.refusal). Only where
    Python on the host is too old to run this module at all does the task fail, with the text of the refusal.
  - Passwords and tokens are masked wherever they stand, such as accounts in the addresses of repositories and secrets among the
    kernel's arguments.
author:
  - The centos.hyperscale maintainers (@centos-hyperscale)
attributes:
  check_mode:
    support: full
    description: Can run in check mode and returns what it returns without it.
  diff_mode:
    support: none
    description: There is no difference to show, nothing is changed.
  platform:
    support: full
    description: Runs on any Linux host with a supported Python, so that it can refuse those it does not support.
    platforms: linux
options:
  key_fingerprints:
    description:
      - Fingerprints of the keys that sign Hyperscale packages, 40 hexadecimal digits each; blanks are ignored.
      - A package signed by one of them has one of the three witnesses of a Hyperscale build.
    type: list
    elements: str
    default: ['9B04530E0ED6ABC4B2C358DD2A01FA2AEB3DAC40']
  gather:
    description:
      - The groups to read. Those left out hold what they hold when they cannot be read.
      - RV(host.os), RV(host.arch), RV(host.supported) and RV(host.refusal) are always read.
      - V(filesystems) gives RV(host.root_filesystem), RV(host.filesystems) and the free bytes.
      - The default is all of them.
    type: list
    elements: str
    choices:
      - boot
      - cgroup
      - filesystems
      - iptables
      - kernel
      - keys
      - ledger
      - network
      - packages
      - psi
      - reboot
      - repos
      - secure_boot
      - selinux
      - systemd
      - sysv
"""

EXAMPLES = r"""
- name: Read everything
  centos.hyperscale.host_info:
  register: info

- name: Stop on hosts that are not supported
  ansible.builtin.assert:
    that: info.host.supported
    fail_msg: "{{ info.host.refusal }}"

- name: Ask only whether a reboot is due
  centos.hyperscale.host_info:
    gather: [reboot]
  register: info

- name: Show why
  ansible.builtin.debug:
    msg: "{{ info.host.reboot.reasons | map(attribute='what') | list }}"
"""

RETURN = r"""
host:
  description: The facts. Every key is always there.
  returned: success
  type: dict
  contains:
    supported:
      description: Whether the collection supports this host, from RV(host.os) and RV(host.arch).
      type: bool
      returned: success
    refusal:
      description: Why the host is refused and what to do, V(null) when it is supported.
      type: str
      returned: success
    os:
      description: The system, from os-release.
      type: dict
      returned: success
      contains:
        id:
          description: C(ID).
          type: str
        name:
          description: C(NAME).
          type: str
        version_id:
          description: C(VERSION_ID).
          type: str
        stream:
          description: The CentOS Stream release, V(null) on any other system.
          type: int
        is_centos_stream:
          description: Whether it is CentOS Stream, which C(ID) alone does not say.
          type: bool
    arch:
      description: The machine, from C(uname -m).
      type: str
      returned: success
    kind:
      description:
        - Which kind of host this is, by whose systemd is process 1.
        - Where it is not this root's, RV(host.kernel) has nothing of the running kernel, the groups of what runs (boot, cgroup,
          network, psi, reboot, secure_boot and systemd) hold what they hold when they cannot be read, and RV(host.unreadable)
          says that they do not apply.
      type: dict
      returned: success
      version_added: 0.5.0
      contains:
        name:
          description: V(booted) is a host that its own systemd has booted, a container with systemd as well. V(image_mode) is
            booted from an image (bootc, ostree). V(no_systemd) is a root in which no systemd of its own runs, such as a chroot or
            a container build. V(foreign) is a root that has F(/run) of another system. V(unknown) is one that cannot be told,
            as without the rights of root.
          type: str
        evidence:
          description: What was seen, in words.
          type: list
          elements: str
        foreign:
          description: Which of F(/proc) and F(/run) are another system's.
          type: list
          elements: str
        refusal:
          description: Why modules that change a host refuse this one and what to do, V(null) when they do not.
          type: str
    repos:
      description: >-
        The configured repositories, from the files in dnf's C(reposdir). Values are the host's own text,
        variables not replaced. V(null) when not read.
      type: list
      elements: dict
      returned: success
      contains:
        id:
          description: The repository id.
          type: str
        name:
          description: Its name.
          type: str
        file:
          description: The file it is configured in.
          type: str
        enabled:
          description: Whether it is enabled.
          type: bool
        baseurl:
          description: Its addresses.
          type: list
          elements: str
        metalink:
          description: Its metalink, or V(null).
          type: str
        mirrorlist:
          description: Its mirror list, or V(null).
          type: str
        gpgcheck:
          description: Whether packages are checked, C(dnf.conf) counted in.
          type: bool
        repo_gpgcheck:
          description: Whether metadata are checked, C(dnf.conf) counted in.
          type: bool
        gpgkey:
          description: Its keys.
          type: list
          elements: str
        priority:
          description: Its priority, 99 by default; the lowest wins.
          type: int
        cost:
          description: Its cost, 1000 by default.
          type: int
        excludepkgs:
          description: Packages it hides.
          type: list
          elements: str
        includepkgs:
          description: Packages it is limited to.
          type: list
          elements: str
        flavour:
          description: >-
            The flavour of the SIG it publishes, V(null) for any other repository and for testing, source
            and debug ones.
          type: str
    signing_keys:
      description: The keys rpm trusts, from the C(gpg-pubkey) entries of the package database. V(null) when not read.
        Before 0.5.0 it was called C(keys), which Jinja takes for a method of the dictionary.
      type: list
      elements: dict
      returned: success
      contains:
        key_id:
          description: 16 hexadecimal digits, V(null) when the key cannot be parsed.
          type: str
        fingerprint:
          description: 40 hexadecimal digits, V(null) when the key cannot be parsed.
          type: str
        nevra:
          description: The entry's name in the database.
          type: str
        summary:
          description: The owner.
          type: str
        created:
          description: Seconds since the epoch.
          type: int
    packages:
      description: The installed packages, from the package database. V(null) when not read.
      type: dict
      returned: success
      contains:
        total:
          description: How many are installed.
          type: int
        hyperscale:
          description: >-
            Those with two of the three witnesses. Each has C(name), C(epoch), C(version), C(release),
            C(evr), C(arch), C(nevra), C(vendor), C(signing_key), C(source), C(hyperscale), C(flavour),
            C(witnesses) (by C(release), C(vendor), C(signature)) and C(disagreement) (the witnesses that
            contradict the verdict).
          type: list
          elements: dict
        disagreements:
          description: Those whose release, vendor and signature disagree on who built them, whatever the verdict; same shape.
          type: list
          elements: dict
        duplicates:
          description: Names installed twice for one architecture, kernels and kernel modules not counted.
          type: list
          elements: str
        duplicates_new:
          description: Those of RV(host.packages.duplicates) that were not so before the adoption that stands.
          type: list
          elements: str
          version_added: 0.6.0
        disagreements_new:
          description: The NEVRAs of those of RV(host.packages.disagreements) that were not so before the adoption that stands.
          type: list
          elements: str
          version_added: 0.6.0
        families:
          description: >-
            For each family of packages that move together (C(systemd)) its installed members, by source
            package; same shape.
          type: dict
    kernel:
      description: Kernels, V(null) when not read.
      type: dict
      returned: success
      contains:
        running:
          description: What C(uname -r) prints, from C(/proc/sys/kernel/osrelease).
          type: str
        default:
          description: >-
            The same of the default boot entry, by the files that GRUB reads, else from C(grubby --default-kernel), V(null)
            when not known.
          type: str
        next:
          description: >-
            What the next boot starts, by the files that GRUB reads. V(null) where they do not say.
          type: dict
          contains:
            release:
              description: The kernel, as C(uname -r) prints it.
              type: str
            entry:
              description: The boot entry, its file name without C(.conf).
              type: str
            once:
              description: Whether for that single time only.
              type: bool
            words:
              description: The arguments it is started with, without quotes.
              type: list
              elements: str
        tried:
          description: The kernel that section C(boot) has tried or is to try, V(null) when there is none.
          type: str
        installed:
          description: The packages that carry a kernel, as NEVRA, newest first by rpm's comparison.
          type: list
          elements: str
        cmdline:
          description: C(/proc/cmdline).
          type: str
        arguments:
          description: Its arguments by name; V(true) for one without value. Of a name given twice the last counts.
          type: dict
        words:
          description: Its arguments in order, without quotes and without what the boot loader adds.
          type: list
          elements: str
        waiting:
          description: >-
            Arguments that section C(boot) has set and that the next boot brings, and C(no NAME) for those that it ends.
          type: list
          elements: str
        hyperscale:
          description: Whether the running one is the SIG's, V(null) when no installed package owns it.
          type: bool
    cgroup:
      description: Control groups, from C(/proc/self/mountinfo).
      type: dict
      returned: success
      contains:
        mode:
          description: V(unified), V(hybrid), V(legacy) or V(unknown).
          type: str
    psi:
      description: Pressure stall information, V(null) when not read.
      type: dict
      returned: success
      contains:
        supported:
          description: Whether the running kernel can, from its build configuration, V(null) when not known.
          type: bool
        enabled:
          description: Whether C(/proc/pressure) can be read.
          type: bool
        reason:
          description: Why it is off, V(null) when it is on.
          type: str
    selinux:
      description: SELinux, V(null) when not read.
      type: dict
      returned: success
      contains:
        mode:
          description: V(enforcing), V(permissive) or V(disabled), from C(/sys/fs/selinux).
          type: str
        configured:
          description: C(SELINUX) in C(/etc/selinux/config).
          type: str
        policy:
          description: C(SELINUXTYPE) in C(/etc/selinux/config).
          type: str
        relaxed_since:
          description: Since when a run of this collection has the host permissive until it is proven, in seconds since the
            epoch; V(null) where it has not.
          type: float
    secure_boot:
      description: V(enabled), V(disabled), V(not_efi) or V(unknown), from the EFI variable C(SecureBoot).
      type: str
      returned: success
    root_filesystem:
      description: What is mounted on C(/), with C(device), C(fstype) and C(options), from C(/proc/self/mountinfo).
      type: dict
      returned: success
    filesystems:
      description: >-
        The file systems that keep data, each with C(mountpoint), C(device), C(fstype) and C(options), from
        C(/proc/self/mountinfo).
      type: list
      elements: dict
      returned: success
    boot_free_bytes:
      description: Room below C(/boot), from C(statvfs).
      type: int
      returned: success
    var_free_bytes:
      description: Room below C(/var), from C(statvfs).
      type: int
      returned: success
    root_free_bytes:
      description: Room below C(/), from C(statvfs).
      type: int
      returned: success
    network:
      description: Who configures the network, from C(systemctl show).
      type: dict
      returned: success
      contains:
        in_charge:
          description: >-
            V(NetworkManager), V(systemd-networkd), V(both), V(none) or V(unknown), by which services are
            active.
          type: str
        services:
          description: >-
            For each of C(NetworkManager), C(systemd-networkd), C(network) and C(systemd-resolved) its
            C(load_state), C(active_state) and C(unit_file_state) in systemd's words.
          type: dict
    iptables:
      description: The iptables command; all V(null) where it is not installed.
      type: dict
      returned: success
      contains:
        backend:
          description: V(nf_tables) or V(legacy), from C(iptables -V).
          type: str
        version:
          description: Its version, from C(iptables -V).
          type: str
        alternatives_target:
          description: Where C(/etc/alternatives/iptables) points.
          type: str
    sysv:
      description: What systemd 260 no longer starts.
      type: dict
      returned: success
      contains:
        init_scripts:
          description: Executable scripts in C(/etc/rc.d/init.d) and C(/etc/init.d), whether or not in use.
          type: list
          elements: str
        rc_local:
          description: Whether there is an executable C(rc.local).
          type: bool
    systemd:
      description: The running and the installed systemd. A part that could not be read is V(null).
      type: dict
      returned: success
      contains:
        pid1:
          description: The name of PID 1, from C(/proc/1/comm).
          type: str
        running_version:
          description: The manager's own version, from C(systemctl show).
          type: str
        package_version:
          description: Epoch, version and release of the package.
          type: str
        state:
          description: The state of the system, as of C(systemctl is-system-running).
          type: str
        failed_units:
          description: Failed units, from C(systemctl list-units).
          type: list
          elements: str
        failed_units_new:
          description:
            - Those of them that had not failed before the adoption that stands, as its first run noted it. None where the
              host has no changes by the collection. V(null) when that cannot be told.
          type: list
          elements: str
          version_added: 0.6.0
        failed_units_before:
          description: The others, each with why it counts as failed before.
          type: dict
          version_added: 0.6.0
        failed_units_better:
          description: Units that had failed before the adoption, and have not now.
          type: list
          elements: str
          version_added: 0.6.0
        pid1_binary_replaced:
          description: Whether the program PID 1 runs was replaced on disk since, from C(/proc/1/exe).
          type: bool
    boot:
      description: The last boot, V(null) when not read.
      type: dict
      returned: success
      contains:
        id:
          description: C(/proc/sys/kernel/random/boot_id); in a container the machine's.
          type: str
        time:
          description: Seconds since the epoch at which PID 1 started, which in a container is the container's start.
          type: int
    reboot:
      description: Whether something installed waits for a reboot.
      type: dict
      returned: success
      contains:
        required:
          description: V(null) when no reason is known and the packages or the boot time could not be read.
          type: bool
        reasons:
          description: What waits.
          type: list
          elements: dict
          contains:
            what:
              description: >-
                V(kernel), V(kernel to try) for one that is started once, V(kernel arguments), V(PID 1) or a package name.
              type: str
            installed:
              description: What is installed, or booted by default.
              type: str
            running:
              description: What runs, V(null) when it has no version of its own to ask for.
              type: str
            since:
              description: When it was installed, seconds since the epoch, or V(null).
              type: int
    ledger:
      description: The record of earlier runs of the collection.
      type: dict
      returned: success
      contains:
        present:
          description: Whether it exists.
          type: bool
        path:
          description: Where it is.
          type: str
        guards:
          description: What the host puts back, or has put back, by itself because nobody confirmed a step, oldest first. V(null)
            when it could not be read.
          type: list
          elements: dict
          version_added: 0.6.0
          contains:
            kind:
              description: The kind of guard, such as V(network).
              type: str
            subject:
              description: What it puts back, in words.
              type: str
            state:
              description: V(armed) while it waits or acts, V(confirmed), V(back) when the state of before was put back and read
                again, V(others) when it left the state alone because somebody else had changed it.
              type: str
            why:
              description: Why it acts or acted, or left the state alone. Empty while it waits, and when it was confirmed.
              type: str
            tries:
              description: How often it has tried.
              type: int
            left:
              description: What is not as it was before, in words.
              type: list
              elements: str
    unreadable:
      description: What could not be read.
      type: list
      elements: dict
      returned: success
      contains:
        what:
          description: The key, or the file.
          type: str
        reason:
          description: Why.
          type: str
problems:
  description: What is in the way, where the host cannot be read at all, each with the fact, the reason and what to do.
  returned: failure
  type: list
  elements: dict
  version_added: 0.6.0
  contains:
    code:
      description: What kind of problem it is, as V(area.name). The same problem has the same code in each release, whatever
        its words are.
      type: str
      sample: os.no_space
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
refused:
  description: False where the host cannot be read.
  returned: failure
  type: bool
  version_added: 0.6.0
"""

from ansible_collections.centos.hyperscale.plugins.module_utils.core import bindings, host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.module import MaskingModule
from ansible_collections.centos.hyperscale.plugins.module_utils.entry.telling import telling
from ansible_collections.centos.hyperscale.plugins.module_utils.facts import gather as host_facts, kind
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import keys as table_of_keys

# Messages are parsed, so they must be untranslated; grubby and iptables live in sbin.
ENVIRONMENT = {"LANG": "C", "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def main() -> None:
    module = MaskingModule(
        argument_spec={
            "key_fingerprints": {
                "type": "list",
                "elements": "str",
                "default": [table_of_keys.HYPERSCALE_KEY.fingerprint],
                "no_log": False,
            },
            "gather": {"type": "list", "elements": "str", "choices": sorted(host_facts.GROUPS)},
        },
        supports_check_mode=True,
    )
    with telling(module):
        look(module)


def look(module: MaskingModule) -> None:
    """Gather the facts and end the module."""
    # Without rpm anywhere the other groups are still worth having, so this does not fail.
    bindings.respawn_with_bindings("rpm")

    def run(argv: list[str]) -> tuple[int, str, str]:
        try:
            return module.run_command(argv, environ_update=ENVIRONMENT, handle_exceptions=False)
        except OSError as error:
            return host_io.status_of(error), "", str(error)

    gather = module.params["gather"]
    groups = host_facts.GROUPS if gather is None else gather
    module.exit_json(changed=False, host=host_facts.gather(
        run, module.params["key_fingerprints"], groups, kind=kind.of_this_host()))


if __name__ == "__main__":
    main()
