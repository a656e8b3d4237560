"""Where boxes of a service that another plan works at are about to run."""

from __future__ import annotations

import pytest

from orchestr8.boxes.network import NetworkState
from orchestr8.boxes.records import BoxRecord, Records
from orchestr8.boxes.world import ObservedBox, State, World
from orchestr8.isolation.features import Features
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.busy import coming

API, WEB = ServiceName("me", "api"), ServiceName("me", "web")


def world(*states: State) -> World:
    boxes = tuple(
        ObservedBox(BoxId("me", "api", serial), state, None, 0, "default", "key")
        for serial, state in enumerate(states, start=1)
    )
    return World(boxes, (), NetworkState(prepared=True), Features("memory", frozenset()))


def records(*boxes: BoxRecord) -> Records:
    return Records("here", boxes={box.id: box for box in boxes})


def record(name: str, serial: int, slot: int = 0, address: str = "10.0.0.9") -> BoxRecord:
    return BoxRecord(BoxId("me", name, serial), slot, address)


@pytest.mark.parametrize(
    ("there", "state", "expected"),
    [
        pytest.param(record("api", 1), None, ("10.0.0.9",), id="dealt, and not there yet"),
        pytest.param(record("api", 1), State.CREATED, ("10.0.0.9",), id="at its gate"),
        pytest.param(record("api", 1), State.RUNNING, None, id="runs, and is seen itself"),
        pytest.param(record("api", 1), State.STOPPED, None, id="has ended"),
        pytest.param(record("api", 1, STANDBY), None, None, id="a standby to come"),
        pytest.param(record("api", 1, STANDBY), State.CREATED, None, id="a standby"),
        pytest.param(record("api", 1, address=""), None, None, id="without a network"),
        pytest.param(record("web", 1), None, None, id="another service's"),
    ],
)
def test_where_a_box_is_about_to_run(
    there: BoxRecord, state: State | None, expected: tuple[str, ...] | None
) -> None:
    seen = world() if state is None else world(state)
    assert coming({API}, seen, records(there)).get(API) == expected
    assert WEB not in coming({API}, seen, records(there))


def test_all_of_a_service_and_nobody_elses() -> None:
    boxes = (record("api", number, number, f"10.0.0.{number}") for number in (1, 2, 3))
    found = coming({API}, world(State.RUNNING), records(*boxes))
    assert found == {API: ("10.0.0.2", "10.0.0.3")}
    assert coming((), world(), records(record("api", 1))) == {}
