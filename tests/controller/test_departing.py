"""Whoever ends a set is done when it is gone, whatever becomes of those who worked with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload, dies_at_once
from orchestr8.errors import Exit
from orchestr8.names import BoxId
from tests.controller.road import Road, manifest


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with a database, and a service of another set and owner that calls it."""
    made = Road(tmp_path)
    made.image("db:1", "a")
    made.image("api:1", "b")
    made.apply({"db.yaml": manifest("data", "db db:1, accepts: [api.shop:80]")}, "base")
    made.apply({"shop.yaml": manifest("shop", "api api:1, connects: [db.data:80]")}, "shop")
    return made


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("without_it", [NEVER_HEALTHY, dies_at_once()], ids=["ill", "dead"])
def test_who_fails_without_it_is_not_waited_for(
    road: Road, without_it: Workload, forget: bool
) -> None:
    road.machine.workloads["api.shop"] = without_it
    road.machine.crash(BoxId("shop", "api", 1))
    applied = road.down("base", forget=forget)
    assert (applied.exit, applied.timed_out, applied.failures) == (Exit.DONE, False, ())
    assert "data--db--1" not in road.boxes()


def test_who_is_well_runs_on(road: Road) -> None:
    assert road.down("base", forget=True).exit is Exit.DONE
    assert list(road.boxes()) == ["shop--api--1"]


def test_who_waited_for_the_room_comes_without_being_waited_for(road: Road) -> None:
    """Nobody else would bring it where no server runs."""
    promised = "limits: {memory: {guarantee: 5GiB, max: 5GiB}}"
    road.apply({"a.yaml": manifest("data", f"big db:1, {promised}")}, "first")
    waits = road.apply({"b.yaml": manifest("shop", f"next api:1, {promised}")}, "second")
    assert [str(step.service) for step in waits.waiting] == ["next.shop"]
    road.machine.workloads["next.shop"] = NEVER_HEALTHY
    assert road.down("first").exit is Exit.DONE
    assert "shop--next--1" in road.boxes()
