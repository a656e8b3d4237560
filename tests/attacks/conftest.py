"""A real box of the product's own making, on each engine, and a container without walls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker
import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.machine import Tools
from orchestr8.engines.docker.borders import docker_borders
from orchestr8.engines.protocol import Borders, Exec, ExecResult
from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.names import BoxId
from orchestr8.proof.model import Expectation, Proof
from orchestr8.proof.prove import prove
from tests.conformance.crun import CRUNS, CrunBench, tools_of
from tests.hosts import engine, load_images
from tests.hosts.images import archives
from tests.hosts.inside import executed
from tests.kernel import leftovers

RANGE = 9 * 65_536
UID_INSIDE = 65_532
IMAGE = "probe:1"


class NoContents:
    """The box has neither files nor secrets."""

    def file(self, digest: str) -> bytes:
        raise KeyError(digest)

    def secret(self, owner: str, name: str, digest: str) -> bytes:
        raise KeyError(name)


@dataclass(frozen=True)
class Target:
    """A running box, and the hands to try it with."""

    box: Box
    pid: int
    borders: Borders

    def attempt(self, code: str) -> ExecResult:
        """Run Python in the box as the product runs every command there."""
        assert isinstance(self.borders.boxes, Exec)
        command = ["/usr/bin/python3", "-I", "-S", "-c", code]
        return self.borders.boxes.execute(self.box.id, command, timeout_ms=60_000)

    def proof(self) -> Proof:
        """What the kernel says of the box now."""
        expectation = Expectation(
            id=self.box.id,
            slot=0,
            spec=self.box.spec,
            limits=self.box.limits,
            quota=Quota(),
            address="",
            volumes={},
            features=self.borders.boxes.features(),
        )
        return prove(expectation, self.borders.witness.read(self.box.id, self.pid))


@dataclass(frozen=True)
class Ground:
    """An engine with the attacker's image on it; `docker_host` is empty where it is no Docker."""

    borders: Borders
    docker_host: str = ""


@pytest.fixture(scope="session", params=[*CRUNS, "20", "28"])
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Every engine in turn."""
    if request.param in CRUNS:
        with tools_of(request.param) as tools:
            yield from _crun(tools)
    else:
        yield from _docker(request.param)


def _crun(tools: Tools | None) -> Iterator[Ground]:
    bench = CrunBench(tools)
    images = bench.borders.images
    assert isinstance(images, CrunImages)
    try:
        images.take(f"docker-archive:{archives()[IMAGE]}", IMAGE)
        yield Ground(bench.borders)
    finally:
        bench.borders.owners.remove("attacker")  # type: ignore[attr-defined]
        bench.take_down()


def _docker(generation: str) -> Iterator[Ground]:
    with engine(generation) as found:
        load_images(found.socket)
        installation = f"attacks{os.getpid()}"
        yield Ground(
            docker_borders(found.docker_host, installation, NoContents()), found.docker_host
        )
        leftovers.remove(installation)


@pytest.fixture(scope="session")
def target(ground: Ground) -> Iterator[Target]:
    """One box for all attempts that leave nothing behind."""
    with running(ground, os.getpid() * 3) as found:
        yield found


@pytest.fixture
def fresh_target(ground: Ground) -> Iterator[Target]:
    """A box of its own."""
    with running(ground, os.getpid() * 3 + 1) as found:
        yield found


@contextmanager
def running(ground: Ground, serial: int, image: str = IMAGE) -> Iterator[Target]:
    """A default box of this image."""
    borders = ground.borders
    facts = borders.images.resolve(image)
    assert facts is not None
    spec = BoxSpec(
        image_id=facts.id,
        entrypoint=("/usr/bin/probe",),
        args=("wait",),
        hostname="target",
        uid=RANGE + UID_INSIDE,
        gid=RANGE + UID_INSIDE,
    )
    box = Box(
        id=BoxId("attacker", "target", serial),
        slot=0,
        set_name="default",
        service_key="key",
        spec=spec,
        limits=Limits(cpu_max_millicores=1000, memory_max_bytes=64 * MIB, pids_max=64),
    )
    if not ground.docker_host:  # with a user namespace, whose ids begin with the range
        box = replace(box, spec=replace(spec, uid=UID_INSIDE, gid=UID_INSIDE), uid_base=RANGE)
    borders.owners.ensure("attacker", Quota())
    borders.boxes.create(box)
    try:
        borders.boxes.start(box.id)
        observed = borders.boxes.observe([box.id]).boxes[0]
        assert observed.pid
        yield Target(box, observed.pid, borders)
    finally:
        borders.boxes.stop(box.id, "SIGKILL", 0)
        borders.boxes.remove(box.id)


@pytest.fixture(scope="session")
def open_container(ground: Ground) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Runs Python as root without walls: what succeeds here is stopped by a wall, by nothing else.

    Not privileged: the engine itself may lack a capability on this host.
    """
    client = docker.APIClient(ground.docker_host, version="auto")
    config = {
        "Image": IMAGE,
        "Cmd": ["/usr/bin/probe", "wait"],
        "User": "0:0",
        "HostConfig": {
            "NetworkMode": "none",
            "CapAdd": ["SYS_ADMIN", "SYSLOG", "SYS_PTRACE"],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
            "MaskedPaths": [],
            "ReadonlyPaths": [],
            "PidsLimit": 200,
        },
    }
    made = client.create_container_from_config(config)["Id"]

    def attempt(code: str) -> tuple[int, str]:
        command = ["/usr/bin/python3", "-I", "-S", "-c", code]
        status, output = executed(client, made, command)
        return status, output.decode()

    client.start(made)
    yield attempt
    client.remove_container(made, force=True)
    client.close()
