"""A line of TCP on loopback that is slow, counts what comes over it, and can be watched."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

_PIECE_BYTES = 16 << 10
_PAUSE_SECONDS = 0.001


class SlowLine:
    """Passes connections on; `received_bytes` is what the far side has sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.received_bytes = 0
        self.watch: Callable[[], object] = lambda: None
        """Called before each piece is passed on."""

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self._port)) as server:
                asking = threading.Thread(target=self._ask, args=(client, server), daemon=True)
                asking.start()
                while piece := server.recv(_PIECE_BYTES):
                    self.received_bytes += len(piece)
                    self.watch()
                    time.sleep(_PAUSE_SECONDS)
                    client.sendall(piece)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(_PIECE_BYTES):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def slow_line(port: int) -> Iterator[SlowLine]:
    """A slow line to a port of loopback."""
    made = SlowLine(port)
    threading.Thread(target=made.run, daemon=True).start()
    try:
        yield made
    finally:
        made.close()
