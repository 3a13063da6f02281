# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn what the system, Python, rpm, dnf and their libraries raise into problems with a code, a fact, a reason and a remedy.

Classes are recognised by the names of their modules, and nothing is imported for it: what runs detached holds a copy of this
file, and a host may lack each of these libraries. The words of an exception decide nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import traceback
import types
import typing as t

from .errors import Failed, Problem, Refused
from .secrets import masked

NOTHING_CHANGED = "Nothing was changed. "
TRACKER = "https://gitlab.com/CentOS/Hyperscale"

# By error number: C({what}) is the path with its kind.
OF_SYSTEM = {
    errno.ENOSPC: Problem(
        "os.no_space", "{what} cannot be written", "its file system has no room or no inode left",
        "Make room there ('df -h', 'df -i') and run again"),
    errno.EDQUOT: Problem(
        "os.quota", "{what} cannot be written", "the quota that it counts against is used up",
        "Make room there or raise the limit, and run again"),
    errno.EFBIG: Problem(
        "os.file_too_large", "{what} cannot be written", "its file system or a limit of the process does not allow its size",
        "Raise the limit, and run again"),
    errno.EROFS: Problem(
        "os.read_only", "{what} cannot be written", "its file system is mounted read-only",
        "Look in 'dmesg' for an error that made it so, mount it writable ('mount -o remount,rw'), and run again"),
    errno.EACCES: Problem(
        "os.access", "{what} cannot be used", "the system denies access to it",
        "Look at 'namei -l' of the path, and for denials with 'ausearch -m avc', allow root to use it, and run again"),
    errno.EPERM: Problem(
        "os.not_permitted", "{what} cannot be used", "the system does not permit the operation",
        "Look at 'lsattr -d' of the path and of its folder for the flags i and a, and at the capabilities of the process that "
        "runs the module; run again"),
    errno.EIO: Problem(
        "os.input_output", "{what} cannot be used", "the disk or its file system reported an input/output error",
        "Look in 'dmesg' for the error, check the file system, and run again"),
    errno.EUCLEAN: Problem(
        "os.damaged_file_system", "{what} cannot be used", "its file system is damaged", "Check the file system, and run again"),
    errno.ELOOP: Problem(
        "os.link_loop", "{what} cannot be used", "its symbolic links lead in a circle, or one is where none may be",
        "Look at 'namei -l' of the path, mend the link, and run again"),
    errno.ENAMETOOLONG: Problem(
        "os.name_too_long", "{what} cannot be used", "its name is longer than its file system allows",
        "Use a shorter name, and run again"),
    errno.EISDIR: Problem(
        "os.is_a_folder", "{what} cannot be used as a file", "it is a folder", "Move the folder away, and run again"),
    errno.ENOTDIR: Problem(
        "os.not_a_folder", "{what} cannot be used", "something in its path is not a folder",
        "Look at 'namei -l' of the path, move away what is in the place of the folder, and run again"),
    errno.ENOENT: Problem(
        "os.not_there", "{what} cannot be used", "it does not exist, or a folder above it does not",
        "Bring it back, for example by reinstalling the package that owns it ('rpm -qf'), and run again"),
    errno.EEXIST: Problem(
        "os.is_there", "{what} cannot be made", "something with its name exists", "Move that away, and run again"),
    errno.ENOTEMPTY: Problem(
        "os.folder_not_empty", "{what} cannot be removed", "the folder is not empty",
        "Look at what is in it, move that away, and run again"),
    errno.EBUSY: Problem(
        "os.busy", "{what} cannot be changed", "it is in use, for example as a mount point",
        "Look at 'findmnt' and 'fuser -vm' of the path, end its use, and run again"),
    errno.ETXTBSY: Problem(
        "os.runs", "{what} cannot be written", "a process runs it", "End the process ('fuser -v'), and run again"),
    errno.EXDEV: Problem(
        "os.other_file_system", "{what} cannot be moved", "its new place is on another file system",
        "Look at 'findmnt -T' of the path and of its folder, have both on one file system, and run again"),
    errno.EMFILE: Problem(
        "os.too_many_files", "{what} cannot be opened", "the process has as many files open as it may",
        "Raise the limit of open files of the login ('ulimit -n'), and run again"),
    errno.ENFILE: Problem(
        "os.too_many_files_of_all", "{what} cannot be opened", "the host has as many files open as it may",
        "Raise 'sysctl fs.file-max' or end what holds them, and run again"),
    errno.ENOMEM: Problem(
        "os.no_memory", "the module needs more memory", "this host has none left, or a limit of the process is reached",
        "Free memory on the host ('free -m'), or raise the limit of the login ('ulimit -v'), and run again"),
    errno.ESTALE: Problem(
        "os.stale", "{what} cannot be used", "its file server does not know it any more",
        "Mount the file system anew, and run again"),
    errno.ENODEV: Problem(
        "os.no_device", "{what} cannot be used", "there is no such device", "Look at 'dmesg' and 'lsblk', and run again"),
    errno.ENOEXEC: Problem(
        "os.not_a_program", "{what} cannot be run", "it is no program that this host can run",
        "Reinstall the package that owns it ('rpm -qf'), and run again"),
    errno.E2BIG: Problem(
        "os.too_many_arguments", "{what} cannot be run", "its arguments are too long",
        "Ask for fewer packages, files or units in one run"),
    errno.ENOTSUP: Problem(
        "os.not_supported", "{what} cannot be used", "its file system does not support the operation",
        "Look at 'findmnt -T' of the path, use another file system there, and run again"),
    errno.ETIMEDOUT: Problem(
        "os.timeout", "{what} gave no answer", "the system's limit of time was reached", "Look whether it works, and run again"),
    errno.ECONNREFUSED: Problem(
        "os.no_service", "{what} cannot be reached", "nothing answers there", "Start the service, and run again"),
}
ANY_OF_SYSTEM = Problem(
    "os.error", "{what} cannot be used", "the system reported an error", "Mend on the host what the reason names, and run again")

