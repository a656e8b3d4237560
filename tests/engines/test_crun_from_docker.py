"""Images of a Docker Engine on this machine, taken into the crun engine's store."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.engines.crun.images import CrunImages
from orchestr8.errors import RejectedError, UnavailableError
from tests import hosts

pytestmark = pytest.mark.on_engine("docker20")


def test_an_image_comes_from_a_docker_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = CrunImages(tmp_path / "store")
    with hosts.engine("20") as engine:
        hosts.load_images(engine.socket)
        monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
        (facts,) = images.take_archive("docker-daemon:hello:1", "")
        with pytest.raises(RejectedError, match="no such image or tag"):
            images.take_archive("docker-daemon:absent", "")
    assert facts.reference == "hello:1"
    assert images.resolve("hello:1") == facts
    assert any(images.root(facts.id).iterdir())
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UnavailableError, match="no Docker Engine answers") as away:
        images.take_archive("docker-daemon:hello:1", "other:1")
    assert "DOCKER_HOST" in away.value.remedy
