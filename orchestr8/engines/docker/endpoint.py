"""Where the Docker Engine answers; standard library only, so that asking costs nothing."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestr8.errors import RejectedError, UnavailableError

DEFAULT_SOCKET = "/var/run/docker.sock"
ABOUT = "/info"
"""What an engine says of itself; it takes a while to find out."""
_ANSWER_SECONDS = 5.0
_HEAD_BYTES_MOST = 16_384
_PIECE_BYTES = 64 << 10
_GOOD = (b"HTTP/1.0 200", b"HTTP/1.1 200")
_NOBODY = (FileNotFoundError, ConnectionRefusedError)
_API_VERSION = re.compile(rb"\r\nApi-Version: *([0-9]+\.[0-9]+)\r\n", re.IGNORECASE)


class NobodyListensError(UnavailableError):
    """There is no Docker Engine at all, or it is stopped."""


def endpoint(environment: Mapping[str, str]) -> str:
    """The unix socket as `unix:///path`, from DOCKER_HOST or Docker's default.

    A remote engine is refused: boxes are proved from the kernel they run on, and that one is
    elsewhere.
    """
    host = environment.get("DOCKER_HOST", "")
    if not host:
        return f"unix://{DEFAULT_SOCKET}"
    scheme, separator, path = host.partition("://")
    if scheme != "unix" or not separator or not path.startswith("/"):
        raise RejectedError(
            f"DOCKER_HOST is {host}, a Docker Engine on another machine: its kernel cannot be "
            "read from here, so nothing on it could be proved",
            "run orchestr8 on that machine, or unset DOCKER_HOST",
        )
    return host


def socket_path(endpoint_url: str) -> str:
    """The path in `unix:///path`."""
    return endpoint_url.removeprefix("unix://")


def require_answer(endpoint_url: str) -> str:
    """The API version of the Docker Engine that answers there, or the empty text if it says none.

    Raises with the reason and whose move it is.
    """
    path = socket_path(endpoint_url)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(path)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = _head(connection)
    except OSError as error:
        raise unanswered(endpoint_url, error) from error
    if not answer.startswith(_GOOD):
        raise UnavailableError(
            f"what answers at {endpoint_url} is no working Docker Engine",
            "look at the log of dockerd",
        )
    version = _API_VERSION.search(answer)
    return version[1].decode() if version else ""


class Beforehand:
    """A question that is on its way while what reads the answer is loaded."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def answer(self) -> Any | None:
        """The decoded answer, or None where there is no good one: whoever needs it asks again."""
        received = b""
        with suppress(OSError, ValueError):
            while piece := self._connection.recv(_PIECE_BYTES):
                received += piece
            head, _, body = received.partition(b"\r\n\r\n")
            if head.startswith(_GOOD):
                return json.loads(body)
        return None


@contextmanager
def asked_about_itself(endpoint_url: str) -> Iterator[Beforehand]:
    """Asks and does not wait; that nobody answers is for whoever needs the answer to say."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        with suppress(OSError):
            connection.connect(socket_path(endpoint_url))
            connection.sendall(f"GET {ABOUT} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        yield Beforehand(connection)


def _head(connection: socket.socket) -> bytes:
    """What comes before the body, as far as it is of a decent length."""
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < _HEAD_BYTES_MOST:
        part = connection.recv(_HEAD_BYTES_MOST)
        if not part:
            break
        answer += part
    return answer


def unanswered(endpoint_url: str, error: OSError) -> UnavailableError | RejectedError:
    """A failed connection in our words."""
    if isinstance(error, PermissionError):
        return RejectedError(
            f"this user may not use the Docker Engine at {endpoint_url}",
            "run as root: sudo orchestr8 ...",
        )
    if isinstance(error, TimeoutError):
        return UnavailableError(
            f"the Docker Engine at {endpoint_url} takes connections but does not answer",
            "look at the log of dockerd; restart it if it hangs",
        )
    kind = NobodyListensError if isinstance(error, _NOBODY) else UnavailableError
    return kind(
        f"no Docker Engine answers at {endpoint_url}",
        "install one (apt install docker.io), or start it: systemctl start docker"
        if _has_systemd()
        else "install one (apt install docker.io), or start it: dockerd &",
    )


def _has_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()
