"""Boxes that wait, on the crun engine: a crash, a change, and applies that are killed."""

from __future__ import annotations

import os
import signal
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.engines.crun import carried
from orchestr8.engines.crun.carried import Carried
from tests.crash.killing import run_killed_at
from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import ROOT, eventually, manifest

pytestmark = pytest.mark.on_engine("crun")

PORT = 18_734


@pytest.fixture(scope="module")
def fleet() -> Iterator[CrunFleet]:
    for made in fresh_crun():
        made.take_images("hello:1")
        yield made


def _hello(standby: int, greeting: str = "hello") -> str:
    return manifest(
        f'  hello: {{image: "hello:1", publish: {{127.0.0.1:{PORT}: 8080}}, standby: {standby}, '
        f'env: {{GREETING: "{greeting}"}}, health: {{http: ":8080/"}}}}\n'
    )


def _boxes(fleet: CrunFleet) -> dict[str, str]:
    """The boxes by id, each with its state."""
    (service,) = fleet.json("status")["services"]
    return {box["id"]: box["state"] for box in service["boxes"]}


def _by_state(fleet: CrunFleet) -> dict[str, str]:
    """The one box of each state."""
    boxes = _boxes(fleet)
    assert len(set(boxes.values())) == len(boxes), boxes
    return {state: box for box, state in boxes.items()}


def _carried(fleet: CrunFleet) -> dict[str, Carried]:
    """What each box carries, by id."""
    kept = (fleet.base / "state" / "crun" / "boxes").glob("*/box.json")
    return {str(held.id): held for held in map(carried.read, kept) if held}


def _crash(fleet: CrunFleet, box: str) -> None:
    """The box's first task is killed by somebody."""
    process = _carried(fleet)[box].process
    assert process
    process.signal(signal.SIGKILL)
    eventually(lambda: _boxes(fleet)[box] == "stopped")


def _answers() -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=30) as page:
        return bool(page.status == 200)


def _nothing_doubled(fleet: CrunFleet, standbys: int) -> None:
    """One box in the slot and so many that wait; and of each the things of exactly one box."""
    states = Counter(_boxes(fleet).values())
    assert states == Counter({"healthy": 1, "standby": standbys})
    boxes, bridge = _carried(fleet), Path(f"/sys/class/net/o8-{fleet.installation[:8]}/brif")
    assert Counter(one.slot for one in boxes.values()) == Counter({0: 1, -1: standbys})
    assert len({one.address for one in boxes.values()}) == len(boxes)
    eventually(lambda: len(list(bridge.iterdir())) == len(boxes))
    assert {one.name for one in fleet.box_folders()} == set(boxes)
    assert fleet.mounts() == []


def test_a_standby_takes_the_place_of_a_box_that_crashed(fleet: CrunFleet) -> None:
    said = fleet.apply_text(_hello(1))
    first = _by_state(fleet)
    assert set(first) == {"healthy", "standby"}, said
    assert "standby, not proved until it runs" in fleet.run("why", "hello.me")
    assert fleet.proved() == 1
    assert _answers()
    assert "nothing to do" in fleet.apply_text(_hello(1))

    _crash(fleet, first["healthy"])
    fleet.run("apply")
    second = _by_state(fleet)
    assert second["healthy"] == first["standby"]
    assert second["standby"] not in first.values()
    assert _answers()
    assert fleet.proved() == 1

    fleet.apply_text(_hello(1, greeting="servus"))
    third = _by_state(fleet)
    assert not set(third.values()) & set(second.values()), "both are new"
    assert all("servus" in one.spec for one in _carried(fleet).values())
    _nothing_doubled(fleet, 1)

    fleet.apply_text(_hello(0, greeting="servus"))
    assert _by_state(fleet) == {"healthy": third["healthy"]}


@pytest.mark.parametrize("number", [90, 170])
def test_the_apply_after_a_kill_doubles_and_leaves_nothing(fleet: CrunFleet, number: int) -> None:
    fleet.apply_text(_hello(1))
    (running,) = (box for box, state in _boxes(fleet).items() if state == "healthy")
    _crash(fleet, running)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-m", "orchestr8", "apply"]
    ending = run_killed_at(number, command, {**fleet.environment, "PYTHONPATH": path})
    assert ending.call, f"an apply makes {ending.calls} calls only"
    fleet.run("apply")
    _nothing_doubled(fleet, 1)
    assert "nothing to do" in fleet.run("apply")
    assert _answers()


def test_nothing_is_left(fleet: CrunFleet) -> None:
    fleet.run("remove")
    assert fleet.box_folders() == []
