"""Carries a plan out and decides nothing: run, record, skip what waited for a failure.

Calls run in a bounded pool, in the plan's order, a few handed over beforehand: so what is ready
first is done first, and a box is started before the last one is created. Gates do not take a place
in it: one observation a tick serves all of them, so that fifty settling boxes wait together. While
calls take their time, whoever waits may turn to something else: a plan within this one, which keeps
this one going.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from enum import Enum

from msgspec import Struct, field

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.borders import call, phases
from orchestr8.controller.clock import Patience, nothing, working
from orchestr8.controller.forerunners import Forerunners
from orchestr8.controller.health import Passed, judge
from orchestr8.controller.settings import PARALLEL_CALLS, TICK_SECONDS
from orchestr8.descriptors import NONE_LEFT, REMEDY, came_of_none
from orchestr8.engines.protocol import Borders
from orchestr8.errors import EngineError, ShortageError, UnavailableError
from orchestr8.names import BoxId
from orchestr8.planning.plan import Action, AwaitBox, Plan, StopBox

HANDED_OVER = 2
"""Calls that wait for a free hand, so that none is idle while gates are looked at."""
LOOK_SHARE = 0.5
LOOK_SHARE_BESIDE_CALLS = 0.1
LOOK_SHARE_UNNEEDED = 0.02
"""The most of the time that is spent on looking at gates; less while calls are under way, which
need the same processor, and least where nothing of the plan waits for what is seen."""
MEANWHILE_SECONDS = 0.25
"""How long calls may take until something else is turned to."""
LOOK_PAUSE_SECONDS_MOST = 1.0
"""A look that took long once must not leave gates unwatched until their time is over."""
PROBE_FIRST_SECONDS = 0.03
PROBE_SLOWEST_SECONDS = 1.0


class Result(Enum):
    """What became of an action."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    OPEN = "open"
    """A gate at which nobody waits any more, since something else needed doing: the next plan
    comes back to it."""


class Outcome(Struct, frozen=True):
    """One action's result.

    `ended` is the box as it was last seen by a gate that shut; `late` says that the time for the
    whole plan was over, which is nobody's failure; `phases` are what the engine measured itself.
    """

    number: int
    result: Result
    milliseconds: float = 0.0
    error: EngineError | None = None
    why: str = ""
    ended: ObservedBox | None = None
    late: bool = False
    phases: Mapping[str, float] = field(default_factory=dict)


class _Gate(Struct):
    """A box on its way: when it may be asked next, and the answer that is under way."""

    number: int
    gate: AwaitBox
    began: float
    next_probe: float
    pause: float = PROBE_FIRST_SECONDS
    asking: Future[str] | None = None
    answer: str | None = None
    shortage: ShortageError | None = None
    """Why nobody could be asked, where that is so."""
    asked: float = 0.0
    """When it was asked last."""
    waited: float = 0.0
    """How long it had been waited for when it was asked what it answered last. Whoever stood still
    meanwhile, as the whole machine may, asks again before the box is called late."""


Watch = Callable[[Action, Outcome | None], None]


