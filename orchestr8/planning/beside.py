"""What changes together with boxes that are replaced, and would have changed in place alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from orchestr8.boxes.network import Door, Element, Out, Pass
from orchestr8.boxes.spec import FieldChange
from orchestr8.names import ServiceName
from orchestr8.planning.changes import NONE, limit_changes
from orchestr8.planning.draft import Draft
from orchestr8.planning.moves import Replace
from orchestr8.planning.upkeep import doors_of, told

_End = tuple[str, int]
_Lines = Mapping[ServiceName, dict[tuple[str, str], None]]


def changes_beside(draft: Draft) -> dict[ServiceName, tuple[FieldChange, ...]]:
    """Limits, links, egress and ports that change with the boxes of a service that are replaced."""
    replaced = {
        name: boxes
        for name, moves in draft.moves.items()
        if (boxes := [move.box for move in moves.slots if isinstance(move, Replace)])
    }
    if not replaced:
        return {}
    network, features = draft.world.network, draft.world.features
    held = network.elements if network.prepared else frozenset()
    presences = draft.wiring.presences.items()
    whose = {draft.places.address(box): box.id.service_name for box in draft.world.boxes}
    whose |= {one: name for name, here in presences for one in here.during}
    lasts = {one: name for name, here in presences for one in here.during if one not in here.going}
    # A table has a line for each pair of boxes that reach each other: most are nobody's here.
    near = {one for of in (whose, lasts) for one, name in of.items() if name in replaced}
    ways = {one for one in held if isinstance(one, Pass | Out) and one.source in near}
    doors = doors_of(held) if network.prepared else {}
    before = _ways(ways, whose)
    after = _ways({*(ways - {*draft.wiring.remove}), *draft.wiring.add}, lasts)
    found = {}
    for name, boxes in replaced.items():
        limits = draft.desired.services[name].limits
        numbers = (limit_changes(limits, box.limits, features) for box in boxes if box.limits)
        links = _links(before.get(name, {}), after.get(name, {})) if network.prepared else ()
        ports = _ports(draft, name, doors, whose) if network.prepared else ()
        found[name] = tuple(dict.fromkeys((*chain(*numbers), *links, *ports)))
    return found


def _ways(elements: Iterable[Element], whose: Mapping[str, ServiceName]) -> _Lines:
    """The lines of each service that let something out, by field and value."""
    found: dict[ServiceName, dict[tuple[str, str], None]] = {}
    for element in elements:
        if not isinstance(element, Door):
            for name, field, value in told(element, whose):
                found.setdefault(name, {})[field, value] = None
    return found


def _links(
    before: Mapping[tuple[str, str], None], after: Mapping[tuple[str, str], None]
) -> Iterator[FieldChange]:
    for field, value in sorted(before.keys() - after.keys()):
        yield FieldChange(field, value, NONE)
    for field, value in sorted(after.keys() - before.keys()):
        yield FieldChange(field, NONE, value)


def _ports(
    draft: Draft, name: ServiceName, doors: Mapping[_End, Door], whose: Mapping[str, ServiceName]
) -> Iterator[FieldChange]:
    """As they are declared, since no port leads to a box while it is exchanged; one that leads to
    nobody who is known, as when that box is lost, was whose it shall be."""
    lines = draft.desired.services[name].publish
    shall: dict[_End, int] = {(one.address, one.host_port): one.port for one in lines}
    were: dict[_End, int] = {}
    for end, door in doors.items():
        owners = {whose[one] for one in door.backends if one in whose}
        if name in owners or (end in shall and not owners):
            were[end] = door.port
    for end in sorted(were.keys() | shall.keys()):
        before, after = (
            f"{end[0]}:{end[1]} to {ports[end]}" if end in ports else NONE
            for ports in (were, shall)
        )
        if before != after:
            yield FieldChange("publish", before, after)
