"""Where boxes are while a plan is carried out: their addresses, old and new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.records import BoxRecord
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.moves import Finish, Moves, Provision, Replace, joined
from orchestr8.planning.survey import Survey


class Presence(Struct, frozen=True, gc=False):
    """Where the boxes of one service are.

    `during` are the addresses at which one runs at any time of the plan, `going` those of them
    at which none does once it is over. `serving` take the traffic when the plan begins.
    """

    during: tuple[str, ...] = ()
    going: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()


NOWHERE = Presence()
Presences = Mapping[ServiceName, Presence]


class Places(Struct, frozen=True):
    """Addresses and boxes by slot, of what is kept and of what is `fresh`.

    A box that shares another's network has no address of its own and is reached at the other's.
    """

    seen: Survey
    steady: Presences
    """Where the services are that are as declared."""
    moves: Mapping[ServiceName, Moves]
    fresh: Mapping[tuple[ServiceName, int], BoxRecord]
    standbys: Mapping[ServiceName, tuple[BoxRecord, ...]] = field(default_factory=dict)
    """The boxes that are made without a slot."""

    def address(self, box: ObservedBox) -> str:
        """The address at which a box is reached, or the empty text."""
        return _address(box, self.seen)

    def fresh_address(self, name: ServiceName, move: Provision | Replace) -> str:
        """The address at which a fresh box will be reached, or the empty text."""
        own = self.fresh[name, move.slot].address
        peer = dict(joined(move.spec.profile)).get("net")
        if own or peer is None:
            return own
        record = self.fresh.get((peer, move.slot))
        if record:
            return record.address
        kept = (box for box in self.kept(peer) if box.slot == move.slot)
        return next((self.address(box) for box in kept), "")

    def box_in(self, name: ServiceName, slot: int) -> BoxId:
        """The box that a slot has once the plan is carried out."""
        record = self.fresh.get((name, slot))
        if record:
            return record.id
        return next(box.id for box in self.kept(name) if box.slot == slot)

    def presences(self, desired: Desired) -> Presences:
        """Where every service is that has boxes or will have some."""
        found = {**{name: self._busy(name) for name in self.seen.busy}, **self.steady}
        for name, moves in self.moves.items():
            service = desired.services.get(name)
            is_job = service is not None and service.run_once
            found[name] = (
                self._held(name) if name in self.seen.holds else self._moving(name, moves, is_job)
            )
        return found

    def kept(self, name: ServiceName) -> Iterable[ObservedBox]:
        """The boxes of a service that the plan leaves where they are."""
        if name not in self.moves:
            return self.seen.of(name)
        kept = (m for m in self.moves[name].slots if not isinstance(m, Provision | Replace))
        return (move.box for move in kept if move.box)

    def _busy(self, name: ServiceName) -> Presence:
        """A service of another plan: where its boxes are, and where that one is about to start
        some."""
        here = where(self.seen.of(name), self.seen)
        during = {*here.during, *self.seen.busy_coming.get(name, ())}
        return replace(here, during=tuple(sorted(during)))

    def _held(self, name: ServiceName) -> Presence:
        """A service that is left alone, with all its boxes, also where several are in one slot."""
        boxes = [box for box in self.seen.of(name) if box.state.runs]
        good = [box for box in boxes if self.seen.good(box)]
        during = self._addresses(boxes)
        serving = self._addresses(good) or self._addresses_of_well(boxes)
        return Presence(tuple(sorted(during)), (), tuple(sorted(serving)))

    def _moving(self, name: ServiceName, moves: Moves, is_job: bool) -> Presence:
        coming = self._addresses_of_fresh(name, moves)
        leaving = _leaving(moves)
        during = {*self._addresses((*moves.running, *leaving)), *coming}
        going = {*self._addresses(leaving), *(coming if is_job else ())}
        serving = self._serving(moves) or coming
        return Presence(tuple(sorted(during)), tuple(sorted(going)), tuple(sorted(serving)))

    def _serving(self, moves: Moves) -> set[str]:
        """Boxes that work; where none is known to, those that run are better than none."""
        candidates: list[ObservedBox] = []
        for move in moves.slots:
            candidates += move.predecessors if isinstance(move, Finish) else ()
            if not isinstance(move, Finish) and move.box and move.box.state.runs:
                candidates.append(move.box)
        return self._addresses_of_well(candidates)

    def _addresses_of_well(self, boxes: Sequence[ObservedBox]) -> set[str]:
        return self._addresses([box for box in boxes if not self.seen.ill(box)] or boxes)

    def _addresses(self, boxes: Iterable[ObservedBox]) -> set[str]:
        return {self.address(box) for box in boxes} - {""}

    def _addresses_of_fresh(self, name: ServiceName, moves: Moves) -> set[str]:
        return {self.fresh_address(name, move) for move in moves.fresh} - {""}


def _leaving(moves: Moves) -> tuple[ObservedBox, ...]:
    """The boxes that run now and do not once the plan is carried out."""
    replaced = [move.box for move in moves.slots if isinstance(move, Replace)]
    followed = [
        box for move in moves.slots if isinstance(move, Finish) for box in move.predecessors
    ]
    released = [release.box for release in moves.releases if release.box.state.runs]
    return (*replaced, *followed, *released)


def where(boxes: Iterable[ObservedBox], seen: Survey) -> Presence:
    """Where a service is whose boxes all stay."""
    addresses = [
        address
        for box in boxes
        if box.state is State.RUNNING and (address := box.address or _address(box, seen))
    ]
    if not addresses:
        return NOWHERE
    addresses.sort()
    found = tuple(addresses)
    return Presence(found, (), found)


def _address(box: ObservedBox, seen: Survey) -> str:
    if box.address or not box.joins:
        return box.address
    peer = dict(box.joins).get("net")
    others = seen.of(peer.service_name) if peer else ()
    return next((other.address for other in others if other.id == peer), "")
