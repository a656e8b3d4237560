"""An answer while it is made: lines that are sent off as they come, and kept to be given again."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Full, Queue
from typing import Any, TypeVar

from orchestr8.errors import Problem

KEPT_SECONDS = 3_600.0
KEPT_MOST = 256
LINES_BYTES_MOST = 1 << 20
"""An answer that is longer is not kept."""
SILENCE_SECONDS = 5.0
UNREAD_MOST = 10_000
"""So many lines wait to be read; whoever makes more waits for the reader, where they may."""
_LOOK_SECONDS = 0.2


class Answer:
    """The lines of one command. Whoever makes them waits for whoever reads them only where
    nothing else waits for that."""

    def __init__(self, *, keeps: bool = False, waits: bool = False) -> None:
        self._queue: Queue[bytes | None] = Queue(UNREAD_MOST if waits else 0)
        self._keeps = keeps
        self.lines: list[bytes] = []
        """What was said, where it is kept to be said again; else the last line."""
        self.is_over = False
        self.revision: int | None = None
        """The revision of the set of which it speaks; known before its first line."""
        self.moved: Problem | None = None
        """Why nothing was done, where that set has moved; known before its first line."""
        self._is_begun = threading.Event()
        self._is_left = False
        self._put_at = time.monotonic()

    def put(self, **event: Any) -> None:
        """One more line; from any thread."""
        line = json.dumps(event).encode() + b"\n"
        if not self._keeps:
            self.lines.clear()
        self.lines.append(line)
        self._put_at = time.monotonic()
        self._is_begun.set()
        self._send(line)

    def leave(self) -> None:
        """Nobody reads it any more. From any thread."""
        self._is_left = True

    def is_left(self) -> bool:
        """Whether nobody reads any more.

        Of a peer that went away nothing is heard until something is sent, so a line without a
        word follows a silence.
        """
        if time.monotonic() - self._put_at > SILENCE_SECONDS:
            self.put(out="")
        return self._is_left

    def end(self) -> None:
        """No more lines."""
        self.is_over = True
        self._is_begun.set()
        self._send(None)

    def _send(self, line: bytes | None) -> None:
        while not self._is_left:
            with suppress(Full):
                self._queue.put(line, timeout=_LOOK_SECONDS)
                return

    def wait(self) -> None:
        """Waits for the first line, or the end."""
        self._is_begun.wait()

    def __iter__(self) -> Iterator[bytes]:
        """Each line as it comes; once."""
        while (line := self._queue.get()) is not None:
            yield line

    @property
    def unread(self) -> int:
        """How many lines nobody has read yet."""
        return self._queue.qsize()

    @property
    def is_undone(self) -> bool:
        """Whether it asks for more or the set has moved, so that nothing was done."""
        asks = bool(self.lines) and self.lines[-1].startswith(b'{"needs"')
        return asks or self.moved is not None


_Given = TypeVar("_Given", bound=Answer)


def begun(perform: Callable[[Answer], None], answer: _Given) -> _Given:
    """The answer, while it is made by a thread of its own; raises RuntimeError without one."""

    def make() -> None:
        try:
            perform(answer)
        finally:
            answer.end()

    try:
        threading.Thread(target=make, name="command", daemon=True).start()
    except RuntimeError:
        answer.end()
        answer.leave()
        raise
    return answer


class Kept:
    """What came of commands that were given with an idempotency key: each is done once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[int, str], tuple[str, float, Answer]] = {}

    def once(
        self, whose: tuple[int, str], body: bytes, begin: Callable[[], Answer]
    ) -> Answer | list[bytes] | str:
        """The answer that is begun now, or the lines of the one that was given before.

        A text says why there is neither: the key is under way, or was another command's.
        """
        mark = hashlib.sha256(body).hexdigest()
        with self._lock:
            self._forget()
            before = self._found.get(whose)
            if before and not before[2].is_undone:
                known, _, answer = before
                if known != mark:
                    return "the idempotency key was given with another command"
                if not answer.is_over:
                    return "the command with this idempotency key is under way"
                return list(answer.lines)
            answer = begin()
            self._found[whose] = (mark, time.monotonic(), answer)
            return answer

    def _forget(self) -> None:
        """Whatever is old, long, or too much; never what is under way."""
        since = time.monotonic() - KEPT_SECONDS
        for key, (_, at, answer) in list(self._found.items()):
            crowded = len(self._found) >= KEPT_MOST
            long = sum(map(len, answer.lines)) > LINES_BYTES_MOST
            if answer.is_over and (at < since or crowded or long):
                del self._found[key]
