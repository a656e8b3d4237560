"""Commands for somebody at the API: the very functions that a person types, with another terminal,
another's files and another's rights."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.cli.app import call
from orchestr8.cli.asking import Asking, asked_by, is_left
from orchestr8.cli.reach import reaching
from orchestr8.cli.report import report
from orchestr8.cli.standing import Standing
from orchestr8.cli.terminal import Terminal, shown_on
from orchestr8.cli.texts import Texts, texts_of
from orchestr8.client import own_words
from orchestr8.controller.authority import EVERYTHING, NOTHING, ROOT, Asker, Authority
from orchestr8.controller.expected import MovedError
from orchestr8.controller.loop import Loop
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.controller.tokens import asker_of, still_counts
from orchestr8.engines.joined import Joined
from orchestr8.errors import (
    Exit,
    Orchestr8Error,
    Place,
    Problem,
    RefusedError,
    StoreError,
    UsageError,
)
from orchestr8.reading import Found, is_plan_file
from orchestr8.server.answers import Answer
from orchestr8.server.application import Application
from orchestr8.server.documents import Command
from orchestr8.server.documents import Reading as SentReading
from orchestr8.server.hooks import Hooks
from orchestr8.server.joint import Joint
from orchestr8.server.metrics import Metrics
from orchestr8.server.monitoring import Monitoring
from orchestr8.server.routes import ROUTES

_HELP = frozenset(("-h", "--help"))
"""What the library that reads command lines would print to this process's own output."""
CHANGES = frozenset(route.verb for route in ROUTES if route.changes)
ASKS_ELSEWHERE = "sync"
"""It waits for others' servers first, and nobody's change waits for them with it."""


class _NeedsError(Exception):
    """Something must be sent beside the command; nothing was done."""


class Acted(Struct, frozen=True):
    """What somebody did at the API: the words of it that are ours, which a command in a box is not,
    and its exit status."""

    who: str
    words: tuple[str, ...]
    status: int
    milliseconds: float


class _Done(NamedTuple):
    """How a command ended; it is not whole where more must be sent first."""

    status: int
    is_whole: bool = True


class _Sent(Struct, frozen=True):
    """One stream of an answer, as something to write to."""

    answer: Answer
    name: str

    def write(self, text: str, /) -> int:
        """Sends some text."""
        if text:
            self.answer.put(**{self.name: text})
        return len(text)

    def flush(self) -> None:
        """All is sent at once."""

    def isatty(self) -> bool:
        """No device is asked of it."""
        return False


@dataclass
class _There:
    """The files of the machine on which the command was typed: what was sent of them."""

    command: Command
    answer: Answer
    missing: list[str] = field(default_factory=list)
    """Files that must be sent."""
    paths: Sequence[str] | None = None
    """Paths whose texts must be sent."""
    question: str = ""
    """What somebody must be asked."""

    def texts(self, paths: Sequence[str]) -> Texts:
        """The manifests under these paths; raises ManifestError."""
        reading = self._reading(paths)
        found = Found()
        found.texts = [(text.name, _bytes(text.content, text.name)) for text in reading.texts]
        found.passed_over = list(reading.passed_over)
        found.problems = [(wrong.path, wrong.what, wrong.remedy) for wrong in reading.problems]
        texts = texts_of(found)
        texts.read_file = self._file
        return texts

    def _file(self, path: str) -> bytes:
        """A file that a manifest names; all that are missing are asked for at once."""
        sent = self.command.files.get(path)
        if sent is None:
            self.missing.append(path)
            raise OSError(0, "it was not sent")
        if sent.content is None:
            raise OSError(sent.errno, sent.why)
        return _bytes(sent.content, path)

    def plan_file(self, paths: Sequence[str]) -> tuple[str, bytes] | None:
        """The first plan file among these paths, and its content."""
        self._reading(paths)
        for path, sent in self.command.plans.items():
            content = _bytes(sent, path)
            if path in paths and is_plan_file(content):
                return path, content
        return None

    def _reading(self, paths: Sequence[str]) -> SentReading:
        """What was sent of these paths."""
        reading = self.command.reading
        if reading is None or list(paths) != reading.paths:
            self.paths = paths
            raise _NeedsError
        return reading

    def check_out(self, path: str) -> None:
        """Whoever writes it looks before."""

    def write_plan(self, path: str, text: str) -> None:
        """Writes a plan file where the command was typed."""
        self.answer.put(write={"path": path, "text": text})

    def tell_revision(self, number: int) -> None:
        """Tells the revision that the set of which the command speaks is at, 0 for none."""
        self.answer.revision = number

    def joined(self) -> Joined | None:
        """The connection, where the command was sent to be joined to it."""
        if not isinstance(self.answer, Joint):
            return None
        return replace(self.answer.joined, is_left=is_left)

    def typed(self, question: str) -> str:
        """What somebody typed; where somebody can, they are asked first."""
        if self.command.answer is None and self.command.shown.typed:
            self.question = question
            raise _NeedsError
        return (self.command.answer or "").strip()

    @property
    def needs(self) -> dict[str, Any] | None:
        """What must be sent, or None."""
        if self.question:
            return {"question": self.question}
        if self.paths is not None:
            return {"paths": list(self.paths)}
        return {"files": sorted(set(self.missing))} if self.missing else None


