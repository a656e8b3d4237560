"""The world, looked through once: by service, by owner, by what is out of the ordinary.

Everything later asks here, so that a service that is as declared costs the same however many
others there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.network import Door, Element
from orchestr8.boxes.records import BoxRecord, Failures, Hold, Records
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.use import Ceilings
from orchestr8.boxes.world import Health, ObservedBox, World
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.adopted import held_without_manifest, standing, without_manifest
from orchestr8.planning.busy import addresses, coming, with_neighbours
from orchestr8.planning.declarations import passing
from orchestr8.planning.holds import in_force
from orchestr8.planning.traits import UNSAID, Traits

EVERY_ADDRESS = "0.0.0.0"
GROUND_GONE = "its hosts file is gone, as where the run folder was lost"
PAUSED = "somebody paused it"
RUNS_AGAIN = "somebody started it anew, or told the engine to: a box runs once"


class HeldDoor(Struct, frozen=True):
    """An address and port of the host that cannot be had: why, and what to do."""

    what: str
    remedy: str


class Survey(Struct, frozen=True):
    """What is there, found by whose it is. `now_ms` is milliseconds since the epoch."""

    now_ms: int
    features: Features
    boxes: Mapping[ServiceName, Sequence[ObservedBox]] = field(default_factory=dict)
    """The boxes that the store knows, by owner and service, each list by slot and serial."""
    standbys: Mapping[ServiceName, Sequence[ObservedBox]] = field(default_factory=dict)
    """Those without a slot, each list by serial; they are in no other list of boxes."""
    traits: Traits = field(default_factory=Traits)
    """What is out of the ordinary about what is declared, once every service was looked at."""
    everybody: Sequence[ObservedBox] = ()
    """All boxes, whoever knows them."""
    on_cores: Sequence[ObservedBox] = ()
    """Those of them that may not run on every core."""
    promised: frozenset[ServiceName] = frozenset()
    """Services with a box that was promised to end otherwise than is usual."""
    unknown: tuple[BoxId, ...] = ()
    misplaced: tuple[BoxRecord, ...] = ()
    """Records of boxes that are in another slot than was written down, as they should be: whoever
    gave or took it was killed."""
    absent: tuple[BoxRecord, ...] = ()
    """Boxes that the store knows and nobody sees: somebody removed them, or they never came to be
    since an apply was cut short."""
    health: Mapping[BoxId, Health] = field(default_factory=dict)
    unhealthy: frozenset[BoxId] = frozenset()
    failures: Mapping[tuple[ServiceName, int], Failures] = field(default_factory=dict)
    doors_held: Mapping[tuple[str, int], HeldDoor] = field(default_factory=dict)
    """Addresses and ports of the host that are wanted and cannot be had; a door that stands open
    already is not among them."""
    volume_uids: Mapping[str, int] = field(default_factory=dict)
    """Volumes whose content belongs to another uid than a fresh one's would."""
    unwanted: Mapping[BoxId, str] = field(default_factory=dict)
    """Boxes that somebody wants replaced, or that somebody harmed, and why."""
    ceilings: Ceilings = field(default_factory=dict)
    """Boxes that may have less memory than their maximum for now."""
    held: Mapping[BoxId, int] = field(default_factory=dict)
    """Of boxes whose maximum shall become less: the memory that they hold, in bytes."""
    holds: Mapping[ServiceName, Hold] = field(default_factory=dict)
    """The services that are left alone at this time."""
    adopted: tuple[BoxId, ...] = ()
    """Boxes that were taken over and whose manifest nobody has applied since."""
    standing: frozenset[Element] = frozenset()
    """What the packet filter holds for those, and for boxes that are left alone without a
    manifest."""
    placed: frozenset[tuple[ServiceName, int]] = frozenset()
    """Slots that had a box; only known while a service is looked at that may place nothing new."""
    busy: frozenset[ServiceName] = frozenset()
    """Services that are left to another plan, and those that go together with them."""
    busy_addresses: frozenset[str] = frozenset()
    """Where their boxes are, or are about to be."""
    busy_coming: Mapping[ServiceName, tuple[str, ...]] = field(default_factory=dict)
    """Where boxes of theirs are about to run."""

    def of(self, name: ServiceName) -> Sequence[ObservedBox]:
        """The boxes of one service, by slot and serial."""
        return self.boxes.get(name, ())

    def serial_last(self, name: ServiceName) -> int:
        """The highest serial that any box of a service has; 0 without boxes."""
        boxes = (*self.of(name), *self.standbys.get(name, ()))
        return max((box.id.serial for box in boxes), default=0)

    def good(self, box: ObservedBox) -> bool:
        """Whether a box is known to work."""
        return self.health.get(box.id, Health.UNKNOWN).good

    def ill(self, box: ObservedBox) -> bool:
        """Whether a running box is known not to work."""
        return bool(self.unhealthy) and box.state.runs and box.id in self.unhealthy

    def limits(self, service: DesiredService, box: ObservedBox) -> Limits:
        """What a box of this service shall be held to now.

        Less memory than it holds would end it: its maximum waits until it holds less.
        """
        ceiling, declared = self.ceilings.get(box.id), service.limits
        if box.limits and self.holds_more(service, box):
            return replace(declared, memory_max_bytes=box.limits.memory_max_bytes)
        if ceiling is None or ceiling.memory_bytes >= declared.memory_max_bytes:
            return declared
        return replace(declared, memory_max_bytes=ceiling.memory_bytes)

    def holds_more(self, service: DesiredService, box: ObservedBox) -> bool:
        """Whether a box holds more memory than it shall have at most."""
        return self.held.get(box.id, 0) > service.limits.memory_max_bytes

    def held_door(self, service: DesiredService) -> HeldDoor | None:
        """The first of a service's ports that cannot be had, if there is one."""
        for line in service.publish if self.doors_held else ():
            held = self.doors_held.get((line.address, line.host_port))
            if held:
                return held
        return None

    def with_volumes_as_they_are(self, spec: BoxSpec) -> BoxSpec:
        """The spec as it fits volumes that are older than their service's present uid.

        Content is never given to another uid behind its owner's back; the box sees it mapped.
        """
        if not self.volume_uids or not any(one.volume in self.volume_uids for one in spec.volumes):
            return spec
        volumes = (
            replace(one, owner_uid=self.volume_uids.get(one.volume, one.owner_uid))
            for one in spec.volumes
        )
        return replace(spec, volumes=tuple(volumes))


