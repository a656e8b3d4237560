"""A maximum below what a box holds waits until it holds less: it is neither ended nor replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.alarms import WAITS
from orchestr8.isolation.limits import MIB, Quota
from orchestr8.names import BoxId
from orchestr8.planning.plan import Reason
from tests.controller.looping import looping, until
from tests.controller.road import Road, manifest

FRONT = BoxId("shop", "front", 1)


def texts(mebibytes: int, pids: int = 20) -> dict[str, str]:
    """The shop with this maximum."""
    service = f"front front:1, limits: {{memory: {mebibytes}MiB, pids: {pids}}}"
    follower = "api front:1, after: [front], replicas: 1"
    return {"shop.yaml": manifest("shop", service, follower)}


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """The service runs and holds 100 MiB of 128."""
    one = Road(tmp_path)
    one.image("front:1", "a")
    assert one.apply(texts(128)).exit == 0
    _hold(one, 100)
    return one


def _hold(road: Road, mebibytes: int) -> None:
    with road.machine.lock:
        box = road.machine.boxes[FRONT]
        workload = replace(box.workload, memory_bytes=mebibytes * MIB)
        road.machine.boxes[FRONT] = replace(box, workload=workload)


def _most(road: Road) -> int:
    return road.machine.boxes[FRONT].limits.memory_max_bytes // MIB


def test_it_waits_and_says_so_while_other_limits_change(road: Road) -> None:
    applied = road.apply(texts(64, pids=30))
    (step,) = applied.waiting
    assert applied.exit == 1 and not applied.failures
    assert step.reason is Reason.IN_USE
    assert step.cause == "limits.memory.max 64MiB: 0.front.shop holds 100MiB"
    assert (_most(road), road.machine.boxes[FRONT].limits.pids_max) == (128, 30)
    _hold(road, 60)
    assert road.apply(texts(64, pids=30)).exit == 0
    assert _most(road) == 64


def test_the_loop_lowers_it_as_soon_as_it_sees_that_it_can(road: Road) -> None:
    assert road.apply(texts(64)).exit == 1
    with looping(road) as running:
        proved = ("witness.read", str(FRONT))
        until(lambda: road.machine.faults.calls.count(proved) >= 2)  # found broken, and read again
        for _ in range(2):
            looks = road.machine.faults.calls.count(("owners.quotas", ""))
            running.loop.wake()
            until(lambda n=looks: road.machine.faults.calls.count(("owners.quotas", "")) > n)
            assert _most(road) == 128
        _hold(road, 60)
        running.loop.wake()
        until(lambda: _most(road) == 64)
    assert "alarm" not in running.told.kinds()
    assert FRONT in road.machine.boxes, "the broken claim of its old maximum replaced nothing"


def test_a_quota_below_what_boxes_hold_waits_and_keeps_nobody_else(road: Road) -> None:
    less = "orchestr8: 1\nplatform: {owners: {shop: {quota: {memory: 64MiB, pids: 90}}, bar: {}}}\n"
    assert road.apply({"platform.yaml": less}, "platform").exit == 0
    assert road.machine.quotas["shop"] == Quota(pids=90)
    assert road.apply({"bar.yaml": manifest("bar", "beer front:1")}, "bar").exit == 0
    with looping(road) as running:
        until(lambda: road.machine.faults.calls.count(("witness.read", str(FRONT))) >= 2)
        with road.open() as session:
            until(lambda: any(one.key.kind == WAITS for one in session.store.alarms.every()))
        _hold(road, 60)
        running.loop.wake()
        until(lambda: road.machine.quotas["shop"] == Quota(memory_bytes=64 * MIB, pids=90))
    assert not {"alarm", "trouble"}.intersection(running.told.kinds())
    assert FRONT in road.machine.boxes, "the broken claim of its owner's quota replaced nothing"


def test_those_that_come_after_it_do_not_wait_with_it(road: Road) -> None:
    changed = texts(64)["shop.yaml"].replace("replicas: 1", "replicas: 1, args: [anew]")
    applied = road.apply({"shop.yaml": changed})
    assert [step.service.service for step in applied.waiting] == ["front"]
    assert str(BoxId("shop", "api", 2)) in road.boxes()
