# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who on a host refers to a path, a unit or a name: units and drop-ins, cron, scripts, rules, links, processes.

Of a text, its path, the number of the line and the word that was asked for are told, and of a unit the name of the setting. The
rest of a line may be secret.
The host's texts are split into words once, comments left out; each question after that is a look into a table. A
command counts as used where a text has its full path, or its bare name where commands stand.
"""

from __future__ import annotations

import os
import re
import typing as t

from ..facts import local_config
from ..facts.commands import command
from ..facts.consumer import Consumer
from ..facts.view import View

WORD = re.compile(r"[A-Za-z0-9_./@:+\\-]+")
ANY_COMMAND = command(r"[\w.+-]+")
SETTING = re.compile(r"^\s*([A-Z][A-Za-z0-9]*)\s*=")
COMMENT = re.compile(r"^\s*[#;].*$|(?<=\s)#.*$", re.MULTILINE)
COMMAND_FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin")

# Kind of consumer -> where such texts lie. Files of /usr/lib count where a package that stays brought them.
TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("drop-in", ("/etc/systemd/*/*.d/*.conf", "/run/systemd/system/*.d/*.conf")),
    ("unit", ("/etc/systemd/system/*.*", "/etc/systemd/user/*.*", "/run/systemd/system/*.*", "/usr/lib/systemd/system/*.*")),
    ("cron", ("/etc/crontab", "/etc/anacrontab", "/etc/cron.d/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*",
              "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*")),
    ("script", ("/usr/local/bin/*", "/usr/local/sbin/*", "/etc/rc.d/rc.local", "/etc/rc.local", "/etc/rc.d/init.d/*",
                "/etc/init.d/*", "/etc/profile.d/*", "/root/bin/*", "/opt/*/bin/*", "/etc/NetworkManager/dispatcher.d/*",
                "/etc/kernel/install.d/*", "/usr/lib/kernel/install.d/*")),
    ("udev rule", ("/etc/udev/rules.d/*.rules",)),
    ("configuration", ("/etc/sudoers.d/*", "/etc/logrotate.d/*", "/etc/dbus-1/system.d/*", "/etc/pam.d/*", "/etc/nsswitch.conf",
                       "/etc/tmpfiles.d/*", "/etc/ld.so.preload")),
)
LINK_FOLDERS = ("/etc/systemd/system", "/etc/systemd/system/*", "/etc/systemd/user/*", "/etc/alternatives", "/usr/local/bin",
                "/usr/local/sbin", "/usr/local/lib", "/usr/bin", "/usr/sbin", "/etc", "/etc/rc.d/rc?.d")


class Mention(t.NamedTuple):
    """A line that has a word: kind and path of the text, the number of the line, and what is told before the word: the name of a
    setting of a unit, with its sign."""

    kind: str
    path: str
    number: int
    before: str = ""

    def consumer(self, word: str) -> Consumer:
        """Return the consumer that is told of."""
        return Consumer(self.kind, self.path, f"line {self.number}: {self.before}{word}")


class References:
    """The host's own references. C(changing) are paths that the swap itself takes or brings: they refer to nothing."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.changing: t.Container[str] = frozenset()

    def to_path(self, path: str) -> list[Consumer]:
        """Return what refers to a path; one below /usr is known by its old name without /usr as well."""
        spellings = {path, path[4:]} if path.startswith("/usr/") else {path, "/usr" + path}
        found = [mention.consumer(name) for name in spellings for mention in self._texts.get(name, ())]
        folder, name = os.path.split(path)
        if folder in COMMAND_FOLDERS:
            found += [mention.consumer(name) for mention in self._commands.get(name, ())]
        found += [consumer for spelling in spellings for consumer in self._links.get(spelling, ())]
        found += [consumer for spelling in spellings for consumer in self._programs.get(spelling, ())]
        return self._foreign(found)

    def to_unit(self, name: str) -> list[Consumer]:
        """Return what names a unit: other units, drop-ins, scripts, cron."""
        return self._foreign(mention.consumer(name) for mention in self._texts.get(name, ()))

    def to_instances(self, template: str) -> list[Consumer]:
        """Return what names an instance of a template unit C(name@.type)."""
        head, _at, kind = template.partition("@")
        return self._foreign(
            mention.consumer(word) for word, mentions in self._texts.items() for mention in mentions
            if word.startswith(head + "@") and word.endswith(kind) and word != template)

    def to_word(self, word: str, kinds: t.Container[str]) -> list[Consumer]:
        """Return the texts of some kinds in which a word stands by itself."""
        return self._foreign(mention.consumer(word) for mention in self._texts.get(word, ()) if mention.kind in kinds)

    def _foreign(self, consumers: t.Iterable[Consumer]) -> list[Consumer]:
        return sorted({consumer for consumer in consumers if consumer.name not in self.changing})

    @property
    def _texts(self) -> dict[str, list[Mention]]:
        return self._view.once("words of texts", self._read_texts)

    def _read_texts(self) -> dict[str, list[Mention]]:
        found: dict[str, list[Mention]] = {}
        seen = set()
        for kind, patterns in TEXTS:
            for path in (path for pattern in patterns for path in self._view.glob(pattern)):
                source = self._source(path)
                if source is None or path in seen:
                    continue
                seen.add(path)
                for number, line in enumerate(self._view.lines(source, programs=kind == "script"), 1):
                    if number == 1:
                        self._shebang(line, path, kind, found)
                    said = COMMENT.sub("", line)
                    setting = SETTING.match(said) if kind in ("unit", "drop-in") else None
                    mention = Mention(kind, path, number, f"{setting.group(1)}=" if setting else "")
                    for word in set(WORD.findall(said)):
                        found.setdefault(word.lstrip("@:+-").rstrip(":."), []).append(mention)
        return found

    def _source(self, path: str) -> str | None:
        """Return where a text lies: a link is none of its own, unless it leads where nothing is looked for otherwise."""
        target = self._view.readlink(path)
        if target is None:
            return path
        return target if target.startswith(("/opt/", "/srv/", "/home/", "/root/")) else None

    @property
    def _commands(self) -> dict[str, list[Mention]]:
        """Bare names where local units, cron and scripts run them."""
        return self._view.once("bare commands", self._read_commands)

    def _read_commands(self) -> dict[str, list[Mention]]:
        found: dict[str, list[Mention]] = {}
        for line in local_config.command_lines(self._view):
            for match in ANY_COMMAND.finditer(line.text):
                start = match.start("command")
                if start and line.text[start - 1] == "/":
                    continue  # a path, which stands among the words already, and may lie anywhere
                found.setdefault(match.group("command"), []).append(Mention(line.type, line.name, line.number))
        return found

    @staticmethod
    def _shebang(first: str, path: str, kind: str, found: dict[str, list[Mention]]) -> None:
        if first.startswith("#!"):
            for word in first[2:].split():
                found.setdefault(word, []).append(Mention(kind, path, 1, "#!"))

    @property
    def _links(self) -> dict[str, list[Consumer]]:
        return self._view.once("links", self._read_links)

    def _read_links(self) -> dict[str, list[Consumer]]:
        found: dict[str, list[Consumer]] = {}
        for folder in LINK_FOLDERS:
            for path in self._view.glob(folder + "/*"):
                target = self._view.readlink(path)
                if target and target != "/dev/null":
                    whole = os.path.normpath(os.path.join(os.path.dirname(path), target))
                    found.setdefault(whole, []).append(Consumer("link", path, "-> " + target))
        return found

    @property
    def processes(self) -> dict[str, list[Consumer]]:
        """Path -> the processes that run or map it."""
        return self._view.once("mapped paths", self._read_mapped)

    def _read_mapped(self) -> dict[str, list[Consumer]]:
        found: dict[str, list[Consumer]] = {path: list(users) for path, users in self._programs.items()}
        for folder, consumer in self._processes:
            for path in self._mapped(folder) - {self._view.readlink(folder + "/exe")}:
                found.setdefault(path, []).append(consumer)
        return found

    @property
    def _programs(self) -> dict[str, list[Consumer]]:
        return self._view.once("running programs", self._read_programs)

    def _read_programs(self) -> dict[str, list[Consumer]]:
        found: dict[str, list[Consumer]] = {}
        for folder, consumer in self._processes:
            program = self._view.readlink(folder + "/exe")
            if program:
                found.setdefault(program, []).append(consumer)
        return found

    @property
    def _processes(self) -> list[tuple[str, Consumer]]:
        return self._view.once("processes", self._read_processes)

    def _read_processes(self) -> list[tuple[str, Consumer]]:
        return [
            (folder, Consumer("process", (self._view.text(folder + "/comm") or "?").strip(), f"pid {folder.rsplit('/', 1)[1]}"))
            for folder in self._view.glob("/proc/[0-9]*") if folder != self._me]

    @property
    def _me(self) -> str:
        """The process that looks is none that is affected."""
        return f"/proc/{os.getpid()}" if self._view.root == "/" else ""

    def _mapped(self, folder: str) -> set[str]:
        try:
            with open(self._view.real(folder + "/maps"), encoding="utf-8", errors="replace") as handle:
                lines = handle.read().splitlines()
        except OSError as error:  # one that ended meanwhile is not noted
            self._view.note(folder + "/maps", error)
            return set()
        return {line[line.index("/"):] for line in lines if "/" in line and " 00:00 " not in line}
