"""A sample of the instants; `make crash` walks through all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hosts
from tests.crash.remains import differences
from tests.crash.story import Story, story

NUMBERS = (25, 70, 105, 140, 170, 200, 225, 250)
"""From the first revision that is stored to the proof."""


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    with hosts.engine("28") as engine:
        hosts.load_images(engine.socket)
        with story(engine) as made:
            yield made


@pytest.mark.on_engine("docker28")
@pytest.mark.parametrize("number", NUMBERS)
def test_the_apply_after_a_kill_converges_and_leaves_nothing(told: Story, number: int) -> None:
    ending, wrong = told.kill(number)
    assert ending.call, f"an apply makes {ending.calls} calls only"
    assert not wrong, f"killed at {ending.call}:\n" + "\n".join(wrong)


@pytest.mark.on_engine("docker28")
def test_after_all_kills_a_further_apply_does_nothing(told: Story) -> None:
    assert "nothing to do" in told.settled()
    assert told.fleet.proved() == 3


def test_what_is_doubled_left_over_or_missing_is_told() -> None:
    before = {"boxes": ("a", "b"), "mounts": ("m",)}
    after = {"boxes": ("a", "a"), "mounts": ("m", "n")}
    assert differences(before, after) == (
        "boxes: too much: a",
        "boxes: missing: b",
        "mounts: too much: n",
    )
