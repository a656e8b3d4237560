"""Another process on a state folder, as `python -m tests.store.writer WORD FOLDER` runs it."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from orchestr8.manifest.model import Source
from orchestr8.store.documents import Deed
from orchestr8.store.lock import writer_lock
from orchestr8.store.store import Store

TEXT_LENGTH = 20_000
FILES = 5


def save_for_ever(folder: Path) -> None:
    """Saves revisions of which every part carries the revision's number."""
    store = Store(folder)
    latest = [revision.number for revision in store.documents.in_force("shop")]
    for number in count(max(latest, default=0) + 1):
        sources = [Source(f"{n}.yaml", str(number) * TEXT_LENGTH) for n in range(FILES)]
        files = {f"file{n}": f"{n} of {number}".encode() * 2_000 for n in range(FILES)}
        store.documents.save("shop", sources, files, (number - 1,), Deed("ann", number))
        print(number, flush=True)


def hold_the_lock(folder: Path) -> None:
    """Takes the lock, says so, and keeps it until standard input ends."""
    with writer_lock(folder):
        print("held", flush=True)
        sys.stdin.read()


def open_once(folder: Path) -> None:
    """Opens the store and tells its installation."""
    store = Store(folder)
    print(store.ledger.installation, flush=True)
    store.close()


if __name__ == "__main__":
    words = {"save": save_for_ever, "lock": hold_the_lock, "open": open_once}
    words[sys.argv[1]](Path(sys.argv[2]))
