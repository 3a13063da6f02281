# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's web server: serves the repositories as a mirror does, with range requests, metalinks, and faults on demand.

C(/fault/KIND/REST) serves REST with one fault: C(404-packages), C(500), C(slow), C(sluggish), C(stall), C(reset),
C(truncated-metadata), C(norange), C(wrong-size). C(/switch/NAME/REST) serves REST with the fault that the switch of that name
is at, see L(switch).
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import pathlib
import re
import socket
import threading
import time
import typing as t
import urllib.parse

from .common import LAB

ALIVE = "/alive"
FAULTS = ("404-packages", "500", "slow", "sluggish", "stall", "reset", "truncated-metadata", "norange", "wrong-size")
BYTES_PER_SECOND = {"slow": 20000, "sluggish": 2000000}
SWITCHES = LAB / "switches"
STALL_SECONDS = 120
METALINK = """<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/">
 <files><file name="repomd.xml"><size>{size}</size>
  <verification><hash type="sha256">{sha256}</hash></verification>
  <resources maxconnections="1"><url protocol="http" type="http" preference="100">{url}</url></resources>
 </file></files>
</metalink>
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one request out of C(folder)."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: t.Any, folder: pathlib.Path) -> None:
        self.folder = folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer a request without the body."""
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        fault = ""
        found = re.match(r"^/fault/([^/]+)(/.*)$", path)
        if found:
            fault, path = found.groups()
        found = re.match(r"^/switch/([a-z0-9-]+)(/.*)$", path)
        if found:
            switched, path = SWITCHES / found.group(1), found.group(2)
            fault = switched.read_text() if switched.exists() else ""
        if fault and fault not in FAULTS:
            return self._plain(404, f"no fault is called {fault}")
        if path == ALIVE:
            return self._plain(204, "")
        if path == "/metalink":
            return self._metalink(dict(urllib.parse.parse_qsl(parts.query)))
        real = (self.folder / path.lstrip("/")).resolve()
        if not real.is_relative_to(self.folder.resolve()) or not real.is_file():
            return self._plain(404, "no such file")
        if fault == "500" or (fault == "404-packages" and path.endswith(".rpm")):
            return self._plain(500 if fault == "500" else 404, "a fault made on purpose")
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            return self.connection.close()
        content = real.read_bytes()
        if fault == "truncated-metadata" and "primary" in real.name:
            content = content[: len(content) // 2]
        if fault == "wrong-size" and path.endswith(".rpm"):
            content = content[:-1000] + os.urandom(2000)
        return self._send(content, fault, body)

    def _send(self, content: bytes, fault: str, body: bool) -> None:
        wanted = re.match(r"^bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        status, total = 200, len(content)
        if wanted and fault != "norange":
            first, last = int(wanted.group(1)), int(wanted.group(2) or total - 1)
            if first >= total:
                return self._plain(416, "out of range")
            content, status = content[first:last + 1], 206
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        if fault != "norange":
            self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{first + len(content) - 1}/{total}")
        self.end_headers()
        if not body:
            return None
        if fault == "stall":
            self.wfile.flush()
            time.sleep(STALL_SECONDS)
            self.close_connection = True
            return None
        if fault in BYTES_PER_SECOND:
            portion = BYTES_PER_SECOND[fault] // 10
            for start in range(0, len(content), portion):
                self.wfile.write(content[start:start + portion])
                time.sleep(0.1)
            return None
        self.wfile.write(content)
        return None

    def _metalink(self, query: dict[str, str]) -> None:
        """Answer as mirrors.centos.org does for C(centos-hyperscale-sig-packages-NAME-9-stream)."""
        found = re.match(r"^centos-hyperscale-sig-(packages-[a-z]+)-(\d+)-stream$", query.get("repo", ""))
        path = ""
        if found:
            component, stream = found.groups()
            path = f"SIGs/{stream}-stream/hyperscale/{query.get('arch')}/{component}/repodata/repomd.xml"
        real = self.folder / path
        if not found or not real.is_file():
            return self._plain(404, "no such repository")
        content = real.read_bytes()
        url = f"http://{self.headers['Host']}/{path}"
        text = METALINK.format(size=len(content), sha256=hashlib.sha256(content).hexdigest(), url=url)
        return self._send(text.encode(), "", True)

    def _plain(self, status: int, text: str) -> None:
        content = f"{text}\n".encode() if text else b""
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        if content:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def switch(name: str, fault: str) -> None:
    """Have all below C(/switch/NAME/) be served with a fault from now on, an empty one being none."""
    SWITCHES.mkdir(parents=True, exist_ok=True)
    (SWITCHES / name).write_text(fault)


class Server(http.server.ThreadingHTTPServer):
    """Binds to the bridge's address before the bridge is there."""

    daemon_threads = True
    IP_FREEBIND = 15

    def server_bind(self) -> None:
        """Bind, also to an address that this machine does not have yet."""
        self.socket.setsockopt(socket.IPPROTO_IP, self.IP_FREEBIND, 1)
        super().server_bind()

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that hangs up is everyday life here."""


def serve(folder: pathlib.Path, addresses: t.Sequence[str], port: int) -> None:
    """Serve a folder at some addresses until told to stop."""
    servers = [Server((address, port), functools.partial(Handler, folder=folder)) for address in addresses]
    for more in servers[1:]:
        threading.Thread(target=more.serve_forever, daemon=True).start()
    servers[0].serve_forever()
