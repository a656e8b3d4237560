"""The file and its folder: locks, kills, and disks and rights that are not as they should be."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestr8.errors import StoreError, UnavailableError
from orchestr8.manifest.model import Source
from orchestr8.store.chain import Entry
from orchestr8.store.database import FILE_NAME, Database
from orchestr8.store.documents import Deed
from orchestr8.store.lock import DAMAGED_REMEDY, writer_lock
from orchestr8.store.schema import VERSION
from orchestr8.store.standing import standing
from orchestr8.store.store import Store
from tests.store.writer import FILES, TEXT_LENGTH

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65_534
KILLS = 12
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="rights are tried by becoming nobody")


@contextmanager
def another(word: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process on a state folder; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", word, str(folder)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def test_a_second_process_is_refused_while_the_lock_is_held(tmp_path: Path) -> None:
    with another("lock", tmp_path) as holder:
        assert said(holder) == "held"
        with pytest.raises(UnavailableError) as caught, writer_lock(tmp_path):
            pass
    assert str(tmp_path) in caught.value.what
    assert caught.value.remedy == "wait until it is done, then type the command again"


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    with another("lock", tmp_path) as holder:
        assert said(holder) == "held"
        holder.kill()
        holder.wait()
        with writer_lock(tmp_path):
            pass


def test_the_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x"), writer_lock(tmp_path):
        raise ValueError("x")
    with writer_lock(tmp_path):
        pass


def test_reading_goes_on_while_the_lock_is_held(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with another("lock", tmp_path) as holder:
        assert said(holder) == "held"
        assert Store(tmp_path).documents.sets() == {}


def test_a_kill_at_any_moment_leaves_whole_revisions(tmp_path: Path) -> None:
    """Killed again and again while it saves: what is in force is whole, and as new as was told."""
    told = 0
    for round_number in range(KILLS):
        with another("save", tmp_path) as writer:
            for _ in range(1 + round_number % 4):
                told = int(said(writer))
        store = Store(tmp_path)
        (revision,) = store.documents.in_force("shop")
        assert revision.number >= told
        assert [one.text for one in revision.sources] == [
            str(revision.number) * TEXT_LENGTH
        ] * FILES
        contents = [store.documents.blob(digest) for digest in revision.files.values()]
        assert contents == [f"{n} of {revision.number}".encode() * 2_000 for n in range(FILES)]
        rows = store._database.rows("PRAGMA integrity_check")
        assert rows == [("ok",)]
        store.close()


def test_two_processes_may_make_the_store_at_once(tmp_path: Path) -> None:
    with another("open", tmp_path / "s") as one, another("open", tmp_path / "s") as other:
        installations = {said(one), said(other)}
    assert installations == {Store(tmp_path / "s").ledger.installation}


def test_the_folder_and_its_files_are_root_s_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Store(tmp_path / "a" / "state").documents.save("x", [], {}, (), Deed("ann", 1))
        with writer_lock(tmp_path / "a" / "state"):
            pass
    finally:
        os.umask(old)
    folder = tmp_path / "a" / "state"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir()} == {
        path.name: 0 for path in folder.iterdir()
    }


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with pytest.raises(ValueError, match="x"), database.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES ('a', '1')")
        raise ValueError("x")
    assert database.rows("SELECT 1 FROM meta WHERE key='a'") == []
    with database.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES ('a', '1')")
    assert database.rows("SELECT 1 FROM meta WHERE key='a'") == [(1,)]


def test_what_is_written_survives_a_power_loss(tmp_path: Path) -> None:
    database = Database(tmp_path)
    assert database.rows("PRAGMA synchronous") == [(2,)]
    assert database.rows("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("content", [b"garbage\n" * 600, b"SQLite format 3\0" + b"\xff" * 9_000])
def test_a_file_that_is_no_store_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert str(tmp_path) in caught.value.what
    assert caught.value.remedy == DAMAGED_REMEDY
    assert (tmp_path / FILE_NAME).read_bytes() == content


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a store with much in it."""
    folder = tmp_path_factory.mktemp("whole")
    store = Store(folder)
    for number in range(1, 30):
        sources = [Source(f"{number}.yaml", f"text {number} " * 900)]
        store.documents.save("shop", sources, {"f": bytes(5_000)}, (number - 1,), Deed("ann", 1))
    store.close()
    return (folder / FILE_NAME).read_bytes()


def read_all(folder: Path) -> None:
    """Opens a store and reads what a command reads."""
    store = Store(folder)
    try:
        for set_name in store.documents.sets_ever():
            for revision in store.documents.history(set_name):
                for digest in revision.files.values():
                    store.documents.blob(digest)
        store.ledger.records()
        store.journal.verify()
        store.journal.append([Entry(1, "ann", "stop", "x")])
    finally:
        store.close()


@pytest.mark.parametrize("kept", [100, 512, 4_095, 4_096, 8_192, 20_000, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_told(tmp_path: Path, whole: bytes, kept: float) -> None:
    size = int(len(whole) * kept) if isinstance(kept, float) else kept
    (tmp_path / FILE_NAME).write_bytes(whole[:size])
    with pytest.raises(StoreError) as caught:
        read_all(tmp_path)
    assert str(tmp_path) in caught.value.what
    assert caught.value.remedy == DAMAGED_REMEDY


@pytest.mark.parametrize("page", range(1, 12))
def test_a_page_of_garbage_brings_no_foreign_error(tmp_path: Path, whole: bytes, page: int) -> None:
    """A page that nothing is read of is nobody's trouble."""
    content = bytearray(whole)
    content[page * 4_096 : (page + 1) * 4_096] = b"\xa5" * 4_096
    (tmp_path / FILE_NAME).write_bytes(content)
    with suppress(StoreError):
        read_all(tmp_path)


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    assert Store(tmp_path).documents.sets() == {}


def test_a_newer_layout_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path)
    assert "was written by a newer orchestr8" in caught.value.what
    use, restore = caught.value.remedy.splitlines()
    assert use == "use that release, or another state folder"
    assert restore.endswith("orchestr8 backup restore FILE")


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("x")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "state")
    assert str(tmp_path / "state") in caught.value.what