def survey(desired: Desired, world: World, records: Records, now_ms: int) -> Survey:
    """Looks through the world once."""
    boxes: dict[ServiceName, tuple[ObservedBox, ...]] = {}
    standbys: dict[ServiceName, tuple[ObservedBox, ...]] = {}
    unknown: list[BoxId] = []
    on_cores: list[ObservedBox] = []
    odd: list[ObservedBox] = []
    promised: set[ServiceName] = set()
    misplaced: list[BoxRecord] = []
    adopted = without_manifest(desired, world.boxes, records)
    holds = in_force(records.holds, now_ms) if records.holds else {}
    held = held_without_manifest(desired, world.boxes, holds.keys()) if holds else frozenset()
    busy = with_neighbours(desired, desired.busy)
    recorded = records.boxes
    for box in world.boxes:
        if box.cores:
            on_cores.append(box)
        if box.runs_again or box.paused or not box.names:
            odd.append(box)
        if adopted and box.id in adopted:
            continue
        record = recorded.get(box.id)
        if record is None:
            unknown.append(box.id)
            continue
        kind = standbys if box.slot == STANDBY else boxes
        name = box.id.service_name
        before = kind.get(name)
        kind[name] = (box,) if before is None else (*before, box)
        if record.stop != UNSAID:
            promised.add(name)
        if record.slot != box.slot and name not in busy:
            misplaced.append(replace(record, slot=box.slot))
    for kind in (boxes, standbys):
        for name in [name for name, several in kind.items() if len(several) > 1]:
            kind[name] = tuple(sorted(kind[name], key=lambda box: (box.slot, box.id.serial)))
    return Survey(
        now_ms=now_ms,
        features=world.features,
        boxes=boxes,
        standbys=standbys,
        everybody=world.boxes,
        on_cores=on_cores,
        promised=frozenset(promised),
        unknown=tuple(sorted(unknown)),
        misplaced=tuple(misplaced),
        absent=_absent(world, records, len(world.boxes) - len(unknown), busy),
        health=world.health,
        unhealthy=frozenset(
            box_id for box_id, health in world.health.items() if health is Health.UNHEALTHY
        ),
        failures=records.failures,
        doors_held=_doors_held(desired, world),
        volume_uids=_volume_uids(desired, world),
        unwanted={**_harmed(desired, odd), **desired.unwanted},
        ceilings=desired.ceilings,
        held=world.held,
        holds=holds,
        adopted=tuple(sorted(adopted)),
        standing=standing(adopted, held, world),
        busy=busy,
        busy_addresses=addresses(busy, world, records),
        busy_coming=coming(busy & desired.services.keys(), world, records),
    )


