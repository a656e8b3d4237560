"""Claims, readings, findings and proofs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from orchestr8.boxes.network import Element, NetworkState
from orchestr8.boxes.spec import BoxSpec
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import BoxId


class Verdict(Enum):
    """What the kernel says of a claim; what could not be read is never held."""

    HELD = "held"
    BROKEN = "broken"
    UNPROVEN = "unproven"


class Expectation(Struct, frozen=True):
    """What must be true of one running box.

    `volumes` leads from a mount target to the host path of the volume's content. `joins` names,
    for a shared namespace (pid, net, ipc), the box that is joined. `elements` is every element of
    the packet-filter table in which this box's address may stand; None where nobody says.
    """

    id: BoxId
    slot: int
    spec: BoxSpec
    limits: Limits
    quota: Quota
    address: str
    volumes: Mapping[str, str]
    features: Features
    joins: tuple[tuple[str, BoxId], ...] = ()
    elements: frozenset[Element] | None = None
    volume_sizes: Mapping[str, int] = field(default_factory=dict)


class Mount(Struct, frozen=True):
    """One line of mountinfo, unescaped.

    `host_paths` are the paths at which the host sees the same content; a mount of the box's own
    has none.
    """

    id: int
    device: str
    root: str
    target: str
    options: frozenset[str]
    optional: tuple[str, ...]
    type: str
    source: str
    super_options: frozenset[str]
    host_paths: tuple[str, ...] = ()


class TaskReading(Struct, frozen=True):
    """One task of the box, from /proc/PID; None or missing is "could not be read".

    A task is a process, or a thread whose credentials or filter differ from its process's
    (`thread_of`). `status` has the lines of /proc/PID/status by their key, `namespaces` the inode
    numbers by kind, `limits` soft and hard by the names of setrlimit(2).

    `program`, `workdir` and `root` are what exe, cwd and root point to, `*_mount` the id of the
    mount on which it lies. `descriptors` has what fd/ points to by number, `descriptor_mounts` the
    mount of those that are files, folders or devices, `foreign_sockets` the numbers of those of
    another network namespace. `loader_variables` are the names, never the values, of the
    environment that steer a loader; None except for the box's first task. `filters` are the
    programs of the system call filter, as the kernel holds them.
    """

    pid: int
    start_time: int
    comm: str
    status: Mapping[str, str]
    namespaces: Mapping[str, int]
    thread_of: int | None = None
    limits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    oom_score_adj: int | None = None
    uid_map: str = ""
    gid_map: str = ""
    security_label: str | None = None
    program: str | None = None
    program_mount: int | None = None
    workdir: str | None = None
    workdir_mount: int | None = None
    root: str | None = None
    root_mount: int | None = None
    descriptors: Mapping[int, str] | None = None
    descriptor_mounts: Mapping[int, int] = field(default_factory=dict)
    foreign_sockets: tuple[int, ...] | None = None
    loader_variables: tuple[str, ...] | None = None
    cgroups: Mapping[str, str] = field(default_factory=dict)
    scheduling: tuple[int, ...] = ()
    filters: tuple[bytes, ...] | None = None


class Reading(Struct, frozen=True):
    """The kernel's own view of one box at one moment.

    The first of `tasks` is the box's first task. `strays` are the process numbers of tasks in the
    box's pid namespace that its cgroup does not hold.

    `cgroup` and `owner_cgroup` have the content of control files by name as on cgroup v2
    (`memory.max`, `memory.swap.max`, `cpu.max`, `pids.max`), whatever the version on this host.
    `masked` says of each path what is there: "absent", "null device", "empty read-only", "visible".
    `read_only` says of each path: "absent", "read-only", "root only" (writable by uid 0 alone) or
    "writable". `devices` has each node below /dev as `null c 1:3`, `host_devices` the nodes that
    the host has under the same names; `device_programs` are those that decide about devices on
    cgroup v2, where v1 has `devices.list` among the control files. `addresses` are those of all
    interfaces.

    `network` is the packet-filter table, put here by whoever observes it, `host_parameters` the
    kernel parameters of the host that the network stands on. `selinux` is "enforcing" or
    "permissive", None where it was not read. `architecture` is `amd64` or `arm64`.
    `file_systems` has the bytes that a whole file system on a loop device can hold, by its target.
    `failures` has a sentence for each subject that could not be read.
    """

    boot_id: str
    tasks: tuple[TaskReading, ...]
    host_namespaces: Mapping[str, int]
    strays: tuple[int, ...] | None = None
    mounts: tuple[Mount, ...] = ()
    cgroup: Mapping[str, str] = field(default_factory=dict)
    owner_cgroup: Mapping[str, str] = field(default_factory=dict)
    cgroup_path: str = ""
    masked: Mapping[str, str] = field(default_factory=dict)
    read_only: Mapping[str, str] = field(default_factory=dict)
    device_programs: tuple[bytes, ...] | None = None
    devices: tuple[str, ...] | None = None
    host_devices: Mapping[str, str] = field(default_factory=dict)
    interfaces: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    network: NetworkState | None = None
    host_parameters: Mapping[str, str] = field(default_factory=dict)
    selinux: str | None = None
    architecture: str = ""
    file_systems: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


class Finding(Struct, frozen=True):
    """One claim about one box: expected, observed, verdict."""

    claim: str
    sentence: str
    expected: str
    observed: str
    verdict: Verdict


class Proof(Struct, frozen=True):
    """All findings of a box."""

    id: BoxId
    slot: int
    findings: tuple[Finding, ...]
    boot_id: str = ""

    def count(self, verdict: Verdict) -> int:
        """How many claims have this verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @property
    def verdict(self) -> Verdict:
        """Broken if any claim is, else unproven if any is, else held."""
        for verdict in (Verdict.BROKEN, Verdict.UNPROVEN):
            if self.count(verdict):
                return verdict
        return Verdict.HELD if self.findings else Verdict.UNPROVEN
