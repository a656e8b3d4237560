"""How much memory a box holds that the kernel cannot take back, on cgroup v2.

There a limit below that is taken and ends the box at once; on v1 the kernel refuses it by itself.
"""

from __future__ import annotations

from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import Limits
from orchestr8.kernel import cgroups, files
from orchestr8.names import BoxId

_REVOCABLE = ("inactive_file", "active_file")


def held_bytes(pid: int) -> int | None:
    """Current use less the file cache; None on v1, or where it cannot be read."""
    try:
        membership = cgroups.parse_membership(files.read_text(f"/proc/{pid}/cgroup"))
        group = cgroups.group_of(membership, cgroups.hierarchies())
        current = group.read(cgroups.UNIFIED, "memory.current")
        statistics = group.read(cgroups.UNIFIED, "memory.stat") or ""
        if current is None:
            return None
        counted = dict(line.split() for line in statistics.split("\n") if line)
        return max(0, int(current) - sum(int(counted.get(name, 0)) for name in _REVOCABLE))
    except (OSError, ValueError):
        return None


def require_room(box_id: BoxId, pid: int, limits: Limits) -> None:
    """Raises RejectedError for a limit below what the box holds: on cgroup v2 the kernel would
    take it and kill the box at once."""
    used = held_bytes(pid)
    if used is not None and used > limits.memory_max_bytes:
        raise RejectedError(
            f"box {box_id} uses {used >> 20}MiB of memory, more than the new limit",
            "lower it less, or let the box be replaced",
        )