def _bytes(content: str, name: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except ValueError as error:
        raise UsageError(f"{name}: its content is not base64", "send it anew") from error


class Answering:
    """Does commands for whoever asks; changes wait their turn in the loop."""

    def __init__(self, loop: Loop, settings: Settings, metrics: Metrics) -> None:
        self._loop = loop
        self.settings = settings
        self._metrics = metrics
        self.changed: Callable[[], object] = bool
        """What is done after each command that may have changed something."""
        self.acted: Callable[[Acted], object] = bool
        """Hears of each command that may have changed something, or ran one in a box."""

    def application(self, monitoring: Monitoring, hooks: Hooks) -> Application:
        """The API of this machine."""
        return Application(self.authority, self.perform, monitoring.told, hooks.hear)

    def asker_of(self, token: str) -> Asker | None:
        """Whoever comes with this token; None is nobody, and so is everybody without a store."""
        with suppress(StoreError), session(self.settings, make=False) as opened:
            return asker_of(opened.store, token, opened.clock.now_ms())
        return None

    def authority(self, asker: Asker) -> Authority:
        """What is theirs, by the revision in force; nothing where that cannot be read."""
        with suppress(StoreError):
            return self._authority_now(asker)
        return NOTHING

    def _authority_now(self, asker: Asker) -> Authority:
        if asker.uid == ROOT:
            return EVERYTHING
        with session(self.settings, make=False) as opened:
            return opened.of(asker).authority

    def _authority_still(self, asker: Asker) -> Authority:
        """The same, if the token that they came with still is one."""
        if asker.token:
            with session(self.settings, make=False) as opened:
                if not still_counts(opened.store, asker, opened.clock.now_ms()):
                    return NOTHING
        return self._authority_now(asker)

    def perform(self, asker: Asker, verb: str, command: Command, answer: Answer) -> None:
        """One command, to the last line of its answer."""
        began = time.monotonic()
        done = self._perform(asker, verb, command, answer)
        if not done.is_whole:
            return
        seconds = time.monotonic() - began
        self._metrics.command(verb, done.status, seconds)
        if verb in CHANGES or verb == "exec":
            words = own_words([verb, *command.arguments])
            self.acted(Acted(asker.name, tuple(words), done.status, seconds * 1000))

    def _in_turn(self, asker: Asker, function: Callable[..., Any], *arguments: Any) -> Any:
        """Has the loop make a change for whoever asked, if they still are who they were."""
        shown_here = copy_context()

        def change(held: Session) -> Any:
            if self._authority_still(asker).is_nobody:
                what = "nothing is yours any more, so this has ended"
                raise RefusedError((Problem(Place("your rights"), what),))
            return shown_here.run(function, held.of(asker), *arguments)

        return self._loop.call(change)

    def _perform(self, asker: Asker, verb: str, command: Command, answer: Answer) -> _Done:
        if verb not in CHANGES:
            standing = Standing(
                partial(self._authority_still, asker), lambda: self._loop.is_stopping
            )

            def is_left() -> bool:
                return answer.is_left() or not standing.lasts()

            asking = Asking(asker, self.settings, is_left=is_left, ceilings=self._loop.ceilings)
            return _answered(asking, verb, command, answer, standing.require)
        if verb == ASKS_ELSEWHERE:
            turn = partial(self._in_turn, asker)
            asking = Asking(asker, self.settings, ceilings=self._loop.ceilings, turn=turn)
            asked = _answered(asking, verb, command, answer)
            self.changed()
            return asked

        def change(held: Session) -> _Done:
            return _answered(Asking(asker, self.settings, held), verb, command, answer)

        try:
            done: _Done = self._loop.call(change)
            self.changed()
            return done
        except Orchestr8Error as error:
            with shown_on(_terminal(command, answer)):
                status = report(error, [verb, *command.arguments])
            answer.put(exit=status)
            return _Done(status)


def _answered(
    asking: Asking,
    verb: str,
    command: Command,
    answer: Answer,
    require_still: Callable[[], object] = bool,
) -> _Done:
    """Does it, and says so. `require_still` raises where it was cut short."""
    files = _There(command, answer)
    words = [verb, *command.arguments]
    with asked_by(asking), reaching(files), shown_on(_terminal(command, answer)):
        status = _status(words, files)
        try:
            require_still()
        except Orchestr8Error as error:
            status = report(error, words)
    if files.needs is not None:
        answer.put(needs=files.needs)
    else:
        answer.put(exit=status)
    return _Done(status, is_whole=files.needs is None)


def _status(words: Sequence[str], files: _There) -> int:
    """Runs the command line; what it raises is reported as it is to whoever types it here."""
    try:
        if _HELP & set(own_words(words)):
            raise UsageError("help is given where a command is typed", "leave --help out")
        return call(words)
    except _NeedsError:
        return int(Exit.FAILED)
    except MovedError as error:
        (files.answer.moved,) = error.problems
        return report(error, words)
    except Exception as error:
        return int(Exit.FAILED) if files.needs is not None else report(error, words)


def _terminal(command: Command, answer: Answer) -> Terminal:
    shown = command.shown
    return Terminal(
        _Sent(answer, "out"), _Sent(answer, "err"), shown.out, shown.err, shown.columns,
        shown.lines, plain=shown.plain, dumb=shown.dumb,
    )  # fmt: skip
