"""Services that another plan is carried out for at this moment: nothing of theirs is touched.

A plan within another must neither undo what that one has done so far nor take away what it will
need: its boxes, the records of boxes that it is about to make, and its entries in the table. It
opens the ways between their boxes and those that it makes itself, of which that one knows nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import State, World
from orchestr8.names import STANDBY, ServiceName
from orchestr8.planning.moves import joined


def with_neighbours(desired: Desired, names: Collection[ServiceName]) -> frozenset[ServiceName]:
    """These services, and those that share namespaces with one of them: they go together."""
    if not names:
        return frozenset()
    pairs = {
        (name, peer)
        for name, service in desired.services.items()
        if service.slots
        for _, peer in joined(service.slots[0].profile)
    }
    found = set(names)
    while more := {one for pair in pairs if found & set(pair) for one in pair} - found:
        found |= more
    return frozenset(found)


def addresses(names: Collection[ServiceName], world: World, records: Records) -> frozenset[str]:
    """Where boxes of these services are, and where they are about to be."""
    if not names:
        return frozenset()
    there = (box.address for box in world.boxes if box.id.service_name in names)
    dealt = (one.address for one in records.boxes.values() if one.id.service_name in names)
    return frozenset({*there, *dealt} - {""})


def coming(
    names: Collection[ServiceName], world: World, records: Records
) -> Mapping[ServiceName, tuple[str, ...]]:
    """Where boxes of these services are about to run."""
    if not names:
        return {}
    begun = {box.id for box in world.boxes if box.state is not State.CREATED}
    found: dict[ServiceName, tuple[str, ...]] = {}
    for record in records.boxes.values():
        name = record.id.service_name
        waits = record.slot == STANDBY or record.id in begun
        if name in names and record.address and not waits:
            found[name] = (*found.get(name, ()), record.address)
    return found


def is_theirs(element: Element, theirs: frozenset[str]) -> bool:
    """Whether an element leads from or to these addresses on behalf of whoever is there."""
    match element:
        case Pass(source) | Out(source):
            return source in theirs
        case Route() | Door():
            return not theirs.isdisjoint(element.backends)


def touches(element: Element, theirs: frozenset[str]) -> bool:
    """Whether an element has to do with one of these addresses."""
    return is_theirs(element, theirs) or (
        isinstance(element, Pass) and element.destination in theirs
    )
