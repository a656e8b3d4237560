"""A state folder seen from outside: whose, whole, damaged, locked; looking changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from orchestr8.errors import StoreError
from orchestr8.store.adoption import Identity
from orchestr8.store.database import FILE_NAME
from orchestr8.store.lock import writer_lock
from orchestr8.store.standing import Standing, move_aside, standing
from orchestr8.store.store import Store


def made(folder: Path) -> str:
    """A store; whose it is."""
    store = Store(folder)
    installation = store.ledger.installation
    store.close()
    return installation


def test_an_absent_folder_has_no_store_and_is_not_made(tmp_path: Path) -> None:
    assert standing(tmp_path / "none") == Standing(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_whole_store_says_whose_it_is(tmp_path: Path) -> None:
    assert standing(tmp_path).present is False
    installation = made(tmp_path)
    assert standing(tmp_path) == Standing(tmp_path, True, installation)


def test_a_lock_is_seen(tmp_path: Path) -> None:
    made(tmp_path)
    with writer_lock(tmp_path):
        assert standing(tmp_path).locked
    assert not standing(tmp_path).locked


def test_a_store_of_a_newer_release_is_not_damaged(tmp_path: Path) -> None:
    made(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="newer orchestr8"):
        standing(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x" * 4096])
def test_what_is_no_database_is_damaged_and_moves_aside_whole(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"wal")
    found = standing(tmp_path)
    assert found.damage
    assert not found.installation
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"wal")
    aside = move_aside(tmp_path)
    assert (aside / FILE_NAME).read_bytes() == content
    assert (aside / f"{FILE_NAME}-wal").read_bytes() == b"wal"
    assert not standing(tmp_path).present


def test_stores_that_move_aside_within_a_second_lie_beside_one_another(tmp_path: Path) -> None:
    places = []
    for content in (b"1", b"2", b"3"):
        (tmp_path / FILE_NAME).write_bytes(content)
        places.append(move_aside(tmp_path, "replaced"))
    assert [(place / FILE_NAME).read_bytes() for place in places] == [b"1", b"2", b"3"]


def test_a_store_with_a_hole_is_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(200):
        store.ledger.remember(f"word-{number}", "x" * 500)
    store.close()
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    assert standing(tmp_path).damage


def test_only_an_empty_store_becomes_another_installations(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.adoption.become(Identity("0123456789abcdef", "ab" * 32))
    store.close()
    again = Store(tmp_path)
    assert again.ledger.installation == "0123456789abcdef"
    assert again.adoption.identity() == Identity("0123456789abcdef", "ab" * 32)
    again.documents.note_platform()
    assert again.adoption.is_empty()
    with again.together() as _:
        again.adoption.declared("shop", (), whole=True)
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("INSERT INTO sets(name) VALUES ('shop')")
    with pytest.raises(StoreError, match="cannot become"):
        again.adoption.become(Identity("f" * 16, "ab" * 32))
    again.close()
