"""Turns actions and outcomes into the phases of boxes, for whoever watches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.applied import Failure
from orchestr8.controller.borders import subject
from orchestr8.controller.clock import CLOCK, Clock
from orchestr8.controller.execute import Outcome, Result
from orchestr8.controller.progress import Phase, Progress
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning import plan
from orchestr8.planning.plan import Action
from orchestr8.proof.model import Proof, Verdict


class Narrator:
    """Knows which phase an action is, for which slots, and which owners' may be told.

    `began` is when the command did (monotonic seconds), if not now.
    """

    def __init__(
        self,
        progress: Progress,
        clock: Clock = CLOCK,
        may: Callable[[str], bool] = bool,
        began: float | None = None,
    ) -> None:
        self._clock = clock
        self._progress = progress
        self._may = may
        self._slots: dict[BoxId, int] = {}
        self._lock = threading.Lock()
        self._began = clock.monotonic() if began is None else began
        self.last_start_ms = 0.0
        """From the begin to the last box that started."""

    @property
    def elapsed_ms(self) -> float:
        """From the begin of the command until now."""
        return (self._clock.monotonic() - self._began) * 1000

    def know(self, boxes: Iterable[ObservedBox]) -> None:
        """Learns the slots of boxes that are there already."""
        self._slots.update((box.id, box.slot) for box in boxes)

    def watch(self, action: Action, outcome: Outcome | None) -> None:
        """Hears of an action's begin and end."""
        if isinstance(action.call, plan.CreateBox):
            self._slots[action.call.box.id] = action.call.box.slot
        elif isinstance(action.call, plan.StartBox) and action.call.slot is not None:
            self._slots[action.call.id] = action.call.slot
        box_id = subject(action.call)[0]
        phase = _phase(action.call)
        if not phase or (outcome and outcome.result in (Result.SKIPPED, Result.OPEN)):
            return
        done = outcome is not None and outcome.result is Result.DONE
        if done and isinstance(action.call, plan.StartBox):
            self.last_start_ms = self.elapsed_ms
        self._tell(
            Phase(
                box=box_id,
                slot=self._slots.get(box_id, 0) if box_id else 0,
                phase=phase,
                milliseconds=outcome.milliseconds if outcome else None,
                failed=bool(outcome and not done),
                service=action.service,
                parts=outcome.phases if outcome else {},
            )
        )
        if done and box_id and isinstance(action.call, plan.RemoveBox):
            self._slots.pop(box_id, None)  # a loop hears of boxes for months

    def failed(self, box_id: BoxId | None, slot: int, failure: Failure) -> None:
        """A box did not come up."""
        detail = f"{failure.why} (attempt {failure.attempts})"
        self._tell(Phase(box_id, slot, "failed", 0.0, True, detail, failure.service))

    def proved(self, proof: Proof) -> None:
        """A box was proved."""
        held, total = proof.count(Verdict.HELD), len(proof.findings)
        broken = proof.verdict is Verdict.BROKEN
        self._tell(
            Phase(
                proof.id, proof.slot, "proved", 0.0, broken, f"{held} of {total}",
                proof.id.service_name,
            )
        )  # fmt: skip

    def note(self, service: ServiceName, text: str) -> None:
        """A sentence about a service."""
        if self._may(service.owner):
            with self._lock:
                self._progress.note(text)

    def _tell(self, phase: Phase) -> None:
        service = phase.box.service_name if phase.box else phase.service
        if service is None or self._may(service.owner):
            with self._lock:
                self._progress.phase(phase)


def _phase(call: plan.Call) -> str:
    match call:
        case plan.FetchImage():
            return "image"
        case plan.ChangeNetwork() | plan.PrepareNetwork():
            return "net"
        case plan.CreateBox():
            return "create"
        case plan.StartBox():
            return "start"
        case plan.AwaitBox(done=True):
            return "done"
        case plan.AwaitBox(health=None):
            return "settled"
        case plan.AwaitBox():
            return "healthy"
        case plan.UpdateLimits():
            return "limits"
        case plan.StopBox():
            return "stop"
        case plan.RemoveBox():
            return "remove"
        case _:
            return ""
