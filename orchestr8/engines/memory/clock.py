"""Time for the memory engine: the machine's, or one that stands still until it is told."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Milliseconds since the epoch, and waiting."""

    def now_ms(self) -> int:
        """The time."""

    def sleep_ms(self, duration_ms: int) -> None:
        """Come back when this much time has passed."""


class SystemClock:
    """The machine's time."""

    def now_ms(self) -> int:
        """The time."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        """Wait for real."""
        time.sleep(duration_ms / 1000)


class FakeClock:
    """A time that moves only when somebody waits or says so; waiting takes no time."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """The time."""
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        """Move on by this much at once."""
        self.advance_ms(duration_ms)

    def advance_ms(self, duration_ms: int) -> None:
        """Move on; never back."""
        if duration_ms < 0:
            raise ValueError("time does not run backwards")
        with self._lock:
            self._now_ms += duration_ms
