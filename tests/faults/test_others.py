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
from cuts.places import places
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
# A file in each folder of the table of places, and its single files that a host does without.
COMPANY.update({
    f"{place}/zz-ours.conf": "# Ours\n" for place in places.SAVED
    if place not in ("/var/lib/alternatives", "/etc/alternatives-admindir") and not place.rpartition("/")[2].count(".")
    and place.rpartition("/")[2] not in ("grub", "grubenv", "config")})
COMPANY.update({"/etc/sysctl.conf": "# Ours\n", "/etc/default/grub": "# Ours\n"})
COMPANY["/var/lib/alternatives/ours"] = "auto\n/usr/bin/ours\n\n/usr/bin/true\n10\n"
FOLDERS = ("/etc/systemd/system/ours.service.d", "/etc/udev/ours", "/etc/dnf/ours")
LINK = "/etc/systemd/system/multi-user.target.wants/shop.service"
LINKS = {
    LINK: "/etc/systemd/system/shop.service", "/etc/alternatives/ours": "/usr/bin/true", "/etc/tmpfiles.d/zz.conf": "/dev/null",
    "/etc/sysconfig/zz-link": "ours"}

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
for path, led in texts["links"].items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(led, path)
for path in texts["folders"]:
    os.makedirs(path)
os.sync()
still = json.load(open(found))["phase"]
with open("/srv/others.new", "w") as out:
    json.dump({"phase": still}, out)
os.rename("/srv/others.new", "/srv/others.json")
"""


def watch(live, files, least=0):
    """Have the host write files, and with them links and folders, in the middle of its next transaction."""
    live.write("/srv/texts.json", json.dumps({
        "files": files, "links": LINKS if files else {}, "folders": FOLDERS if files else (), "least": least, "mode": MODE,
        "group": GROUP}))
    live.write("/srv/writer.py", WRITER)
    live.command("rm", "-f", SEEN, "/srv/watching")
    live.command("systemd-run", "--quiet", "--collect", "python3", "/srv/writer.py")
    live.command("sh", "-c", "until [ -e /srv/watching ]; do sleep 0.1; done")


# Writes what it is given, and says what of it is not as it was written.
ADMIN = """
import json, os, stat, sys
texts = json.load(open("/srv/texts.json"))
if sys.argv[1] == "write":
    for path, text in texts["files"].items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        os.chmod(path, texts["mode"])
        os.chown(path, 0, texts["group"])
    for path, led in texts["links"].items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(led, path)
    for path in texts["folders"]:
        os.makedirs(path)
wrong = []
for path, text in texts["files"].items():
    try:
        info, found = os.lstat(path), open(path).read()
    except OSError as error:
        wrong.append([path, str(error)])
        continue
    if (found, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) != (text, texts["mode"], 0, texts["group"]):
        wrong.append([path, found, oct(info.st_mode)])
wrong += [path for path, led in texts["links"].items() if not os.path.islink(path) or os.readlink(path) != led]
wrong += [path for path in texts["folders"] if not os.path.isdir(path)]
print(json.dumps(wrong))
"""


def admin(live, verb, files, more):
    """Have somebody write on the host, or look at what was written, and return what is not as it was written."""
    live.write("/srv/texts.json", json.dumps({
        "files": files, "links": LINKS if more else {}, "folders": FOLDERS if more else (), "mode": MODE, "group": GROUP}))
    live.write("/srv/admin.py", ADMIN)
    return json.loads(live.command("python3", "/srv/admin.py", verb))


def write(live, files, more=False):
    """Write files as an operator does. C(more): links and folders as well."""
    assert admin(live, "write", files, more) == []
    live.command("systemctl", "daemon-reload")


def as_written(live, files, more=False):
    """Return what of some files, and of the links and folders, is not as it was written."""
    return admin(live, "look", files, more)


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
    write(live, COMPANY, more=True)
    result = ANY_RUN[run](live)
    assert "was completed" in result["interrupted"]["outcome"], result
    assert as_written(live, COMPANY, more=True) == []
    assert untold(result, *COMPANY, *LINKS, *FOLDERS) == [], result["left"]
    if run == "adoption":
        assert ".hs." in live.release()
        result = live.module("converge", {"state": "undone"})
        assert as_written(live, COMPANY, more=True) == []
    assert live.release() == stock


def test_what_others_write_while_a_rollback_runs_stays(host9):
    live = host9
    live.write("/etc/systemd/system/older.service", UNIT)
    stock = live.release()
    assert adopted(live)["changed"]
    # An edit of a file that both builds have, too.
    files = {**COMPANY, "/etc/systemd/journald.conf": "[Journal]\nSystemMaxUse=64M\n"}
    watch(live, files)
    result = live.module("converge", {"state": "undone"})
    assert json.loads(live.command("cat", SEEN))["phase"] == "running"
    assert result.get("changed"), result
    assert live.release() == stock
    kept = {path: text for path, text in files.items() if path != "/etc/systemd/journald.conf"}
    assert as_written(live, kept, more=True) == []
    assert untold(result, *kept, *LINKS, *FOLDERS) == [], result["left"]
    # rpm itself may come to this one later; if so, it has put the edit aside or laid its own beside it.
    held = live.command("sh", "-c", "cat /etc/systemd/journald.conf /etc/systemd/journald.conf.rpm* 2> /dev/null || true")
    assert "SystemMaxUse=64M" in held
    assert untold(result, "/etc/systemd/journald.conf") == [] or untold(result, "/etc/systemd/journald.conf.rpmsave") == []


def test_what_others_write_while_the_swap_runs_stays(host):
    live = host
    live.write("/etc/systemd/system/older.service", UNIT)
    stock = live.release()
    watch(live, COMPANY)
    assert adopted(live)["changed"]
    assert json.loads(live.command("cat", SEEN))["phase"] == "running"
    result = live.module("converge", {"state": "undone"})
    assert result.get("changed"), result
    assert live.release() == stock
    assert as_written(live, COMPANY, more=True) == []
    assert untold(result, *COMPANY, *LINKS, *FOLDERS) == [], result["left"]


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
