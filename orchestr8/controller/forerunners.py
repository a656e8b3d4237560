"""Which actions of a plan have had what they stand on; each end costs what depends on it alone."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from orchestr8.names import BoxId
from orchestr8.planning.plan import Action, AwaitBox, ChangeNetwork


class Forerunners:
    """What can begin, in the plan's order: gates apart from calls, which wait for a free hand."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self._actions = actions
        self._lacking = [len(set(action.needs)) for action in actions]
        self._followers: dict[int, list[int]] = defaultdict(list)
        self._skipped: set[int] = set()
        self._failed: deque[int] = deque()
        self._calls: list[int] = []
        self._gates: list[int] = []
        for number, action in enumerate(actions):
            for need in set(action.needs):
                self._followers[need].append(number)
            if not action.needs:
                self._add(number)

    def ended(self, number: int, *, well: bool) -> None:
        """Notes an end, once for each action; what needs it may begin, or else never will."""
        for follower in self._followers.pop(number, ()):
            self._lacking[follower] -= 1
            if not well and follower not in self._skipped:
                self._skipped.add(follower)
                self._failed.append(follower)
            elif not self._lacking[follower] and follower not in self._skipped:
                self._add(follower)

    def skipped(self) -> Iterator[int]:
        """What will not begin since something that it needs did not end well."""
        while self._failed:
            yield self._failed.popleft()

    def gates(self) -> Iterator[int]:
        """The gates that can be waited at now."""
        while self._gates:
            yield heapq.heappop(self._gates)

    def call(self) -> int | None:
        """The next call that can be made now."""
        return heapq.heappop(self._calls) if self._calls else None

    def is_needed(self, number: int) -> bool:
        """Whether something waits for this action."""
        return number in self._followers

    def successors(self, number: int) -> tuple[BoxId, ...]:
        """The boxes of its service for which an action waits until they work, also where their
        traffic is led over in between. A job is over by then."""
        name = self._actions[number].service
        found: set[BoxId] = set()
        behind = list(self._actions[number].needs)
        while behind:
            action = self._actions[behind.pop()]
            if isinstance(action.call, ChangeNetwork):
                behind += action.needs
            elif isinstance(action.call, AwaitBox) and action.service == name:
                found.update(() if action.call.done else (action.call.id,))
        return tuple(sorted(found))

    def _add(self, number: int) -> None:
        is_gate = isinstance(self._actions[number].call, AwaitBox)
        heapq.heappush(self._gates if is_gate else self._calls, number)
