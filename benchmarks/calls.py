"""What the engine's single calls on a box take: a limit changed, a command run, a gate opened."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator

from msgspec.structs import replace

from benchmarks.crun_boxes import CrunBoxesOfOurs, crun_boxes
from benchmarks.ground import Ground
from benchmarks.rows import Row, in_turn, milliseconds
from benchmarks.workload import offset, stamp, workload
from orchestr8.isolation.limits import MIB
from orchestr8.names import STANDBY

TITLE = "Single calls on a box"
ROUNDS = 100


def rows(ground: Ground) -> Iterator[Row]:
    """The calls of the crun engine in this process."""
    folder = ground.scratch / "calls"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    with crun_boxes(workload(folder).archive) as ours:
        box = ours.box()
        ours.boxes.create(box)
        ours.boxes.start(box.id)
        sizes = itertools.cycle((48 * MIB, 64 * MIB))

        def limit() -> float:
            wanted = replace(box.limits, memory_max_bytes=next(sizes))
            return milliseconds(lambda: ours.boxes.update(box.id, wanted))

        def command() -> float:
            return milliseconds(lambda: ours.boxes.execute(box.id, ["/first", "once"]))

        measures = {
            "first": limit,
            "limit": limit,
            "command": command,
            "gate": lambda: _gate(ours, standby=False),
            "standby": lambda: _gate(ours, standby=True),
        }
        found = in_turn(ROUNDS, measures)
    yield _row("a limit changed", found["limit"], 0.2, "one after the other")
    yield _row(
        "a limit changed, the first after other calls", found["first"], 0.2,
        "a box was made and removed just before, so the processor's caches hold nothing of it",
    )  # fmt: skip
    yield _row("a command run, to its end", found["command"], 8)
    yield _row("a created box started", found["gate"], 1, "to the workload's first instruction")
    yield _row(
        "a standby taken", found["standby"], 1,
        "its slot written and its gate opened, to the workload's first instruction",
    )  # fmt: skip


def _row(name: str, taken: list[float], most: float, note: str = "") -> Row:
    """Milliseconds by their median, with the 95th percentile in the note."""
    late = f"the 95th percentile is {sorted(taken)[int(len(taken) * 0.95) - 1]:.2f} ms"
    told = f"{note}; {late}" if note else late
    return Row(name, statistics.median(taken), None, "", "ms", len(taken), most=most, note=told)


def _gate(ours: CrunBoxesOfOurs, *, standby: bool) -> float:
    box = replace(ours.box(), slot=STANDBY) if standby else ours.box()
    ours.boxes.create(box)
    began = time.monotonic_ns()
    if standby:
        ours.boxes.take(box.id, 0)
    else:
        ours.boxes.start(box.id)
    taken = stamp(ours.log(box.id)) - offset(ours.pid(box.id)) - began
    ours.end(box.id)
    return taken / 1e6
