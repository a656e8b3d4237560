"""What the table is told and what is read back from it are the same elements."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestr8.boxes.network import Door, Element, Out, Pass, Route, key_of
from orchestr8.errors import RejectedError
from orchestr8.host import elements, table

_ADDRESSES = st.integers(0x0A4D0002, 0x0A4D0010).map(lambda n: str(IPv4Address(n)))
_PORTS = st.integers(1, 65535)
_BOXES = st.lists(_ADDRESSES, max_size=4, unique=True).map(tuple)
_RANGES = st.builds(
    lambda number, length: str(IPv4Network((number, length), strict=False)),
    st.integers(0x0A000000, 0x0BFFFFFF),
    st.integers(6, 32),
)
_ELEMENTS = st.one_of(
    st.builds(Pass, _ADDRESSES, _ADDRESSES, _PORTS),
    st.builds(Route, _ADDRESSES, _PORTS, _BOXES),
    st.builds(
        Door, st.sampled_from(["0.0.0.0", "127.0.0.1", "203.0.113.1"]), _PORTS, _PORTS, _BOXES
    ),
    st.builds(Out, _ADDRESSES, _RANGES, st.sampled_from([80, 443])),
)
_SETS_OF_ELEMENTS = st.lists(_ELEMENTS, max_size=12, unique_by=key_of)
_LAYOUT = table.Layout("x", "o8test0", "10.77.0.0/24", "10.77.128.0/24")


@given(_SETS_OF_ELEMENTS)
def test_content_gives_back_its_elements(wanted: list[Element]) -> None:
    assert elements.elements_of(elements.content(wanted)) == set(wanted)


@given(_SETS_OF_ELEMENTS)
def test_ranges_held_by_the_kernel_never_overlap(wanted: list[Element]) -> None:
    held = elements.content(wanted)
    for name in (elements.OUT, elements.OUT_NAMED):
        ranges: dict[tuple[str, str], list[IPv4Network]] = {}
        for text in held[name]:
            source, network, port = text.split(" . ")
            ranges.setdefault((source, port), []).append(IPv4Network(network))
        for each in ranges.values():
            assert not any(a.overlaps(b) for a in each for b in each if a is not b)


@given(_SETS_OF_ELEMENTS)
def test_nothing_is_sent_where_nothing_changes(wanted: list[Element]) -> None:
    held = elements.content(wanted)
    assert table.change(_LAYOUT, held, elements.content(reversed(wanted))) == ""


@pytest.mark.parametrize(
    "element",
    [
        Pass("10.0.0.1 }; flush ruleset", "10.0.0.2", 80),
        Pass("10.0.0.1", "10.0.0.2", 0),
        Pass("10.0.0.1", "10.0.0.2", 65536),
        Route("fe80::1", 80, ("10.0.0.2",)),
        Route("10.0.0.1", 80, ("web",)),
        Door("localhost", 80, 80, ()),
        Out("10.0.0.1", "10.0.0.1/8", 80),
        Out("10.0.0.1", "everywhere", 80),
    ],
)
def test_what_is_no_address_or_port_never_reaches_the_filter(element: Element) -> None:
    with pytest.raises(RejectedError):
        elements.checked(element)
