"""The thin client: a command typed here is done by the server of this machine, where one answers.

Nothing but the standard library, and of that what costs little, is imported until something must
be shown that the server did not write: whoever changes nothing waits for the change of nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from orchestr8 import __version__, reading
from orchestr8.line import SOCKET, Line, TimedOutError

TYPE_CHECKING = False
"""What is imported for type checkers alone costs a command nothing."""
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VERBS = frozenset(
    (
        "plan", "apply", "status", "why", "logs", "exec", "history", "events", "prove", "restart",
        "set", "hold", "down", "remove", "rollback", "sync", "trace", "upgrade", "top", "volume",
        "token",
    )
)  # fmt: skip
"""What a server does; all else is done here."""
FAR = "ORCHESTR8_SERVER"
"""The variable that names a server elsewhere."""
_HELP = ("-h", "--help")
NOT_ASKED = (*_HELP, "--engine")
"""Who types one of these wants nothing of a server."""
CONNECTING_SECONDS = 5
ROUNDS_MOST = 5
"""How often a server may ask for files before it has them all."""
INTERRUPTED, FAILED, USAGE, TIMED_OUT = 130, 1, 2, 4


def answered(arguments: Sequence[str]) -> int | None:
    """The exit status of what the server did, with its words printed; None where no server
    answers, or where the command is none of its: then it is done here."""
    if FAR in os.environ:
        return _answered_far(arguments)
    if not arguments or arguments[0] not in VERBS or not _is_asked(arguments):
        return None
    return _done(_Command(arguments), _connected, arguments)


def _answered_far(arguments: Sequence[str]) -> int | None:
    """The same by a server elsewhere; what only the machine itself can do is not done here."""
    from orchestr8 import far

    if not arguments or any(word in _HELP for word in arguments):
        return None
    if arguments[0] in far.HERE_ANYWAY or arguments[0].startswith("-"):
        return None
    if arguments[0] not in VERBS:
        remedy = f"type it there, or without {far.SERVER}"
        what = f"{arguments[0]} is done on the machine itself, and {far.SERVER} names another"
        return _told(what, remedy, USAGE, arguments)
    try:
        return _done(_Command(arguments, far.token()), far.connected, arguments)
    except far.FarError as error:
        return _told(error.what, error.remedy, FAILED, arguments)


def _done(command: _Command, connected: Callable[[], Any], arguments: Sequence[str]) -> int | None:
    """The exit status of a command; None where there is no server."""
    own = own_words(arguments)
    for _ in range(ROUNDS_MOST):
        peer = connected()
        if peer is None:
            return None
        try:
            with peer:
                status = command.send(Line(peer, os.environ.get(FAR) or _path(), own))
        except TimedOutError as error:
            _show_cursor()
            return _told(
                f"timed out: {error}", "what it was asked for it may still do; its log says that",
                TIMED_OUT, arguments,
            )  # fmt: skip
        except KeyboardInterrupt:
            if arguments[0] == "exec":
                raise  # the server ends it
            _show_cursor()
            return _told(
                "interrupted", "the server goes on with it; `orchestr8 status` shows how far it is",
                INTERRUPTED, arguments,
            )  # fmt: skip
        if status != _AGAIN:
            return status
    return _told("the server asks for files without an end", _BROKEN_OFF, FAILED, arguments)


_AGAIN = -1
_UPGRADE = "Connection: Upgrade\r\nUpgrade: orchestr8-streams\r\n"
_BROKEN_OFF = "what was done stays done; the same command goes on from here"


def _is_asked(arguments: Sequence[str]) -> bool:
    """Whether a server would do this. One that serves another state folder has its socket in
    another run folder, so whoever names the one names the other."""
    before = own_words(arguments)
    if any(word.partition("=")[0] in NOT_ASKED for word in before):
        return False
    if arguments[0] == "top" and _is_live(before):
        return False
    if "_ORCHESTR8_COMPLETE" in os.environ:
        return False
    return "ORCHESTR8_STATE" not in os.environ or "ORCHESTR8_RUN" in os.environ


def own_words(arguments: Sequence[str]) -> Sequence[str]:
    """The words that are ours: what stands behind a box's name is a command in the box."""
    if arguments[0] == "exec":
        return arguments[:2]
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _is_live(words: Sequence[str]) -> bool:
    """Whether it goes on and on, picture by picture, each of which is asked for by itself."""
    once = any(word == "--once" or word.startswith("--output") for word in words)
    return not once and sys.stdout.isatty()


def _path() -> str:
    return f"{os.environ.get('ORCHESTR8_RUN') or '/run/orchestr8'}/{SOCKET}"


def _connected() -> Any:
    """The server's socket, or None where nobody listens."""
    path = _path()
    if not os.path.exists(path):  # noqa: PTH110  (pathlib costs a short command its time)
        return None
    import socket

    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        try:
            peer.connect(path)
        except BlockingIOError:
            _wait_for_room(peer)
            peer.connect(path)
    except (OSError, ValueError):
        peer.close()
        return None
    return peer


def _wait_for_room(peer: Any) -> None:
    """Has a socket wait for a server at which so many wait that there is no room for one more."""
    import socket
    from struct import pack

    peer.setblocking(True)
    # the kernel's own limit: one of Python's would not wait at all
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, pack("ll", CONNECTING_SECONDS, 0))


