"""The laws of the whole road hold for the memory engine, over many stories."""

from __future__ import annotations

import pytest
from hypothesis import given

from orchestr8.engines.memory.engine import memory_borders
from tests.laws.effort import stories_of
from tests.laws.road_laws import ROAD_LAWS, RoadLaw
from tests.laws.road_stories import RoadStory, road_stories

EXAMPLES = 25


@pytest.mark.parametrize("law", ROAD_LAWS, ids=lambda law: law.__name__)
def test_law(law: RoadLaw) -> None:
    @stories_of(EXAMPLES)
    @given(road_stories())
    def holds(story: RoadStory) -> None:
        law(story, memory_borders)

    holds()
