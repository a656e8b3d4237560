"""A person's hand: services that are left alone for a while, and values set beside the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orchestr8.boxes.records import Hold
from orchestr8.names import ServiceName
from orchestr8.store.database import Database


class Override(NamedTuple):
    """A field's value that counts instead of the manifest's, until the manifest's is edited.

    `manifest_value` is what the manifest said when the value was set.
    """

    service: ServiceName
    path: str
    value: str
    manifest_value: str
    actor: str
    at_ms: int


class Interventions:
    """Holds and overrides, one of each for a service and a path."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holds(self) -> dict[ServiceName, Hold]:
        """All holds, also those whose time is over."""
        rows = self._database.rows(
            "SELECT owner, service, until_ms, reason, actor, at_ms FROM holds "
            "ORDER BY owner, service"
        )
        return {
            ServiceName(str(owner), str(service)): Hold(
                int(str(until_ms)), str(reason), str(actor), int(str(at_ms))
            )
            for owner, service, until_ms, reason, actor, at_ms in rows
        }

    def add_hold(self, service: ServiceName, hold: Hold) -> None:
        """Writes a hold; a service has one at most."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?, ?, ?)",
                (
                    service.owner, service.service, hold.until_ms, hold.reason, hold.actor,
                    hold.at_ms,
                ),
            )  # fmt: skip

    def remove_hold(self, service: ServiceName) -> None:
        """Ends a hold; the absent is fine."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM holds WHERE owner=? AND service=?", (service.owner, service.service)
            )

    def overrides(self) -> tuple[Override, ...]:
        """All overrides, by service and path."""
        rows = self._database.rows(
            "SELECT owner, service, path, value, manifest_value, actor, at_ms FROM overrides "
            "ORDER BY owner, service, path"
        )
        return tuple(
            Override(
                ServiceName(str(owner), str(service)), str(path), str(value), str(manifest_value),
                str(actor), int(str(at_ms)),
            )
            for owner, service, path, value, manifest_value, actor, at_ms in rows
        )  # fmt: skip

    def add_overrides(self, overrides: Iterable[Override]) -> None:
        """Writes overrides, all or none; a later one of a path takes the earlier one's place."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO overrides VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(one.service.owner, one.service.service, *one[1:]) for one in overrides],
            )

    def remove_overrides(self, ended: Iterable[tuple[ServiceName, str]]) -> None:
        """Ends overrides by service and path; the absent is fine."""
        with self._database.transaction() as connection:
            connection.executemany(
                "DELETE FROM overrides WHERE owner=? AND service=? AND path=?",
                [(service.owner, service.service, path) for service, path in ended],
            )
