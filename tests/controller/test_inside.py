"""Commands in boxes, and boxes that are nobody else's meanwhile."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from orchestr8.controller.cycle import walk
from orchestr8.controller.inside import TIMEOUT_MS, run_in
from orchestr8.controller.request import aim_in_force
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import Workload
from orchestr8.errors import TimedOutError
from orchestr8.names import BoxId, ServiceName
from tests.controller.road import Road, manifest
from tests.simulation.time import Time

API, DB = (ServiceName("shop", name) for name in ("api", "db"))


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """Two services that run, on a machine whose time is simulated."""
    made = Road(tmp_path, Machine(clock=Time(random.Random(1))))
    made.image("api:1", "a")
    made.image("db:1", "b")
    made.machine.workloads["api:1"] = Workload(commands_last=True)
    made.apply({"shop.yaml": manifest("shop", "api", "db")})
    return made


def test_a_command_that_nobody_is_joined_to_has_ten_minutes(road: Road) -> None:
    began_ms = road.machine.clock.now_ms()
    with road.open() as session:
        with pytest.raises(TimedOutError, match=f"did not end within {TIMEOUT_MS} ms"):
            run_in(session, "api.shop", ["sleep"])
        *_, result = session.store.journal.rows()
    assert road.machine.clock.now_ms() - began_ms == TIMEOUT_MS == 600_000
    assert result.result.startswith("failed: ")


def test_what_somebody_works_at_is_left_alone_until_they_are_done(road: Road) -> None:
    with road.open() as session:
        aim = aim_in_force(session)

        def healed() -> set[ServiceName | None]:
            return {action.service for action in walk(session, aim).plan.actions} - {None}

        for service in (API, DB):
            road.machine.crash(BoxId(service.owner, service.service, 1))
        with session.occupying(frozenset({DB})):
            assert healed() == {API}
        assert healed() == {API, DB}
        with pytest.raises(KeyError), session.occupying(frozenset({API, DB})):
            assert healed() == set()
            raise KeyError
        assert healed() == {API, DB}
