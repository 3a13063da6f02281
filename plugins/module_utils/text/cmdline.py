# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of the kernel: their words, and how arguments are set and taken out.

They stand in boot entries, in the file that kernel-install gives to a new kernel, and in C(/etc/default/grub). All functions
are pure.
"""

from __future__ import annotations

import re
import typing as t

# A word of a command line: blanks stand between words, but for those within double quotes.
WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
# What an argument may hold outside and inside of double quotes. GRUB runs an entry as a line of its script, and
# /etc/default/grub is read by a shell, so what either would expand or end a word at stays out.
ARGUMENT = re.compile(
    r"""^[A-Za-z0-9][^\s"'`$\\;&|<>(){}#*?=\x00-\x1f\x7f]*"""
    r"""(=([^\s"'`$\\;&|<>(){}\x00-\x1f\x7f]|"[^"'`$\\\x00-\x1f\x7f]*")*)?\Z""")
KERNELOPTS = "$kernelopts"
# Ends the kernel's arguments; what follows is for init.
FOR_INIT = "--"

# Arguments that may stand on a command line several times, each adding to the others (kernel-parameters.txt,
# dracut.cmdline(7), systemd(1), kernel-command-line(7)). A name that ends in a dot stands for all that begin with it.
REPEATABLE = (
    "console", "earlycon", "earlyprintk", "crashkernel", "hugepages", "hugepagesz", "memmap", "acpi_osi", "initcall_blacklist",
    "modprobe.blacklist", "module_blacklist", "ip", "ifname", "nameserver", "bond", "bridge", "team", "vlan", "netroot",
    "rd.", "systemd.setenv", "systemd.wants", "systemd.mask", "systemd.set_credential", "systemd.run",
)
# Of those beginning with "rd.", switches that are on or off.
NOT_REPEATABLE = ("rd.shell", "rd.emergency", "rd.break", "rd.debug", "rd.info", "rd.timeout", "rd.retry", "rd.hostonly")
# What boot loaders and launchers put on a command line themselves.
LOADERS_OWN = ("BOOT_IMAGE", "initrd")

# The one assignment that grubby edits as well. What a shell would have to work out is none of ours.
DEFAULT_LINE = re.compile(
    r"""^GRUB_CMDLINE_LINUX=(?:"(?P<double>(?:[^"\\$`]|\\["\\])*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'$`\\]*))[ \t]*$""", re.M)
ANY_DEFAULT_LINE = re.compile(r"^\s*(export\s+)?GRUB_CMDLINE_LINUX\+?=", re.M)


def words(text: str) -> list[str]:
    """Split a command line into its words."""
    return WORD.findall(text)


def plain(word: str) -> str:
    """Return a word without its quotes, which GRUB moves to the front of it."""
    return word.replace('"', "")


def key_of(word: str) -> str:
    """Return the name of an argument, by which one takes another's place: the kernel does not tell dashes from underscores."""
    return plain(word).partition("=")[0].replace("-", "_")


def repeats(word: str) -> bool:
    """Say whether an argument may stand several times, each of them heard."""
    key = key_of(word)
    if key in NOT_REPEATABLE:
        return False
    return any(key.startswith(name) if name.endswith(".") else key == name for name in REPEATABLE)


def names_it(unwanted: str, word: str) -> bool:
    """Say whether a wish for absence, C(name) or C(name=value), means an argument."""
    return plain(unwanted) == plain(word) if "=" in unwanted else key_of(unwanted) == key_of(word)


def edited(line: str, present: t.Sequence[str], absent: t.Sequence[str], adding: bool = True) -> str:
    """Return a command line with some arguments and without others; a line that is as wanted comes back as it is.

    An argument that is there keeps its place; one of the same name with another value goes, unless both may stand. Without
    C(adding), a line is only cleared of what contradicts, for what is wanted stands elsewhere.
    """
    before, ending = _for_kernel(line)
    wanted = {key_of(word) for word in present if not repeats(word)}
    texts = {plain(word) for word in present}
    kept: list[str] = []
    for word in before:
        replaced = key_of(word) in wanted and plain(word) not in texts
        doubled = plain(word) in texts and any(plain(word) == plain(other) for other in kept)
        if not replaced and not doubled and not any(names_it(unwanted, word) for unwanted in absent):
            kept.append(word)
    if adding:
        kept += [word for word in dict.fromkeys(present) if not any(plain(word) == plain(other) for other in kept)]
    return line if kept == before else " ".join(kept + ending)


def _for_kernel(line: str) -> tuple[list[str], list[str]]:
    """Return the words for the kernel, and those from C(--) on."""
    found = words(line)
    at = found.index(FOR_INIT) if FOR_INIT in found else len(found)
    return found[:at], found[at:]


def expanded(options: str, env: t.Mapping[str, str]) -> list[str]:
    """Return the words of an entry's options with GRUB's variables in place; one that is not set is nothing."""
    found: list[str] = []
    for word in words(options):
        found += words(env.get(word[1:].strip("{}"), "")) if word.startswith("$") else [word]
    return found


def booted_words(cmdline: str) -> list[str]:
    """Return the words of a running kernel's command line, without quotes and without what the boot loader added."""
    return [plain(word) for word in words(cmdline) if plain(word).partition("=")[0] not in LOADERS_OWN]


def default_cmdline(text: str) -> str | None:
    """Return the arguments in /etc/default/grub, None when they are not written there in plain."""
    found = list(DEFAULT_LINE.finditer(text))
    if not found or len(list(ANY_DEFAULT_LINE.finditer(text))) != 1:
        return None
    match = found[0]
    if match.group("double") is not None:
        return re.sub(r'\\(["\\])', r"\1", match.group("double"))
    return match.group("single") or match.group("bare") or ""


def with_default_cmdline(text: str, line: str) -> str:
    """Return /etc/default/grub with other arguments. Only for a text whose arguments are written in plain."""
    quoted = re.sub(r'(["\\])', r"\\\1", line)
    return DEFAULT_LINE.sub(lambda _match: f'GRUB_CMDLINE_LINUX="{quoted}"', text)
