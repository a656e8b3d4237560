"""Records: what was given out, what failed, with what each service worked last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestr8.boxes.records import Failures, Records, ServiceRecord
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Allocations
from orchestr8.store.adoption import floor_of, waiting_services
from orchestr8.store.box_rows import read_boxes, write_boxes
from orchestr8.store.database import Database


class Ledger:
    """What no snapshot shows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records: tuple[object, Records] = (None, Records(""))
        """The last that were read, and the mark of the database then."""

    @property
    def installation(self) -> str:
        """This installation's id: 16 hexadecimal digits."""
        return self._database.installation

    def meta(self, key: str) -> str:
        """A remembered word, or the empty text."""
        rows = self._database.rows("SELECT value FROM meta WHERE key=?", key)
        return str(rows[0][0]) if rows else ""

    def remember(self, key: str, value: str) -> None:
        """Writes a word to remember; with the empty text nothing is remembered any more."""
        with self._database.transaction() as connection:
            if value:
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
            else:
                connection.execute("DELETE FROM meta WHERE key=?", (key,))

    def records(self) -> Records:
        """Everything that allocation and back-off need to know; read anew once it was written."""
        mark = self._database.mark()
        if mark is None or mark != self._records[0]:
            self._records = mark, self._read()
        return self._records[1]

    def _read(self) -> Records:
        services: dict[ServiceName, ServiceRecord] = {}
        for owner, service, key, serial, uid_base, address in self._database.rows(
            "SELECT owner, service, key, serial_last, uid_base, address FROM services"
        ):
            name = ServiceName.of(str(owner), str(service))
            services[name] = ServiceRecord(
                name, str(key), int(str(serial)), int(str(uid_base)), str(address)
            )
        return Records(
            self.installation,
            services,
            {record.id: record for record in read_boxes(self._database)},
            self.failures(),
            self.meta("address_last"),
            adopted=waiting_services(self._database),
            floor=floor_of(self._database),
        )

    def failures(self) -> dict[tuple[ServiceName, int], Failures]:
        """How often the slots of services failed, and when last."""
        rows = self._database.rows(
            "SELECT owner, service, slot, count, last_ms, cause FROM failures"
        )
        return {
            (ServiceName(str(owner), str(service)), int(str(slot))): Failures(
                int(str(count)), int(str(last_ms)), str(cause)
            )
            for owner, service, slot, count, last_ms, cause in rows
        }

    def allocate(self, allocations: Allocations) -> None:
        """Stores what a plan gives out, before its first call."""
        if allocations == Allocations():
            return
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO services(owner, service, key, serial_last, uid_base, address) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(owner, service) DO UPDATE SET "
                "key=excluded.key, serial_last=excluded.serial_last, uid_base=excluded.uid_base, "
                "address=excluded.address",
                [
                    (s.name.owner, s.name.service, s.key, s.serial_last, s.uid_base, s.address)
                    for s in allocations.services
                ],
            )
            write_boxes(connection, allocations.boxes)
            if allocations.address_last:
                connection.execute(
                    "INSERT OR REPLACE INTO meta VALUES ('address_last', ?)",
                    (allocations.address_last,),
                )

    def forget_boxes(self, ids: Iterable[BoxId]) -> None:
        """Drops the allocations of boxes that are gone."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM boxes WHERE id=?", [(str(one),) for one in ids])

    def note_failure(
        self, service: ServiceName, slot: int, failures: Failures, lines: Sequence[str]
    ) -> None:
        """Writes a slot's restart history; the last lines of its box are kept beside it."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    service.owner, service.service, slot, failures.count, failures.last_ms,
                    failures.cause, "\n".join(lines),
                ),
            )  # fmt: skip

    def last_lines(self, service: ServiceName, slot: int) -> tuple[str, ...]:
        """The last lines of the box that failed last in this slot."""
        rows = self._database.rows(
            "SELECT lines FROM failures WHERE owner=? AND service=? AND slot=?",
            service.owner, service.service, slot,
        )  # fmt: skip
        return tuple(str(rows[0][0]).splitlines()) if rows else ()

    def clear_failures(self, service: ServiceName) -> None:
        """Good behaviour, a new declaration or a person's wish: the count starts again."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM failures WHERE owner=? AND service=?", (service.owner, service.service)
            )

    def forgive(self, service: ServiceName) -> None:
        """The count starts again, and what failed last stays known."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE failures SET count=0 WHERE owner=? AND service=?",
                (service.owner, service.service),
            )

    def note_healthy(self, service: ServiceName, set_name: str, revision: int) -> None:
        """Remembers the last revision with which the service worked."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE services SET healthy_set=?, healthy_revision=? WHERE owner=? AND service=?",
                (set_name, revision, service.owner, service.service),
            )

    def healthy_revision(self, service: ServiceName) -> tuple[str, int] | None:
        """The set and revision with which the service worked last."""
        rows = self._database.rows(
            "SELECT healthy_set, healthy_revision FROM services WHERE owner=? AND service=?",
            service.owner, service.service,
        )  # fmt: skip
        if not rows or not rows[0][1]:
            return None
        return str(rows[0][0]), int(str(rows[0][1]))

    def hold_back(self, service: ServiceName, revision: int) -> None:
        """A service that was rolled back keeps this revision until its set is applied again; 0
        takes the hold away."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE services SET held_revision=? WHERE owner=? AND service=?",
                (revision, service.owner, service.service),
            )

    def held_back(self) -> dict[ServiceName, int]:
        """The services that run an older revision than their set's."""
        rows = self._database.rows(
            "SELECT owner, service, held_revision FROM services WHERE held_revision>0"
        )
        return {ServiceName(str(o), str(s)): int(str(number)) for o, s, number in rows}
