"""The journal: who did what, why, and what came of it; appended to, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from orchestr8.store.chain import COLUMNS, RESULT, Entry, Row, Verdict, append_rows, verify
from orchestr8.store.database import Database

DONE = "done"


class Ended(NamedTuple):
    """What somebody did and what came of it; `number` is the row that says so."""

    number: int
    at_ms: int
    actor: str
    kind: str
    subject: str
    cause: str
    result: str


class Journal:
    """Rows chained by their hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entries: Iterable[Entry]) -> tuple[int, ...]:
        """Writes what is over already, all or none, and returns the rows' numbers."""
        over = [one if one.result else one._replace(result=DONE) for one in entries]
        return self._write(over)

    def _write(self, given: Sequence[Entry]) -> tuple[int, ...]:
        if not given:
            return ()
        with self._database.transaction() as connection:
            return append_rows(connection, given, self._database.installation)

    def intend(
        self, actor: str, at_ms: int, calls: Sequence[tuple[str, str, str]]
    ) -> tuple[int, ...]:
        """One row each for calls that are about to be made: kind, subject, cause."""
        return self._write([Entry(at_ms, actor, *call) for call in calls])

    def conclude(self, actor: str, results: Iterable[tuple[int, int, str]]) -> None:
        """What became of intents: the number of each, the time in milliseconds, the result."""
        entries = []
        for number, at_ms, result in results:
            ((subject,),) = self._database.rows(
                "SELECT subject FROM journal WHERE number=?", number
            )
            entries.append(Entry(at_ms, actor, RESULT, str(subject), "", result, number))
        self.append(entries)

    def rows(self, last: int = 0) -> tuple[Row, ...]:
        """The last so many rows, oldest first; all of them without a number."""
        if not last:
            return tuple(self._each())
        newest = self._database.rows(
            f"SELECT {COLUMNS} FROM journal ORDER BY number DESC LIMIT ?", last
        )
        return tuple(Row(*row) for row in reversed(newest))  # type: ignore[arg-type]

    def entries(self, last: int) -> tuple[Row, ...]:
        """The rows of the last so many entries, oldest first: an intent and its result are one."""
        begun = self._database.rows(
            f"SELECT number FROM journal WHERE kind<>'{RESULT}' "
            "ORDER BY number DESC LIMIT 1 OFFSET ?",
            last - 1,
        )
        first = int(str(begun[0][0])) if begun else 0
        found = self._database.rows(
            f"SELECT {COLUMNS} FROM journal WHERE number>=? "
            f"AND (kind<>'{RESULT}' OR intent>=?) ORDER BY number",
            first,
            first,
        )
        return tuple(Row(*row) for row in found)  # type: ignore[arg-type]

    def newest(self, kind: str, subject: str) -> Row | None:
        """The newest row that says this of somebody or something, or None."""
        found = self._database.rows(
            f"SELECT {COLUMNS} FROM journal WHERE kind=? AND subject=? "
            "ORDER BY number DESC LIMIT 1",
            kind,
            subject,
        )
        return Row(*found[0]) if found else None  # type: ignore[arg-type]

    def ended(self, after: int, most: int) -> tuple[Ended, ...]:
        """What came to its end after the row of this number, oldest first, so many at most."""
        return self._ended(f"r.number>? ORDER BY r.number LIMIT {int(most)}", after)

    def ended_before(self, before: int, most: int) -> tuple[Ended, ...]:
        """What came to its end before the row of this number, newest first, so many at most."""
        return self._ended(f"r.number<? ORDER BY r.number DESC LIMIT {int(most)}", before)

    def _ended(self, which: str, number: int) -> tuple[Ended, ...]:
        """An intent counts once its result is there, under the number of that."""
        found = self._database.rows(
            "SELECT r.number, r.at_ms, r.actor, COALESCE(i.kind, r.kind), r.subject, "
            "COALESCE(i.cause, r.cause), r.result FROM journal r LEFT JOIN journal i "
            f"ON i.number=r.intent WHERE r.result<>'' AND {which}",
            number,
        )
        return tuple(Ended(*row) for row in found)  # type: ignore[arg-type]

    def under_way(self) -> tuple[Row, ...]:
        """Intents of which no result was written: a kill, or an apply that runs now."""
        found = self._database.rows(
            f"SELECT {COLUMNS} FROM journal WHERE intent=0 AND result='' "
            "AND number NOT IN (SELECT intent FROM journal) ORDER BY number"
        )
        return tuple(Row(*row) for row in found)  # type: ignore[arg-type]

    def head(self) -> str:
        """The hash of the last row, to be kept elsewhere; empty while there is none."""
        rows = self._database.rows("SELECT hash FROM journal ORDER BY number DESC LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def verify(self, kept_head: str = "") -> Verdict:
        """Follows the whole chain; see `chain.verify`."""
        written = self._database.rows("SELECT seq FROM sqlite_sequence WHERE name='journal'")
        return verify(
            self._each(),
            self._database.installation,
            written=int(str(written[0][0])) if written else 0,
            kept_head=kept_head,
        )

    def _each(self) -> Iterator[Row]:
        query = f"SELECT {COLUMNS} FROM journal ORDER BY number"
        return (Row(*row) for row in self._database.each(query))  # type: ignore[arg-type]
