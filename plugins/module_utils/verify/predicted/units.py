# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services and what goes with them: units, activation names, users and folders at boot, device rules, login modules."""

from __future__ import annotations

import os
import re
import typing as t

from ...facts.consumer import Consumer
from ...facts.view import View
from .. import unit_states
from ..builds import Build, File
from ..checks import found
from ..model import HEURISTIC, INFO, MEDIUM, Finding, Subject
from ..swap import Swap, canonical

UNIT_PATH = re.compile(
    r"^/(usr/)?lib/systemd/(system|user)/(?P<unit>[^/]+\.(service|socket|target|timer|path|mount|automount|slice|swap|device))$")
ACTIVATION = re.compile(r"^/usr/share/dbus-1/(system-services|services)/(?P<name>[^/]+)\.service$")
RUNTIME_FILES = re.compile(r"^/usr/lib/(sysusers|tmpfiles)\.d/[^/]+\.conf$")
DEVICE_RULES = re.compile(r"^/(usr/)?lib/(udev/(rules\.d/[^/]+\.rules|hwdb\.d/[^/]+\.hwdb)|systemd/network/[^/]+\.link)$")
AUTH_MODULE = re.compile(r"/(security/(?P<pam>pam_[^/]+\.so)|libnss_(?P<nss>[^/.]+)\.so\.2)$")
# Lines that name a unit without needing it.
ORDER_ONLY = re.compile(r"^line \d+: (After|Before|Conflicts|Documentation|Description|PartOf|Wants|WantedBy|Also)\s*=")
VENDOR_FOLDERS = ("/usr/lib/", "/lib/")
# A package that links a unit there says that it shall not exist.
MASK = "/dev/null"
ENABLED = ("enabled", "enabled-runtime")


def is_activation(path: str) -> bool:
    """Say whether a path is a D-Bus service file."""
    return bool(ACTIVATION.match(path))


def vanished(swap: Swap) -> t.Iterator[Finding]:
    """Rows 58 and 14: units that no package carries any more, and who enabled, runs or names them."""
    loaded = unit_states.known(swap.view) if swap.view else {}
    new = {os.path.basename(path) for path, (_build, file) in swap.new_files.items() if file.target != MASK}
    masked = {
        path: entry for path, entry in swap.old_files.items()
        if path in swap.new_files and swap.new_files[path][1].target == MASK}
    for path, (build, file) in {**swap.lost_files, **masked}.items():
        match = UNIT_PATH.match(path)
        if match is None or match.group("unit") in new or file.target == MASK:
            continue
        unit = match.group("unit")
        needing, noticing = _unit_users(swap, path, unit, loaded)
        left = left_behind(swap, Subject("unit", unit), path, build, needing)
        if left is not None:
            yield left
            continue
        finding = found(
            "unit.vanished", Subject("unit", unit), build.nevra, None,
            f"{build.nevra} carries {path}; " + ("the new build masks it." if path in masked else "no new build does."), needing,
            swap.alone)
        if noticing and not needing:
            # The package's own wiring had it up, and that goes with it.
            finding = finding._replace(severity=MEDIUM, consumers=tuple(noticing))
        yield finding


def left_behind(swap: Swap, subject: Subject, path: str, build: Build, users: t.Sequence[Consumer]) -> Finding | None:
    """Row 13: say that a path moved into a build on offer that does not come along; None when it did not."""
    beside = swap.beside_files.get(swap.place(path))
    if beside is None:
        return None
    return found(
        "file.needs_subpackage", subject._replace(package=beside.name), build.nevra, beside.nevra,
        f"{build.nevra} carries {path}; now {beside.nevra} does, which is not part of the transaction.", users, swap.alone,
        remedy=f"Have {beside.name} as well")


