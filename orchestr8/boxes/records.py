"""What the store knows and no snapshot shows. Times are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId, ServiceName

UID_FIRST = 1_048_576
UID_RANGE = 65_536
UID_INSIDE = 65_532
"""The private uid is the range's base plus this, on engines without a user namespace as well, so
that a volume's files have one owner whatever engine runs the box."""


class ServiceRecord(Struct, frozen=True, gc=False):
    """What a service keeps for life: its key, serials, uid range and virtual address."""

    name: ServiceName
    key: str
    serial_last: int
    uid_base: int
    address: str

    @property
    def uid(self) -> int:
        """The uid and gid that the service's boxes have."""
        return self.uid_base + UID_INSIDE


class BoxRecord(Struct, frozen=True, gc=False):
    """What a box was given: slot and address, and how it was promised to be asked to end.

    `stop` is None where nobody wrote that down.
    """

    id: BoxId
    slot: int
    address: str
    stop: Stop | None = None


class Failures(Struct, frozen=True):
    """The restart history of one slot: failures in a row and when the last one was."""

    count: int
    last_ms: int
    cause: str = ""


class Hold(Struct, frozen=True):
    """A person's word that a service is left alone until `until_ms`; it ends by itself."""

    until_ms: int
    reason: str
    actor: str = ""
    at_ms: int = 0


class Floor(Struct, frozen=True):
    """What a store that was lost may have given out: later serials and uid ranges lie above."""

    serial: int = 0
    uid_base: int = 0


class Records(Struct, frozen=True):
    """Everything that allocation and back-off need to know."""

    installation: str
    services: Mapping[ServiceName, ServiceRecord] = field(default_factory=dict)
    boxes: Mapping[BoxId, BoxRecord] = field(default_factory=dict)
    failures: Mapping[tuple[ServiceName, int], Failures] = field(default_factory=dict)
    address_last: str = ""
    """The last box address that was given, so that a fresh one is not one just left."""
    holds: Mapping[ServiceName, Hold] = field(default_factory=dict)
    adopted: Mapping[ServiceName, str] = field(default_factory=dict)
    """Services whose boxes were taken over without their manifests, and the set of each."""
    floor: Floor = Floor()
