"""What the packet filter holds once a plan is carried out, and whose namespaces a box shares."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.boxes.network import Pass, Route
from orchestr8.boxes.world import State
from orchestr8.isolation.profile import Profile
from orchestr8.names import ServiceName
from orchestr8.planning.expand import expand
from orchestr8.planning.links import standing_elements
from orchestr8.planning.moves import joined
from orchestr8.planning.plan import ChangeNetwork
from orchestr8.planning.reconcile import reconcile
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import fleet

API, DB = ServiceName("me", "api"), ServiceName("me", "db")


def test_what_stands_is_what_the_boxes_that_run_need() -> None:
    simulation = Simulation()
    services = {
        "api.me": {"replicas": 2, "health": {"tcp": 80}},
        "side.me": {"share": {"net": "api.me"}, "health": {"tcp": 80}, "connects": ["web:90"]},
        "web.me": {"connects": ["api:80"], "publish": {"127.0.0.1:8080": 80}},
    }
    converge(simulation, fleet({"services": services}))
    world, desired = simulation.world(), simulation.desired
    standing = standing_elements(desired, world)
    assert standing == world.network.elements
    (route,) = (one for one in standing if isinstance(one, Route) and one.port == 80)
    assert len(route.backends) == 2
    ended = [
        replace(box, state=State.STOPPED) if (box.id.service_name, box.slot) == (API, 1) else box
        for box in world.boxes
    ]
    (route,) = (
        one
        for one in standing_elements(desired, replace(world, boxes=tuple(ended)))
        if isinstance(one, Route) and one.port == 80
    )
    assert len(route.backends) == 1


def test_whose_namespaces_a_box_shares() -> None:
    assert joined(Profile()) == ()
    for shared in (("pid",), ("net",), ("ipc",), ("pid", "net"), ("pid", "net", "ipc")):
        found = joined(Profile(**dict.fromkeys(shared, "api.me")))
        assert {kind for kind, _peer in found} == set(shared)
        assert {peer for _kind, peer in found} == {API}


def test_a_way_to_a_service_that_another_plan_works_at_is_opened_all_the_same() -> None:
    simulation = Simulation()
    services = {"api.me": {"connects": ["db:1"]}, "db.me": {"accepts": ["api:1", "api:2"]}}
    converge(simulation, fleet({"services": services}))
    world, records = simulation.world(), simulation.records
    services["api.me"] = {"connects": ["db:1", "db:2"]}
    wanted = fleet({"services": services})
    desired = replace(expand(wanted.contracts, records, {}), busy=frozenset({DB}))
    plan = reconcile(desired, world, records, simulation.clock.now_ms())
    api, db = (box.address for box in sorted(world.boxes, key=lambda box: box.id))
    assert [action.call for action in plan.actions] == [ChangeNetwork((Pass(api, db, 2),))]
