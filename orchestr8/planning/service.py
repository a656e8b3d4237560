"""One service compared with its boxes: what shall happen to each slot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from orchestr8 import units
from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.names import BoxId, slot_name
from orchestr8.planning.changes import limit_changes, spec_changes
from orchestr8.planning.moves import (
    HALF_MADE,
    STEADY,
    Adjust,
    Finish,
    Keep,
    Moves,
    Peers,
    Provision,
    Release,
    Replace,
    SlotMove,
    Wait,
    joined,
)
from orchestr8.planning.plan import Reason
from orchestr8.planning.rules import Slot, decide, ended, port_taken
from orchestr8.planning.survey import HeldDoor, Survey
from orchestr8.planning.wording import how_it_ended

NO_PEERS: Peers = {}


def reconcile_service(
    service: DesiredService,
    boxes: Sequence[ObservedBox],
    seen: Survey,
    peers: Peers = NO_PEERS,
) -> Moves:
    """What shall happen to one service, whatever happens to others.

    `boxes` are its own, by slot and serial; `peers` the boxes whose namespaces it joins. STEADY if
    all is as it should be.
    """
    if not peers and _is_just_as_declared(service, boxes, seen):
        return STEADY
    slots: list[SlotMove] = []
    adjusts: list[Adjust] = []
    releases: list[Release] = []
    for slot in slots_of(service, boxes, seen, peers):
        move = _in_use(_held_back(decide(slot), slot), slot)
        slots.append(move)
        adjust = _adjust(service, move, seen)
        adjusts += (adjust,) if adjust else ()
        releases += _in_the_way(slot, move)
    surplus = f"replicas: {len(service.slots)} wanted"
    releases += (Release(box, surplus) for box in boxes if box.slot >= len(service.slots))
    held = seen.held_door(service)
    if held:
        slots = _show_held_door(service, slots, held)
    if not adjusts and not releases and all(isinstance(move, Keep) for move in slots):
        return STEADY
    return Moves(tuple(slots), tuple(adjusts), tuple(releases))


def slots_of(
    service: DesiredService,
    boxes: Sequence[ObservedBox],
    seen: Survey,
    peers: Peers = NO_PEERS,
) -> Iterator[Slot]:
    """What is known about each slot of a service, in order."""
    by_slot: dict[int, list[ObservedBox]] = {}
    for box in boxes:
        by_slot.setdefault(box.slot, []).append(box)
    for number, declared in enumerate(service.slots):
        in_slot: Sequence[ObservedBox] = by_slot.get(number, ())
        wanted: BoxSpec | None = seen.with_volumes_as_they_are(declared)
        if not service.new_boxes_allowed:
            wanted = _carried(service, number, in_slot, seen)
        counts = _the_one_that_counts(in_slot, wanted, seen)
        others = tuple(box for box in in_slot if box is not counts)
        joins = _joins(declared, number, peers) if peers else ()
        yield Slot(service, number, wanted, counts, others, joins, seen)


def release_service(boxes: Sequence[ObservedBox]) -> Moves:
    """What shall happen to a service that is no longer declared."""
    return Moves(releases=tuple(Release(box, "no longer declared") for box in boxes))


def _is_just_as_declared(
    service: DesiredService, boxes: Sequence[ObservedBox], seen: Survey
) -> bool:
    """Whether there is nothing to think about: most services, most of the time.

    Says no in every case that is not plain; the rules then look closer.
    """
    if len(boxes) != len(service.slots) or not service.new_boxes_allowed:
        return False
    if service.publish and seen.doors_held:
        return False
    for number, box in enumerate(boxes):
        declared = service.slots[number]
        is_plain = (
            box.state is State.RUNNING
            and not (seen.unhealthy and box.id in seen.unhealthy)
            and not (seen.unwanted and box.id in seen.unwanted)
            and not (seen.volume_uids and declared.volumes)
            and box.slot == number
            and box.spec == declared
            and box.limits == service.limits
            and (box.names == service.names or not declared.networked)
            and box.service_key == service.key
            and not box.joins
        )
        if not is_plain:
            return False
    return True


def _carried(
    service: DesiredService, number: int, in_slot: Sequence[ObservedBox], seen: Survey
) -> BoxSpec | None:
    """The declaration under which a slot may be healed while no new revision may be placed: its
    own last one, its neighbours', or for a box that went without a trace the present one."""
    carried = [box.spec for box in in_slot if box.spec]
    if carried:
        return carried[-1]
    if (service.name, number) not in seen.placed:
        return None
    declared = service.slots[number]
    neighbours = [box.spec for box in seen.of(service.name) if box.spec]
    return replace(neighbours[-1], volumes=declared.volumes) if neighbours else declared


