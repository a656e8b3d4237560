"""A standby takes the place of a box that ends, before anything is looked at.

At rest it is known what would be done if a box ended: the planner is asked that about the last
look, with this one end in it. Of its answer only the first calls are made at once: the standby's
links are opened, and its gate. They are written down right after instead of before; whoever is
killed in between leaves a box in its slot, which the next look finds like any other. The look that
the end itself causes counts the failure and does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.controller.borders import call, phases
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.execute import Outcome, Result
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.recording import conclude, intend
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Standbys
from orchestr8.errors import EngineError, StoreError
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.backoff import after_failure
from orchestr8.planning.plan import Action, Allocations, ChangeNetwork, Plan, StartBox
from orchestr8.planning.reconcile import reconcile

AHEAD_MOST = 2_000
"""The planner is asked ahead while the watched boxes times all boxes are no more, which takes it 30
ms; else once one ends."""


class Reflex(Struct):
    """What is known while everything rests. Used by the loop's thread alone."""

    session: Session
    narrator: Narrator
    actor: str
    tell: Callable[[BoxId], None]
    """Hears of each end of a watched box, from any thread."""
    _rest: Cycle | None = None
    _watched: Mapping[BoxId, ObservedBox] = field(default_factory=dict)
    _ahead: Mapping[BoxId, Plan] = field(default_factory=dict)
    """What is done first when one of these ends."""

    def rest(self, cycle: Cycle) -> None:
        """Everything is as it should be, and each service works as it is declared."""
        self._rest = cycle
        boxes = self.session.borders.boxes
        followed = _followed(cycle)
        if isinstance(boxes, Standbys) and followed.keys() != self._watched.keys():
            with suppress(EngineError):  # then they end as any other
                boxes.watch_ends(followed, self.tell)
        self._watched = followed
        few = len(followed) * len(cycle.world.boxes) <= AHEAD_MOST
        self._ahead = {one.id: self._first_calls(cycle, one) for one in followed.values() if few}

    def stir(self) -> None:
        """Something is otherwise, and nobody has looked yet."""
        self._rest = None

    def close(self) -> None:
        """Nothing is watched any more."""
        if self._watched and isinstance(boxes := self.session.borders.boxes, Standbys):
            boxes.watch_ends((), self.tell)

    def heard_of(self, box_id: BoxId) -> None:
        """Something happened to a box, which may be its end: who is told of that may be slower."""
        if self._rest is not None and box_id in self._watched:
            with suppress(EngineError):  # the look that follows meets it too, and tells
                (seen,) = self.session.borders.boxes.observe([box_id]).boxes or (None,)
                if seen and seen.state is State.STOPPED:
                    self.ended(box_id)

    def ended(self, box_id: BoxId) -> bool:
        """A box ended: whether a standby took its place at once."""
        cycle, self._rest = self._rest, None
        box = self._watched.get(box_id)
        if cycle is None or box is None or self.session.ending():
            return False
        with suppress(EngineError, StoreError):  # as above
            first = self._ahead.get(box_id) or self._first_calls(cycle, box)
            return not first.empty and self._carry_out(cycle, first)
        return False

    def _first_calls(self, cycle: Cycle, box: ObservedBox) -> Plan:
        """What would be done first if this end were seen and counted as a failure."""
        now_ms = self.session.clock.now_ms()
        ended = replace(box, state=State.STOPPED, stopped_ms=now_ms, pid=None)
        boxes = tuple(ended if one is box else one for one in cycle.world.boxes)
        failures = cycle.records.failures
        before, ran_ms = failures.get(_slot(box)), max(now_ms - box.started_ms, 0)
        counted = {**failures, _slot(box): after_failure(before, ran_ms, now_ms, "")}
        records = replace(cycle.records, failures=counted)
        world = replace(cycle.world, boxes=boxes)
        return _to_the_start(reconcile(cycle.desired, world, records, now_ms), box)

    def _carry_out(self, cycle: Cycle, first: Plan) -> bool:
        """The calls, and at once what the journal and the next look must know of them."""
        session, narrator = self.session, self.narrator
        narrator.know(cycle.world.boxes)
        outcomes = []
        for number, action in enumerate(first.actions):
            narrator.watch(action, None)
            outcomes.append(self._called(number, action))
            narrator.watch(action, outcomes[-1])
        with session.store.together():  # the disk is waited for once
            session.store.ledger.allocate(first.allocations)
            conclude(session, first, self.actor, intend(session, first, self.actor), outcomes)
        return True

    def _called(self, number: int, action: Action) -> Outcome:
        borders, clock = self.session.borders, self.session.clock
        began = clock.monotonic()
        call(borders, action.call)
        spent_ms = (clock.monotonic() - began) * 1000
        return Outcome(number, Result.DONE, spent_ms, phases=phases(borders, action.call))


def _followed(cycle: Cycle) -> dict[BoxId, ObservedBox]:
    """The boxes that run, each alone for its service, work, and have a standby.

    Of several boxes the others serve meanwhile; an update that does not work is taken back.
    """
    waiting = {box.id.service_name for box in cycle.world.boxes if box.slot == STANDBY}
    boxes: dict[ServiceName, list[ObservedBox]] = {}
    for box in cycle.world.boxes if waiting else ():
        if box.slot != STANDBY and box.id.service_name in waiting:
            boxes.setdefault(box.id.service_name, []).append(box)
    health = cycle.world.health
    alone = [several[0] for several in boxes.values() if len(several) == 1]
    return {
        box.id: box for box in alone if box.state.runs and health.get(box.id, Health.UNKNOWN).good
    }


def _to_the_start(plan: Plan, box: ObservedBox) -> Plan:
    """Of a plan the start of the standby that takes a box's slot, and what that stands on; nothing
    where that is more than open links."""
    for number, action in enumerate(plan.actions):
        match action.call:
            case StartBox(taken, int(slot)) if (action.service, slot) == _slot(box):
                before = [plan.actions[one] for one in _stands_on(plan, number)]
                if not all(isinstance(one.call, ChangeNetwork) for one in before):
                    return Plan()
                records = tuple(one for one in plan.allocations.boxes if one.id == taken)
                start = replace(action, cause=f"{box.id} ended")
                actions = tuple(replace(one, needs=()) for one in (*before, start))
                return Plan(actions=actions, allocations=Allocations(boxes=records))
            case _:
                pass
    return Plan()


def _slot(box: ObservedBox) -> tuple[ServiceName, int]:
    return box.id.service_name, box.slot


def _stands_on(plan: Plan, number: int) -> list[int]:
    """The actions that one waits for, and that those wait for, in order."""
    wanted = set(plan.actions[number].needs)
    for earlier in range(number - 1, -1, -1):
        if earlier in wanted:
            wanted.update(plan.actions[earlier].needs)
    return sorted(wanted)
