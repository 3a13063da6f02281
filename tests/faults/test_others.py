# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that others write at any moment of a swap and of its way back: they stay as they are, and the run names them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from lab import hosts

from .conftest import TREE, repositories

STATE = "/var/lib/centos-hyperscale"
ADOPTION = {"packages": [{"family": "systemd"}], "manager": [{}]}
MODE, GROUP = 0o640, 4  # of everything that an operator writes here
SEEN = "/srv/others.json"

UNIT = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
COMPANY = {
    "/etc/yum.repos.d/company.repo": "[company]\nname=Company\nbaseurl=http://127.0.0.1:9/\nenabled=0\n",
    "/etc/systemd/system/shop.service": UNIT,
    "/etc/systemd/system/older.service": f"{UNIT}# Edited\n",
    "/etc/systemd/system/foo.service.d/10-ours.conf": "[Service]\nNice=5\n",
    "/etc/sysctl.d/60-ours.conf": "net.ipv4.conf.all.log_martians = 1\n",
    "/etc/sysconfig/ours": "ANSWER=42\n",
    # Paths of neither build, and what looks like a second file of rpm.
    "/etc/udev/rules.d/99-ours.rules": "# Ours\n",
    "/etc/systemd/timesyncd.conf.rpmsave": "# A copy of ours\n",
}
LINK = "/etc/systemd/system/multi-user.target.wants/shop.service"

# Writes files as soon as a package transaction that was not there before has begun with its packages.
WRITER = """
import glob, json, os, time
texts, runs = json.load(open("/srv/texts.json")), "/var/lib/centos-hyperscale/runs/*/status.json"
known = set(glob.glob(runs))
open("/srv/watching", "w").close()
while True:
    found = None
    for path in set(glob.glob(runs)) - known:
        status = json.load(open(path))
        if status["phase"] == "running" and status.get("done", 0) >= texts["least"]:
            found = path
    if found:
        break
    time.sleep(0.002)
for path, text in texts["files"].items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, texts["mode"])
    os.chown(path, 0, texts["group"])
if texts["link"]:
    os.makedirs(os.path.dirname(texts["link"]), exist_ok=True)
    os.symlink("/etc/systemd/system/shop.service", texts["link"])
    os.sync()
still = json.load(open(found))["phase"]
with open("/srv/others.new", "w") as out:
    json.dump({"phase": still}, out)
os.rename("/srv/others.new", "/srv/others.json")
"""


def watch(live, files, link="", least=0):
    """Have the host write files in the middle of its next transaction."""
    live.write("/srv/texts.json", json.dumps({
        "files": files, "link": link, "least": least, "mode": MODE, "group": GROUP}))
    live.write("/srv/writer.py", WRITER)
    live.command("rm", "-f", SEEN, "/srv/watching")
    live.command("systemd-run", "--quiet", "--collect", "python3", "/srv/writer.py")
    live.command("sh", "-c", "until [ -e /srv/watching ]; do sleep 0.1; done")


def write(live, files, link=""):
    """Write files as an operator does."""
    for path, text in files.items():
        live.command("mkdir", "-p", os.path.dirname(path))
        live.write(path, text)
        live.command("chmod", f"{MODE:o}", path)
        live.command("chown", f"0:{GROUP}", path)
    if link:
        live.command("systemctl", "daemon-reload")
        live.command("systemctl", "enable", os.path.basename(link))


def as_written(live, files, link=""):
    """Return what of some files is not as it was written."""
    wrong = []
    for path, text in files.items():
        found = hosts.command(live.host, ["cat", path]).stdout
        look = hosts.command(live.host, ["stat", "-c", "%a %u %g", path]).stdout.strip()
        if (found, look) != (text, f"{MODE:o} 0 {GROUP}"):
            wrong.append((path, found, look))
    if link and hosts.command(live.host, ["readlink", link]).stdout.strip() != "/etc/systemd/system/shop.service":
        wrong.append((link, "gone", ""))
    return wrong


def untold(result, *paths):
    """Return which paths a result does not name as left."""
    return [path for path in paths if not any(line.startswith(f"{path} ") for line in result["left"])]


