"""A call of Docker's interface that turns into a stream both ways.

Spoken by hand: an HTTP library reads ahead, and what the program in the box prints first would stay
in its buffer.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from orchestr8.engines.docker import failures
from orchestr8.engines.docker.endpoint import socket_path, unanswered

_HEAD_BYTES_MAX = 64 << 10
_PIECE_BYTES = 64 << 10


class Stream:
    """The connection after its head: what came with the head is given back first."""

    def __init__(self, connection: socket.socket, first: bytes) -> None:
        self._connection = connection
        self._first = first

    def fileno(self) -> int:
        """For select; ask `waiting` before."""
        return self._connection.fileno()

    @property
    def waiting(self) -> bool:
        """Whether there is something to read without asking the kernel."""
        return bool(self._first)

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        first, self._first = self._first, b""
        return first or self._connection.recv(_PIECE_BYTES)

    def write(self, content: bytes) -> None:
        """All of it."""
        self._connection.sendall(content)

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
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(socket_path(endpoint_url))
        connection.sendall(head.encode() + content)
        answer, rest = _head(connection)
        status = int(answer.split(b" ", 2)[1])
        if status not in (101, 200):
            rest += connection.recv(_PIECE_BYTES)
            raise failures.answered(_message(rest), doing, status)
        return Stream(connection, rest)
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
