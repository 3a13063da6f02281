# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts after role kernel, before the boot that tries the new kernel: what GRUB would read."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

REPORTS = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
TRY = ["panic=10", "rd.shell=0", "rd.emergency=reboot"]


def releases(host):
    """Return the kernels by side: the stock one and the SIG's, as C(uname -r) would print them."""
    rows = host.check_output("rpm -q --qf '%{VENDOR}|%{VERSION}-%{RELEASE}.%{ARCH}\\n' kernel-core").splitlines()
    return {vendor: release for vendor, _bar, release in (row.partition("|") for row in rows)}


@pytest.fixture
def stock(host):
    return releases(host)["CentOS"]


@pytest.fixture
def newer(host):
    return releases(host)["CentOS Hyperscale SIG"]


def entry(host, release):
    """Return the fields of the one entry of a kernel."""
    path, = host.check_output(f"grep -l '/vmlinuz-{release}$' /boot/loader/entries/*.conf").split()
    text = host.file(path).content_string
    return {"id": path.rsplit("/", 1)[1][:-len(".conf")], **dict(line.split(" ", 1) for line in text.splitlines())}


def environment(host):
    lines = host.file("/boot/grub2/grubenv").content_string.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_the_kernel_stands_beside_the_stock_one(host, stock, newer):
    for name in ("kernel", "kernel-core", "kernel-modules", "kernel-modules-core"):
        rows = host.check_output(f"rpm -q --qf '%{{VERSION}}-%{{RELEASE}}.%{{ARCH}}\\n' {name}").splitlines()
        assert sorted(rows) == sorted([stock, newer])
    assert host.check_output("rpm -q --qf '%{VERSION}-%{RELEASE}.%{ARCH}' kernel-modules-extra") == newer
    assert ".hs" in newer


def test_the_release_names_the_flavour_of_the_stream(newer):
    assert (".hsx." in newer) == newer.endswith(".el9.x86_64")
    assert (".hsk." in newer) == newer.endswith(".el10.x86_64")


def test_the_environment_block_is_one_and_says_what_is_started(host, stock, newer):
    block = host.file("/boot/grub2/grubenv").content
    assert len(block) == 1024 and block.startswith(b"# GRUB Environment Block\n") and block.endswith(b"#")
    found = environment(host)
    assert found["next_entry"] == entry(host, newer)["id"]
    assert found["saved_entry"] == entry(host, stock)["id"]
    assert found["boot_success"] == "0"


def test_files_of_the_new_kernel_are_there(host, newer):
    found = entry(host, newer)
    assert host.file(found["linux"]).size > 0 and host.file(found["initrd"]).size > 0


def test_arguments_reach_every_kernel_and_those_of_a_try_only_the_new_one(host, stock, newer):
    wanted = "root=/dev/vda1 ro lab.answer=42 console=tty0"
    assert entry(host, stock)["options"] == wanted
    assert entry(host, newer)["options"].split() == [*wanted.split(), *TRY]


def test_kernels_installed_later_get_the_arguments_but_not_those_of_a_try(host):
    assert host.file("/etc/kernel/cmdline").content_string == "root=/dev/vda1 ro lab.answer=42 console=tty0\n"
    assert host.check_output("sh -c '. /etc/default/grub; echo $GRUB_CMDLINE_LINUX'").endswith("lab.answer=42 console=tty0")


def test_dnf_keeps_more_kernels(host):
    assert "\ninstallonly_limit=5\n" in host.file("/etc/dnf/dnf.conf").content_string


def test_the_try_is_noted_for_root_alone(host, stock, newer):
    note = host.file("/var/lib/centos-hyperscale/boot.json")
    assert note.mode == 0o600
    tried = json.loads(note.content_string)["tried"]
    assert (tried["release"], tried["fallback"], tried["arguments"]) == (newer, stock, TRY)
    assert tried["boot_id"] == host.check_output("cat /proc/sys/kernel/random/boot_id")


def module(host, name, **arguments):
    return host.ansible(name, " ".join(f"{key}='{value}'" for key, value in arguments.items()), check=True, become=True)


def test_what_waits_is_reported(host, newer):
    result = module(host, "centos.hyperscale.boot_config", kernel="hyperscale", args="lab.answer=42")
    assert result["changed"] is False
    assert {(pending["subject"], pending["waits_for"]) for pending in result["pending"]} == {
        (newer, "boot"), ("lab.answer=42", "boot")}
    reason, = (reason for reason in result["reboot"]["reasons"] if reason["what"] == "kernel to try")
    assert (reason["installed"], result["reboot"]["required"]) == (newer, True)
    following = result["host"]["kernel"]["next"]
    assert (following["release"], following["once"]) == (newer, True)
    assert following["words"] == ["root=/dev/vda1", "ro", "lab.answer=42", "console=tty0", *TRY]


@pytest.mark.parametrize(("arguments", "says"), [
    ({"args": "a=$(id)"}, "not one argument"), ({"args": "psi=1,psi=0"}, "wanted as psi=1 and as psi=0"),
    ({"kernel": "1.2.3-4.el9.x86_64"}, "no boot entry here"),
])
def test_wrong_input_is_refused(host, arguments, says):
    result = module(host, "centos.hyperscale.boot_config", **arguments)
    assert result["refused"] and says in result["msg"]


def test_the_wish_of_another_default_calls_the_try_off(host, stock):
    result = module(host, "centos.hyperscale.boot_config", kernel="stock", try_once="false")
    assert result["changed"] is True
    assert {action["kind"] for action in result["actions"]} == {"boot-environment", "boot-entry", "boot-note"}


def test_a_driver_from_outside_the_kernel_was_taken_on(host):
    newest = sorted(host.check_output("ls /var/lib/centos-hyperscale/snapshots").split())[-1]
    prediction = json.loads(host.file(f"/var/lib/centos-hyperscale/snapshots/{newest}/prediction.json").content_string)
    finding, = (finding for finding in prediction["findings"] if finding["check"] == "kernel_module.external")
    assert finding["subject"]["name"] == "/var/lib/dkms/lab-driver"
    assert (finding["severity"], finding["blocking"], finding["waiver"]["by"]) == ("high", False, "the scenario")


def test_nothing_happened_that_was_not_predicted(host):
    proof = json.loads((REPORTS / f"{host.backend.get_hostname()}.proof.json").read_text())
    assert proof["joined"]["not_predicted"] == []
    assert [check for check in proof["checks"] if check["status"] == "error"] == []
