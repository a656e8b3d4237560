"""Cores of one box alone: dealt out, shown, changed by hand, and given back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.names import BoxId
from tests.cli.shell import Shell

SHARED = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", replicas: 2, health: {tcp: 80}}
"""
WORKER = '  worker: {image: "worker:1", health: {tcp: 81}, limits: {cpu: {dedicated: 1}}}\n'


def cores(shell: Shell) -> dict[str, tuple[int, ...]]:
    """On which cores the boxes that run are; none is every one."""
    boxes = shell.machine.boxes
    return {str(one): box.cores for one, box in sorted(boxes.items()) if box.state.runs}


@pytest.fixture
def dealt(shell: Shell) -> Shell:
    """A box with a core of its own beside two others."""
    shell.apply(SHARED)
    shell.apply(SHARED + WORKER)
    return shell


def test_others_leave_the_cores_of_a_box_and_come_back(dealt: Shell) -> None:
    assert cores(dealt) == {
        "me--web--1": (0, 1, 2), "me--web--2": (0, 1, 2), "me--worker--1": (3,),
    }  # fmt: skip
    assert "nothing to do" in dealt.type("apply fleet.yaml").output
    dealt.apply(SHARED)
    assert set(cores(dealt)) == {"me--web--1", "me--web--2", "me--worker--1"}
    dealt.apply(SHARED + WORKER.replace("{dedicated: 1}", "1"))
    assert set(cores(dealt).values()) == {()}


def test_it_is_said_before_and_after(shell: Shell) -> None:
    shell.apply(SHARED)
    shell.write("fleet.yaml", SHARED + WORKER)
    planned = shell.type("plan fleet.yaml").output
    assert "a fresh box, alone on core 3" in planned
    assert "for 0.worker.me alone" in planned
    assert "everybody else 0-3 -> 0-2" in planned
    shell.type("apply fleet.yaml")
    assert "     alone on core 3" in shell.type("why worker.me").output
    assert "     on cores 0-2, beside others" in shell.type("why web.me").output
    assert "0.worker.me is alone on core 3" in shell.type("top --once").output
    (worker,) = shell.type("status worker.me --output json").document["services"]
    assert worker["boxes"][0]["cores"] == [3] and worker["boxes"][0]["cores_alone"]
    assert "set cores" in shell.type("history --journal").output


def test_it_is_proved(dealt: Shell) -> None:
    told = dealt.type("prove worker.me").output
    assert "its dedicated cores are shared with" in told
    box_id = BoxId.parse("me--web--1")
    dealt.machine.boxes[box_id] = replace(dealt.machine.boxes[box_id], cores=(2, 3))
    told = dealt.type("prove worker.me", status=6).output
    assert "me--web--1 runs on 3" in told
    dealt.type("apply")
    dealt.type("prove worker.me")


def test_how_many_is_set_by_hand(dealt: Shell) -> None:
    said = dealt.type("set worker.me limits.cpu.dedicated=2").output
    assert "limits.cpu.dedicated 2 (its manifest says 1)" in said
    assert cores(dealt)["me--worker--1"] == (2, 3)
    assert dealt.machine.boxes[BoxId.parse("me--worker--1")].limits.cpu_max_millicores == 2_000
    dealt.type("set worker.me --end")
    assert cores(dealt)["me--worker--1"] == (3,)


def test_they_take_the_place_of_a_maximum_in_the_text(shell: Shell) -> None:
    shell.apply(SHARED + WORKER.replace("{dedicated: 1}", "0.5"))
    shell.type("set worker.me limits.cpu.dedicated=1")
    assert cores(shell)["me--worker--1"] == (3,)
    assert shell.machine.boxes[BoxId.parse("me--worker--1")].limits.cpu_max_millicores == 1_000


def test_what_there_is_not_is_refused_at_its_place(shell: Shell) -> None:
    said = shell.apply(SHARED + WORKER.replace("dedicated: 1", "dedicated: 4"), status=2).errors
    assert "limits.cpu.dedicated 4: this machine has 4 cores, and one stays" in said
    assert "fleet.yaml:5:65" in said
    assert "ask for at most 3" in said


def test_a_plan_that_was_written_down_is_carried_out(shell: Shell) -> None:
    shell.apply(SHARED)
    shell.write("fleet.yaml", SHARED + WORKER)
    shell.type("plan fleet.yaml --out plan.json")
    document = shell.type("plan fleet.yaml --output json").document
    (line,) = [one for one in document["upkeep"] if one["subject"] == "cores"]
    assert line["changes"][0]["after"] == "0-2"
    shell.type("apply plan.json")
    assert cores(shell)["me--worker--1"] == (3,)
