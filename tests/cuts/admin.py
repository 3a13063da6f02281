# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an admin does on a host between a cut and the next run, how it is seen that nothing of it was lost, and how it is cleared
away.

A work is shell text. It prints each path whose state is the admin's from then on, as C(path PATH), or as C(path line:PATH)
where only a line is the admin's and a job may write others. The files of a package that it removed are told as C(file PATH).
Content, mode, owner and absence of the paths are compared when the runs are over. A path may only be another one then where a
run told so under C(left), with the place at which its content is now.
"""

from __future__ import annotations

import functools
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import threading
import typing as t

from lab import common, hosts

from . import cells, judgement
from .places import places as product

if t.TYPE_CHECKING:
    from .live import CutHost

FOLDER = "/srv/lab-admin"
# The places that are files and were not there before the admin wrote them.
CREATED = f"{FOLDER}/created"
# Configuration as the stock builds brought it.
STOCK = f"{FOLDER}/stock"
# Of everything that the admin writes.
MODE, OWNER = "0640", "0:4"

# How a file is called whose folder some program reads; elsewhere its name ends in .txt, which no program reads.
NAMES = {
    "/etc/systemd": "system/{}.service", "/etc/yum.repos.d": "{}.repo", "/etc/sysctl.d": "{}.conf", "/etc/modprobe.d": "{}.conf",
    "/etc/modules-load.d": "{}.conf", "/etc/udev": "rules.d/99-{}.rules", "/etc/tmpfiles.d": "{}.conf",
    "/etc/sysusers.d": "{}.conf", "/etc/ld.so.conf.d": "{}.conf", "/etc/pam.d": "{}", "/etc/sysconfig": "{}",
    "/etc/alternatives": "{}", "/etc/alternatives-admindir": "{}", "/var/lib/alternatives": "{}",
}
# What is in them; elsewhere it is LINE.
TEXTS = {
    "/etc/systemd": "[Service]\nExecStart=/usr/bin/true\n\n[Install]\nWantedBy=multi-user.target\n",
    "/etc/yum.repos.d": "[{0}]\nname={0}\nbaseurl=http://127.0.0.1:9/\nenabled=0\n",
    "/etc/alternatives-admindir": "auto\n/usr/bin/{0}\n\n/usr/bin/true\n10\n",
    "/var/lib/alternatives": "auto\n/usr/bin/{0}\n\n/usr/bin/true\n10\n",
}
# Places that are files.
FILES = tuple(
    place for place in product.SAVED
    if place.endswith(".conf") or os.path.basename(place) in ("config", "grub", "grubenv"))
# A folder that a host without ostree has not, and that must not come.
OSTREE = "/etc/alternatives-admindir"
# The place of links.
LINKS = "/etc/alternatives"
GRUBENV = "grubenv"
ADDED, EDITED, DELETED = "lab-added", "lab-edited", "lab-deleted"
LINE = "# Of the admin"

# Configuration of packages that the transaction moves, and files of them that are none.
SETTINGS = ("/etc/systemd/journald.conf",)
CODE = ("/usr/lib/udev/rules.d/60-evdev.rules", "/usr/lib/udev/rules.d/60-serial.rules")
BESIDE = (
    "/etc/systemd/journald.conf.rpmsave", "/etc/systemd/system.conf.rpmnew", "/etc/dnf/dnf.conf.rpmnew",
    "/etc/yum.repos.d/centos.repo.rpmsave")
UNOWNED = {
    "/usr/lib/systemd/system/lab-unowned.service": TEXTS["/etc/systemd"], "/usr/lib/udev/rules.d/99-lab-unowned.rules": LINE,
    "/usr/lib/tmpfiles.d/lab-unowned.conf": LINE, "/usr/lib/systemd/lab-unowned": LINE}
UNITS, WANTS = "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants"
ENABLED, MASKED, GONE, OF_JOB = "lab-enabled.service", "systemd-pstore.service", "lab-gone.service", "lab-cut.service"
# A package that the transaction moves, packages of a company, and one of the distribution; the transaction moves none of these.
MOVED, UPDATED, REMOVED, INSTALLED = "ethtool", "lab-updated", "lab-removed", "yajl"

# What the works call.
FUNCTIONS = f"""
own() {{ chmod {MODE} "$1"; chown {OWNER} "$1"; echo "path ${{2:-$1}}"; }}
write() {{ mkdir -p "$(dirname "$1")"; cat > "$1"; own "$1"; }}
of_package() {{ rpm -qf "$1" --qf "[%{{FILENAMES}} %{{$2}}\\n]" | grep -F "$1 " | head -n 1 | cut -d ' ' -f 2; }}
is_shipped() {{ [ -f "$2" ] && [ "$(sha256sum < "$2" | cut -d ' ' -f 1)" = "$(of_package "$1" FILEDIGESTS)" ]; }}
# Configuration that was edited may have stayed as another build brought it.
shipped() {{ for one in "$1" "$1.rpmnew" "{STOCK}$1"; do is_shipped "$1" "$one" && echo "$one" && return; done; echo "$1"; }}
without() {{
  [ -f "$1" ] || return 0
  sed -i '/^{LINE}/d' "$1"
  from=$(shipped "$1")
  [ "$from" = "$1" ] || cat "$from" > "$1"
  touch -d "@$(of_package "$1" FILEMTIMES)" "$1"
}}
# In the middle of a transaction systemctl may not run.
link() {{ mkdir -p "$(dirname "$2")"; ln -sf "$1" "$2"; }}
package() {{ rpm -U --oldpackage --replacepkgs "{FOLDER}/$1.rpm"; }}
"""


# Before a path of which only a line is the admin's.
OF_LINE = "line:"


class Work(t.NamedTuple):
    """One thing that an admin does. C(does) and C(clears) are shell text; C(units) and C(packages) are names of what it changes
    beside its paths. C(waits): not while a transaction is at work, whose files it edits or whose lock it needs. C(replaced): a
    swap that comes after it replaces what it wrote, and the way back brings that again."""

    does: str
    clears: str
    units: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    waits: bool = False
    replaced: bool = False


def places() -> tuple[str, ...]:
    """Return the product's table of the places that a swap can change."""
    return product.SAVED


