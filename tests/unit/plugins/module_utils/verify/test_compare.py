# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing package files: bad input is never good news, waivers, signatures, and the published form of the report."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import types

import pytest

from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.verify.rpmpairs import (
    F, P, SCHEMA, program, valid,
)

from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors
from ansible_collections.centos.hyperscale.plugins.module_utils.entry import engine, predicting
from ansible_collections.centos.hyperscale.plugins.module_utils.verify import checks, compare, model, report

jsonschema = pytest.importorskip("jsonschema")

OLD = P(files={"/usr/bin/tool": program(), "/usr/share/tool/data": F()}, scripts={"triggerin -- bash": "echo"})
SAME = OLD.next()
BROKEN = OLD.next(files={"/usr/share/tool/data": F()}, scripts={})
LEAD, MAGIC = 96, b"\x8e\xad\xe8\x01"


@pytest.fixture
def old(rpms):
    """An old build that can be read."""
    return rpms.one(OLD)


def header_span(data):
    """Return where the main header of a package begins and ends."""
    def end_of(start):
        assert data[start : start + 4] == MAGIC
        entries, size = struct.unpack(">II", data[start + 8 : start + 16])
        return start + 16 + 16 * entries + size

    start = -(-end_of(LEAD) // 8) * 8
    return start, end_of(start)


def bad_files(folder, rpms):
    """Return files that are no build of a package, by what is wrong with them."""
    whole = pathlib.Path(rpms.one(SAME)).read_bytes()
    start, end = header_span(whole)
    flipped = bytearray(whole)
    flipped[whole.index(b"A package of the tests", start, end)] ^= 1
    contents = {
        "no package": b"hello\n" * 100, "empty": b"", "beginning alone": whole[:200], "header cut off": whole[: end - 1],
        "flipped byte": bytes(flipped), "lead alone": whole[:LEAD], "zeros": bytes(4096)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    os.symlink("nothing", folder / "dangling")
    return {**{name: str(folder / name) for name in (*contents, "folder", "dangling", "missing")}, "source": rpms.source(SAME)}


@pytest.mark.parametrize("name", [
    "no package", "empty", "beginning alone", "header cut off", "flipped byte", "lead alone", "zeros", "folder", "dangling",
    "missing",
    "source"])
@pytest.mark.parametrize("side", ["old", "new", "beside a good one"])
def test_what_cannot_be_read_makes_the_verdict_unknown(tmp_path, rpms, old, name, side):
    bad = bad_files(tmp_path, rpms)[name]
    pair = {"old": ([bad], [old]), "new": ([old], [bad]), "beside a good one": ([old], [rpms.one(SAME), bad])}[side]
    said = valid(compare.compare(*pair, []))
    finding, = said["findings"]
    assert (finding["check"], finding["subject"]["name"], finding["blocking"]) == ("package.unreadable", bad, True)
    assert said["verdict"] == "unknown" and report.reached(said, "high")
    # A waiver does not make it known either.
    said = compare.compare(*pair, [waiver(finding["key"])])
    assert said["verdict"] == "unknown"


def test_no_flipped_bit_of_a_header_goes_unnoticed(tmp_path, rpms, old):
    whole = pathlib.Path(rpms.one(SAME)).read_bytes()
    start, end = header_span(whole)
    dice = random.Random(7)
    for number in range(150):
        data = bytearray(whole)
        data[dice.randrange(start, end)] ^= 1 << dice.randrange(8)
        path = tmp_path / f"{number}.rpm"
        path.write_bytes(data)
        assert compare.compare([old], [str(path)], [])["verdict"] == "unknown"


def test_a_header_cut_anywhere_is_no_package(tmp_path, rpms, old):
    whole = pathlib.Path(rpms.one(SAME)).read_bytes()
    path = tmp_path / "cut.rpm"
    for size in range(1, header_span(whole)[1], 61):
        path.write_bytes(whole[:size])
        assert compare.compare([old], [str(path)], [])["verdict"] == "unknown"


def test_a_header_without_its_payload_is_enough(tmp_path, rpms, old):
    whole = pathlib.Path(rpms.one(SAME)).read_bytes()
    path = tmp_path / "stub.rpm"
    path.write_bytes(whole[: header_span(whole)[1]])
    assert compare.compare([old], [str(path)], [])["verdict"] == "drop_in"


@pytest.mark.parametrize(("old_paths", "new_paths"), [([], ["a"]), (["a"], []), ([], [])])
def test_nothing_to_compare_is_refused(old_paths, new_paths):
    with pytest.raises(errors.Refused):
        compare.compare(old_paths, new_paths, [])


def waiver(key, until="2999-12-31"):
    """Return a waiver that is whole."""
    return {"key": key, "by": "ops@example.com", "reason": "Nobody calls it", "until": until}


def key_of(report_, check):
    """Return the key of the one finding of a check."""
    key, = [finding["key"] for finding in report_["findings"] if finding["check"] == check]
    return key


@pytest.mark.parametrize("changes", [
    {"reason": ""}, {"reason": "  "}, {"by": None}, {"until": ""}, {"until": "soon"}, {"until": "2026-02-30"},
    {"key": "file.removed"},
    {"key": ""}])
def test_a_waiver_that_is_not_whole_is_refused(rpms, old, changes):
    with pytest.raises(errors.Refused) as refused:
        compare.compare([old], rpms(BROKEN), [waiver("0" * 16), {**waiver("1" * 16), **changes}])
    assert [problem.fact for problem in refused.value.problems] == ["waiver 2"]


def test_a_waived_finding_stays_with_its_severity(rpms, old):
    before = compare.compare([old], rpms(BROKEN), [])
    assert before["verdict"] == "not_drop_in"
    key = key_of(before, "file.removed")
    after = valid(compare.compare([old], rpms(BROKEN), [waiver(key)]))
    finding, = [finding for finding in after["findings"] if finding["key"] == key]
    assert (finding["severity"], finding["blocking"]) == ("high", False)
    assert finding["waiver"] == {"by": "ops@example.com", "reason": "Nobody calls it", "until": "2999-12-31"}
    assert after["verdict"] == "drop_in_with_notes"
    assert (after["summary"]["waived"], after["summary"]["severities"]["high"]) == (1, 1)


def test_a_waived_finding_that_blocked_blocks_no_more(rpms):
    library = P("libx", provides=("libx.so.1()(64bit)",), files={"/usr/lib64/libx.so.1": program()})
    pair = rpms(library), rpms(library.next(provides=()))
    key = key_of(compare.compare(*pair, []), "soname.lost")
    said = compare.compare(*pair, [waiver(key)])
    finding, = [finding for finding in said["findings"] if finding["check"] == "soname.lost"]
    assert (finding["severity"], finding["blocking"], said["summary"]["blocking"]) == ("high", False, 0)
    assert report.at_or_above(said, "blocking") == []


@pytest.mark.parametrize("until", ["2020-01-01", datetime.date(2020, 1, 1)])
def test_a_waiver_that_expired_is_not_followed_and_is_told(rpms, old, until):
    key = key_of(compare.compare([old], rpms(BROKEN), []), "file.removed")
    said = valid(compare.compare([old], rpms(BROKEN), [waiver(key, until)]))
    assert said["verdict"] == "not_drop_in"
    told, = [finding for finding in said["findings"] if finding["check"] == "waiver.expired"]
    assert (told["severity"], told["blocking"], told["subject"]) == (
        "low", False, {"type": "finding", "name": key, "arch": "", "package": ""})
    finding, = [finding for finding in said["findings"] if finding["key"] == key]
    assert finding["waiver"] is None


def test_a_waiver_holds_to_the_end_of_its_day(rpms, old):
    key = key_of(compare.compare([old], rpms(BROKEN), []), "file.removed")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    # The day may turn while this runs.
    said = compare.compare([old], rpms(BROKEN), [waiver(key, str(max(today,
                                                                     datetime.datetime.now(datetime.timezone.utc).date())))])
    assert said["summary"]["waived"] == 1


def test_a_waiver_for_what_is_not_found_says_nothing(rpms, old):
    said = compare.compare([old], rpms(SAME), [waiver("0" * 16, "2020-01-01")])
    assert (said["verdict"], said["findings"]) == ("drop_in", [])


@pytest.fixture(scope="module")
def sign(tmp_path_factory):
    """Sign copies of packages with a key made for that."""
    if shutil.which("gpg") is None or shutil.which("rpmsign") is None:
        pytest.skip("no gpg or no rpmsign here")
    home = tmp_path_factory.mktemp("signing")
    (home / "gnupg").mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home / "gnupg"), LANG="C.UTF-8")
    uid = "Tests <tests@example.org>"
    subprocess.run(
        ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", uid, "rsa2048", "sign", "never"], env=env, check=True,
        stderr=subprocess.PIPE)

    def signed(path):
        copy = home / os.path.basename(path)
        shutil.copy(path, copy)
        defines = [part for macro in (f"__gpg {shutil.which('gpg')}", f"_gpg_name {uid}") for part in ("--define", macro)]
        subprocess.run(["rpmsign", *defines, "--addsign", str(copy)], env=env, check=True, capture_output=True)
        return str(copy)
    return signed


