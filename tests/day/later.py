"""`orchestr8` on a later day: `python -m tests.day.later DAYS WORDS…`. Everything else is real."""

from __future__ import annotations

import sys
import time

from orchestr8.__main__ import run
from orchestr8.controller.clock import Clock

DAY_MS = 86_400_000


def main() -> int:
    """Types WORDS as many days later."""
    days, *words = sys.argv[1:]

    def now_ms(_: Clock) -> int:
        return time.time_ns() // 1_000_000 + int(days) * DAY_MS

    Clock.now_ms = now_ms  # type: ignore[method-assign]  # the one place where the date is read
    sys.argv[1:] = words
    return run(words)


if __name__ == "__main__":
    sys.exit(main())
