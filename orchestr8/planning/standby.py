"""Boxes that wait at their gates: which slots take them, and how many shall wait.

A standby is as a fresh box of its service would be, or it goes; limits and names are set in place.
It has no slot, takes no traffic, and is proved once it runs. Slots come first: what cannot be had
for them is not spent on standbys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.isolation import features as feature
from orchestr8.names import STANDBY, ServiceName, slot_name
from orchestr8.planning.allocate import Dealer
from orchestr8.planning.backoff import try_again_ms
from orchestr8.planning.changes import spec_changes
from orchestr8.planning.moves import (
    Moves,
    Provision,
    Release,
    Replace,
    SlotMove,
    StandBy,
    Wait,
    joined,
    staying,
)
from orchestr8.planning.plan import Reason
from orchestr8.planning.service import adjust
from orchestr8.planning.survey import Survey
from orchestr8.planning.wording import from_now, how_it_ended, in_a_row, listed

Decisions = dict[ServiceName, Moves]

NO_STANDBY_YET = "no box waits yet"
NO_ADDRESS = Wait(
    STANDBY,
    None,
    Reason.CAPACITY,
    "addresses: the boxes' subnet is full",
    "fits when boxes are released",
    "the platform",
)


def take_standbys(desired: Desired, moves: Decisions, seen: Survey) -> Decisions:
    """The moves with the standbys that fit them; before admission, since those need no address."""
    if not seen.standbys:
        return moves
    found = dict(moves)
    for name in seen.standbys.keys() & moves.keys() & desired.services.keys():
        if moves[name].fresh:
            bench = _Bench(desired.services[name], 0, seen)
            found[name] = replace(moves[name], slots=bench.taken_by(moves[name].slots))
    return found


def stand_by(desired: Desired, moves: Decisions, seen: Survey, dealer: Dealer) -> Decisions:
    """The moves with the standbys that come and go beside them, once it is known what is made."""
    if not (seen.traits.standby or seen.standbys):
        return moves
    found = dict(moves)
    wanted = {name: number for name in seen.traits.standby
              if (number := _wanted(desired.services[name], seen))}  # fmt: skip
    addresses_free = dealer.addresses_free - _addresses_asked(moves)
    for name in sorted(wanted.keys() | (seen.standbys.keys() & desired.services.keys())):
        if name in seen.holds or name in seen.busy:
            continue
        service = desired.services[name]
        before = found.get(name) or staying(seen.of(name))
        bench = _Bench(service, wanted.get(name, 0), seen)
        after = bench.changed(before, addresses_free)
        addresses_free -= sum(one.spec.networked for one in after.standbys)
        if after != before:
            found[name] = after
    return found


def _wanted(service: DesiredService, seen: Survey) -> int:
    """How many shall wait; none of a service that has no boxes, that joins others, or whose engine
    cannot keep them."""
    if not service.standby or not service.slots or not seen.features.has(feature.STANDBY):
        return 0
    return 0 if joined(service.slots[0].profile) else service.standby


def _addresses_asked(moves: Mapping[ServiceName, Moves]) -> int:
    fresh = (move for one in moves.values() for move in one.fresh if not move.standby)
    return sum(move.spec.networked for move in fresh)


class _Bench:
    """The standbys of one service."""

    def __init__(self, service: DesiredService, wanted: int, seen: Survey) -> None:
        self.service = service
        self.wanted = wanted
        self.seen = seen
        self.waiting: Sequence[ObservedBox] = seen.standbys.get(service.name, ())
        self.declared = seen.with_volumes_as_they_are(service.slots[0]) if service.slots else None

    def taken_by(self, slots: Sequence[SlotMove]) -> tuple[SlotMove, ...]:
        """The moves of the slots, each with a standby that is just what it asks for."""
        able = [box for box in self.waiting if not self._flaw(box)]
        return tuple(self._with_standby(move, able) for move in slots)

    def changed(self, moves: Moves, addresses_free: int) -> Moves:
        """The service's moves with its standbys beside them."""
        taken = {move.standby.id for move in moves.fresh if move.standby}
        waiting = [box for box in self.waiting if box.id not in taken]
        lame = [Release(box, flaw) for box in waiting if (flaw := self._flaw(box))]
        able = [(box, self._outdated(box)) for box in waiting if not self._flaw(box)]
        good = [box for box, why in able if not why]
        surplus = [Release(box, self._too_many) for box in good[self.wanted :]]
        adjusts = [adjust(self.service, box, self.seen) for box in good[: self.wanted]]
        outdated = [Release(box, why) for box, why in able if why]
        missing = self._missing(moves.slots, len(good))
        wait = self._wait() if missing else None
        fitting = 0 if wait else self._fitting(missing, addresses_free)
        return replace(
            moves,
            adjusts=(*moves.adjusts, *filter(None, adjusts)),
            releases=(*moves.releases, *lame, *surplus),
            outdated=tuple(outdated),
            standbys=self._fresh(fitting, outdated),
            standbys_wait=wait or (NO_ADDRESS if fitting < missing else None),
        )

    def _flaw(self, box: ObservedBox) -> str:
        """Why a standby can never be started, or the empty text."""
        if box.state is State.STOPPED:
            return how_it_ended(box)
        if box.state is State.RUNNING:
            return "it runs without a slot"
        if box.spec is None:
            return "its declaration cannot be read"
        if box.service_key != self.service.key:
            return "it belongs to an earlier service of this name"
        return self.seen.unwanted.get(box.id, "")

    def _with_standby(self, move: SlotMove, able: list[ObservedBox]) -> SlotMove:
        """The move with the first standby that is just what it asks for, which is then taken."""
        if not isinstance(move, Provision | Replace) or joined(move.spec.profile):
            return move
        for box in able:
            if not self._difference(box, move.spec) and not adjust(self.service, box, self.seen):
                able.remove(box)
                return replace(move, standby=box)
        return move

    @property
    def _too_many(self) -> str:
        features = self.seen.features
        if self.service.standby and not features.has(feature.STANDBY):
            return f"standby: {features.why(feature.STANDBY)}"
        return f"standby: {self.wanted} wanted"

    def _outdated(self, box: ObservedBox) -> str:
        """Why another box should wait instead, or the empty text.

        While nothing new may be placed, what waits is kept for those that must be healed.
        """
        if self.declared is None or not self.service.new_boxes_allowed:
            return ""
        return self._difference(box, self.declared)

    def _difference(self, box: ObservedBox, spec: BoxSpec) -> str:
        """What of a standby is not as it would be made now and cannot be set in place, or the empty
        text."""
        if box.spec is None or spec_changes(spec, box.spec):
            return "its declaration changed"
        return "" if box.limits else "its limits cannot be read"

    def _missing(self, slots: Sequence[SlotMove], there: int) -> int:
        """How many are to be made: none while a slot waits for what a standby would take."""
        slots_wait = any(isinstance(move, Wait) and move.box is None for move in slots)
        if slots_wait or not self.service.new_boxes_allowed:
            return 0
        return max(self.wanted - there, 0)

    def _fresh(self, count: int, outdated: Sequence[Release]) -> tuple[StandBy, ...]:
        cause = outdated[0].cause if outdated else NO_STANDBY_YET
        return (StandBy(self.declared, cause),) * count if self.declared else ()

    def _fitting(self, count: int, addresses_free: int) -> int:
        """For how many of these there is an address, if they need one."""
        needs_address = self.declared is not None and self.declared.networked
        return min(count, max(addresses_free, 0)) if needs_address else count

    def _wait(self) -> Wait | None:
        """What stands in the way of every further standby."""
        name, seen = self.service.name, self.seen
        owner = f"owner {name.owner}"
        if self.service.missing:
            cause = f"missing: {listed(self.service.missing)}"
            remedy = "put it where it is looked for"
            return Wait(STANDBY, None, Reason.MISSING, cause, remedy, owner)
        failures = seen.failures.get((name, STANDBY))
        due_ms = try_again_ms(failures, 0, seen.now_ms) if failures else 0
        if failures and due_ms > seen.now_ms:
            cause = f"{slot_name(STANDBY, name)}: {failures.cause}, {in_a_row(failures.count)}"
            remedy = f"next try in {from_now(due_ms, seen.now_ms)}"
            return Wait(STANDBY, None, Reason.BACK_OFF, f"back-off: {cause}", remedy, owner, due_ms)
        return None
