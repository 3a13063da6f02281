# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux denied: audit messages read as denials, whoever wrote them down.

auditd keeps C(type=AVC msg=audit(...)) and C(type=USER_AVC) lines. Where no auditd runs, the kernel prints C(audit: type=1400
audit(...)), as many as its limit allows, and journald may receive the messages itself: its entries have the time and the number
of the event in fields of their own. The same message may be in several places, and counts once.
"""

from __future__ import annotations

import collections
import json
import re
import typing as t

AUDIT_LOG = "/var/log/audit/audit.log"
# How far back the journal is asked for what was denied before, in seconds.
BEFORE = 24 * 3600
JOURNAL = (
    "journalctl", "--no-pager", "--quiet", "--all", "--output=json",
    "--output-fields=MESSAGE,_TRANSPORT,_AUDIT_ID,_SOURCE_REALTIME_TIMESTAMP")
# What the kernel prints when it drops audit messages: its own limit for printing (printk_ratelimit), or one of the queue of
# messages. The first costs nothing where journald receives the messages itself.
UNPRINTED = re.compile(r"^kauditd_printk_skb: \d+ callbacks suppressed|^audit: audit_lost=\d+")
DROPPED = re.compile(r"^audit: (backlog|rate) limit exceeded|^audit: kauditd hold queue overflow")
STAMP = re.compile(r"audit\((\d+\.\d+):\d+\)")
MESSAGE = re.compile(r"audit\((?P<time>\d+\.\d+):(?P<serial>\d+)\).*?avc:\s+denied\s+\{ (?P<what>[^}]+) \}(?P<rest>.*)")
FIELD = re.compile(
    r"\b(?P<name>comm|scontext|tcontext|tclass|permissive|path|name|exe|cmdline|function)=(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>[^\s']+))")
# What auditd writes in hexadecimal because of a blank or another odd character in it.
ENCODED = ("comm", "path", "name", "exe", "cmdline")
HEX = re.compile(r"^(?:[0-9A-F]{2})+$")


class Denial(t.NamedTuple):
    """One message. C(time) is in seconds since the epoch, C(serial) the kernel's number of the event; C(source) and
    C(target) are whole contexts; C(allowed): let through because of permissive mode."""

    time: float
    serial: int
    source: str
    target: str
    tclass: str
    permissions: str
    comm: str
    path: str
    allowed: bool

    @property
    def what(self) -> str:
        """Who was denied what on what, by types: the same for every process and path."""
        return f"{_type(self.source)} {self.permissions} {self.tclass} {_type(self.target)}"


class Kind(t.NamedTuple):
    """All denials of one kind since a time. C(before): it was denied before that time as well."""

    what: str
    hits: list[Denial]
    before: bool

    @property
    def allowed(self) -> bool:
        """Say whether permissive mode let all of them through."""
        return all(denial.allowed for denial in self.hits)


class Entry(t.NamedTuple):
    """One entry of the journal: when it was received in seconds since the epoch, whether journald had it from the audit system
    itself, and its message, with the stamp of the event where it is one."""

    time: float
    audited: bool
    message: str


def entries(text: str) -> list[Entry]:
    """Return the entries that C(JOURNAL) printed. Raises ValueError where that is not what it printed."""
    return [_entry(json.loads(line)) for line in text.splitlines()]


def _entry(fields: t.Mapping[str, t.Any]) -> Entry:
    message = fields.get("MESSAGE") or ""
    if isinstance(message, list):  # a message with bytes that are no text
        message = bytes(message).decode("utf-8", "replace")
    received = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
    if fields.get("_TRANSPORT") != "audit":
        return Entry(received, False, message)
    stamp_of = int(fields.get("_SOURCE_REALTIME_TIMESTAMP") or fields["__REALTIME_TIMESTAMP"]) / 1e6
    return Entry(received, True, f"audit({stamp_of:.3f}:{fields.get('_AUDIT_ID', 0)}): {message}")


def dropped(found: t.Iterable[Entry], since: float) -> str:
    """Return what the kernel said last of audit messages that it dropped since a time and that nobody received; empty where it
    dropped none."""
    recent = [entry for entry in found if entry.time >= since]
    patterns = [DROPPED] if any(entry.audited for entry in recent) else [DROPPED, UNPRINTED]
    said = [entry.message for entry in recent if not entry.audited and any(one.search(entry.message) for one in patterns)]
    return said[-1] if said else ""


def parse(lines: t.Iterable[str]) -> list[Denial]:
    """Return the denials among audit messages, each once, oldest first."""
    return sorted(set(filter(None, map(_denial, lines))))


def stamp(line: str) -> float:
    """Return when an audit message of any kind was made, in seconds since the epoch; 0 for a line that is none."""
    match = STAMP.search(line)
    return float(match.group(1)) if match else 0.0


def _denial(line: str) -> Denial | None:
    match = MESSAGE.search(line)
    if match is None:
        return None
    fields: dict[str, str] = {}
    for field in FIELD.finditer(match.group("rest")):
        name, plain = field.group("name"), field.group("plain")
        fields.setdefault(name, field.group("quoted") if plain is None else _decoded(name, plain))
    return Denial(
        float(match.group("time")), int(match.group("serial")), fields.get("scontext", "?"), fields.get("tcontext", "?"),
        fields.get("tclass", "?"), " ".join(match.group("what").split()), _who(fields),
        fields.get("path") or fields.get("name", ""), fields.get("permissive") == "1")


def _who(fields: t.Mapping[str, str]) -> str:
    """Return who was denied something. Of a message by a program that asks for itself, as PID 1 does, C(exe) is that program, and
    C(cmdline) the one whose call it refused. Only its name is used: arguments may be secret."""
    caller = (fields.get("cmdline") or "").split(" ")[0].rpartition("/")[2]
    if "comm" in fields or not caller:
        return fields.get("comm") or fields.get("exe", "?")
    through = f"{fields.get('exe', '').rpartition('/')[2]} {fields.get('function', '')}".strip()
    return f"{caller} (by a call of {through})" if through else caller


def _decoded(name: str, text: str) -> str:
    if name not in ENCODED or not HEX.match(text):
        return text
    return bytes.fromhex(text).decode("utf-8", "replace")


def kinds(denials: t.Iterable[Denial], since: float) -> list[Kind]:
    """Return what was denied since a time, by kind."""
    hits: dict[str, list[Denial]] = collections.defaultdict(list)
    earlier = set()
    for denial in denials:
        if denial.time >= since:
            hits[denial.what].append(denial)
        else:
            earlier.add(denial.what)
    return [Kind(what, found, what in earlier) for what, found in sorted(hits.items())]


def nearest(found: t.Iterable[Kind]) -> list[Kind]:
    """Return kinds in the order in which they may be why a step failed: what was not denied before comes first, and
    of these what was denied last."""
    return sorted(found, key=lambda kind: (kind.before, -max(denial.time for denial in kind.hits)))


def words(kind: Kind) -> str:
    """Say one kind in a line."""
    users = sorted({f"{denial.comm} {denial.path}".strip() for denial in kind.hits})
    marks = ["let through"] * kind.allowed + ["as before"] * kind.before
    return f"{len(kind.hits)}x {kind.what} by {', '.join(users[:5])}" + (f" ({', '.join(marks)})" if marks else "")


def _type(context: str) -> str:
    parts = context.split(":")
    return parts[2] if len(parts) > 2 else "?"
