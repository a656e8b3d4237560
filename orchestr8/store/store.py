"""The store as the controller holds it: one database, several views of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.store.adoption import Adoption
from orchestr8.store.alarms import Alarms
from orchestr8.store.database import Database
from orchestr8.store.documents import Documents
from orchestr8.store.interventions import Interventions
from orchestr8.store.journal import Journal
from orchestr8.store.ledger import Ledger
from orchestr8.store.lock import writer_lock
from orchestr8.store.pins import Pins
from orchestr8.store.sources import Sources
from orchestr8.store.tokens import Tokens


class Store:
    """Everything that one state folder keeps."""

    database: type[Database] = Database
    """What holds the file."""

    def __init__(self, folder: Path, *, make: bool = True) -> None:
        """Opens the store, or makes it where it is missing; without `make` that is an error.
        Raises StoreError with a remedy."""
        self._database = self.database(folder, make=make)
        self.folder = folder
        self.journal = Journal(self._database)
        self.documents = Documents(self._database, self.journal)
        self.ledger = Ledger(self._database)
        self.pins = Pins(self._database)
        self.interventions = Interventions(self._database)
        self.adoption = Adoption(self._database)
        self.sources = Sources(self._database)
        self.alarms = Alarms(self._database)
        self.tokens = Tokens(self._database)

    @contextmanager
    def writing(self, patience_ms: int = 0, *, server: bool = False) -> Iterator[None]:
        """Holds the lock for one writer, which may be a server; raises UnavailableError when
        another process has it still after `patience_ms`."""
        with writer_lock(self.folder, patience_ms, server=server):
            yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written within is kept as a whole, or not at all."""
        with self._database.transaction():
            yield

    def mark(self) -> object:
        """Equal to an earlier one while nothing was written, here or by anybody. Raises StoreError
        where the file was deleted or exchanged."""
        self._database.require_same_file()
        return self._database.mark()

    def copy_to(self, target: Path) -> None:
        """Writes the store as it is now into one file."""
        self._database.copy_to(target)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()
