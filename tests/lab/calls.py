# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of Ansible without the cost of their start: a process that has Ansible loaded forks for each call.

A call is the command itself, with its own arguments, output and exit status. What it packs for a host is kept for the next
call, as Ansible keeps it from one task of a play to the next.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import typing as t

COMMANDS = ("ansible", "ansible-playbook")
Result = subprocess.CompletedProcess


class Loaded:
    """A process that has Ansible loaded, with one environment. Calls follow each other. It ends with this process."""

    def __init__(self, environment: t.Mapping[str, str]) -> None:
        # Ansible refuses to start where one of these does not block, as that of a test may after an ssh on it.
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(environment), start_new_session=True)

    def run(self, argv: t.Sequence[str], folder: pathlib.Path, seconds: float | None = None) -> Result[str]:
        """Run a command in a folder and return its result. One that takes longer is not waited for: raises TimeoutExpired."""
        assert self._process.stdin and self._process.stdout
        with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
            self._process.stdin.write(json.dumps([argv, str(folder), out.name, err.name]) + "\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
                raise subprocess.TimeoutExpired(argv, t.cast(float, seconds), out.read(), err.read())
            answer = self._process.stdout.readline()
            if not answer:
                raise ChildProcessError(f"the process that has Ansible loaded ended: {self._process.communicate()[1]}")
            return Result(argv, int(answer), out.read(), err.read())

    @property
    def ended(self) -> bool:
        """Say whether no call can be made any more."""
        return self._process.poll() is not None


@functools.cache
def _loaded(_environment: frozenset[tuple[str, str]], _thread: int) -> list[Loaded]:
    return []


def run(
    argv: t.Sequence[str], folder: pathlib.Path, environment: t.Mapping[str, str] | None = None, seconds: float | None = None,
) -> Result[str]:
    """Run one of COMMANDS in a folder and return its result, by the process that has Ansible loaded with this environment, or
    with that of this process. Each thread has one of its own: the call of another would wait, and take the answer of this one."""
    environment = environment or os.environ
    kept = _loaded(frozenset(environment.items()), threading.get_ident())
    if not kept or kept[0].ended:
        kept[:] = [Loaded(environment)]
    return kept[0].run(argv, folder, seconds)


def _serve() -> None:
    """Read calls from standard input, and answer each with its exit status."""
    # pylint: disable=import-outside-toplevel
    from ansible.cli import adhoc, playbook
    from ansible.executor import module_common, task_executor  # noqa: F401
    commands = dict(zip(COMMANDS, (adhoc.AdHocCLI, playbook.PlaybookCLI)))
    for line in sys.stdin:
        argv, folder, *outputs = json.loads(line)
        child = os.fork()
        if not child:
            _be(commands[argv[0]], argv, folder, outputs)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _be(command: t.Any, argv: list[str], folder: str, outputs: list[str]) -> t.NoReturn:
    """Be a command of Ansible. Nothing that this process took over from the one before it is cleaned up at the end."""
    status: t.Any = 1
    try:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, path in enumerate(outputs, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
        command.cli_executor(argv)
    except SystemExit as end:
        status = end.code or 0
    except BaseException:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


if __name__ == "__main__":
    _serve()
