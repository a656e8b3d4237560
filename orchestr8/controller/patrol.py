"""Boxes are proved in turn for as long as they run, and what is found broken is acted on.

A round costs little at a time: a few boxes are read afresh and held against what the others showed
when they were read last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.progress import Event, Listener
from orchestr8.controller.proving import Kept, prove_boxes
from orchestr8.controller.session import Session
from orchestr8.names import BoxId
from orchestr8.planning.changes import quotas_that_wait
from orchestr8.planning.plan import Reason
from orchestr8.proof.brake import broken_claims, fleet_wide
from orchestr8.proof.model import Proof, Verdict

EVERY_SECONDS, EVERY_SECONDS_MOST = 10.0, 60.0
BOXES_A_SECOND = 3
"""Of all boxes so many come to a second of rest between two turns that prove some."""
ROUND_SECONDS, ROUND_SECONDS_MOST = 300.0, 600.0
BOXES_AT_EASE = 60
"""Up to so many boxes a round takes its shortest."""
NEW_MOST = 25
"""How many that were never proved are proved in a turn: whole readings are large, and something may
happen meanwhile."""


def every_seconds(boxes: int) -> float:
    """How often some boxes are proved: less often and more at a time where there are many, since a
    turn looks through all of them whoever is proved in it. Each is proved once a round either way.
    """
    return min(max(EVERY_SECONDS, boxes / BOXES_A_SECOND), EVERY_SECONDS_MOST)


def round_seconds(boxes: int) -> float:
    """In which time each of them is proved once: as many proofs a minute, however many boxes there
    are, until a round takes its longest."""
    return min(max(ROUND_SECONDS, ROUND_SECONDS * boxes / BOXES_AT_EASE), ROUND_SECONDS_MOST)


@dataclass
class Patrol:
    """What was read last, whose turn it is, and which alarms stand."""

    session: Session
    listener: Listener
    narrator: Narrator
    kept: Kept = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)
    _due: float = 0.0
    _is_behind: bool = False
    """Whether boxes are left that were never proved."""

    def whose_turn(self) -> list[BoxId]:
        """The proved boxes whose turn has come again, the longest unproved first; all of them
        while an alarm stands."""
        if self._seconds_left():
            return []
        boxes = len(self._proved)
        share = 1.0 if self.alarms else every_seconds(boxes) / round_seconds(boxes)
        count = math.ceil(boxes * share)
        return sorted(self._proved, key=lambda one: (self._proved[one], one))[:count]

    @property
    def _proved(self) -> dict[BoxId, float]:
        """When boxes were proved last, here or by whoever made them."""
        return self.session.proved

    def walk(self, cycle: Cycle) -> bool:
        """Proves boxes that were never proved, and those whose turn it is; whether a claim is
        broken."""
        running = _provable(cycle)
        there = {box.id for box in running}
        for gone in self._proved.keys() - there:
            del self._proved[gone]
        for gone in self.kept.keys() - there:
            del self.kept[gone]
        chosen = self._chosen(running)
        if not chosen:
            return False
        proofs = self._prove(chosen, cycle)
        if len(proofs) < len(chosen):  # something was heard: those left are still the next
            self._is_behind, self._due = True, 0.0
        if broken_claims(proofs):
            return True
        self._all_clear(proofs, len(running))
        return False

    def next_ms(self) -> int:
        """In how many milliseconds there is somebody to be proved."""
        return 0 if self._is_behind else int(self._seconds_left() * 1000) + 1

    def _seconds_left(self) -> float:
        """How long until somebody's turn comes again."""
        return max(self._due - self.session.clock.monotonic(), 0.0)

    def _chosen(self, running: Sequence[ObservedBox]) -> list[ObservedBox]:
        turn = set(self.whose_turn())
        if not self._seconds_left():
            self._due = self.session.clock.monotonic() + every_seconds(len(running))
        new = [box.id for box in running if box.id not in self._proved]
        self._is_behind = len(new) > NEW_MOST
        turn.update(new[:NEW_MOST])
        return [box for box in running if box.id in turn]

    def _prove(self, boxes: Sequence[ObservedBox], cycle: Cycle) -> tuple[Proof, ...]:
        new = {box.id for box in boxes} - self._proved.keys()
        proofs = prove_boxes(self.session, boxes, cycle, self.kept, self.session.heard)
        now = self.session.clock.monotonic()
        self._proved.update((proof.id, now) for proof in proofs)
        for proof in proofs:
            if proof.id in new or proof.verdict is Verdict.BROKEN:
                self.narrator.proved(proof)
        return proofs

    def judge(self, cycle: Cycle) -> dict[BoxId, str]:
        """The boxes that a broken claim asks to replace, and why.

        Everything is read again: a box may have been in the middle of a change, and what is broken
        everywhere is nothing that fresh boxes would mend.
        """
        running = _provable(cycle)
        self.kept.clear()
        proofs = prove_boxes(self.session, running, cycle, self.kept)
        broken = {
            box_id: left
            for box_id, claims in broken_claims(proofs).items()
            if (left := claims - _awaited(cycle, box_id))
        }
        everywhere = fleet_wide(broken, len(proofs))
        for claim in sorted(everywhere - self.alarms):
            count = sum(claim in claims for claims in broken.values())
            what = f"the claim {claim} is broken in {count} boxes: nothing is replaced for it"
            self.listener.tell(Event("alarm", what))
        for claim in sorted(self.alarms - everywhere):
            self.listener.tell(Event("over", f"the claim {claim} is not broken everywhere now"))
        self.alarms = set(everywhere)
        return {
            box_id: f"broken claim: {', '.join(sorted(claims - everywhere))}"
            for box_id, claims in broken.items()
            if claims - everywhere
        }

    def _all_clear(self, proofs: Sequence[Proof], boxes: int) -> None:
        """A whole round without a broken claim ends the alarms."""
        if self.alarms and len(proofs) == boxes:
            for claim in sorted(self.alarms):
                self.listener.tell(Event("over", f"the claim {claim} holds again"))
            self.alarms.clear()


def _awaited(cycle: Cycle, box_id: BoxId) -> frozenset[str]:
    """The claims of which the plan itself says that they are to become true: boxes that hold more
    than their new maximum, or their owner's, are waited for, and so are dedicated cores that are
    not there yet."""
    name, found = box_id.service_name, set()
    service = cycle.desired.services.get(name)
    if service and cycle.world.held.get(box_id, 0) > service.limits.memory_max_bytes:
        found.add("limits.memory")
    if name.owner in quotas_that_wait(cycle.desired, cycle.world):
        found.add("quota.memory")
    if any(one.service == name and one.reason is Reason.CORES for one in cycle.plan.waiting):
        found |= {"limits.cores", "alone.cores"}
    return frozenset(found)


def _provable(cycle: Cycle) -> list[ObservedBox]:
    return [one for one in cycle.world.boxes if one.state.runs and one.spec and one.pid]
