"""What a service asks of the packet filter: whom it calls, and where it is called."""

from __future__ import annotations

from msgspec import Struct

from orchestr8.boxes.desired import DesiredService
from orchestr8.contract.model import Egress
from orchestr8.manifest.model import Link, Publish
from orchestr8.names import ServiceName


class Ways(Struct, frozen=True, gc=False):
    """The part of a declaration that is needed once it is known where all boxes are."""

    name: ServiceName
    address: str
    connects: tuple[Link, ...]
    egress: tuple[Egress, ...]
    publish: tuple[Publish, ...]

    @classmethod
    def of(cls, service: DesiredService) -> Ways:
        """Those of a service."""
        return cls(service.name, service.address, service.connects, service.egress, service.publish)
