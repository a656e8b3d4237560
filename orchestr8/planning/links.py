"""What the packet filter shall hold, from what is declared and where boxes are.

A plan changes the table three times at most: at the start everything that is needed while it is
carried out, in between the switch from old boxes to new ones, and at the end what the boxes that
went leave behind. Default-deny: what is not wanted goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set

from msgspec import Struct
from msgspec.structs import astuple

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.network import Door, Element, Out, Pass, Route, key_of
from orchestr8.boxes.world import World
from orchestr8.names import ServiceName
from orchestr8.planning.busy import is_theirs, touches
from orchestr8.planning.lasting import NOTHING, lasting
from orchestr8.planning.places import NOWHERE, Presence, Presences
from orchestr8.planning.survey import Survey
from orchestr8.planning.traits import Ports, note_ports
from orchestr8.planning.ways import Ways

NONE_COMING: Mapping[ServiceName, Iterable[str]] = {}


class Wiring(Struct, frozen=True):
    """The changes of the table at the start and at the end, and what a switch needs to know."""

    presences: Presences
    ports: Mapping[ServiceName, tuple[int, ...]]
    add: tuple[Element, ...]
    remove: tuple[Element, ...]
    remove_at_end: tuple[Element, ...]
    doors_held: frozenset[tuple[str, int]]
    ports_at_last: Ports
    """Those of `ports` at which nobody calls any more once the plan is carried out."""

    def serving(self, name: ServiceName) -> tuple[str, ...]:
        """The addresses that take a service's traffic when the plan begins."""
        return self.presences.get(name, NOWHERE).serving

    def leads_to(self, service: DesiredService, backends: Iterable[str]) -> tuple[Element, ...]:
        """The routes and doors of a service, leading to these boxes."""
        ports = self.ports.get(service.name, ())
        return _ordered(_leads_to(service, ports, tuple(sorted(backends)), self.doors_held))

    def routes_at_last(
        self, desired: Desired, serving: Mapping[ServiceName, Collection[str]]
    ) -> Iterator[Route]:
        """The routes that nobody takes any more in the end; those of services that change lead to
        `serving` then."""
        to = {name: serving.get(name, self.serving(name)) for name in self.ports_at_last}
        return _routes(desired, self.ports_at_last, to)


def wire(
    ways: Collection[Ways],
    desired: Desired,
    presences: Presences,
    elements: frozenset[Element],
    seen: Survey,
) -> Wiring:
    """Compares what the table shall hold with what it holds."""
    ports = seen.traits.ports
    held = frozenset(seen.doors_held)
    going = frozenset(address for one in presences.values() if one.going for address in one.going)
    # Most tables hold just what is wanted. Then each element is looked for and let go, and as many
    # are found as there are; a list of all would be more than the processor has near.
    wanted: Iterable[Element] = _wanted(ways, presences, ports, held)
    if going or seen.traits.repeating:
        wanted = dict.fromkeys(wanted)
    add, found = set[Element](), 0
    for one in wanted:
        if one in elements:
            found += 1
        else:
            add.add(one)
    at_end: set[Element] = (
        {one for one in wanted if isinstance(one, Pass | Out) and touches(one, going)}
        if going
        else set()
    )
    gone: Set[Element] = frozenset()
    if len(elements) > found:
        gone = elements.difference(_wanted(ways, presences, ports, held), seen.standing)
    last = lasting(desired, presences, seen, gone, going) if going and gone else NOTHING
    if last is not NOTHING:
        serving = {name: presences[name].serving for name in last.ports}
        meanwhile = {*last.ways, *_routes(desired, last.ports, serving)}
        ports = ports | {name: (*ports.get(name, ()), *more) for name, more in last.ports.items()}
        add |= meanwhile - elements
        gone -= meanwhile
        at_end |= set(last.ways)
    remove = set(_without_replaced(gone, add))
    if seen.busy:
        add = {
            one for one in add if isinstance(one, Pass) or not is_theirs(one, seen.busy_addresses)
        }
        remove = {one for one in remove if not touches(one, seen.busy_addresses)}
    return Wiring(
        presences,
        ports,
        add=_ordered(add),
        remove=_ordered(remove),
        remove_at_end=_ordered(at_end),
        doors_held=held,
        ports_at_last=last.ports,
    )


def standing_elements(
    desired: Desired, world: World, coming: Mapping[ServiceName, Iterable[str]] = NONE_COMING
) -> frozenset[Element]:
    """What the table shall hold for the boxes that run, while no plan is carried out; else also for
    those that are `coming`, whose ways are opened before they are made."""
    by_id = {box.id: box for box in world.boxes}
    found = {name: set(addresses) for name, addresses in coming.items()}
    for box in world.boxes:
        peer = by_id.get(dict(box.joins).get("net", box.id), box)
        address = box.address or peer.address
        if box.state.runs and address:
            found.setdefault(box.id.service_name, set()).add(address)
    presences = {
        key: Presence(tuple(sorted(addresses)), (), tuple(sorted(addresses)))
        for key, addresses in found.items()
    }
    ports: Ports = {}
    for service in desired.services.values():
        note_ports(ports, service)
    return frozenset(_wanted(desired.services.values(), presences, ports, frozenset()))


def _wanted(
    ways: Iterable[DesiredService | Ways],
    presences: Presences,
    ports: Mapping[ServiceName, tuple[int, ...]],
    held: frozenset[tuple[str, int]],
) -> Iterator[Element]:
    """What the table shall hold; the same comes once more of those who repeat (`Traits`)."""
    for one in ways:
        here = presences.get(one.name, NOWHERE)
        if here.during and (one.connects or one.egress):
            yield from _passes(one, here, presences)
        if here.serving and (one.name in ports or one.publish):
            yield from _leads_to(one, ports.get(one.name, ()), here.serving, held)


def _ordered(elements: Iterable[Element]) -> tuple[Element, ...]:
    """Elements by kind and content, so that equal sets print alike."""
    return tuple(sorted(elements, key=lambda one: (type(one).__name__, *astuple(one))))


def _passes(
    asking: DesiredService | Ways, here: Presence, presences: Presences
) -> Iterator[Element]:
    for link in asking.connects:
        for destination in presences.get(link.peer, NOWHERE).during:
            for source in here.during:
                yield Pass(source, destination, link.port)
    for egress in asking.egress:
        for source in here.during:
            for range_ in egress.to:
                for port in egress.ports:
                    yield Out(source, range_, port)


def _leads_to(
    called: DesiredService | Ways,
    ports: tuple[int, ...],
    backends: tuple[str, ...],
    held: frozenset[tuple[str, int]],
) -> Iterator[Element]:
    if not backends:
        return
    for port in ports:
        yield Route(called.address, port, backends)
    for line in called.publish:
        if (line.address, line.host_port) not in held:
            yield Door(line.address, line.host_port, line.port, backends)


def _routes(
    desired: Desired, ports: Ports, serving: Mapping[ServiceName, Iterable[str]]
) -> Iterator[Route]:
    """The routes to services at these ports alone."""
    for name, several in ports.items():
        backends = tuple(sorted(serving[name]))
        yield from (Route(desired.services[name].address, port, backends) for port in several)


def _without_replaced(gone: Set[Element], added: Set[Element]) -> Iterable[Element]:
    """What has to be removed: a route or door with a successor is replaced by adding that."""
    replaced = {key_of(element) for element in added} if gone else set()
    return (element for element in gone if key_of(element) not in replaced)
