"""Records: what comes back is what was given, and nothing that was given returns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestr8.boxes.records import BoxRecord, Failures, ServiceRecord
from orchestr8.errors import StoreError
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Allocations
from orchestr8.store.database import FILE_NAME
from orchestr8.store.ledger import Ledger
from orchestr8.store.store import Store
from tests.store.test_pins import FACTS

API, WEB = ServiceName("payments", "api"), ServiceName("web", "front")
SERVICE = ServiceRecord(API, "key-1", 3, 1_048_576, "10.231.128.1")
BOX = BoxRecord(BoxId("payments", "api", 3), 0, "10.231.0.2", Stop("SIGINT", 60_000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return tmp_path / "state"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    store = Store(folder)
    yield store.ledger
    store.close()


def test_an_installation_has_an_id_of_its_own(folder: Path, ledger: Ledger, tmp_path: Path) -> None:
    other, again = Store(tmp_path / "other"), Store(folder)
    assert len(ledger.installation) == 16
    assert again.ledger.installation == ledger.installation != other.ledger.installation
    other.close()
    again.close()


def test_allocations_come_back_as_records(ledger: Ledger) -> None:
    ledger.allocate(Allocations((SERVICE,), (BOX,), "10.231.0.2"))
    records = ledger.records()
    assert records.services == {API: SERVICE}
    assert records.boxes == {BOX.id: BOX}
    assert records.address_last == "10.231.0.2"
    assert records.installation == ledger.installation


def test_an_allocation_is_renewed_in_place(ledger: Ledger) -> None:
    ledger.allocate(Allocations((SERVICE,), (BOX,), "10.231.0.2"))
    later = ServiceRecord(API, "key-1", 4, SERVICE.uid_base, SERVICE.address)
    ledger.note_healthy(API, "shop", 7)
    ledger.allocate(Allocations((later,)))
    records = ledger.records()
    assert records.services[API].serial_last == 4
    assert records.address_last == "10.231.0.2"
    assert ledger.healthy_revision(API) == ("shop", 7)


@pytest.mark.parametrize(
    "second",
    [
        ServiceRecord(WEB, "key-2", 1, SERVICE.uid_base, "10.231.128.2"),
        ServiceRecord(WEB, "key-2", 1, 2_000_000, SERVICE.address),
    ],
    ids=["uids", "address"],
)
def test_nothing_is_given_out_twice(ledger: Ledger, second: ServiceRecord) -> None:
    ledger.allocate(Allocations((SERVICE,)))
    with pytest.raises(StoreError):
        ledger.allocate(Allocations((second,)))
    assert set(ledger.records().services) == {API}


def test_boxes_are_forgotten_and_serials_never_come_back(ledger: Ledger) -> None:
    ledger.allocate(Allocations((SERVICE,), (BOX,)))
    ledger.forget_boxes([BOX.id, BoxId("web", "front", 9)])
    assert ledger.records().boxes == {}
    assert ledger.records().services[API].serial_last == 3


def test_failures_and_the_last_lines_are_kept(ledger: Ledger) -> None:
    ledger.note_failure(API, 0, Failures(1, 1_000, "it exited"), ["one"])
    ledger.note_failure(API, 0, Failures(2, 2_000, "it was ill"), ["two", "three"])
    ledger.note_failure(API, 1, Failures(1, 3_000, "it exited"), [])
    assert ledger.records().failures == {
        (API, 0): Failures(2, 2_000, "it was ill"),
        (API, 1): Failures(1, 3_000, "it exited"),
    }
    assert ledger.last_lines(API, 0) == ("two", "three")
    assert ledger.last_lines(API, 2) == ()
    ledger.forgive(API)
    assert {one.count for one in ledger.records().failures.values()} == {0}
    assert ledger.last_lines(API, 0) == ("two", "three")
    ledger.clear_failures(API)
    assert ledger.records().failures == {}


def test_a_service_is_held_back_until_told_otherwise(ledger: Ledger) -> None:
    ledger.allocate(Allocations((SERVICE,)))
    ledger.hold_back(API, 4)
    assert ledger.held_back() == {API: 4}
    ledger.hold_back(API, 0)
    assert ledger.held_back() == {}


def test_the_last_revision_that_worked_is_remembered(ledger: Ledger) -> None:
    assert ledger.healthy_revision(API) is None
    ledger.allocate(Allocations((SERVICE,)))
    assert ledger.healthy_revision(API) is None
    ledger.note_healthy(API, "shop", 2)
    assert ledger.healthy_revision(API) == ("shop", 2)


def test_words_are_remembered(ledger: Ledger) -> None:
    assert ledger.meta("engine") == ""
    ledger.remember("engine", "docker unix:///x")
    ledger.remember("engine", "docker unix:///y")
    assert ledger.meta("engine") == "docker unix:///y"


def test_of_an_empty_word_nothing_is_kept(folder: Path, ledger: Ledger) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        before = database.execute("SELECT * FROM meta").fetchall()
        ledger.remember("under way", "yes")
        ledger.remember("under way", "")
        assert ledger.meta("under way") == ""
        assert database.execute("SELECT * FROM meta").fetchall() == before


def test_all_of_it_survives_closing(folder: Path) -> None:
    store = Store(folder)
    store.ledger.allocate(Allocations((SERVICE,), (BOX,), "10.231.0.2"))
    store.pins.note_images([FACTS])
    before = store.ledger.records()
    store.close()
    again = Store(folder)
    assert again.ledger.records() == before
    assert again.pins.image("api:1") == FACTS
    again.close()


def test_records_are_as_they_were_written_last_whoever_wrote(folder: Path, ledger: Ledger) -> None:
    other = Store(folder)
    ledger.allocate(Allocations((SERVICE,), (BOX,), ""))
    assert ledger.records() is ledger.records()
    other.ledger.forget_boxes([BOX.id])
    assert not ledger.records().boxes
    ledger.remember("address_last", "10.231.0.9")
    assert ledger.records().address_last == "10.231.0.9"
    other.close()


def test_what_was_taken_back_is_not_remembered(folder: Path) -> None:
    store = Store(folder)
    store.ledger.allocate(Allocations((SERVICE,), (BOX,), ""))

    def forget_and_fail() -> None:
        with store.together():
            store.ledger.forget_boxes([BOX.id])
            assert not store.ledger.records().boxes
            raise StoreError("no room")

    with pytest.raises(StoreError):
        forget_and_fail()
    assert set(store.ledger.records().boxes) == {BOX.id}
    store.close()
