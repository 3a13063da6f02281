# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages declare about each other: provides, sonames, requires, conflicts, obsoletes, weak dependencies, order."""

from __future__ import annotations

import os
import re
import typing as t

from ...facts.consumer import Consumer
from ...packages import installonly, rpmdb
from ..builds import Build, Relation
from ..checks import found
from ..model import HIGH, LOW, MEDIUM, Finding, Subject
from ..rebuilds import named, own
from ..swap import Swap, canonical, spellings

SONAME = re.compile(r"^(?P<library>[^/()]+\.so(?:\.[^()]*)?)\((?P<node>[^()]*)\)(?P<bits>\(64bit\))?$|^[^/()]+\.so(?:\.[^()]+)?$")
# Symbols of a kernel: their version is a checksum, and modules that use them have checks of their own.
CHECKSUMS = re.compile(r"^(kernel|ksym)\(")
# How rpm marks a package's name with its architecture: name(x86-64).
ARCH_MARK = re.compile(r"\([a-z0-9]+-(32|64)\)$")
# Capabilities that come from the package's own name or build and are promised to nobody.
OWN = re.compile(r"^(config|bundled|debuginfo|rpmlib|elf-symbol)\(|^(libtool|application|mimehandler|metainfo)\(")
LESS, GREATER, EQUAL = 2, 4, 8
LINKER_FOLDER = re.compile(r"^(/usr)?/lib(64)?(/[^/]+-linux-gnu)?$")
INTERPRETERS = re.compile(r"^/(usr/)?(s?bin|libexec)/[^/]+$")
MANAGERS = ("rpm", "rpm-libs", "librepo", "dnf", "libdnf", "dnf5", "libdnf5", "python3-dnf", "python3-rpm", "rpm-plugin-reflink")


def provides(swap: Swap) -> t.Iterator[Finding]:
    """Rows 1, 2, 3: capabilities, libraries and symbol versions that nothing provides any more, or in a lower version."""
    new = {relation.name for build in swap.new for relation in build.provides}
    highest = _highest(swap.new)
    names = {build.name for build in swap.old}
    for build in swap.old:
        for relation in build.provides:
            if relation.name in names or _qualified(relation.name) in names or OWN.match(relation.name):
                continue
            if relation.name not in new:
                yield from _lost_provide(swap, build, relation)
            elif CHECKSUMS.match(relation.name):
                continue
            elif relation.evr and relation.name in highest and _lower(highest[relation.name], relation.evr):
                yield from _lowered_provide(swap, build, relation, highest[relation.name])


def _qualified(name: str) -> str:
    """Return the package name in C(name(x86-64)); rpm writes the architecture that way."""
    return ARCH_MARK.sub("", name)


def _highest(builds: t.Iterable[Build]) -> dict[str, str]:
    found_evrs: dict[str, str] = {}
    for relation in (relation for build in builds for relation in build.provides):
        if relation.evr and (relation.name not in found_evrs or _lower(found_evrs[relation.name], relation.evr)):
            found_evrs[relation.name] = relation.evr
    return found_evrs


def _lower(a: str, b: str) -> bool:
    return rpmdb.compare_evr(a, b) < 0


def _lost_provide(swap: Swap, build: Build, relation: Relation) -> t.Iterator[Finding]:
    if swap.installed.provides(relation.name) or (relation.name.startswith("/") and swap.still_there(relation.name)):
        return
    consumers = swap.requirers(relation.name)
    if CHECKSUMS.match(relation.name) and not consumers:
        return
    carrier = swap.beside_provides.get(relation.name)
    if carrier is not None:
        yield _left_behind(swap, build, relation, carrier, consumers)
        return
    match = SONAME.match(relation.name)
    if match is None:
        kind, subject_type = "provides.lost", "capability"
    elif match.group("node"):
        # Without the library itself its nodes say nothing new.
        # rpm writes a library of 32 bits without brackets.
        library = match.group("library") + (f"(){match.group('bits')}" if match.group("bits") else "")
        here = any(library == other.name for new in swap.new for other in new.provides)
        if not here and not swap.installed.provides(library):
            return
        kind, subject_type = "symbol_version.lost", "symbol version"
    else:
        kind, subject_type = "soname.lost", "library"
    # A library outside the linker's folders is the package's own affair, unless somebody requires it all the same.
    private = kind != "provides.lost" and not consumers and _private(swap, relation.name)
    who = f"{len(consumers)} installed packages require it" if consumers else "no installed package requires it"
    yield found(
        kind, Subject(subject_type, relation.name, build.arch), str(relation), None,
        f"{build.nevra} provides {relation}; {'nothing is known of who requires it' if swap.alone else who}.",
        consumers, swap.alone and not private, severity=LOW if private else "")


