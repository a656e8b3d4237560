"""Whoever ends a set is done when it is gone, whatever becomes of those who worked with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload, dies_at_once
from orchestr8.errors import Exit, ManifestError, Problem
from orchestr8.names import BoxId
from tests.controller.road import Road, manifest

SHOP = {"shop.yaml": manifest("shop", "api api:1, connects: [db.data:80]")}


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with a database, and a service of another set and owner that calls it."""
    made = Road(tmp_path)
    made.image("db:1", "a")
    made.image("api:1", "b")
    made.apply({"db.yaml": manifest("data", "db db:1, accepts: [api.shop:80]")}, "base")
    made.apply(SHOP, "shop")
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


def test_who_loses_a_link_is_told_by_a_remove_and_not_stopped(road: Road) -> None:
    (loss,) = road.down("base", forget=True).losses
    assert f"{loss.set_name} {loss.service} {loss.place}" == "shop api.shop shop.yaml:4:34"
    assert "shop--api--1" in road.boxes()


def test_who_calls_a_set_that_is_down_is_told(road: Road) -> None:
    (loss,) = road.down("base").losses
    assert loss.what == "connects to db.data:80"
    assert road.apply(SHOP, "shop").exit is Exit.DONE, "what is down is there"


def test_an_unchanged_text_says_what_became_of_what_it_names(road: Road) -> None:
    road.down("base", forget=True)
    (problem,) = refused(road)
    assert str(problem.place) == "shop.yaml:4:34"
    assert "there is no such service any more: the set base was removed by ann, " in problem.what
    assert problem.remedy == "take the line out; or owner data declares db.data again"


def test_a_revision_that_left_a_service_out_is_named(road: Road) -> None:
    both = manifest("data", "db db:1, accepts: [api.shop:80]", "other db:1")
    road.apply({"db.yaml": both}, "base")
    applied = road.apply({"db.yaml": manifest("data", "other db:1")}, "base")
    assert [loss.said.partition(": ")[0] for loss in applied.losses] == [
        "the next apply of set shop would be refused, and what runs of it runs on"
    ]
    (problem,) = refused(road)
    assert "any more: revision 3 of set base left it out (apply by ann, " in problem.what


def test_a_name_that_was_never_there_is_told_as_such(road: Road) -> None:
    road.down("base", forget=True)
    new = {"shop.yaml": manifest("shop", "api api:1", "web api:1, connects: [db.data:80]")}
    (problem,) = refused(road, new)
    assert problem.what == "services.web.connects names db.data, and there is no such service"


def refused(road: Road, texts: Mapping[str, str] = MappingProxyType(SHOP)) -> tuple[Problem, ...]:
    """What is wrong with the shop's text."""
    with pytest.raises(ManifestError) as error:
        road.apply(texts, "shop")
    return error.value.problems


def test_what_is_read_only_stays_so_without_its_owner(road: Road) -> None:
    share = "volumes: {rows: {share: {report.shop: ro}}}\n"
    road.apply({"d.yaml": manifest("data", "own db:1, volumes: {/d: rows}", more=share)}, "rows")
    road.apply({"r.yaml": manifest("shop", "report api:1, volumes: {/in: rows.data}")}, "report")
    before = road.machine.boxes[BoxId("shop", "report", 1)]
    (loss,) = road.down("rows", forget=True).losses
    assert loss.what == "mounts the volume rows.data"
    assert road.machine.boxes[BoxId("shop", "report", 1)] == before, "it runs on as it was"
