"""The executor runs, records, and skips what waited for a failure; it decides nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.controller.clock import CLOCK, Clock, Patience
from orchestr8.controller.execute import HANDED_OVER, Outcome, Result, execute
from orchestr8.controller.settings import PARALLEL_CALLS
from orchestr8.engines.memory.boxes import MemoryBoxes
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import (
    NEVER_HEALTHY,
    Workload,
    dies_at_once,
    dies_of_memory,
)
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.planning.plan import (
    Action,
    AwaitBox,
    ChangeNetwork,
    CreateBox,
    Plan,
    Purpose,
    StartBox,
    StopBox,
)
from tests.controller.plans import HEALTH, Told, box_id, coming_up, machine

SOON = 30.0


class OverOnceAsked(Clock):
    """Time that is over as soon as the machine was asked how its boxes are."""

    def __init__(self, on: Machine) -> None:
        self._on = on

    def monotonic(self) -> float:
        """Seconds from anywhere, and then those of a plan's patience more."""
        is_asked = any(call == "boxes.observe" for call, _ in self._on.faults.calls)
        return super().monotonic() + (SOON if is_asked else 0.0)


def run(plan: Plan, on: Machine, told: Told | None = None, clock: Clock = CLOCK) -> list[Outcome]:
    """Carries a plan out on a simulated machine."""
    patience = Patience(clock.monotonic() + SOON, clock)
    return list(execute(plan, memory_borders(on), told or Told(), patience))


def results(outcomes: Sequence[Outcome]) -> list[str]:
    """What became of each action."""
    return [one.result.value for one in outcomes]


def test_boxes_come_up_in_the_order_that_actions_need() -> None:
    there = machine()
    outcomes = run(coming_up([1]), there)
    assert results(outcomes) == ["done", "done", "done"]
    looking = ("boxes.observe", "images.resolve")
    assert [call for call, _ in there.faults.calls if call not in looking] == [
        "boxes.create", "boxes.start", "probes.check",
    ]  # fmt: skip
    assert [one.number for one in outcomes] == [0, 1, 2]


def test_an_empty_plan_makes_no_call() -> None:
    there = machine()
    assert run(Plan(), there) == []
    assert there.faults.calls == []


def test_a_box_is_started_before_the_last_one_is_created() -> None:
    told = Told()
    numbers = range(1, 3 * (PARALLEL_CALLS + HANDED_OVER))
    assert set(results(run(coming_up(numbers), machine(), told))) == {"done"}
    begun = [action.call for action, outcome in told.heard if outcome is None]
    first_start = next(n for n, call in enumerate(begun) if isinstance(call, StartBox))
    last_create = max(n for n, call in enumerate(begun) if isinstance(call, CreateBox))
    assert first_start < last_create


def test_what_waited_for_a_failure_is_skipped_and_the_rest_goes_on() -> None:
    there = machine()
    there.faults.order(
        Fault("boxes.create", RejectedError("no"), subject=str(box_id(2)), times=None)
    )
    outcomes = run(coming_up([1, 2, 3]), there)
    assert results(outcomes) == [
        *["done"] * 3, "failed", "skipped", "skipped", *["done"] * 3,
    ]  # fmt: skip
    assert outcomes[3].why == "no"
    assert isinstance(outcomes[3].error, RejectedError)
    assert ("boxes.start", str(box_id(2))) not in there.faults.calls


def test_a_failure_is_passed_down_a_long_chain() -> None:
    there = machine()
    there.faults.order(Fault("boxes.start", RejectedError("no"), times=None))
    plan = coming_up([1])
    last = len(plan.actions) - 1
    chain = [replace(plan.actions[0], needs=(last + n,)) for n in range(5)]
    outcomes = run(replace(plan, actions=(*plan.actions, *chain)), there)
    assert results(outcomes) == ["done", "failed", "skipped", *["skipped"] * 5]


