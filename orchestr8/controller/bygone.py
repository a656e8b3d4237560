"""What a line that did not change names, and is there no longer: what became of it.

Whose text is refused over another's change cannot know of it. Told is only what their own text in
force names already, and by which deed it went where they may know of its owner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from msgspec.structs import replace

from orchestr8.contract.losses import Offer, offers_of, uses
from orchestr8.controller.session import Session
from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import ManifestSet, Source
from orchestr8.manifest.rules import value_place
from orchestr8.planning.holds import moment
from orchestr8.store.documents import Documents, Revision

_KINDS = ("service", "volume", "secret")
_REVISIONS_READ_MOST = 50
"""How far back a set's texts are searched."""


def with_what_became(
    session: Session,
    asked: tuple[str, Sequence[Source]],
    problems: tuple[Problem, ...],
    seen: Set[str] | None,
) -> tuple[Problem, ...]:
    """The problems of a set and its texts; those over a line in force say what became of what it
    names. `seen` are the owners of whom the reader may know what they have; None means all."""
    set_name, sources = asked
    try:
        part = load_stored(sources)
    except ManifestError:
        return problems
    fleet = session.stored.fleet
    before = fleet.sets.get(set_name, ManifestSet())
    there = offers_of({**fleet.sets, set_name: part})
    held = {(one.name, need) for one in before.services for use in uses(one) for need in use.needs}
    missing: dict[Place, Offer] = {
        value_place(service, use.path): need
        for service in part.services
        for use in uses(service)
        for need in reversed(use.needs)
        if need not in there and (service.name, need) in held
    }
    return tuple(
        _told(session, one, missing[one.place], seen) if one.place in missing else one
        for one in problems
    )


def _told(session: Session, problem: Problem, gone: Offer, seen: Set[str] | None) -> Problem:
    owner = gone[1].rpartition(".")[2]
    if seen is not None and owner not in seen:
        return replace(problem, what=f"{problem.what} any more")
    if gone[0] not in _KINDS:
        return problem
    return replace(
        problem,
        what=f"{problem.what} any more{_end_of(session, gone)}",
        remedy=f"take the line out; or owner {owner} declares {gone[1]} again",
    )


def _end_of(session: Session, gone: Offer) -> str:
    """Which deed took a thing away; empty where no text that is read tells."""
    documents = session.store.documents
    last = max(
        (one for name in documents.sets_ever() for one in _newest_with(documents, name, gone)),
        key=lambda one: one.deed.at_ms,
        default=None,
    )
    if last is None:
        return ""
    of_set = last.set_name
    if last.number in documents.removed_after(of_set):
        removed = session.store.journal.newest("remove", f"set {of_set}")
        by = f" by {removed.actor}, {moment(removed.at_ms)}" if removed else ""
        return f": the set {of_set} was removed{by}"
    after = [one for one in documents.history(of_set) if one.number > last.number]
    if not after:
        return ""
    deed = after[0].deed
    by = f"{deed.verb} by {deed.actor}, {moment(deed.at_ms)}"
    return f": revision {after[0].number} of set {of_set} left it out ({by})"


def _newest_with(documents: Documents, set_name: str, gone: Offer) -> Iterator[Revision]:
    """The newest revision of a set that declares a thing, if one does."""
    word = gone[1].partition(".")[0]
    read = (
        one
        for one in reversed(documents.history(set_name)[-_REVISIONS_READ_MOST:])
        if any(word in source.text for source in one.sources)
    )
    yield from islice((one for one in read if gone in _offers(one)), 1)


def _offers(revision: Revision) -> set[Offer]:
    return offers_of({revision.set_name: load_stored(revision.sources)})
