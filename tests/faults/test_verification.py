# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction and proof on live hosts whose state, repositories or input are bad: a clear word, and never a pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import jsonschema
import pytest

from lab import calls, common, hosts, keys

from .conftest import TREE, repositories
from .test_refusals import MAIN, SYSTEMD, definition

OLD_TARGET = "[Unit]\nRequires=runlevel3.target\n"
WAIVER = {"by": "a test", "reason": "it is one"}
SETTING = "net.ipv4.conf.all.log_martians"


def predict(live, **more):
    """Predict the swap of systemd."""
    return live.module("dropin_info", {"repositories": [repositories()], "packages": SYSTEMD, **more})


def adopt(live, **variables):
    """Run the playbook on a host and return what it printed."""
    extra = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    return calls.run(
        ["ansible-playbook", "-i", str(live.inventory), "--limit", live.name, "centos.hyperscale.adopt", *extra], TREE,
        dict(os.environ, ANSIBLE_PIPELINING="1"))


def finding(result, check, name=None):
    """Return the findings of a check."""
    return [entry for entry in result["findings"] if entry["check"] == check and name in (None, entry["subject"]["name"])]


def test_prediction_leaves_nothing_on_the_host(host):
    before = host.fingerprint()
    result = predict(host)
    assert result["verdict"] == "drop_in_with_notes", result["text"]
    assert [check for check in result["report"]["checks"] if check["status"] == "error"] == []
    assert host.fingerprint() == before


def test_a_kernel_setting_of_the_run_time_is_told_before_and_after(host):
    host.write("/etc/sysctl.d/60-local.conf", f"{SETTING} = 1\n")
    host.command("sysctl", "--quiet", "--write", f"{SETTING}=0")
    [foretold] = finding(predict(host), "sysctl.reset", SETTING)
    assert (foretold["before"], foretold["after"]) == ("0", "1")
    names = host.command("rpm", "-qa", "--qf", "%{NAME}\n", "systemd*").split()
    host.module("host_snapshot", {"id": "before", "names": names})
    assert host.adopt()["changed"]
    assert host.command("sysctl", "--values", SETTING) == "1"
    [seen] = finding(host.module("proof_info", {"snapshot": "before"}), "sysctl.reset", SETTING)
    assert seen["key"] == foretold["key"]
    host.module("converge", {"state": "undone"})
    back = host.module("proof_info", {"snapshot": "before", "phase": "rollback"})
    assert [one["check"] for one in back["findings"] if one["subject"]["name"] == SETTING] == ["sysctl.reset"]


def test_adopt_stops_at_a_blocking_finding_and_goes_on_with_waivers(host9):
    host9.write("/etc/systemd/system/needs-old.target", OLD_TARGET)
    before = host9.fingerprint()
    stopped = adopt(host9)
    assert stopped.returncode != 0 and "Nothing was changed" in stopped.stdout, stopped.stdout
    assert "needs-old.target" in stopped.stdout
    assert host9.fingerprint() == before
    keys_found = [entry["key"] for entry in predict(host9)["findings"] if entry["blocking"]]
    past = [{**WAIVER, "key": key, "until": "2020-01-01"} for key in keys_found]
    result = predict(host9, waivers=past, fail_on="blocking")
    assert "msg" in result and len(finding(result, "waiver.expired")) == len(keys_found)
    good = [{**WAIVER, "key": key, "until": "2099-01-01"} for key in keys_found]
    assert "msg" not in predict(host9, waivers=good, fail_on="blocking")


@pytest.mark.parametrize("waiver", [
    {**WAIVER, "key": "no key", "until": "2099-01-01"},
    {**WAIVER, "key": "0" * 16, "until": "some day"},
    {**WAIVER, "key": "0" * 16, "until": "2099-01-01", "reason": " "},
])
def test_waiver_that_is_none(host9, refused, waiver):
    refused(host9, lambda: predict(host9, waivers=[waiver]), "waiver 1")


@pytest.mark.parametrize("fault", [f"http://{hosts.GATEWAY}:9", f"{hosts.SERVER}/fault/truncated-metadata"])
def test_repository_that_cannot_be_read_is_unknown(host9, fault):
    result = predict(host9, repositories=[definition(MAIN) | {"baseurl": fault + MAIN}])
    assert result["verdict"] == "unknown", result["text"]
    assert finding(result, "plan.refused") and result["reached"]["blocking"]


@pytest.mark.parametrize(("fault", "verdict"), [("norange", "drop_in_with_notes"), ("404-packages", "unknown")])
def test_servers_that_do_not_serve_headers_alone(host9, fault, verdict):
    result = predict(host9, repositories=[definition(f"/fault/{fault}{MAIN}")])
    assert result["verdict"] == verdict, result["text"]
    cost = result["report"]["cost"]
    assert cost["bytes_read"] < cost["bytes_offered"] / 10


def test_signature_of_another_key(host9):
    result = predict(host9, repositories=[definition("/otherkey" + MAIN)])
    assert result["verdict"] == "not_drop_in"
    assert {entry["blocking"] for entry in finding(result, "signature.invalid")} == {True}
    assert keys.fingerprint("other")[-16:].lower() in result["text"]


