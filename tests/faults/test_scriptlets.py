# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the lab themselves: what scriptlets, triggers and plugins of rpm do in a transaction, as on a host of EL."""

from __future__ import annotations

import pytest

from lab import common, hosts, plugins, scriptlets

from .conftest import TREE

GUEST = TREE / "tests" / "lab" / "guest"

# A package as those of EL are: a service of its own user, which its presets enable, and a folder that the user owns.
SPEC = """\
%{{load:{macros}}}
Name: lab-service
Version: {version}
Release: 1
Summary: A service
License: GPL-3.0-or-later
BuildArch: noarch
%description
A service.
%install
mkdir -p %{{buildroot}}/usr/lib/systemd/system %{{buildroot}}/usr/lib/systemd/system-preset
mkdir -p %{{buildroot}}/usr/lib/sysusers.d %{{buildroot}}/usr/lib/tmpfiles.d
echo 'u lab-service - "A service"' > %{{buildroot}}/usr/lib/sysusers.d/lab-service.conf
echo 'd /run/lab-service 0750 lab-service lab-service' > %{{buildroot}}/usr/lib/tmpfiles.d/lab-service.conf
echo 'enable lab-service.service' > %{{buildroot}}/usr/lib/systemd/system-preset/50-lab-service.preset
printf '[Service]\\nUser=lab-service\\nExecStart=/usr/bin/sleep {version}000\\n[Install]\\nWantedBy=multi-user.target\\n' \\
  > %{{buildroot}}/usr/lib/systemd/system/lab-service.service
%post
%systemd_post lab-service.service
{post}
%preun
%systemd_preun lab-service.service
%postun
%systemd_postun_with_restart lab-service.service
%files
/usr/lib/systemd/system/lab-service.service
/usr/lib/systemd/system-preset/50-lab-service.preset
/usr/lib/sysusers.d/lab-service.conf
/usr/lib/tmpfiles.d/lab-service.conf
"""
INHIBITED = "/var/lib/lab-inhibited"


@pytest.fixture(name="bring")
def fixture_bring(tmp_path):
    """Upgrade a host to a version of the package with rpm, and return all that rpm says."""
    def bring(live, version, post=""):
        spec = tmp_path / "lab-service.spec"
        spec.write_text(SPEC.format(macros=scriptlets.MACROS, version=version, post=post))
        common.run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}", "--define", f"_rpmdir {tmp_path}/out", spec])
        live.put(next((tmp_path / "out").rglob(f"lab-service-{version}-*.rpm")), "/var/lib/lab-service.rpm")
        result = hosts.command(live.host, ["rpm", "-Uvv", "--nosignature", "/var/lib/lab-service.rpm"])
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr
    return bring


def enabled(live, unit):
    """Return what systemd says of a unit's links."""
    return hosts.command(live.host, ["systemctl", "is-enabled", unit]).stdout.strip()


def shown(live, unit, name):
    """Return a property of a unit."""
    return live.command("systemctl", "show", "--property", name, "--value", unit)


def test_a_package_with_a_unit_a_user_and_a_folder(host, bring):
    said = bring(host, 1, post=f"systemd-inhibit --list --no-legend --no-pager > {INHIBITED}")
    # Plugins: rpm holds off a shutdown while it runs, and calls no plugin that CentOS does not install.
    for name in plugins.LOADED:
        assert f"calling hook tsm_post in {name} plugin" in said
    assert "calling hook tsm_pre in systemd_inhibit plugin" in said
    assert not [name for name in plugins.OTHERS if f"in {name} plugin" in said]
    inhibited = host.command("cat", INHIBITED)
    assert "RPM" in inhibited and "shutdown" in inhibited, inhibited
    # Its preset has enabled it, its user was made before the folder, and PID 1 knows its unit.
    assert enabled(host, "lab-service.service") == "enabled"
    assert host.command("stat", "--format=%U %a", "/run/lab-service") == "lab-service 750"
    assert shown(host, "lab-service.service", "NeedDaemonReload") == "no"
    host.command("systemctl", "start", "lab-service.service")
    first = shown(host, "lab-service.service", "InvocationID")
    # An upgrade restarts it, by its new unit file.
    bring(host, 2)
    assert shown(host, "lab-service.service", "InvocationID") != first
    assert "2000" in host.command("ps", "-o", "args=", "-p", shown(host, "lab-service.service", "MainPID"))
    # A removal stops and disables it.
    host.command("rpm", "-e", "lab-service")
    assert shown(host, "lab-service.service", "ActiveState") == "inactive"
    assert hosts.command(host.host, ["test", "-L", "/etc/systemd/system/multi-user.target.wants/lab-service.service"]).returncode


