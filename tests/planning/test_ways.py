"""What nobody asks of the packet filter goes, also where one thing is asked for twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.network import Element, Out, Pass
from orchestr8.boxes.world import World
from orchestr8.planning.plan import ChangeNetwork, Plan
from orchestr8.planning.reconcile import reconcile
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import Brief, fleet

API: Brief = {"api.me": {"accepts": ["web:1", "side:1"]}}
ONCE = {"to": ["192.0.2.0/24"], "ports": [443]}
FLEETS = {
    "each once": {**API, "web.me": {"connects": ["api:1"], "egress": [ONCE]}},
    "a link twice": {**API, "web.me": {"connects": ["api:1", "api:1"]}},
    "two openings to one place": {"web.me": {"egress": [ONCE, ONCE]}},
    "a port twice": {"web.me": {"egress": [{**ONCE, "ports": [443, 443]}]}},
    "a range twice": {"web.me": {"egress": [{**ONCE, "to": ONCE["to"] * 2}]}},
    "a range and a port twice": {
        "web.me": {"egress": [{"to": ONCE["to"] * 2, "ports": [443, 443]}]}
    },
    "a network of two": {
        **API,
        "web.me": {"connects": ["api:1"]},
        "side.me": {"connects": ["api:1"], "share": {"net": "web.me"}},
    },
}
"""Services by what is asked twice there."""


def planned(simulation: Simulation, stray: frozenset[Element]) -> Plan:
    """What is planned once somebody has put this into the table beside all that is wanted."""
    world: World = simulation.world()
    network = replace(world.network, elements=world.network.elements | stray)
    changed = replace(world, network=network)
    now_ms = simulation.clock.now_ms()
    return reconcile(simulation.desired, changed, simulation.records, now_ms)


@pytest.mark.parametrize("services", FLEETS.values(), ids=FLEETS)
@pytest.mark.parametrize(
    "stray", [Pass("10.231.0.9", "10.231.0.8", 22), Out("10.231.0.9", "0.0.0.0/0", 25)]
)
def test_one_stray_way_is_removed(services: Brief, stray: Element) -> None:
    simulation = Simulation()
    converge(simulation, fleet({"services": services}))
    assert planned(simulation, frozenset()).empty
    calls = [action.call for action in planned(simulation, frozenset([stray])).actions]
    assert calls == [ChangeNetwork(remove=(stray,))]
