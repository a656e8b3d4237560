"""What boxes that go may reach although nothing declares it any more: that stays open until they
end, since they do their work as they were declared.

Whoever is not called by anybody else has a route for them alone.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Element, Out, Pass
from orchestr8.names import ServiceName
from orchestr8.planning.places import Presences
from orchestr8.planning.survey import Survey
from orchestr8.planning.traits import Ports


class Lasting(Struct, frozen=True):
    """The ways of boxes that go, and the ports at which nobody but them calls a service."""

    ways: Collection[Pass | Out] = ()
    ports: Ports = field(default_factory=dict)


NOTHING = Lasting()


def lasting(
    desired: Desired,
    presences: Presences,
    seen: Survey,
    undeclared: Collection[Element],
    going: Collection[str],
) -> Lasting:
    """What of the elements that nothing declares boxes at the addresses `going` still need: also
    where the boxes that they call are replaced meanwhile."""
    theirs = [one for one in undeclared if isinstance(one, Pass | Out) and one.source in going]
    if not theirs:
        return NOTHING
    called = {
        address: name
        for name, here in presences.items()
        if here.serving and name in desired.services
        for address in here.during
    }
    ways: set[Pass | Out] = set()
    alone: dict[ServiceName, set[int]] = {}
    for way in theirs:
        if isinstance(way, Out):
            ways.add(way)
        elif peer := called.get(way.destination):
            ways |= {Pass(way.source, one, way.port) for one in presences[peer].during}
            if way.port not in seen.traits.ports.get(peer, ()) and peer not in seen.busy:
                alone.setdefault(peer, set()).add(way.port)
    return Lasting(ways, {name: tuple(sorted(found)) for name, found in alone.items()})
