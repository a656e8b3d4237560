"""Ends, and what contracts and grants say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from orchestr8.contract.expiry import days_left, end_ms, end_of, has_ended
from orchestr8.contract.model import Contract, Grant
from orchestr8.isolation.consent import Consent, Danger
from orchestr8.isolation.limits import Limits
from orchestr8.isolation.profile import Profile
from orchestr8.manifest.model import Link, Service
from orchestr8.names import ServiceName

DAY_AFTER = datetime(2027, 3, 1, tzinfo=UTC)


def test_a_day_ends_with_it_and_a_time_where_it_says() -> None:
    assert end_of("2027-02-28") == DAY_AFTER
    assert end_of("2027-03-01T01:00:00+01:00") == DAY_AFTER
    assert has_ended("2027-02-28", DAY_AFTER)
    assert not has_ended("2027-02-28", datetime(2027, 2, 28, 23, 59, tzinfo=UTC))
    assert not has_ended("", DAY_AFTER)
    assert days_left("2027-02-28", datetime(2027, 2, 27, tzinfo=UTC)) == 2


def test_an_end_in_milliseconds_is_the_same_moment() -> None:
    assert end_ms("2027-02-28") == 1_803_859_200_000
    assert datetime.fromtimestamp(end_ms("2027-02-28") / 1_000, UTC) == DAY_AFTER


def test_the_last_day_of_all_is_an_end_like_any_other() -> None:
    assert not has_ended("9999-12-31", DAY_AFTER)
    assert days_left("9999-12-31", datetime(9999, 12, 30, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("soon", "is not a date like 2027-02-28 or a time like 2027-02-28T12:00:00Z"),
        ("2027-02-30", "is not a date"),
        ("9999-12-31T23:59-12:00", "is not a date"),
        ("2027-02-28T12:00:00", "has no time zone; add Z for UTC"),
    ],
)
def test_what_is_no_end_is_refused(until: str, said: str) -> None:
    with pytest.raises(ValueError, match=f'^"{until}" {said}'):
        end_of(until)


def test_a_grant_says_how_it_ended() -> None:
    held = Grant("net.egress", (), Danger.MODERATE, Consent.PLATFORM, "policy", until="2026-01-31")
    assert held.ending == ""
    assert replace(held, ended=True).ending == "ended 2026-01-31"
    withdrawn = replace(held, ended=True, withdrawn="ask the platform")
    assert withdrawn.ending == "is no longer allowed: ask the platform"


def test_closed_links_are_no_links() -> None:
    opened, closed = Link(ServiceName("data", "db"), 1), Link(ServiceName("data", "cache"), 2)
    service = Service(name=ServiceName("web", "front"), image="x:1", connects=(opened, closed))
    contract = Contract(service, "default", Profile(), Limits(), links_closed=(closed,))
    assert contract.links == (opened,)
