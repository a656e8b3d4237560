"""What a server costs that keeps two hundred boxes that do nothing, beside the engine below it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import Ground
from benchmarks.installation import installation
from benchmarks.processes import held_kilobytes, spent_ms
from benchmarks.rows import Row
from benchmarks.serving import serving
from tests.hosts.processes import naming

TITLE = "Two hundred idle boxes, kept"
BOXES = 200
SETTLE_SECONDS = 45.0
"""In this time the server has looked at everything and proved what was never proved."""
SECONDS = 60.0
PROGRAM = ["sh", "-c", "trap exit TERM; sleep 86400 & wait"]
"""A first process hears only what it listens to."""


def rows(ground: Ground) -> Iterator[Row]:
    """The server's memory, and its processor time against the engine's and its shims'."""
    manifest = ground.scratch / "kept.yaml"
    words = f'image: "hello:1", entrypoint: {json.dumps(PROGRAM)}, replicas: {BOXES}'
    manifest.write_text(f"orchestr8: 1\nowner: kept\nservices:\n  box: {{{words}}}\n")
    with installation(ground) as ours:
        ours.type("apply", str(manifest), "--timeout", "10m")
        with serving(ours) as server:
            time.sleep(SETTLE_SECONDS)
            engine = [one.pid for one in naming(ground.engine.socket.parent)]
            before = spent_ms([server]), spent_ms(engine)
            time.sleep(SECONDS)
            loop, below = spent_ms([server]) - before[0], spent_ms(engine) - before[1]
            held = held_kilobytes([server]) / 1000
            resident = _resident_megabytes(server)
    yield Row(
        "resident memory of the server", resident, None, "", "MB", 1, most=80,
        note=f"{BOXES} boxes; {held:.0f} MB of it proportional (PSS)",
    )  # fmt: skip
    yield Row(
        f"its processor time in {SECONDS:.0f} s", loop, below, "the engine and its shims", "ms", 1,
        most=0.1, note=f"{BOXES} boxes without a health line, in the same minute",
    )  # fmt: skip


def _resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1000
