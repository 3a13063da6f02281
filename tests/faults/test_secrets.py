# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No artefact of whole jobs on a host full of made secrets has one of them, but for what the table here allows and why."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess

import pytest

from lab import calls, hosts, keys
from lab.planted import Planted

from .conftest import TREE
from .test_refusals import MAIN

STATE = "/var/lib/centos-hyperscale"
SEARCHED = (STATE, "/var/log", "/tmp", "/var/tmp", "/run", "/root/.ansible", "/etc/systemd/system")
# Where a secret may be found afterwards that was not there before, and why. The first pattern is of the path of a file.
ALLOWED = (
    (rf"^{STATE}/ledger/[^/]+$", "files are taken back by what they held"),
    (rf"^{STATE}/runs/", "a transaction that was cut is completed from the same repositories; what programs printed is kept"),
    (rf"^{STATE}/(saved|store|kept|contents|manifests)[^/]*/", "contents that are restored"),
    (rf"^{STATE}/snapshots/[^/]+/content\.json$", "what the proof compares must be whole"),
    (r"^/run/systemd/generator", "systemd's own generators write units of /etc/fstab and the kernel's arguments"),
    (r"^/var/log/journal/", "the journal is searched by its entries below"),
)
# Who logs what it reads itself, whatever this collection does.
OTHERS_IN_JOURNAL = re.compile(
    r"^(systemd|systemd-\w+|\(\w+\)|CROND|crond|anacron|run-parts|sudo|dbus-broker\S*|NetworkManager|kernel)$")
# Reads lists of secrets from its input, so that none stands in its arguments.
SAMPLER = """\
import glob, json, os, select, sys
secrets = {place: secret.encode() for place, secret in json.loads(sys.stdin.readline()).items()}
seen = set()
while not select.select([sys.stdin], [], [], 0.1)[0]:
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        if path.split("/")[2] == str(os.getpid()):
            continue
        try:
            with open(path, "rb") as handle:
                data = handle.read()
            hits = [place for place, secret in secrets.items() if secret in data]
            if hits:
                with open(os.path.join(os.path.dirname(path), "comm")) as handle:
                    seen.update((os.path.basename(path), handle.read().strip(), place) for place in hits)
        except OSError:
            pass
print(json.dumps(sorted(seen)))
"""
SEARCH = """\
import json, os, stat, sys
secrets = {place: secret.encode() for place, secret in json.loads(sys.stdin.readline()).items()}
for top in sys.argv[1:]:
    for folder, _folders, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode) or info.st_size > 1 << 28:
                continue
            try:
                with open(path, "rb") as handle:
                    data = handle.read() + path.encode()
            except OSError:
                continue
            hits = [place for place, secret in secrets.items() if secret in data]
            if hits:
                print(json.dumps([path, stat.S_IMODE(info.st_mode), hits]))
"""


