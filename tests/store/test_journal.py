"""The journal: what was written stays as it was, or the chain says where it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestr8.errors import StoreError
from orchestr8.store.chain import COLUMNS, Entry, Row, append_rows, chained, first_link
from orchestr8.store.database import FILE_NAME
from orchestr8.store.documents import Deed
from orchestr8.store.journal import Journal
from orchestr8.store.store import Store

CALLS = [("create", "web--front--1", "no box yet"), ("start", "web--front--1", "no box yet")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return tmp_path / "state"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    """A journal of seven rows: two calls, their results, three more calls that are under way."""
    store = Store(folder)
    numbers = store.journal.intend("ann", 1_000, CALLS)
    store.journal.conclude("ann", [(number, 1_500, "done") for number in numbers])
    for n in range(3):
        store.journal.intend("bob", 2_000 + n, [("remove", f"web--front--{n}", "")])
    yield store.journal
    store.close()


def test_a_result_is_a_row_of_its_own(journal: Journal) -> None:
    rows = journal.rows()
    assert [(row.number, row.kind, row.subject, row.result, row.intent) for row in rows[:4]] == [
        (1, "create", "web--front--1", "", 0),
        (2, "start", "web--front--1", "", 0),
        (3, "result", "web--front--1", "done", 1),
        (4, "result", "web--front--1", "done", 2),
    ]
    assert journal.rows(last=2) == rows[-2:]


def test_what_is_under_way_has_no_result_yet(journal: Journal) -> None:
    assert [row.number for row in journal.under_way()] == [5, 6, 7]
    journal.append([Entry(3_000, "bob", "apply", "shop revision 1")])
    assert [row.number for row in journal.under_way()] == [5, 6, 7], "what is over is not"


def test_a_whole_chain_is_whole(journal: Journal) -> None:
    verdict = journal.verify()
    assert verdict.whole
    assert (verdict.rows, verdict.head) == (7, journal.head())
    assert journal.verify(kept_head=journal.head()).whole
    assert journal.verify(kept_head=journal.rows()[2].hash[:16]).whole


def test_an_empty_journal_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "other")
    assert store.journal.verify().whole
    assert store.journal.head() == ""
    assert not store.journal.verify(kept_head="ab" * 32).whole
    store.close()


def test_rows_are_written_all_or_none(journal: Journal) -> None:
    head = journal.head()
    with pytest.raises(StoreError):
        journal.append([Entry(1, "ann", "stop", "x"), Entry(1, "ann", "stop", None)])  # type: ignore[arg-type]
    assert journal.head() == head


def test_a_revision_and_its_row_are_one(folder: Path) -> None:
    store = Store(folder)
    store.documents.save("shop", [], {}, (), Deed("ann", 5, "rollback", "it was slow"))
    with pytest.raises(ValueError, match="x"), store.together():
        store.documents.save("shop", [], {}, (), Deed("ann", 6))
        raise ValueError("x")
    (row,) = store.journal.rows()
    assert row[1:7] == (5, "ann", "rollback", "shop revision 1", "it was slow", "done")
    assert [one.number for one in store.documents.history("shop")] == [1]
    store.close()


Forgery = Callable[[sqlite3.Connection], object]


def rechain(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Writes the hashes of these rows anew, as who can compute would."""
    rows = [Row(*row) for row in connection.execute(f"SELECT {COLUMNS} FROM journal")]
    head = first_link(installation(connection)) if first == 1 else rows[first - 2].hash
    for row in rows[first - 1 : last]:
        fresh = chained(row.number, Entry(*row[1:8]), head)
        head = fresh.hash
        connection.execute(
            "UPDATE journal SET previous=?, hash=? WHERE number=?",
            (fresh.previous, fresh.hash, fresh.number),
        )


def installation(connection: sqlite3.Connection) -> str:
    """The installation's id."""
    return str(connection.execute("SELECT value FROM meta WHERE key='installation'").fetchone()[0])


def changed(connection: sqlite3.Connection) -> None:
    """Somebody else did it."""
    connection.execute("UPDATE journal SET actor='eve' WHERE number=3")


def result_changed(connection: sqlite3.Connection) -> None:
    """It failed, it is said now."""
    connection.execute("UPDATE journal SET result='failed' WHERE number=4")


