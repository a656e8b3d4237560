"""What boxes wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestr8.controller.meant import find_box, slot_of
from orchestr8.controller.session import Session
from orchestr8.engines.protocol import Logs
from orchestr8.errors import FeatureMissingError, UsageError
from orchestr8.names import ServiceName


def logs_of(session: Session, text: str, lines_max: int) -> tuple[str, ...]:
    """The last lines of a box; of one that failed and is gone, those that were kept."""
    boxes = _keeping_logs(session)
    try:
        return boxes.logs(find_box(session, text, running=False).id, lines_max)
    except UsageError:
        slot, rest = slot_of(text)
        service = ServiceName.parse(rest)
        kept = session.store.ledger.last_lines(service, slot or 0)
        if not (kept and session.may(service.owner)):
            raise
        return kept[-lines_max:]


def follow_of(
    session: Session, text: str, lines_max: int, is_left: Callable[[], bool]
) -> Iterator[str]:
    """The last lines of a box, then each as it is written, until the box ends or is left."""
    boxes = _keeping_logs(session)
    return boxes.follow(find_box(session, text, running=False).id, lines_max, is_left)


def _keeping_logs(session: Session) -> Logs:
    boxes = session.borders.boxes
    if not isinstance(boxes, Logs):
        raise FeatureMissingError(f"the engine {session.borders.name} keeps no logs")
    return boxes
