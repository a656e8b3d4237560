"""Elements of the network as the content of the table's sets and maps, and back. Pure.

What a set holds is written as nft writes it: a key, and a value where it is a map. Several sets
follow from one element (a route has an entry and one turn a box), so a change is never computed
element by element: the content of all wanted elements is compared with the content that is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.errors import RejectedError

LINKS = "links"
"""source . box . port that one box may call."""
ROUTES = "routes"
"""virtual address . port to the chain that deals calls out to so many boxes."""
DOORS = "doors"
"""host address . host port, likewise."""
DOORS_ANY = "doors_any"
"""host port on every address of the host, likewise."""
TURNS = "turns"
"""address . port . turn to box . port, for routes and doors."""
TURNS_ANY = "turns_any"
"""host port . turn to box . port."""
SERVED = "served"
"""box . port that some route leads to now."""
SHOWN = "shown"
"""box . port that some door leads to now."""
OUT = "out"
"""source . range . port outside."""
OUT_NAMED = "out_named"
"""The same, for ranges that lie within a private one and so were meant."""
OUT_COVERED = "out_covered"
"""source . network . mask . port of ranges that lie within another one of OUT or OUT_NAMED: the
kernel keeps no overlapping ranges, and a covered one allows nothing that its cover does not."""

SETS = (LINKS, SERVED, SHOWN, OUT, OUT_NAMED, OUT_COVERED)
MAPS = (ROUTES, DOORS, DOORS_ANY, TURNS, TURNS_ANY)
DOOR_MAPS = (DOORS, DOORS_ANY)

PRIVATE = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
"""What a wider range never opens: metadata, other networks of this host or site, multicast."""

Content = Mapping[str, Mapping[str, str]]

_EVERY = "0.0.0.0"
_SPREAD = "spread"
_SPREAD_ANY = "spread_any"
_DEALING = re.compile(r"goto spread(?:_any)?_(\d+)")


def spread_chain(count: int, any_address: bool = False) -> str:
    """The chain that deals calls out to `count` boxes."""
    return f"{_SPREAD_ANY if any_address else _SPREAD}_{count}"


def sets_of(changed: Iterable[Element]) -> tuple[str, ...]:
    """The sets and maps on which the content of such elements depends: those of routes and doors
    on all of these, since what is dealt out is counted together. That of links depends on none."""
    found: dict[str, None] = {}
    for element in changed:
        match element:
            case Pass():
                pass
            case Out():
                found |= dict.fromkeys((OUT, OUT_NAMED, OUT_COVERED))
            case _:
                found |= dict.fromkeys((*MAPS, SERVED, SHOWN))
    return tuple(found)


def checked(element: Element) -> Element:
    """The element in its one spelling; raises RejectedError for what is no address or port.

    Everything that reaches nft's language goes through here, so nothing in it can be a command.
    """
    try:
        match element:
            case Pass():
                return Pass(_ip(element.source), _ip(element.destination), _port(element.port))
            case Route():
                boxes = tuple(_ip(box) for box in element.backends)
                return Route(_ip(element.address), _port(element.port), boxes)
            case Door():
                boxes = tuple(_ip(box) for box in element.backends)
                ports = _port(element.host_port), _port(element.port)
                return Door(_ip(element.address), *ports, boxes)
            case Out():
                return Out(
                    _ip(element.source), str(IPv4Network(element.range)), _port(element.port)
                )
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise RejectedError(
            f"not an element of the network: {element}: {error}", "report this as a bug"
        ) from error


def content(elements: Iterable[Element]) -> dict[str, dict[str, str]]:
    """What sets and maps hold when exactly these (checked) elements are in force."""
    found: dict[str, dict[str, str]] = {name: {} for name in (*SETS, *MAPS)}
    outs: dict[tuple[str, int, str], list[IPv4Network]] = {}
    for element in elements:
        match element:
            case Pass():
                found[LINKS][f"{element.source} . {element.destination} . {element.port}"] = ""
            case Route():
                place = f"{element.address} . {element.port}"
                found[ROUTES][place] = f"goto {spread_chain(len(element.backends))}"
                found[TURNS].update(_turns(place, element.port, element.backends))
                found[SERVED].update({f"{box} . {element.port}": "" for box in element.backends})
            case Door():
                _add_door(found, element)
            case Out():
                network = IPv4Network(element.range)
                name = OUT_NAMED if any(map(network.subnet_of, PRIVATE)) else OUT
                outs.setdefault((element.source, element.port, name), []).append(network)
    for (source, port, name), ranges in outs.items():
        for network in ranges:
            if any(network != other and network.subnet_of(other) for other in ranges):
                found[OUT_COVERED][_covered_key(source, network, port)] = ""
            else:
                found[name][f"{source} . {_range(network)} . {port}"] = ""
    return found


def elements_of(held: Content) -> frozenset[Element]:
    """The elements whose whole content is there; what is half there is not in force."""
    found: set[Element] = set()
    for text in held[LINKS]:
        source, box, port = text.split(" . ")
        found.add(Pass(source, box, int(port)))
    for text, verdict in held[ROUTES].items():
        address, port = text.split(" . ")
        if boxes := _dealt(text, verdict, held[TURNS], held[SERVED]):
            found.add(Route(address, int(port), boxes[1]))
    for text, verdict in held[DOORS].items():
        address, port = text.split(" . ")
        if boxes := _dealt(text, verdict, held[TURNS], held[SHOWN]):
            found.add(Door(address, int(port), *boxes))
    for text, verdict in held[DOORS_ANY].items():
        if boxes := _dealt(text, verdict, held[TURNS_ANY], held[SHOWN]):
            found.add(Door(_EVERY, int(text), *boxes))
    outs = _outs(held)
    found |= outs | _covered(held, outs)
    return frozenset(found)


def door_places(held: Content) -> Iterator[tuple[str, int]]:
    """Address and port of every door, wherever it leads."""
    for text in held[DOORS]:
        address, port = text.split(" . ")
        yield address, int(port)
    for text in held[DOORS_ANY]:
        yield _EVERY, int(text)


def _add_door(found: dict[str, dict[str, str]], door: Door) -> None:
    any_address = door.address == _EVERY
    place = str(door.host_port) if any_address else f"{door.address} . {door.host_port}"
    chain = spread_chain(len(door.backends), any_address)
    found[DOORS_ANY if any_address else DOORS][place] = f"goto {chain}"
    turns = _turns(place, door.port, door.backends)
    found[TURNS_ANY if any_address else TURNS].update(turns)
    found[SHOWN].update({f"{box} . {door.port}": "" for box in door.backends})


def _turns(place: str, port: int, boxes: tuple[str, ...]) -> dict[str, str]:
    # Without boxes one turn remains, which nobody takes: it remembers the port.
    return {f"{place} . {turn}": f"{box} . {port}" for turn, box in enumerate(boxes or (_EVERY,))}


def _dealt(
    place: str, verdict: str, turns: Mapping[str, str], open_boxes: Mapping[str, str]
) -> tuple[int, tuple[str, ...]] | None:
    """The port and the boxes that a place leads to, or None where a part of it is missing, or it
    leads where we lead nobody."""
    dealing = _DEALING.fullmatch(verdict)
    if dealing is None:
        return None
    count = int(dealing[1])
    dealt = [turns.get(f"{place} . {turn}") for turn in range(max(count, 1))]
    if any(text is None or (count and text not in open_boxes) for text in dealt):
        return None
    boxes, ports = zip(*((text or "").split(" . ") for text in dealt), strict=True)
    return int(ports[0]), boxes if count else ()


def _outs(held: Content) -> set[Element]:
    found: set[Element] = set()
    for name in (OUT, OUT_NAMED):
        for text in held[name]:
            source, network, port = text.split(" . ")
            found.add(Out(source, str(IPv4Network(network)), int(port)))
    return found


def _covered(held: Content, outs: set[Element]) -> set[Element]:
    covers: dict[tuple[str, int], list[IPv4Network]] = {}
    for out in outs:
        if isinstance(out, Out):
            covers.setdefault((out.source, out.port), []).append(IPv4Network(out.range))
    found: set[Element] = set()
    for text in held[OUT_COVERED]:
        source, address, mask, port_text = text.split(" . ")
        network, port = IPv4Network(f"{address}/{mask}"), int(port_text)
        if any(map(network.subnet_of, covers.get((source, port), []))):
            found.add(Out(source, str(network), port))
    return found


def _range(network: IPv4Network) -> str:
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _covered_key(source: str, network: IPv4Network, port: int) -> str:
    return f"{source} . {network.network_address} . {network.netmask} . {port}"


def _ip(text: str) -> str:
    return str(IPv4Address(text))


def _port(number: int) -> int:
    if not isinstance(number, int) or not 0 < number < 65536:
        raise ValueError(f"{number} is not a port")
    return number
