"""The engines themselves: the versions that they claim, paths and later mounts as on the host."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.hosts import Engine, engine, load_images, running, start
from tests.hosts.engines import kill
from tests.hosts.mounts import SHARED_FOLDERS


@pytest.fixture(scope="module", params=["20", "28"])
def started(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with engine(request.param) as found:
        load_images(found.socket)
        yield found


@pytest.fixture
def client(started: Engine) -> Iterator[docker.DockerClient]:
    opened = docker.DockerClient(base_url=started.docker_host, version="auto")
    yield opened
    opened.close()


def test_it_is_the_generation_that_was_asked_for(started: Engine) -> None:
    print(f"Docker Engine {started.version}, API {started.api_version}")
    major = int(started.version.split(".")[0])
    assert major == 20 if started.name == "20" else major >= 26


def test_a_second_start_is_the_same_engine(started: Engine) -> None:
    with engine(started.name) as again:
        assert again == started
    assert running(started.name) == started, "the inner one must not have stopped it"


def test_the_numbers_of_a_killed_engine_may_be_a_strangers_by_now(started: Engine) -> None:
    state = started.socket.parent
    with subprocess.Popen(["sleep", "infinity"]) as stranger:
        try:
            kill(started.name)
            for name in ("docker.pid", "exec/containerd/containerd.pid"):
                assert (state / name).exists()
                (state / name).write_text(str(stranger.pid))
            assert start(started.name) == started
            assert stranger.poll() is None, "it was taken for the engine's own"
        finally:
            stranger.kill()


def test_loading_again_changes_nothing(started: Engine, client: docker.DockerClient) -> None:
    before = {image.id for image in client.images.list()}
    load_images(started.socket)
    assert {image.id for image in client.images.list()} == before


@pytest.mark.parametrize("folder", SHARED_FOLDERS, ids=str)
def test_a_mount_made_later_on_the_host_reaches_a_box(
    client: docker.DockerClient, folder: Path
) -> None:
    place = folder / "orchestr8-mounted-later"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    try:
        (place / "token").write_text("seen through the mount")
        mount = docker.types.Mount("/seen", str(place), type="bind", read_only=True)
        # The exit status tells: 20.10 now and then gives no output of a box that ends at once.
        client.containers.run(
            "hello:1",
            ["grep", "-q", "seen through the mount", "/seen/token"],
            entrypoint=[],
            mounts=[mount],
            remove=True,
            network_mode="none",
        )
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()
