# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that a Stream host meets, as Debian packages them, on the rpm of Stream 9 and on that of both host images.

The pinned fingerprint is held against the SIG's key there. What rpm takes and refuses is rpm's own word.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import common, debs, versions  # noqa: E402

from ansible_collections.centos.hyperscale.plugins.module_utils.tables.keys import HYPERSCALE_KEY  # noqa: E402

from .test_config_fate_images import image_root  # noqa: E402

PACKAGE, SUITES = "distribution-gpg-keys", ("trixie", "unstable")
SIG_KEY = "RPM-GPG-KEY-CentOS-SIG-HyperScale"
# Keys of what a Stream host has enabled or may enable; the names are those of the package.
OFFICIAL, OFFICIAL_SHA256 = "RPM-GPG-KEY-CentOS-Official", "RPM-GPG-KEY-CentOS-Official-SHA256"
QUANTUM = "RPM-GPG-KEY-centosofficial-PQC"
MET = (
    OFFICIAL, OFFICIAL_SHA256, QUANTUM, "RPM-GPG-KEY-CentOS-SIG-Extras", SIG_KEY,
    "RPM-GPG-KEY-CentOS-SIG-Kmods", "RPM-GPG-KEY-CentOS-SIG-Core", "RPM-GPG-KEY-CentOS-SIG-Cloud", "RPM-GPG-KEY-CentOS-SIG-ISA",
    "RPM-GPG-KEY-CentOS-SIG-NFV", "RPM-GPG-KEY-CentOS-SIG-OpsTools", "RPM-GPG-KEY-CentOS-SIG-Storage",
    "RPM-GPG-KEY-CentOS-SIG-Virtualization", "RPM-GPG-KEY-CentOS-SIG-Messaging", "RPM-GPG-KEY-CentOS-SIG-Proposed-Updates",
    "RPM-GPG-KEY-CentOS-SIG-Automotive", "RPM-GPG-KEY-CentOS-SIG-AltImages", "RPM-GPG-KEY-EPEL-9", "RPM-GPG-KEY-EPEL-10")
# Begin of rpm's version -> what it refuses of those: keys of version 6; since 4.20, self-signatures by SHA-1 as well.
REFUSED = {"4.16.": {QUANTUM}, "4.18.": {QUANTUM}, "4.20.": {QUANTUM, OFFICIAL}}
# Files made of the above, and the keys of version 4 in them.
MADE = {
    "made-sig-quantum": (SIG_KEY,), "made-quantum-sig": (SIG_KEY,), "made-cut-sig": (SIG_KEY,),
    "made-official-sig": (OFFICIAL_SHA256, SIG_KEY)}
SPEC = "Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\n%description\na\n%files\n"


@pytest.fixture(scope="module", name="shipped", params=SUITES)
def fixture_shipped(request, tmp_path_factory):
    """The key files for CentOS and EPEL in the package of a suite. It is fetched by apt, and not installed."""
    return unpacked(request.param, tmp_path_factory.mktemp("shipped"))


def unpacked(suite, folder):
    """Return a folder with the key files of a suite's package, links replaced by what they lead to."""
    apt = debs.Apt()
    path = apt.download(PACKAGE, apt.version(PACKAGE, suite))
    subprocess.run(["dpkg-deb", "-x", str(path), str(folder / "tree")], check=True)
    files = folder / "files"
    files.mkdir()
    for owner in ("centos", "epel"):
        for key in sorted((folder / f"tree/usr/share/distribution-gpg-keys/{owner}").iterdir()):
            if not key.is_symlink():
                shutil.copy(key, files)
    return files


def listed(path, home):
    """Return the fingerprints of the primary keys in a file, as gpg reads it; it passes over what is not of version 4."""
    out = subprocess.run(
        ["gpg", "--homedir", str(home), "--batch", "--show-keys", "--with-colons", str(path)], check=False, capture_output=True,
        text=True).stdout.splitlines()
    return [after.split(":")[9] for line, after in zip(out, out[1:]) if line.startswith("pub:")]


