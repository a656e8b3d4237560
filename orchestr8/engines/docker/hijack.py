"""Calls of Docker's interface whose answers are streams, both ways or for as long as one listens.

Spoken by hand: an HTTP library reads ahead, and what the program in the box prints first would stay
in its buffer.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from orchestr8.descriptors import readable
from orchestr8.engines.docker import failures
from orchestr8.engines.docker.endpoint import socket_path, unanswered

_HEAD_BYTES_MAX = 64 << 10
_PIECE_BYTES = 64 << 10


class Stream:
    """The connection after its head: what came with the head is given back first."""

    def __init__(self, connection: socket.socket, status: int, first: bytes) -> None:
        self._connection = connection
        self.status = status
        self._first = first

    def fileno(self) -> int:
        """To wait for; ask `waiting` before."""
        return self._connection.fileno()

    @property
    def waiting(self) -> bool:
        """Whether there is something to read without asking the kernel."""
        return bool(self._first)

    def waits(self, seconds: float | None) -> bool:
        """Whether there is something to read, be it the end, within this time.

        Without one it may take for ever.
        """
        return self.waiting or bool(readable([self.fileno()], seconds))

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        first, self._first = self._first, b""
        return first or self._connection.recv(_PIECE_BYTES)

    def write(self, content: bytes) -> int:
        """As much as is taken at once; how much that is."""
        return self._connection.send(content, socket.MSG_DONTWAIT)

    def end_input(self) -> None:
        """Tell the far end that nothing more will come."""
        self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it."""
        self._connection.close()


def hijack(endpoint_url: str, target: str, body: Mapping[str, Any], doing: str) -> Stream:
    """Send the call; the stream that it turns into."""
    content = json.dumps(body).encode()
    head = (
        f"POST {target} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    stream = _asked(endpoint_url, head.encode() + content, doing)
    return _granted(stream, doing, (101, 200))


def heard(endpoint_url: str, target: str, doing: str) -> Stream:
    """What a question is answered with for as long as one listens; also that there is nothing.

    By HTTP 1.0: an answer without an end then comes as it is, and in no chunks.
    """
    head = f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n"
    return _granted(_asked(endpoint_url, head.encode(), doing), doing, (200, 404))


def _granted(stream: Stream, doing: str, expected: tuple[int, ...]) -> Stream:
    if stream.status in expected:
        return stream
    try:
        raise failures.answered(_message(stream.read()), doing, stream.status)
    finally:
        stream.close()


def _asked(endpoint_url: str, request: bytes, doing: str) -> Stream:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(socket_path(endpoint_url))
        connection.sendall(request)
        answer, rest = _head(connection)
        return Stream(connection, int(answer.split(b" ", 2)[1]), rest)
    except (OSError, ValueError, IndexError) as error:
        connection.close()
        if isinstance(error, OSError):
            raise unanswered(endpoint_url, error) from error
        raise failures.answered("an answer that is no HTTP", doing, 502) from error
    except BaseException:
        connection.close()
        raise


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(_PIECE_BYTES)
        if not piece or len(received) > _HEAD_BYTES_MAX:
            raise ValueError("no end of the head")
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "backslashreplace")
