"""The laws hold for the planner, over many stories."""

from __future__ import annotations

import pytest
from hypothesis import given

from orchestr8.planning.reconcile import reconcile
from tests.laws.effort import stories_of
from tests.laws.laws import LAWS, Law
from tests.laws.stories import Story, stories
from tests.laws.ways import WAY_LAWS

EXAMPLES = 50


@pytest.mark.parametrize("law", (*LAWS, *WAY_LAWS), ids=lambda law: law.__name__)
def test_law(law: Law) -> None:
    @stories_of(EXAMPLES)
    @given(stories())
    def holds(story: Story) -> None:
        law(story, reconcile)

    holds()
