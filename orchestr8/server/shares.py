"""What many ask for and there is little of: each has a share, and some is left for the next."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable


class Shares:
    """Counts what is held, by whoever holds it; from any thread.

    Nobody holds more than `most`. Where there are `in_all`, nobody takes one who has as many as are
    free already: the first have `most`, and the last are left fewer, yet one.
    """

    def __init__(self, most: int, in_all: int | None = None) -> None:
        self._most, self._in_all = most, in_all
        self._held: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> bool:
        """One more for this one; False where that is too many."""
        with self._lock:
            own = self._held[key]
            free = self._most if self._in_all is None else self._in_all - self._held.total()
            if own >= min(self._most, free):
                return False
            self._held[key] = own + 1
            return True

    def give_back(self, key: Hashable) -> None:
        """One less."""
        with self._lock:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
