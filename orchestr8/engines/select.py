"""Which engine, and all borders of it.

The choice is made once: what the first apply wrote into the store is given here from then on, and
an engine that does not answer is unavailable, never a reason to take another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestr8.boxes.network import Ranges
from orchestr8.engines.docker import endpoint as docker_endpoint
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.errors import RejectedError, UnavailableError, UsageError

ENGINES = ("docker", "memory")
VARIABLE = "ORCHESTR8_ENGINE"


@dataclass(frozen=True)
class Choice:
    """An engine by name, and where it answers."""

    engine: str
    endpoint: str

    def __str__(self) -> str:
        return f"{self.engine} at {self.endpoint}" if self.endpoint else self.engine


def choose(asked: str, environment: Mapping[str, str]) -> Choice:
    """The engine that was asked for, else the variable's, else Docker if its socket answers.

    An engine that was asked for by name need not answer yet; what is chosen silently must.
    """
    name = asked or environment.get(VARIABLE, "")
    match name:
        case "memory":
            return Choice("memory", "")
        case "docker":
            return Choice("docker", docker_endpoint.endpoint(environment))
        case "":
            found = docker_endpoint.endpoint(environment)
            try:
                docker_endpoint.require_answer(found)
            except (UnavailableError, RejectedError) as error:
                raise type(error)(
                    error.what, f"{error.remedy}; or look at a plan first with --engine memory"
                ) from error
            return Choice("docker", found)
        case _:
            raise UsageError(
                f'there is no engine "{name}"', f"the engines are {' and '.join(ENGINES)}"
            )


@dataclass(frozen=True)
class Ground:
    """What an engine stands on here: the installation, its address ranges and its run folder."""

    installation: str
    run_folder: Path
    ranges: Ranges


def open_borders(choice: Choice, contents: Contents, ground: Ground) -> Borders:
    """Everything that the controller calls across, on the chosen engine.

    Engines are imported here, since most commands need none and their libraries start slowly.
    """
    if choice.engine == "memory":
        from orchestr8.engines.memory.engine import memory_borders
        from orchestr8.engines.memory.machine import Machine

        return memory_borders(Machine(any_image=True), contents)
    from orchestr8.engines.docker.borders import docker_borders

    return docker_borders(
        choice.endpoint, ground.installation, contents, ground.ranges, ground.run_folder
    )
