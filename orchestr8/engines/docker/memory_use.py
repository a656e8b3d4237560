"""How much memory a box holds that the kernel cannot take back, on cgroup v2.

There a limit below that is taken and ends the box at once; on v1 the kernel refuses it by itself.
"""

from __future__ import annotations

from orchestr8.kernel import cgroups, files

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
