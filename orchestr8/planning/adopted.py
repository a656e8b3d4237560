"""Boxes that no manifest declares and that stay all the same: which they are, what they live on.

Of those that were taken over nobody knows what they shall be until their set is applied again, and
a held service is left alone although its set names it no more. So nothing of theirs is changed:
neither the boxes, nor what the packet filter holds for them, as long as the other end is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import ObservedBox, World
from orchestr8.names import DEFAULT_SET, BoxId, ServiceName


def once_applied(records: Records, set_name: str) -> Records:
    """The records once a set is applied: it says all that it is, and nothing of it is waited for.

    The default set only gains, so what it does not name is waited for on.
    """
    left = {name: of_set for name, of_set in records.adopted.items() if of_set != set_name}
    if set_name == DEFAULT_SET or len(left) == len(records.adopted):
        return records
    return replace(records, adopted=left)


def without_manifest(
    desired: Desired, boxes: Iterable[ObservedBox], records: Records
) -> frozenset[BoxId]:
    """The boxes of adopted services that are not declared again yet."""
    if not records.adopted:
        return frozenset()
    names = {name for name in records.adopted if name not in desired.services}
    return frozenset(
        box.id for box in boxes if box.id in records.boxes and box.id.service_name in names
    )


def held_without_manifest(
    desired: Desired, boxes: Iterable[ObservedBox], held: Set[ServiceName]
) -> frozenset[BoxId]:
    """The boxes of held services that no set names any more."""
    names = held - desired.services.keys()
    return frozenset(box.id for box in boxes if box.id.service_name in names)


def standing(adopted: Set[BoxId], held: Set[BoxId], world: World) -> frozenset[Element]:
    """What the packet filter goes on holding for boxes without a manifest.

    What leads to a held box is the caller's to declare, and its set cannot name it any more.
    """
    found = elements_of(adopted, world) if adopted else frozenset()
    if not held:
        return found
    own = {box.address for box in world.boxes if box.id in held}
    return found | {
        element
        for element in elements_of(held, world)
        if not isinstance(element, Pass) or element.source in own
    }


def elements_of(kept: Set[BoxId], world: World) -> frozenset[Element]:
    """What the packet filter holds for these boxes: from them, to them, and for what they call.

    An element one end of which is gone is nobody's: its address may soon be another box's.
    """
    there = {box.address for box in world.boxes} - {""}
    own = {box.address for box in world.boxes if box.id in kept} - {""}
    called = {address for box in world.boxes if box.id in kept for _, address in box.names}
    return frozenset(
        element
        for element in world.network.elements
        if _ends(element) <= there and (_ends(element) & own or _address(element) in called)
    )


def _ends(element: Element) -> set[str]:
    """The boxes' addresses in an element."""
    match element:
        case Pass(source, destination):
            return {source, destination}
        case Out(source):
            return {source}
        case Route() | Door():
            return set(element.backends)


def _address(element: Element) -> str:
    """The virtual address that an element leads from, or the empty text."""
    return element.address if isinstance(element, Route) else ""
