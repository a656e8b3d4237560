"""What somebody is told who waits for a server that says nothing.

The thin client imports it when it has waited for long: until then it costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from orchestr8.units import parse_time

LATE_SECONDS = 10.0
"""How much later than the time that was typed a server may say that it is over."""


def said(words: Sequence[str], what: str, seconds: float) -> float | None:
    """Says that there was silence for so long; the seconds of silence after which that is to be
    said again, or None where `words`, which were typed, want no more of it."""
    most = _typed_seconds(words) + LATE_SECONDS
    if seconds >= most:
        return None
    sys.stderr.write(
        f"orchestr8: {what}, which is still waited for\n"
        "   it is at something long or stands still, as its log shows; Ctrl-C ends the waiting and "
        "nothing else\n"
    )
    sys.stderr.flush()
    return min(2 * seconds, most)


def _typed_seconds(words: Sequence[str]) -> float:
    """The time that was typed with --timeout, or without an end."""
    given = [word.partition("=")[2] for word in words if word.startswith("--timeout=")]
    given += [words[at + 1] for at, word in enumerate(words[:-1]) if word == "--timeout"]
    try:
        return parse_time(given[-1]) / 1000
    except (IndexError, ValueError):
        return float("inf")
