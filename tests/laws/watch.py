"""Looks at the machine before and after each call, and says what should never have been so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from orchestr8.engines.memory.machine import SimulatedBox
from orchestr8.names import BoxId, ServiceName
from tests.laws.road import Brief, Road

Place = tuple[ServiceName, int]
"""A service and a slot of it."""


@dataclass
class Watch:
    """What is seen while commands run; `briefs` are the declarations that may be in force."""

    road: Road
    briefs: tuple[Brief, ...]
    crowded: list[str] = field(default_factory=list)
    """Slots with more boxes, and volumes with more writers, than their service allows."""
    bared: list[str] = field(default_factory=list)
    """Slots whose healthy box was ended before another one was healthy."""
    _before: Counter[Place] = field(default_factory=Counter)
    _writers_before: Counter[str] = field(default_factory=Counter)
    _healthy_before: set[BoxId] = field(default_factory=set)

    def begin(self) -> None:
        """A command begins: what an interruption left before it is not its doing."""
        with self.road.machine.lock:
            self._before, self._writers_before = self._places(), self._writers()
            self._healthy_before = {box.box.id for box in self._running() if self._healthy(box)}
        self.road.faults.before = self._before_call
        self.road.faults.after = self._after_call

    def _running(self) -> list[SimulatedBox]:
        return [box for box in self.road.machine.boxes.values() if box.state.runs]

    def _places(self) -> Counter[Place]:
        return Counter((box.box.id.service_name, box.box.slot) for box in self._running())

    def _writers(self) -> Counter[str]:
        return Counter(one.volume for box in self._running() for one in box.box.spec.volumes)

    def _healthy(self, box: SimulatedBox) -> bool:
        return box.workload.healthy(self.road.machine.clock.now_ms() - box.started_ms)

    def _declared(self, name: ServiceName) -> list[Brief]:
        found = [brief["services"].get(str(name)) for brief in self.briefs]
        return [words for words in found if words]

    def _after_call(self, call: str, subject: str) -> None:
        with self.road.machine.lock:
            for (name, slot), count in self._places().items():
                alone = all(map(_one_at_a_time, self._declared(name)))
                most = max(1 if alone else 2, self._before[name, slot])
                if count > most:
                    self.crowded.append(f"{count} in slot {slot} of {name} at {call} {subject}")
            for volume, count in self._writers().items():
                if count > max(1, self._writers_before[volume]):
                    self.crowded.append(f"{count} write to {volume} at {call} {subject}")

    def _before_call(self, call: str, subject: str) -> None:
        if call != "boxes.stop":
            return
        with self.road.machine.lock:
            ending = self.road.machine.boxes.get(BoxId.parse(subject))
            if not ending or not ending.state.runs or ending.box.id not in self._healthy_before:
                return
            name, slot = ending.box.id.service_name, ending.box.slot
            declared = self._declared(name)
            wanted = self.briefs[-1]["services"].get(str(name))
            if (
                not wanted
                or slot >= wanted.get("replicas", 1)
                or any(map(_one_at_a_time, declared))
            ):
                return
            others = [
                box
                for box in self._running()
                if (box.box.id.service_name, box.box.slot) == (name, slot)
                and box.box.id != ending.box.id
                and self._healthy(box)
            ]
            if not others:
                self.bared.append(f"{subject} was ended, and slot {slot} of {name} had no other")


def _one_at_a_time(words: Brief) -> bool:
    stop_first = words.get("update", {}).get("order") == "stop-first"
    return stop_first or "volumes" in words or words.get("run") == "once"
