"""How a set's new form comes into the store: as a revision, unless it is in force already."""

from __future__ import annotations

from collections.abc import Sequence

from orchestr8.contract.model import ImageFacts
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.fleet import moving, names_in, superseded
from orchestr8.controller.request import Loaded
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.manifest.load import load_stored
from orchestr8.store.documents import DEFAULT_SET, Deed, Named, Revision


def store_revision(session: Session, loaded: Loaded, first: Cycle) -> int:
    """Writes the new revision, unless the set is in force in exactly this form; its number."""
    set_name, store = loaded.request.set_name, session.store
    same = same_revision(session, loaded, first)
    with store.together():
        if loaded.part.platform:
            store.documents.note_platform()
        stands = same and not store.documents.sets().get(set_name, True)
        number = same if stands else _save(session, loaded, first)
        store.documents.move(_moves(session, loaded), set_name)
        named = [service.name for service in loaded.part.services]
        strict = {name: first.contracts.services[name].profile.strict for name in named}
        kept = session.strict
        store.pins.note_strict({n: version for n, version in strict.items() if n not in kept})
        store.adoption.declared(set_name, named, whole=set_name != DEFAULT_SET)
    return number


def _save(session: Session, loaded: Loaded, first: Cycle) -> int:
    request = loaded.request
    gone = superseded(session.stored.live, request.set_name, loaded.part)
    deed = Deed(session.settings.actor, now_ms(), repeats=request.repeats)
    if request.repeats:
        older = session.store.documents.revision(request.set_name, request.repeats)
        note = f"to revision {request.repeats}"
        deed = deed._replace(verb="rollback", note=note, commit=older.deed.commit)
    if request.origin:
        source, commit, note = request.origin
        deed = deed._replace(actor=f"source {source}", verb="sync", note=note, commit=commit)
    number = session.store.documents.save(
        request.set_name, request.sources, loaded.contents, gone, deed
    )
    session.store.pins.pin(request.set_name, number, _pins(loaded, first))
    return number


def _pins(loaded: Loaded, first: Cycle) -> dict[str, ImageFacts]:
    """What the image references of the set mean in its new form."""
    facts, services = first.resolved.facts, loaded.part.services
    return {one.image: facts[one.name] for one in services if one.name in facts}


def _moves(session: Session, loaded: Loaded) -> frozenset[Named]:
    """What comes into the set from another; a text that is taken up again moves nothing."""
    if loaded.request.repeats:
        return frozenset()
    return moving(session.stored, loaded.request.set_name, loaded.part)


def note_images(session: Session, fresh: Sequence[ImageFacts]) -> None:
    """What was found out now holds for what comes later; revisions of before there were pins keep
    what their references meant until now."""
    pins = session.store.pins
    if not fresh:
        return
    for revision in session.stored.live:
        rests_on = (revision.set_name, revision.number)
        if not pins.of_revision(*rests_on):
            names = [name for name, one in session.stored.revisions.items() if one == rests_on]
            known = [session.pinned[name] for name in names if name in session.pinned]
            pins.pin(*rests_on, {facts.reference: facts for facts in known})
    pins.note_images(fresh)


def same_revision(session: Session, loaded: Loaded, first: Cycle) -> int:
    """The number of the revision in force that says and means exactly this, or 0."""
    store, pins = session.store, _pins(loaded, first)
    files = {source: store.documents.digest(data) for source, data in loaded.contents.items()}
    texts = [source.text for source in loaded.request.sources]
    for revision in session.stored.live:
        if (
            revision.set_name == loaded.request.set_name
            and [one.text for one in revision.sources] == texts
            and dict(revision.files) == files
        ):
            meant = store.pins.of_revision(revision.set_name, revision.number)
            same = all((meant.get(name) or store.pins.image(name)) == pins[name] for name in pins)
            if same and not _replaced_in_part(session, loaded, revision):
                return revision.number
    return 0


def _replaced_in_part(session: Session, loaded: Loaded, revision: Revision) -> bool:
    """Whether a later revision of the default set says something else of what this one names."""
    if revision.set_name != DEFAULT_SET:
        return False
    named = names_in(loaded.part)
    later = [
        one
        for one in session.stored.live
        if one.set_name == DEFAULT_SET and one.number > revision.number
    ]
    return any(named & names_in(load_stored(one.sources)) for one in later)


def end_overrides(session: Session) -> None:
    """Values set by hand that no longer count never count again, whatever a manifest says later.

    Known once a change is over, since a service that is taken back has its values again; what a
    kill left undone the next change does first.
    """
    hands = session.store.interventions
    given = hands.overrides()
    if not given:
        return
    session.forget_stored()
    ended = [one for one in given if one not in session.stored.overrides]
    if ended:
        hands.remove_overrides((one.service, one.path) for one in ended)


def begin_anew(session: Session, loaded: Loaded) -> bool:
    """Applying a set is a fresh try: rollbacks and failures of its services are forgotten."""
    ledger = session.store.ledger
    held = ledger.held_back()
    failed = {service for service, _ in ledger.records().failures}
    for service in loaded.part.services:
        if service.name in held:
            ledger.hold_back(service.name, 0)
        if service.name in failed:
            ledger.clear_failures(service.name)
    touched = [one.name for one in loaded.part.services if one.name in held or one.name in failed]
    if touched:
        session.forget_stored()
    return bool(touched)
