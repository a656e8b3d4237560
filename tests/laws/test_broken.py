"""The tests of the laws: each is broken by a planner made for it, and is seen to be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.laws.broken import BROKEN
from tests.laws.laws import LAWS, Law
from tests.laws.simulation import Planner
from tests.laws.stories import Story, stories

EXAMPLES = 300


def test_every_law_can_be_broken() -> None:
    assert {law for law, _planner in BROKEN} == set(LAWS)


@pytest.mark.parametrize(("law", "planner"), BROKEN, ids=lambda one: one.__name__)
def test_broken(law: Law, planner: Planner) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def holds(story: Story) -> None:
        law(story, planner)

    with pytest.raises(AssertionError):
        holds()
