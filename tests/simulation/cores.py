"""Whose cores are whose, on the machine itself: none is dealt twice, and nobody else is on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.names import BoxId

MOVES = ("boxes.create", "boxes.start", "boxes.set_cores")
"""The calls that bring boxes to cores."""


@dataclass
class Cores:
    """Looks on at the moves; `has_own` says whether the boxes of a service have their own cores."""

    machine: Machine
    has_own: Callable[[str], bool]
    _given: dict[BoxId, tuple[int, ...]] = field(default_factory=dict)
    """Where boxes were put. One that is elsewhere was moved by somebody who should not, or by a
    call that came late; whoever meets it there is not to blame."""
    _were: Mapping[BoxId, set[int]] = field(default_factory=dict)
    """Where boxes ran before the call that is under way."""

    def before(self) -> None:
        """A call begins that may bring a box to cores."""
        self._were = {
            box_id: self._held_to(one) for box_id, one in self.machine.boxes.items()
            if one.state.runs
        }  # fmt: skip

    def after(self, call: str, subject: str, *, is_late: bool) -> None:
        """It is over."""
        box_id = BoxId.parse(subject)
        box = self.machine.boxes.get(box_id)
        if is_late or not box:
            self._given.pop(box_id, None)
            return
        if call != "boxes.start":
            self._given[box_id] = box.cores
        assert set(box.cores) <= set(self.machine.features.cores), f"{subject}: {box.cores}"
        if box.state.runs:
            self._meets_nobody(box, f"{call} {subject}")

    def at_the_end(self, boxes: list[SimulatedBox], wanted: Mapping[str, int | None]) -> None:
        """Each has as many for itself as its service shall have, and all others have the rest."""
        own = [one for one in boxes if self._is_own(one)]
        for one in own:
            count = wanted[str(one.box.id.service_name)]
            assert len(one.cores) == count, f"{one.box.id} has {one.cores}, not {count} of them"
        dealt = [core for one in own for core in one.cores]
        assert len(dealt) == len(set(dealt)), dealt
        rest = set(self.machine.features.cores).difference(dealt)
        for one in boxes:
            is_right = one in own or self._held_to(one) == rest
            assert is_right, f"{one.box.id} is on {one.cores}, not on {rest}"

    def _meets_nobody(self, box: SimulatedBox, at: str) -> None:
        """Who has cores of its own comes to none on which somebody is, and nobody comes to one that
        somebody had for itself."""
        gained = self._held_to(box) - self._were.get(box.box.id, set())
        on_each = Counter(core for cores in self._were.values() for core in cores)
        for box_id, were in self._were.items():
            other = self.machine.boxes[box_id]
            if self._given.get(box_id) != other.cores or _slot(other) == _slot(box):
                continue
            alone = {core for core in were if on_each[core] == 1} if self._is_own(other) else set()
            meets = gained & (were if self._is_own(box) else alone)
            assert not meets, f"{box.box.id} meets {box_id} on {sorted(meets)}: {at}"

    def _is_own(self, box: SimulatedBox) -> bool:
        return self.has_own(str(box.box.id.service_name))

    def _held_to(self, box: SimulatedBox) -> set[int]:
        return set(box.cores or self.machine.features.cores)


def _slot(box: SimulatedBox) -> tuple[str, int]:
    return str(box.box.id.service_name), box.box.slot
