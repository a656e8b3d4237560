"""The tests of the laws: each is broken by a planner made for it, and is seen to be."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.laws.broken import BROKEN
from tests.laws.effort import until_broken
from tests.laws.laws import LAWS, Law
from tests.laws.simulation import Planner
from tests.laws.stories import Story, stories
from tests.laws.ways import WAY_LAWS

EXAMPLES = 300


def test_every_law_can_be_broken() -> None:
    assert {law for law, _planner in BROKEN} == {*LAWS, *WAY_LAWS}


@pytest.mark.parametrize(("law", "planner"), BROKEN, ids=lambda one: one.__name__)
def test_broken(law: Law, planner: Planner) -> None:
    @until_broken(EXAMPLES)
    @given(stories())
    def holds(story: Story) -> None:
        law(story, planner)

    with pytest.raises(AssertionError):
        holds()
