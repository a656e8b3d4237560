"""The versions of STRICT: where every box starts.

A released version never changes: boxes carry its number, and healing keeps it. A tighter default
is a new version.
"""

from __future__ import annotations

from msgspec import Struct

from orchestr8.isolation.limits import MIB, Limits
from orchestr8.isolation.profile import Scratch


class Rlimit(Struct, frozen=True):
    """A resource limit of the process: soft and hard."""

    name: str
    soft: int
    hard: int


class Strict(Struct, frozen=True):
    """The values of one version."""

    version: int
    seccomp: str
    scratch: tuple[Scratch, ...]
    masked_paths: tuple[str, ...]
    read_only_paths: tuple[str, ...]
    sysctls: tuple[tuple[str, str], ...]
    rlimits: tuple[Rlimit, ...]
    devices: tuple[str, ...]
    oom_score_adj: int
    limits: Limits
    """The maxima of a box whose manifest writes none."""
    image_env_refused: tuple[str, ...]


_MASKED_BY_ENGINES = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip
_MASKED_BY_US = (
    "/proc/config.gz", "/proc/iomem", "/proc/ioports", "/proc/kallsyms", "/proc/key-users",
    "/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/modules",
    "/proc/mtrr", "/proc/pagetypeinfo", "/proc/slabinfo", "/proc/vmallocinfo",
    "/sys/class/dmi", "/sys/devices/virtual/dmi", "/sys/fs/bpf", "/sys/fs/fuse",
    "/sys/fs/pstore", "/sys/fs/selinux", "/sys/hypervisor", "/sys/kernel", "/sys/module",
    "/sys/power",
)  # fmt: skip

STRICT_1 = Strict(
    version=1,
    seccomp="strict-1",
    scratch=(
        Scratch("/dev/shm", 16 * MIB),
        Scratch("/run", 1 * MIB),
        Scratch("/tmp", 16 * MIB),
    ),
    masked_paths=tuple(sorted(_MASKED_BY_ENGINES + _MASKED_BY_US)),
    read_only_paths=("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
    sysctls=(
        ("net.ipv4.ip_unprivileged_port_start", "0"),
        ("net.ipv4.ping_group_range", "1 0"),
    ),
    rlimits=(
        Rlimit("core", 0, 0),
        Rlimit("memlock", 65_536, 65_536),
        Rlimit("nofile", 1_024, 4_096),
    ),
    devices=("full", "null", "ptmx", "random", "tty", "urandom", "zero"),
    oom_score_adj=500,
    limits=Limits(cpu_max_millicores=500, memory_max_bytes=128 * MIB, pids_max=256),
    image_env_refused=(
        "BASH_ENV", "ENV", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "NODE_OPTIONS",
        "PYTHONSTARTUP",
    ),
)  # fmt: skip

VERSIONS = {strict.version: strict for strict in (STRICT_1,)}
NEWEST = max(VERSIONS)


def newest() -> int:
    """The version that a service gets when it is first placed."""
    return max(VERSIONS)
