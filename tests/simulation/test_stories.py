"""Stories with a seed each: the loop keeps every invariant, and controllers that do not are found.

`make simulate` tells as many more as one has time for.
"""

from __future__ import annotations

import pytest

from orchestr8.controller.loop import Loop
from tests.simulation.broken import LOOPS
from tests.simulation.telling import tell

SEEDS = range(1, 37)
AT_ONCE = 4
SEEDS_MOST = 60
"""A controller that is wrong is found within so many stories."""


@pytest.mark.parametrize("first", SEEDS[::AT_ONCE])
def test_whatever_goes_wrong_nothing_is_lost_or_doubled(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        told = tell(seed)
        assert told.steps > 100, f"python -m tests.simulation seed {seed}"


def test_a_seed_tells_the_same_story_again() -> None:
    assert tell(7) == tell(7)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_controller_that_is_wrong_is_found(loop: type[Loop]) -> None:
    for seed in range(1, SEEDS_MOST):
        try:
            tell(seed, loop)
        except AssertionError:
            break
    else:
        raise AssertionError(f"{loop.__name__} got through {SEEDS_MOST} stories")
    tell(seed)
