"""The simulated machine: everything that the memory engine's protocols share."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.network import Element
from orchestr8.boxes.world import ObservedCopy, ObservedVolume, State
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.memory.clock import Clock, SystemClock
from orchestr8.engines.memory.faults import Faults
from orchestr8.engines.memory.workload import SIGKILL_STATUS, Workload
from orchestr8.engines.protocol import Happened
from orchestr8.isolation import features
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import BoxId
from orchestr8.proof.model import Reading

MIB = 1 << 20

_WHY_MISSING = {
    features.NS_USER: "the simulated machine gives boxes no user namespace of their own",
    features.NS_TIME: "the simulated machine gives boxes no time namespace of their own",
    features.LSM: "the simulated kernel has no security module",
    features.OWN_LABEL: "the simulated kernel has no SELinux",
    features.MEMORY_GUARANTEE: (
        "the simulated kernel has no memory.low; it counts at admission, and `serve` keeps it "
        "within a quota"
    ),
    features.CPU_GUARANTEE: "the simulated kernel weighs no owners; it counts at admission",
    features.IO: "the simulated machine has no block devices",
    features.BANDWIDTH: "the simulated machine has no traffic control",
    features.EDGE: "edges are not built yet",
    features.AMBIENT_CAPABILITIES: "the simulated machine sets no ambient capabilities",
}


def machine_features(*also: str) -> Features:
    """The features of a machine like the most common one, and those named."""
    missing = {word: why for word, why in _WHY_MISSING.items() if word not in also}
    return Features(
        engine="memory",
        present=features.ALL - set(missing),
        why_missing=missing,
        cpu_millicores=4_000,
        memory_bytes=8_192 * MIB,
        architecture="amd64",
        cores=(0, 1, 2, 3),
    )


class SimulatedBox(Struct, frozen=True):
    """One box at one moment."""

    box: Box
    workload: Workload
    state: State = State.CREATED
    limits: Limits = Limits()
    created_ms: int = 0
    started_ms: int = 0
    stopped_ms: int = 0
    exit_status: int | None = None
    out_of_memory: bool = False
    told_to_end: bool = False
    pid: int | None = None
    names: tuple[tuple[str, str], ...] = ()
    cores: tuple[int, ...] = ()
    """What it is held to; empty is every core."""
    runs_again: bool = False
    """Whether somebody else started it anew."""
    paused: bool = False

    def ended(self, at_ms: int, exit_status: int, out_of_memory: bool = False) -> SimulatedBox:
        """The same box after its first task has gone."""
        return replace(
            self,
            state=State.STOPPED,
            stopped_ms=at_ms,
            exit_status=exit_status,
            out_of_memory=out_of_memory,
            pid=None,
        )


class Machine(Struct):
    """All state, in this process only. Tests read and set it; the engine goes through its lock.

    `workloads` says what runs, by box id, service (`api.payments`) or image reference or id; the
    first of these that is known counts. With `any_image` a reference that nobody registered is
    made up when it is asked for, and jobs end well by themselves, which is what a first look at a
    plan needs. `lies` change what the
    witness reads of a box.
    """

    clock: Clock = field(default_factory=SystemClock)
    features: Features = field(default_factory=machine_features)
    faults: Faults = field(default_factory=Faults)
    any_image: bool = False
    engine_id: str = ""
    boot_id: str = "00000000-0000-4000-8000-000000000001"
    boxes: dict[BoxId, SimulatedBox] = field(default_factory=dict)
    images: dict[str, ImageFacts] = field(default_factory=dict)
    registry: dict[str, ImageFacts] = field(default_factory=dict)
    volumes: dict[str, ObservedVolume] = field(default_factory=dict)
    copies: dict[tuple[str, str], ObservedCopy] = field(default_factory=dict)
    network_prepared: bool = False
    elements: set[Element] = field(default_factory=set)
    listeners: dict[tuple[str, int], str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    quotas: dict[str, Quota] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    lies: dict[BoxId, Callable[[Reading], Reading]] = field(default_factory=dict)
    first_to_end: set[BoxId] = field(default_factory=set)
    keepsake: dict[str, bytes] = field(default_factory=dict)
    hearers: list[Callable[[Happened], None]] = field(default_factory=list)
    watched: dict[BoxId, Callable[[BoxId], None]] = field(default_factory=dict)
    """The boxes of whose ends somebody hears at once, and who."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _pids: Iterator[int] = field(default_factory=lambda: itertools.count(1_001))

    def register(self, facts: ImageFacts, *, present: bool = True) -> None:
        """Put an image on the machine, or only in its registry."""
        with self.lock:
            self.registry[facts.reference] = facts
            if present:
                self.images[facts.reference] = facts

    def image_by_id(self, image_id: str) -> ImageFacts | None:
        """The image that is present by this id."""
        return next((facts for facts in self.images.values() if facts.id == image_id), None)

    def workload_of(self, box: Box) -> Workload:
        """What runs in a box."""
        keys = (str(box.id), str(box.id.service_name), box.spec.image, box.spec.image_id)
        usual = Workload(exits_after_ms=0) if self.any_image and box.spec.run_once else Workload()
        return next((self.workloads[key] for key in keys if key in self.workloads), usual)

    def pid(self) -> int:
        """A pid that nobody had yet."""
        return next(self._pids)

    def settle(self) -> None:
        """Let every box end whose time has come."""
        with self.lock:
            now_ms = self.clock.now_ms()
            for box_id, box in self.boxes.items():
                after_ms = box.workload.exits_after_ms
                if box.state.runs and after_ms is not None and now_ms >= box.started_ms + after_ms:
                    self.boxes[box_id] = box.ended(
                        box.started_ms + after_ms,
                        box.workload.exit_status,
                        box.workload.out_of_memory,
                    )
                    self.tell(box_id)

    def memory_of(self, owner: str) -> int:
        """What the running boxes of an owner use, in bytes."""
        return sum(
            box.workload.memory_bytes
            for box_id, box in self.boxes.items()
            if box_id.owner == owner and box.state.runs
        )

    def tell(self, box_id: BoxId) -> None:
        """Whoever watches it, or listens, hears that a box ended."""
        if watcher := self.watched.pop(box_id, None):
            watcher(box_id)
        for heard in list(self.hearers):
            heard(Happened(f"{box_id} ended", box_id))

    def crash(
        self,
        box_id: BoxId,
        exit_status: int = SIGKILL_STATUS,
        *,
        out_of_memory: bool = False,
        told: bool = False,
    ) -> None:
        """A running box ends; by itself, unless it is told to."""
        with self.lock:
            self.settle()
            box = self.boxes[box_id]
            if box.state.runs:
                ended = box.ended(self.clock.now_ms(), exit_status, out_of_memory)
                self.boxes[box_id] = replace(ended, told_to_end=told)
                self.tell(box_id)

    def reboot(self) -> None:
        """Everything stops; boxes and volumes stay, table, cgroups, mounts and pids do not."""
        with self.lock:
            for box_id, box in self.boxes.items():
                if box.state.runs:
                    self.boxes[box_id] = box.ended(self.clock.now_ms(), SIGKILL_STATUS)
            for name, volume in self.volumes.items():
                self.volumes[name] = replace(volume, ready=volume.size_bytes is None)
            self.network_prepared = False
            self.elements.clear()
            self.quotas.clear()
            self.keepsake.clear()
            self.boot_id = f"00000000-0000-4000-8000-{self.pid():012d}"