def path_in(place: str, name: str) -> str:
    """Return the path of the admin's file of some name in a place."""
    return place if place in FILES else f"{place}/{NAMES.get(place, '{}.txt').format(name)}"


def written(place: str, name: str) -> str:
    """Return the shell text that writes the admin's file of some name in a place. What is a file and there stays as it is."""
    path = path_in(place, name)
    if place == LINKS:
        return f"mkdir -p {place}; ln -s /usr/bin/true {path}; echo 'path {path}'"
    if place in FILES:
        text = "# GRUB Environment Block\n".ljust(1024, "#") if place.endswith(GRUBENV) else f"{LINE}\n"
        there = f"[ -e {path} ] || [ ! -d {os.path.dirname(path)} ]"
        write = f"printf %s {shlex.quote(text)} > {path}; own {path} line:{path}"
        return f"{there} || {{ {write}; echo {path} >> {CREATED}; }}"
    text = f"printf %s {shlex.quote(TEXTS.get(place, LINE + chr(10)).format(name))} | write {path}"
    return f"[ ! -d {place} ] || {{ {text}; }}" if place == OSTREE else text


def edited(place: str) -> str:
    """Return the shell text that edits a file in a place."""
    path = path_in(place, EDITED)
    if place == LINKS:
        return f"ln -sfn /usr/bin/false {path}; echo 'path {path}'"
    edit = f"sed -i '0,/^############/s//lab_admin=1\\n/' {path}" if place.endswith(GRUBENV) else f"echo '{LINE}' >> {path}"
    if place.endswith("alternatives") or place.endswith("admindir"):
        edit = f"sed -i 's/^10$/20/' {path}"
    told = f"line:{path}" if place in FILES else path
    return f"[ ! -e {path} ] || {{ {edit}; echo 'path {told}'; }}"


def unedited(place: str) -> str:
    """Return the shell text that takes an edit of a place back."""
    path = path_in(place, EDITED)
    if place not in FILES:
        return f"rm -f {path}; {written(place, EDITED)}"
    return f"[ ! -f {path} ] || sed -i -e 's/^lab_admin=1$/###########/' -e '/^{LINE}/d' {path}"