def fed(live, script, secrets, *arguments):
    """Return a process on the host that runs a script and is told the secrets."""
    live.write("/srv/script.py", script)
    process = subprocess.Popen(
        ["ssh", *hosts.ssh_options(), f"root@{live.host.address}", "--", "/usr/bin/python3", "/srv/script.py", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(secrets) + "\n")
    process.stdin.flush()
    return process


@contextlib.contextmanager
def sampled(live, secrets, seen):
    """Look at the arguments and the environment of all processes of the host meanwhile."""
    process = fed(live, SAMPLER, secrets)
    try:
        yield
    finally:
        out, _none = process.communicate()
        seen += [tuple(hit) for hit in json.loads(out)]


def files_with(live, secrets):
    """Return the files of the host in which a secret is: path, mode and places."""
    out, _none = fed(live, SEARCH, secrets, *SEARCHED).communicate()
    return [tuple(json.loads(line)) for line in out.splitlines()]


def play(live, name, variables, folder, *more):
    """Run a playbook and return all that it printed."""
    given = folder / "variables.json"
    given.write_text(json.dumps({"hyperscale_reports": str(folder / "reports"), **variables}))
    result = calls.run(
        ["ansible-playbook", "-i", str(live.inventory), "--limit", live.name, f"centos.hyperscale.{name}", "-e", f"@{given}",
         *more], TREE, dict(os.environ))
    given.unlink()
    return result.stdout + result.stderr


def journal(live):
    """Return the entries of the journal that are not by those who log what they read themselves."""
    entries = map(json.loads, live.command("journalctl", "--boot", "--no-pager", "-o", "json").splitlines())
    return [
        entry for entry in entries
        if not OTHERS_IN_JOURNAL.match(str(entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM") or ""))
        or "centos-hyperscale" in str(entry.get("UNIT", "")) + str(entry.get("_SYSTEMD_UNIT", ""))]


def planted_on(live):
    """Fill a host with secrets, and return them with those of the operator."""
    made = Planted()
    # Names of volumes become names of units, which are no secrets.
    del made.files["/etc/crypttab"]
    for path, (text, mode) in made.files.items():
        live.command("mkdir", "-p", os.path.dirname(path))
        live.write(path, text)
        live.command("chmod", f"{mode:o}", path)
    live.command("systemctl", "daemon-reload")
    return made


def lines_with(made, text):
    """Return the lines of a text that have a secret, with its place instead."""
    found = []
    for line in text.splitlines():
        for place, secret in made.secrets.items():
            if secret in line:
                at = line.index(secret)
                found.append(line[max(at - 300, 0):at] + f"<{place}>")
    return found


def repository(made, place, server=hosts.SERVER):
    """Return the variables of a repository whose address has an account."""
    scheme, _slashes, rest = server.partition("://")
    return {
        "hyperscale_repos_method": "definition", "hyperscale_repos_crb": False,
        "hyperscale_repos_key": keys.armoured("hyperscale"),
        "hyperscale_repos_baseurl": f"{scheme}://joe:{made.secret(place)}@{rest}{MAIN}"}


def test_no_artefact_of_whole_jobs_has_a_secret(host, tmp_path):
    made = planted_on(host)
    wanted = repository(made, "address of a repository")
    unreachable = repository(made, "address that fails", f"http://{hosts.GATEWAY}:9")
    before = {path for path, _mode, _places in files_with(host, made.secrets)}
    said, processes = {}, []
    with sampled(host, made.secrets, processes):
        said["preflight"] = play(host, "preflight", wanted, tmp_path, "-vvv", "--diff")
        said["refused"] = play(host, "adopt", wanted, tmp_path)
        assert "Nothing was changed" in said["refused"] and ".hs." not in host.release()
        said["failing"] = play(host, "adopt", {**unreachable, "hyperscale_fail_on": "never"}, tmp_path, "-vvv")
        assert ".hs." not in host.release()
        said["check"] = play(host, "adopt", {**wanted, "hyperscale_fail_on": "never"}, tmp_path, "--check", "--diff")
        said["adopt"] = play(host, "adopt", {**wanted, "hyperscale_fail_on": "never"}, tmp_path, "-vvv", "--diff")
        assert ".hs." in host.release()
        said["verify"] = play(host, "verify", wanted, tmp_path, "-vvv")
        said["host_info"] = json.dumps(host.module("host_info", {}))
        said["rollback"] = play(host, "rollback", wanted, tmp_path, "-vvv", "--diff")
        assert ".hs." not in host.release()
    # That they were there to be found: the prediction names those who are affected.
    assert "/etc/cron.d/planted" in said["preflight"] and "telinit" in said["preflight"]
    assert "***@" in said["failing"] + said["adopt"]
    assert {name: lines_with(made, text) for name, text in said.items() if made.found(text)} == {}
    # Ansible's own copy has an empty one.
    assert not re.search(r'"diff": \[\s*\{', said["verify"] + said["failing"])
    reports = {path.name: made.found(path.read_text()) for path in (tmp_path / "reports").iterdir()}
    assert reports and {name: hits for name, hits in reports.items() if hits} == {}
    assert sorted(set(processes)) == []
    assert [entry.get("MESSAGE") for entry in journal(host) if made.found(json.dumps(entry))] == []
    units = host.command("systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "*hyperscale*")
    assert made.found(units) == []
    found = [hit for hit in files_with(host, made.secrets) if hit[0] not in before]
    assert [hit for hit in found if not any(re.match(pattern, hit[0]) for pattern, _why in ALLOWED)] == []
    assert [hit for hit in found if hit[0].startswith(STATE) and hit[1] & 0o077] == []
    assert host.command("stat", "-c", "%a", STATE) == "700"


@pytest.mark.parametrize(("option", "path"), [("baseurl", MAIN), ("proxy", "")])
def test_a_definition_with_an_account_is_for_root_alone(host9, option, path):
    made = Planted()
    scheme, _slashes, rest = hosts.SERVER.partition("://")
    address = f"{scheme}://joe:{made.secret(option)}@{rest}{path}"
    wish = {
        "flavours": ["main"], "method": "definition", "crb": False, "baseurl": f"{hosts.SERVER}{MAIN}",
        "key": keys.armoured("hyperscale"), "key_fingerprint": keys.fingerprint("hyperscale"), option: address}
    result = host9.converge(repositories=[wish])
    assert made.found(json.dumps(result)) == []
    [file] = host9.command("grep", "-l", made.secrets[option], "-r", "/etc/yum.repos.d").splitlines()
    assert host9.command("stat", "-c", "%a %U", file) == "600 root"
    assert host9.converge(repositories=[wish]).get("changed") is False
