"""Where the planner takes a short cut, what is not plain still gets the longer look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.world import ObservedBox, State, World
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.moves import STEADY, Keep, Provision, Replace
from orchestr8.planning.service import reconcile_service
from orchestr8.planning.survey import Survey, placed, survey
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import Brief, fleet

API, DB, SIDE = ServiceName("me", "api"), ServiceName("me", "db"), ServiceName("me", "side")
PEER = BoxId("me", "db", 1)


def running(services: Brief) -> Simulation:
    """A machine on which these services are as declared."""
    simulation = Simulation()
    converge(simulation, fleet({"services": services}))
    return simulation


def seen(simulation: Simulation, desired: Desired, world: World) -> Survey:
    return survey(desired, world, simulation.records, simulation.clock.now_ms())


def test_a_box_that_is_as_declared_is_steady_by_either_way() -> None:
    simulation = running({"api.me": {}, "db.me": {}})
    desired, world = simulation.desired, simulation.world()
    looked = seen(simulation, desired, world)
    service, boxes = desired.services[API], looked.of(API)
    assert reconcile_service(service, boxes, looked) is STEADY
    closer = replace(looked, unhealthy=frozenset({PEER}))  # somebody else's: not plain any more
    assert reconcile_service(service, boxes, closer) is STEADY
    joined_by_none = {DB: [box.id for box in looked.of(DB)]}
    assert reconcile_service(service, boxes, looked, joined_by_none) is STEADY


@pytest.mark.parametrize(
    "change",
    [
        lambda box: replace(box, state=State.STOPPED),
        lambda box: replace(box, state=State.CREATED),
        lambda box: replace(box, slot=1),
        lambda box: replace(box, service_key="another's"),
        lambda box: replace(box, joins=(("ipc", PEER),)),  # with whom nobody said
        lambda box: replace(box, spec=None),
    ],
    ids=["stopped", "created", "of another slot", "a namesake's", "joined", "unreadable"],
)
def test_one_thing_that_differs_is_enough(change: Callable[[ObservedBox], ObservedBox]) -> None:
    simulation = running({"api.me": {}})
    desired, world = simulation.desired, simulation.world()
    changed = replace(world, boxes=tuple(map(change, world.boxes)))
    looked = seen(simulation, desired, changed)
    moves = reconcile_service(desired.services[API], looked.of(API), looked)
    assert isinstance(moves.slots[0], Provision | Replace)


def test_a_box_that_should_join_another_and_does_not_is_replaced() -> None:
    simulation = running({"db.me": {}, "side.me": {"share": {"ipc": "db.me"}}})
    desired, world = simulation.desired, simulation.world()
    alone = replace(world, boxes=tuple(replace(box, joins=()) for box in world.boxes))
    looked = seen(simulation, desired, alone)
    peers = {DB: [box.id for box in looked.of(DB)]}
    moves = reconcile_service(desired.services[SIDE], looked.of(SIDE), looked, peers)
    assert isinstance(moves.slots[0], Replace)


def test_a_volume_of_another_uid_is_seen_among_several() -> None:
    simulation = running({"api.me": {"volumes": {"/a": "a", "/b": "b"}}})
    desired, world = simulation.desired, simulation.world()
    volumes = tuple(
        replace(volume, uid=999) if volume.volume == "b" else volume for volume in world.volumes
    )
    looked = seen(simulation, desired, replace(world, volumes=volumes))
    [declared] = desired.services[API].slots
    fitting = looked.with_volumes_as_they_are(declared)
    assert [one.owner_uid == 999 for one in fitting.volumes] == [False, True]
    moves = reconcile_service(desired.services[API], looked.of(API), looked)
    assert isinstance(moves.slots[0], Replace)


def test_boxes_come_by_slot_whatever_their_order() -> None:
    simulation = running({"api.me": {"replicas": 2}})
    world = simulation.world()
    turned = replace(world, boxes=tuple(reversed(world.boxes)))
    assert [box.slot for box in turned.boxes] == [1, 0]
    looked = seen(simulation, simulation.desired, turned)
    assert [box.slot for box in looked.of(API)] == [0, 1]


def test_slots_that_had_a_box_are_known() -> None:
    simulation = running({"api.me": {}, "db.me": {"replicas": 2}})
    assert placed(simulation.records) == {(API, 0), (DB, 0), (DB, 1)}


def test_of_two_that_have_ended_the_one_that_did_its_job_is_the_record_of_it() -> None:
    simulation = running({"api.me": {"run": "once"}})
    desired, world = simulation.desired, simulation.world()
    [done] = world.boxes
    assert (done.state, done.exit_status) == (State.STOPPED, 0)
    failed = replace(done, id=BoxId("me", "api", 2), exit_status=1)
    moves = reconcile_service(
        desired.services[API], (done, failed), seen(simulation, desired, world)
    )
    assert moves.slots == (Keep(0, done),)
    assert [one.box for one in moves.releases] == [failed]


def test_limits_that_cannot_be_read_are_not_set_anew() -> None:
    simulation = running({"api.me": {}})
    desired, world = simulation.desired, simulation.world()
    unread = replace(world, boxes=tuple(replace(box, limits=None) for box in world.boxes))
    looked = seen(simulation, desired, unread)
    assert reconcile_service(desired.services[API], looked.of(API), looked) is STEADY


def test_in_which_order_namespaces_are_joined_is_nothing() -> None:
    simulation = running({"db.me": {}, "side.me": {"share": {"ipc": "db.me", "pid": "db.me"}}})
    desired, world = simulation.desired, simulation.world()
    turned = (replace(box, joins=tuple(reversed(box.joins))) for box in world.boxes)
    looked = seen(simulation, desired, replace(world, boxes=tuple(turned)))
    [side] = looked.of(SIDE)
    assert [kind for kind, _ in side.joins] == ["pid", "ipc"]
    peers = {DB: [box.id for box in looked.of(DB)]}
    assert reconcile_service(desired.services[SIDE], (side,), looked, peers) is STEADY
