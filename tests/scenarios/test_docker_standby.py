"""Boxes that wait, on Docker: created containers that take the place of one that crashed."""

from __future__ import annotations

import os
import shutil
import signal
import urllib.request
from collections import Counter

from tests.scenarios.fleet import Fleet, eventually, manifest

PORT = 18_735


def _hello(standby: int, greeting: str = "hello", memory: str = "32MiB") -> str:
    return manifest(
        f'  hello: {{image: "hello:1", publish: {{127.0.0.1:{PORT}: 8080}}, standby: {standby}, '
        f'env: {{GREETING: "{greeting}"}}, health: {{http: ":8080/"}}, '
        f"limits: {{memory: {memory}}}}}\n"
    )


def _by_state(fleet: Fleet) -> dict[str, str]:
    """The one box of each state."""
    (service,) = fleet.json("status")["services"]
    boxes = {box["state"]: box["id"] for box in service["boxes"]}
    assert len(boxes) == len(service["boxes"]), boxes
    return boxes


def _crash(fleet: Fleet, box: str) -> None:
    """The box's first task is killed by somebody."""
    os.kill(fleet.client.inspect_container(box)["State"]["Pid"], signal.SIGKILL)
    eventually(lambda: not fleet.client.inspect_container(box)["State"]["Running"])


def _memory(fleet: Fleet, box: str) -> int:
    return int(fleet.client.inspect_container(box)["HostConfig"]["Memory"])


def _answers() -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=30) as page:
        return bool(page.status == 200)


def test_a_standby_takes_the_place_of_a_box_that_crashed(fleet: Fleet) -> None:
    said = fleet.apply_text(_hello(1))
    first = _by_state(fleet)
    assert set(first) == {"healthy", "standby"}, said
    assert "standby, not proved until it runs" in fleet.run("why", "hello.me")
    assert fleet.proved() == 1
    assert "nothing to do" in fleet.apply_text(_hello(1))

    fleet.apply_text(_hello(1, memory="48MiB"))
    assert _by_state(fleet) == first, "both stay"
    assert {_memory(fleet, box) for box in first.values()} == {48 << 20}

    _crash(fleet, first["healthy"])
    fleet.run("apply")
    second = _by_state(fleet)
    assert second["healthy"] == first["standby"]
    assert second["standby"] not in first.values()
    assert _answers()
    assert fleet.proved() == 1
    assert "nothing to do" in fleet.run("apply")

    fleet.apply_text(_hello(1, "servus", "48MiB"))
    third = _by_state(fleet)
    assert not set(third.values()) & set(second.values()), "both are new"
    assert Counter(one["State"]["Status"] for one in fleet.containers()) == Counter(
        running=1, created=1
    )
    fleet.apply_text(_hello(0, "servus", "48MiB"))
    assert _by_state(fleet) == {"healthy": third["healthy"]}


def test_boxes_whose_files_went_with_a_reboot_are_made_anew(fleet: Fleet) -> None:
    fleet.apply_text(_hello(1))
    first = _by_state(fleet)
    _crash(fleet, first["healthy"])
    fleet.run("apply")  # the standby runs, and another waits
    before = _by_state(fleet)
    _crash(fleet, before["healthy"])
    staged = fleet.run_folder / fleet.installation / "boxes"
    for box in before.values():
        shutil.rmtree(staged / box)
    fleet.run("apply", "--wait")
    after = _by_state(fleet)
    assert set(after) == {"healthy", "standby"}
    assert not set(after.values()) & set(before.values()), "nothing of these can start"
    assert _answers()
    assert fleet.proved() == 1


def test_the_standby_of_a_lost_store_is_taken_over(fleet: Fleet) -> None:
    fleet.apply_text(_hello(1))
    _crash(fleet, _by_state(fleet)["healthy"])
    fleet.run("apply")
    before, installation = _by_state(fleet), fleet.installation
    shutil.rmtree(fleet.base / "state")
    fleet.run("adopt", "--installation", installation)
    assert "nothing to do" in fleet.apply_text(_hello(1))
    assert _by_state(fleet) == before
    assert fleet.proved() == 1
