"""From a source's newest commit to what runs: fetched, judged, checked, planned, applied whole.

What a folder has counts as a commit here: it has a name, and is taken whole or not at all.

What is fetched needs no store and may take long; what is made of it is one change like any other,
under the lock. A bad commit changes nothing: what is wrong with it is kept for whoever looks, and
the last good one stays in force. Names of members come from the part in force, never from a commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.applied import Applied
from orchestr8.controller.apply import apply_request
from orchestr8.controller.fleet import declared
from orchestr8.controller.found import Found, Outlook, looked_at
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import Loaded, Origin, Request, load_request, moved_services
from orchestr8.controller.session import Session
from orchestr8.controller.source_status import by_hand, pinned_at
from orchestr8.errors import (
    EngineError,
    ManifestError,
    Place,
    Problem,
    RefusedError,
    UnavailableError,
    UsageError,
)
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import DeclaredSource, ManifestSet, Platform
from orchestr8.manifest.problems import with_sources
from orchestr8.manifest.repository import is_key
from orchestr8.names import PLATFORM, ServiceName
from orchestr8.sources.files import Files
from orchestr8.sources.judge import Question
from orchestr8.sources.objects import DamagedError, MalformedError
from orchestr8.store.sources import CommitRecord, SourceRecord

CONVERGED = "converged"
REFUSED = "refused"
INVALID = "invalid"
UNREACHABLE = "unreachable"
DOWN = "down"
FAILED = "not applied"
_PROBLEMS_KEPT = 50


class Synced(Struct, frozen=True):
    """What came of asking a source: what is remembered of it now, and the apply, if there was one.

    `is_new` says whether it had a commit that was not in force.
    """

    record: SourceRecord
    is_new: bool = False
    applied: Applied | None = None


def declared_sources(session: Session) -> dict[str, DeclaredSource]:
    """The sources of the platform's part in force, by name, of those that are theirs who ask."""
    sources = session.stored.fleet.platform.sources
    return {one.name: one for one in sources if session.may(one.owner)}


def require_sources(session: Session, names: tuple[str, ...] = ()) -> list[DeclaredSource]:
    """The named sources, or all that are theirs who ask; the platform's own first, since they say
    what others may.

    Raises UsageError.
    """
    known = declared_sources(session)
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f'there is no source "{name}"', f"the sources are: {listed}")
    if not known:
        raise UsageError(
            "no source of yours is declared",
            "whoever runs this machine writes it under `sources` in the platform's manifest",
        )
    found = [known[name] for name in names or known]
    return sorted(found, key=lambda one: (bool(one.owner), one.name))


def sync(session: Session, source: DeclaredSource, progress: Progress, timeout_ms: int) -> Synced:
    """Asks a source and makes it so, as somebody who types it wants it. While it is asked nothing
    is changed, and so a server keeps no other change waiting for its answer."""
    try:
        try:
            return _sync(session, source, progress, timeout_ms)
        except DamagedError:
            return _sync(session, source, progress, timeout_ms)
    except DamagedError as error:
        what = f"what was fetched cannot be read: {error}"
        return session.in_turn(unreachable, source, UnavailableError(what, "look at the disk"))
    except EngineError as error:
        return session.in_turn(unreachable, source, error)


