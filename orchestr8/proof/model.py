"""Claims, readings, findings and proofs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from orchestr8.boxes.spec import BoxSpec
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import BoxId


class Verdict(Enum):
    """What the kernel says of a claim; what could not be read is never held."""

    HELD = "held"
    BROKEN = "broken"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Expectation:
    """What must be true of one running box.

    `volumes` leads from a mount target to the host path of the volume's content.
    """

    id: BoxId
    slot: int
    spec: BoxSpec
    limits: Limits
    quota: Quota
    address: str
    volumes: Mapping[str, str]
    features: Features


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo, unescaped."""

    id: int
    device: str
    root: str
    target: str
    options: frozenset[str]
    optional: tuple[str, ...]
    type: str
    source: str
    super_options: frozenset[str]


@dataclass(frozen=True)
class TaskReading:
    """One task of the box, from /proc/PID; None or missing is "could not be read".

    `status` has the lines of /proc/PID/status by their key, `namespaces` the inode numbers by
    kind, `limits` soft and hard by name, `descriptors` what fd/ points to by number.
    """

    pid: int
    start_time: int
    comm: str
    status: Mapping[str, str]
    namespaces: Mapping[str, int]
    limits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    oom_score_adj: int | None = None
    uid_map: str = ""
    gid_map: str = ""
    security_label: str | None = None
    descriptors: Mapping[int, str] = field(default_factory=dict)
    cgroups: Mapping[str, str] = field(default_factory=dict)
    scheduling: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reading:
    """The kernel's own view of one box at one moment.

    `cgroup` and `owner_cgroup` have the content of control files by name as on cgroup v2
    (`memory.max`, `memory.swap.max`, `cpu.max`, `pids.max`), whatever the version on this host.
    `masked` says of each path what is there: "absent", "null device", "empty read-only", "visible".
    `read_only` says of each path: "absent", "read-only" or "writable". `failures` has a sentence
    for each subject that could not be read.
    """

    boot_id: str
    tasks: tuple[TaskReading, ...]
    host_namespaces: Mapping[str, int]
    mounts: tuple[Mount, ...] = ()
    cgroup: Mapping[str, str] = field(default_factory=dict)
    owner_cgroup: Mapping[str, str] = field(default_factory=dict)
    cgroup_path: str = ""
    masked: Mapping[str, str] = field(default_factory=dict)
    read_only: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] | None = None
    interfaces: tuple[str, ...] | None = None
    addresses: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One claim about one box: expected, observed, verdict."""

    claim: str
    sentence: str
    expected: str
    observed: str
    verdict: Verdict


@dataclass(frozen=True)
class Proof:
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
