"""The loop heals what dies, runs requests between its turns, and ends when it is told to."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.apply import apply_request
from orchestr8.controller.making import down
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.engines.memory.faults import Fault, Faults
from orchestr8.engines.memory.workload import Workload, dies_at_once
from orchestr8.errors import UnavailableError, UsageError
from orchestr8.names import BoxId, ServiceName
from tests.controller.looping import SECONDS_MOST, looping, until
from tests.controller.road import TIMEOUT_MS, Notes, Road, manifest, reader, sources

SHOP = {"shop.yaml": manifest("shop", "front", "api", "cart")}
FRONT, API = ServiceName("shop", "front"), ServiceName("shop", "api")


class Held(Faults):
    """A machine on which one kind of call does not come to its end until it may."""

    def __init__(self, call: str, may_end: threading.Event) -> None:
        super().__init__()
        self._held, self._may_end = call, may_end

    @contextmanager
    def during(self, call: str, subject: str = "") -> Iterator[None]:
        """Surrounds one call."""
        with super().during(call, subject):
            if call == self._held:
                assert self._may_end.wait(SECONDS_MOST)
            yield


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with the shop's images."""
    one = Road(tmp_path)
    for name, mark in (("front", "a"), ("api", "b"), ("cart", "c"), ("bad", "d")):
        one.image(f"{name}:1", mark)
    one.machine.workloads["bad:1"] = dies_at_once()
    return one


def box_of(road: Road, service: str, *, runs: bool = True) -> BoxId | None:
    """The youngest box of a service."""
    there = list(road.machine.boxes.items())  # the loop makes more meanwhile
    found = [one for one, box in there
             if str(one.service_name) == service and box.state.runs is runs]  # fmt: skip
    return max(found, default=None)


def kill(road: Road, service: str) -> BoxId:
    """A box dies by itself; which."""
    box_id = box_of(road, service)
    assert box_id
    road.machine.crash(box_id, 1)
    return box_id


def request(texts: dict[str, str]) -> Request:
    """Manifests as somebody sends them."""
    return Request(sources(texts), reader({}))


def test_it_adopts_what_runs_and_heals_what_died(road: Road) -> None:
    road.apply(SHOP)
    before = road.boxes()
    dead = kill(road, "front.shop")
    with looping(road) as running:
        until(lambda: len(road.boxes()) == 3)
        fresh = box_of(road, "front.shop")
        assert fresh and fresh.serial > dead.serial
        assert road.boxes().keys() - {str(fresh)} == before.keys() - {str(dead)}
        again = kill(road, "api.shop")
        running.loop.wake([API])
        until(lambda: len(road.boxes()) == 3 and box_of(road, "api.shop") != again)
    assert running.told.kinds()[0] == "started"
    assert running.told.kinds()[-1] == "stopped"
    assert len(road.boxes()) == 3


def test_requests_run_on_its_thread_and_answer_whoever_asked(road: Road) -> None:
    def whose(session: Session, words: str) -> tuple[str, str]:
        return session.settings.actor, words

    def wrong(session: Session) -> None:
        raise UsageError("there is no such thing", "look again")

    with looping(road) as running:
        applied = running.loop.call(apply_request, request(SHOP), Notes(), TIMEOUT_MS)
        assert applied.exit == 0
        assert len(road.boxes()) == 3
        assert running.loop.call(whose, "hello") == ("ann", "hello")
        with pytest.raises(UsageError, match="no such thing"):
            running.loop.call(wrong)
        kill(road, "cart.shop")
        running.loop.wake()
        until(lambda: len(road.boxes()) == 3)
        running.loop.call(lambda session: down(session, "default", Notes(), TIMEOUT_MS,
                                               forget=False))  # fmt: skip
        assert road.boxes() == {}
    with pytest.raises(UnavailableError, match="stopping"):
        running.loop.call(whose, "too late")


def test_a_second_writer_is_told_who_makes_the_changes(road: Road) -> None:
    with looping(road) as running:
        until(lambda: "started" in running.told.kinds())
        with pytest.raises(UnavailableError, match="a server is running here") as caught:
            road.apply(SHOP)
        assert "kill" in caught.value.remedy
    assert road.apply(SHOP).exit == 0


