"""One turn of the loop: look, make it true, note what failed, and say when next.

A turn compares levels. What was heard says only what is looked at again: a lost event costs the
time until everything is looked at, and one that came twice costs a look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.contract.expiry import end_ms
from orchestr8.controller.aim import Aim
from orchestr8.controller.borders import tend
from orchestr8.controller.carrying import Begun, Outcomes, begin, carry_out, failed
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.execute import Result
from orchestr8.controller.failing import DID_NOT_COME, Failing
from orchestr8.controller.health import how_it_ended
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.patrol import Patrol
from orchestr8.controller.progress import Event, Listener
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.controller.settings import SETTLE_MS
from orchestr8.controller.sight import Sight
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.backoff import GOOD_RUN_MS
from orchestr8.planning.plan import UpdateLimits
from orchestr8.planning.reconcile import reconcile
from orchestr8.planning.release import release_boxes
from orchestr8.store.documents import CONVERGED, PARTLY_APPLIED

LOOP = "loop"
"""Who acts where nobody asked."""
FOREVER_MS = 10**12
PAUSE_FIRST_MS = 1_000
PAUSE_LONGEST_MS = 60_000


@dataclass
class Keeper:
    """What the loop remembers from turn to turn; all of it may be lost."""

    session: Session
    listener: Listener
    narrator: Narrator = field(init=False)
    sight: Sight = field(default_factory=Sight)
    unwanted: dict[BoxId, str] = field(default_factory=dict)
    """Boxes to be replaced, and why."""
    patrol: Patrol = field(init=False)
    _noted: set[BoxId] = field(default_factory=set)
    _works: dict[ServiceName, tuple[str, int]] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _pause_ms: int = 0

    def __post_init__(self) -> None:
        self.narrator = Narrator(self.listener, self.session.clock)
        self.patrol = Patrol(self.session, self.listener, self.narrator)

    def turn(self) -> tuple[Cycle, int]:
        """Looks and acts once; what was found, and in how many milliseconds to look again.

        Within a plan that is carried out it leaves that one's services alone, and proves nothing.

        Raises EngineError, StoreError or ManifestError with what was done so far left done.
        """
        self.sight.begin()
        self.sight.doubt_alone(self.patrol.whose_turn())
        cycle = self._walk()
        if self.sight.is_whole:
            tend(self.session.borders)
        cycle, begun = self._note_ends(cycle)
        self._forget_gone(cycle)
        self._tell_steps(cycle)
        if cycle.plan.empty:
            self._pause_ms = 0
            self.session.store.ledger.allocate(cycle.plan.allocations)
            if self.session.under_way:
                return cycle, self._next_ms(cycle)
            self._note_what_works(cycle)
            if self._prove(cycle):
                return cycle, 0
            return cycle, min(self._next_ms(cycle), self.patrol.next_ms())
        return cycle, self._carry_out(cycle, begun)

    def _walk(self) -> Cycle:
        """The plan, after a look at all that it is about."""
        return self._covered(walk(self.session, self._aim()))

    def _covered(self, cycle: Cycle) -> Cycle:
        """The same plan, or the one that is made after a look at what it is about."""
        while not self.sight.covers(cycle.plan):
            self.sight.doubt_plan(cycle.plan)
            cycle = walk(self.session, self._aim())
        return cycle

    def _aim(self) -> Aim:
        in_force = aim_in_force(self.session)
        return replace(in_force, unwanted=self.unwanted, fetch=True, sight=self.sight)

    def _prove(self, cycle: Cycle) -> bool:
        """Proves a few boxes; whether there is something to do about them.

        A broken claim counts as a failure of its slot, so that a replacement that is no better is
        not replaced for ever.
        """
        if not self.patrol.walk(cycle):
            return False
        # What drifted since the look is set right in place, and no reason to replace a box.
        self.sight.doubt_all()
        cycle = self._walk()
        if not cycle.plan.empty:
            return True
        failing = Failing(self.session, self.narrator)
        boxes = {box.id: box for box in cycle.world.boxes}
        broken = self.patrol.judge(cycle)
        fresh = broken.keys() - self.unwanted.keys()
        for box_id in sorted(fresh):
            self.unwanted[box_id] = broken[box_id]
            failure = failing.failure_of(boxes[box_id], broken[box_id])
            if failure:
                failing.note_end(cycle, boxes[box_id], failure)
            self.listener.tell(Event("alarm", broken[box_id], str(box_id)))
        if failing.rolled_back:
            self.session.forget_stored()
        return bool(fresh)

    def _tell_steps(self, cycle: Cycle) -> None:
        """Says what is about to be done and what waits, and nothing of it twice in a row."""
        steps = {
            (str(step.service), ": ".join(filter(None, (step.what, step.cause, *step.notes))))
            for step in cycle.plan.steps
        }
        for service, what in sorted(steps - self._told):
            self.listener.tell(Event("step", what, service))
        self._told = steps

    def _carry_out(self, cycle: Cycle, begun: Begun | None) -> int:
        """Does what there is to do; in how many milliseconds to look again."""
        self.narrator.know(cycle.world.boxes)
        self.sight.doubt_plan(cycle.plan)
        outcomes = self._execute(cycle, begun)
        self.sight.doubt_plan(cycle.plan)  # a turn within may have looked in the midst of it
        failing = Failing(self.session, self.narrator)
        spoilt = failed(outcomes)
        gone = failing.note(cycle, spoilt)
        if gone:
            self._execute(replace(cycle, plan=release_boxes(gone, DID_NOT_COME)))
        if failing.shortage:
            raise failing.shortage
        if failing.rolled_back:
            self.session.forget_stored()
        if len(spoilt) > len(gone) or not _any_done(outcomes):
            return self.pause_ms()
        self._pause_ms = 0
        return 0

    def pause_ms(self) -> int:
        """How long to rest before what did not work is tried again: ever longer."""
        self._pause_ms = min(max(2 * self._pause_ms, PAUSE_FIRST_MS), PAUSE_LONGEST_MS)
        return self._pause_ms

    def _execute(self, cycle: Cycle, begun: Begun | None = None) -> Outcomes:
        patience = self.session.patience(FOREVER_MS)
        begun = begun or self._begin(cycle)
        return carry_out(self.session, cycle.plan, self.narrator.watch, patience, begun)

    def _begin(self, cycle: Cycle) -> Begun:
        return begin(self.session, cycle.plan, self._actor(cycle))

    def _actor(self, cycle: Cycle) -> str:
        """Whom the journal names: the loop, and those who set by hand what is made so now."""
        actions = cycle.plan.actions
        changed = {one.service for one in actions if isinstance(one.call, UpdateLimits)}
        hands = {one.actor for one in self.session.stored.overrides if one.service in changed}
        return f"{LOOP}, for {' and '.join(sorted(hands))}" if hands else LOOP

    def _note_ends(self, cycle: Cycle) -> tuple[Cycle, Begun | None]:
        """Counts boxes that ended or fell ill by themselves, each once; what is to be done then. It
        has begun where that takes no other look: the disk is waited for once."""
        failing, now_ms = Failing(self.session, self.narrator), self.session.clock.now_ms()
        ended = [
            (box, failing.failure_of(box, why))
            for box, why in _ended(cycle)
            if box.id not in self._noted and not _is_known(box, cycle, now_ms)
        ]
        counted = [(box, failure) for box, failure in ended if failure]
        begun = None
        if counted:
            with self.session.store.together():
                for box, failure in counted:
                    failing.note_end(cycle, box, failure)
                if not failing.rolled_back:
                    cycle = self._decide_again(cycle)
                    if not cycle.plan.empty and self.sight.covers(cycle.plan):
                        begun = self._begin(cycle)
        self._noted.update(box.id for box, _ in ended)
        if failing.rolled_back:
            self.session.forget_stored()
            return self._walk(), None
        return (cycle if begun else self._covered(cycle)), begun

    def _decide_again(self, cycle: Cycle) -> Cycle:
        """The same with the plan that follows once more failures of what was seen are written
        down."""
        records = replace(cycle.records, failures=self.session.store.ledger.failures())
        plan = reconcile(cycle.desired, cycle.world, records, self.session.clock.now_ms())
        return replace(cycle, records=records, plan=plan.with_services(cycle.given))

    def _forget_gone(self, cycle: Cycle) -> None:
        there = {box.id for box in cycle.world.boxes}
        self._noted &= there
        self.unwanted = {one: why for one, why in self.unwanted.items() if one in there}
        since = self.session.since
        for box_id in since.keys() - there:
            del since[box_id]

    def _note_what_works(self, cycle: Cycle) -> None:
        """With which revision each service works, so that a bad update finds its way back; and
        that a box has behaved well for long enough to be forgiven."""
        ledger = self.session.store.ledger
        troubled = {step.service for step in cycle.plan.steps}
        troubled |= {one.service_name for one, h in cycle.world.health.items() if not h.good}
        works = {
            service: rests_on
            for service, rests_on in self.session.stored.revisions.items()
            if service not in troubled and self._works.get(service) != rests_on
        }
        if works:
            with self.session.store.together():  # the disk is waited for once
                for service, rests_on in works.items():
                    if ledger.healthy_revision(service) != rests_on:
                        ledger.note_healthy(service, *rests_on)
                self._note_finished(set(works.values()), troubled)
            self._works |= works
        now_ms = self.session.clock.now_ms()
        for service, slot in cycle.records.failures:
            runs = [
                now_ms - box.started_ms
                for box in cycle.world.boxes
                if box.id.service_name == service and box.slot == slot and box.state.runs
            ]
            behaved = runs and min(runs) >= GOOD_RUN_MS
            if behaved and service not in troubled and service not in self.session.held_back:
                ledger.clear_failures(service)

    def _note_finished(
        self, revisions: set[tuple[str, int]], troubled: Collection[ServiceName]
    ) -> None:
        """What became of revisions whose apply was killed, or did not see their end."""
        rests_on, documents = self.session.stored.revisions, self.session.store.documents
        done = revisions - {rests_on.get(service) for service in troubled}
        partly = {rests_on[name][0] for name in self.session.held_back if name in rests_on}
        documents.set_finished((one for one in done if one[0] not in partly), CONVERGED)
        documents.set_finished((one for one in done if one[0] in partly), PARTLY_APPLIED)

    def _next_ms(self, cycle: Cycle) -> int:
        """When something will be otherwise without anybody's doing."""
        now_ms = self.session.clock.now_ms()
        return min(
            (at_ms - now_ms for at_ms in _dates(cycle) if at_ms > now_ms), default=FOREVER_MS
        )


