# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host images built on those of a registry: podman pulls one, and dnf inside of it installs what a host needs."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time
import typing as t

from . import keys
from .common import ROOT, LabError, digest, run, say, scratch_beside

REGISTRY = {9: "quay.io/centos/centos:stream9", 10: "quay.io/centos/centos:stream10-development"}
# How long a pull may take where a stand-in would do, and where it would not.
PULL_SECONDS, INSIST_SECONDS = 60, 600
# An answer is kept for that long: the tags move, and a registry that could not be reached may be back.
ANSWER_SECONDS = 12 * 3600
CONFIGURATION = "CONTAINERS_REGISTRIES_CONF"

# Hosts of one image must not share a machine id: systemd makes one where the file is empty.
CONTAINERFILE = """FROM {image}
RUN dnf -y install systemd openssh-server python3 dnf python3-dnf python3-rpm iproute procps-ng && dnf clean all
RUN mkdir -p /root/.ssh && chmod 700 /root/.ssh && systemctl enable sshd.service && : > /etc/machine-id
COPY authorized_keys /root/.ssh/authorized_keys
COPY lab-init /usr/sbin/lab-init
RUN chmod 0755 /usr/sbin/lab-init
"""


class Answer(t.NamedTuple):
    """What a pull gave: the identity of the image, or why there is none."""

    identity: str = ""
    reason: str = ""


class Mirror(t.NamedTuple):
    """The lab's mirror: the name that images know it by, an address of it on this machine, and what starts it."""

    name: str
    address: str
    start: t.Callable[[], None]


def pull(stream: int, insist: bool) -> Answer:
    """Pull the registry's image of a stream and return the answer, kept or new.

    With C(insist) no earlier failure is believed, and another one is an error.
    """
    kept = _kept(stream)
    answer = _read(kept)
    if answer is None or (insist and not answer.identity):
        say(f"trying to pull {REGISTRY[stream]}")
        answer = _ask(REGISTRY[stream], INSIST_SECONDS if insist else PULL_SECONDS)
        kept.write_text(json.dumps(answer._asdict()))
        if not answer.identity:
            say(f"{REGISTRY[stream]} cannot be pulled: {answer.reason}")
    if insist and not answer.identity:
        raise LabError(
            f"{REGISTRY[stream]} cannot be pulled: {answer.reason}\nSee that 'podman pull {REGISTRY[stream]}' works on this "
            f"machine (a file given by {CONFIGURATION} can name a mirror), or allow the stand-in: unset HYPERSCALE_LAB_IMAGES")
    return answer


def _kept(stream: int) -> pathlib.Path:
    """Return where the answer for a stream is kept. One that was given under another configuration is another."""
    path = os.environ.get(CONFIGURATION, "")
    text = pathlib.Path(path).read_text() if path and pathlib.Path(path).is_file() else ""
    ROOT.mkdir(parents=True, exist_ok=True)
    return ROOT / f"registry-{stream}-{digest(REGISTRY[stream], path, text)}.json"


def _read(kept: pathlib.Path) -> Answer | None:
    """Return an answer that still holds: it is not old, and its image, if it has one, is here."""
    if not kept.exists() or time.time() - kept.stat().st_mtime > ANSWER_SECONDS:
        return None
    answer = Answer(**json.loads(kept.read_text()))
    if answer.identity and subprocess.run(["podman", "image", "exists", answer.identity], check=False).returncode:
        return None
    return answer


def _ask(name: str, seconds: int) -> Answer:
    """Pull an image, within a time."""
    try:
        result = subprocess.run(
            ["podman", "pull", "--quiet", name], capture_output=True, text=True, timeout=seconds, check=False,
            stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Answer(reason=f"no image after {seconds} s")
    if result.returncode:
        return Answer(reason=_last(result.stderr) or f"podman ended with status {result.returncode}")
    return Answer(_last(result.stdout))


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def root(stream: int, identity: str, init: str, mirror: Mirror) -> pathlib.Path:
    """Return the root of hosts made of a pulled image, built where it is not yet; C(init) is what a host starts with."""
    public_key = (keys.home() / "ssh.pub").read_text()
    folder = ROOT / "images" / f"registry-{stream}-{digest(CONTAINERFILE, init, identity, public_key)}"
    if not folder.exists():
        say(f"building the Stream {stream} host image on {REGISTRY[stream]}")
        mirror.start()
        scratch = scratch_beside(folder)
        (scratch / "Containerfile").write_text(CONTAINERFILE.format(image=identity))
        (scratch / "authorized_keys").write_text(public_key)
        (scratch / "lab-init").write_text(init)
        tag = f"localhost/chs-lab-{folder.name}"
        # Of the isolations this one works on each machine. It sees the network of this machine, and the mirror's address there.
        run(["podman", "build", "--isolation=chroot", "--quiet", "--pull=never", f"--add-host={mirror.name}:{mirror.address}",
             "--tag", tag, scratch])
        _export(tag, scratch)
        (scratch / "root").rename(folder)
        shutil.rmtree(scratch)
    return folder


def _export(tag: str, scratch: pathlib.Path) -> None:
    """Unpack an image below a folder, and drop it."""
    container = run(["podman", "create", "--quiet", tag, "/usr/sbin/lab-init"]).split()[-1]
    try:
        run(["podman", "export", "--output", scratch / "root.tar", container])
    finally:
        run(["podman", "rm", container])
        run(["podman", "rmi", tag])
    (scratch / "root").mkdir()
    run(["tar", "-x", "--numeric-owner", "--xattrs-include=*", "--file", scratch / "root.tar", "--directory", scratch / "root"])


def asks(root_folder: pathlib.Path, mirror: str) -> bool:
    """Say whether the repositories of a root are those of the lab's mirror."""
    return any(f"//{mirror}" in path.read_text() for path in (root_folder / "etc/yum.repos.d").glob("*.repo"))
