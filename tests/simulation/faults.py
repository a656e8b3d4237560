"""A machine, its events, its calls and its disk, on which go wrong what a seed and a table say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.faults import Faults
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.errors import Orchestr8Error, RejectedError, UnavailableError
from orchestr8.names import BoxId
from orchestr8.store.database import Database
from orchestr8.store.lock import told
from orchestr8.store.store import Store
from tests.laws.road import Killed
from tests.simulation.table import (
    DELAYED,
    EVENT,
    EVENT_FAULTS,
    FAULTS,
    KILLED_AFTER,
    KILLED_BEFORE,
    REJECTED,
    REPEATED,
    STORE,
    SURROUNDINGS,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

CHANCES = {
    "unavailable": 0.012, REJECTED: 0.003, "answer lost": 0.01, "slow": 0.016,
    KILLED_BEFORE: 0.004, KILLED_AFTER: 0.005,
}  # fmt: skip
"""How likely each is at any one call."""
TWICE_CHANCES = {REPEATED: 0.02, DELAYED: 0.01}
SLOW_SECONDS = 5.0
LATE_SECONDS = 8.0
_OF_ENGINE = ("boxes", "images", "volumes")


class StormyMachine(Machine):
    """A machine whose events get lost, come late, twice, and in another order."""

    world: World | None = None
    late: tuple[Callable[[], None], ...] = ()
    """An event that waits for the next one to overtake it."""

    def tell(self, box_id: BoxId) -> None:
        """Whoever listens hears of it, or not."""
        world = self.world
        assert world
        deliver = partial(super().tell, box_id)
        fault = world.fate(EVENT, dict.fromkeys(EVENT_FAULTS, 0.15)) if world.storm else ""
        overtaken, self.late = self.late, (deliver,) if fault == "reordered" else ()
        if fault not in ("lost", "reordered"):
            world.time.at(LATE_SECONDS if fault == "delayed" else 0.0, deliver)
        if fault == "repeated":
            world.time.at(world.chance.random() * LATE_SECONDS, deliver)
        for late in overtaken:
            world.time.at(0.1, late)


class Storm(Faults):
    """Each call may fail before or after its effect, take long, or be the process's last."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @contextmanager
    def during(self, call: str, subject: str = "") -> Iterator[None]:
        """Surrounds one call."""
        world = self._world
        world.steps += 1
        self._require_alive()
        fault = world.fate(call, CHANCES)
        if fault in SURROUNDINGS:
            world.befall(fault)
        if fault == KILLED_BEFORE:
            world.dead = True
            self._require_alive()
        away = call.partition(".")[0] in _OF_ENGINE and world.engine_is_away
        if fault == "unavailable" or away:
            raise UnavailableError("the engine is away", "wait")
        if fault == REJECTED:
            raise RejectedError("as the seed will have it")
        world.before(call, subject)
        yield
        world.after(call, subject)
        if fault == KILLED_AFTER:
            world.dead = True
            self._require_alive()
        if fault == "answer lost":
            raise UnavailableError("the answer was lost", "wait")
        if fault == "slow":
            world.time.pass_to(world.time.seconds + SLOW_SECONDS)

    def _require_alive(self) -> None:
        if self._world.dead:
            raise Killed


class _Twice:
    """A part of the borders whose acts are made a second time, at once or when nobody expects it
    any more."""

    def __init__(self, part: Any, name: str, world: World) -> None:
        self._part, self._name, self._world = part, name, world

    def __getattr__(self, method: str) -> Any:
        act = getattr(self._part, method)
        call = f"{self._name}.{method}"
        if call not in FAULTS[REPEATED]:
            return act

        def made(*arguments: Any) -> Any:
            fault = self._world.fate(call, TWICE_CHANCES)
            if fault == DELAYED:
                self._world.time.at(LATE_SECONDS, lambda: self._late(act, arguments))
                raise UnavailableError("nobody answered in time", "wait")
            answer = act(*arguments)
            return act(*arguments) if fault == REPEATED else answer

        return made

    def _late(self, act: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """The engine comes to a call whose caller has long gone."""
        world = self._world
        alive, world.dead = world.dead, False
        calm, world.storm = world.storm, False
        world.is_late = True
        try:
            act(*arguments)
        except Orchestr8Error:
            return  # nobody hears it
        finally:
            world.dead, world.storm, world.is_late = alive, calm, False


def stormy_borders(world: World) -> Callable[[Machine, Contents], Borders]:
    """Borders over which acts may go twice."""

    def borders(machine: Machine, contents: Contents) -> Borders:
        plain = memory_borders(machine, contents)
        parts = ("boxes", "images", "volumes", "network", "owners")
        return replace(plain, **{name: _Twice(getattr(plain, name), name, world) for name in parts})

    return borders


class _StormyDatabase(Database):
    """A database on a disk that gets full, of a process that may die at any transaction."""

    world: World

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, or the process ends before or after."""
        if self._connection.in_transaction:
            with super().transaction() as connection:
                yield connection
            return
        world = self.world
        world.steps += 1
        fault = world.fate(STORE, {KILLED_BEFORE: 0.003, KILLED_AFTER: 0.003})
        if fault in SURROUNDINGS:
            world.befall(fault)
        if world.disk_is_full:
            with told(self.folder):
                raise sqlite3.OperationalError("database or disk is full")
        with super().transaction() as connection:
            yield connection
            if fault == KILLED_BEFORE:
                world.dead = True
                raise Killed
        if fault == KILLED_AFTER:
            world.dead = True
            raise Killed


def stormy_store(folder: Path, world: World) -> Store:
    """The state folder, on such a disk."""

    class OfThisWorld(_StormyDatabase):
        pass

    OfThisWorld.world = world

    class StormyStore(Store):
        database = OfThisWorld

    return StormyStore(folder)
