# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: systemd containers on an overlay of their image, or virtual machines, with an address of their own and ssh.

Each container starts from a shell of its own with a cgroup namespace of its own, so that several systemds share one
machine. Where the machine mounts cgroup v1 or hybrid, that shell puts a fresh cgroup2 mount in its place.
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import yaml

from . import debs, disks, grub, keys, machines, pulled, rpms, secure_boot, server
from .common import LAB, NUMBER, PREFIX, LabError, locked, run, say
from .images import Image

NETWORK = PREFIX + "net"
SUBNET = f"10.248.{7 + NUMBER}"
GATEWAY = f"{SUBNET}.1"
# The server is asked for here whether it is up: the bridge and its address come with the first host.
LOOPBACK = f"127.248.{7 + NUMBER}.1"
PORT = 8780
# Images and packages are the same for every lab, so they know the mirror by a name.
MIRROR = "mirror.lab"
SERVER = f"http://{MIRROR}:{PORT}"
READY_SECONDS = 120
# The kernel's limit of inotify instances of one user, and what a lab of some hosts needs.
WATCHES = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")
WATCHES_NEEDED = 1024
# Of the disk of a host whose root is btrfs; it takes what is written to it.
BTRFS_SIZE = "3G"
MACHINE_READY_SECONDS = 300
# A machine that runs other tests as well starts a program in many seconds.
SERVER_SECONDS = 60
# A host that is killed says no goodbye: without these, who waits for its answer waits for hours.
NOTICE_DEATH = ("-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=6")

# Run with the host's name, overlay root and address; the one shell text of the lab, without anything put into it.
LAUNCH = """
set -e
name=$1 root=$2 address=$3 mac=$4 base=$5 network=$6 prefix=$7
mkdir -p "$base/${prefix}hosts/$name"
echo $$ > "$base/${prefix}hosts/$name/cgroup.procs"
exec unshare --mount --cgroup --propagation unchanged bash -c '
  set -e
  mount --make-rprivate /sys
  mount -t cgroup2 none /sys/fs/cgroup
  exec podman --cgroup-manager=cgroupfs run --detach --name "$0" --hostname "$5" --network "$4" --ip "$2" --dns none \\
    --mac-address "$3" \\
    --cgroups=disabled --cgroupns=host --privileged --systemd=always --restart=always \\
    --ulimit nofile=20000:20000 --ulimit nproc=30000:30000 --no-hosts --rootfs "$1" /usr/sbin/lab-init
' "$7$name" "$root" "$address" "$mac" "$network" "$name"
"""


class Host(t.NamedTuple):
    """One host of the lab. C(token) is its own: no connection of an earlier host at the same address is reused.

    C(mirrored) says whether its repositories are the lab's, whose keys are the lab's as well."""

    name: str
    stream: int
    group: str
    address: str
    image: str
    token: str
    port: int = 22
    machine: bool = False
    mirrored: bool = True

    @property
    def folder(self) -> pathlib.Path:
        """Where its overlay lies, or its disk."""
        return LAB / "hosts" / self.name

    @property
    def container(self) -> str:
        """Its container's name."""
        return PREFIX + self.name


def known() -> list[Host]:
    """Return the hosts that were started and not taken down."""
    found = []
    for path in sorted((LAB / "hosts").glob("*/host.json")):
        found.append(Host(**json.loads(path.read_text())))
    return found


def find(name: str) -> Host:
    """Return a host by name."""
    for host in known():
        if host.name == name:
            return host
    raise LabError(f"the lab has no host called {name}; it has: {', '.join(host.name for host in known()) or 'none'}")


