# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RPM packages: specs written from the table, built, signed, and laid out as repositories."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import typing as t

from . import debs, keys, release, scriptlets, standins
from .architecture import ARCH
from .common import LAB, ROOT, RPMBUILD, STREAMS, LabError, code_of, digest, locked, run, say, table

# Folders that many packages share; a package owns none of them.
SHARED = re.compile(
    r"^/(usr(/(bin|sbin|lib|lib64|libexec|share|include|local|games|src))?|etc|var(/(lib|log|cache))?|opt|boot|run"
    r"|usr/lib/(x86_64|aarch64)-linux-gnu|usr/share/(man|man/[^/]*|man/[^/]*/[^/]*|bash-completion.*|zsh.*|lintian.*|polkit-1.*"
    r"|dbus-1.*|initramfs-tools.*|bug.*|metainfo|pkgconfig|mime.*)|etc/(init\.d|pam\.d|X11.*|dbus-1.*|default|kernel.*|cron.*"
    r"|apparmor.*|xdg.*)|usr/lib/(systemd|tmpfiles\.d|sysusers\.d|sysctl\.d|modules|modprobe\.d|kernel.*|binfmt\.d|environment\.d"
    r"|systemd/(system|user)(-generators|-preset)?|pcrlock\.d.*))$")

HEAD = """\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global evr %{{version}}-%{{release}}
%global __brp_mangle_shebangs %{{nil}}
Name: {source}
Version: {version}
Release: {release}
Summary: {source} as the lab wraps it
License: see the Debian package
Vendor: {vendor}
"""


def repositories(stream: int) -> dict[str, dict[str, str]]:
    """Return all repositories of a stream: those of the table, and one for each of the SIG's flavours."""
    found = {
        name: dict(row, path=row["path"].format(stream=stream, arch=ARCH)) for name, row in table()["repositories"].items()}
    for flavour in release.flavours(stream):
        found[flavour.name] = {
            "path": f"SIGs/{stream}-stream/hyperscale/{ARCH}/{flavour.component}", "key": "hyperscale", "vendor": "hyperscale"}
    if stream != 9:
        del found["epel-next"]
    return found


def web_root() -> pathlib.Path:
    """Return the folder that the lab's server serves."""
    return LAB / "www"


def build_all(apt: debs.Apt, server: str) -> None:
    """Build what is not built yet and lay the repositories out."""
    rows = table()
    apt.prime({deb for row in rows["builds"] for package in row["packages"].values() for deb in package.get("debs", [])})
    with locked("build"):
        for stream in STREAMS:
            packages: dict[str, list[pathlib.Path]] = {name: [] for name in repositories(stream)}
            for row in (row for row in rows["builds"] if row["stream"] == stream):
                packages[row["repo"]] += _build(apt, row, repositories(stream)[row["repo"]], rows)
            for name, built in [*release.build(stream, server).items(), *standins.build(stream).items()]:
                packages[name] += built
            for name, files in packages.items():
                _lay_out(web_root() / repositories(stream)[name]["path"], files)


def installed_packages(stream: int) -> list[pathlib.Path]:
    """Return the stock packages that a host of a stream has installed."""
    return find_packages(stream, [*table()["installed"], *release.INSTALLED])


def find_packages(stream: int, names: t.Iterable[str]) -> list[pathlib.Path]:
    """Return stock packages of a stream by name."""
    folder = web_root() / repositories(stream)["baseos"]["path"] / "Packages"
    found = []
    for name in names:
        matching = [path for path in folder.glob(f"{name}-*.rpm") if path.name.rsplit("-", 2)[0] == name]
        if not matching:
            raise LabError(f"the stock repository of Stream {stream} lacks {name}")
        found.append(matching[0])
    return found


