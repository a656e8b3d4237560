"""One machine for all tests of this folder, with the project installed as the README says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import vm
from tests.hosts.vm import Machine
from tests.vm import setting
from tests.vm.installation import Installation
from tests.vm.shop import IMAGES, place_manifests, place_password


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that has booted, with images in its Docker and nothing of ours installed."""
    lack = vm.lacks()
    if lack:
        pytest.fail(f"no virtual machine here: {lack}")
    project: Path = tmp_path_factory.mktemp("project")
    setting.lay_out(project)
    with vm.machine(project) as made:
        made.start()
        setting.load_images(made, ("hello", "redis"))
        yield made


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Machine:
    """The machine after the README's two lines."""
    setting.install(machine)
    return machine


@pytest.fixture(scope="session")
def shop(installed: Machine) -> Installation:
    """An installation with the shop's images, secret and manifests, and nothing applied."""
    made = Installation(installed, "shop")
    made.take_images(*IMAGES)
    place_password(made)
    place_manifests(made)
    return made
