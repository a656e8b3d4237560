"""A store that begins with boxes that are there already, and what it still waits to be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from orchestr8.boxes.records import BoxRecord, Floor, ServiceRecord
from orchestr8.errors import StoreError
from orchestr8.names import ServiceName
from orchestr8.store.box_rows import write_boxes
from orchestr8.store.database import Database

ADOPTED = "adopted"
FLOOR = "floor"
_IDENTITY = "SELECT key, value FROM meta WHERE key IN ('installation', 'key')"


class Identity(NamedTuple):
    """Which installation a store is, and the key of its hashes in hexadecimal digits."""

    installation: str
    key: str


class Taken(Struct, frozen=True):
    """What is written down of boxes that are taken over, all at once."""

    services: tuple[ServiceRecord, ...]
    boxes: tuple[BoxRecord, ...]
    sets: Mapping[ServiceName, str]
    floor: Floor
    address_last: str = ""


class Adoption:
    """Boxes without manifests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def identity(self) -> Identity:
        """What boxes of this installation are known by."""
        found = {str(key): str(value) for key, value in self._database.rows(_IDENTITY)}
        return Identity(found["installation"], found["key"])

    def is_empty(self) -> bool:
        """Whether nothing was ever applied or adopted here."""
        tables = ("sets", "revisions", "services", "boxes", "journal")
        return not any(self._database.rows(f"SELECT 1 FROM {name} LIMIT 1") for name in tables)

    def become(self, identity: Identity) -> None:
        """Take another installation's name and key; raises StoreError if anything is stored.

        Whoever holds this store opens it anew afterwards.
        """
        if not self.is_empty():
            raise StoreError(
                "the store knows boxes of its own and cannot become another installation's",
                "set ORCHESTR8_STATE to another folder",
            )
        with self._database.transaction() as connection:
            connection.executemany(
                "UPDATE meta SET value=? WHERE key=?",
                [(identity.installation, "installation"), (identity.key, "key")],
            )

    def take(self, taken: Taken) -> None:
        """Write down what was recognised; services that have a record keep all but the serial."""
        waiting = {**self.waiting(), **taken.sets}
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO services(owner, service, key, serial_last, uid_base, address) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(owner, service) DO UPDATE SET "
                "key=excluded.key, serial_last=excluded.serial_last",
                [
                    (one.name.owner, one.name.service, one.key, one.serial_last, one.uid_base,
                     one.address)
                    for one in taken.services
                ],
            )  # fmt: skip
            write_boxes(connection, taken.boxes)
            connection.executemany(
                "INSERT OR IGNORE INTO sets(name, down) VALUES (?, 0)",
                [(name,) for name in sorted(set(taken.sets.values()))],
            )
            words = {
                ADOPTED: _as_text(waiting),
                FLOOR: f"{taken.floor.serial} {taken.floor.uid_base}",
            }
            if taken.address_last:
                words["address_last"] = taken.address_last
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [*words.items()])

    def waiting(self) -> dict[ServiceName, str]:
        """The adopted services that nobody has declared again, with the set of each."""
        return waiting_services(self._database)

    def declared(self, set_name: str, names: Iterable[ServiceName], *, whole: bool) -> None:
        """A set was applied with these services, or ended: nothing of it is waited for any more.

        `whole` says that the set has no other services; else only those named are meant.
        """
        waiting, declared = self.waiting(), set(names)
        left = {
            name: of_set
            for name, of_set in waiting.items()
            if name not in declared and not (whole and of_set == set_name)
        }
        if left != waiting:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO meta VALUES (?, ?)", (ADOPTED, _as_text(left))
                )


def waiting_services(database: Database) -> dict[ServiceName, str]:
    """The adopted services that nobody has declared again, with the set of each."""
    rows = database.rows("SELECT value FROM meta WHERE key=?", ADOPTED)
    found = json.loads(str(rows[0][0])) if rows else {}
    return {ServiceName.parse(text): str(set_name) for text, set_name in found.items()}


def floor_of(database: Database) -> Floor:
    """Above what serials and uid ranges are given out."""
    rows = database.rows("SELECT value FROM meta WHERE key=?", FLOOR)
    serial, uid_base = str(rows[0][0]).split() if rows else ("0", "0")
    return Floor(int(serial), int(uid_base))


def _as_text(waiting: Mapping[ServiceName, str]) -> str:
    return json.dumps({str(name): set_name for name, set_name in sorted(waiting.items())})
