"""What a box uses now, from its control groups, its owner's, and its interfaces' counters."""

from __future__ import annotations

from contextlib import suppress

from orchestr8.boxes.use import BoxUse, Traffic, Use
from orchestr8.kernel import cgroups, files
from orchestr8.kernel.cgroups import UNIFIED, Group

_RESOURCES = ("cpu", "memory", "io")
_LOOPBACK = "lo"


def use_of(pid: int) -> BoxUse | None:
    """The use of the box with this first task; None if that has ended, or has no group of its own.

    A number that this kernel does not count is 0.
    """
    try:
        if files.start_time(pid) is None:  # its group outlasts its end on version 2
            return None
        membership = cgroups.parse_membership(files.read_text(f"/proc/{pid}/cgroup"))
        group = cgroups.group_of(membership, cgroups.trees_for(membership))
        if pid <= 0 or group.path == "/" or not group.folders:
            return None
        return BoxUse(_use(group), _use(group.parent()), _traffic(pid))
    except (OSError, ValueError):
        return None


def _use(group: Group) -> Use:
    return _use_v1(group) if "memory" in group.folders else _use_v2(group)


def _use_v1(group: Group) -> Use:
    memory = _number(group.read("memory", "memory.usage_in_bytes"))
    counted = _counted(group.read("memory", "memory.stat"))
    cache = counted.get("total_inactive_file", 0) + counted.get("total_active_file", 0)
    return Use(
        memory_bytes=memory,
        held_bytes=max(memory - cache, 0),
        cpu_us=_number(group.read("cpuacct", "cpuacct.usage")) // 1000,
        pids=_number(group.read("pids", "pids.current")),
        out_of_memory=_counted(group.read("memory", "memory.oom_control")).get("oom_kill", 0),
        pressure=_pressure(group) if UNIFIED in group.folders else {},
    )


def _use_v2(group: Group) -> Use:
    memory = _number(group.read(UNIFIED, "memory.current"))
    counted = _counted(group.read(UNIFIED, "memory.stat"))
    cache = counted.get("inactive_file", 0) + counted.get("active_file", 0)
    return Use(
        memory_bytes=memory,
        held_bytes=max(memory - cache, 0),
        cpu_us=_counted(group.read(UNIFIED, "cpu.stat")).get("usage_usec", 0),
        pids=_number(group.read(UNIFIED, "pids.current")),
        out_of_memory=_counted(group.read(UNIFIED, "memory.events")).get("oom_kill", 0),
        pressure=_pressure(group),
    )


def _pressure(group: Group) -> dict[str, float]:
    """`some avg10=1.23 avg60=…`: a kernel may count no pressure, or be told not to."""
    found = {}
    for resource in _RESOURCES:
        with suppress(OSError, ValueError, IndexError):
            text = group.read(UNIFIED, f"{resource}.pressure")
            if text:
                found[resource] = float(text.split()[1].removeprefix("avg10="))
    return found


def _traffic(pid: int) -> Traffic | None:
    """The counters of a task's network namespace, which `lo` is no part of."""
    try:
        lines = files.read_text(f"/proc/{pid}/net/dev", limit=files.LARGE_BYTES).split("\n")[2:]
    except OSError:
        return None
    received = sent = 0
    for line in lines:
        name, colon, counters = line.partition(":")
        words = counters.split()
        if colon and name.strip() != _LOOPBACK and len(words) >= 9:
            received += int(words[0])
            sent += int(words[8])
    return Traffic(received, sent)


def _counted(text: str | None) -> dict[str, int]:
    lines = [line.split() for line in (text or "").split("\n")]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdecimal()}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
