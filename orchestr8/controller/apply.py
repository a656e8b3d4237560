"""Apply, plan, down, remove: what changes the fleet, each under the store's lock."""

from __future__ import annotations

import time
from dataclasses import dataclass

from orchestr8.controller.applied import Applied
from orchestr8.controller.converge import Convergence
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.fleet import superseded
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import Loaded, Request, aim_of, load_request, require_set
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms


@dataclass(frozen=True)
class Prospect:
    """What an apply would do."""

    loaded: Loaded
    cycle: Cycle


def plan_request(session: Session, request: Request) -> Prospect:
    """The plan for a request; nothing is stored, fetched or changed."""
    loaded = load_request(session, request)
    return Prospect(loaded, walk(session, aim_of(session, loaded, fetch=False)))


def apply_request(
    session: Session, request: Request, progress: Progress, timeout_ms: int
) -> Applied:
    """Makes a request true; raises what the stages raise, with nothing changed."""
    narrator = Narrator(progress)
    deadline = time.monotonic() + timeout_ms / 1000
    with session.store.writing():
        session.forget_stored()
        loaded = load_request(session, request)
        first = walk(session, aim_of(session, loaded, fetch=True))
        session.write_engine_down()
        session.store.ledger.pin_images(first.resolved.fresh)
        revision = _store(session, loaded)
        session.forget_stored()
        convergence = Convergence(session, request.set_name, revision, narrator, deadline)
        return convergence.run(None if _held_back(session, loaded) else first)


def down(
    session: Session, set_name: str, progress: Progress, timeout_ms: int, *, forget: bool
) -> Applied:
    """Stops a set's boxes; `forget` also takes the set out of the store. Data stays."""
    deadline = time.monotonic() + timeout_ms / 1000
    with session.store.writing():
        session.forget_stored()
        require_set(session, set_name)
        session.store.documents.take_down(set_name)
        if forget:
            session.store.documents.forget(set_name)
        session.forget_stored()
        return Convergence(session, set_name, 0, Narrator(progress), deadline).run()


def _store(session: Session, loaded: Loaded) -> int:
    """Writes the new revision, unless the set is in force in exactly this form."""
    documents, request = session.store.documents, loaded.request
    if loaded.part.platform:
        documents.note_platform()
    same = _same_revision(session, loaded)
    if same and not documents.sets().get(request.set_name, True):
        return same
    gone = superseded(session.stored.live, request.set_name, loaded.part)
    by = (session.settings.actor, now_ms())
    return documents.save(request.set_name, request.sources, loaded.contents, gone, by)


def _same_revision(session: Session, loaded: Loaded) -> int:
    """The number of the revision in force that says exactly this, or 0."""
    digest = session.store.documents.digest
    files = {source: digest(content) for source, content in loaded.contents.items()}
    texts = [source.text for source in loaded.request.sources]
    own = [one for one in session.stored.live if one.set_name == loaded.request.set_name]
    for revision in own:
        if [one.text for one in revision.sources] == texts and dict(revision.files) == files:
            return revision.number
    return 0


def _held_back(session: Session, loaded: Loaded) -> bool:
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
