"""What shall happen to one slot: two ordered tables, in which the first match wins.

The first says what a slot needs. The second says what may stand in the way of a fresh box. Both
look at one slot only; what depends on other services is decided later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.records import Failures
from orchestr8.boxes.spec import BoxSpec, FieldChange
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.isolation import features as feature
from orchestr8.names import BoxId, slot_name
from orchestr8.planning.backoff import try_again_ms
from orchestr8.planning.changes import spec_changes
from orchestr8.planning.moves import HALF_MADE, Finish, Keep, Provision, Replace, SlotMove, Wait
from orchestr8.planning.plan import Reason
from orchestr8.planning.survey import HeldDoor, Survey
from orchestr8.planning.wording import from_now, how_it_ended, in_a_row, listed

NO_BOX_YET = "no box yet"


class Slot(Struct, frozen=True):
    """Everything that is known about one slot.

    `box` is the one that counts, `others` are beside it. `wanted` is None where nothing may be
    placed. `joins` are the boxes whose namespaces it shares; None is one yet to be made.
    """

    service: DesiredService
    number: int
    wanted: BoxSpec | None
    box: ObservedBox | None
    others: Sequence[ObservedBox]
    joins: tuple[tuple[str, BoxId | None], ...]
    seen: Survey

    @property
    def spec(self) -> BoxSpec:
        """What a fresh box of this slot would be."""
        assert self.wanted is not None
        return self.wanted

    @property
    def there(self) -> ObservedBox:
        """The box that counts, where a rule has made sure of it."""
        assert self.box is not None
        return self.box

    @property
    def runs(self) -> bool:
        """Whether a box of this slot runs."""
        return self.box is not None and self.box.state.runs

    @property
    def is_as_declared(self) -> bool:
        """Whether the box carries this very declaration, for this very service."""
        return (
            self.has_this_spec
            and self.there.service_key == self.service.key
            and self.joins_the_right_boxes
        )

    @property
    def has_this_spec(self) -> bool:
        """Whether the box was declared as a fresh one would be."""
        carried = self.box.spec if self.box else None
        return carried is not None and (carried == self.wanted or not self.changes)

    @property
    def joins_the_right_boxes(self) -> bool:
        """Whether the namespaces that it shares are those of today's boxes."""
        return self.there.joins == self.joins or set(self.there.joins) == set(self.joins)

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """What differs and cannot change while a box runs."""
        carried = self.box.spec if self.box else None
        return spec_changes(self.wanted, carried) if self.wanted and carried else ()

    @property
    def ended_well(self) -> bool:
        """Whether the box is a job that did what it should."""
        box = self.box
        is_job = self.service.run_once and box is not None and box.state is State.STOPPED
        return is_job and self.there.exit_status == 0

    @property
    def unwanted(self) -> str:
        """Why somebody wants this box replaced, or the empty text."""
        return self.seen.unwanted.get(self.box.id, "") if self.seen.unwanted and self.box else ""

    @property
    def predecessors(self) -> tuple[ObservedBox, ...]:
        """Boxes beside the one that counts that run still."""
        return tuple(other for other in self.others if other.state.runs)

    @property
    def leftovers(self) -> tuple[ObservedBox, ...]:
        """What lies in the slot and does not run."""
        own = (self.box,) if self.box and not self.box.state.runs else ()
        return (*own, *(other for other in self.others if not other.state.runs))


class Rule(Struct, frozen=True):
    """One line of the table: when it applies, what follows, and why."""

    why: str
    applies: Callable[[Slot], bool]
    move: Callable[[Slot], SlotMove]


def _keep(slot: Slot) -> SlotMove:
    return Keep(slot.number, slot.there)


def _provision(slot: Slot) -> SlotMove:
    cause = HALF_MADE if slot.box else NO_BOX_YET
    return Provision(slot.number, slot.spec, cause, True, slot.leftovers)


def _heal(slot: Slot) -> SlotMove:
    cause = how_it_ended(slot.there)
    first = bool(slot.changes)
    return Provision(slot.number, slot.spec, cause, first, slot.leftovers, slot.changes)


def _run_again(slot: Slot) -> SlotMove:
    cause = "its declaration changed"
    return Provision(slot.number, slot.spec, cause, True, slot.leftovers, slot.changes)


def _replace(cause: str, *, update: bool = True) -> Callable[[Slot], SlotMove]:
    def move(slot: Slot) -> SlotMove:
        return Replace(
            slot.number, slot.there, slot.spec, cause, slot.changes, update, slot.leftovers
        )

    return move


def _join_again(slot: Slot) -> SlotMove:
    kinds = listed(kind for kind, _ in slot.joins or slot.there.joins)
    return _replace(f"the {kinds} namespace that it shares is another box's now")(slot)


def _wait_for_paperwork(slot: Slot) -> SlotMove:
    return ended(slot.service, slot.number, None)


def _give_way(slot: Slot) -> SlotMove:
    """A fresh box because somebody asked for one; a job that has ended runs again."""
    cause = slot.unwanted
    if slot.runs:
        return _replace(cause)(slot)
    return Provision(slot.number, slot.spec, cause, False, slot.leftovers, slot.changes)


