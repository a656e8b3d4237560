"""What a person has done by one call, in the journal: the intent before, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestr8.controller.session import Session
from orchestr8.errors import Orchestr8Error

EXECUTE = "execute"
"""A command in a box: the one deed for which nobody holds the lock."""


@dataclass
class Deed:
    """How it ended, as the journal says it."""

    result: str = "failed"


@contextmanager
def journalled(
    session: Session, kind: str, subject: str, cause: str = "asked for"
) -> Iterator[Deed]:
    """A deed that fails unless whoever does it within says otherwise."""
    journal, actor, clock = session.store.journal, session.settings.actor, session.clock
    (number,) = journal.intend(actor, clock.now_ms(), [(kind, subject, cause)])
    deed = Deed()
    try:
        yield deed
    except Orchestr8Error as error:
        deed.result = f"failed: {error.what}"
        raise
    finally:
        journal.conclude(actor, [(number, clock.now_ms(), deed.result)])
