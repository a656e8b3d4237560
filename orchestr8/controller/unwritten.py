"""What is known of alarms while the store cannot be written, as on a disk that is full: that it is
so, which no row says, and who has heard of what by now. A server that takes over tells it again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress

from orchestr8.controller.alarms import MACHINE, TROUBLE
from orchestr8.errors import StoreError
from orchestr8.names import PLATFORM
from orchestr8.store.alarms import Alarm, Alarms, Key

KEY = Key(PLATFORM, TROUBLE, MACHINE)


class Unwritten:
    """`trouble` says what is in the loop's way; nothing where it is empty."""

    def __init__(self, trouble: Callable[[], str]) -> None:
        self._trouble = trouble
        self._own: Alarm | None = None
        self._heard: dict[tuple[Key, int, bool], Alarm] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is something to be told or written that no row speaks of."""
        return bool(self._trouble() or self._own or self._heard)

    def beside(
        self, stored: Sequence[Alarm], now_ms: int, under_way: Collection[str]
    ) -> list[Alarm]:
        """The alarms as the store would have them if it could be written. Of owners whose message
        is under way nobody knows what they have heard."""
        what, own = self._trouble(), self._own
        if PLATFORM not in under_way:
            if what and not any(one.key == KEY and one.standing for one in stored):
                self._own = own or Alarm(KEY, what, now_ms, standing=True, told=False)
            elif own:
                self._own = own._replace(standing=False) if own.told else None
        return [*self._known(stored), *([self._own] if self._own else ())]

    def note_told(self, alarms: Collection[Alarm], store: Alarms) -> None:
        """Somebody has heard of these, be that written or not."""
        for one in alarms:
            if one == self._own:
                self._own = one._replace(told=True) if one.standing else None
            else:
                self._heard[one.key, one.since_ms, one.standing] = one
        self.write(store)

    def write(self, store: Alarms) -> None:
        """Writes down who has heard of what, as soon as that can be."""
        heard = dict(self._heard)
        if heard:
            with suppress(StoreError):
                store.note_told(heard.values())
                for one in heard:
                    self._heard.pop(one, None)

    def _known(self, stored: Sequence[Alarm]) -> Iterator[Alarm]:
        for one in stored:
            begun, ended = ((one.key, one.since_ms, standing) for standing in (True, False))
            if one.standing or ended not in self._heard:
                yield one._replace(told=one.told or begun in self._heard)
