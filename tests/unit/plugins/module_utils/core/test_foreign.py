# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system, Python and libraries raise: each has a code, the host's fact, the true reason and a remedy."""

from __future__ import annotations

import configparser
import errno
import json
import lzma
import os
import sqlite3
import subprocess
import zipfile
import zlib

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.core import errors, foreign, host_io

SECRET = "hunter2"


def raised(act):
    """Return what a function raises."""
    try:
        act()
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def made(folder):
    """Return, by code, functions that have the system or Python raise each error that can be made without a library."""
    big = "x" * 300
    (folder / "file").write_text("x")
    (folder / "folder" / "inside").mkdir(parents=True)
    (folder / "loop").symlink_to("loop")
    (folder / "no-program").write_bytes(b"\0\1\2")
    (folder / "no-program").chmod(0o755)
    return {
        "os.link_loop": lambda: open(folder / "loop"),
        "os.name_too_long": lambda: open(folder / big),
        "os.is_a_folder": lambda: open(folder / "folder"),
        "os.not_a_folder": lambda: open(folder / "file" / "below"),
        "os.not_there": lambda: open(folder / "nothing"),
        "os.is_there": lambda: os.mkdir(folder / "folder"),
        "os.folder_not_empty": lambda: os.rmdir(folder / "folder"),
        "os.no_space": lambda: os.write(os.open("/dev/full", os.O_WRONLY), b"x"),
        "os.not_a_program": lambda: subprocess.run([str(folder / "no-program")], check=True),
        "os.too_many_arguments": lambda: subprocess.run(["/bin/true", *(["x" * 100000] * 100)], check=True),
        "os.error": lambda: os.lseek(os.open(folder / "file", os.O_RDONLY), -1, os.SEEK_SET),
        "text.encoding": lambda: str(b"caf\xe9", "utf-8"),
        "data.not_json": lambda: json.loads("{"),
        "data.not_ini": lambda: configparser.ConfigParser().read_string("no section"),
        "data.damaged": lambda: zlib.decompress(b"x"),
        "data.damaged_xz": lambda: lzma.decompress(b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        "data.damaged_zip": lambda: zipfile.ZipFile(folder / "file"),
        "sqlite.unavailable": lambda: sqlite3.connect(folder / "none" / "x").execute("select 1"),
        "sqlite.damaged": lambda: damaged(folder / "database"),
        "command.timeout": lambda: subprocess.run(["sh", "-c", "sleep 9", SECRET], timeout=0.01, check=True),
        "command.status": lambda: subprocess.run(["false", SECRET], check=True),
        "python.import": lambda: __import__("no_such_module_at_all"),
        "internal.unexpected": lambda: {}["key"],
    }


def damaged(path):
    path.write_bytes(b"this is no database" * 100)
    sqlite3.connect(path).execute("select * from x")


# Errors that a test cannot or should not have the system make.
GIVEN = {
    "os.quota": OSError(errno.EDQUOT, "Disk quota exceeded", "/etc/a"),
    "os.file_too_large": OSError(errno.EFBIG, "File too large", "/etc/a"),
    "os.read_only": OSError(errno.EROFS, "Read-only file system", "/etc/a"),
    "os.access": PermissionError(errno.EACCES, "Permission denied", "/etc/a"),
    "os.not_permitted": PermissionError(errno.EPERM, "Operation not permitted", "/etc/a"),
    "os.input_output": OSError(errno.EIO, "Input/output error", "/etc/a"),
    "os.damaged_file_system": OSError(errno.EUCLEAN, "Structure needs cleaning", "/etc/a"),
    "os.busy": OSError(errno.EBUSY, "Device or resource busy", "/etc/a"),
    "os.runs": OSError(errno.ETXTBSY, "Text file busy", "/etc/a"),
    "os.other_file_system": OSError(errno.EXDEV, "Invalid cross-device link", "/etc/a", None, "/usr/a"),
    "os.too_many_files": OSError(errno.EMFILE, "Too many open files", "/etc/a"),
    "os.too_many_files_of_all": OSError(errno.ENFILE, "Too many open files in system", "/etc/a"),
    "os.stale": OSError(errno.ESTALE, "Stale file handle", b"/etc/a"),
    "os.no_device": OSError(errno.ENODEV, "No such device"),
    "os.not_supported": OSError(errno.ENOTSUP, "Operation not supported", 7),
    "os.timeout": TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    "os.no_service": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "os.no_memory": MemoryError(),
    "data.cut": EOFError("Compressed file ended before the end-of-stream marker was reached"),
}


def of_library(module, name, *bases):
    """Return a class as a library has it that this machine may lack."""
    return type(name, bases or (Exception,), {"__module__": module})


ERROR = of_library("dnf.exceptions", "Error")
OF_LIBRARIES = {
    "dnf.locked": of_library("dnf.exceptions", "ProcessLockError", of_library("dnf.exceptions", "LockError", ERROR))("busy"),
    "dnf.repository": of_library("dnf.exceptions", "RepoError", ERROR)("404"),
    "dnf.download": of_library("dnf.exceptions", "DownloadError", ERROR)("404"),
    "dnf.configuration": of_library("dnf.exceptions", "ConfigError", ERROR)("line 3"),
    "dnf.no_solution": of_library("dnf.exceptions", "DepsolveError", ERROR)("conflict"),
    "dnf.no_match": of_library("dnf.exceptions", "NotFound", of_library("dnf.exceptions", "MarkingError", ERROR))("x"),
    "dnf.transaction_check": of_library("dnf.exceptions", "TransactionCheckError", ERROR)("refused"),
    "dnf.error": ERROR("no"),
    "rpm.error": of_library("rpm", "error")("odd header"),
    "libdnf.error": of_library("libdnf._error", "Error")("SQLite error on history.sqlite"),
    "hawkey.error": of_library("_hawkey", "ValueException")("no"),
    "librepo.error": of_library("librepo", "LibrepoException")(22, "Cannot download repomd.xml", "General"),
}


def codes():
    """Return the codes that foreign has."""
    tables = [foreign.OF_SYSTEM, foreign.OF_CLASS, foreign.OF_LIBRARY]
    return {one.code for table in tables for one in table.values()} | {foreign.ANY_OF_SYSTEM.code, foreign.UNEXPECTED.code}


def test_each_code_is_produced_here(tmp_path):
    assert {*made(tmp_path), *GIVEN, *OF_LIBRARIES} == codes()


def assert_worded(problem, code):
    assert problem.code == code
    assert problem.fact and problem.reason and problem.remedy and "{" not in "".join(problem)
    assert not any(word in str(problem) for word in ("Traceback", "None", "\n", SECRET))


def test_what_is_raised_has_its_code(tmp_path):
    for code, act in made(tmp_path).items():
        assert_worded(foreign.problem(raised(act)), code)


@pytest.mark.parametrize("code", [*GIVEN, *OF_LIBRARIES])
def test_what_is_given_has_its_code(code):
    assert_worded(foreign.problem({**GIVEN, **OF_LIBRARIES}[code]), code)


def test_a_path_is_told_with_what_is_there(tmp_path):
    problem = foreign.problem(raised(lambda: os.open(tmp_path, os.O_WRONLY)))
    assert problem.subject == str(tmp_path) and problem.fact == f"{tmp_path} (a folder) cannot be used as a file"
    assert problem.reason == "it is a folder: Is a directory"
    os.mkfifo(tmp_path / "fifo")
    assert foreign.kind_of(str(tmp_path / "fifo")) == "a FIFO" and foreign.kind_of(str(tmp_path / "none")) == ""


def test_the_words_of_a_library_are_told_and_what_was_done_comes_first():
    problem = foreign.problem(OF_LIBRARIES["librepo.error"], "the key cannot be fetched", "Nothing else happened")
    assert problem.fact == "the key cannot be fetched" and problem.reason.endswith(": Cannot download repomd.xml")
    assert problem.remedy.endswith("run again. Nothing else happened")


def test_an_error_of_python_in_the_code_of_a_library_is_of_that_library():
    code = compile("def act():\n    raise TypeError('argument 3 of type std::string')", "conf.py", "exec")
    names = {"__name__": "libdnf.conf"}
    exec(code, names)
    problem = foreign.problem(raised(names["act"]))
    assert problem.code == "libdnf.error" and problem.reason == "argument 3 of type std::string (TypeError)"


def test_an_error_that_nobody_knows_tells_its_type_its_first_line_and_the_place():
    def fails(_argv):
        raise ZeroDivisionError("the first\nline " + SECRET)

    error = raised(lambda: host_io.Target(fails, "/").run(["x"]))
    problem = foreign.problem(error)
    assert problem.code == "internal.unexpected" and SECRET not in str(problem)
    assert problem.reason.startswith("ZeroDivisionError: the first (in core.host_io, line ")
    assert "Report it" in problem.remedy


@pytest.mark.parametrize("kind", [errors.Refused, errors.Failed, errors.CannotRead])
def test_what_is_ours_stays_as_it_is(kind):
    mine = errors.Problem("a.b", "f", "r", "m")
    assert foreign.problem(kind(mine)) == mine and foreign.problems(kind(mine)) == [mine]


@pytest.mark.parametrize(
    "error", [OF_LIBRARIES["rpm.error"], GIVEN["os.read_only"], KeyError("x")], ids=["rpm", "system", "python"])
@pytest.mark.parametrize("unchanged", [True, False])
def test_told_says_whether_something_was_changed(error, unchanged):
    with pytest.raises(errors.Refused if unchanged else errors.Failed) as told, foreign.told("More", lambda: unchanged):
        raise error
    problem, = told.value.problems
    assert problem.fact and problem.reason and problem.remedy.endswith("More")
    assert problem.remedy.startswith("Nothing was changed") is unchanged
    assert "raise error" in foreign.story(told.value)


def test_the_real_classes_of_libraries_are_known():
    exceptions = pytest.importorskip("dnf.exceptions", reason="python3-dnf is not importable by this interpreter")
    libdnf, hawkey, rpm = (pytest.importorskip(name) for name in ("libdnf.error", "hawkey", "rpm"))
    told = [
        (exceptions.Error("no"), "dnf.error"), (exceptions.RepoError("no"), "dnf.repository"),
        (exceptions.LockError("no"), "dnf.locked"), (exceptions.DepsolveError("no"), "dnf.no_solution"),
        (exceptions.ConfigError("no"), "dnf.configuration"), (exceptions.DownloadError({"x": ["404"]}), "dnf.download"),
        (exceptions.PackageNotFoundError("no", "x"), "dnf.no_match"), (exceptions.DatabaseError("no"), "dnf.error"),
        (libdnf.Error("no"), "libdnf.error"), (hawkey.ValueException("no"), "hawkey.error"), (rpm.error("no"), "rpm.error")]
    assert [foreign.problem(error).code for error, _code in told] == [code for _error, code in told]
