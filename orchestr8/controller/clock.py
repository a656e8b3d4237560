"""Time, and the hands that make calls while it goes by: the machine's own.

Whoever walks, executes and waits reads time here and nowhere else, so that a simulation can put
another clock in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, Protocol, TypeVar

from msgspec import Struct, field

from orchestr8.controller.settings import PARALLEL_CALLS
from orchestr8.names import BoxId

_P = ParamSpec("_P")
_Value = TypeVar("_Value")


class Workers(Protocol):
    """Hands that make several calls at once."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Begins a call."""

    def map(self, function: Callable[..., Any], /, *given: Iterable[Any]) -> Iterator[Any]:
        """Calls for each, with the answers in the order of what was given."""

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> set[Future[Any]]:
        """Those that are over, once there is one or the time has passed; None waits for ever."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends; what is not begun may be given up."""


class Threads(ThreadPoolExecutor):
    """Threads of this process, no more at once than an engine bears."""

    def __init__(self) -> None:
        super().__init__(PARALLEL_CALLS)

    def wait(self, futures: Collection[Future[Any]], seconds: float | None) -> set[Future[Any]]:
        """Those that are over, once there is one or the time has passed."""
        return wait_for(futures, seconds, FIRST_COMPLETED).done


class LastingThreads(Threads):
    """Threads that rest once nobody needs them, for whoever asks for hands next."""

    def __init__(self, resting: list[LastingThreads]) -> None:
        """`resting` are those that nobody needs; these join them at their end."""
        super().__init__()
        self._resting = resting
        self._begun: set[Future[Any]] = set()

    def submit(
        self, function: Callable[_P, _Value], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_Value]:
        """Begins a call."""
        begun = super().submit(function, *args, **kwargs)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        return begun

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends; what is not begun may be given up."""
        if not wait:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            return
        begun = list(self._begun)  # each leaves it as it ends
        wait_for([one for one in begun if not (cancel_futures and one.cancel())])
        self._resting.append(self)


class Clock:
    """The machine's time and threads."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch; people may set it back."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds from anywhere, which only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Comes back when this time has passed."""
        time.sleep(seconds)

    def workers(self) -> Workers:
        """Fresh hands; whoever asks for them ends them."""
        return Threads()

    def receive(self, inbox: SimpleQueue[Any], seconds: float) -> Any:
        """The next message, or None when none came in this time."""
        try:
            return inbox.get(timeout=max(seconds, 0))
        except Empty:
            return None


class LastingClock(Clock):
    """The same for whoever acts time and again: that a thread begins and ends takes longer than
    most of what is asked."""

    def __init__(self) -> None:
        self._resting: list[LastingThreads] = []

    def workers(self) -> Workers:
        """Hands that nobody needs now; whoever asks for them ends them."""
        try:
            return self._resting.pop()
        except IndexError:
            return LastingThreads(self._resting)


CLOCK = Clock()


@contextmanager
def working(clock: Clock) -> Iterator[Workers]:
    """Hands for as long as a block lasts."""
    workers = clock.workers()
    try:
        yield workers
    finally:
        workers.shutdown()


def no() -> bool:
    """Nothing of the kind."""
    return False


def nothing() -> None:
    """Nothing else is done."""


def yes() -> bool:
    """Always something."""
    return True


class Patience(Struct, frozen=True):
    """How long a plan is waited for: until `deadline` (monotonic seconds), and at gates only as
    long as nothing else needs whoever waits. `meanwhile` is called while calls take their time.

    `since` remembers from when each box was waited for, at gates that were left open too.
    """

    deadline: float
    clock: Clock = CLOCK
    needed: Callable[[], bool] = no
    ending: Callable[[], bool] = no
    meanwhile: Callable[[], None] = nothing
    since: dict[BoxId, float] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the time has passed, or whoever waits is to end."""
        return self.clock.monotonic() > self.deadline or self.ending()
