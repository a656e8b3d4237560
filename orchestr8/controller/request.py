"""What a person asks to be planned or applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.agreed import require_agreed
from orchestr8.controller.aim import Aim
from orchestr8.controller.authority import is_theirs, require_theirs
from orchestr8.controller.files import contents_of
from orchestr8.controller.fleet import (
    files_of,
    heard_again,
    merge,
    sealed_of,
    stopped,
    with_set,
    without_older,
)
from orchestr8.controller.overrides import counting, overridden, value_said
from orchestr8.controller.session import Session
from orchestr8.errors import ManifestError, Problem, RefusedError, UsageError
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Upkeep
from orchestr8.store.documents import DEFAULT_SET
from orchestr8.store.interventions import Override

if TYPE_CHECKING:
    from orchestr8.controller.basis import Basis

UP = "up"
"""What the journal calls it that a set that was down is in force again."""


class Origin(NamedTuple):
    """Which source a request comes from, of which commit, and a sentence about that commit."""

    source: str
    commit: str
    note: str


class Request(Struct, frozen=True):
    """Texts, where their files are read, and the set that they are.

    `read_file` gives a repository file's content by its path as the manifest names it, relative to
    the manifests' folder; it raises OSError.
    """

    sources: tuple[Source, ...]
    read_file: Callable[[str], bytes]
    set_name: str = DEFAULT_SET
    pull: bool = False
    pins: Mapping[str, ImageFacts] = field(default_factory=dict)
    """What image references shall mean, where that is known beforehand."""
    repeats: int = 0
    """The set's revision that is taken up again, or 0."""
    takes_over: bool = False
    """Whether services of other sets may move to this one; else that is refused."""
    basis: Basis | None = None
    """What a plan that was written down rests on; the request is refused if that has moved."""
    origin: Origin | None = None
    """Where it comes from, if not from a person's hand."""


class Loaded(Struct, frozen=True):
    """A request in its checked form, with the content of every file that it mounts."""

    request: Request
    part: ManifestSet
    contents: dict[str, bytes] = field(default_factory=dict)


def load_request(session: Session, request: Request) -> Loaded:
    """The set and its files; raises ManifestError with everything that is wrong."""
    others = stopped(session.stored.fleet, frozenset())
    named = request.set_name != DEFAULT_SET
    before = session.stored.fleet.sets.get(request.set_name) if named else None
    require_theirs(session.authority, request.sources, before or ManifestSet())
    outside, seen = without_set(others, request.set_name), _seen(session, request)
    try:
        part = load(request.sources, outside, seen)
        if seen is not None:
            require_agreed(part, outside, seen)
    except (ManifestError, RefusedError) as error:
        from orchestr8.controller.bygone import with_what_became  # most texts are right

        asked = request.set_name, request.sources
        raise type(error)(with_what_became(session, asked, error.problems, seen)) from error
    if not request.takes_over:
        _refuse_moves(session, request.set_name, part)
    return Loaded(request, part, contents_of(part, request.read_file))


def _seen(session: Session, request: Request) -> frozenset[str] | None:
    """The owners whose things whoever reads the answer may know of; None for all. What a source
    brings is read by its owner."""
    name = request.origin.source if request.origin else ""
    owners = {one.owner for one in session.stored.fleet.platform.sources if one.name == name}
    if any(owners):
        return frozenset(owners)
    return None if session.authority.platform else session.authority.owners


def moved_services(session: Session, loaded: Loaded) -> dict[ServiceName, str]:
    """The services of a request that another set has now, and which."""
    sets, set_name = sets_of_services(session), loaded.request.set_name
    found = {one.name: sets.get(one.name, set_name) for one in loaded.part.services}
    return {name: of_set for name, of_set in sorted(found.items()) if of_set != set_name}


def sets_of_services(session: Session) -> dict[ServiceName, str]:
    """The set of every service that is declared, or adopted and not declared again yet."""
    declared = {name: of_set for name, (of_set, _) in session.stored.revisions.items()}
    return session.store.adoption.waiting() | declared


def _refuse_moves(session: Session, set_name: str, part: ManifestSet) -> None:
    """Whoever forgets to name the set means to move nothing."""
    problems, sets = [], sets_of_services(session)
    for service in part.services:
        of_set = sets.get(service.name, set_name)
        if of_set != set_name:
            what = f"{service.name} is in the set {of_set}, not in {set_name}"
            remedy = f"write --set {of_set}, or --set {set_name} to move it there"
            problems.append(Problem(service.place(""), what, remedy))
    if problems:
        raise RefusedError(tuple(problems))


def aim_of(session: Session, loaded: Loaded, *, fetch: bool) -> Aim:
    """The fleet with the request's set in its new form."""
    return aim_of_all(session, (loaded,), fetch=fetch)


