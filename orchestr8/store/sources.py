"""What is remembered of sources: what came of asking them last, and the commits that counted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec import Struct

from orchestr8.errors import Place, Problem
from orchestr8.store.database import Database

_COLUMNS = "name, looked_ms, seen, state, problems, good, start, good_ms"


class SourceRecord(Struct, frozen=True):
    """One source as it was asked last.

    `seen` is the commit that it had then, `state` what came of it, `problems` why that is not in
    force; `good` is the commit that counted last, since `good_ms`, believed from `start` on.
    """

    name: str
    looked_ms: int = 0
    seen: str = ""
    state: str = ""
    problems: tuple[Problem, ...] = ()
    good: str = ""
    start: str = ""
    good_ms: int = 0


class CommitRecord(NamedTuple):
    """A commit that counted; `signer` is the key that had signed it then, or empty.

    What a folder had is remembered like a commit that nobody made: `id` is the hash of its names
    and contents, `subject` the folder.
    """

    id: str
    author: str
    author_ms: int
    committer: str
    subject: str
    signer: str = ""
    judged_ms: int = 0

    @property
    def is_content(self) -> bool:
        """Whether it is what a folder had."""
        return bool(self.subject) and not self.author


class Sources:
    """What sources have said, and what was believed of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, name: str) -> SourceRecord:
        """What is known of a source; nothing, if it was never asked."""
        return self.records().get(name, SourceRecord(name))

    def records(self) -> dict[str, SourceRecord]:
        """Every source that was ever asked, by name."""
        rows: list[Any] = self._database.rows(f"SELECT {_COLUMNS} FROM sources ORDER BY name")
        return {
            name: SourceRecord(name, looked_ms, seen, state, _read(problems), *good)
            for name, looked_ms, seen, state, problems, *good in rows
        }

    def note(self, record: SourceRecord) -> None:
        """Writes what came of asking a source."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.name, record.looked_ms, record.seen, record.state,
                    _written(record.problems), record.good, record.start, record.good_ms,
                ),
            )  # fmt: skip

    def note_commits(self, source: str, commits: Iterable[CommitRecord]) -> None:
        """Remembers commits that counted; who signed one stays what it was when that was asked."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(source, *commit) for commit in commits],
            )

    def commit(self, source: str, name: str) -> CommitRecord | None:
        """A commit that counted, if it is remembered."""
        rows: list[Any] = self._database.rows(
            "SELECT id, author, author_ms, committer, subject, signer, judged_ms FROM commits "
            "WHERE source=? AND id=?",
            source, name,
        )  # fmt: skip
        return CommitRecord(*rows[0]) if rows else None


def _written(problems: Iterable[Problem]) -> str:
    return json.dumps([[*one.place, one.what, one.remedy, one.source, one.width]
                       for one in problems])  # fmt: skip


def _read(text: str) -> tuple[Problem, ...]:
    return tuple(Problem(Place(*one[:3]), *one[3:]) for one in json.loads(text))
