"""A backup: one checked, compressed file of the whole store, with a header that says what it is.

    orchestr8 backup
    {"backup": 1, "layout": 3, "installation": …, "at_ms": …, "head": …, "bytes": …, "sha256": …}
    (the database, deflated)

It holds what the store holds: manifests, contents of repository files, the key of the hashes. It
is read by its owner alone, and belongs where the state folder itself could lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import asdict

from orchestr8.errors import StoreError, UsageError
from orchestr8.store.chain import Verdict
from orchestr8.store.database import FILE_NAME
from orchestr8.store.schema import VERSION
from orchestr8.store.standing import BESIDE, move_aside, standing_of_any
from orchestr8.store.store import Store

MAGIC = b"orchestr8 backup\n"
FORMAT = 1
HEADER_BYTES_MOST = 65_536
UNPACKED = ".restoring-"
"""How the folder of an unpacked backup begins; one that a kill left behind is cleared away."""
_CHUNK = 1 << 20
_SEAL = "seal"


class Header(Struct, frozen=True):
    """What a backup says of itself.

    `layout` is the store's, `head` the journal's last hash, `bytes` and `sha256` are of the
    database before it was compressed.
    """

    layout: int
    installation: str
    at_ms: int
    head: str
    bytes: int
    sha256: str


class Content(Struct, frozen=True):
    """What is in a backup that is whole: sets with their revisions in force, services, journal."""

    header: Header
    sets: dict[str, tuple[int, ...]]
    services: int
    journal: Verdict


def create(store: Store, target: Path, at_ms: int) -> Header:
    """Writes a backup of the store as it is at this moment; changes may go on meanwhile.

    Raises UsageError where there is a file already, StoreError where it cannot be written.
    """
    if target.exists():
        raise UsageError(f"there is a file {target} already", "name another one, or move it away")
    with _told(target), _beside(target) as folder:
        database = folder / FILE_NAME
        store.copy_to(database)
        _require_sound(database, "the store")
        digest, size = _digest(database)
        head = _head_of(database)
        header = Header(VERSION, store.ledger.installation, at_ms, head, size, digest)
        partial = folder / "backup"
        with partial.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(MAGIC + _header_line(header))
            _deflate(database, file)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
        _sync_folder(target.parent)
    return header


def check(path: Path) -> Content:
    """Reads a backup to its end and says what is in it; raises StoreError where it is not whole."""
    with unpacked(path) as (folder, header):
        store = Store(folder)
        try:
            live = {
                name: tuple(one.number for one in store.documents.in_force(name))
                for name in store.documents.sets()
            }
            verdict = store.journal.verify()
            services = len(store.ledger.records().services)
            says = (store.ledger.installation, store.journal.head())
        finally:
            store.close()
    if says != (header.installation, header.head):
        raise _not_whole(path, "its header is of another store than its content")
    return Content(header, live, services, verdict)


@contextmanager
def unpacked(path: Path, beside: Path | None = None) -> Iterator[tuple[Path, Header]]:
    """A state folder with the backup's database, gone at the end; `beside` is where it is made.

    Raises StoreError where the backup is damaged, and UsageError where it is none.
    """
    with _told(path), path.open("rb") as file:
        header = _read_header(path, file)
        folder = Path(tempfile.mkdtemp(prefix=UNPACKED, dir=beside))
        try:
            _inflate(path, file, folder / FILE_NAME, header)
            _require_sound(folder / FILE_NAME, f"the backup {path}")
            yield folder, header
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(prepared: Path, state: Path) -> Path | None:
    """Puts the database of a prepared folder into the state folder; where what was there lies now.

    Whoever calls it holds the lock. What SQLite kept beside an older file must not meet this one.
    """
    before = standing_of_any(state)
    aside = None
    if any((state / f"{FILE_NAME}{end}").exists() for end in BESIDE):
        aside = move_aside(state, "damaged" if before.damage else "replaced")
    with _told(state):
        (prepared / FILE_NAME).rename(state / FILE_NAME)
        _sync_folder(state)
    return aside


def _head_of(database: Path) -> str:
    """The head that the copy has: the store may have gone on since it was made."""
    with closing(_reading(database)) as connection:
        row = connection.execute("SELECT hash FROM journal ORDER BY number DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def _reading(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)


def _header_line(header: Header) -> bytes:
    document = {"backup": FORMAT, **asdict(header)}
    return json.dumps({**document, _SEAL: _seal(document)}).encode() + b"\n"


def _seal(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _read_header(path: Path, file: BinaryIO) -> Header:
    if file.read(len(MAGIC)) != MAGIC:
        raise UsageError(f"{path} is no backup of orchestr8", "name a file of `backup create`")
    try:
        document = json.loads(file.readline(HEADER_BYTES_MOST))
        version, layout = document.pop("backup"), document["layout"]
        seal = document.pop(_SEAL)
        if max(version - FORMAT, layout - VERSION) > 0:
            raise StoreError(
                f"the backup {path} was made by a newer orchestr8", "use that release to read it"
            )
        if seal == _seal({"backup": version, **document}):
            return Header(**document)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise _not_whole(path, "its header cannot be read")


def _not_whole(path: Path, why: str) -> StoreError:
    return StoreError(f"the backup {path} is not whole: {why}", "use another copy of it")


def _deflate(database: Path, file: BinaryIO) -> None:
    packer = zlib.compressobj()
    with database.open("rb") as source:
        while chunk := source.read(_CHUNK):
            file.write(packer.compress(chunk))
    file.write(packer.flush())


def _inflate(path: Path, file: BinaryIO, target: Path, header: Header) -> None:
    """Never writes more than the header says: what is read may be anything."""
    unpacker, digest, size = zlib.decompressobj(), hashlib.sha256(), 0
    with target.open("xb") as out:
        os.fchmod(out.fileno(), 0o600)
        try:
            while chunk := file.read(_CHUNK):
                while chunk and not unpacker.eof:
                    piece = unpacker.decompress(chunk, _CHUNK)
                    chunk = unpacker.unconsumed_tail
                    size += len(piece)
                    if size > header.bytes:
                        raise _not_whole(path, "it is longer than its header says")
                    digest.update(piece)
                    out.write(piece)
                if chunk or unpacker.unused_data:
                    raise _not_whole(path, "something follows its end")
        except zlib.error as error:
            raise _not_whole(path, str(error)) from error
    if not unpacker.eof or size != header.bytes:
        raise _not_whole(path, "it is cut short")
    if digest.hexdigest() != header.sha256:
        raise _not_whole(path, "its content was changed")


def _require_sound(database: Path, what: str) -> None:
    with closing(_reading(database)) as connection:
        rows = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if rows != [("ok",)]:
        raise StoreError(f"{what} is damaged: {rows[0][0]}", "use an earlier backup")


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder of our own on the target's file system, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """The disk's refusals in our words, with the file that is meant."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"there is no {error.filename or path}", "look at the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", "name a file of `backup create`") from error
    except sqlite3.DatabaseError as error:
        raise _not_whole(path, str(error)) from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be used: {error.strerror}",
            "look at the disk's space and at the rights of its folder",
        ) from error
