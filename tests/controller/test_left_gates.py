"""A gate that is left, since something else is needed, is come back to: whoever asked a loop for a
change is told the same as without one."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from orchestr8.controller.applied import Applied
from orchestr8.controller.apply import apply_request
from orchestr8.controller.hold import hold
from orchestr8.controller.pulses import Pulses
from orchestr8.controller.request import Request
from orchestr8.controller.restart import restart
from orchestr8.controller.rollback import roll_back
from orchestr8.controller.session import Session
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload, dies_at_once, runs_once
from orchestr8.names import BoxId, ServiceName
from tests.controller.road import HEALTH, Notes, Road, reader, sources
from tests.simulation.time import Time

TIMEOUT_MS = 600_000
API = ServiceName("shop", "api")
WORKLOADS = {
    "app:1": Workload(healthy_after_ms=60),
    "app:2": Workload(),
    "slow:1": Workload(healthy_after_ms=3_000),
    "ill:1": NEVER_HEALTHY,
    "dead:1": dies_at_once(3),
    "dying:1": Workload(exits_after_ms=90, exit_status=3, healthy_after_ms=None),
    "bare:1": Workload(),
    "job:1": runs_once(60),
    "bad:1": Workload(exits_after_ms=60, exit_status=1),
}
ALONE = f"api: {{image: 'app:1', volumes: {{/data: data}}, {HEALTH}}}"
PAIR = f"api: {{image: 'app:1', replicas: 2, {HEALTH}}}"
HASTY = "api: {image: 'app:1', replicas: 2, health: {tcp: 80, every: 100ms, within: 1s}}"
CHAIN = f"api: {{image: 'app:1', {HEALTH}}}\n  web: {{image: 'app:1', after: [api], {HEALTH}}}"
JOB = "api: {image: 'job:1', run: once}"
Ask = Callable[[Session, Notes], Applied]
Result = TypeVar("Result")


def applying(service: str, image: str = "", timeout_ms: int = TIMEOUT_MS) -> Ask:
    """Somebody applies a service, with another image."""
    text = service.replace("app:1", image) if image else service
    volumes = "volumes: {data: {}}\n" if "volumes" in text else ""
    text = f"orchestr8: 1\nowner: shop\nservices:\n  {text}\n{volumes}"
    request = Request(sources({"shop.yaml": text}), reader({}))
    return lambda session, notes: apply_request(session, request, notes, timeout_ms)


def restarting(session: Session, notes: Notes) -> Applied:
    """Somebody wants fresh boxes."""
    return restart(session, API, None, notes, TIMEOUT_MS)


def going_back(session: Session, notes: Notes) -> Applied:
    """Somebody wants the revision before."""
    return roll_back(session, "default", 0, notes, TIMEOUT_MS)[1]


@pytest.mark.parametrize("gates_left", [1, 2, 3, 8, 40])
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param([applying(ALONE)], id="the first of a volume"),
        pytest.param([applying(ALONE), restarting], id="restart with a volume"),
        pytest.param([applying(PAIR), restarting], id="restart of two"),
        pytest.param([applying(ALONE), applying(ALONE, "app:2")], id="update"),
        pytest.param([applying(PAIR), applying(PAIR, "app:2"), going_back], id="rollback"),
        pytest.param([applying(CHAIN), applying(CHAIN, "app:2")], id="one after the other"),
        pytest.param([applying(HASTY), applying(HASTY, "slow:1")], id="a slow update"),
        pytest.param([applying(HASTY, "ill:1")], id="the first is ill"),
        pytest.param([applying(HASTY, "dead:1")], id="the first ends at once"),
        pytest.param([applying(HASTY, "dying:1")], id="the first ends"),
        pytest.param([applying(CHAIN, "ill:1")], id="others wait for the ill"),
        pytest.param([applying(HASTY), applying(HASTY, "ill:1")], id="an ill update"),
        pytest.param([applying(HASTY), applying(HASTY, "dying:1")], id="an update that ends"),
        pytest.param([applying(ALONE), applying(ALONE, "dying:1")], id="the next of a volume ends"),
        pytest.param([applying("api: {image: 'bare:1'}"), restarting], id="without a health line"),
        pytest.param([applying(JOB)], id="a job"),
        pytest.param([applying(JOB), restarting], id="a job again"),
        pytest.param([applying(JOB.replace("job:1", "bad:1"))], id="a job that fails"),
    ],
)
def test_who_asked_is_told_the_same(tmp_path: Path, asked: list[Ask], gates_left: int) -> None:
    assert told(tmp_path / "alone", asked, 0) == told(tmp_path / "beside", asked, gates_left)


def test_a_box_is_not_late_before_its_first_answer(tmp_path: Path) -> None:
    """Its time was over while the gate was left; it is healthy since then."""
    beside = told(tmp_path, [applying(HASTY), applying(HASTY, "slow:1")], 40)
    assert [phase for one in beside for phase in one[-2] if phase[-1]] == []


@pytest.mark.parametrize(("held", "attempts"), [(False, 3), (True, 1)])
def test_a_job_that_an_apply_finds_hanging_is_waited_for_once_a_try(
    tmp_path: Path, held: bool, attempts: int
) -> None:
    """Where nobody may put another one in its place there is one try."""
    time = Time(random.Random(1))
    road = Road(tmp_path, Machine(clock=time))
    road.image("job:1", "a")
    hanging = JOB.replace("once}", "once, update: {within: 10s}}")

    def asked(ask: Callable[[Session, Notes], Result]) -> Result:
        with road.open() as session:
            session.clock = time
            return ask(session, Notes())

    assert asked(applying(hanging, timeout_ms=5_000)).timed_out
    until_ms = time.now_ms() + TIMEOUT_MS
    if held:
        asked(lambda session, _: hold(session, API, until_ms, "it is looked at"))
    (failure,) = asked(applying(hanging)).failures
    assert failure.attempts == attempts
    assert time.seconds < 10 * (attempts + 1)


def told(folder: Path, asked: list[Ask], gates_left: int) -> list[tuple]:
    """What came of each request, and each box's phases; so many looks at gates are the last ones,
    since something else is needed then."""
    time = Time(random.Random(1))
    road = Road(folder, Machine(clock=time))
    for number, (name, workload) in enumerate(WORKLOADS.items()):
        road.image(name, f"{number:x}")
        road.machine.workloads[name] = workload
    said = []
    with road.open() as session:
        session.clock = time
        if gates_left:
            session.pulses = Pulses(session.borders.probes, time)
        for ask in asked:
            needs = [True] * gates_left
            session.needed = lambda left=needs: bool(left) and left.pop()
            notes = Notes()
            applied = ask(session, notes)
            failures = [(one.slot, one.why, one.attempts, one.lines) for one in applied.failures]
            said.append(
                (applied.exit, applied.changed, failures, applied.rolled_back, phases(notes),
                 sorted(road.boxes().values()))
            )  # fmt: skip
        if session.pulses:
            session.pulses.close()
    return said


def phases(notes: Notes) -> list[tuple]:
    """What was told of each box, in the order of the boxes of a slot; a serial that was dealt out
    for a plan which was cut short is nobody's."""
    ended = [one for one in notes.phases if one.milliseconds is not None]
    boxes: dict[tuple, list[BoxId]] = {}
    for one in sorted((one for one in ended if one.box), key=lambda one: one.box.serial):
        known = boxes.setdefault((one.box.service_name, one.slot), [])
        if one.box not in known:
            known.append(one.box)
    return sorted(
        (str(one.service), one.slot, known.index(one.box) if one.box else -1, one.phase, one.detail,
         one.failed)
        for one in ended
        for known in [boxes.get((one.box.service_name, one.slot), []) if one.box else []]
    )  # fmt: skip


