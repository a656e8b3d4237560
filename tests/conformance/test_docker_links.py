"""What is declared below a link of an image: Docker would mount it elsewhere, and say nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from orchestr8.boxes.spec import SpecFile
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import MIB
from orchestr8.isolation.profile import Scratch
from tests.conformance.benches import DockerBench
from tests.conformance.promises import promise


@pytest.fixture
def linked(real: DockerBench) -> Iterator[str]:
    """The id of an image in which /linked is a link to /var/cache."""
    made = real.client.create_container("probe:1", ["/usr/bin/probe", "wait"])["Id"]
    try:
        real.client.put_archive(made, "/", _a_link("linked", "/var/cache"))
        image: str = real.client.commit(made)["Id"]
    finally:
        real.client.remove_container(made)
    yield image
    real.clear()
    real.client.remove_image(image)


def _a_link(name: str, target: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        archive.addfile(entry)
    return content.getvalue()


@promise("docker.image.links")
@pytest.mark.parametrize(
    "settings",
    [
        {"scratch": (Scratch("/linked/below", MIB),)},
        {"scratch": (Scratch("/linked", MIB),)},
        {"files": (SpecFile("/linked/app.toml", "digest-1"),)},
    ],
    ids=["scratch-below-it", "scratch-in-its-place", "a-file-below-it"],
)
def test_what_is_declared_behind_a_link_is_refused(
    real: DockerBench, linked: str, settings: dict[str, Any]
) -> None:
    made = real.box(**settings)
    made = replace(made, spec=replace(made.spec, image_id=linked))
    real.boxes.create(made)
    with pytest.raises(RejectedError, match="/linked is a link to /var/cache in its image") as told:
        real.boxes.start(made.id)
    assert told.value.remedy
    assert real.boxes.observe([made.id]).boxes == ()
