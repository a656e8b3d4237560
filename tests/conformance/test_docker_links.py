"""What is declared below a link of an image: Docker would mount it elsewhere, and say nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box, DesiredVolume
from orchestr8.boxes.spec import SpecFile, SpecVolume
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import MIB
from orchestr8.isolation.profile import Scratch
from tests.conformance.benches import DockerBench
from tests.conformance.promises import detail, promise


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
    """The second as well as the first."""
    for _ in range(2):
        made = real.box(**settings)
        made = replace(made, spec=replace(made.spec, image_id=linked))
        told = _refused(real, made)
        assert "/linked is a link to /var/cache" in told.what and told.remedy
        assert real.boxes.observe([made.id]).boxes == ()


@detail("docker.image.links")
def test_a_link_that_a_volume_has_by_now_is_seen(real: DockerBench) -> None:
    uid = real.ids(200)["uid"]
    volume = DesiredVolume(f"{real.installation}-conf", "web", "conf", uid)
    real.borders.volumes.ensure(volume)
    settings = {
        "uid": uid,
        "volumes": (SpecVolume("/data", volume.name, owner_uid=uid),),
        "files": (SpecFile("/data/conf/app.toml", "digest-1"),),
    }
    real.run(real.box(**settings))
    real.clear()
    content = Path(real.borders.volumes.path(volume.name))
    (content / "conf").rename(content / "other")
    (content / "conf").symlink_to("/data/other")
    assert "/data/conf is a link to /data/other" in _refused(real, real.box(**settings)).what


def _refused(real: DockerBench, made: Box) -> RejectedError:
    real.boxes.create(made)
    with pytest.raises(RejectedError) as told:
        real.boxes.start(made.id)
    return told.value
