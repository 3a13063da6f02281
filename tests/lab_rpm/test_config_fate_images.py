# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fate of every combination of headers and disk, held against what the rpm of each host image does.

The image is the lower layer of an overlay in a mount namespace of its own: it stays as it is, and the mount goes with
the process, however that ends.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests"))

from lab import common  # noqa: E402

from . import combinations, compare  # noqa: E402

# Arguments: the image's root, a folder for the overlay, the folder of packages, what to put into it to run.
INSIDE = """
set -e
mkdir "$2/upper" "$2/work" "$2/merged"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/merged"
mkdir -p "$2/merged/srv/packages"
mount --bind "$3" "$2/merged/srv/packages"
mount -t proc proc "$2/merged/proc"
exec env PYTHONDONTWRITEBYTECODE=1 chroot "$2/merged" python3 - /srv/packages /srv/fates
"""


def image_root(stream):
    """Return the root folder of a stream's newest host image. Fails where none is built: this test builds none."""
    folders = [
        path for kind in ("standin", "registry") for path in (common.ROOT / "images").glob(f"{kind}-{stream}-*")
        if path.suffix != ".part" and path.is_dir()]
    if not folders:
        pytest.fail(f"no host image of Stream {stream} below {common.ROOT}/images: build it with 'python tests/lab build'")
    return max(folders, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="module", name="packages")
def fixture_packages(tmp_path_factory):
    """Packages of this machine's rpmbuild, installed by each image's rpm."""
    return combinations.build(str(tmp_path_factory.mktemp("packages")))


@pytest.fixture(name="scratch")
def fixture_scratch(tmp_path):
    """A folder for the layers of the overlay; they are as large as what rpm writes."""
    folder = tmp_path / "overlay"
    folder.mkdir()
    yield folder
    # Nothing is mounted here any more, and never was outside of the other namespace.
    shutil.rmtree(folder)


@pytest.mark.parametrize("stream", common.STREAMS)
def test_every_combination_on_the_rpm_of_an_image(stream, packages, scratch):
    root = image_root(stream)
    script = pathlib.Path(combinations.__file__).read_text(encoding="ascii")
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh", str(root), str(scratch), packages],
        input=script, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-1000:] + result.stderr[-3000:]
    outcome = json.loads(result.stdout)
    right = compare.compare(outcome)
    assert sum(right.values()) > 1000
    print(f"Stream {stream}: {sum(right.values())} combinations as predicted on rpm {outcome['rpm']}: {dict(right)}")
