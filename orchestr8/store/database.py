"""The SQLite file: opening it, the lock for one writer, transactions.

Transactions begin IMMEDIATE: a deferred one that reads and then writes fails at once despite the
busy time-out. `synchronous` is FULL, since allocations and intents must survive a power loss.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from orchestr8.errors import StoreError
from orchestr8.store.lock import told, writer_lock
from orchestr8.store.migrations import migrate, run_script
from orchestr8.store.schema import SCRIPT, VERSION

FILE_NAME = "orchestr8.db"


class Database:
    """One connection to the state folder's database; used by one thread."""

    def __init__(self, folder: Path, *, make: bool = True) -> None:
        """Opens the database, or makes it where it is missing; without `make` that is an error.
        On a disk that is mounted read-only it can be read. Raises StoreError with a remedy."""
        self.folder = folder
        file = folder / FILE_NAME
        with told(folder):
            if make:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not file.exists():
                raise self._gone()
            with _one_at_a_time(folder) as is_writable:
                if is_writable:
                    self._connection = _connected(file, make=make)
                    file.chmod(0o600)
                else:
                    self._connection = connected_to_read(file)
                self._file = file.stat()
                self._connection.execute("PRAGMA synchronous=FULL")
                self._lay_out(make=make)

    def _lay_out(self, *, make: bool) -> None:
        version = self._version()
        if version > VERSION:
            raise written_by_newer(self.folder)
        if version == 0 and not make:
            raise self._gone()
        if version == 0:
            with self.transaction() as connection:
                if self._version() == 0:
                    run_script(connection, SCRIPT)
                    connection.executemany(
                        "INSERT INTO meta VALUES (?, ?)",
                        [("installation", secrets.token_hex(8)), ("key", secrets.token_hex(32))],
                    )
                    connection.execute(f"PRAGMA user_version={VERSION}")
        elif version < VERSION:
            with writer_lock(self.folder), self.transaction() as connection:
                migrate(connection, self._version())
                connection.execute(f"PRAGMA user_version={VERSION}")

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    @cached_property
    def installation(self) -> str:
        """This installation's id: 16 hexadecimal digits."""
        return str(self.rows("SELECT value FROM meta WHERE key='installation'")[0][0])

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with told(self.folder):
            return self._connection.execute(query, values).fetchall()

    def each(self, query: str) -> Iterator[tuple[object, ...]]:
        """The rows of a query one by one, for those that may be many."""
        with told(self.folder):
            yield from self._connection.execute(query)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; raises StoreError when the disk refuses.

        One within another is a part of it: nothing is kept unless the outermost ends well.
        """
        if self._connection.in_transaction:
            yield self._connection
            return
        with told(self.folder):
            self.require_same_file()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def mark(self) -> object:
        """Equal to an earlier one while nothing was written, here or by anybody; None within a
        transaction, of which nothing may stay."""
        if self._connection.in_transaction:
            return None
        return self.rows("PRAGMA data_version"), self._connection.total_changes

    def copy_to(self, target: Path) -> None:
        """Writes the database as it is now into one file, while others go on with it."""
        with told(self.folder):
            copy = sqlite3.connect(target)
            try:
                self._connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
            finally:
                copy.close()
            target.chmod(0o600)

    def require_same_file(self) -> None:
        """Raises StoreError where the file is another now, or none: SQLite goes on writing to one
        that was deleted, and nobody would ever read it."""
        with suppress(FileNotFoundError):
            if os.path.samestat((self.folder / FILE_NAME).stat(), self._file):
                return
        raise self._gone()

    def _gone(self) -> StoreError:
        return StoreError(
            f"the state folder {self.folder} was deleted or exchanged while this command ran",
            "bring it back:  orchestr8 backup restore FILE; or, without a backup, take the boxes "
            "over as they run:  orchestr8 adopt",
        )

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _connected(file: Path, *, make: bool) -> sqlite3.Connection:
    """A connection that writes to a log first.

    The log has an index in a file of its own. Where the disk has no room for that, it is kept in
    memory, and nobody else has the database meanwhile: whatever only reads goes on.
    """
    for mode in ("NORMAL", "EXCLUSIVE"):
        connection = _opened(file, f"mode={'rwc' if make else 'rw'}")
        try:
            connection.execute(f"PRAGMA locking_mode={mode}")
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            connection.close()
            if mode == "EXCLUSIVE" or error.sqlite_errorcode != sqlite3.SQLITE_IOERR_SHMSIZE:
                raise
    return connection


def written_by_newer(folder: Path) -> StoreError:
    """What is said where a newer release wrote the store."""
    return StoreError(
        f"the state folder {folder} was written by a newer orchestr8",
        "use that release, or another state folder\n"
        "or put it aside for a backup of this release:  orchestr8 backup restore FILE",
    )


def connected_to_read(file: Path) -> sqlite3.Connection:
    """A connection that changes nothing; raises sqlite3.DatabaseError.

    Even to read, the index of a log is wanted. Where there is none, no log and a disk that takes
    none, nobody can write meanwhile, and the file is read without.
    """
    connection = _opened(file, "mode=ro")
    try:
        connection.execute("PRAGMA user_version")
    except sqlite3.OperationalError as error:
        connection.close()
        log = file.with_name(f"{file.name}-wal")
        if error.sqlite_errorcode != sqlite3.SQLITE_CANTOPEN or log.exists():
            raise
        connection = _opened(file, "immutable=1")
    return connection


def _opened(file: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{file.absolute().as_uri()}?{how}",
        uri=True, isolation_level=None, timeout=10, check_same_thread=False,
    )  # fmt: skip


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[bool]:
    """Waits for whoever opens the database too: the change to WAL knows no busy time-out. False
    where the disk is mounted read-only, so that nobody changes anything."""
    try:
        descriptor = os.open(folder / "opening", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(descriptor)