def _left_behind(
    swap: Swap, build: Build, relation: Relation, carrier: Build, consumers: tuple[Consumer, ...],
) -> Finding:
    """Row 13: a capability that went into a subpackage which does not come along."""
    return found(
        "file.needs_subpackage", Subject("capability", relation.name, "", carrier.name), build.nevra, carrier.nevra,
        f"{build.nevra} provides {relation}; now {carrier.nevra} does, which is not part of the transaction.", consumers,
        swap.alone, remedy=f"Have {carrier.name} as well")


def _private(swap: Swap, capability: str) -> bool:
    library = capability.partition("(")[0]
    places = [os.path.dirname(path) for path in swap.old_files if os.path.basename(path) == library]
    return bool(places) and not any(LINKER_FOLDER.match(place) for place in places)


def _lowered_provide(swap: Swap, build: Build, relation: Relation, now: str) -> t.Iterator[Finding]:
    offered = [other for new in swap.new for other in new.provides if other.name == relation.name]
    offered += [other for _nevra, other in swap.installed.providers(relation.name)]
    consumers = tuple(
        Consumer("package", nevra, f"requires {need}") for nevra, need in swap.installed.requirers(relation.name)
        if not any(overlaps(other, need) for other in offered))
    yield found(
        "provides.lowered", Subject("capability", relation.name, build.arch), relation.evr, now,
        f"{build.nevra} provides {relation}; the new builds provide {relation.name} = {now}.", consumers, swap.alone)


def required_paths(swap: Swap) -> t.Iterator[Finding]:
    """Row 9: paths that packages require and that no package carries any more; the new builds themselves may do so."""
    asked: dict[str, list[Consumer]] = {}
    for new in swap.new:
        for relation in new.requires:
            if relation.name.startswith("/"):
                asked.setdefault(canonical(relation.name), []).append(Consumer("package", new.nevra, f"requires {relation}"))
    promised = {relation.name for new in swap.new for relation in new.provides if relation.name.startswith("/")}
    for path, (build, _file) in swap.lost_files.items():
        if promised.intersection(spellings(path)) or any(swap.installed.provides(name) for name in spellings(path)):
            continue
        consumers = sorted({*swap.requirers(path), *asked.get(canonical(path), ())})
        if consumers:
            yield found(
                "path.required_lost", Subject("path", path), build.nevra, None,
                f"{build.nevra} carries {path}; {len(consumers)} packages require it.", consumers)


def conflicts(swap: Swap) -> t.Iterator[Finding]:
    """Row 10: conflicts that the new builds declare and the old ones did not."""
    old = {own(relation, build) for build in swap.old for relation in build.conflicts}
    same = {(relation.name, relation.evr) for build in swap.old for relation in build.conflicts}
    for build in swap.new:
        for relation in build.conflicts:
            hit = tuple(
                Consumer("package", nevra, f"provides {have}") for nevra, have in swap.installed.providers(relation.name)
                if overlaps(have, relation))
            # A bound that goes along with the build's own version is nothing new, until it reaches somebody.
            if (relation.name, relation.evr) in same or (own(relation, build) in old and not hit):
                continue
            # Without a host nobody knows whether what it conflicts with is there: it says so and no more. Where the new
            # builds bring it themselves, in a version that it does not conflict with, the question is settled.
            open_ = swap.alone and not _settled(swap, relation)
            yield found(
                "conflict.gained", Subject("capability", relation.name, "", build.name), None, str(relation),
                f"{build.nevra} conflicts with {relation}.", hit, severity=MEDIUM if open_ else "")


def _settled(swap: Swap, relation: Relation) -> bool:
    inside = [have for new in swap.new for have in new.provides if have.name == relation.name]
    return bool(inside) and not any(overlaps(have, relation) for have in inside)


