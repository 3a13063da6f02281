# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts that GRUB boots a host by, read as GRUB reads them and edited without touching the rest.

Boot entries (the Boot Loader Specification, as blscfg of the GRUB that CentOS builds has it), the environment block
C(grubenv), the command line that kernel-install gives to a new kernel, and C(/etc/default/grub). All functions are pure.
"""

from __future__ import annotations

import re
import typing as t

# The environment block: its first line, and the size that grub2-editenv gives it and GRUB writes back in place.
ENV_SIGNATURE = "# GRUB Environment Block\n"
ENV_SIZE = 1024

# A word of a command line: blanks stand between words, but for those within double quotes.
WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
# What an argument may hold outside and inside of double quotes. GRUB runs an entry as a line of its script, and
# /etc/default/grub is read by a shell, so what either would expand or end a word at stays out.
ARGUMENT = re.compile(
    r"""^[A-Za-z0-9][^\s"'`$\\;&|<>(){}#*?=\x00-\x1f\x7f]*"""
    r"""(=([^\s"'`$\\;&|<>(){}\x00-\x1f\x7f]|"[^"'`$\\\x00-\x1f\x7f]*")*)?\Z""")
IMAGE = re.compile(r"^vmlinu[xz]-(.+)$")
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


class Entry(t.NamedTuple):
    """One boot entry: its id (the file's name without C(.conf)), its path, and its text."""

    id: str
    path: str
    text: str

    def value(self, key: str) -> str:
        """Return the first value of a key, empty when it has none."""
        return next((value for name, value in _pairs(self.text) if name == key), "")

    @property
    def options(self) -> str:
        """The kernel's arguments as the entry has them; an entry with several such lines is read by its first."""
        return self.value("options")

    @property
    def release(self) -> str:
        """The kernel release of the image, as C(uname -r) prints it; empty for an image of another name."""
        image = IMAGE.match(self.value("linux").rsplit("/", 1)[-1])
        return image.group(1) if image else ""

    @property
    def rescue(self) -> bool:
        """Whether it is the rescue image that the installer leaves."""
        return self.release.startswith("0-rescue") or "-0-rescue" in self.id

    @property
    def images(self) -> list[str]:
        """The paths of kernel and initramfs as the boot loader names them; initramfs named by a variable are left out."""
        initrds = [word for word in self.value("initrd").split() if not word.startswith("$")]
        return [path for path in (self.value("linux"), *initrds) if path]


def _pairs(text: str) -> t.Iterator[tuple[str, str]]:
    """Yield keys and values of an entry. GRUB skips comments and blank lines, and strips what stands before a key."""
    for line in text.splitlines():
        key, _blank, value = line.strip().replace("\t", " ", 1).partition(" ")
        if key and not key.startswith("#"):
            yield key, value.strip()


def with_options(text: str, options: str) -> str:
    """Return an entry's text with other arguments, all else as it was."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.split(None, 1)[:1] == ["options"]:
            lines[number] = f"options {options}\n"
            return "".join(lines)
    end = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{end}options {options}\n"


Order = list[tuple[int, int, str]]


def order(text: str) -> Order:
    """Return what sorts a text as GRUB does: by rpm's rules, without the caret that newer rpm knows.

    Of each segment: a tilde comes before the end, the end before letters, letters before digits.
    """
    return [_segment(part) for part in re.findall(r"~|[0-9]+|[A-Za-z]+", text)] + [(1, 0, "")]


def _segment(part: str) -> tuple[int, int, str]:
    if part == "~":
        return 0, 0, ""
    return (3, int(part), "") if part.isdigit() else (2, 0, part)


def _name_order(entry_id: str) -> list[Order]:
    """Return what GRUB compares of an entry's file name: what could be name, version and release of a package."""
    parts = entry_id.rsplit("-", 2)
    return [order(part) for part in parts + [""] * (3 - len(parts))]


def release_order(release: str) -> list[Order]:
    """Return what kernel releases are sorted by: version, then the rest."""
    version, _dash, rest = release.partition("-")
    return [order(version), order(rest)]


def grub_order(entries: t.Iterable[Entry]) -> list[Entry]:
    """Return entries as GRUB lists them: by their file names, newest first. Those without a kernel are not listed."""
    return sorted((entry for entry in entries if entry.value("linux")), key=lambda entry: _name_order(entry.id), reverse=True)


def chosen(value: str | None, entries: t.Sequence[Entry]) -> Entry | None:
    """Return the entry that GRUB takes for the value of C(saved_entry) or C(next_entry), given the entries in its order.

    An id is looked for first, then a title, then a whole number is an index; what fits nothing means the first entry.
    """
    listed = list(entries)
    if not listed:
        return None
    for found in (entry for entry in listed if value and value == entry.id):
        return found
    for found in (entry for entry in listed if value and value == entry.value("title")):
        return found
    index = int(value) if value and value.isdigit() else 0
    return listed[index] if index < len(listed) else listed[0]


