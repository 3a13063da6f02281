# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package files that are kept: as a second name of the file, or as a copy where a second name would have a wrong label."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.centos.hyperscale.plugins.module_utils.packages import store

CACHE, STATE = b"system_u:object_r:rpm_var_cache_t:s0\0", b"system_u:object_r:var_lib_t:s0\0"


def labels(found):
    """Return a getxattr that knows the labels of files by their name, of folders under C(folder)."""
    def getxattr(path, name):
        assert name == "security.selinux"
        label = found["folder" if os.path.isdir(path) else "file"]
        if isinstance(label, int):
            raise OSError(label, os.strerror(label), path)
        return label
    return getxattr


@pytest.mark.parametrize(("file", "folder", "same"), [
    (errno.ENODATA, errno.ENODATA, True), (errno.EOPNOTSUPP, errno.EOPNOTSUPP, True), (STATE, STATE, True),
    (b"unconfined_u:object_r:var_lib_t:s0\0", STATE, True), (CACHE, STATE, False), (errno.ENODATA, STATE, False),
    (errno.EACCES, STATE, False), (CACHE, errno.EACCES, False)])
def test_a_second_name_only_where_the_label_is_right(tmp_path, monkeypatch, file, folder, same):
    source = tmp_path / "lz4-1.9.4-5.el9.x86_64.rpm"
    source.write_bytes(b"package")
    monkeypatch.setattr(os, "getxattr", labels({"file": file, "folder": folder}))
    kept = store.Store(str(tmp_path / "kept"))
    kept.put({"lz4-1.9.4-5.el9.x86_64": str(source)})
    place = tmp_path / "kept" / source.name
    assert place.read_bytes() == b"package" and place.samefile(source) is same
    assert kept.whole() == {"lz4-1.9.4-5.el9.x86_64": str(place)}
