# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers fetched from a real repository by a real dnf, from servers that behave and servers that do not."""

from __future__ import annotations

import gzip
import os
import pathlib
import random
import re

import pytest

from ansible_collections.centos.hyperscale.plugins.module_utils.packages import solver
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.keys import Ring
from ansible_collections.centos.hyperscale.plugins.module_utils.text import openpgp
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import fetch, headers
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text import pgpdata
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.hostlab import fired, silent

# What cannot be compressed, so that a package is far larger than its header.
NOISE = random.Random(1).randbytes(600_000).hex()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    hostlab.need("createrepo_c")
    pytest.importorskip("dnf", reason="python3-dnf is not importable by this interpreter")
    return hostlab.Workshop(tmp_path_factory.mktemp("builds"))


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    hostlab.need("gpg", "rpmsign")
    return hostlab.Signer(tmp_path_factory.mktemp("keys") / "gnupg")


@pytest.fixture(scope="module")
def large(workshop):
    return workshop.rpm("large", "1", files={"/usr/share/large": NOISE}, vendor=hostlab.SIG)


class Site:
    """A host, one repository on a server, and a folder that keeps headers."""

    def __init__(self, folder, workshop, *packages):
        self.folder = folder
        self.lab = hostlab.Lab(folder, workshop)
        self.repo = hostlab.Repository(folder / "repo", *packages)
        self.server = hostlab.Server(folder / "repo")
        self.cache = folder / "headers"
        self.cache.mkdir()
        self.bases = []

    def base(self, **options):
        """Return a Base that knows nothing of the ones before."""
        base = hostlab.open_base(self.lab, self.folder / f"dnf{len(self.bases)}", repo=(self.server.url, options))
        self.bases.append(base)
        self.server.forget()
        return base

    def fetch(self, name="large", ring_of=None, **options):
        """Fetch the header of one package."""
        base = self.base(**options)
        return fetch.fetch(base, hostlab.available(base, name), str(self.cache), ring_of)

    def header_end(self, name="large"):
        return headers.end(str(self.repo.package(name)))

    def edit_metadata(self, change):
        """Change what the metadata say of packages, and let them be whole again."""
        (primary,) = (self.folder / "repo/repodata").glob("*primary.xml.gz")
        text = change(gzip.decompress(primary.read_bytes()).decode())
        plain = self.folder / "primary.xml"
        plain.write_text(text)
        hostlab.call("modifyrepo_c", "--mdtype=primary", str(plain), str(self.folder / "repo/repodata"))

    def lie(self, end):
        """Let the metadata say that headers end elsewhere."""
        self.edit_metadata(lambda text: re.sub(r'(<rpm:header-range start="\d+" end=")\d+"', rf'\g<1>{end}"', text))

    def close(self):
        self.server.close()
        for base in self.bases:
            base.close()


@pytest.fixture
def site(tmp_path, workshop, large):
    one = Site(tmp_path, workshop, large)
    yield one
    one.close()


def asked_for(site):
    return [wanted for wanted, _sent in site.server.asked("large")]


def the_header(fetched, large):
    (entry,) = fetched.incoming
    assert entry.build == hostlab.build_of(large)


def test_a_range_brings_the_header_and_no_more(site, large):
    fetched = site.fetch()
    end = site.header_end()
    the_header(fetched, large)
    assert fetched.findings == []
    assert site.server.asked("large") == [(f"bytes=0-{end - 1}", end)]
    assert fetched.bytes_read == end
    assert fetched.bytes_offered == os.path.getsize(large) > 20 * end


def test_a_server_without_ranges_is_read_up_to_there(site, large):
    site.server.behave(ranges=False)
    fetched = site.fetch()
    the_header(fetched, large)
    assert fetched.findings == []
    assert fetched.bytes_read == site.header_end()
    # One request, and not a second one for the whole package.
    assert len(asked_for(site)) == 1


def test_reading_stops_when_the_header_is_there(site, monkeypatch):
    site.server.behave(ranges=False)
    asked = []
    real = fetch.open_url

    class Counted:
        def __init__(self, answer):
            self.answer = answer

        def read(self, size):
            asked.append(size)
            return self.answer.read(size)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.answer.close()

    monkeypatch.setattr(fetch, "open_url", lambda *args, **kwargs: Counted(real(*args, **kwargs)))
    site.fetch()
    assert sum(asked) == site.header_end()


def test_a_header_is_fetched_once(site, large):
    site.fetch()
    again = site.fetch()
    the_header(again, large)
    assert (again.bytes_read, again.from_cache, asked_for(site)) == (0, 1, [])


