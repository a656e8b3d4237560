"""Whoever stood still, as a server that was stopped or a machine that is moved, asks once more
before it calls a box late: what it heard last was said long before."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import Health
from orchestr8.controller.clock import Patience
from orchestr8.controller.execute import Result, execute
from orchestr8.controller.pulses import Pulses
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload
from tests.controller.plans import HEALTH, Told, coming_up, machine
from tests.simulation.time import Time

SOON, LONG, EVER = 5.0, 120.0, 1e6
LINE = replace(HEALTH, every_ms=1_000, failures=3)
LATER = Workload(healthy_after_ms=30_000)


def timed(workload: Workload) -> tuple[Time, Machine]:
    """A machine whose boxes do this, and its time."""
    time, there = Time(random.Random(1)), machine()
    there.clock = time
    there.workloads["front.web"] = workload
    return time, there


@pytest.mark.parametrize(
    ("workload", "result"), [(LATER, Result.DONE), (NEVER_HEALTHY, Result.FAILED)]
)
def test_a_gate_asks_again(workload: Workload, result: Result) -> None:
    time, there = timed(workload)
    time.at(SOON, lambda: time.pass_to(time.seconds + LONG))
    outcomes = execute(coming_up([1], LINE), memory_borders(there), Told(), Patience(EVER, time))
    assert outcomes[-1].result is result
    assert LONG < time.seconds < SOON + LONG + 2


@pytest.mark.parametrize(
    ("workload", "known"), [(LATER, Health.HEALTHY), (NEVER_HEALTHY, Health.UNHEALTHY)]
)
def test_a_loop_asks_again(workload: Workload, known: Health) -> None:
    time, there = timed(workload)
    borders = memory_borders(there)
    up = coming_up([1])
    execute(replace(up, actions=up.actions[:2]), borders, Told(), Patience(EVER, time))
    (box,) = borders.boxes.observe().boxes
    pulses = Pulses(borders.probes, time)
    pulses.follow([box], {box.id.service_name: LINE})
    while time.seconds < SOON or not time.pending:
        time.sleep(1)
        pulses.tick()
    time.sleep(1)  # the answer comes, and nobody takes it
    time.pass_to(time.seconds + LONG)
    pulses.tick()
    assert pulses.health_of(box, LINE) is Health.UNKNOWN
    for _ in range(2):
        time.sleep(1)
        pulses.tick()
    assert pulses.health_of(box, LINE) is known
