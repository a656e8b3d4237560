"""A server elsewhere: how a client comes to it, and who it says that it is.

Like the thin client this imports nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import stat
from urllib.parse import urlsplit

SERVER, TOKEN, AUTHORITY = "ORCHESTR8_SERVER", "ORCHESTR8_TOKEN", "ORCHESTR8_CA"
CONNECTING_SECONDS = 10.0
TOKEN_BYTES_MOST = 1_000
HERE_ANYWAY = frozenset(("init", "import", "validate", "schema", "explain"))
"""Verbs that need no machine: they are done here, wherever the server is."""


class FarError(Exception):
    """There is no way to the server: what is wrong, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def connected() -> socket.socket:
    """A connection to the server that the environment names; raises FarError."""
    host, port = _place()
    try:
        context = ssl.create_default_context(cafile=os.environ.get(AUTHORITY) or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        peer = socket.create_connection((host, port), CONNECTING_SECONDS)
        wrapped = context.wrap_socket(peer, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise FarError(
            f"{host}:{port} is not who it says it is: {error.verify_message}",
            f"name the file of the authority that signs its certificate:  {AUTHORITY}=ca.pem",
        ) from error
    except (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError) as error:
        raise FarError(
            f"the server {host}:{port} shut the connection at once",
            "it may have as many from this address as it takes: type it again in a moment",
        ) from error
    except (OSError, ValueError) as error:
        raise FarError(
            f"the server {host}:{port} does not answer: {error}",
            f"look at {SERVER} and at the network, or whether it serves with --listen",
        ) from error
    return wrapped


def token() -> str:
    """The token of the file that the environment names; raises FarError."""
    name = os.environ.get(TOKEN, "")
    if not name:
        raise FarError(
            f"{SERVER} names a server, and no token says who you are",
            f"write {TOKEN}=FILE, a file that has the token and that nobody else may read",
        )
    try:
        with open(name, "rb") as file:  # noqa: PTH123  (pathlib costs a short command its time)
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(TOKEN_BYTES_MOST).decode("ascii", "replace").strip()
    except OSError as error:
        raise FarError(f"{name} cannot be read: {error.strerror}", f"look at {TOKEN}") from error
    if stat.S_ISREG(mode) and mode & 0o077:
        raise FarError(f"{name} has a token, and others may read it", f"chmod 600 {name}")
    if not re.fullmatch(r"o8_[A-Za-z0-9_-]{43}", text):
        raise FarError(
            f"{name} has no token in it", "`orchestr8 token create`, on the machine, prints one"
        )
    return text


def _place() -> tuple[str, int]:
    given = os.environ[SERVER]
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _no_address(given) from error
    surplus = parts.path.strip("/") or parts.query or parts.username
    if not host or parts.scheme != "https" or surplus:
        raise _no_address(given)
    return host, port or 443


def _no_address(given: str) -> FarError:
    remedy = f"write {SERVER}=https://HOST:8443"
    return FarError(f'{SERVER}: "{given}" is no address of a server', remedy)
