"""A row: one thing measured of ours and of its peer, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

Measure = Callable[[], float]


class Verdict(Enum):
    """What a row came to, as it is printed."""

    MET = "met"
    MISSED = "MISSED"
    PEER_MISSING = "PEER MISSING"
    FAILED = "FAILED"
    BESIDE = ""
    """Measured beside the others, with no goal of its own."""


@dataclass(frozen=True)
class Row:
    """Medians of ours and of a peer over `runs` rounds in turn, in `unit`.

    `most` is the goal: what the ratio may be at most or, where there is no peer but a number that
    was promised, what ours may be. `note` says what one must know to read the row.
    """

    name: str
    ours: float | None
    peer: float | None
    peer_name: str
    unit: str
    runs: int
    most: float | None = None
    note: str = ""
    failure: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours for one of the peer's."""
        return self.ours / self.peer if self.ours is not None and self.peer else None

    @property
    def verdict(self) -> Verdict:
        """Whether the goal was met, where there is one and everything was there."""
        if self.failure:
            return Verdict.FAILED
        if self.peer_name and self.peer is None:
            return Verdict.PEER_MISSING
        compared = self.ratio if self.peer_name else self.ours
        if self.most is None or compared is None:
            return Verdict.BESIDE
        return Verdict.MET if compared <= self.most else Verdict.MISSED


def failed(name: str, error: BaseException) -> Row:
    """The row of what could not be measured."""
    why = " ".join(f"{type(error).__name__}: {error}".split())
    return Row(name, None, None, "", "", 0, failure=why[-400:])


def in_turn(
    rounds: int, measures: Mapping[str, Measure], warm: int = 1, *, both_ways: bool = False
) -> dict[str, list[float]]:
    """Each measure once a round, one after the other, so that all meet the same machine.

    The first `warm` rounds fill caches and do not count. With `both_ways` every other round goes
    from the last measure to the first.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    order = list(measures)
    for number in range(rounds + warm):
        for name in order:
            value = measures[name]()
            if number >= warm:
                found[name].append(value)
        if both_ways:
            order.reverse()
    return found


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(values) for name, values in found.items()}


def milliseconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000
