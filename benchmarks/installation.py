"""An installation of orchestr8 for one group of rows, and what others put on its engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from benchmarks.ground import Ground, plain_environment, python, run
from benchmarks.processes import birth
from tests.hosts import Engine
from tests.scenarios.crun_fleet import CrunFleet
from tests.scenarios.fleet import Fleet, Home

_CALLS_AT_ONCE = 8


@dataclass(frozen=True)
class Installed:
    """State, run folder and secrets of its own; everything through the command line."""

    fleet: Home
    environment: dict[str, str]

    def command(self, *words: str) -> list[str]:
        """The command line of `orchestr8 WORDS`."""
        return python("-m", "orchestr8", *words)

    def type(self, *words: str) -> str:
        """Types `orchestr8 WORDS`; an error if it fails."""
        return run(self.command(*words), self.environment)

    def secret(self, owner: str, name: str, content: str) -> None:
        """Puts a secret where the installation looks for it."""
        path = Path(self.environment["ORCHESTR8_SECRETS"]) / owner / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(content)
        path.chmod(0o600)


@dataclass(frozen=True)
class Installation(Installed):
    """One on a Docker Engine."""

    fleet: Fleet

    def container(self, service: str) -> dict[str, Any]:
        """The running container of a service, as the engine describes it."""
        return self.fleet.container(service)


@contextmanager
def installation(ground: Ground) -> Iterator[Installation]:
    """A fresh one; nothing of it stays."""
    fleet = Fleet.new(ground.engine)
    try:
        yield Installation(fleet, _environment(fleet, ground.environment))
    finally:
        fleet.take_down()


@contextmanager
def installation_on_crun(archive: Path) -> Iterator[Installed]:
    """A fresh one on the crun engine, which has the image of this archive."""
    fleet = CrunFleet.new()
    try:
        made = Installed(fleet, _environment(fleet, plain_environment()))
        made.type("image", "import", str(archive))
        yield made
    finally:
        fleet.take_down()


def _environment(home: Home, plain: dict[str, str]) -> dict[str, str]:
    """What its commands see: of the home's own variables those that name its places."""
    own = {name: one for name, one in home.environment.items() if name.startswith("ORCHESTR8_")}
    return {**own, **plain, "ORCHESTR8_SECRETS": str(home.base / "etc" / "secrets")}


def client(engine: Engine) -> docker.APIClient:
    """The engine's own interface, for what is looked at and cleared away."""
    return docker.APIClient(engine.docker_host, version="auto")


def clear(engine: Engine, label: str) -> None:
    """Removes the containers with this label, a few at a time."""
    api = client(engine)
    found = api.containers(all=True, filters={"label": label})
    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        list(pool.map(lambda one: api.remove_container(one["Id"], force=True, v=True), found))
    api.close()


def last_start(containers: Sequence[dict[str, Any]]) -> float:
    """When the last of these had its first task, by the kernel's word, in seconds since its boot.

    The engine's own word, StartedAt, is taken before its runtime is called, and in a crowd by
    seconds: whoever asks for all starts at once seems to be done as soon as it has asked.
    """
    return max(birth(one["State"]["Pid"]) for one in containers)
