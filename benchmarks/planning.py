"""Planning a fleet in which nothing has changed, against loading its manifests.

The garbage collector is set as our command sets it, and has nothing to do when a measure begins.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

from benchmarks.fleets import steady, texts
from benchmarks.ground import Ground
from benchmarks.rows import Row, in_turn, medians, milliseconds
from orchestr8.__main__ import OBJECTS_BETWEEN_COLLECTIONS
from orchestr8.manifest.load import load

TITLE = "Planning"
ROUNDS = 7
ROUNDS_LARGE = 5


def rows(_: Ground) -> Iterator[Row]:
    """1,000 services against loading them, 10,000 against 1,000."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    thousand, sources = steady(1), texts(0)

    def plan_thousand() -> float:
        gc.collect()
        return milliseconds(thousand.plan)

    def load_thousand() -> float:
        gc.collect()
        return milliseconds(lambda: load(sources))

    found = medians(in_turn(ROUNDS, {"plan": plan_thousand, "load": load_thousand}))
    yield Row(
        "plan 1,000 unchanged services",
        found["plan"],
        found["load"],
        "loading their manifests",
        "ms",
        ROUNDS,
        most=0.1,
        note="from contracts to an empty plan; loading is the whole of `load`",
    )
    large = steady(10)

    def plan_large() -> float:
        gc.collect()
        return milliseconds(large.plan)

    measures = {"large": plan_large, "thousand": plan_thousand}
    found = medians(in_turn(ROUNDS_LARGE, measures))
    yield Row(
        "plan 10,000 unchanged services",
        found["large"],
        found["thousand"],
        "planning 1,000",
        "ms",
        ROUNDS_LARGE,
        most=11,
        note="ten sets",
    )