def up(group: str, wanted: dict[str, int], images: dict[int, Image], machine: disks.Kind | None = None) -> pathlib.Path:
    """Start a group of hosts, containers or machines of a kind, and return its inventory; a host that is up stays as it is."""
    with locked("hosts"):
        _network()
        if machine:
            # The bridge has this address only while a container is up.
            run(["ip", "address", "replace", f"{GATEWAY}/32", "dev", "lo"])
        else:
            _allow_watches()
        start_server()
        for name, stream in wanted.items():
            if machine:
                _start_machine(name, stream, group, images[stream], machine)
            else:
                _start(name, stream, group, images[stream])
    hosts = [find(name) for name in wanted]
    for host in hosts:
        wait_ready(host)
    return write_inventory(group)


def _allow_watches() -> None:
    """Let several systemds run beside each other: all of them count as one user, whose inotify instances the kernel limits."""
    if int(WATCHES.read_text()) < WATCHES_NEEDED:
        say(f"raising {WATCHES} to {WATCHES_NEEDED}")
        WATCHES.write_text(f"{WATCHES_NEEDED}\n")


def _network() -> None:
    """Make the bridge's network, and let network namespaces be seen from the shells that start the hosts."""
    netns = pathlib.Path("/run/netns")
    netns.mkdir(exist_ok=True)
    if not any(line.split()[4] == str(netns) for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()):
        run(["mount", "--bind", netns, netns])
        run(["mount", "--make-shared", netns])
    names = run(["podman", "network", "ls", "--format", "{{.Name}}"]).split()
    if NETWORK not in names:
        run(["podman", "network", "create", "--disable-dns", "--subnet", f"{SUBNET}.0/24", "--gateway", GATEWAY, NETWORK])


def _start(name: str, stream: int, group: str, image: Image) -> None:
    address = _place(name, SUBNET)
    if not address:
        return
    host = Host(name, stream, group, address, image.words, secrets.token_hex(4), mirrored=image.mirrored)
    for part in ("upper", "work", "root"):
        (host.folder / part).mkdir(parents=True)
    _lay_root(host, image)
    with open(host.folder / "root/etc/hosts", "a", encoding="ascii") as names:
        names.write(f"{GATEWAY} {MIRROR}\n")
    # A file of its own, which a host can replace; the server is there for nobody to ask.
    (host.folder / "root/etc/resolv.conf").unlink(missing_ok=True)
    (host.folder / "root/etc/resolv.conf").write_text(f"nameserver {GATEWAY}\n")
    # What is not written out survives each cut of a container, whose page cache is this machine's; only machines show that.
    (host.folder / "root/etc/rpm/macros.flush").write_text("%_flush_io 0\n")
    (host.folder / "host.json").write_text(json.dumps(host._asdict()))
    say(f"starting {name} ({image.words}) at {address}")
    run(["bash", "-c", LAUNCH, "launch", name, host.folder / "root", address, mac(address), cgroup_base(), NETWORK, PREFIX])


def _lay_root(host: Host, image: Image) -> None:
    """Mount a host's root: an overlay of its image, or a copy of it on a btrfs of its own."""
    kind = os.environ.get("HYPERSCALE_LAB_ROOT", "overlay")
    if kind == "overlay":
        layers = f"lowerdir={image.root},upperdir={host.folder}/upper,workdir={host.folder}/work"
        run(["mount", "-t", "overlay", "overlay", "-o", layers, host.folder / "root"])
    elif kind == "btrfs":
        disk = host.folder / "disk"
        run(["truncate", "--size", BTRFS_SIZE, disk])
        run(["mkfs.btrfs", "--quiet", disk])
        run(["mount", "-o", "loop", disk, host.folder / "root"])
        run(["cp", "-a", f"{image.root}/.", host.folder / "root"])
    else:
        raise LabError(f"HYPERSCALE_LAB_ROOT is {kind!r}: choose overlay or btrfs")


