"""A plan's actions while they are being written, and what all of them stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Box, Desired, DesiredService, DesiredVolume
from orchestr8.boxes.network import Element
from orchestr8.boxes.records import BoxRecord
from orchestr8.boxes.world import State, World
from orchestr8.isolation import features as feature
from orchestr8.isolation.limits import Quota
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.changes import quota_changes, quotas_that_wait, volume_grows
from orchestr8.planning.cores import Deal
from orchestr8.planning.links import Wiring
from orchestr8.planning.moves import Moves, Provision, Replace, StandBy, joined
from orchestr8.planning.places import Places
from orchestr8.planning.plan import (
    Action,
    Call,
    ChangeNetwork,
    EnsureOwner,
    EnsureVolume,
    FetchImage,
    PrepareNetwork,
    Purpose,
)
from orchestr8.planning.stops import Stops
from orchestr8.planning.survey import Survey

Numbers = tuple[int, ...]
_Needed = tuple[ServiceName, Provision | Replace | StandBy]


class CoresLeft(Struct, frozen=True):
    """A box's move to other cores, by the number of its action, and those that it leaves;
    `were_own` where it has cores for itself."""

    box: BoxId
    number: int
    cores: frozenset[int]
    were_own: bool = False


class Draft(Struct):
    """The actions so far, and the numbers of those that later ones may have to wait for."""

    desired: Desired
    world: World
    seen: Survey
    moves: Mapping[ServiceName, Moves]
    places: Places
    wiring: Wiring
    stops: Stops
    cores: Deal
    actions: list[Action] = field(default_factory=list)
    opening: Numbers = ()
    """The change of the table that everything with an interface waits for."""
    owners: dict[str, int] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    volumes: dict[str, int] = field(default_factory=dict)
    volumes_let_go: dict[str, list[int]] = field(default_factory=dict)
    """The stops of released boxes that write to a volume: whoever takes it over waits for them."""
    slots_cleared: dict[tuple[ServiceName, int], list[int]] = field(default_factory=dict)
    """The stops of boxes that were too many in a slot: a fresh one starts after them."""
    stopped: dict[BoxId, int] = field(default_factory=dict)
    """The stops of boxes, by box."""
    cores_left: list[CoresLeft] = field(default_factory=list)
    """The moves of boxes to other cores: whoever comes to what one leaves waits for it."""
    starts: dict[tuple[ServiceName, int], int] = field(default_factory=dict)
    gates: dict[ServiceName, list[int]] = field(default_factory=dict)
    awaited: set[BoxId] = field(default_factory=set)
    """Boxes that are kept and have a gate nevertheless."""
    ends: list[int] = field(default_factory=list)
    """The actions after which no address of a box that goes is in use."""
    serving: dict[ServiceName, set[str]] = field(default_factory=dict)
    """The addresses that take the traffic of services that change, in the end."""
    remove_at_end: list[Element] = field(default_factory=list)

    def add(
        self,
        call: Call,
        purpose: Purpose,
        cause: str,
        service: ServiceName | None = None,
        needs: Iterable[int] = (),
    ) -> int:
        """Writes one action; its number."""
        needed = tuple(sorted(set(needs)))
        self.actions.append(Action(call, purpose, cause, service, needed))
        return len(self.actions) - 1

    def under(self, name: ServiceName, move: Provision | Replace | StandBy) -> set[int]:
        """What a fresh box stands on: its owner's cgroup, its image, its volumes, the network."""
        found = {self.owners.get(name.owner), self.images.get(_image_key(move))}
        found.update(self.volumes.get(volume.volume) for volume in move.spec.volumes)
        if move.spec.networked or joined(move.spec.profile):
            found.update(self.opening)
        return {number for number in found if number is not None}

    @property
    def released(self) -> frozenset[BoxId]:
        """The boxes that go, and nothing takes their place."""
        return frozenset(one.box.id for moves in self.moves.values() for one in moves.releases)

    @property
    def left_alone(self) -> frozenset[int]:
        """The cores that boxes leave which have them for themselves: by their end, or by a move."""
        deal = self.cores
        ends = (deal.going[one] for one in deal.were_alone)
        return frozenset().union(*ends, *(one.cores for one in self.cores_left if one.were_own))

    def on_cores(self, cores: Iterable[int], *, alone: bool) -> set[int]:
        """What must be done before a box comes to these cores, of which none is every one: others
        leave them, and boxes end that had them for themselves; for one that shall be alone there
        all that are released."""
        deal = self.cores
        wanted = deal.held_to(cores)
        found = {left.number for left in self.cores_left if left.cores & wanted}
        for box_id, held in deal.going.items():
            if held & wanted and (alone or box_id in deal.were_alone) and box_id in self.stopped:
                found.add(self.stopped[box_id])
        return found

    def box(
        self,
        service: DesiredService,
        move: Provision | Replace | StandBy,
        record: BoxRecord,
    ) -> Box:
        """A fresh box with what was dealt to it."""
        return Box(
            id=record.id,
            slot=record.slot,
            set_name=service.set_name,
            service_key=service.key,
            spec=move.spec,
            limits=service.limits,
            address=record.address,
            names=service.names if move.spec.networked else (),
            joins=tuple(
                (kind, self.places.box_in(peer, record.slot))
                for kind, peer in joined(move.spec.profile)
            ),
            shares=service.shares,
            uid_base=service.uid_base,
            service_address=service.address,
            stop=service.stop,
            cores=self.cores.of(service.name, record.slot),
        )


