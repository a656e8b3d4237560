"""Wires of boxes on a bridge: which of them carry, whose they are, and putting them back.

A wire that somebody took off its bridge, or set down, cuts its box off while all else is as it was.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from collections.abc import Collection, Iterable, Iterator

from orchestr8.errors import EngineError
from orchestr8.host import links
from orchestr8.host.links import Links, Request

_GET_LINK, _GET_NAMESPACE_ID = 18, 90
_ANY, _BRIDGES = 0, 7
_UP = 1
_NAME, _MASTER, _OTHER_END = 3, 10, 37
_NUMBER, _PID = 1, 2
_INTERFACE = struct.Struct("=BxHiII")
_FIXED_BYTES = 4
_NOWHERE = -1


def carrying(bridge: str) -> frozenset[str]:
    """The interfaces that are up and on this bridge, by one question to the kernel."""
    with Links() as here:
        number = here.index(bridge)
        found = _listed(here, _BRIDGES)
        return frozenset(
            _name(said) for flags, said in found if flags & _UP and _int(said[_MASTER]) == number
        )


def leading_to(pids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The interfaces of this host whose other ends are in the network namespaces of these
    processes; one that has ended is in none."""
    with Links() as here:
        ends: dict[int, list[str]] = {}
        for _, said in _listed(here, _ANY):  # which numbers the namespaces at their other ends
            ends.setdefault(_int(said.get(_OTHER_END)), []).append(_name(said))
        spaces = ((pid, _space(here, pid)) for pid in pids)
        known = {pid: ends.get(space, ()) for pid, space in spaces if space != _NOWHERE}
    return {pid: tuple(sorted(own)) for pid, own in known.items()}


def put_on(bridge: str, names: Collection[str]) -> None:
    """Puts interfaces on a bridge, up; one that has gone meanwhile is nobody's any more."""
    if not names:
        return
    with Links() as here:
        master = here.index(bridge)
        for name in sorted(names):
            wire = here.index(name)
            with contextlib.suppress(EngineError):
                doing = f"putting {name} on the bridge {bridge}"
                here.send([links.put_on(wire, master), links.up(wire)], doing)


def told(bridge: str, names: Collection[str]) -> str:
    """That these carry nothing, in words; the empty text where there are none."""
    if not names:
        return ""
    whose = "the wire of a box is" if len(names) == 1 else f"the wires of {len(names)} boxes are"
    return f"{whose} off the bridge {bridge} or down"


def _listed(here: Links, family: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Flags and attributes of every interface; of a family those that it knows."""
    question = Request(_GET_LINK, links.LISTED, _INTERFACE.pack(family, 0, 0, 0, 0))
    for content in here.ask(question, "listing the interfaces"):
        flags = _INTERFACE.unpack_from(content)[3]
        yield flags, links.unpacked(content, _INTERFACE.size)


def _space(here: Links, pid: int) -> int:
    """The kernel's number of a process's network namespace, if any interface here leads there."""
    body = bytes(_FIXED_BYTES) + links.packed((_PID, struct.pack("=I", pid)))
    with contextlib.suppress(EngineError):  # it has ended
        (content,) = here.ask(Request(_GET_NAMESPACE_ID, 0, body), "looking for a namespace")
        return _int(links.unpacked(content, _FIXED_BYTES).get(_NUMBER))
    return _NOWHERE


def _name(said: dict[int, bytes]) -> str:
    return said[_NAME].rstrip(b"\0").decode()


def _int(value: bytes | None) -> int:
    return int.from_bytes(value, sys.byteorder, signed=True) if value else _NOWHERE
