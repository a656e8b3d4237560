"""The records of boxes as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from functools import lru_cache

from orchestr8.boxes.records import BoxRecord
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId
from orchestr8.store.database import Database


def read_boxes(database: Database) -> Iterator[BoxRecord]:
    """All of them."""
    for text, slot, address, signal, grace_ms in database.rows(
        "SELECT id, slot, address, stop_signal, stop_grace_ms FROM boxes"
    ):
        stop = None if signal is None else _stop(str(signal), int(str(grace_ms)))
        yield BoxRecord(BoxId.parse(str(text)), int(str(slot)), str(address), stop)


def write_boxes(connection: sqlite3.Connection, boxes: Iterable[BoxRecord]) -> None:
    """Within the caller's transaction; a box that has a record gets this one."""
    connection.executemany(
        "INSERT OR REPLACE INTO boxes VALUES (?, ?, ?, ?, ?)",
        [(str(box.id), box.slot, box.address, *_columns(box.stop)) for box in boxes],
    )


def _columns(stop: Stop | None) -> tuple[str | None, int | None]:
    return (stop.signal, stop.grace_ms) if stop else (None, None)


@lru_cache(maxsize=64)
def _stop(signal: str, grace_ms: int) -> Stop:
    """Most boxes are promised the same."""
    return Stop(signal, grace_ms)
