# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a prediction by headers beside a download of everything with a test transaction, on hosts of 400 packages.

The union is all that the lab's Hyperscale repositories have for what is installed, kernel included. Figures of one run
compare with each other only.
"""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import typing as t

from common import groups, hosts, on, short, timed
from lab import keys

GROUP = "bench-headers"
STOCK = ["kernel", "kernel-core", "kernel-modules", "kernel-modules-core", "kernel-modules-extra",
         "systemd-resolved"]
UNION = ["btrfs-progs", "ethtool", "zstd", "lz4"]
FLAVOURS = {9: ["main", "experimental"], 10: ["main", "kernel"]}
SHARE, SECONDS, MEGABYTES = 2.0, 3.0, 150.0


class Form(t.NamedTuple):
    """How much is measured: on which streams, with how many packages on a host, the fastest of how many rounds."""

    streams: tuple[int, ...]
    packages: int
    rounds: int


WHOLE, SHORT = Form((9, 10), 400, 2), Form((10,), 0, 1)
FILLER = """\
Name: filler
Version: 1
Release: 1
Summary: one of many
License: none
BuildArch: noarch
%description
One of many.
{packages}
%install
{install}
{files}
"""


def fill(host: hosts.Host, folder: pathlib.Path, wanted: int) -> None:
    """Bring a host to a number of packages with ones that carry a few files and relations each."""
    on(host, "dnf", "-y", "-q", "--setopt=install_weak_deps=False", "install", *STOCK)
    missing = wanted - len(on(host, "rpm", "-qa").split())
    if missing <= 0:
        return
    names = [f"filler-{number:03}" for number in range(missing)]
    top = folder / host.name
    top.mkdir(parents=True)
    spec = FILLER.format(
        packages="\n".join(
            f"%package -n {name}\nSummary: one of many\nVendor: CentOS\nProvides: cap({name})\nRequires: bash, systemd-libs\n"
            f"%description -n {name}\nOne."
            for name in names),
        install="\n".join(
            f"d=%{{buildroot}}/usr/share/{name}; mkdir -p $d; for n in $(seq 60); do echo $n > $d/$n; done" for name in names),
        files="\n".join(f"%files -n {name}\n/usr/share/{name}" for name in names))
    (top / "filler.spec").write_text(spec)
    subprocess.run(
        ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", "--define", f"_dbpath {top}/db", str(top / "filler.spec")],
        check=True, capture_output=True)
    archive = subprocess.run(["tar", "-C", str(top / "RPMS" / "noarch"), "-c", "."], check=True, capture_output=True).stdout
    subprocess.run(
        ["ssh", *hosts.ssh_options(), f"root@{host.address}",
         "mkdir -p /root/fill && tar -xC /root/fill && rpm -i --nodeps /root/fill/*.rpm && rm -r /root/fill"],
        input=archive, check=True, capture_output=True)


def ansible(
    inventory: pathlib.Path, host: hosts.Host, module: str, arguments: dict[str, t.Any],
) -> tuple[float, dict[str, t.Any]]:
    """Run a module on a host; return seconds and its answer."""
    seconds, text = timed(["ansible", host.name, "-i", str(inventory), "-m", module, "-a", json.dumps(arguments)])
    found = re.search(r"SUCCESS => (\{.*\})", text, re.DOTALL)
    if not found:
        sys.exit(f"{module} on {host.name} answered:\n{text[-2000:]}")
    return seconds, json.loads(found.group(1))


def wishes(host: hosts.Host, fingerprint: str) -> dict[str, t.Any]:
    """Return the sections of the union."""
    return {
        "repositories": [{"flavours": FLAVOURS[host.stream], "key_fingerprint": fingerprint}],
        "packages": [{"family": "systemd"}, {"names": UNION}, {"family": "kernel"}], "key_fingerprints": [fingerprint]}


def whole(host: hosts.Host, nevras: list[str], releases: list[str]) -> float:
    """Download all of the same builds and let rpm test the transaction; return seconds."""
    on(host, "dnf", "-y", "-q", "install", *releases)
    began = time.monotonic()
    on(host, "dnf", "-y", "-q", "--setopt=install_weak_deps=False", "--setopt=tsflags=test", "install", *nevras)
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    form = SHORT if short(__doc__) else WHOLE
    with groups({GROUP: {f"{GROUP}-{stream}": stream for stream in form.streams}}) as inventories:
        fingerprint = keys.fingerprint("hyperscale")
        print("\n| host | packages | headers | read | offered | share | one call | its memory "
              "| whole download and test | ratio |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for stream in form.streams:
            measure(hosts.find(f"{GROUP}-{stream}"), inventories[GROUP], fingerprint, form)
    print(f"\nwanted: under {SHARE:g} % read, under {SECONDS:g} s and under {MEGABYTES:g} MB. One call is what ansible takes for "
          "the module less what it takes for ping.")


def measure(host: hosts.Host, inventory: pathlib.Path, fingerprint: str, form: Form) -> None:
    """Measure one host and print its row."""
    with tempfile.TemporaryDirectory() as folder:
        fill(host, pathlib.Path(folder), form.packages)
    plain = min(ansible(inventory, host, "ansible.builtin.ping", {"data": "pong"})[0] for _time in range(form.rounds))
    seconds, answer = min(
        (ansible(inventory, host, "centos.hyperscale.dropin_info", wishes(host, fingerprint)) for _time in range(form.rounds)),
        key=lambda entry: entry[0])
    cost, packages = answer["report"]["cost"], answer["report"]["packages"]
    if not packages:
        sys.exit(f"{host.name}: the prediction found nothing to do: {answer['text']}")
    coming = [package["to_nevra"] for package in packages if package["to_nevra"]]
    releases = [nevra for nevra in coming if "-release" in nevra]
    total = len(on(host, "rpm", "-qa").split())
    long = whole(host, [nevra for nevra in coming if nevra not in releases], releases)
    one = seconds - plain
    cells = (
        host.name, total, cost["headers"], f"{cost['bytes_read'] / 1e6:.2f} MB", f"{cost['bytes_offered'] / 1e6:.1f} MB",
        f"{100 * cost['bytes_read'] / cost['bytes_offered']:.2f} %", f"{one:.1f} s", f"{cost['memory_kib'] / 1024:.0f} MB",
        f"{long:.1f} s", f"{cost['bytes_offered'] / cost['bytes_read']:.0f} times the bytes, {long / one:.1f} times the time")
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
