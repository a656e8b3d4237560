"""Images from OCI layouts and archives of people's tools, into the crun engine's store."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestr8.contract.model import ImageFacts
from orchestr8.engines.crun.images import CrunImages
from orchestr8.errors import RejectedError
from tests.hosts.images import archives

pytestmark = pytest.mark.on_engine("crun")

HELLO, FAULTS = "hello:1", "faults:1"


@pytest.fixture
def images(tmp_path: Path) -> CrunImages:
    return CrunImages(tmp_path / "store")


def copied(reference: str, target: str, *options: str) -> None:
    """An example's image, as skopeo writes it there."""
    source = f"docker-archive:{archives()[reference]}"
    command = ["skopeo", "copy", "--quiet", "--insecure-policy", *options, source, target]
    subprocess.run(command, check=True)


def from_docker_save(images: CrunImages, reference: str) -> ImageFacts:
    (facts,) = images.take_archive(str(archives()[reference]), "")
    return facts


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_a_layout_is_taken_as_a_folder_and_as_an_archive(
    images: CrunImages, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "hello"
    copied(HELLO, f"{kind}:{place}:{HELLO}")
    (facts,) = images.take_archive(str(place), "")
    assert facts.reference == HELLO
    assert images.resolve(HELLO) == facts
    assert (images.root(facts.id) / "usr/bin/hello").is_file()
    assert from_docker_save(images, HELLO).id == facts.id, "the same image, however it is packed"


def test_a_layout_of_several_images_gives_each_its_name(images: CrunImages, tmp_path: Path) -> None:
    place = tmp_path / "both"
    for reference in (HELLO, FAULTS):
        copied(reference, f"oci:{place}:{reference}")
    assert {facts.reference for facts in images.take_archive(str(place), "")} == {HELLO, FAULTS}
    with pytest.raises(RejectedError, match="has 2 images"):
        images.take_archive(str(place), "one:1")


def test_a_layout_without_a_name_is_given_one(images: CrunImages, tmp_path: Path) -> None:
    place = tmp_path / "nameless"
    copied(HELLO, f"oci:{place}")
    with pytest.raises(RejectedError, match="does not say the image's name") as nameless:
        images.take_archive(str(place), "")
    assert "--name" in nameless.value.remedy
    (facts,) = images.take_archive(str(place), "mine:1")
    assert facts.reference == "mine:1"


def test_layers_of_zstd_are_unpacked_as_well(images: CrunImages, tmp_path: Path) -> None:
    place = tmp_path / "zstd"
    copied(HELLO, f"oci:{place}:{HELLO}", "--dest-compress-format", "zstd")
    starts = {one.read_bytes()[:4] for one in (place / "blobs/sha256").iterdir()}
    assert b"\x28\xb5\x2f\xfd" in starts, "they are of zstd"
    (facts,) = images.take_archive(str(place), "")
    assert (images.root(facts.id) / "usr/bin/hello").is_file()
    assert from_docker_save(images, HELLO).id == facts.id


@pytest.mark.parametrize("harm", ["index.json", "blobs"])
def test_a_layout_that_is_not_whole_is_refused_and_leaves_nothing(
    images: CrunImages, tmp_path: Path, harm: str
) -> None:
    place = tmp_path / "broken"
    copied(HELLO, f"oci:{place}:{HELLO}")
    if harm == "blobs":
        largest = max((place / "blobs/sha256").iterdir(), key=lambda one: one.stat().st_size)
        largest.write_bytes(b"something else")
    else:
        (place / harm).unlink()
    with pytest.raises(RejectedError) as refused:
        images.take_archive(str(place), "")
    assert refused.value.what and refused.value.remedy
    assert images.held() == ()