def deleted(place: str) -> str:
    """Return the shell text that deletes a file in a place, and keeps it outside of all places."""
    path = path_in(place, DELETED)
    keep = f"mkdir -p {os.path.dirname(FOLDER + path)}; mv {path} {FOLDER}{path}"
    return f"[ ! -e {path} ] || {{ {keep}; echo 'path {path}'; }}"


def undeleted(place: str) -> str:
    """Return the shell text that brings a deleted file again."""
    path = path_in(place, DELETED)
    return f"[ ! -e {FOLDER}{path} ] || mv {FOLDER}{path} {path}"


def lines(texts: t.Iterable[str]) -> str:
    """Return shell texts, each on a line of its own."""
    return "\n".join(texts)


@functools.cache
def table() -> dict[str, Work]:
    """Return the works of an admin, by name."""
    units = tuple(f"{name}.service" for name in (ADDED, EDITED, DELETED))
    return {
        "files added": Work(
            lines(written(place, ADDED) for place in places()),
            lines(f"rm -f {path_in(place, ADDED)}" for place in places() if place not in FILES)
            + f"\n[ ! -e {CREATED} ] || {{ xargs rm -f < {CREATED}; rm {CREATED}; }}",
            units=units[:1]),
        "files edited": Work(
            lines([
                *(edited(place) for place in places()), *(f"echo '{LINE}' >> {path}; echo 'path {path}'" for path in SETTINGS)]),
            lines([
                *(unedited(place) for place in places()),
                *(f"without {path}; rm -f {' '.join(_beside(path))}" for path in SETTINGS)]),
            units=units[1:2],
            waits=True),
        "files deleted": Work(
            lines(deleted(place) for place in places()), lines(undeleted(place) for place in places()), units=units[2:]),
        "second files": Work(
            lines(f"echo '{LINE}' | write {path}" for path in BESIDE), lines(f"rm -f {path}" for path in BESIDE)),
        "code edited": Work(
            lines(f"echo '{LINE}' >> {path}; echo 'path {path}'" for path in CODE),
            lines(f"without {path}" for path in CODE), waits=True, replaced=True),
        "unowned files": Work(
            lines(f"printf '%s\\n' {shlex.quote(text)} | write {path}" for path, text in UNOWNED.items()),
            lines(f"rm -f {path}" for path in UNOWNED), units=("lab-unowned.service",)),
        "unit enabled": Work(
            f"systemctl enable {ENABLED} || link {UNITS}/{ENABLED} {WANTS}/{ENABLED}; echo path {WANTS}/{ENABLED}",
            f"systemctl disable {ENABLED}", units=(ENABLED,)),
        "unit masked": Work(
            f"systemctl mask {MASKED} || link /dev/null {UNITS}/{MASKED}; echo path {UNITS}/{MASKED}",
            f"systemctl unmask {MASKED}", units=(MASKED,)),
        "unit file removed": Work(
            f"rm {UNITS}/{GONE}; systemctl daemon-reload || :; echo path {UNITS}/{GONE}",
            f"printf %s {shlex.quote(TEXTS['/etc/systemd'])} | write {UNITS}/{GONE}; systemctl daemon-reload", units=(GONE,)),
        "unit file of the job removed": Work(f"rm -f {UNITS}/{OF_JOB}; systemctl daemon-reload || :", ""),
        # With a check of signatures, the key of the distribution would come as well.
        "package installed": Work(
            f"dnf -q -y --nogpgcheck install {INSTALLED}", f"dnf -q -y remove {INSTALLED}", packages=(INSTALLED,)),
        "package updated": Work(f"package {UPDATED}-2", f"package {UPDATED}-1", packages=(UPDATED,), waits=True),
        "package removed": Work(f"rpm -e {REMOVED}", f"package {REMOVED}-1", packages=(REMOVED,), waits=True),
        "package of the transaction removed": Work(
            f"rpm -ql {MOVED} | sort -u | sed 's/^/file /'; rpm -e --nodeps --allmatches {MOVED}",
            f"rpm -q {MOVED} || package {MOVED}-stock", packages=(MOVED,), waits=True),
        "package of the transaction brought back": Work(f"package {MOVED}-stock", "", packages=(MOVED,), waits=True),
        "package of the transaction reinstalled": Work(
            f"package $(rpm -q --qf '%{{nevra}}\\n' {MOVED} | tail -n 1)", "", packages=(MOVED,), waits=True),
    }


