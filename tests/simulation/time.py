"""Time that passes only where somebody waits, and calls that end in an order that a seed chooses.

One thread does everything. A call that was begun is made when somebody waits for anything, as if a
thread had come to it just then.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from orchestr8.controller.clock import Clock

BEGAN_MS = 1_800_000_000_000
CALL_SECONDS_MOST = 0.02


class Begun(Future[Any]):
    """A call that somebody asked for; who waits for it has it made."""

    def __init__(self, time: Time, number: int, call: Callable[[], Any], ready_at: float) -> None:
        super().__init__()
        self._time, self._number = time, number
        self.ready_at = ready_at
        """Before this time it does not come to its end."""
        self._call = call

    def __hash__(self) -> int:
        # By where it lies in memory a set of them would be in another order in each process.
        return self._number

    def make(self) -> None:
        """Makes the call; what it raises is its answer."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(self._call())
        except BaseException as error:
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        """The answer, after whatever else came first."""
        self._time.make_until(self)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What it raised."""
        self._time.make_until(self)
        return super().exception(0)


class Time(Clock):
    """A machine's clock, what is to happen at which time, and the calls that are under way."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.seconds = 0.0
        self.delay: Callable[[tuple[Any, ...]], float] = lambda _: 0.0
        """How many seconds a call with these arguments will take at least."""
        self.set_by_ms = 0
        """By how much people set the clock that everybody reads."""
        self.pending: list[Begun] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return BEGAN_MS + self.set_by_ms + int(self.seconds * 1000)

    def monotonic(self) -> float:
        """Seconds since the story began."""
        return self.seconds

    def sleep_ms(self, duration_ms: int) -> None:
        """The engine's calls take their time."""
        self.pass_to(self.seconds + duration_ms / 1000)

    def sleep(self, seconds: float) -> None:
        """What was begun comes to its end meanwhile."""
        self.make_ready(self.seconds + seconds)

    def workers(self) -> Hands:
        """Hands of this one thread."""
        return Hands(self)

    def receive(self, inbox: SimpleQueue[Any], seconds: float) -> Any:
        """The next message; whatever is due comes about until then."""
        until = self.seconds + seconds
        while True:
            self.make_ready(self.seconds)
            try:
                return inbox.get_nowait()
            except Empty:
                pass
            if self.seconds >= until:
                return None
            dues = [until, *(one.ready_at for one in self.pending)]
            dues += [self._agenda[0][0]] if self._agenda else []
            self.pass_to(max(min(dues), self.seconds))

    def at(self, seconds: float, happens: Callable[[], None]) -> None:
        """Something will happen so many seconds from now."""
        heapq.heappush(self._agenda, (self.seconds + seconds, next(self._number), happens))

    def pass_to(self, seconds: float) -> None:
        """Time passes, and what is due happens in its order."""
        while self._agenda and self._agenda[0][0] <= seconds:
            due, _, happens = heapq.heappop(self._agenda)
            self.seconds = max(self.seconds, due)
            happens()
        self.seconds = max(self.seconds, seconds)

    def begin(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Begun:
        """A call is under way."""
        ready_at = self.seconds + self.delay(arguments)
        begun = Begun(self, next(self._number), lambda: function(*arguments), ready_at)
        self.pending.append(begun)
        return begun

    def make_ready(self, until: float) -> None:
        """Time passes, and what is under way comes to its end as far as it does meanwhile."""
        while ready := [one.ready_at for one in self.pending if one.ready_at <= until]:
            self.pass_to(max(min(ready), self.seconds))
            self.make_one()
        self.pass_to(until)

    def make_until(self, wanted: Begun) -> None:
        """Calls come to their end until this one has."""
        while not wanted.done() and wanted in self.pending:
            self.make_one()

    def make_one(self, among: Collection[Begun] = ()) -> None:
        """One call comes to its end; which, nobody knows beforehand."""
        candidates = [one for one in self.pending if one in among] if among else self.pending
        self.pass_to(max(min(one.ready_at for one in candidates), self.seconds))
        ready = [one for one in candidates if one.ready_at <= self.seconds and not one.done()]
        begun = self.chance.choice(ready)
        self.pending.remove(begun)
        self.pass_to(self.seconds + self.chance.random() * CALL_SECONDS_MOST)
        begun.make()


class Hands:
    """Who makes several calls at once."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._begun: list[Begun] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begins a call."""
        begun = self._time.begin(function, arguments)
        self._begun.append(begun)
        return begun

    def map(self, function: Callable[..., Any], /, *given: Iterable[Any]) -> Iterator[Any]:
        """Calls for each, with the answers in the order of what was given."""
        begun = [self.submit(function, *each) for each in zip(*given, strict=True)]
        return iter([one.result() for one in begun])

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> set[Future[Any]]:
        """Those that are over, once there is one or the time has passed."""
        own = [one for one in futures if isinstance(one, Begun) and not one.done()]
        over = {one for one in futures if one.done()}
        soon = min((one.ready_at for one in own), default=math.inf) - self._time.seconds
        if not over and (seconds is None or soon <= seconds):
            self._time.make_one(own)
        elif not over and seconds:
            self._time.sleep(seconds)
        return {one for one in futures if one.done()}

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends; what is not begun may be given up."""
        for begun in self._begun:
            if cancel_futures and begun in self._time.pending:
                self._time.pending.remove(begun)
                begun.cancel()
            elif wait:
                self._time.make_until(begun)
