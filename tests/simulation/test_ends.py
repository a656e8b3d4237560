"""What ends by itself ends at its instant, through the loop, in simulated time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.apply import apply_request
from orchestr8.controller.hold import hold
from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Event
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.engines.memory.workload import Workload
from orchestr8.manifest.model import Source
from orchestr8.names import ServiceName
from orchestr8.store.store import Store
from tests.laws.road import RoadSession
from tests.simulation.time import BEGAN_MS, Time
from tests.simulation.world import Silent

MIDNIGHT_SECONDS = 600.0
"""When the day on which a story begins is over."""
DAY_MS = 86_400_000
UNTIL = "2027-01-15"
APP, OTHER = ServiceName("me", "app"), ServiceName("me", "other")
RELAXED = f"{{fs.scratch-exec: /tmp}}, {{user.fixed: 999:999, until: {UNTIL}}}"
MANIFEST = f"""\
orchestr8: 1
owner: me
services:
  app: {{image: "app:1", relax: [{RELAXED}]}}
  other: {{image: "app:1"}}
"""
PLATFORM = "orchestr8: 1\nplatform: {owners: {me: {}}, policy: {on_expiry: %s}}\n"


class Heard(Silent):
    """A log that is kept."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        """Something happened."""
        self.events.append(event)


@dataclass
class Day:
    """A machine that a loop keeps; things happen at times that are given beforehand."""

    folder: Path
    time: Time = field(default_factory=lambda: Time(random.Random(1)))
    heard: Heard = field(default_factory=Heard)
    machine: Machine = field(init=False)
    loop: Loop = field(init=False)
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.time.set_by_ms = DAY_MS - BEGAN_MS % DAY_MS - int(MIDNIGHT_SECONDS * 1000)
        self.machine = Machine(any_image=True, clock=self.time)

    def ask(self, seconds: float, function: Callable[..., object], *words: object) -> None:
        """Somebody asks the loop for something at this time."""

        def ask() -> None:
            self.loop.ask(function, *words)

        self.time.at(seconds, ask)

    def apply(self, seconds: float, set_name: str, text: str) -> None:
        """Somebody applies a manifest."""
        asked = Request((Source(f"{set_name}.yaml", text),), _no_file, set_name)
        self.ask(seconds, apply_request, asked, self.heard, 60_000)

    def until(self, seconds: float) -> None:
        """Lives that long, from the start on."""
        store = Store(self.folder)
        self.session = RoadSession.on(self.folder, store, self.machine, memory_borders)
        self.session.clock = self.time
        self.loop = Loop(self.session, self.heard)
        self.time.at(seconds - self.time.seconds, self.loop.stop)
        try:
            self.loop.run()
        finally:
            store.close()

    def box(self, service: ServiceName = APP) -> SimulatedBox | None:
        """The youngest box of a service that runs."""
        found = [one for one in self.machine.boxes.values()
                 if one.box.id.service_name == service and one.state.runs]  # fmt: skip
        return max(found, key=lambda one: one.box.id.serial, default=None)


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(2, "no file", path)


@pytest.fixture
def day(tmp_path: Path) -> Day:
    """A machine ten minutes before midnight."""
    return Day(tmp_path)


@pytest.mark.parametrize("way", ["keep", "tighten", "stop"])
def test_a_relaxation_ends_at_midnight(day: Day, way: str) -> None:
    day.apply(0, "platform", PLATFORM % way)
    day.apply(1, "default", MANIFEST)
    seen: list[SimulatedBox | None] = []
    other: list[SimulatedBox | None] = []
    for at in (-2, 10):
        day.time.at(MIDNIGHT_SECONDS + at, lambda: seen.append(day.box()))
        day.time.at(MIDNIGHT_SECONDS + at, lambda: other.append(day.box(OTHER)))
    day.until(MIDNIGHT_SECONDS + 20)
    before, after = seen
    assert before
    assert other[0] is other[1] is not None, "nobody else is touched"
    if way == "keep":
        assert after is before
    elif way == "stop":
        assert after is None
    else:
        assert after
        assert after is not before
        assert after.box.spec.profile != before.box.spec.profile
        assert after.started_ms - (after.started_ms // DAY_MS) * DAY_MS < 2_000, "at once"


def test_what_is_kept_beyond_its_end_is_healed(day: Day) -> None:
    day.apply(0, "platform", PLATFORM % "keep")
    day.apply(1, "default", MANIFEST)

    def crash() -> None:
        box = day.box()
        assert box
        day.machine.crash(box.box.id, 1)

    day.time.at(MIDNIGHT_SECONDS + 60, crash)
    day.until(MIDNIGHT_SECONDS + 80)
    healed = day.box()
    assert healed
    assert healed.box.id.serial == 2


def test_a_hold_ends_by_itself_and_what_died_meanwhile_is_healed(day: Day) -> None:
    day.apply(0, "default", MANIFEST)
    ends_ms = day.time.now_ms() + 120_000
    day.ask(20, hold, APP, ends_ms, "somebody looks at it")

    def crash() -> None:
        box = day.box()
        assert box
        day.machine.crash(box.box.id, 1)

    day.time.at(30, crash)
    seen: list[SimulatedBox | None] = []
    day.time.at(118, lambda: seen.append(day.box()))
    day.until(140)
    assert seen == [None]
    healed = day.box()
    assert healed
    assert 0 <= healed.started_ms - ends_ms < 2_000


def test_a_stop_at_the_engine_is_healed_and_no_failure(day: Day) -> None:
    day.apply(0, "default", MANIFEST)
    for at in (20, 30, 40, 50):

        def stop() -> None:
            box = day.box()
            assert box, "it was healed since the last time"
            day.machine.crash(box.box.id, 143, told=True)

        day.time.at(at, stop)
    day.until(60)
    assert day.box()
    with Store(day.folder).writing():
        assert not Store(day.folder).ledger.records().failures


def test_a_crash_loop_rests_although_the_clock_was_set_back(day: Day) -> None:
    day.machine.workloads[str(APP)] = Workload(exits_after_ms=4_000, exit_status=1)
    day.apply(0, "default", MANIFEST)
    made: list[int] = []

    def count() -> None:
        made.append(day.session.store.ledger.records().failures[APP, 0].count)

    def set_back() -> None:
        count()
        day.time.set_by_ms -= 3_600_000

    day.time.at(90, set_back)  # while it rests: a box's own time is this clock
    day.time.at(400, count)
    day.until(401)
    before, after = made
    assert before < after < before + 6


def test_a_broken_claim_replaces_the_box_and_not_endlessly(day: Day) -> None:
    """Whatever box comes, the claim is broken again: replacements back off."""
    day.apply(0, "default", MANIFEST)
    started: list[int] = []

    def lie() -> None:
        box = day.box()
        if box and box.box.id.serial not in started:
            started.append(box.box.id.serial)
            day.machine.lies[box.box.id] = lambda one: replace(one, hostname="elsewhere")
        day.time.at(0.05, lie)

    day.time.at(20, lie)
    day.until(500)
    assert 3 <= len(started) <= 12, started
    assert any(event.kind == "alarm" for event in day.heard.events)
    assert day.box(), "one runs all the same"


def test_a_claim_that_is_broken_everywhere_replaces_nothing(day: Day) -> None:
    day.apply(0, "default", MANIFEST)

    def lie() -> None:
        for box_id in day.machine.boxes:
            day.machine.lies[box_id] = lambda one: replace(one, hostname="elsewhere")

    day.time.at(20, lie)
    day.until(700)
    assert {box_id.serial for box_id in day.machine.boxes} == {1}
    assert sum(event.kind == "alarm" for event in day.heard.events) == 1


def test_a_box_that_falls_ill_is_no_reason_to_touch_another(day: Day) -> None:
    text = MANIFEST.replace(f"relax: [{RELAXED}]", "health: {tcp: 80, every: 1s, within: 5s}")
    day.apply(0, "default", text)

    def fall_ill() -> None:
        box = day.box()
        assert box
        day.machine.boxes[box.box.id] = replace(box, workload=Workload(unhealthy_after_ms=0))

    day.time.at(30, fall_ill)
    day.until(60)
    serials = {one.box.id.service: one.box.id.serial for one in (day.box(), day.box(OTHER)) if one}
    assert serials == {"app": 2, "other": 1}
