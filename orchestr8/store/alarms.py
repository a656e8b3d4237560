"""What is wrong, whose it is, and whether whoever is on call has heard of it.

A row is a level, not a message: it stands or is over, and was told or not. So what comes and goes
before anybody was told is never told, and a message that a kill cut off is made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from orchestr8.store.database import Database

_COLUMNS = "owner, kind, subject, what, since_ms, standing, told"


class Key(NamedTuple):
    """Which alarm: whose, of which kind, and what it is about."""

    owner: str
    kind: str
    subject: str


class Alarm(NamedTuple):
    """One alarm; `standing` is whether it is so now, `told` whether that it was so is known."""

    key: Key
    what: str
    since_ms: int
    standing: bool
    told: bool


class Alarms:
    """The alarms of a machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def every(self) -> tuple[Alarm, ...]:
        """All alarms that stand, or whose end is not told yet, the oldest first."""
        rows: list[Any] = self._database.rows(
            f"SELECT {_COLUMNS} FROM alarms ORDER BY since_ms, owner, kind, subject"
        )
        return tuple(
            Alarm(Key(owner, kind, subject), what, since_ms, bool(standing), bool(told))
            for owner, kind, subject, what, since_ms, standing, told in rows
        )

    def note(self, stand: Mapping[Key, str], over: Iterable[Key], at_ms: int) -> None:
        """From now on these stand, with what is to be said of them, and those are over."""
        with self._database.transaction() as connection:
            connection.executemany(
                f"INSERT INTO alarms({_COLUMNS}) VALUES (?, ?, ?, ?, ?, 1, 0) ON CONFLICT DO "
                "UPDATE SET what=excluded.what, standing=1",
                [(*key, what, at_ms) for key, what in stand.items()],
            )
            connection.executemany(
                "UPDATE alarms SET standing=0 WHERE owner=? AND kind=? AND subject=?", list(over)
            )

    def note_told(self, alarms: Iterable[Alarm]) -> None:
        """Whoever is on call has heard of these as they are given."""
        with self._database.transaction() as connection:
            for alarm in alarms:
                if alarm.standing:
                    connection.execute(
                        "UPDATE alarms SET told=1 WHERE owner=? AND kind=? AND subject=?",
                        alarm.key,
                    )
                else:
                    self._forget(connection, alarm)

    def drop_untold(self, keys: Iterable[Key]) -> None:
        """Forgets which of these came and went before anybody was told."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM alarms WHERE owner=? AND kind=? AND subject=? AND standing=0 "
                "AND told=0",
                list(keys),
            )

    def _forget(self, connection: Any, alarm: Alarm) -> None:
        """Its end is told; if it stands again by now, that is a new one, and not told yet."""
        where = "WHERE owner=? AND kind=? AND subject=?"
        connection.execute(f"DELETE FROM alarms {where} AND standing=0", alarm.key)
        connection.execute(f"UPDATE alarms SET told=0 {where}", alarm.key)
