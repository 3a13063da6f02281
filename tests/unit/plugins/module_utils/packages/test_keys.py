# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinned keys, and packages held against the keys of their repository by the machine's own rpm."""

from __future__ import annotations

import pathlib
import shutil

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import process
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Refused
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import keys
from ansible_collections.centos.hyperscale.plugins.module_utils.tables.keys import HYPERSCALE_KEY
from ansible_collections.centos.hyperscale.plugins.module_utils.text import openpgp
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.text.pgpdata import (
    SIG, SIG_TEXT, armoured, key_body, packet, quantum_key, signature_body)
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify import hostlab

PINNED = HYPERSCALE_KEY.fingerprint
CANONICAL = openpgp.read(SIG).keys[0].armoured()
OTHER = armoured(packet(6, key_body(4, 1)) + packet(13, b"Other <other@example.org>"))
# A subkey whose numbers are not there: each rpm so far refuses the whole key.
BROKEN_PART = packet(14, key_body(4, 1, b"\x08\x00")) + packet(2, signature_body(4, 0x18))
TOOLS = ("rpmkeys", "rpmbuild", "rpmsign", "gpg")


def source(text, where="file:///etc/key"):
    return keys.Source(where, text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("text", [
    SIG_TEXT, SIG, SIG_TEXT + armoured(quantum_key()), armoured(quantum_key()) + SIG_TEXT, OTHER + SIG_TEXT,
    armoured(quantum_key() + SIG), SIG_TEXT.replace("\n", "\r\n"),
])
def test_the_pinned_key_alone_is_taken(text):
    assert keys.pinned([source(text)], PINNED) == CANONICAL


@pytest.mark.parametrize("first", [
    source(OTHER, "https://a/key"), source("no key"), source(SIG_TEXT[:400]),
    keys.Source("https://a/key", b"", "it is not there"),
])
def test_all_sources_are_looked_at_until_one_has_it(first):
    def sources():
        yield first
        yield source(SIG_TEXT)
        raise AssertionError("nobody needs a third")

    assert keys.pinned(sources(), PINNED) == CANONICAL


@pytest.mark.parametrize(("sources", "says"), [
    ([source(OTHER, "https://a/key")], ["https://a/key", "(Other <other@example.org>)", f"not the pinned {PINNED}"]),
    ([source(OTHER, "https://a/key"), source(armoured(quantum_key()), "https://b/key")],
     ["the key at https://a/key, https://b/key", "Other", "Post-quantum", f"not the pinned {PINNED}"]),
    ([source("<html>"), source(SIG_TEXT[:400], "https://b/key")],
     ["file:///etc/key: it is not an OpenPGP public key", "https://b/key: it is cut off", PINNED]),
    ([keys.Source("https://a/key", b"", "it cannot be read from this host: refused"), source(OTHER)],
     ["https://a/key: it cannot be read from this host: refused", "file:///etc/key: its fingerprint is"]),
    ([], ["the repository names no key"]),
])
def test_each_address_is_named_where_none_has_the_pinned_key(sources, says):
    with pytest.raises(Refused) as caught:
        keys.pinned(sources, PINNED)
    assert [word for word in says if word not in str(caught.value)] == []


def test_a_key_id_alone_pins_nothing():
    """A key that ends with the same digits is another key."""
    with pytest.raises(Refused, match="not the pinned"):
        keys.pinned([source(SIG_TEXT)], "0" * 24 + PINNED[-16:])


def test_keys_of_the_package_database_are_told_apart_by_the_whole_fingerprint():
    described = [("gpg-pubkey-eb3dac40-60053dd1 eb3dac40", SIG_TEXT), ("gpg-pubkey-00000000-1 00000000", OTHER)]
    out = "".join(f"{head}\n{text}\n" for head, text in described)
    found = keys.in_rpm(lambda argv: (0, out))
    assert [(entry.package, entry.key.fingerprint) for entry in found] == [("gpg-pubkey-eb3dac40-60053dd1", PINNED)]
    assert keys.in_rpm(lambda argv: (1, "package gpg-pubkey is not installed\n")) == []
    with pytest.raises(OSError, match="cannot be read: no database"):
        keys.in_rpm(lambda argv: (1, "no database\n"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Packages and keys; skips where the tools are missing."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip("tools to sign packages are missing: " + ", ".join(missing))
    return Shop(tmp_path_factory.mktemp("shop"))


class Shop:
    """A package without a signature, one by the key of "sig", and one that was changed afterwards."""

    def __init__(self, folder):
        self.signer = hostlab.Signer(folder / "gpg")
        spec = folder / "a.spec"
        spec.write_text(
            "Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\n%description\na\n%files\n")
        hostlab.call(
            "rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", "--define", f"_dbpath {folder}/db", str(spec))
        (plain,) = folder.glob("RPMS/*/*.rpm")
        (folder / "signed").mkdir()
        self.packages = {"plain": str(plain), "signed": self.signer.sign(str(plain), "sig", folder / "signed")}
        changed = pathlib.Path(self.packages["signed"]).read_bytes()
        self.packages["changed"] = str(folder / "changed.rpm")
        pathlib.Path(self.packages["changed"]).write_bytes(changed[:-1] + bytes([changed[-1] ^ 1]))
        (folder / "rubbish.rpm").write_text("<html>not found</html>\n")
        self.packages["rubbish"] = str(folder / "rubbish.rpm")

    def key(self, who="sig", more=b""):
        """Return somebody's key with some packets behind it."""
        return openpgp.read(self._data(who) + more).keys[0].armoured()

    def _data(self, who):
        return b"".join(packet.raw for packet in openpgp.read(self.signer.key(who).encode()).keys[0].packets)

    def check(self, name, texts, tmp_path, named=("file:///etc/key",), faults=()):
        """Return what a package is refused for; empty when it is not."""
        try:
            keys.check_packages(
                {self.packages[name]: "a-1-1.noarch"}, keys.Ring(list(texts), list(named), list(faults)), "repo", str(tmp_path))
        except Refused as refused:
            (problem,) = refused.problems
            assert problem.fact == "package a-1-1.noarch of repository repo"
            assert problem.remedy.startswith("Nothing was installed. ")
            return problem
        return None


def test_a_package_by_one_of_the_keys_passes(shop, tmp_path):
    assert shop.check("signed", [shop.key()], tmp_path) is None
    assert shop.check("signed", [shop.key("other"), openpgp.read(quantum_key()).keys[0].armoured(), shop.key()], tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "who", "more", "says"), [
    ("signed", ["other"], {}, ["it is signed by key ", "not one of the repository's own key: ", "(other <other@example.org>)"]),
    ("signed", [], {}, ["there is none"]),
    ("signed", [], {"named": []}, ["names no key (gpgkey), and rpm knows none"]),
    ("signed", ["other"], {"named": []}, ["names no key (gpgkey), and that one is not among the keys that rpm knows"]),
    ("signed", ["other"], {"faults": ["https://a/key: it cannot be read"]}, ["not all keys", "https://a/key: it cannot be read"]),
    ("plain", ["sig"], {}, ["it is not signed"]),
    ("plain", [], {"named": []}, ["it is not signed"]),
    ("changed", ["sig"], {}, ["it is damaged or was changed: ", "BAD"]),
    ("changed", [], {}, ["it is damaged or was changed: "]),
    ("rubbish", ["sig"], {}, ["it is damaged or was changed: "]),
])
def test_why_a_package_is_refused(shop, tmp_path, name, who, more, says):
    problem = shop.check(name, [shop.key(one) for one in who], tmp_path, **more)
    assert [word for word in says if word not in problem.reason] == []


def test_a_key_that_rpm_refuses_is_the_reason_and_not_the_signer(shop, tmp_path):
    broken = shop.key(more=BROKEN_PART)
    assert "import failed" in keys.refusal(broken, str(tmp_path)) and keys.refusal(shop.key(), str(tmp_path)) == ""
    problem = shop.check("signed", [shop.key("other"), broken], tmp_path)
    (key,) = openpgp.read(broken.encode()).keys
    assert f"key {key} made its signature, and rpm " in problem.reason and "of this host refuses it: " in problem.reason
    assert "own key" not in problem.reason and str(tmp_path) not in problem.reason
    # A key that is refused and made no signature here is in nobody's way.
    assert shop.check("signed", [shop.key("other", BROKEN_PART), shop.key()], tmp_path) is None


def test_a_key_of_a_newer_version_needs_a_newer_rpm(tmp_path):
    (key,) = openpgp.read(quantum_key()).keys
    said = keys.refusal(key.armoured(), str(tmp_path))
    problem = keys.refused(key, said)
    assert said and key.fingerprint in problem.fact and said in problem.reason and "newer rpm" in problem.remedy


def test_rpmkeys_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "run", lambda *_arguments: (process.NOT_RUN, "No such file or directory"))
    with pytest.raises(Refused, match="rpmkeys cannot be run on this host: No such file"):
        keys.refusal(SIG_TEXT, str(tmp_path))


def test_a_signature_that_counts_for_nothing_is_told(shop, tmp_path, monkeypatch):
    (key,) = openpgp.read(shop.key().encode()).keys
    ring = keys.Ring([shop.key()], ["file:///etc/key"], [])
    assert keys.unaccepted("package a", key.fingerprint[-16:], ring, str(tmp_path)).code == "package.signature_wrong"
    said = "    Header V4 RSA/SHA1 Signature, key ID eb3dac40: NOTTRUSTED\n"
    plain = keys._rpmkeys
    monkeypatch.setattr(
        keys, "_rpmkeys", lambda store, *words: (1, said) if "--checksig" in words else plain(store, *words))
    assert shop.check("signed", [shop.key()], tmp_path).code == "package.signature_not_accepted"
    monkeypatch.setattr(keys, "_rpmkeys", plain)
    # Another build, whose signature rpm accepts.
    assert shop.check("signed", [shop.key()], tmp_path) is None


# By code: the package and what the ring has, and what is done about it.
REMEDIES = {
    "package.key_not_named": ("signed", [], {"named": []}, ("sig",)),
    "package.keys_unreadable": ("signed", [], {"faults": ["https://a/key: it cannot be read"]}, ("sig",)),
    "package.not_signed": ("plain", ["sig"], {}, ("sig",)),
    "package.signed_by_another_key": ("signed", ["other"], {}, ("sig",)),
    "package.damaged": ("changed", ["sig"], {}, ("sig",)),
}


@pytest.mark.parametrize("code", REMEDIES)
def test_a_package_is_taken_once_its_key_is_there_or_the_file_is_whole(shop, tmp_path, code):
    name, who, more, then = REMEDIES[code]
    assert shop.check(name, [shop.key(one) for one in who], tmp_path, **more).code == code
    # The package from its builder, signed, in place of one that was changed or never signed.
    assert shop.check("signed", [shop.key(one) for one in then], tmp_path) is None


def test_a_key_that_rpm_refuses_is_had_in_another_form(shop, tmp_path):
    (broken,) = openpgp.read(shop.key(more=BROKEN_PART).encode()).keys
    assert keys.refused(broken, keys.refusal(broken.armoured(), str(tmp_path))).code == "key.refused_by_rpm"
    assert shop.check("signed", [broken.armoured()], tmp_path).code == "package.signed_by_refused_key"
    # The form of the same key that rpm takes.
    assert keys.refusal(shop.key(), str(tmp_path)) == ""
    assert shop.check("signed", [shop.key()], tmp_path) is None


def test_an_rpmkeys_that_is_installed_again_runs(tmp_path, monkeypatch):
    plain = process.run
    monkeypatch.setattr(process, "run", lambda *_arguments: (process.NOT_RUN, "No such file or directory"))
    with pytest.raises(Refused) as refused:
        keys.refusal(SIG_TEXT, str(tmp_path))
    assert [problem.code for problem in refused.value.problems] == ["rpm.rpmkeys_not_run"]
    monkeypatch.setattr(process, "run", plain)
    assert keys.refusal(openpgp.read(SIG).keys[0].armoured(), str(tmp_path)) == ""