def test_a_signature_that_is_missing_is_told(rpms, old, sign):
    said = valid(compare.compare([sign(old)], rpms(SAME), []))
    finding, = said["findings"]
    assert (finding["check"], finding["severity"], finding["blocking"]) == ("signature.missing", "medium", False)
    assert finding["subject"] == {"type": "package", "name": "tool", "arch": "x86_64", "package": ""}
    assert compare.compare([sign(old)], [sign(rpms.one(SAME))], [])["findings"] == []
    assert compare.compare([old], [sign(rpms.one(SAME))], [])["findings"] == []


def test_a_new_build_for_two_architectures_is_for_this_one_as_well(rpms, old):
    said = compare.compare([old], rpms(SAME, SAME.like(arch="i686")), [])
    assert [finding["check"] for finding in said["findings"]] == []


def test_the_published_form_is_a_sound_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_real_reports_have_the_published_form(rpms, old):
    for new in (SAME, BROKEN):
        said = valid(compare.compare([old], rpms(new, P("another")), []))
        assert [check["id"] for check in said["checks"]] == [check.id for check in checks.TABLE]
        assert said["packages"][0]["from_nevra"] is None and said["packages"][1]["to_nevra"] == "tool-2-1.x86_64"
        valid({**said, "phase": "prove", "joined": report.joined(said["findings"], said["findings"])})


