"""What a box stands on fails as a box does: tried three times, then put off."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.errors import EngineError, RejectedError, ShortageError
from tests.controller.road import HEALTH, Road

CROWD = f"""\
orchestr8: 1
owner: web
services:
  cache: {{image: "app:1", {HEALTH}}}
  db: {{image: "app:1", volumes: {{/data: data}}, {HEALTH}}}
  front: {{image: "app:1", connects: [db:80, cache:80], after: [db], {HEALTH}}}
volumes: {{data: {{}}}}
"""


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine that knows one image."""
    made = Road(tmp_path)
    made.image("app:1", "a")
    return made


def test_a_volume_that_cannot_be_made_is_tried_three_times(road: Road) -> None:
    road.machine.faults.order(Fault("volumes.ensure", RejectedError("is another's"), times=None))
    applied = road.apply({"web.yaml": CROWD})
    (failure,) = applied.failures
    assert (str(failure.service), failure.attempts) == ("db.web", 3)
    assert [str(step.service) for step in applied.waiting] == ["db.web", "front.web"]
    assert list(road.boxes()) == ["web--cache--1"]
    with road.open() as session:
        services = session.store.ledger.records().services.values()
    assert max(record.serial_last for record in services) <= 3


def test_a_volume_that_can_be_made_at_last_is_nobodys_failure(road: Road) -> None:
    road.machine.faults.order(Fault("volumes.ensure", RejectedError("is another's"), times=2))
    applied = road.apply({"web.yaml": CROWD})
    assert applied.failures == ()
    assert [box_id.split("--")[1] for box_id in road.boxes()] == ["cache", "db", "front"]


def _none_left() -> OSError:
    return OSError(errno.EMFILE, "too many open files")


def _refused() -> EngineError:
    """A border's sentence about it."""
    error = RejectedError("creating the box: too many open files")
    error.__cause__ = _none_left()
    return error


@pytest.mark.parametrize(
    "error", [_none_left(), _refused(), ShortageError("none is left")], ids=repr
)
@pytest.mark.parametrize("call", ["boxes.create", "boxes.start", "volumes.ensure"])
def test_where_no_descriptor_is_left_no_service_has_failed(
    road: Road, call: str, error: Exception
) -> None:
    """Nor is its update taken back, however often that is met."""
    road.apply({"web.yaml": CROWD})
    road.image("app:2", "b")
    newer = CROWD.replace("app:1", "app:2").replace("data: data", "data: more")
    newer = newer.replace("volumes: {data: {}}", "volumes: {data: {}, more: {}}")
    road.machine.faults.order(Fault(call, error, times=None))
    with pytest.raises(ShortageError):
        road.apply({"web.yaml": newer})
    with road.open() as session:
        assert (session.store.ledger.failures(), session.held_back) == ({}, {})
    road.machine.faults.clear()
    assert road.apply({"web.yaml": newer}).failures == ()
    assert set(road.boxes().values()) == {"b"}


def test_where_no_descriptor_is_left_nothing_stays_of_a_box_that_failed_by_itself(
    road: Road,
) -> None:
    road.image("bad:1", "b")
    road.machine.workloads["bad:1"] = dies_at_once()
    road.machine.faults.order(Fault("volumes.ensure", _refused(), times=None))
    bad = f'services:\n  bad: {{image: "bad:1", {HEALTH}}}'
    with pytest.raises(ShortageError):
        road.apply({"web.yaml": CROWD.replace("services:", bad)})
    made = {box_id.service for box_id in road.machine.boxes}
    assert made == {"cache"}


def test_a_box_that_nobody_could_ask_is_not_late(road: Road) -> None:
    road.machine.faults.order(Fault("probes.check", _refused(), times=None))
    with pytest.raises(EngineError, match="too many open files"):
        road.apply({"web.yaml": CROWD.replace("every: 100ms", "every: 100ms, within: 1s")})
    with road.open() as session:
        assert session.store.ledger.failures() == {}
