# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that a swap newly activates or no longer does: real packages, a real database, folders of a host in use."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.facts import covered
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.consumer import Consumer
from ansible_collections.centos.hyperscale.plugins.module_utils.facts.view import View
from ansible_collections.centos.hyperscale.plugins.module_utils.verify.predicted import activation, units
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent

UNITS = "/usr/lib/systemd/system"
SHARED = "/usr/share/systemd/tmp.mount"
# A unit, and the folder that it is for.
OVER = [("tmp.mount", "/tmp"), ("srv-data.mount", "/srv/data"), ("srv-data.automount", "/srv/data"),
        ("var-lib-my_data.mount", "/var/lib/my_data")]


@pytest.fixture
def lab(tmp_path, workshop):
    made = hostlab.Lab(tmp_path, workshop)
    made.have("tool", "1", files={SHARED: "example"})
    made.answers["systemctl"] = (0, loaded("local-fs.target", "multi-user.target", "docker.service"))
    return made


def loaded(*active):
    """Return what systemctl says of units that are active."""
    return "\n\n".join(f"Id={name}\nLoadState=loaded\nActiveState=active\nSubState=running" for name in active) + "\n"


def pulled(unit, by="local-fs.target", how="wants"):
    """Return the files of a package that brings a unit and has another one pull it in."""
    return {f"{UNITS}/{unit}": "[Unit]\n", f"{UNITS}/{by}.{how}/{unit}": ("link", f"../{unit}")}


def coming(lab, workshop, unit, *args, **kwargs):
    """Return what is found for a swap to a build that brings a unit and has it pulled in."""
    return list(activation.activated(lab.swap([workshop.rpm("tool", "2", files=pulled(unit, *args, **kwargs))])))


@pytest.mark.parametrize(("unit", "folder"), OVER)
def test_a_mount_over_a_folder_in_use_blocks(lab, workshop, unit, folder):
    lab.write(f"{folder}/orders", "3")
    lab.link("/proc/17/fd/4", f"{folder}/orders")
    lab.link("/proc/17/cwd", folder + "x")
    lab.write("/proc/17/comm", "shop\n")
    lab.write("/proc/net/unix", f"Num RefCount\n0: 2 0 1 1 1 99 {folder}/orders\n0: 2 0 1 1 1 98 @{folder}/orders\n")
    finding = fired(coming(lab, workshop, unit), "unit.activated", unit, severity="high", consumers=[
        ("path", f"{folder}/orders"), ("process", "shop"), ("socket", f"{folder}/orders")])
    assert finding.blocking and f"over {folder}," in finding.diagnosis
    assert f"systemctl mask {unit}" in finding.remediations[0].content
    # The remedy as it is printed.
    lab.link(f"/etc/systemd/system/{unit}", "/dev/null")
    silent(coming(lab, workshop, unit), "unit.activated")


@pytest.mark.parametrize(("unit", "folder"), OVER)
def test_a_mount_over_an_empty_folder_is_told(lab, workshop, unit, folder):
    lab.write(f"{folder}/systemd-private-1-shop.service-x/tmp/a")
    lab.write(f"{folder}/ansible_converge_payload_abc/ansible_converge_payload.zip")
    (lab.folder / folder.lstrip("/") / ".X11-unix").mkdir()
    finding = fired(coming(lab, workshop, unit), "unit.activated", unit, severity="medium", consumers=[])
    assert not finding.blocking
    lab.write(f"{folder}/.X11-unix/X0")
    assert fired(coming(lab, workshop, unit), "unit.activated", unit).blocking


def test_a_folder_that_is_not_there_hides_nothing(lab, workshop):
    assert not fired(coming(lab, workshop, "srv-data.mount"), "unit.activated", "srv-data.mount", severity="medium").blocking


def test_at_most_ten_names_of_a_folder_are_told(lab, workshop):
    for number in range(12):
        lab.write(f"/tmp/{number:02d}")
    finding = fired(coming(lab, workshop, "tmp.mount"), "unit.activated", "tmp.mount")
    assert len(finding.consumers) == 10 and "12 entries" in finding.diagnosis


def masked(lab):
    lab.link("/etc/systemd/system/tmp.mount", "/dev/null")


def emptied(lab):
    lab.write("/run/systemd/system/tmp.mount")


def unlinked(lab):
    lab.link("/etc/systemd/system/local-fs.target.wants/tmp.mount", "/dev/null")


def mounted(lab):
    lab.mount("/tmp", fstype="tmpfs")


def linked(lab):
    (lab.folder / "tmp/notes").unlink()
    (lab.folder / "tmp").rmdir()
    lab.link("/tmp", "var/tmp")


def active(lab):
    lab.answers["systemctl"] = (0, loaded("local-fs.target", "tmp.mount"))


def enabled(lab):
    lab.write("/etc/systemd/system/tmp.mount", "[Mount]\n")
    lab.link("/etc/systemd/system/multi-user.target.wants/tmp.mount", "../tmp.mount")


