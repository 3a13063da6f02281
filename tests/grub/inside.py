# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a file system, mount it as /boot, and copy it as it is on the disk right after each of some writes, or see that it can
be written although a process is killed while it is frozen: C(python -m ...tests.grub.inside JSON).

It runs in a mount namespace of its own. What a copy has, a machine would have whose power was cut at that moment.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import Target
from ansible_collections.centos.hyperscale.tests.grub import writes

SIZE = 320 << 20


def mount(image: str, options: str, anew: bool = False) -> None:
    """Mount the image as /boot; an unmount before that writes the journal out."""
    if anew:
        subprocess.run(["umount", str(writes.BOOT)], check=True)
    subprocess.run(["mount", "-o", ",".join(filter(None, ["loop", options])), image, str(writes.BOOT)], check=True)


def scribble() -> None:
    """Make, rename and remove entries for ever."""
    number = 0
    while True:
        number += 1
        path = writes.ENTRIES / f"noise-{number % 7}"
        path.write_text("noise")
        path.rename(f"{path}.conf")
        if number % 3 == 0:
            pathlib.Path(f"{path}.conf").unlink()


@contextlib.contextmanager
def scribbling(wanted: bool) -> t.Iterator[None]:
    """Have another program write to the same folder until right after the write that is judged."""
    others = [multiprocessing.Process(target=scribble)] if wanted else []
    for other in others:
        other.start()
    time.sleep(0.2 if wanted else 0)
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def content(path: pathlib.Path) -> str | None:
    """Return what programs see at a path."""
    return path.read_bytes().hex() if path.exists() else None


def written(wanted: dict[str, t.Any], image: str) -> dict[str, t.Any]:
    """Return, by write, the copy of the disk and what programs saw before and after."""
    target = Target(lambda _argv: (0, "", ""), wanted["folder"], state_dir=wanted["folder"])
    found = {}
    for number, name in enumerate(wanted["writes"]):
        write = {**writes.COMMON, **writes.OURS}[name]
        writes.seed()
        write.before(target)
        if wanted["shared"] and writes.ENVIRONMENT.exists():
            subprocess.run(["cp", "--reflink=always", str(writes.ENVIRONMENT), f"{writes.ENVIRONMENT}.copy"], check=True)
        mount(image, wanted["options"], anew=True)
        before = {str(path): content(path) for path in write.paths}
        copy = os.path.join(wanted["folder"], f"copy-{number}")
        with scribbling(wanted["busy"]):
            write.act(target)
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        found[name] = {"copy": copy, "before": before, "after": {str(path): content(path) for path in write.paths}}
    return found


def killed(whom: str) -> dict[str, t.Any]:
    """Have the process killed that freezes, or the one that waits for it, while the file system is frozen; return what the
    waiting one came to, and whether a file can be written after it."""
    thaw = boot_disk._thaw  # pylint: disable=protected-access

    def kill_first(handle: int) -> None:
        """Kill at the first thaw: that is the child's."""
        if os.getpid() == os.getsid(0):
            os.kill(os.getpid() if whom == "child" else os.getppid(), signal.SIGKILL)
        thaw(handle)

    boot_disk._thaw = kill_first  # pylint: disable=protected-access
    waiting = os.fork()
    if waiting == 0:
        try:
            boot_disk.flush(str(writes.BOOT))
        except Failed:
            os._exit(3)
        os._exit(0)
    _pid, status = os.waitpid(waiting, 0)
    writer = subprocess.run(["timeout", "--signal=KILL", "10", "touch", str(writes.BOOT / "written")], check=False)
    subprocess.run(["fsfreeze", "-u", str(writes.BOOT)], check=False, stderr=subprocess.DEVNULL)
    return {"status": os.waitstatus_to_exitcode(status), "written": writer.returncode == 0}


def frozen_by_another(seconds: float) -> dict[str, t.Any]:
    """Flush while another program has the file system frozen for some seconds, and return how long that took."""
    subprocess.run(["fsfreeze", "-f", str(writes.BOOT)], check=True)
    other = subprocess.Popen(["sh", "-c", f"sleep {seconds}; exec fsfreeze -u {writes.BOOT}"])  # pylint: disable=consider-using-with
    began, problem = time.monotonic(), ""
    try:
        boot_disk.flush(str(writes.BOOT))
    except Failed as failure:
        problem = str(failure)
    took = time.monotonic() - began
    still = subprocess.run(["timeout", "0.5", "touch", str(writes.BOOT / "written")], check=False).returncode != 0
    other.wait()
    return {"took": took, "problem": problem, "still_frozen": still}


def main() -> None:
    """Do what is asked for and print what came of it."""
    wanted = json.loads(sys.argv[1])
    image = os.path.join(wanted["folder"], "image")
    with open(image, "wb") as disk:
        disk.truncate(SIZE)
    subprocess.run([*wanted["mkfs"], image], check=True, stdout=subprocess.DEVNULL)
    mount(image, wanted["options"])
    if "killed" in wanted:
        found = killed(wanted["killed"])
    elif "frozen" in wanted:
        boot_disk.BUSY_SECONDS = wanted["patience"]
        found = frozen_by_another(wanted["frozen"])
    else:
        found = written(wanted, image)
    subprocess.run(["umount", str(writes.BOOT)], check=True)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
