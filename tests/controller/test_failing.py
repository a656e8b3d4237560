"""What a box stands on fails as a box does: tried three times, then put off."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.engines.memory.faults import Fault
from orchestr8.errors import RejectedError
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
