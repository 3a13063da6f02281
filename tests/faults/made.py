# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that are made for a test: their scriptlets say when they run, and wait or fail where they are told to."""

from __future__ import annotations

import subprocess
import time

from lab import common, hosts

from .conftest import TREE

SIG, STOCK = "CentOS Hyperscale SIG", "CentOS"
# On a host: what scriptlets have run, where they are to wait, that one waits, and where they are to fail.
LOG, HOLD, HELD, FAIL = "/var/made.log", "/var/made.hold", "/var/made.held", "/var/made.fail"
SLOTS = ("pre", "post", "preun", "postun", "posttrans")
SCRIPT = """\
%{slot} -n {name}
echo "{slot} {name} {version} $1" >> /var/made.log
if test -e /var/made.hold/{slot}-{name}-{version}; then
  touch /var/made.held
  while test -e /var/made.hold/{slot}-{name}-{version}; do sleep 0.1; done
fi
test ! -e /var/made.fail/{slot}-{name}-{version}
"""
SPEC = """\
Name: {source}
Version: {version}
Release: {release}
Summary: x
License: x
Vendor: {vendor}
BuildArch: noarch
%description
x
%package -n {name}
Summary: x
{tags}
%description -n {name}
x
%install
mkdir -p %{{buildroot}}/usr/share/doc/{place} %{{buildroot}}/usr/share/{place} %{{buildroot}}/etc
for lang in de fr; do
  mkdir -p %{{buildroot}}/usr/share/locale/$lang/LC_MESSAGES
  echo {version} > %{{buildroot}}/usr/share/locale/$lang/LC_MESSAGES/{place}.mo
done
echo {version} > %{{buildroot}}/usr/share/doc/{place}/README
echo {version} > %{{buildroot}}/usr/share/{place}/data
echo setting > %{{buildroot}}/etc/{place}.conf
{scripts}
%files -n {name}
%doc /usr/share/doc/{place}
/usr/share/{place}
%lang(de) /usr/share/locale/de/LC_MESSAGES/{place}.mo
%lang(fr) /usr/share/locale/fr/LC_MESSAGES/{place}.mo
%config(noreplace) /etc/{place}.conf
{ghosts}
"""


class Row:
    """One build to make."""

    def __init__(self, name, version, vendor, tags=(), source=None, beside=False, ghosts=()):
        self.name = name
        # Builds that lie beside each other have no paths in common.
        self.place = f"{name}-{version}" if beside else name
        self.source = source or f"{name}-source"
        self.version = version
        self.vendor = vendor
        self.tags = list(tags)
        # Paths that the package owns and does not bring.
        self.ghosts = list(ghosts)

    def release(self, stream):
        """Return its release."""
        return f"1.hs.el{stream}" if self.vendor == SIG else f"1.el{stream}"

    def spec(self, stream):
        """Return its spec file."""
        scripts = "".join(SCRIPT.format(slot=slot, name=self.name, version=self.version) for slot in SLOTS)
        return SPEC.format(
            source=self.source, name=self.name, place=self.place, version=self.version, release=self.release(stream),
            vendor=self.vendor, tags="\n".join(self.tags), scripts=scripts,
            ghosts="\n".join(f"%ghost {path}" for path in self.ghosts))


def offer(live, folder, rows):
    """Give a host a repository of its own with some builds."""
    for number, row in enumerate(rows):
        spec = folder / f"made-{number}.spec"
        spec.write_text(row.spec(live.stream))
        common.run([
            "rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/build-{number}", "--define", f"_rpmdir {folder}/repo",
            "--define", "_binary_payload w3.gzdio", spec])
    common.run(["createrepo_c", "--quiet", folder / "repo"])
    live.command("mkdir", "-p", "/srv/made/noarch", "/srv/made/repodata", HOLD, FAIL)
    for path in (path for path in (folder / "repo").rglob("*") if path.is_file()):
        live.put(path, f"/srv/made/{path.relative_to(folder / 'repo')}")
    live.write("/etc/yum.repos.d/made.repo", "[made]\nname=made for a test\nbaseurl=file:///srv/made\ngpgcheck=0\n")


def start(live, module, more, hold):
    """Start a module whose transaction then waits in a scriptlet; return the process of the controller."""
    live.command("rm", "-f", HELD)
    live.command("touch", f"{HOLD}/{hold}")
    process = subprocess.Popen(
        live.arguments(module, more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TREE, start_new_session=True,
        text=True)
    for _try in range(600):
        if hosts.command(live.host, ["test", "-e", HELD]).returncode == 0:
            return process
        assert process.poll() is None, f"the module ended before {hold}: {process.communicate()[0]}"
        time.sleep(0.2)
    raise AssertionError(f"nothing came to {hold}")


def cut(live, module, more, hold):
    """Kill a transaction with all its processes while it is in a scriptlet, and wait until the module has said so."""
    process = start(live, module, more, hold)
    live.command("systemctl", "kill", "--signal=KILL", "centos-hyperscale-*.service")
    process.communicate(timeout=180)
    live.command("rm", "-f", f"{HOLD}/{hold}")


def ran(live):
    """Return what scriptlets have run since this was asked last: slot, name, version and argument."""
    lines = live.command("sh", "-c", f"cat {LOG} 2>/dev/null; rm -f {LOG}").splitlines()
    return [tuple(line.split()) for line in lines]
