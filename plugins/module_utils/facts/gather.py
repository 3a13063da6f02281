# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All facts of a host in one place: each group is read on its own, and trouble in one leaves the others whole."""

from __future__ import annotations

import functools
import typing as t

from ..core import guard, ledger
from ..core.host_io import Target
from ..packages import rpmdb
from . import (
    baseline as host_baseline, boot as host_boot, cgroup, kernel as host_kernel, kind as host_kind, legacy,
    mounts as host_mounts, packages, read as host_read, repos, security, system as host_system, systemd as host_systemd,
)

# What is compared with the time before the adoption, in the groups systemd and packages.
FAILURES = ("failed_units_new", "failed_units_before", "failed_units_better")
PACKAGE_NEWS = ("duplicates_new", "disagreements_new")
STATE_DIR = "/var/lib/centos-hyperscale"
LEDGER = f"{STATE_DIR}/ledger"
# What is told of a guard.
OF_A_GUARD = ("kind", "subject", "state", "why", "tries", "left")

# Group -> what its keys hold when it was not asked for or could not be read.
GROUPS: dict[str, dict[str, t.Any]] = {
    "repos": {"repos": None},
    "keys": {"signing_keys": None},
    "packages": {"packages": None},
    "kernel": {"kernel": None},
    "cgroup": {"cgroup": {"mode": "unknown"}},
    "psi": {"psi": None},
    "selinux": {"selinux": None},
    "secure_boot": {"secure_boot": "unknown"},
    "filesystems": dict.fromkeys(("root_filesystem", "filesystems") + tuple(host_mounts.SPACE)),
    "network": {"network": {"in_charge": "unknown", "services": None}},
    "iptables": {"iptables": None},
    "sysv": {"sysv": None},
    "systemd": {"systemd": None},
    "boot": {"boot": None},
    "reboot": {"reboot": None},
    "ledger": {"ledger": None},
}
# Of these all is the running system's: in a root that another system's kernel runs they do not apply.
RUNNING = ("cgroup", "psi", "secure_boot", "network", "systemd", "boot", "reboot")


