"""A box that ends has a successor before anything is looked at, if that is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestr8.boxes.world import State
from orchestr8.controller.keeping import LOOP, Keeper
from orchestr8.controller.reflex import Reflex
from orchestr8.controller.session import Session
from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.protocol import Standbys
from orchestr8.errors import UnavailableError
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.backoff import FREE_FAILURES
from tests.controller.looping import Told, looping, until
from tests.controller.road import Road

API = ServiceName("shop", "api")
FIRST, WAITING, NEXT = (BoxId("shop", "api", serial) for serial in (1, 2, 3))
ALONE = "api standby: 1, image: api:1, connects: [db:5432]"
FRESH = "api image: api:1, connects: [db:5432]"


@dataclass
class Resting:
    """A loop's parts between two turns, and the ends of boxes that were told."""

    road: Road
    session: Session
    keeper: Keeper
    reflex: Reflex
    told: Told
    ended: list[BoxId] = field(default_factory=list)

    def turns(self) -> None:
        """Turns until there is nothing to do; then it rests."""
        is_over = False
        while not is_over:
            cycle, _ = self.keeper.turn()
            self.reflex.tell_what_works(cycle)
            is_over = cycle.plan.empty
        self.reflex.rest(cycle)

    def look(self) -> None:
        """What the end of a box causes by itself."""
        self.ended.clear()
        self.reflex.stir()
        self.keeper.sight.doubt([API])
        self.turns()

    def crash(self, box_id: BoxId = FIRST) -> bool:
        """A box dies; whether a standby took its place at once."""
        self.road.machine.crash(box_id, 1)
        return self.reflex.ended(self.ended)

    def seen(self) -> dict[int, tuple[State, int]]:
        """The state and slot of each box of the service, by serial."""
        boxes = self.road.machine.boxes
        return {
            one.serial: (box.state, box.box.slot)
            for one, box in sorted(boxes.items())
            if one.service_name == API
        }