def _any_done(outcomes: Outcomes) -> bool:
    return any(one.result in (Result.DONE, Result.OPEN) for one in outcomes)


def _ended(cycle: Cycle) -> Iterator[tuple[ObservedBox, str]]:
    """Boxes of today's services that do not work any more, and why."""
    for box in cycle.world.boxes:
        is_ill = cycle.world.health.get(box.id) is Health.UNHEALTHY
        if box.state is not State.STOPPED and not is_ill:
            continue
        service = cycle.desired.services.get(box.id.service_name)
        has_slot = service is not None and 0 <= box.slot < len(service.slots)
        if service is None or not has_slot or box.id not in cycle.records.boxes:
            continue
        if service.name in cycle.desired.busy:
            continue
        done = service.run_once and box.exit_status == 0
        if box.state is State.STOPPED and not done:
            yield box, how_it_ended(box)
        elif is_ill:
            yield box, "unhealthy"


def _is_known(box: ObservedBox, cycle: Cycle, now_ms: int) -> bool:
    """Whether the slot's history knows of this box's failure, as after a restart of the loop. One
    that is yet to come is of before somebody set the clock back, and knows of nothing since."""
    history = cycle.records.failures.get((box.id.service_name, box.slot))
    ended_ms = box.stopped_ms or box.started_ms
    return history is not None and ended_ms <= history.last_ms <= now_ms


def _dates(cycle: Cycle) -> Iterator[int]:
    """Milliseconds since the epoch at which waits, relaxations, holds and settling end."""
    for step in cycle.plan.waiting:
        if step.try_again_ms:
            yield step.try_again_ms
    for contract in cycle.contracts.services.values():
        for grant in contract.grants:
            if grant.until and not grant.ended:
                yield end_ms(grant.until)
    for hold in cycle.records.holds.values():
        yield hold.until_ms
    for box in cycle.world.boxes:
        if cycle.world.health.get(box.id) is Health.SETTLING:
            yield box.started_ms + SETTLE_MS
