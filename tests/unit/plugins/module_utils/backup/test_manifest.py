# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept for a way back: package files, states of paths, what was changed since, and runs in their order."""

from __future__ import annotations

import getpass
import grp
import os
import pathlib
import time

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.backup import (
    boot_entries, cut_writes, local_edits, manifest, parent, restore, shipped, states as file_states, units as backup_units,
)
from ansible_collections.centos.hyperscale.plugins.module_utils.backup.contents import Contents
from ansible_collections.centos.hyperscale.plugins.module_utils.core import boot_disk, engine, host_io, ledger
from ansible_collections.centos.hyperscale.plugins.module_utils.core.errors import Failed
from ansible_collections.centos.hyperscale.plugins.module_utils.core.ledger_book import Book
from ansible_collections.centos.hyperscale.plugins.module_utils.core.planning import Context
from ansible_collections.centos.hyperscale.plugins.module_utils.packages.store import INDEX, Store
from ansible_collections.centos.hyperscale.plugins.module_utils.sections import files as files_section
from ansible_collections.centos.hyperscale.plugins.module_utils.tables import places
from ansible_collections.centos.hyperscale.plugins.module_utils.text import merge
from ansible_collections.centos.hyperscale.tests.unit.plugins.module_utils.backup.builds import entry

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
KINDS = dict(files_section.ACTIONS)


@pytest.fixture(name="target")
def fixture_target(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "host").mkdir()
    return host_io.Target(lambda argv: (0, "", ""), str(tmp_path / "tmp"), root=str(tmp_path / "host"))


