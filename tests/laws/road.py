"""The whole road over a simulated machine: store, contracts, plan, executor, as `apply` walks it.

Every command opens the store anew, as a process of its own would; what one that was killed left is
what the next one finds. Engines can be made to misbehave, and all calls are watched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from orchestr8.boxes.network import Ranges
from orchestr8.controller.applied import Applied
from orchestr8.controller.apply import Prospect, apply_request, plan_request
from orchestr8.controller.making import down
from orchestr8.controller.progress import Phase
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.engines.memory.faults import Faults
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import Workload, dies_at_once
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.manifest.model import Source
from orchestr8.store.store import Store

Brief = Mapping[str, Any]
Engine = Callable[[Machine, Contents], Borders]
"""Makes the borders of a machine: the memory engine, or one that breaks a law."""

SET = "story"
TIMEOUT_MS = 30_000
SLOWLY_MS = 20
BAD = "bad:1"
"""An image whose boxes end at once."""
WORKLOADS = {
    "x:2": Workload(healthy_after_ms=SLOWLY_MS),
    BAD: dies_at_once(),
    "job.one": Workload(exits_after_ms=0),
    "job.two": Workload(exits_after_ms=0),
}
_SHARED_MEMORY = Path("/dev/shm")


class Killed(BaseException):
    """The process that ran the command is gone."""


class Watched(Faults):
    """Faults to order, and somebody who looks on before and after each call."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[str, str], None] = lambda *_: None
        self.after: Callable[[str, str], None] = lambda *_: None

    @contextmanager
    def during(self, call: str, subject: str = "") -> Iterator[None]:
        """Surrounds one call."""
        self.before(call, subject)
        try:
            with super().during(call, subject):
                yield
        finally:
            self.after(call, subject)


class Unwatched:
    """Nobody looks at the progress."""

    def phase(self, phase: Phase) -> None:
        """A phase began or ended."""

    def note(self, text: str) -> None:
        """A sentence."""


class RoadSession(Session, kw_only=True):
    """A session on a given machine."""

    machine: Machine
    engine: Engine

    @classmethod
    def on(cls, folder: Path, store: Store, machine: Machine, engine: Engine) -> RoadSession:
        """One whose folders are all the same."""
        settings = Settings(state=folder, run=folder, secrets=folder, engine="memory", actor="law")
        return cls(settings, store, machine=machine, engine=engine)

    @cached_property
    def borders(self) -> Borders:
        """The simulated machine's."""
        return self.engine(self.machine, self.contents)

    @cached_property
    def ranges(self) -> Ranges:
        """Those of the simulated machine."""
        return Ranges()


@dataclass
class Road:
    """One machine and its state folder over several commands."""

    folder: Path
    engine: Engine
    faults: Watched = field(default_factory=Watched)
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        self.machine = Machine(any_image=True, faults=self.faults)
        self.machine.workloads.update(WORKLOADS)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The store, opened for one command."""
        store = Store(self.folder)
        try:
            yield RoadSession.on(self.folder, store, self.machine, self.engine)
        finally:
            store.close()

    def apply(self, brief: Brief) -> Applied:
        """Applies the fleet; raises what `apply` raises."""
        with self.session() as session:
            return apply_request(session, request(brief), Unwatched(), TIMEOUT_MS)

    def plan(self, brief: Brief) -> Prospect:
        """What an apply would do."""
        with self.session() as session:
            return plan_request(session, request(brief))

    def remove(self) -> Applied:
        """Stops the set's boxes and forgets it."""
        with self.session() as session:
            return down(session, SET, Unwatched(), TIMEOUT_MS, forget=True)


@contextmanager
def road(engine: Engine) -> Iterator[Road]:
    """A new machine with an empty state folder."""
    where = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Road(Path(folder) / "state", engine)


def request(brief: Brief) -> Request:
    """The fleet as the files of its owners."""
    return Request(sources=tuple(sources(brief)), read_file=_no_file, set_name=SET)


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(2, "no file", path)


def sources(brief: Brief) -> Iterator[Source]:
    """One manifest an owner; who is connected to from another owner accepts it."""
    services: Mapping[str, Brief] = brief["services"]
    for owner in ("one", "two"):
        own = {name: words for name, words in services.items() if name.endswith(f".{owner}")}
        document: dict[str, Any] = {"orchestr8": 1, "owner": owner, "services": {}}
        for name, words in own.items():
            document["services"][name.partition(".")[0]] = _service(name, words, services)
        if any("volumes" in words for words in own.values()):
            document["volumes"] = {"data": {}}
        if own:
            yield Source(f"{owner}.yaml", yaml.safe_dump(document, sort_keys=False))


def _service(name: str, words: Brief, services: Mapping[str, Brief]) -> dict[str, Any]:
    made = dict(words)
    if "stop" in made:
        made["stop"] = _stop(**made["stop"])
    owner = name.partition(".")[2]
    accepted = [
        f"{peer}:{link.partition(':')[2]}"
        for peer, others in services.items()
        for link in others.get("connects", ())
        if link.partition(":")[0] == name and not peer.endswith(f".{owner}")
    ]
    accepted += made.pop("accepts", [])
    return made | ({"accepts": sorted(set(accepted))} if accepted else {})


def _stop(signal: str, grace_ms: int) -> dict[str, Any]:
    """As a manifest says it: the image's own signal by not naming one."""
    return {"grace": f"{grace_ms // 1000}s"} | ({"signal": signal} if signal else {})