def _build(apt: debs.Apt, row: dict[str, t.Any], repo: dict[str, str], rows: dict[str, t.Any]) -> list[pathlib.Path]:
    """Return the packages of one row, from the cache where it was built before."""
    names = sorted({deb for package in row["packages"].values() for deb in package.get("debs", [])})
    versions = {name: apt.version(name, row["suite"]) for name in names}
    follow = next((package["follow"] for package in row["packages"].values() if "follow" in package), None)
    if follow:
        versions = _followed(apt, versions, row["suite"], re.compile(follow))
    first = versions[row["source"]] if row["source"] in versions else max(versions.values())
    version = row.get("version") or debs.upstream(first)
    inputs = digest(
        row, versions, repo["vendor"], repo["key"], keys.fingerprint(repo["key"]), code_of("rpms", "debs"),
        scriptlets.of(row, version).inputs())
    folder = ROOT / "rpms" / f"{row['source']}-{version}-{row['release']}-{row['repo']}-{inputs}"
    if not folder.exists():
        say(f"wrapping {row['source']} {version}-{row['release']} from {row['suite']}")
        scratch = pathlib.Path(f"{folder}.part")
        shutil.rmtree(scratch, ignore_errors=True)
        _wrap(apt, row, versions, version, rows["vendors"][repo["vendor"]], scratch)
        built = sorted((scratch / "out").rglob("*.rpm"))
        keys.sign(repo["key"], built)
        (scratch / "out").rename(folder)
        shutil.rmtree(scratch)
    return sorted(folder.rglob("*.rpm"))


def _followed(apt: debs.Apt, versions: dict[str, str], suite: str, pattern: re.Pattern[str]) -> dict[str, str]:
    """Add the packages that a meta package stands for, such as the kernel image of the day."""
    found = dict(versions)
    open_names = list(versions)
    while open_names:
        for name in apt.depends(open_names[0], found[open_names.pop(0)]):
            if pattern.match(name) and name not in found:
                found[name] = apt.version(name, suite)
                open_names.append(name)
    return found


