"""Calls of Docker's HTTP interface, one at a time, in our words.

The docker library gives images on their way and events, and the log-in to registries. Single calls
are made beside it, on connections that are kept: its own would open one for each address that they
ask. Bodies are ours, since its builders know fewer settings than a box has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlencode

from msgspec import DecodeError
from msgspec.json import decode, encode
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import TimeoutError as EngineTimeoutError

from orchestr8.engines.docker import failures
from orchestr8.engines.docker.connections import UnixConnections
from orchestr8.engines.docker.endpoint import require_answer, socket_path
from orchestr8.engines.docker.hijack import heard
from orchestr8.engines.joined import LOOK_SECONDS
from orchestr8.errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from orchestr8.engines.docker.sdk import EventStream, Library

API_LEAST = (1, 41)
CONNECTIONS = 16
"""So many are kept open between two calls; more are opened where more call at once."""
_CALL_SECONDS = 60.0
_FAILED, _ABSENT = 400, 404
_PATIENCE_SECONDS = 20

P = ParamSpec("P")
T = TypeVar("T")


def patient(call: Callable[P, T]) -> Callable[P, T]:
    """Repeat a call that may be repeated while the engine is unavailable, up to a deadline."""
    again = retry(
        retry=retry_if_exception_type(UnavailableError),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        reraise=True,
    )
    return wraps(call)(again(call))


class Client:
    """One Docker Engine. Every call says what it is for, which starts the message if it fails."""

    def __init__(self, endpoint_url: str) -> None:
        """Connect and agree on a version; fails at once where nobody answers."""
        self._answered = require_answer(endpoint_url)
        self.endpoint = endpoint_url
        self._pool = UnixConnections(socket_path(endpoint_url), CONNECTIONS)
        version = self._answered or self._library.version
        self.prefix = f"/v{version}"
        """The start of every path: the version agreed on."""
        major, _, minor = version.partition(".")
        self.api_version = (int(major), int(minor))
        if self.api_version < API_LEAST:
            raise RejectedError(
                f"the Docker Engine at {endpoint_url} speaks API {version}, and "
                f"orchestr8 needs {API_LEAST[0]}.{API_LEAST[1]}",
                "update it to Docker 20.10 or later",
            )

    @cached_property
    def _library(self) -> Library:
        from orchestr8.engines.docker.sdk import Library  # it takes long to load

        return Library(self.endpoint, self._answered, int(_CALL_SECONDS))

    def find(self, path: str, doing: str, **parameters: str) -> Any | None:
        """The decoded answer, or None where the engine has no such thing."""
        with failures.words(doing, self.endpoint):
            answer = self._call("GET", path, parameters)
            return None if answer.status == _ABSENT else decode(answer.data)

    def get(self, path: str, doing: str, **parameters: str) -> Any:
        """The decoded answer of what must be there."""
        found = self.find(path, doing, **parameters)
        if found is None:
            raise RejectedError(f"{doing}: there is no such thing on the engine any more")
        return found

    def text(self, path: str, doing: str, **parameters: str) -> bytes:
        """The answer as it came; empty where the engine has no such thing."""
        with failures.words(doing, self.endpoint):
            answer = self._call("GET", path, parameters)
            return b"" if answer.status == _ABSENT else answer.data

    def pieces(
        self, path: str, doing: str, is_left: Callable[[], bool], **parameters: str
    ) -> Iterator[bytes]:
        """The answer as it comes, for as long as the engine sends and somebody reads; nothing of
        what is not there."""
        with failures.words(doing, self.endpoint):
            target = f"{self.prefix}{path}?{urlencode(parameters)}"
            stream = heard(self.endpoint, target, doing)
            try:
                if stream.status == _ABSENT:
                    return
                while not is_left():
                    if not stream.waits(LOOK_SECONDS):
                        continue
                    piece = stream.read()
                    if not piece:
                        return
                    yield piece
            finally:
                stream.close()

    def post(
        self, path: str, doing: str, body: Mapping[str, Any] | None = None, **parameters: str
    ) -> Any:
        """The decoded answer, or None where there is none."""
        with failures.words(doing, self.endpoint):
            answer = self._call("POST", path, parameters, body)
            if answer.status == _ABSENT:
                raise _refusal(answer)
            return decode(answer.data) if answer.data else None

    def delete(self, path: str, doing: str, **parameters: str) -> None:
        """Delete; the absent is success."""
        with failures.words(doing, self.endpoint):
            self._call("DELETE", path, parameters)

    def pull(self, reference: str, doing: str) -> Iterator[Mapping[str, Any]]:
        """Fetch an image; the engine's progress, line by line."""
        return self._library.pull(reference, doing)

    def events(self, filters: Mapping[str, Any]) -> EventStream:
        """What happens from now on to what the filters let through."""
        return self._library.events(filters)

    def ended(self, container: str, doing: str, seconds: float) -> bool:
        """Wait for a container to end; whether it did in this time. An absent one has ended."""
        with failures.words(doing, self.endpoint):
            try:
                self._call("POST", f"/containers/{container}/wait", {}, seconds=max(seconds, 0.001))
            except EngineTimeoutError:
                return False
        return True

    def _call(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        seconds: float = _CALL_SECONDS,
    ) -> BaseHTTPResponse:
        """One answer; a 404 comes back as one, every other failure is raised."""
        asked = f"?{urlencode(parameters)}" if parameters else ""
        answer = self._pool.urlopen(
            method,
            f"{self.prefix}{path}{asked}",
            body=None if body is None else encode(body),
            headers={} if body is None else {"Content-Type": "application/json"},
            retries=False,
            timeout=seconds,
        )
        if answer.status >= _FAILED and answer.status != _ABSENT:
            raise _refusal(answer)
        return answer


def _refusal(answer: BaseHTTPResponse) -> failures.RefusalError:
    """What the engine says of a call that it did not do."""
    try:
        told = decode(answer.data)["message"]
    except (DecodeError, KeyError, TypeError):
        told = answer.data.decode("utf-8", "backslashreplace")
    return failures.RefusalError(answer.status, str(told or answer.reason))
