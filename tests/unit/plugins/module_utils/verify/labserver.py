# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server in a process of its own: labserver.py FOLDER. dnf's downloads hold the interpreter while they wait.

FOLDER/../control.json says how to behave, FOLDER/../asked.jsonl keeps what was asked and sent.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import pathlib
import socket
import sys

FOLDER = pathlib.Path(sys.argv[1])
SPOILT = {
    "flipped": lambda data: data[:5200] + bytes([data[5200] ^ 0xFF]) + data[5201:],
    "page": lambda data: b"<html>not found</html>" * 1000,
    "nothing": lambda data: b"",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as control.json says."""

    def do_GET(self):  # noqa: N802 - the name is the library's
        control = json.loads((FOLDER.parent / "control.json").read_text())
        name = self.path.rpartition("/")[2]
        wanted = self.headers.get("Range")
        spoil = next((what for start, what in control["spoil"].items() if name.startswith(start)), None)
        self.answer(FOLDER / self.path.lstrip("/"), wanted if control["ranges"] else None, spoil)

    def note(self, wanted, sent):
        """Keep what was asked before it is answered, so that who has the answer finds it."""
        with open(FOLDER.parent / "asked.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps([self.path.rpartition("/")[2], wanted, sent]) + "\n")

    def answer(self, path, wanted, spoil):
        """Answer one request."""
        self.close_connection = True
        if spoil == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if isinstance(spoil, int) or not path.is_file():
            self.send_error(spoil or 404)
            return
        data = SPOILT.get(spoil, bytes)(path.read_bytes())
        part = data
        if wanted:
            first, last = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
            part = data[first:last + 1]
        body = part[:len(part) // 2] if spoil == "truncate" else part
        self.note(wanted or self.headers.get("Range"), len(body))
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_args):
        """Say nothing."""


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