@dataclass
class Crowd(MemoryBoxes):
    """Boxes whose creation waits until a crowd has gathered, and counts it."""

    machine: Machine
    gathering: threading.Barrier
    inside: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        super().__init__(self.machine)

    def create(self, box: Box) -> None:
        """Waits for the others before it creates."""
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.gathering.wait(timeout=20)
        super().create(box)
        with self.lock:
            self.inside -= 1


def test_calls_run_beside_one_another_and_no_more_than_the_bound() -> None:
    there = machine()
    crowd = Crowd(there, threading.Barrier(PARALLEL_CALLS))
    borders = replace(memory_borders(there), boxes=crowd)
    patience = Patience(time.monotonic() + SOON)
    plan = coming_up(range(1, 3 * PARALLEL_CALLS + 1))
    outcomes = execute(plan, borders, Told(), patience)
    assert set(results(outcomes)) == {"done"}
    assert crowd.most == PARALLEL_CALLS


def test_gates_take_no_thread() -> None:
    """Many more gates than threads wait together, and calls go on beside them."""
    there = machine()
    there.workloads["front.web"] = Workload(healthy_after_ms=10_000)
    count = 3 * PARALLEL_CALLS

    def grow_older(_action: Action, _outcome: Outcome | None) -> None:
        if told.ended(StartBox) == count and not told.ended(AwaitBox):
            there.clock.sleep_ms(10_000)

    told = Told(listener=grow_older)
    assert set(results(run(coming_up(range(1, count + 1)), there, told))) == {"done"}


def test_one_look_serves_all_gates() -> None:
    there = machine()
    looks: list[int] = []

    class Looking(MemoryBoxes):
        def observe(self, ids: Sequence[object] | None = None):  # type: ignore[no-untyped-def]
            looks.append(len(ids or ()))
            return super().observe(ids)  # type: ignore[arg-type]

    there.workloads["front.web"] = Workload(healthy_after_ms=1)
    told = Told(listener=lambda *_: there.clock.sleep_ms(1) if told.ended(StartBox) == 20 else None)
    borders = replace(memory_borders(there), boxes=Looking(there))
    execute(coming_up(range(1, 21)), borders, told, Patience(time.monotonic() + SOON))
    assert max(looks) > 1


def test_a_box_that_ends_is_not_waited_for() -> None:
    there = machine()
    there.workloads["front.web"] = dies_at_once(3)
    outcome = run(coming_up([1]), there)[2]
    assert outcome.result is Result.FAILED
    assert outcome.why == "the box exited with status 3 after 0 ms"
    assert outcome.ended is not None
    assert outcome.ended.exit_status == 3


def test_a_box_that_outgrows_its_memory_is_told_from_one_that_exits() -> None:
    there = machine()
    there.workloads["front.web"] = dies_of_memory()
    outcome = run(coming_up([1]), there)[2]
    assert outcome.why.startswith("the box ran out of memory")
    assert outcome.ended is not None
    assert outcome.ended.out_of_memory


def test_a_job_is_done_when_it_ends_well() -> None:
    there = machine()
    there.workloads["front.web"] = Workload(exits_after_ms=0)
    assert results(run(coming_up([1], None, done=True), there)) == ["done"] * 3


def test_a_job_that_ends_ill_has_failed() -> None:
    there = machine()
    there.workloads["front.web"] = dies_at_once(4)
    outcome = run(coming_up([1], None, done=True), there)[2]
    assert outcome.result is Result.FAILED
    assert "status 4" in outcome.why
    assert not outcome.late


def test_a_box_that_never_gets_healthy_says_what_its_probe_saw() -> None:
    there = machine()
    there.workloads["front.web"] = NEVER_HEALTHY
    outcome = run(coming_up([1], replace(HEALTH, within_ms=100)), there)[2]
    assert outcome.result is Result.FAILED
    assert outcome.why == (
        "not healthy within 100ms; the last probe said: port 8080 refuses connections"
    )


