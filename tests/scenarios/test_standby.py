"""Boxes that wait, on crun and as Docker's created containers: a crash, a change, a reboot, a lost
store, and applies that are killed."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.killing import run_killed_at
from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import ROOT, Fleet, Home, eventually, manifest, page

PORT = 18_734


@pytest.fixture(scope="module")
def crun_fleet() -> Iterator[CrunFleet]:
    for made in fresh_crun():
        made.take_images("hello:1")
        yield made


def _hello(standby: int, greeting: str = "hello", memory: str = "32MiB") -> str:
    return manifest(
        f'  hello: {{image: "hello:1", publish: {{127.0.0.1:{PORT}: 8080}}, standby: {standby}, '
        f'env: {{GREETING: "{greeting}"}}, health: {{http: ":8080/"}}, '
        f"limits: {{memory: {memory}}}}}\n"
    )


def _by_state(home: Home) -> dict[str, str]:
    """The one box of each state."""
    boxes = home.boxes()
    assert len(set(boxes.values())) == len(boxes), boxes
    return {state: box for box, state in boxes.items()}


def _nothing_doubled(fleet: CrunFleet) -> None:
    """One box in the slot and one that waits; and of each the things of exactly one box."""
    assert set(_by_state(fleet)) == {"healthy", "standby"}
    boxes, bridge = fleet.carried(), Path(f"/sys/class/net/o8-{fleet.installation[:8]}/brif")
    assert Counter(one.slot for one in boxes.values()) == Counter({0: 1, -1: 1})
    assert len({one.address for one in boxes.values()}) == len(boxes)
    eventually(lambda: len(list(bridge.iterdir())) == len(boxes))
    assert {one.name for one in fleet.box_folders()} == set(boxes)
    assert fleet.mounts() == []


def _crash_and_change(home: Home) -> None:
    """A standby takes the place of a box that crashed; both change in place, and are replaced."""
    said = home.apply_text(_hello(1))
    first = _by_state(home)
    assert set(first) == {"healthy", "standby"}, said
    assert "standby, not proved until it runs" in home.run("why", "hello.me")
    assert home.proved() == 1
    assert page(PORT)
    assert "nothing to do" in home.apply_text(_hello(1))

    home.apply_text(_hello(1, memory="48MiB"))
    assert _by_state(home) == first, "both stay"
    assert {home.memory_max_bytes(box) for box in first.values()} == {48 << 20}

    home.crash(first["healthy"])
    home.run("apply")
    second = _by_state(home)
    assert second["healthy"] == first["standby"]
    assert second["standby"] not in first.values()
    assert page(PORT)
    assert home.proved() == 1
    assert "nothing to do" in home.run("apply")

    home.apply_text(_hello(1, "servus", "48MiB"))
    third = _by_state(home)
    assert set(third) == {"healthy", "standby"}
    assert not set(third.values()) & set(second.values()), "both are new"


def _end_the_standby(home: Home) -> None:
    before = _by_state(home)
    home.apply_text(_hello(0, "servus", "48MiB"))
    assert _by_state(home) == {"healthy": before["healthy"]}


def test_on_docker_a_standby_takes_the_place_of_a_box_that_crashed(fleet: Fleet) -> None:
    _crash_and_change(fleet)
    states = [one["State"]["Status"] for one in fleet.containers()]
    assert sorted(states) == ["created", "running"]
    _end_the_standby(fleet)


@pytest.mark.on_engine("crun")
def test_on_crun_a_standby_takes_the_place_of_a_box_that_crashed(crun_fleet: CrunFleet) -> None:
    _crash_and_change(crun_fleet)
    assert all("servus" in one.spec for one in crun_fleet.carried().values())
    _nothing_doubled(crun_fleet)
    _end_the_standby(crun_fleet)


@pytest.mark.on_engine("crun")
@pytest.mark.parametrize("number", [90, 170])
def test_the_apply_after_a_kill_doubles_and_leaves_nothing(
    crun_fleet: CrunFleet, number: int
) -> None:
    crun_fleet.apply_text(_hello(1))
    crun_fleet.crash(_by_state(crun_fleet)["healthy"])
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, "-m", "orchestr8", "apply"]
    ending = run_killed_at(number, command, {**crun_fleet.environment, "PYTHONPATH": path})
    assert ending.call, f"an apply makes {ending.calls} calls only"
    crun_fleet.run("apply")
    _nothing_doubled(crun_fleet)
    assert "nothing to do" in crun_fleet.run("apply")
    assert page(PORT)


@pytest.mark.on_engine("crun")
def test_on_crun_nothing_is_left(crun_fleet: CrunFleet) -> None:
    crun_fleet.run("remove")
    assert crun_fleet.box_folders() == []


def test_on_docker_boxes_whose_files_went_with_a_reboot_are_made_anew(fleet: Fleet) -> None:
    fleet.apply_text(_hello(1))
    fleet.crash(_by_state(fleet)["healthy"])
    fleet.run("apply")  # the standby runs, and another waits
    before = _by_state(fleet)
    fleet.crash(before["healthy"])
    staged = fleet.run_folder / fleet.installation / "boxes"
    for box in before.values():
        shutil.rmtree(staged / box)
    fleet.run("apply", "--wait")
    after = _by_state(fleet)
    assert set(after) == {"healthy", "standby"}
    assert not set(after.values()) & set(before.values()), "nothing of these can start"
    assert page(PORT)
    assert fleet.proved() == 1


def test_on_docker_the_standby_of_a_lost_store_is_taken_over(fleet: Fleet) -> None:
    fleet.apply_text(_hello(1))
    fleet.crash(_by_state(fleet)["healthy"])
    fleet.run("apply")
    before, installation = _by_state(fleet), fleet.installation
    shutil.rmtree(fleet.base / "state")
    fleet.run("adopt", "--installation", installation)
    assert "nothing to do" in fleet.apply_text(_hello(1))
    assert _by_state(fleet) == before
    assert fleet.proved() == 1
