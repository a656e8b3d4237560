"""Records from what boxes and volumes say of themselves, for a store that was lost.

What was given out by the lost store and is seen nowhere any more may have been more than what is
seen: serials, uid ranges and addresses that are given out later lie beyond both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from orchestr8.boxes.network import Ranges
from orchestr8.boxes.records import (
    UID_FIRST,
    UID_INSIDE,
    UID_RANGE,
    BoxRecord,
    Floor,
    Records,
    ServiceRecord,
)
from orchestr8.boxes.world import ObservedBox, ObservedVolume
from orchestr8.errors import RejectedError
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.addresses import Range, to_number
from orchestr8.planning.allocate import service_key

SERIALS_SKIPPED = 100
"""More than a service's boxes that failed to come up before anybody mended it."""
RANGES_SKIPPED = 256
"""More than the services that were declared and removed since the youngest that is seen."""


class Recognised(Struct, frozen=True):
    """What is to be stored: records of services and boxes, the set of each service, and where what
    is given out later begins. `unreadable` are boxes whose declaration cannot be read: they are
    taken over all the same, and the next apply replaces them."""

    services: tuple[ServiceRecord, ...] = ()
    boxes: tuple[BoxRecord, ...] = ()
    sets: Mapping[ServiceName, str] = field(default_factory=dict)
    floor: Floor = Floor()
    address_last: str = ""
    unreadable: tuple[BoxId, ...] = ()


def recognise(
    boxes: Sequence[ObservedBox],
    volumes: Sequence[ObservedVolume],
    known: Records,
    ranges: Ranges,
) -> Recognised:
    """What these boxes and volumes tell of their services.

    A service without boxes whose data is there keeps the ids to which that belongs.

    `known` are the records that there are; boxes that stand in them are left as they are, and a
    service that has a record keeps it, but for a serial that is behind. Equal input gives equal
    records.
    """
    strange = sorted((one for one in boxes if one.id not in known.boxes), key=lambda one: one.id)
    floor = _floor(boxes, volumes, known)
    by_service: dict[ServiceName, list[ObservedBox]] = {}
    for box in strange:
        by_service.setdefault(box.id.service_name, []).append(box)
    making = _Making(known, floor, Range.of(ranges.services), _addresses(boxes))
    services = [making.record(name, own) for name, own in sorted(by_service.items())]
    for name, uid_base in sorted(_ranges_of_data(volumes).items()):
        if name not in by_service and name not in known.services:
            services += making.of_data(name, uid_base)
    return Recognised(
        services=tuple(sorted(services, key=lambda one: one.name)),
        boxes=tuple(BoxRecord(box.id, box.slot, box.address, box.stop) for box in strange),
        sets={name: _youngest(own).set_name for name, own in sorted(by_service.items())},
        floor=Floor(floor.serial, max(floor.uid_base, making.uid_base_next)),
        address_last=max(
            (known.address_last, *(box.address for box in strange)),
            key=lambda address: to_number(address) if address else -1,
        ),
        unreadable=tuple(box.id for box in strange if box.spec is None),
    )


def _youngest(boxes: Sequence[ObservedBox]) -> ObservedBox:
    """The box that speaks for its service: the youngest that runs, else the youngest."""
    return max(boxes, key=lambda box: (box.state.runs, box.id.serial))


def range_of(uid: int) -> int:
    """The uid range that a private uid belongs to, by its first number; 0 for any other uid."""
    first = uid - UID_INSIDE
    is_private = first >= UID_FIRST and not (first - UID_FIRST) % UID_RANGE
    return first if is_private else 0


def _uid_base(box: ObservedBox) -> int:
    return box.uid_base or (range_of(box.spec.uid) if box.spec else 0)


def _ranges_of_data(volumes: Iterable[ObservedVolume]) -> dict[ServiceName, int]:
    """The uid range of each service whose data is there, if it is a private one."""
    named = [(volume.service, range_of(volume.uid)) for volume in volumes]
    return {service: uid_base for service, uid_base in named if service and uid_base}


def _floor(
    boxes: Iterable[ObservedBox], volumes: Iterable[ObservedVolume], known: Records
) -> Floor:
    seen = [*boxes]
    uid_bases = {
        *(_uid_base(box) for box in seen),
        *(range_of(volume.uid) for volume in volumes),
        *(record.uid_base for record in known.services.values()),
    }
    highest = max(uid_bases, default=0)
    serial = max((box.id.serial for box in seen), default=0)
    return Floor(
        serial=max(known.floor.serial, serial + SERIALS_SKIPPED if serial else 0),
        uid_base=max(known.floor.uid_base, highest + RANGES_SKIPPED * UID_RANGE if highest else 0),
    )


def _addresses(boxes: Iterable[ObservedBox]) -> dict[ServiceName, str]:
    """The virtual addresses that boxes know: their own service's, and those that they call.

    What a box was made with counts more than what was written into its hosts file later.
    """
    written: dict[ServiceName, str] = {}
    carried: dict[ServiceName, str] = {}
    for box in boxes:
        for text, address in box.names:
            try:
                written[ServiceName.parse(text)] = address
            except ValueError:
                continue
        if box.service_address:
            carried[box.id.service_name] = box.service_address
    return written | carried


class _Making(Struct):
    """Records of services under way: what is taken already, and what comes next."""

    known: Records
    floor: Floor
    range: Range
    addresses: Mapping[ServiceName, str]
    uid_base_next: int = 0
    _uid_bases: set[int] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        records = self.known.services.values()
        self.uid_base_next = max(self.floor.uid_base, UID_FIRST)
        self._uid_bases = {record.uid_base for record in records}
        self._taken = {record.address for record in records}

    def record(self, name: ServiceName, boxes: Sequence[ObservedBox]) -> ServiceRecord:
        """What is known of a service; what its boxes do not say is given out anew."""
        serial = max(box.id.serial for box in boxes) + SERIALS_SKIPPED
        speaker = _youngest(boxes)
        earlier = self.known.services.get(name)
        if earlier:
            key = earlier.key or speaker.service_key
            serial = max(serial, earlier.serial_last)
            return ServiceRecord(name, key, serial, earlier.uid_base, earlier.address)
        key = speaker.service_key or service_key(self.known.installation, name, serial)
        return ServiceRecord(name, key, serial, self._range(speaker), self._address(name))

    def of_data(self, name: ServiceName, uid_base: int) -> Iterator[ServiceRecord]:
        """A service of which only data is there: it has no key until it is declared again."""
        if uid_base not in self._uid_bases:
            self._uid_bases.add(uid_base)
            yield ServiceRecord(name, "", self.floor.serial, uid_base, self._address(name))

    def _range(self, box: ObservedBox) -> int:
        uid_base = _uid_base(box)
        if not uid_base or uid_base in self._uid_bases:
            uid_base = self.uid_base_next
            self.uid_base_next += UID_RANGE
        self._uid_bases.add(uid_base)
        return uid_base

    def _address(self, name: ServiceName) -> str:
        address = self.addresses.get(name, "")
        if not address or address in self._taken:
            used = self._taken | set(self.addresses.values())
            address = self.range.next_free(max(used, key=to_number, default=""), used)
        if not address:
            raise RejectedError(
                "the range of virtual addresses is full", "remove services that nobody needs"
            )
        self._taken.add(address)
        return address
