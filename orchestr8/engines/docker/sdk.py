"""The docker library, for what streams: an image on its way, and events.

It takes a tenth of a second to load, and most commands stream nothing: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import docker
import docker.errors
import requests.exceptions

from orchestr8.engines.docker import failures
from orchestr8.errors import EngineError, RejectedError

FOREIGN = (
    *failures.FOREIGN,
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    requests.exceptions.RequestException,
)
"""Everything that a call of the library may raise."""


class EventStream:
    """The engine's events as they come, until somebody closes it or the engine goes away."""

    def __init__(self, stream: Any, endpoint_url: str) -> None:
        self._stream = stream
        self._endpoint = endpoint_url

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        with words("listening to events", self._endpoint):
            yield from self._stream

    def close(self) -> None:
        """Ends it, also for a thread that waits for the next."""
        with suppress(*FOREIGN, AttributeError):  # it may be over already
            self._stream.close()


class Library:
    """One Docker Engine through the library. Every call says what it is for."""

    def __init__(self, endpoint_url: str, version: str, seconds: int) -> None:
        """The version is agreed on with the engine where none is given."""
        self._endpoint = endpoint_url
        with words("asking for the version", endpoint_url):
            self._api = docker.APIClient(
                base_url=endpoint_url, version=version or "auto", timeout=seconds
            )

    @property
    def version(self) -> str:
        """The version of the interface."""
        return str(self._api.api_version)

    def pull(self, reference: str, doing: str) -> Iterator[Mapping[str, Any]]:
        """Fetch an image; the engine's progress, line by line."""
        with words(doing, self._endpoint):
            yield from self._api.pull(reference, stream=True, decode=True)

    def events(self, filters: Mapping[str, Any]) -> EventStream:
        """What happens from now on to what the filters let through."""
        with words("listening to events", self._endpoint):
            stream = self._api.events(filters=dict(filters), decode=True)
        return EventStream(stream, self._endpoint)


def _translated(error: Exception, doing: str, endpoint_url: str) -> EngineError:
    if isinstance(error, docker.errors.APIError):
        return failures.answered(error.explanation or str(error), doing, error.status_code)
    if isinstance(error, docker.errors.InvalidConfigFile):
        return RejectedError(
            f"{doing}: Docker's client configuration cannot be read: {error}",
            "mend ~/.docker/config.json",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return failures.late(doing, endpoint_url)
    is_foreign = isinstance(error, requests.exceptions.RequestException)
    if is_foreign and not failures.operating_system_error(error):
        return failures.broken_off(doing, endpoint_url)
    return failures.translated(error, doing, endpoint_url)


words = partial(failures.words, foreign=FOREIGN, translate=_translated)
"""Let none of the library's exceptions out of a call."""
