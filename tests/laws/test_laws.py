"""The laws hold for the planner, over many stories."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from orchestr8.planning.reconcile import reconcile
from tests.laws.laws import LAWS, Law
from tests.laws.stories import Story, stories

EXAMPLES = 50


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Law) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def holds(story: Story) -> None:
        law(story, reconcile)

    holds()
