"""An engine with a few programs on it, in words that all engines have."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.network import Ranges
from orchestr8.boxes.world import ObservedBox
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.docker.borders import RUN_FOLDER, docker_borders
from orchestr8.engines.docker.network import network_name
from orchestr8.engines.joined import Joined
from orchestr8.engines.memory.clock import FakeClock
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.protocol import Borders
from orchestr8.errors import UnavailableError
from orchestr8.host.mounts import RunFolder
from orchestr8.isolation.features import SHARED_NAMESPACES
from orchestr8.isolation.limits import Quota
from orchestr8.names import BoxId
from tests.conformance import ports
from tests.conformance.programs import PROGRAMS, Contents, Program
from tests.conformance.proxy import proxy
from tests.conformance.registry import registry
from tests.engines.boxes import box
from tests.hosts import Engine

_UID_FIRST = 1_048_576 + 65_532
ABSENT = "192.0.2.7"
"""An address that no host has."""


class Bench(ABC):
    """One engine, an installation of its own on it, and what it leaves outside of itself."""

    def __init__(self, name: str, borders: Borders, address: str) -> None:
        self.name = name
        self.borders = borders
        self._address = address
        # box ids are names on an engine, and others may have boxes there
        self._serial_first = secrets.randbelow(10**6) * 1000
        self._numbers = itertools.count(1)
        self._made: list[BoxId] = []

    installation: str

    @property
    def boxes(self) -> Any:
        """Boxes, with their optional protocols."""
        return self.borders.boxes

    def box(self, program: str = "wait", owner: str = "web", **settings: Any) -> Box:
        """A fresh box of this program, with these settings."""
        chosen = PROGRAMS[program]
        number = next(self._numbers)
        serial = self._serial_first + number
        facts = self.borders.images.resolve(chosen.image)
        assert facts, f"{chosen.image} is not on {self.name}"
        if "uid" in settings:
            settings.setdefault("gid", settings["uid"])
        made = box(
            f"{owner}--front--{serial}",
            image=chosen.image,
            image_id=facts.id,
            entrypoint=chosen.command,
            args=(),
            **(self.ids(number) | settings),
        )
        if made.spec.networked and not made.joins:
            made = replace(made, address=self._address.format(number % 250 + 4))
        self._prepare(made, chosen)
        self._made.append(made.id)
        return made

    @property
    def shares(self) -> bool:
        """Whether boxes can join one another's namespaces; an engine that cannot says so."""
        return bool(self.boxes.features().has(SHARED_NAMESPACES))

    def ids(self, number: int) -> dict[str, int]:
        """The ids of this bench's box of so many: its own on the host."""
        uid = _UID_FIRST + number * 65_536
        return {"uid": uid, "gid": uid}

    def run(self, made: Box) -> ObservedBox:
        """Create and start."""
        self.boxes.create(made)
        self.boxes.start(made.id)
        return self.see(made)

    def see(self, made: Box) -> ObservedBox:
        """The box as it is now; it must exist."""
        found = self.boxes.observe([made.id]).boxes
        assert [one.id for one in found] == [made.id]
        return found[0]  # type: ignore[no-any-return]

    def see_ended(self, made: Box) -> ObservedBox:
        """The box after it has ended by itself."""
        deadline = time.monotonic() + 60
        while (found := self.see(made)).state.runs:
            assert time.monotonic() < deadline, f"{made.id} still runs"
            time.sleep(0.02)
        return found

    def clear(self) -> None:
        """Take every box of this bench away."""
        for box_id in reversed(self._made):
            self.boxes.stop(box_id, "SIGKILL", 0)
            self.boxes.remove(box_id)
        self._made.clear()

    def forget(self, boxes: Sequence[Box]) -> None:
        """Boxes that somebody took away, so that nobody does it once more at the end."""
        gone = {one.id for one in boxes}
        self._made = [box_id for box_id in self._made if box_id not in gone]

    def ready(self) -> None:
        """What any plan does before its first box."""
        self.borders.network.prepare()
        for owner in ("web", "data"):
            self.borders.owners.ensure(owner, Quota(2_000, 1 << 30, pids=900))

    @abstractmethod
    def await_signals(self, found: ObservedBox) -> None:
        """Wait until the box's program has said what it does with SIGTERM."""

    @abstractmethod
    def now_ms(self) -> int:
        """The engine's clock."""

    @abstractmethod
    def away(self) -> contextlib.AbstractContextManager[tuple[Borders, Callable[[], None]]]:
        """The same installation while its engine is away, and what brings the engine back."""

    @abstractmethod
    def registry(self) -> contextlib.AbstractContextManager[str]:
        """The name of a registry that has the image `tiny:1`, and no other."""

    @abstractmethod
    def taken(self) -> contextlib.AbstractContextManager[Sequence[tuple[str, int]]]:
        """Addresses and ports of the host: somebody listens there, or another installation has
        published them."""

    def attached(
        self, made: Box, *command: str, left: Callable[[bytes], bool] = lambda _: False
    ) -> tuple[int, bytes]:
        """A joined command's status, and what it wrote to either of somebody's outputs; `left` says
        after how much they go away."""
        with tempfile.TemporaryFile() as written, Path("/dev/null").open("rb") as nothing:

            def said() -> bytes:
                return os.pread(written.fileno(), 1 << 16, 0)

            joined = Joined(
                nothing.fileno(), written.fileno(), written.fileno(), lambda: left(said())
            )
            return self.boxes.execute_attached(made.id, command, joined), said()

    @abstractmethod
    def footprint(self) -> object:
        """Everything that a box can leave behind, comparable."""

    @abstractmethod
    def _prepare(self, made: Box, program: Program) -> None: ...


