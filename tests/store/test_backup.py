"""A backup: whole or told, whatever was done to the file; the store goes on meanwhile."""

from __future__ import annotations

import json
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestr8.errors import StoreError, UsageError
from orchestr8.manifest.model import Source
from orchestr8.store import backup
from orchestr8.store.database import FILE_NAME
from orchestr8.store.documents import Deed
from orchestr8.store.schema import VERSION
from orchestr8.store.store import Store
from tests.store.test_database import as_root, small_disk

AT = 1_800_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of one set, with a file."""
    made = Store(tmp_path / "state")
    made.documents.save("shop", [Source("a", "text " * 9_000)], {"f": b"x"}, (), Deed("ann", 1))
    yield made
    made.close()


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Path:
    """Its backup."""
    backup.create(store, tmp_path / "backup", AT)
    return tmp_path / "backup"


def test_a_backup_is_one_small_file_that_only_its_owner_reads(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.stat().st_size < 20_000, "the text alone has more than twice that"
    assert sorted(path.name for path in made.parent.iterdir()) == ["backup", "state"]


def test_it_says_what_is_in_it(made: Path, store: Store) -> None:
    found = backup.check(made)
    assert found.header.installation == store.ledger.installation
    assert (found.header.layout, found.header.at_ms) == (VERSION, AT)
    assert found.header.head == store.journal.head() != ""
    assert (found.sets, found.services) == ({"shop": (1,)}, 0)
    assert (found.journal.whole, found.journal.rows) == (True, 1)


def test_what_is_unpacked_is_the_store_as_it_was(made: Path, store: Store) -> None:
    before = store.documents.in_force("shop")
    store.documents.save("shop", [Source("a", "later")], {}, (1,), Deed("ann", 2))
    with backup.unpacked(made) as (folder, _):
        again = Store(folder)
        assert again.documents.in_force("shop") == (before[0],)
        assert again.documents.blob(before[0].files["f"]) == b"x"
        again.close()
    assert not folder.exists()


def test_a_backup_is_made_while_another_writes(store: Store, tmp_path: Path) -> None:
    other = Store(store.folder)
    with other.together():
        other.documents.save("shop", [Source("a", "under way")], {}, (1,), Deed("ann", 2))
        backup.create(store, tmp_path / "meanwhile", AT)
    assert backup.check(tmp_path / "meanwhile").sets == {"shop": (1,)}
    other.close()


def test_nothing_is_written_over(made: Path, store: Store) -> None:
    before = made.read_bytes()
    with pytest.raises(UsageError, match="already"):
        backup.create(store, made, AT)
    assert made.read_bytes() == before


def test_an_empty_store_has_a_backup_as_well(tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    backup.create(store, tmp_path / "backup", AT)
    assert backup.check(tmp_path / "backup").header.head == ""
    store.close()


def flipped(place: int) -> Callable[[bytes], bytes]:
    """One bit of one byte is another; a negative place counts from the end."""

    def damage(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[place] ^= 1
        return bytes(changed)

    return damage


def content_exchanged(content: bytes) -> bytes:
    """The content of another length, well packed."""
    head, line, _ = content.split(b"\n", 2)
    return b"\n".join((head, line, zlib.compress(b"another")))


def header_changed(content: bytes) -> bytes:
    """Somebody else's installation."""
    head, line, rest = content.split(b"\n", 2)
    document = json.loads(line)
    document["installation"] = "0" * 16
    return b"\n".join((head, json.dumps(document).encode(), rest))


def bomb(content: bytes) -> bytes:
    """Far more comes out than the header says."""
    head, line, _ = content.split(b"\n", 2)
    return b"\n".join((head, line, zlib.compress(bytes(64 << 20))))


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path} is a folder"):
        backup.check(tmp_path)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda content: content[:-1], "cut short"),
        (lambda content: content[: len(content) // 2], "cut short"),
        (lambda content: content[:60], "its header cannot be read"),
        (flipped(45), "its header cannot be read"),
        (flipped(-3), "is not whole"),
        (flipped(700), "is not whole"),
        (content_exchanged, "cut short"),
        (header_changed, "its header cannot be read"),
        (lambda content: content + b"!", "something follows its end"),
        (lambda content: content + bytes(2 << 20), "something follows its end"),
        (bomb, "it is longer than its header says"),
    ],
)
def test_a_damaged_file_is_told(made: Path, damage: Callable[[bytes], bytes], why: str) -> None:
    made.write_bytes(damage(made.read_bytes()))
    with pytest.raises(StoreError) as caught:
        backup.check(made)
    assert why in caught.value.what
    assert caught.value.remedy == "use another copy of it"


@pytest.mark.parametrize("content", [b"", b"orchestr8: 1\n", os.urandom(4_000)])
def test_what_is_no_backup_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UsageError, match="is no backup of orchestr8"):
        backup.check(tmp_path / "x")


def test_a_newer_one_is_left_to_the_newer_release(made: Path) -> None:
    head, line, rest = made.read_bytes().split(b"\n", 2)
    document = {**json.loads(line), "layout": VERSION + 1}
    made.write_bytes(b"\n".join((head, json.dumps(document).encode(), rest)))
    with pytest.raises(StoreError, match="was made by a newer orchestr8"):
        backup.check(made)


def test_a_place_that_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        backup.create(store, tmp_path / "no" / "backup", AT)
    with pytest.raises(UsageError, match="there is no"):
        backup.check(tmp_path / "no")


@as_root
def test_a_full_disk_leaves_no_half_of_it(store: Store, tmp_path: Path) -> None:
    files = {"f": os.urandom(900_000)}
    store.documents.save("big", [], files, (), Deed("ann", 2))
    with small_disk(tmp_path / "small"):
        with pytest.raises(StoreError):
            backup.create(store, tmp_path / "small" / "backup", AT)
        assert list((tmp_path / "small").iterdir()) == []


def test_what_lay_beside_an_older_database_never_meets_the_new_one(
    made: Path, store: Store, tmp_path: Path
) -> None:
    state = tmp_path / "other"
    state.mkdir()
    (state / f"{FILE_NAME}-wal").write_bytes((store.folder / f"{FILE_NAME}-wal").read_bytes())
    with backup.unpacked(made, tmp_path) as (folder, _):
        aside = backup.put_in_place(folder, state)
    assert aside
    assert [path.name for path in aside.iterdir()] == [f"{FILE_NAME}-wal"]
    again = Store(state)
    assert again.ledger.installation == store.ledger.installation
    again.close()