def test_the_pinned_fingerprint_is_that_of_the_key_of_the_sig(shipped, tmp_path):
    holding = {path.name: listed(path, tmp_path) for path in shipped.iterdir()}
    assert holding[SIG_KEY] == [HYPERSCALE_KEY.fingerprint]
    assert [name for name, found in holding.items() if HYPERSCALE_KEY.fingerprint in found] == [SIG_KEY]
    assert HYPERSCALE_KEY.path.endswith(f"/{SIG_KEY}") and HYPERSCALE_KEY.url.endswith(f"/{SIG_KEY}")
    assert set(MET) <= set(holding)


@pytest.fixture(scope="module", name="files")
def fixture_files(tmp_path_factory):
    """Key files as shipped, and the SIG's key with others in one file and in one block."""
    folder = unpacked(SUITES[-1], tmp_path_factory.mktemp("files"))
    sig, quantum, official = ((folder / name).read_bytes() for name in (SIG_KEY, QUANTUM, OFFICIAL_SHA256))
    (folder / "made-sig-quantum").write_bytes(sig + quantum)
    (folder / "made-quantum-sig").write_bytes(b"All keys of the SIG\r\n\r\n" + quantum + sig.replace(b"\n", b"\r\n"))
    (folder / "made-official-sig").write_bytes(official + sig)
    (folder / "made-cut-sig").write_bytes(quantum[:1000] + b"\n" + sig)
    return folder


@pytest.fixture(scope="module", name="packages")
def fixture_packages(tmp_path_factory):
    """A package signed by a key whose self-signature is by SHA-1, and one by an ordinary key; their keys beside them."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "a.spec").write_text(SPEC)
    home = folder / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-permission-warning"]
    common.run(["rpmbuild", "-bb", "--define", f"_topdir {folder}", "--define", f"_dbpath {folder}/db", folder / "a.spec"])
    out = folder / "out"
    out.mkdir()
    for name, digest in (("sha1", "SHA1"), ("sha512", "SHA512")):
        user = f"{name} <{name}@example.org>"
        common.run([*gpg, "--cert-digest-algo", digest, "--passphrase", "", "--quick-gen-key", user, "rsa2048", "sign", "never"])
        (out / f"{name}.asc").write_text(common.run([*gpg, "--armor", "--export", user]))
        shutil.copy(next(folder.glob("RPMS/*/*.rpm")), out / f"{name}.rpm")
        common.run(
            ["rpmsign", "--define", f"_gpg_name {user}", "--define", f"__gpg {shutil.which('gpg')}", "--addsign",
             out / f"{name}.rpm"], env=dict(os.environ, GNUPGHOME=str(home)))
    return out


@pytest.fixture(scope="module", name="outcome", params=["Stream 9 itself", *common.STREAMS])
def fixture_outcome(request, files, packages, tmp_path_factory):
    """What the rpm of a root says of all that."""
    root = image_root(request.param) if request.param in common.STREAMS else versions.root()
    return told(root, tmp_path_factory.mktemp("layers"), "take_keys.py", files, packages)


def told(root, layers, script, *folders):
    """Return what a script says that runs in a root, with the collection's code and these folders."""
    given = {f"/srv/given/{folder.name}": folder for folder in folders}
    shown = {**given, "/srv/plugins": TREE / "plugins", "/srv/tests": pathlib.Path(__file__).parent}
    done = subprocess.run(
        versions.inside(root, layers, shown, ["python3", f"/srv/tests/{script}", *given]), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False)
    shutil.rmtree(layers)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return json.loads(done.stdout)


def refused_by(outcome):
    """Return what the rpm of an outcome is known to refuse; fails for an rpm that nobody looked at."""
    (names,) = [names for version, names in REFUSED.items() if outcome["rpm"].startswith(version)]
    return names


def test_each_key_is_read_as_gpg_reads_it(outcome, files, tmp_path):
    for name, found in outcome["files"].items():
        ours = [key["fingerprint"] for key in found["keys"] if key["version"] == 4]
        # gpg gives a file up at a block that it does not know or that is cut off: here it reads the parts of what is made.
        parts = [files / part for part in MADE.get(name, (name,))]
        assert ours == [fingerprint for part in parts for fingerprint in listed(part, tmp_path)], name
        assert all(len(key["fingerprint"]) == 64 for key in found["keys"] if key["version"] == 6)
        if name in MET:
            assert found["faults"] == [] and len(found["keys"]) == 1, name


