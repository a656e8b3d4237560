"""Addresses: counting on, wrapping around, never the gateway's."""

from __future__ import annotations

import pytest

from orchestr8.planning.addresses import Range, to_address, to_number


@pytest.mark.parametrize("address", ["0.0.0.0", "10.231.0.1", "255.255.255.255"])
def test_there_and_back(address: str) -> None:
    assert to_address(to_number(address)) == address


def test_neither_network_nor_gateway_nor_broadcast() -> None:
    range_ = Range.of("192.0.2.0/29")
    given = []
    for _ in range(len(range_)):
        given.append(range_.next_free(given[-1] if given else "", set(given)))
    assert given == [f"192.0.2.{last}" for last in (2, 3, 4, 5, 6)]
    assert range_.next_free(given[-1], set(given)) == ""


def test_goes_on_from_the_last_one() -> None:
    range_ = Range.of("192.0.2.0/29")
    assert range_.next_free("192.0.2.3", set()) == "192.0.2.4"
    assert range_.next_free("192.0.2.6", {"192.0.2.2"}) == "192.0.2.3"


def test_a_last_one_beside_the_range_begins_anew() -> None:
    range_ = Range.of("192.0.2.0/29")
    assert range_.next_free("192.0.2.7", set()) == "192.0.2.2"
    assert range_.next_free("192.0.2.1", set()) == "192.0.2.2"
    assert range_.next_free("192.0.2.2", set()) == "192.0.2.3"


def test_a_last_one_of_another_range_begins_anew() -> None:
    assert Range.of("192.0.2.0/29").next_free("10.0.0.7", set()) == "192.0.2.2"


def test_across_octets() -> None:
    assert Range.of("10.231.0.0/17").next_free("10.231.0.255", set()) == "10.231.1.0"