def _start_machine(name: str, stream: int, group: str, image: Image, kind: disks.Kind) -> None:
    address = _place(name, LOOPBACK.rpartition(".")[0])
    if not address:
        return
    source = disks.disk(stream, image, kind)
    host = Host(name, stream, group, address, image.words, secrets.token_hex(4), machines.SSH_PORT, True)
    host.folder.mkdir(parents=True)
    (host.folder / "host.json").write_text(json.dumps(host._asdict()))
    say(f"starting the virtual machine {name} ({image.words}; {kind.words}) at {address}")
    machines.create(host.folder, source, name, f"{GATEWAY} {MIRROR}\n")
    if kind.boot == disks.GRUB:
        shutil.copy(grub.boot_disk(), host.folder / machines.BOOT_DISK)
    elif kind.boot == disks.SECURE_BOOT:
        secure_boot.equip(host.folder, debs.Apt())
    machines.start(host.folder, address)


def _place(name: str, subnet: str) -> str:
    """Return a free address for a new host, and nothing for one that runs; one that died is taken away."""
    if any(host.name == name and _running(host) for host in known()):
        return ""
    if any(host.name == name for host in known()):
        remove(find(name))
    taken = {host.address for host in known()}
    return next(f"{subnet}.{last}" for last in range(10, 250) if f"{subnet}.{last}" not in taken)


