"""Claims about the network: interfaces, addresses, and what the packet filter lets through."""

from __future__ import annotations

from collections.abc import Callable

from orchestr8.boxes.network import Door, Element, NetworkState, Out, Pass, Route
from orchestr8.isolation.profile import PRIVATE
from orchestr8.proof.claim import (
    AcrossClaim,
    Answer,
    Claim,
    Neighbours,
    broken,
    failure,
    held,
    listed,
    nothing_wrong,
    unproven,
)
from orchestr8.proof.model import Expectation, Reading

FALLBACKS = frozenset(
    {"erspan0", "gre0", "gretap0", "ip6_vti0", "ip6gre0", "ip6tnl0", "ip_vti0", "sit0", "tunl0"}
)
"""What a kernel with tunnel modules puts into every network namespace; down, without address."""
_IPV6_LOOPBACK = "::1%lo"


def _whose(expectation: Expectation, neighbours: Neighbours) -> Expectation | None:
    """Whose network it is: the box's own, or the one's that it joins; None if that is unknown."""
    if expectation.spec.profile.net == PRIVATE:
        return expectation
    peer = dict(expectation.joins).get("net")
    pair = neighbours.boxes.get(peer) if peer else None
    return pair[0] if pair else None


def _interfaces(expectation: Expectation, reading: Reading, neighbours: Neighbours) -> Answer:
    """Loopback, and one more only where the box is networked."""
    whose = _whose(expectation, neighbours)
    if whose is None:
        return unproven("those of whom it joins", "whom it joins is not known")
    expected = "lo and one more" if whose.spec.networked else "lo"
    if reading.interfaces is None:
        return unproven(expected, failure(reading, "interfaces", "tasks"))
    found = [name for name in reading.interfaces if name not in FALLBACKS]
    good = len(found) == 1 + whose.spec.networked and "lo" in found
    return held(expected, listed(found)) if good else broken(expected, listed(found))


def _addresses(expectation: Expectation, reading: Reading, neighbours: Neighbours) -> Answer:
    """Its one address, and no IPv6 beyond the loopback's, which no packet filter of ours covers."""
    whose = _whose(expectation, neighbours)
    if whose is None:
        return unproven("those of whom it joins", "whom it joins is not known")
    wanted = {whose.address} if whose.spec.networked else set()
    expected = listed(("127.0.0.1", *sorted(wanted)))
    if reading.addresses is None:
        return unproven(expected, failure(reading, "addresses", "tasks"))
    found = [text for text in reading.addresses if not text.startswith("127.")]
    surplus = set(found) - wanted - {_IPV6_LOOPBACK}
    observed = listed(reading.addresses)
    return broken(expected, observed) if surplus else held(expected, observed)


Key = tuple[str, ...]


def _links_of(element: Element, address: str) -> Key | None:
    match element:
        case Pass(source, destination, port) if address in (source, destination):
            return (source, "to", f"{destination}:{port}")
        case Route(virtual, port, backends) if address in backends:
            return (f"{virtual}:{port}", "to", address)
        case _:
            return None


def _doors_of(element: Element, address: str) -> Key | None:
    match element:
        case Door(host, host_port, port, backends) if address in backends:
            return (f"{host}:{host_port}", "to", f"{address}:{port}")
        case _:
            return None


def _outs_of(element: Element, address: str) -> Key | None:
    match element:
        case Out(source, reach, port) if source == address:
            return (f"{reach}:{port}",)
        case _:
            return None


def _filter(
    of: Callable[[Element, str], Key | None],
) -> Callable[[Expectation, Reading], Answer]:
    """The table opens nothing for this box's address but what was declared.

    What is declared and not there yet is no weakness: a way that is shut.
    """

    def check(expectation: Expectation, reading: Reading) -> Answer:
        if expectation.elements is None:
            return unproven("what was declared", "nobody said what was declared")
        wanted = _keys(of, expectation.elements, expectation.address)
        expected = listed(sorted(" ".join(key) for key in wanted))
        state = reading.network
        if state is None:
            return unproven(expected, failure(reading, "network") or "the table was not read")
        found = _keys(of, state.elements, expectation.address)
        if not found <= wanted:
            return nothing_wrong(expected, (" ".join(key) for key in found - wanted))
        return held(expected, listed(sorted(" ".join(key) for key in found)))

    return check


def _keys(
    of: Callable[[Element, str], Key | None], elements: frozenset[Element], address: str
) -> set[Key]:
    return {key for element in elements if (key := of(element, address)) is not None}


def _default_deny(_: Expectation, reading: Reading) -> Answer:
    """The table is there, and frames between two boxes pass it as well.

    That they do is a parameter of the host: without it the bridge hands them on by itself.
    """
    expected = "dropped unless declared"
    state: NetworkState | None = reading.network
    if state is None:
        return unproven(expected, failure(reading, "network") or "the table was not read")
    if not state.prepared:
        return broken(expected, state.lacks or "there is no table")
    seen = reading.host_parameters.get("net.bridge.bridge-nf-call-iptables")
    if seen is None:
        return unproven(expected, failure(reading, "host parameters") or "no br_netfilter")
    return held(expected, expected) if seen == "1" else broken(expected, "not on the bridge")


def _networked(expectation: Expectation) -> bool:
    return expectation.spec.networked


NETWORK_CLAIMS = (
    Claim(
        "default-deny", "what was not declared is dropped", ("links",), _default_deny, _networked,
    ),
    Claim("links", "no link that nobody declared", ("links",), _filter(_links_of), _networked),
    Claim(
        "publish", "no port of the host leads here but those published", ("publish",),
        _filter(_doors_of), _networked,
    ),
    Claim(
        "egress", "it reaches nothing outside but what was granted", ("egress",),
        _filter(_outs_of), _networked,
    ),
)  # fmt: skip

NETWORK_ACROSS = (
    AcrossClaim("interfaces", "its interfaces", ("net", "networked"), _interfaces),
    AcrossClaim("addresses", "its addresses", ("net", "networked"), _addresses),
)
