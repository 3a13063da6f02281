# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of checks: what each looks for, how grave it is, and what to do. docs/checks.md is written from it.

C(rows) are row numbers of the catalogue (docs/catalogue.md). C(severity) holds when nobody on the host is affected,
C(affected) when somebody is, and also where there is no host to ask. C(blocking) says when an operator has to decide
before the swap goes on. C(phases): C(files) compares package files, C(predict) looks at a host before a swap, C(prove)
after it. A C(mandatory) check that did not run makes the verdict C(unknown).
"""

from __future__ import annotations

import typing as t

from ..facts.consumer import Consumer
from .model import HIGH, INFO, LOW, MEDIUM, PREDICTED, PROVEN, Finding, Link, Remediation, Subject

NEVER, AFFECTED, ALWAYS = "never", "affected", "always"
FILES, PREDICT, PROVE = "files", "predict", "prove"
EVERYWHERE = (FILES, PREDICT, PROVE)
ON_HOST = (PREDICT, PROVE)
# Why a check is left out in a phase that it does not belong to.
# Why a host in image mode is not asked where the packages would be written.
IN_THE_IMAGE = "the packages of this host are written where its image is built"
PHASE_WORDS = {
    FILES: "it needs a host, and package files were compared",
    PREDICT: "it is for after the swap", PROVE: "it is for before the swap"}


class Check(t.NamedTuple):
    """One check. C(title) is filled with the subject's fields."""

    id: str
    rows: tuple[int, ...]
    verb: str
    severity: str
    affected: str
    blocking: str
    phases: tuple[str, ...]
    mandatory: bool
    title: str
    description: str
    remedy: str


def _check(
    name: str, rows: tuple[int, ...], verb: str, severity: str, affected: str, blocking: str, phases: tuple[str, ...],
    title: str, description: str, remedy: str, mandatory: bool = False,
) -> Check:
    return Check(name, rows, verb, severity, affected, blocking, phases, mandatory, title, description, remedy)


