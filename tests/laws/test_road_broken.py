"""The tests of the road's laws: each is broken by an engine made for it, and is seen to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from orchestr8.engines.memory.engine import memory_borders
from tests.laws.effort import until_broken
from tests.laws.road import Engine
from tests.laws.road_broken import BROKEN
from tests.laws.road_laws import ROAD_LAWS, RoadLaw
from tests.laws.road_stories import RoadStory, road_stories

EXAMPLES = 100


def test_every_law_can_be_broken() -> None:
    assert {law for law, *_rest in BROKEN} == set(ROAD_LAWS)


@pytest.mark.parametrize(("law", "engine", "shows"), BROKEN, ids=lambda one: one.__name__)
def test_broken(law: RoadLaw, engine: Engine, shows: Callable[[RoadStory], bool]) -> None:
    """The first story that breaks the law on this engine is kept by the good one."""
    broken: list[RoadStory] = []

    @until_broken(EXAMPLES)
    @given(road_stories().filter(shows))
    def holds(story: RoadStory) -> None:
        try:
            law(story, engine)
        except AssertionError:
            broken.append(story)
            raise

    with pytest.raises(AssertionError):
        holds()
    law(broken[-1], memory_borders)
