"""Stories of the whole road: what is applied, what is wanted then, and what goes wrong on the way.

The fleets are those of the planner's stories in the words of manifests. Every service has a health
line, since time is real here and a box without one takes three seconds to settle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from orchestr8.engines.memory.faults import Fault, When
from orchestr8.errors import EngineError, RejectedError, UnavailableError
from tests.laws.road import BAD, Brief, Killed
from tests.laws.stories import fleets, next_fleets

CALLS = (
    "*", "boxes.create", "boxes.observe", "boxes.remove", "boxes.start", "boxes.stop",
    "boxes.update", "boxes.write_names", "images.fetch", "images.resolve", "network.change",
    "network.observe", "network.prepare", "owners.ensure", "probes.check", "volumes.ensure",
    *("boxes.create", "boxes.start", "boxes.stop") * 3,
)  # fmt: skip
"""Which calls fail; those that make or end something more often."""
KILLED_AT_MOST = 60
"""More calls than most applies of these fleets make."""


@dataclass(frozen=True)
class Order:
    """A fault as a story tells it; each command gets a fresh one."""

    call: str
    skip: int
    times: int
    rejected: bool
    lost_answer: bool

    def fault(self) -> Fault:
        """The fault for the engine."""
        kind: type[EngineError] = RejectedError if self.rejected else UnavailableError
        when = When.AFTER if self.lost_answer else When.BEFORE
        return Fault(self.call, kind("as ordered", "wait"), self.skip, self.times, "", when)


@dataclass(frozen=True)
class RoadStory:
    """`before` is applied, then `after`, which meets the faults or is killed at a call.

    `spoilt` is `after` with one service whose new image ends at once, where there is one.
    """

    before: Brief
    after: Brief
    orders: tuple[Order, ...]
    killed_at: int
    lost_answer: bool
    spoilt: Brief

    def kill(self) -> tuple[Fault, ...]:
        """One call is the last that the process makes; it may have had its effect."""
        when = When.AFTER if self.lost_answer else When.BEFORE
        last = Fault("*", Killed(), self.killed_at, 1, "", when)
        return last, Fault("*", Killed(), self.killed_at, None)


@st.composite
def road_stories(draw: st.DrawFn) -> RoadStory:
    """A whole story; there is something in it."""
    before = draw(fleets().filter(lambda brief: bool(brief["services"])))
    after = draw(next_fleets(before).filter(lambda brief: bool(brief["services"])))
    orders = st.builds(
        Order, st.sampled_from(CALLS), st.integers(0, 6), st.integers(1, 3), st.booleans(),
        st.booleans(),
    )  # fmt: skip
    wanted = as_manifests(after)
    return RoadStory(
        as_manifests(before),
        wanted,
        tuple(draw(st.lists(orders, min_size=1, max_size=3))),
        draw(st.integers(0, KILLED_AT_MOST)),
        draw(st.booleans()),
        _spoilt(wanted, draw(st.integers(0, 10))),
    )


def as_manifests(brief: Brief) -> Brief:
    """A fleet in brief with what manifests ask of it and nothing that they refuse."""
    return {"services": {name: _words(words) for name, words in brief["services"].items()}}


def _words(words: Brief) -> dict[str, Any]:
    made = {key: value for key, value in words.items() if key != "share"}
    if made.get("run") == "once":
        del made["replicas"]
    else:
        made["health"] = {"tcp": 5000}
    if "volumes" in made:
        made["replicas"] = min(made["replicas"], 1)
    return made


def _spoilt(brief: Brief, pick: int) -> Brief:
    names = [name for name, words in brief["services"].items() if words.get("replicas")]
    if not names:
        return brief
    name = names[pick % len(names)]
    words = {**brief["services"][name], "image": BAD}
    return {"services": {**brief["services"], name: words}}