# The hosts of both streams are prepared at the same time.
_building = threading.Lock()
# Of each group, a cell has one; the works of different groups do not meet.
GROUPS = (
    ("files added", "files edited", "files deleted", "second files", "code edited"),
    ("unowned files", "unit enabled", "unit masked", "unit file removed", "unit file of the job removed"),
    ("package installed", "package updated", "package removed", "package of the transaction removed",
     "package of the transaction brought back", "package of the transaction reinstalled"),
)
GONE_FROM_TRANSACTION = "package of the transaction removed"


def prepare(live: CutHost) -> None:
    """Bring about what the works find: files in every place, units, packages."""
    live.command("mkdir", "-p", STOCK)
    live.command("cp", "--parents", *SETTINGS, STOCK)
    for name, path in _packages(live.stream).items():
        live.put(path, f"{FOLDER}/{name}.rpm")
    files = [written(place, name) for place in places() if place not in FILES for name in (EDITED, DELETED)]
    units = [f"printf %s {shlex.quote(TEXTS['/etc/systemd'])} | write {UNITS}/{unit}" for unit in (ENABLED, GONE)]
    shell(live, lines([*files, *units, f"systemctl enable {GONE}", f"package {UPDATED}-1", f"package {REMOVED}-1"]))


def _packages(stream: int) -> dict[str, pathlib.Path]:
    """Return package files by the name that the works know them by: those of a company, and all builds of one that moves."""
    found = {path.name.removesuffix(".noarch.rpm").removesuffix("-1"): path for path in _company().rglob("*.noarch.rpm")}
    for path in hosts.web_root().rglob(f"{MOVED}-*.el{stream}.*.rpm"):
        found[path.name.removesuffix(".rpm")] = path
        if "BaseOS" in path.parts:
            found[f"{MOVED}-stock"] = path
    return found


def _company() -> pathlib.Path:
    """Return the folder of the packages of a company, which are built once."""
    with _building:
        return _built()


@functools.cache
def _built() -> pathlib.Path:
    top = pathlib.Path(tempfile.mkdtemp(prefix="lab-company-"))
    for name, version in ((UPDATED, 1), (UPDATED, 2), (REMOVED, 1)):
        spec = top / f"{name}-{version}.spec"
        spec.write_text(
            f"Name: {name}\nVersion: {version}\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n")
        common.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define", f"_dbpath {top}/db", spec])
    return top


def _beside(path: str) -> list[str]:
    """Return the paths of the second files that rpm may write beside configuration."""
    return [f"{path}.rpmnew", f"{path}.rpmsave"]


def told_in(output: str, word: str) -> list[str]:
    """Return what the output of a work tells behind a word."""
    return [line.partition(" ")[2] for line in output.splitlines() if line.startswith(f"{word} ")]


def shell(live: CutHost, text: str) -> str:
    """Run shell text on a host as an admin does, and return its output."""
    result = subprocess.run(
        [*hosts.ssh(live.host), "--", "sh", "-eu"], input=FUNCTIONS + text, capture_output=True, text=True, check=False)
    if result.returncode:
        raise AssertionError(f"the admin could not work: {result.stderr.strip()[-300:]}")
    return result.stdout


