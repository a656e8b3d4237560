"""What the store knows and no snapshot shows. Times are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestr8.names import BoxId, ServiceName

UID_FIRST = 1_048_576
UID_RANGE = 65_536
UID_INSIDE = 65_532
"""The private uid is the range's base plus this, on engines without a user namespace as well, so
that a volume's files have one owner whatever engine runs the box."""


@dataclass(frozen=True)
class ServiceRecord:
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


@dataclass(frozen=True)
class BoxRecord:
    """What a box was given: slot and address."""

    id: BoxId
    slot: int
    address: str


@dataclass(frozen=True)
class Failures:
    """The restart history of one slot: failures in a row and when the last one was."""

    count: int
    last_ms: int
    cause: str = ""


@dataclass(frozen=True)
class Records:
    """Everything that allocation and back-off need to know."""

    installation: str
    services: Mapping[ServiceName, ServiceRecord] = field(default_factory=dict)
    boxes: Mapping[BoxId, BoxRecord] = field(default_factory=dict)
    failures: Mapping[tuple[ServiceName, int], Failures] = field(default_factory=dict)
    address_last: str = ""
    """The last box address that was given, so that a fresh one is not one just left."""