@pytest.mark.parametrize("host", [masked, emptied, unlinked, mounted, linked, active, enabled])
def test_what_keeps_a_mount_off_or_has_it_already(lab, workshop, host):
    lab.write("/tmp/notes", "mine")
    fired(coming(lab, workshop, "tmp.mount"), "unit.activated", "tmp.mount")
    host(lab)
    silent(coming(lab, workshop, "tmp.mount"), "unit.activated")


def test_a_copy_of_the_admin_is_pulled_in_just_so(lab, workshop):
    lab.write("/tmp/notes", "mine")
    lab.write("/etc/systemd/system/tmp.mount", "[Mount]\n")
    assert fired(coming(lab, workshop, "tmp.mount"), "unit.activated", "tmp.mount").blocking


@pytest.mark.parametrize(("by", "how", "fires"), [
    ("sysinit.target", "wants", True), ("sockets.target", "requires", True), ("multi-user.target", "upholds", True),
    ("docker.service", "wants", True), ("podman.service", "wants", False), ("initrd.target", "wants", False),
    ("rescue.target", "wants", False), ("system-install.target", "requires", False), ("factory-reset.target", "wants", False)])
@pytest.mark.parametrize("unit", ["srv-data.mount", "tool.socket", "tool.timer", "tool.path", "tool.service"])
def test_who_pulls_it_in_decides(lab, workshop, by, how, fires, unit):
    lab.write("/srv/data/a")
    findings = coming(lab, workshop, unit, by, how)
    if fires:
        finding = fired(findings, "unit.activated", unit, severity="high" if "mount" in unit else "low")
        assert ("any service is started" in finding.diagnosis) == (by in activation.AT_ANY_START)
    else:
        silent(findings, "unit.activated")


def test_what_is_pulled_in_pulls_in_more(lab, workshop):
    lab.write("/srv/data/a")
    files = {**pulled("tool.service", "sysinit.target"), **pulled("srv-data.mount", "tool.service", "requires")}
    findings = list(activation.activated(lab.swap([workshop.rpm("tool", "2", files=files)])))
    assert "any service" in fired(findings, "unit.activated", "srv-data.mount").diagnosis


@pytest.mark.parametrize("unit", ["sys-fs-tool.mount", "proc-sys-fs-tool.automount", "dev-tool.mount"])
def test_a_mount_of_the_kernel_hides_nothing(lab, workshop, unit):
    lab.write(covered.mount_point(unit) + "/a")
    fired(coming(lab, workshop, unit), "unit.activated", unit, severity="low", consumers=[])


def test_a_swap_unit_is_told(lab, workshop):
    fired(coming(lab, workshop, "dev-sdb.swap", "swap.target"), "unit.activated", "dev-sdb.swap", severity="info")


def test_what_the_old_build_pulled_in_is_no_news(tmp_path, workshop):
    lab = hostlab.Lab(tmp_path, workshop)
    lab.have("tool", "1", files=pulled("tool.socket", "sockets.target"))
    silent(coming(lab, workshop, "tool.socket", "sockets.target"), "unit.activated")
    # It was linked into what never runs here, and is pulled in elsewhere now.
    lab = hostlab.Lab(tmp_path / "other", workshop)
    lab.have("tool", "1", files=pulled("tool.socket", "rescue.target"))
    fired(coming(lab, workshop, "tool.socket", "sockets.target"), "unit.activated", "tool.socket", severity="low")


def test_a_link_to_an_example_is_no_unit_that_was_there(tmp_path, workshop):
    lab = hostlab.Lab(tmp_path, workshop)
    lab.write("/tmp/notes")
    lab.have("tool", "1", files={
        SHARED: "example", f"{UNITS}/local-fs.target.wants/tmp.mount": ("link", "/usr/share/systemd/tmp.mount.gone")})
    assert fired(coming(lab, workshop, "tmp.mount"), "unit.activated", "tmp.mount").blocking


@pytest.mark.parametrize("place", [SHARED, "/usr/share/doc/tool/tmp.mount", "/etc/skel/tmp.mount"])
def test_a_file_elsewhere_does_not_make_a_unit_old(tmp_path, workshop, place):
    lab = hostlab.Lab(tmp_path, workshop)
    lab.have("tool", "1", files={place: "example"})
    fired(units.brought(lab.swap([workshop.rpm("tool", "2", files=pulled("tmp.mount"))])), "unit.new", "tmp.mount")
    lab.have("spade", "1", files={"/lib/systemd/system/tmp.mount": "unit"})
    silent(units.brought(lab.swap([workshop.rpm("spade", "2", files=pulled("tmp.mount"))])), "unit.new")


@pytest.mark.parametrize(("preset", "script", "fires"), [
    ("enable tool.*", "systemctl --no-reload preset tool.socket", True),
    ("enable tool.*", "/usr/lib/systemd/systemd-update-helper install-system-units tool.socket", True),
    ("disable *", "systemctl --no-reload preset tool.socket", False), ("enable tool.*", "echo tool.socket", False)])
