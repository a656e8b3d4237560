"""Many boxes by the engine's own calls, two at a time: how many a second, and what each holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.crun_boxes import CrunBoxesOfOurs, crun_boxes
from benchmarks.ground import Ground
from benchmarks.processes import held_kilobytes
from benchmarks.rows import Row
from benchmarks.workload import workload
from orchestr8.boxes.desired import Box
from orchestr8.engines.crun import carried

TITLE = "Two hundred boxes, two at a time"
COUNT, AT_ONCE = 200, 2
_PARTS = 4


def rows(ground: Ground) -> Iterator[Row]:
    """From the first call to the last workload's start; then all go."""
    folder = ground.scratch / "crowd"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    with crun_boxes(workload(folder).archive) as ours:
        boxes = [ours.box() for _ in range(COUNT)]
        size = COUNT // _PARTS
        parts = [boxes[first : first + size] for first in range(0, COUNT, size)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            spent = [provisioned(pool, ours, part) for part in parts]
            monitors = [monitor_of(ours, box) for box in boxes]
            held = held_kilobytes(monitors) / COUNT
            looked = time.perf_counter()
            observed = len(ours.boxes.observe().boxes)
            looked = (time.perf_counter() - looked) * 1000
            assert observed == COUNT
            ends = time.perf_counter()
            list(pool.map(lambda box: ours.end(box.id), boxes))
            ends = time.perf_counter() - ends
    yield Row(
        "one box of them", sum(spent) / COUNT * 1000, None, "", "ms", COUNT, most=1000 / 150,
        note=f"{COUNT / sum(spent):.0f} a second; the goal is 150, better 200",
    )  # fmt: skip
    yield Row(
        f"one of the last {size}", spent[-1] / size * 1000, spent[0] / size * 1000,
        f"one of the first {size}", "ms", size, most=1.2,
        note="what one more box costs does not grow with how many there are",
    )  # fmt: skip
    yield Row("one of them stopped and removed", ends / COUNT * 1000, None, "", "ms", COUNT)
    yield Row(
        "memory beyond the workload", held, None, "", "kB", COUNT, most=500,
        note="the monitor's, proportional (PSS)",
    )  # fmt: skip
    yield Row(f"all {COUNT} observed", looked, None, "", "ms", 1)


def provisioned(pool: ThreadPoolExecutor, ours: CrunBoxesOfOurs, boxes: list[Box]) -> float:
    """Creates and starts them; the seconds that it took."""

    def provision(box: Box) -> None:
        ours.boxes.create(box)
        ours.boxes.start(box.id)

    began = time.perf_counter()
    list(pool.map(provision, boxes))
    return time.perf_counter() - began


def monitor_of(ours: CrunBoxesOfOurs, box: Box) -> int:
    """The process that keeps a box's log and exit status."""
    held = carried.read(ours.log(box.id).with_name("box.json"))
    assert held and held.monitor
    return held.monitor.pid
