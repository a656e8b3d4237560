"""What is remembered of a look is taken as it was, until somebody doubts it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import World
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.controller.sight import Sight
from orchestr8.names import BoxId, ServiceName
from tests.controller.road import Road, manifest

SHOP = {"shop.yaml": manifest("shop", "front", "api")}
FRONT, API = ServiceName("shop", "front"), ServiceName("shop", "api")


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine on which a shop runs."""
    one = Road(tmp_path)
    for name, mark in (("front", "a"), ("api", "b")):
        one.image(f"{name}:1", mark)
    one.apply(SHOP)
    return one


@pytest.fixture
def session(road: Road) -> Iterator[Session]:
    """The store, opened."""
    with road.open() as opened:
        yield opened


def look(session: Session, sight: Sight) -> Cycle:
    """A turn's look."""
    sight.begin()
    return walk(session, replace(aim_in_force(session), sight=sight))


def take_away(road: Road, service: ServiceName) -> BoxId:
    """A box goes, and nobody tells."""
    box_id = next(one for one in road.machine.boxes if one.service_name == service)
    del road.machine.boxes[box_id]
    return box_id


def seen(world: World) -> set[ServiceName]:
    """Whose boxes a look saw."""
    return {box.id.service_name for box in world.boxes}


def test_only_what_is_doubted_is_looked_at_again(road: Road, session: Session) -> None:
    sight = Sight()
    assert seen(look(session, sight).world) == {FRONT, API}
    assert sight.is_whole
    for service in (FRONT, API):
        take_away(road, service)
    assert seen(look(session, sight).world) == {FRONT, API}
    sight.doubt([API])
    cycle = look(session, sight)
    assert seen(cycle.world) == {FRONT}
    assert {step.service for step in cycle.plan.steps} == {API}
    sight.doubt_all()
    assert not seen(look(session, sight).world)


def test_a_box_can_be_looked_at_without_the_others_of_its_service(tmp_path: Path) -> None:
    road = Road(tmp_path)
    road.image("api:1", "a")
    road.apply({"shop.yaml": manifest("shop", "api api:1, replicas: 2")})
    with road.open() as session:
        sight = Sight()
        look(session, sight)
        first, second = (take_away(road, API) for _ in range(2))
        sight.doubt_alone([first])
        cycle = look(session, sight)
        assert {box.id for box in cycle.world.boxes} == {second}
        assert cycle.plan.actions and not sight.covers(cycle.plan), "the other may be gone as well"
        sight.doubt_plan(cycle.plan)
        assert not look(session, sight).world.boxes


def test_nothing_is_done_upon_what_is_only_remembered(road: Road, session: Session) -> None:
    sight = Sight()
    look(session, sight)
    take_away(road, API)
    sight.doubt([API])
    cycle = look(session, sight)
    assert not sight.covers(cycle.plan), "the packet filter is as it was remembered"
    sight.doubt_plan(cycle.plan)
    assert sight.covers(look(session, sight).plan)


def test_what_was_looked_at_is_not_looked_at_again_in_a_turn(road: Road, session: Session) -> None:
    sight = Sight()
    look(session, sight)
    take_away(road, API)
    sight.doubt([API])
    sight.doubt_host()
    assert sight.covers(look(session, sight).plan)
    again = walk(session, replace(aim_in_force(session), sight=sight))
    assert again.plan.actions and sight.covers(again.plan)
    assert not sight.covers(look(session, sight).plan), "another turn"


def test_a_box_that_was_never_seen_is_found_by_its_name(road: Road, session: Session) -> None:
    sight = Sight()
    gone = take_away(road, API)
    look(session, sight)
    road.apply(SHOP)
    fresh = next(one for one in road.machine.boxes if one.service_name == API)
    assert fresh != gone
    assert seen(look(session, sight).world) == {FRONT}
    sight.doubt((), [fresh])
    assert seen(look(session, sight).world) == {FRONT, API}


def test_a_box_that_was_written_down_is_looked_for(road: Road, session: Session) -> None:
    """Whoever made it may have told nobody."""
    sight = Sight()
    take_away(road, API)
    look(session, sight)
    road.apply(SHOP)
    sight.doubt([API])
    assert seen(look(session, sight).world) == {FRONT, API}


def test_a_reboot_makes_everything_doubtful(road: Road, session: Session) -> None:
    sight = Sight()
    look(session, sight)
    road.machine.reboot()
    sight.doubt([API])
    cycle = look(session, sight)
    assert sight.is_whole
    assert not any(box.state.runs for box in cycle.world.boxes)
