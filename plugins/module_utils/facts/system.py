# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which system a host runs, and whether the collection may touch it."""

from __future__ import annotations

import re
import typing as t

from ..tables import streams as table_of_streams
from . import read


class System(t.NamedTuple):
    """What os-release says. C(stream) is set on CentOS Stream only."""

    id: str | None
    name: str | None
    version_id: str | None
    stream: int | None
    is_centos_stream: bool

    @property
    def title(self) -> str:
        """How messages name the system."""
        known = " ".join(part for part in (self.name or self.id, self.version_id) if part)
        return known or "an unknown system"


UNKNOWN = System(None, None, None, None, False)


def parse(os_release: str) -> System:
    """Read os-release. ID is C(centos) on CentOS Linux 7 and 8 too: only NAME tells Stream from them."""
    said = read.assignments(os_release)
    name, version = said.get("NAME") or None, said.get("VERSION_ID") or None
    is_stream = said.get("ID") == "centos" and (name or "").startswith("CentOS Stream")
    major = re.match(r"\d+", version or "")
    return System(said.get("ID") or None, name, version, int(major.group()) if is_stream and major else None, is_stream)


def system_refusal(system: System) -> str | None:
    """Return why this system is refused and what to do about it, None when it is supported."""
    streams = " or ".join(str(stream) for stream in table_of_streams.SUPPORTED_STREAMS)
    if not system.is_centos_stream:
        return (
            f"This host runs {system.title}, not CentOS Stream: the packages of the Hyperscale SIG are built for"
            f" CentOS Stream {streams} only. Take the host out of the play, or install CentOS Stream {streams} on it."
        )
    if system.stream in table_of_streams.RETIRED_STREAMS:
        reason = table_of_streams.RETIRED_STREAMS[system.stream]
        return f"This host runs {system.title}: {reason}. Move the host to CentOS Stream {streams} first."
    if system.stream not in table_of_streams.SUPPORTED_STREAMS:
        return (
            f"This host runs {system.title}, which this version of the collection does not know: it supports"
            f" CentOS Stream {streams}. Look for a newer version of the collection, or take the host out of the play."
        )
    return None


def arch_refusal(system: System, arch: str | None) -> str | None:
    """Return why this architecture is refused and what to do about it, None when it is supported."""
    if arch in table_of_streams.SUPPORTED_ARCHES:
        return None
    return "This host runs {} on {}: the Hyperscale SIG builds for {} only. Take the host out of the play.".format(
        system.title, arch or "an unknown architecture", " and ".join(table_of_streams.SUPPORTED_ARCHES)
    )


def gather(root: str = "/") -> System:
    """Read os-release from where it is linked, or from the vendor's own file. Raises Unreadable without either."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        content = read.optional_text(root, path)
        if content is not None:
            return parse(content)
    raise read.Unreadable("neither /etc/os-release nor /usr/lib/os-release exists")


def gather_arch(run: read.Run) -> str:
    """Return what C(uname -m) prints."""
    return read.output(run, ["uname", "-m"]).strip()
