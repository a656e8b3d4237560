"""How each source stands, for whoever looks."""

from __future__ import annotations

from msgspec import Struct

from orchestr8.controller.session import Session
from orchestr8.store.sources import SourceRecord


class SourceStatus(Struct, frozen=True):
    """A declared source and what came of asking it.

    What a person does to its set holds until the source moves: `pinned_at` is the revision that it
    was taken back to, `by_hand` the one that was applied beside the source, or 0. `in_force` is the
    commit from which the revision in force came, since `in_force_ms`; empty where none brought it.
    """

    name: str
    owner: str
    git: str
    folder: str
    record: SourceRecord
    pinned_at: int = 0
    by_hand: int = 0
    in_force: str = ""
    in_force_ms: int = 0


def source_status(session: Session) -> tuple[SourceStatus, ...]:
    """Every source that the platform's part in force declares, of those that are theirs who ask."""
    records = session.store.sources.records()
    found = []
    for one in session.stored.fleet.platform.sources:
        if session.may(one.owner):
            record = records.get(one.name, SourceRecord(one.name))
            hands = pinned_at(session, one.name), by_hand(session, one.name)
            stands = in_force(session, record)
            found.append(
                SourceStatus(one.name, one.owner, one.git, one.folder, record, *hands, *stands)
            )
    return tuple(found)


def in_force(session: Session, record: SourceRecord) -> tuple[str, int]:
    """The commit from which the revision in force of the source's set came, and since when, in
    milliseconds; nothing where no commit brought it."""
    documents = session.store.documents
    live = documents.in_force(record.name)
    if not live:
        return "", 0
    deed = live[-1].deed
    if deed.verb == "sync":  # what others push beside its path counts, and writes no revision
        return record.good, record.good_ms
    return (deed.commit, deed.at_ms) if deed.commit else ("", 0)


def pinned_at(session: Session, name: str) -> int:
    """The revision that somebody took the source's set back to by hand, or 0."""
    live = session.store.documents.in_force(name)
    deed = live[-1].deed if live else None
    return deed.repeats if deed and deed.verb == "rollback" else 0


def by_hand(session: Session, name: str) -> int:
    """The revision that somebody applied beside the source, or 0."""
    live = session.store.documents.in_force(name)
    return live[-1].number if live and not live[-1].deed.commit else 0