def _wrap(
    apt: debs.Apt, row: dict[str, t.Any], versions: dict[str, str], version: str, vendor: str, scratch: pathlib.Path,
) -> None:
    tree = scratch / "tree"
    tree.mkdir(parents=True)
    origin: dict[str, str] = {}
    config: set[str] = set()
    follow = next((package["follow"] for package in row["packages"].values() if "follow" in package), "$")
    releases = {found.group("release") for found in (re.match(follow, name) for name in versions) if found}
    for name, number in versions.items():
        deb = apt.download(name, number)
        part = scratch / "part"
        part.mkdir()
        debs.unpack(deb, part)
        for old in releases:
            _release_kernel(part, old, f"{version}-{row['release']}.{ARCH}")
        for path in sorted(part.rglob("*")):
            origin.setdefault("/" + str(path.relative_to(part)), name)
        run(["cp", "-a", f"{part}/.", tree])
        shutil.rmtree(part)
        config.update(debs.conffiles(deb))
    files = assign(row["packages"], origin)
    for name, package in row["packages"].items():
        if package.get("skip"):
            _drop(tree, files[name])
    scripts = scriptlets.of(row, version)
    for name in row["packages"]:
        for path, text in scripts.ships(name).items():
            (tree / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (tree / path[1:]).write_text(text)
            (tree / path[1:]).chmod(0o755)
            files[name].append(path)
    spec = scratch / "package.spec"
    spec.write_text(spec_text(row, version, vendor, tree, files, config, scripts))
    run([
        "nice", *RPMBUILD, "--define", f"_topdir {scratch}/top", "--define", f"_rpmdir {scratch}/out",
        "--define", "_use_internal_dependency_generator 1", "--define", "_binary_payload w3.zstdio", spec,
    ], env=dict(os.environ, LC_ALL="C.UTF-8"))


def _release_kernel(tree: pathlib.Path, old: str, new: str) -> None:
    """Give a kernel the release of its package, and lay its image beside its modules: kernel-install puts it into /boot."""
    modules = tree / "usr/lib/modules"
    modules.mkdir(parents=True, exist_ok=True)
    if (modules / old).exists():
        (modules / old).rename(modules / new)
    for path in tree.glob(f"boot/*-{old}"):
        (modules / new).mkdir(exist_ok=True)
        path.rename(modules / new / path.name[:-len(f"-{old}")])


def _drop(tree: pathlib.Path, paths: list[str]) -> None:
    """Take the files of a package that the build does not make out of the payload."""
    for path in paths:
        real = tree / path[1:]
        if real.is_symlink() or not real.is_dir():
            real.unlink()


def assign(packages: dict[str, dict[str, t.Any]], origin: t.Mapping[str, str]) -> dict[str, list[str]]:
    """Return the paths of each package: what it takes by pattern, else what its Debian packages carry."""
    files: dict[str, list[str]] = {name: [] for name in packages}
    takes = [(name, re.compile("|".join(package["take"]))) for name, package in packages.items() if "take" in package]
    followed = next((name for name, package in packages.items() if "follow" in package), None)
    by_deb = {deb: name for name, package in packages.items() for deb in package.get("debs", [])}
    for path, deb in origin.items():
        owner = next((name for name, pattern in takes if pattern.search(path)), None)
        files[owner or by_deb.get(deb) or followed or next(iter(packages))].append(path)
    return files


def spec_text(
    row: dict[str, t.Any], version: str, vendor: str, tree: pathlib.Path, files: dict[str, list[str]], config: set[str],
    scripts: scriptlets.Scripts,
) -> str:
    """Return the spec of a build."""
    lines = [HEAD.format(source=row["source"], version=version, release=row["release"], vendor=vendor)]
    lines += scripts.preamble()
    main = row["packages"].get(row["source"], {})
    lines += _relations(main) + ["%description", "Wrapped for the lab.", ""]
    built = {name: package for name, package in row["packages"].items() if not package.get("skip")}
    for name, package in built.items():
        if name != row["source"]:
            lines += [f"%package -n {name}", f"Summary: {name} as the lab wraps it", *_relations(package),
                      f"%description -n {name}", "Wrapped for the lab.", ""]
    lines += ["%install", f"cp -a {tree}/. %{{buildroot}}/"]
    lines += [
        f"install -D -m {mode} /dev/null %{{buildroot}}{path}" for name in built for path, mode in scripts.ghosts(name).items()]
    for name, package in built.items():
        lines += scripts.sections(name)
        lines += [f"%files -n {name}", "%defattr(-,root,root,-)"]
        lines += _file_lines(tree, files[name], config, package.get("modes", {}))
        lines += [f"%ghost %attr({mode},root,root) {path}" for path, mode in scripts.ghosts(name).items()]
    return "\n".join(lines) + "\n"


def _file_lines(tree: pathlib.Path, paths: list[str], config: set[str], modes: dict[str, str]) -> list[str]:
    lines = []
    for path in paths:
        real = tree / path[1:]
        if real.is_dir() and not real.is_symlink():
            if not SHARED.match(path):
                mode = f"%attr({modes[path]},root,root) " if path in modes else ""
                lines.append(f'{mode}%dir "{path}"')
        elif path in config:
            lines.append(f'%config(noreplace) "{path}"')
        else:
            lines.append(f'"{path}"')
    return lines


def _relations(package: dict[str, t.Any]) -> list[str]:
    kinds = ("requires", "provides", "conflicts", "obsoletes", "recommends")
    return [f"{kind.capitalize()}: {relation}" for kind in kinds for relation in package.get(kind, [])]


def _lay_out(folder: pathlib.Path, files: list[pathlib.Path]) -> None:
    """Make a repository out of packages, unless it is that already."""
    inputs = digest(sorted(str(path) for path in files))
    stamp = folder / ".inputs"
    if stamp.exists() and stamp.read_text() == inputs:
        return
    say(f"repository {folder.relative_to(web_root())} ({len(files)} packages)")
    scratch = pathlib.Path(f"{folder}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "Packages").mkdir(parents=True)
    for path in files:
        shutil.copy2(path, scratch / "Packages" / path.name)
    run(["createrepo_c", "--quiet", "--general-compress-type=gz", scratch])
    (scratch / ".inputs").write_text(inputs)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
