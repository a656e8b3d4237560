"""Ports of the real host that somebody has already."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestr8.boxes.network import Door
from orchestr8.host import elements, nft, table

_ELSEWHERE = "192.0.2.10"
"""Where nobody is, so that the doors below lead nowhere."""


@contextmanager
def taken() -> Iterator[Sequence[tuple[str, int]]]:
    """One on which a program listens, and two that another installation has published."""
    with socket.create_server(("127.0.0.1", 0)) as made, _published() as doors:
        yield [made.getsockname(), *doors]


@contextmanager
def _published() -> Iterator[Sequence[tuple[str, int]]]:
    places = [("127.0.0.1", 4_712), ("0.0.0.0", 4_713)]
    doors = [Door(*place, 80, (_ELSEWHERE,)) for place in places]
    other = f"other{secrets.token_hex(4)}"
    layout = table.Layout(other, other[:15], "198.51.100.0/25", "198.51.100.128/25")
    nft.transact(table.build(layout, elements.content(doors)))
    try:
        yield places
    finally:
        nft.transact(f"delete table inet {layout.table}")
