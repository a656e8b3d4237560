"""A kernel that knows memory alone, and loads to play on it: what a quota's boxes go through while
ceilings are set, or while nobody sets any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestr8.isolation.limits import MIB
from orchestr8.names import BoxId
from orchestr8.planning.balance import NOTHING, Division, Load, decide, fair

TICK_MS = 250
TRACES = Path(__file__).parent / "traces"
Decide = Callable[[Sequence[Load], Division, int], Division]


@dataclass
class Shared:
    """One owner's boxes below their quota; sizes in bytes. `decided` has each change and its time
    in milliseconds, `ended` how often each box ran out of memory, and `unjustly` those that did
    while they asked for no more than was promised."""

    quota_bytes: int
    promised: Sequence[int]
    most: Sequence[int]
    held: list[int] = field(init=False)
    decided: list[tuple[int, Division]] = field(default_factory=list)
    ended: Counter[int] = field(default_factory=Counter)
    unjustly: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.held = [0] * len(self.promised)
        self.ids = [BoxId("own", f"box{n}", 1) for n in range(len(self.promised))]

    def loads(self) -> list[Load]:
        """What there is to read."""
        return [Load(*one) for one in zip(self.ids, self.promised, self.most, self.held,
                                          strict=True)]  # fmt: skip

    def play(self, demands: Sequence[Sequence[int]], decides: Decide | None = None) -> Shared:
        """Each row is what the boxes ask for at one moment, a quarter of a second after the last;
        a decision is made before each from what was held at the last."""
        division = NOTHING
        for number, row in enumerate(demands):
            if decides:
                fresh = decides(self.loads(), division, number * TICK_MS)
                if fresh.ceilings != division.ceilings:
                    self.decided.append((number * TICK_MS, fresh))
                division = fresh
            for box, asked in enumerate(row):
                self._ask(box, asked, division)
        return self

    def _ask(self, box: int, asked: int, division: Division) -> None:
        if asked > division.ceilings.get(self.ids[box], self.most[box]):
            self._end(box, asked)
            return
        self.held[box] = asked
        while sum(self.held) > self.quota_bytes:
            first = [n for n, one in enumerate(self.ids) if one in division.over and self.held[n]]
            victim = max(first or range(len(self.held)), key=lambda n: self.held[n])
            self._end(victim, self.held[victim])

    def _end(self, box: int, asked: int) -> None:
        self.held[box] = 0
        self.ended[box] += 1
        if asked <= self.promised[box]:
            self.unjustly[box] += 1

    def decider(self, *, ceilings: bool = True) -> Decide:
        """The real decision for this quota."""

        def decided(loads: Sequence[Load], before: Division, now_ms: int) -> Division:
            return decide(self.quota_bytes, loads, before, now_ms, ceilings=ceilings)

        return decided

    def jumpy(self) -> Decide:
        """A planner broken on purpose: whatever would be fair now, without any damping."""

        def decided(loads: Sequence[Load], before: Division, now_ms: int) -> Division:
            return Division(fair(self.quota_bytes, loads))

        return decided

    @property
    def lowered_ms(self) -> list[int]:
        """When some box got a ceiling, or a lower one."""
        found, before = [], NOTHING
        for at_ms, division in self.decided:
            most = before.ceilings
            if any(one < most.get(box_id, one + 1) for box_id, one in division.ceilings.items()):
                found.append(at_ms)
            before = division
        return found


def recorded(name: str, most_bytes: int) -> list[int]:
    """A recorded load, four readings a second, stretched so that its peak is `most_bytes`."""
    read = [int(line) for line in (TRACES / f"{name}.txt").read_text().split()]
    return [one * most_bytes // max(read) // MIB * MIB for one in read]
