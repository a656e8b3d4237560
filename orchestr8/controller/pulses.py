"""What boxes say about themselves, asked in each one's own rhythm and remembered between looks.

A command that looks once asks and waits. A loop does not: a box that hangs would hold up all
others. Here an answer is taken when it comes, and a look gets what is known at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from msgspec import Struct

from orchestr8.boxes.world import Health, ObservedBox
from orchestr8.controller.clock import Clock, Workers
from orchestr8.controller.settings import SETTLE_MS
from orchestr8.engines.protocol import Probes
from orchestr8.errors import EngineError
from orchestr8.manifest.model import Health as HealthLine
from orchestr8.names import BoxId, ServiceName

MOMENT = 0.2
"""How many seconds a look waits for boxes that were never asked before."""
STARTING = 0.5
"""How many seconds pass at most between two questions to a box that is still starting."""
Lines = Mapping[ServiceName, HealthLine | None]


class _Pulse(Struct):
    """One box: since when it runs, when it is asked next and was asked last (monotonic seconds),
    the question that is under way, and what is known."""

    box: ObservedBox
    line: HealthLine
    began: float
    due: float
    asking: Future[str] | None = None
    asked: float = 0.0
    failures: int = 0
    level: Health = Health.UNKNOWN

    @property
    def is_new(self) -> bool:
        """Whether it has never answered."""
        return self.level is Health.UNKNOWN and not self.failures


class Pulses:
    """The health of running boxes. Used by one thread; answers come from others."""

    def __init__(self, probes: Probes, clock: Clock) -> None:
        self._probes = probes
        self._clock = clock
        self._workers: Workers | None = None
        self._pulses: dict[BoxId, _Pulse] = {}

    def follow(self, boxes: Sequence[ObservedBox], lines: Lines) -> None:
        """From now on these boxes, as far as they run and have a health line, and no others."""
        now = self._clock.monotonic()
        kept: dict[BoxId, _Pulse] = {}
        for box in boxes:
            line = lines.get(box.id.service_name)
            if not box.state.runs or not box.pid or not line:
                continue
            found = self._pulses.get(box.id)
            if found and found.box.pid == box.pid:
                found.line = line
                kept[box.id] = found
            else:
                kept[box.id] = _Pulse(box, line, now - self._age(box), now)
        self._pulses = kept
        self._meet()

    def _age(self, box: ObservedBox) -> float:
        """Since how many seconds a box runs, the first time that it is seen; from then on that
        grows by a clock that nobody sets."""
        return max(self._clock.now_ms() - box.started_ms, 0) / 1000

    def _meet(self) -> None:
        """Asks those that nobody has asked yet, and gives them a moment: most answer at once."""
        until = self._clock.monotonic() + MOMENT
        self.tick()
        while self._workers:
            asked = [one.asking for one in self._pulses.values() if one.asking and one.is_new]
            left = until - self._clock.monotonic()
            if not asked or left <= 0:
                return
            self._workers.wait(asked, left)
            self.tick()

    def tick(self) -> set[ServiceName]:
        """Takes the answers that came, asks whoever is due; the services of boxes that got better
        or worse."""
        now = self._clock.monotonic()
        changed = set()
        for box_id, pulse in self._pulses.items():
            if pulse.asking and pulse.asking.done() and self._take(pulse, now):
                changed.add(box_id.service_name)
            if pulse.asking is None and pulse.due <= now:
                pulse.asked, pulse.asking = now, self._ask(pulse)
        return changed

    def due(self) -> float | None:
        """When `tick` has something to do (monotonic seconds); None while nobody is followed.

        Answers are looked for a few times a second.
        """
        soon = self._clock.monotonic() + MOMENT
        return min((soon if one.asking else one.due for one in self._pulses.values()), default=None)

    def health_of(self, box: ObservedBox, line: HealthLine | None) -> Health:
        """What is known of a running box; one without a health line is judged by its age."""
        if not line or not box.pid:
            settled = self._clock.now_ms() - box.started_ms >= SETTLE_MS
            return Health.HEALTHY if settled else Health.SETTLING
        pulse = self._pulses.get(box.id)
        return pulse.level if pulse and pulse.box.pid == box.pid else Health.UNKNOWN

    def passed(self, box_id: BoxId) -> None:
        """A box was found well at its gate: what it answered earlier counts no more."""
        pulse = self._pulses.get(box_id)
        if pulse:
            pulse.asking, pulse.due = None, self._clock.monotonic()
            pulse.failures, pulse.level = 0, Health.HEALTHY

    def close(self) -> None:
        """Asks nobody any more."""
        if self._workers:
            self._workers.shutdown(wait=False, cancel_futures=True)
            self._workers = None

    def _ask(self, pulse: _Pulse) -> Future[str]:
        if self._workers is None:
            self._workers = self._clock.workers()
        box, line = pulse.box, pulse.line
        check = self._probes.check
        return self._workers.submit(check, box.id, box.pid or 0, line.check, line.timeout_ms)

    def _take(self, pulse: _Pulse, now: float) -> bool:
        """Takes an answer; whether the level is another one now.

        One that could not be asked says nothing of the box. Who may still be starting is not ill.
        """
        assert pulse.asking
        error, before = pulse.asking.exception(), pulse.level
        answer = pulse.asking.result() if error is None else ""
        pulse.asking, pulse.due = None, now + pulse.line.every_ms / 1000
        if error is not None:
            if not isinstance(error, EngineError):
                raise error
            return False
        if not answer:
            pulse.failures, pulse.level = 0, Health.HEALTHY
            return before is not Health.HEALTHY
        pulse.failures += 1
        age_ms = (pulse.asked - pulse.began) * 1000
        starting = before is Health.UNKNOWN and age_ms < pulse.line.within_ms
        if starting:
            pulse.due = min(pulse.due, now + STARTING)
        elif pulse.failures >= pulse.line.failures:
            pulse.level = Health.UNHEALTHY
        return pulse.level is not before
