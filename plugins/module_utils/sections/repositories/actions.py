# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What section C(repositories) does: .repo files and key files, each written once whatever wishes change it."""

from __future__ import annotations

import typing as t

from ...core.engine import PREPARE, Action
from ...core.errors import Problem, Refused
from ...core.host_io import FileState, Target
from ...packages.repofile import edited
from ...shared.file import FileAction
from ...tables.flavours import FLAVOURS
from ...text import repofile
from ...text.masking import has_secret
from . import key


class RepoFileAction(FileAction):
    """A .repo file written or edited. C(args.flavour) is empty for what several flavours share."""

    section = "repositories"
    kind = "repo-file"


class KeyFileAction(RepoFileAction):
    """A key file that a repository definition names."""

    kind = "key-file"
    phase = PREPARE


ACTIONS = {action.kind: action for action in (RepoFileAction, KeyFileAction, key.KeyAction, key.KeyRemoval)}


class Edits:
    """Options to set in .repo files, gathered first so that each file is written once."""

    def __init__(self, target: Target, files: dict[str, FileState]) -> None:
        self._target = target
        self._old = files
        self._new = dict(files)
        self._flavours: dict[str, str] = {}

    def _file_of(self, repo_id: str) -> str:
        for path, state in self._new.items():
            try:
                if repo_id in repofile.sections(state.content):
                    return path
            except ValueError:
                continue
        raise Refused(Problem(
            "repository.not_defined", f"repository {repo_id}", f"no file in {repofile.FOLDER} of this host defines it",
            "Reinstall the package that ships it; for CRB you may also set 'crb: false'", subject=repo_id,
        ))

    def set(self, repo_id: str, options: dict[str, str], flavour: str) -> None:
        """Set options of a repository, in whatever file defines it."""
        path = self._file_of(repo_id)
        state = self._new[path]
        text = edited(state.content, repo_id, options, self._target.tmpdir)
        self._new[path] = private(state, text)
        self._flavours[path] = flavour

    def options(self, repo_id: str) -> dict[str, str]:
        """Return a repository's options as they will be."""
        return repofile.sections(self._new[self._file_of(repo_id)].content)[repo_id]

    def text(self, repo_id: str) -> str:
        """Return a repository as its own .repo text, as it will be."""
        return repofile.section_text(repo_id, self.options(repo_id))

    def specs(self, want: dict[str, t.Any], suffix: str) -> list[tuple[str, str]]:
        """Return id and text of the wanted flavours' repositories."""
        ids = [FLAVOURS[name].repo_id + suffix for name in want["flavours"]]
        return [(repo_id, self.text(repo_id)) for repo_id in ids]

    def actions(self) -> list[Action]:
        """Return an action for each file that changes."""
        return [
            owned(RepoFileAction, path, self._old[path], state, self._flavours[path])
            for path, state in self._new.items() if state != self._old[path]
        ]


def private(state: FileState, text: str) -> FileState:
    """Return a file with another text. Where that brings a secret into it, root alone can read it from then on."""
    brings = has_secret(text) and not has_secret(state.content)
    return state._replace(content=text, mode=stricter(state.mode, "0600") if brings else state.mode)


def stricter(mode: str, other: str) -> str:
    """Return the mode that allows what two modes allow."""
    return f"{int(mode, 8) & int(other, 8):04o}"


def owned(kind: type[FileAction], path: str, old: FileState | None, new: FileState | None, flavour: str) -> FileAction:
    action = kind.between(path, "the repository is not as wanted", old, new)
    action.args["flavour"] = flavour
    return action
