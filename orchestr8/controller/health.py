"""What boxes say about themselves: one look for a snapshot, and the judgement at a gate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from orchestr8 import units
from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.controller.settings import PARALLEL_CALLS, SETTLE_MS
from orchestr8.engines.protocol import Probes
from orchestr8.manifest.model import Health as HealthLine
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import AwaitBox


def look_at_health(
    boxes: tuple[ObservedBox, ...],
    services: Mapping[ServiceName, DesiredService],
    probes: Probes,
    now_ms: int,
) -> dict[BoxId, Health]:
    """The health of every running box; those with a health line are asked, in parallel."""
    asked: list[tuple[ObservedBox, HealthLine]] = []
    health: dict[BoxId, Health] = {}
    for box in boxes:
        service = services.get(box.id.service_name)
        if box.state is not State.RUNNING or service is None:
            continue
        if service.health and box.pid:
            asked.append((box, service.health))
        else:
            settled = now_ms - box.started_ms >= SETTLE_MS
            health[box.id] = Health.HEALTHY if settled else Health.SETTLING
    with ThreadPoolExecutor(PARALLEL_CALLS) as pool:
        answers = pool.map(lambda pair: _ask(pair[0], pair[1], probes, now_ms), asked)
        health |= {box.id: answer for (box, _), answer in zip(asked, answers, strict=True)}
    return health


def _ask(box: ObservedBox, line: HealthLine, probes: Probes, now_ms: int) -> Health:
    """Healthy at the first good answer; unhealthy after as many failures in a row as it says.

    A box that may still be starting is not called unhealthy.
    """
    starting = now_ms - box.started_ms < line.within_ms
    for attempt in range(1 if starting else line.failures):
        if attempt:
            time.sleep(line.every_ms / 1000)
        if not probes.check(box.id, box.pid or 0, line.check, line.timeout_ms):
            return Health.HEALTHY
    return Health.UNKNOWN if starting else Health.UNHEALTHY


@dataclass(frozen=True)
class Passed:
    """The gate is open."""


@dataclass(frozen=True)
class Shut:
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
    if box.out_of_memory:
        most = f" ({units.format_size(box.limits.memory_max_bytes)})" if box.limits else ""
        return f"the box ran out of memory{most}"
    lasted = ""
    if box.started_ms and box.stopped_ms >= box.started_ms:
        lasted = f" after {_lasted(box.stopped_ms - box.started_ms)}"
    return f"the box exited with status {box.exit_status}{lasted}"


def _lasted(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds // 1000} s"
