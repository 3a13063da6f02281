# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets taken out of text that others see: diffs, results, reports, messages, logs.

Where a secret is shown by its form or by the name before it, MASK takes its place. In doubt more is masked, never less. A secret
without form and name is not seen here, so that who scans a host shows no text of it but the word that was looked for.

The detached runner uses it too, so it rests on the standard library alone.
"""

from __future__ import annotations

import re
import typing as t

MASK = "***"
# Shorter values are found in many words that are none.
SHORTEST = 6

# What a name holds, or ends in, whose value is a secret.
_HOLDS = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|cookie|"
    r"(?:api|access|private|pre-?shared|shared|auth|encryption|crypt|activation|licen[cs]e|account|storage|session|hmac|wep)"
    r"[._-]?key|(?<![a-z])psk")
_ENDS = r"(?:(?<!by)(?<!com)(?<!tres)pass|pw|(?<![a-z])auth(?:[._-]?(?:data|string|code|info))?|(?<![a-z])pin|community)\d*"
# No name is as long as that; without a limit, a long word of no meaning would take minutes.
_PART = r"[\w.-]{0,80}"
_NAME = rf"(?:{_PART}?(?:{_HOLDS}){_PART}|{_PART}?{_ENDS})(?![\w.-])"
_START = r"(?<![\w.-])"
_SECRET_NAME = re.compile(rf"(?i)^{_NAME}$")
# A word of a shell; a backslash keeps the blank behind it in the word.
_WORD = r"(?:\\.|[^\s\\])+"
# What was masked already stays as it is, with what stands behind it.
_DONE = r"\*{3}(?:[\s\"'&,;)\]}]|$)"
_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'[^']*'"

_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----).*?(?:(-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----)|\Z)", re.DOTALL)
# A line of a configuration file, with the lines that go on with it; a header of HTTP.
_MORE = r"(?:\n[ \t]+\S[^\n]*)"
_LINE = re.compile(
    rf"(?im)^([ \t]*(?:export[ \t]+|-[ \t]+)?[\"']?{_NAME}[\"']?[ \t]*[=:](?!//)[ \t]*)(?:(?=\S)[^\n]*{_MORE}*|{_MORE}+)")
_HEADER = re.compile(r"(?im)((?<![\w-])(?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*)([\"']?)(?!\s)[^\n\"']+")
# "password": "x" and 'password': 'x', also within a text that is quoted itself.
_ENTRY = re.compile(rf"(?i)((?P<q>\\?[\"']){_NAME}(?P=q)\s*[:=]\s*)(?!{_DONE})(?:{_QUOTED}|[^\s,}}\]]+)")
# "password=a phrase": the quote is around both.
_WITHIN = re.compile(rf"(?i)(?P<all>(?P<q>[\"']){_NAME}\s*[=:]\s*)(?:\\.|(?!(?P=q))[^\\\n])+")
_VALUE = re.compile(rf"(?i)({_START}{_NAME}[ \t]*=[ \t]*)(?:{_QUOTED}|(?!\s|{_DONE}){_WORD})")
_NAMED = re.compile(rf"(?i)((?:(?<=[\"'])|(?<=-H )){_NAME}:[ \t]*)[^\s\"']+")
_OPTION = re.compile(rf"(?i)((?<!\S)[\"']?--?{_NAME}[\"']?,?[ \t]+)(?!{_DONE})(?:{_QUOTED}|{_WORD})")
# Options that are one letter: what they mean is up to the command. A path and a setting are no password.
_LETTER = re.compile(
    r"((?<!\S)-p[ \t]+)(?![/~.]|[A-Z][A-Za-z]*=|[A-Z][A-Za-z]+(?:,[A-Z][A-Za-z]+)+(?:\s|$))(?:\"[^\"]*\"|'[^']*'|\S+)")
_ATTACHED = re.compile(r"(\b(?:mysql|mariadb)[\w-]*\b[^\n;|&]{0,200}?\s-p)(?!\s)(\S+)")
_OF_COMMAND = re.compile(
    r"(\b(?:redis-cli\b[^\n;|&]{0,200}?\s-a|ldap\w+\b[^\n;|&]{0,200}?\s-w|snmp\w+\b[^\n;|&]{0,200}?\s-[cAX])[ \t]+)(\S+)")
_USER = re.compile(r"((?<!\S)(?:-u|-U|--user|--proxy-user)[ \t=]*)([\"']?)[^\s:%\"'/]+[:%][^\s\"']+")
_NETRC = re.compile(r"(\b(?:machine|login|account)[ \t]+\S+\s(?:[^\n]{0,200}?\s)?password[ \t]+)(\S+)")
_BIND = re.compile(r"((?<!\S)(?:root)?bindpw[ \t]+|(?<!\S)rootpw[ \t]+|:[ \t]+PSK[ \t]+)(\"[^\"\n]*\"|\S+)")
_KEY = re.compile(r"((?<![\w.-])[Kk]ey[ \t]*=[ \t]*)[0-9A-Fa-f]{32,}\b")
_BEARER = re.compile(r"(\b(?:Bearer|Basic|Digest|Negotiate)[ \t]+)(?=[^\s\"']*[0-9=])[^\s\"']{8,}")
# Addresses: with the account in front of the host, also where a slash is in the password, and such an address as a parameter.
_ADDRESS = re.compile(r"(://)[^\s/?#]*@")
_ODD_ADDRESS = re.compile(r"(://)(?!\*)[^\s/@:\[\]]*:(?!\d*(?:[/?#\s\"']|$))[^\s\"'<>]*@")
_AS_PARAMETER = re.compile(r"(?i)(%3A%2F%2F)(?:(?!%2F|%3F|%23|[\s&/]).)*%40")
_BARE_ADDRESS = re.compile(r"(?<![\w.%+~/:@-])(?:[\w.%+~-]+:)+[^\s@/:\"']+@(?=[\w\[])")
# What is a secret by its form alone.
_FORMS = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\$(?:[1567y]|2[abxy]|gy|sha1|argon2\w*|pbkdf2[\w-]*)\$[^\s:'\"]{8,}"
    r"|\bgrub\.pbkdf2\.sha\d+\.\d+\.[0-9A-F.]{16,}")


class _Rule(t.NamedTuple):
    """What to look for in a text that has one of some words, in small letters, and one of some signs; what takes its place."""

    words: tuple[str, ...]
    signs: str
    sought: t.Pattern[str]
    instead: str


_IN_NAMES = ("pass", "pwd", "secret", "token", "credential", "cookie", "key", "psk", "pw", "auth", "pin", "community")
_RULES = (
    _Rule(("private key",), "-", _PRIVATE_KEY, rf"\1{MASK}\2"),
    _Rule(("://",), "@", _ADDRESS, rf"\1{MASK}@"),
    _Rule(("://",), "@", _ODD_ADDRESS, rf"\1{MASK}@"),
    _Rule(("%3a",), "%", _AS_PARAMETER, rf"\1{MASK}%40"),
    _Rule(("@",), ":", _BARE_ADDRESS, f"{MASK}@"),
    _Rule(("authorization",), ":=", _HEADER, rf"\1\2{MASK}"),
    _Rule(_IN_NAMES, ":=", _ENTRY, rf"\1{MASK}"),
    _Rule(_IN_NAMES, ":=", _LINE, rf"\1{MASK}"),
    _Rule(_IN_NAMES, ":=", _WITHIN, rf"\g<all>{MASK}"),
    _Rule(_IN_NAMES, "=", _VALUE, rf"\1{MASK}"),
    _Rule(_IN_NAMES, ":", _NAMED, rf"\1{MASK}"),
    _Rule(_IN_NAMES, "-", _OPTION, rf"\1{MASK}"),
    _Rule(("-p",), "-", _LETTER, rf"\1{MASK}"),
    _Rule(("mysql", "mariadb"), "-", _ATTACHED, rf"\1{MASK}"),
    _Rule(("redis-cli", "ldap", "snmp"), "-", _OF_COMMAND, rf"\1{MASK}"),
    _Rule(("-u", "-user"), ":%", _USER, rf"\1\2{MASK}"),
    _Rule(("password",), " \t", _NETRC, rf"\1{MASK}"),
    _Rule(("bindpw", "rootpw", "psk"), " \t", _BIND, rf"\1{MASK}"),
    _Rule(("key",), "=", _KEY, rf"\1{MASK}"),
    _Rule(("bearer", "basic", "digest", "negotiate"), " \t", _BEARER, rf"\1{MASK}"),
    _Rule(("akia", "gh", "glpat", "xox", "eyj"), "AgxeE_", _FORMS, MASK),
    _Rule(("$", "pbkdf2"), "$.", _FORMS, MASK),
)
# Their values are paths, which are no secret where others name them.
_NO_SECRET = re.compile(r"(?i)^(?:OLD)?PWD$|(?:file|path|dir)$")
_ACCOUNT = re.compile(r"://([^\s/?#]*)@")


def masked(text: str, known: t.Container[str] | t.Iterable[str] = ()) -> str:
    """Return a text without the secrets in it. C(known) are values that are secrets wherever they stand."""
    for value in sorted(t.cast("t.Iterable[str]", known), key=len, reverse=True):
        text = text.replace(value, MASK)
    small = text.lower()
    for rule in _RULES:
        if any(sign in text for sign in rule.signs) and any(word in small for word in rule.words):
            text = rule.sought.sub(rule.instead, text)
    return text


def shown(value: t.Any, known: t.Iterable[str] = ()) -> t.Any:
    """Return plain data with all its texts masked. What stands under the name of a secret is masked whole."""
    known = tuple(known)
    if isinstance(value, str):
        return masked(value, known)
    if isinstance(value, dict):
        return {
            shown(name, known): _hidden(entry) if is_secret_name(name) else shown(entry, known) for name, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(entry, known) for entry in value]
    return value


def _hidden(value: t.Any) -> t.Any:
    """Return plain data with all its texts hidden."""
    if isinstance(value, dict):
        return {name: _hidden(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(entry) for entry in value]
    return MASK if isinstance(value, str) and value else value


def is_secret_name(name: t.Any) -> bool:
    """Say whether what stands under a name is a secret."""
    return isinstance(name, str) and bool(_SECRET_NAME.match(name))


def has_secret(text: str) -> bool:
    """Say whether a text has a secret in it."""
    return masked(text) != text


def values_of(name: str, value: str) -> list[str]:
    """Return what of a named value is a secret wherever it stands: all of it by its name, or the account in an address."""
    if is_secret_name(name) and not _NO_SECRET.search(name):
        return [value]
    accounts = [found.group(1) for found in _ACCOUNT.finditer(value)]
    return [part for account in accounts for part in (account, account.partition(":")[2] or account)]
