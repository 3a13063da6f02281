# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that cannot be written, on real file systems: each is told, cannot be written, and can be once the remedy is followed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, unwritable, writable
from ansible_collections.centos.hyperscale.plugins.module_utils.core.host_io import FileState, Target

TOOLS = ("chattr", "mkfs.ext4", "mkfs.vfat", "mount", "umount")
COMMAND = re.compile(r"'((?:chattr|mount|umount|mv|rm) [^']*(?:'[^' ]+')?[^']*)'")


def shell(command):
    """Run a command line."""
    return subprocess.run(["sh", "-ec", command], capture_output=True, text=True, check=False)


@pytest.fixture(name="disk", params=["ext4"])
def fixture_disk(request, tmp_path):
    """A file system of its own, mounted; skips where that cannot be had."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"this needs root, and the tools {', '.join(missing) or 'that are here'}")
    image, point = tmp_path / "image", tmp_path / "disk"
    point.mkdir()
    with open(image, "wb") as handle:
        handle.truncate(16 << 20)
    made = shell(f"mkfs.{request.param} {'-q -N 64' if request.param == 'ext4' else ''} {image} && mount -o loop {image} {point}")
    if made.returncode:
        pytest.skip(f"no loop device can be mounted here: {made.stderr.strip()}")
    yield point
    shell(f"chattr -R -f -i -a {point}")
    shell(f"umount -R {point} || umount -l {point}")


def write(path, how):
    """Write a path in one of the ways, as the collection and its tools do."""
    me = FileState("new\n", "0644", "0", "0")
    target = Target(lambda argv: (0, "", ""), "/nonexistent")
    if how == writable.WRITTEN:
        target.write(path, me)
    elif how in (writable.REMOVED, writable.TAKEN_BACK):
        target.remove(path)
    elif how == writable.OVERWRITTEN:
        with open(path, "r+", encoding="utf-8") as handle:
            handle.write("new\n")
    elif how == writable.APPENDED:
        with open(path, "a", encoding="utf-8") as handle:
            handle.write("new\n")
    elif how == writable.LINKED:
        # systemctl replaces a link, and nothing else.
        if os.path.islink(path):
            os.unlink(path)
        os.symlink("/usr/lib/systemd/system/a.service", path)
    else:
        os.makedirs(path)


# What is done in a folder on the file system, how the path C(f) is written, and what is told.
CASES = {
    "immutable": ("echo a > f; chattr +i f", writable.WRITTEN, writable.IMMUTABLE),
    "immutable, in place": ("echo a > f; chattr +i f", writable.OVERWRITTEN, writable.IMMUTABLE),
    "immutable, appended": ("echo a > f; chattr +i f", writable.APPENDED, writable.IMMUTABLE),
    "immutable, removed": ("echo a > f; chattr +i f", writable.REMOVED, writable.IMMUTABLE),
    "append-only": ("echo a > f; chattr +a f", writable.WRITTEN, writable.APPEND_ONLY),
    "append-only, in place": ("echo a > f; chattr +a f", writable.OVERWRITTEN, writable.APPEND_ONLY),
    "append-only, removed": ("echo a > f; chattr +a f", writable.TAKEN_BACK, writable.APPEND_ONLY),
    "folder immutable": ("chattr +i .", writable.WRITTEN, writable.IMMUTABLE),
    "folder append-only": ("echo a > f; chattr +a .", writable.WRITTEN, writable.APPEND_ONLY),
    "folder append-only, removed": ("echo a > f; chattr +a .", writable.REMOVED, writable.APPEND_ONLY),
    "folder immutable, a link": ("chattr +i .", writable.LINKED, writable.IMMUTABLE),
    "folder immutable, a folder": ("chattr +i .", writable.FOLDER, writable.IMMUTABLE),
    "end of a link immutable": ("echo a > end; ln -s end f; chattr +i end", writable.WRITTEN, writable.IMMUTABLE),
    "folder of the end of a link immutable": (
        "mkdir in; echo a > in/end; ln -s in/end f; chattr +i in", writable.WRITTEN, writable.IMMUTABLE),
    "mounted": ("echo a > f; echo b > g; mount --bind g f", writable.WRITTEN, writable.MOUNTED),
    "mounted, removed": ("echo a > f; echo b > g; mount --bind g f", writable.REMOVED, writable.MOUNTED),
    "mounted read-only, in place": (
        "echo a > f; echo b > g; mount --bind g f; mount -o remount,bind,ro f", writable.OVERWRITTEN, writable.READ_ONLY),
    "folder mounted read-only": (
        "mkdir in; mount --bind in in; mount -o remount,bind,ro in; ln -s in/f f; mount -o remount,bind,rw in; echo a > in/f; "
        "mount -o remount,bind,ro in", writable.WRITTEN, writable.READ_ONLY),
    "a folder": ("mkdir f", writable.WRITTEN, writable.FOLDER_IN_WAY),
    "a folder, removed": ("mkdir f", writable.REMOVED, writable.FOLDER_IN_WAY),
    "a FIFO": ("mkfifo f", writable.WRITTEN, writable.SPECIAL),
    "a device": ("mknod f c 1 3", writable.WRITTEN, writable.SPECIAL),
    "a file where a folder comes": ("echo a > f", writable.FOLDER, writable.FILE_IN_WAY),
    "a FIFO where a folder comes": ("mkfifo f", writable.FOLDER, writable.FILE_IN_WAY),
    "a file where systemctl links": ("echo a > f", writable.LINKED, writable.A_FILE),
    "a link to a device": ("mknod null c 1 3; ln -s null f", writable.WRITTEN, writable.LEADS_ASTRAY),
    "a link to a folder": ("mkdir in; ln -s in f", writable.WRITTEN, writable.LEADS_ASTRAY),
    "a link that leads nowhere": ("ln -s none f", writable.WRITTEN, writable.LEADS_NOWHERE),
    "a link into a folder that is missing": ("ln -s none/f f", writable.WRITTEN, writable.LEADS_NOWHERE),
    "a link to itself": ("ln -s f f", writable.WRITTEN, writable.LEADS_NOWHERE),
    "a link, removed": ("echo a > end; ln -s end f", writable.REMOVED, writable.A_LINK),
    "hard links": ("echo a > f; ln f g", writable.WRITTEN, writable.HARD_LINKS),
    "no room": ("dd if=/dev/zero of=big bs=64k 2>/dev/null || :", writable.WRITTEN, writable.FULL),
    "no room, appended": ("echo a > f; dd if=/dev/zero of=big bs=64k 2>/dev/null || :", writable.APPENDED, writable.FULL),
    "no inode": ("n=0; while touch big$n; do n=$((n+1)); done 2>/dev/null; :", writable.WRITTEN, writable.FULL),
}
# What an operator does where the remedy names no command, or leaves him the choice.
BY_HAND = {
    writable.LEADS_NOWHERE: "rm f", writable.A_LINK: "rm f", writable.FULL: "rm big*",
    writable.HARD_LINKS: "cp -a f f.new; mv f.new f"}


def followed(problem, path):
    """Return the commands that a remedy names."""
    commands = [command.replace("PATH", shlex.quote(path)) for command in COMMAND.findall(problem.remedy)]
    if problem.fact.endswith("is mounted read-only"):
        # One is for the mount alone.
        commands = [command for command in commands if "bind" in command]
    return "; ".join(commands)


@pytest.mark.parametrize("case", CASES)
def test_what_is_told_is_true_and_its_remedy_works(disk, case):
    does, how, kind = CASES[case]
    folder = disk / "etc"
    folder.mkdir()
    path = str(folder / "f")
    made = shell(f"cd {folder}; {does}")
    assert made.returncode == 0, made.stderr
    found = writable.obstacles("/", [writable.Touch(path, how)])
    assert [one.kind for one in found] == [kind]
    [problem] = unwritable.problems(found)
    named = str(disk) if kind == writable.FULL else os.path.dirname(found[0].where) if path not in found[0].where else path
    assert named in problem.fact and problem.reason and problem.remedy, problem
    # These could be written over, and would be lost; and a full file system may hold one more small file.
    if kind not in (writable.LEADS_ASTRAY, writable.SPECIAL, writable.HARD_LINKS, writable.FULL):
        with pytest.raises((OSError, errors.Refused)):
            write(path, how)
    mended = shell(f"cd {folder}; {BY_HAND.get(kind) or followed(problem, path)}")
    assert mended.returncode == 0 and (BY_HAND.get(kind) or followed(problem, path)), (mended, problem)
    assert writable.obstacles("/", [writable.Touch(path, how)]) == []
    if how in (writable.REMOVED, writable.TAKEN_BACK) or os.path.lexists(path) or how not in (
            writable.OVERWRITTEN, writable.APPENDED):
        write(path, how)


@pytest.mark.parametrize(("does", "how"), [
    ("echo a > f; chattr +a f", writable.APPENDED),
    ("chattr +a .", writable.APPENDED),
    ("chattr +a .", writable.FOLDER),
    ("echo a > f; chattr +i .", writable.OVERWRITTEN),
    ("echo a > f; echo b > g; mount --bind g f", writable.OVERWRITTEN),
    ("echo a > f; ln f g", writable.OVERWRITTEN),
    ("echo a > f; ln f g", writable.TAKEN_BACK),
    ("mkdir in; echo a > in/end; ln -s in/end f; chattr +i .", writable.WRITTEN),
    ("ln -s in/../end f; mkdir in; echo a > end", writable.WRITTEN),
    ("ln -s /usr/lib/systemd/system/b.service f", writable.LINKED),
    ("echo a > f; dd if=/dev/zero of=big bs=64k 2>/dev/null || :", writable.OVERWRITTEN),
    ("echo a > f; dd if=/dev/zero of=big bs=64k 2>/dev/null || :", writable.REMOVED),
])
def test_what_is_told_to_be_writable_is(disk, does, how):
    folder = disk / "etc"
    folder.mkdir()
    assert shell(f"cd {folder}; {does}").returncode == 0
    assert writable.obstacles("/", [writable.Touch(str(folder / "f"), how)]) == []
    write(str(folder / "f"), how)
    assert not os.path.islink(folder / "f") or how in (writable.LINKED, writable.WRITTEN)


@pytest.mark.parametrize("disk", ["vfat"], indirect=True)
def test_a_file_system_without_links(disk):
    path = str(disk / "f")
    for how in (writable.LINKED, writable.LINK):
        found = writable.obstacles("/", [writable.Touch(path, how)])
        assert [one.kind for one in found] == [writable.NO_LINKS]
        assert str(disk) in unwritable.problems(found)[0].fact
    with pytest.raises(OSError, match="not permitted"):
        os.symlink("a", path)
    for how in (writable.WRITTEN, writable.OVERWRITTEN, writable.APPENDED, writable.REMOVED):
        assert writable.obstacles("/", [writable.Touch(path, how)]) == []
        write(path, how)


def test_a_whole_file_system_that_is_mounted_read_only(disk):
    (disk / "f").write_text("a")
    assert shell(f"mount -o remount,ro {disk}").returncode == 0
    touches = [writable.Touch(str(disk / name), how) for name, how in (
        ("f", writable.WRITTEN), ("new", writable.APPENDED), ("in/new", writable.FOLDER), ("f", writable.OVERWRITTEN))]
    found = writable.obstacles("/", touches)
    assert [(one.kind, one.where) for one in found] == [(writable.READ_ONLY, str(disk))] * 4
    [problem] = unwritable.problems(found)
    assert f"mount -o remount,rw {disk}" in problem.remedy
    assert shell(f"mount -o remount,rw {disk}").returncode == 0 and writable.obstacles("/", touches) == []


def test_a_name_that_is_too_long_and_a_file_above(tmp_path):
    (tmp_path / "file").write_text("a")
    long = f"{tmp_path}/{'x' * 250}"
    assert [one.kind for one in writable.obstacles("/", [writable.Touch(long, writable.FILE)])] == [writable.TOO_LONG]
    assert writable.obstacles("/", [writable.Touch(long, writable.WRITTEN)]) == []
    found = writable.obstacles("/", [writable.Touch(f"{tmp_path}/file/a/b", writable.WRITTEN)])
    assert [(one.kind, one.where) for one in found] == [(writable.FILE_IN_WAY, f"{tmp_path}/file")]
    shutil.move(tmp_path / "file", tmp_path / "file.away")
    write(f"{tmp_path}/file/a/b", writable.WRITTEN)


@pytest.mark.parametrize("does", ["mkfifo f", "mkdir f", "mknod f b 7 200", "ln -s . f"])
def test_what_is_no_file_is_not_read(tmp_path, does):
    if does.startswith("mknod") and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    assert shell(f"cd {tmp_path}; {does}").returncode == 0
    target = Target(lambda argv: (0, "", ""), "/nonexistent", root=str(tmp_path))
    with pytest.raises(OSError, match=r"cannot be read|Is a directory"):
        target.read("/f")


def test_the_null_device_reads_as_an_empty_file(tmp_path):
    (tmp_path / "f").symlink_to("/dev/null")
    target = Target(lambda argv: (0, "", ""), "/nonexistent")
    assert target.read(str(tmp_path / "f")).content == ""
    assert [one.kind for one in writable.obstacles("/", [writable.Touch(str(tmp_path / "f"), writable.WRITTEN)])] == [
        writable.LEADS_ASTRAY]


def codes_of(path, how, tested=None):
    """Return the codes of what is in the way of a write."""
    return [problem.code for problem in unwritable.problems((tested or writable.obstacles)("/", [writable.Touch(path, how)]))]


def test_a_file_above_is_moved_away(tmp_path):
    (tmp_path / "file").write_text("a")
    path = f"{tmp_path}/file/a/b"
    [problem] = unwritable.problems(writable.obstacles("/", [writable.Touch(path, writable.WRITTEN)]))
    assert problem.code == "folder.file_in_way"
    [command] = COMMAND.findall(problem.remedy)
    assert shell(command.replace("PATH", shlex.quote(problem.subject))).returncode == 0
    assert codes_of(path, writable.WRITTEN) == []
    write(path, writable.WRITTEN)


def test_a_shorter_name_is_written(tmp_path):
    assert codes_of(f"{tmp_path}/{'x' * 300}", writable.WRITTEN) == ["path.too_long"]
    assert codes_of(f"{tmp_path}/{'x' * 20}", writable.WRITTEN) == []
    write(f"{tmp_path}/{'x' * 20}", writable.WRITTEN)


def test_what_could_not_be_looked_at_is_looked_at_once_its_file_system_answers(tmp_path, monkeypatch):
    path, real = str(tmp_path / "f"), os.lstat
    (tmp_path / "f").write_text("a")

    def lstat(looked_at, *args, **more):
        if looked_at == path:
            raise OSError(5, "Input/output error", path)
        return real(looked_at, *args, **more)

    monkeypatch.setattr(os, "lstat", lstat)
    assert codes_of(path, writable.WRITTEN) == ["path.cannot_be_looked_at"]
    monkeypatch.setattr(os, "lstat", real)
    assert codes_of(path, writable.WRITTEN) == []
