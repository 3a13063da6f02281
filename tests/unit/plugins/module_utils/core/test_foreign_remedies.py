# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that the kernel and Python raise for a real cause: each has its code, and is gone once its remedy is followed."""

from __future__ import annotations

import collections
import configparser
import contextlib
import gzip
import importlib
import json
import lzma
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import foreign

# C(make) prepares the cause, C(act) meets it, C(mend) does what the remedy says; each gets the folder of the test.
Case = collections.namedtuple("Case", ["make", "act", "mend"])
NOTHING = "echo >/dev/null"


def shell(command):
    """Return what prepares or mends by a command line, in the folder of the test."""
    return lambda folder: subprocess.run(["sh", "-ec", command], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def code_of(act, folder):
    """Return the code of what an act raises, empty when it raises nothing."""
    try:
        act(folder)
    except Exception as error:
        return foreign.problem(error).code
    return ""


def reads(name):
    return lambda folder: (folder / name).read_text(encoding="utf-8")


def writes(name, size=1):
    return lambda folder: (folder / name).write_text("x" * size)


def runs(name):
    return lambda folder: subprocess.run([str(folder / name)], cwd=folder, check=True)


@contextlib.contextmanager
def open_file(path):
    """Open a file without the buffer that would try to write at its end once more."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        yield handle
    finally:
        os.close(handle)


def limited(kind, amount, act):
    """Return an act that runs under a limit which the file C(limit) has, while there is one."""
    def acts(folder):
        old = resource.getrlimit(kind)
        if (folder / "limit").exists():
            resource.setrlimit(kind, (amount(), old[1]))
        try:
            act(folder)
        finally:
            resource.setrlimit(kind, old)
    return acts


def many_files(folder):
    with contextlib.ExitStack() as files:
        for _number in range(64):
            files.enter_context(open(folder / "limit.d", encoding="utf-8"))


def much_memory(_folder):
    assert len(bytearray(1 << 26)) == 1 << 26


def memory_in_use():
    with open("/proc/self/statm", encoding="ascii") as handle:
        return int(handle.read().split()[0]) * resource.getpagesize()


def big_file(folder):
    with open_file(folder / "big") as handle:
        # The kernel writes up to the limit first, and refuses what comes after it.
        while os.fstat(handle).st_size < 1 << 16:
            os.write(handle, b"x" * 4096)


def sets_attribute(folder):
    os.setxattr(folder / "in", b"user.hyperscale", b"x")


def many_arguments(folder):
    subprocess.run(["/bin/true", *(["x" * 100000] * int((folder / "number").read_text()))], check=True)


def connects(folder):
    with socket.socket() as client:
        client.connect(("127.0.0.1", int((folder / "port").read_text())))


def no_service(folder):
    """Choose a port that nobody listens at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        (folder / "port").write_text(str(server.getsockname()[1]))


# What a case has open or running, by its folder.
HELD = {}


def serve(folder):
    HELD[folder] = socket.create_server(("127.0.0.1", int((folder / "port").read_text())))


def run_copy(folder):
    shutil.copy(shutil.which("sleep"), folder / "program")
    HELD[folder] = subprocess.Popen([str(folder / "program"), "60"])


def end_copy(folder):
    HELD[folder].kill()
    HELD.pop(folder).wait()


def imports(folder):
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        importlib.import_module("hyperscale_of_a_test")
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("hyperscale_of_a_test", None)


def database(folder):
    with contextlib.closing(sqlite3.connect(folder / "db", timeout=0.1)) as base:
        base.execute("create table if not exists t (a)")
        base.execute("insert into t values (1)")
        base.commit()


def lock_database(folder):
    database(folder)
    HELD[folder] = sqlite3.connect(folder / "db", isolation_level=None)
    HELD[folder].execute("begin exclusive")


def damage_database(folder):
    database(folder)
    shutil.copy(folder / "db", folder / "backup")
    (folder / "db").write_bytes(b"this is no database" * 100)


def unpacked(library, path):
    with library.open(path) as handle:
        return handle.read()


def in_cache(library, damage_at):
    """Return a case of compressed metadata in a cache of dnf: what is not in it is fetched anew."""
    packed = library.compress(b"metadata " * 1000)
    # With all bits set there, no format has a block that begins or goes on so.
    damaged = packed[:damage_at] + b"\xff" * 4 + packed[damage_at + 4:]

    def act(folder):
        if not (folder / "cache").exists():
            (folder / "cache").write_bytes(packed)
        assert unpacked(library, folder / "cache").startswith(b"metadata")

    # What 'dnf clean all' does.
    return Case(lambda folder: (folder / "cache").write_bytes(damaged), act, shell("rm cache"))


def parsed(folder):
    configparser.ConfigParser().read_string((folder / "a.ini").read_text())


def archive(folder):
    with zipfile.ZipFile(folder / "a.zip", "w") as made:
        made.writestr("a", "x")


CASES = {
    "os.link_loop": Case(shell("ln -s a b; ln -s b a"), reads("a"), shell("namei -l a | grep -q 'a -> b'; rm a; echo x > a")),
    "os.name_too_long": Case(
        shell(f"echo {'x' * 256} > name"), lambda folder: writes(reads("name")(folder).strip())(folder), shell("echo x > name")),
    "os.is_a_folder": Case(shell("mkdir f"), writes("f"), shell("mv f f.away")),
    "os.not_a_folder": Case(shell("echo a > f"), writes("f/below"), shell("namei -l f/below || :; mv f f.away; mkdir f")),
    "os.not_there": Case(shell(NOTHING), reads("f"), shell("echo a > f")),
    "os.is_there": Case(shell("echo a > f"), lambda folder: (folder / "f").mkdir(), shell("mv f f.away")),
    "os.folder_not_empty": Case(
        shell("mkdir f; echo a > f/in"), lambda folder: (folder / "f").rmdir(), shell("ls -A f; mv f/in in")),
    "os.access": Case(
        shell("printf '#!/bin/sh\\n' > program"), runs("program"), shell("namei -l program; chmod +x program")),
    "os.not_a_program": Case(
        shell("printf '\\0\\1\\2' > program; chmod +x program"), runs("program"), shell("cp /bin/true program")),
    "os.too_many_arguments": Case(shell("echo 100 > number"), many_arguments, shell("echo 1 > number")),
    "os.too_many_files": Case(
        shell("touch limit limit.d"), limited(resource.RLIMIT_NOFILE, lambda: 40, many_files), shell("rm limit")),
    "os.file_too_large": Case(shell("touch limit"), limited(resource.RLIMIT_FSIZE, lambda: 8192, big_file), shell("rm limit")),
    "os.no_memory": Case(shell("touch limit"), limited(resource.RLIMIT_AS, memory_in_use, much_memory), shell("rm limit")),
    "os.no_service": Case(no_service, connects, serve),
    "os.runs": Case(run_copy, lambda folder: open(folder / "program", "r+b").close(), end_copy),
    "text.encoding": Case(
        shell("printf 'caf\\351' > f"), reads("f"),
        shell("! iconv -f UTF-8 -t UTF-8 f 2>/dev/null; iconv -f LATIN1 -t UTF-8 f > g; mv g f")),
    "python.import": Case(
        shell("echo 'from os import nothing_of_this_name' > hyperscale_of_a_test.py"), imports,
        shell("echo 'from os import path  # the package was installed again' > hyperscale_of_a_test.py")),
    "data.not_json": Case(shell("echo '{' > f"), lambda folder: json.loads((folder / "f").read_text()), shell("echo '{}' > f")),
    "data.not_ini": Case(shell("echo 'no section' > a.ini"), parsed, shell("echo '[a]' > a.ini")),
    "data.cut": Case(
        lambda folder: (folder / "f").write_bytes(gzip.compress(b"text" * 1000)[:40]),
        lambda folder: unpacked(gzip, folder / "f"), lambda folder: (folder / "f").write_bytes(gzip.compress(b"text"))),
    "data.damaged": in_cache(gzip, 10),
    "data.damaged_xz": in_cache(lzma, 30),
    # Each run brings its own archive.
    "data.damaged_zip": Case(shell("echo x > a.zip"), lambda folder: zipfile.ZipFile(folder / "a.zip").close(), archive),
    "sqlite.unavailable": Case(lock_database, database, lambda folder: HELD.pop(folder).close()),
    "sqlite.damaged": Case(damage_database, database, shell("cp backup db")),
    "command.status": Case(
        shell("printf '#!/bin/sh\\ntest -e there' > program; chmod +x program"), runs("program"), shell("echo a > there")),
    "command.timeout": Case(
        shell("mkfifo f; printf '#!/bin/sh\\nexec cat f' > program; chmod +x program"),
        lambda folder: subprocess.run([str(folder / "program")], cwd=folder, timeout=1, check=True), shell("rm f; echo a > f")),
}


def may_write_what_runs(folder):
    (folder / "tried").mkdir()
    run_copy(folder / "tried")
    try:
        return code_of(CASES["os.runs"].act, folder / "tried") == ""
    finally:
        end_copy(folder / "tried")


def followed(case, folder, code):
    """Meet the cause, do what the remedy says, and meet it no more."""
    case.make(folder)
    try:
        assert code_of(case.act, folder) == code
    finally:
        case.mend(folder)
    assert code_of(case.act, folder) == ""


@pytest.mark.parametrize("code", CASES)
def test_an_error_is_gone_once_its_cause_is_mended(tmp_path, code):
    if code == "os.runs" and may_write_what_runs(tmp_path):
        pytest.skip("this kernel lets a program be written while it runs, as Linux 6.11 and 6.12 do")
    followed(CASES[code], tmp_path, code)
    if tmp_path in HELD:
        HELD.pop(tmp_path).close()


# By code, what needs a file system of its own: on one in memory.
MOUNTED = {
    "os.no_space": Case(
        shell("dd if=/dev/zero of=big bs=64k 2>/dev/null || :"), writes("f", 8192), shell("df -h .; df -i .; rm big")),
    "os.read_only": Case(
        shell("mkdir in; mount --bind in in; mount -o remount,bind,ro in"), writes("in/f"), shell("mount -o remount,rw,bind in")),
    "os.busy": Case(
        shell("mkdir in; mount -t tmpfs none in"), lambda folder: (folder / "in").rmdir(), shell("findmnt $PWD/in; umount in")),
    "os.other_file_system": Case(
        shell("mkdir in; echo a > f; mount -t tmpfs none in"), lambda folder: os.rename(folder / "f", folder / "in/f"),
        shell("findmnt -T $PWD/in; umount in")),
    "os.not_supported": Case(
        shell("mkdir in; mount -t ramfs none in"), sets_attribute, shell("findmnt -T $PWD/in; umount in")),
}
# The same on a disk.
ON_DISK = {
    "os.not_permitted": Case(shell("echo a > f; chattr +i f"), writes("f"), shell("lsattr -d f | grep -q i; chattr -i f")),
    "os.not_supported": MOUNTED.pop("os.not_supported"),
}


def need(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"this needs root, and the tools {', '.join(missing) or 'that are here'}")


def mounted(point, *argv):
    point.mkdir()
    made = subprocess.run(["mount", *argv, str(point)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    return point


@pytest.fixture(name="memory")
def fixture_memory(tmp_path):
    """A small file system in memory."""
    need("mount", "umount", "findmnt")
    yield mounted(tmp_path / "memory", "-t", "tmpfs", "-o", "size=64k", "none")
    shell("umount -R memory")(tmp_path)


@pytest.fixture(name="image")
def fixture_image(tmp_path):
    """A small ext4 in a file."""
    need("mkfs.ext4", "mount", "umount", "findmnt", "chattr", "lsattr", "debugfs", "e2fsck")
    image = tmp_path / "image"
    with open(image, "wb") as handle:
        handle.truncate(4 << 20)
    shell(f"mkfs.ext4 -q {image}")(tmp_path)
    return image


@pytest.mark.parametrize("code", MOUNTED)
def test_an_error_of_a_mount_is_gone_once_its_cause_is_mended(memory, code):
    followed(MOUNTED[code], memory, code)


@pytest.mark.parametrize("code", ON_DISK)
def test_an_error_of_a_disk_is_gone_once_its_cause_is_mended(tmp_path, image, code):
    disk = mounted(tmp_path / "disk", "-o", "loop", str(image))
    try:
        followed(ON_DISK[code], disk, code)
    finally:
        shell("umount -R disk")(tmp_path)


def test_a_damaged_file_system_is_whole_once_it_was_checked(tmp_path, image):
    disk = mounted(tmp_path / "disk", "-o", "loop", str(image))
    (disk / "f").write_text("x")
    shell(f"umount disk; debugfs -w -R 'set_inode_field /f extra_isize 60000' {image} 2>&1; mount -o loop {image} disk")(tmp_path)
    try:
        found = code_of(reads("f"), disk)
    finally:
        shell("umount disk")(tmp_path)
    assert found == "os.damaged_file_system"
    subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)
    shell(f"mount -o loop {image} disk")(tmp_path)
    try:
        assert code_of(reads("f"), disk) == ""
    finally:
        shell("umount disk")(tmp_path)