class Executor:
    """One run of one plan."""

    def __init__(
        self,
        plan: Plan,
        borders: Borders,
        watch: Watch,
        patience: Patience,
        outer: Executor | None = None,
    ) -> None:
        """`watch` hears of each action's begin (None) and end; `outer` is within whose waiting this
        plan is carried out."""
        self.services = frozenset(one.service for one in plan.actions if one.service)
        self.dealt, self.left = plan.dealt, plan.left
        self._actions = plan.actions
        self._borders = borders
        self._watch = watch
        self._patience = patience
        self._outer = outer
        self._clock = patience.clock
        self._outcomes: dict[int, Outcome] = {}
        self._running: dict[Future[float], int] = {}
        self._gates: dict[int, _Gate] = {}
        self._stood_at: set[int] = set()
        """The gates behind which other actions of the plan wait."""
        self._forerunners = Forerunners(plan.actions)
        self._looked = (-TICK_SECONDS, -TICK_SECONDS)
        """When the gates were looked at last, from when to when."""
        self._needed = False
        """Whether something else needs doing: no gate is waited at any more."""
        self._meanwhile_at = 0.0

    def run(self) -> tuple[Outcome, ...]:
        """All outcomes in the plan's order."""
        with working(self._clock) as workers:
            self._workers = workers
            while len(self._outcomes) < len(self._actions):
                self._step(self._tick())
                if self._running and self._clock.monotonic() >= self._meanwhile_at:
                    self._patience.meanwhile()
        return tuple(self._outcomes[number] for number in range(len(self._actions)))

    def _step(self, seconds: float | None) -> None:
        """Begins what can begin, waits so long at most for what runs (None: for ever), and looks at
        the gates; then the same, without waiting, for the plan within which this one is."""
        self._begin_what_is_ready()
        self._collect(seconds)
        self._watch_gates()
        if self._outer:
            self._outer._step(0)

    def _tick(self) -> float | None:
        if self._outer or self._patience.meanwhile is not nothing:
            return TICK_SECONDS
        if not self._gates:
            return None
        return max(TICK_SECONDS, self._look_at - self._clock.monotonic())

    def _begin_what_is_ready(self) -> None:
        for number in self._forerunners.skipped():
            self._end(Outcome(number, Result.SKIPPED))
        for number in self._forerunners.gates():
            self._begin(number, self._actions[number])
        while self._has_room and (ready := self._forerunners.call()) is not None:
            self._begin(ready, self._actions[ready])

    @property
    def _has_room(self) -> bool:
        return len(self._running) < PARALLEL_CALLS + HANDED_OVER

    def _begin(self, number: int, action: Action) -> None:
        self._watch(action, None)
        if isinstance(action.call, AwaitBox):
            now = self._clock.monotonic()
            began = self._patience.since.setdefault(action.call.id, now)
            self._gates[number] = _Gate(number, action.call, began, now)
            if self._forerunners.is_needed(number):
                self._stood_at.add(number)
        else:
            self._running[self._workers.submit(self._timed, number, action)] = number
            self._meanwhile_at = self._clock.monotonic() + MEANWHILE_SECONDS

    def _timed(self, number: int, action: Action) -> float:
        began = self._clock.monotonic()
        if isinstance(action.call, StopBox):
            self._require_alive(self._forerunners.successors(number), action.call.id)
        call(self._borders, action.call)
        return (self._clock.monotonic() - began) * 1000

    def _require_alive(self, successors: Collection[BoxId], box_id: BoxId) -> None:
        """Raises UnavailableError where one that took over from a box does not run any more: other
        actions may have taken long since its gate."""
        if not successors:
            return
        seen = self._borders.boxes.observe(sorted(successors)).boxes
        gone = set(successors) - {box.id for box in seen if box.state.runs}
        if gone:
            raise UnavailableError(
                f"{box_id} is not ended, since {min(gone)}, which took over from it, runs no more",
                "the next plan decides anew",
            )

    def _collect(self, seconds: float | None) -> None:
        if not self._running:
            if self._gates and seconds:
                self._clock.sleep(seconds)
            return
        for future in self._workers.wait(self._running, seconds):
            number = self._running.pop(future)
            error = _in_our_words(future.exception())
            if error is None:
                told = phases(self._borders, self._actions[number].call)
                self._end(Outcome(number, Result.DONE, future.result(), phases=told))
            elif isinstance(error, EngineError):
                self._end(Outcome(number, Result.FAILED, error=error, why=error.what))
            else:
                raise error

    def _watch_gates(self) -> None:
        if not self._gates or self._clock.monotonic() < self._look_at:
            return
        self._needed = self._needed or self._patience.needed()
        began = self._clock.monotonic()
        self._look_at_gates()
        self._looked = began, self._clock.monotonic()

    @property
    def _look_at(self) -> float:
        """When the gates are looked at next: as soon as they may be once the last call is over."""
        share = LOOK_SHARE
        if self._running:
            share = LOOK_SHARE_BESIDE_CALLS if self._stood_at else LOOK_SHARE_UNNEEDED
        began, ended = self._looked
        pause = min((ended - began) * (1 / share - 1), LOOK_PAUSE_SECONDS_MOST)
        return max(began + TICK_SECONDS, ended + pause)

    def _look_at_gates(self) -> None:
        try:
            seen = self._borders.boxes.observe([one.gate.id for one in self._gates.values()])
        except UnavailableError as error:
            for gate in list(self._gates.values()):
                if self._patience.over:
                    self._shut(gate, error.what, None, late=True)
                elif self._needed:
                    self._leave(gate)
            return
        boxes = {box.id: box for box in seen.boxes}
        for gate in list(self._gates.values()):
            self._look(gate, boxes.get(gate.gate.id))

    def _look(self, gate: _Gate, box: ObservedBox | None) -> None:
        now = self._clock.monotonic()
        is_asked = self._probe(gate, box, now)
        waited = gate.waited if is_asked else now - gate.began
        answer = judge(gate.gate, box, gate.answer, self._clock.now_ms(), int(waited * 1000))
        if isinstance(answer, Passed):
            del self._gates[gate.number]
            self._end(Outcome(gate.number, Result.DONE, (now - gate.began) * 1000))
        elif answer is not None:
            self._shut(gate, answer.why, box)
        elif self._patience.over:
            self._shut(gate, "the time is over", box, late=True)
        elif self._needed and not gate.asking:
            self._leave(gate)

    def _leave(self, gate: _Gate) -> None:
        del self._gates[gate.number]
        self._end(Outcome(gate.number, Result.OPEN))

    def _probe(self, gate: _Gate, box: ObservedBox | None, now: float) -> bool:
        """Asks ever more slowly, up to once a second, and when its time is over: a box that starts
        soon is seen soon. Whether it can be asked."""
        health = gate.gate.health
        if gate.asking and gate.asking.done():
            failure = gate.asking.exception()
            gate.answer = str(failure) if failure else gate.asking.result()
            shortage = _in_our_words(failure)
            gate.shortage = shortage if isinstance(shortage, ShortageError) else None
            gate.asking, gate.waited = None, gate.asked - gate.began
            left = gate.began + gate.gate.within_ms / 1000 - now
            gate.next_probe = now + min(gate.pause, max(left, 0.0))
            gate.pause = min(gate.pause * 1.5, PROBE_SLOWEST_SECONDS)
        if not (health and box and box.pid and box.state.runs):
            return False
        if gate.asking is None and now >= gate.next_probe:
            gate.asked, gate.asking = now, self._workers.submit(
                self._borders.probes.check, box.id, box.pid, health.check, health.timeout_ms
            )  # fmt: skip
        return True

    def _shut(self, gate: _Gate, why: str, box: ObservedBox | None, *, late: bool = False) -> None:
        del self._gates[gate.number]
        spent = (self._clock.monotonic() - gate.began) * 1000
        error = gate.shortage if box and box.state.runs else None
        self._end(Outcome(gate.number, Result.FAILED, spent, error, why, box, late))

    def _end(self, outcome: Outcome) -> None:
        self._outcomes[outcome.number] = outcome
        self._stood_at.discard(outcome.number)
        self._forerunners.ended(outcome.number, well=outcome.result is Result.DONE)
        self._watch(self._actions[outcome.number], outcome)


def _in_our_words(error: BaseException | None) -> BaseException | None:
    """What a call raised; what came of a lack of descriptors says nothing of its service."""
    if not came_of_none(error) or isinstance(error, ShortageError):
        return error
    shortage = ShortageError(error.what if isinstance(error, EngineError) else NONE_LEFT, REMEDY)
    shortage.__cause__ = error
    return shortage


def execute(plan: Plan, borders: Borders, watch: Watch, patience: Patience) -> tuple[Outcome, ...]:
    """Runs every action whose forerunners succeeded; returns what became of each."""
    return Executor(plan, borders, watch, patience).run()
