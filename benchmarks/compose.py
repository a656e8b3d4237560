"""The peer Compose: a project from a file, with its commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import Ground, run

NAME = "Compose"


@dataclass(frozen=True)
class Project:
    """One project of Compose."""

    program: str
    name: str
    file: Path
    environment: dict[str, str]

    def command(self, *words: str) -> list[str]:
        """The command line of `docker-compose WORDS` for this project."""
        return [self.program, "-p", self.name, "-f", str(self.file), *words]

    def type(self, *words: str) -> str:
        """Types it; an error if it fails."""
        return run(self.command(*words), self.environment)

    @property
    def label(self) -> str:
        """What its containers carry."""
        return f"com.docker.compose.project={self.name}"


@contextmanager
def project(ground: Ground, name: str, text: str) -> Iterator[Project | None]:
    """A project of this text, taken down at the end; None where the machine has no Compose."""
    if not ground.compose:
        yield None
        return
    file = ground.scratch / f"{name}.yaml"
    file.write_text(text)
    made = Project(ground.compose, name, file, ground.environment)
    try:
        yield made
    finally:
        made.type("down", "-t", "0", "-v", "--remove-orphans")


def version(ground: Ground) -> str:
    """Compose with its version, as rows name it."""
    if not ground.compose:
        return NAME
    told = run([ground.compose, "version", "--short"], ground.environment).strip()
    return f"{NAME} {'.'.join(told.split('-')[0].split('.')[:2])}"
