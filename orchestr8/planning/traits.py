"""What is out of the ordinary about declared services, noted while each is looked at.

Most services have nothing of it. Who deals with one kind asks here who has it, instead of looking
at everybody again.
"""

from __future__ import annotations

from msgspec import Struct, field

from orchestr8.alike import first
from orchestr8.boxes.desired import DesiredService
from orchestr8.contract.model import Egress
from orchestr8.isolation.profile import PRIVATE
from orchestr8.manifest.model import Stop
from orchestr8.names import ServiceName

UNSAID = Stop()
Ports = dict[ServiceName, tuple[int, ...]]
"""At which ports services are called, in order."""


class Traits(Struct, frozen=True):
    """Services by what they have that most have not, each list in the order of the declarations.

    `standby` ask for boxes that wait, `dedicated` for cores of their own, and `stops` say how their
    boxes are asked to end; `ended` may place nothing new. `repeating` may ask the packet filter for
    the same thing twice, or for the same as another. `owners` have a service with boxes.
    """

    standby: list[ServiceName] = field(default_factory=list)
    dedicated: list[ServiceName] = field(default_factory=list)
    stops: list[ServiceName] = field(default_factory=list)
    ended: list[ServiceName] = field(default_factory=list)
    repeating: list[ServiceName] = field(default_factory=list)
    ports: Ports = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)

    def note(self, name: ServiceName, service: DesiredService) -> None:
        """Takes down what is out of the ordinary about one service."""
        if service.slots:
            self.owners.add(name.owner)
        if service.standby:
            self.standby.append(name)
        if service.limits.dedicated_cores:
            self.dedicated.append(name)
        if service.stop != UNSAID:
            self.stops.append(name)
        if not service.new_boxes_allowed:
            self.ended.append(name)
        if _may_repeat(service):
            self.repeating.append(name)
        note_ports(self.ports, service)


def _may_repeat(service: DesiredService) -> bool:
    """Whether two of its lines may come to one element, or one of its lines and one of a service
    whose network it shares."""
    links, egress = service.connects, service.egress
    return bool(
        (len(links) > 1 and len(set(links)) < len(links))
        or len(egress) > 1
        or (egress and not _each_once(egress[0]))
        or (service.slots and service.slots[0].profile.net != PRIVATE)
    )


def _each_once(egress: Egress) -> bool:
    return all(len(set(several)) == len(several) for several in (egress.to, egress.ports))


def note_ports(ports: Ports, service: DesiredService) -> None:
    """Takes down at which ports a service calls others."""
    for link in service.connects:
        known = ports.get(link.peer)
        if known is None:
            ports[link.peer] = first((link.port,))
        elif link.port not in known:
            ports[link.peer] = tuple(sorted((*known, link.port)))
