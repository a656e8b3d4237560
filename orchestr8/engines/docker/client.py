"""Calls of Docker's HTTP interface through the docker library, one at a time, in our words.

The library gives the version, streams, the log-in to registries, and the connections: its pool of
them is used as it is, since its own calls would open a connection for each address that they ask.
Bodies are ours, since its builders know fewer settings than a box has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlencode

import docker
import docker.errors
import requests
from docker.transport.unixconn import UnixHTTPConnectionPool
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
from orchestr8.engines.docker.endpoint import require_answer, socket_path
from orchestr8.errors import RejectedError, UnavailableError

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


class EventStream:
    """The engine's events as they come, until somebody closes it or the engine goes away."""

    def __init__(self, stream: Any, endpoint_url: str) -> None:
        self._stream = stream
        self._endpoint = endpoint_url

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        with failures.words("listening to events", self._endpoint):
            yield from self._stream

    def close(self) -> None:
        """Ends it, also for a thread that waits for the next."""
        with suppress(*failures.FOREIGN, AttributeError):  # it may be over already
            self._stream.close()


class Client:
    """One Docker Engine. Every call says what it is for, which starts the message if it fails."""

    def __init__(self, endpoint_url: str) -> None:
        """Connect and agree on a version; fails at once where nobody answers."""
        version = require_answer(endpoint_url)
        self.endpoint = endpoint_url
        with failures.words("asking for the version", endpoint_url):
            self._api = docker.APIClient(
                base_url=endpoint_url, version=version or "auto", timeout=int(_CALL_SECONDS)
            )
        path = socket_path(endpoint_url)
        self._pool = UnixHTTPConnectionPool(endpoint_url, path, int(_CALL_SECONDS), CONNECTIONS)
        major, _, minor = self._api.api_version.partition(".")
        self.api_version = (int(major), int(minor))
        if self.api_version < API_LEAST:
            raise RejectedError(
                f"the Docker Engine at {endpoint_url} speaks API {self._api.api_version}, and "
                f"orchestr8 needs {API_LEAST[0]}.{API_LEAST[1]}",
                "update it to Docker 20.10 or later",
            )

    @property
    def prefix(self) -> str:
        """The start of every path: the version agreed on."""
        return f"/v{self._api.api_version}"

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

    def pieces(self, path: str, doing: str, **parameters: str) -> Iterator[bytes]:
        """The answer as it comes, for as long as the engine sends; nothing of what is not there."""
        with failures.words(doing, self.endpoint):
            url = f"{self._api.base_url}{self.prefix}{path}"
            with self._api.get(
                url, params=parameters, stream=True, timeout=(_CALL_SECONDS, None)
            ) as answer:
                if answer.status_code == _ABSENT:
                    return
                _require_success(answer)
                yield from answer.iter_content(None)

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
        with failures.words(doing, self.endpoint):
            yield from self._api.pull(reference, stream=True, decode=True)

    def events(self, filters: Mapping[str, Any]) -> EventStream:
        """What happens from now on to what the filters let through."""
        with failures.words("listening to events", self.endpoint):
            stream = self._api.events(filters=dict(filters), decode=True)
        return EventStream(stream, self.endpoint)

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


def _require_success(answer: requests.Response) -> None:
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        docker.errors.create_api_error_from_http_exception(error)
