"""What people ask of a loop: fleets one after the other, and once many things at the same time.

Whoever is answered finds what they asked for in the store, in the order in which they asked; and
nobody's request is done in the midst of another's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from orchestr8.controller.applied import Applied
from orchestr8.controller.apply import apply_request
from orchestr8.controller.loop import Loop
from orchestr8.controller.restart import restart
from orchestr8.controller.rollback import roll_back
from orchestr8.controller.session import Session
from orchestr8.errors import Orchestr8Error
from orchestr8.names import ServiceName
from orchestr8.store.store import Store
from tests.laws.road import SET, Killed, Unwatched, request
from tests.simulation.fleet import NAMES, Brief, fixed_parts, fleet, with_owner_of

TIMEOUT_MS = 60_000
Texts = Mapping[str, str]


@dataclass
class People:
    """Those who ask in one story; `texts` are what an apply is about, None for what is no apply."""

    chance: random.Random
    asked: list[Brief] = field(default_factory=list)
    answers: list[tuple[Texts | None, Future[Any]]] = field(default_factory=list)
    _parts: dict[str, Brief] = field(init=False)
    _is_served: bool = False

    def __post_init__(self) -> None:
        self._parts = fixed_parts(self.chance)

    def ask(self, loop: Loop | None) -> None:
        """Somebody applies a fleet."""
        self._apply(loop, fleet(self.chance, self._parts))

    def ask_at_once(self, loop: Loop | None) -> None:
        """Two owners change what is theirs, somebody wants fresh boxes, somebody the fleet of
        before; in any order, and none waits for another's answer."""
        requests: list[Callable[[], None]] = [
            lambda: self._change(loop, "one"),
            lambda: self._change(loop, "two"),
            lambda: self._request(loop, restart, self._service(), None),
            lambda: self._request(loop, roll_back, SET, 0),
        ]
        self.chance.shuffle(requests)
        for one in requests:
            one()

    @property
    def all_answered(self) -> bool:
        """Whether nobody waits."""
        return all(answer.done() for _, answer in self.answers)

    def died(self) -> None:
        """The process is gone, and who was served with it."""
        self._is_served = False

    def at_the_end(self, store: Store) -> None:
        """Each answer is one that says what to do, or in the store what was asked for."""
        last = 0
        for texts, answer in self.answers:
            error = answer.exception(0) if answer.done() else None
            assert error is None or isinstance(error, Orchestr8Error | Killed), repr(error)
            if texts is None or error is not None or not answer.done():
                continue
            applied: Applied = answer.result()
            assert applied.revision >= last, "who asked later was served before"
            last = applied.revision
            sources = store.documents.revision(SET, last).sources
            stored = {one.name: one.text for one in sources}
            assert stored == texts, f"revision {last} is not what was asked for"

    def _change(self, loop: Loop | None, owner: str) -> None:
        before = self.asked[-1] if self.asked else fleet(self.chance, self._parts)
        self._apply(loop, with_owner_of(before, fleet(self.chance, self._parts), owner))

    def _apply(self, loop: Loop | None, brief: Brief) -> None:
        self.asked.append(brief)
        asked = request(brief)
        texts = {one.name: one.text for one in asked.sources}
        self._request(loop, apply_request, asked, texts=texts)

    def _service(self) -> ServiceName:
        """One of those that were last asked for; where that was none, one that is not there."""
        names = sorted(self.asked[-1]["services"]) or NAMES
        return ServiceName.parse(self.chance.choice(names))

    def _request(
        self,
        loop: Loop | None,
        function: Callable[..., Any],
        *words: Any,
        texts: Texts | None = None,
    ) -> None:
        if loop:
            answer = loop.ask(self._served, function, *words, Unwatched(), TIMEOUT_MS)
            self.answers.append((texts, answer))

    def _served(self, session: Session, function: Callable[..., Any], *words: Any) -> Any:
        assert not self._is_served, "a request is served in the midst of another"
        self._is_served = True
        try:
            return function(session, *words)
        finally:
            self._is_served = False
