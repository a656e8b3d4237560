"""The engines of the suite; each is had once, and one Docker Engine at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hosts
from tests.conformance.benches import Bench, DockerBench, MemoryBench
from tests.conformance.crun import CRUNS, ready_crun, tools_of
from tests.conformance.promises import OLDER

DOCKERS = (OLDER, "docker28")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the older Docker out of what goes into detail, and of all variants but the first."""
    seen: set[object] = set()
    left = [item for item in items if _on_older(item) and _is_detail(item, seen)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _on_older(item: pytest.Item) -> bool:
    chosen = getattr(item, "callspec", None)
    return chosen is not None and OLDER in chosen.params.values()


def _is_detail(item: pytest.Item, seen: set[object]) -> bool:
    mark = item.get_closest_marker("promise")
    if mark is None:
        return False
    function = getattr(item, "function", None)
    is_first = function not in seen
    seen.add(function)
    return not (mark.kwargs["everywhere"] and is_first)


@pytest.fixture(scope="session", params=["memory", *CRUNS, *DOCKERS])
def engine(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every engine in turn."""
    if request.param == "memory":
        made = MemoryBench()
        made.ready()
        yield made
    elif request.param in CRUNS:
        with tools_of(request.param) as tools, ready_crun(tools) as crun:
            yield crun
    else:
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