def overlaps(have: Relation, want: Relation) -> bool:
    """Say whether a provide answers to a relation, by rpm's comparison; one without a version answers to all."""
    if not have.evr or not want.evr:
        return True
    order = rpmdb.compare_evr(have.evr, want.evr)
    return bool(want.sense & (LESS if order < 0 else GREATER if order > 0 else EQUAL))


def obsoletes(swap: Swap) -> t.Iterator[Finding]:
    """Row 11: packages that the new builds obsolete and that would leave; and obsoletes that cover the old builds."""
    old = {own(relation, build) for build in swap.old for relation in build.obsoletes}
    same = {(relation.name, relation.evr) for build in swap.old for relation in build.obsoletes}
    going = {build.name: build for build in swap.old}
    names = {build.name for build in swap.new}
    # dnf looks at what any build on offer obsoletes; without a host nobody else would say so.
    for build in [*swap.new, *(swap.beside if swap.alone else ())]:
        for relation in build.obsoletes:
            replaced = going.get(relation.name)
            if replaced is not None and overlaps(Relation(replaced.name, EQUAL, replaced.evr), relation):
                yield from _self_obsolete(build, replaced, relation, names)
            # rpm obsoletes packages by their name, whatever they provide.
            hit = tuple(
                Consumer("package", nevra, "is installed") for nevra, evr in swap.installed.named(relation.name)
                if overlaps(Relation(relation.name, EQUAL, evr), relation))
            known = (relation.name, relation.evr) in same or (own(relation, build) in old and not hit)
            if known or relation.name in names:
                continue
            yield found(
                "obsoletes.gained", Subject("package", relation.name, "", build.name), None, str(relation),
                f"{build.nevra} obsoletes {relation}.", hit, severity=MEDIUM if swap.alone else "")


def _self_obsolete(build: Build, replaced: Build, relation: Relation, names: set[str]) -> t.Iterator[Finding]:
    if replaced.name in names and replaced.name == build.name:
        reason = "of the same name, so dnf never offers the old build again while the new one is visible"
    else:
        reason = "which is what is installed now"
    yield found(
        "obsoletes.blocks_return", Subject("package", replaced.name, replaced.arch, build.name), replaced.evr, str(relation),
        f"{build.nevra} obsoletes {relation}, and {replaced.nevra} is covered by that, {reason}.")


def weak_dependencies(swap: Swap) -> t.Iterator[Finding]:
    """Row 12: recommendations that come and go."""
    for old, new in swap.pairs:
        before, after = ({named(relation.name, build): relation for relation in build.recommends} for build in (old, new))
        hard = {relation.name for relation in new.requires}
        for name in sorted(before.keys() - after.keys() - hard):
            yield found(
                "weak_dependency.lost", Subject("capability", name, "", old.name), str(before[name]), None,
                f"{old.nevra} recommends {before[name]}, {new.nevra} does not.", alone=swap.alone)
        for name in sorted(after.keys() - before.keys() - {relation.name for relation in old.requires}):
            yield found(
                "weak_dependency.gained", Subject("capability", name, "", new.name), None, str(after[name]),
                f"{new.nevra} recommends {after[name]}.", alone=swap.alone)


def vanished(swap: Swap) -> t.Iterator[Finding]:
    """Row 14: packages that leave, or of which no new build is made, without a successor."""
    heirs = {relation.name for build in swap.new for relation in [*build.provides, *build.obsoletes]}
    for build in swap.gone:
        if build.name in heirs or any(new.name == build.name for new in swap.new):
            continue
        yield found(
            "subpackage.vanished", Subject("package", build.name, build.arch), build.nevra, None,
            f"{build.nevra} goes, and none of {len(swap.new)} new builds has its name, provides it or obsoletes it.",
            swap.requirers(build.name), swap.alone)


def partners(swap: Swap) -> t.Iterator[Finding]:
    """Row 15: the same package for another architecture that is not swapped with it."""
    coming = {build.id for build in swap.new}
    by_name = {build.name: build for build in swap.new}
    for nevra, header in swap.installed.headers():
        build = by_name.get(header["name"])
        arch = header["arch"] or "noarch"
        if build is None or arch == build.arch or (build.name, arch) in coming or "noarch" in (arch, build.arch):
            continue
        yield found(
            "multilib.partner", Subject("package", build.name, arch), nevra, None,
            f"{nevra} is installed beside the build for {build.arch} that is swapped to {build.evr}.",
            [Consumer("package", nevra, "stays")])