def _the_one_that_counts(
    in_slot: Sequence[ObservedBox], wanted: BoxSpec | None, seen: Survey
) -> ObservedBox | None:
    """Of several boxes in a slot, the one that is kept: rather one that runs and is not ill, then
    the one that is as declared and that nobody wants replaced, then the one known to be good, then
    the youngest."""
    if len(in_slot) < 2:
        return in_slot[0] if in_slot else None

    def worth(box: ObservedBox) -> tuple[bool, bool, bool, bool, bool, int]:
        as_declared = bool(wanted and box.spec and not spec_changes(wanted, box.spec))
        is_done = box.state is State.STOPPED and box.exit_status == 0
        good = seen.good(box) or is_done
        wanted_here = as_declared, box.id not in seen.unwanted
        return box.state.runs, not seen.ill(box), *wanted_here, good, box.id.serial

    return max(in_slot, key=worth)


def _joins(declared: BoxSpec, number: int, peers: Peers) -> tuple[tuple[str, BoxId | None], ...]:
    return tuple(
        (kind, peers[peer][number] if number < len(peers.get(peer, ())) else None)
        for kind, peer in joined(declared.profile)
    )


def _held_back(move: SlotMove, slot: Slot) -> SlotMove:
    """Says so where a box is kept only because its new declaration may not be placed."""
    if slot.service.new_boxes_allowed or not isinstance(move, Keep | Finish):
        return move
    wanted = slot.seen.with_volumes_as_they_are(slot.service.slots[slot.number])
    carried = move.box.spec
    if carried is None or carried == wanted or not spec_changes(wanted, carried):
        return move
    return ended(slot.service, slot.number, move.box)


def _in_use(move: SlotMove, slot: Slot) -> SlotMove:
    """Says so where a box is as declared but for its maximum, since it holds more than that."""
    service, seen = slot.service, slot.seen
    if not isinstance(move, Keep) or not seen.holds_more(service, move.box):
        return move
    held = units.rounded_size(seen.held[move.box.id])
    most = units.format_size(service.limits.memory_max_bytes)
    return Wait(
        slot.number,
        move.box,
        Reason.IN_USE,
        f"limits.memory.max {most}: {slot_name(slot.number, service.name)} holds {held}",
        f"when it holds less, or `orchestr8 restart {service.name}`",
        f"owner {service.name.owner}",
    )


def _adjust(service: DesiredService, move: SlotMove, seen: Survey) -> Adjust | None:
    if not isinstance(move, Keep | Finish | Wait) or move.box is None or not move.box.state.runs:
        return None
    return adjust(service, move.box, seen)


def adjust(service: DesiredService, box: ObservedBox, seen: Survey) -> Adjust | None:
    """What is set in place on a box that stays, if anything."""
    limits = seen.limits(service, box)
    changes = (
        limit_changes(limits, box.limits, seen.features)
        if box.limits is not None and box.limits != limits
        else ()
    )
    has_hosts_file = bool(box.names)
    names_differ = has_hosts_file and box.names != service.names
    if not changes and not names_differ:
        return None
    return Adjust(
        box,
        limits if changes else None,
        service.names if names_differ else None,
        changes,
    )


def _in_the_way(slot: Slot, move: SlotMove) -> tuple[Release, ...]:
    """The boxes of a slot that go at once: all that is neither kept, nor succeeded, nor waited for.

    A stopped box whose successor waits is kept: it shows how it ended.
    """
    gone: list[ObservedBox] = []
    match move:
        case Keep():
            gone = list(slot.others)
        case Finish():
            gone = [box for box in slot.others if not box.state.runs]
        case Provision() | Replace():
            gone = [box for box in slot.others if box.state.runs]
        case Wait():
            evidence = slot.box if slot.box and slot.box.state is State.STOPPED else None
            kept = (move.box, evidence)
            gone = [box for box in (slot.box, *slot.others) if box and box not in kept]
    return tuple(Release(box, _why_in_the_way(box, slot)) for box in gone)


def _why_in_the_way(box: ObservedBox, slot: Slot) -> str:
    if box.state is State.CREATED:
        return HALF_MADE
    if box.state is State.STOPPED:
        return how_it_ended(box)
    return "unhealthy" if slot.seen.ill(box) else "another box has its slot"


def _show_held_door(
    service: DesiredService, slots: Sequence[SlotMove], held: HeldDoor
) -> list[SlotMove]:
    """A door that cannot be opened waits, even where every box runs as it should."""
    shown = list(slots)
    if slots and all(isinstance(move, Keep) for move in slots):
        first = slots[0]
        shown[0] = port_taken(service, first.slot, first.box, held)
    return shown
