"""The journal's chain: each row's hash covers the row and the hash of the row before.

Whoever kept a head (the hash of the last row) can tell later that everything up to it is as it
was, and that nothing was cut off. Without a kept head, a journal that was rewritten from some row
to its end in one go is as good as a true one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

COLUMNS = "number, at_ms, actor, kind, subject, cause, result, intent, previous, hash"
RESULT = "result"
"""The kind of a row that says what became of an earlier one."""


class Entry(NamedTuple):
    """What is to be written: who did what to what, why, and what came of it.

    `intent` is the number of the row whose result this is, or 0.
    """

    at_ms: int
    actor: str
    kind: str
    subject: str
    cause: str = ""
    result: str = ""
    intent: int = 0


class Row(NamedTuple):
    """A row of the journal, as it was written."""

    number: int
    at_ms: int
    actor: str
    kind: str
    subject: str
    cause: str
    result: str
    intent: int
    previous: str
    hash: str


class Verdict(Struct, frozen=True):
    """How far the chain holds.

    `head` is the hash of the last row of `rows` that hold; `broken_at` the number of the first row
    that does not belong where it stands, and `why` says what is wrong there. Where the chain is
    without a break and its end is another than it was, `why` stands alone.
    """

    rows: int
    head: str
    broken_at: int = 0
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.why


def first_link(installation: str) -> str:
    """What the first row is chained to, so that a journal belongs to one installation."""
    return hashlib.sha256(f"journal of {installation}".encode()).hexdigest()


def chained(number: int, entry: Entry, previous: str) -> Row:
    """An entry as the row of this number, after the row with the hash `previous`."""
    return Row(number, *entry, previous, _hash(number, entry, previous))


def append_rows(
    connection: sqlite3.Connection, entries: Iterable[Entry], installation: str
) -> tuple[int, ...]:
    """Appends to the chain within the caller's transaction; returns the rows' numbers."""
    last = connection.execute(
        "SELECT number, hash FROM journal ORDER BY number DESC LIMIT 1"
    ).fetchone()
    number, head = last or (0, first_link(installation))
    numbers = []
    for entry in entries:
        row = chained(number + 1, entry, head)
        number, head = row.number, row.hash
        connection.execute(
            f"INSERT INTO journal({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row
        )
        numbers.append(number)
    return tuple(numbers)


def verify(
    rows: Iterable[Row], installation: str, *, written: int = 0, kept_head: str = ""
) -> Verdict:
    """Follows the chain from the first row to the last.

    `written` is the highest number that the journal ever gave out; `kept_head` the hash of a last
    row that somebody kept, or its beginning.
    """
    count, head = 0, first_link(installation)
    seen = not kept_head
    for row in rows:
        why = _wrong(row, count + 1, head)
        if why:
            return Verdict(count, head, count + 1, why)
        count, head = count + 1, row.hash
        seen = seen or head.startswith(kept_head)
    if count < written:
        return Verdict(
            count, head, count + 1, f"its end is cut off: {written} rows were written in all"
        )
    if not seen:
        return Verdict(count, head, why="no row has the head that was kept")
    return Verdict(count, head)


def _wrong(row: Row, number: int, head: str) -> str:
    """Why a row does not belong here, or the empty text."""
    if row.number != number:
        return f"row {number} is missing" if row.number > number else "rows are out of order"
    if row.previous != head:
        return "it is chained to another row than the one before it: one of the two was exchanged"
    try:
        fits = row.hash == _hash(number, Entry(*row[1:8]), row.previous)
    except (TypeError, ValueError):  # bytes, for one, where text was written
        fits = False
    return "" if fits else "it was changed after it was written"


def _hash(number: int, entry: Entry, previous: str) -> str:
    """JSON keeps the types: the number 5 and the text "5" have different hashes."""
    document = {"number": number, **entry._asdict(), "previous": previous}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