def type_changed(connection: sqlite3.Connection) -> None:
    """The same to the eye: bytes in the place of text."""
    connection.execute("UPDATE journal SET cause=CAST(cause AS BLOB) WHERE number=2")


def removed(connection: sqlite3.Connection) -> None:
    """One row less."""
    connection.execute("DELETE FROM journal WHERE number=4")


def removed_and_moved_up(connection: sqlite3.Connection) -> None:
    """One row less, and the later ones take its number."""
    removed(connection)
    for number in (5, 6, 7):
        connection.execute("UPDATE journal SET number=? WHERE number=?", (number - 1, number))


def first_removed(connection: sqlite3.Connection) -> None:
    """The beginning is gone."""
    connection.execute("DELETE FROM journal WHERE number=1")


def inserted(connection: sqlite3.Connection) -> None:
    """A row that nobody wrote, rightly chained to the one before it."""
    for number in (7, 6, 5, 4):
        connection.execute("UPDATE journal SET number=? WHERE number=?", (number + 1, number))
    ((head,),) = connection.execute("SELECT hash FROM journal WHERE number=3").fetchall()
    row = chained(4, Entry(1_600, "ann", "stop", "web--front--1"), head)
    connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * 10)})", row)


def swapped(connection: sqlite3.Connection) -> None:
    """Two rows change places."""
    for old, new in ((5, 99), (6, 5), (99, 6)):
        connection.execute("UPDATE journal SET number=? WHERE number=?", (new, old))


def rechained_in_part(connection: sqlite3.Connection) -> None:
    """A row is changed and made to fit, its followers are not."""
    changed(connection)
    rechain(connection, 3, 4)


def end_cut_off(connection: sqlite3.Connection) -> None:
    """The last rows are gone."""
    connection.execute("DELETE FROM journal WHERE number>5")


def of_another_installation(connection: sqlite3.Connection) -> None:
    """A whole chain, and not of this machine."""
    connection.execute("DELETE FROM journal")
    append_rows(connection, [Entry(n, "ann", "stop", "x") for n in range(7)], "another")


@pytest.mark.parametrize(
    ("forgery", "at", "why"),
    [
        (changed, 3, "it was changed after it was written"),
        (result_changed, 4, "it was changed after it was written"),
        (type_changed, 2, "it was changed after it was written"),
        (removed, 4, "row 4 is missing"),
        (removed_and_moved_up, 4, "it is chained to another row than the one before it"),
        (first_removed, 1, "row 1 is missing"),
        (inserted, 5, "it is chained to another row than the one before it"),
        (swapped, 5, "it is chained to another row than the one before it"),
        (rechained_in_part, 5, "it is chained to another row than the one before it"),
        (end_cut_off, 6, "its end is cut off: 7 rows were written in all"),
        (of_another_installation, 1, "it is chained to another row than the one before it"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_forgery_is_found(
    journal: Journal, folder: Path, forgery: Forgery, at: int, why: str
) -> None:
    with sqlite3.connect(folder / FILE_NAME) as connection:
        forgery(connection)
    verdict = journal.verify()
    assert not verdict.whole
    assert verdict.broken_at == at
    assert verdict.why.startswith(why)


def rewritten_to_the_end(connection: sqlite3.Connection) -> None:
    """A row is changed, and everything after it made to fit."""
    changed(connection)
    rechain(connection, 3, 7)


def cut_off_without_a_trace(connection: sqlite3.Connection) -> None:
    """The end is gone, and the count of what was written as well."""
    end_cut_off(connection)
    connection.execute("UPDATE sqlite_sequence SET seq=5 WHERE name='journal'")


def end_exchanged(connection: sqlite3.Connection) -> None:
    """Other rows stand where the last ones stood."""
    cut_off_without_a_trace(connection)
    entries = [Entry(3_000, "bob", "remove", "web--front--9")] * 2
    append_rows(connection, entries, installation(connection))


@pytest.mark.parametrize("forgery", [rewritten_to_the_end, cut_off_without_a_trace, end_exchanged])
def test_whoever_kept_the_head_finds_the_rest(
    journal: Journal, folder: Path, forgery: Forgery
) -> None:
    kept = journal.head()
    with sqlite3.connect(folder / FILE_NAME) as connection:
        forgery(connection)
    assert journal.verify().whole
    verdict = journal.verify(kept_head=kept)
    assert not verdict.whole
    assert "head that was kept" in verdict.why
