"""Who waits for whom: `after` and shared namespaces for the whole of it, `connects` for the start.

`after` orders first starts and updates, never healing: a box that crashed comes back whatever has
become of those that once had to start before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.names import ServiceName
from orchestr8.planning.draft import Draft
from orchestr8.planning.moves import Moves, Provision, Replace, SlotMove, Wait, joined
from orchestr8.planning.plan import AwaitBox, Purpose, Reason

Decided = Mapping[ServiceName, Moves]
"""What was decided for the services that come earlier, where there is anything to do."""


def wait_for_forerunners(
    service: DesiredService, moves: Moves, desired: Desired, decided: Decided
) -> Moves:
    """The moves of a service, less those whose forerunners cannot go on themselves."""
    slots = (_unless_stuck(service, move, desired, decided) for move in moves.slots)
    return moves.with_slots(tuple(slots))


def _unless_stuck(
    service: DesiredService, move: SlotMove, desired: Desired, decided: Decided
) -> SlotMove:
    if not isinstance(move, Provision | Replace):
        return move
    for _, peer in joined(move.spec.profile):
        stuck = _no_box_to_join(peer, move.slot, desired, decided)
        if stuck:
            return _waits(service, move, f"{peer} {stuck}", f"owner {peer.owner}")
    for peer in service.after if is_ordered(move) else ():
        for other in decided[peer].slots if peer in decided else ():
            if isinstance(other, Wait) and _holds_up(other, move):
                what = f"{peer} waits ({other.reason.value})"
                return _waits(service, move, what, other.whose_move)
    return move


def is_ordered(move: Provision | Replace) -> bool:
    """Whether `after` concerns a move: first starts and updates, not healing."""
    return move.first if isinstance(move, Provision) else move.update


def _holds_up(other: Wait, move: Provision | Replace) -> bool:
    """A forerunner without a box holds up everything; one that works only holds up an update that
    should follow its own."""
    if other.box is None:
        return True
    works = (Reason.PORT, Reason.HELD, Reason.IN_USE)
    return isinstance(move, Replace) and other.reason not in works


def _no_box_to_join(peer: ServiceName, slot: int, desired: Desired, decided: Decided) -> str:
    """Why there is no box whose namespace could be joined, or the empty text."""
    service = desired.services.get(peer)
    if service is None or slot >= len(service.slots):
        return f"has no slot {slot}"
    if peer not in decided:
        return ""
    move = decided[peer].slots[slot]
    if not isinstance(move, Wait) or move.reason is Reason.IN_USE:
        return ""
    return f"waits ({move.reason.value})"


def _waits(service: DesiredService, move: Provision | Replace, what: str, whose_move: str) -> Wait:
    cause = f"dependency: {what}"
    remedy = f"{service.name} follows by itself"
    return Wait(move.slot, move.box, Reason.DEPENDENCY, cause, remedy, whose_move)


def awaited(draft: Draft, service: DesiredService, move: Provision | Replace) -> set[int]:
    """The actions that a fresh box waits for because of other services."""
    found: set[int | None] = set()
    found.update(draft.starts.get((peer, move.slot)) for _, peer in joined(move.spec.profile))
    if is_ordered(move):
        for peer in service.after:
            found.update(_gates(draft, peer))
    if isinstance(move, Provision) and move.first:
        for link in service.connects:
            found.update(_first_starts(draft, link.peer))
    return {number for number in found if number is not None}


def _first_starts(draft: Draft, peer: ServiceName) -> Iterable[int | None]:
    """When a service that comes up in this very plan can be called: healthy, or just started.

    Of two that call each other, the one that is written first waits for nothing. One that was
    taken back to an older form may call what is not declared any more.
    """
    moves, service = draft.moves.get(peer), draft.desired.services.get(peer)
    if not moves or moves.running or not service:
        return ()
    if service.health:
        return draft.gates.get(peer, ())
    return (draft.starts.get((peer, move.slot)) for move in moves.fresh)


def _gates(draft: Draft, peer: ServiceName) -> Iterable[int]:
    """The gates of a forerunner: those of its fresh boxes, and one for each other box that is not
    known to be good yet."""
    gates = draft.gates.setdefault(peer, [])
    service = draft.desired.services.get(peer)
    for box in draft.places.kept(peer) if service else ():
        is_there = draft.seen.good(box) or not box.state.runs
        if service and not is_there and box.id not in draft.awaited:
            call = AwaitBox(box.id, service.health, service.run_once, service.update.within_ms)
            draft.awaited.add(box.id)
            gates.append(draft.add(call, Purpose.PROVISION, "others start after it", peer))
    return gates
