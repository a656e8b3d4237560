"""Who may come from elsewhere: tokens by their hashes, so that whoever reads the store has none."""

from __future__ import annotations

from typing import Any, NamedTuple

from orchestr8.store.database import Database

_COLUMNS = "number, name, owner, made_ms, made_by, until_ms"


class TokenRecord(NamedTuple):
    """A token: its number, which no other one ever has; its name among members, whose it is, who
    made it when, and its end in milliseconds since the epoch."""

    number: int
    name: str
    owner: str
    made_ms: int
    made_by: str
    until_ms: int


class Tokens:
    """The tokens of a machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def every(self) -> tuple[TokenRecord, ...]:
        """All that were made and not revoked, ended ones too, by name."""
        rows: list[Any] = self._database.rows(f"SELECT {_COLUMNS} FROM tokens ORDER BY name")
        return tuple(TokenRecord(*row) for row in rows)

    def named(self, name: str) -> TokenRecord | None:
        """The one of this name."""
        return next((one for one in self.every() if one.name == name), None)

    def of_hash(self, digest: str) -> TokenRecord | None:
        """The one that has this hash."""
        query = f"SELECT {_COLUMNS} FROM tokens WHERE hash=?"
        rows: list[Any] = self._database.rows(query, digest)
        return TokenRecord(*rows[0]) if rows else None

    def add(self, record: TokenRecord, digest: str) -> None:
        """Takes a new one up; its number is given here."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO tokens(name, hash, owner, made_ms, made_by, until_ms) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (record.name, digest, *record[2:]),
            )

    def remove(self, name: str) -> None:
        """From now on nobody comes with it."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM tokens WHERE name=?", (name,))
