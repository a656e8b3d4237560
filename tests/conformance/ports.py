"""Ports of the real host that somebody has already."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestr8.boxes.network import Door
from orchestr8.host import bridge, elements, nft, table

_ELSEWHERE = "192.0.2.10"
"""Where nobody is, so that the doors below lead nowhere."""


@contextmanager
def taken() -> Iterator[Sequence[tuple[str, int]]]:
    """One on which a program listens, and two that another installation has published."""
    doors = [("127.0.0.1", 4_712), ("0.0.0.0", 4_713)]
    with socket.create_server(("127.0.0.1", 0)) as made, published(*doors, boxes=True):
        yield [made.getsockname(), *doors]


@contextmanager
def published(*places: tuple[str, int], boxes: bool) -> Iterator[None]:
    """Another installation that publishes these, with or without boxes on its bridge."""
    other = secrets.token_hex(8)
    name, wire = bridge.name_of(other), f"w-{other[:8]}"
    doors = [Door(*place, 80, (_ELSEWHERE,)) for place in places]
    layout = table.Layout(other, name, "198.51.100.0/25", "198.51.100.128/25")
    nft.transact(table.build(layout, elements.content(doors)))
    try:
        if boxes:
            _ip(f"link add {name} type bridge")
            _ip(f"link add {wire} type veth peer name {wire}-end")
            _ip(f"link set {wire} up master {name}")
        yield
    finally:
        nft.transact(f"delete table inet {layout.table}")
        for made in (wire, name) if boxes else ():
            _ip(f"link delete {made}")


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)
