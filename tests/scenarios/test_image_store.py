"""The crun engine's store of images by its command line: what is in use stays, whatever it is
called, and what nobody needs goes when that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.images import archives
from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import manifest

pytestmark = pytest.mark.on_engine("crun")

OTHER = "registry.example/team/hello:other"


@pytest.fixture
def fleet() -> Iterator[CrunFleet]:
    yield from fresh_crun()


def _images(fleet: CrunFleet) -> dict[str, Any]:
    return {one["name"]: one for one in fleet.json("image", "ls")["images"]}


def test_images_in_use_are_kept_by_every_name_and_others_go(fleet: CrunFleet) -> None:
    assert "no image is here" in fleet.run("image", "ls")
    fleet.take_images("hello:1", "probe:1")
    taken = fleet.json("image", "import", str(archives()["hello:1"]), "--name", OTHER)
    fleet.apply_text(manifest('  web: {image: "hello:1", standby: 1}\n'))
    images = _images(fleet)
    assert set(images) == {"hello:1", OTHER, "probe:1"}
    (one_id,) = {images[name]["id"] for name in ("hello:1", OTHER)}
    assert taken["images"] == [{"name": OTHER, "id": one_id}]
    assert len(images["hello:1"]["boxes"]) == 2
    short = one_id.removeprefix("sha256:")[:12]
    assert short in fleet.run("image", "ls")

    for name in ("hello:1", OTHER, short):
        said = fleet.run("image", "rm", name, exit_status=1)
        assert f"runs the image {name}" in said
    for name in ("hello", "No Name"):
        assert "there is no image" in fleet.run("image", "rm", name, exit_status=2)
    assert fleet.run("image", "rm", "probe:1").splitlines()[0] == "probe:1 is forgotten."
    assert fleet.run("image", "gc").startswith("1 image deleted")
    assert set(_images(fleet)) == {"hello:1", OTHER}

    fleet.run("remove")
    assert fleet.json("image", "rm", short)["names"] == ["hello:1", OTHER]
    collected = fleet.json("image", "gc")
    assert collected["images"] == 1 and collected["freed_bytes"] > 0
    assert _images(fleet) == {}


def test_the_image_of_a_box_that_has_ended_is_in_use(fleet: CrunFleet) -> None:
    """It is the record of a job that was done."""
    fleet.take_images("faults:1")
    line = '  job: {image: "faults:1", run: once, args: [exit, "0"]}\n'
    fleet.apply_text(manifest(line))
    assert "runs the image faults:1" in fleet.run("image", "rm", "faults:1", exit_status=1)
    assert fleet.run("image", "gc").startswith("0 images deleted")
    assert "nothing to do" in fleet.apply_text(manifest(line))
