"""How fresh boxes come, and how they take the place of those that run.

Start-first: the new box is made, started and awaited, then the traffic goes over to it, and only
then does the old one end. Stop-first, where two may not run at once: the new box is made while the
old one still runs, so that the gap is a stop and a start, and a box that cannot be made ends
nothing. Either way in batches, each waiting for the former to be good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.world import ObservedBox
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.dependencies import awaited
from orchestr8.planning.draft import Draft, Numbers
from orchestr8.planning.moves import Finish, Moves, Provision, Replace
from orchestr8.planning.plan import AwaitBox, ChangeNetwork, CreateBox, Purpose, StartBox
from orchestr8.planning.release import write_removal, write_stop


def stop_first_why(service: DesiredService) -> str:
    """Why a service's boxes may not overlap, or the empty text."""
    asked = "update.order says so" if service.update.order == "stop-first" else ""
    return service.stop_first_why or asked


def write_boxes(draft: Draft, name: ServiceName, moves: Moves) -> None:
    """Everything that brings a service's slots to their new boxes."""
    service = draft.desired.services[name]
    crossing = _Crossing(draft, service, set(draft.wiring.serving(name)))
    for move in moves.slots:
        if isinstance(move, Finish):
            crossing.finish(move)
    provisions = [move for move in moves.slots if isinstance(move, Provision)]
    if provisions:
        crossing.provision(provisions)
    replaced = [move for move in moves.slots if isinstance(move, Replace)]
    parallel = max(1, service.update.parallel)
    for first in range(0, len(replaced), parallel):
        batch = replaced[first : first + parallel]
        if stop_first_why(service):
            crossing.stop_first(batch)
        else:
            crossing.start_first(batch)
    crossing.stand_by(moves)
    draft.serving[name] = crossing.backends
    if service.run_once:
        draft.remove_at_end += draft.wiring.leads_to(service, crossing.backends)