def test_a_crash_loop_backs_off_and_slows_nobody(road: Road) -> None:
    road.apply(SHOP)
    road.machine.workloads["api:1"] = replace(dies_at_once(7), log=("no money",))
    with looping(road) as running:
        kill(road, "api.shop")
        running.loop.wake()
        with road.open() as beside:
            until(lambda: beside.store.ledger.records().failures.get((API, 0)) is not None)
            until(lambda: beside.store.ledger.records().failures[API, 0].count >= 4)
            assert beside.store.ledger.last_lines(API, 0) == ("no money",)
        for _ in range(3):
            dead = kill(road, "front.shop")
            running.loop.wake([FRONT])
            until(lambda gone=dead: box_of(road, "front.shop") not in (None, gone))
        started = [subject for call, subject in road.machine.faults.calls if call == "boxes.start"]
        assert sum("--api--" in subject for subject in started) < 10


def test_a_gate_is_left_when_another_box_dies(road: Road) -> None:
    """A box that takes for ever to become healthy does not hold up another's healing."""
    road.apply({"shop.yaml": SHOP["shop.yaml"].replace("every: 100ms", "every: 100ms, within: 1h")})
    road.machine.workloads["cart:1"] = Workload(healthy_after_ms=None)
    with looping(road) as running:
        kill(road, "cart.shop")
        running.loop.wake()
        until(lambda: box_of(road, "cart.shop"))
        dead = kill(road, "front.shop")
        running.loop.wake([FRONT])
        until(lambda: box_of(road, "front.shop") not in (None, dead))
        assert box_of(road, "cart.shop")


def test_a_call_that_takes_long_holds_up_nobody_else(road: Road) -> None:
    """While a box does not want to end for a change, another service is healed."""
    road.apply(SHOP)
    road.image("cart:2", "e")
    may_end = threading.Event()
    road.machine.faults = Held("boxes.stop", may_end)
    with looping(road) as running:
        try:
            after = {"shop.yaml": SHOP["shop.yaml"].replace("cart:1", "cart:2")}
            answer = running.loop.ask(apply_request, request(after), Notes(), TIMEOUT_MS)
            until(lambda: [call for call, _ in road.machine.faults.calls if call == "boxes.stop"])
            dead = kill(road, "front.shop")
            until(lambda: box_of(road, "front.shop") not in (None, dead))
            assert not answer.done()
        finally:
            may_end.set()
        assert answer.result(SECONDS_MOST).exit == 0
        assert len(road.boxes()) == 3


def test_what_an_apply_left_is_finished_and_the_history_says_so(road: Road) -> None:
    may_end = threading.Event()
    road.machine.faults = Held("boxes.start", may_end)
    with looping(road) as running:
        try:
            answer = running.loop.ask(apply_request, request(SHOP), Notes(), TIMEOUT_MS)
            until(lambda: [call for call, _ in road.machine.faults.calls if call == "boxes.start"])
            running.loop.stop()
        finally:
            may_end.set()
        assert answer.result(SECONDS_MOST).ended
    with road.open() as beside:
        documents = beside.store.documents
        assert documents.revision("default", 1).status == "failed"
        with looping(road):
            until(lambda: documents.revision("default", 1).status == "converged")
    assert len(road.boxes()) == 3


def test_what_falls_ill_is_replaced(road: Road) -> None:
    road.apply({"shop.yaml": SHOP["shop.yaml"].replace("every: 100ms", "every: 100ms, within: 1s")})
    ill = box_of(road, "front.shop")
    assert ill
    box = road.machine.boxes[ill]
    road.machine.boxes[ill] = replace(box, workload=Workload(unhealthy_after_ms=0))
    with looping(road):
        until(lambda: ill not in road.machine.boxes)
        until(lambda: len(road.boxes()) == 3)


def test_it_goes_on_where_there_is_no_descriptor_for_a_while(road: Road) -> None:
    road.apply(SHOP)
    with looping(road) as running:
        until(lambda: "started" in running.told.kinds())
        none = OSError(errno.EMFILE, "too many open files")
        road.machine.faults.order(Fault("boxes.observe", none, times=2))
        dead = kill(road, "front.shop")
        running.loop.wake([FRONT])
        until(lambda: len(road.boxes()) == 3 and box_of(road, "front.shop") != dead)
        until(lambda: "over" in running.told.kinds())
    (trouble,) = (one.what for one in running.told.events if one.kind == "trouble")
    assert "no file descriptor left" in trouble
