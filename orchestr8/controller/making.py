"""What makes true: a request that is decided, what is in force, or the end of a set; each under the
store's lock."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace

from orchestr8.contract.losses import Loss, losses
from orchestr8.controller.applied import Applied
from orchestr8.controller.basis import require_unmoved
from orchestr8.controller.clock import Patience
from orchestr8.controller.converge import Convergence
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.fleet import Stored, heard_again
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.overrides import value_said
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import (
    UP,
    Loaded,
    ending_overrides,
    moved_services,
    require_set,
    sets_of_services,
)
from orchestr8.controller.session import Session
from orchestr8.controller.writing import (
    begin_anew,
    end_overrides,
    note_images,
    same_revision,
    store_revision,
)
from orchestr8.manifest.model import Fleet
from orchestr8.names import ServiceName


def make_true(
    session: Session, loaded: Loaded, first: Cycle, narrator: Narrator, patience: Patience
) -> Applied:
    """Stores a request whose plan is made, and carries that out, and what else it takes.

    Raises RefusedError, with nothing changed, where the plan that it was made after has moved.
    """
    request = loaded.request
    is_done = first.plan.empty and same_revision(session, loaded, first)
    if request.basis is not None and not is_done:
        require_unmoved(request.basis, session, loaded, first)
    session.write_engine_down()
    note_images(session, first.resolved.fresh)
    _tell(session, loaded, narrator)
    end_overrides(session)
    before = {(one.set_name, one.number) for one in session.stored.live}
    revision = store_revision(session, loaded, first)
    session.forget_stored()
    session.write_kept()
    convergence = Convergence(session, request.set_name, revision, narrator, patience)
    applied = convergence.run(None if begin_anew(session, loaded) else first)
    end_overrides(session)
    anew = (request.set_name, revision) not in before
    return replace(applied, anew=anew, losses=first.contracts.losses)


def apply_stored(session: Session, set_name: str, progress: Progress, timeout_ms: int) -> Applied:
    """Makes true again what is in force: one set, which is brought up if it was down, or, without
    a name, all sets that are up. Nothing new is declared, and what was taken back stays so."""
    patience = session.patience(timeout_ms)
    with session.changing():
        if set_name:
            require_set(session, set_name)
            with session.store.together():
                if session.store.documents.sets().get(set_name):
                    session.write_down(UP, f"set {set_name}")
                session.store.documents.bring_up(set_name)
        failed = {service for service, _ in session.store.ledger.records().failures}
        for service, (of_set, _) in session.stored.revisions.items():
            asked = set_name in ("", of_set) and session.may(service.owner)
            if service in failed and asked:
                session.store.ledger.forgive(service)
        session.forget_stored()
        session.write_kept()
        return Convergence(
            session, set_name, 0, Narrator(progress, session.clock, session.may), patience
        ).run()


def down(
    session: Session, set_name: str, progress: Progress, timeout_ms: int, *, forget: bool
) -> Applied:
    """Stops a set's boxes; `forget` also takes the set out of the store, once they are gone: until
    then the same can be asked for again. Data stays."""
    from orchestr8.controller.departure import Departure  # an apply takes no set down

    patience = session.patience(timeout_ms)
    with session.changing():
        require_set(session, set_name)
        of_sets = sets_of_services(session).items()
        own = frozenset(name for name, of_set in of_sets if of_set == set_name)
        lost = losses(session.stored.fleet, _without(session.stored, set_name), set_name)
        with session.store.together():
            session.store.documents.take_down(set_name)
            session.store.adoption.declared(set_name, (), whole=True)
            session.write_down("remove" if forget else "down", f"set {set_name}")
        session.forget_stored()
        end_overrides(session)
        narrator = Narrator(progress, session.clock, session.may)
        depart = partial(Departure, session, set_name, 0, narrator, patience, leaving=own)
        applied = depart().run()
        if forget and applied.succeeded_for(own):
            _forget(session, set_name, own)
            applied = depart().run()
        return replace(applied, losses=lost if forget else tuple(filter(_calls, lost)))


def _without(stored: Stored, set_name: str) -> Fleet:
    others = {name: part for name, part in stored.fleet.sets.items() if name != set_name}
    return heard_again(stored, replace(stored.fleet, sets=others), set_name)


def _calls(loss: Loss) -> bool:
    """Whether a service misses boxes of a set that is down, whose texts and data stay."""
    return loss.field in ("connects", "after", "relax")


def _forget(session: Session, set_name: str, services: Iterable[ServiceName]) -> None:
    with session.store.together():
        for name in services:
            session.store.interventions.remove_hold(name)
        session.store.documents.forget(set_name)
    session.forget_stored()
    end_overrides(session)


def _tell(session: Session, loaded: Loaded, narrator: Narrator) -> None:
    """What changes beside the boxes; values that a manifest ends are gone for good."""
    to = loaded.request.set_name
    for name, of_set in moved_services(session, loaded).items():
        narrator.note(name, f"{name} moves from set {of_set} to set {to}; its boxes stay")
    for one in ending_overrides(session, [loaded]):
        was = f"{value_said(one)} was set by hand"
        narrator.note(one.service, f"{one.path} of {one.service} is the manifest's again ({was})")