def mac(address: str) -> str:
    """Return the hardware address of an address: a host that takes over another's is reached at once."""
    return "02:c5:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def cgroup_base() -> str:
    """Return where cgroup2 is mounted on this machine."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, _dash, right = line.partition(" - ")
        if right.split()[0] == "cgroup2":
            return left.split()[4]
    raise LabError("this machine has no cgroup2 mount, and systemd hosts need one: mount cgroup2 somewhere")


def _running(host: Host) -> bool:
    """Say whether a host's PID 1 is there; podman's word for it outlives a restart of the machine."""
    if host.machine:
        return machines.alive(host.folder)
    result = subprocess.run(
        ["podman", "inspect", "--format", "{{.State.Pid}}", host.container], capture_output=True, text=True, check=False)
    try:
        mounts = pathlib.Path(f"/proc/{int(result.stdout)}/mountinfo").read_text()
    except (ValueError, OSError):
        return False
    # An overlay names its folder; a btrfs its loop device, whose file is the host's.
    loops = {path.parent.parent.name for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file")
             if path.read_text().strip() == f"{host.folder}/disk"}
    return f"upperdir={host.folder}/upper" in mounts or any(f" /dev/{loop} " in mounts for loop in loops)


def ssh_options() -> list[str]:
    """Return how to reach a host by ssh."""
    return ["-i", str(keys.home() / "ssh"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20", "-o", "BatchMode=yes", *NOTICE_DEATH]


def ssh(host: Host) -> list[str]:
    """Return the command line that reaches a host."""
    return ["ssh", *ssh_options(), "-p", str(host.port), f"root@{host.address}"]


def command(host: Host, argv: t.Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command on a host over ssh."""
    return subprocess.run(
        [*ssh(host), "--", shlex.join(argv)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def wait_ready(host: Host) -> None:
    """Wait until a host answers ssh and its systemd has started everything."""
    seconds = MACHINE_READY_SECONDS if host.machine else READY_SECONDS
    deadline = time.monotonic() + seconds
    state = "no answer by ssh"
    while time.monotonic() < deadline:
        result = command(host, ["systemctl", "is-system-running"])
        state = result.stdout.strip() or state
        if state == "running":
            return
        if state == "degraded":
            failed = command(host, ["systemctl", "--failed", "--plain", "--no-legend"]).stdout
            raise LabError(f"{host.name} started with failed units:\n{failed}")
        time.sleep(0.5)
    raise LabError(f"{host.name} is not ready after {seconds} s: {state}")


def power_cut(host: Host) -> None:
    """Kill a host's PID 1 from outside, as a power cut would; it comes back by itself."""
    if host.machine:
        machines.power_cut(host.folder)
        return
    pid = run(["podman", "inspect", "--format", "{{.State.Pid}}", host.container]).strip()
    os.kill(int(pid), signal.SIGKILL)


def remove(host: Host) -> None:
    """Take a host away with all that is of it."""
    if host.machine:
        machines.stop(host.folder)
    else:
        subprocess.run(["podman", "rm", "--force", "--time", "0", host.container], capture_output=True, check=False)
        subprocess.run(["umount", "--lazy", str(host.folder / "root")], capture_output=True, check=False)
    shutil.rmtree(host.folder, ignore_errors=True)
    group = LAB / "groups" / host.group
    if not any(other.group == host.group for other in known()):
        shutil.rmtree(group, ignore_errors=True)


def write_inventory(group: str) -> pathlib.Path:
    """Write a group's inventory and return its path."""
    children: dict[str, t.Any] = {}
    members = [host for host in known() if host.group == group]
    for host in members:
        stream = children.setdefault(f"stream{host.stream}", {"hosts": {}})
        stream["hosts"][host.name] = {
            "ansible_host": host.address, "ansible_port": host.port, "lab_stream": host.stream,
            "ansible_control_path": f"%(directory)s/lab-{host.token}"}
    variables = {
        "ansible_user": "root", "ansible_ssh_private_key_file": str(keys.home() / "ssh"),
        "ansible_ssh_common_args": shlex.join(
            ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", *NOTICE_DEATH)),
        "ansible_python_interpreter": "/usr/bin/python3", "lab_mirror": SERVER,
    }
    if all(host.mirrored for host in members):
        variables["hyperscale_repos_key_fingerprint"] = keys.fingerprint("hyperscale")
        variables["hyperscale_key_fingerprints"] = [keys.fingerprint("hyperscale")]
    path = LAB / "groups" / group / "inventory.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"all": {"children": {group.replace("-", "_"): {"children": children}}, "vars": variables}}))
    return path


def start_server() -> None:
    """Start the web server unless it answers."""
    if _server_answers():
        return
    say(f"serving the repositories at {SERVER}")
    with open(LAB / "server.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).resolve().parent), "serve"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/")
    (LAB / "server.pid").write_text(str(process.pid))
    deadline = time.monotonic() + SERVER_SECONDS
    while not _server_answers():
        if time.monotonic() > deadline or process.poll() is not None:
            raise LabError(f"the web server did not start: see {LAB / 'server.log'}")
        time.sleep(0.1)


def _server_answers() -> bool:
    """Say whether the lab's own server is there."""
    connection = http.client.HTTPConnection(LOOPBACK, PORT, timeout=2)
    try:
        connection.request("GET", server.ALIVE)
        return connection.getresponse().status == 204
    except OSError:
        return False
    finally:
        connection.close()


def stop_server() -> None:
    """Stop the web server."""
    path = LAB / "server.pid"
    if path.exists():
        try:
            os.kill(int(path.read_text()), signal.SIGTERM)
        except (ProcessLookupError, ValueError):
            pass
        path.unlink()


def mirror() -> pulled.Mirror:
    """Return the mirror for builds on this machine, by an address that is there before the first host is."""
    return pulled.Mirror(MIRROR, LOOPBACK, start_server)


def web_root() -> pathlib.Path:
    """Return what the server serves."""
    return rpms.web_root()


def clean() -> None:
    """Take every host, the network and the server away, also those of a lab that crashed."""
    for host in known():
        say(f"taking {host.name} away")
        remove(host)
    names = subprocess.run(
        ["podman", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=False).stdout.split()
    for name in (name for name in names if name.startswith(PREFIX)):
        subprocess.run(["podman", "rm", "--force", "--time", "0", name], capture_output=True, check=False)
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in (mount for mount in mounts if mount.startswith(str(LAB / "hosts"))):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
    shutil.rmtree(LAB / "hosts", ignore_errors=True)
    shutil.rmtree(LAB / "groups", ignore_errors=True)
    subprocess.run(["podman", "network", "rm", "--force", NETWORK], capture_output=True, check=False)
    subprocess.run(["ip", "address", "delete", f"{GATEWAY}/32", "dev", "lo"], capture_output=True, check=False)
    stop_server()
