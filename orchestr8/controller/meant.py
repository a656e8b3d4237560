"""Which services and boxes are meant by what a person writes; what is not there, and what is not
theirs, look the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.session import Session
from orchestr8.errors import UsageError
from orchestr8.manifest import hints
from orchestr8.names import STANDBY, ServiceName
from orchestr8.planning.wording import first_of

_SHOWN_MOST = 20
"""How many services a message lists."""


def find_box(session: Session, text: str, *, running: bool) -> ObservedBox:
    """The box that `api.payments`, `0.api.payments` or a box id means; raises UsageError."""
    slot, rest = slot_of(text)
    try:
        service = ServiceName.parse(rest)
    except ValueError as error:
        usual = "write service.owner or slot.service.owner"
        raise UsageError(str(error), _of_some_owner(session, text) or usual) from error
    adopted = session.store.adoption.waiting()
    declared = session.stored.fleet.services()
    known = service in declared or service in adopted or service in leaving(session)
    if not (known and session.may(service.owner)):
        raise _unknown_service(session, service)
    seen = session.borders.boxes.observe().boxes
    found = [
        box
        for box in seen
        if box.id.service_name == service and slot in (None, box.slot) and box.slot != STANDBY
        and (box.state.runs or not running)
    ]  # fmt: skip
    if not found:
        word = "running box" if running else "box"
        raise UsageError(f"{text} has no {word}", f"orchestr8 why {service}")
    return min(found, key=lambda box: (not box.state.runs, box.slot, -box.id.serial))


def leaving(session: Session) -> frozenset[ServiceName]:
    """The services that no manifest declares any more and that may have boxes still."""
    recorded = {box_id.service_name for box_id in session.store.ledger.records().boxes}
    known = {*session.stored.fleet.services(), *session.store.adoption.waiting()}
    return frozenset(recorded - known)


def slot_of(text: str) -> tuple[int | None, str]:
    """The slot that a text begins with, if it does, and the rest: its service."""
    slot, _, rest = text.partition(".")
    return (int(slot), rest) if slot.isdecimal() else (None, text)


def require_services(
    session: Session, texts: Sequence[str], also: Collection[ServiceName] = ()
) -> tuple[ServiceName, ...]:
    """The services that these texts name; raises UsageError for one that no set names, unless it is
    known otherwise."""
    names = []
    for text in texts:
        try:
            name = ServiceName.parse(text)
        except ValueError as error:
            usual = "write service.owner, as in api.payments"
            raise UsageError(str(error), _of_some_owner(session, text) or usual) from error
        if not (name in also and session.may(name.owner)):
            require_service(session, name)
        names.append(name)
    return tuple(names)


def require_service(session: Session, name: ServiceName) -> None:
    """Raises UsageError for a service that is not there, or that is not theirs who ask."""
    if not (name in session.stored.fleet.services() and session.may(name.owner)):
        raise _unknown_service(session, name)


def _unknown_service(session: Session, name: ServiceName) -> UsageError:
    of_set = session.store.adoption.waiting().get(name)
    if of_set and session.may(name.owner):
        return UsageError(
            f"{name} was adopted, and its manifest is not applied again yet: it runs on as it is",
            f"orchestr8 apply PATH --set {of_set}",
        )
    services = [str(one) for one in _theirs(session)]
    like = hints.nearest(str(name), services)
    shown = first_of(services, _SHOWN_MOST) or "none"
    guess = f"did you mean {like}? " if like else ""
    return UsageError(f"there is no service {name}", f"{guess}the services are: {shown}")


def _theirs(session: Session) -> Iterator[ServiceName]:
    return (one for one in session.stored.fleet.services() if session.may(one.owner))


def _of_some_owner(session: Session, text: str) -> str:
    """What is probably meant by a bare name or a box's; empty where no service has it."""
    _, meant = slot_of(text)
    found = [str(one) for one in _theirs(session) if meant in (one.service, str(one))]
    return f"did you mean {' or '.join(found)}?" if found else ""
