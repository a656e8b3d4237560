"""Connections to a unix socket that speaks HTTP, kept between calls."""

from __future__ import annotations

import socket

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool


class _Connection(HTTPConnection):
    """One connection; the host's name is for the header alone."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connects within the time that the call has."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class UnixConnections(HTTPConnectionPool):
    """So many connections at most stay open; more are opened where more call at once."""

    def __init__(self, path: str, kept: int) -> None:
        super().__init__("localhost", maxsize=kept)
        self._path = path

    def _new_conn(self) -> _Connection:
        return _Connection(self._path)
