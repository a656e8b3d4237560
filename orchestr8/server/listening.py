"""The unix socket on which the API answers, and addresses on which it may be watched."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot.wsgi import Gateway_10, Server

from orchestr8.controller.authority import NOBODY, ROOT, Asker
from orchestr8.descriptors import none_left
from orchestr8.errors import UnavailableError
from orchestr8.line import SOCKET
from orchestr8.server.application import THREADS, THREADS_SPARED, Application, Monitor, watched
from orchestr8.server.counted import (
    CLOSING_SECONDS,
    HEADER_BYTES_MOST,
    IDLE_SECONDS,
    WAITING_MOST,
    CountedConnection,
    CountedServer,
    rest,
)
from orchestr8.server.headers import Connection
from orchestr8.server.identity import NobodyError, identify

MONITOR_THREADS = 4
UNREAD_BYTES_MOST = 64 << 10
PATH_BYTES_MOST = 107
"""What the kernel takes as a socket's name."""
LOOK_SECONDS = 1.0
"""How often it is looked whether somebody deleted the socket."""


class _Connection(CountedConnection):
    """A connection whose peer is looked at when it comes, and not again; it counts for the peer's
    account, but for root's."""

    def peer_of(self, sock: Any) -> int | None:
        """The account."""
        self.asker: Asker | None = None
        try:
            self.asker = identify(sock)
        except (NobodyError, OSError) as error:
            if none_left(error):
                raise  # the connection ends
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
    _connections: Any

    def __init__(self, path: str, application: Application) -> None:
        super().__init__(path, application, THREADS)
        self.gateway = _Gateway

    def bind_unix_socket(self, bind_addr: str) -> socket.socket:
        """Takes the place of a socket that nobody listens on any more."""
        with suppress(FileNotFoundError):
            Path(bind_addr).unlink()
        listener = self._bound(Path(bind_addr))
        self.socket, self.bind_addr = listener, bind_addr
        return listener

    def _bound(self, path: Path) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
            path.chmod(0o666)
            self._made = path.stat()
        except OSError:
            listener.close()
            raise
        return listener

    def made_again(self) -> bool:
        """Makes the socket again where somebody deleted it; whether that was done. One that
        another server made meanwhile is left alone. Raises OSError where it cannot be made."""
        if not self.ready or os.path.lexists(self.bind_addr):
            return False
        Path(self.bind_addr).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        listener, before = self._bound(Path(self.bind_addr)), self.socket
        listener.settimeout(before.gettimeout())
        listener.listen(self.request_queue_size)
        # Another server would end the connections that there are, and cheroot has no way of its own
        # to exchange what it listens on.
        waiting = self._connections._selector
        waiting.register(listener.fileno(), selectors.EVENT_READ, data=self)
        self.socket = listener
        waiting.unregister(before.fileno())
        before.close()
        return True

    def unlink(self) -> None:
        """Takes the socket away, if it is still the one that was made here."""
        with suppress(OSError):
            if os.path.samestat(os.lstat(self.bind_addr), self._made):
                Path(self.bind_addr).unlink()


class _Watched(Server):
    """An HTTP server that tells whoever comes what monitors ask, and nothing else."""

    ConnectionClass = Connection
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
        rest()


@contextmanager
def listening(
    folder: Path, application: Application, note: Callable[[str], None]
) -> Iterator[Path]:
    """Answers on the folder's socket until left; only whoever holds the store's lock may.

    Raises UnavailableError where there can be no socket. `note` hears what goes wrong later.
    """
    path = folder / SOCKET
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
        with answering(server, note), _watched_over(server, note):
            yield path
    finally:
        server.unlink()


@contextmanager
def _watched_over(server: _Server, note: Callable[[str], None]) -> Iterator[None]:
    """Makes the socket again where somebody deletes it, until left."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(OSError):  # what is in the way may be gone at the next look
                if server.made_again():
                    note(f"{server.bind_addr} was deleted: it is made again")

    thread = threading.Thread(target=watch, name="socket", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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
