"""The elements of the one packet-filter table, default-deny: what is not here is dropped.

Each is a fact that can be added, removed and read back. Addresses are IPv4 in dotted form.
"""

from __future__ import annotations

from msgspec import Struct

SUBNET = "10.231.0.0/17"
"""The boxes' own range, unless the host's table was made with another; .1 is the gateway."""
SERVICE_RANGE = "10.231.128.0/17"
"""The range of virtual addresses beside it."""


class Ranges(Struct, frozen=True):
    """An installation's addresses: its boxes' own, and the virtual ones of its services."""

    subnet: str = SUBNET
    services: str = SERVICE_RANGE


class Pass(Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """One box may open TCP connections to one port of another."""

    source: str
    destination: str
    port: int


class Route(Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A service's virtual address and port lead to these boxes."""

    address: str
    port: int
    backends: tuple[str, ...]


class Door(Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A port of the host leads to these boxes' port; address 0.0.0.0 is every one of the host."""

    address: str
    host_port: int
    port: int
    backends: tuple[str, ...]


class Out(Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """One box may reach a range outside on one port, by TCP and UDP."""

    source: str
    range: str
    port: int


Element = Pass | Route | Door | Out


def key_of(element: Element) -> object:
    """What makes an element the same one, whatever it leads to: a route's or door's place, of any
    other the whole of it. A table has one of each."""
    match element:
        case Route():
            return (Route, element.address, element.port)
        case Door():
            return (Door, element.address, element.host_port)
        case _:
            return element


class NetworkState(Struct, frozen=True):
    """What the table holds now; `prepared` is false where anything that it stands on is missing."""

    prepared: bool
    elements: frozenset[Element] = frozenset()
    subnet: str = ""
    """The boxes' own range, for instance 10.231.0.0/17."""
    service_range: str = ""
    """The range of virtual addresses, outside the subnet."""
    lacks: str = ""
    """What is missing where it is not prepared, in words."""
