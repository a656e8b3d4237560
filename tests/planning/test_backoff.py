"""Back-off: two tries at once, then a second, doubling to five minutes; a good run forgives."""

from __future__ import annotations

import pytest

from orchestr8.boxes.records import Failures
from orchestr8.planning.backoff import GOOD_RUN_MS, after_failure, delay_ms, try_again_ms


@pytest.mark.parametrize(
    ("count", "delay"),
    [(0, 0), (1, 0), (2, 0), (3, 1_000), (4, 2_000), (5, 4_000), (11, 256_000), (12, 300_000),
     (10_000, 300_000)],
)  # fmt: skip
def test_delay(count: int, delay: int) -> None:
    assert delay_ms(count) == delay


def test_no_failure_no_wait() -> None:
    assert try_again_ms(None, 0) == 0


def test_wait_counts_from_the_last_failure() -> None:
    assert try_again_ms(Failures(4, 70_000), 0) == 72_000


def test_a_good_run_is_forgiven() -> None:
    assert try_again_ms(Failures(9, 70_000), GOOD_RUN_MS) == 0
    assert try_again_ms(Failures(9, 70_000), GOOD_RUN_MS - 1) > 0


def test_failures_add_up() -> None:
    first = after_failure(None, 0, 1_000, "one")
    assert first == Failures(1, 1_000, "one")
    second = after_failure(first, 5_000, 9_000, "two")
    assert second == Failures(2, 9_000, "two")
    assert after_failure(second, GOOD_RUN_MS, 10_000, "three") == Failures(1, 10_000, "three")
