"""The bridge of an installation, and a box's one interface on it.

A box is plugged in while it waits at its gate, so that its workload never runs without its network.
Nothing takes it out again: the interface goes with the box's network namespace, in the kernel's own
time, where taking it away by hand would keep everybody else who changes interfaces waiting.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import EngineError, RejectedError
from orchestr8.host import links, namespaces, wires
from orchestr8.host.links import Links
from orchestr8.names import BoxId

_INSIDE = "eth0"
_OUTSIDE = "o8v"
_NET = Path("/sys/class/net")


class Plugs(Struct, frozen=True):
    """Makes the bridge and joins boxes to it."""

    bridge: str
    subnet: str
    gateway: str

    def make_bridge(self) -> None:
        """Make the bridge with its address: it appears under its name with all that it needs."""
        doing, unfinished = f"making the bridge {self.bridge}", f"{self.bridge}.new"
        with Links() as here:
            begun = here.index(unfinished)
            if begun:
                here.send([links.gone(begun)], doing)
            here.send([links.bridge(unfinished)], doing)
            made = here.index(unfinished)
            address = links.address(made, self._with_prefix(self.gateway))
            here.send([address, links.up(made, self.bridge)], doing)

    def plug(self, box_id: BoxId, pid: int, address: str) -> None:
        """Give the box whose first task is `pid` its interface and address."""
        doing = f"plugging box {box_id} in"
        namespace = namespaces.network_of(pid)
        if namespace is None:
            raise RejectedError(f"{doing}: it has ended", "see its image, and apply again")
        try:
            with Links() as here:
                master = here.index(self.bridge)
                if not master:
                    raise RejectedError(f"the bridge {self.bridge} is not there", "apply again")
                name = self.name(box_id)
                left = here.index(name)
                if left:  # of a box of this id that has just gone: the kernel takes its time
                    with contextlib.suppress(EngineError):
                        here.send([links.gone(left)], doing)
                here.send([links.pair(name, master, _INSIDE, namespace)], doing)
            with namespaces.Visit(namespace, Links).result() as inside:
                own = inside.index(_INSIDE)
                inside.send(
                    [
                        links.address(own, self._with_prefix(address)),
                        links.up(own),
                        links.default_route(own, self.gateway),
                    ],
                    doing,
                )
        finally:
            os.close(namespace)

    def seen(self) -> frozenset[str]:
        """The interfaces of boxes that are on the bridge now."""
        try:
            there = [one.name for one in (_NET / self.bridge / "brif").iterdir()]
        except OSError:
            return frozenset()
        return frozenset(name for name in there if name.startswith(_OUTSIDE))

    def idle(self) -> frozenset[str]:
        """The interfaces of boxes, of any installation, that are not on the bridge or not up."""
        there = frozenset(one.name for one in _NET.glob(f"{_OUTSIDE}*"))
        return there - wires.carrying(self.bridge) if there else there

    def sweep(self, seen: frozenset[str], boxes: Iterable[BoxId]) -> None:
        """Take away what was seen before the boxes were listed and is none of theirs.

        Somebody else may keep the namespace of a box that has gone, and with it an interface with
        an address that is soon another box's.
        """
        strays = seen - set(map(self.name, boxes)) if seen else ()
        for name in sorted(strays):
            # Most are on their way out already; what is not is found again by the next look.
            with contextlib.suppress(EngineError), Links() as here:
                here.send([links.gone(here.index(name))], f"taking {name} away")

    def name(self, box_id: BoxId) -> str:
        """A box's interface here: within the kernel's 15 characters, and always the same."""
        digest = hashlib.sha256(f"{self.bridge} {box_id}".encode()).hexdigest()
        return f"{_OUTSIDE}{digest[:12]}"

    def _with_prefix(self, address: str) -> str:
        return f"{address}/{IPv4Network(self.subnet).prefixlen}"
