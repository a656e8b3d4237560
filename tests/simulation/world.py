"""A machine in simulated time on which things go wrong, and a loop that is to keep it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.controller.apply import apply_request
from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Event
from orchestr8.controller.session import Session
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.faults import Faults
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.engines.memory.workload import Workload
from orchestr8.engines.protocol import Happened
from orchestr8.errors import Orchestr8Error, RejectedError, UnavailableError
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId
from orchestr8.planning.plan import Action
from orchestr8.store.store import Store
from tests.laws.road import Killed, RoadSession, Unwatched, request
from tests.simulation.fleet import Brief, fixed_parts, fleet
from tests.simulation.time import Time

STORM_SECONDS = 120.0
CALM_SECONDS = 1_000.0
TIMEOUT_MS = 60_000
ACTS = (
    "boxes.create", "boxes.remove", "boxes.start", "boxes.stop", "boxes.update", "network.change",
    "volumes.ensure",
)  # fmt: skip
LoopMaker = Callable[[Session, "Silent"], Loop]


class Silent(Unwatched):
    """Nobody reads the log."""

    def tell(self, event: Event) -> None:
        """Something happened."""


@dataclass
class World:
    """One story: a seed, a machine, a state folder, and the loops that kept it one by one."""

    seed: int
    folder: Path
    make_loop: LoopMaker = Loop
    chance: random.Random = field(init=False)
    time: Time = field(init=False)
    machine: Machine = field(init=False)
    loop: Loop | None = None
    storm: bool = True
    dead: bool = False
    down_until: float = 0.0
    asked: list[Brief] = field(default_factory=list)
    answers: list[Future[Any]] = field(default_factory=list)
    steps: int = 0
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What went wrong at which call, and how often."""
    before: Callable[[str, str], None] = lambda *_: None
    after: Callable[[str, str], None] = lambda *_: None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.time = Time(self.chance)
        self.time.delay = self._delay
        self.machine = _Machine(any_image=True, clock=self.time, faults=_Storm(self), world=self)
        self._add_strangers()
        self._parts = fixed_parts(self.chance)

    def _add_strangers(self) -> None:
        """Boxes that are on the machine, and that no store of ours knows."""
        for slot, name in enumerate((STRANGER, "api")):
            box_id = BoxId("two", name, 900 + slot)
            spec = BoxSpec("sha256:0")
            box = Box(box_id, slot, "default", "another", spec, Limits())
            self.machine.boxes[box_id] = SimulatedBox(box, Workload())

    def tell(self) -> None:
        """The whole story; raises what nobody should have raised."""
        self.time.at(STORM_SECONDS, self._calm_down)
        self.time.at(STORM_SECONDS + CALM_SECONDS, self._end)
        self.time.at(0.0, self._ask)
        for _ in range(self.chance.randint(4, 12)):
            at = self.chance.random() * STORM_SECONDS
            self.time.at(at, self.chance.choice(self._mishaps))
        while not self._is_over:
            self._live()
            self.time.pass_to(self.time.seconds + self.chance.random() * 5)
        self.dead = False
        for answer in self.answers:
            self._require_known(answer)

    _is_over = False

    def session(self) -> RoadSession:
        """A fresh process's hold on the state folder and the machine."""
        session = RoadSession(self.folder, Store(self.folder), self.machine, memory_borders)
        session.clock = self.time
        return session

    def _live(self) -> None:
        """One process from its start to its end."""
        self.dead = False
        session = self.session()
        try:
            self.loop = self.make_loop(session, Silent())
            self.loop.run()
        except Killed:
            self.met["*", "kill"] += 1
        finally:
            self.loop = None
            self.time.pending.clear()
            self.machine.hearers.clear()
            session.store.close()

    def _end(self) -> None:
        self._is_over = True
        if self.loop:
            self.loop.stop()

    def _calm_down(self) -> None:
        self.storm = False

    def _ask(self) -> None:
        """Somebody applies a fleet."""
        brief = fleet(self.chance, self._parts)
        self.asked.append(brief)
        if self.loop:
            self.answers.append(
                self.loop.ask(apply_request, request(brief), Unwatched(), TIMEOUT_MS)
            )

    def _require_known(self, answer: Future[Any]) -> None:
        """Whoever asked got an answer that says what to do."""
        error = answer.exception(0) if answer.done() else None
        assert error is None or isinstance(error, Orchestr8Error | Killed), repr(error)

    @property
    def _mishaps(self) -> list[Callable[[], None]]:
        return [
            self._ask, self._crash, self._crash, self._stop_outside, self._take_away,
            self._fall_ill, self._change_limits, self._flush, self._engine_away,
            self._engine_restarts, self._kill, self._kill, self._set_clock, self._lie,
            self._wake_for_nothing,
        ]  # fmt: skip

    def _delay(self, arguments: tuple[Any, ...]) -> float:
        """Most calls take moments; some that act take as long as a program that does not want to
        end."""
        acts = any(isinstance(one, Action) for one in arguments)
        is_slow = self.storm and self.chance.random() < (0.15 if acts else 0.002)
        return self.chance.random() * 40 if is_slow else 0.0

    def _some_box(self) -> BoxId | None:
        ours = sorted(
            one for one, box in self.machine.boxes.items()
            if box.state.runs and one.service != STRANGER
        )  # fmt: skip
        return self.chance.choice(ours) if ours else None

    def _crash(self) -> None:
        box_id = self._some_box()
        if box_id:
            self.machine.crash(box_id, 1)

    def _stop_outside(self) -> None:
        box_id = self._some_box()
        if box_id:
            self.machine.crash(box_id, told=True)

    def _take_away(self) -> None:
        box_id = self._some_box()
        if box_id:
            del self.machine.boxes[box_id]

    def _fall_ill(self) -> None:
        box_id = self._some_box()
        if box_id:
            ill = Workload(unhealthy_after_ms=0)
            self.machine.boxes[box_id] = replace(self.machine.boxes[box_id], workload=ill)

    def _change_limits(self) -> None:
        box_id = self._some_box()
        if box_id:
            box = self.machine.boxes[box_id]
            limits = replace(box.limits, memory_max_bytes=32 << 20)
            self.machine.boxes[box_id] = replace(box, limits=limits)

    def _flush(self) -> None:
        self.machine.elements.clear()

    def _engine_away(self) -> None:
        self.down_until = self.time.seconds + self.chance.random() * 20

    def _engine_restarts(self) -> None:
        self._engine_away()
        for box_id, box in self.machine.boxes.items():
            if box.state.runs and box_id.service != STRANGER:
                ended = box.ended(self.time.now_ms(), 137)
                self.machine.boxes[box_id] = replace(ended, told_to_end=True)

    def _kill(self) -> None:
        self.dead = True

    def _set_clock(self) -> None:
        self.time.set_by_ms += self.chance.choice((-3_600_000, -5_000, 5_000, 3_600_000))

    def _lie(self) -> None:
        box_id = self._some_box()
        if box_id:
            self.machine.lies[box_id] = lambda reading: replace(reading, hostname="elsewhere")

    def _wake_for_nothing(self) -> None:
        if self.loop:
            self.loop.wake()


