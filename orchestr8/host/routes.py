"""Which address ranges this host does not use, so that ours shadow nobody's."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from orchestr8.boxes.network import Ranges
from orchestr8.errors import RejectedError

_CANDIDATES = tuple(IPv4Network(f"10.{second}.0.0/16") for second in range(231, 255))


def free_ranges(route_table: str = "/proc/net/route") -> Ranges:
    """The first of the candidate /16 networks that no route of this host overlaps, in halves.

    The lower half is for boxes, the upper one for services. Raises RejectedError if none is free.
    """
    used = tuple(_routes(Path(route_table).read_text("ascii").splitlines()[1:]))
    for candidate in _CANDIDATES:
        if not any(route.overlaps(candidate) for route in used):
            boxes, services = candidate.subnets()
            return Ranges(str(boxes), str(services))
    raise RejectedError(
        "no address range is left for boxes: 10.231.0.0/16 to 10.254.0.0/16 are all routed",
        "look at  ip route  and take away what is not needed",
    )


def _routes(lines: Iterable[str]) -> Iterable[IPv4Network]:
    """The networks behind the table's lines, the default route left out."""
    for line in lines:
        _, destination, _, _, _, _, _, mask = line.split()[:8]
        if mask != "00000000":
            yield IPv4Network((_address(destination), bin(int(mask, 16)).count("1")))


def _address(text: str) -> IPv4Address:
    """Hexadecimal digits in the byte order of the machine."""
    return IPv4Address(int.from_bytes(bytes.fromhex(text), "little"))
