"""A socket in front of an engine that can be away, or lose an answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestr8.descriptors import readable


class Proxy:
    """Passes bytes between its own socket and the engine's, as long as it is told to."""

    def __init__(self, folder: Path, engine: Path) -> None:
        self.path = folder / "docker.sock"
        self._engine = engine
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._losing = b""
        self._missing = 0
        self._before: tuple[bytes, Callable[[], None]] | None = None
        self.lost = 0

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def come(self) -> None:
        """Answer from now on."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def go(self) -> None:
        """Break off every connection and take no more, as an engine that is stopped."""
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.path.unlink(missing_ok=True)
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def restart(self, missed: int) -> None:
        """Break off every connection, and the next so many, as an engine that restarts."""
        self.go()
        self._missing = missed
        self.come()

    @property
    def is_back(self) -> bool:
        """Whether all that was to be missed has come."""
        return not self._missing

    def do_before(self, words: bytes, action: Callable[[], None]) -> None:
        """Do something before the next request that contains these words is passed on."""
        self._before = (words, action)

    def lose_the_answer_to(self, words: bytes) -> None:
        """Let the next request that contains these words through, and its answer not."""
        self._losing = words

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            if self._missing:
                self._missing -= 1
                return
            self._connections.add(client)
            with contextlib.suppress(OSError):
                server.connect(str(self._engine))
                self._pass_both_ways(client, server)
            self._connections.discard(client)

    def _pass_both_ways(self, client: socket.socket, server: socket.socket) -> None:
        losing = False
        while True:
            for ready in readable([client.fileno(), server.fileno()]):
                source = client if ready == client.fileno() else server
                piece = source.recv(65_536)
                if not piece:
                    return
                if source is server:
                    if losing:
                        self.lost += 1
                        return
                    client.sendall(piece)
                    continue
                if self._before and self._before[0] in piece:
                    action, self._before = self._before[1], None
                    action()
                if self._losing and self._losing in piece:
                    self._losing, losing = b"", True
                server.sendall(piece)


@contextlib.contextmanager
def proxy(folder: Path, engine: Path) -> Iterator[Proxy]:
    """A proxy that answers."""
    made = Proxy(folder, engine)
    made.come()
    try:
        yield made
    finally:
        made.go()