STRANGER = "stranger"


class _Machine(Machine):
    """A machine whose events get lost, come late, and come twice."""

    world: World | None = None

    def tell(self, box_id: BoxId) -> None:
        """Whoever listens hears of it, or not."""
        world = self.world
        assert world
        chance = world.chance
        happened = Happened(f"{box_id} ended", box_id)

        def deliver() -> None:
            for heard in list(self.hearers):
                heard(happened)

        if not world.storm:
            deliver()
            return
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            world.time.at(chance.choice((0.0, 0.0, 0.1, 8.0)), deliver)


class _Storm(Faults):
    """Each call may fail before or after its effect, take long, or be the process's last."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @contextmanager
    def during(self, call: str, subject: str = "") -> Iterator[None]:
        """Surrounds one call."""
        world = self._world
        world.steps += 1
        self._require_alive(call)
        fate = world.chance.random() if world.storm else 1.0
        if fate < 0.004:
            world.dead = True
            self._require_alive(call)
        if fate < 0.016 or self._is_away(call):
            self._fail(call, "unavailable", UnavailableError("the engine is away", "wait"))
        if fate < 0.019 and call in ACTS:
            self._fail(call, "rejected", RejectedError("as the seed will have it"))
        world.before(call, subject)
        yield
        world.after(call, subject)
        if fate < 0.024:
            world.dead = True
            self._require_alive(call)
        if fate < 0.034:
            self._fail(call, "answer lost", UnavailableError("the answer was lost", "wait"))
        if fate < 0.05:
            world.met[call, "slow"] += 1
            world.time.pass_to(world.time.seconds + 5)

    def _require_alive(self, call: str) -> None:
        if self._world.dead:
            self._world.met[call, "killed"] += 1
            raise Killed

    def _is_away(self, call: str) -> bool:
        away = self._world.storm and self._world.time.seconds < self._world.down_until
        return away and call.partition(".")[0] in ("boxes", "images", "volumes")

    def _fail(self, call: str, how: str, error: Orchestr8Error) -> None:
        self._world.met[call, how] += 1
        raise error
