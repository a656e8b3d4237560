"""What must be so at each step of a story, looked up on the machine; and what at its end."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from orchestr8.boxes.network import Door
from orchestr8.boxes.world import State
from orchestr8.controller.cycle import walk
from orchestr8.controller.request import aim_in_force
from orchestr8.engines.memory.machine import SimulatedBox
from orchestr8.names import STANDBY, BoxId
from orchestr8.planning.show import plan_text
from tests.laws.road import SET
from tests.simulation.cores import MOVES, Cores
from tests.simulation.fleet import Brief, has_cores
from tests.simulation.world import World


@lru_cache(maxsize=64)
def _replicas(text: str) -> Mapping[str, int]:
    """How many boxes each service of a manifest has."""
    services = yaml.load(text, yaml.CSafeLoader)["services"]
    return {name: words["replicas"] for name, words in services.items()}


@dataclass
class Invariants:
    """Looks on from the first call to the last; a broken one ends the story."""

    world: World
    strangers: dict[BoxId, SimulatedBox] = field(init=False)
    worked: set[BoxId] = field(default_factory=set)
    """Boxes that were healthy at some time."""
    shown: dict[BoxId, SimulatedBox] = field(default_factory=dict)
    """Boxes that ran when somebody looked last: an answer may be on its way for a while."""
    removed: set[str] = field(default_factory=set)
    cores: Cores = field(init=False)

    def __post_init__(self) -> None:
        self.strangers = dict(self.world.machine.boxes)
        self.cores = Cores(self.world.machine, lambda name: has_cores(self._words(name)))
        self.world.before, self.world.after = self._before, self._after

    def _before(self, call: str, subject: str) -> None:
        if call in MOVES:
            self.cores.before()
        if call == "boxes.stop" and not self.world.is_late:
            self._keeps_what_works(BoxId.parse(subject))
        if call == "boxes.create":
            self._has_a_contract(subject)

    def _after(self, call: str, subject: str) -> None:
        if call == "boxes.remove":
            self.removed.add(subject)
        if call in MOVES:
            self.cores.after(call, subject, is_late=self.world.is_late)
        if not call.startswith("boxes."):
            return
        machine = self.world.machine
        if call == "boxes.observe":
            self.shown = {one: box for one, box in machine.boxes.items() if box.state.runs}
        self.worked.update(
            one for one, box in machine.boxes.items() if box.state.runs and self._healthy(box)
        )
        for box_id, box in self.strangers.items():
            assert machine.boxes.get(box_id) is box, f"{box_id} is nobody's of ours: {call}"
        self._keeps_slots(f"{call} {subject}")

    def _keeps_slots(self, at: str) -> None:
        """Never two boxes in a slot beyond what its order of replacement allows."""
        running = [
            box.box for one, box in self.world.machine.boxes.items()
            if box.state.runs and one not in self.strangers
        ]  # fmt: skip
        slots = Counter((box.id.service_name, box.slot) for box in running)
        for (name, slot), count in slots.items():
            most = 1 if self._is_alone(str(name)) else 2
            assert count <= most, f"{count} boxes in slot {slot} of {name} after {at}"

    def _keeps_what_works(self, box_id: BoxId) -> None:
        """Never a healthy box released before another one of its slot was healthy."""
        box = self.world.machine.boxes.get(box_id)
        name = str(box_id.service_name)
        if not box or not box.state.runs or not self._healthy(box) or self._is_alone(name):
            return
        if box.box.slot >= self._wanted(box_id):
            return
        others = [
            one for one, other in {**self.world.machine.boxes, **self.shown}.items()
            if one != box_id and one.service_name == box_id.service_name
            and other.box.slot == box.box.slot and other.state.runs and one in self.worked
        ]  # fmt: skip
        assert others, f"{box_id} works, and is ended before another one of its slot works"

    def _has_a_contract(self, subject: str) -> None:
        """Never a box that nobody wrote down before, or whose name was used up."""
        assert subject not in self.removed, f"{subject} comes back from the dead"
        known = self._stored("SELECT 1 FROM boxes WHERE id=?", subject)
        assert known, f"{subject} is made, and nobody wrote it down"

    def _wanted(self, box_id: BoxId) -> int:
        """How many boxes its service shall have, as the store has it: by the newest revision, or by
        the older one to which it went back."""
        newest = self._stored("SELECT MAX(number) FROM revisions WHERE set_name=?", SET)
        held = self._stored(
            "SELECT held_revision FROM services WHERE owner=? AND service=? AND held_revision>0",
            box_id.owner, box_id.service,
        )  # fmt: skip
        found = [self._declared(box_id, number) for (number,) in (*newest, *held)]
        return found[-1] if found[0] else 0

    def _declared(self, box_id: BoxId, number: int) -> int:
        texts = self._stored(
            "SELECT text FROM documents WHERE set_name=? AND number=? AND name=?",
            SET, number, f"{box_id.owner}.yaml",
        )  # fmt: skip
        return sum(_replicas(text).get(box_id.service, 0) for (text,) in texts)

    def _stored(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(
            sqlite3.connect(f"file:{self.world.folder}/orchestr8.db?mode=ro", uri=True)
        ) as store:
            return store.execute(query, values).fetchall()

    def _is_alone(self, name: str) -> bool:
        words = self._words(name)
        return bool(words) and words.get("update", {}).get("order") != "start-first"

    def _words(self, name: str) -> Brief:
        """What was first declared of a service, of which much stays through a story."""
        services = (brief["services"] for brief in self.world.people.asked)
        return next((words[name] for words in services if name in words), {})

    def _healthy(self, box: SimulatedBox) -> bool:
        return box.workload.healthy(self.world.time.now_ms() - box.started_ms)

    def at_the_end(self) -> None:
        """All is as the store says, on the machine itself; and nothing is left to do."""
        session = self.world.session()
        try:
            self.world.people.at_the_end(session.store)
            cycle = walk(session, aim_in_force(session))
            declared = {
                str(name): service for name, service in session.stored.standing().services().items()
            }
        finally:
            session.store.close()
        assert not cycle.plan.steps, plan_text(cycle.plan)
        assert cycle.plan.empty, cycle.plan.actions
        boxes = [box for one, box in self.world.machine.boxes.items() if one not in self.strangers]
        slots = Counter((str(box.box.id.service_name), box.box.slot) for box in boxes)
        wanted = {(name, slot): 1 for name, service in declared.items()
                  for slot in range(service.replicas)}  # fmt: skip
        wanted |= {(name, STANDBY): service.standby for name, service in declared.items()
                   if service.standby and service.replicas}  # fmt: skip
        assert slots == wanted
        for box in boxes:
            service = declared[str(box.box.id.service_name)]
            if box.box.slot == STANDBY:
                assert box.state is State.CREATED, box.box.id
            else:
                assert box.state is State.RUNNING and self._healthy(box), box.box.id
            assert box.box.spec.image == service.image
            if service.limits.memory_max_bytes:
                assert box.limits.memory_max_bytes == service.limits.memory_max_bytes
        self.cores.at_the_end(boxes, {
            name: service.limits.dedicated_cores for name, service in declared.items()
        })  # fmt: skip
        doors = [one for one in self.world.machine.elements if isinstance(one, Door)]
        assert sorted(len(door.backends) for door in doors) == sorted(
            service.replicas for service in declared.values() if service.publish
        )
