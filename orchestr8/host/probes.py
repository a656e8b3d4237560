"""Asking a box whether it works, from inside its own network namespace.

So no link has to be open for a probe, and a box cannot be probed through another one's address.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from orchestr8.descriptors import NONE_LEFT, REMEDY, none_left
from orchestr8.errors import RejectedError, ShortageError
from orchestr8.host import namespaces
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.names import BoxId

_ANSWER_BYTES_MAX = 4096
_LOOPBACK = "127.0.0.1"

Command = Callable[[BoxId, Sequence[str], int], str]
"""Runs a command in a box within so many milliseconds; the empty text, or what went wrong."""


class HostProbes(Struct, frozen=True):
    """HTTP and TCP checks by ourselves; commands by whoever can run one in a box."""

    command: Command

    def check(
        self, box_id: BoxId, pid: int, check: HttpCheck | TcpCheck | CommandCheck, timeout_ms: int
    ) -> str:
        """The empty text if healthy, else a sentence that says what was seen.

        Asked is 127.0.0.1 first, where a service that listens on all addresses answers as well,
        and then, if that is refused, the box's own address. Raises ShortageError where nobody
        could be asked.
        """
        try:
            return self._checked(box_id, pid, check, timeout_ms)
        except OSError as error:
            if none_left(error):  # else a box that works would be replaced
                raise ShortageError(NONE_LEFT, REMEDY) from error
            raise

    def _checked(
        self, box_id: BoxId, pid: int, check: HttpCheck | TcpCheck | CommandCheck, timeout_ms: int
    ) -> str:
        if isinstance(check, CommandCheck):
            return self.command(box_id, check.command, timeout_ms)
        deadline = time.monotonic() + timeout_ms / 1000
        try:
            namespace = namespaces.network_of(pid)
        except RejectedError as error:  # what answers there is not the box
            return error.what
        if namespace is None:
            return "the box does not run"
        try:
            visit = namespaces.Visit(namespace, lambda: _ask(check, deadline))
            # Every wait inside is bounded by the deadline; the margin is for a busy processor.
            return visit.result(timeout_ms / 1000 + 5)
        except TimeoutError:
            return f"no answer within {timeout_ms} ms"
        finally:
            os.close(namespace)


def _ask(check: HttpCheck | TcpCheck, deadline: float) -> str:
    with contextlib.suppress(ConnectionRefusedError):
        return _ask_at(_LOOPBACK, check, deadline)
    with contextlib.suppress(ConnectionRefusedError):
        if own := _own_address():
            return _ask_at(own, check, deadline)
    return f"connection refused at {_LOOPBACK}:{check.port}"


def _ask_at(address: str, check: HttpCheck | TcpCheck, deadline: float) -> str:
    place = f"{address}:{check.port}"
    try:
        # No name is looked up: what reads those would be loaded beside everything else.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(_left(deadline))
            connection.connect((address, check.port))
            if isinstance(check, TcpCheck):
                return ""
            return _ask_http(connection, check, deadline)
    except ConnectionRefusedError:
        raise
    except TimeoutError:
        return f"no answer from {place} in time"
    except OSError as error:
        if none_left(error):
            raise
        return f"{place}: {(error.strerror or str(error)).lower()}"


def _ask_http(connection: socket.socket, check: HttpCheck, deadline: float) -> str:
    asked = f"GET {check.path}"
    connection.settimeout(_left(deadline))
    connection.sendall(
        f"{asked} HTTP/1.1\r\nHost: localhost:{check.port}\r\nUser-Agent: orchestr8\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode("ascii")
    )
    line = b""
    while b"\n" not in line and len(line) < _ANSWER_BYTES_MAX:
        connection.settimeout(_left(deadline))
        part = connection.recv(_ANSWER_BYTES_MAX - len(line))
        if not part:
            break
        line += part
    words = line.split(b"\r\n")[0].split(b" ")
    known = len(words) > 1 and words[0].startswith(b"HTTP/") and len(words[1]) == 3
    if not known or not words[1].isdigit():
        return f"{asked}: the answer is not HTTP"
    status = int(words[1])
    return "" if 200 <= status < 400 else f"{asked} answered {status}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _own_address() -> str:
    """The address that this thread's network would call others from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            asker.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(asker.getsockname()[0])
