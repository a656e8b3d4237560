"""A loop on a thread of its own over a simulated machine, and waiting for what it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Event
from tests.controller.road import Notes, Road

SECONDS_MOST = 60.0


@dataclass
class Told(Notes):
    """A listener that keeps what it is told."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Something happened."""
        self.events.append(event)

    def kinds(self) -> list[str]:
        """What happened, a word each."""
        return [event.kind for event in self.events]


@dataclass
class Running:
    """A loop that runs, and what it told."""

    loop: Loop
    told: Told
    thread: threading.Thread
    raised: list[BaseException]

    def end(self) -> None:
        """Stops it and waits until it has ended; raises what it raised."""
        self.loop.stop()
        self.thread.join(SECONDS_MOST)
        assert not self.thread.is_alive()
        if self.raised:
            raise self.raised[0]


@contextmanager
def looping(road: Road) -> Iterator[Running]:
    """A loop for as long as a block lasts, on a thread of its own."""
    told, made, raised = Told(), threading.Event(), []  # type: ignore[var-annotated]
    found: list[Loop] = []

    def run() -> None:
        try:
            with road.open() as session:
                found.append(Loop(session, told))
                made.set()
                found[0].run()
        except BaseException as error:
            raised.append(error)
            made.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert made.wait(SECONDS_MOST)
    running = Running(found[0], told, thread, raised)
    try:
        yield running
    finally:
        running.end()


def until(holds: Callable[[], object], seconds: float = SECONDS_MOST) -> None:
    """Waits until something holds; fails after a generous time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)