def aim_of_all(session: Session, asked: Sequence[Loaded], *, fetch: bool) -> Aim:
    """The fleet after several requests of one set, the oldest first; only the default set, which
    gains by each, has more than one at once."""
    stored, set_name = session.stored, asked[0].request.set_name
    digest = session.store.documents.digest
    files, pinned = dict(stored.files), dict(session.pinned)
    for loaded in asked:
        digests = {source: digest(content) for source, content in loaded.contents.items()}
        session.contents.bring({digests[source]: one for source, one in loaded.contents.items()})
        files = without_older(files, loaded.part)
        files |= files_of(loaded.part, digests) | sealed_of(loaded.part, digests)
        pinned |= _pinned(session, loaded, pinned)
    fleet = declared_fleet(session, asked)
    return Aim(
        fleet=stopped(overridden(fleet, going_on(session, asked)), stored.down - {set_name}),
        applying=set_name,
        files=files,
        pinned=pinned,
        fetch=fetch,
        notices=_notices(session, asked, fleet),
    )


def declared_fleet(session: Session, asked: Sequence[Loaded]) -> Fleet:
    """The fleet as manifests say after these requests of one set."""
    part = ManifestSet()
    for loaded in asked:
        part = merge(part, loaded.part)
    stored, set_name = session.stored, asked[0].request.set_name
    return heard_again(stored, with_set(stored.fleet, set_name, part), set_name)


def going_on(session: Session, asked: Sequence[Loaded]) -> tuple[Override, ...]:
    """The values set by hand that go on counting after these requests of one set."""
    stored = session.stored
    if not stored.overrides:
        return ()
    anew = {service.name for loaded in asked for service in loaded.part.services}
    put_off = {name: one for name, one in stored.put_off.items() if name not in anew}
    return counting(declared_fleet(session, asked), stored.overrides, put_off)


def ending_overrides(session: Session, asked: Sequence[Loaded]) -> tuple[Override, ...]:
    """The values set by hand that count no longer after these requests: their line says another
    thing, or their service is gone."""
    counts = going_on(session, asked)
    return tuple(one for one in session.stored.overrides if one not in counts)


def _notices(session: Session, asked: Sequence[Loaded], fleet: Fleet) -> tuple[Upkeep, ...]:
    """What changes beside the boxes."""
    to = asked[0].request.set_name
    moves = (
        Upkeep(str(name), f"moves from set {of_set} to set {to}", effect="no restart")
        for loaded in asked
        for name, of_set in moved_services(session, loaded).items()
    )
    declared = fleet.services()
    endings = (
        Upkeep(
            str(one.service),
            f"{one.path} is the manifest's again ({value_said(one)} was set by hand)",
        )
        for one in ending_overrides(session, asked)
        if one.service in declared
    )
    return (*moves, *endings)


def _pinned(
    session: Session, loaded: Loaded, before: dict[ServiceName, ImageFacts]
) -> dict[ServiceName, ImageFacts]:
    """Takes what the set's images meant out of `before`, and gives what they are known to mean.

    A reference means what it meant to the service before, or to the set, else what it was resolved
    to last; nothing, if it shall be asked anew.
    """
    request, pins = loaded.request, session.store.pins
    of_set: dict[str, ImageFacts] = {}
    for revision in session.stored.live:
        if revision.set_name == request.set_name:
            of_set |= pins.of_revision(revision.set_name, revision.number)
    pinned = {}
    for service in loaded.part.services:
        own = before.pop(service.name, None)
        facts = request.pins.get(service.image)
        if not facts and not request.pull:
            kept = own and own.reference == service.image and service.name not in session.held_back
            facts = own if kept else of_set.get(service.image) or pins.image(service.image)
        if facts:
            pinned[service.name] = facts
    return pinned


def aim_in_force(session: Session) -> Aim:
    """The fleet as the store has it; no set changes, so nothing of it is refused."""
    return Aim(session.stored.standing(), "", session.stored.files, session.pinned)


def require_set(session: Session, set_name: str) -> None:
    """Raises UsageError for a set that the store does not know, or that is not all theirs."""
    sets = session.stored.fleet.sets
    known = [
        name
        for name in session.store.documents.sets()
        if is_theirs(session.authority, sets.get(name, ManifestSet()))
    ]
    if set_name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise UsageError(f'there is no set "{set_name}"', f"the sets are: {listed}")


def without_set(fleet: Fleet, set_name: str) -> Fleet:
    """What a set is judged within; the default set gains only, so its own older part counts."""
    kept = {name: part for name, part in fleet.sets.items() if name != set_name}
    if set_name == DEFAULT_SET and DEFAULT_SET in fleet.sets:
        kept[DEFAULT_SET] = fleet.sets[DEFAULT_SET]
    return replace(fleet, sets=kept)