def test_a_box_that_is_replaced_at_its_gate_was_removed_by_nobody_else(tmp_path: Path) -> None:
    """Its relaxation ends while it is waited for: a tight one takes its slot, and is ill, too."""
    time = Time(random.Random(1))
    road = Road(tmp_path, Machine(clock=time))
    for number, name in enumerate(("app:1", "ill:1")):
        road.image(name, f"{number:x}")
        road.machine.workloads[name] = WORKLOADS[name]
    end_ms = time.now_ms() + 4_000
    end = datetime.fromtimestamp(end_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    relaxed = f"relax: [{{fs.scratch-exec: /tmp, why: x, until: {end}}}]"
    with road.open() as session:
        session.clock = time
        session.pulses = Pulses(session.borders.probes, time)
        policy = "orchestr8: 1\nplatform: {policy: {on_expiry: tighten}, owners: {shop: {}}}\n"
        rules = Request(sources({"platform.yaml": policy}), reader({}), "platform")
        apply_request(session, rules, Notes(), TIMEOUT_MS)
        applying(f"api: {{image: 'app:1', {HEALTH}}}")(session, Notes())
        ends = [end_ms]
        session.needed = lambda: bool(ends) and time.now_ms() > ends[0] and bool(ends.pop())
        update = applying(f"api: {{image: 'ill:1', {relaxed}, {HEALTH}}}")(session, Notes())
        session.pulses.close()
    assert update.rolled_back
    (failure,) = update.failures
    assert (failure.why[:21], failure.attempts) == ("not healthy within 1m", 1)
    assert road.boxes() == {"shop--api--1": "0"}
