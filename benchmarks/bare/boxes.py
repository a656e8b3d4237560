"""Creates and starts so many containers of one body, a few at a time.

python3 -I benchmarks/bare/boxes.py SOCKET BODY.json PREFIX COUNT PARALLEL
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Connection(http.client.HTTPConnection):
    """A connection to a unix socket that stays open."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connects to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)

    def post(self, target: str, body: bytes = b"") -> bytes:
        """One call; an answer that is no success is an error."""
        self.request("POST", target, body, {"Content-Type": "application/json"})
        answer = self.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{target}: {answer.status} {content[:300]!r}")
        return content


def main() -> None:
    """Makes them and ends."""
    path, body_file, prefix, count, parallel = sys.argv[1:]
    body = Path(body_file).read_bytes()
    own = threading.local()

    def make(number: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = Connection(path)
        made = own.connection.post(f"/containers/create?name={prefix}-{number}", body)
        own.connection.post(f"/containers/{json.loads(made)['Id']}/start")

    with ThreadPoolExecutor(int(parallel)) as pool:
        list(pool.map(make, range(int(count))))


if __name__ == "__main__":
    main()
