"""One snapshot of what exists; nobody changes it after it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from orchestr8.boxes.network import NetworkState
from orchestr8.boxes.spec import BoxSpec
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId, ServiceName


class State(Enum):
    """The OCI states of a box, in its words."""

    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"

    @property
    def can_start(self) -> bool:
        """A box runs once: only a created one may start."""
        return self is State.CREATED

    @property
    def runs(self) -> bool:
        """Whether the workload runs."""
        return self is State.RUNNING


class Health(Enum):
    """What the last probes said; SETTLING is a box without a health line in its first seconds."""

    UNKNOWN = "unknown"
    SETTLING = "settling"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"

    @property
    def good(self) -> bool:
        """Whether the box counts as working."""
        return self is Health.HEALTHY

    @property
    def open(self) -> bool:
        """Whether nobody can say yet."""
        return self in (Health.UNKNOWN, Health.SETTLING)


class Unseen(Enum):
    """Why nobody saw how a box ended; the value is said of the box."""

    CUT_OFF = "was never whole: its making was cut off"
    FOLDER = "lost its folder, and with it its image, its output and its exit status"
    MONITOR = "lost its monitor, which keeps its output and its exit status"
    REBOOT = "ended with an earlier boot of the host"
    UNSTAGED = "lost the files that were laid out for it before it was started"


class ObservedBox(Struct, frozen=True, gc=False):
    """One box as its engine and its cgroup show it. Times are milliseconds since the epoch, 0 where
    nobody knows.

    `spec` is None where the label could not be read. `pid` is the first task's, with the start
    time from /proc, so that a reused pid is not taken for it.
    """

    id: BoxId
    state: State
    spec: BoxSpec | None
    slot: int
    set_name: str
    service_key: str
    address: str = ""
    limits: Limits | None = None
    joins: tuple[tuple[str, BoxId], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    cores: tuple[int, ...] = ()
    """The cores that it may run on; empty where it may run on every one, or nobody knows."""
    runs_again: bool = False
    """Whether somebody else started it anew, or told its engine to: a box runs once."""
    paused: bool = False
    """Whether somebody holds all of it still: it runs and does nothing."""
    created_ms: int = 0
    started_ms: int = 0
    stopped_ms: int = 0
    exit_status: int | None = None
    unseen: Unseen | None = None
    out_of_memory: bool = False
    pid: int | None = None
    engine_id: str = ""
    """The engine's own identifier, for messages and comparison only."""
    uid_base: int = 0
    """Its service's uid range and virtual address, where the box carries them; else 0 and empty."""
    service_address: str = ""
    stop: Stop | None = None
    """How it was to be asked to end when it was made, where the box carries that."""


class ObservedVolume(Struct, frozen=True):
    """A volume of ours on the engine; `path` is where its content lies on this host.

    `size_bytes` is None for one without a size; `ready` is false while the file system of one that
    has a size is not mounted. `created_ms` is milliseconds since the epoch, `service` whose data it
    is, None where that is not known.
    """

    name: str
    owner: str
    volume: str
    uid: int
    path: str = ""
    size_bytes: int | None = None
    ready: bool = True
    created_ms: int = 0
    service: ServiceName | None = None


class ObservedCopy(Struct, frozen=True):
    """A copy of a volume. `name` is the volume's on the engine, `label` the copy's own.

    `made_ms` is milliseconds since the epoch, `size_bytes` None for one without a size.
    """

    name: str
    label: str
    owner: str
    volume: str
    uid: int
    size_bytes: int | None = None
    made_ms: int = 0


class Observation(Struct, frozen=True):
    """What an engine says in one call: all of this installation's boxes."""

    boxes: tuple[ObservedBox, ...]
    boot_id: str = ""


class Installation(Struct, frozen=True):
    """What an engine carries of one installation, this one's or another's.

    `homes` are the state folders that its boxes name, `ranges` the boxes' addresses that its
    network has, or empty.
    """

    id: str
    boxes: int = 0
    running: int = 0
    volumes: int = 0
    homes: tuple[str, ...] = ()
    subnet: str = ""


class World(Struct, frozen=True):
    """Everything that a plan is compared with."""

    boxes: tuple[ObservedBox, ...]
    volumes: tuple[ObservedVolume, ...]
    network: NetworkState
    features: Features
    health: Mapping[BoxId, Health] = field(default_factory=dict)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    """What the owners' cgroups carry now; an owner without one is missing."""
    held: Mapping[BoxId, int] = field(default_factory=dict)
    """Of boxes whose maximum shall become less: the memory that the kernel cannot take back, in
    bytes."""
    held_by_owners: Mapping[str, int] = field(default_factory=dict)
    """The same of all boxes of an owner whose quota shall become less."""
    images: frozenset[str] = frozenset()
    """The image ids that are present."""
    ports_taken: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Host addresses and ports on which others listen, with who it is where known."""
    addresses_absent: frozenset[str] = frozenset()
    """Addresses of ports that shall be published, which the host does not have."""
