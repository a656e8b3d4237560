"""The engines of the suite; each is had once, and one Docker Engine at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hosts
from tests.conformance.benches import Bench, DockerBench, MemoryBench

DOCKERS = ("docker20", "docker28")


@pytest.fixture(scope="session", params=["memory", *DOCKERS])
def engine(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every engine in turn."""
    if request.param == "memory":
        made = MemoryBench()
        made.ready()
        yield made
        return
    yield from _docker(request.param)


@pytest.fixture(scope="session", params=DOCKERS)
def docker_engine(request: pytest.FixtureRequest) -> Iterator[DockerBench]:
    """Every Docker Engine in turn, for what only Docker promises."""
    yield from _docker(request.param)


@pytest.fixture
def bench(engine: Bench) -> Iterator[Bench]:
    """An engine without boxes."""
    yield engine
    engine.clear()


@pytest.fixture
def real(docker_engine: DockerBench) -> Iterator[DockerBench]:
    """A Docker Engine without boxes."""
    yield docker_engine
    docker_engine.clear()


def _docker(name: str) -> Iterator[DockerBench]:
    generation = name.removeprefix("docker")
    try:
        context = hosts.engine(generation)
        found = context.__enter__()
    except (OSError, RuntimeError) as error:
        pytest.skip(f"the engine {name} cannot be had: {error}")
    try:
        hosts.load_images(found.socket)
        made = DockerBench(found)
        try:
            made.ready()
            yield made
        finally:
            made.take_down()
    finally:
        context.__exit__(None, None, None)