def test_solver_that_says_no_is_a_finding_with_its_reason(host9):
    host9.command("dnf", "-y", "-q", "install", "systemd-oomd")
    result = predict(host9)
    assert result["verdict"] == "not_drop_in"
    hidden = finding(result, "build.hidden", "systemd-oomd")
    assert hidden and hidden[0]["blocking"] and "none obsoletes it" in hidden[0]["diagnosis"]
    assert result["report"]["packages"], "the wanted builds are compared all the same"


def test_what_was_broken_before_is_told_apart(host9, tmp_path):
    for name, requires in (("was-broken", "nothing-provides-this"), ("breaks-now", "systemd = 252")):
        spec = tmp_path / f"{name}.spec"
        spec.write_text(
            f"Name: {name}\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\nRequires: {requires}\n"
            "%description\nx\n%files\n")
        common.run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path}", spec])
        host9.put(next(tmp_path.rglob(f"{name}-1-1.noarch.rpm")), f"/srv/{name}.rpm")
        host9.command("rpm", "-i", "--nodeps", f"/srv/{name}.rpm")
    result = predict(host9)
    unsolvable = finding(result, "transaction.unsolvable")[0]
    said, _words, before = unsolvable["diagnosis"].partition("Without the swap")
    assert "breaks-now-1-1.noarch" in said and "breaks-now" not in before and "nothing-provides-this" in before
    assert [entry["subject"]["name"] for entry in finding(result, "dependent.broken")] == ["breaks-now"]
    broken = finding(result, "installed.broken")
    assert [(entry["subject"]["name"], entry["baseline"], entry["blocking"]) for entry in broken] == [("was-broken", True, False)]


def test_package_database_that_is_broken(host9):
    host9.command("systemctl", "stop", "systemd-logind")
    host9.command("dd", "if=/dev/zero", "of=/var/lib/rpm/rpmdb.sqlite", "bs=4096", "count=8", "conv=notrunc")
    result = predict(host9)
    assert result.get("verdict", "unknown") == "unknown", result
    said = result.get("text", "") + result.get("msg", "")
    assert "/var/lib/rpm" in said and "Traceback" not in said, said


def test_headers_are_kept_where_that_is_asked_for(host9):
    first, second = (predict(host9, cache="/var/cache/hyperscale-headers") for _time in range(2))
    assert first["report"]["cost"]["from_cache"] == 0 < second["report"]["cost"]["from_cache"]
    assert second["report"]["cost"]["bytes_read"] == 0
    assert [entry["key"] for entry in first["findings"]] == [entry["key"] for entry in second["findings"]]


def test_proof_tells_damage_that_nobody_foresaw(host):
    snapshot = host.module("host_snapshot", {"names": ["systemd", "ethtool"]})
    before = host.module("proof_info", {"fail_on": "high"})
    assert before["verdict"] == "drop_in", before["text"]
    host.command("systemctl", "stop", "dbus.service", "dbus.socket")
    host.command("truncate", "--size", "10", "/usr/sbin/ethtool")
    after = host.module("proof_info", {"snapshot": snapshot["id"], "fail_on": "unforeseen"})
    assert "msg" in after
    assert finding(after, "unit.stopped", "dbus.socket")
    assert finding(after, "verify.differs", "/usr/sbin/ethtool") and finding(after, "smoke.failed")
    jsonschema.validate(after["report"], json.loads((TREE / "docs" / "dropin-report.schema.json").read_text()))


def test_what_a_lost_controller_did_not_prove_the_next_run_proves(host9, tmp_path):
    controller = subprocess.Popen(
        ["ansible-playbook", "-i", str(host9.inventory), "--limit", host9.name, "centos.hyperscale.adopt"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TREE, start_new_session=True)
    for _tenth in range(600):
        if hosts.command(host9.host, ["test", "-d", "/var/lib/centos-hyperscale/runs"]).returncode == 0:
            break
        time.sleep(0.1)
    os.killpg(controller.pid, signal.SIGKILL)
    controller.wait()
    result = adopt(host9, hyperscale_reports=tmp_path)
    assert result.returncode == 0, result.stdout
    proof = json.loads((tmp_path / f"{host9.name}.proof.json").read_text())
    assert proof["joined"]["not_predicted"] == [] and len(proof["joined"]["happened"]) > 100
    assert host9.command("find", "/var/lib/centos-hyperscale/snapshots", "-name", "proven")
    assert ".hs." in host9.release() and host9.state() == "running"


def test_a_disk_too_full_for_the_snapshot(host9):
    host9.command("mkdir", "-p", "/var/lib/centos-hyperscale")
    host9.command("mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", "/var/lib/centos-hyperscale")
    stopped = adopt(host9)
    assert stopped.returncode != 0 and "No space left on device. Nothing was changed" in stopped.stdout + stopped.stderr
    assert "252-51" in host9.release()
    assert host9.command("find", "/var/lib/centos-hyperscale/snapshots", "-mindepth", "1") == ""


def test_proof_without_a_snapshot(host9, refused):
    refused(host9, lambda: host9.module("proof_info", {}), "snapshot")


def test_second_run_after_a_cut_snapshot(host9):
    taken = host9.module("host_snapshot", {"names": ["systemd"]})
    host9.command("rm", taken["path"] + "/manifest.json")
    result = host9.module("proof_info", {"snapshot": taken["id"]})
    assert taken["id"] in result["msg"]
