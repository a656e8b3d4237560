"""Cores of their own for the services that ask for such: how many there are, and who has which.

A slot keeps the cores that its box has to itself. A fresh one gets those off which the fewest must
move, and of these the highest. One core at least stays with everybody else. Which cores a box has
is read from the kernel and written down nowhere: the deal is made anew with every plan, and comes
out the same while nothing has changed. Which memory is near which core does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Dealt, Desired, DesiredService
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.isolation import features as feature
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.moves import Keep, Moves, Provision, Replace, SlotMove, Wait, staying
from orchestr8.planning.plan import Reason
from orchestr8.planning.survey import Survey
from orchestr8.planning.wording import counted

Decisions = dict[ServiceName, Moves]
Cores = frozenset[int]
_Key = tuple[ServiceName, int]


class Deal(Struct, frozen=True):
    """Who has which cores once the plan is carried out; without `every` there is nothing to deal.

    `own` are the cores of slots that have some for themselves, `shared` those of everybody else,
    empty where these are all that there are; `closed` tells that nobody may come to them yet, since
    another plan ends who had them all for themselves. `short` are the slots whose boxes run and for
    which too few are left. `going` are boxes that are released, with the cores that they are on,
    and `were_alone` those of them that had their cores for themselves.
    """

    every: tuple[int, ...] = ()
    own: Dealt = field(default_factory=dict)
    shared: tuple[int, ...] = ()
    closed: bool = False
    short: frozenset[_Key] = frozenset()
    going: Mapping[BoxId, Cores] = field(default_factory=dict)
    were_alone: frozenset[BoxId] = frozenset()

    def of(self, name: ServiceName, slot: int) -> tuple[int, ...]:
        """What the box of a slot shall be held to; empty is every core."""
        return self.own.get((name, slot), self.shared)

    def held_to(self, cores: Iterable[int]) -> Cores:
        """The cores behind a list that is empty where it means every one."""
        return frozenset(cores) & frozenset(self.every) or frozenset(self.every)


NO_DEAL = Deal()


class _Claim(Struct, frozen=True):
    """A slot that has or gets cores of its own: how many, and the box that runs in it."""

    key: _Key
    count: int
    box: ObservedBox | None


class CoreRoom(Struct):
    """How many of all cores may be dealt to boxes that are asked for in this plan, less than none
    where more are held than may be. Within another plan `dealt` is what that one deals: nobody is
    moved there, so a slot can have what it had, and no other."""

    free: int
    every: int
    dealt: Dealt | None = None

    @classmethod
    def beside(cls, desired: Desired, moves: Mapping[ServiceName, Moves], seen: Survey) -> CoreRoom:
        """What is left beside those who are there."""
        every = len(seen.features.cores)
        asked = _asked(moves)
        there = (one for one in _claims(desired, moves, seen) if one.key not in asked)
        return cls(every - 1 - sum(one.count for one in there), every, desired.being_dealt)

    def hold(self, service: DesiredService) -> None:
        """Counts a box that was admitted."""
        self.free -= service.limits.dedicated_cores or 0

    def refusal(self, service: DesiredService, slot: int) -> Wait | None:
        """Why one more box cannot have cores of its own."""
        asked = service.limits.dedicated_cores or 0
        if not asked:
            return None
        if self.dealt is not None:
            had = len(self.dealt.get((service.name, slot), ()))
            return None if had == asked else _once_dealt(slot, None)
        if asked <= self.free:
            return None
        left, more = max(self.free, 0), asked - max(self.free, 0)
        cause = (
            f"dedicated cores: {asked} asked, {left} left of {self.every}, beside the one that "
            "stays for everybody else"
        )
        remedy = f"fits when {counted(more, 'core is', 'cores are')} given back"
        return Wait(slot, None, Reason.CORES, cause, remedy, "the platform")


def deal(desired: Desired, moves: Mapping[ServiceName, Moves], seen: Survey) -> Deal:
    """Who gets which cores, after it was decided which boxes come."""
    every = seen.features.cores
    claims = _claims(desired, moves, seen)
    if not seen.features.has(feature.CORES) or not (claims or _any_held(every, seen)):
        return NO_DEAL
    on_each, own = crowd(every, occupants(seen.everybody)), _known(desired, seen, claims)
    free = set(every).difference(*own.values())
    short = {one.key for one in claims if len(own.get(one.key, ())) not in (0, one.count)}
    others = {one.key: _others(every, on_each, seen, one) for one in claims}
    kept = {one.key: _kept(one, others[one.key]) for one in claims if one.key not in own}
    for claim in sorted(claims, key=lambda one: (_rank(one, others[one.key]), one.key)):
        if claim.key in own:
            continue
        del kept[claim.key]
        left = free.difference(*kept.values())
        mine = frozenset(claim.box.cores if claim.box else ())
        # One stays for everybody else.
        most = min(claim.count, max(len(left) - 1, 0))
        chosen = _cheapest(left, others[claim.key], mine)[:most]
        if len(chosen) < claim.count:
            short.add(claim.key)
            chosen = [one for one in chosen if one in mine and not others[claim.key][one]]
        if chosen:
            own[claim.key] = tuple(sorted(chosen))
            free.difference_update(chosen)
    # Within another plan nobody comes to what somebody has yet for itself, and leaves there.
    allowed = free.difference(core for core in desired.being_left if on_each[core])
    shared = tuple(sorted(allowed)) if len(allowed) < len(every) else ()
    going = _going(every, moves)
    alone = _alone(every, going, seen)
    return Deal(every, own, shared, not allowed, frozenset(short), going, alone)


def crowd(every: tuple[int, ...], boxes: Iterable[ObservedBox]) -> Counter[int]:
    """How many boxes may run on each core."""
    return Counter(core for box in boxes for core in box.cores or every)


def wait_for_cores(moves: Decisions, dealt: Deal) -> Decisions:
    """The moves without boxes that would come to cores on which somebody is alone yet."""
    if not dealt.closed:
        return moves
    found = dict(moves)
    for name, before in moves.items():
        slots = tuple(
            _once_dealt(move.slot, move.box)
            if isinstance(move, Provision | Replace) and (name, move.slot) not in dealt.own
            else move
            for move in before.slots
        )
        found[name] = replace(before.with_slots(slots), standbys=())
    return found


def say_short(moves: Decisions, dealt: Deal, desired: Desired, seen: Survey) -> Decisions:
    """The moves with a word about boxes that run with fewer cores of their own than declared."""
    found = dict(moves)
    for name in sorted({name for name, _ in dealt.short}):
        service = desired.services[name]
        before = found.get(name) or staying(seen.of(name))
        slots = tuple(
            _short(service, move, dealt, desired.being_dealt)
            if isinstance(move, Keep | Replace) and (name, move.slot) in dealt.short
            else move
            for move in before.slots
        )
        found[name] = before.with_slots(slots)
    return found


def occupants(boxes: Iterable[ObservedBox]) -> Iterator[ObservedBox]:
    """Those of these boxes that are on cores, or will be as soon as they are let go."""
    for box in boxes:
        if box.state.runs or (box.slot == STANDBY and box.state is State.CREATED):
            yield box


def _short(
    service: DesiredService, move: Keep | Replace, dealt: Deal, being_dealt: Dealt | None
) -> SlotMove:
    left = len(dealt.shared or dealt.every) - 1 + len(dealt.own.get((service.name, move.slot), ()))
    wait = CoreRoom(left, len(dealt.every), being_dealt).refusal(service, move.slot)
    return replace(wait, box=move.box) if wait else move


def _once_dealt(slot: int, box: ObservedBox | None) -> Wait:
    cause = "dedicated cores: they are dealt out once what is under way is done"
    return Wait(slot, box, Reason.CORES, cause, "follows by itself", "the platform")


def _claims(
    desired: Desired, moves: Mapping[ServiceName, Moves], seen: Survey
) -> tuple[_Claim, ...]:
    """The slots with cores of their own, as the plan goes so far."""
    found = []
    for name in seen.traits.dedicated:
        count = desired.services[name].limits.dedicated_cores or 0
        if name in moves:
            found += [
                _Claim((name, move.slot), count, _running(move))
                for move in moves[name].slots
                if _holds(move)
            ]
        elif name in seen.busy:
            being_dealt = desired.being_dealt or {}
            slots = {box.slot: box for box in seen.of(name) if box.state.runs}
            known = {slot for one, slot in being_dealt if one == name}
            found += [
                _Claim((name, slot), count, slots.get(slot)) for slot in sorted({*slots, *known})
            ]
        else:
            found += [_Claim((name, b.slot), count, b) for b in seen.of(name) if b.state.runs]
    return tuple(found)


def _holds(move: SlotMove) -> bool:
    """Whether a slot has cores while the plan goes on. One whose next try has a time keeps them:
    else they would go back and forth with every try."""
    if isinstance(move, Provision | Replace):
        return True
    return _running(move) is not None or (isinstance(move, Wait) and move.reason is Reason.BACK_OFF)


def _running(move: SlotMove) -> ObservedBox | None:
    return move.box if move.box is not None and move.box.state.runs else None


def _asked(moves: Mapping[ServiceName, Moves]) -> set[_Key]:
    return {
        (name, move.slot)
        for name, one in moves.items()
        for move in one.slots
        if isinstance(move, Provision)
    }


def _cheapest(free: Iterable[int], others: Counter[int], mine: Cores) -> list[int]:
    """Cores in the order in which a box gets them: off which few others must move, on which it is,
    and else the highest."""
    return sorted(free, key=lambda core: (others[core], core not in mine, -core))


def _rank(claim: _Claim, others: Counter[int]) -> tuple[int, int]:
    """Whose turn it is: who is alone on some cores keeps them, who runs comes before who is to
    come, and who lacks few before who lacks many."""
    if claim.box is None:
        return 2, claim.count
    has = claim.box.cores
    is_alone = bool(has) and not any(others[core] for core in has)
    return int(not is_alone), _lacking(claim, others)


def _lacking(claim: _Claim, others: Counter[int]) -> int:
    """How many cores a claim is to get beside those on which its box is alone."""
    return claim.count - len(_kept(claim, others))


def _kept(claim: _Claim, others: Counter[int]) -> list[int]:
    """The cores that a claim's box has to itself, which nobody else is given: as many as it asks
    for, since what it has beyond that is given back."""
    alone = [core for core in claim.box.cores if not others[core]] if claim.box else []
    return _cheapest(alone, others, frozenset(alone))[: claim.count]


def _others(
    every: tuple[int, ...], on_each: Counter[int], seen: Survey, claim: _Claim
) -> Counter[int]:
    """How many boxes of other slots may run on each core."""
    name, slot = claim.key
    own = (box for box in seen.of(name) if box.slot == slot and box.state.runs)
    return on_each - crowd(every, own)


def _any_held(every: tuple[int, ...], seen: Survey) -> bool:
    return any(box.cores != every for box in occupants(seen.on_cores))


def _known(desired: Desired, seen: Survey, claims: Iterable[_Claim]) -> dict[_Key, tuple[int, ...]]:
    """What is dealt already: by the plan within which this one is, or to services that are worked
    at, as they are."""
    keys = {one.key for one in claims}
    being_dealt = desired.being_dealt or {}
    found = {key: cores for key, cores in being_dealt.items() if key in keys or key[0] in seen.busy}
    for claim in claims:
        is_dealt = claim.box is not None and len(claim.box.cores) == claim.count
        if claim.box and is_dealt and claim.key[0] in seen.busy:
            found.setdefault(claim.key, claim.box.cores)
    return found


def _alone(every: tuple[int, ...], going: Mapping[BoxId, Cores], seen: Survey) -> frozenset[BoxId]:
    """Those who had their cores for themselves. Whoever is on some of these and on others as well
    was moved there by somebody's hand: boxes that share cores share all of them."""
    on_cores = Counter(frozenset(box.cores or every) for box in occupants(seen.everybody))
    return frozenset(
        one
        for one, mine in going.items()
        if not any(theirs <= mine and (theirs != mine or count > 1)
                   for theirs, count in on_cores.items())
    )  # fmt: skip


def _going(every: tuple[int, ...], moves: Mapping[ServiceName, Moves]) -> dict[BoxId, Cores]:
    """Boxes that run and are released, and where they are."""
    return {
        release.box.id: frozenset(release.box.cores or every)
        for one in moves.values()
        for release in one.releases
        if release.box.state.runs
    }