def told_of(told: Told, box_id: BoxId, phase: str) -> int:
    """How often it was told that a box came through a phase."""
    ends = [one for one in told.phases if one.milliseconds is not None and not one.failed]
    return sum((one.box, one.phase) == (box_id, phase) for one in ends)


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with images for a service and its database."""
    one = Road(tmp_path)
    one.image("api:1", "a")
    one.image("db:1", "b")
    return one


@contextmanager
def resting(road: Road, api: str = ALONE) -> Iterator[Resting]:
    """A machine at rest that somebody keeps."""
    road.apply({"shop.yaml": _shop(api)})
    with road.open() as session, session.serving():
        told, ended = Told(), list[BoxId]()
        keeper = Keeper(session, told)
        reflex = Reflex(session, keeper.narrator, LOOP, ended.append)
        rest = Resting(road, session, keeper, reflex, told, ended)
        rest.turns()
        yield rest


def _shop(api: str) -> str:
    name, _, fields = api.partition(" ")
    health = "" if "once" in fields else ", health: {tcp: 80, every: 100ms}"
    lines = [f"  {name}: {{{fields}{health}}}"]
    lines += ["  db: {image: db:1, accepts: [api:5432], health: {tcp: 5432, every: 100ms}}"]
    return "orchestr8: 1\nowner: shop\nservices:\n" + "\n".join(lines) + "\n"


def test_it_takes_the_slot_with_its_links_open_and_the_rest_follows(road: Road) -> None:
    with resting(road) as rest:
        assert rest.seen() == {1: (State.RUNNING, 0), 2: (State.CREATED, STANDBY)}
        road.machine.faults.calls.clear()
        assert rest.crash()
        acted = [call for call, _ in road.machine.faults.calls]
        assert acted == ["network.change", "boxes.start"]
        assert rest.seen() == {1: (State.STOPPED, 0), 2: (State.RUNNING, 0)}
        store = rest.session.store
        assert store.ledger.records().boxes[WAITING].slot == 0
        assert not store.journal.under_way()
        assert store.journal.newest("start", str(WAITING))
        rest.look()
        assert rest.seen() == {2: (State.RUNNING, 0), 3: (State.CREATED, STANDBY)}
        assert store.ledger.failures()[API, 0].count == 1


@pytest.mark.parametrize("api", [ALONE, FRESH], ids=["a standby", "a fresh box"])
def test_once_it_works_that_is_told_as_of_any_other(road: Road, api: str) -> None:
    with resting(road, api) as rest:
        assert rest.crash()
        begun = max(rest.road.machine.boxes, key=lambda one: (one.service == "api", one.serial))
        assert told_of(rest.told, begun, "start")
        rest.look()
        assert told_of(rest.told, begun, "healthy") == 1
        rest.look()
        assert told_of(rest.told, begun, "healthy") == 1


def test_of_one_that_did_not_work_it_is_not_told(road: Road) -> None:
    with resting(road, FRESH) as rest:
        assert rest.crash()
        rest.road.machine.crash(WAITING, 1)
        rest.look()
        assert told_of(rest.told, WAITING, "healthy") == 0
        assert told_of(rest.told, NEXT, "healthy") == 1


def test_a_fresh_box_takes_the_slot_where_nobody_waits(road: Road) -> None:
    with resting(road, FRESH) as rest:
        road.machine.faults.calls.clear()
        assert rest.crash()
        acted = [call for call, _ in road.machine.faults.calls]
        assert acted == ["network.change", "boxes.create", "boxes.start"]
        assert rest.seen() == {1: (State.STOPPED, 0), 2: (State.RUNNING, 0)}
        store = rest.session.store
        assert store.ledger.records().boxes[WAITING].slot == 0
        assert store.ledger.records().services[API].serial_last == 2
        assert not store.journal.under_way()
        assert [store.journal.newest(kind, str(WAITING)) for kind in ("create", "start")]
        rest.look()
        assert rest.seen() == {2: (State.RUNNING, 0)}
        assert store.ledger.failures()[API, 0].count == 1


def test_boxes_that_end_together_are_succeeded_together(road: Road) -> None:
    with resting(road, FRESH) as rest:
        road.machine.crash(BoxId("shop", "db", 1), 1)
        assert rest.crash()
        running = {one for one, box in road.machine.boxes.items() if box.state.runs}
        assert running == {WAITING, BoxId("shop", "db", 2)}


def test_a_fresh_box_that_cannot_be_made_is_left_to_the_next_look(road: Road) -> None:
    with resting(road, FRESH) as rest:
        away = UnavailableError("the engine is away")
        road.machine.faults.order(Fault("boxes.create", away, times=1))
        rest.crash()
        assert not rest.session.store.journal.under_way()
        rest.look()
        assert [state for state, _ in rest.seen().values()] == [State.RUNNING]


@pytest.mark.parametrize("api", [ALONE, FRESH])
def test_a_crash_loop_waits_as_any_other(road: Road, api: str) -> None:
    with resting(road, api) as rest:
        for serial in range(1, FREE_FAILURES + 1):
            assert rest.crash(BoxId("shop", "api", serial))
            rest.look()
        last = FREE_FAILURES + 1
        assert not rest.crash(BoxId("shop", "api", last))
        assert rest.seen().get(last + 1) == ((State.CREATED, STANDBY) if api == ALONE else None)


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(f"{ALONE}, replicas: 2", id="others serve meanwhile"),
        pytest.param("api image: api:1, run: once", id="a job may be done"),
    ],
)
def test_others_are_left_to_the_next_look(road: Road, api: str) -> None:
    with resting(road, api) as rest:
        before = rest.seen()
        assert not rest.crash()
        assert rest.seen() == {**before, 1: (State.STOPPED, 0)}


def test_it_acts_upon_nothing_but_what_was_seen_at_rest(road: Road) -> None:
    with resting(road) as rest:
        rest.reflex.stir()
        assert not rest.crash()
        assert rest.seen()[2] == (State.CREATED, STANDBY)


def test_what_cannot_be_done_is_left_to_the_next_look(road: Road) -> None:
    with resting(road) as rest:
        away = UnavailableError("the engine is away")
        road.machine.faults.order(Fault("boxes.start", away, times=1))
        assert not rest.crash()
        rest.look()
        assert (State.RUNNING, 0) in rest.seen().values()


def test_a_slot_that_was_taken_by_who_was_killed_then_is_written_down(road: Road) -> None:
    with resting(road) as rest:
        road.machine.crash(FIRST, 1)
        boxes = rest.session.borders.boxes
        assert isinstance(boxes, Standbys)
        boxes.take(WAITING, 0)
    with road.open() as session:
        assert session.store.ledger.records().boxes[WAITING].slot == STANDBY
    road.apply({"shop.yaml": _shop(ALONE)})
    with road.open() as session:
        assert session.store.ledger.records().boxes[WAITING].slot == 0
    assert set(road.machine.boxes) >= {WAITING, NEXT}


def test_a_loop_at_rest_has_it(road: Road) -> None:
    road.apply({"shop.yaml": _shop(ALONE)})
    with looping(road) as running:
        until(lambda: FIRST in road.machine.watched)
        road.machine.crash(FIRST, 1)
        until(lambda: NEXT in road.machine.boxes and FIRST not in road.machine.boxes)
        until(lambda: told_of(running.told, WAITING, "healthy"))
    assert road.machine.boxes[WAITING].state is State.RUNNING
    assert not road.machine.watched
