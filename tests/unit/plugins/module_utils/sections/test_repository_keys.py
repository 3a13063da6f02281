# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pinned key where repositories name it, and its way into a real package database and out again."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import host_io
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed, Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import keys
from ansible_collections.centos.hyperscale.plugins.module_utils.sections.repositories import actions, key, release, section
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.keys import HYPERSCALE_KEY
from ansible_collections.centos.hyperscale.plugins.module_utils.text import openpgp
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text.pgpdata import (
    SIG, SIG_TEXT, armoured, key_body, packet, quantum_key, signature_body)

PINNED = HYPERSCALE_KEY.fingerprint
CANONICAL = openpgp.read(SIG).keys[0].armoured()
OTHER = armoured(packet(6, key_body(4, 1)) + packet(13, b"Other <other@example.org>"))
WANT = {name: option.get("default") for name, option in section.OPTIONS.items()} | {"flavours": ["main"]}


@pytest.fixture(autouse=True, scope="module")
def dnf():
    """Skips where dnf is missing: addresses of keys are read by it."""
    return pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")


class Site:
    """A root with key files, a package database of its own, and a server of the root's files."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.root.mkdir()
        self.database = folder / "rpm"
        self.database.mkdir()
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.target = host_io.Target(self._run, str(self.scratch), root=str(self.root))

    def _run(self, argv):
        done = subprocess.run(
            [argv[0], "--dbpath", str(self.database), *argv[1:]], check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def write(self, path, content):
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())

    def named(self, gpgkey, coming=None, **options):
        return list(key.named(self.target, dict(options, gpgkey=gpgkey), coming or {}, 9))

    def pinned(self, gpgkey):
        return key.pinned(self.target, PINNED, key.named(self.target, {"gpgkey": gpgkey}, {}, 9))

    def known(self):
        return [entry.key.fingerprint for entry in keys.in_rpm(self.target.probe)]


@pytest.fixture
def site(tmp_path):
    if not shutil.which("rpmkeys"):
        pytest.skip("rpmkeys is missing")
    return Site(tmp_path)


@pytest.fixture
def server(site):
    """A process of its own: libdnf holds Python's lock while it waits for an answer."""
    code = (
        "import functools, http.server, sys\n"
        "handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])\n"
        "served = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n"
        "print(served.server_address[1], flush=True)\nserved.serve_forever()\n")
    with subprocess.Popen(
            [sys.executable, "-c", code, str(site.root)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        yield f"http://127.0.0.1:{served.stdout.readline().strip()}"
        # A process that rpm was used in may hold other signals back, and so do its children.
        served.kill()


@pytest.mark.parametrize("between", [" ", ", ", ",", "\n", "\n  "])
@pytest.mark.parametrize("names", [["/k/other", "/k/sig"], ["/k/sig", "/k/other"], ["/k/none", "/k/other", "/k/sig"]])
def test_all_addresses_of_a_list_are_looked_at(site, between, names):
    site.write("/k/other", OTHER)
    site.write("/k/sig", SIG_TEXT)
    found = site.pinned(between.join(f"file://{name}" for name in names))
    assert found.text == CANONICAL and [action.subject for action in found.actions] == [PINNED]


def test_an_address_of_the_web_is_fetched_and_named(site, server):
    site.write("/k/sig", SIG_TEXT)
    assert site.pinned(f"file:///k/none {server}/k/sig").text == CANONICAL
    with pytest.raises(Refused) as caught:
        site.pinned(f"file:///k/none, {server}/k/missing {server}/")
    assert "file:///k/none: there is no such file" in str(caught.value)
    assert f"{server}/k/missing: it cannot be read" in str(caught.value)
    assert f"{server}/: it is not an OpenPGP public key" in str(caught.value)


@pytest.mark.parametrize("gpgkey", ["file:///k", "file:///k/sig/below"])
def test_what_is_no_file_is_told_of_and_the_next_is_read(site, gpgkey):
    site.write("/k/sig", SIG_TEXT)
    assert site.named(gpgkey)[0].trouble.startswith("it cannot be read: ")
    assert site.pinned(f"{gpgkey} file:///k/sig").text == CANONICAL


def test_an_address_is_read_through_the_proxy_of_the_repository(site):
    (source,) = site.named("http://mirror.invalid/key", proxy="http://127.0.0.1:9")
    assert source.data == b"" and "127.0.0.1" in source.trouble and source.where == "http://mirror.invalid/key"


def test_variables_of_an_address_are_those_of_dnf(site):
    site.write("/k/RPM-GPG-KEY-EPEL-9", OTHER)
    (one, two, three) = site.named(
        "file:///k/RPM-GPG-KEY-EPEL-$releasever_major file:///k/RPM-GPG-KEY-EPEL-$releasever file:///k/RPM-GPG-KEY-EPEL-${releasever}")
    assert one == two == three and one.data == OTHER.encode()


def test_files_of_packages_that_come_are_read_before_those_on_disk(site):
    site.write("/k/sig", OTHER)
    (source,) = site.named("file:///k/sig", {"/k/sig": SIG})
    assert source.data == SIG


@pytest.mark.parametrize("content", [SIG, SIG_TEXT.replace("\n", "\r\n")])
def test_a_binary_file_is_read_as_it_is(site, content):
    site.write("/k/sig", content)
    assert site.pinned("file:///k/sig").text == CANONICAL


@pytest.mark.parametrize(
    "content", [SIG_TEXT + armoured(quantum_key()), OTHER + SIG_TEXT, armoured(quantum_key() + SIG)],
    ids=["behind it", "before it", "in one block"])
def test_further_keys_of_a_file_are_told_and_not_imported(site, content):
    site.write("/k/sig", content)
    found = site.pinned("file:///k/sig")
    (action,), (warning,) = found.actions, found.warnings
    assert "file:///k/sig has keys besides the pinned one: " in warning and ("Other" in warning or "Post-quantum" in warning)
    action.apply(site.target)
    action.verify(site.target)
    assert site.known() == [PINNED] and list(site.scratch.iterdir()) == []
    again = site.pinned("file:///k/sig")
    assert again.actions == [] and again.text == CANONICAL and again.warnings == [warning]
    action.undo(site.target)
    assert site.known() == []
    with pytest.raises(Failed, match="does not list it"):
        action.verify(site.target)


def test_a_key_that_rpm_knows_need_not_be_where_the_repository_names_it(site):
    site.write("/k/sig", SIG_TEXT)
    site.pinned("file:///k/sig").actions[0].apply(site.target)
    for gpgkey in ("", "file:///k/none", "http://127.0.0.1:9/key"):
        found = site.pinned(gpgkey)
        assert found.actions == [] and openpgp.read(found.text.encode()).keys[0].fingerprint == PINNED
    removal = key.KeyRemoval(PINNED, "", {"fingerprint": PINNED, "key": CANONICAL}, "", "")
    removal.apply(site.target)
    removal.verify(site.target)
    with pytest.raises(Refused, match="the repository names no key, and rpm does not know the pinned one"):
        site.pinned("")


def test_a_pinned_key_that_rpm_refuses_is_refused_before_any_change(site):
    broken = SIG + packet(14, key_body(4, 1, b"\x08\x00")) + packet(2, signature_body(4, 0x18))
    site.write("/k/sig", armoured(broken))
    with pytest.raises(Refused, match=f"key {PINNED} .* of this host refuses it: .*import failed"):
        site.pinned("file:///k/sig")
    assert site.known() == []


@pytest.mark.parametrize(("on_disk", "given", "becomes"), [
    (None, None, CANONICAL), (None, OTHER + SIG_TEXT, CANONICAL),
    (SIG_TEXT, None, SIG_TEXT), (SIG_TEXT, OTHER + SIG_TEXT, SIG_TEXT),
    (OTHER + SIG_TEXT, None, OTHER + SIG_TEXT), (OTHER + SIG_TEXT, SIG_TEXT, CANONICAL), (OTHER, SIG_TEXT, CANONICAL),
])
def test_the_key_file_of_a_definition_gets_the_pinned_key_alone(site, on_disk, given, becomes):
    path = HYPERSCALE_KEY.path
    if on_disk:
        site.write(path, on_disk)
    want = dict(WANT, key=given)
    actions = section._key_file(site.target, want, key.Pinned(CANONICAL, [], []))
    for action in actions:
        action.apply(site.target)
    assert site.target.read(path).content == becomes
    assert bool(actions) is (on_disk != becomes)
    assert section._key_file(site.target, want, key.Pinned(CANONICAL, [], [])) == []


def test_keys_of_repositories_that_a_package_brings(tmp_path):
    text = (
        "[epel]\nname=EPEL\nbaseurl=http://a/\n"
        "gpgkey=file:///k/RPM-GPG-KEY-EPEL-$releasever_major,file:///k/second\n[off]\nenabled=0\nbaseurl=http://b/\n")
    contents = release.Contents(
        ["epel-release"], {"/etc/yum.repos.d/epel.repo": text},
        {"/k/RPM-GPG-KEY-EPEL-10": (OTHER + armoured(quantum_key())).encode(), "/k/second": SIG})
    (spec,) = section._other_specs(contents, [], 10)
    assert spec.id == "epel" and [str(one.version) for one in openpgp.read("".join(spec.keys).encode()).keys] == ["4", "6", "4"]


def codes(act):
    try:
        act()
    except (Failed, Refused) as raised:
        return [problem.code for problem in raised.problems]
    return []


def test_a_key_that_rpm_still_lists_is_erased_by_its_name(site):
    site.write("/k/sig", SIG_TEXT)
    site.pinned("file:///k/sig").actions[0].apply(site.target)
    removal = key.KeyRemoval(PINNED, "", {"fingerprint": PINNED, "key": CANONICAL}, "", "")
    assert codes(lambda: removal.verify(site.target)) == ["key.still_listed"]
    # The commands that the remedy names.
    for name in site.target.run(["rpm", "-qa", "gpg-pubkey*"]).split():
        site.target.run(["rpm", "-e", name])
    assert codes(lambda: removal.verify(site.target)) == []


def test_a_key_is_found_once_it_is_where_the_repository_names_it_or_given(site):
    assert codes(lambda: site.pinned("file:///k/sig")) == ["key.not_found"]
    assert codes(lambda: key.pinned(site.target, PINNED, [key.given(SIG_TEXT)])) == []
    site.write("/k/sig", SIG_TEXT)
    assert codes(lambda: site.pinned("file:///k/sig")) == []


def test_a_key_that_was_changed_is_accepted_once_its_fingerprint_is_pinned(site):
    site.write("/k/sig", OTHER)
    assert codes(lambda: site.pinned("file:///k/sig")) == ["key.not_pinned"]
    site.write("/k/sig", SIG_TEXT)
    assert codes(lambda: site.pinned("file:///k/sig")) == []


def test_a_text_that_is_no_key_is_given_anew():
    wants = [{**WANT, "key": "ssh-rsa AAAA"}]
    assert [problem.code for problem in section.validate(wants, 9)] == ["repository.key_text"]
    assert section.validate([{**WANT, "key": SIG_TEXT}], 9) == []


REPO = "[crb]\nname=CRB\nbaseurl=file:///x\n"


def test_a_repository_is_edited_once_a_file_defines_it(site):
    assert codes(lambda: actions.Edits(site.target, {}).set("crb", {"enabled": "1"}, "")) == ["repository.not_defined"]
    site.write("/etc/yum.repos.d/centos.repo", REPO)
    there = section.gather(site.target).files
    assert codes(lambda: actions.Edits(site.target, there).set("crb", {"enabled": "1"}, "")) == []


def test_a_repository_is_defined_once_no_other_file_does_so(site):
    site.write("/etc/yum.repos.d/mine.repo", REPO)
    refuse = section._refuse_second_definition
    assert codes(lambda: refuse("crb", "/etc/yum.repos.d/ours.repo", section.gather(site.target))) == [
        "repository.defined_elsewhere"]
    (site.root / "etc/yum.repos.d/mine.repo").rename(site.root / "mine.away")
    assert codes(lambda: refuse("crb", "/etc/yum.repos.d/ours.repo", section.gather(site.target))) == []
