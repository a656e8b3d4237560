"""Boxes are proved in turn, a few at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.clock import Clock, yes
from orchestr8.controller.keeping import Keeper
from orchestr8.controller.patrol import NEW_MOST, every_seconds, round_seconds
from orchestr8.names import ServiceName
from tests.controller.looping import Told
from tests.controller.road import Road, manifest

LEFT = 3


class Standing(Clock):
    """A clock by which nobody's turn comes again, however slow the machine is."""

    def monotonic(self) -> float:
        return 0.0


def test_many_that_were_never_proved_are_proved_a_part_at_a_time(tmp_path: Path) -> None:
    road = Road(tmp_path)
    road.image("api:1", "a")
    boxes = NEW_MOST + LEFT
    road.apply({"shop.yaml": manifest("shop", f"api api:1, replicas: {boxes}")})
    with road.open() as session, session.changing():
        session.clock = Standing()
        keeper = Keeper(session, Told())
        _, next_ms = keeper.turn()
        assert (len(session.proved), next_ms) == (NEW_MOST, 0), "somebody may need it in between"
        _, next_ms = keeper.turn()
        assert len(session.proved) == boxes and next_ms > 0
        road.machine.faults.calls.clear()
        keeper.turn()
        assert "witness.read" not in {call for call, _ in road.machine.faults.calls}


def test_proofs_give_way_to_what_was_heard_and_come_further_each_time(tmp_path: Path) -> None:
    road = Road(tmp_path)
    road.image("api:1", "a")
    road.apply({"shop.yaml": manifest("shop", "api api:1, replicas: 3")})
    with road.open() as session, session.changing():
        session.clock, session.heard = Standing(), yes
        keeper, turns = Keeper(session, Told()), 0
        while len(session.proved) < 3:
            road.machine.faults.calls.clear()
            _, next_ms = keeper.turn()
            turns += 1
            read = [call for call, _ in road.machine.faults.calls if call == "witness.read"]
            assert len(read) == 1
            assert next_ms == 0 or len(session.proved) == 3
        assert turns == 5, "each of the others is read once, so that one can be held against them"


def test_an_update_that_breaks_a_claim_is_taken_back_at_once(tmp_path: Path) -> None:
    road, api = Road(tmp_path), ServiceName("shop", "api")
    road.image("api:1", "a")
    road.apply({"shop.yaml": manifest("shop", "api")})
    road.machine.listeners["127.0.0.1", 8_001] = "somebody"
    published = 'api api:1, publish: {"127.0.0.1:8001": 80}'
    road.apply({"shop.yaml": manifest("shop", published)})
    with road.open() as session, session.changing():
        (box_id,) = road.machine.boxes
        road.machine.lies[box_id] = lambda reading: replace(reading, hostname="elsewhere")
        keeper = Keeper(session, Told())
        keeper.turn()
        assert session.store.ledger.held_back() == {api: 1}
        cycle, _ = keeper.turn()
        assert not cycle.desired.services[api].publish


@pytest.mark.parametrize(("boxes", "seconds"), [(0, 10), (30, 10), (60, 20), (180, 60), (900, 60)])
def test_the_more_boxes_the_more_are_proved_at_a_time(boxes: int, seconds: float) -> None:
    assert every_seconds(boxes) == seconds


@pytest.mark.parametrize(("boxes", "seconds"), [(0, 300), (60, 300), (90, 450), (900, 600)])
def test_a_round_is_longer_where_there_are_many_and_never_beyond_ten_minutes(
    boxes: int, seconds: float
) -> None:
    assert round_seconds(boxes) == seconds
