# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own rules: names, specs, releases, and a server whose faults are what they say."""

from __future__ import annotations

import http.client
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from lab import common, debs, hosts, release, rpms, scriptlets, server  # noqa: E402


@pytest.mark.parametrize(("version", "upstream"), [
    ("1:6.14.2-1", "6.14.2"), ("254.26-1~bpo12+1", "254.26"), ("262.1-1", "262.1"), ("1.5.7+dfsg-1", "1.5.7"),
    ("252.39-1~deb12u2", "252.39"),
])
def test_upstream_version(version, upstream):
    assert debs.upstream(version) == upstream


def test_paths_go_to_who_takes_them_then_to_who_has_the_deb():
    packages = {"a": {"take": ["networkd"]}, "b": {"debs": ["x"]}, "c": {"debs": ["y"]}}
    origin = {"/usr/lib/networkd": "x", "/usr/lib/other": "x", "/usr/bin/y": "y"}
    assert rpms.assign(packages, origin) == {"a": ["/usr/lib/networkd"], "b": ["/usr/lib/other"], "c": ["/usr/bin/y"]}


def test_every_build_names_known_suites_and_repositories():
    rows = common.table()
    for row in rows["builds"]:
        assert row["suite"] in debs.SUITES
        assert row["repo"] in rpms.repositories(row["stream"])
        assert re.search(rf"\.el{row['stream']}(\.\d+)?$", row["release"])
        hyperscale = rpms.repositories(row["stream"])[row["repo"]]["vendor"] == "hyperscale"
        assert (".hs" in row["release"]) == hyperscale


def test_flavours_are_the_collections_own():
    assert [flavour.name for flavour in release.flavours(9)] == [
        "main", "experimental", "facebook", "spin", "hotfixes", "intel"]
    assert [flavour.name for flavour in release.flavours(10)] == [
        "main", "experimental", "facebook", "spin", "kernel", "asahi"]


def test_spec_says_what_the_table_says(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/x.conf").write_text("x")
    row = {"source": "x", "release": "1.hs.el9", "packages": {"x": {"requires": ["y = %{evr}"]}}}
    scripts = scriptlets.Scripts({"units": "x.service"}, {"x": {"post": "w", "triggerin -P 9 -- y < 1": "id", "post -e": "ls"}})
    text = rpms.spec_text(row, "1", "Somebody", tmp_path, {"x": ["/etc", "/etc/x.conf"]}, {"/etc/x.conf"}, scripts)
    assert "%global units x.service\n" in text and "%post -n x\nw\n%triggerin -P 9 -n x -- y < 1\nid\n%post -e -n x\nls\n" in text
    assert "Requires: y = %{evr}" in text and "Vendor: Somebody" in text
    assert '%config(noreplace) "/etc/x.conf"' in text
    assert '%dir "/etc"' not in text


@pytest.fixture(name="ask", scope="module")
def fixture_ask(tmp_path_factory):
    folder = tmp_path_factory.mktemp("www")
    (folder / "p.rpm").write_bytes(b"0123456789" * 500)
    (folder / "repodata").mkdir()
    (folder / "repodata/primary.xml.gz").write_bytes(b"x" * 1000)
    repository = folder / "SIGs/9-stream/hyperscale/x86_64/packages-main/repodata"
    repository.mkdir(parents=True)
    (repository / "repomd.xml").write_text("<repomd/>")
    web = server.Server(("127.0.0.1", 0), lambda *arguments: server.Handler(*arguments, folder=folder))
    threading.Thread(target=web.serve_forever, daemon=True).start()

    def ask(path, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", web.server_address[1], timeout=5)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    yield ask
    web.shutdown()


def test_ranges(ask):
    status, body, headers = ask("/p.rpm", {"Range": "bytes=10-19"})
    assert (status, body, headers["Content-Range"]) == (206, b"0123456789", "bytes 10-19/5000")
    assert ask("/p.rpm", {"Range": "bytes=9000-"})[0] == 416
    assert ask("/fault/norange/p.rpm", {"Range": "bytes=10-19"})[0] == 200


def test_nothing_outside_the_folder_is_served(ask):
    assert ask("/../../../../etc/passwd")[0] == 404
    assert ask("/%2e%2e/%2e%2e/etc/passwd")[0] == 404


def test_metalink_names_the_repository(ask):
    status, body, _headers = ask("/metalink?repo=centos-hyperscale-sig-packages-main-9-stream&arch=x86_64")
    assert status == 200 and b"packages-main/repodata/repomd.xml" in body
    assert ask("/metalink?repo=centos-hyperscale-sig-packages-main-8-stream&arch=x86_64")[0] == 404


@pytest.mark.parametrize(("kind", "path", "status"), [
    ("404-packages", "/p.rpm", 404), ("404-packages", "/repodata/primary.xml.gz", 200), ("500", "/p.rpm", 500),
    ("no-such-fault", "/p.rpm", 404),
])
def test_fault_status(ask, kind, path, status):
    assert ask(f"/fault/{kind}{path}")[0] == status


def test_fault_bodies(ask):
    assert len(ask("/fault/truncated-metadata/repodata/primary.xml.gz")[1]) == 500
    assert len(ask("/fault/wrong-size/p.rpm")[1]) == 6000
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        ask("/fault/reset/p.rpm")


@pytest.mark.parametrize("said", ["", "0", str(os.getpid())], ids=["nothing", "no process", "a process of something else"])
def test_a_host_whose_machine_was_restarted_is_not_up(monkeypatch, said):
    monkeypatch.setattr(subprocess, "run", lambda argv, **_more: subprocess.CompletedProcess(argv, 0, said, ""))
    assert not hosts._running(hosts.Host("h", 9, "g", "10.0.0.1", "image", "t"))