def _unit_users(
    swap: Swap, path: str, unit: str, loaded: dict[str, dict[str, str]],
) -> tuple[list[Consumer], list[Consumer]]:
    """Return who needs a unit (it runs, is enabled, is required by something that stays) and who only notices.

    A unit that a copy below /etc replaces, or that is masked, is not missed.
    """
    manager = "user" if "/systemd/user/" in path else "system"
    folder = f"/etc/systemd/{manager}"
    if swap.view is None or swap.references is None or _replaced(swap.view, f"{folder}/{unit}"):
        return [], []
    # What is loaded was asked of the system's manager.
    mine = [name for name in loaded if manager == "system" and (name == unit or _instance(name, unit))]
    needing = [Consumer("unit", name, "is running") for name in mine if loaded[name].get("SubState") == "running"]
    needing += [Consumer("unit", name, "is enabled") for name in mine if loaded[name].get("UnitFileState") in ENABLED]
    noticing = [Consumer("unit", name, "is active") for name in mine if loaded[name].get("ActiveState") == "active"]
    # The link of an enabled unit keeps its name wherever it points to; the one of an instance has a name of its own.
    needing += [
        Consumer("link", link, "enables it")
        for link in swap.view.glob(f"{folder}/*/{unit.replace('@.', '@*.')}")
        if not os.path.dirname(link).endswith(".d") and swap.view.readlink(link) not in (None, "/dev/null")]
    needing += [Consumer("drop-in", one, "changes it") for one in swap.view.glob(f"{folder}/{unit}.d/*.conf")]
    needing += [consumer for consumer in swap.references.to_path(path) if consumer.type == "link"]
    own = {os.path.basename(other) for other in swap.old_files if UNIT_PATH.match(other)}
    named = swap.references.to_unit(unit) + (swap.references.to_instances(unit) if "@." in unit else [])
    for consumer in named:
        if os.path.basename(consumer.name) not in own:
            (noticing if ORDER_ONLY.match(consumer.detail) else needing).append(consumer)
    return sorted(set(needing)), sorted(set(noticing))


def _instance(name: str, template: str) -> bool:
    head, at, kind = template.partition("@")
    return bool(at) and kind.startswith(".") and name.startswith(head + "@") and name.endswith(kind)


def _replaced(view: View, path: str) -> bool:
    """Say whether something of this host's own stands for a unit: a full copy, a link to one elsewhere, or a mask."""
    target = view.readlink(path)
    if target is None:
        return view.is_file(path)
    # An alias leads to the unit of a package.
    return os.path.isabs(target) and not target.startswith((*VENDOR_FOLDERS, "/etc/"))


def brought(swap: Swap) -> t.Iterator[Finding]:
    """Rows 61 and 62: units that are new in packages that are installed already, so that no preset is applied."""
    paired = {new.nevra for _old, new in swap.pairs}
    # A file of that name elsewhere, such as an example below /usr/share, is no unit.
    old = {match.group("unit") for match in map(UNIT_PATH.match, swap.old_files) if match}
    for path, (build, file) in sorted(swap.new_files.items()):
        match = UNIT_PATH.match(path)
        if match is None or build.nevra not in paired or file.target == MASK:
            continue
        unit = match.group("unit")
        if unit not in old and "@" not in unit:
            yield found(
                "unit.new", Subject("unit", unit), None, build.nevra,
                f"{build.nevra} carries {unit}, which the old build had not.", alone=swap.alone)


def rewritten(swap: Swap) -> t.Iterator[Finding]:
    """Row 60, before the swap: headers tell which unit files change and not what in them, so this is a warning only."""
    changed: dict[str, list[str]] = {}
    for path, (build, after) in sorted(swap.new_files.items()):
        match, before = UNIT_PATH.match(path), swap.old_files.get(path)
        if match and before and (before[1].kind, before[1].digest) != (after.kind, after.digest):
            changed.setdefault(build.name, []).append(match.group("unit"))
    for package, names in sorted(changed.items()):
        yield found(
            "unit.install_changed", Subject("package", package), names, None,
            f"{len(names)} unit files of {package} are written anew, and their [Install] sections may change.",
            severity=INFO)._replace(confidence=HEURISTIC)


def activation(swap: Swap) -> t.Iterator[Finding]:
    """Row 63: D-Bus names that activated something; sockets are units."""
    for path, (build, _file) in swap.lost_files.items():
        match = ACTIVATION.match(path)
        if match is None or any(os.path.basename(path) == os.path.basename(new) for new in swap.new_files):
            continue
        name = match.group("name")
        users = swap.references.to_word(name, ("unit", "drop-in", "script", "cron", "configuration")) if swap.references else []
        yield left_behind(swap, Subject("path", path), path, build, users) or found(
            "activation.lost", Subject("activation", name), build.nevra, None,
            f"{build.nevra} carries {path}; no new build does.", users, swap.alone)


