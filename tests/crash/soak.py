"""`python3 -m tests.crash.soak SECONDS [LIVES]`: boxes on crun live while somebody kills at random.

Many lives, two at a time in processes of their own: created, started, seen, stopped, removed. Of
some the maker is killed, at a moment that may lie in the midst of a program that works for it; of
some the monitor. Whatever a killed maker leaves is taken over by the next one, who finds or makes a
whole box. At the end, and every hundred lives, the machine is as it was before.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State
from orchestr8.engines.crun import carried
from orchestr8.engines.crun.places import Places
from tests.conformance.crun import RUN, ready_crun
from tests.crash.lives import NEVER, Lives
from tests.scenarios.fleet import eventually

LIVES = 5_000
_AT_ONCE = 2
_BATCH = 100
_LIFE_SECONDS = 0.5
"""A box's life in a process of its own takes about half of it, more on a busy machine."""
_END_SECONDS = 60.0


@dataclass
class Soak:
    """What was lived and killed so far."""

    lives: Lives
    lines: int
    counted: Counter[str] = field(default_factory=Counter)

    def one(self, box: Box) -> None:
        """One life, with or without a kill in it."""
        name, live = random.choices(
            (("whole", self._whole), ("maker", self._maker_killed),
             ("line", self._killed_at_line), ("monitor", self._monitor_killed)),
            weights=(80, 6, 4, 10),
        )[0]  # fmt: skip
        live(box)
        self.counted[name] += 1

    def _whole(self, box: Box) -> None:
        self.lives.again(box)

    def _maker_killed(self, box: Box) -> None:
        self.lives.killed_after(box, random.uniform(0, _LIFE_SECONDS))
        self._taken_over(box)

    def _killed_at_line(self, box: Box) -> None:
        self.lives.killed_at(box, random.randint(1, self.lines))
        self._taken_over(box)

    def _taken_over(self, box: Box) -> None:
        """A box that survived its maker is found as it is, and is the same one afterwards."""
        boxes = self.lives.bench.boxes
        self.lives.settle(box)
        for found in boxes.observe([box.id]).boxes:
            if found.state is State.RUNNING:
                boxes.create(box)
                boxes.start(box.id)
                assert self.lives.bench.see(box).pid == found.pid, "doubled, not taken over"
                self.counted["survived"] += 1
        self.lives.again(box)

    def _monitor_killed(self, box: Box) -> None:
        """At its gate or running: the box has ended with it, and the next one is whole."""
        boxes, bench = self.lives.bench.boxes, self.lives.bench
        boxes.create(box)
        if random.random() < 0.7:
            boxes.start(box.id)
        places = Places(bench.state / "crun", RUN / bench.installation / "crun")
        held = carried.read(places.box(box.id).record)
        assert held and held.monitor
        held.monitor.signal(9)
        eventually(lambda: bench.see(box).state is State.STOPPED, _END_SECONDS)
        self.lives.again(box)


def main(seconds: float, lives_most: int) -> int:
    with ready_crun() as bench:
        return _soak(Lives(bench), time.monotonic() + seconds, lives_most)


def _soak(lives: Lives, deadline: float, lives_most: int) -> int:
    """Prints a line for every hundred lives; the exit status."""
    lives.again(lives.box())
    lines = int(lives.killed_at(lives.box(), NEVER))
    soak, before = Soak(lives, lines), lives.remains()
    print(f"a box's life has {lines} lines", flush=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while time.monotonic() < deadline and sum_of(soak) < lives_most:
            boxes = [lives.box() for _ in range(_BATCH)]
            list(pool.map(soak.one, boxes))
            lives.bench.forget(boxes)
            told = _settled(lambda: lives.remains() == before)
            print(f"{sum_of(soak):5} lives  {dict(soak.counted)}", flush=True)
            if not told:
                print(f"left {lives.remains()}, not {before}", flush=True)
                return 1
    print(f"{sum_of(soak)} lives: the machine is as it was")
    return 0


def sum_of(soak: Soak) -> int:
    """The lives so far."""
    return soak.counted.total() - soak.counted["survived"]


def _settled(is_so: Callable[[], bool]) -> bool:
    try:
        eventually(is_so, _END_SECONDS)
    except AssertionError:
        return False
    return True


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(float(words[0]) if words else 600, int(words[1]) if words[1:] else LIVES))