class MemoryBench(Bench):
    """The simulation, with a clock that jumps."""

    installation = "simulated"

    def __init__(self) -> None:
        self.machine = Machine(clock=FakeClock(), absent=frozenset({ABSENT}))
        for number, image in enumerate(sorted({one.image for one in PROGRAMS.values()})):
            self.machine.register(ImageFacts(image, f"sha256:{number:064}"))
        neighbours = {self.installation: self.machine, "another": Machine()}
        borders = memory_borders(self.machine, Contents(), neighbours)
        super().__init__("memory", borders, "10.231.0.{}")

    def await_signals(self, found: ObservedBox) -> None:
        pass

    def now_ms(self) -> int:
        return self.machine.clock.now_ms()

    @contextmanager
    def away(self) -> Iterator[tuple[Borders, Callable[[], None]]]:
        error = UnavailableError("the simulated engine is away", "start it")
        self.machine.faults.order(Fault("*", error, times=None))
        try:
            yield self.borders, self.machine.faults.clear
        finally:
            self.machine.faults.clear()

    @contextmanager
    def registry(self) -> Iterator[str]:
        facts = ImageFacts("registry.test/tiny:1", "sha256:" + "7" * 64)
        self.machine.register(facts, present=False)
        yield "registry.test"
        self.machine.images.pop(facts.reference, None)

    @contextmanager
    def taken(self) -> Iterator[Sequence[tuple[str, int]]]:
        self.machine.listeners["127.0.0.1", 4_711] = "somebody"
        yield [("127.0.0.1", 4_711)]
        self.machine.listeners.clear()

    def footprint(self) -> object:
        return sorted(self.machine.boxes), sorted(self.machine.volumes)

    def _prepare(self, made: Box, program: Program) -> None:
        self.machine.workloads[str(made.id)] = program.simulated