class Host:
    """Reads the groups of one host; what several groups need is read once."""

    def __init__(
        self, root: str, run: host_read.Run, key_fingerprints: t.Iterable[str], kind: host_kind.Kind | None = None,
    ) -> None:
        self.root = root
        self.kind = kind
        self.run = run
        self.key_fingerprints = list(key_fingerprints)
        self.unreadable: list[dict[str, str]] = []

    def note(self, what: str, reason: str) -> None:
        """Record once that something could not be read."""
        entry = {"what": what, "reason": reason}
        if entry not in self.unreadable:
            self.unreadable.append(entry)

    def attempt(self, what: str, read: t.Callable[[], t.Any]) -> t.Any:
        """Return what C(read) returns; None, with the reason recorded, when it fails in any way."""
        try:
            return read()
        except (host_read.Unreadable, OSError) as error:
            self.note(what, str(error))
        except Exception as error:  # a host in a state nobody foresaw must cost one fact, not the whole call
            self.note(what, f"{type(error).__name__}: {error}")
        return None

    @property
    def runs(self) -> bool:
        """Whether the kernel and the processes that are seen here are this root's."""
        return self.kind is None or self.kind.runs

    def _transaction_set(self) -> t.Any:
        if rpmdb.rpm is None:
            raise host_read.Unreadable("the Python bindings of rpm (package python3-rpm) are missing")
        return rpmdb.transaction_set(self.root)

    @functools.cached_property
    def installed(self) -> list[rpmdb.Package] | None:
        """Every installed package."""
        return self.attempt("packages", lambda: rpmdb.installed(self._transaction_set()))

    @functools.cached_property
    def mounts(self) -> list[host_mounts.Mount] | None:
        """What is mounted."""
        return self.attempt("filesystems", lambda: host_mounts.gather(self.root))

    @functools.cached_property
    def kernel(self) -> dict[str, t.Any] | None:
        """The C(kernel) group."""
        pinned = packages.key_ids(self.key_fingerprints)
        return self.attempt(
            "kernel", lambda: host_kernel.gather(self.root, self.run, self.note, self.installed, pinned, self.runs)
        )

    @functools.cached_property
    def systemd(self) -> dict[str, t.Any] | None:
        """The C(systemd) group."""
        version = next((package.evr for package in self.installed or [] if package.name == "systemd"), None)
        found = self.attempt("systemd", lambda: host_systemd.gather(self.root, self.run, self.note, version))
        if found is not None:
            found.update(dict.fromkeys(FAILURES), **(self.attempt("systemd.baseline", lambda: self._failures(found)) or {}))
        return found

    @functools.cached_property
    def noted(self) -> dict[str, t.Any] | None:
        """What was broken before the adoption that stands. Raises OSError where the ledger cannot be read."""
        return ledger.baseline(Target(lambda argv: (host_read.NOT_FOUND, "", ""), "", root=self.root))

    def _failures(self, found: dict[str, t.Any]) -> dict[str, t.Any] | None:
        failed = found["failed_units"]
        if failed is None:
            return None
        judged = host_baseline.judged(self.run, self.noted, failed)
        return dict(zip(FAILURES, (sorted(judged.new), judged.before, judged.better)))

    @functools.cached_property
    def boot(self) -> dict[str, t.Any] | None:
        """The C(boot) group."""
        return self.attempt("boot", lambda: host_boot.gather(self.root))

    def read_packages(self) -> dict[str, t.Any] | None:
        """The C(packages) group."""
        if self.installed is None:
            return None
        found = packages.summarise(self.installed, self.key_fingerprints)
        return {**found, **dict.fromkeys(PACKAGE_NEWS), **(self.attempt("packages.baseline", lambda: self._news(found)) or {})}

    def _news(self, found: dict[str, t.Any]) -> dict[str, t.Any]:
        named = found["duplicates"], [package["nevra"] for package in found["disagreements"]]
        parts = ("duplicates", "disagreements")
        return {name: host_baseline.news(self.noted, part, now) for name, part, now in zip(PACKAGE_NEWS, parts, named)}

    def read_keys(self) -> list[dict[str, t.Any]]:
        """The C(keys) group."""
        return packages.summarise_keys(rpmdb.public_keys(self._transaction_set()))

    def read_psi(self) -> dict[str, t.Any] | None:
        """The C(psi) group."""
        if self.kernel is None:
            raise host_read.Unreadable("the facts of the kernel could not be read")
        return cgroup.gather_psi(self.root, self.kernel["running"], self.kernel["arguments"])

    def read_filesystems(self) -> dict[str, t.Any]:
        """The C(filesystems) group, which has several keys."""
        mounts = self.mounts
        found = {
            "root_filesystem": host_mounts.root_filesystem(mounts or []),
            "filesystems": None if mounts is None else host_mounts.real(mounts),
        }
        for key, path in host_mounts.SPACE.items():
            found[key] = self.attempt(key, functools.partial(host_mounts.free_bytes, self.root, path))
        return found

    def read_reboot(self) -> dict[str, t.Any]:
        """The C(reboot) group."""
        boot_time = self.boot["time"] if self.boot else None
        reasons = host_boot.reboot_reasons(boot_time, self.installed, self.kernel, self.systemd)
        known = (boot_time, self.installed, self.kernel, (self.systemd or {}).get("pid1_binary_replaced"))
        unknown = not reasons and None in known
        return {"required": None if unknown else bool(reasons), "reasons": reasons}

    def read_ledger(self) -> dict[str, t.Any]:
        """The C(ledger) group."""
        found = self.attempt("ledger.guards", lambda: guard.below(host_read.below(self.root, STATE_DIR)))
        return {
            "present": host_read.status(self.root, LEDGER) is not None, "path": LEDGER,
            "guards": None if found is None else [
                {name: value for name, value in one._asdict().items() if name in OF_A_GUARD} for one in found]}

    def read(self, group: str) -> dict[str, t.Any]:
        """Return the keys of one group."""
        readers: dict[str, t.Callable[[], t.Any]] = {
            "repos": lambda: repos.gather(self.root, self.note),
            "keys": self.read_keys,
            "packages": self.read_packages,
            "kernel": lambda: self.kernel,
            "cgroup": lambda: None if self.mounts is None else {"mode": cgroup.mode(self.mounts)},
            "psi": self.read_psi,
            "selinux": lambda: security.gather_selinux(self.root, self.runs),
            "secure_boot": lambda: security.gather_secure_boot(self.root),
            "filesystems": self.read_filesystems,
            "network": lambda: host_systemd.gather_network(self.run, self.note),
            "iptables": lambda: legacy.gather_iptables(self.root, self.run, self.note),
            "sysv": lambda: legacy.gather_sysv(self.root),
            "systemd": lambda: self.systemd,
            "boot": lambda: self.boot,
            "reboot": self.read_reboot,
            "ledger": self.read_ledger,
        }
        if group in RUNNING and not self.runs:
            self.note(group, f"not applicable: {'; '.join(t.cast(host_kind.Kind, self.kind).evidence)}")
            return GROUPS[group]
        value = self.attempt(group, readers[group])
        if value is None:
            return GROUPS[group]
        return value if group == "filesystems" else {next(iter(GROUPS[group])): value}


def gather(
    run: host_read.Run, key_fingerprints: t.Iterable[str], groups: t.Iterable[str] = tuple(GROUPS), root: str = "/",
    kind: host_kind.Kind | None = None,
) -> dict[str, t.Any]:
    """Return the facts of a host with every key present, whichever groups were asked for or could be read.

    C(kind) is what the host is; without it, all that is seen is taken for its own.
    """
    host = Host(root, run, key_fingerprints, kind)
    system = host.attempt("os", lambda: host_system.gather(root)) or host_system.UNKNOWN
    arch = host.attempt("arch", lambda: host_system.gather_arch(run))
    refusal = host_system.system_refusal(system) or host_system.arch_refusal(system, arch)
    found: dict[str, t.Any] = {
        "supported": refusal is None, "refusal": str(refusal) if refusal else None, "os": system._asdict(), "arch": arch}
    found["kind"] = None if kind is None else kind.plain()
    if not host.runs:
        host.note("kind", "the kernel, the processes and the boot that are seen here are not this root's")
    wanted = set(groups)
    for group, absent in GROUPS.items():
        found.update(host.read(group) if group in wanted else absent)
    found["unreadable"] = host.unreadable
    return found
