# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a folder for random sequences: jobs of the engine, which may be killed at any write, and an admin in between.

The engine, the ledger, recovery and what is saved for a way back are the real ones. rpm is a stand-in that follows rpm's rules
for configuration files, and can be killed in its middle as the rest can. The judge is the admin's own list of what they wrote.
"""

from __future__ import annotations

import base64
import getpass
import grp
import json
import os
import random

from ansible_collections.centos.hyperscale.plugins.module_utils.backup import parent, shipped
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.manifest import Kept
from ansible_collections.centos.hyperscale.plugins.module_utils.core import (
    engine, exchange, health, host_io, ledger, recovery, retention, undo,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.core.registry import Registry
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import damage
from ansible_collections.centos.hyperscale.plugins.module_utils.shared.file import FileAction
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.backup.builds import entry

ME = (getpass.getuser(), grp.getgrgid(os.getgid()).gr_name)
DATABASE = "/var/lib/rpm/database.json"
STATE = "/var/lib/centos-hyperscale"
# What the two packages bring by version: path -> (text, configuration, noreplace). One path goes, one comes, one stays as it is.
BUILDS = {
    "alpha": {
        1: {"/etc/systemd/alpha.conf": ("alpha one\n", True, False), "/etc/alpha.d/keep.conf": ("keep\n", True, True),
            "/usr/lib/alpha/code": ("code one\n", False, False), "/usr/lib/alpha/old": ("old one\n", False, False)},
        2: {"/etc/systemd/alpha.conf": ("alpha two\n", True, False), "/etc/alpha.d/keep.conf": ("keep two\n", True, True),
            "/usr/lib/alpha/code": ("code two\n", False, False), "/usr/lib/alpha/new": ("new two\n", False, False)},
        3: {"/etc/systemd/alpha.conf": ("alpha three\n", True, False), "/usr/lib/alpha/code": ("code three\n", False, False)},
    },
    "beta": {
        1: {"/etc/beta.conf": ("beta one\n", True, False), "/usr/lib/beta/code": ("beta code\n", False, False)},
        2: {"/usr/lib/beta/code": ("beta code two\n", False, False), "/usr/lib/beta/more": ("more\n", False, False)},
    },
}
WISHED = ("/etc/systemd/ours.conf", "/etc/systemd/system/unit.d/10-ours.conf", "/etc/systemd/alpha.conf", "/srv/one/two/three")
PLACES = (
    *WISHED, *sorted({path for versions in BUILDS.values() for files in versions.values() for path in files}),
    "/etc/systemd/alpha.conf.rpmnew", "/etc/systemd/alpha.conf.rpmsave", "/etc/alpha.d/keep.conf.rpmnew",
    "/etc/sysctl.d/60-admin.conf", "/etc/yum.repos.d/company.repo", "/srv/one/mine", "/usr/lib/alpha/mine")
# The calls that change a file system, or open a file for that.
CHANGING = (
    "write", "pwrite", "fsync", "rename", "replace", "unlink", "remove", "rmdir", "mkdir", "link", "symlink", "truncate",
    "ftruncate", "chmod", "fchmod", "chown", "fchown", "lchown", "setxattr", "removexattr")


class Killed(BaseException):
    """The job was killed. No exception of Python, so that nothing catches it."""


class Killer:
    """Kills a job before one of its calls, and lets nothing of it happen after that: no C(finally) runs in a killed process."""

    def __init__(self, monkeypatch):
        self.left = None
        for name in CHANGING:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        for module in (exchange, parent):
            monkeypatch.setattr(module, "renameat2", self._counted(module.renameat2))
        real_open = os.open
        monkeypatch.setattr(os, "open", lambda path, flags, *more, **named: (
            self.count() if flags & (os.O_WRONLY | os.O_RDWR) else None, real_open(path, flags, *more, **named))[1])

    def _counted(self, call):
        def counted(*given, **named):
            self.count()
            return call(*given, **named)
        return counted

    def count(self):
        """Count one call, and kill the job when its time has come."""
        if self.left is None:
            return
        if self.left <= 0:
            raise Killed
        self.left -= 1


class Rpm:
    """A stand-in for rpm and its database."""

    def __init__(self, target):
        self._target = target

    def installed(self):
        """Return the versions by name."""
        with open(self._target.path(DATABASE), encoding="utf-8") as handle:
            return json.load(handle)

    def note(self, versions):
        """Write the database whole."""
        self._put(DATABASE, json.dumps(versions))

    def move(self, name, to):
        """Bring a package to a version, by rpm's rules: its files come, what only the old one had goes, and then the old one
        itself leaves the database."""
        here = self.installed()
        old, new = BUILDS[name].get(here.get(name), {}), BUILDS[name][to]
        for path, (text, config, noreplace) in new.items():
            self._lay(path, text, config, noreplace, old.get(path))
        for path in sorted(old.keys() - new.keys()):
            self._erase(path, old[path])
        self.note({**here, name: to})

    def _lay(self, path, text, config, noreplace, old):
        now = self.text(path)
        if now == text:
            return
        if not config or now is None or (old and now == old[0]):
            self._put(path, text)
        elif old and old[0] == text:
            return
        elif noreplace:
            self._put(path + ".rpmnew", text)
        else:
            os.rename(self._target.path(path), self._target.path(path + ".rpmsave"))
            self._put(path, text)

    def _erase(self, path, old):
        now = self.text(path)
        if now is None:
            return
        if old[1] and now != old[0]:
            os.rename(self._target.path(path), self._target.path(path + ".rpmsave"))
        else:
            os.unlink(self._target.path(path))

    def text(self, path):
        """Return what a file holds, None where there is none."""
        try:
            with open(self._target.path(path), encoding="utf-8") as handle:
                return handle.read()
        except FileNotFoundError:
            return None

    def _put(self, path, text):
        real = self._target.path(path)
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with open(real + ";rpm", "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(real + ";rpm", 0o644)
        os.rename(real + ";rpm", real)

    def edited(self, names):
        """Return what 'rpm -V' prints of some packages."""
        lines = []
        for name, version in self.installed().items():
            asked = names & {name, f"{name}-{version}"}
            for path, (text, config, _noreplace) in BUILDS[name][version].items() if asked else ():
                now = self.text(path)
                if now is None:
                    lines.append(f"missing   {'c' if config else ' '} {path}")
                elif now != text or os.stat(self._target.path(path)).st_mode & 0o777 != 0o644:
                    lines.append(f"S.5......  {'c' if config else ' '} {path}")
        return "\n".join(lines) + "\n"


class Transaction(engine.Action):
    """A transaction as the real one is, but for the process that carries it out: this one dies with its job."""

    section = "packages"
    kind = "transaction"
    phase = engine.TRANSACT
    settles_later = True
    saves = True

    @classmethod
    def to(cls, old, new):
        """Make the action between two states of the database."""
        return cls("packages", "", {"old": old, "new": new})

    def shares(self):
        return {"the packages of this host"}

    def apply(self, target):
        kept = Kept(target, self._run(target))
        kept.save(_nevras(self._moving("old")), brought(_nevras(self._moving("new")))[0].files)
        target.begins()
        self._carry_out(target, "new")
        kept.note(_nevras(self._moving("new")))

    def undo(self, target):
        kept, here = Kept(target, self.run), Rpm(target).installed()
        going = {name: here[name] for name in self._moving("old") if name in here}
        if going != self._moving("old") or not kept.looked:
            kept.look_for_edits(_nevras(going))
        target.begins()
        # As with dnf, what is at its version already is no part of a transaction.
        self._carry_out(target, "old", {name for name, version in self._moving("old").items() if here.get(name) != version})
        self.left = kept.put_back()

    def verify(self, target):
        assert Rpm(target).installed() == {**Rpm(target).installed(), **self._moving("new")}

    def is_half(self, target, _job):
        return False

    def settle(self, target, job, undoing):
        kept, begun = Kept(target, self.run), ledger.begun(target, job)
        if undoing and begun:
            self._keep(target, kept, "old")
            self._carry_out(target, "old", self._ours(target))
            self.left += kept.put_back(_later(target, job))
            return "taken back", True
        if not begun:
            if not undoing:
                kept.clear()
            return "it had not begun", False
        if not kept.noted:
            self._keep(target, kept, "new")
            self._carry_out(target, "new", self._ours(target))
            kept.note(_nevras(self._moving("new")))
        return "made whole", True

    def _keep(self, target, kept, side):
        """Keep what an admin made of files since the cut, as the real one does before it unpacks packages once more."""
        ours = self._ours(target)
        self.left = kept.set_aside(brought(_nevras({name: self.args[side][name] for name in ours}))[0])
        changed = damage.look(target, _nevras(ours))
        self.left += damage.keep(target, self._run(target), changed, 0.0)

    def _run(self, target):
        return ledger.run_of(target.job)

    def _moving(self, side):
        return {name: version for name, version in self.args[side].items() if self.args["old"][name] != self.args["new"][name]}

    def _ours(self, target):
        """Return what is installed of the packages that are still at one of the two sides. What somebody brought to another
        version since is no part of it."""
        here = Rpm(target).installed()
        return {
            name: here[name] for name in self._moving("old")
            if here[name] in (self.args["old"][name], self.args["new"][name])}

    def _carry_out(self, target, side, only=None):
        for name, version in self._moving(side).items():
            if only is None or name in only:
                Rpm(target).move(name, version)


def _later(target, job):
    run, _dot, number = job.partition(".")
    return {step.action["subject"] for step in ledger.undone_in(target, run, int(number))}


def _nevras(versions):
    return [f"{name}-{version}" for name, version in sorted(versions.items())]


def brought(nevras):
    """Return what some builds bring, in the place of shipped.installed."""
    files = {}
    for nevra in nevras:
        name, _dash, version = nevra.partition("-")
        files.update({
            path: entry(text, 0o644, config, noreplace)
            for path, (text, config, noreplace) in BUILDS[name][int(version)].items()})
    return shipped.Shipped(files, {}), sorted({nevra.partition("-")[0] for nevra in nevras})


def installed(nevras):
    """Return some builds in the place of packages.paths.installed; their paths are those of BUILDS."""
    return list(nevras)


def names(nevra):
    """Return the paths of a build in the place of packages.paths.names."""
    name, _dash, version = nevra.partition("-")
    return list(BUILDS[name][int(version)])


REGISTRY = Registry({
    "packages": type("section", (), {"ACTIONS": {Transaction.kind: Transaction}, "OPTIONS": {}}),
    "files": type("section", (), {"ACTIONS": {FileAction.kind: FileAction}, "OPTIONS": {}})})


class Host:
    """A host in a folder, its admin, and jobs that may be killed."""

    def __init__(self, folder, seed, killer):
        self.random = random.Random(seed)
        self.killer = killer
        self.target = host_io.Target(self._command, str(folder), root=str(folder / "host"))
        os.makedirs(folder / "host" / "etc", exist_ok=True)
        self.rpm = Rpm(self.target)
        self.rpm.note({})
        for name in BUILDS:
            self.rpm.move(name, 1)
        # By path what the admin wrote there last, and what they wrote before and did not write over or remove themselves.
        self.written = {}
        self.tokens = 0
        self.story = []

    def _command(self, argv):
        if argv[0] == "rpm":
            out = self.rpm.edited(set(argv))
            return (1 if out.strip() else 0), out, ""
        return 0, "", ""

    # What the admin does.

    def edit(self):
        """Write a file with a word that stands nowhere else."""
        path = self.random.choice(PLACES)
        self.tokens += 1
        token = f"word{self.tokens:04d}of{self.random.getrandbits(32):08x}"
        real = self.target.path(path)
        if os.path.isdir(real):
            return
        before = self._words()
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with open(real, "w", encoding="utf-8") as out:
            out.write(token + "\n")
        self._forget(before)
        self.written[path] = token
        self.story.append(f"admin writes {path}: {token}")

    def _words(self):
        """Return the admin's words that are on the host."""
        return {token for token in self.written.values() if self.on_the_host(token)}

    def _forget(self, before):
        """Forget the words that were on the host and went by what the admin did."""
        gone = before - self._words()
        self.written = {path: token for path, token in self.written.items() if token not in gone}

    def delete(self):
        """Remove a file, whoever made it."""
        path = self.random.choice(PLACES)
        if os.path.isfile(self.target.path(path)):
            before = self._words()
            os.unlink(self.target.path(path))
            self._forget(before)
            self.story.append(f"admin removes {path}")

    def upgrade(self):
        """Bring a package to another version by hand. What rpm writes over then, the admin wrote over."""
        name = self.random.choice(sorted(BUILDS))
        before = self._words()
        to = self.random.choice(sorted(BUILDS[name]))
        self.rpm.move(name, to)
        self.story.append(f"admin brings {name} to {to}")
        self._forget(before)

    # What the engine does.

    def adopt(self):
        """Bring files and packages to random wishes."""
        def job():
            recovery.settle(self.target, REGISTRY.kinds)
            here = self.rpm.installed()
            plan = []
            wanted = {name: self.random.choice([here[name], 2]) for name in BUILDS}
            if wanted != here:
                plan.append(Transaction.to(here, wanted))
            for path in self.random.sample(WISHED, 2):
                now = self.target.read(path)
                new = host_io.FileState(f"wished {self.random.randint(1, 3)}\n", "0644", *ME)
                if now is None or (now.content, now.mode) != (new.content, new.mode):
                    plan.append(FileAction.between(path, "", now, new))
            if not plan:
                return
            run = ledger.new_run_id(self.target)
            retention.close(self.target)
            engine.apply_all(self.target, run, plan)
            undo.tidy(self.target, 0, REGISTRY)
        self._run("adopt", job)

    def roll_back(self, sections=("packages", "files")):
        """Take back what stands."""
        def job():
            recovery.settle(self.target, REGISTRY.kinds)
            taken = undo.taken(self.target, sections, REGISTRY)
            if not taken or undo.problems(self.target, taken, REGISTRY):
                undo.tidy(self.target, 0, REGISTRY)
                return
            undone = engine.undo_all(self.target, ledger.new_run_id(self.target), taken, REGISTRY.kinds)
            assert undone.failures == [], undone.failures
            undo.start_again(self.target, REGISTRY)
            undo.tidy(self.target, 0, REGISTRY)
        self._run(f"rollback of {' and '.join(sections)}", job)

    def _run(self, name, job):
        """Run a job, which is killed now and then."""
        health.refuse(self.target, REGISTRY.kinds)
        self.killer.left = self.random.choice([None, None, self.random.randint(0, 40), self.random.randint(0, 400)])
        self.story.append(f"{name}, killed before call {self.killer.left}" if self.killer.left is not None else name)
        try:
            job()
        except Killed:
            self.story.append("  (killed)")
        finally:
            self.killer.left = None

    def finish(self):
        """Let the next job go through, and return what is wrong then."""
        self.story.append("recovery")
        health.refuse(self.target, REGISTRY.kinds)
        recovery.settle(self.target, REGISTRY.kinds)
        assert recovery.settle(self.target, REGISTRY.kinds).story is None, "recovery does not end"
        return [f"{token} of {path} is lost" for path, token in self.written.items() if not self._is_there(token)]

    def _is_there(self, token):
        """Say whether a word is anywhere on the host, be it in what is saved for a way back or in the ledger."""
        forms = (token.encode(), base64.b64encode(f"{token}\n".encode()))
        for folder, _folders, names in os.walk(self.target.root):
            for name in names:
                with open(os.path.join(folder, name), "rb") as handle:
                    content = handle.read()
                if any(form in content for form in forms):
                    return True
        return False

    def on_the_host(self, token):
        """Say whether a word is where a person finds it: in a file of the host, or where displaced files are kept."""
        hidden = tuple(os.path.join(self.target.root, STATE[1:], part) for part in ("ledger", "closed", "saved"))
        for folder, _folders, names in os.walk(self.target.root):
            for name in names if not folder.startswith(hidden) else ():
                with open(os.path.join(folder, name), "rb") as handle:
                    if token.encode() in handle.read():
                        return True
        return False

    def look(self):
        """Return all files of the host but the state directory, with content and mode."""
        found = {}
        for folder, _folders, names in os.walk(self.target.root):
            if not folder.startswith(os.path.join(self.target.root, STATE[1:])):
                # What rpm was writing when it was killed, its repair takes away, which this stand-in has not.
                for name in (name for name in names if not name.endswith(";rpm")):
                    real = os.path.join(folder, name)
                    with open(real, "rb") as handle:
                        found[real[len(self.target.root):]] = (handle.read(), os.stat(real).st_mode)
        return found
