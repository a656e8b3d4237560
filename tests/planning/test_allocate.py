"""Keys, uid ranges, addresses and serials: unique, lasting, and the same for the same question."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.records import UID_FIRST, UID_RANGE, Records
from orchestr8.contract.model import Contracts
from orchestr8.errors import RejectedError
from orchestr8.names import ServiceName
from orchestr8.planning.allocate import allocate, extend
from orchestr8.planning.plan import Allocations
from tests.planning.brief import fleet

A, B = ServiceName("me", "a"), ServiceName("me", "b")


def _contracts(*names: ServiceName) -> Contracts:
    return fleet({"services": {str(name): {} for name in names}}).contracts


def test_each_has_its_own() -> None:
    records, given = allocate(_contracts(A, B), Records("here"))
    a, b = records.services[A], records.services[B]
    assert (a.uid_base, b.uid_base) == (UID_FIRST, UID_FIRST + UID_RANGE)
    assert a.address != b.address
    assert a.key != b.key
    assert given.services == (a, b)


def test_the_same_question_has_the_same_answer() -> None:
    assert allocate(_contracts(B, A), Records("here")) == allocate(
        _contracts(A, B), Records("here")
    )


def test_another_installation_has_other_keys() -> None:
    here, _ = allocate(_contracts(A), Records("here"))
    there, _ = allocate(_contracts(A), Records("there"))
    assert here.services[A].key != there.services[A].key


def test_nothing_new_nothing_given() -> None:
    records, _ = allocate(_contracts(A), Records("here"))
    assert allocate(_contracts(A), records) == (records, Allocations())


def test_a_namesake_has_another_key_and_the_same_uid_and_counts_on() -> None:
    first, _ = allocate(_contracts(A), Records("here"))
    used = replace(first.services[A], serial_last=7)
    first = extend(first, Allocations(services=(used,)))
    gone, given = allocate(_contracts(B), first)
    assert given.services[0] == replace(used, key="")
    back, _ = allocate(_contracts(A, B), gone)
    assert back.services[A].key not in ("", used.key)
    assert back.services[A].uid_base == used.uid_base
    assert back.services[A].serial_last == 7


def test_uid_ranges_are_never_given_to_another() -> None:
    records, _ = allocate(_contracts(A), Records("here"))
    records, _ = allocate(_contracts(B), records)
    assert records.services[B].uid_base == UID_FIRST + UID_RANGE


def test_a_full_range_is_said() -> None:
    with pytest.raises(RejectedError, match="full"):
        allocate(_contracts(A, B), Records("here"), "192.0.2.0/30")
