"""From an older layout to the newest: the same tables as a new store has, and nothing lost."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from orchestr8.boxes.records import BoxRecord, Failures
from orchestr8.errors import StoreError, UnavailableError
from orchestr8.names import BoxId, ServiceName
from orchestr8.store import migrations
from orchestr8.store.database import FILE_NAME, Database
from orchestr8.store.lock import writer_lock
from orchestr8.store.schema import VERSION
from orchestr8.store.store import Store

LAYOUTS = Path(__file__).parent / "layouts"
"""Stores that earlier releases wrote, as dumps; the number is the layout's."""
OLDER = sorted(LAYOUTS.glob("*.sql"))
DB, FRONT, HELLO = (
    ServiceName("data", "db"), ServiceName("web", "front"), ServiceName("me", "hello"),
)  # fmt: skip


def restored(dump: Path, folder: Path) -> Path:
    """A state folder as the earlier release left it."""
    folder.mkdir(mode=0o700)
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.executescript(dump.read_text("utf-8"))
    connection.close()
    return folder


def tables(database: Database) -> dict[str, str]:
    """Every table as it was declared, without comments and white space."""
    return {
        str(name): re.sub(r"\s+", " ", re.sub(r"--.*", "", str(text)))
        for name, text in database.rows(
            "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        )
    }


def test_each_older_layout_is_there() -> None:
    assert [path.stem for path in OLDER] == [str(number) for number in range(1, VERSION)]
    assert sorted(migrations.STEPS) == list(range(1, VERSION))


@pytest.mark.parametrize("dump", OLDER, ids=lambda path: path.stem)
def test_a_migrated_store_has_the_tables_of_a_new_one(dump: Path, tmp_path: Path) -> None:
    new, old = Database(tmp_path / "new"), Database(restored(dump, tmp_path / "old"))
    assert tables(old) == tables(new)
    assert old.rows("PRAGMA user_version") == [(VERSION,)]
    assert old.rows("PRAGMA integrity_check") == [("ok",)]
    new.close()
    old.close()


def test_layout_1_loses_nothing(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "1.sql", tmp_path / "old"))
    records = store.ledger.records()
    assert records.installation == "93253603136cffbf"
    assert {name: one.serial_last for name, one in records.services.items()} == {
        HELLO: 8, DB: 12, FRONT: 9,
    }  # fmt: skip
    assert records.failures[HELLO, 0] == Failures(
        2, 1795968104094, "the image hello:1 is not present"
    )
    assert store.ledger.held_back() == {HELLO: 1, DB: 1}
    assert store.ledger.healthy_revision(FRONT) == ("shop", 2)
    assert store.documents.sets() == {"default": False, "shop": False}
    older, newer = store.documents.history("shop")
    assert (older.live, newer.live, newer.status) == (False, True, "partly applied")
    assert (newer.deed.actor, newer.deed.verb, newer.deed.repeats) == ("root", "apply", 0)
    assert "front:1.5" in newer.sources[1].text
    contents = [store.documents.blob(*one.files.values()) for one in
                store.documents.history("default")]  # fmt: skip
    assert contents == [b'greeting = "hello"\n', b'greeting = "hi"\n']
    image = store.pins.image("db:16")
    assert image
    assert image.cmd == ("/run",)
    assert set(store.pins.strict_versions().values()) == {1}
    store.close()


def test_the_intents_of_layout_1_begin_the_journal(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "1.sql", tmp_path / "old"))
    rows = store.journal.rows()
    assert store.journal.verify().whole
    assert len([row for row in rows if not row.intent]) == 102
    first, *_ = rows
    assert first[1:8] == (1795968093531, "root", "create", "me--hello--1", "no box yet", "", 0)
    subjects = {row.number: row.subject for row in rows}
    assert all(subjects[row.intent] == row.subject for row in rows if row.intent)
    assert all(row.intent < row.number for row in rows)
    (begun,) = store.journal.under_way()
    assert (begun.kind, begun.subject) == ("remove", "web--front--9")
    store.journal.conclude("ann", [(begun.number, 5, "done")])
    assert store.journal.verify().whole
    store.close()


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = restored(LAYOUTS / "1.sql", tmp_path / "old")
    step = migrations.STEPS[1]

    def half(connection: sqlite3.Connection) -> None:
        step(connection)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(migrations, "STEPS", {1: half})
    with pytest.raises(StoreError) as caught:
        Store(folder)
    assert caught.value.remedy == "make room on its disk, then type the command again"
    monkeypatch.undo()
    with sqlite3.connect(folder / FILE_NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT COUNT(*) FROM intents").fetchone() == (102,)
    store = Store(folder)
    assert store.journal.verify().whole
    store.close()


def test_no_migration_while_an_older_release_writes(tmp_path: Path) -> None:
    folder = restored(LAYOUTS / "1.sql", tmp_path / "old")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with writer_lock(folder):
        with pytest.raises(UnavailableError):
            Store(folder)
        Store(copy).close()
    Store(folder).close()


def test_layout_2_loses_nothing(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "2.sql", tmp_path / "old"))
    revisions = store.documents.history("web")
    assert [(one.deed.verb, one.deed.repeats, one.live) for one in revisions] == [
        ("apply", 0, False), ("apply", 0, False), ("rollback", 1, True),
    ]  # fmt: skip
    assert store.interventions.holds()[HELLO].reason == "the disk is being changed"
    assert store.journal.verify().whole
    assert store.sources.records() == {}
    store.close()


def test_layout_3_loses_nothing(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "3.sql", tmp_path / "old"))
    assert [one.live for one in store.documents.history("web")] == [False, True]
    assert store.sources.record("web").state == "refused"
    commit = store.sources.commit("web", "4f1c2b7ad3a94f0e8d5c6b1a2f3e4d5c6b7a8f90")
    assert commit and commit.signer == "ssh:SHA256:x"
    assert store.journal.verify().whole
    assert store.alarms.every() == ()
    store.close()


def test_layout_4_loses_nothing(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "4.sql", tmp_path / "old"))
    box = BoxId("web", "front", 2)
    assert store.ledger.records().boxes == {box: BoxRecord(box, 0, "10.231.0.3")}
    assert store.journal.verify().whole
    store.close()


def test_layout_5_loses_nothing(tmp_path: Path) -> None:
    store = Store(restored(LAYOUTS / "5.sql", tmp_path / "old"))
    found = [(one.number, one.name, one.owner) for one in store.tokens.every()]
    assert found == [(1, "ci", "web"), (2, "laptop", "web")]
    assert store.journal.verify().whole
    store.close()