# By class, its module and name: the first of an exception's classes that is named here counts.
OF_CLASS = {
    "builtins.UnicodeError": Problem(
        "text.encoding", "a text of this host cannot be read or written", "it has bytes or characters outside of its encoding",
        "Find the file that is not in UTF-8 ('iconv -f UTF-8 -t UTF-8 FILE'), convert it, and run again"),
    "builtins.MemoryError": OF_SYSTEM[errno.ENOMEM],
    "builtins.ImportError": Problem(
        "python.import", "Python of this host cannot load a module", "it is missing or damaged",
        "Reinstall its package: python3-rpm, python3-dnf, python3-hawkey, python3-libdnf or python3-libs; then run again"),
    "json.decoder.JSONDecodeError": Problem(
        "data.not_json", "what a program or a file of this host said cannot be read", "it is not JSON",
        "Mend the program or the file that is read at the place which the reason names, and run again"),
    "configparser.Error": Problem(
        "data.not_ini", "a configuration file of this host cannot be read", "it is not in the form of sections and options",
        "Mend the file that the reason names, and run again"),
    "sqlite3.OperationalError": Problem(
        "sqlite.unavailable", "a database of this host cannot be used",
        "it is locked, cannot be opened, or its disk has an error",
        "Let other package managers end, look at 'dmesg', and run again"),
    "sqlite3.Error": Problem(
        "sqlite.damaged", "a database of this host cannot be used", "it is damaged",
        "Bring it back from a backup. For that of rpm there is 'rpmdb --rebuilddb', too, which leaves out what it cannot read: "
        "copy its folder aside before. Then run again"),
    "subprocess.TimeoutExpired": Problem(
        "command.timeout", "a command did not end", "it was ended at its limit of time",
        "Run it on the host, mend what holds it up, and run again"),
    "subprocess.CalledProcessError": Problem(
        "command.status", "a command ended with an error", "its exit status is not 0",
        "Run it on the host, mend what it says, and run again"),
    "builtins.EOFError": Problem(
        "data.cut", "a file of this host cannot be read", "it ends too early", "Bring the file back, and run again"),
    "zlib.error": Problem(
        "data.damaged", "compressed data cannot be read", "they are damaged", "Run 'dnf clean all' on the host, and run again"),
    "_lzma.LZMAError": Problem(
        "data.damaged_xz", "data compressed by xz cannot be read", "they are damaged",
        "Run 'dnf clean all' on the host, and run again"),
    "zipfile.BadZipFile": Problem(
        "data.damaged_zip", "the archive that the module runs from cannot be read", "it is damaged", "Run again"),
    "dnf.exceptions.LockError": Problem(
        "dnf.locked", "dnf cannot begin", "another process holds its lock", "Let that finish, and run again"),
    "dnf.exceptions.RepoError": Problem(
        "dnf.repository", "dnf cannot read a repository", "it is not reachable or not whole",
        "Make it reachable and whole from this host, or correct its address, and run again"),
    "dnf.exceptions.DownloadError": Problem(
        "dnf.download", "dnf cannot download a package", "no mirror gave it",
        "Mend the mirror or the host's disk, and run again"),
    "dnf.exceptions.ConfigError": Problem(
        "dnf.configuration", "dnf cannot read its configuration", "it is malformed",
        "Mend the file that the reason names, and run again"),
    "dnf.exceptions.DepsolveError": Problem(
        "dnf.no_solution", "dnf finds no solution", "packages rule each other out",
        "Run 'dnf check' on the host, mend what it names, and run again"),
    "dnf.exceptions.MarkingError": Problem(
        "dnf.no_match", "dnf finds no such package", "no enabled repository offers it",
        "Enable the repository that carries it, and run again"),
    "dnf.exceptions.TransactionCheckError": Problem(
        "dnf.transaction_check", "rpm refuses the transaction of dnf", "its check failed",
        "Mend what the reason names, and run again"),
}
# By the package that a class is of, or that the code is of that raised it.
OF_LIBRARY = {
    "rpm": Problem(
        "rpm.error", "rpm reported an error", "it gave no reason",
        "Check its database with 'rpm -qa' and 'rpmdb --verifydb', and run again"),
    "dnf": Problem(
        "dnf.error", "dnf reported an error", "it gave no reason",
        "Run 'dnf check' on the host, mend what it names, and run again"),
    "libdnf": Problem(
        "libdnf.error", "libdnf reported an error", "it gave no reason",
        "Run 'dnf check' and 'dnf history' on the host, mend what they name, and run again"),
    "hawkey": Problem(
        "hawkey.error", "hawkey, the solver of dnf, reported an error", "it gave no reason",
        "Run 'dnf check' on the host, mend what it names, and run again"),
    "librepo": Problem(
        "librepo.error", "librepo, the downloader of dnf, reported an error", "it gave no reason",
        "Run 'dnf makecache' on the host, mend what it names, and run again"),
}
UNEXPECTED = Problem(
    "internal.unexpected", "the collection met an error that it does not know", "{said}",
    f"Report it at {TRACKER}, with this message and the versions of ansible-core, of the collection and of the host")