def siblings(swap: Swap) -> t.Iterator[Finding]:
    """Row 8: packages of one source that would be of different builds after the swap."""
    moved = {_source_name(old): new for old, new in swap.pairs}
    for nevra, header in swap.installed.headers():
        name = rpmdb.source_name(header["sourcerpm"]) or ""
        new = moved.get(name)
        if new is not None and header["sourcerpm"] != new.source and not installonly.named(header["providename"]):
            yield found(
                "siblings.split", Subject("source", name, "", header["name"]), nevra, new.nevra,
                f"{nevra} stays while {new.name} goes to {new.evr}.", [Consumer("package", nevra, "stays")])


def _source_name(build: Build) -> str:
    return rpmdb.source_name(build.source) or ""


def order(swap: Swap) -> t.Iterator[Finding]:
    """Row 16: builds that go to a lower version."""
    for old, new in swap.pairs:
        if _lower(new.evr, old.evr):
            yield found(
                "evr.lowered", Subject("package", new.name, new.arch), old.evr, new.evr,
                f"{new.nevra} sorts below {old.nevra}.", alone=swap.alone)


def vendors(swap: Swap) -> t.Iterator[Finding]:
    """Rows 17 and 25: who made the builds."""
    for old, new in swap.pairs:
        if old.vendor != new.vendor:
            yield found(
                "vendor.changed", Subject("package", new.name, new.arch), old.vendor or None, new.vendor or None,
                f"{old.nevra} is of {old.vendor or 'nobody'}, {new.nevra} of {new.vendor or 'nobody'}.")


def signed(swap: Swap) -> t.Iterator[Finding]:
    """Row 21, package files: a signature that is no longer there. On a host the signature itself is checked."""
    for old, new in swap.pairs:
        if old.signing_key and not new.signing_key:
            yield found(
                "signature.missing", Subject("package", new.name, new.arch), old.signing_key, None,
                f"{old.nevra} is signed by key {old.signing_key}, {new.nevra} by none.")


def package_manager(swap: Swap) -> t.Iterator[Finding]:
    """Row 23: the swap replaces what does the swap with a build of another kind."""
    for old, new in swap.pairs:
        if new.name in MANAGERS and (".hsx" in new.evr) != (".hsx" in old.evr):
            yield found(
                "package_manager.replaced", Subject("package", new.name, new.arch), old.evr, new.evr,
                f"{old.nevra} becomes {new.nevra}, which is patched for copy on write.", severity=HIGH)


def needed(swap: Swap) -> t.Iterator[Finding]:
    """Rows 39 and 41: libraries and interpreters that a package no longer requires, or newly does."""
    # What the compared builds bring themselves is told as a library that is gone, and is no matter of theirs.
    own_libraries = [_sonames(relation for build in builds for relation in build.provides) for builds in (swap.old, swap.new)]
    for old, new in swap.pairs:
        libraries = [_sonames(build.requires) for build in (old, new)]
        lost, gained = libraries[0] - libraries[1] - own_libraries[0], libraries[1] - libraries[0] - own_libraries[1]
        if lost or gained:
            yield found(
                "needed.changed", Subject("package", new.name, new.arch), sorted(lost), sorted(gained),
                f"{new.nevra} no longer needs {_listed(lost)} and newly needs {_listed(gained)}.", alone=swap.alone)
        programs = [{os.path.basename(r.name) for r in build.requires if INTERPRETERS.match(r.name)} for build in (old, new)]
        if programs[0] != programs[1]:
            yield found(
                "interpreter.changed", Subject("package", new.name, new.arch), sorted(programs[0]), sorted(programs[1]),
                f"{old.nevra} requires {_listed(programs[0])}, {new.nevra} {_listed(programs[1])}.", alone=swap.alone)


def _sonames(relations: t.Iterable[Relation]) -> set[str]:
    return {relation.name.partition("(")[0] for relation in relations if SONAME.match(relation.name)}


def _listed(names: t.Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
