"""How each source stands, for whoever looks."""

from __future__ import annotations

from msgspec import Struct

from orchestr8.controller.session import Session
from orchestr8.store.sources import SourceRecord


class SourceStatus(Struct, frozen=True):
    """A declared source and what came of asking it.

    What a person does to its set holds until the source moves: `pinned_at` is the revision that it
    was taken back to, `by_hand` the one that was applied beside the source, or 0.
    """

    name: str
    owner: str
    git: str
    folder: str
    record: SourceRecord
    pinned_at: int = 0
    by_hand: int = 0


def source_status(session: Session) -> tuple[SourceStatus, ...]:
    """Every source that the platform's part in force declares, of those that are theirs who ask."""
    records = session.store.sources.records()
    return tuple(
        SourceStatus(
            one.name,
            one.owner,
            one.git,
            one.folder,
            records.get(one.name, SourceRecord(one.name)),
            pinned_at(session, one.name),
            by_hand(session, one.name),
        )
        for one in session.stored.fleet.platform.sources
        if session.may(one.owner)
    )


def pinned_at(session: Session, name: str) -> int:
    """The revision that somebody took the source's set back to by hand, or 0."""
    live = session.store.documents.in_force(name)
    deed = live[-1].deed if live else None
    return deed.repeats if deed and deed.verb == "rollback" else 0


def by_hand(session: Session, name: str) -> int:
    """The revision that somebody applied beside the source, or 0."""
    live = session.store.documents.in_force(name)
    return live[-1].number if live and not live[-1].deed.commit else 0
