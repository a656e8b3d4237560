"""A box that ends has a successor before anything is looked at.

At rest it is known what would be done if a box ended: the planner is asked that about the last
look, with this one end in it. Of its answer only the first calls are made at once: the successor's
links are opened, it is made if it is not a standby that waits, and it starts. The look that the end
itself causes counts the failure and does the rest.

What makes a box is written down before, as ever. That a standby starts is written down right after:
whoever is killed in between leaves a box in its slot, which the next look finds like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.records import BoxRecord
from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.controller.borders import call, phases, subject
from orchestr8.controller.carrying import Outcomes, begin, carry_out
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.execute import Outcome, Result
from orchestr8.controller.keeping import FOREVER_MS
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.recording import conclude, intend
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Ends
from orchestr8.errors import EngineError, StoreError
from orchestr8.isolation.profile import PRIVATE
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.backoff import after_failure
from orchestr8.planning.plan import (
    Action,
    Allocations,
    AwaitBox,
    ChangeNetwork,
    CreateBox,
    Plan,
    Purpose,
    StartBox,
)
from orchestr8.planning.reconcile import reconcile

AHEAD_MOST = 2_000
"""The planner is asked ahead while the watched boxes times all boxes are no more, which takes it 30
ms; else once one ends."""
BOXES_MOST = 1_000
"""Of more boxes the planner takes so long that the look may come first."""


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
    _begun: dict[BoxId, float] = field(default_factory=dict)
    """The boxes that were begun here and have not been told to work yet, and since when they run
    (monotonic seconds)."""

    def rest(self, cycle: Cycle) -> None:
        """Everything is as it should be, and each service works as it is declared."""
        boxes = self.session.borders.boxes
        followed = _followed(cycle)
        self._rest = cycle = _drawn(cycle) if followed else cycle
        if isinstance(boxes, Ends) and followed.keys() != self._watched.keys():
            with suppress(EngineError):  # then they end as any other
                boxes.watch_ends(followed, self.tell)
        self._watched = followed
        self._ahead = {one.id: self._first_calls(cycle, [one]) for one in self._urgent(cycle)}

    def tell_what_works(self, cycle: Cycle) -> None:
        """Mostly no plan waits for boxes that were begun here; whoever watches hears of them as of
        any other that a gate let through."""
        if not self._begun:
            return
        now = self.session.clock.monotonic()
        running = {box.id for box in cycle.world.boxes if box.state.runs}
        running -= {one.call.id for one in cycle.plan.actions if isinstance(one.call, AwaitBox)}
        for box_id, since in list(self._begun.items()):
            health = cycle.world.health.get(box_id, Health.UNKNOWN)
            contract = cycle.contracts.services.get(box_id.service_name)
            if box_id in running and health.open:
                continue
            del self._begun[box_id]
            if box_id in running and health.good and contract:
                name, within_ms = contract.name, contract.update.within_ms
                gate = AwaitBox(box_id, contract.health, done=False, within_ms=within_ms)
                outcome = Outcome(0, Result.DONE, (now - since) * 1000)
                self.narrator.watch(Action(gate, Purpose.PROVISION, "", name), outcome)

    def stir(self) -> None:
        """Something is otherwise, and nobody has looked yet."""
        self._rest = None

    def close(self) -> None:
        """Nothing is watched any more."""
        if self._watched and isinstance(boxes := self.session.borders.boxes, Ends):
            boxes.watch_ends((), self.tell)

    def heard_of(self, box_id: BoxId) -> None:
        """Something happened to a box, which may be its end: who is told of that may be slower."""
        if self._rest is not None and box_id in self._watched:
            with suppress(EngineError):  # the look that follows meets it too, and tells
                (seen,) = self.session.borders.boxes.observe([box_id]).boxes or (None,)
                if seen and seen.state is State.STOPPED:
                    self.ended([box_id])

    def ended(self, ids: Collection[BoxId]) -> bool:
        """Boxes ended: whether any of them has a successor by now."""
        cycle, self._rest = self._rest, None
        boxes = [self._watched[one] for one in ids if one in self._watched]
        if cycle is None or not boxes or self.session.ending():
            return False
        with suppress(EngineError, StoreError):  # as above
            known = self._ahead.get(boxes[0].id) if len(boxes) == 1 else None
            # what had to wait then need not wait any more
            first = known if known and not known.empty else self._first_calls(cycle, boxes)
            return not first.empty and self._carry_out(cycle, first)
        return False

    def _urgent(self, cycle: Cycle) -> Collection[ObservedBox]:
        """The boxes for which the planner is asked ahead: all that are watched, or those with a
        standby alone, or none, whichever are few enough."""
        waited_for = _waited_for(cycle)
        every = list(self._watched.values())
        ready = [one for one in every if one.id.service_name in waited_for]
        most = AHEAD_MOST // max(len(cycle.world.boxes), 1)
        return next((some for some in (every, ready) if len(some) <= most), ())

    def _first_calls(self, cycle: Cycle, boxes: Collection[ObservedBox]) -> Plan:
        """What would be done first if these ends were seen and counted as failures."""
        now_ms = self.session.clock.now_ms()
        counted, ended = dict(cycle.records.failures), {}
        for box in boxes:
            ended[box.id] = replace(box, state=State.STOPPED, stopped_ms=now_ms, pid=None)
            ran_ms = max(now_ms - box.started_ms, 0)
            counted[_slot(box)] = after_failure(counted.get(_slot(box)), ran_ms, now_ms, "")
        seen = tuple(ended.get(one.id, one) for one in cycle.world.boxes)
        world, records = replace(cycle.world, boxes=seen), replace(cycle.records, failures=counted)
        plan = reconcile(cycle.desired, world, records, now_ms)
        return _to_the_starts(plan, {_slot(box): box for box in boxes})

    def _carry_out(self, cycle: Cycle, first: Plan) -> bool:
        self.narrator.know(cycle.world.boxes)
        if any(isinstance(one.call, CreateBox) for one in first.actions):
            patience = self.session.patience(FOREVER_MS)
            begun = begin(self.session, first, self.actor)
            outcomes = carry_out(self.session, first, self.narrator.watch, patience, begun)
        else:
            outcomes = self._start(first)
        now = self.session.clock.monotonic()
        for action, outcome in zip(first.actions, outcomes, strict=True):
            if isinstance(action.call, StartBox) and outcome.result is Result.DONE:
                self._begun[action.call.id] = now
        return any(one.result is Result.DONE for one in outcomes)

    def _start(self, first: Plan) -> Outcomes:
        """The calls, and at once what the journal and the next look must know of them."""
        session, narrator = self.session, self.narrator
        outcomes = []
        for number, action in enumerate(first.actions):
            narrator.watch(action, None)
            outcomes.append(self._called(number, action))
            narrator.watch(action, outcomes[-1])
        with session.store.together():  # the disk is waited for once
            session.store.ledger.allocate(first.allocations)
            conclude(session, first, self.actor, intend(session, first, self.actor), outcomes)
        return tuple(outcomes)

    def _called(self, number: int, action: Action) -> Outcome:
        borders, clock = self.session.borders, self.session.clock
        began = clock.monotonic()
        call(borders, action.call)
        spent_ms = (clock.monotonic() - began) * 1000
        return Outcome(number, Result.DONE, spent_ms, phases=phases(borders, action.call))


def _waited_for(cycle: Cycle) -> set[ServiceName]:
    """The services with a standby."""
    return {box.id.service_name for box in cycle.world.boxes if box.slot == STANDBY}


def _drawn(cycle: Cycle) -> Cycle:
    """With each declaration at hand: the planner is asked about the same ones again and again."""
    services = dict(cycle.desired.services)
    return replace(cycle, desired=replace(cycle.desired, services=services))


def _followed(cycle: Cycle) -> dict[BoxId, ObservedBox]:
    """The boxes that run, each alone for its service, and work; first those with a standby.

    Of several boxes the others serve meanwhile; an update that does not work is taken back. With
    the first task of a box that has its own pid namespace all of its tasks have ended. A job may be
    done.
    """
    if len(cycle.world.boxes) > BOXES_MOST:
        return {}
    boxes: dict[ServiceName, list[ObservedBox]] = {}
    for box in cycle.world.boxes:
        if box.slot != STANDBY:
            boxes.setdefault(box.id.service_name, []).append(box)
    contracts, health, waited_for = cycle.contracts.services, cycle.world.health, _waited_for(cycle)
    alone = [several[0] for several in boxes.values() if len(several) == 1]
    followed = [
        box
        for box in alone
        if box.state.runs
        and health.get(box.id, Health.UNKNOWN).good
        and box.spec
        and box.spec.profile.pid == PRIVATE
        and (contract := contracts.get(box.id.service_name))
        and not contract.service.run_once
    ]
    followed.sort(key=lambda box: box.id.service_name not in waited_for)
    return {box.id: box for box in followed}


def _to_the_starts(plan: Plan, ended: Mapping[tuple[ServiceName, int], ObservedBox]) -> Plan:
    """Of a plan the starts of those that take the slots of ended boxes, and what these stand on;
    none of whom stands on more than open links and being made."""
    records = {one.id: one for one in plan.allocations.boxes}
    succeeded: dict[BoxId, BoxId] = {}
    wanted: set[int] = set()
    for number, box_id in _starts(plan):
        before = _stands_on(plan, number)
        box = ended.get((box_id.service_name, records[box_id].slot)) if box_id in records else None
        if box and all(isinstance(plan.actions[n].call, ChangeNetwork | CreateBox) for n in before):
            wanted.update(before, [number])
            succeeded[box_id] = box.id
    places = {number: place for place, number in enumerate(sorted(wanted))}
    actions = tuple(_placed(plan.actions[number], places, succeeded) for number in places)
    made = [one.call.box.id for one in actions if isinstance(one.call, CreateBox)]
    boxes = tuple(record for record in plan.allocations.boxes if record.id in succeeded)
    return Plan(actions=actions, allocations=_given(plan.allocations, boxes, made))


def _placed(action: Action, places: Mapping[int, int], succeeded: Mapping[BoxId, BoxId]) -> Action:
    """An action of the whole plan as one of the few that are done first."""
    made = subject(action.call)[0]
    cause = f"{succeeded[made]} ended" if made and made in succeeded else action.cause
    return replace(action, needs=tuple(places[one] for one in action.needs), cause=cause)


def _starts(plan: Plan) -> Iterator[tuple[int, BoxId]]:
    for number, action in enumerate(plan.actions):
        if isinstance(action.call, StartBox):
            yield number, action.call.id


def _given(
    given: Allocations, boxes: tuple[BoxRecord, ...], made: Collection[BoxId]
) -> Allocations:
    """What was given out for these boxes alone, some of which are made."""
    serials = {one.service_name: one.serial for one in sorted(made)}
    services = (one for one in given.services if one.name in serials)
    addresses = [one.address for one in boxes if one.id in made and one.address]
    return Allocations(
        tuple(replace(one, serial_last=serials[one.name]) for one in services),
        boxes,
        addresses[-1] if addresses else "",
    )


def _slot(box: ObservedBox) -> tuple[ServiceName, int]:
    return box.id.service_name, box.slot


def _stands_on(plan: Plan, number: int) -> list[int]:
    """The actions that one waits for, and that those wait for, in order."""
    wanted = set(plan.actions[number].needs)
    for earlier in range(number - 1, -1, -1):
        if earlier in wanted:
            wanted.update(plan.actions[earlier].needs)
    return sorted(wanted)
