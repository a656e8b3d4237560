"""Each service with its boxes, in one visit: what shall happen to it, and what others ask of it.

What later stages need of services that are as declared is noted here, where all of it is at hand:
of a large fleet nothing is near any more when it is looked at for the second time.
"""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import Records
from orchestr8.names import ServiceName
from orchestr8.planning.declarations import passing
from orchestr8.planning.holds import leave_alone
from orchestr8.planning.moves import STEADY, Moves, Peers, Provision, Replace, joined
from orchestr8.planning.order import start_order
from orchestr8.planning.places import Presence, where
from orchestr8.planning.service import NO_PEERS, reconcile_service, release_service
from orchestr8.planning.survey import Survey, placed
from orchestr8.planning.traits import Traits
from orchestr8.planning.ways import Ways

Decisions = dict[ServiceName, Moves]


class Compared(Struct, frozen=True):
    """What each service came to by itself. Services that are left to another plan are in `ways`
    and `traits` only."""

    moves: Decisions = field(default_factory=dict)
    """What shall happen to those that are not as they should be."""
    steady: dict[ServiceName, Presence] = field(default_factory=dict)
    """Where the boxes of the others are."""
    ways: list[Ways] = field(default_factory=list)
    """What all that are declared ask of the packet filter."""
    traits: Traits = field(default_factory=Traits)
    """What is out of the ordinary about all that are declared."""


def compare(desired: Desired, seen: Survey, records: Records) -> Compared:
    """Looks at each service once.

    Services that join another's namespaces come after it, for a new box there is a new box here.
    """
    found = Compared()
    not_alone: dict[ServiceName, DesiredService] = {}
    for service in passing(desired.services):
        name = service.name
        found.traits.note(name, service)
        found.ways.append(Ways.of(service))
        if name in seen.busy:
            continue
        joins = service.slots and joined(service.slots[0].profile)
        if joins or not service.new_boxes_allowed:
            not_alone[name] = service
        else:
            _take(found, service, seen, NO_PEERS)
    if found.traits.ended:
        seen = replace(seen, placed=placed(records))
    for name in start_order(not_alone.values()):
        service = not_alone[name]
        _take(found, service, seen, _peers(service, desired, found.moves, seen))
    for name in (*seen.boxes, *seen.standbys):
        if name not in desired.services and name not in seen.busy:
            boxes = (*seen.of(name), *seen.standbys.get(name, ()))
            found.moves[name] = _unless_held(name, release_service(boxes), seen)
    return found


def _take(found: Compared, service: DesiredService, seen: Survey, peers: Peers) -> None:
    name = service.name
    boxes = seen.of(name)
    moves = reconcile_service(service, boxes, seen, peers)
    if moves is STEADY:
        found.steady[name] = where(boxes, seen)
    else:
        found.moves[name] = _unless_held(name, moves, seen)


def _unless_held(name: ServiceName, moves: Moves, seen: Survey) -> Moves:
    hold = seen.holds.get(name) if seen.holds else None
    return leave_alone(name, moves, hold) if hold else moves


def _peers(service: DesiredService, desired: Desired, found: Decisions, seen: Survey) -> Peers:
    """The boxes, slot by slot, of the services whose namespaces a service joins."""
    peers: Peers = {}
    for spec in service.slots[:1]:
        for _, peer in joined(spec.profile):
            if peer in found:
                peers[peer] = [
                    None if isinstance(move, Provision | Replace) or not move.box else move.box.id
                    for move in found[peer].slots
                ]
            elif peer in desired.services:
                peers[peer] = [box.id for box in seen.of(peer)]
    return peers