def test_what_rpm_takes_and_refuses(outcome):
    met = {name: outcome["files"][name] for name in MET}
    assert {name for name, found in met.items() if found["file"]["status"]} == refused_by(outcome)
    for name, found in met.items():
        (key,) = found["keys"]
        assert bool(key["refusal"]) is (name in refused_by(outcome)), name
        assert found["file"]["known"] == ([] if key["refusal"] else [key["fingerprint"]]), name
    print(f"rpm {outcome['rpm']}, Python {outcome['python']}:")
    for name, found in outcome["files"].items():
        print(f"  {name}: status {found['file']['status']} {' '.join(found['file']['said'].split())}")


def test_our_word_for_a_key_is_that_of_rpm_for_its_file(outcome):
    for name, found in outcome["files"].items():
        if len(found["keys"]) == 1 and not found["faults"]:
            assert bool(found["keys"][0]["refusal"]) is bool(found["file"]["status"]), name


@pytest.mark.parametrize("name", [SIG_KEY, *MADE])
def test_of_each_file_that_has_it_the_pinned_key_alone_is_imported(outcome, name):
    assert outcome["files"][name]["pinned"] == {"status": 0, "said": "", "known": [HYPERSCALE_KEY.fingerprint]}


def test_a_file_without_the_pinned_key_is_refused_by_what_it_has(outcome):
    for name in set(MET) - {SIG_KEY}:
        found = outcome["files"][name]
        assert "pinned" not in found and f"not the pinned {HYPERSCALE_KEY.fingerprint}" in found["refused"]
        assert f"/{name}: its fingerprint is " in found["refused"] and found["keys"][0]["user"] in found["refused"]


def test_a_key_that_rpm_refuses_is_named_and_the_package_is_not_blamed(outcome):
    assert outcome["packages"]["sha512.rpm"] == ""
    said = outcome["packages"]["sha1.rpm"]
    if OFFICIAL in refused_by(outcome):
        assert f"made its signature, and rpm {outcome['rpm']} of this host refuses it: " in said and "SHA-1" in said
        assert "Policy rejects" in said and "own key" not in said
    else:
        assert said == ""


@pytest.fixture(scope="module", name="repositories")
def fixture_repositories(packages, tmp_path_factory):
    """A repository for each of the packages, their keys beside, and a file with the second key between others."""
    folder = tmp_path_factory.mktemp("repositories")
    for name in ("sha1", "sha512"):
        (folder / name).mkdir()
        shutil.copy(packages / f"{name}.rpm", folder / name)
        shutil.copy(packages / f"{name}.asc", folder)
        common.run(["createrepo_c", folder / name])
    quantum = unpacked(SUITES[-1], tmp_path_factory.mktemp("quantum")) / QUANTUM
    (folder / "several.asc").write_text(quantum.read_text() + "and\n" + (folder / "sha512.asc").read_text())
    return folder


@pytest.mark.parametrize("stream", common.STREAMS)
def test_keys_count_as_they_do_for_dnf(stream, repositories, tmp_path):
    layers = tmp_path / "layers"
    layers.mkdir()
    said = told(image_root(stream), layers, "take_repository.py", repositories)
    for case in ("its key", "the second address", "beside others", "no key, known to rpm", "missing, known to rpm",
                 "another key, known to rpm"):
        assert said[case] == "", case
    assert "its signature is not one of the repository's own key: " in said["another key"] and "sha1" in said["another key"]
    assert "names no key (gpgkey), and rpm knows none" in said["no key"]
    assert "names no key (gpgkey), and that one is not among the keys that rpm knows" in said["no key, another known to rpm"]
    assert "/repositories0/missing: it cannot be read from this host: " in said["missing"]
    assert ("refuses it: " in said["refused"]) is (stream == 10) and "own key" not in said["refused"]
