"""The store as the controller holds it: one database, two views of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.store.database import Database, writer_lock
from orchestr8.store.documents import Documents
from orchestr8.store.ledger import Ledger


class Store:
    """Documents and ledger of one state folder."""

    def __init__(self, folder: Path) -> None:
        """Opens or makes the store; raises StoreError with a remedy."""
        self._database = Database(folder)
        self.folder = folder
        self.documents = Documents(self._database)
        self.ledger = Ledger(self._database)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock for one writer; raises UnavailableError when another process has it."""
        with writer_lock(self.folder):
            yield

    def close(self) -> None:
        """Closes the database."""
        self._database.close()
