"""One seed, one story: what it was made of, or what it broke."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from orchestr8.controller.loop import Loop
from tests.simulation.invariants import Invariants
from tests.simulation.table import Met
from tests.simulation.world import LoopMaker, World

_SHARED_MEMORY = Path("/dev/shm")


@dataclass
class Told:
    """Stories that were told: how many calls they made, and what went wrong at which."""

    steps: int
    kills: int
    met: Met = field(default_factory=Counter)

    def __add__(self, other: Told) -> Told:
        return Told(self.steps + other.steps, self.kills + other.kills, self.met + other.met)

    def __str__(self) -> str:
        return f"{self.steps} steps, {self.met.total()} of them spoilt, {self.kills} kills"


@dataclass
class Stories:
    """Many stories: their sum, and those that broke something, each with how to tell it again."""

    total: Told = field(default_factory=lambda: Told(0, 0))
    broken: list[str] = field(default_factory=list)

    def tell(self, seed: int) -> None:
        """One more."""
        try:
            self.total += tell(seed)
        except AssertionError as error:
            self.broken.append(f"{error}\nseed {seed}: python -m tests.simulation seed {seed}")


def tell(seed: int, make_loop: LoopMaker = Loop) -> Told:
    """Tells a story to its end; raises AssertionError where an invariant is broken."""
    where = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        world = World(seed, Path(folder) / "state", make_loop)
        invariants = Invariants(world)
        world.tell()
        invariants.at_the_end()
    return Told(world.steps, world.kills, world.met)