class NextBoot(t.NamedTuple):
    """What GRUB will start: the entry, and whether for this one time only."""

    entry: Entry
    once: bool


def next_boot(entries: t.Iterable[Entry], env: t.Mapping[str, str]) -> NextBoot | None:
    """Return what GRUB starts next by entries and environment block, None when there is no entry."""
    once = bool(env.get("next_entry"))
    entry = chosen(env["next_entry"] if once else env.get("saved_entry"), grub_order(entries))
    return None if entry is None else NextBoot(entry, once)


def parse_env(text: str) -> dict[str, str]:
    """Return the variables of an environment block; a backslash keeps the character after it."""
    return {name: _unescaped(value) for name, value in _env_lines(text)}


def valid_env(text: str | None) -> bool:
    """Say whether GRUB takes a text for an environment block."""
    return text is not None and text.startswith(ENV_SIGNATURE) and len(text.encode("utf-8", "surrogateescape")) >= 512


def with_env(text: str | None, changes: t.Mapping[str, str | None]) -> str:
    """Return an environment block with variables set, or with C(None) removed. No block gives a new one.

    Raises ValueError when the block has no room for it: its size must stay, since GRUB writes it in place.
    """
    size = len(text.encode("utf-8", "surrogateescape")) if text is not None and valid_env(text) else ENV_SIZE
    body = text if text is not None and valid_env(text) else ENV_SIGNATURE
    kept, seen = [], set()
    for line in _logical_lines(body):
        name, equals, _value = line.partition("=")
        if line.startswith("#") or not equals:
            if line.startswith("# "):
                kept.append(line)
            continue
        if name not in changes:
            kept.append(line)
        elif changes[name] is not None and name not in seen:
            kept.append(f"{name}={_escaped(changes[name] or '')}")
        seen.add(name)
    kept += [f"{name}={_escaped(value)}" for name, value in changes.items() if value is not None and name not in seen]
    block = "".join(f"{line}\n" for line in kept)
    room = size - len(block.encode("utf-8", "surrogateescape"))
    if room < 0:
        raise ValueError(f"the environment block has {size} bytes, and this takes {-room} more")
    return block + "#" * room


def _env_lines(text: str) -> t.Iterator[tuple[str, str]]:
    for line in _logical_lines(text):
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name, value


def _logical_lines(text: str) -> list[str]:
    """Split at line ends that no backslash precedes. The padding is the last line."""
    return re.findall(r"(?:[^\\\n]|\\[\s\S])+", text)


def _escaped(value: str) -> str:
    return re.sub(r"([\\\n])", r"\\\1", value)


def _unescaped(value: str) -> str:
    return re.sub(r"\\([\s\S])", r"\1", value)


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


# Variables that grub.cfg itself gives a text, as that of TuneD does; the environment block is read after it.
ASSIGNMENT = re.compile(r'''^\s*set\s+(?P<name>\w+)=(?:"(?P<double>[^"$\\]*)"|(?P<bare>[^\s"'$\\]+))[ \t]*$''', re.M)


def assigned(config: str) -> dict[str, str]:
    """Return the variables that GRUB's configuration gives a plain text."""
    return {match["name"]: match["double"] or match["bare"] or "" for match in ASSIGNMENT.finditer(config)}


# What boot loaders and launchers put on a command line themselves.
LOADERS_OWN = ("BOOT_IMAGE", "initrd")


def booted_words(cmdline: str) -> list[str]:
    """Return the words of a running kernel's command line, without quotes and without what the boot loader added."""
    return [plain(word) for word in words(cmdline) if plain(word).partition("=")[0] not in LOADERS_OWN]


# The one assignment that grubby edits as well. What a shell would have to work out is none of ours.
DEFAULT_LINE = re.compile(
    r"""^GRUB_CMDLINE_LINUX=(?:"(?P<double>(?:[^"\\$`]|\\["\\])*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'$`\\]*))[ \t]*$""", re.M)
ANY_DEFAULT_LINE = re.compile(r"^\s*(export\s+)?GRUB_CMDLINE_LINUX\+?=", re.M)


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


# What grub2-mkconfig writes where GRUB_DEFAULT is "saved", and where entries are files of their own.
SAVED_DEFAULT = re.compile(r'''^\s*set\s+default=["']?\$\{?saved_entry\}?["']?\s*$''', re.M)
ONCE_DEFAULT = re.compile(r'''^\s*set\s+default=["']?\$\{?next_entry\}?["']?\s*$''', re.M)
BLSCFG = re.compile(r"^\s*blscfg\b", re.M)
