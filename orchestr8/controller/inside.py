"""Commands in boxes, written down as what somebody did.

The journal has the program and not its arguments, among which people write what is secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestr8.controller.deeds import EXECUTE, Deed, journalled
from orchestr8.controller.meant import find_box
from orchestr8.controller.session import Session
from orchestr8.engines.joined import Joined
from orchestr8.engines.protocol import Exec, ExecResult
from orchestr8.errors import FeatureMissingError
from orchestr8.names import BoxId

TIMEOUT_MS = 600_000
"""What a command may take that nobody is joined to."""


def execute_in(session: Session, text: str, command: Sequence[str], joined: Joined) -> int:
    """Runs a command in a box, joined to somebody; its exit status."""
    with _executing(session, text, command) as (boxes, box_id, deed):
        status = boxes.execute_attached(box_id, command, joined)
        deed.result = _ended(status)
    return status


def run_in(session: Session, text: str, command: Sequence[str]) -> ExecResult:
    """Runs a command in a box to its end, without input; what it wrote is bounded."""
    with _executing(session, text, command) as (boxes, box_id, deed):
        result = boxes.execute(box_id, command, TIMEOUT_MS)
        deed.result = _ended(result.exit_status)
    return result


@contextmanager
def _executing(
    session: Session, text: str, command: Sequence[str]
) -> Iterator[tuple[Exec, BoxId, Deed]]:
    box = find_box(session, text, running=True)
    boxes = session.borders.boxes
    if not isinstance(boxes, Exec):
        raise FeatureMissingError(f"the engine {session.borders.name} runs no commands in boxes")
    with journalled(session, EXECUTE, str(box.id), command[0]) as deed:
        yield boxes, box.id, deed


def _ended(status: int) -> str:
    return f"exit status {status}"
