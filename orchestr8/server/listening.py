"""The unix socket on which the API answers, and addresses on which it may be watched."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot.wsgi import Gateway_10, Server

from orchestr8.controller.authority import NOBODY, ROOT, Asker
from orchestr8.errors import UnavailableError
from orchestr8.server.application import THREADS, THREADS_SPARED, Application, Monitor, watched
from orchestr8.server.counted import (
    CLOSING_SECONDS,
    HEADER_BYTES_MOST,
    IDLE_SECONDS,
    WAITING_MOST,
    CountedConnection,
    CountedServer,
)
from orchestr8.server.identity import NobodyError, identify

NAME = "api.sock"
MONITOR_THREADS = 4
UNREAD_BYTES_MOST = 64 << 10
PATH_BYTES_MOST = 107
"""What the kernel takes as a socket's name."""


class _Connection(CountedConnection):
    """A connection whose peer is looked at when it comes, and not again; it counts for the peer's
    account, but for root's."""

    def peer_of(self, sock: Any) -> int | None:
        """The account."""
        self.asker: Asker | None = None
        with suppress(NobodyError, OSError):
            self.asker = identify(sock)
        uid = self.asker.uid if self.asker else NOBODY
        return None if uid == ROOT else uid


class Gateway(Gateway_10):
    """Hands on beside the request what takes its connection over, which then ends with it."""

    def start_response(self, *head: Any) -> Any:
        """The head of the answer. Of a document that nobody wanted no more than a little is read,
        so that another request may follow; else the connection ends."""
        unread = getattr(self.req.rfile, "remaining", None)  # None where its length is not said
        if unread is None or unread > UNREAD_BYTES_MOST:
            self.req.close_connection = True
        return super().start_response(*head)

    def get_environ(self) -> Any:
        """The request's environment."""
        request: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        return {**request, "orchestr8.taken": self._taken}

    def _taken(self) -> socket.socket:
        self.req.close_connection = True
        taken: socket.socket = self.req.conn.socket
        return taken


class _Gateway(Gateway):
    """Hands the peer on, too."""

    def get_environ(self) -> Any:
        """The request's environment."""
        return {**super().get_environ(), "orchestr8.asker": self.req.conn.asker}


class _Server(CountedServer):
    """An HTTP server on a socket that everybody may connect to: who they are decides the rest."""

    ConnectionClass = _Connection
    threads_spared = THREADS_SPARED

    def __init__(self, path: str, application: Application) -> None:
        super().__init__(path, application, THREADS)
        self.gateway = _Gateway

    def bind_unix_socket(self, bind_addr: str) -> socket.socket:
        """Takes the place of a socket that nobody listens on any more."""
        with suppress(FileNotFoundError):
            Path(bind_addr).unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(bind_addr)
        Path(bind_addr).chmod(0o666)
        self.socket, self.bind_addr = listener, bind_addr
        return listener


class _Watched(Server):
    """An HTTP server that tells whoever comes what monitors ask, and nothing else."""

    max_request_header_size = HEADER_BYTES_MOST
    max_request_body_size = HEADER_BYTES_MOST
    keep_alive_conn_limit = MONITOR_THREADS

    def __init__(self, address: tuple[str, int], monitor: Monitor) -> None:
        super().__init__(
            address, watched(monitor), numthreads=MONITOR_THREADS, timeout=IDLE_SECONDS,
            shutdown_timeout=CLOSING_SECONDS, request_queue_size=WAITING_MOST,
        )  # fmt: skip
        self.gateway = Gateway_10

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Peers that go away in the middle are no news."""


@contextmanager
def listening(
    folder: Path, application: Application, note: Callable[[str], None]
) -> Iterator[Path]:
    """Answers on the folder's socket until left; only whoever holds the store's lock may.

    Raises UnavailableError where there can be no socket. `note` hears what goes wrong later.
    """
    path = folder / NAME
    if len(os.fsencode(path)) > PATH_BYTES_MOST:
        raise UnavailableError(
            f"{path} is too long a name for a socket", "set ORCHESTR8_RUN to a shorter path"
        )
    server = _Server(str(path), application)
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        server.prepare()
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be made: {(error.strerror or str(error)).lower()}",
            "look at the folder's rights and at its disk's space",
        ) from error
    try:
        with answering(server, note):
            yield path
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


@contextmanager
def monitored(
    address: tuple[str, int], monitor: Monitor, note: Callable[[str], None]
) -> Iterator[tuple[str, int]]:
    """Answers monitors, and nobody else, at an address until left; raises UnavailableError."""
    server = _Watched(address, monitor)
    prepare(server, address)
    with answering(server, note):
        yield server.bind_addr


def prepare(server: Server, address: tuple[str, int]) -> None:
    """Has the address; raises UnavailableError."""
    try:
        server.prepare()
    except OSError as error:
        raise UnavailableError(
            f"{address[0]}:{address[1]} cannot be listened on: {error.strerror or error}",
            "look who has the port, or name another address",
        ) from error


@contextmanager
def answering(server: Server, note: Callable[[str], None]) -> Iterator[None]:
    """Answers on a thread of its own until left."""

    def serve() -> None:
        try:
            server.serve()
        except Exception as error:
            note(f"the API has ended: {error}")

    thread = threading.Thread(target=serve, name="api", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(CLOSING_SECONDS)