class Admin:
    """An admin at work on a host that was cut: does the works of a cell, and knows what to see of them afterwards.

    C(told): a run after it takes a transaction back, and tells which paths it leaves otherwise than before that. C(saved) are
    paths that an admin had written before that transaction: what they hold now may be what they held then.
    """

    def __init__(self, live: CutHost, cell: cells.Cell, told: bool, saved: t.Collection[str] = ()) -> None:
        self._live = live
        self._cell = cell
        self._told = told
        self._saved = saved
        self.works = [table()[name] for name in cell.works]
        self._held: dict[str, str] = {}
        self._installed: dict[str, str] = {}
        self._replaced: set[str] = set()
        # Of the package that it removed.
        self._files: list[str] = []

    @property
    def paths(self) -> set[str]:
        """The paths that it changed."""
        return {path.replace(OF_LINE, "") for path in self._held}

    @property
    def touched(self) -> judgement.Touched:
        """What it changed, by name."""
        units = {name for work in self.works for name in work.units}
        families = {os.path.basename(path) for path in self.paths if os.path.dirname(path) == LINKS}
        gone = self._files if "not installed" in self._versions().get(MOVED, "") else []
        # rpm writes these beside configuration that was edited.
        beside = [path for setting in self.paths.intersection(SETTINGS) for path in _beside(setting)]
        return judgement.Touched({*self.paths, *gone, *beside}, units, self.packages, families)

    @property
    def packages(self) -> set[str]:
        """The names of the packages that it changed."""
        return {name for work in self.works for name in work.packages}

    def work(self) -> None:
        """Do the works, and keep what their paths and packages are then."""
        told: list[str] = []
        for work in sorted(self.works, key=lambda work: work.waits):
            if work.waits:
                self._live.wait_for_runner()
                if self._cell.fault == cells.POWER_CUT:
                    self._live.wait_for_guard()
            output = shell(self._live, work.does)
            paths = told_in(output, "path")
            told += paths
            self._files += told_in(output, "file")
            self._replaced.update(paths if work.replaced else ())
        self._held = self._live.held(told)
        self._installed = self._versions()

    def clear(self) -> None:
        """Take away what is left of the works."""
        shell(self._live, lines(work.clears for work in self.works))
        self._live.command("systemctl", "daemon-reload")

    @property
    def comes_back(self) -> bool:
        """Whether something of it may only be seen after the way back."""
        return bool(self._replaced) and cells.ENDS[self._cell.way] == cells.ADOPTED

    @property
    def moved(self) -> bool:
        """Whether it changed a package that the job moves, so that the job found another one than on an uncut host."""
        return MOVED in self.packages

    def lost(self, told: t.Sequence[str], back: bool = False) -> list[str]:
        """Return in words what of the works was lost. C(told) are the words under C(left) of all runs since. C(back): the host
        went back after the cell."""
        wanted = {path: held for path, held in self._held.items() if back or not self.comes_back or path not in self._replaced}
        now = self._live.held(wanted)
        moved = {path: place for path in wanted for place in _moved(path, told) if now[path] != wanted[path]}
        there = self._live.held(moved.values())
        found = [
            f"lost: {path} is {now[path]}, was {held}" for path, held in sorted(wanted.items())
            if now[path] != held and (path not in moved or there[moved[path]] != held)]
        return found + (self._untold(told) if not back else []) + self._changed_packages()

    def _untold(self, told: t.Sequence[str]) -> list[str]:
        """Return which paths stay otherwise than before the swap, and were not named by the run that took the swap back."""
        if not self._told:
            return []
        mine = [
            path for path in self.paths
            if product.in_places(path) and not product.is_never(path) and path not in self._saved]
        return [f"not told: {path}" for path in sorted(mine) if not any(line.startswith(f"{path} ") for line in told)]

    def _changed_packages(self) -> list[str]:
        now = self._versions()
        stays = {name for name in self._installed if name != MOVED}
        # What somebody removed after a transaction had begun to go is not installed again by its settlement.
        if GONE_FROM_TRANSACTION in self._cell.works and self._cell.way == cells.ROLLBACK and self._in_transaction():
            stays.add(MOVED)
        return [
            f"lost: package {name} is {now[name]}, was {self._installed[name]}" for name in sorted(stays)
            if now[name] != self._installed[name]]

    def _in_transaction(self) -> bool:
        return self._cell.label == cells.TRANSACTION and (
            cells.depth(self._cell.moment) is not None or self._cell.moment == cells.DONE)

    def _versions(self) -> dict[str, str]:
        names = sorted(self.packages)
        told = [hosts.command(self._live.host, ["rpm", "-q", name]).stdout.strip() for name in names]
        return dict(zip(names, told))


def _moved(path: str, told: t.Sequence[str]) -> list[str]:
    """Return where a run told that the content of a path is now."""
    found = [re.match(rf"{re.escape(path)} .*what it held is in (\S+?)\.?$", line) for line in told]
    return [match.group(1) for match in found if match]
