"""The SQLite file: opening it, the lock for one writer, transactions.

Transactions begin IMMEDIATE: a deferred one that reads and then writes fails at once despite the
busy time-out. `synchronous` is FULL, since allocations and intents must survive a power loss.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.errors import StoreError, UnavailableError
from orchestr8.store.schema import SCRIPT, VERSION

FILE_NAME = "orchestr8.db"


class Database:
    """One connection to the state folder's database; used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Opens or makes the database; raises StoreError with a remedy."""
        self.folder = folder
        with _told(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                folder / FILE_NAME, isolation_level=None, timeout=10, check_same_thread=False
            )
            (folder / FILE_NAME).chmod(0o600)
            with _one_at_a_time(folder):
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
                self._lay_out()

    def _lay_out(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(
                f"the state folder {self.folder} was written by a newer orchestr8",
                "use that release, or another state folder",
            )
        if version == 0:
            with self.transaction() as connection:
                if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in SCRIPT.split(";\n"):
                        if statement.strip():
                            connection.execute(statement)
                    connection.executemany(
                        "INSERT INTO meta VALUES (?, ?)",
                        [("installation", secrets.token_hex(8)), ("key", secrets.token_hex(32))],
                    )
                    connection.execute(f"PRAGMA user_version={VERSION}")

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with _told(self.folder):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; raises StoreError when the disk refuses."""
        with _told(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled back by itself
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Holds the state folder's lock; raises UnavailableError when another process has it."""
    with _told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(
                f"another orchestr8 is changing this machine (lock of {folder})",
                "wait until it is done, then type the command again",
            ) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Waits for whoever opens the database too: the change to WAL knows no busy time-out."""
    descriptor = os.open(folder / "opening", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """SQLite's and the disk's refusals in our words."""
    try:
        yield
    except PermissionError as error:
        raise StoreError(
            f"no permission to use the state folder {folder}: {error.strerror}",
            "run as root, or set ORCHESTR8_STATE to a folder of yours",
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"the state folder {folder} cannot be used: {error}", _remedy(error)
        ) from (error)
    except OSError as error:
        raise StoreError(
            f"the state folder {folder} cannot be used: {error.strerror}",
            "look at the disk's space and at the folder's rights",
        ) from error


def _remedy(error: sqlite3.DatabaseError) -> str:
    text = str(error)
    if "full" in text:
        return "make room on its disk, then type the command again"
    if "readonly" in text or "unable to open" in text:
        return "look at the folder's rights and at whether its disk is mounted read-only"
    if "malformed" in text or "not a database" in text:
        return "restore the file from a backup, or move it away and start anew"
    return "look at the disk, then type the command again"