def runtime_files(swap: Swap) -> t.Iterator[Finding]:
    """Row 70: files of sysusers.d and tmpfiles.d that are gone."""
    for path, (build, _file) in swap.lost_files.items():
        if RUNTIME_FILES.match(path) and not _renamed(swap, path, RUNTIME_FILES):
            users = swap.users(path)
            yield left_behind(swap, Subject("path", path), path, build, users) or found(
                "runtime_file.lost", Subject("path", path), build.nevra, None,
                f"{build.nevra} carries {path}; no new build does.", users, swap.alone)


def device_rules(swap: Swap) -> t.Iterator[Finding]:
    """Row 71: udev rules, hardware database and link files that are gone."""
    for path, (build, _file) in swap.lost_files.items():
        if DEVICE_RULES.match(path) and not _renamed(swap, path, DEVICE_RULES):
            users = swap.users(path)
            yield left_behind(swap, Subject("path", path), path, build, users) or found(
                "udev.lost", Subject("path", path), build.nevra, None,
                f"{build.nevra} carries {path}; no new build does.", users, severity=MEDIUM if swap.alone else "")


def _renamed(swap: Swap, path: str, sort: t.Pattern[str]) -> bool:
    """Say whether the new builds carry the same file under another number: 60-foo.rules as 62-foo.rules."""
    return any(
        _unnumbered(new) == _unnumbered(path) for new in swap.new_files if new not in swap.old_files and sort.match(new))


def _unnumbered(path: str) -> str:
    folder, name = os.path.split(canonical(path))
    return os.path.join(folder, re.sub(r"^\d+-", "", name))


def auth_modules(swap: Swap) -> t.Iterator[Finding]:
    """Row 72: modules of PAM and NSS that are gone, and the configuration that names them."""
    for path, (build, file) in swap.lost_files.items():
        match = AUTH_MODULE.search(path)
        if match is None or file.kind == "directory":
            continue
        name = match.group("pam") or match.group("nss")
        users = _auth_users(swap.view, name, bool(match.group("nss"))) if swap.view else []
        yield left_behind(swap, Subject("path", path), path, build, users) or found(
            "auth_module.lost", Subject("module", name), path, None, f"{build.nevra} carries {path}; no new build does.", users,
            swap.alone)


def _auth_users(view: View, name: str, nss: bool) -> list[Consumer]:
    places = ["/etc/nsswitch.conf"] if nss else view.glob("/etc/pam.d/*")
    hits = []
    for path in places:
        for number, line in enumerate((view.text(path) or "").splitlines(), 1):
            words = line.partition("#")[0].replace("[", " ").replace("]", " ").replace(":", ": ", 1 if nss else 0).split()
            if name in words[1:] or any(word.endswith("/" + name) for word in words):
                hits.append(Consumer("configuration", path, f"line {number}: {name}"))
    return hits


def shadowed(swap: Swap) -> t.Iterator[Finding]:
    """Row 55: copies and drop-ins below /etc over files that the new builds change."""
    for path, (new, after) in sorted(swap.new_files.items()):
        before = swap.old_files.get(path)
        if after.kind != "file" or not path.startswith(VENDOR_FOLDERS) or not _differs(before, after):
            continue
        inner = path.split("/lib/", 1)[1]
        for copy, how in _over(swap.host, inner):
            yield found(
                "config.shadowed", Subject("path", copy), before[0].nevra if before else None, new.nevra,
                f"{copy} {how} {path}, which differs in {new.nevra}.", [Consumer("configuration", copy, how)])


def _differs(before: tuple[Build, File] | None, after: File) -> bool:
    return before is not None and before[1].digest != after.digest


def _over(view: View, inner: str) -> list[tuple[str, str]]:
    found_over = []
    copy = "/etc/" + inner
    if inner.startswith(("systemd/", "udev/", "sysusers.d/", "tmpfiles.d/", "sysctl.d/", "modprobe.d/")):
        if view.readlink(copy) == "/dev/null":
            found_over.append((copy, "masks"))
        elif view.is_file(copy) and view.readlink(copy) is None:
            found_over.append((copy, "takes the place of"))
        found_over += [(path, "changes") for path in view.glob(copy + ".d/*.conf")]
    return found_over


def fapolicyd(swap: Swap) -> t.Iterator[Finding]:
    """Row 45: a daemon that allows only programs it knows."""
    if unit_states.known(swap.host).get("fapolicyd.service", {}).get("ActiveState") == "active":
        yield found(
            "fapolicyd.trust", Subject("service", "fapolicyd.service"), None, None,
            "fapolicyd is active on this host.", [Consumer("unit", "fapolicyd.service", "is active")], severity=MEDIUM)
