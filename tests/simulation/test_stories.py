"""Stories with a seed each: the loop keeps every invariant, and controllers that do not are found.

`make simulate` tells as many more as one has time for.
"""

from __future__ import annotations

import pytest

from orchestr8.controller.loop import Loop
from tests.simulation.broken import LOOPS
from tests.simulation.table import STORIES, empty, shown
from tests.simulation.telling import Stories, tell

STEPS_LEAST = 100_000
SEEDS_MOST = 200
"""A controller that is wrong is found within so many stories."""
WENT_WRONG = (5335, 6179, 6341)
"""In which a healthy box was ended although its successor did not run."""


@pytest.fixture(scope="module")
def stories() -> Stories:
    """What came of as many stories as are ordered the whole table."""
    told = Stories()
    for seed in range(1, STORIES + 1):
        told.tell(seed)
    return told


def test_whatever_goes_wrong_nothing_is_lost_or_doubled(stories: Stories) -> None:
    assert not stories.broken, "\n\n".join(stories.broken)


def test_everything_that_can_go_wrong_went_wrong_at_each_call(stories: Stories) -> None:
    assert not empty(stories.total.met), f"{shown(stories.total.met)}\n{empty(stories.total.met)}"


def test_there_are_steps_enough(stories: Stories) -> None:
    assert stories.total.steps >= STEPS_LEAST


def test_a_seed_tells_the_same_story_again() -> None:
    assert tell(7) == tell(7)


@pytest.mark.parametrize("seed", WENT_WRONG)
def test_what_went_wrong_once_goes_well(seed: int) -> None:
    tell(seed)


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