TABLE: tuple[Check, ...] = (
    # What packages declare about each other.
    _check(
        "provides.lost", (1,), "lost", LOW, HIGH, AFFECTED, EVERYWHERE, "Nothing provides {name} any more",
        "A capability that the old builds provided is provided by none of the new ones and by nothing else that is installed.",
        "Name a package that provides it, or do without the packages that require it", mandatory=True),
    _check(
        "provides.lowered", (1,), "changed", LOW, HIGH, AFFECTED, EVERYWHERE, "{name} is provided in an older version",
        "The new builds provide a capability in a lower version than the old ones did, so a requirement of at least the old "
        "version no longer holds.",
        "Look at who requires that version before the swap", mandatory=True),
    _check(
        "soname.lost", (2,), "lost", MEDIUM, HIGH, AFFECTED, EVERYWHERE, "The library {name} is gone",
        "A shared library that programs are linked with is provided by no package after the swap; they would not start.",
        "Swap or rebuild the programs that use it in the same transaction, or keep a package that provides it", mandatory=True),
    _check(
        "symbol_version.lost", (3,), "lost", MEDIUM, HIGH, AFFECTED, EVERYWHERE, "The symbol version {name} is gone",
        "A version node of a shared library is missing in the new build; programs linked with it would not start.",
        "Rebuild the programs that use it against the new library, or stay with the old build", mandatory=True),
    _check(
        "requires.unsatisfied", (6, 22), "unverifiable", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} cannot be satisfied here",
        "A new build requires something that neither the host nor the transaction provides. rpmlib() capabilities are "
        "features that the host's own rpm lacks.",
        "Enable the repository that provides it, or choose another build", mandatory=True),
    _check(
        "dependent.broken", (7,), "lost", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} would no longer have what it requires",
        "An installed package requires something that the swap takes away.",
        "Swap the package as well, or name it in 'erase' if this host can do without it", mandatory=True),
    _check(
        "transaction.unsolvable", (6, 7, 8, 10, 13, 14, 17, 18), "conflicts", HIGH, HIGH, ALWAYS, (PREDICT,),
        "The solver finds no transaction for {name}",
        "dnf was asked for the exact builds without erasing anything that nobody named, and finds no solution.",
        "Read the solver's reason; then enable a repository, lift an exclude, or name in 'erase' what this host can do without",
        mandatory=True),
    _check(
        "siblings.split", (8,), "changed", HIGH, HIGH, ALWAYS, (PREDICT, PROVE),
        "The packages of source {name} would be of two builds",
        "After the transaction some packages of one source are of the new build and some of the old one.",
        "Swap all installed packages of the source together", mandatory=True),
    _check(
        "path.required_lost", (9,), "lost", MEDIUM, HIGH, AFFECTED, EVERYWHERE, "The required path {name} is gone",
        "Packages require this very path, and nothing carries it any more.",
        "Install a package that carries the path, or do without those that require it"),
    _check(
        "conflict.gained", (10,), "conflicts", INFO, HIGH, AFFECTED, EVERYWHERE, "The new build conflicts with {name}",
        "The new build declares a conflict that the old one had not.",
        "Swap or erase the package it conflicts with in the same transaction"),
    _check(
        "obsoletes.gained", (11,), "gained", INFO, HIGH, NEVER, EVERYWHERE, "The new build obsoletes {name}",
        "A package that is obsoleted is removed by the transaction, or can no longer be installed beside the new build.",
        "Make sure that what the obsoleted package did is done by its successor"),
    _check(
        "obsoletes.blocks_return", (11,), "gained", MEDIUM, MEDIUM, NEVER, EVERYWHERE,
        "The new build obsoletes the old build of {name}",
        "The obsoletes of a new build cover the build it replaces, which then can not come back without erasing the new one.",
        "Keep the old packages, and plan the way back as one transaction that erases the new ones"),
    _check(
        "weak_dependency.lost", (12,), "lost", INFO, LOW, NEVER, EVERYWHERE, "{name} is no longer recommended",
        "The new build does not ask for a package that the old one recommended; a new host would come up without it.",
        "Name the package where it is needed"),
    _check(
        "weak_dependency.gained", (12,), "gained", INFO, LOW, NEVER, EVERYWHERE, "{name} is recommended now",
        "The new build recommends a package that the old one did not; with weak dependencies on it comes along.",
        "Leave weak dependencies off unless you want it"),
    _check(
        "file.needs_subpackage", (13,), "moved", MEDIUM, HIGH, AFFECTED, EVERYWHERE,
        "{name} moved into {package}, which does not come along",
        "The new builds carry this in a subpackage that is neither installed nor part of the transaction.",
        "Name the subpackage among the packages to have as well"),
    _check(
        "subpackage.vanished", (14,), "lost", MEDIUM, HIGH, NEVER, EVERYWHERE, "{name} has no successor",
        "An installed package leaves the host, and no new build has its name, provides it or obsoletes it.",
        "Make sure that nothing here needs it, or stay with the old build", mandatory=True),
    _check(
        "multilib.partner", (15,), "lost", HIGH, HIGH, ALWAYS, (PREDICT, PROVE), "{name} of another architecture stays behind",
        "The package is installed for two architectures and only one of them is swapped. The SIG builds for x86_64 and aarch64.",
        "Erase the build for the other architecture if this host can do without it"),
    _check(
        "evr.stock_wins", (16,), "changed", HIGH, HIGH, NEVER, (PREDICT,), "A stock build of {name} sorts above the new one",
        "At the next update dnf would take the package back to stock, because its version sorts higher and no priority stops it.",
        "Give the Hyperscale repository a better priority, or leave the package with stock"),
    _check(
        "evr.held_back", (16,), "changed", LOW, LOW, NEVER, (PREDICT,), "{name} stays older than stock",
        "The repository's priority hides a stock build that sorts higher. A SIG repository always holds some packages that stock "
        "has caught up with.",
        "Exclude the package from the Hyperscale repository if the stock build is what you want"),
    _check(
        "evr.lowered", (16,), "changed", MEDIUM, HIGH, NEVER, EVERYWHERE, "{name} goes to a lower version",
        "The new build sorts below the old one by rpm's own comparison.",
        "Stay with the old build unless this is meant to be a way back"),
    _check(
        "build.hidden", (17,), "unverifiable", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} cannot be chosen",
        "The wanted build is hidden from dnf or not offered: an exclude, a version lock, a module, a priority, or a repository "
        "that is not enabled.",
        "Lift what hides it, or enable the repository that carries it", mandatory=True),
    _check(
        "protected.removed", (18,), "lost", HIGH, HIGH, ALWAYS, (PREDICT,), "The transaction would remove {name}",
        "The package is protected on this host, or it is the running kernel.",
        "Boot another kernel first, or take the package out of the transaction", mandatory=True),
    _check(
        "kernel.last_stock_evicted", (19,), "lost", HIGH, HIGH, NEVER, (PREDICT,),
        "The last stock kernel would leave this host: {name}",
        "dnf keeps only so many kernels (installonly_limit). With the new one the oldest goes, and no stock kernel is left to "
        "fall back on.",
        "Raise installonly_limit in dnf.conf, or remove another kernel first"),
    _check(
        "return.unavailable", (20,), "lost", MEDIUM, HIGH, NEVER, (PREDICT,), "{name} can no longer be fetched",
        "No enabled repository offers the installed build any more, so it cannot be brought back from there.",
        "Keep a copy of the package, or accept that going back means the build the repositories have"),
    _check(
        "signature.invalid", (21,), "unverifiable", HIGH, HIGH, ALWAYS, (PREDICT,),
        "The signature of {name} is not one of its repository's key",
        "The header of the new build is unsigned, signed by another key, or does not match its signature.",
        "Find out who signed the package before anything else", mandatory=True),
    _check(
        "signature.missing", (21,), "lost", MEDIUM, MEDIUM, NEVER, (FILES,), "{name} is not signed",
        "The old package file is signed and the new one is not.",
        "Publish it only after it was signed"),
    _check(
        "vendor.changed", (17, 25), "changed", INFO, INFO, NEVER, EVERYWHERE, "{name} comes from another vendor",
        "With allow_vendor_change off, dnf refuses such a change.",
        "Nothing, if the new vendor is the one you asked for"),
    _check(
        "package_manager.replaced", (23, 82), "changed", HIGH, HIGH, NEVER, EVERYWHERE,
        "The package manager itself is replaced: {name}",
        "A patched rpm or librepo may keep the database elsewhere and write a cache that the stock one cannot read.",
        "Try it on a test host first; keep the whole rpm family from one source"),
    _check(
        "installed.duplicate", (24,), "conflicts", HIGH, HIGH, NEVER, (PREDICT, PROVE), "{name} is installed twice",
        "Two builds of a package are in the database, as an interrupted transaction leaves them.",
        "Clean up with 'dnf remove --duplicates' before anything else"),
    _check(
        "installed.broken", (26,), "lost", MEDIUM, MEDIUM, NEVER, (PREDICT, PROVE), "{name} lacks something already",
        "An installed package requires what nothing here provides, with or without the swap.",
        "Mend it on its own; the swap is not the cause"),
    _check(
        "third_party.in_the_way", (25,), "conflicts", LOW, MEDIUM, NEVER, (PREDICT,), "Another vendor is concerned: {name}",
        "A package that moves with this swap, or that rests on it, is neither a stock build nor the SIG's.",
        "Make sure that its vendor knows the new builds"),
    # Files.
    _check(
        "file.removed", (27,), "lost", LOW, HIGH, NEVER, EVERYWHERE, "{name} is gone",
        "A command, library, or other file that something may call is carried by no package after the swap.",
        "Change what uses it, named under consumers, to what the new build offers", mandatory=True),
    _check(
        "files.removed", (27,), "lost", INFO, INFO, NEVER, EVERYWHERE, "{name} carries fewer files",
        "Files that nothing on this host refers to are gone.",
        "Look through the list if something of your own reads them", mandatory=True),
    _check(
        "file.moved", (28,), "moved", INFO, MEDIUM, NEVER, EVERYWHERE, "{name} moved",
        "The file lies at another path in the new builds.",
        "Point what uses the old path, named under consumers, to the new one"),
    _check(
        "file.type_changed", (29,), "changed", MEDIUM, HIGH, AFFECTED, EVERYWHERE, "{name} is of another type",
        "A folder that becomes a file or a link makes rpm refuse the package; other changes surprise who uses the path.",
        "Move what is in the folder away before the swap", mandatory=True),
    _check(
        "symlink.dangling", (30, 59), "lost", MEDIUM, HIGH, NEVER, ON_HOST, "The link {name} will lead nowhere",
        "A symbolic link on this host points to a path that is gone after the swap.",
        "Remove the link or point it elsewhere"),
    _check(
        "owner.changed", (31,), "changed", MEDIUM, HIGH, NEVER, EVERYWHERE, "{name} changes its owner or group",
        "Owner or group of a path differ between the builds.",
        "Make sure that who reads or writes it may still do so"),
    _check(
        "user.missing", (31,), "lost", HIGH, HIGH, NEVER, (PREDICT, PROVE), "The user or group {name} does not exist",
        "Files of the new builds belong to a user or group that neither the host nor the transaction has; rpm gives "
        "them to root.",
        "Create it before the swap"),
    _check(
        "mode.changed", (32,), "changed", LOW, HIGH, NEVER, EVERYWHERE, "{name} changes its mode",
        "The permissions of a path differ between the builds.",
        "Make sure that who uses it still may, and that no one else does"),
    _check(
        "capabilities.changed", (33,), "changed", HIGH, HIGH, NEVER, EVERYWHERE, "{name} changes its file capabilities",
        "A program gains or loses rights that the kernel grants to the file.",
        "Run it as the user it is meant for and see that it works"),
    _check(
        "file.conflict", (34,), "conflicts", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} is in two packages",
        "A file of a new build is owned by another package as well, with other content. rpm refuses the transaction.",
        "Swap or erase the other package in the same transaction", mandatory=True),
    _check(
        "unowned.overwritten", (35,), "conflicts", MEDIUM, MEDIUM, NEVER, (PREDICT,),
        "{name} is not of any package and will be overwritten",
        "Somebody put a file where a new build carries one. rpm replaces it without a notice; configuration is kept as .rpmorig.",
        "Move the file away, or make it a drop-in of its own"),
    _check(
        "local_edit.overwritten", (36,), "lost", HIGH, HIGH, NEVER, (PREDICT, PROVE), "The local change of {name} will be lost",
        "A file of a package was changed on this host, in its content, mode, owner, link, type or capabilities, and the new "
        "build brings its own or has none. Of configuration with another content rpm keeps a second file, which has checks of "
        "its own. A rollback brings the change back.",
        "Carry the change over in a place that packages leave alone, such as a drop-in"),
    _check(
        "ghost.dropped", (107,), "lost", LOW, HIGH, NEVER, ON_HOST, "{name} will be removed with the package that owns it",
        "A package can own a path without carrying it (a ghost): state that a program writes, or a link of alternatives. rpm "
        "removes what is there when the new build does not own it any more. A rollback brings it back as it was before the swap, "
        "up to the limit for what is saved.",
        "Save it yourself where it must stay in use after the swap, and put it back then"),
    _check(
        "save.too_large", (107,), "unverifiable", MEDIUM, MEDIUM, NEVER, (PREDICT,), "{name} is too large to be saved",
        "The swap overwrites or removes a content that no package has. It is saved before the swap up to a size for each file "
        "and one for a run; of what is larger only mode, owner and attributes come back.",
        "Save it yourself before the swap"),
    _check(
        "oneway.state", (23, 81, 82), "changed", INFO, HIGH, NEVER, (PREDICT,), "{name}: state that the old build cannot read",
        "A new build makes state on this host that the build of before cannot read after going back. Where the host has none of "
        "it this is for information.",
        "Read the finding before the swap", mandatory=True),
    _check(
        "file.emptied", (37,), "lost", HIGH, HIGH, NEVER, EVERYWHERE, "{name} is empty now",
        "A file that had content, or a whole payload, is empty in the new build.",
        "Report it to the packager; do not install it", mandatory=True),
    _check(
        "content.changed", (38,), "changed", INFO, LOW, NEVER, EVERYWHERE, "{name} has another kind of content",
        "For example a program that became a script. It may need an interpreter, or behave otherwise.",
        "Try what calls it"),
    _check(
        "needed.changed", (39,), "changed", INFO, LOW, NEVER, EVERYWHERE, "{name} is linked with other libraries",
        "A library that is no longer linked may be opened at run time instead, and then its absence shows only there.",
        "Install the library if you use the feature behind it"),
    _check(
        "interpreter.changed", (41,), "changed", INFO, LOW, NEVER, EVERYWHERE, "{name} needs another interpreter",
        "The interpreters that the scripts of a package require differ between the builds.",
        "Nothing, as long as the transaction brings the interpreter"),
    _check(
        "alternatives.changed", (42, 83), "changed", LOW, HIGH, NEVER, EVERYWHERE, "The alternatives family {name} changes",
        "The scriptlets of the builds register different links, targets or priorities.",
        "Look at 'alternatives --display' after the swap and set the wanted one"),
    _check(
        "disk.space", (46,), "lost", HIGH, HIGH, ALWAYS, (PREDICT,), "There is not enough room on {name}",
        "The transaction needs more bytes or inodes than the file system has.",
        "Make room and run again", mandatory=True),
    _check(
        "mount.read_only", (47,), "conflicts", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} is mounted read-only",
        "The transaction writes there.",
        "Mount it read-write for the swap, or use the way your image is built", mandatory=True),
    _check(
        "path.unwritable", (47,), "conflicts", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} cannot be written",
        "rpm breaks off in the middle of a transaction at a path that it cannot replace: an immutable or append-only file or "
        "folder, a mount point, a folder where a file comes, or a quota that binds root and is used up. A file where a folder "
        "comes would be lost. A path that cannot be looked at may be any of these.",
        "Take away what is in the way, or mend what keeps the path from being looked at, and run again", mandatory=True),
    _check(
        "mount.noexec", (47,), "conflicts", MEDIUM, MEDIUM, NEVER, (PREDICT,), "{name} is mounted noexec",
        "rpm runs scriptlets from files there.",
        "Mount it exec for the swap"),
    _check(
        "documentation.lost", (48,), "lost", INFO, INFO, NEVER, EVERYWHERE, "{name} carries less documentation",
        "Manual pages, licences or other documentation are gone.", "Nothing"),
    # Configuration.
    _check(
        "config.rpmnew", (49,), "changed", MEDIUM, MEDIUM, NEVER, ON_HOST,
        "{name} is kept and the new default lies beside it as .rpmnew",
        "The file was changed here, so rpm keeps it; new defaults are not in use.",
        "Compare the two and merge what you want", mandatory=True),
    _check(
        "config.rpmsave", (50,), "lost", HIGH, HIGH, NEVER, ON_HOST, "{name} loses its effect and is kept as .rpmsave",
        "The file was changed here, and rpm moves it aside: the settings in it no longer count.",
        "Carry the settings over, for example into a drop-in, before the swap", mandatory=True),
    _check(
        "config.rpmorig", (35, 50), "changed", HIGH, HIGH, NEVER, ON_HOST, "{name} is replaced and kept as .rpmorig",
        "A file that no package owned lies where a new build carries configuration.",
        "Merge it into the new file", mandatory=True),
    _check(
        "config.flags_changed", (51,), "changed", LOW, MEDIUM, NEVER, EVERYWHERE, "{name} is protected otherwise than before",
        "The configuration flags of a file (config, noreplace, ghost) differ between the builds, so that the next update treats "
        "a local change otherwise.",
        "Keep local settings in drop-ins"),
    _check(
        "config.default_changed", (52,), "changed", LOW, MEDIUM, NEVER, EVERYWHERE, "The defaults in {name} change",
        "The configuration file that the package ships has other content in the new build.",
        "Read the difference if you rest on a default"),
    _check(
        "config.shadowed", (55,), "changed", LOW, MEDIUM, NEVER, (PREDICT,), "{name} hides or changes a file of the new build",
        "A full copy below /etc keeps the old content whatever the package ships; a drop-in goes on top of new content.",
        "Compare the copy with the new file; make it a drop-in where that is enough"),
    _check(
        "config.leftover", (56,), "unverifiable", LOW, LOW, NEVER, (PREDICT,), "{name} is left from an earlier update",
        "A .rpmnew, .rpmsave or .rpmorig that nobody has merged yet.",
        "Merge and remove it"),
    _check(
        "config.override", (57,), "conflicts", LOW, LOW, NEVER, (PREDICT,), "{name} changes how packages are handled here",
        "Configuration of dnf, rpm or dracut that no package owns.",
        "Read it before the swap: macros, excludes and hooks can change its result"),
    # Services, D-Bus, users, devices.
    _check(
        "unit.vanished", (58, 63), "lost", LOW, HIGH, AFFECTED, EVERYWHERE, "The unit {name} is gone",
        "No package carries the unit after the swap. Where it is enabled, active, or wanted by another unit, that ends.",
        "Enable what replaces it, and take it out of your own units", mandatory=True),
    _check(
        "unit.new", (61, 62), "gained", INFO, LOW, NEVER, EVERYWHERE, "The unit {name} is new",
        "Presets are applied when a package is installed for the first time and not at an update, so a new unit in a package "
        "that is installed already stays as it is: off, unless something pulls it in.",
        "Enable it where you want it"),
    _check(
        "unit.install_changed", (60,), "changed", LOW, MEDIUM, NEVER, EVERYWHERE, "[Install] sections of units of {name} change",
        "Links that enabled a unit before are then not those that would enable it now. Headers tell only that a unit file "
        "changes; after the swap the sections themselves are compared.",
        "Run 'systemctl reenable' for the units that are enabled"),
    _check(
        "activation.lost", (63,), "lost", LOW, HIGH, NEVER, EVERYWHERE, "Nothing is activated under the name {name} any more",
        "The D-Bus service file of that name is gone.",
        "Look for the new name in the release notes of the package"),
    _check(
        "scriptlet.changed", (65,), "changed", LOW, MEDIUM, NEVER, EVERYWHERE, "The {arch} scriptlet of {name} differs",
        "What the package runs when it is installed or erased was added, removed or changed, or runs under another interpreter.",
        "Read it where you rest on what the old one did"),
    _check(
        "scriptlet.failed", (66,), "lost", HIGH, HIGH, NEVER, (PROVE,), "A scriptlet of {name} failed or warned",
        "rpm reported trouble while the transaction ran.",
        "Read the message and do by hand what the scriptlet was to do"),
    _check(
        "scriptlet.restart_order", (68,), "changed", INFO, INFO, NEVER, EVERYWHERE,
        "The old build of {name} restarts its units itself",
        "Its scriptlet restarts a unit before the new unit files are loaded, so a mend in them acts one release late.",
        "Restart the unit once more after the swap"),
    _check(
        "trigger.changed", (67,), "changed", INFO, MEDIUM, NEVER, EVERYWHERE, "The trigger on {name} changes",
        "A trigger runs when another package or path changes. systemd's reload its manager for everybody.",
        "Do by hand what the trigger did, where you rest on it"),
    _check(
        "process.old_code", (69,), "changed", INFO, MEDIUM, NEVER, ON_HOST, "Processes run the old code of {name}",
        "A process keeps the files it was started from, until it is started again.",
        "Restart the processes named under consumers, or reboot"),
    _check(
        "runtime_file.lost", (70,), "lost", LOW, MEDIUM, NEVER, EVERYWHERE, "{name} no longer creates users or folders",
        "A file of sysusers.d or tmpfiles.d is gone; what it created is not created on a new boot or host.",
        "Add a file of your own for what you rest on"),
    _check(
        "udev.lost", (71,), "lost", LOW, HIGH, NEVER, EVERYWHERE, "The device rules {name} are gone",
        "A file of udev rules, the hardware database or link configuration is no longer carried: names and rights of devices may "
        "change.",
        "Compare 'udevadm test' of the devices you rest on before and after"),
    _check(
        "auth_module.lost", (72,), "lost", LOW, HIGH, AFFECTED, EVERYWHERE, "The module {name} of PAM or NSS is gone",
        "Logins or name lookups that are configured to use it would fail.",
        "Take it out of the configuration first, or install the package that carries it now", mandatory=True),
    _check(
        "fapolicyd.trust", (45,), "changed", MEDIUM, MEDIUM, NEVER, (PREDICT,), "{name} must learn the new files",
        "fapolicyd runs only files it trusts, and its database follows the packages.",
        "Run 'fapolicyd-cli --update' after the swap"),
    _check(
        "known.break", (43, 44, 53, 54, 64, 73, 74, 75, 76, 77, 78, 79, 81, 91, 95), "changed", LOW, HIGH, NEVER, (PREDICT,),
        "{name}",
        "A change that is announced in release notes and that no metadata carries. docs/checks.md lists all of them.",
        "See the finding", mandatory=True),
    # Kernel and boot.
    _check(
        "kernel_module.lost", (85, 87), "lost", HIGH, HIGH, ALWAYS, (PREDICT,),
        "The kernel module {name} is loaded here and missing in the new kernel",
        "No package of the new kernel carries it.",
        "Install the package of the new kernel that carries it, or a driver of another kind", mandatory=True),
    _check(
        "kernel_module.root_missing", (86,), "lost", HIGH, HIGH, ALWAYS, (PREDICT,),
        "{name} is needed for a mounted file system and missing in the kernel to boot",
        "The host would not find its root or boot file system under that kernel.",
        "Do not boot that kernel on this host", mandatory=True),
    _check(
        "kernel_module.external", (87, 88, 96), "lost", HIGH, HIGH, ALWAYS, (PREDICT,), "{name} is built for the old kernel",
        "A kernel module, live patch or module source that is not part of the kernel must be built for the new one. The SIG's "
        "kernel has no stable module interface.",
        "Have a build for the new kernel ready, or do without it"),
    _check(
        "kernel_module.options", (89,), "lost", LOW, MEDIUM, NEVER, (PREDICT,),
        "Options are set for {name}, which the new kernel lacks",
        "A file of modprobe.d names a module that no package of the new kernel carries.",
        "Remove the options or find the new name of the module"),
    _check(
        "kernel.secure_boot", (92,), "unverifiable", HIGH, HIGH, ALWAYS, (PREDICT,), "Secure Boot would refuse {name}",
        "The SIG's kernel carries a test signature only.",
        "Switch Secure Boot off or enroll a key, or stay with the stock kernel", mandatory=True),
    _check(
        "kernel.boot_files", (93, 94), "lost", HIGH, HIGH, ALWAYS, (PROVE,), "The kernel {name} cannot be booted as it is",
        "Its image, its initramfs or its boot entry is missing or empty.",
        "Reinstall the kernel package and look at the output of dracut before you reboot"),
    _check(
        "kernel.not_intended", (104,), "changed", HIGH, HIGH, NEVER, (PROVE,),
        "The host runs {name}, not the kernel that was to boot",
        "The running kernel is not the default one, or a kernel was to be tried and the host came back with another.",
        "Look at the boot loader's entries and set the default again"),
    _check(
        "kernel.tools_lag", (95,), "changed", MEDIUM, MEDIUM, NEVER, (PREDICT, PROVE), "{name} stays behind the kernel",
        "perf, bpftool and kernel-tools are built with a kernel and may not understand another.",
        "Swap them in the same transaction"),
    _check(
        "firmware.lag", (98,), "changed", LOW, LOW, NEVER, (PREDICT,), "{name} stays behind the kernel",
        "A newer kernel may ask for firmware that the stock package lacks.",
        "Swap linux-firmware as well where the SIG carries it"),
    _check(
        "cpu.baseline", (99,), "unverifiable", HIGH, HIGH, ALWAYS, EVERYWHERE, "{name} is built for another kind of processor",
        "The architecture or its level is not one that this host runs.",
        "Choose a build for this processor", mandatory=True),
    # Only after the swap.
    _check(
        "verify.differs", (100,), "changed", HIGH, HIGH, NEVER, (PROVE,), "{name} is not as its package has it",
        "rpm finds a difference that was not there before the swap, or did not install a file that was there.",
        "Reinstall the package, or find out what changed the file", mandatory=True),
    _check(
        "unit.stopped", (101,), "lost", HIGH, HIGH, NEVER, ON_HOST, "{name} was active before and does not come back",
        "A unit that the package itself pulled in, and that the new build does not, is off after the next boot. After the swap "
        "every unit that was active and is not is told.",
        "Look at 'systemctl status' and the journal of the unit", mandatory=True),
    _check(
        "unit.activated", (109,), "gained", LOW, HIGH, AFFECTED, ON_HOST, "{name} becomes active",
        "The new builds link a unit into one that runs on this host, and nothing did before. Such a unit starts without a preset "
        "and without being enabled. A mount or automount hides what is in its folder from every program; the files stay below "
        "it. A generator that is new is told by its name. After the swap every unit of the new builds and every mount that is "
        "active and was not is told.",
        "Mask the unit if this host is to be without it", mandatory=True),
    _check(
        "unit.failed", (101,), "lost", HIGH, HIGH, NEVER, (PROVE,), "{name} failed",
        "The unit had not failed before the swap.",
        "Look at 'systemctl status' and the journal of the unit", mandatory=True),
    _check(
        "sysctl.reset", (110,), "lost", LOW, LOW, NEVER, ON_HOST, "{name} is set back to what the files ask for",
        "systemd applies all files of sysctl.d when a package brings one. A value that was set at run time alone is lost then. A "
        "file that was changed and not applied takes effect then.",
        "Write the value into a file of /etc/sysctl.d if it is to stay"),
    _check(
        "selinux.denied", (102,), "conflicts", HIGH, HIGH, NEVER, (PROVE,), "SELinux denied {name}",
        "Denials were logged since the transaction began. Where the policy in force allows the same, as the kernel says, it was "
        "another one that denied it, and the severity is low.",
        "See whether the policy of the SIG for this stream allows it; report it otherwise. Restart what failed meanwhile"),
    _check(
        "selinux.domain", (102,), "changed", HIGH, HIGH, NEVER, (PROVE,), "{name} runs in another SELinux domain",
        "Before and after, the domain of each service's main process is read from the kernel. A service in another domain has "
        "other rights, and a general one such as initrc_t is hardly confined.",
        "Compare the label of its program and of /usr/lib/systemd/systemd-executor with 'restorecon -nv', and report it to the "
        "SIG where the labels are right"),
    _check(
        "smoke.failed", (4, 103), "lost", HIGH, HIGH, NEVER, (PROVE,), "{name} does not run",
        "A command that worked before the swap, or that the new package brings, ends with an error.",
        "Run it by hand and read what it says; go back if it matters", mandatory=True),
    _check(
        "btrfs.trial", (103,), "lost", HIGH, HIGH, NEVER, (PROVE,), "btrfs does not work here",
        "A small file system on a loop device could not be made, mounted, filled, read, scrubbed, checked or removed by the "
        "tools and the kernel that this host has now.",
        "Read what the command says and try it by hand; take a kernel whose btrfs the tools fit, or go back"),
    _check(
        "cow.copied", (), "changed", MEDIUM, MEDIUM, NEVER, (PROVE,), "{name} was copied, not cloned",
        "Copy-on-write (experimental) is on, and a package that it should have cloned out of dnf's cache was written anew. "
        "Nothing is lost but room and time.",
        "Look at the file systems of dnf's cache and /usr, at the denylist, and at the plugin with 'dnf -v'"),
    _check(
        "symbol.unresolved", (4,), "lost", HIGH, HIGH, NEVER, (PROVE,), "{name} finds not all its symbols",
        "A program or library that uses a changed library asks for a function that the new one does not have. Packages do not "
        "declare such symbols, so only loading shows it.",
        "Rebuild the program against the new library, or go back", mandatory=True),
    _check(
        "package.unforeseen", (), "unverifiable", MEDIUM, MEDIUM, NEVER, (PROVE,),
        "{name} left, and the snapshot has nothing of it",
        "A build that was not named when the snapshot was taken is gone or was replaced. What it carried is not known any more, "
        "so nothing can be said of what was lost with it.",
        "Look at 'dnf history info'; name the package in the next snapshot"),
    _check(
        "rollback.package", (105,), "changed", HIGH, HIGH, NEVER, (PROVE,), "{name} is not the build it was",
        "After going back the host has not the packages that it had before.",
        "Install or erase what differs; the finding names the exact build"),
    _check(
        "rollback.differs", (106,), "changed", HIGH, HIGH, NEVER, (PROVE,), "{name} is not as it was",
        "A package that goes back does not bring the host back: configuration, local edits, rights of files, links, units, "
        "sysctls, packet filter rules and the boot have states of their own.",
        "Put it back by hand, or find out why it should stay"),
    _check(
        "rollback.left", (107,), "gained", LOW, LOW, NEVER, (PROVE,), "{name} was left behind",
        "Accounts that scriptlets made, second files beside configuration, units of no package and keys of rpm stay when "
        "packages go back. Whether they are in use is not known.",
        "Take it away if nothing here uses it"),
    # What could not be read.
    _check(
        "package.unreadable", (), "unverifiable", HIGH, HIGH, ALWAYS, (FILES, PREDICT), "{name} cannot be read",
        "The header of a build could not be fetched, or is not what its digest or metadata say. Nothing is known of it.",
        "Mend the repository or the file and run again", mandatory=True),
    _check(
        "plan.refused", (), "unverifiable", HIGH, HIGH, ALWAYS, (PREDICT,), "No plan can be made: {name}",
        "The planner refused before any package was chosen: a repository, a key or a release package is not what it should be.",
        "Mend that and run again", mandatory=True),
    _check(
        "metadata.wrong", (), "unverifiable", MEDIUM, MEDIUM, NEVER, (PREDICT,),
        "The repository says something wrong about {name}",
        "The metadata name a place for the header where it does not end; the package was read otherwise.",
        "Tell whoever publishes the repository to make its metadata anew"),
    _check(
        "waiver.expired", (), "unverifiable", LOW, LOW, NEVER, EVERYWHERE, "The waiver for {name} has expired",
        "The finding counts again.",
        "Look at the finding again and renew the waiver, or mend what it is about"),
)

CHECKS: dict[str, Check] = {check.id: check for check in TABLE}


def found(
    check_id: str, subject: Subject, before: t.Any, after: t.Any, diagnosis: str, consumers: t.Sequence[Consumer] = (),
    alone: bool = False, proven: bool = False, severity: str = "", baseline: bool = False, remedy: str = "",
    links: t.Sequence[Link] = (),
) -> Finding:
    """Make a finding from its row of the table.

    C(alone) says that there is no host to ask who is affected. C(severity) and C(remedy) take the place of the row's own
    where the subject itself decides.
    """
    check = CHECKS[check_id]
    hit = alone or bool(consumers)
    return Finding(
        check=check_id,
        subject=subject,
        verb=check.verb,
        before=before,
        after=after,
        severity=severity or (check.affected if hit else check.severity),
        blocking=not baseline and (check.blocking == ALWAYS or (check.blocking == AFFECTED and hit)),
        confidence=PROVEN if proven else PREDICTED,
        consumers=tuple(consumers),
        title=check.title.format(**subject._asdict()),
        description=check.description,
        diagnosis=diagnosis,
        remediations=(Remediation("hint", remedy or check.remedy),),
        links=tuple(links),
        baseline=baseline,
    )
