"""What must be unique is given out here: keys, uid ranges, addresses, serials.

Nothing is drawn by lot. Everything follows from the records and from what is asked, so that the
same question gets the same answer until the answer has been stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.network import SERVICE_RANGE, SUBNET
from orchestr8.boxes.records import UID_FIRST, UID_RANGE, BoxRecord, Records, ServiceRecord
from orchestr8.boxes.world import ObservedBox, World
from orchestr8.contract.model import Contracts
from orchestr8.errors import RejectedError
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.addresses import Range
from orchestr8.planning.plan import Allocations

KEY_LENGTH = 16
NOTHING_GIVEN = Allocations()


def allocate(
    contracts: Contracts, records: Records, service_range: str = SERVICE_RANGE
) -> tuple[Records, Allocations]:
    """Gives every service without a record its key, uid range and virtual address.

    A service that is gone keeps its row, so that neither its serials nor its uid range ever belong
    to another, but loses its key: a later namesake gets a fresh one, and finds its owner's data as
    readable as before.
    """
    known, services = records.services, contracts.services
    found = [known.get(name) for name in services]
    keyless = [name for name, one in zip(services, found, strict=True) if not one or not one.key]
    # Where every record is of a service that is contracted, none has gone.
    may_be_gone = known if len(known) > len(found) - found.count(None) else {}
    gone = [
        replace(record, key="")
        for name, record in may_be_gone.items()
        if name not in services and record.key and name not in records.adopted
    ]
    fresh = _fresh(sorted(keyless), records, service_range) if keyless else []
    changed = tuple(sorted((*gone, *fresh), key=lambda record: record.name))
    given = Allocations(services=changed)
    return extend(records, given), given


def extend(records: Records, given: Allocations) -> Records:
    """The records once these allocations are stored."""
    if given == NOTHING_GIVEN:
        return records
    return replace(
        records,
        services={**records.services, **{record.name: record for record in given.services}},
        boxes={**records.boxes, **{record.id: record for record in given.boxes}},
        address_last=given.address_last or records.address_last,
    )


def _fresh(
    names: Iterable[ServiceName], records: Records, service_range: str
) -> list[ServiceRecord]:
    uid_base = max((one.uid_base + UID_RANGE for one in records.services.values()), default=0)
    uid_base = max(uid_base, UID_FIRST, records.floor.uid_base)
    used = {one.address for one in records.services.values()}
    range_ = Range.of(service_range)
    address = max(used, key=lambda text: tuple(map(int, text.split("."))), default="")
    fresh = []
    for name in names:
        earlier = records.services.get(name)
        if earlier is not None:
            key = service_key(records.installation, name, earlier.serial_last)
            fresh.append(replace(earlier, key=key))
            continue
        address = range_.next_free(address, used)
        if not address:
            raise RejectedError(
                f"the range of virtual addresses {service_range} is full",
                "remove services that nobody needs",
            )
        used.add(address)
        serial = records.floor.serial
        key = service_key(records.installation, name, serial)
        fresh.append(ServiceRecord(name, key, serial, uid_base, address))
        uid_base += UID_RANGE
    return fresh


def service_key(installation: str, name: ServiceName, serial: int) -> str:
    """The key of a service that begins after this serial."""
    text = f"{installation}/{name.owner}/{name.service}/{serial}"
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


class Dealer(Struct, dict=True):
    """Deals serials and addresses to the boxes of one plan."""

    records: Records
    world: World
    _serials: dict[ServiceName, int] = field(default_factory=dict)
    _boxes: list[BoxRecord] = field(default_factory=list)
    _used: set[str] | None = None
    _address_last: str = ""

    def __post_init__(self) -> None:
        self._address_last = self.records.address_last

    @property
    def addresses_free(self) -> int:
        """How many more boxes with an interface the subnet can hold."""
        return len(self._range) - len(self._in_use())

    def box(self, service: DesiredService, slot: int, seen: int, *, networked: bool) -> BoxRecord:
        """A fresh box of a slot; `seen` is the highest serial that the world has for the service,
        which counts where the store is older than the world."""
        name = service.name
        last = self._serials.get(name)
        if last is None:
            last = max(self.records.services[name].serial_last, seen)
        self._serials[name] = last + 1
        address = self._address() if networked else ""
        box_id = BoxId(name.owner, name.service, last + 1)
        record = BoxRecord(box_id, slot, address, service.stop)
        self._boxes.append(record)
        return record

    def take(self, service: DesiredService, standby: ObservedBox, slot: int) -> BoxRecord:
        """A slot for a box that is there already."""
        record = BoxRecord(standby.id, slot, standby.address, service.stop)
        self._boxes.append(record)
        return record

    def renew(self, records: Iterable[BoxRecord]) -> None:
        """What boxes that are there are promised from now on, unless they are given a slot."""
        dealt = {record.id for record in self._boxes}
        self._boxes += (record for record in records if record.id not in dealt)

    def allocations(self) -> Allocations:
        """Everything that was dealt, to be stored before the first call."""
        if not self._boxes:
            return NOTHING_GIVEN
        services = (
            replace(self.records.services[name], serial_last=serial)
            for name, serial in self._serials.items()
        )
        return Allocations(
            services=tuple(sorted(services, key=lambda record: record.name)),
            boxes=tuple(sorted(self._boxes, key=lambda record: record.id)),
            address_last=self._address_last,
        )

    def _address(self) -> str:
        used = self._in_use()
        address = self._range.next_free(self._address_last, used)
        used.add(address)
        self._address_last = address
        return address

    @cached_property
    def _range(self) -> Range:
        return Range.of(self.world.network.subnet or SUBNET)

    def _in_use(self) -> set[str]:
        if self._used is None:
            held = {record.address for record in self.records.boxes.values()}
            self._used = (held | {box.address for box in self.world.boxes}) - {""}
        return self._used
