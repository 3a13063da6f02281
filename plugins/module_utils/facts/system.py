# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which system a host runs, and whether the collection may touch it."""

from __future__ import annotations

import re
import typing as t

from ..core.errors import Problem
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


def system_refusal(system: System) -> Problem | None:
    """Return why this system is refused and what to do about it, None when it is supported."""
    streams = " or ".join(str(stream) for stream in table_of_streams.SUPPORTED_STREAMS)
    if not system.is_centos_stream:
        return Problem(
            "host.not_centos_stream", f"This host runs {system.title}, not CentOS Stream",
            f"the packages of the Hyperscale SIG are built for CentOS Stream {streams} only",
            f"Take the host out of the play, or install CentOS Stream {streams} on it.")
    if system.stream in table_of_streams.RETIRED_STREAMS:
        return Problem(
            "host.retired_stream", f"This host runs {system.title}", table_of_streams.RETIRED_STREAMS[system.stream],
            f"Move the host to CentOS Stream {streams} first.")
    if system.stream not in table_of_streams.SUPPORTED_STREAMS:
        return Problem(
            "host.unknown_stream", f"This host runs {system.title}, which this version of the collection does not know",
            f"it supports CentOS Stream {streams}",
            "Look for a newer version of the collection, or take the host out of the play.")
    return None


def arch_refusal(system: System, arch: str | None) -> Problem | None:
    """Return why this architecture is refused and what to do about it, None when it is supported."""
    if arch in table_of_streams.SUPPORTED_ARCHES:
        return None
    return Problem(
        "host.architecture", f"This host runs {system.title} on {arch or 'an unknown architecture'}",
        f"the Hyperscale SIG builds for {' and '.join(table_of_streams.SUPPORTED_ARCHES)} only", "Take the host out of the play.")


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
