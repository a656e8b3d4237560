"""What a fleet holds of memory in the process that plans it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.ground import Ground, plain_environment, python, run
from benchmarks.rows import Row, in_turn, medians

TITLE = "Memory"
ROUNDS = 3
SMALL, LARGE = 1, 10


def rows(_: Ground) -> Iterator[Row]:
    """Resident memory a box: a process that planned 10,000 against one that planned 1,000."""

    def resident(thousands: int) -> float:
        command = python("-m", "benchmarks.resident", str(thousands))
        return float(run(command, plain_environment()))

    found = medians(
        in_turn(
            ROUNDS, {"small": lambda: resident(SMALL), "large": lambda: resident(LARGE)}, warm=0
        )
    )
    boxes = (LARGE - SMALL) * 1_000
    yield Row(
        "resident memory a box",
        (found["large"] - found["small"]) / boxes / 1_000,
        None,
        "",
        "kB",
        ROUNDS,
        most=15,
        note="manifests, contracts, records, what was observed and the plan, all held at once",
    )