class _Command:
    """One command line, and what the server has asked for so far."""

    def __init__(self, arguments: Sequence[str], token: str = "") -> None:
        self._words = arguments
        self._token = f"Authorization: Bearer {token}\r\n" if token else ""
        self._key = os.urandom(16).hex()
        self._typed = {_text(word): word for word in arguments[1:]}
        words = [_text(word) for word in arguments[1:]]
        self._document: dict[str, Any] = {"arguments": words, "shown": _shown()}
        self._names: list[str] = []
        paths = [word for word in arguments[1:] if _is_there(word)]
        if paths and arguments[0] in ("plan", "apply"):
            self._read(paths)  # a guess, which spares a question

    def send(self, line: Line) -> int:
        """Sends it, and prints what comes; the exit status, or _AGAIN after a question."""
        import json

        body = json.dumps(self._document).encode()
        joins = self._words[0] == "exec"
        head = (
            f"POST /v1/commands/{self._words[0]} HTTP/1.{int(joins)}\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"User-Agent: orchestr8/{__version__}\r\n"
            f"Idempotency-Key: {self._key}\r\n{self._token}{_UPGRADE if joins else ''}\r\n"
        )
        line.send(head.encode() + body)
        answer, left = line.head()
        status = answer.split(b" ", 2)[1:2]
        if status == [b"101"]:
            from orchestr8 import attached

            return self._broken_off(attached.relay(line.peer, left))
        if not answer:
            return _told(*_SHUT, FAILED, self._words)
        if status != [b"200"]:
            return self._refused(line.body(answer, left))
        for one in line.lines(left):
            came = self._heard(json.loads(one))
            if came is not None:
                return came
        return self._broken_off(None)

    def _broken_off(self, status: int | None) -> int:
        """The exit status, unless the server ended before it told one."""
        if status is not None:
            return status
        _show_cursor()
        return _told("the server ended before its answer did", _BROKEN_OFF, FAILED, self._words)

    def _heard(self, event: dict[str, Any]) -> int | None:
        """One line of the answer; the exit status once there is one."""
        if "out" in event:
            sys.stdout.write(event["out"])
            sys.stdout.flush()
        elif "err" in event:
            sys.stderr.write(event["err"])
            sys.stderr.flush()
        elif "write" in event:
            return _write(event["write"], self._words)
        elif "needs" in event:
            needs = event["needs"]
            if needs.get("paths") is not None:
                self._read([self._typed.get(path, path) for path in needs["paths"]])
            if needs.get("question"):
                self._document["answer"] = _typed(needs["question"])
            for path in needs.get("files") or ():
                self._document.setdefault("files", {})[path] = _sent(self._names, path)
            return _AGAIN
        elif "exit" in event:
            return int(event["exit"])
        return None

    def _read(self, paths: list[str]) -> None:
        """Reads what is under these paths into the document."""
        plan = reading.plan_file(paths)
        found = reading.Found() if plan else reading.read(paths)
        self._document["plans"] = {plan[0]: _base64(plan[1])} if plan else {}
        self._names = [name for name, _ in found.texts]
        self._document["reading"] = {
            "paths": [_text(path) for path in paths],
            "texts": [{"name": name, "content": _base64(text)} for name, text in found.texts],
            "passed_over": found.passed_over,
            "problems": [
                {"path": _text(path), "what": what, "remedy": _text(remedy)}
                for path, what, remedy in found.problems
            ],
        }

    def _refused(self, body: bytes) -> int:
        import json

        try:
            refusal = json.loads(body)
            what, remedy, status = refusal["what"], refusal["remedy"], refusal["exit"]
        except (ValueError, KeyError, TypeError):
            what, remedy, status = "the server's answer cannot be read", _BROKEN_OFF, FAILED
        return _told(what, remedy, status, self._words)


_SHUT = (
    "the server shut the connection before it answered",
    "it may have ended, or have as many as it takes; the same command goes on from here",
)


def _text(word: str) -> str:
    """A word as it is shown: bytes that are no text cannot be sent."""
    return "".join(one if reading.is_text(one) else f"\\u{{{ord(one):x}}}" for one in word)


def _is_there(word: str) -> bool:
    return not word.startswith("-") and os.path.exists(word)  # noqa: PTH110


def _typed(question: str) -> str:
    """What somebody types after a question."""
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline()


def _sent(names: list[str], path: str) -> dict[str, Any]:
    """A file that a manifest names, or why there is none."""
    try:
        return {"content": _base64(reading.read_beside(names, path))}
    except OSError as error:
        return {"errno": error.errno or 0, "why": error.strerror or str(error)}


def _base64(content: bytes) -> str:
    from binascii import b2a_base64

    return b2a_base64(content, newline=False).decode()


def _shown() -> dict[str, Any]:
    """Where the answer is shown."""
    dumb = os.environ.get("TERM") == "dumb"
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        size = os.terminal_size((80, 24))
    return {
        "out": sys.stdout.isatty(),
        "err": sys.stderr.isatty(),
        "typed": sys.stdin.isatty(),
        "columns": _number("COLUMNS") or size.columns or 80,
        "lines": _number("LINES") or size.lines or 24,
        "plain": dumb or bool(os.environ.get("NO_COLOR")),
        "dumb": dumb,
    }


def _show_cursor() -> None:
    """Lines that change hide it while they do, and whoever would show it again is not heard."""
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[?25h\n")
        sys.stdout.flush()


def _number(variable: str) -> int:
    text = os.environ.get(variable, "")
    return min(int(text), 10_000) if text.isdecimal() else 0


def _write(file: dict[str, str], words: Sequence[str]) -> int | None:
    """Writes a file that the server made; the exit status where that fails."""
    from orchestr8.cli import planfiles
    from orchestr8.cli.report import report
    from orchestr8.errors import UsageError

    try:
        planfiles.check_out(file["path"])
        planfiles.write(file["path"], file["text"])
    except UsageError as error:
        return report(error, words)
    return None


def _told(what: str, remedy: str, status: int, words: Sequence[str]) -> int:
    """Says what the server did not, in the form in which everything is said."""
    from orchestr8.cli.report import sentence

    return sentence(what, remedy, status, words)
