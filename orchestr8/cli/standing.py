"""Whether those for whom something without an end is done may still have it: members change, tokens
are taken back, and a server ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from orchestr8.controller.authority import Authority
from orchestr8.errors import Orchestr8Error, Place, Problem, RefusedError, UnavailableError

LOOK_SECONDS = 2.0


@dataclass
class Standing:
    """What is theirs, asked of `authority` every two seconds while anything lasts, and whether the
    server ends, asked of `is_stopping`."""

    authority: Callable[[], Authority]
    is_stopping: Callable[[], bool]
    is_over: bool = False
    """Whether the server ended before they did."""
    is_less: bool = False
    """Whether less is theirs than when they began."""
    _first: Authority | None = None
    _due: float = 0.0

    def lasts(self) -> bool:
        """Whether all that was theirs is theirs, at a server that goes on."""
        self.is_over = self.is_over or self.is_stopping()
        now = time.monotonic()
        if now >= self._due and not self.is_less:
            self._due = now + LOOK_SECONDS
            with suppress(Orchestr8Error):  # a store that cannot be read says nothing of anybody
                found = self.authority()
                self._first = self._first or found
                self.is_less = found.is_nobody or not found.has_all_of(self._first)
        return not (self.is_less or self.is_over)

    def require(self) -> None:
        """Raises RefusedError or UnavailableError where it did not last."""
        if self.is_less:
            what = "less is yours than when you asked, so this has ended"
            raise RefusedError(
                (Problem(Place("your rights"), what, "ask again for what is yours now"),)
            )
        if self.is_over:
            raise UnavailableError(
                "the server was told to end, so this has ended", "type it again once it runs anew"
            )