RULES = (
    Rule(
        "somebody wants a fresh box in its place",
        lambda slot: bool(slot.unwanted) and slot.wanted is not None,
        _give_way,
    ),
    Rule(
        "it runs, is not known to be ill, and is what was declared",
        lambda slot: (
            slot.runs
            and slot.is_as_declared
            and not slot.seen.ill(slot.there)
            and (not slot.predecessors or slot.seen.good(slot.there))
        ),
        _keep,
    ),
    Rule(
        "a job that ended well with this declaration is done, and its box is the record of it",
        lambda slot: slot.ended_well and slot.has_this_spec,
        _keep,
    ),
    Rule(
        "a relaxation has ended, and nothing was ever placed here",
        lambda slot: slot.wanted is None,
        _wait_for_paperwork,
    ),
    Rule("nothing is there", lambda slot: slot.box is None, _provision),
    Rule(
        "a created box that nobody started is half of an interrupted apply, and not trusted",
        lambda slot: slot.there.state is State.CREATED,
        _provision,
    ),
    Rule("a job runs again when its declaration changes", lambda slot: slot.ended_well, _run_again),
    Rule(
        "a box runs once, so one that stopped gets a successor",
        lambda slot: slot.there.state is State.STOPPED,
        _heal,
    ),
    Rule(
        "what it was declared to be cannot be read, so it cannot be trusted either",
        lambda slot: slot.there.spec is None,
        _replace("its declaration cannot be read", update=False),
    ),
    Rule(
        "it belongs to an earlier service of this name",
        lambda slot: slot.there.service_key != slot.service.key,
        _replace("it belongs to an earlier service of this name"),
    ),
    Rule(
        "something differs that cannot change while a box runs",
        lambda slot: not slot.has_this_spec,
        _replace("its declaration changed"),
    ),
    Rule(
        "a namespace that it joined is gone or another's",
        lambda slot: not slot.joins_the_right_boxes,
        _join_again,
    ),
    Rule("it is ill", lambda slot: slot.seen.ill(slot.there), _replace("unhealthy", update=False)),
    Rule(
        "it is what was declared and not yet known to be good, and its predecessor still runs",
        lambda slot: True,
        lambda slot: Finish(slot.number, slot.there, slot.predecessors),
    ),
)


def decide(slot: Slot) -> SlotMove:
    """What a slot needs, and what stands in its way."""
    move = next(rule for rule in RULES if rule.applies(slot)).move(slot)
    if not isinstance(move, Provision | Replace):
        return move
    for hindrance in HINDRANCES:
        wait = hindrance.wait(slot, move)
        if wait:
            return wait
    return move


def ended(service: DesiredService, slot: int, box: ObservedBox | None) -> Wait:
    """What no one may place: a relaxation of the service has ended."""
    return Wait(
        slot,
        box,
        Reason.ENDED,
        "ended relaxation: no new revision is placed",
        "renew it or take it out",
        f"owner {service.name.owner}",
    )


class Hindrance(Struct, frozen=True):
    """One line of the second table: what may forbid a fresh box, and why."""

    why: str
    wait: Callable[[Slot, Provision | Replace], Wait | None]


def _missing(slot: Slot, move: Provision | Replace) -> Wait | None:
    if not slot.service.missing:
        return None
    cause = f"missing: {listed(slot.service.missing)}"
    whose = f"owner {slot.service.name.owner}"
    remedy = "put it where it is looked for"
    return Wait(move.slot, move.box, Reason.MISSING, cause, remedy, whose)


def _port_taken(slot: Slot, move: Provision | Replace) -> Wait | None:
    held = slot.seen.held_door(slot.service)
    heals = not (move.first if isinstance(move, Provision) else move.update)
    return port_taken(slot.service, move.slot, move.box, held) if held and not heals else None


def port_taken(service: DesiredService, slot: int, box: ObservedBox | None, held: HeldDoor) -> Wait:
    """A door that cannot be opened."""
    return Wait(
        slot,
        box,
        Reason.PORT,
        f"host port: {held.what}",
        held.remedy,
        f"owner {service.name.owner}",
    )


def _volume_of_another(slot: Slot, move: Provision | Replace) -> Wait | None:
    if slot.seen.features.has(feature.OWNER_IDMAP):
        return None
    for volume in move.spec.volumes:
        if volume.owner_uid not in (0, move.spec.uid):
            return Wait(
                move.slot,
                move.box,
                Reason.VOLUME,
                f"volume: the content of {volume.volume} belongs to uid {volume.owner_uid}, and "
                "this host cannot show it as another's",
                f"a kernel or engine that can, or a box that runs as {volume.owner_uid}",
                "the platform",
            )
    return None


def _back_off(slot: Slot, move: Provision | Replace) -> Wait | None:
    failures = slot.seen.failures.get((slot.service.name, move.slot))
    if failures is None:
        return None
    due_ms = try_again_ms(failures, _ran_ms(slot, move, failures), slot.seen.now_ms)
    if due_ms <= slot.seen.now_ms:
        return None
    cause = failures.cause or move.cause
    box_name = slot_name(move.slot, slot.service.name)
    return Wait(
        move.slot,
        move.box,
        Reason.BACK_OFF,
        f"back-off: {box_name}: {cause}, {in_a_row(failures.count)}",
        f"next try in {from_now(due_ms, slot.seen.now_ms)}",
        f"owner {slot.service.name.owner}",
        due_ms,
    )


def _ran_ms(slot: Slot, move: Provision | Replace, failures: Failures) -> int:
    """How long the box whose failures are counted ran.

    A box that works and is to be updated is not the one that failed: its successors were.
    """
    box = slot.box
    if box is None or not box.started_ms:
        return 0
    if box.state is State.STOPPED:
        return (box.stopped_ms or slot.seen.now_ms) - box.started_ms
    is_older = isinstance(move, Replace) and move.update and box.started_ms < failures.last_ms
    return 0 if is_older else slot.seen.now_ms - box.started_ms


HINDRANCES = (
    Hindrance("a box cannot be made without all that belongs into it", _missing),
    Hindrance("a door needs an address of the host, and its port for itself", _port_taken),
    Hindrance("a volume's content keeps the uid that it has", _volume_of_another),
    Hindrance("what fails again and again is tried ever later", _back_off),
)
