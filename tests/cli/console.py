"""Runs the console as a person would, in folders of its own, with no engine but the simulated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS_MOST = 120

HELLO = """\
orchestr8: 1
owner: me
services:
  hello: {image: "hello:1", publish: {127.0.0.1:8080: 8080}}
"""


@dataclass(frozen=True)
class Answer:
    """What one command printed, and its exit status."""

    status: int
    output: str
    errors: str

    @property
    def everything(self) -> str:
        return self.output + self.errors

    @property
    def document(self) -> dict[str, Any]:
        """The output as JSON, which holds nothing else."""
        found: dict[str, Any] = json.loads(self.output)
        return found


@dataclass(frozen=True)
class Console:
    """A shell's view of orchestr8: a working folder and an environment."""

    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ORCHESTR8_")
            and name not in ("DOCKER_HOST", "NO_COLOR", "PYTHONUNBUFFERED")
        }
        return {
            **kept,
            "ORCHESTR8_STATE": str(self.folder / "state"),
            "ORCHESTR8_RUN": str(self.folder / "run"),
            "ORCHESTR8_SECRETS": str(self.folder / "secrets"),
            "DOCKER_HOST": f"unix://{self.folder}/no.sock",
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def run(self, *words: str, stdin: str | bytes = b"", **environment: str) -> Answer:
        """Types a command; a command that waits for ever fails the test."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestr8", *words],
            cwd=self.folder,
            env=self.environment(**environment),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=SECONDS_MOST,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in answer.everything, answer.everything
        return answer

    def write(self, name: str, text: str) -> str:
        """Makes a file below the working folder; returns its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    @property
    def left_behind(self) -> list[str]:
        """What a command that must create nothing has created after all."""
        return [name for name in ("state", "run") if (self.folder / name).exists()]
