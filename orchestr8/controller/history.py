"""What a set was, revision by revision, and what each of them changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.authority import is_their_revision
from orchestr8.controller.session import Session
from orchestr8.errors import ManifestError, UsageError
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import ManifestSet, Service
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Mark
from orchestr8.store.documents import DEFAULT_SET, Revision

Form = tuple[Service, tuple[str, ...], str]
"""A service as a revision has it: its definition, the hashes of its files and sealed secrets, the
image's id."""


class Chapter(Struct, frozen=True):
    """One revision, and the services that it brought (+), changed (~) and released (-).

    `readable` is whether this release still understands its text.
    """

    revision: Revision
    pins: Mapping[str, ImageFacts]
    changes: tuple[tuple[Mark, ServiceName], ...] = ()
    readable: bool = True


def chapters(session: Session, set_name: str) -> tuple[Chapter, ...]:
    """A set's whole history, oldest first; raises UsageError for a set that never was."""
    documents, pins = session.store.documents, session.store.pins
    found = theirs(session, set_name)
    if not found:
        known = ", ".join(sets_ever(session)) or "none"
        raise UsageError(f'no set "{set_name}" was ever applied', f"the sets are: {known}")
    removed_after = documents.removed_after(set_name)
    before: dict[ServiceName, Form] = {}
    told = []
    for revision in found:
        if revision.number - 1 in removed_after:
            before = {}
        meant = pins.of_revision(set_name, revision.number)
        try:
            fresh = _forms(load_stored(revision.sources), revision, meant)
        except ManifestError:
            told.append(Chapter(revision, meant, readable=False))
            continue
        after = {**before, **fresh} if set_name == DEFAULT_SET else fresh
        told.append(Chapter(revision, meant, tuple(_changes(before, after))))
        before = after
    return tuple(told)


def theirs(session: Session, set_name: str) -> tuple[Revision, ...]:
    """The revisions of a set that say nothing of what is another's."""
    found = session.store.documents.history(set_name)
    return tuple(one for one in found if is_their_revision(session.authority, one))


def sets_ever(session: Session) -> tuple[str, ...]:
    """Every set of which some revision is theirs."""
    return tuple(one for one in session.store.documents.sets_ever() if theirs(session, one))


def chapter(session: Session, set_name: str, number: int) -> tuple[Chapter, Chapter | None]:
    """One revision and the one before it; raises UsageError where there is none."""
    found = {one.revision.number: one for one in chapters(session, set_name)}
    if number not in found:
        raise UsageError(
            f"the set {set_name} has no revision {number}; it has {min(found)} to {max(found)}",
            f"orchestr8 history --set {set_name}",
        )
    return found[number], found.get(number - 1)


def _forms(
    part: ManifestSet, revision: Revision, meant: Mapping[str, ImageFacts]
) -> dict[ServiceName, Form]:
    forms = {}
    sealed = {(one.owner, one.name): one.sealed for one in part.secrets}
    for service in part.services:
        sources = [file.source for file in service.files]
        sources += [sealed.get((service.name.owner, secret), "") for secret in service.secrets]
        files = tuple(revision.files.get(source, "") for source in sources)
        facts = meant.get(service.image)
        forms[service.name] = (service, files, facts.id if facts else "")
    return forms


def _changes(
    before: Mapping[ServiceName, Form], after: Mapping[ServiceName, Form]
) -> Iterator[tuple[Mark, ServiceName]]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Mark.PROVISION, name
        elif name not in after:
            yield Mark.RELEASE, name
        elif _differ(before[name], after[name]):
            yield Mark.REBALANCE, name


def _differ(one: Form, other: Form) -> bool:
    """Whether anything is another; an image that was not pinned then is taken for the same."""
    pinned = bool(one[2] and other[2])
    return one[:2] != other[:2] or (pinned and one[2] != other[2])
