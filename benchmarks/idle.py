"""What a box costs that does nothing, beyond the same program without a box."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import Ground
from benchmarks.installation import Installation, installation
from benchmarks.processes import TICK_MS, held_kilobytes, parent, spent_ms
from benchmarks.rows import Row

TITLE = "An idle box"
SECONDS = 10
BOXES = 5
PROGRAM = ["sleep", "86400"]
PEER = "the program without a box"
Processes = list[list[int]]


def rows(ground: Ground) -> Iterator[Row]:
    """Memory and processor time: the workload and the engine's shim of its box."""
    manifest = ground.scratch / "idle.yaml"
    line = f'{{image: "hello:1", entrypoint: {json.dumps(PROGRAM)}}}'
    services = "\n".join(f"  box-{n}: {line}" for n in range(BOXES))
    manifest.write_text(f"orchestr8: 1\nowner: idle\nservices:\n{services}\n")
    with installation(ground) as ours:
        ours.type("apply", str(manifest))
        boxes = [_processes(ours, f"box-{n}.idle") for n in range(BOXES)]
        program = ground.scratch / "program"
        program.write_bytes(Path(f"/proc/{boxes[0][0]}/exe").read_bytes())
        program.chmod(0o755)
        bare = [subprocess.Popen(PROGRAM, executable=program) for _ in range(BOXES)]
        try:
            time.sleep(1)
            yield from _rows(boxes, [[one.pid] for one in bare])
        finally:
            for one in bare:
                one.kill()
                one.wait()


def _rows(boxes: Processes, bare: Processes) -> Iterator[Row]:
    before = [[spent_ms(one) for one in side] for side in (boxes, bare)]
    time.sleep(SECONDS)
    ours, peer = [
        statistics.median(spent_ms(one) - was for one, was in zip(side, earlier, strict=True))
        for side, earlier in zip((boxes, bare), before, strict=True)
    ]
    held = statistics.median(map(held_kilobytes, bare))
    workloads = [box[:1] for box in boxes]
    for name, processes in (("a box", boxes), ("a box without its shim", workloads)):
        yield Row(
            f"memory of {name}",
            statistics.median(map(held_kilobytes, processes)),
            held,
            PEER,
            "kB",
            BOXES,
            note=f"proportional (PSS), {BOXES} of each at once; the shim is the engine's",
        )
    yield Row(
        f"processor time in {SECONDS} s",
        ours,
        peer,
        PEER,
        "ms",
        BOXES,
        note=f"the kernel counts in steps of {TICK_MS:.0f} ms; nobody watches the boxes meanwhile",
    )


def _processes(ours: Installation, service: str) -> list[int]:
    """The workload's first process, and the shim that keeps it."""
    pid = int(ours.container(service)["State"]["Pid"])
    return [pid, parent(pid)]
