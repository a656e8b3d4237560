"""Back-off: two tries at once, then a second, doubling to five minutes; a good run forgives."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.records import Failures
from orchestr8.names import ServiceName
from orchestr8.planning.backoff import GOOD_RUN_MS, after_failure, delay_ms, try_again_ms
from orchestr8.planning.plan import Plan, Reason
from tests.laws.laws import converge
from tests.laws.simulation import Simulation
from tests.planning.brief import fleet


@pytest.mark.parametrize(
    ("count", "delay"),
    [(0, 0), (1, 0), (2, 0), (3, 1_000), (4, 2_000), (5, 4_000), (11, 256_000), (12, 300_000),
     (10_000, 300_000)],
)  # fmt: skip
def test_delay(count: int, delay: int) -> None:
    assert delay_ms(count) == delay


def test_no_failure_no_wait() -> None:
    assert try_again_ms(None, 0, 70_000) == 0


def test_wait_counts_from_the_last_failure() -> None:
    assert try_again_ms(Failures(4, 70_000), 0, 70_000) == 72_000


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    assert try_again_ms(Failures(4, 70_000), 0, 69_999) == 0


def test_a_good_run_is_forgiven() -> None:
    assert try_again_ms(Failures(9, 70_000), GOOD_RUN_MS, 70_000) == 0
    assert try_again_ms(Failures(9, 70_000), GOOD_RUN_MS - 1, 70_000) > 0


def test_failures_add_up() -> None:
    first = after_failure(None, 0, 1_000, "one")
    assert first == Failures(1, 1_000, "one")
    second = after_failure(first, 5_000, 9_000, "two")
    assert second == Failures(2, 9_000, "two")
    assert after_failure(second, GOOD_RUN_MS, 10_000, "three") == Failures(1, 10_000, "three")


def planned_after(ran_ms: int, *, image: str = "x:1", ends: bool = True) -> Plan:
    """What is planned when a box of a slot that failed five times has run this long."""
    simulation = Simulation()
    before = {"image": "x:1", "health": {"tcp": 80}}
    converge(simulation, fleet({"services": {"a.me": before}}))
    simulation.clock.advance_ms(ran_ms)
    now_ms = simulation.clock.now_ms()
    failed = {(ServiceName("me", "a"), 0): Failures(5, now_ms - 1, "it ended")}
    simulation.records = replace(simulation.records, failures=failed)
    if ends:
        (box_id,) = simulation.machine.boxes
        simulation.machine.crash(box_id)
    return simulation.plan(fleet({"services": {"a.me": {**before, "image": image}}}))


def test_a_box_that_ended_soon_is_made_again_later() -> None:
    plan = planned_after(5_000)
    assert [step.reason for step in plan.waiting] == [Reason.BACK_OFF]


def test_a_box_that_ended_after_a_good_run_is_back_at_once() -> None:
    plan = planned_after(GOOD_RUN_MS)
    assert not plan.waiting and not plan.empty


def test_an_update_that_failed_waits_however_long_the_older_box_runs() -> None:
    plan = planned_after(2 * GOOD_RUN_MS, image="x:2", ends=False)
    assert [step.reason for step in plan.waiting] == [Reason.BACK_OFF]
