# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator wrote on a host, in the shape that the detectors ask for: units, rules, and lines that run commands.

Only local configuration: what a package put below C(/usr) is the business of that package's next build. What is not of the
expected form is left out. What cannot be read is noted by the View, so that whoever asked does not take it for absent.
"""

from __future__ import annotations

import os
import re
import typing as t

from .consumer import Consumer
from .view import View

SYSTEM_FOLDERS = ("/etc/systemd/system", "/etc/systemd/system.control", "/run/systemd/system")
USER_FOLDERS = ("/etc/systemd/user",)
NETWORK_FOLDERS = ("/etc/systemd/network", "/run/systemd/network")
VENDOR_UNITS = "/usr/lib/systemd/system"
UNIT_SUFFIXES = ("service", "socket", "target", "mount", "automount", "swap", "path", "timer", "slice", "scope")
# Where a link to a unit leads that is an alias or a mask, and no unit kept elsewhere.
_KNOWN_TARGETS = ("/usr/lib/systemd/", "/lib/systemd/", "/etc/systemd/", "/run/systemd/", "/dev/")

_CRON_TABLES = ("/etc/crontab", "/etc/anacrontab", "/etc/cron.d/*")
_SPOOL = "/var/spool/cron/*"
_SCRIPTS = (
    "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*",
    "/usr/local/bin/*", "/usr/local/sbin/*", "/etc/rc.d/rc*", "/etc/rc.d/init.d/*", "/etc/rc.local", "/etc/init.d/*",
)  # fmt: skip
_CRON_LINE = re.compile(r"^(?:@\w+|(?:[^\s=]+\s+){4}[^\s=]+)\s+(.*)$")
_CRON_VARIABLE = re.compile(r"^\w+\s*=")
FALSE = ("no", "n", "false", "f", "off", "0")
# Accounts below are the system's own.
FIRST_USER_ID = 1000


class Setting(t.NamedTuple):
    """One assignment of a file in systemd's syntax; C(line) is where it begins."""

    section: str
    key: str
    value: str
    line: int


class ConfigFile(t.NamedTuple):
    """One file in systemd's syntax, C(unit) being the name of what it configures."""

    path: str
    unit: str
    dropin: bool
    settings: tuple[Setting, ...]

    def consumer(self, setting: Setting, kind: str = "", word: str = "") -> Consumer:
        """Return the consumer that one setting of this file is. C(word) is what was looked for in its value: all else there may
        be secret."""
        detail = f"line {setting.line}: {setting.key}={word}"
        if kind:
            return Consumer(kind, self.path, detail)
        return Consumer("drop-in", self.path, detail) if self.dropin else Consumer("unit", self.unit, detail)


class Line(t.NamedTuple):
    """One line that runs something: who has it, as whom it runs (empty when not said), and its text sans comment."""

    type: str
    name: str
    number: int
    user: str
    text: str

    def consumer(self, what: str) -> Consumer:
        """Return the consumer that this line makes of its file."""
        return Consumer(self.type, self.name, f"line {self.number}: {what}")


def text(view: View, path: str) -> str:
    """Return a text file, empty when there is none; one that cannot be read is empty as well, and noted."""
    return view.text(path) or ""


def is_off(value: str) -> bool:
    """Say whether a setting's value is empty or the boolean no."""
    return not value or value.lower() in FALSE


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def joined(lines: t.Iterable[str], comments: str) -> t.Iterator[tuple[int, str]]:
    """Yield logical lines with the number of their first one; comment lines are dropped, also inside a long line."""
    start, parts = 0, []
    for number, line in enumerate(lines, 1):
        if line.lstrip()[:1] and line.lstrip()[0] in comments:
            continue
        start = start or number
        if _continues(line):
            parts.append(line[:-1])
            continue
        yield start, " ".join([*parts, line]).strip()
        start, parts = 0, []
    if parts:
        yield start, " ".join(parts).strip()


def parse(lines: t.Iterable[str]) -> tuple[Setting, ...]:
    """Return the assignments of a file in systemd's syntax, in order."""
    found, section = [], ""
    for number, line in joined(lines, "#;"):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, value = line.split("=", 1)
            found.append(Setting(section, key.strip(), value.strip(), number))
    return tuple(found)


def _linked(view: View, path: str) -> str | None:
    """Return the file that holds a unit: itself, or a file kept outside systemd's folders that is linked in."""
    target, leads_to_file = view.readlink(path), view.is_file(path)
    if target is None:
        return path if leads_to_file else None
    outside = os.path.isabs(target) and not target.startswith(_KNOWN_TARGETS)
    return target if outside and view.readlink(target) is None and view.is_file(target) else None


def config_files(view: View, folders: t.Sequence[str], suffixes: t.Sequence[str]) -> list[ConfigFile]:
    """Return the files with a suffix that lie right in a folder, and their drop-ins."""
    found = []
    for folder in folders:
        for path in view.glob(folder + "/*"):
            name = os.path.basename(path)
            source = _linked(view, path) if name.rpartition(".")[2] in suffixes else None
            if source:
                found.append(ConfigFile(path, name, False, parse(view.lines(source))))
        for path in view.glob(folder + "/*.d/*.conf"):
            name = os.path.basename(os.path.dirname(path))[: -len(".d")]
            # "service.d" is for all services.
            source = _linked(view, path) if name.rpartition(".")[2] in suffixes else None
            if source:
                found.append(ConfigFile(path, name, True, parse(view.lines(source))))
    return found