# What a path is, by the type of its inode.
KINDS = {
    stat.S_IFREG: "a regular file", stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a character device", stat.S_IFBLK: "a block device"}


def problem(error: BaseException, doing: str = "", more: str = "") -> Problem:
    """Return what an exception of somebody else means. C(doing) is the fact where what was being done says more than the
    exception does. C(more) ends the remedy."""
    found = _own(error) or _of_system(error) or _of_class(error) or _of_library(error) or _unexpected(error)
    if doing:
        found = found._replace(fact=doing, reason=f"{found.fact}: {found.reason}")
    return found._replace(remedy=f"{found.remedy.rstrip('.')}. {more}") if more else found


def problems(error: BaseException, doing: str = "") -> list[Problem]:
    """Return all that an exception means: those that our own carry, or what that of somebody else does."""
    return list(getattr(error, "problems", ())) or [problem(error, doing)]


def refused(error: BaseException, doing: str) -> Refused:
    """Return what to raise for an exception that was met while nothing was changed yet."""
    said = problem(error, doing)
    return Refused(said._replace(remedy=NOTHING_CHANGED + said.remedy))


@contextlib.contextmanager
def told(more: str = "", unchanged: t.Callable[[], bool] = lambda: False) -> t.Iterator[None]:
    """Raise Failed in place of an exception of somebody else, or Refused where C(unchanged) says that nothing was changed yet."""
    try:
        yield
    except (Refused, Failed):
        raise
    except Exception as error:
        said = problem(error, more=more)
        if unchanged():
            raise Refused(said._replace(remedy=NOTHING_CHANGED + said.remedy)) from error
        raise Failed(said) from error


def story(failure: Exception) -> str:
    """Return where an exception of somebody else was raised, empty where there was none."""
    cause = failure.__cause__
    told = traceback.format_exception(type(cause), cause, cause.__traceback__) if cause is not None else ()
    return masked("".join(told))


def kind_of(path: str) -> str:
    """Return what is at a path, in words; empty where that cannot be told."""
    try:
        return KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "")
    except (OSError, ValueError):
        return ""


