"""What happens while a plan is carried out, as events for whoever watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from orchestr8.names import BoxId, ServiceName


class Phase(Struct, frozen=True):
    """One phase of one box. `milliseconds` is None when it begins.

    Phases are image, net, create, start, healthy (or settled, or done), limits, stop, remove and
    proved; `detail` is what to show with it, such as "27 of 27", or the reason of a failure.
    `parts` are the milliseconds of all that the engine measured of the box so far.
    """

    box: BoxId | None
    slot: int
    phase: str
    milliseconds: float | None = None
    failed: bool = False
    detail: str = ""
    service: ServiceName | None = None
    parts: Mapping[str, float] = field(default_factory=dict)


class Progress(Protocol):
    """A watcher; calls come from one thread at a time."""

    def phase(self, phase: Phase) -> None:
        """A phase began or ended."""

    def note(self, text: str) -> None:
        """A sentence beside the boxes' lines."""


class Event(Struct, frozen=True):
    """Something that happened to what a loop keeps; `kind` is one word of a few.

    Kinds are started, step, source, alarm, trouble, over and stopped. `subject` is a service, a
    box, a source or empty, `what` the sentence for people.
    """

    kind: str
    what: str
    subject: str = ""


class Listener(Progress, Protocol):
    """A watcher of a loop, for as long as that runs."""

    def tell(self, event: Event) -> None:
        """Something happened."""