def test_the_deadline_ends_gates_and_skips_what_follows() -> None:
    there = machine()
    there.workloads["front.web"] = NEVER_HEALTHY
    plan = coming_up([1])
    after = replace(plan.actions[0], needs=(2,))
    longer = replace(plan, actions=(*plan.actions, after))
    outcomes = run(longer, there, clock=OverOnceAsked(there))
    assert results(outcomes) == ["done", "done", "failed", "skipped"]
    assert outcomes[2].why == "the time is over"
    assert outcomes[2].late


def test_a_box_that_somebody_else_removes_is_missed() -> None:
    there = machine()
    there.workloads["front.web"] = NEVER_HEALTHY

    def remove(action: Action, outcome: Outcome | None) -> None:
        if isinstance(action.call, AwaitBox) and outcome is None:
            there.boxes.clear()

    outcome = run(coming_up([1]), there, Told(listener=remove))[2]
    assert outcome.why == "the box was removed by somebody else"


def test_an_engine_that_is_away_for_a_while_shuts_no_gate() -> None:
    there = machine()
    there.faults.order(Fault("boxes.observe", UnavailableError("away"), times=3))
    assert results(run(coming_up([1]), there)) == ["done"] * 3


def test_an_engine_that_stays_away_is_named_at_the_deadline() -> None:
    there = machine()
    there.faults.order(Fault("boxes.observe", UnavailableError("away"), times=None))
    outcome = run(coming_up([1]), there, clock=OverOnceAsked(there))[2]
    assert outcome.result is Result.FAILED
    assert outcome.why == "away"
    assert outcome.late


def test_every_action_is_heard_of_when_it_begins_and_ends() -> None:
    there = machine()
    there.faults.order(Fault("boxes.create", RejectedError("no"), subject=str(box_id(2))))
    told = Told()
    plan = coming_up([1, 2])
    run(plan, there, told)
    begun = [action for action, outcome in told.heard if outcome is None]
    ended = [outcome.number for _, outcome in told.heard if outcome is not None]
    assert sorted(ended) == list(range(len(plan.actions)))
    assert [action for action in plan.actions if action not in begun] == list(plan.actions[4:])


def test_a_bug_of_ours_is_no_outcome() -> None:
    there = machine()
    there.faults.order(Fault("boxes.create", ValueError("a bug")))
    with pytest.raises(ValueError, match="a bug"):
        run(coming_up([1]), there)


def succession(done: bool = False) -> Plan:
    """Box 2 comes up, the traffic is led to it, and box 1 ends."""
    made = coming_up([2], done=done).actions
    name, gate = box_id(2).service_name, len(made) - 1
    led = Action(ChangeNetwork(), Purpose.REBALANCE, "traffic", name, (gate,))
    ended = Action(
        StopBox(box_id(1), "SIGKILL", 0), Purpose.RELEASE, "succeeded", name, (gate + 1,)
    )
    return Plan(actions=(*made, led, ended))


@pytest.mark.parametrize(
    ("crashes", "left"), [(AwaitBox, "failed"), (ChangeNetwork, "failed"), (None, "done")]
)
def test_a_box_is_not_ended_once_its_successor_runs_no_more(
    crashes: type[AwaitBox | ChangeNetwork] | None, left: str
) -> None:
    there = machine()
    memory_borders(there).network.prepare()
    assert results(run(coming_up([1]), there)) == ["done", "done", "done"]

    def listener(action: Action, outcome: Outcome | None) -> None:
        if outcome and crashes and isinstance(action.call, crashes):
            there.crash(box_id(2))

    outcomes = run(succession(), there, Told(listener=listener))
    assert results(outcomes) == ["done", "done", "done", "done", left]
    assert there.boxes[box_id(1)].state.runs == (left == "failed")
    if left == "failed":
        assert isinstance(outcomes[-1].error, UnavailableError)
        assert f"{box_id(1)} is not ended, since {box_id(2)}" in outcomes[-1].why
