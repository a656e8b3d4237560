"""A person's word that a service is left alone for a while, given and taken back."""

from __future__ import annotations

from orchestr8.boxes.records import Hold
from orchestr8.controller.meant import require_service
from orchestr8.controller.session import Session
from orchestr8.errors import Place, Problem, RefusedError, UsageError
from orchestr8.names import ServiceName
from orchestr8.planning.holds import said
from orchestr8.store.chain import Entry

LONGEST_MS = 90 * 86_400_000


def hold(session: Session, service: ServiceName, until_ms: int, reason: str) -> Hold:
    """Leaves a service alone until a time (milliseconds since the epoch); raises UsageError for
    one that has passed or is more than 90 days away. A later hold takes the place of an earlier."""
    at_ms = session.clock.now_ms()
    if until_ms <= at_ms:
        raise UsageError("--until: that time has passed", "write --until 2h, or a date to come")
    if until_ms - at_ms > LONGEST_MS:
        raise UsageError("--until: a hold lasts 90 days at most", "hold it again when it ends")
    given = Hold(until_ms, reason, session.settings.actor, at_ms)
    with session.changing(), session.store.together():
        require_service(session, service)
        session.store.interventions.add_hold(service, given)
        session.store.journal.append(
            [Entry(at_ms, given.actor, "hold", str(service), said(given))]
        )  # fmt: skip
    return given


def end_hold(session: Session, service: ServiceName) -> Hold:
    """Ends a hold; raises UsageError where there is none."""
    with session.changing(), session.store.together():
        found = session.store.interventions.holds().get(service)
        if found is None or not session.may(service.owner):
            require_service(session, service)
        if found is None:
            raise UsageError(f"{service} is not held", f"`orchestr8 why {service}` says what it is")
        session.store.interventions.remove_hold(service)
        actor = session.settings.actor
        session.store.journal.append(
            [Entry(session.clock.now_ms(), actor, "hold ended", str(service), "")]
        )
    return found


def refuse_if_held(session: Session, service: ServiceName) -> None:
    """Raises RefusedError where a service is held: what is left alone is not changed by hand."""
    found = session.holds.get(service)
    if found is not None and session.clock.now_ms() < found.until_ms:
        remedy = f"`orchestr8 hold {service} --end` ends the hold"
        raise RefusedError((Problem(Place(str(service)), said(found), remedy),))