@pytest.mark.parametrize("spoil", [
    lambda data: b"", lambda data: data[:len(data) // 2], lambda data: b"rubbish" * 100,
    lambda data: data[:-40] + bytes([data[-40] ^ 0xFF]) + data[-39:]], ids=["empty", "half", "rubbish", "one byte"])
def test_a_spoilt_file_in_the_folder_is_not_trusted(site, large, spoil):
    site.fetch()
    (kept,) = site.cache.glob("*.hdr")
    good = kept.read_bytes()
    kept.write_bytes(spoil(good))
    again = site.fetch()
    the_header(again, large)
    # It is fetched anew, and nobody blames the repository.
    assert (again.findings, again.bytes_read, again.from_cache) == ([], len(good), 0)
    assert kept.read_bytes() == good


def test_another_package_under_the_digest_in_the_folder_is_not_trusted(site, large, workshop):
    site.fetch()
    (kept,) = site.cache.glob("*.hdr")
    kept.write_bytes(pathlib.Path(workshop.rpm("other")).read_bytes())
    again = site.fetch()
    the_header(again, large)
    assert (again.findings, again.from_cache) == ([], 0)


@pytest.mark.parametrize("end", [1, 200, 1000, 0, 10 ** 9], ids=["1", "200", "1000", "0", "beyond the package"])
def test_metadata_that_name_another_end_are_a_finding_and_the_package_is_read_whole(site, large, end):
    site.lie(end)
    fetched = site.fetch()
    the_header(fetched, large)
    finding = fired(fetched.findings, "metadata.wrong", "large", consumers=[])
    assert finding.before == end
    assert not finding.blocking
    assert fetched.bytes_read >= os.path.getsize(large)


def test_metadata_that_name_an_end_behind_the_header_are_a_finding(site, large):
    end = site.header_end()
    site.lie(end + 4000)
    fetched = site.fetch()
    the_header(fetched, large)
    assert str(end) in fired(fetched.findings, "metadata.wrong", "large").diagnosis
    assert fetched.bytes_read == end + 4000


def test_metadata_that_are_right_are_none(site):
    silent(site.fetch().findings, "metadata.wrong")


@pytest.mark.parametrize("spoil", ["flipped", "page", "nothing", 404, 500, 403, "reset", "truncate"])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_what_cannot_be_read_is_a_finding_and_no_exception(site, spoil, ranges):
    if spoil == "truncate" and not ranges:
        spoil = "nothing"  # half of the whole package still has its header
    site.server.behave(ranges=ranges, large=spoil)
    fetched = site.fetch(retries=1)
    assert fetched.incoming == []
    finding = fired(fetched.findings, "package.unreadable", "large", consumers=[])
    assert finding.after == "large-1-1.el9.noarch" and "of repo" in finding.diagnosis
    if isinstance(spoil, int):
        assert str(spoil) in finding.diagnosis
    assert list(site.cache.iterdir()) == []
    # Once the server is mended nothing of that is left.
    site.server.behave()
    silent(site.fetch().findings, "package.unreadable")


def test_one_bad_package_leaves_the_others(tmp_path, workshop, large):
    site = Site(tmp_path, workshop, large, workshop.rpm("small"))
    try:
        site.server.behave(large=404)
        base = site.base(retries=1)
        fetched = fetch.fetch(base, hostlab.available(base, "large", "small"), str(site.cache), None)
        assert [entry.build.name for entry in fetched.incoming] == ["small"]
        assert [finding.subject.name for finding in fetched.findings] == ["large"]
    finally:
        site.close()


def test_a_folder_that_cannot_be_written_costs_only_bytes(site, large):
    site.cache.rmdir()
    fetched = site.fetch()
    the_header(fetched, large)
    assert fetched.findings == [] and fetched.bytes_read >= os.path.getsize(large)


def test_a_repository_of_files_is_read_in_place(site, large):
    base = hostlab.open_base(site.lab, site.folder / "local", repo=(f"file://{site.folder}/repo", {}))
    site.bases.append(base)
    fetched = fetch.fetch(base, hostlab.available(base, "large"), str(site.cache), None)
    the_header(fetched, large)
    assert (fetched.findings, fetched.bytes_read) == ([], 0)


def test_a_proxy_of_the_repository_does_not_stay_in_the_environment(site, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://before.invalid")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    base = site.base()
    base.repos["repo"].proxy = "http://during.invalid"
    fetch.fetch(base, hostlab.available(base, "large"), str(site.cache), None)
    assert os.environ["http_proxy"] == "http://before.invalid" and "https_proxy" not in os.environ


# Signatures.


def broken(text):
    """Return a key with a subkey whose numbers are missing: rpm refuses the whole key."""
    (key,) = openpgp.read(text.encode()).keys
    part = pgpdata.packet(14, pgpdata.key_body(4, 1, b"\x08\x00")) + pgpdata.packet(2, pgpdata.signature_body(4, 0x18))
    return openpgp.read(b"".join(packet.raw for packet in key.packets) + part).keys[0].armoured()


@pytest.mark.parametrize(("signed_by", "keys", "words"), [
    ("sig", ["sig"], None),
    ("sig", ["other", "sig"], None),
    (None, ["sig"], "not signed"),
    ("other", ["sig"], "signed by key"),
    ("sig", [], "signed by key"),
    ("sig", ["rubbish"], "signed by key"),
    ("sig", ["broken"], "of this host refuses it: "),
], ids=["the key", "one of two keys", "unsigned", "another key", "no key", "what is no key", "a key that rpm refuses"])
def test_signatures(tmp_path, workshop, signer, large, signed_by, keys, words):
    (tmp_path / "signed").mkdir()
    path = signer.sign(large, signed_by, tmp_path / "signed") if signed_by else large
    made = {"rubbish": "no key at all", "broken": broken(signer.key("sig"))}
    ring = Ring([made.get(who) or signer.key(who) for who in keys], ["file:///key"], [])
    site = Site(tmp_path / "site", workshop, path)
    try:
        fetched = site.fetch(ring_of=lambda _repo: ring, gpgcheck=True)
        assert [entry.build.name for entry in fetched.incoming] == ["large"]
        if words is None:
            silent(fetched.findings, "signature.invalid")
            assert fetched.bytes_read < 20_000
        else:
            finding = fired(fetched.findings, "signature.invalid", "large", consumers=[])
            assert words in finding.diagnosis and finding.blocking
        # Where dnf does not look either, nobody is told.
        silent(site.fetch(ring_of=lambda _repo: ring, gpgcheck=False).findings, "signature.invalid")
    finally:
        site.close()


def test_a_key_that_is_not_where_the_repository_says(tmp_path, workshop, signer, large):
    (tmp_path / "signed").mkdir()
    site = Site(tmp_path / "site", workshop, signer.sign(large, "sig", tmp_path / "signed"))
    try:
        key = tmp_path / "key.asc"
        options = {"gpgcheck": True, "gpgkey": [f"file://{key}"]}
        base = site.base(**options)
        missing = fetch.fetch(
            base, hostlab.available(base, "large"), str(site.cache), fetch.rings_of(base, []))
        assert str(key) in fired(missing.findings, "signature.invalid", "large").diagnosis
        key.write_text(signer.key("sig"))
        base = site.base(**options)
        there = fetch.fetch(base, hostlab.available(base, "large"), str(site.cache), fetch.rings_of(base, []))
        assert there.findings == []
        # Keys that were given with the repository take the place of those it names.
        spec = solver.RepoSpec("repo", "", [signer.key("other")], "")
        given = fetch.fetch(base, hostlab.available(base, "large"), str(site.cache), fetch.rings_of(base, [spec]))
        fired(given.findings, "signature.invalid", "large")
    finally:
        site.close()


def test_a_spoilt_signature_in_the_folder_is_fetched_anew(tmp_path, workshop, signer, large):
    (tmp_path / "signed").mkdir()
    site = Site(tmp_path / "site", workshop, signer.sign(large, "sig", tmp_path / "signed"))
    try:
        ring = Ring([signer.key("sig")], ["file:///key"], [])
        site.fetch(ring_of=lambda _repo: ring, gpgcheck=True)
        (kept,) = site.cache.glob("*.hdr")
        good = kept.read_bytes()
        unsigned = pathlib.Path(large).read_bytes()
        kept.write_bytes(unsigned[:headers.end(large)])
        again = site.fetch(ring_of=lambda _repo: ring, gpgcheck=True)
        assert again.findings == [] and kept.read_bytes() == good
    finally:
        site.close()


def test_a_source_package_is_never_installed(tmp_path, workshop):
    spec = tmp_path / "a.spec"
    spec.write_text("Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\n%description\na\n")
    hostlab.call("rpmbuild", "-bs", "--quiet", "--define", f"_topdir {tmp_path}", "--define", f"_dbpath {tmp_path}/db", str(spec))
    (source,) = tmp_path.glob("SRPMS/*.rpm")
    with pytest.raises(headers.Unreadable, match="source package"):
        headers.read(str(source))
