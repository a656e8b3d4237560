"""A machine in simulated time on which things go wrong, and a loop that is to keep it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.contract.model import ImageFacts
from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Event
from orchestr8.controller.session import Session
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.engines.memory.workload import Workload
from orchestr8.errors import StoreError
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId
from orchestr8.planning.plan import Action
from tests.laws.road import Killed, RoadSession, Unwatched
from tests.simulation.faults import Storm, StormyMachine, stormy_borders, stormy_store
from tests.simulation.people import People
from tests.simulation.table import (
    DELAYED,
    EVENT,
    FAULTS,
    KILLED_AFTER,
    SURROUNDINGS,
    Cell,
    Met,
    ordered,
)
from tests.simulation.time import Time

STORM_SECONDS = 150.0
STORM_SECONDS_MOST = 900.0
"""When the storm ends although something that was ordered has not gone wrong yet."""
CALM_SECONDS = 650.0
FOLLOWED = 3
"""How many boxes end in the calm whose places standbys take."""
ORDERED_WITHIN_SECONDS = 40.0
ASKED_AT = (0.0, 15.0, 40.0, 70.0, 100.0)
"""When somebody applies a fleet, whatever else happens."""
ASKED_AT_ONCE_AT = (55.0, 120.0)
"""When several people ask at the same time."""
ASKED_AGAIN = 0.5
"""How often an ordered call takes a new fleet to be made."""
PROVOKED_EVERY_SECONDS = 6.0
PROOF = "witness.read"
"""The call that comes by itself, where nothing else is to be done."""
IMAGES = ("x:1", "x:2", "x:3")
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
    is_late: bool = False
    """Whether the call that is made is one whose caller has gone."""
    down_until: float = 0.0
    people: People = field(init=False)
    steps: int = 0
    kills: int = 0
    met: Met = field(default_factory=Counter)
    """What went wrong at which call, and how often."""
    disk_full_until: float = 0.0
    kill_after: str = ""
    """The call after which the process ends, when it comes to that."""
    before: Callable[[str, str], None] = lambda *_: None
    after: Callable[[str, str], None] = lambda *_: None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.time = Time(self.chance)
        self.time.delay = self._delay
        self.machine = StormyMachine(clock=self.time, faults=Storm(self), world=self)
        self._orders = {
            cell: self.chance.random() * ORDERED_WITHIN_SECONDS for cell in ordered(self.seed)
        }
        for reference in IMAGES:
            image_id = f"sha256:{reference.encode().hex():0>64}"
            facts = ImageFacts(reference, image_id, cmd=("/run",), architecture="amd64")
            self.machine.register(facts, present=False)
        for cell, at in self._orders.items():
            self.time.at(at, partial(self._provoke, cell))
        self._add_strangers()
        self.people = People(self.chance)

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
        for at in ASKED_AT:
            self.time.at(at, self._ask)
        for at in ASKED_AT_ONCE_AT:
            self.time.at(at, lambda: self.people.ask_at_once(self.loop))
        for _ in range(self.chance.randint(4, 12)):
            at = self.chance.random() * STORM_SECONDS
            self.time.at(at, self.chance.choice(self._mishaps))
        while not self._is_over:
            self._live()
            self.time.pass_to(self.time.seconds + self.chance.random() * 5)
        self.dead = False

    _is_over = False

    def session(self) -> RoadSession:
        """A fresh process's hold on the state folder and the machine."""
        store = stormy_store(self.folder, self)
        session = RoadSession.on(self.folder, store, self.machine, stormy_borders(self))
        session.clock = self.time
        return session

    def _live(self) -> None:
        """One process from its start to its end."""
        self.dead = False
        try:
            session = self.session()
        except (Killed, StoreError):
            self.kills += self.dead
            return
        try:
            self.loop = self.make_loop(session, Silent())
            self.loop.run()
        except Killed:
            self.kills += 1
        finally:
            self.loop = None
            self.people.died()
            self.time.pending.clear()
            self.machine.hearers.clear()
            self.machine.watched.clear()
            session.store.close()

    def _end(self) -> None:
        self._is_over = True
        if self.loop:
            self.loop.stop()

    def _calm_down(self) -> None:
        """The storm ends once all that was ordered went wrong."""
        if self._orders and self.time.seconds < STORM_SECONDS_MOST:
            self.time.at(PROVOKED_EVERY_SECONDS, self._calm_down)
            return
        self.storm = False
        for _ in range(FOLLOWED):
            self.time.at(self.chance.random() * CALM_SECONDS / 2, self._crash_followed)
        self.time.at(CALM_SECONDS, self._end)

    def _ask(self) -> None:
        """Somebody applies a fleet."""
        self.people.ask(self.loop)

    @property
    def _mishaps(self) -> list[Callable[[], None]]:
        return [
            self._ask, self._crash, self._crash, self._stop_outside, self._take_away,
            self._fall_ill, self._change_limits, self._move, self._flush, self._engine_away,
            self._engine_restarts, self._kill, self._kill, self._set_clock, self._lie,
            self._wake_for_nothing, self._fill_disk, self._prune, self._prune,
        ]  # fmt: skip

    def fate(self, call: str, chances: Mapping[str, float]) -> str:
        """What goes wrong at a call: what was ordered for it, or what chance brings of these; the
        empty text is nothing."""
        if call == self.kill_after:
            self.kill_after = ""
            return KILLED_AFTER
        if not self.storm:
            return ""
        able = {*chances, *SURROUNDINGS} if call != EVENT else {*chances}
        if DELAYED in chances and call != EVENT:
            able = {*chances}
        found = next(
            (
                cell.fault
                for cell, at in self._orders.items()
                if cell.call == call and cell.fault in able and self.time.seconds >= at
            ),
            "",
        )
        if found:
            del self._orders[Cell(call, found)]
        else:
            drawn = self.chance.random()
            for fault, likely in chances.items():
                drawn -= likely
                if drawn < 0:
                    found = fault if call in FAULTS[fault] else ""
                    break
        if found:
            self.met[Cell(call, found)] += 1
        return found

    def befall(self, what: str) -> None:
        """Something happens to the machine in the middle of a call."""
        {
            "engine away": self._engine_away,
            "engine restarts": self._engine_restarts,
            "clock jumps": self._set_clock,
            "disk full": self._fill_disk,
        }[what]()

    @property
    def engine_is_away(self) -> bool:
        """Whether the engine answers nobody."""
        return self.storm and self.time.seconds < self.down_until

    @property
    def disk_is_full(self) -> bool:
        """Whether the store can write nothing."""
        return self.storm and self.time.seconds < self.disk_full_until

    def _delay(self, arguments: tuple[Any, ...]) -> float:
        """Most calls take moments; some that act take as long as a program that does not want to
        end."""
        acts = any(isinstance(one, Action) for one in arguments)
        is_slow = self.storm and acts and self.chance.random() < 0.05
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

    def _crash_followed(self) -> None:
        """A box ends whose place a standby takes at once, if there is one; who lets it do so may be
        killed before that is written down."""
        watched = sorted(one for one in self.machine.watched if one in self.machine.boxes)
        if watched:
            self.kill_after = self.chance.choice(("", "boxes.start"))
            self.machine.crash(self.chance.choice(watched), 1)

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

    def _move(self) -> None:
        box_id = self._some_box()
        if box_id:
            every = self.machine.features.cores
            cores = tuple(sorted(self.chance.sample(every, self.chance.randint(1, len(every)))))
            self.machine.boxes[box_id] = replace(self.machine.boxes[box_id], cores=cores)

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

    def _prune(self) -> None:
        used = {box.box.spec.image for box in self.machine.boxes.values()}
        for reference in self.machine.images.keys() - used:
            del self.machine.images[reference]

    def _change_names(self) -> None:
        box_id = self._some_box()
        if box_id:
            self.machine.boxes[box_id] = replace(self.machine.boxes[box_id], names=())

    def _forget_network(self) -> None:
        self.machine.network_prepared = False
        self.machine.elements.clear()

    def _forget_quotas(self) -> None:
        self.machine.quotas.clear()
        self._crash()

    def _unmount(self) -> None:
        for name, volume in self.machine.volumes.items():
            self.machine.volumes[name] = replace(volume, ready=False)

    def _provoke(self, cell: Cell) -> None:
        """Sees to it that a call that was ordered to go wrong is made."""
        if cell not in self._orders or not self.storm:
            return
        if cell.call != PROOF:
            self._bring_about(cell.call)
        self._wake_for_nothing()
        self.time.at(PROVOKED_EVERY_SECONDS, lambda: self._provoke(cell))

    def _bring_about(self, call: str) -> None:
        {
            "boxes.update": self._change_limits,
            "boxes.set_cores": self._move,
            "boxes.write_names": self._change_names,
            "boxes.stop": self._fall_ill,
            "images.fetch": self._prune,
            "network.prepare": self._forget_network,
            "network.change": self._flush,
            "owners.ensure": self._forget_quotas,
            "volumes.ensure": self._unmount,
        }.get(call, self._crash)()
        if self.chance.random() < ASKED_AGAIN and self.people.all_answered:
            self._ask()

    def _fill_disk(self) -> None:
        self.disk_full_until = self.time.seconds + self.chance.random() * 20

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