@pytest.mark.parametrize("change", [
    lambda said: said.pop("repos"), lambda said: said["findings"][0].pop("links"),
    lambda said: said["findings"][0].update(more=1),
    lambda said: said["checks"][0].update(status="passed"), lambda said: said["findings"][0]["subject"].pop("arch"),
    lambda said: said.update(verdict="fine"), lambda said: said.update(phase="files"), lambda said: said.update(joined={}),
    lambda said: said["findings"][0].update(severity="grave"), lambda said: said["findings"][0].update(verb="went"),
    lambda said: said["findings"][0].update(waiver={"by": "a", "reason": "", "until": "2026-01-01"}),
    lambda said: said["packages"][0].pop("to_repo"), lambda said: said["cost"].update(more=1)])
def test_what_has_not_the_published_form_is_told_from_it(rpms, old, change):
    said = json.loads(json.dumps(compare.compare([old], rpms(BROKEN), [])))
    change(said)
    with pytest.raises(jsonschema.ValidationError):
        valid(said)


def test_the_published_form_has_the_words_of_the_code():
    finding = SCHEMA["$defs"]["finding"]["properties"]
    assert finding["verb"]["enum"] == sorted({check.verb for check in checks.TABLE})
    assert finding["severity"]["enum"] == list(model.SEVERITIES)
    assert SCHEMA["properties"]["verdict"]["enum"] == [report.DROP_IN, report.WITH_NOTES, report.NOT_DROP_IN, report.UNKNOWN]
    assert set(finding) == set(SCHEMA["$defs"]["finding"]["required"])


def objects(node):
    """Return every object that the schema describes by its keys."""
    inner = [one for part in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
             for one in objects(part)]
    return [node, *inner] if isinstance(node, dict) and "properties" in node and "type" in node else inner


def test_every_key_is_required_and_no_other_allowed():
    for node in objects(SCHEMA):
        assert node["additionalProperties"] is False
        assert set(node["properties"]) - set(node["required"]) <= {"joined"}


def test_package_files_are_compared_once_nothing_of_a_host_is_given(monkeypatch):
    told = []
    monkeypatch.setattr(predicting, "need_bindings", lambda *_given: None)
    monkeypatch.setattr(predicting, "finish", lambda _module, found: told.append(found))
    monkeypatch.setattr(compare, "compare", lambda old, new, _waivers: (old, new))
    params = {**dict.fromkeys(engine.SECTION_OPTIONS), "old": ["a.rpm"], "new": ["b.rpm"], "waivers": []}
    with pytest.raises(errors.Refused) as refused:
        predicting.on_files.__wrapped__(types.SimpleNamespace(params={**params, "packages": [{"family": "systemd"}]}))
    assert [problem.code for problem in refused.value.problems] == ["option.files_and_host"] and told == []
    predicting.on_files.__wrapped__(types.SimpleNamespace(params=params))
    assert told == [(["a.rpm"], ["b.rpm"])]


def test_package_files_are_given_of_both_sides(rpms, old):
    with pytest.raises(errors.Refused) as refused:
        compare.compare([old], [], [])
    assert [problem.code for problem in refused.value.problems] == ["option.package_files"]
    assert compare.compare([old], [rpms.one(SAME)], [])["verdict"] == "drop_in"