def test_what_presets_of_the_distribution_say_of_packages_that_come(host):
    host.command("dnf", "-y", "-q", "install", "NetworkManager", "nftables", *["systemd-oomd"] * (host.stream == 9))
    assert enabled(host, "NetworkManager.service") == "enabled"
    assert enabled(host, "nftables.service") == "disabled"
    if host.stream == 9:
        assert enabled(host, "systemd-oomd.service") == "disabled"
        assert "systemd Userspace OOM Killer" in host.command("getent", "passwd", "systemd-oom")
    host.command("dnf", "-y", "-q", "remove", "NetworkManager")
    assert enabled(host, "NetworkManager.service") != "enabled"


def test_families_of_alternatives_are_registered_as_el_does(host):
    families = {name: host.command("cat", f"/var/lib/alternatives/{name}").splitlines() for name in (
        "iptables", "ebtables", "arptables")}
    for name, lines in families.items():
        assert lines[:2] == ["auto", f"/usr/sbin/{name}"] and f"/usr/sbin/{name}-nft" in lines
        followers = [line for line in lines if line.startswith(f"{name}-")]
        assert followers, lines
    assert "arptables-save-man" in families["arptables"]
    assert ("arptables-helper" in families["arptables"]) == (host.stream == 9)
    assert host.command("readlink", "-f", "/usr/sbin/ebtables-save") == "/usr/sbin/xtables-nft-multi"


def test_an_upgrade_of_systemd_starts_the_new_build_and_what_it_marks(host):
    stock = host.command("rpm", "-q", "--qf", "%{VERSION}", "systemd")
    before = {unit: shown(host, unit, "InvocationID") for unit in ("systemd-journald.service", "systemd-logind.service")}
    host.command("dnf", "-y", "-q", "install", "centos-release-hyperscale")
    said = host.command("dnf", "-y", "--allowerasing", "upgrade", "systemd*")
    assert "scriptlet failed" not in said
    version = host.command("rpm", "-q", "--qf", "%{VERSION}", "systemd")
    assert version != stock and version in host.command("systemctl", "show", "-p", "Version", "--value")
    assert shown(host, "systemd-journald.service", "InvocationID") != before["systemd-journald.service"]
    # What no build of EL marks stays as it is.
    assert shown(host, "systemd-logind.service", "InvocationID") == before["systemd-logind.service"]
    assert host.state() == "running"


def test_a_kernel_goes_through_kernel_install_and_its_hooks(host9):
    host9.command("mkdir", "-p", "/boot/grub2", "/etc/kernel/install.d", "/etc/sysconfig")
    for source, path in (
        ("20-grub.install", "/usr/lib/kernel/install.d/20-grub.install"),
        ("50-stand-in.install", "/etc/kernel/install.d/50-dracut.install"),
    ):
        host9.put(GUEST / source, path)
        host9.command("chmod", "0755", path)
    host9.write("/etc/kernel/cmdline", "root=/dev/vda1 ro\n")
    host9.write("/etc/sysconfig/kernel", "UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-smp\n")
    host9.write("/boot/grub2/grubenv", ("# GRUB Environment Block\n" + "#" * 1024)[:1024])
    host9.command("dnf", "-y", "-q", "install", "kernel")
    release = host9.command("rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}.%{ARCH}", "kernel-core")
    # Its own %post, depmod, the hooks of kernel-install by their order, and %posttrans, which leaves no state behind.
    assert host9.command("grep", "DEFAULTKERNEL", "/etc/sysconfig/kernel") == "DEFAULTKERNEL=kernel"
    assert "loop" in host9.command("cat", f"/lib/modules/{release}/modules.dep")
    assert release in host9.command("cat", "/boot/grub2/grubenv")
    assert f"initrd /boot/initramfs-{release}.img" in host9.command("sh", "-c", f"cat /boot/loader/entries/*-{release}.conf")
    host9.command("test", "-s", f"/boot/initramfs-{release}.img")
    assert host9.command("ls", "/var/lib/rpm-state/kernel") == ""
    host9.command("dnf", "-y", "-q", "remove", "kernel-core")
    assert release not in host9.command("ls", "/boot", "/boot/loader/entries")
