"""What the packet filter shall hold, from what is declared and where boxes are.

A plan changes the table three times at most: at the start everything that is needed while it is
carried out, in between the switch from old boxes to new ones, and at the end what the boxes that
went leave behind. Default-deny: what is not wanted goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.world import World
from orchestr8.names import ServiceName
from orchestr8.planning.places import NOWHERE, Presence, Presences
from orchestr8.planning.survey import Survey


@dataclass(frozen=True)
class Wiring:
    """The changes of the table at the start and at the end, and what a switch needs to know."""

    presences: Presences
    ports: Mapping[ServiceName, tuple[int, ...]]
    add: tuple[Element, ...]
    remove: tuple[Element, ...]
    remove_at_end: tuple[Element, ...]
    doors_held: frozenset[tuple[str, int]]

    def serving(self, name: ServiceName) -> tuple[str, ...]:
        """The addresses that take a service's traffic when the plan begins."""
        return self.presences.get(name, NOWHERE).serving

    def leads_to(self, service: DesiredService, backends: Iterable[str]) -> tuple[Element, ...]:
        """The routes and doors of a service, leading to these boxes."""
        ports = self.ports.get(service.name, ())
        return tuple(_leads_to(service, ports, tuple(sorted(backends)), self.doors_held))


def wire(
    desired: Desired, presences: Presences, elements: frozenset[Element], seen: Survey
) -> Wiring:
    """Compares what the table shall hold with what it holds."""
    ports = _called_ports(desired)
    held = frozenset(seen.doors_held)
    wanted = _wanted(desired, presences, ports, held)
    going = {address for one in presences.values() if one.going for address in one.going}
    return Wiring(
        presences,
        ports,
        add=in_order(wanted - elements),
        remove=in_order(_without_replaced(elements - wanted, wanted)),
        remove_at_end=in_order(one for one in wanted if _touches(one, going)) if going else (),
        doors_held=held,
    )


def standing_elements(desired: Desired, world: World) -> frozenset[Element]:
    """What the table shall hold for the boxes that run, while no plan is carried out."""
    by_id = {box.id: box for box in world.boxes}
    found: dict[ServiceName, set[str]] = {}
    for box in world.boxes:
        peer = by_id.get(dict(box.joins).get("net", box.id), box)
        address = box.address or peer.address
        if box.state.runs and address:
            found.setdefault(box.id.service_name, set()).add(address)
    presences = {
        name: Presence(tuple(sorted(addresses)), (), tuple(sorted(addresses)))
        for name, addresses in found.items()
    }
    return frozenset(_wanted(desired, presences, _called_ports(desired), frozenset()))


def _wanted(
    desired: Desired,
    presences: Presences,
    ports: Mapping[ServiceName, tuple[int, ...]],
    held: frozenset[tuple[str, int]],
) -> set[Element]:
    wanted: set[Element] = set()
    for name, service in desired.services.items():
        here = presences.get(name, NOWHERE)
        if here.during:
            wanted.update(_passes(service, here, presences))
        if here.serving:
            wanted.update(_leads_to(service, ports.get(name, ()), here.serving, held))
    return wanted


def in_order(elements: Iterable[Element]) -> tuple[Element, ...]:
    """Elements by kind and content, so that equal sets print alike."""
    return tuple(sorted(elements, key=lambda one: (type(one).__name__, *vars(one).values())))


def _called_ports(desired: Desired) -> dict[ServiceName, tuple[int, ...]]:
    found: dict[ServiceName, set[int]] = {}
    for service in desired.services.values():
        for link in service.connects:
            found.setdefault(link.peer, set()).add(link.port)
    return {name: tuple(sorted(ports)) for name, ports in found.items()}


def _passes(service: DesiredService, here: Presence, presences: Presences) -> Iterator[Pass | Out]:
    for link in service.connects:
        for destination in presences.get(link.peer, NOWHERE).during:
            for source in here.during:
                yield Pass(source, destination, link.port)
    for egress in service.egress:
        for source in here.during:
            for range_ in egress.to:
                for port in egress.ports:
                    yield Out(source, range_, port)


def _leads_to(
    service: DesiredService,
    ports: tuple[int, ...],
    backends: tuple[str, ...],
    held: frozenset[tuple[str, int]],
) -> Iterator[Route | Door]:
    for port in ports:
        yield Route(service.address, port, backends)
    for line in service.publish:
        if (line.address, line.host_port) not in held:
            yield Door(line.address, line.host_port, line.port, backends)


def _key(element: Element) -> object:
    """What makes an element the same one, whatever it leads to."""
    match element:
        case Route():
            return (element.address, element.port)
        case Door():
            return (element.address, element.host_port, "door")
        case _:
            return element


def _without_replaced(gone: Iterable[Element], wanted: Iterable[Element]) -> list[Element]:
    """What has to be removed: a route or door with a successor is replaced by adding that."""
    gone = list(gone)
    if not gone:
        return gone
    replaced = {_key(one) for one in wanted if isinstance(one, Route | Door)}
    return [one for one in gone if _key(one) not in replaced]


def _touches(element: Element, addresses: set[str]) -> bool:
    match element:
        case Pass():
            return element.source in addresses or element.destination in addresses
        case Out():
            return element.source in addresses
        case _:
            return False
