"""The loop keeps cores with whom they were dealt to, and gives them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.names import BoxId
from tests.controller.looping import looping, until
from tests.controller.road import Road

WEB = "  web: {image: 'web:1', replicas: 2}\n"
WORKER = "  worker: {image: 'worker:1', limits: {cpu: {dedicated: 1}}}\n"
HEAD = "orchestr8: 1\nowner: me\nservices:\n"


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A box with a core of its own, beside two that share the others."""
    one = Road(tmp_path)
    one.image("web:1", "a")
    one.image("worker:1", "b")
    one.apply({"me.yaml": HEAD + WEB + WORKER})
    return one


def cores(road: Road) -> dict[str, tuple[int, ...]]:
    """On which cores the boxes that run are."""
    there = list(road.machine.boxes.items())  # the loop makes more meanwhile
    return {str(one): box.cores for one, box in there if box.state.runs}


def put(road: Road, box: str, on: tuple[int, ...]) -> None:
    """Somebody moves a box behind everybody's back."""
    with road.machine.lock:
        box_id = BoxId.parse(box)
        road.machine.boxes[box_id] = replace(road.machine.boxes[box_id], cores=on)


DEALT = {"me--web--1": (0, 1, 2), "me--web--2": (0, 1, 2), "me--worker--1": (3,)}


@pytest.mark.parametrize(
    ("box", "on"), [("me--worker--1", ()), ("me--worker--1", (0, 3)), ("me--web--2", (3,))]
)
def test_who_was_moved_is_set_back(road: Road, box: str, on: tuple[int, ...]) -> None:
    assert cores(road) == DEALT
    put(road, box, on)
    with looping(road):
        until(lambda: cores(road) == DEALT)
    assert len(road.boxes()) == 3, "nothing was replaced for it"


def test_a_successor_has_the_core_of_who_died(road: Road) -> None:
    successor = {name: on for name, on in DEALT.items() if "web" in name}
    successor["me--worker--2"] = (3,)
    with looping(road):
        road.machine.crash(BoxId.parse("me--worker--1"), 1)
        until(lambda: cores(road) == successor)
