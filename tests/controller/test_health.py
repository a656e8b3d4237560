"""The judgement at a gate, and what a snapshot says of a box's health."""

from __future__ import annotations

from threading import Event

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import Health, ObservedBox, State, Unseen
from orchestr8.controller.health import Asker, Passed, Shut, how_it_ended, judge
from orchestr8.controller.settings import SETTLE_MS
from orchestr8.engines.memory.boxes import MemoryBoxes
from orchestr8.engines.memory.host import MemoryProbes
from orchestr8.engines.memory.workload import Workload
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.manifest.model import Health as HealthLine
from orchestr8.manifest.model import TcpCheck
from orchestr8.planning.plan import AwaitBox
from tests.controller.plans import box_id, coming_up, machine

NOW = 1_800_000_000_000
LINE = HealthLine(TcpCheck(8080), every_ms=1, failures=3, within_ms=30_000)
SETTLING = AwaitBox(box_id(1), None, False, 60_000)
HEALTHY = AwaitBox(box_id(1), LINE, False, 30_000)
DONE = AwaitBox(box_id(1), None, True, 60_000)
RUNNING = ObservedBox(
    box_id(1), State.RUNNING, None, 0, "default", "key", started_ms=NOW - 1_000, pid=7
)
STOPPED = replace(RUNNING, state=State.STOPPED, stopped_ms=NOW, exit_status=0, pid=None)
CREATED = replace(RUNNING, state=State.CREATED, started_ms=0, pid=None)
OLD = replace(RUNNING, started_ms=NOW - SETTLE_MS)


@pytest.mark.parametrize(
    ("gate", "box", "probe", "waited_ms", "answer"),
    [
        (SETTLING, RUNNING, None, 1_000, None),
        (SETTLING, OLD, None, SETTLE_MS, Passed()),
        (SETTLING, CREATED, None, 90_000, None),
        (SETTLING, STOPPED, None, 1_000, Shut("the box exited with status 0 after 1000 ms")),
        (SETTLING, None, None, 0, Shut("the box was removed by somebody else")),
        (HEALTHY, RUNNING, None, 29_999, None),
        (HEALTHY, RUNNING, "", 0, Passed()),
        (HEALTHY, OLD, None, 4_000, None),
        (HEALTHY, OLD, "refused", 4_000, None),
        (HEALTHY, RUNNING, "refused", 30_000,
         Shut("not healthy within 30s; the last probe said: refused")),
        (HEALTHY, RUNNING, None, 30_000,
         Shut("not healthy within 30s; the last probe said: no answer yet")),
        (HEALTHY, STOPPED, "", 0, Shut("the box exited with status 0 after 1000 ms")),
        (DONE, RUNNING, None, 59_999, None),
        (DONE, RUNNING, None, 60_000, Shut("not done within 1m; it has not ended")),
        (DONE, STOPPED, None, 0, Passed()),
        (DONE, replace(STOPPED, exit_status=1), None, 0,
         Shut("the box exited with status 1 after 1000 ms")),
        (DONE, replace(STOPPED, exit_status=None), None, 0,
         Shut("the box stopped after 1000 ms")),
        (DONE, replace(STOPPED, exit_status=137, out_of_memory=True), None, 0,
         Shut("the box ran out of memory")),
    ],
)  # fmt: skip
def test_a_gate_is_judged_by_what_is_seen(
    gate: AwaitBox, box: ObservedBox | None, probe: str | None, waited_ms: int, answer: object
) -> None:
    assert judge(gate, box, probe, NOW, waited_ms) == answer


@pytest.mark.parametrize(
    ("box", "said"),
    [
        (replace(STOPPED, exit_status=1), "the box exited with status 1 after 1000 ms"),
        (replace(STOPPED, started_ms=NOW - 61_000), "the box exited with status 0 after 61 s"),
        (replace(STOPPED, started_ms=0), "the box exited with status 0"),
        (replace(STOPPED, stopped_ms=0), "the box exited with status 0"),
        (replace(STOPPED, exit_status=139),
         "the box exited with status 139 (as by SIGSEGV) after 1000 ms"),
        (replace(STOPPED, exit_status=255), "the box exited with status 255 after 1000 ms"),
        (replace(STOPPED, exit_status=None, stopped_ms=0, unseen=Unseen.MONITOR),
         "the box lost its monitor, which keeps its output and its exit status"),
        (replace(STOPPED, out_of_memory=True, limits=Limits(memory_max_bytes=64 * MIB)),
         "the box ran out of memory (64MiB)"),
    ],
)  # fmt: skip
def test_an_end_is_a_sentence(box: ObservedBox, said: str) -> None:
    assert how_it_ended(box) == said


@pytest.mark.parametrize(
    ("workload", "age_ms", "seen"),
    [
        (Workload(), 0, Health.HEALTHY),
        (Workload(healthy_after_ms=None), 29_999, Health.UNKNOWN),
        (Workload(healthy_after_ms=None), 30_000, Health.UNHEALTHY),
        (Workload(unhealthy_after_ms=40_000), 50_000, Health.UNHEALTHY),
    ],
)
def test_a_box_with_a_health_line_is_asked(workload: Workload, age_ms: int, seen: Health) -> None:
    there = machine()
    there.workloads["front.web"] = workload
    boxes = MemoryBoxes(there)
    boxes.create(coming_up([1]).actions[0].call.box)  # type: ignore[union-attr]
    boxes.start(box_id(1))
    there.clock.sleep_ms(age_ms)
    observed = boxes.observe().boxes
    asker = Asker(MemoryProbes(there), there.clock.now_ms(), Event())
    assert asker.health_of(observed[0], LINE) is seen


@pytest.mark.parametrize(
    ("box", "seen"), [(RUNNING, Health.SETTLING), (OLD, Health.HEALTHY)], ids=["young", "old"]
)
def test_a_box_without_a_health_line_is_judged_by_its_age(box: ObservedBox, seen: Health) -> None:
    assert Asker(MemoryProbes(machine()), NOW, Event()).health_of(box, None) is seen


def test_nobody_is_asked_again_once_it_is_given_up() -> None:
    there = machine()
    there.workloads["front.web"] = Workload(healthy_after_ms=None)
    boxes = MemoryBoxes(there)
    boxes.create(coming_up([1]).actions[0].call.box)  # type: ignore[union-attr]
    boxes.start(box_id(1))
    there.clock.sleep_ms(60_000)
    given_up = Event()
    given_up.set()
    asker = Asker(MemoryProbes(there), there.clock.now_ms(), given_up)
    patient = replace(LINE, every_ms=3_600_000)
    assert asker.health_of(boxes.observe().boxes[0], patient) is Health.UNKNOWN
