"""The API at an address, over TLS: whoever comes has a token, or is nobody."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Gateway_10, Server

from orchestr8.controller.authority import Asker
from orchestr8.errors import UnavailableError
from orchestr8.server.application import BODY_BYTES_MOST, Application
from orchestr8.server.listening import (
    CLOSING_SECONDS,
    HEADER_BYTES_MOST,
    IDLE_SECONDS,
    WAITING_MOST,
    answering,
    prepare,
)

THREADS = 16
CONNECTIONS_MOST = 8
"""How many connections one address has at once."""
_SCHEME = "bearer "


class _Adapter(BuiltinSSLAdapter):
    """TLS whose handshake is made by the thread that reads: whoever connects and says nothing
    keeps nobody else from connecting."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The socket with TLS on it; nothing is said yet."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class _Connection(HTTPConnection):
    """A connection that counts for the address that it comes from."""

    _counted = False

    def __init__(self, server: Any, sock: Any, *rest: Any) -> None:
        super().__init__(server, sock, *rest)
        self._from = ""
        with suppress(OSError):
            self._from = sock.getpeername()[0]
        self._counted = server.count(self._from, 1)
        if not self._counted:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """It is over."""
        if self._counted:
            self._counted = False
            self.server.count(self._from, -1)
        super().close()


class _Gateway(Gateway_10):
    """Says whose token came with the request, and hands the token itself to nobody."""

    def get_environ(self) -> Any:
        """The request's environment."""
        request: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        given = request.pop("HTTP_AUTHORIZATION", "")
        is_token = given[: len(_SCHEME)].lower() == _SCHEME
        asker = self.req.server.asker_of(given[len(_SCHEME) :].strip()) if is_token else None
        return {**request, "orchestr8.asker": asker}


class _Server(Server):
    """An HTTP server with TLS, come to with tokens."""

    ConnectionClass = _Connection
    max_request_header_size = HEADER_BYTES_MOST
    max_request_body_size = BODY_BYTES_MOST
    keep_alive_conn_limit = WAITING_MOST

    def __init__(
        self,
        address: tuple[str, int],
        application: Application,
        asker_of: Callable[[str], Asker | None],
    ) -> None:
        super().__init__(
            address, application, numthreads=THREADS, timeout=IDLE_SECONDS,
            shutdown_timeout=CLOSING_SECONDS, request_queue_size=WAITING_MOST,
        )  # fmt: skip
        self.gateway = _Gateway
        self.asker_of = asker_of
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()

    def count(self, address: str, more: int) -> bool:
        """Counts an address' connections; False where it has too many already."""
        with self._lock:
            if more > 0 and self._open[address] >= CONNECTIONS_MOST:
                return False
            self._open[address] += more
            if not self._open[address]:
                del self._open[address]
            return True

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Peers that do not speak TLS, or go away in the middle, are no news."""


@contextmanager
def remote(
    address: tuple[str, int],
    files: tuple[Path, Path],
    application: Application,
    asker_of: Callable[[str], Asker | None],
    note: Callable[[str], None],
) -> Iterator[tuple[str, int]]:
    """Answers at an address until left, with the certificate and the key of these files.

    Raises UnavailableError where that cannot be.
    """
    server = _Server(address, application, asker_of)
    try:
        server.ssl_adapter = _Adapter(*map(str, files))
    except (OSError, ValueError) as error:
        raise UnavailableError(
            f"{files[0]} and {files[1]} are no certificate with its key: {error}",
            "name PEM files that belong together, as --certificate FILE,KEY",
        ) from error
    server.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    prepare(server, address)
    with answering(server, note):
        yield server.bind_addr
