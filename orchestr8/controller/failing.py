"""What did not come up or did not stay up: why, its last lines, how often, and the way back."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.applied import Failure
from orchestr8.controller.borders import subject
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.execute import Outcome
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Endings, Logs
from orchestr8.errors import EngineError, ShortageError, UnavailableError
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.backoff import after_failure
from orchestr8.planning.plan import Action, CreateBox, Plan, RemoveBox, StartBox, StopBox

ATTEMPTS = 3
LINES_KEPT = 20
DID_NOT_COME = "it did not come up"
ENDED_FROM_OUTSIDE = "it was told to end: the engine stopped, or somebody stopped the box"


class Failing(Struct):
    """The failures of one apply, or of one turn of the loop."""

    session: Session
    narrator: Narrator
    failures: dict[tuple[ServiceName, int], Failure] = field(default_factory=dict)
    rolled_back: dict[ServiceName, int] = field(default_factory=dict)
    shortage: ShortageError | None = None
    """What the machine was short of time and again: that counts for no service, so whoever made the
    plan is told instead, once nothing is left of `note`'s boxes."""
    _made: dict[BoxId, int] = field(default_factory=dict)
    """The boxes that were made or taken meanwhile, and the slots that they are for."""

    def note(self, cycle: Cycle, failed: Iterable[Outcome]) -> list[BoxId]:
        """Keeps the last lines and counts the failures; the boxes of which nothing may stay."""
        self._made |= _slots(cycle.plan)
        slots = {box.id: box.slot for box in cycle.world.boxes} | self._made
        gone: list[BoxId] = []
        for outcome in failed:
            action = cycle.plan.actions[outcome.number]
            box_id = subject(action.call)[0]
            if action.service is None:
                raise outcome.error or EngineError(outcome.why)
            slot = slots.get(box_id, 0) if box_id else 0
            failure = self._failure(cycle, action, outcome, slot)
            outside = self._outside_cause(box_id, outcome)
            if isinstance(outcome.error, ShortageError) and failure.attempts >= ATTEMPTS:
                self.shortage = outcome.error
                continue
            if outside and failure.attempts < ATTEMPTS:
                # The next look finds what is half-made, or that no engine answers.
                failure = replace(failure, why=outside, advice=None)
            elif box_id is None or (box_id in self._made and not _is_end(action)):
                # without a box it is what a box of the service stands on, such as its volume
                gone += [box_id] if box_id else []
                self._remember(cycle, failure, outcome.ended)
                if slot != STANDBY:
                    self._roll_back_if_update(action.service)
            self.failures[action.service, slot] = failure
            self.narrator.failed(box_id, slot, failure)
        return gone

    def failure_of(self, box: ObservedBox, why: str) -> Failure | None:
        """What a box that ended or fell ill after it had come up is counted as; None where somebody
        told it to end."""
        if not box.state.runs and told_to_end(self.session, box.id):
            return None
        return Failure(box.id.service_name, box.slot, why, 1, last_lines(self.session, box.id))

    def note_end(self, cycle: Cycle, box: ObservedBox, failure: Failure) -> None:
        """Counts such a failure. What is new and never worked is taken back."""
        self._remember(cycle, failure, box)
        self.narrator.failed(box.id, box.slot, failure)
        slots = cycle.desired.services[failure.service].slots
        if box.spec == slots[box.slot]:
            self._roll_back_if_update(failure.service)

    def _outside_cause(self, box_id: BoxId | None, outcome: Outcome) -> str:
        """What became of a box that is not its own fault, such as an engine that went away under
        it: no reason to take its service back. Empty for what is its own."""
        if isinstance(outcome.error, UnavailableError):
            return outcome.why
        return told_to_end(self.session, box_id) if box_id else ""

    def _remember(self, cycle: Cycle, failure: Failure, ended: ObservedBox | None) -> None:
        now_ms = self.session.clock.now_ms()
        ran_ms = max((ended.stopped_ms or now_ms) - ended.started_ms, 0) if ended else 0
        before = cycle.records.failures.get((failure.service, failure.slot))
        history = after_failure(before, ran_ms, now_ms, failure.why)
        about = str(ended.id) if ended else str(failure.service)
        store = self.session.store
        with store.together():
            store.ledger.note_failure(failure.service, failure.slot, history, failure.lines)
            result = f"failure {history.count} of slot {failure.slot}"
            self.session.write_down("failed", about, failure.why, result)

    def _failure(self, cycle: Cycle, action: Action, outcome: Outcome, slot: int) -> Failure:
        assert action.service is not None
        box_id = subject(action.call)[0]
        answers = not isinstance(outcome.error, UnavailableError)
        lines = last_lines(self.session, box_id) if box_id and answers else ()
        desired = cycle.desired.services.get(action.service)
        spec = desired.slots[slot] if desired and 0 <= slot < len(desired.slots) else None
        from orchestr8.controller import advice  # its patterns are needed where something failed

        ending = advice.Ending(
            action.service,
            outcome.why,
            lines,
            bool(outcome.ended and outcome.ended.out_of_memory),
            desired.limits.memory_max_bytes if desired else 0,
        )
        before = self.failures.get((action.service, slot))
        return Failure(
            service=action.service,
            slot=slot,
            why=outcome.why,
            attempts=1 + (before.attempts if before else 0),
            lines=lines,
            advice=advice.advise(ending, spec),
            remedy=outcome.error.remedy if outcome.error else "",
        )

    def _roll_back_if_update(self, service: ServiceName) -> None:
        """A service that worked with an older revision goes back to it."""
        ledger, stored = self.session.store.ledger, self.session.stored
        healthy = ledger.healthy_revision(service)
        now = stored.revisions.get(service)
        definition = stored.fleet.services().get(service)
        if not healthy or not now or healthy == now or healthy[0] != now[0] or not definition:
            return
        if definition.update.on_failure == "rollback":
            ledger.hold_back(service, healthy[1])
            ledger.forgive(service)
            self.rolled_back[service] = healthy[1]
            told = f"{service} goes back to revision {healthy[1]}, which worked"
            self.narrator.note(service, told)


def _is_end(action: Action) -> bool:
    """Whether an action ends a box or takes it away: one that cannot be is left to the next look,
    since it may have begun to run by a call whose answer was lost."""
    return isinstance(action.call, StopBox | RemoveBox)


def _slots(plan: Plan) -> dict[BoxId, int]:
    """The boxes that a plan makes or takes, and the slots that they are for."""
    found: dict[BoxId, int] = {}
    for action in plan.actions:
        match action.call:
            case CreateBox(box):
                found[box.id] = box.slot
            case StartBox(box_id, int(slot)):
                found[box_id] = slot
            case _:
                pass
    return found


def told_to_end(session: Session, box_id: BoxId) -> str:
    """Why a box's end is not its own doing, or the empty text."""
    boxes = session.borders.boxes
    if not isinstance(boxes, Endings):
        return ""
    try:
        return ENDED_FROM_OUTSIDE if boxes.ended_from_outside(box_id) else ""
    except EngineError as error:
        return error.what


def last_lines(session: Session, box_id: BoxId) -> tuple[str, ...]:
    """What a box wrote last, as far as anybody can say."""
    boxes = session.borders.boxes
    if not isinstance(boxes, Logs):
        return ()
    try:
        return boxes.logs(box_id, LINES_KEPT)
    except EngineError:
        return ()
