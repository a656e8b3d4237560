"""Whether what is asked fits: guarantees and boxes against the machine and the owner's quota.

Maxima are not added up, since the owner's cgroup holds them together. What fits is decided in the
order in which services start, so the answer does not depend on who asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from orchestr8 import units
from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.world import State
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import ServiceName
from orchestr8.planning.cores import CoreRoom
from orchestr8.planning.declarations import passing
from orchestr8.planning.moves import Keep, Moves, Provision, Replace, SlotMove, Wait
from orchestr8.planning.plan import Reason
from orchestr8.planning.survey import Survey

MACHINE = ""
"""The holder of everything that is not an owner."""


class _Resource(Struct, frozen=True):
    """One thing that is counted: its name, what a box takes of it, and how it is written."""

    name: str
    of_box: Callable[[Limits], int]
    of_quota: Callable[[Quota], int | None]
    say: Callable[[int], str]
    guaranteed: str = " guaranteed"


_RESOURCES = (
    _Resource("boxes", lambda _: 1, lambda quota: quota.boxes, str, ""),
    _Resource(
        "memory",
        lambda limits: limits.memory_guarantee_bytes or 0,
        lambda quota: quota.memory_bytes,
        units.format_size,
    ),
    _Resource(
        "cpu",
        lambda limits: limits.cpu_guarantee_millicores or 0,
        lambda quota: quota.cpu_millicores,
        units.format_cpu,
    ),
)


class Room(Struct):
    """What is held of each resource, by owner and on the machine, as moves are admitted."""

    quotas: Mapping[str, Quota]
    machine: Quota
    addresses_free: int
    cores: CoreRoom
    _held: dict[tuple[str, str], int] = field(default_factory=dict)

    def hold(self, owner: str, limits: Limits, count: int = 1) -> None:
        """Counts boxes that are there, or that were admitted."""
        for resource in _RESOURCES:
            amount = resource.of_box(limits) * count
            if amount:
                for holder in (owner, MACHINE):
                    key = (holder, resource.name)
                    self._held[key] = self._held.get(key, 0) + amount

    def refusal(self, owner: str, limits: Limits, slot: int) -> Wait | None:
        """Why one more box does not fit: the sum, and what would make it fit."""
        for resource in _RESOURCES:
            for holder in (owner, MACHINE):
                quota = self.quotas.get(owner, Quota()) if holder else self.machine
                most = resource.of_quota(quota)
                held = self._held.get((holder, resource.name), 0)
                asked = resource.of_box(limits)
                if most is not None and asked and held + asked > most:
                    return _does_not_fit(resource, holder, slot, (held, asked, most))
        return None

    def address_refusal(self, move: Provision | Replace) -> Wait | None:
        """Why a box with an interface cannot have one; else its address is counted."""
        if self.addresses_free > 0:
            self.addresses_free -= 1
            return None
        cause = "addresses: the boxes' subnet is full"
        remedy = "fits when boxes are released"
        return Wait(move.slot, move.box, Reason.CAPACITY, cause, remedy, "the platform")


def _does_not_fit(resource: _Resource, owner: str, slot: int, sums: tuple[int, int, int]) -> Wait:
    say = resource.say
    held, asked, most = sums
    where = f"of owner {owner}" if owner else "on this machine"
    limit = f"quota {say(most)}" if owner else say(most)
    beside = f"{say(held)}{resource.guaranteed} {where} + " if held else ""
    remedy = f"fits when {say(held + asked - most)} less is held"
    if asked > most:
        remedy = f"ask for at most {say(most)}"
    if owner:
        remedy += f", or with a quota of {say(held + asked)}"
    return Wait(
        slot,
        None,
        Reason.QUOTA if owner else Reason.CAPACITY,
        f"{resource.name}: {beside}{say(asked)} asked > {limit}",
        remedy,
        f"owner {owner}, or the platform" if owner else "the platform",
    )


def room_beside(
    desired: Desired, moves: Mapping[ServiceName, Moves], seen: Survey, addresses_free: int
) -> Room:
    """What is held by everything that is not asked for anew in this plan."""
    cores = CoreRoom.beside(desired, moves, seen)
    room = Room(desired.quotas, _machine(desired, seen.features), addresses_free, cores)
    for service in passing(desired.services):
        name, count = service.name, len(service.slots)
        if name in moves:
            count -= sum(_asks(move) for move in moves[name].slots)
        if count:
            done = _done(service, moves.get(name), seen)
            room.hold(name.owner, service.limits, count - done)
            room.hold(name.owner, Limits(), done)
    return room


def admit(service: DesiredService, moves: Moves, room: Room) -> Moves:
    """The moves of one service, as far as there is room for them."""
    if not moves.fresh:
        return moves
    slots: list[SlotMove] = []
    for move in moves.slots:
        refusal = None
        if isinstance(move, Provision | Replace) and move.spec.networked and not move.standby:
            refusal = room.address_refusal(move)
        if isinstance(move, Provision) and refusal is None:
            refusal = room.cores.refusal(service, move.slot)
            refusal = refusal or room.refusal(service.name.owner, service.limits, move.slot)
            if refusal is None:
                room.hold(service.name.owner, service.limits)
                room.cores.hold(service)
        slots.append(refusal or move)
    return moves.with_slots(tuple(slots))


def _done(service: DesiredService, moves: Moves | None, seen: Survey) -> int:
    """How many of its boxes are jobs that are done: they count as boxes and guarantee nothing."""
    if not service.run_once or service.name in seen.busy:
        return 0
    if moves is None:
        kept = seen.of(service.name)
    else:
        kept = [one.box for one in moves.slots if isinstance(one, Keep)]
    return sum(box.state is State.STOPPED for box in kept)


def _asks(move: object) -> bool:
    return isinstance(move, Provision) or (isinstance(move, Wait) and move.box is None)


def _machine(desired: Desired, features: Features) -> Quota:
    def less(total: int | None, reserve: int) -> int | None:
        return None if total is None else max(0, total - reserve)

    return Quota(
        cpu_millicores=less(features.cpu_millicores, desired.reserve_cpu_millicores),
        memory_bytes=less(features.memory_bytes, desired.reserve_memory_bytes),
    )
