"""Requests to answers: who asks, which route, what is sent; then the command, line by line."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from orchestr8 import __version__
from orchestr8.controller.authority import EVERYTHING, Asker, Authority
from orchestr8.server.answers import Answer, Kept, begun
from orchestr8.server.documents import Command, Me, Refusal
from orchestr8.server.monitoring import Told
from orchestr8.server.openapi import description
from orchestr8.server.routes import BY_PLACE, ROUTES, Route

BODY_BYTES_MOST = 64 << 20
COMMANDS_MOST = 8
"""How many commands of one account may be under way."""
KEY_LENGTH_MOST = 128
JSON = "application/json"
_REASONS = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 411: "Length Required",
    413: "Content Too Large", 429: "Too Many Requests", 503: "Service Unavailable",
}  # fmt: skip
Monitor = Callable[[str, Authority], Told]
Perform = Callable[[Asker, str, Command, Answer], None]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class _RefusedRequestError(Exception):
    """The request has no answer but this."""

    def __init__(self, status: int, what: str, remedy: str = "", code: int = 3) -> None:
        super().__init__(what)
        self.status = status
        self.refusal = Refusal(what=what, remedy=remedy, exit=code)


def _no_such_route() -> _RefusedRequestError:
    return _RefusedRequestError(404, "there is no such route", "GET /v1/openapi.json lists them", 2)


class Application:
    """The API of one machine, as WSGI has it.

    `authority` says what is theirs who ask, `perform` does a command for somebody and puts the
    lines of its answer; it raises nothing. `monitor` answers whoever watches machines. The asker is
    found in the request's environment, where whoever listens has put it: None is nobody.
    """

    def __init__(
        self, authority: Callable[[Asker], Authority], perform: Perform, monitor: Monitor
    ) -> None:
        self._authority = authority
        self._perform = perform
        self._monitor = monitor
        self._kept = Kept()
        self._under_way: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """One request."""
        try:
            return self._answered(request, start)
        except _RefusedRequestError as refused:
            body = refused.refusal.model_dump_json().encode()
            return _whole(start, refused.status, JSON, body)

    def _answered(self, request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        asker, authority = self._asker(request)
        route = _route(request)
        if route.platform and not authority.platform:
            raise _RefusedRequestError(
                403, "only the platform may do this", "ask who runs this machine"
            )
        if route.verb:
            return self._command(route, asker, request, start)
        if route.monitors:
            return _whole(start, *self._monitor(route.path, authority))
        if route.name == "me":
            owners = sorted(authority.owners)
            me = Me(name=asker.name, uid=asker.uid, platform=authority.platform, owners=owners)
            return _whole(start, 200, JSON, me.model_dump_json().encode())
        return _whole(start, 200, JSON, json.dumps(description(ROUTES, __version__)).encode())

    def _asker(self, request: dict[str, Any]) -> tuple[Asker, Authority]:
        """Whoever is nobody is told the same whatever they ask for."""
        asker: Asker | None = request.get("orchestr8.asker")
        authority = self._authority(asker) if asker else None
        if asker is None or authority is None or authority.is_nobody:
            raise _RefusedRequestError(
                403,
                "you are nobody to this machine: no owner has you among its members",
                "whoever runs this machine says who is, under platform.owners.OWNER.members",
            )
        return asker, authority

    def _command(
        self, route: Route, asker: Asker, request: dict[str, Any], start: StartResponse
    ) -> Iterable[bytes]:
        body = _body(request)
        command = _parsed(body)
        key = request.get("HTTP_IDEMPOTENCY_KEY", "")
        if len(key) > KEY_LENGTH_MOST:
            raise _RefusedRequestError(
                400, f"Idempotency-Key has more than {KEY_LENGTH_MOST} letters"
            )

        def perform(answer: Answer) -> None:
            try:
                self._perform(asker, route.verb, command, answer)
            finally:
                with self._lock:
                    self._under_way[asker.uid] -= 1

        is_once = route.changes and bool(key)

        def begin() -> Answer:
            self._count(asker)
            return begun(perform, keeps=is_once)

        lines: Answer | list[bytes]
        if is_once:
            found = self._kept.once((asker.uid, key), route.path.encode() + body, begin)
            if isinstance(found, str):
                raise _RefusedRequestError(409, found, "wait for it, or give another key")
            lines = found
        else:
            lines = begin()
        start("200 OK", [("Content-Type", "application/x-ndjson"), ("Cache-Control", "no-store")])
        return _sent(lines)

    def _count(self, asker: Asker) -> None:
        with self._lock:
            if self._under_way[asker.uid] >= COMMANDS_MOST:
                raise _RefusedRequestError(
                    429, f"{COMMANDS_MOST} commands of yours are under way", "wait for one of them"
                )
            self._under_way[asker.uid] += 1


def _sent(lines: Answer | list[bytes]) -> Iterator[bytes]:
    try:
        yield from lines
    finally:
        if isinstance(lines, Answer):
            lines.leave()


def _route(request: dict[str, Any]) -> Route:
    method, path = request["REQUEST_METHOD"], request["PATH_INFO"]
    route = BY_PLACE.get((method, path))
    if route:
        return route
    if any(path == known for _, known in BY_PLACE):
        raise _RefusedRequestError(405, f"{path} has another method", code=2)
    raise _no_such_route()


def _body(request: dict[str, Any]) -> bytes:
    try:
        length = int(request.get("CONTENT_LENGTH") or -1)
    except ValueError:
        length = -1
    if length < 0:
        raise _RefusedRequestError(
            411, "the document's length is not given", "send Content-Length", 2
        )
    if length > BODY_BYTES_MOST:
        raise _RefusedRequestError(413, "the document is larger than 64 MiB", "split the set", 2)
    body = request["wsgi.input"].read(length)
    if len(body) < length:
        raise _RefusedRequestError(400, "the document ends too early", code=2)
    return bytes(body)


def _parsed(body: bytes) -> Command:
    try:
        return Command.model_validate_json(body)
    except ValidationError as error:
        flaw = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, flaw["loc"])) or "the document"
        what = f"{place}: {flaw['msg']}"
        raise _RefusedRequestError(400, what, "GET /v1/openapi.json has the schema", 2) from None


def watched(monitor: Monitor) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """What monitors ask and nothing else, for everybody who comes to an address."""

    def answered(request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        try:
            route = _route(request)
            if not route.monitors:
                raise _no_such_route()
            return _whole(start, *monitor(route.path, EVERYTHING))
        except _RefusedRequestError as refused:
            return _whole(start, refused.status, JSON, refused.refusal.model_dump_json().encode())

    return answered


def _whole(start: StartResponse, status: int, content_type: str, body: bytes) -> list[bytes]:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    start(f"{status} {_REASONS[status]}", headers)
    return [body]
