"""A few words of HTTP over a unix socket, since no client library may be at hand yet."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection whose far end is a unix socket."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get_json(path: Path, target: str, timeout_seconds: float = 5) -> Any:
    """The decoded answer to one GET; OSError when nobody answers or the answer is no success."""
    connection = UnixConnection(path, timeout_seconds)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{path}: {error}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise OSError(f"{path}: GET {target} answered {response.status}: {body[:200]!r}")
    return json.loads(body)
