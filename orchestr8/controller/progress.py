"""What happens while a plan is carried out, as events for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orchestr8.names import BoxId, ServiceName


@dataclass(frozen=True)
class Phase:
    """One phase of one box. `milliseconds` is None when it begins.

    Phases are image, net, create, start, healthy (or settled, or done), limits, stop, remove and
    proved; `detail` is what to show with it, such as "27 of 27", or the reason of a failure.
    """

    box: BoxId | None
    slot: int
    phase: str
    milliseconds: float | None = None
    failed: bool = False
    detail: str = ""
    service: ServiceName | None = None


class Progress(Protocol):
    """A watcher; calls come from one thread at a time."""

    def phase(self, phase: Phase) -> None:
        """A phase began or ended."""

    def note(self, text: str) -> None:
        """A sentence beside the boxes' lines."""
