"""What a person has done by one call, in the journal: the intent before, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from orchestr8.controller.session import Session
from orchestr8.errors import Orchestr8Error

EXECUTE = "execute"
"""A command in a box: the one deed for which nobody holds the lock."""
AT_A_DEED = "at a deed"
"""Remembered while any other one is done, so that a later process knows of one that was killed."""


class Deed(Struct):
    """How it ended, as the journal says it."""

    result: str = "failed"


@contextmanager
def journalled(
    session: Session, kind: str, subject: str, cause: str = "asked for"
) -> Iterator[Deed]:
    """A deed that fails unless whoever does it within says otherwise."""
    store, actor, clock = session.store, session.settings.actor, session.clock
    with store.together():
        (number,) = store.journal.intend(actor, clock.now_ms(), [(kind, subject, cause)])
        if kind != EXECUTE:
            store.ledger.remember(AT_A_DEED, "yes")
    deed = Deed()
    try:
        yield deed
    except Orchestr8Error as error:
        deed.result = f"failed: {error.what}"
        raise
    finally:
        with store.together():
            store.journal.conclude(actor, [(number, clock.now_ms(), deed.result)])
            if kind != EXECUTE:
                store.ledger.remember(AT_A_DEED, "")