def _sync(session: Session, source: DeclaredSource, progress: Progress, timeout_ms: int) -> Synced:
    with ExitStack() as stack:
        seconds = max(-(-timeout_ms // 1000), 1)
        look = looked_at(session.settings, source, outlook(session, source), seconds=seconds)
        found = session.beside(stack.enter_context, look)
        return session.in_turn(_taken_again, found, progress, timeout_ms)


def _taken_again(session: Session, found: Found, progress: Progress, timeout_ms: int) -> Synced:
    """What was applied in part is tried once more, since somebody asks for it."""
    return take(session, found, progress, timeout_ms, again=True)


def unreachable(session: Session, source: DeclaredSource, error: EngineError) -> Synced:
    """Nothing could be fetched: what is in force stays, and that is written down."""
    problem = Problem(Place(f"source {source.name}"), error.what, error.remedy)
    record = session.store.sources.record(source.name)
    noted = replace(
        record, looked_ms=session.clock.now_ms(), state=UNREACHABLE, problems=(problem,)
    )
    session.store.sources.note(noted)
    return Synced(noted)


def take(
    session: Session, found: Found, progress: Progress, timeout_ms: int, *, again: bool = False
) -> Synced:
    """Makes so what was fetched, if it is new and good; whatever comes of it is written down.

    `again` also tries once more what was applied in part. Raises DamagedError where what is read
    is not what was fetched; the next fetch begins anew.
    """
    with session.changing():
        source = declared_sources(session).get(found.source.name)
        if source != found.source:
            raise UnavailableError(
                f"the source {found.source.name} was declared anew meanwhile", "ask it again"
            )
        record = session.store.sources.record(source.name)
        record = replace(record, looked_ms=session.clock.now_ms(), problems=())
        try:
            record = replace(record, seen=found.tip())
            synced = _taken(session, found, record, (progress, timeout_ms), again=again)
        except ManifestError as error:
            synced = Synced(replace(record, state=INVALID, problems=error.problems), is_new=True)
        except RefusedError as error:
            synced = Synced(replace(record, state=REFUSED, problems=error.problems), is_new=True)
        except MalformedError as error:
            problem = Problem(Place(f"source {source.name}"), f"its newest commit: {error}")
            synced = Synced(replace(record, state=REFUSED, problems=(problem,)), is_new=True)
        except EngineError as error:
            problem = Problem(Place(f"source {source.name}"), error.what, error.remedy)
            synced = Synced(replace(record, state=FAILED, problems=(problem,)), is_new=True)
        except DamagedError:
            found.forget()
            raise
        problems = synced.record.problems[:_PROBLEMS_KEPT]
        synced = replace(synced, record=replace(synced.record, problems=problems))
        session.store.sources.note(synced.record)
        return synced


def _taken(
    session: Session,
    found: Found,
    record: SourceRecord,
    how: tuple[Progress, int],
    *,
    again: bool,
) -> Synced:
    source, tip = found.source, record.seen
    if session.store.documents.sets().get(source.name):
        return Synced(replace(record, state=DOWN), is_new=tip != record.good)
    if tip == record.good and record.start == belief(source) and _stands(session, record, again):
        return Synced(replace(record, state=_state(session, source.name)))
    commits = found.commits(tip, question(session, source, record))
    files = found.files(tip)
    request = request_of_files(source, files, commits[-1])
    try:
        loaded = load_request(session, request)
        require_own(session, source, loaded)
        held = _is_held(session, loaded)
        applied = None if held else apply_request(session, request, *how)
    except (ManifestError, RefusedError) as error:
        raise type(error)(with_sources(error.problems, files.texts)) from error
    finally:
        # whose hand signed is known now, whatever becomes of it
        judged = [one._replace(judged_ms=record.looked_ms) for one in commits]
        session.store.sources.note_commits(source.name, judged)
    good = replace(record, good=tip, start=belief(source), good_ms=record.looked_ms)
    good = replace(good, state=_state(session, source.name))
    return Synced(good, is_new=not held, applied=applied)


def outlook(session: Session, source: DeclaredSource) -> Outlook:
    """What the source's newest commit will be judged by, as things are now."""
    record = session.store.sources.record(source.name)
    stands = record.start == belief(source)
    return Outlook(record.good if stands else "", question(session, source, record))


def belief(source: DeclaredSource) -> str:
    """What the commits that counted were judged by; where it changes, they are judged anew."""
    return f"{source.start or '-'} {source.owner or PLATFORM} {source.path}"


def _stands(session: Session, record: SourceRecord, again: bool) -> bool:
    """Whether the commit in force needs no other try: it converged, or a person took it back."""
    stands = _state(session, record.name) == CONVERGED or pinned_at(session, record.name)
    return not again or bool(stands)


def _is_held(session: Session, loaded: Loaded) -> bool:
    """Whether a person's hand came after what the source brought last, and it brings nothing else
    now: what others push beside its path is no reason to undo that."""
    name, documents = loaded.request.set_name, session.store.documents
    if not (pinned_at(session, name) or by_hand(session, name)):
        return False
    brought = [one for one in documents.history(name) if one.deed.verb == "sync"]
    files = {source: documents.digest(content) for source, content in loaded.contents.items()}
    asked = (loaded.request.sources, files)
    return bool(brought) and (brought[-1].sources, brought[-1].files) == asked


def _state(session: Session, name: str) -> str:
    live = session.store.documents.in_force(name)
    return live[-1].status if live else CONVERGED


def question(session: Session, source: DeclaredSource, record: SourceRecord) -> Question | None:
    """Whose signature counts, by the platform's part in force; None where nobody's is needed."""
    if not source.verified:
        return None
    since = record.good if record.start == belief(source) else source.start
    platform = session.stored.fleet.platform
    members = _members(platform, source.owner)
    of = f"the owner {source.owner}" if source.owner else "the platform"
    keys = frozenset(one.rstrip("=") for one in members if is_key(one))
    merge_keys = frozenset(one.rstrip("=") for one in source.merge_keys)
    return Question(since, source.path, of, keys, merge_keys)


def _members(platform: Platform, owner: str) -> tuple[str, ...]:
    if not owner:
        return platform.members
    return next((one.members for one in platform.owners if one.name == owner), ())


def request_of_files(source: DeclaredSource, files: Files, commit: CommitRecord) -> Request:
    """What a commit asks for, as the set of the source."""
    signed = "signed" if commit.signer else "not signed"
    note = f"commit {commit.id[:12]} by {commit.author}, {signed}"
    if commit.is_content:
        note = f"content {commit.id[:12]} of {commit.subject}"
    origin = Origin(source.name, commit.id, note)
    return Request(files.texts, files.read_file, source.name, takes_over=True, origin=origin)


def require_own(session: Session, source: DeclaredSource, loaded: Loaded) -> None:
    """A source brings what is its owner's, and takes nothing away that it did not bring."""
    problems = list(_foreign(source, loaded.part)) if source.owner else []
    others = declared_sources(session).keys() - {source.name}
    for name, of_set in moved_services(session, loaded).items():
        if of_set in others:
            place = next(one.place("") for one in loaded.part.services if one.name == name)
            what = f"{name} comes from the source {of_set} already"
            problems.append(Problem(place, what, "take it out of one of the two"))
    for name in _brought_by_hand(session, source.name, loaded.part):
        what = f"{name} was applied by hand in the set {source.name}, and is not in the source"
        remedy = f"add it to the source, or let go of it: orchestr8 remove --set {source.name}"
        problems.append(Problem(Place(f"source {source.name}"), what, remedy))
    before = session.stored.fleet.sets.get(source.name)
    if before and before.platform and not loaded.part.platform:
        what = "the platform's part is in force in this set, and is not in the source"
        remedy = "add the file with `platform:` to the source"
        problems.append(Problem(Place(f"source {source.name}"), what, remedy))
    own = loaded.part.platform if not source.owner else None
    if own and source.name not in {one.name for one in own.sources}:
        what = f"the source {source.name} is not among the sources that it brings itself"
        remedy = "declare it there under platform.sources, or it would be asked no more"
        problems.append(Problem(Place(f"source {source.name}"), what, remedy))
    if problems:
        raise RefusedError(tuple(problems))


def _foreign(source: DeclaredSource, part: ManifestSet) -> Iterator[Problem]:
    what = f"and the source {source.name} is of {source.owner} alone"
    remedy = f"put it into a source of its own owner, or take it out of {source.path or 'this one'}"
    for service in part.services:
        if service.name.owner != source.owner:
            yield Problem(service.place(""), f"{service.name} is of another owner, {what}", remedy)
    beside = [(one.owner, one.name, one.place) for one in part.volumes]
    beside += [(one.owner, one.name, one.place) for one in part.secrets]
    for owner, name, place in beside:
        if owner != source.owner:
            yield Problem(place, f"{name} is of {owner}, {what}", remedy)
    if part.platform:
        whole = "`platform` stands in it, and what only the platform writes comes from a source"
        yield Problem(Place(f"source {source.name}"), f"{whole} without an owner", "move it there")


def _brought_by_hand(session: Session, name: str, part: ManifestSet) -> list[ServiceName]:
    """Services of the set in force that no commit has brought and that this one does not name."""
    named = declared(part)
    found: set[ServiceName] = set()
    for revision in session.store.documents.in_force(name):
        if not revision.deed.commit:
            found |= {one.name for one in load_stored(revision.sources).services}
    return sorted(one for one in found if ("service", one.owner, one.service) not in named)
