"""What happened is told to those whose it is, in the order in which it came to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.controller import happenings, hold
from orchestr8.controller.authority import Asker
from orchestr8.controller.clock import no
from orchestr8.controller.happenings import Happening
from orchestr8.controller.settings import now_ms
from orchestr8.names import ServiceName
from orchestr8.store.chain import Entry
from tests.controller.looping import looping, until
from tests.controller.road import Road, manifest
from tests.controller.test_authority import DATA, PAY, PLATFORM, STRANGER

API = ServiceName("pay", "api")


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A team's machine with a set of each owner, and a box each."""
    made = Road(tmp_path)
    made.image("api:1", "a")
    made.image("db:1", "b")
    made.apply({"platform.yaml": PLATFORM}, "platform")
    made.apply({"pay.yaml": manifest("pay", "api")}, "pay")
    made.apply({"data.yaml": manifest("data", "db")}, "data")
    return made


def told(road: Road, asker: Asker | None = None, last: int = 0) -> list[Happening]:
    """What somebody is told of the past."""
    with road.open() as session:
        return happenings.past(session.of(asker) if asker else session, last)


def test_the_platform_is_told_everything_that_ended(road: Road) -> None:
    whole = told(road)
    with road.open() as session:
        rows = session.store.journal.rows()
    assert [one.number for one in whole] == [row.number for row in rows if row.result]
    created = next(one for one in whole if one.event == "create")
    assert (created.subject, created.owner, created.service, created.result, created.actor) == (
        "pay--api--1", "pay", API, "done", "ann"
    )  # fmt: skip
    assert created.cause
    assert told(road, last=3) == whole[-3:]


def test_an_owner_is_told_of_what_is_theirs_alone(road: Road) -> None:
    pay, data = told(road, PAY), told(road, DATA)
    assert {one.owner for one in pay} == {"pay", ""}
    assert {one.subject for one in pay if not one.owner} == {"pay revision 1"}
    assert {one.subject for one in data if not one.owner} == {"data revision 1"}
    assert not {one.number for one in pay} & {one.number for one in data}
    assert told(road, STRANGER) == []


@pytest.mark.parametrize(
    ("kind", "subject", "owner"),
    [
        ("set", "api.pay", "pay"),
        ("alarm ends", "net.egress of api.pay", "pay"),
        ("failed", "0.api.pay", "pay"),
        ("stop", "pay--api--3", "pay"),
        ("make volume", "pay--ledger--2", "pay"),
        ("make volume", "pay--ledger", "pay"),
        ("set quota", "pay", "pay"),
        ("prepare network", "network", ""),
        ("fetch image", "registry.example/pay:1", ""),
        ("apply", "pay revision 1", ""),
        ("pin engine", "docker unix:///run/docker.sock a--b", ""),
    ],
)
def test_whose_a_row_is(road: Road, kind: str, subject: str, owner: str) -> None:
    with road.open() as session:
        session.store.journal.append([Entry(1, "ann", kind, subject)])
        (last,) = happenings.past(session, 1)
    assert (last.event, last.owner) == (kind, owner)


def test_what_comes_is_told_as_it_comes_and_nothing_is_missed(road: Road) -> None:
    with road.open() as watching, road.open() as acting:
        begin = happenings.newest(watching)
        heard = happenings.following(watching.of(PAY), begin, None, no)
        for service in (ServiceName("data", "db"), API):
            hold.hold(acting, service, now_ms() + 60_000, "the disk is changed")
        assert (one := next(heard)).service == API and one.event == "hold"
        hold.end_hold(acting, API)
        assert next(heard).event == "hold ended"
        again = happenings.following(watching, begin, API, lambda: True)
        assert [one.event for one in again] == ["hold", "hold ended"]


def test_a_box_that_ends_by_itself_is_told_of(road: Road) -> None:
    with looping(road):
        until(lambda: road.machine.boxes)
        box = next(one for one in list(road.machine.boxes) if one.owner == "pay")
        road.machine.crash(box, 3)
        until(lambda: any(one.event == "failed" for one in told(road, PAY)))
    failed = next(one for one in told(road, PAY) if one.event == "failed")
    assert failed.service == API and failed.result == "failure 1 of slot 0"
    assert "3" in failed.cause
    assert not any(one.event == "failed" for one in told(road, DATA))