def units(view: View) -> tuple[ConfigFile, ...]:
    """Return the local units of the system's manager and the drop-ins to any."""
    return view.once("local units", lambda: tuple(config_files(view, SYSTEM_FOLDERS, UNIT_SUFFIXES)))


def networks(view: View) -> list[ConfigFile]:
    """Return the local .network files and their drop-ins."""
    return config_files(view, NETWORK_FOLDERS, ("network",))


def together(view: View, files: t.Iterable[ConfigFile], vendor: str = VENDOR_UNITS) -> dict[str, list[Setting]]:
    """Return all settings by unit, with those that a package's own unit makes first."""
    found: dict[str, list[Setting]] = {}
    for file in files:
        if file.unit not in found:
            found[file.unit] = list(parse(view.lines(f"{vendor}/{file.unit}")))
        found[file.unit].extend(file.settings)
    return found


def is_exec(setting: Setting) -> bool:
    """Say whether a setting is a command line."""
    return setting.key.startswith("Exec") and setting.key not in ("ExecPaths", "ExecSearchPath")


def uncommented(line: str) -> str:
    """Return a shell line without its comment; a C(#) within quotes or a word begins none."""
    quote = ""
    for index, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (index == 0 or line[index - 1] in " \t;"):
            return line[:index].rstrip()
    return line.rstrip()


def _cron_lines(view: View) -> t.Iterator[Line]:
    tables = [(path, True) for pattern in _CRON_TABLES for path in view.glob(pattern)]
    tables += [(path, False) for path in view.glob(_SPOOL)]
    for path, names_user in tables:
        anacron = path == "/etc/anacrontab"
        for number, raw in enumerate(view.lines(path), 1):
            line = raw.strip()
            entry = _CRON_LINE.match(line)
            if line.startswith("#") or _CRON_VARIABLE.match(line):
                continue
            if anacron and len(line.split(None, 3)) == 4:
                yield Line("cron", path, number, "root", line.split(None, 3)[3])
            elif entry and names_user:
                user, *command = entry.group(1).split(None, 1)
                yield Line("cron", path, number, user, "".join(command))
            elif entry:
                yield Line("cron", path, number, os.path.basename(path), entry.group(1))


def script_paths(view: View) -> list[str]:
    """Return the executable local scripts; F(/etc/init.d) and F(/etc/rc.local) are mostly links into F(/etc/rc.d)."""
    found = {path for pattern in _SCRIPTS for path in view.glob(pattern) if view.is_executable(path)}
    linked = {path for path in found if path.startswith(("/etc/init.d/", "/etc/rc.local"))}
    doubles = {path for path in linked if path.replace("/etc/", "/etc/rc.d/", 1) in found}
    return sorted(found - doubles)


def _script_lines(view: View) -> t.Iterator[Line]:
    for path in script_paths(view):
        for number, line in joined(view.lines(path, programs=True), "#"):
            yield Line("script", path, number, "", uncommented(line))


def _unit_lines(view: View) -> t.Iterator[Line]:
    for file in units(view):
        kind, name = ("drop-in", file.path) if file.dropin else ("unit", file.unit)
        for setting in file.settings:
            if is_exec(setting):
                yield Line(kind, name, setting.line, "", setting.value.lstrip("@-:+!|"))


def command_lines(view: View) -> tuple[Line, ...]:
    """Return every line by which local units, cron tables and scripts run something."""
    return view.once("command lines", lambda: tuple(
        line for lines in (_unit_lines, _cron_lines, _script_lines) for line in lines(view) if line.text))


def kernel_arguments(view: View) -> list[tuple[str, str | None]]:
    """Return the running kernel's arguments as keys and values, None for a bare one."""
    found = []
    for word in text(view, "/proc/cmdline").split():
        key, equals, value = word.partition("=")
        found.append((key, value if equals else None))
    return found


def kernel_release(view: View) -> tuple[int, int] | None:
    """Return the running kernel's first two numbers."""
    found = re.match(r"(\d+)\.(\d+)", text(view, "/proc/sys/kernel/osrelease"))
    return (int(found.group(1)), int(found.group(2))) if found else None


def ids(view: View, path: str) -> dict[str, int]:
    """Return names and numbers of F(/etc/passwd) or F(/etc/group)."""
    rows = (line.split(":") for line in text(view, path).splitlines())
    return {row[0]: int(row[2]) for row in rows if len(row) > 3 and re.fullmatch(r"[0-9]+", row[2])}


def processes(view: View) -> list[tuple[str, str]]:
    """Return process numbers and command names."""
    found = []
    for path in view.glob("/proc/[0-9]*/comm"):
        name = text(view, path).strip()
        if name:
            found.append((path.split("/")[2], name))
    return found
