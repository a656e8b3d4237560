"""Boxes of which nobody can say yet whether they work are waited for, and no others."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.world import Health, State, World
from orchestr8.planning.plan import AwaitBox
from orchestr8.planning.settle import settle
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import fleet

SERVICES = {
    "plain.me": {"replicas": 2},
    "checked.me": {"health": {"tcp": 80}},
    "job.me": {"run": "once"},
}


@pytest.fixture
def running() -> tuple[Desired, World]:
    """Every service as declared, and nothing known of any box's health."""
    simulation = Simulation()
    converge(simulation, fleet({"services": SERVICES}))
    return simulation.desired, replace(simulation.world(), health={})


def gates(desired: Desired, world: World) -> dict[str, AwaitBox]:
    """What is waited for, by box."""
    calls = [action.call for action in settle(desired, world).actions]
    assert all(isinstance(call, AwaitBox) for call in calls)
    return {str(call.id): call for call in calls if isinstance(call, AwaitBox)}


def test_boxes_of_unknown_health_are_waited_for(running: tuple[Desired, World]) -> None:
    desired, world = running
    found = gates(desired, world)
    assert sorted(found) == ["me--checked--1", "me--plain--1", "me--plain--2"]
    assert found["me--checked--1"].health is not None and not found["me--checked--1"].done
    assert found["me--plain--1"].health is None


def test_a_job_that_runs_is_waited_for_until_it_is_done(running: tuple[Desired, World]) -> None:
    desired, world = running
    boxes = tuple(replace(box, state=State.RUNNING) for box in world.boxes)
    health = {box.id: Health.HEALTHY for box in boxes}
    (gate,) = gates(desired, replace(world, boxes=boxes, health=health)).values()
    job = next(one for one in desired.services.values() if one.run_once)
    assert (str(gate.id), gate.done) == ("me--job--1", True)
    assert gate.within_ms == job.update.within_ms
    late = replace(world, boxes=boxes, health={**health, gate.id: Health.UNHEALTHY})
    assert not gates(desired, late), "it was waited for already, and not done in time"


@pytest.mark.parametrize(
    ("health", "open_"),
    [(Health.SETTLING, True), (Health.UNKNOWN, True), (Health.HEALTHY, False),
     (Health.UNHEALTHY, False)],
)  # fmt: skip
def test_what_is_known_is_not_asked_again(
    running: tuple[Desired, World], health: Health, open_: bool
) -> None:
    desired, world = running
    world = replace(world, health={box.id: health for box in world.boxes if box.state.runs})
    assert bool(gates(desired, world)) is open_


def test_boxes_that_nobody_wants_are_not_waited_for(running: tuple[Desired, World]) -> None:
    desired, world = running
    checked, _job, plain = sorted(desired.services)
    fewer = replace(desired.services[plain], slots=desired.services[plain].slots[:1])
    services = {**desired.services, plain: fewer}
    del services[checked]
    assert list(gates(replace(desired, services=services), world)) == ["me--plain--1"]


def test_a_box_with_a_health_line_is_waited_for_as_long_as_it_says() -> None:
    simulation = Simulation()
    words = {"health": {"tcp": 80, "within": "7s"}}
    converge(simulation, fleet({"services": {"a.me": words}}))
    (gate,) = gates(simulation.desired, replace(simulation.world(), health={})).values()
    assert gate.within_ms == 7_000
