"""The API at an address, over TLS: whoever comes has a token, or is nobody."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cheroot.ssl.builtin import BuiltinSSLAdapter

from orchestr8.controller.authority import Asker
from orchestr8.errors import UnavailableError
from orchestr8.server.application import Application
from orchestr8.server.counted import CountedConnection, CountedServer
from orchestr8.server.listening import Gateway, answering, prepare

THREADS = 16
_SCHEME = "bearer "


class _Adapter(BuiltinSSLAdapter):
    """TLS whose handshake is made by the thread that reads: whoever connects and says nothing
    keeps nobody else from connecting."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The socket with TLS on it; nothing is said yet."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class _Connection(CountedConnection):
    """A connection that counts for the address that it comes from."""

    def peer_of(self, sock: Any) -> str:
        """The address, or the empty text where it is gone again."""
        with suppress(OSError):
            return str(sock.getpeername()[0])
        return ""


class _Gateway(Gateway):
    """Says whose token came with the request, and hands the token itself to nobody."""

    def get_environ(self) -> Any:
        """The request's environment."""
        request: dict[str, Any] = super().get_environ()
        given = request.pop("HTTP_AUTHORIZATION", "")
        is_token = given[: len(_SCHEME)].lower() == _SCHEME
        asker = self.req.server.asker_of(given[len(_SCHEME) :].strip()) if is_token else None
        return {**request, "orchestr8.asker": asker}


class _Server(CountedServer):
    """An HTTP server with TLS, come to with tokens."""

    ConnectionClass = _Connection

    def __init__(
        self,
        address: tuple[str, int],
        application: Application,
        asker_of: Callable[[str], Asker | None],
    ) -> None:
        super().__init__(address, application, THREADS)
        self.gateway = _Gateway
        self.asker_of = asker_of


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
    for file in files:
        if not os.access(file, os.R_OK):
            raise UnavailableError(
                f"{file} is no file that can be read",
                "name the certificate and its key, as --certificate FILE,KEY",
            )
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
