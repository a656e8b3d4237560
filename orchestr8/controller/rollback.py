"""Back to an earlier revision: a whole set as one unit, as new revisions that repeat old ones.

Texts, files and what image references meant come back; data stays as it is. A named set is one
revision. The default set holds many at once and never loses: what later revisions changed goes
back to the form that it had then, and what they brought for the first time stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from orchestr8.controller.applied import Applied
from orchestr8.controller.converge import Convergence
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.fleet import names_in
from orchestr8.controller.history import sets_ever, theirs
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import Loaded, Request, aim_of_all, load_request, require_set
from orchestr8.controller.seen import seen_cycle
from orchestr8.controller.session import Session
from orchestr8.controller.writing import begin_anew, end_overrides, note_images, store_revision
from orchestr8.errors import Place, Problem, RefusedError, UsageError
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import ManifestSet
from orchestr8.names import ServiceName
from orchestr8.store.documents import CONVERGED, DEFAULT_SET, Documents, Revision


class Return(Struct, frozen=True):
    """A way back: the revision that is meant, and everything that is taken up again.

    `kept` are the services of the default set that came later, and stay as they are; `newest` is
    the number of the set's newest revision until then.
    """

    revision: Revision
    newest: int
    asked: tuple[Loaded, ...]
    kept: tuple[ServiceName, ...] = ()

    @property
    def set_name(self) -> str:
        """The set that goes back."""
        return self.revision.set_name


class Outlook(Struct, frozen=True):
    """A way back, and what it would do."""

    way: Return
    cycle: Cycle


def plan_rollback(session: Session, set_name: str, number: int) -> Outlook:
    """What a rollback would do; `number` 0 is the last revision before that worked."""
    way = find_way(session, set_name, number)
    cycle = walk(session, aim_of_all(session, way.asked, fetch=False))
    return Outlook(way, seen_cycle(session.authority, cycle))


def roll_back(
    session: Session, set_name: str, number: int, progress: Progress, timeout_ms: int
) -> tuple[Return, Applied]:
    """Takes a set back; raises what an apply raises, with nothing changed.

    All that is taken up again is written as one, so that no kill leaves half of it in force.
    """
    narrator = Narrator(progress, session.clock, session.may)
    patience = session.patience(timeout_ms)
    with session.changing():
        way = find_way(session, set_name, number)
        first = walk(session, aim_of_all(session, way.asked, fetch=True))
        session.write_engine_down()
        note_images(session, first.resolved.fresh)
        numbers = []
        with session.store.together():
            for loaded in way.asked:
                numbers.append(store_revision(session, loaded, first))
                session.forget_stored()
        session.write_kept()
        anew = [begin_anew(session, loaded) for loaded in way.asked]
        convergence = Convergence(session, set_name, numbers[-1], narrator, patience)
        applied = convergence.run(None if any(anew) else first)
        end_overrides(session)
        documents = session.store.documents
        for one in numbers[:-1]:
            documents.set_status(set_name, one, documents.revision(set_name, numbers[-1]).status)
        return way, applied


def find_way(session: Session, set_name: str, number: int) -> Return:
    """What a rollback takes up again.

    Raises UsageError where there is no such revision, RefusedError where a service would be taken
    from another set or lost to none, ManifestError where an old text is no good any more.
    """
    documents = session.store.documents
    history = theirs(session, set_name)
    if not history:
        known = ", ".join(sets_ever(session)) or "none"
        raise UsageError(f'no set "{set_name}" was ever applied', f"the sets are: {known}")
    numbered = {revision.number: revision for revision in history}
    goal = number or _usual_goal(session, history)
    if goal not in numbered:
        raise UsageError(
            f"the set {set_name} has no revision {goal}; it has 1 to {max(numbered)}",
            f"orchestr8 history --set {set_name}",
        )
    before = session.stored.fleet.sets.get(set_name, ManifestSet())
    if set_name == DEFAULT_SET:
        require_set(session, set_name)
    taken, kept = [numbered[goal]], set[ServiceName]()
    if set_name == DEFAULT_SET:
        in_force_then = _in_force_at(documents, goal)
        taken = _what_changed_since(session, goal, in_force_then)
        kept = {service.name for service in before.services}
        kept -= {name for one in in_force_then for name in _services(one)}
    asked = tuple(load_request(session, _request(session, one)) for one in taken)
    _refuse_moved(session, set_name, asked, before)
    return Return(numbered[goal], max(numbered), asked, tuple(sorted(kept)))


def _usual_goal(session: Session, history: Sequence[Revision]) -> int:
    """The last revision before the one in force that worked.

    A revision that repeats an older one stands for that one, so that going back twice goes two
    steps back.
    """
    set_name = history[-1].set_name
    live = [revision for revision in history if revision.live]
    if not live:
        raise UsageError(
            f"nothing of the set {set_name} is in force: it was removed",
            f"name the revision that shall come back: orchestr8 history --set {set_name}",
        )
    newest = live[-1]
    start = newest.deed.repeats or newest.number
    first = _generation(session.store.documents, set_name, newest.number)
    for revision in reversed(history):
        if first <= revision.number < start and _worked(revision):
            return revision.number
    which = "" if set_name == DEFAULT_SET else " that worked"
    since = ", since it was removed once" if first > 1 else ""
    raise UsageError(
        f"the set {set_name} has no earlier revision{which}{since}",
        f"orchestr8 history --set {set_name} lists what there is",
    )


def _worked(revision: Revision) -> bool:
    """A set is as good as its last apply; of the default set each apply is of some services."""
    return revision.status == CONVERGED or revision.set_name == DEFAULT_SET


def _generation(documents: Documents, set_name: str, number: int) -> int:
    """The first revision since the set was last forgotten, as of the one with this number."""
    before = [one for one in documents.removed_after(set_name) if one < number]
    return max(before, default=0) + 1


def _in_force_at(documents: Documents, number: int) -> list[Revision]:
    """The revisions of the default set that were in force when this one was the newest."""
    first = _generation(documents, DEFAULT_SET, number)
    covered: set[object] = set()
    found = []
    for revision in reversed(documents.history(DEFAULT_SET)):
        if first <= revision.number <= number:
            names = names_in(load_stored(revision.sources))
            if not names <= covered:
                found.append(revision)
            covered |= names
    return found[::-1]


def _what_changed_since(
    session: Session, number: int, in_force_then: Sequence[Revision]
) -> list[Revision]:
    """Those of the revisions in force then of which a later one has changed something."""
    changed: set[object] = set()
    for revision in session.stored.live:
        if revision.set_name == DEFAULT_SET and revision.number > number:
            changed |= names_in(load_stored(revision.sources))
    taken = []
    for revision in in_force_then:
        names = names_in(load_stored(revision.sources))
        if names & changed or not revision.live:
            taken.append(revision)
            changed |= names
    return taken or list(in_force_then[-1:])


def _request(session: Session, revision: Revision) -> Request:
    """A revision as if it were typed again."""
    documents = session.store.documents

    def read_file(source: str) -> bytes:
        if source not in revision.files:
            raise FileNotFoundError(2, "the revision does not have it")
        return documents.blob(revision.files[source])

    return Request(
        revision.sources,
        read_file,
        revision.set_name,
        pins=session.store.pins.of_revision(revision.set_name, revision.number),
        takes_over=True,  # what that would mean is judged below, in the words of a rollback
        repeats=revision.deed.repeats or revision.number,
    )


def _refuse_moved(
    session: Session, set_name: str, asked: Sequence[Loaded], before: ManifestSet
) -> None:
    """A rollback moves no service from one set to another; whoever wants that applies it there."""
    problems = [
        Problem(
            Place(f"set {set_name}"),
            f"{service.name} is in the set {other} now, and the rollback would take it away",
            f"apply its manifest with --set {set_name} first",
        )
        for loaded in asked
        for service in loaded.part.services
        for other in [session.stored.revisions.get(service.name, (set_name, 0))[0]]
        if other != set_name
    ]
    if set_name != DEFAULT_SET:
        named = {service.name for loaded in asked for service in loaded.part.services}
        gone = [service.name for service in before.services if service.name not in named]
        for name, other in _came_from(session, set_name, gone):
            problems.append(
                Problem(
                    Place(f"set {set_name}"),
                    f"{name} came into the set {set_name} from the set {other}; the rollback would "
                    "release it, and leave it in none",
                    f"apply its manifest with --set {other} first",
                )
            )
    if problems:
        raise RefusedError(tuple(problems))


def _came_from(
    session: Session, set_name: str, names: Sequence[ServiceName]
) -> Iterator[tuple[ServiceName, str]]:
    """Which of these services were another set's when this set first had them."""
    documents = session.store.documents
    for name in names:
        since_ms = _first_had(documents.history(set_name), name)
        for other in documents.sets_ever():
            earlier = [one for one in documents.history(other) if one.deed.at_ms <= since_ms]
            if other != set_name and earlier and name in _services(earlier[-1]):
                yield name, other


def _first_had(history: Sequence[Revision], name: ServiceName) -> int:
    """Since when, in milliseconds, every revision of a set has had a service."""
    since_ms = 0
    for revision in reversed(history):
        if name not in _services(revision):
            break
        since_ms = revision.deed.at_ms
    return since_ms


def _services(revision: Revision) -> set[ServiceName]:
    return {service.name for service in load_stored(revision.sources).services}
