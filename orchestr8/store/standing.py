"""How a state folder stands, seen without changing it: whose it is, whether it is whole, in use."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from contextlib import closing
from itertools import chain, count
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import StoreError
from orchestr8.store.database import FILE_NAME, connected_to_read, written_by_newer
from orchestr8.store.lock import no_permission
from orchestr8.store.schema import VERSION

BESIDE = ("", "-wal", "-shm")
"""The database's file and what SQLite keeps beside it."""


class Standing(Struct, frozen=True):
    """`present` whether there is a store; `installation` is whose, or empty where it cannot be read
    because of `damage`; `newer` whether a newer release wrote it, so that nothing more of it can
    be read; `locked` whether a process changes it at this moment."""

    folder: Path
    present: bool = False
    installation: str = ""
    damage: str = ""
    newer: bool = False
    locked: bool = False


def standing(folder: Path) -> Standing:
    """How a folder stands; raises StoreError where this user may not look or a newer release wrote
    it, since neither is damage."""
    found = standing_of_any(folder)
    if found.newer:
        raise written_by_newer(folder)
    return found


def standing_of_any(folder: Path) -> Standing:
    """The same, and a newer release's store is told as what it is."""
    path = folder / FILE_NAME
    try:
        with path.open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        return Standing(folder)
    except PermissionError as error:
        raise no_permission(folder) from error
    except OSError as error:
        return Standing(folder, True, damage=str(error.strerror))
    locked = _locked(folder)
    try:
        installation, newer = _installation(path)
        return Standing(folder, True, installation, newer=newer, locked=locked)
    except sqlite3.Error as error:
        return Standing(folder, True, damage=str(error), locked=locked)


def move_aside(folder: Path, why: str = "damaged") -> Path:
    """Put a store out of the way; where it lies then. Nothing is deleted."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    ends = chain([""], (f"-{number}" for number in count(2)))
    places = (folder / f"{why}-{stamp}{end}" for end in ends)
    aside = next(place for place in places if not place.exists())
    try:
        aside.mkdir(mode=0o700)
        for end in BESIDE:
            path = folder / f"{FILE_NAME}{end}"
            if path.exists():
                path.rename(aside / path.name)
    except OSError as error:
        raise StoreError(
            f"cannot move the {why} store to {aside}: {error.strerror}",
            "move it away by hand, then type the command again",
        ) from error
    return aside


def _installation(path: Path) -> tuple[str, bool]:
    """Whose it is, and whether a newer release wrote it: `meta` is what all layouts have."""
    with closing(connected_to_read(path)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        row = connection.execute("SELECT value FROM meta WHERE key='installation'").fetchone()
        checked = connection.execute("PRAGMA quick_check(1)").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it does not say whose it is")
    if checked != ("ok",):
        raise sqlite3.DatabaseError(str(checked[0]))
    return str(row[0]), version > VERSION


def _locked(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
