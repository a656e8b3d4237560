"""The loop keeps what an owner's boxes were promised where the kernel cannot, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.balancing import KIND
from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.machine import Machine, machine_features
from orchestr8.errors import UnavailableError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB
from orchestr8.names import BoxId
from tests.controller.looping import Running, looping, until
from tests.controller.road import Road, manifest

GREEDY, QUIET = BoxId("shop", "greedy", 1), BoxId("shop", "quiet", 1)
QUOTA = "platform: {owners: {shop: {quota: {cpu: 2, memory: 128MiB}}}}"
TEXTS = {
    "platform.yaml": f"orchestr8: 1\n{QUOTA}\n",
    "shop.yaml": manifest(
        "shop",
        "greedy greedy:1, limits: {cpu: 0.5, memory: 120MiB}",
        "quiet quiet:1, limits: {cpu: 0.5, memory: {guarantee: 48MiB, max: 64MiB}}",
    ),
}


def road_on(machine: Machine, folder: Path) -> Road:
    """The two services run on it and hold nothing."""
    road = Road(folder, machine)
    for name, mark in (("greedy", "a"), ("quiet", "b")):
        road.image(f"{name}:1", mark)
    assert road.apply(TEXTS).exit == 0
    return road


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine without `memory.low`."""
    return road_on(Machine(), tmp_path)


def hold(road: Road, box_id: BoxId, mebibytes: int) -> None:
    """From now on the box holds so much."""
    with road.machine.lock:
        box = road.machine.boxes[box_id]
        workload = replace(box.workload, memory_bytes=mebibytes * MIB)
        road.machine.boxes[box_id] = replace(box, workload=workload)


def most(road: Road, box_id: BoxId = GREEDY) -> int:
    """The memory that the box may have, in MiB."""
    return road.machine.boxes[box_id].limits.memory_max_bytes // MIB


def test_who_has_more_than_was_promised_leaves_that_to_others(road: Road) -> None:
    with looping(road) as running:
        hold(road, GREEDY, 76)
        until(lambda: most(road) == 80)
        assert most(road, QUIET) == 64
        until(lambda: road.machine.first_to_end == {GREEDY})
        told = [event for event in running.told.events if event.what.startswith(KIND)]
        assert [event.subject for event in told] == [str(GREEDY)]
        _looks_again_and_leaves_it(road, running)
        hold(road, GREEDY, 20)
        until(lambda: most(road) == 120)
    with road.open() as session:
        rows = [row for row in session.store.journal.rows() if row.kind == KIND]
    assert [(row.subject, row.result) for row in rows] == [
        (str(GREEDY), "done: limits.memory.max 120MiB -> 80MiB"),
        (str(GREEDY), "done: limits.memory.max 80MiB -> 120MiB"),
    ]
    assert "48MiB that is guaranteed" in rows[0].cause and "room again" in rows[1].cause


def _looks_again_and_leaves_it(road: Road, running: Running) -> None:
    """A ceiling is no drift to the loop that set it."""
    planned = running.told.kinds().count("step")
    looks = road.machine.faults.calls.count(("owners.quotas", ""))
    for more in (1, 2):  # what the first of two looks led to is over when the second begins
        running.loop.wake()
        until(lambda n=more: road.machine.faults.calls.count(("owners.quotas", "")) >= looks + n)
    assert running.told.kinds().count("step") == planned
    assert most(road) == 80


def test_ceilings_end_with_the_loop(road: Road) -> None:
    hold(road, GREEDY, 76)
    with looping(road):
        until(lambda: most(road) == 80)
    assert most(road) == 120


def test_a_ceiling_that_outlives_its_loop_is_set_right_by_the_next_plan(road: Road) -> None:
    box = road.machine.boxes[GREEDY]
    lower = replace(box.limits, memory_max_bytes=80 * MIB)
    road.machine.boxes[GREEDY] = replace(box, limits=lower)
    assert road.apply(TEXTS).exit == 0
    assert most(road) == 120


def test_what_cannot_be_given_back_is_asked_for_again(road: Road) -> None:
    with looping(road):
        hold(road, GREEDY, 110)  # more than is left beside the promise
        until(lambda: road.machine.first_to_end == {GREEDY})
        until(lambda: most(road) == 110)
        hold(road, GREEDY, 70)
        until(lambda: most(road) <= 80)


def test_a_kernel_with_memory_low_needs_no_ceilings(tmp_path: Path) -> None:
    machine = Machine(features=machine_features(features.MEMORY_GUARANTEE))
    road = road_on(machine, tmp_path)
    with looping(road):
        hold(road, GREEDY, 100)
        until(lambda: machine.first_to_end == {GREEDY})
    assert most(road) == 120


def test_a_ceiling_that_could_not_be_lifted_is_lifted_later(road: Road) -> None:
    with looping(road):
        hold(road, GREEDY, 76)
        until(lambda: most(road) == 80)
        away = UnavailableError("the engine does not answer", "wait")
        road.machine.faults.order(Fault("boxes.update", away, times=2))
        hold(road, GREEDY, 20)
        until(lambda: most(road) == 120)


def test_far_from_the_quota_one_reading_is_enough(road: Road) -> None:
    calls = road.machine.faults.calls
    with looping(road):
        until(lambda: calls.count(("witness.use", str(GREEDY))) >= 2)
    assert calls.count(("witness.use", str(QUIET))) == 0


def test_an_engine_that_fails_meanwhile_costs_only_time(road: Road) -> None:
    away = UnavailableError("the engine does not answer", "wait")
    road.machine.faults.order(Fault("witness.use", away, times=3))
    with looping(road):
        hold(road, GREEDY, 76)
        until(lambda: most(road) == 80)
