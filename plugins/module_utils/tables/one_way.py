# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State on a host that a newer build makes and an older one cannot read: going back does not bring the state back.

Only what has a source stands here. What L(Row.probe) names is looked for on the host by the verification.
"""

from __future__ import annotations

import typing as t

# For state that comes with another build of the package, and not with a version of it.
ANY = "0"

# How it is told whether a host has such state, or will: a path that is there (C(exists)), or a file system of a type among the
# mounts or in fstab (C(mounted)).
EXISTS, MOUNTED = "exists", "mounted"
BOTH_STREAMS = (9, 10)


class Row(t.NamedTuple):
    """One kind of state.

    C(packages) are those whose newer build makes it, from the version C(since) on, where that is ANY the SIG's build. C(made)
    says when it comes into being, C(reader) what becomes of it after going back. C(probe) and C(places) tell how it is found,
    and C(grave) whether a host that has it loses data or a boot by going back.
    """

    id: str
    packages: tuple[str, ...]
    since: str
    title: str
    made: str
    reader: str
    remedy: str
    probe: str
    places: tuple[str, ...]
    grave: bool
    link: tuple[str, str]
    streams: tuple[int, ...] = BOTH_STREAMS


ROWS = (
    Row(
        "journal-flags", ("systemd",), "254", "Journal files with flags of a newer systemd",
        "systemd-journald sets a flag in each journal file that it begins, which older builds do not know",
        "the older systemd-journald reads such a file and does not append to it: it puts the file aside and begins another",
        "Nothing is lost; have at least as much room in /var/log/journal as one journal file takes",
        EXISTS, ("/var/log/journal/*/system.journal",), False,
        ("Journal File Format", "https://systemd.io/JOURNAL_FILE_FORMAT")),
    Row(
        "journal-compact", ("systemd",), "252", "Journal files in compact mode",
        "systemd-journald begins journal files in compact mode, with a flag that older builds refuse",
        "journalctl of a build before 252 says that a file uses an unsupported feature, and shows nothing of it",
        "Export what must stay readable with 'journalctl -o export' before going back",
        EXISTS, ("/var/log/journal/*/system.journal",), True,
        ("systemd issue 16749", "https://github.com/systemd/systemd/issues/16749")),
    Row(
        "pcrlock", ("systemd",), "255", "Volumes enrolled with a TPM2 policy of systemd-pcrlock",
        "systemd-pcrlock and 'systemd-cryptenroll --tpm2-pcrlock=' make such a policy when somebody calls them",
        "systemd-cryptsetup of a build before 255 cannot unlock a volume by it, so that a boot asks for a passphrase or stops",
        "Enrol a passphrase or a recovery key beside it ('systemd-cryptenroll --recovery-key') before going back",
        EXISTS, ("/var/lib/systemd/pcrlock.json",), True,
        ("systemd-cryptenroll(1)", "https://www.freedesktop.org/software/systemd/man/latest/systemd-cryptenroll.html")),
    Row(
        "user-credentials", ("systemd",), "256", "Credentials encrypted for one user",
        "'systemd-creds --user encrypt' makes them when somebody calls it",
        "systemd-creds and units of a build before 256 cannot decrypt them",
        "Encrypt them anew without --user after going back; keep what is in them until then",
        EXISTS, ("/home/*/.config/credstore.encrypted/*", "/root/.config/credstore.encrypted/*"), True,
        ("systemd-creds(1)", "https://www.freedesktop.org/software/systemd/man/latest/systemd-creds.html")),
    Row(
        "rpm-database", ("rpm",), ANY, "A package database below /usr/lib/sysimage/rpm",
        "the SIG's experimental rpm for Stream 9 keeps its database there",
        "the distribution's rpm of Stream 9 looks in /var/lib/rpm, and finds no packages where the database was not moved back",
        "Leave the experimental rpm by a rollback of role rpm_cow, which moves the database back",
        EXISTS, ("/usr/lib/sysimage/rpm/rpmdb.sqlite",), True,
        ("The copy-on-write plugin for dnf", "https://github.com/facebookincubator/dnf-plugin-cow"), (9,)),
    Row(
        "transcoded-packages", ("dnf-plugin-cow", "rpm"), ANY, "Transcoded packages in the cache of dnf",
        "dnf's copy-on-write plugin rewrites each package that it downloads",
        "the distribution's rpm cannot read a transcoded package",
        "Run 'dnf clean packages' after going back",
        EXISTS, ("/etc/dnf/plugins/cow.conf",), False,
        ("The copy-on-write plugin for dnf", "https://github.com/facebookincubator/dnf-plugin-cow")),
    Row(
        "btrfs-block-group-tree", ("btrfs-progs",), "6.19", "btrfs file systems with a block group tree",
        "mkfs.btrfs gives a new file system a block group tree by default",
        "a kernel before 6.1 mounts such a file system read-only",
        "Pass '-O ^block-group-tree' to mkfs.btrfs while the host may go back to an older kernel",
        EXISTS, ("/sys/fs/btrfs/*/features/block_group_tree",), True,
        ("btrfs-progs releases", "https://github.com/kdave/btrfs-progs/releases")),
    Row(
        "btrfs", ("kernel", "kernel-core"), ANY, "btrfs file systems",
        "the SIG's kernel can make and mount them",
        "the distribution's kernel of Stream 9 has no btrfs and mounts none of them, be it the root file system",
        "Keep a kernel with btrfs installed as long as such a file system is in use",
        MOUNTED, ("btrfs",), True,
        ("Bluefin LTS issue 658", "https://github.com/ublue-os/bluefin-lts/issues/658")),
)


def coming_with(
    package: str, old_version: str, new_version: str, of_the_sig: bool, stream: int | None, compare: t.Callable[[str, str], int],
) -> list[Row]:
    """Return the state that comes with a package when it goes from one version to another; C(compare) orders versions as rpm
    does. C(of_the_sig): the new build is one of the SIG's, and the old one is not. C(stream) None: not known, so any."""
    # rpm sorts 254~rc1 before 254, yet it makes what 254 does.
    old, new = (version.partition("~")[0] for version in (old_version, new_version))
    return [
        row for row in ROWS if package in row.packages and stream in (None, *row.streams)
        and (of_the_sig if row.since == ANY else compare(old, row.since) < 0 <= compare(new, row.since))]