class DockerBench(Bench):
    """A real engine. Its bridge and address range are this bench's own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.installation = f"t{secrets.token_hex(4)}"
        free = free_network()
        ranges = Ranges(f"10.{free}.0.0/17", f"10.{free}.128.0/17")
        borders = docker_borders(engine.docker_host, self.installation, Contents(), ranges)
        super().__init__(f"docker{engine.name}", borders, f"10.{free}.0.{{}}")
        self.client = docker.APIClient(engine.docker_host, version="auto")

    def ready(self) -> None:
        super().ready()
        RunFolder(RUN_FOLDER / self.installation).ensure()  # the first box makes it, and it stays

    def await_signals(self, found: ObservedBox) -> None:
        await_decision(found, "runc")

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    @contextmanager
    def away(self) -> Iterator[tuple[Borders, Callable[[], None]]]:
        # sockets need short paths
        with tempfile.TemporaryDirectory() as folder, proxy(Path(folder), self.engine.socket) as it:
            borders = docker_borders(it.url, self.installation, Contents())
            it.go()
            yield borders, it.come

    @contextmanager
    def registry(self) -> Iterator[str]:
        with registry(self.boxes.features().architecture) as name:
            yield name
            with contextlib.suppress(docker.errors.ImageNotFound):
                self.client.remove_image(f"{name}/tiny:1", force=True)

    def taken(self) -> contextlib.AbstractContextManager[Sequence[tuple[str, int]]]:
        return ports.taken()

    def attach_command(self, made: Box, *command: str) -> list[str]:
        """What runs a joined command in a process of its own, whose input and output it takes."""
        arguments = [self.engine.docker_host, self.installation, str(made.id), json.dumps(command)]
        return [sys.executable, "-c", _ATTACH, *arguments, *filter(None, sys.path)]

    def footprint(self) -> object:
        # others may work on the same engine meanwhile, so only what is marked as ours counts
        label = {"label": f"orchestr8.installation={self.installation}"}
        containers = self.client.containers(all=True, quiet=True, filters=label)
        networks = self.client.networks(filters=label)
        volumes = self.client.volumes(filters=label)["Volumes"] or []
        run = RUN_FOLDER / self.installation
        files = [p for name in ("boxes", "binds") for p in (run / name).rglob("*")]
        mounts = [
            line.split()[4]
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if self.installation in line
        ]
        return (
            sorted(str(one["Id"]) for one in containers),
            sorted(str(one["Id"]) for one in networks),
            sorted(str(one["Name"]) for one in volumes),
            sorted(map(str, files)),
            sorted(mounts),
        )

    def inspect(self, made: Box) -> dict[str, Any]:
        """The container by Docker's own words."""
        return dict(self.client.inspect_container(str(made.id)))

    @contextmanager
    def foreign_container(self) -> Iterator[str]:
        """Somebody else's container that runs."""
        made = self.client.create_container("probe:1", ["/usr/bin/probe", "wait"],
                                            network_disabled=True)  # fmt: skip
        self.client.start(made["Id"])
        try:
            yield made["Id"]
        finally:
            self.client.remove_container(made["Id"], force=True)

    def take_down(self) -> None:
        """Remove all that this installation made."""
        self.clear()
        label = {"label": f"orchestr8.installation={self.installation}"}
        for one in self.client.containers(all=True, quiet=True, filters=label):
            self.client.remove_container(one["Id"], force=True, v=True)
        for volume in self.client.volumes(filters=label)["Volumes"] or []:
            self.client.remove_volume(volume["Name"])
        self.borders.network._host.remove_all()  # type: ignore[attr-defined]
        for network in self.client.networks(names=[network_name(self.installation)]):
            self.client.remove_network(network["Id"])
        for owner in self.borders.owners.quotas():
            self.borders.owners.remove(owner)  # type: ignore[attr-defined]
        unmount(RUN_FOLDER / self.installation)
        self.client.close()

    def _prepare(self, made: Box, program: Program) -> None:
        pass


_ATTACH = """
import json, sys
sys.path[:0] = sys.argv[5:]
from orchestr8.engines.docker.borders import docker_borders
from orchestr8.engines.joined import Joined
from orchestr8.names import BoxId
from tests.conformance.programs import Contents
borders = docker_borders(sys.argv[1], sys.argv[2], Contents())
box, command = BoxId.parse(sys.argv[3]), json.loads(sys.argv[4])
sys.exit(borders.boxes.execute_attached(box, command, Joined()))
"""


def await_decision(found: ObservedBox, runtime: str) -> None:
    """Waits until a box's first task, and no more the runtime, catches or ignores SIGTERM."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = Path(f"/proc/{found.pid}/status").read_text()
        masks = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
        decided = int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16)
        of_the_box = not masks["Name"].startswith(runtime)  # which catches all
        if of_the_box and decided >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)
    raise AssertionError(f"{found.id} says nothing about SIGTERM")


def free_network() -> int:
    """A number N for which this machine has no route to 10.N.0.0."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    taken = {int(line.split()[1], 16) & 0xFFFF for line in routes}
    free = [number for number in range(212, 230) if number << 8 | 10 not in taken]
    return secrets.choice(free)


def unmount(path: Path) -> None:
    """The run folder of a test is not kept until a reboot."""
    from orchestr8.host import mount_calls, mounts

    run = RunFolder(path)
    mounts.release(run.shown)
    while mount_calls.unmount(str(run.path)):
        pass
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):  # all of them, where the folder is no mount
        if point.startswith(f"{run.path}/"):
            mount_calls.unmount(point)
    if run.path.is_dir():
        shutil.rmtree(run.path)


def said(bench: Bench, made: Box, *command: str) -> str:
    """What a command in a box prints."""
    result = bench.boxes.execute(made.id, command, 10_000)
    return (result.stdout + result.stderr).decode().strip()  # type: ignore[no-any-return]


def label(found: dict[str, Any], key: str) -> Any:
    """A label of ours, decoded where it is JSON."""
    text = found["Config"]["Labels"][f"orchestr8.{key}"]
    return json.loads(text) if text[:1] in "[{" else text