def cut_in_rollback(live):
    """Cut the power of a host in the middle of the transaction of its way back."""
    watch(live, {}, least=2)
    with subprocess.Popen(
            live.arguments("converge", {"state": "undone"}), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=TREE, start_new_session=True) as controller:
        seen = live.host.folder / "root" / SEEN[1:]
        deadline = time.monotonic() + 120
        while not seen.exists():
            assert controller.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        hosts.power_cut(live.host)
        os.killpg(controller.pid, signal.SIGKILL)
    time.sleep(2)
    assert live.state() in ("running", "degraded")


def adopted(live):
    return live.converge(repositories=[repositories()], **ADOPTION)


ANY_RUN = {
    "rollback": lambda live: live.module("converge", {"state": "undone"}),
    "adoption": adopted,
    "one module": lambda live: live.module("package_swap", {"family": "systemd", "to": "stock"}),
}


@pytest.mark.parametrize("run", ANY_RUN)
def test_what_others_wrote_after_a_power_cut_in_a_rollback_stays(host9, run):
    live = host9
    live.write("/etc/systemd/system/older.service", UNIT)
    stock = live.release()
    assert adopted(live)["changed"]
    cut_in_rollback(live)
    write(live, COMPANY, LINK)
    result = ANY_RUN[run](live)
    assert "made whole" in result["interrupted"]["outcome"], result
    assert as_written(live, COMPANY, LINK) == []
    assert untold(result, *COMPANY, LINK) == [], result["left"]
    if run == "adoption":
        assert ".hs." in live.release()
        result = live.module("converge", {"state": "undone"})
        assert as_written(live, COMPANY, LINK) == []
    assert live.release() == stock


def test_what_others_write_while_a_rollback_runs_stays(host9):
    live = host9
    live.write("/etc/systemd/system/older.service", UNIT)
    stock = live.release()
    assert adopted(live)["changed"]
    # An edit of a file that both builds have, too.
    files = {**COMPANY, "/etc/systemd/journald.conf": "[Journal]\nSystemMaxUse=64M\n"}
    watch(live, files, LINK)
    result = live.module("converge", {"state": "undone"})
    assert json.loads(live.command("cat", SEEN))["phase"] == "running"
    assert result.get("changed"), result
    assert live.release() == stock
    kept = {path: text for path, text in files.items() if path != "/etc/systemd/journald.conf"}
    assert as_written(live, kept, LINK) == []
    assert untold(result, *kept, LINK) == [], result["left"]
    # rpm itself may come to this one later; if so, it has put the edit aside or laid its own beside it.
    held = live.command("sh", "-c", "cat /etc/systemd/journald.conf /etc/systemd/journald.conf.rpm* 2> /dev/null || true")
    assert "SystemMaxUse=64M" in held
    assert untold(result, "/etc/systemd/journald.conf") == [] or untold(result, "/etc/systemd/journald.conf.rpmsave") == []


def test_what_others_write_while_the_swap_runs_stays(host):
    live = host
    live.write("/etc/systemd/system/older.service", UNIT)
    stock = live.release()
    watch(live, COMPANY, LINK)
    assert adopted(live)["changed"]
    assert json.loads(live.command("cat", SEEN))["phase"] == "running"
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert live.release() == stock
    assert as_written(live, COMPANY, LINK) == []
    assert untold(result, *COMPANY, LINK) == [], result["left"]


def test_local_edits_of_a_swapped_package_stay(host9):
    live = host9
    stock = live.release()
    assert adopted(live)["changed"]
    code = "/usr/lib/udev/rules.d/60-evdev.rules"
    files = {
        "/etc/systemd/journald.conf": "[Journal]\nSystemMaxUse=64M\n",
        # Only the new build has this path.
        "/etc/udev/iocost.conf": "[IOCost]\n",
        # Only the old build has it.
        "/etc/sysctl.d/99-sysctl.conf": "# Ours\n",
        "/etc/systemd/logind.conf.rpmnew": "# Ours\n",
    }
    write(live, {**files, code: "# Ours\n"})
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert live.release() == stock
    assert as_written(live, files) == []
    assert untold(result, *files) == [], result["left"]
    told, = (line for line in result["left"] if line.startswith(f"{code} "))
    place = told.rpartition(" ")[2]
    assert place.startswith(f"{STATE}/displaced/") and live.command("cat", place) == "# Ours"
    assert hosts.command(live.host, ["rpm", "-V", "--nomtime", "systemd-udev"]).stdout.count(code) == 0
    assert live.command("find", "/etc", "-name", "*.rpm[so]*") == ""