def test_presets_of_a_package_that_is_new_here(lab, workshop, preset, script, fires):
    lab.write("/usr/lib/systemd/system-preset/90-default.preset", f"# first\n{preset}\nenable *\n")
    new = workshop.rpm("shed", "1", files={f"{UNITS}/tool.socket": "x"}, scripts=f"%post -n shed\n{script}\n")
    findings = list(activation.activated(lab.swap([new])))
    if fires:
        assert "preset" in fired(findings, "unit.activated", "tool.socket", severity="info").diagnosis
    else:
        silent(findings, "unit.activated")
    # A preset is applied only where a package comes for the first time.
    lab.have("shed", "0")
    silent(activation.activated(lab.swap([new])), "unit.activated")


@pytest.mark.parametrize("folder", ["/", "/tmp", "/srv/my-data", "/var/lib/a b", "/home/ärger", "/.hidden", "/a.b/.c"])
def test_names_of_mount_units_are_those_of_systemd(folder):
    assert covered.mount_point(covered.unit_of(folder)) == folder
    said = subprocess.run(
        ["systemd-escape", "--path", "--suffix=mount", folder], capture_output=True, text=True, check=False)
    assert covered.unit_of(folder) == said.stdout.strip()


def test_processes_and_sockets_of_this_very_machine(tmp_path):
    """Nothing recorded: the kernel's own tables."""
    folder = tmp_path / "shop"
    folder.mkdir()
    view = View("/", lambda argv: (127, ""))
    assert covered.consumers(view, str(folder)) == []
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(folder)
        server.bind("socket")
        os.chdir("/")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "named"))
        program = "import sys; handle = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
        argv = [sys.executable, "-c", program, str(folder / "orders")]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shop:
            shop.stdout.readline()
            found = covered.consumers(view, str(folder))
            shop.stdin.close()
    assert Consumer("socket", str(folder / "named"), "has its name there") in found
    assert f"pid {shop.pid} has an open file there" in {consumer.detail for consumer in found}
    assert [consumer.name for consumer in found if consumer.type == "path"] == [
        str(folder / name) for name in ("named", "orders", "socket")]


# What the new build no longer pulls in.


@pytest.mark.parametrize(("state", "linked", "enabled", "fires"), [
    ("active", False, False, True), ("inactive", False, False, False), ("active", True, False, False),
    ("active", False, True, False)])
def test_units_that_only_the_package_pulled_in(lab, workshop, state, linked, enabled, fires):
    unit, link = "/usr/lib/systemd/system/tool.service", "/usr/lib/systemd/system/multi-user.target.wants/tool.service"
    lab.have("tool", "1", files={unit: "one", link: ("link", "../tool.service")})
    lab.answers["systemctl"] = (0, f"Id=tool.service\nLoadState=loaded\nActiveState={state}\nSubState=running\n")
    if enabled:
        lab.link("/etc/systemd/system/multi-user.target.wants/tool.service", unit)
    coming = {unit: "one", link: ("link", "../tool.service")} if linked else {unit: "one"}
    findings = list(activation.unwanted(lab.swap([workshop.rpm("tool", "2", files=coming)])))
    if fires:
        fired(findings, "unit.stopped", "tool.service", consumers=[("unit", "tool.service")], severity="medium")
    else:
        silent(findings, "unit.stopped")


GENERATOR = "/usr/lib/systemd/system-generators/ssh-generator"


@pytest.mark.parametrize(("path", "told"), [
    (GENERATOR, ["ssh-generator"]), ("/usr/lib/systemd/user-generators/ssh-generator", []),
    ("/usr/share/doc/system-generators/ssh-generator", [])], ids=["system", "user", "elsewhere"])
def test_a_new_generator_is_told(lab, workshop, path, told):
    swap = lab.swap([workshop.rpm("tool", "2", files={path: "#!/bin/sh\n"})])
    found = list(activation.activated(swap))
    assert [(finding.subject.name, finding.severity, finding.blocking) for finding in found] == [
        (name, "info", False) for name in told]
    assert all("ln -s /dev/null" in remedy.content for finding in found for remedy in finding.remediations)


def test_a_generator_that_was_there_is_not_told(lab, workshop):
    lab.have("tool", "1", files={GENERATOR: "#!/bin/sh\n"})
    assert list(activation.activated(lab.swap([workshop.rpm("tool", "2", files={GENERATOR: "#!/bin/sh\nexit\n"})]))) == []


@pytest.mark.parametrize("folder", activation.OWN_GENERATORS)
def test_a_generator_in_whose_place_the_admin_has_one_is_not_told(lab, workshop, folder):
    """Its remedy is such a link to /dev/null, so this is the test that the remedy works as well."""
    lab.write(f"{folder}/ssh-generator", "")
    assert list(activation.activated(lab.swap([workshop.rpm("tool", "2", files={GENERATOR: "#!/bin/sh\n"})]))) == []
