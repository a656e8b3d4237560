"""A shell within this process: every command finds the simulated machine of the one before."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestr8.__main__ import run
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.select import simulated_machine
from orchestr8.names import BoxId
from orchestr8.store.store import Store


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit status."""

    status: int
    output: str
    errors: str

    @property
    def everything(self) -> str:
        return self.output + self.errors

    @property
    def document(self) -> Any:
        """The output as JSON, which holds nothing else."""
        return json.loads(self.output)


@dataclass
class Shell:
    """A folder, and a state folder in it, of an installation on a simulated machine."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.monkeypatch.chdir(self.folder)
        for name in ("state", "run", "secrets"):
            self.monkeypatch.setenv(f"ORCHESTR8_{name.upper()}", str(self.folder / name))
        self.monkeypatch.setenv("ORCHESTR8_ENGINE", "memory")
        self.monkeypatch.setenv("NO_COLOR", "1")
        self.monkeypatch.setenv("COLUMNS", "120")

    def type(self, line: str, status: int | None = 0) -> Said:
        """Types `orchestr8 LINE`; fails on another exit status."""
        self.capture.readouterr()
        came = run(shlex.split(line))
        caught = self.capture.readouterr()
        said = Said(came, caught.out, caught.err)
        assert status in (None, came), f"{line}: exit status {came}\n{said.everything}"
        return said

    def write(self, name: str, text: str) -> str:
        """Makes a file below the folder; returns its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def apply(self, text: str, words: str = "", status: int | None = 0) -> Said:
        """Applies a manifest."""
        self.write("fleet.yaml", text)
        return self.type(f"apply fleet.yaml {words}", status)

    @property
    def machine(self) -> Machine:
        """The simulated machine; there is one once the store is."""
        store = Store(self.folder / "state")
        try:
            return simulated_machine(store.ledger.installation)
        finally:
            store.close()

    @property
    def running(self) -> list[str]:
        """The boxes that run, by id."""
        boxes = self.machine.boxes.items()
        return sorted(str(box_id) for box_id, box in boxes if box.state.runs)

    def crash(self, box_id: str) -> None:
        """Somebody else ends a box."""
        self.machine.crash(BoxId.parse(box_id))
