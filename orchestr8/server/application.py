"""Requests to answers: who asks, which route, what is sent; then the command, line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from orchestr8 import __version__
from orchestr8.controller.authority import EVERYTHING, ROOT, Asker, Authority
from orchestr8.server.answers import Answer, Kept, begun
from orchestr8.server.documents import Command, Me, Refusal
from orchestr8.server.hooks import BODY_BYTES_MOST as HOOK_BYTES_MOST
from orchestr8.server.joint import UPGRADE, Joint
from orchestr8.server.monitoring import Told
from orchestr8.server.openapi import description
from orchestr8.server.routes import BY_PLACE, HOOKS, ROUTES, Route
from orchestr8.server.shares import Shares

BODY_BYTES_MOST = 64 << 20
THREADS = 32
"""So many requests are answered at once; a command keeps its thread to its end."""
COMMANDS_MOST = 8
"""How many commands of one account may be under way."""
THREADS_SPARED = 4
"""What is left for root, and for what is soon answered."""
COMMANDS_IN_ALL = THREADS - THREADS_SPARED
"""How many of all accounts but root."""
KEY_LENGTH_MOST = 128
JSON = "application/json"
_KEY = re.compile(f"[!-~]{{1,{KEY_LENGTH_MOST}}}")
_ETAG = re.compile(r'"([0-9]{1,9})"')
_CLIENT = re.compile(r"orchestr8/([0-9A-Za-z.+!-]{1,40})")
_NOT_KNOWN = (400, 404, 405)
_REASONS = {
    200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 411: "Length Required", 412: "Precondition Failed",
    413: "Content Too Large", 429: "Too Many Requests", 503: "Service Unavailable",
}  # fmt: skip
Hear = Callable[[str, dict[str, Any]], bool]
Monitor = Callable[[str, Authority], Told]
Perform = Callable[[Asker, str, Command, Answer], None]
_Given = TypeVar("_Given", bound=Answer)
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class _RefusedRequestError(Exception):
    """The request has no answer but this."""

    def __init__(self, status: int, what: str, remedy: str = "", code: int = 3) -> None:
        super().__init__(what)
        self.status = status
        self.allowed: tuple[str, ...] = ()
        """The methods that the route has, where it has not this one."""
        self.refusal = Refusal(what=what, remedy=remedy, exit=code)


def _no_such_route() -> _RefusedRequestError:
    return _RefusedRequestError(404, "there is no such route", "GET /v1/openapi.json lists them", 2)


def _nobody(request: Mapping[str, Any]) -> tuple[str, str]:
    """Why somebody is nobody, and who knows more: alike for every token, what else it is."""
    if request.get("wsgi.url_scheme") == "https":
        what = "you are nobody to this machine: you came with no token that counts here, or not now"
        return what, "whoever runs it sees which tokens count, and why not: orchestr8 token ls"
    return (
        "you are nobody to this machine: no owner has you among its members",
        "whoever runs this machine says who is, under platform.owners.OWNER.members",
    )


class Application:
    """The API of one machine, as WSGI has it.

    `authority` says what is theirs who ask, `perform` does a command for somebody and puts the
    lines of its answer; it raises nothing. `monitor` answers whoever watches machines, `hear` says
    whether a request was a forge's word of a source. The asker is found in the request's
    environment, where whoever listens has put it: None is nobody; beside it stands what takes the
    connection over, for a command that is joined to it.
    """

    def __init__(
        self,
        authority: Callable[[Asker], Authority],
        perform: Perform,
        monitor: Monitor,
        hear: Hear,
    ) -> None:
        self._authority = authority
        self._perform = perform
        self._monitor = monitor
        self._hear = hear
        self._kept = Kept()
        self._under_way = Shares(COMMANDS_MOST, COMMANDS_IN_ALL)
        self._under_way_of_root = Shares(COMMANDS_MOST)

    def __call__(self, request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """One request."""
        try:
            return self._answered(request, start)
        except _RefusedRequestError as refused:
            _tell_release(refused, request)
            return _refused(start, refused)

    def _answered(self, request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] == "POST" and request["PATH_INFO"].startswith(HOOKS):
            return self._heard(request, start)
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

    def _heard(self, request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """What is wrong is answered alike, whatever it is."""
        if not self._hear(request["PATH_INFO"].removeprefix(HOOKS), request):
            raise _RefusedRequestError(
                404,
                "no source hears this",
                "sign it with the secret of the source's webhook; it has its length, and at most "
                f"{HOOK_BYTES_MOST >> 20} MiB",
                2,
            )
        return _whole(start, 202, JSON, b"{}")

    def _asker(self, request: dict[str, Any]) -> tuple[Asker, Authority]:
        """Whoever is nobody is told the same whatever they ask for."""
        asker: Asker | None = request.get("orchestr8.asker")
        authority = self._authority(asker) if asker else None
        if asker is None or authority is None or authority.is_nobody:
            raise _RefusedRequestError(403, *_nobody(request))
        return asker, authority

    def _command(
        self, route: Route, asker: Asker, request: dict[str, Any], start: StartResponse
    ) -> Iterable[bytes]:
        body = _body(request)
        expected = request.get("HTTP_IF_MATCH")
        command = _expecting(_parsed(body), route, expected)
        key = _key(request) if route.changes else ""

        under_way = self._under_way_of_root if asker.uid == ROOT else self._under_way

        def perform(answer: Answer) -> None:
            try:
                self._perform(asker, route.verb, command, answer)
            finally:
                under_way.give_back(asker.uid)

        def begin(make: Callable[[], _Given]) -> _Given:
            if not under_way.take(asker.uid):
                raise _RefusedRequestError(
                    429, "as many commands are under way as you may have now", "wait for one to end"
                )
            try:
                return begun(perform, make())
            except (OSError, RuntimeError):
                under_way.give_back(asker.uid)
                raise _RefusedRequestError(
                    503, "the machine has no thread or no file for the command",
                    "try again in a moment", 1,
                ) from None  # fmt: skip

        if route.joins and request.get("HTTP_UPGRADE", "").lower() == UPGRADE:
            joint = begin(lambda: Joint(command.shown))
            start("101 Switching Protocols", [("Connection", "Upgrade"), ("Upgrade", UPGRADE)])
            return joint.frames(request["orchestr8.taken"]())

        def answer() -> Answer:
            return begin(lambda: Answer(keeps=bool(key), waits=not route.changes))

        lines: Answer | list[bytes]
        if key:
            said = f"{route.path} {expected} ".encode() + body
            found = self._kept.once((asker.uid, key), said, answer)
            if isinstance(found, str):
                raise _RefusedRequestError(409, found, "wait for it, or give another key")
            lines = found
        else:
            lines = answer()
        headers = [("Content-Type", "application/x-ndjson"), ("Cache-Control", "no-store")]
        if route.of_set and isinstance(lines, Answer):
            headers += _told_before(lines, expects=expected is not None)
        start("200 OK", headers)
        return _sent(lines)


def _told_before(answer: Answer, *, expects: bool) -> list[tuple[str, str]]:
    """What the head of an answer says of its set; refuses a change whose set has moved."""
    answer.wait()
    if answer.moved and expects:
        answer.leave()
        what = f"{answer.moved.place}: {answer.moved.what}"
        raise _RefusedRequestError(412, what, answer.moved.remedy)
    return [("ETag", f'"{answer.revision}"')] if answer.revision is not None else []


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
    allowed = tuple(name for name, known in BY_PLACE if path == known)
    if allowed:
        refused = _RefusedRequestError(405, f"{path} has another method", code=2)
        refused.allowed = allowed
        raise refused
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


def _key(request: dict[str, Any]) -> str:
    """The idempotency key, or nothing where none is given."""
    key: str | None = request.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not _KEY.fullmatch(key):
        what = f"Idempotency-Key is not 1 to {KEY_LENGTH_MOST} visible letters of ASCII"
        raise _RefusedRequestError(400, what, "give another, or none", 2)
    return key or ""


def _parsed(body: bytes) -> Command:
    try:
        return Command.model_validate_json(body)
    except ValidationError as error:
        flaw = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, flaw["loc"])) or "the document"
        what = f"{place}: {flaw['msg']}"
        raise _RefusedRequestError(400, what, "GET /v1/openapi.json has the schema", 2) from None


def _expecting(command: Command, route: Route, expected: str | None) -> Command:
    """The command, with the revision that If-Match expects among its words."""
    if expected is None:
        return command
    if not (route.changes and route.of_set):
        raise _RefusedRequestError(400, f"{route.verb} changes no set", "leave If-Match out", 2)
    found = _ETAG.fullmatch(expected)
    if not found:
        what = "If-Match is no revision that an ETag tells"
        raise _RefusedRequestError(400, what, 'write the one revision as in  If-Match: "7"', 2)
    if any(word.partition("=")[0] == "--expect" for word in command.arguments):
        raise _RefusedRequestError(400, "If-Match stands beside --expect", "leave one out", 2)
    words = [f"--expect={found[1]}", *command.arguments]
    return command.model_copy(update={"arguments": words})


def _tell_release(refused: _RefusedRequestError, request: dict[str, Any]) -> None:
    """Says that a client of another release asked what this one does not know, where that is so;
    those who have no identity, as forges, are not told of which release this one is."""
    if request["PATH_INFO"].startswith(HOOKS):
        return
    client = _CLIENT.fullmatch(str(request.get("HTTP_USER_AGENT", "")))
    if refused.status in _NOT_KNOWN and client and client[1] != __version__:
        refused.refusal = Refusal(
            what=f"the server is orchestr8 {__version__} and does not know what orchestr8 "
            f"{client[1]} asks: {refused.refusal.what}",
            remedy="have both of one release: a server that is started anew is of the one that is "
            "installed, and boxes run on",
            exit=1,
        )


def watched(monitor: Monitor) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """What monitors ask and nothing else, for everybody who comes to an address."""

    def answered(request: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        try:
            route = _route(request)
            if not route.monitors:
                raise _no_such_route()
            return _whole(start, *monitor(route.path, EVERYTHING))
        except _RefusedRequestError as refused:
            return _refused(start, refused)

    return answered


def _refused(start: StartResponse, refused: _RefusedRequestError) -> list[bytes]:
    more = [("Allow", ", ".join(refused.allowed))] if refused.allowed else []
    body = refused.refusal.model_dump_json().encode()
    return _whole(start, refused.status, JSON, body, *more)


def _whole(
    start: StartResponse, status: int, content_type: str, body: bytes, *more: tuple[str, str]
) -> list[bytes]:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *more,
    ]
    start(f"{status} {_REASONS[status]}", headers)
    return [body]
