"""An engine for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from tests.hosts import engine, load_images
from tests.kernel import boxes


@pytest.fixture(scope="session", params=["20", "28"])
def client(request: pytest.FixtureRequest) -> Iterator[docker.APIClient]:
    """Docker's own interface, of each engine in turn."""
    with engine(request.param) as found:
        load_images(found.socket)
        connection = docker.APIClient(found.docker_host, version="auto", timeout=60)
        yield connection
        connection.close()


@pytest.fixture(scope="session")
def strict_box(client: docker.APIClient) -> Iterator[boxes.Running]:
    """A box as tight as Docker makes it, shared by the tests that only look."""
    with boxes.box(client) as running:
        yield running