class _Crossing(Struct):
    """One service on its way from old boxes to new ones.

    `backends` take its traffic at this point of the plan; the next batch waits for `before`.
    """

    draft: Draft
    service: DesiredService
    backends: set[str]
    before: Numbers = ()

    def finish(self, move: Finish) -> None:
        """The second half of a replacement whose first half was done before."""
        cause = "an interrupted replacement goes on"
        call = self._gate(move.box.id, is_update=True)
        gate = self.draft.add(call, Purpose.PROVISION, cause, self.service.name, self.draft.opening)
        self._passed(gate)
        self.draft.awaited.add(move.box.id)
        led = self._lead(move.predecessors, [self.draft.places.address(move.box)], (gate,))
        ended = [self._end(box, move.box.id, (gate, *led)) for box in move.predecessors]
        self.before = (*self.before, gate, *ended)

    def provision(self, moves: Sequence[Provision]) -> None:
        """Fresh boxes where none runs, all at once; what lay there goes when they have started."""
        gates = [self._start(move, self._create(move, ())) for move in moves]
        self._lead((), self._addresses(moves), gates)
        self.before = (*self.before, *gates)

    def start_first(self, batch: Sequence[Replace]) -> None:
        """New, good, traffic over, old one gone."""
        gates = [self._start(move, self._create(move, self.before)) for move in batch]
        led = self._lead([move.box for move in batch], self._addresses(batch), gates)
        ended = [self._end(move.box, self._id(move), (*gates, *led)) for move in batch]
        self.before = (*gates, *ended)

    def stop_first(self, batch: Sequence[Replace]) -> None:
        """New one made, old one ended, new one started; neighbours take the traffic meanwhile."""
        created = [self._create(move, self.before) for move in batch]
        old = [move.box for move in batch]
        has_neighbours = bool(self.backends - {self.draft.places.address(box) for box in old})
        away = self._lead(old, (), [number for made in created for number in made])
        stopped: list[int] = []
        for move, made in zip(batch, created, strict=True):
            stopped += self._stop(move.box, self._id(move), (*made, *away))
        # Without a neighbour the traffic had better wait for the new box than for the old one.
        turned = () if has_neighbours else self._lead(old, self._addresses(batch), stopped)
        gates = []
        for move, made, end in zip(batch, created, stopped, strict=True):
            gates.append(self._start(move, (*made, end, *turned), also_goes=(move.box,)))
        self._lead(old, self._addresses(batch), gates)
        self.before = tuple(gates)

    def stand_by(self, moves: Moves) -> None:
        """Standbys last: while new boxes come up, those of the old declaration may still be needed
        to go back to it."""
        draft, name = self.draft, self.service.name
        ended = [write_removal(draft, one.box, one.cause, self.before) for one in moves.outdated]
        records = draft.places.standbys.get(name, ())
        for move, record in zip(moves.standbys, records, strict=True):
            needed = {*self.before, *ended, *draft.under(name, move)}
            needed |= draft.on_cores(draft.cores.shared, alone=False)
            call = CreateBox(draft.box(self.service, move, record))
            draft.add(call, Purpose.PROVISION, move.cause, name, needed)

    def _id(self, move: Provision | Replace) -> BoxId:
        return self.draft.places.fresh[self.service.name, move.slot].id

    def _addresses(self, moves: Iterable[Provision | Replace]) -> set[str]:
        name, places = self.service.name, self.draft.places
        return {places.fresh_address(name, move) for move in moves} - {""}

    def _create(self, move: Provision | Replace, needs: Iterable[int]) -> Numbers:
        """Makes a box; what its start stands on. One that waits already has been made."""
        draft, name = self.draft, self.service.name
        needed = {*needs, *draft.under(name, move), *awaited(draft, self.service, move)}
        cores = draft.cores.of(name, move.slot)
        needed |= draft.on_cores(cores, alone=(name, move.slot) in draft.cores.own)
        if move.standby:
            needed.update(one.number for one in draft.cores_left if one.box == move.standby.id)
            return tuple(sorted(needed))
        call = CreateBox(draft.box(self.service, move, draft.places.fresh[name, move.slot]))
        return (draft.add(call, Purpose.PROVISION, move.cause, name, needed),)

    def _start(
        self,
        move: Provision | Replace,
        needs: Iterable[int],
        also_goes: Iterable[ObservedBox] = (),
    ) -> int:
        """Starts a box and awaits it; the number of the gate.

        What lies there and could start goes before: an engine that did not answer may come to an
        earlier call yet, and the slot would have two.
        """
        draft, name, box_id = self.draft, self.service.name, self._id(move)
        needed = {*needs, *draft.slots_cleared.get((name, move.slot), ())}
        succeeded = f"succeeded by {box_id}"
        early = [box for box in move.leftovers if box.state.can_start]
        needed.update(write_removal(draft, box, succeeded, ()) for box in early)
        for mount in move.spec.volumes:
            needed.update(draft.volumes_let_go.get(mount.volume, ()))
        call = StartBox(box_id, move.slot if move.standby else None)
        started = draft.add(call, Purpose.PROVISION, move.cause, name, needed)
        draft.starts[name, move.slot] = started
        awaits = self._gate(box_id, is_update=isinstance(move, Replace) and move.update)
        gate = draft.add(awaits, Purpose.PROVISION, move.cause, name, (started,))
        self._passed(gate)
        for box in (*also_goes, *move.leftovers):
            if box not in early:
                write_removal(draft, box, succeeded, (started,))
        return gate

    def _gate(self, box_id: BoxId, *, is_update: bool) -> AwaitBox:
        service = self.service
        within_ms = service.update.within_ms
        if service.health and not is_update:
            within_ms = service.health.within_ms
        return AwaitBox(box_id, service.health, service.run_once, within_ms)

    def _passed(self, gate: int) -> None:
        self.draft.gates.setdefault(self.service.name, []).append(gate)
        if self.service.run_once:
            self.draft.ends.append(gate)

    def _lead(
        self, leaving: Iterable[ObservedBox], coming: Iterable[str], needs: Iterable[int]
    ) -> Numbers:
        """Leads the traffic away from some boxes and to others; nothing where none is led."""
        gone = {self.draft.places.address(box) for box in leaving}
        backends = (self.backends - gone) | set(coming)
        if not backends or backends == self.backends:
            return ()
        self.backends = backends
        elements = self.draft.wiring.leads_to(self.service, backends)
        if not elements:
            return ()
        call, name = ChangeNetwork(add=elements), self.service.name
        return (self.draft.add(call, Purpose.REBALANCE, f"traffic of {name}", name, needs),)

    def _stop(self, box: ObservedBox, successor: BoxId, needs: Iterable[int]) -> Numbers:
        return write_stop(self.draft, box, f"succeeded by {successor}", needs)

    def _end(self, box: ObservedBox, successor: BoxId, needs: Iterable[int]) -> int:
        stopped = self._stop(box, successor, needs)
        return write_removal(self.draft, box, f"succeeded by {successor}", stopped or needs)