def lay_ground(draft: Draft) -> None:
    """Writes what serves several: network, owners' cgroups, images, volumes, the opening change."""
    needed: list[_Needed] = [
        (name, move)
        for name, moves in sorted(draft.moves.items())
        for move in (*(one for one in moves.fresh if not one.standby), *moves.standbys)
    ]
    _network(draft, needed)
    _owners(draft, {name.owner for name, _ in needed})
    missing = _missing_volumes(draft) if needed else {}
    _volumes_that_are_there(draft)
    for name, move in needed:
        _image(draft, name, move)
        for mount in move.spec.volumes:
            if mount.volume in missing and mount.volume not in draft.volumes:
                call = EnsureVolume(missing[mount.volume])
                number = draft.add(call, Purpose.PROVISION, "not there yet", name)
                draft.volumes[mount.volume] = number


def _network(draft: Draft, needed: Iterable[_Needed]) -> None:
    wiring = draft.wiring
    prepare: Numbers = ()
    if not draft.world.network.prepared and (wiring.add or _any_interface(draft, needed)):
        cause = draft.world.network.lacks or "bridge or table are missing"
        number = draft.add(PrepareNetwork(), Purpose.PROVISION, cause)
        prepare = draft.opening = (number,)
    if wiring.add or wiring.remove:
        call = ChangeNetwork(wiring.add, wiring.remove)
        cause = "as declared, where boxes are and will be"
        draft.opening = (draft.add(call, Purpose.REBALANCE, cause, needs=prepare),)


def _any_interface(draft: Draft, needed: Iterable[_Needed]) -> bool:
    """Whether any box that stays or comes has an interface: without the table nothing would be
    denied."""
    goes = draft.released
    stays = (box for box in draft.world.boxes if box.state is not State.STOPPED)
    specs = (box.spec for box in stays if box.id not in goes)
    return any(spec and spec.networked for spec in (*specs, *(move.spec for _, move in needed)))


def _owners(draft: Draft, with_fresh_boxes: Set[str]) -> None:
    """Owners' cgroups, made before their first box. An engine without quotas shows none to differ
    from."""
    if not draft.world.features.has(feature.QUOTA):
        return
    waiting = quotas_that_wait(draft.desired, draft.world)
    for owner in sorted(draft.seen.traits.owners):
        seen = draft.world.quotas.get(owner)
        wanted = draft.desired.quotas.get(owner, Quota())
        if seen is not None and owner in waiting:
            wanted = replace(wanted, memory_bytes=seen.memory_bytes)
        call = EnsureOwner(owner, wanted)
        if seen is None and owner in with_fresh_boxes:
            cause = "the owner has no cgroup yet"
            draft.owners[owner] = draft.add(call, Purpose.PROVISION, cause)
        elif seen is not None and (changes := quota_changes(wanted, seen)):
            cause = ", ".join(map(str, changes))
            draft.owners[owner] = draft.add(call, Purpose.REBALANCE, cause)


def _image(draft: Draft, name: ServiceName, move: Provision | Replace | StandBy) -> None:
    key = _image_key(move)
    if key not in draft.world.images and key not in draft.images:
        call = FetchImage(move.spec.image, move.spec.image_id)
        draft.images[key] = draft.add(call, Purpose.PROVISION, "not present", name)


def _image_key(move: Provision | Replace | StandBy) -> str:
    """An image by its id, or by its name where nobody has seen it yet."""
    return move.spec.image_id or move.spec.image


def _volumes_that_are_there(draft: Draft) -> None:
    """Those that grow, and those whose file system is not mounted, since a reboot for instance."""
    seen = {volume.name: volume for volume in draft.world.volumes}
    for wanted in draft.desired.volumes:
        volume = seen.get(wanted.name)
        if volume is None or wanted.service in draft.seen.busy:
            continue
        grows = volume_grows(wanted, volume)
        if grows or not volume.ready:
            cause = str(grows) if grows else "its file system is not mounted"
            number = draft.add(EnsureVolume(wanted), Purpose.REBALANCE, cause)
            draft.volumes[wanted.name] = number


def _missing_volumes(draft: Draft) -> dict[str, DesiredVolume]:
    present = {volume.name for volume in draft.world.volumes}
    return {one.name: one for one in draft.desired.volumes if one.name not in present}