def _own(error: BaseException) -> Problem | None:
    """Return the problem that an exception of our own carries."""
    carried = getattr(error, "problems", ())
    return carried[0] if carried and isinstance(carried[0], Problem) else None


def _of_system(error: BaseException) -> Problem | None:
    if not isinstance(error, OSError) or not error.errno:
        return None
    path = error.filename if isinstance(error.filename, (str, bytes)) else ""
    path = os.fsdecode(path)
    kind = kind_of(path) if path.startswith("/") else ""
    what = (f"{path} ({kind})" if kind else path) or "a file of this host"
    found = OF_SYSTEM.get(error.errno, ANY_OF_SYSTEM)
    said = error.strerror or os.strerror(error.errno)
    if found is ANY_OF_SYSTEM:
        said = f"{said} (error number {error.errno})"
    return found._replace(fact=found.fact.format(what=what), reason=f"{found.reason}: {said}", subject=path)


def _of_class(error: BaseException) -> Problem | None:
    for one in type(error).__mro__:
        found = OF_CLASS.get(f"{one.__module__}.{one.__qualname__}")
        if found is not None:
            command = _name_of_command(error)
            said = _after(error) if command else f"{_said(error)}{_at(error)}"
            return found._replace(
                fact=f"{found.fact}: {command}" if command else found.fact, subject=command,
                reason=f"{found.reason}: {said}" if said else found.reason)
    return None


def _after(error: BaseException) -> str:
    """Return how a command ended that failed."""
    seconds, status = getattr(error, "timeout", None), getattr(error, "returncode", None)
    return f"{seconds:g} seconds" if seconds is not None else f"status {status}"


def _name_of_command(error: BaseException) -> str:
    """Return the program of a command that failed, without its arguments: these can hold what nobody is to read."""
    argv = getattr(error, "cmd", "")
    return str(argv[0] if isinstance(argv, (list, tuple)) and argv else argv).partition(" ")[0]


def _of_library(error: BaseException) -> Problem | None:
    classes = [one.__module__ for one in type(error).__mro__]
    for module in [*classes, _raised_in(error)]:
        found = OF_LIBRARY.get(module.lstrip("_").partition(".")[0])
        if found is not None:
            said = _said(error)
            if type(error).__module__ == "builtins" and said:
                said = f"{said} ({type(error).__name__})"
            return found._replace(reason=said or found.reason)
    # An error of the system that has no number, such as one that a library made of its own words.
    if isinstance(error, OSError):
        return ANY_OF_SYSTEM._replace(
            fact=ANY_OF_SYSTEM.fact.format(what="a file of this host"), reason=_said(error) or ANY_OF_SYSTEM.reason)
    return None


def _unexpected(error: BaseException) -> Problem:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return UNEXPECTED._replace(reason=f"{said}{_at(error)}")


def _said(error: BaseException) -> str:
    """Return the words of an exception in one line. librepo's are the second of its arguments."""
    words = error.args[1] if type(error).__module__ == "librepo" and len(error.args) > 1 else error
    return " ".join(str(words).split()).rstrip(".")


def _frames(error: BaseException) -> t.Iterator[tuple[types.FrameType, int]]:
    yield from traceback.walk_tb(error.__traceback__)


def _raised_in(error: BaseException) -> str:
    """Return the name of the module whose code raised an exception."""
    names = [str(frame.f_globals.get("__name__", "")) for frame, _line in _frames(error)]
    return names[-1] if names else ""


def _at(error: BaseException) -> str:
    """Return, in brackets, the innermost place in our own code that an exception came by; empty where there is none."""
    ours = __name__.rpartition(".core.")[0]
    found = [
        f"{frame.f_globals['__name__'][len(ours) + 1:]}, line {line}" for frame, line in _frames(error)
        if str(frame.f_globals.get("__name__", "")).startswith(f"{ours}.") and frame.f_globals["__name__"] != __name__]
    return f" (in {found[-1]})" if found else ""
