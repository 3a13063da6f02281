# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh live host for each test, and modules of the collection run on it as a user would."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import calls, hosts, keys, workers  # noqa: E402

from . import sampling  # noqa: E402

FINGERPRINT = (TREE / "tests" / "tools" / "fingerprint.py").read_text()
# Tests run side by side, each worker with hosts of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
GROUP = f"faults-{WORKER}"
# Modules that are told which keys may sign a Hyperscale build.
PINNING = ("converge", "package_swap", "dropin_info", "network_handover")
# A run that is refused has read repositories into dnf's cache, and has held its own lock.
NOT_A_CHANGE = ("/var/cache/dnf", "/var/lib/centos-hyperscale ", "/var/lib/centos-hyperscale/lock ")


def pytest_addoption(parser):
    """Add the option that leaves tests to another run."""
    parser.addoption("--sample", action="store_true", help="run a third of the tests, drawn by the seed HYPERSCALE_SEED")


def pytest_collection_modifyitems(config, items):
    """Leave out what a sample does not run, if one was asked for."""
    if config.getoption("sample"):
        kept = set(sampling.sample([item.nodeid for item in items], int(os.environ.get("HYPERSCALE_SEED", "0"))))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
        items[:] = [item for item in items if item.nodeid in kept]


def pytest_xdist_make_scheduler(config, log):
    """Return what gives tests to workers."""
    return workers.ByHost(config, log)


@pytest.fixture(scope="session", name="images")
def fixture_images():
    return lab_commands.build()


class LiveHost:
    """One host, and what a test does with it."""

    def __init__(self, name, stream, images, group=GROUP):
        self.name = name
        self.stream = stream
        for left in (left for left in hosts.known() if left.name == name):
            hosts.remove(left)
        self.inventory = hosts.up(group, {name: stream}, images)
        self.host = hosts.find(name)

    def command(self, *argv):
        """Run a command and return what it printed."""
        result = hosts.command(self.host, argv)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def write(self, path, text):
        """Write a file on the host."""
        subprocess.run(
            ["ssh", *hosts.ssh_options(), f"root@{self.host.address}", "--", "tee", path], input=text.encode(),
            stdout=subprocess.DEVNULL, check=True)

    def put(self, source, path):
        """Copy a file to the host."""
        with open(source, "rb") as handle:
            subprocess.run(
                ["ssh", *hosts.ssh_options(), f"root@{self.host.address}", "--", "dd", "status=none", f"of={path}"],
                stdin=handle, check=True)

    def fingerprint(self):
        """Return the lines of the host's fingerprint."""
        result = subprocess.run(
            ["ssh", *hosts.ssh_options(), f"root@{self.host.address}", "--", "/usr/bin/python3", "-"], input=FINGERPRINT,
            text=True, capture_output=True, check=True)
        return result.stdout.splitlines()

    def arguments(self, module, more, check=False, variables=None):
        """Return the command line that runs a module on this host."""
        given = {"key_fingerprints": [keys.fingerprint("hyperscale")]} if module in PINNING else {}
        argv = ["ansible", self.name, "-i", str(self.inventory), "-m", f"centos.hyperscale.{module}"]
        if given or more:
            argv += ["-a", json.dumps({**given, **more})]
        for name, value in (variables or {}).items():
            argv += ["-e", f"{name}={value}"]
        return argv + (["--check"] if check else [])

    def module(self, module, more, check=False, variables=None):
        """Run a module and return its result."""
        result = calls.run(self.arguments(module, more, check, variables), TREE)
        found = re.search(r"=> (\{.*\})", result.stdout, re.DOTALL)
        assert found, result.stdout + result.stderr
        # What a failed test shows of every call before it.
        print(f"{module}: {found.group(1)}")
        return json.loads(found.group(1))

    def converge(self, check=False, **sections):
        """Run the engine and return its result."""
        return self.module("converge", sections, check)

    def adopt(self, **more):
        """Take the main repository and systemd."""
        return self.converge(repositories=[repositories()], packages=[{"family": "systemd", **more}], manager=[{}])

    def state(self):
        """Return what systemd says of itself, waiting while it starts."""
        for _second in range(60):
            result = hosts.command(self.host, ["systemctl", "is-system-running"])
            if result.stdout.strip() not in ("", "starting", "initializing"):
                return result.stdout.strip()
            time.sleep(1)
        return "no answer"

    def login_works(self):
        """Say whether a new login gets its user manager."""
        return hosts.command(self.host, ["systemctl", "restart", "user@0.service"]).returncode == 0

    def release(self):
        """Return the release of the installed systemd."""
        return self.command("rpm", "-q", "systemd")


def repositories(**more):
    """Return the wish for the main repository with the lab's key."""
    return {"flavours": ["main"], "key_fingerprint": keys.fingerprint("hyperscale"), **more}


@pytest.fixture(name="host", params=[9, 10], ids=["stream9", "stream10"])
def fixture_host(request, images):
    live = LiveHost(f"fault-{WORKER}-{request.param}", request.param, images)
    yield live
    hosts.remove(live.host)


@pytest.fixture(name="host9")
def fixture_host9(images):
    live = LiveHost(f"fault-{WORKER}-9", 9, images)
    yield live
    hosts.remove(live.host)


@pytest.fixture(name="refused")
def fixture_refused():
    """Run something that must be refused: nothing on the host may change, and the message must say enough."""
    def refused(live, run, *says):
        before = live.fingerprint()
        result = run()
        assert result.get("failed") or "msg" in result, result
        for text in says:
            assert text in result["msg"], result["msg"]
        new = [line for line in live.fingerprint() if line not in before]
        assert [line for line in new if not line.startswith(NOT_A_CHANGE)] == []
        return result
    return refused
