"""The whole road in this process: a state folder, and one simulated machine that outlives commands.

Boxes have a health line, since what is healthy at once passes its gate at once; a box without one
would have to settle in real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchestr8.contract.model import ImageFacts
from orchestr8.controller import apply, making
from orchestr8.controller.applied import Applied
from orchestr8.controller.progress import Phase
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.machine import Machine
from orchestr8.manifest.model import Source

TIMEOUT_MS = 30_000
HEALTH = "health: {tcp: 80, every: 100ms}"


@dataclass
class Notes:
    """A watcher that keeps what it is told."""

    notes: list[str] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    def phase(self, phase: Phase) -> None:
        """A phase began or ended."""
        self.phases.append(phase)

    def note(self, text: str) -> None:
        """A sentence."""
        self.notes.append(text)


@dataclass
class Road:
    """Commands on one machine, one after the other, as a person types them."""

    folder: Path
    machine: Machine = field(default_factory=Machine)
    actor: str = "ann"
    watcher: Notes = field(default_factory=Notes)

    @contextmanager
    def open(self, *, new_engine: bool = False) -> Iterator[Session]:
        """One command's session; what is in memory ends with it, the machine does not."""
        settings = Settings(
            self.folder / "state", self.folder / "run", self.folder / "secrets", "memory",
            self.actor, cache=self.folder / "cache", keys=self.folder / "keys",
        )  # fmt: skip
        with session(settings) as opened:
            opened.new_engine = new_engine
            opened.require_same_engine(self.machine.engine_id)
            opened.__dict__["borders"] = memory_borders(self.machine, opened.contents)
            yield opened

    def apply(
        self,
        texts: Mapping[str, str],
        set_name: str = "default",
        *,
        files: Mapping[str, bytes] | None = None,
        pull: bool = False,
        takes_over: bool = False,
    ) -> Applied:
        """`apply`, with manifests by file name."""
        request = Request(
            sources(texts), reader(files or {}), set_name, pull, takes_over=takes_over
        )
        with self.open() as opened:
            return apply.apply_request(opened, request, self.watcher, TIMEOUT_MS)

    def down(self, set_name: str = "default", *, forget: bool = False) -> Applied:
        """`down`, or `remove`."""
        with self.open() as opened:
            return making.down(opened, set_name, self.watcher, TIMEOUT_MS, forget=forget)

    def image(self, reference: str, mark: str) -> ImageFacts:
        """What a tag means from now on, on the machine itself."""
        facts = ImageFacts(reference, "sha256:" + mark * 64, cmd=("/run",), architecture="amd64")
        older = self.machine.images.pop(reference, None)
        if older:
            self.machine.images[older.id] = older
        self.machine.register(facts)
        return facts

    def boxes(self) -> dict[str, str]:
        """The running boxes: the mark of each one's image by its id."""
        return {
            str(box_id): one.box.spec.image_id[7:8]
            for box_id, one in sorted(self.machine.boxes.items())
            if one.state.runs
        }


def sources(texts: Mapping[str, str]) -> tuple[Source, ...]:
    """Manifests as a request has them."""
    return tuple(Source(name, text) for name, text in texts.items())


def reader(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """Reads repository files out of memory."""

    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(2, "no such file")
        return files[path]

    return read


def manifest(owner: str, *services: str, more: str = "") -> str:
    """A manifest of one owner; a service is written as its name and the fields beside health."""
    lines = []
    for service in services:
        name, _, fields = service.partition(" ")
        lines.append(f"  {name}: {{image: {fields or name + ':1'}, {HEALTH}}}")
    return f"orchestr8: 1\nowner: {owner}\nservices:\n" + "\n".join(lines) + f"\n{more}"
