"""The network on this host: bridge, switches and the one table, behind the protocol's three calls.

Our own translation leads from the host's ports to boxes, not the engine's: so a published port
changes place in one transaction, and a new box can take over while the old one still answers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from ipaddress import IPv4Network
from typing import Protocol

from msgspec import Struct, field

from orchestr8.boxes.network import Element, NetworkState, Pass, key_of
from orchestr8.errors import EngineError, RejectedError, UnavailableError
from orchestr8.host import bridge as bridges
from orchestr8.host import elements, forward_policy, nft, nft_generation, table, wires
from orchestr8.host.listeners import absent, listeners

_ATTEMPTS = 3
_INSTALLATION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_BRIDGE = re.compile(r"[a-z][a-z0-9-]{0,14}")


class Bridge(Protocol):
    """What an engine does about the bridge of its installation."""

    def make(self) -> None:
        """Make it where it is missing: on Docker one of its networks."""

    def lacks(self) -> str:
        """What is missing although bridge and table are there, in words; else the empty text."""

    def mend(self) -> None:
        """Set that right."""


class _Listed(Struct, frozen=True):
    """What the table held in a generation of the packet filter, and what it lacked itself."""

    generation: int | None
    elements: frozenset[Element]
    lacks: str


class HostNetwork(Struct, frozen=True, dict=True):
    """One bridge and one table of one installation; the bridge's address is `gateway`."""

    installation: str
    bridge: str
    subnet: str
    service_range: str
    gateway: str
    made_by: Bridge
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _listed: list[_Listed] = field(default_factory=list)
    """The newest listing, or none."""

    def __post_init__(self) -> None:
        if not _INSTALLATION.fullmatch(self.installation) or not _BRIDGE.fullmatch(self.bridge):
            raise RejectedError(
                f'"{self.installation}" and "{self.bridge}" cannot name a table and a bridge',
                "report this as a bug",
            )

    @property
    def layout(self) -> table.Layout:
        """The rules of the table."""
        return table.Layout(self.installation, self.bridge, self.subnet, self.service_range)

    @cached_property
    def _forwarding(self) -> forward_policy.Remembered:
        return forward_policy.Remembered(self.bridge, self.installation)

    def observe(self) -> NetworkState:
        """What the table holds, and whether everything that it stands on is in place."""
        listed = self._table()
        lacks = listed.lacks or self._lacks()
        return NetworkState(not lacks, listed.elements, self.subnet, self.service_range, lacks)

    def prepare(self) -> None:
        """Make bridge and table where they are missing or changed; elements are kept."""
        layout = self.layout
        kept, lacks = _read(layout, nft.listing(layout.table))
        if lacks:
            # The table comes before the bridge: there is no moment in which a box is not denied.
            nft.transact(table.build(layout, elements.content(kept)))
            nft.transact(table.mark(layout, nft.listing(layout.table) or ()))
        if not bridges.exists(self.bridge):
            self.made_by.make()
        bridges.set_up(self.bridge, self.gateway, IPv4Network(self.subnet).prefixlen)
        self.made_by.mend()
        forward_policy.ensure(self.bridge, self.installation)

    def change(self, add: Sequence[Element], remove: Sequence[Element]) -> None:
        """From what is there to what shall be, in one transaction.

        What is there is read first where other content depends on it: not for links, of which a
        machine may have thousands.
        """
        added = [elements.checked(element) for element in add]
        removed = {elements.checked(element) for element in remove}
        replaced = {key_of(element) for element in added}
        layout = self.layout
        others = [element for element in added if not isinstance(element, Pass)]
        links = table.change_links(
            layout, elements.content(added), elements.content(removed - set(added))
        )
        for _ in range(_ATTEMPTS):
            # What follows from several elements is right only if nobody changes one meanwhile.
            with self._changing:
                held = self._held(elements.sets_of([*added, *removed]))
                present = elements.elements_of(held) - removed
                kept = {e for e in present if key_of(e) not in replaced}
                script = table.change(layout, held, elements.content([*kept, *others]))
                try:
                    if script or links:
                        nft.transact(f"{links}\n{script}")
                    return
                except nft.CollisionError:
                    self._held((elements.LINKS,))  # refused where the table itself is missing
                    continue
        raise UnavailableError(
            f"the table {layout.table} is changed by somebody else at the same time",
            "apply again when no other orchestr8 runs for this installation",
        )

    def listeners(self) -> Mapping[tuple[str, int], str]:
        """Who has this host's TCP ports: programs, and installations beside this one; programs
        alone for whoever may not read the packet filter, since nobody but root opens a door."""
        doors: Mapping[tuple[str, int], str] = {}
        with suppress(EngineError):
            doors = foreign_doors(self.installation)
        return {**doors, **listeners()}

    def absent(self, addresses: Iterable[str]) -> frozenset[str]:
        """Those that this host does not have."""
        return absent(addresses)

    def remove_all(self) -> None:
        """Take the table and our lines in the host's filter down; the bridge is its maker's."""
        name = f"inet {self.layout.table}"
        nft.transact(f"add table {name}\ndelete table {name}")
        forward_policy.remove(self.bridge, self.installation)

    def _table(self) -> _Listed:
        """The table as it is: as it was listed last while nothing in the packet filter changed."""
        generation = nft_generation.number()  # before it is listed: what comes between is seen next
        if generation is None or [one.generation for one in self._listed] != [generation]:
            read = _read(self.layout, nft.listing(self.layout.table))
            self._listed[:] = [_Listed(generation, *read)]
        return self._listed[0]

    def _lacks(self) -> str:
        """What an apply would mend beside the table; the empty text where nothing is missing."""
        if not bridges.exists(self.bridge):
            return f"the bridge {self.bridge} is missing"
        if not bridges.ready(self.bridge, self.gateway):
            return f"somebody changed the address or the switches of the bridge {self.bridge}"
        if not self._forwarding.lets_through():
            return (
                f"the host's filter drops what it forwards for the bridge {self.bridge}, as Docker "
                "or ufw set it; our lines in it are missing"
            )
        return self.made_by.lacks()

    def _held(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """What these sets and maps hold: all of the table takes long to list where it is large."""
        name = self.layout.table
        parts = nft.sets(name, {one: one in elements.MAPS for one in names})
        if parts is None:
            raise RejectedError(f"the table {name} does not exist", "apply again: it is made first")
        return table.held(parts)


def foreign_doors(ours: str) -> Mapping[tuple[str, int], str]:
    """Address and port of what other installations that have boxes publish, with their names.

    Nobody listens there: packets are translated, and whose table is newer takes them away from the
    other's boxes.
    """
    found: dict[tuple[str, int], str] = {}
    for name in nft.tables():
        other = name.removeprefix(table.PREFIX)
        if other not in (name, ours) and wires.carrying(bridges.name_of(other)):
            who = f"orchestr8's installation {other}"
            doors = nft.sets(name, dict.fromkeys(elements.DOOR_MAPS, True))
            found.update(dict.fromkeys(elements.door_places(table.held(doors or ())), who))
    return found


def _read(
    layout: table.Layout, parts: Sequence[table.Part] | None
) -> tuple[frozenset[Element], str]:
    """The elements of a listing that are in force, and what the table itself lacks."""
    held = table.held(parts or ())
    found = elements.elements_of(held)
    if parts is None:
        return found, "there is no table"
    if not table.intact(layout, parts):
        return found, "somebody changed the rules of the table"
    if elements.content(found) != held:
        return found, "somebody changed the sets of the table"
    return found, ""
