"""A person's wish for fresh boxes: one slot's, or all of a service's."""

from __future__ import annotations

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.applied import Applied
from orchestr8.controller.converge import Convergence
from orchestr8.controller.hold import refuse_if_held
from orchestr8.controller.meant import require_service
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.progress import Progress
from orchestr8.controller.session import Session
from orchestr8.errors import UsageError
from orchestr8.names import STANDBY, ServiceName, slot_name


def restart(
    session: Session, service: ServiceName, slot: int | None, progress: Progress, timeout_ms: int
) -> Applied:
    """Replaces the boxes of a service, or of one slot; a job that has ended runs again.

    Raises UsageError where there is nothing to replace.
    """
    patience = session.patience(timeout_ms)
    with session.changing():
        require_service(session, service)
        set_name, _ = session.stored.revisions[service]
        if set_name in session.stored.down:
            raise UsageError(
                f"the set {set_name} is down, and with it {service}",
                f"`orchestr8 apply --set {set_name}` brings it up again",
            )
        refuse_if_held(session, service)
        boxes = _boxes(session, service, slot)
        cause = f"restart asked by {session.settings.actor}"
        session.store.ledger.forgive(service)
        convergence = Convergence(
            session, set_name, 0, Narrator(progress, session.clock, session.may), patience
        )
        convergence.unwanted = {box.id: cause for box in boxes}
        return convergence.run()


def _boxes(session: Session, service: ServiceName, slot: int | None) -> list[ObservedBox]:
    seen = session.borders.boxes.observe().boxes
    found = [
        box
        for box in seen
        if box.id.service_name == service and slot in (None, box.slot) and box.slot != STANDBY
    ]
    if not found:
        what = str(service) if slot is None else slot_name(slot, service)
        raise UsageError(
            f"{what} has no box that could be replaced", f"`orchestr8 why {service}` says why"
        )
    return found
