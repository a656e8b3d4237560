"""A box has a core for itself while others share the rest, whatever somebody does to its group."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import manifest

pytestmark = pytest.mark.on_engine("crun")

WEB = "  web: {image: 'hello:1', replicas: 2}\n"
WORKER = "  worker: {image: 'hello:1', limits: {cpu: {dedicated: 1}}}\n"


@pytest.fixture
def fleet() -> Iterator[CrunFleet]:
    for made in fresh_crun():
        made.take_images("hello:1")
        yield made


def cores(fleet: CrunFleet) -> dict[str, tuple[int, ...]]:
    """On which cores the boxes are that are not on all."""
    services = fleet.json("status")["services"]
    return {box["id"]: tuple(box["cores"]) for one in services for box in one["boxes"]}


def test_others_leave_a_core_before_its_box_comes_and_come_back_after(fleet: CrunFleet) -> None:
    fleet.run("apply", "-", "--set", "shop", stdin=manifest(WEB))
    assert set(cores(fleet).values()) == {()}

    fleet.run("apply", "-", "--set", "shop", stdin=manifest(WEB + WORKER))

    dealt = cores(fleet)
    (own,) = dealt["me--worker--1"]
    shared = dealt["me--web--1"]
    assert shared and own not in shared
    assert dealt == {"me--web--1": shared, "me--web--2": shared, "me--worker--1": (own,)}
    assert fleet.proved() == 3
    assert "nothing to do" in fleet.run("apply", "-", "--set", "shop", stdin=manifest(WEB + WORKER))

    (file,) = fleet.control_files("me/me--web--1/cpuset.cpus")
    file.write_text(str(own))
    assert f"me--web--1 runs on {own}" in fleet.run("prove", "worker.me", exit_status=6)
    fleet.run("apply")
    assert cores(fleet) == dealt
    assert fleet.proved() == 3

    fleet.run("apply", "-", "--set", "shop", stdin=manifest(WEB))
    assert cores(fleet) == {"me--web--1": (), "me--web--2": ()}
    fleet.run("remove", "--set", "shop")
    assert fleet.control_files("me/*/cpuset.cpus") == []
