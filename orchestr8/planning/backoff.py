"""When a slot that failed may be tried again: at once at first, then ever later.

A crash loop costs its neighbours nothing, and a box that failed once after days is back at once.
"""

from __future__ import annotations

from orchestr8.boxes.records import Failures

FREE_FAILURES = 2
"""The failures after which the next try goes at once: a first provisioning has three tries."""
FIRST_MS = 1_000
LONGEST_MS = 300_000
GOOD_RUN_MS = 600_000
"""A box that ran this long has behaved well: what failed before it no longer counts."""


def delay_ms(failure_count: int) -> int:
    """How long a slot rests after so many failures in a row: 0, 0, 0, 1 s, 2 s, … 5 min."""
    doublings = failure_count - FREE_FAILURES - 1
    if doublings < 0:
        return 0
    return min(FIRST_MS << min(doublings, 16), LONGEST_MS)


def try_again_ms(failures: Failures | None, ran_ms: int, now_ms: int) -> int:
    """The time from which a slot may be tried again; 0 is at once, as after a failure that is yet
    to come: somebody has set the clock back, and nobody knows how long ago it was."""
    if failures is None or ran_ms >= GOOD_RUN_MS or failures.last_ms > now_ms:
        return 0
    delay = delay_ms(failures.count)
    return failures.last_ms + delay if delay else 0


def after_failure(before: Failures | None, ran_ms: int, now_ms: int, cause: str) -> Failures:
    """The restart history with one failure more, or begun anew after a good run."""
    counted = before.count if before and ran_ms < GOOD_RUN_MS else 0
    return Failures(counted + 1, now_ms, cause)
