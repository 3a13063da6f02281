# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host images of a registry: pulled, built by dnf inside of them, and a scenario on hosts of them.

The registry is of this machine, and what is missing there cannot be had elsewhere.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import __main__ as lab_commands  # noqa: E402
from lab import common, debs, hosts, images, pulled, registry  # noqa: E402

SCENARIO = "repos"
CHOICE = "HYPERSCALE_LAB_IMAGES"


@pytest.fixture(name="served", scope="module")
def fixture_served():
    """A registry with a base image of each stream, which podman asks. What was pulled and built goes in the end."""
    earlier = set((common.ROOT / "images").glob("registry-*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CHOICE, "standin")
        stand_ins = lab_commands.build()
        served = registry.Registry(debs.Apt(), hosts.LOOPBACK)
        patch.setenv(pulled.CONFIGURATION, str(served.configuration))
        patch.setenv(CHOICE, "registry")
        served.start()
        try:
            for stream, image in stand_ins.items():
                served.push(stream, image)
            yield served
        finally:
            served.stop()
            subprocess.run(["podman", "rmi", "--force", *pulled.REGISTRY.values()], capture_output=True, check=False)
            forget()
            for folder in set((common.ROOT / "images").glob("registry-*")) - earlier:
                shutil.rmtree(folder)
            shutil.rmtree(served.folder)


def forget():
    """Have no answer kept."""
    for path in common.ROOT.glob("registry-*.json"):
        path.unlink()


def image(stream):
    """Return the host image of a stream."""
    return images.image(stream, debs.Apt(), hosts.mirror())


def rpm(root, *arguments):
    """Return what the rpm of a root says."""
    return subprocess.run(["chroot", root, "rpm", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture(name="asked_anew")
def fixture_asked_anew():
    """Have no answer kept, before and after."""
    forget()
    yield
    forget()


@pytest.mark.parametrize("stream", common.STREAMS)
def test_dnf_in_the_image_installs_what_a_host_needs(served, stream):
    found = image(stream)
    assert (found.kind, found.words) == ("registry", f"{pulled.REGISTRY[stream]} from the registry")
    # The base image has no ssh server: it came from the repositories that the image names, signed.
    assert rpm(found.root, "-q", "--qf", "%{VENDOR}", "openssh-server") == "CentOS"
    assert rpm(found.root, "-V", "openssh-server") == ""
    # The list of transactions is cut to the width of a terminal.
    last = subprocess.run(
        ["chroot", found.root, "dnf", "--cacheonly", "history", "info"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "-y install systemd openssh-server" in last
    assert (found.root / "etc/machine-id").read_text() == ""
    assert found.mirrored


def test_a_second_call_builds_nothing(served, capfd):
    first = image(9)
    capfd.readouterr()
    assert image(9) == first
    assert "building" not in capfd.readouterr().err


def test_another_image_under_the_tag_is_another_host_image(served, asked_anew):
    first = image(9)
    name = f"{served.address}/centos/{pulled.REGISTRY[9].rpartition('/')[2]}"
    (served.folder / "Containerfile").write_text(f"FROM {pulled.REGISTRY[9]}\nRUN touch /moved\n")
    common.run(["podman", "build", "--isolation=chroot", "--quiet", "--tag", name, served.folder])
    common.run(["podman", "push", "--quiet", "--tls-verify=false", name])
    common.run(["podman", "rmi", name])
    forget()
    second = image(9)
    assert second.root != first.root and (second.root / "moved").exists()


def test_a_tag_that_is_not_there_is_told(served, asked_anew, monkeypatch):
    monkeypatch.setitem(pulled.REGISTRY, 9, "quay.io/centos/centos:stream9-nowhere")
    with pytest.raises(common.LabError, match=r"stream9-nowhere cannot be pulled: .*manifest unknown") as refused:
        image(9)
    assert "allow the stand-in: unset HYPERSCALE_LAB_IMAGES" in str(refused.value)


def test_a_registry_that_is_down_is_told_and_one_that_is_back_is_asked(served, asked_anew, monkeypatch):
    served.stop()
    try:
        with pytest.raises(common.LabError, match=r"cannot be pulled: .*connection refused") as refused:
            image(9)
        assert f"See that 'podman pull {pulled.REGISTRY[9]}' works on this machine" in str(refused.value)
        monkeypatch.setenv(CHOICE, "auto")
        assert image(9).kind == "standin"
    finally:
        served.start()
    # Where a stand-in does, the answer is kept. Where it does not, none is.
    assert image(9).kind == "standin"
    monkeypatch.setenv(CHOICE, "registry")
    assert image(9).kind == "registry"


def test_a_repository_that_fails_ends_the_build_with_what_dnf_says(served, monkeypatch):
    monkeypatch.setattr(pulled, "CONTAINERFILE", pulled.CONTAINERFILE.replace("dnf -y install", "dnf -y install no-such-package"))
    with pytest.raises(common.LabError, match="Unable to find a match: no-such-package"):
        image(9)


def test_a_scenario_runs_on_hosts_of_it(served):
    environment = {**os.environ, "PATH": f"{TREE}/.venv/bin:{os.environ['PATH']}"}
    result = subprocess.run(
        ["molecule", "test", "-s", SCENARIO], cwd=TREE, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    print(result.stdout)
    assert result.returncode == 0 and " passed" in result.stdout
