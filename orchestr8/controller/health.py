"""What boxes say about themselves: one look for a snapshot, and the judgement at a gate."""

from __future__ import annotations

from threading import Event

from msgspec import Struct

from orchestr8 import units
from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.controller.settings import SETTLE_MS
from orchestr8.engines.protocol import Probes
from orchestr8.manifest.model import Health as HealthLine
from orchestr8.planning import wording
from orchestr8.planning.plan import AwaitBox


class Asker(Struct, frozen=True):
    """Asks running boxes how they are; `now_ms` is when they were observed.

    Once it is `given_up`, nothing is asked a second time.
    """

    probes: Probes
    now_ms: int
    given_up: Event

    def health_of(self, box: ObservedBox, line: HealthLine | None) -> Health:
        """The health of a running box: by its health line, else by how long it has run."""
        if line and box.pid:
            return self._ask(box, line)
        settled = self.now_ms - box.started_ms >= SETTLE_MS
        return Health.HEALTHY if settled else Health.SETTLING

    def _ask(self, box: ObservedBox, line: HealthLine) -> Health:
        """Healthy at the first good answer; unhealthy after as many failures in a row as it says.

        A box that may still be starting is not called unhealthy.
        """
        starting = self.now_ms - box.started_ms < line.within_ms
        for attempt in range(1 if starting else line.failures):
            if attempt and self.given_up.wait(line.every_ms / 1000):
                return Health.UNKNOWN
            if not self.probes.check(box.id, box.pid or 0, line.check, line.timeout_ms):
                return Health.HEALTHY
        return Health.UNKNOWN if starting else Health.UNHEALTHY


class Passed(Struct, frozen=True):
    """The gate is open."""


class Shut(Struct, frozen=True):
    """The gate stays shut, and why."""

    why: str


def judge(
    gate: AwaitBox, box: ObservedBox | None, probe: str | None, now_ms: int, waited_ms: int
) -> Passed | Shut | None:
    """Whether a box may pass: a rule each for ended, done, settled, healthy and late boxes.

    `probe` is None while no answer is there yet. None as an answer means: ask again.
    """
    if box is None:
        return Shut("the box was removed by somebody else")
    if box.state is State.STOPPED:
        if gate.done and box.exit_status == 0:
            return Passed()
        return Shut(how_it_ended(box))
    if gate.done:
        return _late(gate, waited_ms, "it has not ended")
    if gate.health is None:
        settled = box.state is State.RUNNING and now_ms - box.started_ms >= SETTLE_MS
        return Passed() if settled else None
    if probe == "":
        return Passed()
    return _late(gate, waited_ms, f"the last probe said: {probe or 'no answer yet'}")


def _late(gate: AwaitBox, waited_ms: int, why: str) -> Shut | None:
    if waited_ms < gate.within_ms:
        return None
    word = "not done" if gate.done else "not healthy"
    return Shut(f"{word} within {units.format_time(gate.within_ms)}; {why}")


def how_it_ended(box: ObservedBox) -> str:
    """A sentence for the end of a box."""
    lasted = ""
    if not box.out_of_memory and box.started_ms and box.stopped_ms >= box.started_ms:
        lasted = f" after {_lasted(box.stopped_ms - box.started_ms)}"
    return f"the box {wording.how_it_ended(box)}{lasted}"


def _lasted(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds // 1000} s"
