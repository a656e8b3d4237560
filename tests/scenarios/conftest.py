"""The engines that scenarios run on, one after the other, and a fresh installation a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import hosts
from tests.hosts import Engine
from tests.scenarios.fleet import Fleet, fresh

GENERATIONS = ("20", "28")


@pytest.fixture(scope="session", params=GENERATIONS, ids=lambda name: f"docker{name}")
def docker_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A real Docker Engine with the demo images."""
    with hosts.engine(request.param) as engine:
        print(f"Docker Engine {engine.version}")
        hosts.load_images(engine.socket)
        yield engine


@pytest.fixture
def fleet(docker_engine: Engine) -> Iterator[Fleet]:
    """An installation of its own, gone after the test."""
    yield from fresh(docker_engine)
