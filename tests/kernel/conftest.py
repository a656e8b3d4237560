"""An engine for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from orchestr8.kernel import cgroups
from tests.hosts import engine, load_images
from tests.kernel import boxes, leftovers


@pytest.fixture(scope="session", params=["20", "28"])
def client(request: pytest.FixtureRequest) -> Iterator[docker.APIClient]:
    """Docker's own interface, of each engine in turn."""
    with engine(request.param) as found:
        load_images(found.socket)
        connection = docker.APIClient(found.docker_host, version="auto", timeout=60)
        yield connection
        connection.close()
        for tree in cgroups.hierarchies().values():
            for name in ("orchestr8-test", boxes.OWNER):
                leftovers.remove_cgroups(Path(tree.mount) / name)


@pytest.fixture(scope="session")
def strict_box(client: docker.APIClient) -> Iterator[boxes.Running]:
    """A box as tight as Docker makes it, shared by the tests that only look."""
    with boxes.box(client) as running:
        yield running
