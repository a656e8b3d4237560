"""A real box of the product's own making, on each engine, and a container without walls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import docker
import pytest

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.docker.borders import docker_borders
from orchestr8.engines.protocol import Borders, Exec, ExecResult
from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.names import BoxId
from orchestr8.proof.model import Expectation, Proof
from orchestr8.proof.prove import prove
from tests.hosts import engine, load_images
from tests.kernel import leftovers

UID = 9 * 65_536 + 65_532


class NoContents:
    """The box has neither files nor secrets."""

    def file(self, digest: str) -> bytes:
        raise KeyError(digest)

    def secret(self, owner: str, name: str) -> bytes:
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


@pytest.fixture(scope="session", params=["20", "28"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    with engine(request.param) as found:
        load_images(found.socket)
        yield found.docker_host


@pytest.fixture(scope="session")
def borders(endpoint: str) -> Iterator[Borders]:
    installation = f"attacks{os.getpid()}"
    yield docker_borders(endpoint, installation, NoContents())
    leftovers.remove(installation)


@pytest.fixture(scope="session")
def target(borders: Borders) -> Iterator[Target]:
    """One box for all attempts that leave nothing behind."""
    yield from _running(borders, os.getpid() * 2)


@pytest.fixture
def fresh_target(borders: Borders) -> Iterator[Target]:
    """A box of its own."""
    yield from _running(borders, os.getpid() * 2 + 1)


def _running(borders: Borders, serial: int) -> Iterator[Target]:
    facts = borders.images.resolve("probe:1")
    assert facts is not None
    spec = BoxSpec(
        image_id=facts.id,
        entrypoint=("/usr/bin/probe",),
        args=("wait",),
        hostname="target",
        uid=UID,
        gid=UID,
    )
    box = Box(
        id=BoxId("attacker", "target", serial),
        slot=0,
        set_name="default",
        service_key="key",
        spec=spec,
        limits=Limits(cpu_max_millicores=1000, memory_max_bytes=64 * MIB, pids_max=64),
    )
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
def open_container(endpoint: str) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Runs Python as root without walls: what succeeds here is stopped by a wall, by nothing else.

    Not privileged: the engine itself may lack a capability on this host.
    """
    client = docker.APIClient(endpoint, version="auto")
    config = {
        "Image": "probe:1",
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
        run = client.exec_create(made, command)["Id"]
        output = client.exec_start(run).decode()
        return client.exec_inspect(run)["ExitCode"], output

    client.start(made)
    yield attempt
    client.remove_container(made, force=True)
    client.close()