def lay(target, path, text="", mode=0o644):
    real = target.path(path)
    os.makedirs(os.path.dirname(real), exist_ok=True)
    with open(real, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(real, mode)


def text_of(target, path):
    with open(target.path(path), encoding="utf-8") as handle:
        return handle.read()


CONTENTS = Contents()


def capture(target, paths):
    """Return what some paths hold; the contents are kept in memory."""
    return file_states.capture(target, paths, CONTENTS)


def exchange(target, path, expected, wanted):
    """Bring a path from one state to another, and say whether that was done."""
    restorer = restore.Restorer(target, CONTENTS, restore.Mounts(target), lambda folder, name: None)
    return restorer.exchange(path, expected, wanted).done


STOCK, SWAPPED = "stock\n", "by the swap\n"


def builds(monkeypatch, **files):
    """Have builds by their names, which bring configuration: C(old={path: text})."""
    brought = {
        name: shipped.Shipped({path: entry(text, 0o644, config=True) for path, text in texts.items()}, {})
        for name, texts in files.items()}
    monkeypatch.setattr(shipped, "installed", lambda names: (brought[next(iter(names))], list(names)))


def kept(target, monkeypatch):
    builds(monkeypatch, old={"/etc/a.conf": STOCK}, new={
        "/etc/a.conf": SWAPPED, "/etc/systemd/brought.conf": SWAPPED})
    found = manifest.Kept(target, "run-1")
    found.save(["old"])
    return found


def kept_before(told):
    """Return what is kept of the time before the swap, where a word of what is left says so."""
    return pathlib.Path(told.rpartition("; what it held before the swap is in ")[2]).read_text()


class TestStore:
    def test_what_was_taken_in_is_found_again(self, tmp_path):
        package = tmp_path / "a-1.rpm"
        package.write_bytes(b"rpm")
        store = Store(str(tmp_path / "store"))
        store.put({"a-1.noarch": str(package)})
        package.unlink()
        assert pathlib.Path(store.whole()["a-1.noarch"]).read_bytes() == b"rpm"
        assert os.stat(tmp_path / "store" / INDEX).st_mode & 0o077 == 0

    def test_a_spoilt_file_is_as_good_as_missing(self, tmp_path):
        for name in ("a-1.rpm", "b-1.rpm"):
            (tmp_path / name).write_bytes(name.encode())
        store = Store(str(tmp_path / "store"))
        store.put({"a-1.noarch": str(tmp_path / "a-1.rpm"), "b-1.noarch": str(tmp_path / "b-1.rpm")})
        (tmp_path / "store" / "a-1.rpm").write_bytes(b"half")
        os.unlink(tmp_path / "store" / "b-1.rpm")
        assert store.whole() == {} and set(store.index()) == {"a-1.noarch", "b-1.noarch"}

    def test_without_its_list_it_is_empty(self, tmp_path):
        (tmp_path / "a-1.rpm").write_bytes(b"rpm")
        assert Store(str(tmp_path)).whole() == {}
        (tmp_path / INDEX).write_text("{half")
        assert Store(str(tmp_path)).whole() == {}


class TestFileStates:
    def test_content_mode_links_and_absence_come_back(self, target):
        lay(target, "/etc/a.conf", "one\n", 0o600)
        os.symlink("a.conf", target.path("/etc/link"))
        os.makedirs(target.path("/etc/folder"))
        paths = ["/etc/a.conf", "/etc/link", "/etc/folder", "/etc/none"]
        before = capture(target, paths)
        lay(target, "/etc/a.conf", "two\n", 0o644)
        os.unlink(target.path("/etc/link"))
        lay(target, "/etc/link", "a file now")
        os.rmdir(target.path("/etc/folder"))
        lay(target, "/etc/none", "new")
        for path, state in before.items():
            assert exchange(target, path, capture(target, [path])[path], state)
        assert capture(target, paths) == before

    def test_the_environment_block_of_grub_stays_the_same_file(self, target):
        for path in (boot_disk.ENVIRONMENT, "/boot/grub2/other"):
            lay(target, path, "1" * 1024, 0o600)
            before = capture(target, [path])[path]
            lay(target, path, "2" * 1024, 0o644)
            inode = os.stat(target.path(path)).st_ino
            assert exchange(target, path, capture(target, [path])[path], before)
            assert capture(target, [path])[path] == before
            assert (os.stat(target.path(path)).st_ino == inode) is (path == boot_disk.ENVIRONMENT)

    @pytest.mark.parametrize("now", ["2" * 512, None])
    def test_an_environment_block_of_another_size_is_replaced(self, target, now):
        lay(target, boot_disk.ENVIRONMENT, "1" * 1024, 0o600)
        before = capture(target, [boot_disk.ENVIRONMENT])[boot_disk.ENVIRONMENT]
        os.unlink(target.path(boot_disk.ENVIRONMENT))
        if now:
            lay(target, boot_disk.ENVIRONMENT, now)
        there = capture(target, [boot_disk.ENVIRONMENT])[boot_disk.ENVIRONMENT]
        assert exchange(target, boot_disk.ENVIRONMENT, there, before)
        assert capture(target, [boot_disk.ENVIRONMENT])[boot_disk.ENVIRONMENT] == before

    def test_what_is_brought_back_below_boot_is_seen_by_grub(self, target, monkeypatch):
        told = []
        monkeypatch.setattr(boot_disk, "flush_each", lambda paths, root: told.append((sorted(paths), root)))
        paths = ["/boot/loader/entries/a.conf", "/bootstrap", "/etc/a.conf"]
        for path in paths:
            lay(target, path, "one")
        before = capture(target, paths)
        for path in paths:
            lay(target, path, "two")
        found = manifest.Kept(target, "run-1")
        monkeypatch.setattr(found, "_contents", CONTENTS)
        assert found._bring(before, capture(target, paths)) == {}
        assert [text_of(target, path) for path in paths] == ["one"] * 3
        assert told == [(["/boot/loader/entries/a.conf"], target.root)]

    def test_a_folder_that_holds_something_is_not_taken_away(self, target):
        lay(target, "/etc/folder/mine", "x")
        state = capture(target, ["/etc/folder"])["/etc/folder"]
        assert not exchange(target, "/etc/folder", state, None)
        link = file_states.PathState(file_states.LINK, 0o777, 0, 0, "x", {})
        assert not exchange(target, "/etc/folder", state, link)
        assert text_of(target, "/etc/folder/mine") == "x"

    def test_what_holds_something_else_by_now_is_not_touched(self, target):
        lay(target, "/etc/a", "one")
        before = capture(target, ["/etc/a"])["/etc/a"]
        lay(target, "/etc/a", "somebody's")
        assert not exchange(target, "/etc/a", before, None)
        assert not exchange(target, "/etc/a", before, before)
        assert not exchange(target, "/etc/a", None, before)
        assert text_of(target, "/etc/a") == "somebody's" and os.listdir(target.path("/etc")) == ["a"]

    def test_what_programs_make_is_left_alone(self, target):
        lay(target, "/etc/udev/hwdb.bin", "x")
        lay(target, "/etc/udev/large", "x" * (places.MOST_OF_A_FILE + 1))
        found = capture(target, file_states.below(target, "/etc/udev"))
        assert {path: state.kind for path, state in found.items()} == {
            "/etc/udev": file_states.FOLDER, "/etc/udev/large": file_states.FILE}

    def test_a_large_file_is_compared_by_all_that_is_in_it(self, target):
        lay(target, "/etc/large", "x" * (places.MOST_OF_A_FILE + 1))
        before = capture(target, ["/etc/large"])
        lay(target, "/etc/large", "x" * places.MOST_OF_A_FILE + "y")
        now = capture(target, ["/etc/large"])
        assert before != now and not exchange(target, "/etc/large", before["/etc/large"], None)
        lay(target, "/etc/large", "x" * (places.MOST_OF_A_FILE + 1))
        assert capture(target, ["/etc/large"]) == before
        assert len(before["/etc/large"].content) < 100


def words(*paths):
    return [f"{path} was changed since the swap and is left as it is" for path in paths]


def edited_entry(target, monkeypatch, before=False):
    """Have a boot entry that somebody edited since, and that kernel-install took away on the way back.

    C(before): it was there before the swap as well.

    Return what was kept, the entry's path, and where it is when it is put aside.
    """
    path, text = "/boot/loader/entries/a-6.12.conf", "linux /vmlinuz-6.12\ninitrd /initramfs-6.12.img\n"
    for name in ("vmlinuz-6.12", "initramfs-6.12.img"):
        lay(target, f"/boot/{name}", "image")
    os.makedirs(target.path(os.path.dirname(path)))
    if before:
        lay(target, path, f"{text}options quiet\n")
    found = kept(target, monkeypatch)
    kernel = shipped.Shipped({"/usr/lib/modules/6.12/vmlinuz": entry("image", 0o644)}, {})
    monkeypatch.setattr(shipped, "installed", lambda names: (kernel, ["kernel-core"]))
    monkeypatch.setattr(local_edits, "differences", lambda target, names: {})
    lay(target, path, f"{text}options ro\n")
    found.note(["new"])
    lay(target, path, f"{text}options by somebody\n")
    found.look_for_edits(["new"])
    os.unlink(target.path(path))
    return found, path, os.path.join(target.state_dir, host_io.DISPLACED, "run-1", path[1:])


class TestKept:
    def test_what_the_swap_did_goes_and_what_somebody_did_stays(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n", 0o600)
        lay(target, "/etc/systemd/mine.conf", "mine\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        lay(target, "/etc/a.conf.rpmsave", "edited before\n", 0o600)
        lay(target, "/etc/systemd/brought.conf", SWAPPED)
        lay(target, "/etc/systemd/window.conf", "by somebody meanwhile\n")
        found.note(["new"])
        lay(target, "/etc/systemd/mine.conf", "changed since\n")
        lay(target, "/etc/systemd/later.conf", "later\n")
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", STOCK)
        os.unlink(target.path("/etc/systemd/brought.conf"))
        lay(target, "/etc/systemd/during.conf", "by somebody meanwhile\n")
        there = ["/etc/systemd/during.conf", "/etc/systemd/later.conf", "/etc/systemd/mine.conf", "/etc/systemd/window.conf"]
        assert found.put_back() == words(*there)
        assert text_of(target, "/etc/a.conf") == "edited before\n"
        assert os.stat(target.path("/etc/a.conf")).st_mode & 0o777 == 0o600
        assert sorted(os.listdir(target.path("/etc"))) == ["a.conf", "systemd"]
        assert [f"/etc/systemd/{name}" for name in sorted(os.listdir(target.path("/etc/systemd")))] == there
        assert text_of(target, "/etc/systemd/mine.conf") == "changed since\n"

    def test_an_edit_that_rpm_put_aside_on_the_way_back_comes_back(self, target, monkeypatch):
        lay(target, "/etc/a.conf", STOCK)
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        lay(target, "/etc/a.conf", "edited since\n", 0o640)
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", STOCK)
        lay(target, "/etc/a.conf.rpmsave", "edited since\n", 0o640)
        assert found.put_back() == words("/etc/a.conf")
        assert text_of(target, "/etc/a.conf") == "edited since\n" and os.listdir(target.path("/etc")) == ["a.conf"]

    def test_an_edit_of_before_is_kept_where_rpm_copied_it_and_somebody_brought_another_build(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        # rpm is cut right after it has put the edit aside.
        os.rename(target.path("/etc/a.conf"), target.path("/etc/a.conf.rpmsave"))
        lay(target, "/etc/a.conf", "of a third build\n")
        found.note(["new"])
        builds(monkeypatch, third={"/etc/a.conf": "of a third build\n"})
        found.look_for_edits(["third"])
        lay(target, "/etc/a.conf", STOCK)
        told, = found.put_back()
        assert told.startswith("/etc/a.conf was changed since") and kept_before(told) == "edited before\n"

    def test_what_is_written_after_a_cut_stays_and_the_rest_goes_on(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        lay(target, "/etc/systemd/brought.conf", SWAPPED)
        found.note(["new"])
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", "somebody after the cut\n")
        lay(target, "/etc/systemd/brought.conf", "somebody after the cut\n")
        lay(target, "/etc/yum.repos.d/company.repo", "[company]\n", 0o640)
        there = ["/etc/a.conf", "/etc/systemd/brought.conf", "/etc/yum.repos.d/company.repo"]
        told = found.put_back()
        assert set(words(*there)) <= {line.partition(";")[0] for line in told}
        assert [text_of(target, path) for path in there] == ["somebody after the cut\n"] * 2 + ["[company]\n"]
        assert os.stat(target.path(there[2])).st_mode & 0o777 == 0o640
        assert found.put_back() == told

    @pytest.mark.parametrize(("what", "why"), [
        ("hard link", "has 2 hard links"), ("link of a folder", "without following a link: /etc is a symbolic link"),
        ("another mount", "is on the mount /etc, and was on / when it was saved")])
    def test_what_is_not_written_is_told_with_the_reason(self, target, monkeypatch, what, why):
        lay(target, "/proc/self/mountinfo", "22 1 253:0 / / rw - xfs /dev/vda1 rw\n")
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", STOCK)
        if what == "hard link":
            os.link(target.path("/etc/a.conf"), target.path("/srv"))
        elif what == "another mount":
            lay(target, "/proc/self/mountinfo", "22 1 253:0 / / rw - xfs /dev/vda1 rw\n30 22 0:40 / /etc rw - tmpfs tmpfs rw\n")
        else:
            os.rename(target.path("/etc"), target.path("/srv"))
            os.symlink("srv", target.path("/etc"))
        (told,) = found.put_back()
        assert told.startswith("/etc/a.conf ") and why in told and "and is left as it is" in told
        assert kept_before(told) == "edited before\n"
        assert text_of(target, "/etc/a.conf") == STOCK
        assert found.put_back() == [told]

    def test_a_path_that_is_written_while_it_is_brought_back_is_told(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", STOCK)

        def call(*arguments, rename=parent.renameat2):
            lay(target, "/etc/new", "somebody's\n")
            os.rename(target.path("/etc/new"), target.path("/etc/a.conf"))
            monkeypatch.setattr(parent, "renameat2", rename)
            return rename(*arguments)

        monkeypatch.setattr(parent, "renameat2", call)
        (told,) = found.put_back()
        assert [told.partition(";")[0]] == words("/etc/a.conf") and kept_before(told) == "edited before\n"
        assert text_of(target, "/etc/a.conf") == "somebody's\n" and os.listdir(target.path("/etc")) == ["a.conf"]

    @pytest.mark.parametrize("before", [STOCK, "edited before\n", None])
    def test_files_of_a_package_that_was_removed_since_come_back_with_it(self, target, monkeypatch, before):
        if before:
            lay(target, "/etc/a.conf", before)
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        os.unlink(target.path("/etc/a.conf"))
        builds(monkeypatch, none={})
        found.look_for_edits(["none"])
        lay(target, "/etc/a.conf", STOCK)
        found.put_back()
        assert (text_of(target, "/etc/a.conf") if before else os.path.exists(target.path("/etc/a.conf"))) == (before or False)

    def test_without_a_note_nothing_is_taken_for_the_swaps(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "stock\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", "who knows\n")
        found.look_for_edits(["new"])
        assert found.put_back() == words("/etc/a.conf")
        assert text_of(target, "/etc/a.conf") == "who knows\n"

    def test_without_a_look_before_nothing_is_written(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        assert found.put_back() == words("/etc/a.conf")
        assert text_of(target, "/etc/a.conf") == SWAPPED

    def test_edited_code_of_a_build_that_went_is_kept_elsewhere(self, target, monkeypatch):
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        code = "/usr/lib/udev/rules.d/a.rules"
        brought = shipped.Shipped({code: entry("new", 0o644)}, {})
        monkeypatch.setattr(shipped, "installed", lambda names: (brought, ["a"]))
        found.note(["new"])
        monkeypatch.setattr(local_edits, "differences", lambda target, names: {code: {"flags": "S5", "kind": ""}})
        lay(target, code, "edited since\n", 0o640)
        found.look_for_edits(["new"])
        os.unlink(target.path(code))
        place = os.path.join(target.state_dir, host_io.DISPLACED, "run-1", code[1:])
        assert found.put_back()[-1].startswith(code) and found.put_back()[-1].endswith(place)
        assert pathlib.Path(place).read_text() == "edited since\n" and os.stat(place).st_mode & 0o777 == 0o640
        assert not os.path.exists(target.path(code))

    @pytest.mark.parametrize("gone", ["vmlinuz-6.12", "initramfs-6.12.img"])
    def test_an_edited_boot_entry_whose_kernel_went_is_put_aside(self, target, monkeypatch, gone):
        found, path, place = edited_entry(target, monkeypatch)
        os.unlink(target.path(f"/boot/{gone}"))
        told = [f"{path} {boot_entries.DEAD}: what it held is in {place}"]
        assert found.put_back() == told and not os.path.exists(target.path(path))
        assert pathlib.Path(place).read_text().endswith("options by somebody\n")
        assert found.put_back() == told

    def test_an_edited_boot_entry_whose_kernel_is_there_comes_back(self, target, monkeypatch):
        found, path, place = edited_entry(target, monkeypatch)
        assert found.put_back() == words(path)
        assert text_of(target, path).endswith("options by somebody\n") and not os.path.exists(place)

    def test_a_boot_entry_that_was_there_before_comes_back_whatever_became_of_its_initramfs(self, target, monkeypatch):
        found, path, place = edited_entry(target, monkeypatch, before=True)
        os.unlink(target.path("/boot/initramfs-6.12.img"))
        assert found.put_back() == words(path)
        assert text_of(target, path).endswith("options by somebody\n") and not os.path.exists(place)

    def test_a_large_file_that_was_edited_since_is_told(self, target, monkeypatch):
        large = "x" * (places.MOST_OF_A_FILE + 1)
        lay(target, "/etc/a.conf", STOCK)
        lay(target, "/etc/sysconfig/large", large)
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", SWAPPED)
        found.note(["new"])
        lay(target, "/etc/sysconfig/large", "y" + large[1:])
        found.look_for_edits(["new"])
        lay(target, "/etc/a.conf", STOCK)
        assert found.put_back() == words("/etc/sysconfig/large")
        assert text_of(target, "/etc/sysconfig/large").startswith("y")

    def test_edited_code_that_is_too_large_to_keep_is_told(self, target, monkeypatch):
        found = kept(target, monkeypatch)
        code = "/usr/bin/a"
        monkeypatch.setattr(shipped, "installed", lambda names: (shipped.Shipped({code: entry("new", 0o755)}, {}), ["a"]))
        found.note(["new"])
        monkeypatch.setattr(local_edits, "differences", lambda target, names: {code: {"flags": "S5", "kind": ""}})
        lay(target, code, "x" * (places.MOST_OF_A_FILE + 1))
        found.look_for_edits(["new"])
        os.unlink(target.path(code))
        told, = found.put_back()
        assert told.startswith(f"{code} was changed since") and told.endswith("too large")
        assert not os.path.exists(os.path.join(target.state_dir, host_io.DISPLACED, "run-1"))

    def test_a_transaction_that_could_not_be_completed_is_revoked(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        lay(target, "/etc/a.conf", STOCK)
        lay(target, "/etc/a.conf.rpmsave", "edited before\n")
        lay(target, "/etc/systemd/mine.conf", "after the cut\n")
        told = found.revoke(shipped.Shipped({"/etc/a.conf": entry(SWAPPED, 0o644, config=True)}, {}))
        assert "/etc/systemd/mine.conf was changed since the swap and is left as it is" in told
        assert text_of(target, "/etc/a.conf") == "edited before\n"
        assert text_of(target, "/etc/systemd/mine.conf") == "after the cut\n"
        assert sorted(os.listdir(target.path("/etc"))) == ["a.conf", "systemd"]

    def test_an_edit_is_kept_where_what_is_revoked_was_brought_to_another_build(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "edited before\n")
        found = kept(target, monkeypatch)
        os.rename(target.path("/etc/a.conf"), target.path("/etc/a.conf.rpmsave"))
        lay(target, "/etc/a.conf", "of a third build\n")
        told, = found.revoke(shipped.Shipped({"/etc/a.conf": entry(SWAPPED, 0o644, config=True)}, {}))
        assert told.startswith("/etc/a.conf was changed since") and kept_before(told) == "edited before\n"
        assert text_of(target, "/etc/a.conf") == "of a third build\n"

    def test_what_cannot_be_taken_back_any_more_is_not_kept(self, target, monkeypatch):
        lay(target, "/etc/a.conf", "stock\n")
        found = kept(target, monkeypatch)
        manifest.prune(target, {"run-1"}, 0)
        assert found.there
        os.utime(found.folder, (time.time() - 3 * 86400,) * 2)
        manifest.prune(target, {"run-1"}, 7)
        assert found.there
        manifest.prune(target, {"run-1"}, 2)
        assert not found.there

    def test_files_that_rpm_says_differ_are_named(self, target, monkeypatch):
        said = "S.5....T.  c /etc/a b.conf\nmissing   c /etc/gone\n..?......    /usr/bin/x (Permission denied)\nUnsatisfied\n"
        for differing in (1, 2, 254):
            monkeypatch.setattr(target, "probe", lambda argv, differing=differing: (differing, said))
            assert local_edits.edited_of(local_edits.differences(target, ["a"])) == ["/etc/a b.conf", "/usr/bin/x"]
        assert local_edits.differences(target, []) == {}

    @pytest.mark.parametrize("answer", [
        (1, "error: cannot open Packages database in /var/lib/rpm\n"), (1, ""), (127, ""), (-9, "S.5....T.  c /etc/a.conf\n")])
    def test_an_rpm_that_cannot_tell_stops_the_run(self, target, monkeypatch, answer):
        monkeypatch.setattr(target, "probe", lambda argv: answer)
        with pytest.raises(Failed, match="rpm cannot tell"):
            local_edits.differences(target, ["a"])


class TestMerge:
    @pytest.mark.parametrize(("before", "written", "now", "wanted"), [
        ("a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\nmore\n", "a\nb\nc\nmore\n"),
        ("a\nb\nc\nd\n", "a\nB\nc\nd\n", "top\na\nB\nc\nd\n", "top\na\nb\nc\nd\n"),
        ("a\nb\n", "a\n", "a\n", "a\nb\n"),
        ("a\nb\n", "a\nB\n", "a\nX\n", None),
        ("a\n", "a\nours\n", "a\nours and theirs\n", None),
    ])
    def test_one_change_goes_and_the_other_stays(self, before, written, now, wanted):
        assert merge.without(written, before, now) == wanted


def done(target, path, content, run="run-1"):
    want = {"path": path, "content": content, "mode": "0644", "owner": OWNER, "group": GROUP, "state": "present"}
    plan = files_section.plan([want], files_section.gather(target, [want]), Context(9, False, [], [], [])).actions
    engine.apply_all(target, run, plan)


def undone(target, run="run-2"):
    return engine.undo_all(target, run, ledger.standing(target), KINDS)


def test_a_file_that_somebody_changed_since_keeps_that(target):
    lay(target, "/etc/a", "one\ntwo\nthree\n")
    done(target, "/etc/a", "ONE\ntwo\nthree\n")
    lay(target, "/etc/a", "ONE\ntwo\nthree\nfour\n")
    result = undone(target)
    assert result.failures == [] and "only what was written here" in result.left[0]
    assert text_of(target, "/etc/a") == "one\ntwo\nthree\nfour\n"


def test_a_file_of_ours_that_somebody_changed_is_put_aside(target):
    done(target, "/etc/unit.d/ours.conf", "ours\n")
    lay(target, "/etc/unit.d/ours.conf", "ours, and theirs\n")
    assert "unit.d/ours.conf.saved" in undone(target).left[0]
    assert os.listdir(target.path("/etc/unit.d")) == ["ours.conf.saved"]


def test_what_is_put_aside_takes_no_name_that_somebody_has(target):
    done(target, "/etc/unit.d/ours.conf", "ours\n")
    lay(target, "/etc/unit.d/ours.conf", "ours, and theirs\n")
    lay(target, "/etc/unit.d/ours.conf.saved", "theirs\n")
    assert undone(target).left[0].endswith("unit.d/ours.conf.saved.1")
    assert text_of(target, "/etc/unit.d/ours.conf.saved") == "theirs\n"
    assert text_of(target, "/etc/unit.d/ours.conf.saved.1") == "ours, and theirs\n"


def test_folders_that_were_made_go_when_they_hold_nothing(target):
    done(target, "/etc/one/two/file", "x")
    assert undone(target) == ([], [])
    assert not os.path.exists(target.path("/etc/one"))
    lay(target, "/etc/one/mine", "x")
    done(target, "/etc/one/two/file", "x", "run-3")
    undone(target, "run-4")
    assert os.listdir(target.path("/etc/one")) == ["mine"]


def test_runs_keep_their_order_though_the_clock_is_set_back(target, monkeypatch):
    first = ledger.new_run_id(target)
    Book(target, first).close()
    monkeypatch.setattr(ledger.time, "gmtime", lambda *given: time.localtime(*given) if given else time.struct_time(
        (2001, 1, 1, 0, 0, 0, 0, 1, 0)))
    second = ledger.new_run_id(target)
    assert second > first


class Follower(files_section.FileAction):
    kind = "follower"
    follows = True
    fails = False

    def apply(self, target):
        if Follower.fails:
            raise OSError("cut here")
        super().apply(target)


def test_what_a_run_never_came_to_is_owed_until_it_is_taken_back(target):
    files = files_section.FileAction.between("/etc/a", "", None, host_io.FileState("a", "0644", OWNER, GROUP))
    follower = Follower.between("/etc/z", "", None, host_io.FileState("z", "0644", OWNER, GROUP))
    Follower.fails = True
    try:
        with pytest.raises(Exception, match="cut here"):
            engine.apply_all(target, "run-1", [files, follower, follower])
    finally:
        Follower.fails = False
    owed = ledger.owed(target)
    assert [(step.number, step.state) for step in owed] == [(2, ledger.OWED)]
    assert [(step.number, step.state) for step in ledger.standing(target)] == [(0, ledger.VERIFIED), (1, ledger.DIRTY)]
    kinds = {**KINDS, Follower.kind: Follower}
    assert engine.undo_all(target, "run-2", [*ledger.standing(target), *owed], kinds).failures == []
    assert ledger.owed(target) == [] and ledger.standing(target) == []


def test_what_a_cut_write_left_is_swept_away(target):
    target.job = "20261129T000000Z-0a1b2c3d.4"
    mine = os.path.basename(target.scratch)
    others = [".hyperscale-settings", ".hyperscale-a1b2c3d4", ".hyperscale-20261129T000000Z-0a1b2c3d.41-x"]
    for name in (f"{mine}abc", *others):
        lay(target, f"/etc/systemd/system/{name}", "x")
    for path in (f"/etc/{mine}def/new", f"/srv/{mine}ghi", "/etc/.hidden"):
        lay(target, path, "x")
    cut_writes.sweep(target, target.job, "/etc/lab.conf")
    assert sorted(os.listdir(target.path("/etc/systemd/system"))) == sorted(others)
    assert sorted(os.listdir(target.path("/etc"))) == [".hidden", "systemd"]
    assert os.listdir(target.path("/srv")) == [f"{mine}ghi"]


class Systemd:
    """Answers as systemctl does, of units whose state it knows, and notes what it was told to do."""

    def __init__(self, **states):
        self.states = states
        self.told = []

    def __call__(self, argv):
        verb, units = argv[1], [word for word in argv[2:] if "." in word]
        if verb == "list-units":
            return 0, "".join(f"{unit} loaded active\n" for unit, state in self.states.items() if state == "active"), ""
        if verb == "show":
            names = argv[3].split(",")
            known = {"Triggers": "udevd.service"}
            said = [{"Id": unit, "LoadState": "loaded" if unit in self.states else "not-found",
                     "ActiveState": self.states.get(unit, "inactive"), **known} for unit in units]
            return 0, "\n\n".join("\n".join(f"{name}={entry[name]}" for name in names) for entry in said), ""
        self.told.append(" ".join([verb, *units]))
        return 0, "", ""


def test_units_that_ran_before_run_again(tmp_path):
    host = Systemd(**{"udevd.service": "active", "udevd.socket": "inactive", "crypt.target": "inactive"})
    target = host_io.Target(host, str(tmp_path))
    backup_units.start(target, ["crypt.target", "gone.socket", "udevd.service", "udevd.socket"])
    assert host.told == [
        "daemon-reload", "stop udevd.service", "start udevd.socket", "start udevd.service", "start crypt.target"]


def test_only_units_of_the_packages_count_and_instances_by_their_template(tmp_path):
    host = Systemd(**{"a.service": "active", "user@0.service": "active", "b.service": "active", "c.service": "inactive"})
    target = host_io.Target(host, str(tmp_path))
    files = ["/usr/lib/systemd/system/a.service", "/usr/lib/systemd/system/user@.service", "/usr/lib/systemd/system/c.service"]
    assert backup_units.active(target, [*files, "/usr/bin/b.service"]) == ["a.service", "user@0.service"]
    assert backup_units.stopped(target, ["a.service", "c.service", "gone.service"]) == ["c.service"]


def test_what_other_steps_took_back_since_is_not_put_back(target, monkeypatch):
    lay(target, "/etc/a.conf", "before the swap\n")
    found = kept(target, monkeypatch)
    found.note(["new"])
    found.look_for_edits(["new"])
    lay(target, "/etc/a.conf", "before the step that came before\n")
    assert found.put_back({"/etc/a.conf"}) == []
    assert text_of(target, "/etc/a.conf") == "before the step that came before\n"


def test_a_tree_that_is_a_file_has_nothing_below_it_and_one_that_cannot_be_read_is_not_absent(target, monkeypatch):
    os.makedirs(target.path("/etc/default"))
    with open(target.path("/etc/default/grub"), "w", encoding="utf-8"):
        pass
    assert file_states.below(target, "/etc/default/grub") == ["/etc/default/grub"]
    assert file_states.below(target, "/etc/absent") == []

    def denied(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(PermissionError):
        file_states.below(target, "/etc/default")


def test_what_runs_without_its_file_is_stopped_and_no_mount(tmp_path):
    states = {
        "gone.service": "not-found active", "gone.socket": "not-found active", "here.service": "loaded active",
        "off.service": "not-found inactive", "srv.mount": "not-found active", "many@.service": "not-found active"}
    calls = []

    def systemctl(argv):
        calls.append(argv)
        shown = [
            "Id={}\nLoadState={}\nActiveState={}\n".format(unit, *states[unit].split()) for unit in argv if unit in states]
        return 0, "\n".join(shown), ""

    backup_units.stop_gone(
        host_io.Target(systemctl, str(tmp_path)), [f"/usr/lib/systemd/system/{unit}" for unit in states] + ["/usr/bin/x.service"])
    assert [argv[-1] for argv in calls if argv[1] == "stop"] == ["gone.socket", "gone.service"]


def test_what_cannot_come_back_to_its_path_is_kept_and_told(target):
    for number, (name, since) in enumerate((("lines", "somebody's\n"), ("gone", None))):
        lay(target, f"/etc/{name}", "of the time before\n")
        done(target, f"/etc/{name}", "ours\n", f"run-{number}")
        os.unlink(target.path(f"/etc/{name}"))
        if since:
            lay(target, f"/etc/{name}", since)
    left = sorted(undone(target).left)
    assert [line.partition(": what it held before is in ")[0] for line in left] == [
        "/etc/gone was taken away since, and stays away",
        "/etc/lines was changed since in the same lines, and is left as it is"]
    for line in left:
        assert text_of(target, line.rpartition(" is in ")[2]) == "of the time before\n"
