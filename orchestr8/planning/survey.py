"""The world, looked through once: by service, by owner, by what is out of the ordinary.

Everything later asks here, so that a service that is as declared costs the same however many
others there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.network import Door
from orchestr8.boxes.records import Failures, Records
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import Health, ObservedBox, World
from orchestr8.isolation.features import Features
from orchestr8.names import BoxId, ServiceName

EVERY_ADDRESS = "0.0.0.0"
Key = tuple[str, str]
"""A service as owner and name: what is looked up for every service of a fleet is kept by these,
since plain texts are found several times faster."""


def key_of(name: ServiceName) -> Key:
    """The key of a service."""
    return name.owner, name.service


@dataclass(frozen=True)
class Survey:
    """What is there, found by whose it is. `now_ms` is milliseconds since the epoch."""

    now_ms: int
    features: Features
    boxes: Mapping[Key, Sequence[ObservedBox]] = field(default_factory=dict)
    """The boxes that the store knows, by owner and service, each list by slot and serial."""
    unknown: tuple[BoxId, ...] = ()
    health: Mapping[BoxId, Health] = field(default_factory=dict)
    unhealthy: frozenset[BoxId] = frozenset()
    failures: Mapping[tuple[ServiceName, int], Failures] = field(default_factory=dict)
    doors_held: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Addresses and ports of the host that are wanted while somebody else listens there, and who
    that is; a door that stands open already is not among them."""
    volume_uids: Mapping[str, int] = field(default_factory=dict)
    """Volumes whose content belongs to another uid than a fresh one's would."""
    placed: frozenset[tuple[ServiceName, int]] = frozenset()
    """Slots that had a box; only known where a service may not place anything new."""

    def of(self, name: ServiceName) -> Sequence[ObservedBox]:
        """The boxes of one service, by slot and serial."""
        return self.boxes.get((name.owner, name.service), ())

    def good(self, box: ObservedBox) -> bool:
        """Whether a box is known to work."""
        return self.health.get(box.id, Health.UNKNOWN).good

    def ill(self, box: ObservedBox) -> bool:
        """Whether a running box is known not to work."""
        return bool(self.unhealthy) and box.state.runs and box.id in self.unhealthy

    def held_door(self, service: DesiredService) -> str:
        """Which of a service's ports somebody else has, or the empty text."""
        for line in service.publish if self.doors_held else ():
            who = self.doors_held.get((line.address, line.host_port))
            if who:
                return f"{line.address}:{line.host_port} is taken by {who}"
        return ""

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
    boxes: dict[Key, list[ObservedBox]] = {}
    unknown: list[BoxId] = []
    for box in world.boxes:
        if box.id in records.boxes:
            boxes.setdefault((box.id.owner, box.id.service), []).append(box)
        else:
            unknown.append(box.id)
    for several in boxes.values():
        if len(several) > 1:
            several.sort(key=lambda box: (box.slot, box.id.serial))
    return Survey(
        now_ms=now_ms,
        features=world.features,
        boxes=boxes,
        unknown=tuple(sorted(unknown)),
        health=world.health,
        unhealthy=frozenset(
            box_id for box_id, health in world.health.items() if health is Health.UNHEALTHY
        ),
        failures=records.failures,
        doors_held=_doors_held(desired, world),
        volume_uids=_volume_uids(desired, world),
        placed=_placed(desired, records),
    )


def _doors_held(desired: Desired, world: World) -> dict[tuple[str, int], str]:
    if not world.ports_taken:
        return {}
    wanted = {
        (line.address, line.host_port)
        for service in desired.services.values()
        for line in service.publish
    }
    is_open = {(e.address, e.host_port) for e in world.network.elements if isinstance(e, Door)}
    return {
        door: who
        for door in wanted - is_open
        if (who := _listener(world.ports_taken, *door)) is not None
    }


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


def _placed(desired: Desired, records: Records) -> frozenset[tuple[ServiceName, int]]:
    if all(service.new_boxes_allowed for service in desired.services.values()):
        return frozenset()
    return frozenset((one.id.service_name, one.slot) for one in records.boxes.values())
