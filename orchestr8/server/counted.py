"""Servers whose connections are counted, so that neither one nor all who are counted take all."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from cheroot.wsgi import Server

from orchestr8.descriptors import none_left
from orchestr8.server.application import BODY_BYTES_MOST
from orchestr8.server.headers import Connection
from orchestr8.server.shares import Shares

CONNECTIONS_MOST = 8
"""How many connections one has at once who is counted."""
HEADER_BYTES_MOST = 16 << 10
IDLE_SECONDS = 10
CLOSING_SECONDS = 5
WAITING_MOST = 128
SHORT_SECONDS = 0.2


class CountedConnection(Connection):
    """A connection that counts for whoever is at its other end, and is shut where that is too
    many."""

    _counted = False

    def __init__(self, server: Any, sock: Any, *rest: Any) -> None:
        super().__init__(server, sock, *rest)
        self._peer = self.peer_of(sock)
        self._counted = self._peer is not None and server.connections.take(self._peer)
        if self._peer is not None and not self._counted:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def peer_of(self, sock: Any) -> Hashable | None:
        """For whom it counts; None for nobody. Called once, before anything is read."""
        raise NotImplementedError

    def close(self) -> None:
        """It is over."""
        if self._counted:
            self._counted = False
            self.server.connections.give_back(self._peer)
        super().close()


class CountedServer(Server):
    """An HTTP server of such connections, with bounds on all that comes."""

    max_request_header_size = HEADER_BYTES_MOST
    max_request_body_size = BODY_BYTES_MOST
    keep_alive_conn_limit = WAITING_MOST
    threads_spared = 0
    """How many are left for connections that are not counted."""

    def __init__(self, address: Any, application: Any, threads: int) -> None:
        super().__init__(
            address, application, numthreads=threads, timeout=IDLE_SECONDS,
            shutdown_timeout=CLOSING_SECONDS, request_queue_size=WAITING_MOST,
        )  # fmt: skip
        # each may be a request that comes letter by letter, and keeps a thread for as long
        self.connections = Shares(CONNECTIONS_MOST, threads - self.threads_spared)

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Peers that go away in the middle, or do not speak our way, are no news; whatever fails is
        told in the answer."""
        rest()


def rest() -> None:
    """Whoever has no descriptor for a connection that waits would ask for one without a pause."""
    if none_left(sys.exception() or OSError()):
        time.sleep(SHORT_SECONDS)
