"""Boxes that run move to other cores: in which order, and the lines that people read about it.

Whoever leaves a core goes first, and whoever comes to it waits for that. Boxes that are released
stay where they are until they end. Within another plan nobody is moved: what was moved could come
back to where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.spec import FieldChange
from orchestr8.boxes.world import ObservedBox
from orchestr8.names import BoxId, ServiceName, slot_name
from orchestr8.planning.cores import Cores, crowd, occupants
from orchestr8.planning.draft import CoresLeft, Draft
from orchestr8.planning.plan import Purpose, SetCores, Upkeep
from orchestr8.planning.wording import counted, listed
from orchestr8.units import format_cores

SUBJECT = "cores"


class _Move(Struct, frozen=True):
    """A box that is on some cores and shall be on others; `asked` is empty for every one."""

    box: ObservedBox
    before: Cores
    after: Cores
    asked: tuple[int, ...]
    is_own: bool

    @property
    def cause(self) -> str:
        """For the journal; whose the other cores are is not told to everybody."""
        why = "some are given back" if self.before <= self.after else "the others are dealt out"
        change = f"cores {format_cores(self.before)} -> {format_cores(self.after)}"
        return f"{change}: {'its own' if self.is_own else why}"

    @property
    def left(self) -> Cores:
        """The cores that it leaves."""
        return self.before - self.after

    @property
    def waits_for(self) -> Cores:
        """The cores that must be left before: of its own all, of shared ones those that are new."""
        return self.after if self.is_own else self.after - self.before


def write_cores(draft: Draft) -> None:
    """The moves of boxes that run; what comes to their cores later waits for them."""
    for move in _in_turn(draft):
        needs = draft.on_cores(move.waits_for, alone=move.is_own) if move.waits_for else set()
        needs.update(left.number for left in draft.cores_left if left.box == move.box.id)
        call = SetCores(move.box.id, move.asked)
        whose = move.box.id.service_name if move.is_own else None
        number = draft.add(call, Purpose.REBALANCE, move.cause, whose, needs)
        draft.cores_left.append(CoresLeft(move.box.id, number, move.left, move.is_own))


def _in_turn(draft: Draft) -> Iterator[_Move]:
    """Each after those that leave a core on which it must not meet them; everybody else moves
    before boxes with cores of their own where nothing is in the way. Where each is in another's
    way, one of everybody else leaves its cores first, and comes to the others later."""
    alike: dict[tuple[Cores, Cores, BoxId | None], list[_Move]] = {}
    for move in sorted(_moves(draft), key=lambda one: (one.is_own, one.box.id)):
        key = (move.before, move.after, move.box.id if move.is_own else None)
        alike.setdefault(key, []).append(move)
    groups = list(alike.values())
    on_each = crowd(draft.cores.every, occupants(draft.seen.everybody) if groups else ())
    left = {core for one in groups for core in one[0].left}
    alone = frozenset(core for core in left if on_each[core] == 1)
    while groups:
        ready = (one for one in groups if not _in_the_way(one[0], groups, alone))
        chosen = next(ready, None)
        if chosen is None:
            chosen, groups = _halfway(groups, alone)
        else:
            groups.remove(chosen)
        yield from chosen


def _in_the_way(move: _Move, groups: Sequence[Sequence[_Move]], alone: Cores) -> Cores:
    """The cores that a move must not come to yet: somebody who leaves them is still there, and one
    of the two shall be alone."""
    found: Cores = frozenset()
    for other in (one[0] for one in groups if one[0] is not move):
        apart = move.is_own or other.is_own
        found |= other.left & (move.waits_for if apart else move.waits_for & alone)
    return found


def _halfway(groups: Sequence[list[_Move]], alone: Cores) -> tuple[list[_Move], list[list[_Move]]]:
    """The first moves of those that are all in one another's way, and what is left of them."""
    first, *others = groups
    now = first[0].after - _in_the_way(first[0], groups, alone)
    if first[0].is_own or not now or now == first[0].before:
        return first, others
    begun = [replace(one, after=now, asked=tuple(sorted(now))) for one in first]
    return begun, [[replace(one, before=now) for one in first], *others]


def own_changes(draft: Draft) -> dict[ServiceName, tuple[FieldChange, ...]]:
    """What changes for boxes with cores of their own, by service."""
    found: dict[ServiceName, dict[FieldChange, None]] = {}
    for move in _moves(draft):
        if move.is_own:
            change = FieldChange("cores", format_cores(move.before), format_cores(move.after))
            found.setdefault(move.box.id.service_name, {})[change] = None
    return {name: tuple(changes) for name, changes in found.items()}


def shared_line(draft: Draft) -> Upkeep | None:
    """The line about everybody else, who move together."""
    moves = [move for move in _moves(draft) if not move.is_own]
    if not moves:
        return None
    before = listed(sorted({format_cores(move.before) for move in moves}))
    after = format_cores(moves[0].after)
    owners = sorted(slot_name(slot, name) for name, slot in draft.cores.own)
    cause = f"for {listed(owners)} alone" if owners else "nobody has cores of its own any more"
    change = FieldChange("everybody else", before, after)
    effect = f"{counted(len(moves), 'box', 'boxes')} in place, no restart"
    return Upkeep(SUBJECT, cause, (change,), effect)


def _moves(draft: Draft) -> Iterator[_Move]:
    deal = draft.cores
    if not deal.every or draft.desired.being_dealt is not None:
        return
    goes = draft.released
    for box in occupants(draft.seen.everybody):
        name = box.id.service_name
        if box.id in goes:
            continue
        asked = deal.of(name, box.slot)
        before, after = deal.held_to(box.cores), deal.held_to(asked)
        if before != after:
            yield _Move(box, before, after, asked, (name, box.slot) in deal.own)