def _absent(
    world: World, records: Records, known: int, busy: frozenset[ServiceName]
) -> tuple[BoxRecord, ...]:
    if known == len(records.boxes):
        return ()
    gone = sorted(records.boxes.keys() - {box.id for box in world.boxes})
    return tuple(records.boxes[one] for one in gone if one.service_name not in busy)


def _harmed(desired: Desired, odd: Iterable[ObservedBox]) -> dict[BoxId, str]:
    """Boxes that run, and that a fresh one has to succeed, since somebody had his hand in. A job is
    left to its end."""
    found = {}
    for box in odd:
        service = desired.services.get(box.id.service_name)
        if not box.state.runs or not box.spec or service is None or service.run_once:
            continue
        if box.runs_again:
            found[box.id] = RUNS_AGAIN
        elif box.paused:
            found[box.id] = PAUSED
        elif box.spec.networked and service.names:
            found[box.id] = GROUND_GONE
    return found


def _doors_held(desired: Desired, world: World) -> dict[tuple[str, int], HeldDoor]:
    if not world.ports_taken and not world.addresses_absent:
        return {}
    wanted = {
        (line.address, line.host_port)
        for service in passing(desired.services)
        for line in service.publish
    }
    is_open = {(e.address, e.host_port) for e in world.network.elements if isinstance(e, Door)}
    return {door: held for door in wanted - is_open if (held := _held(world, *door)) is not None}


def _held(world: World, address: str, port: int) -> HeldDoor | None:
    if address in world.addresses_absent:
        return HeldDoor(
            f"{address}:{port} is at an address that this host does not have",
            "publish at one that `ip address` shows, or give the host this one",
        )
    who = _listener(world.ports_taken, address, port)
    if who is None:
        return None
    remedy = "publish another port, or end what listens there"
    return HeldDoor(f"{address}:{port} is taken by {who}", remedy)


def _listener(taken: Mapping[tuple[str, int], str], address: str, port: int) -> str | None:
    """Who listens where it would be in the way; an address of all stands in everybody's."""
    for (other, other_port), who in sorted(taken.items()):
        meets = other == address or EVERY_ADDRESS in (other, address)
        if meets and other_port == port:
            return who or "another program"
    return None


def _volume_uids(desired: Desired, world: World) -> dict[str, int]:
    if not desired.volumes:
        return {}
    seen = {volume.name: volume.uid for volume in world.volumes}
    return {
        volume.name: seen[volume.name]
        for volume in desired.volumes
        if seen.get(volume.name, volume.uid) != volume.uid
    }


def placed(records: Records) -> frozenset[tuple[ServiceName, int]]:
    """The slots that had a box."""
    return frozenset((one.id.service_name, one.slot) for one in records.boxes.values())
