"""Which engine, and all borders of it.

The choice is made once: what the first apply wrote into the store is given here from then on, and
an engine that does not answer is unavailable, never a reason to take another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestr8.engines.crun import installed
from orchestr8.engines.docker import endpoint as docker_endpoint
from orchestr8.engines.ground import Ground
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.errors import EngineError, UnavailableError, UsageError

if TYPE_CHECKING:
    from orchestr8.engines.memory.machine import Machine

ENGINES = ("docker", "crun", "memory")
VARIABLE = "ORCHESTR8_ENGINE"
SIMULATED: dict[str, Machine] = {}
"""The simulated machine of each installation; they live as long as this process does."""


class Choice(Struct, frozen=True):
    """An engine by name, and where it answers."""

    engine: str
    endpoint: str

    def __str__(self) -> str:
        return f"{self.engine} at {self.endpoint}" if self.endpoint else self.engine


def choose(asked: str, environment: Mapping[str, str]) -> Choice:
    """The engine that was asked for, else the variable's, else Docker if its socket answers, else
    crun if it is installed.

    An engine that was asked for by name need not answer yet; what is chosen silently must.
    """
    name = asked or environment.get(VARIABLE, "")
    match name:
        case "memory":
            return Choice("memory", "")
        case "crun":
            return Choice("crun", "")
        case "docker":
            return Choice("docker", docker_endpoint.endpoint(environment))
        case "":
            return _what_answers(environment)
        case _:
            raise UsageError(
                f'there is no engine "{name}"', f"the engines are {', '.join(ENGINES)}"
            )


def _what_answers(environment: Mapping[str, str]) -> Choice:
    """The engine of who named none.

    DOCKER_HOST names one: its silence is then no reason to take another. Nor is that of a Docker
    Engine which hangs, or which this user may not use: it is there, and its boxes may be.
    """
    found = docker_endpoint.endpoint(environment)
    try:
        docker_endpoint.require_answer(found)
    except docker_endpoint.NobodyListensError as error:
        if environment.get("DOCKER_HOST"):
            raise _with_remedy(error, "or leave Docker out with --engine crun") from error
        missing = installed.missing()
        if missing:
            are = "is" if len(missing) == 1 else "are"
            lacking = f"{error.what}, and {' and '.join(missing)} {are} not installed"
            instead = f"or do without Docker: apt install {installed.PACKAGES}"
            raise _with_remedy(UnavailableError(lacking, error.remedy), instead) from error
        return Choice("crun", "")
    except EngineError as error:
        raise _with_remedy(error) from error
    return Choice("docker", found)


def _with_remedy(error: EngineError, *more: str) -> EngineError:
    """The same error with more that would help."""
    look = "or look at a plan first with --engine memory"
    return type(error)(error.what, "; ".join((error.remedy, *more, look)))


def open_borders(choice: Choice, contents: Contents, ground: Ground) -> Borders:
    """Everything that the controller calls across, on the chosen engine.

    Engines are imported here, since most commands need none and their libraries start slowly.
    """
    if choice.engine == "memory":
        from orchestr8.engines.memory.engine import memory_borders

        machine = simulated_machine(ground.installation)
        return memory_borders(machine, contents, SIMULATED)
    if choice.engine == "crun":
        from orchestr8.engines.crun.borders import crun_borders

        return crun_borders(contents, ground)
    with docker_endpoint.asked_about_itself(choice.endpoint) as about:
        from orchestr8.engines.docker.borders import Opening, docker_borders

        opening = Opening(ground.run_folder, str(ground.state_folder), about)
        return docker_borders(
            choice.endpoint, ground.installation, contents, ground.ranges, opening
        )


def simulated_machine(installation: str) -> Machine:
    """The simulated machine of an installation; it lives as long as this process does."""
    from orchestr8.engines.memory.machine import Machine

    if installation not in SIMULATED:
        SIMULATED[installation] = Machine(any_image=True)
    return SIMULATED[installation]
