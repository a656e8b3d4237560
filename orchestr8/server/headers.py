"""The head of a request, read so that nobody on its way can read it otherwise.

Where a proxy and a server disagree about where a request ends, what one client sends becomes
another's request. So what says where it ends, whose it is, and what it does stands there once.
What cannot be read is refused as everything is that the API refuses.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest

from orchestr8.errors import Exit
from orchestr8.server.documents import Refusal

_LENGTH, _ENCODING = b"Content-Length", b"Transfer-Encoding"
_ONCE = frozenset((
    _LENGTH, _ENCODING, b"Host", b"Authorization", b"If-Match", b"Idempotency-Key", b"Upgrade",
))  # fmt: skip


class _Once(dict[bytes, bytes]):
    """Headers, of which some stand there once and in one line."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name in self and name in _ONCE:
            raise ValueError(f"{name.decode()} stands there twice")
        super().__setitem__(name, value)


class _Headers(HeaderReader):
    """Leaves out names with an underscore, which a gateway takes for others; raises ValueError for
    a head that can be read in two ways."""

    def __call__(
        self, rfile: Any, hdict: MutableMapping[bytes, bytes] | None = None
    ) -> MutableMapping[bytes, bytes]:
        """The headers."""
        found = _Once()
        super().__call__(rfile, found)
        length = found.get(_LENGTH)
        if length is not None and (_ENCODING in found or not length.isdigit()):
            raise ValueError("the length of the document is said in two ways, or is no number")
        into = {} if hdict is None else hdict
        into.update(found)
        return into

    def _allow_header(self, key_name: bytes) -> bool:
        return b"_" not in key_name

    def _transform_key(self, key_name: bytes) -> bytes:
        if key_name != key_name.strip():
            raise ValueError("a blank stands before a colon")
        return key_name.title()


class Request(HTTPRequest):
    """A request whose head says one thing."""

    header_reader = _Headers()

    def simple_response(self, status: str, msg: str = "") -> None:
        """The answer to what no application is asked: a refusal, after which the connection ends.
        The words are those of the library that reads requests, in our form."""
        self.close_connection = True
        number, _, reason = status.partition(" ")
        what = (msg or reason).strip().rstrip(".")
        is_theirs = number.startswith("4")
        body = Refusal(
            what=what[:1].lower() + what[1:],
            remedy="look at the request's first line, its headers and its length"
            if is_theirs
            else "",
            exit=Exit.USAGE if is_theirs else Exit.FAILED,
        ).model_dump_json()
        head = (
            f"{self.server.protocol} {status}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
        )
        with suppress(OSError):  # whoever sent it may have gone
            self.conn.wfile.write((head + body).encode())


class Connection(HTTPConnection):
    """A connection whose requests are read so."""

    RequestHandlerClass = Request