@contextmanager
def nobody() -> Iterator[None]:
    """Runs as an account without any rights."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@as_root
def test_without_permission_the_reader_learns_whose_move_it_is(tmp_path: Path) -> None:
    Store(tmp_path / "state").close()
    for folder in (tmp_path / "state", tmp_path / "new"):
        with nobody(), pytest.raises(StoreError) as caught:
            Store(folder)
        assert "run this as root; what a running" in caught.value.remedy


@as_root
def test_a_folder_that_everybody_can_find_is_no_matter_of_its_disk() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        Store(Path(name, "state")).close()
        with nobody(), pytest.raises(StoreError) as caught:
            Store(Path(name, "state"))
    assert "this user may not use the state folder" in caught.value.what
    assert "run this as root; what a running" in caught.value.remedy


@as_root
def test_without_permission_the_lock_says_so_too(tmp_path: Path) -> None:
    Store(tmp_path / "state").close()
    with nobody(), pytest.raises(StoreError), writer_lock(tmp_path / "state"):
        pass


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of half a mebibyte at this folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@as_root
def test_a_full_disk_loses_nothing_that_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with small_disk(folder):
        store = Store(folder)
        store.documents.save("shop", [Source("a", "first")], {}, (), Deed("ann", 1))
        with pytest.raises(StoreError) as caught:
            store.documents.save("shop", [Source("a", "x" * 2_000_000)], {}, (1,), Deed("ann", 2))
        assert caught.value.remedy == "make room on its disk, then type the command again"
        assert [one.sources for one in store.documents.in_force("shop")] == [
            (Source("a", "first"),)
        ]
        assert store.documents.save("shop", [Source("a", "y")], {}, (1,), Deed("ann", 3)) == 2
        store.close()


@as_root
def test_on_a_full_disk_the_store_is_still_read(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with small_disk(folder):
        with_one = Store(folder)
        with_one.documents.save("shop", [Source("a", "first")], {}, (), Deed("ann", 1))
        with_one.close()
        with (folder / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        store = Store(folder)
        assert [one.sources for one in store.documents.in_force("shop")] == [
            (Source("a", "first"),)
        ]
        with pytest.raises(StoreError) as caught:
            store.documents.save("shop", [Source("a", "second")], {}, (1,), Deed("ann", 2))
        assert caught.value.remedy == "make room on its disk, then type the command again"
        store.close()
        (folder / "ballast").unlink()
        again, beside = Store(folder), Store(folder)
        assert again.documents.save("shop", [Source("a", "y")], {}, (1,), Deed("ann", 3)) == 2
        assert [one.sources for one in beside.documents.in_force("shop")] == [(Source("a", "y"),)]
        again.close()
        beside.close()


@as_root
@pytest.mark.parametrize("was_killed", [False, True])
def test_on_a_disk_that_is_mounted_read_only_the_store_is_read(
    tmp_path: Path, was_killed: bool
) -> None:
    """What was killed leaves a log, which belongs to what is read."""
    folder = tmp_path / "small"
    with small_disk(folder):
        store = Store(folder)
        store.documents.save("shop", [Source("a", "first")], {}, (), Deed("ann", 1))
        if was_killed:
            left = {path: path.read_bytes() for path in folder.iterdir()}
        store.close()
        if was_killed:
            for path, content in left.items():
                path.write_bytes(content)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        seen, store = standing(folder), Store(folder)
        assert (seen.installation, seen.damage) == (store.ledger.installation, "")
        assert [one.sources for one in store.documents.in_force("shop")] == [
            (Source("a", "first"),)
        ]
        with pytest.raises(StoreError) as caught:
            store.documents.note_platform()
        assert caught.value.remedy.endswith("whether its disk is mounted read-only")
        with pytest.raises(StoreError) as caught, store.writing():
            pass
        assert caught.value.what.endswith("cannot be written: its disk is mounted read-only")
        store.close()


@as_root
def test_no_store_begins_on_a_disk_that_is_mounted_read_only(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        for place in (folder, folder / "state"):
            with pytest.raises(StoreError, match="cannot be") as caught:
                Store(place)
            assert "mounted read-only" in caught.value.remedy


def test_a_store_that_is_only_opened_is_not_made(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(StoreError, match="deleted or exchanged"):
            Store(folder, make=False)
    assert not list(tmp_path.iterdir())
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(StoreError, match="deleted or exchanged"):
        Store(tmp_path, make=False)
    Store(tmp_path).close()
    Store(tmp_path, make=False).close()


@pytest.mark.parametrize("exchanged", [False, True])
def test_a_file_that_is_gone_is_written_to_no_more(tmp_path: Path, exchanged: bool) -> None:
    """SQLite itself would go on, and report success."""
    store = Store(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    if exchanged:
        (tmp_path / FILE_NAME).touch()
    with pytest.raises(StoreError, match="deleted or exchanged") as told:
        store.ledger.remember("a", "b")
    assert "orchestr8 adopt" in told.value.remedy
    store.close()
